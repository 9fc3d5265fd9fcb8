//! Asking a deferred call whether it has its answer.

use crate::http::content::Content;
use crate::rpc::deferred::{self, Deferred, Goal, Multicall, Pause, Slot, Waiting};
use crate::rpc::interface::{Daemon, written};
use crate::rpc::{listing, names, start, stop, system};
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::value::Value;

/// The answer of a deferred call, written as a value, if there is one by now.
pub fn poll(deferred: &mut Deferred, daemon: &mut Daemon<'_>) -> Option<Result<Content, Fault>> {
    match deferred {
        Deferred::Listing(listing) => listing::poll(listing, daemon).map(Ok),
        Deferred::Multicall(multicall) => poll_multicall(multicall, daemon).map(Ok),
        _ => Some(poll_processes(deferred, daemon)?.map(|value| written(&value))),
    }
}

/// The answer of a call that waits for processes, if there is one by now; there
/// is never one for the others.
pub fn poll_processes(
    deferred: &mut Deferred,
    daemon: &mut Daemon<'_>,
) -> Option<Result<Value, Fault>> {
    match deferred {
        Deferred::Process(waiting) => {
            Some(poll_process(waiting, daemon)?.map(|()| Value::Bool(true)))
        }
        Deferred::Several(slots) => {
            for slot in slots.iter_mut() {
                if let Slot::Waiting(waiting) = slot
                    && let Some(result) = poll_process(waiting, daemon)
                {
                    let status = names::status(daemon.supervisor, waiting.id, result);
                    *slot = Slot::Finished(status);
                }
            }
            match deferred::statuses(std::mem::take(slots)) {
                Ok(statuses) => Some(Ok(Value::Array(statuses))),
                Err(unfinished) => {
                    *slots = unfinished;
                    None
                }
            }
        }
        Deferred::Job(ending) => ending.get().cloned(),
        Deferred::Listing(_) | Deferred::Multicall(_) => None,
    }
}

/// Goes on with the calls for as long as this turn of the loop allows.
fn poll_multicall(multicall: &mut Multicall, daemon: &mut Daemon<'_>) -> Option<Content> {
    loop {
        match &mut multicall.pause {
            Pause::Turn(turn) if daemon.turn() <= *turn => return None,
            Pause::Turn(_) => {}
            Pause::Call(call) => {
                let result = poll(call, daemon)?;
                system::push_slot(daemon, &mut multicall.finished, result);
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

fn poll_process(waiting: &mut Waiting, daemon: &mut Daemon<'_>) -> Option<Result<(), Fault>> {
    match &mut waiting.goal {
        Goal::Started => start::poll(daemon, waiting.id, &waiting.name),
        Goal::Stopped { child, report_at } => stop::poll(daemon, waiting.id, *child, report_at),
    }
}
