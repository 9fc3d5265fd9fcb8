//! Signalling processes on request: the process only, never its process group.

use crate::rpc::interface::{CallProgress, Daemon, Outcome};
use crate::rpc::names::{self, Named};
use crate::rpc::parameters;
use crate::signal::Signal;
use crate::text::integer::Integer;
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.signalProcess(name, signal)`
pub fn signal_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let signal = signal(parameters, 1)?;
    let id = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => process.id(),
        Named::Group(group) => {
            let ids = group.by_priority();
            return Ok(signal_several(daemon, &ids, &signal));
        }
    };
    signal_one(daemon, id, name, &signal)?;
    Ok(Value::Bool(true).into())
}

/// `supervisor.signalProcessGroup(name, signal)`
pub fn signal_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let group = names::group(daemon.supervisor, parameters::string(parameters, 0)?)?;
    let ids = group.by_priority();
    Ok(signal_several(daemon, &ids, &signal(parameters, 1)?))
}

/// `supervisor.signalAllProcesses(signal)`
pub fn signal_all(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let ids = daemon.supervisor.processes_by_priority();
    Ok(signal_several(daemon, &ids, &signal(parameters, 0)?))
}

/// A signal by number, decimal string or name. One that there is not is a fault
/// that is told only after the name was looked up; of the wrong type, at once.
fn signal(parameters: &[Value], place: usize) -> Result<Result<Signal, Fault>, Fault> {
    let value = parameters.get(place).unwrap_or(&Value::Nil);
    let (signal, shown) = match value {
        Value::Int(number) => (Signal::from_number(*number), number.to_string()),
        Value::Bool(flag) => (Signal::from_number(i64::from(*flag)), flag.to_string()),
        Value::Double(number) if number.is_finite() => (
            Signal::from_number(*number as i64),
            parameters::in_pythons_notation(value),
        ),
        Value::String(text) => {
            let number = Integer::decimal(text).map(|number| number.saturated());
            let by_number = number.and_then(Signal::from_number);
            (by_number.or_else(|| Signal::from_name(text)), text.clone())
        }
        _ => return Err(Fault::new(FaultCode::IncorrectParameters)),
    };
    Ok(signal.ok_or_else(|| Fault::with(FaultCode::BadSignal, shown)))
}

/// Only processes that can be signalled are told of.
fn signal_several(
    daemon: &mut Daemon<'_>,
    ids: &[ProcessId],
    signal: &Result<Signal, Fault>,
) -> CallProgress {
    let mut statuses = Vec::new();
    for &id in ids {
        let Some(process) = daemon.supervisor.groups.process(id) else {
            continue;
        };
        if !process.machine().state().is_signallable() {
            continue;
        }
        let name = names::shown(process);
        let result = signal_one(daemon, id, &name, signal);
        statuses.push(names::status(daemon.supervisor, id, result));
    }
    Value::Array(statuses).into()
}

fn signal_one(
    daemon: &mut Daemon<'_>,
    id: ProcessId,
    name: &str,
    signal: &Result<Signal, Fault>,
) -> Result<(), Fault> {
    let signal = signal.clone()?;
    let process = daemon
        .supervisor
        .groups
        .process(id)
        .ok_or_else(|| names::bad_name(name))?;
    if !process.machine().state().is_signallable() {
        return Err(Fault::with(FaultCode::NotRunning, name));
    }
    daemon
        .supervisor
        .signal(daemon.context, id, signal)
        .map_err(|text| Fault::with(FaultCode::Failed, text))
}
