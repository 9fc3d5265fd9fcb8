//! Disabling processes, and enabling them again.

use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::names::{self, Named};
use crate::rpc::parameters;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.disableProcess(name)`
pub fn disable(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    set(daemon, parameters, true)
}

/// `supervisor.enableProcess(name)`
pub fn enable(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    set(daemon, parameters, false)
}

fn set(daemon: &mut Daemon<'_>, parameters: &[Value], is_disabled: bool) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let (ids, is_group) = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => (vec![process.id()], false),
        Named::Group(group) => (daemon.supervisor.by_priority(group), true),
    };
    let set = daemon
        .supervisor
        .set_disabled(daemon.context, &ids, is_disabled);
    set.map_err(|text| Fault::with(FaultCode::Failed, text))?;
    if !is_group {
        return Ok(Value::Bool(true).into());
    }
    let statuses = ids.into_iter();
    let statuses = statuses.map(|id| names::status(daemon.supervisor, id, Ok(())));
    Ok(Value::Array(statuses.collect()).into())
}
