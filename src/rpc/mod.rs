//! The XML-RPC interface: from the body of a request to the body of an answer.
//!
//! [`methods`] is the one table of what may be called. A method answers at once
//! or leaves a [`deferred::Deferred`] that is asked again ([`poll`]) when a
//! process has changed its state; nothing here waits. What takes several steps is
//! a [`job`], which goes on without its caller.

pub mod configuration;
pub mod deferred;
pub mod help;
pub mod information;
pub mod interface;
pub mod job;
pub mod listing;
pub mod logs;
pub mod methods;
pub mod names;
pub mod parameters;
pub mod poll;
pub mod restart;
pub mod signals;
pub mod start;
pub mod steps;
pub mod stop;
pub mod system;

use std::borrow::Cow;

use crate::config::limits::Limits;
use crate::http::content::Content;
use crate::log_level::Level;
use crate::loop_context::LoopContext;
use crate::xmlrpc::call::{Call, CallError};
use crate::xmlrpc::document::Reading;
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::reader::ParseError;
use crate::xmlrpc::response;

use deferred::Deferred;
use interface::{Answer, Daemon, dispatch, written};

/// What becomes of a request.
#[derive(Debug)]
pub enum Reply {
    /// The body of a response with status 200.
    Body(Content),
    /// The request could not be read.
    NoCall,
    /// The answer comes later.
    Later {
        /// Which method was called.
        method: String,
        /// What it waits for.
        deferred: Deferred,
    },
}

/// The body of a request to `/RPC2` on its way to a call. A long one is read a
/// slice at each turn of the loop.
#[derive(Debug)]
pub struct Body {
    reading: Result<Reading<'static>, ParseError>,
    size: usize,
    limits: Limits,
}

impl Body {
    /// A body as it came, and the limits of its server.
    pub fn new(bytes: Vec<u8>, limits: Limits) -> Body {
        let size = bytes.len();
        Body {
            reading: Reading::new(Cow::Owned(bytes), limits.depth),
            size,
            limits,
        }
    }

    /// Its length in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Reads a slice, and makes the call if that was the last; `None` if not.
    pub fn go_on(&mut self, daemon: &mut Daemon<'_>) -> Option<Reply> {
        let document = match &mut self.reading {
            Ok(reading) => reading.go_on(),
            Err(error) => Err(*error),
        };
        let call = document.transpose()?;
        let call = call.map_err(CallError::Unmarshallable);
        Some(match call.and_then(Call::from_document) {
            Ok(call) => handle(daemon, call, &self.limits),
            Err(error) => {
                daemon.context.log.error(format_args!(
                    "XML-RPC request of {} bytes is invalid: {error}",
                    self.size
                ));
                Reply::NoCall
            }
        })
    }
}

/// Makes a call, within the limits of its server.
fn handle(daemon: &mut Daemon<'_>, call: Call, limits: &Limits) -> Reply {
    daemon.context.log.log(
        Level::Trace,
        format_args!("XML-RPC method called: {}()", call.method),
    );
    let outcome = system::check_calls(&call, limits.calls)
        .and_then(|()| dispatch(daemon, &call.method, &call.params));
    match outcome {
        Ok(Answer::Later(deferred)) => Reply::Later {
            method: call.method,
            deferred,
        },
        Ok(Answer::Done(value)) => {
            Reply::Body(answer(daemon.context, &call.method, Ok(written(&value))))
        }
        Ok(Answer::Written(content)) => {
            Reply::Body(answer(daemon.context, &call.method, Ok(content)))
        }
        Err(fault) => Reply::Body(answer(daemon.context, &call.method, Err(fault))),
    }
}

/// The body of the response that tells the result, which is also logged.
pub fn answer(context: &mut LoopContext, method: &str, result: Result<Content, Fault>) -> Content {
    if context.log.enabled(Level::Trace) {
        let outcome = match &result {
            Ok(_) => "successfully".to_owned(),
            Err(fault) => format!("fault: [{}] {}", fault.code, fault.text),
        };
        context.log.log(
            Level::Trace,
            format_args!("XML-RPC method {method}() returned {outcome}"),
        );
    }
    let mut body = Content::default();
    match result {
        Ok(value) => {
            body.text().push_str(response::BEGIN);
            body.append(value);
            body.text().push_str(response::END);
        }
        Err(fault) => response::push_fault_response(body.text(), &fault),
    }
    body
}
