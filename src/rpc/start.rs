//! Starting processes on request.

use crate::process::command::CommandError;
use crate::process::machine::{Input, Machine};
use crate::rpc::interface::{CallProgress, Daemon, Outcome};
use crate::rpc::names::{self, Named};
use crate::rpc::parameters;
use crate::rpc::pending::{AwaitedProcess, Goal, PendingAction, Slot};
use crate::states::ProcessState;
use crate::supervisor::dependencies::Asked;
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.startProcess(name, wait=true)`
pub fn start_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let wait = parameters::wait(parameters, 1);
    let id = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => process.id(),
        Named::Group(group) => {
            let ids = daemon.supervisor.by_priority(group);
            return Ok(start_several(daemon, ids, &[], wait));
        }
    };
    match start_one(daemon, id, name, wait) {
        Some(result) => result.map(|()| Value::Bool(true).into()),
        None => Ok(CallProgress::Pending(PendingAction::Process(awaited(
            id, name,
        )))),
    }
}

/// `supervisor.startProcessGroup(name, wait=true)`
pub fn start_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let group = names::group(daemon.supervisor, parameters::string(parameters, 0)?)?;
    let ids = daemon.supervisor.by_priority(group);
    let wait = parameters::wait(parameters, 1);
    Ok(start_several(daemon, ids, &[], wait))
}

/// `supervisor.startAllProcesses(wait=true)`
pub fn start_all(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let ids = daemon.supervisor.processes_by_priority();
    let wait = parameters::wait(parameters, 0);
    Ok(start_several(daemon, ids, &[], wait))
}

/// Whether a process that was started has come up, or why it has not; `None` while it may. A
/// oneshot has when it has ended as expected.
pub fn poll(daemon: &mut Daemon<'_>, id: ProcessId, name: &str) -> Option<Result<(), Fault>> {
    let process = match daemon.supervisor.groups.process(id) {
        Some(process) => process,
        None => return Some(Err(Fault::with(FaultCode::AbnormalTermination, name))),
    };
    if daemon.supervisor.waits(id) {
        return None;
    }
    if let Some(reason) = daemon.supervisor.start_failure(id) {
        return Some(Err(not_started(name, reason)));
    }
    let machine = process.machine();
    if process.config().is_oneshot() {
        return result_of_oneshot(machine, name);
    }
    // It was up, and its time may be over before anybody looks.
    if machine.is_out_of_time() {
        return Some(Ok(()));
    }
    if !machine.spawn_error().is_empty() {
        return Some(Err(Fault::with(FaultCode::SpawnError, name)));
    }
    match machine.state() {
        ProcessState::Running => Some(Ok(())),
        ProcessState::Starting => None,
        // It was up at once, and may have ended before anybody looks.
        ProcessState::Exited if process.config().startsecs <= 0 => Some(Ok(())),
        _ => Some(Err(Fault::with(FaultCode::AbnormalTermination, name))),
    }
}

/// What a oneshot has come to; `None` while it runs, or is to be tried again.
fn result_of_oneshot(machine: &Machine, name: &str) -> Option<Result<(), Fault>> {
    let is_under_way = match machine.state() {
        ProcessState::Exited => return Some(Ok(())),
        ProcessState::Starting => true,
        ProcessState::Backoff => machine.waits_for_restart(),
        _ => machine.is_out_of_time(),
    };
    if is_under_way {
        return None;
    }
    let (reason, code) = (machine.spawn_error(), FaultCode::AbnormalTermination);
    Some(Err(match reason {
        "" => Fault::with(code, name),
        _ => Fault::with(code, format!("{name}: {reason}")),
    }))
}

/// The fault for a process that what it depends on has kept from starting.
fn not_started(name: &str, reason: &str) -> Fault {
    Fault::with(FaultCode::SpawnError, format!("{name}: {reason}"))
}

fn awaited(id: ProcessId, name: &str) -> AwaitedProcess {
    AwaitedProcess {
        id,
        name: name.to_owned(),
        goal: Goal::Started,
    }
}

/// Starts those that do not run; what is disabled only if it has run before.
pub fn start_several(
    daemon: &mut Daemon<'_>,
    ids: Vec<ProcessId>,
    have_run: &[ProcessId],
    wait: bool,
) -> CallProgress {
    let mut slots = Vec::new();
    for id in ids {
        if daemon.supervisor.is_disabled_by_id(id) && !have_run.contains(&id) {
            continue;
        }
        let Some(process) = daemon.supervisor.groups.process(id) else {
            continue;
        };
        if process.machine().state().is_running() {
            continue;
        }
        let name = names::shown(process);
        match start_one(daemon, id, &name, wait) {
            Some(result) => {
                slots.push(Slot::Finished(names::status(daemon.supervisor, id, result)))
            }
            None => slots.push(Slot::Awaited(awaited(id, &name))),
        }
    }
    CallProgress::of_several(slots)
}

/// Starts one process; `None` when it is to be waited for. The command is
/// checked before the state, as in 4.3.0.
fn start_one(
    daemon: &mut Daemon<'_>,
    id: ProcessId,
    name: &str,
    wait: bool,
) -> Option<Result<(), Fault>> {
    let Some(process) = daemon.supervisor.groups.process(id) else {
        return Some(Err(names::bad_name(name)));
    };
    match process.find_command(&daemon.supervisor.child_settings) {
        Ok(_) => {}
        Err(CommandError::NotFound(text)) => {
            return Some(Err(Fault::with(FaultCode::NoFile, text)));
        }
        Err(CommandError::NotExecutable(text)) => {
            return Some(Err(Fault::with(FaultCode::NotExecutable, text)));
        }
    }
    let state = process.machine().state();
    if state.is_running() {
        return Some(Err(Fault::with(FaultCode::AlreadyStarted, name)));
    }
    if state == ProcessState::Unknown {
        let text = format!("{name} is in an unknown process state");
        return Some(Err(Fault::with(FaultCode::Failed, text)));
    }
    // A failed spawn shows in the machine.
    match daemon.supervisor.ask_for_start(daemon.context, id) {
        Asked::Started => {}
        Asked::Waits => return (!wait).then_some(Ok(())),
        Asked::Failed(reason) => return Some(Err(not_started(name, &reason))),
    }
    daemon.supervisor.reap_process(daemon.context, id);
    let process = daemon.supervisor.groups.process(id)?;
    if process.config().is_oneshot() && wait {
        return poll(daemon, id, name);
    }
    if !process.machine().spawn_error().is_empty() {
        return Some(Err(Fault::with(FaultCode::SpawnError, name)));
    }
    let has_child = process.machine().pid() != 0;
    if process.config().startsecs <= 0
        && has_child
        && process.machine().state() == ProcessState::Starting
    {
        // There is nothing to wait for, so it counts as finished at once.
        let _ = daemon.supervisor.feed(daemon.context, id, Input::Due);
    }
    if state == ProcessState::Stopping {
        // 4.3.0 answers true without `wait` though nothing was started.
        return Some(Err(Fault::with(FaultCode::AbnormalTermination, name)));
    }
    if wait {
        poll(daemon, id, name)
    } else {
        Some(Ok(()))
    }
}
