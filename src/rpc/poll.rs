//! Asking a pending action whether there is an answer by now.

use crate::http::content::Content;
use crate::rpc::interface::{Answer, Daemon};
use crate::rpc::pending::{self, AwaitedProcess, Goal, Multicall, Pause, PendingAction, Slot};
use crate::rpc::{listing, names, start, stop, system, wait};
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::value::Value;

/// The answer, if there is one by now.
pub fn poll(action: &mut PendingAction, daemon: &mut Daemon<'_>) -> Option<Result<Answer, Fault>> {
    Some(match action {
        PendingAction::Process(process) => {
            poll_process(process, daemon)?.map(|()| Value::Bool(true).into())
        }
        PendingAction::Several(slots) => {
            for slot in slots.iter_mut() {
                if let Slot::Awaited(process) = slot
                    && let Some(result) = poll_process(process, daemon)
                {
                    let status = names::status(daemon.supervisor, process.id, result);
                    *slot = Slot::Finished(status);
                }
            }
            Ok(pending::statuses(slots)?.into())
        }
        PendingAction::Job(ending) => ending.get()?.clone().map(Answer::Value),
        PendingAction::Condition(awaited) => {
            wait::poll(awaited, daemon)?.map(|()| Value::Bool(true).into())
        }
        PendingAction::Listing(listing) => Ok(listing::poll(listing, daemon)?.into()),
        PendingAction::Multicall(multicall) => Ok(poll_multicall(multicall, daemon)?.into()),
    })
}

/// Goes on with the calls for as long as this turn of the loop allows.
fn poll_multicall(multicall: &mut Multicall, daemon: &mut Daemon<'_>) -> Option<Content> {
    daemon.access = multicall.access;
    loop {
        match &mut multicall.pause {
            Pause::Turn(turn) if daemon.turn() <= *turn => return None,
            Pause::Turn(_) => {}
            Pause::Call(call) => {
                let result = poll(call, daemon)?;
                system::push_result(daemon, &mut multicall.finished, result);
                if daemon.context.turn_is_over() {
                    multicall.pause = Pause::Turn(daemon.turn());
                    return None;
                }
            }
        }
        let remaining = std::mem::take(&mut multicall.remaining);
        let finished = std::mem::take(&mut multicall.finished);
        match system::run_calls(daemon, remaining, finished) {
            Ok(results) => return Some(results),
            // The call that is waited for may have its answer already, and
            // nothing else would ask it.
            Err(paused) => *multicall = *paused,
        }
    }
}

fn poll_process(
    process: &mut AwaitedProcess,
    daemon: &mut Daemon<'_>,
) -> Option<Result<(), Fault>> {
    match &mut process.goal {
        Goal::Started => start::poll(daemon, process.id, &process.name),
        Goal::Stopped { child, report_at } => stop::poll(daemon, process.id, *child, report_at),
    }
}
