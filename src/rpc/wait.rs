//! Waiting until processes are as a client wants them, without its asking again and again.

use crate::process::health::Health;
use crate::process::subprocess::Subprocess;
use crate::rpc::information;
use crate::rpc::interface::{CallProgress, Daemon, Outcome};
use crate::rpc::names::{self, Named};
use crate::rpc::parameters;
use crate::rpc::pending::{Awaited, Condition, PendingAction};
use crate::states::ProcessState;
use crate::supervisor::Supervisor;
use crate::sys::time;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// Every word and its condition.
const WORDS: [(&str, Condition); 5] = [
    ("running", Condition::Running),
    ("ready", Condition::Ready),
    ("healthy", Condition::Healthy),
    ("exited", Condition::Exited),
    ("stopped", Condition::Stopped),
];

/// `supervisor.waitForProcess(name, condition, timeout)`
pub fn wait_for_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let word = parameters::string(parameters, 1)?;
    let condition = WORDS.iter().find(|(known, _)| *known == word);
    let (_, condition) = condition.ok_or_else(|| {
        let words = WORDS.map(|(word, _)| word).join(", ");
        Fault::with(
            FaultCode::BadArguments,
            format!("{word} is none of {words}"),
        )
    })?;
    let deadline = daemon.context.now.monotonic + parameters::duration(parameters, 2)?;
    let ids = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => vec![process.id()],
        Named::Group(group) => group.by_priority(),
    };
    Ok(CallProgress::Pending(PendingAction::Condition(Box::new(
        Awaited {
            ids,
            name: name.to_owned(),
            condition: *condition,
            deadline,
        },
    ))))
}

/// Whether all are as they should be, or why they will not be; `None` while they may.
pub fn poll(awaited: &Awaited, daemon: &Daemon<'_>) -> Option<Result<(), Fault>> {
    let supervisor = &daemon.supervisor;
    let mut missing = None;
    for id in &awaited.ids {
        let Some(process) = supervisor.groups.process(*id) else {
            return Some(Err(names::bad_name(&awaited.name)));
        };
        match judge(supervisor, process, awaited.condition) {
            Prospect::Reached => {}
            Prospect::Open => missing = missing.or(Some(process)),
            // A restart of supervisord begins everything anew.
            Prospect::Hopeless if supervisor.state().is_going_down() => {
                return Some(Err(Fault::new(FaultCode::ShutdownState)));
            }
            Prospect::Hopeless => {
                let text = how(supervisor, process);
                return Some(Err(Fault::with(FaultCode::AbnormalTermination, text)));
            }
        }
    }
    let Some(process) = missing else {
        return Some(Ok(()));
    };
    let now = daemon.context.now.monotonic;
    (awaited.deadline <= now).then(|| Err(Fault::with(FaultCode::Failed, how(supervisor, process))))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prospect {
    Reached,
    /// It may be reached.
    Open,
    /// It will not without somebody's wish.
    Hopeless,
}

fn judge(supervisor: &Supervisor, process: &Subprocess, condition: Condition) -> Prospect {
    let state = process.machine().state();
    let is_at_rest = !process.machine().waits_for_restart()
        && !supervisor.is_to_start(process)
        && !supervisor.waits(process.id());
    let is_healthy = !matches!(process.health(), Some(Health::Starting | Health::Unhealthy));
    prospect(condition, state, is_at_rest, is_healthy)
}

fn prospect(
    condition: Condition,
    state: ProcessState,
    is_at_rest: bool,
    is_healthy: bool,
) -> Prospect {
    use ProcessState::{Exited, Fatal, Running, Stopped, Unknown};
    let is_reached = match condition {
        Condition::Running | Condition::Ready => state == Running,
        Condition::Healthy => state == Running && is_healthy,
        Condition::Exited => state == Exited,
        Condition::Stopped => matches!(state, Stopped | Exited | Fatal) && is_at_rest,
    };
    let is_final = match state {
        Unknown => true,
        Fatal | Stopped | Exited => is_at_rest,
        _ => false,
    };
    match (is_reached, is_final) {
        (true, _) => Prospect::Reached,
        (false, true) => Prospect::Hopeless,
        (false, false) => Prospect::Open,
    }
}

/// How a process is that is not as it should be.
fn how(supervisor: &Supervisor, process: &Subprocess) -> String {
    let (name, state) = (names::shown(process), process.machine().state().name());
    match information::description_in(supervisor, process, time::now()) {
        text if text.is_empty() => format!("{name} is {state}"),
        text => format!("{name} is {state} ({text})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProcessState::*;

    #[test]
    fn what_may_still_come_is_waited_for() {
        // For each state, at rest or not, and healthy: running, healthy, exited, stopped.
        for (state, is_at_rest, is_healthy, expected) in [
            (Starting, true, false, "oooo"),
            (Running, true, true, "rroo"),
            (Running, true, false, "rooo"),
            (Stopping, true, true, "oooo"),
            (Backoff, false, true, "oooo"),
            (Stopped, true, true, "hhhr"),
            (Stopped, false, true, "oooo"),
            (Exited, true, true, "hhrr"),
            (Exited, false, true, "ooro"),
            (Fatal, true, true, "hhhr"),
            (Unknown, true, true, "hhhh"),
        ] {
            let conditions = [
                Condition::Running,
                Condition::Healthy,
                Condition::Exited,
                Condition::Stopped,
            ];
            let found = conditions.map(|condition| {
                match prospect(condition, state, is_at_rest, is_healthy) {
                    Prospect::Reached => 'r',
                    Prospect::Open => 'o',
                    Prospect::Hopeless => 'h',
                }
            });
            let found: String = found.into_iter().collect();
            assert_eq!(found, expected, "{state:?} {is_at_rest} {is_healthy}");
        }
    }
}
