//! Stopping processes on request.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::process::machine::{Input, Machine};
use crate::rpc::interface::{CallProgress, Daemon, Outcome};
use crate::rpc::names::{self, Named};
use crate::rpc::parameters;
use crate::rpc::pending::{AwaitedProcess, Goal, PendingAction, STOP_REPORT_INTERVAL, Slot};
use crate::states::ProcessState;
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.stopProcess(name, wait=true)`
pub fn stop_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let wait = parameters::wait(parameters, 1);
    stop_named(
        daemon,
        parameters::string(parameters, 0)?,
        wait,
        Time::AsConfigured,
    )
}

/// `supervisor.stopProcessWithin(name, timeout, wait=true)`
pub fn stop_within(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let time = Time::Within(parameters::duration(parameters, 1)?);
    stop_named(daemon, name, parameters::wait(parameters, 2), time)
}

/// How long a process has before it is killed.
#[derive(Clone, Copy, Debug)]
enum Time {
    AsConfigured,
    /// The same, and one that is being stopped is waited for.
    ToTheEnd,
    /// So long, also one that is being stopped. Without any time, SIGKILL is the only signal.
    Within(Duration),
}

impl Time {
    fn input(self) -> Input {
        match self {
            Time::AsConfigured | Time::ToTheEnd => Input::Stop,
            Time::Within(Duration::ZERO) => Input::Kill,
            Time::Within(time) => Input::StopWithin(time),
        }
    }

    /// Whether a process in that state is told.
    fn concerns(self, state: ProcessState) -> bool {
        let is_going = state == ProcessState::Stopping;
        state.is_running() || (is_going && !matches!(self, Time::AsConfigured))
    }
}

fn stop_named(daemon: &mut Daemon<'_>, name: &str, wait: bool, time: Time) -> Outcome {
    let id = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => process.id(),
        Named::Group(group) => {
            let ids = daemon.supervisor.by_priority_down(group);
            return Ok(stop_all_of(daemon, ids, wait, time));
        }
    };
    daemon.supervisor.begin_stop(daemon.context, &[id]);
    match stop_one(daemon, id, name, wait, time) {
        Some(result) => result.map(|()| Value::Bool(true).into()),
        None => Ok(CallProgress::Pending(PendingAction::Process(awaited(
            daemon, id, name,
        )))),
    }
}

/// `supervisor.stopProcessGroup(name, wait=true)`
pub fn stop_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let group = names::group(daemon.supervisor, parameters::string(parameters, 0)?)?;
    let ids = daemon.supervisor.by_priority_down(group);
    Ok(stop_several(daemon, ids, parameters::wait(parameters, 1)))
}

/// `supervisor.stopAllProcesses(wait=true)`
pub fn stop_all(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let mut ids = daemon.supervisor.processes_by_priority();
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
    let machine = process.machine();
    if machine.is_at_rest() || (machine.pid() != child && !machine.state().is_stopped()) {
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
    stop_all_of(daemon, ids, wait, Time::AsConfigured)
}

/// The same, with those that are being stopped already.
pub fn stop_and_await(daemon: &mut Daemon<'_>, ids: Vec<ProcessId>) -> CallProgress {
    stop_all_of(daemon, ids, true, Time::ToTheEnd)
}

fn stop_all_of(
    daemon: &mut Daemon<'_>,
    ids: Vec<ProcessId>,
    wait: bool,
    time: Time,
) -> CallProgress {
    daemon.supervisor.begin_stop(daemon.context, &ids);
    let mut slots = Vec::new();
    for id in ids {
        let Some(process) = daemon.supervisor.groups.process(id) else {
            continue;
        };
        let name = names::shown(process);
        if !time.concerns(process.machine().state()) {
            take_restart_back(daemon, id);
            continue;
        }
        match stop_one(daemon, id, &name, wait, time) {
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
    time: Time,
) -> Option<Result<(), Fault>> {
    let state = daemon.supervisor.groups.process(id)?.machine().state();
    if !time.concerns(state) {
        take_restart_back(daemon, id);
        return Some(Err(Fault::with(FaultCode::NotRunning, name)));
    }
    if daemon.supervisor.holds_stop(id, time.input()) {
        return (!wait).then_some(Ok(()));
    }
    if let Err(text) = daemon.supervisor.feed(daemon.context, id, time.input()) {
        return Some(Err(Fault::with(FaultCode::Failed, text)));
    }
    daemon.supervisor.reap_process(daemon.context, id);
    let machine = daemon.supervisor.groups.process(id)?.machine();
    (machine.is_at_rest() || !wait).then_some(Ok(()))
}

/// A process that has ended, or is being stopped by the daemon, and is about to be started again
/// does not run, but who asks for its stop does not want the restart.
fn take_restart_back(daemon: &mut Daemon<'_>, id: ProcessId) {
    let process = daemon.supervisor.groups.process(id);
    let is_to_start = |machine: &Machine| machine.waits_for_restart() || machine.is_to_come_back();
    if process.is_some_and(|process| is_to_start(process.machine())) {
        // Nothing is signalled, so nothing can fail.
        let _ = daemon.supervisor.feed(daemon.context, id, Input::Stop);
    }
}
