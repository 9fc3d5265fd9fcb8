//! Stopping processes on request.

use crate::clock::Monotonic;
use crate::process::machine::Input;
use crate::rpc::interface::{CallProgress, Daemon, Outcome};
use crate::rpc::names::{self, Named};
use crate::rpc::parameters;
use crate::rpc::pending::{AwaitedProcess, Goal, PendingAction, STOP_REPORT_INTERVAL, Slot};
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.stopProcess(name, wait=true)`
pub fn stop_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let wait = parameters::wait(parameters, 1);
    let id = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => process.id(),
        Named::Group(group) => {
            let ids = group.by_priority_down();
            return Ok(stop_several(daemon, ids, wait));
        }
    };
    match stop_one(daemon, id, name, wait) {
        Some(result) => result.map(|()| Value::Bool(true).into()),
        None => Ok(CallProgress::Pending(PendingAction::Process(awaited(
            daemon, id, name,
        )))),
    }
}

/// `supervisor.stopProcessGroup(name, wait=true)`
pub fn stop_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let group = names::group(daemon.supervisor, parameters::string(parameters, 0)?)?;
    let ids = group.by_priority_down();
    Ok(stop_several(daemon, ids, parameters::wait(parameters, 1)))
}

/// `supervisor.stopAllProcesses(wait=true)`
pub fn stop_all(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let mut ids = daemon.supervisor.groups.processes_by_priority();
    ids.reverse();
    Ok(stop_several(daemon, ids, parameters::wait(parameters, 0)))
}

/// Whether a process that was told to stop has stopped; tells in the log that it is waited for.
pub fn poll(
    daemon: &mut Daemon<'_>,
    id: ProcessId,
    child: i32,
    report_at: &mut Monotonic,
) -> Option<Result<(), Fault>> {
    let Some(process) = daemon.supervisor.groups.process(id) else {
        return Some(Ok(()));
    };
    // Somebody else may have started it again before this is asked: that is another child.
    if process.machine().state().is_stopped() || process.machine().pid() != child {
        return Some(Ok(()));
    }
    let now = daemon.context.now.monotonic;
    if now >= *report_at {
        *report_at = now + STOP_REPORT_INTERVAL;
        daemon.context.log.info(format_args!(
            "waiting for {} to stop",
            process.config().name
        ));
    }
    None
}

fn awaited(daemon: &Daemon<'_>, id: ProcessId, name: &str) -> AwaitedProcess {
    let process = daemon.supervisor.groups.process(id);
    AwaitedProcess {
        id,
        name: name.to_owned(),
        goal: Goal::Stopped {
            child: process.map_or(0, |process| process.machine().pid()),
            report_at: daemon.context.now.monotonic,
        },
    }
}

/// Stops those that run: all are signalled first, then waited for together.
pub fn stop_several(daemon: &mut Daemon<'_>, ids: Vec<ProcessId>, wait: bool) -> CallProgress {
    let mut slots = Vec::new();
    for id in ids {
        let Some(process) = daemon.supervisor.groups.process(id) else {
            continue;
        };
        let name = names::shown(process);
        if !process.machine().state().is_running() {
            take_restart_back(daemon, id);
            continue;
        }
        match stop_one(daemon, id, &name, wait) {
            Some(result) => {
                slots.push(Slot::Finished(names::status(daemon.supervisor, id, result)))
            }
            None => slots.push(Slot::Awaited(awaited(daemon, id, &name))),
        }
    }
    CallProgress::of_several(slots)
}

/// Stops one process; `None` when it is to be waited for.
fn stop_one(
    daemon: &mut Daemon<'_>,
    id: ProcessId,
    name: &str,
    wait: bool,
) -> Option<Result<(), Fault>> {
    let state = daemon.supervisor.groups.process(id)?.machine().state();
    if !state.is_running() {
        take_restart_back(daemon, id);
        return Some(Err(Fault::with(FaultCode::NotRunning, name)));
    }
    if let Err(text) = daemon.supervisor.feed(daemon.context, id, Input::Stop) {
        return Some(Err(Fault::with(FaultCode::Failed, text)));
    }
    daemon.supervisor.reap_process(daemon.context, id);
    let state = daemon.supervisor.groups.process(id)?.machine().state();
    (state.is_stopped() || !wait).then_some(Ok(()))
}

/// A process that has ended and is about to be started again does not run, but
/// who asks for its stop does not want the restart.
fn take_restart_back(daemon: &mut Daemon<'_>, id: ProcessId) {
    let process = daemon.supervisor.groups.process(id);
    if process.is_some_and(|process| process.machine().waits_for_restart()) {
        // Nothing is signalled, so nothing can fail.
        let _ = daemon.supervisor.feed(daemon.context, id, Input::Stop);
    }
}
