//! What becomes of a listener's result: the pool's handler judges it, and the
//! event is processed or goes back to the pool that it came from. 4.3.0 gives a
//! rejected event to every pool.

use std::time::Duration;

use crate::config::ResultHandler;
use crate::events::message::Message;
use crate::events::protocol::{EventResult, ListenerState};
use crate::loop_context::LoopContext;
use crate::process::machine::Input;
use crate::process::subprocess::Subprocess;
use crate::states::ProcessState;
use crate::supervisor::Supervisor;
use crate::supervisor::dispatch::tell_state;
use crate::supervisor::pools::StoredResult;
use crate::text::pyrepr;
use crate::tokens::{GroupId, ProcessId, Timer};

const ACCEPTED: &[u8] = b"OK";
const REJECTED: &[u8] = b"FAIL";

/// How long a listener waits for the verdict of a handler that cannot be run.
const PAUSE: Duration = Duration::from_secs(1);

/// How much of an answer that means nothing is shown.
const SHOWN: usize = 80;

/// What a handler says of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The event is done with.
    Processed,
    /// The event goes back.
    Rejected,
}

impl Supervisor {
    /// Has the pool's handler judge a result, at once or by a command that takes its time.
    pub fn judge(&mut self, context: &mut LoopContext, id: ProcessId, result: EventResult) {
        let handler = self.pools.get(id.group).map(|pool| &pool.config);
        let verdict = match handler.map(|config| config.result_handler.clone()) {
            None | Some(ResultHandler::Default) => self.judge_by_word(context, id, &result),
            Some(ResultHandler::Store) if result.bytes == REJECTED => Verdict::Rejected,
            Some(ResultHandler::Store) => {
                self.store(context, id, result);
                Verdict::Processed
            }
            Some(ResultHandler::Exec(command)) => {
                match self.start_handler(context, id, &command, &result) {
                    // The listener stays BUSY until the command ends.
                    Ok(()) => return,
                    Err(reason) => {
                        context.log.warn(format_args!(
                            "{}: its result handler cannot be run: {reason}",
                            self.name_of(id)
                        ));
                        // Rejected at once, the event would come back at once.
                        let deadline = context.now.monotonic + PAUSE;
                        context.timers.set(Timer::Verdict(id), Some(deadline));
                        return;
                    }
                }
            }
        };
        self.conclude(context, id, verdict);
    }

    /// The pause after a handler that could not be run is over.
    pub fn verdict_due(&mut self, context: &mut LoopContext, id: ProcessId) {
        let listener = self.groups.process(id).and_then(Subprocess::listener);
        let is_owed = listener.is_some_and(|listener| listener.protocol.is_judged());
        if is_owed && !self.handlers.is_judging(id) {
            self.conclude(context, id, Verdict::Rejected);
            self.converse(context, id);
        }
    }

    fn judge_by_word(
        &self,
        context: &mut LoopContext,
        id: ProcessId,
        result: &EventResult,
    ) -> Verdict {
        if result.bytes == ACCEPTED {
            return Verdict::Processed;
        }
        if result.bytes != REJECTED {
            let shown = result.bytes.get(..SHOWN).unwrap_or(&result.bytes);
            context.log.warn(format_args!(
                "{}: its result of {} bytes is neither OK nor FAIL: {}",
                self.name_of(id),
                result.length,
                pyrepr::repr_bytes(shown)
            ));
        }
        Verdict::Rejected
    }

    fn store(&mut self, context: &LoopContext, id: ProcessId, result: EventResult) {
        let process = self.name_of(id);
        let listener = self.groups.process(id).and_then(Subprocess::listener);
        let Some(message) = listener.and_then(|listener| listener.message.as_ref()) else {
            return;
        };
        let stored = StoredResult {
            data: result.bytes,
            time: context.now.wall,
            event: message.event.kind,
            serial: message.serial,
            process,
        };
        if let Some(pool) = self.pools.get_mut(id.group) {
            pool.latest = Some(stored);
            self.changed = true;
        }
    }

    /// Acts on a verdict. The listener may say READY again.
    pub fn conclude(&mut self, context: &mut LoopContext, id: ProcessId, verdict: Verdict) {
        let name = self.name_of(id);
        tell_verdict(context, &name, verdict);
        let process = self.groups.process_mut(id);
        let Some(listener) = process.and_then(Subprocess::listener_mut) else {
            return;
        };
        listener.protocol.acknowledge();
        tell_state(
            context,
            &name,
            ListenerState::Busy,
            ListenerState::Acknowledged,
        );
        match verdict {
            Verdict::Processed => listener.message = None,
            Verdict::Rejected => {
                if let Some(length) = listener.message.as_ref().and_then(Message::rest) {
                    self.begin_rest(context, id, length);
                }
                self.reject(context, id);
            }
        }
    }

