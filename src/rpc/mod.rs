//! The XML-RPC interface: from the body of a request to the body of an answer.
//!
//! [`methods`] is the one table of what may be called. A method answers at once
//! or leaves a [`pending::PendingAction`] that is asked again ([`poll`]) when a
//! process has changed its state; nothing here waits. What takes several steps is
//! a [`job`], which goes on without its caller.

pub mod configuration;
pub mod dependencies;
pub mod difference;
pub mod disabled;
pub mod explain;
pub mod figures;
pub mod information;
pub mod interface;
pub mod job;
pub mod listing;
pub mod log_files;
pub mod logs;
pub mod methods;
pub mod names;
pub mod parameters;
pub mod pending;
pub mod poll;
pub mod resize;
pub mod restart;
pub mod rolling;
pub mod scale;
pub mod signals;
pub mod start;
pub mod steps;
pub mod stop;
pub mod system;
pub mod update;
pub mod upgrade;
pub mod wait;

use std::borrow::Cow;

use crate::config::limits::Limits;
use crate::http::access::Access;
use crate::http::content::Content;
use crate::log_level::Level;
use crate::loop_context::LoopContext;
use crate::xmlrpc::call::{Call, CallError};
use crate::xmlrpc::document::Reading;
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::reader::ParseError;
use crate::xmlrpc::response;

use interface::{Answer, Daemon, Outcome, dispatch};

/// The body of a request to `/RPC2` on its way to a call. A long one is read a
/// slice at each turn of the loop.
#[derive(Debug)]
pub struct IncomingCall {
    reading: Result<Reading<'static>, ParseError>,
    size: usize,
    limits: Limits,
    access: Access,
}

impl IncomingCall {
    /// A body as it came, the limits of its server, and what its client may do.
    pub fn new(body: Vec<u8>, limits: Limits, access: Access) -> IncomingCall {
        let size = body.len();
        IncomingCall {
            reading: Reading::new(Cow::Owned(body), limits.depth),
            size,
            limits,
            access,
        }
    }

    /// The body's length in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Reads a slice, and makes the call if that was the last; `None` if not. The name of
    /// the method comes with its outcome.
    pub fn go_on(
        &mut self,
        daemon: &mut Daemon<'_>,
    ) -> Option<Result<(String, Outcome), CallError>> {
        let document = match &mut self.reading {
            Ok(reading) => reading.go_on(),
            Err(error) => Err(*error),
        };
        let document = document.map_err(CallError::Unmarshallable).transpose()?;
        daemon.access = self.access;
        let made = document.and_then(Call::from_document).map(|call| {
            daemon.context.log.log(
                Level::Trace,
                format_args!("XML-RPC method called: {}()", call.method),
            );
            let outcome = system::check_calls(&call, self.limits.calls)
                .and_then(|()| dispatch(daemon, &call.method, &call.params));
            (call.method, outcome)
        });
        if let Err(error) = &made {
            daemon.context.log.error(format_args!(
                "XML-RPC request of {} bytes is invalid: {error}",
                self.size
            ));
        }
        Some(made)
    }
}

/// The body of the response that tells the result, which is also logged.
pub fn response(context: &mut LoopContext, method: &str, result: Result<Answer, Fault>) -> Content {
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
        Ok(answer) => {
            body.text().push_str(response::BEGIN);
            body.append(answer.written());
            body.text().push_str(response::END);
        }
        Err(fault) => response::push_fault_response(body.text(), &fault),
    }
    body
}

#[cfg(test)]
mod tests;
