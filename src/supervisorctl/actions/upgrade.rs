//! `upgrade`: supervisord becomes the program that stands now where it was started from.

use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::manner::Manner;
use crate::supervisorctl::session::Session;
use crate::text::plain;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// `upgrade [--check]`
pub fn upgrade(session: &mut Session, manner: Manner) -> Result<(), Failure> {
    let parameters = match manner.is_dry {
        true => vec![Value::Bool(true)],
        false => Vec::new(),
    };
    match session.try_call("upgrade", &parameters)? {
        Ok(reply) => session.print(&plain::shown(&reply.text()?)),
        Err(fault) if fault.is(FaultCode::UnknownMethod) => session
            .refuse("ERROR: this supervisord cannot be upgraded while it runs; restart it instead"),
        Err(fault) if fault.is(FaultCode::Failed) => {
            let (_, reason) = fault.text.split_once(": ").unwrap_or_default();
            session.refuse(&format!("ERROR: {}", plain::shown(reason)))
        }
        Err(fault) => Err(CallError::Fault(fault).into()),
    }
}
