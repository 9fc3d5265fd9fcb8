//! The upgrade of the running daemon on request.

use crate::rpc::interface::{CallProgress, Daemon, Outcome};
use crate::rpc::parameters;
use crate::rpc::pending::PendingAction;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.upgrade(trial=false)`
pub fn upgrade(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let is_trial = !parameters.is_empty() && parameters::wait(parameters, 0);
    match daemon.supervisor.ask_for_upgrade(is_trial) {
        Some(ending) => Ok(CallProgress::Pending(PendingAction::Job(ending))),
        None => {
            let detail = "an upgrade is under way already: ask again when it has ended";
            Err(Fault::with(FaultCode::Failed, detail))
        }
    }
}
