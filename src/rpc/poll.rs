//! Asking a deferred call whether it has its answer.

use crate::rpc::deferred::{self, Deferred, Goal, Slot, Waiting};
use crate::rpc::interface::Daemon;
use crate::rpc::{names, start, stop, system};
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::value::Value;

/// The answer of a deferred call, if there is one by now.
pub fn poll(deferred: &mut Deferred, daemon: &mut Daemon<'_>) -> Option<Result<Value, Fault>> {
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
        Deferred::Multicall {
            current,
            remaining,
            finished,
        } => {
            let result = poll(current, daemon)?;
            finished.push(system::slot(daemon, result));
            match system::run_calls(daemon, std::mem::take(remaining), std::mem::take(finished)) {
                Ok(results) => Some(Ok(Value::Array(results))),
                Err(next) => {
                    *deferred = next;
                    // It may have its answer already, and nothing else would ask it.
                    poll(deferred, daemon)
                }
            }
        }
    }
}

fn poll_process(waiting: &mut Waiting, daemon: &mut Daemon<'_>) -> Option<Result<(), Fault>> {
    match &mut waiting.goal {
        Goal::Started => start::poll(daemon, waiting.id, &waiting.name),
        Goal::Stopped { report_at } => stop::poll(daemon, waiting.id, report_at),
    }
}
