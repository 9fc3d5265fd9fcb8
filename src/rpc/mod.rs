//! The XML-RPC interface: from the body of a request to the body of an answer.
//!
//! [`methods`] is the one table of what may be called. A method answers at once
//! or leaves a [`deferred::Deferred`] that is asked again ([`poll`]) when a
//! process has changed its state; nothing here waits.

pub mod configuration;
pub mod deferred;
pub mod help;
pub mod information;
pub mod interface;
pub mod logs;
pub mod methods;
pub mod names;
pub mod parameters;
pub mod poll;
pub mod signals;
pub mod start;
pub mod stop;
pub mod system;

use crate::config::limits::Limits;
use crate::http::content::Content;
use crate::loggers::level::Level;
use crate::reactor::Reactor;
use crate::xmlrpc::call::Call;
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::response;

use deferred::Deferred;
use interface::{Answer, Daemon, dispatch, written};

/// What becomes of a request.
#[derive(Debug)]
pub enum Reply {
    /// The body of a response with status 200.
    Body(Content),
    /// This HTTP status: the request could not be read.
    Status(u16),
    /// The answer comes later.
    Later {
        /// Which method was called.
        method: String,
        /// What it waits for.
        deferred: Deferred,
    },
}

/// Handles the body of a request to `/RPC2`, within the limits of its server.
pub fn handle(daemon: &mut Daemon<'_>, body: &[u8], limits: &Limits) -> Reply {
    let call = match Call::read_within(body, limits.depth) {
        Ok(call) => call,
        Err(error) => {
            daemon.reactor.log.error(format_args!(
                "XML-RPC request of {} bytes is invalid: {error}",
                body.len()
            ));
            return Reply::Status(400);
        }
    };
    daemon.reactor.log.log(
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
            Reply::Body(answer(daemon.reactor, &call.method, Ok(written(&value))))
        }
        Ok(Answer::Written(content)) => {
            Reply::Body(answer(daemon.reactor, &call.method, Ok(content)))
        }
        Err(fault) => Reply::Body(answer(daemon.reactor, &call.method, Err(fault))),
    }
}

/// The body of the response that tells the result, which is also logged.
pub fn answer(reactor: &mut Reactor, method: &str, result: Result<Content, Fault>) -> Content {
    if reactor.log.enabled(Level::Trace) {
        let outcome = match &result {
            Ok(_) => "successfully".to_owned(),
            Err(fault) => format!("fault: [{}] {}", fault.code, fault.text),
        };
        reactor.log.log(
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