    /// Acts on a verdict about a listener that has gone: only its event is left.
    pub fn settle(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        name: &str,
        message: Message,
        verdict: Verdict,
    ) {
        tell_verdict(context, name, verdict);
        if verdict == Verdict::Rejected {
            self.count_rejection(context, id, message);
        }
    }

    /// A listener will not process the event that it has: that goes back, and
    /// counts as rejected.
    pub fn reject(&mut self, context: &mut LoopContext, id: ProcessId) {
        if let Some(message) = self.take_message(id) {
            self.count_rejection(context, id, message);
        }
    }

    /// The child of a listener has ended: an event that it has not answered is
    /// for another one. Where it was told to end that is no rejection.
    pub fn abandon(&mut self, context: &mut LoopContext, id: ProcessId, was_stopped: bool) {
        let process = self.groups.process(id);
        if process.and_then(Subprocess::listener).is_none() {
            return;
        }
        self.end_busy(context, id);
        context.timers.set(Timer::Rest(id), None);
        let Some(message) = self.take_message(id) else {
            return;
        };
        match self.pools.get_mut(id.group) {
            Some(pool) if was_stopped => pool.put_back(context, id.group, message),
            _ => self.count_rejection(context, id, message),
        }
    }

    /// Takes the event that a listener has, unless its answer is being judged.
    fn take_message(&mut self, id: ProcessId) -> Option<Message> {
        let process = self.groups.process_mut(id);
        let listener = process.and_then(Subprocess::listener_mut)?;
        let message = listener.message.take()?;
        self.handlers.take_over(id, message).err()
    }

    /// Puts a rejected event back to the head of its pool's buffer. With
    /// `event_max_retry` a listener that rejects it too often is of no more use.
    fn count_rejection(&mut self, context: &mut LoopContext, id: ProcessId, mut message: Message) {
        message.rejections += 1;
        let Some(pool) = self.pools.get_mut(id.group) else {
            return;
        };
        let limit = u64::try_from(pool.config.event_max_retry).unwrap_or(0);
        if limit == 0 || message.rejections <= limit {
            pool.put_back(context, id.group, message);
            return;
        }
        self.condemn(context, id, message);
    }

    /// Gives a listener up over an event, which stays for the others of its
    /// pool, if there are any.
    fn condemn(&mut self, context: &mut LoopContext, id: ProcessId, message: Message) {
        let (event, serial) = (message.event.kind.name(), message.serial);
        let reason = format!(
            "event {event} with serial {serial} was rejected {} times",
            message.rejections
        );
        context.log.warn(format_args!(
            "{}: {reason}, giving the listener up",
            self.name_of(id)
        ));
        let has_others = self.has_other_listeners(id);
        if let Some(pool) = self.pools.get_mut(id.group) {
            if has_others {
                pool.put_back(context, id.group, message);
            } else {
                context.log.error(format_args!(
                    "pool {} has no listener left for event {event} with serial {serial}, discarding it",
                    pool.name
                ));
            }
        }
        // A signal that cannot be sent is in the log.
        let _ = self.feed(context, id, Input::Condemn(reason));
    }

    /// Whether another listener of the pool runs or will.
    fn has_other_listeners(&self, id: ProcessId) -> bool {
        let processes = self.groups.get(id.group).map(|group| &group.processes);
        processes.into_iter().flatten().any(|process| {
            let machine = process.machine();
            process.id() != id
                && match machine.state() {
                    ProcessState::Exited => machine.waits_for_restart(),
                    ProcessState::Running => !is_unknown(process),
                    state => state.is_running(),
                }
        })
    }

    /// Whether a pool has a listener that is alive.
    pub fn has_living_listener(&self, group: GroupId) -> bool {
        let processes = self.groups.get(group).map(|group| &group.processes);
        processes.into_iter().flatten().any(|process| {
            let state = process.machine().state();
            // One that has just been started will be RUNNING in time, or it will not.
            matches!(state, ProcessState::Running | ProcessState::Starting) && !is_unknown(process)
        })
    }

    /// A process's name, for log lines.
    pub fn name_of(&self, id: ProcessId) -> String {
        self.groups
            .process(id)
            .map_or_else(String::new, |process| process.config().name.clone())
    }
}

/// Whether a listener has broken the protocol: it is sent nothing until it is started again.
fn is_unknown(process: &Subprocess) -> bool {
    process
        .listener()
        .is_some_and(|listener| listener.protocol.state() == ListenerState::Unknown)
}

fn tell_verdict(context: &mut LoopContext, name: &str, verdict: Verdict) {
    match verdict {
        Verdict::Processed => context
            .log
            .debug(format_args!("{name}: event was processed")),
        Verdict::Rejected => context.log.warn(format_args!("{name}: event was rejected")),
    }
}
