//! Stopping processes on request.

use crate::clock::Monotonic;
use crate::process::machine::Input;
use crate::rpc::deferred::{Deferred, Goal, STOP_REPORT_INTERVAL, Slot, Waiting};
use crate::rpc::interface::{Answer, Daemon, Outcome};
use crate::rpc::names::{self, Named};
use crate::rpc::parameters;
use crate::states::ProcessState;
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// Which processes are waited for until they have stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// None.
    No,
    /// Those that are told to stop. One that is STOPPING already is not running.
    Told,
    /// Those, and any that is STOPPING already: it is to be started again or replaced.
    All,
}

/// `supervisor.stopProcess(name, wait=true)`
pub fn stop_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    named_process(daemon, name, Wait::asked(parameters, 1))
}

/// Stops a process, or each of a group.
pub fn named_process(daemon: &mut Daemon<'_>, name: &str, wait: Wait) -> Outcome {
    let id = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => process.id(),
        Named::Group(group) => {
            let ids = group.by_priority_down();
            return Ok(stop_several(daemon, ids, wait));
        }
    };
    match stop_one(daemon, id, name, wait) {
        Some(result) => result.map(|()| Value::Bool(true).into()),
        None => Ok(Answer::Later(Deferred::Process(waiting(daemon, id, name)))),
    }
}

/// `supervisor.stopProcessGroup(name, wait=true)`
pub fn stop_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    named_group(daemon, name, Wait::asked(parameters, 1))
}

/// Stops each process of a group.
pub fn named_group(daemon: &mut Daemon<'_>, name: &str, wait: Wait) -> Outcome {
    let ids = names::group(daemon.supervisor, name)?.by_priority_down();
    Ok(stop_several(daemon, ids, wait))
}

/// `supervisor.stopAllProcesses(wait=true)`
pub fn stop_all(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    Ok(every(daemon, Wait::asked(parameters, 0)))
}

/// Stops every process.
pub fn every(daemon: &mut Daemon<'_>, wait: Wait) -> Answer {
    let mut ids = daemon.supervisor.groups.processes_by_priority();
    ids.reverse();
    stop_several(daemon, ids, wait)
}

impl Wait {
    /// What a method is asked for by its parameter in that place.
    fn asked(parameters: &[Value], place: usize) -> Wait {
        match parameters::wait(parameters, place) {
            true => Wait::Told,
            false => Wait::No,
        }
    }

    /// Whether a process in that state, which nobody need tell to stop, is waited for.
    fn includes(self, state: ProcessState) -> bool {
        self == Wait::All && state == ProcessState::Stopping
    }
}

/// Whether a process that was told to stop has stopped; tells in the log that it is waited for.
pub fn poll(
    daemon: &mut Daemon<'_>,
    id: ProcessId,
    report_at: &mut Monotonic,
) -> Option<Result<(), Fault>> {
    let Some(process) = daemon.supervisor.groups.process(id) else {
        return Some(Ok(()));
    };
    // Somebody may have started it again since it stopped.
    if process.machine().state() != ProcessState::Stopping {
        return Some(Ok(()));
    }
    let now = daemon.reactor.now.monotonic;
    if now >= *report_at {
        *report_at = now + STOP_REPORT_INTERVAL;
        daemon.reactor.log.info(format_args!(
            "waiting for {} to stop",
            process.config().name
        ));
    }
    None
}

fn waiting(daemon: &Daemon<'_>, id: ProcessId, name: &str) -> Waiting {
    Waiting {
        id,
        name: name.to_owned(),
        goal: Goal::Stopped {
            report_at: daemon.reactor.now.monotonic,
        },
    }
}

/// Stops those that run: all are signalled first, then waited for together.
pub fn stop_several(daemon: &mut Daemon<'_>, ids: Vec<ProcessId>, wait: Wait) -> Answer {
    let mut slots = Vec::new();
    for id in ids {
        let Some(process) = daemon.supervisor.groups.process(id) else {
            continue;
        };
        let name = names::shown(process);
        let state = process.machine().state();
        if !state.is_running() && !wait.includes(state) {
            take_restart_back(daemon, id);
            continue;
        }
        match stop_one(daemon, id, &name, wait) {
            Some(result) => {
                slots.push(Slot::Finished(names::status(daemon.supervisor, id, result)))
            }
            None => slots.push(Slot::Waiting(waiting(daemon, id, &name))),
        }
    }
    Answer::several(slots)
}

/// Stops one process; `None` when it is to be waited for.
fn stop_one(
    daemon: &mut Daemon<'_>,
    id: ProcessId,
    name: &str,
    wait: Wait,
) -> Option<Result<(), Fault>> {
    let state = daemon.supervisor.groups.process(id)?.machine().state();
    if wait.includes(state) {
        return None;
    }
    if !state.is_running() {
        take_restart_back(daemon, id);
        return Some(Err(Fault::with(FaultCode::NotRunning, name)));
    }
    if let Err(text) = daemon.supervisor.feed(daemon.reactor, id, Input::Stop) {
        return Some(Err(Fault::with(FaultCode::Failed, text)));
    }
    daemon.supervisor.reap_process(daemon.reactor, id);
    let state = daemon.supervisor.groups.process(id)?.machine().state();
    (state.is_stopped() || wait == Wait::No).then_some(Ok(()))
}

/// A process that has ended and is about to be started again does not run, but
/// who asks for its stop does not want the restart.
fn take_restart_back(daemon: &mut Daemon<'_>, id: ProcessId) {
    let process = daemon.supervisor.groups.process(id);
    if process.is_some_and(|process| {
        process.machine().state() == ProcessState::Exited && process.machine().deadline().is_some()
    }) {
        // Nothing is signalled, so nothing can fail.
        let _ = daemon.supervisor.feed(daemon.reactor, id, Input::Stop);
    }
}
