//! Handing events to listeners, and hearing what they say.

use crate::dispatchers::input::InputError;
use crate::events::message::Message;
use crate::events::protocol::{Heard, ListenerState};
use crate::loop_context::LoopContext;
use crate::process::subprocess::Subprocess;
use crate::states::ProcessState;
use crate::supervisor::Supervisor;
use crate::text::pyrepr;
use crate::tokens::{GroupId, ProcessId};

impl Supervisor {
    /// Hands the events that wait in a pool to its listeners that are ready, in
    /// order, until no event or no listener is left.
    pub fn dispatch(&mut self, context: &mut LoopContext, group: GroupId) {
        let Some(pool) = self.pools.get(group) else {
            return;
        };
        pool.lower(context);
        if self.ready_listener(group, 0).is_none() {
            return;
        }
        while let Some(message) = self
            .pools
            .get_mut(group)
            .and_then(|pool| pool.buffer.take())
        {
            if let Err(message) = self.send(context, group, message) {
                if let Some(pool) = self.pools.get_mut(group) {
                    pool.tell_of_rebuffering(context, message.serial);
                    // It was just taken out: there is room.
                    pool.buffer.put_back(message);
                }
                return;
            }
        }
    }

    /// Sends an event to the first listener that is ready and can be written
    /// to; hands it back when there is none.
    fn send(
        &mut self,
        context: &mut LoopContext,
        group: GroupId,
        message: Message,
    ) -> Result<(), Message> {
        let Some(pool) = self.pools.get(group) else {
            return Err(message);
        };
        let identifier = &self.child_settings.identifier;
        let bytes = message.bytes(identifier, &pool.name, pool.config.payload_length);
        let mut next = 0;
        while let Some((place, id)) = self.ready_listener(group, next) {
            next = place + 1;
            let Some(process) = self.groups.process_mut(id) else {
                continue;
            };
            let serial = message.serial;
            let name = process.config().name.clone();
            match process.send_input(context, &bytes) {
                Ok(()) => {
                    if let Some(listener) = process.listener_mut() {
                        listener.protocol.sent();
                        listener.message = Some(message);
                    }
                    self.begin_busy(context, id);
                    context
                        .log
                        .debug(format_args!("event {serial} sent to listener {name}"));
                    return Ok(());
                }
                Err(InputError::Closed) => context.log.debug(format_args!(
                    "epipe occurred while sending event {serial} to listener {name}, listener state unchanged"
                )),
                Err(InputError::NotRunning | InputError::Full) => {}
            }
        }
        Err(message)
    }

    /// The first listener from that place on that can be sent an event, with its place.
    fn ready_listener(&self, group: GroupId, from: usize) -> Option<(usize, ProcessId)> {
        let processes = self.groups.get(group)?.processes.iter().enumerate();
        processes
            .skip(from)
            .find(|(_, process)| is_ready(process) && !self.handlers.is_judging(process.id()))
            .map(|(place, process)| (place, process.id()))
    }

    /// Writes what waits for a child's stdin. A listener that has read
    /// everything can be sent the next event.
    pub fn feed_input(&mut self, context: &mut LoopContext, id: ProcessId) {
        let Some(process) = self.groups.process_mut(id) else {
            return;
        };
        process.flush_input(context);
        if !process.has_unread_input()
            && let Some(pool) = self.pools.get(id.group)
        {
            pool.raise();
        }
    }

    /// Hears what a listener says, and does what that asks for.
    pub fn hear(&mut self, context: &mut LoopContext, id: ProcessId, bytes: &[u8]) {
        let process = self.groups.process_mut(id);
        if let Some(listener) = process.and_then(Subprocess::listener_mut) {
            listener.protocol.hear(bytes);
        }
        self.converse(context, id);
    }

    /// Goes on with a conversation as far as it has come. A listener that gets
    /// ready is handed the next event in this turn of the loop.
    pub fn converse(&mut self, context: &mut LoopContext, id: ProcessId) {
        let mut got_ready = false;
        while let Some((name, before, heard)) = self.next_heard(id) {
            got_ready = heard == Heard::Ready;
            if !got_ready {
                self.end_busy(context, id);
            }
            match heard {
                Heard::Ready => tell_state(context, &name, before, ListenerState::Ready),
                Heard::Result(result) => self.judge(context, id, result),
                Heard::BadLine(line) => {
                    let line = pyrepr::decoded(&line);
                    context
                        .log
                        .warn(format_args!("{name}: bad result line: '{line}'"));
                    self.tell_of_violation(context, &name, before);
                    self.reject(context, id);
                }
                Heard::Violation => {
                    self.tell_of_violation(context, &name, before);
                    self.reject(context, id);
                }
            }
        }
        if got_ready {
            self.dispatch(context, id.group);
        }
    }

    fn next_heard(&mut self, id: ProcessId) -> Option<(String, ListenerState, Heard)> {
        let process = self.groups.process_mut(id)?;
        let name = process.config().name.clone();
        let listener = process.listener_mut()?;
        let before = listener.protocol.state();
        Some((name, before, listener.protocol.next_heard()?))
    }

    fn tell_of_violation(&self, context: &mut LoopContext, name: &str, before: ListenerState) {
        tell_state(context, name, before, ListenerState::Unknown);
        context.log.warn(format_args!(
            "{name}: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol"
        ));
    }
}

/// Whether a process can be sent an event. One that has not read what it was
/// sent before is not sent more: it may say READY as often as it likes, and so
/// may one that rests.
fn is_ready(process: &Subprocess) -> bool {
    process.machine().state() == ProcessState::Running
        && !process.has_unread_input()
        && process.listener().is_some_and(|listener| {
            listener.protocol.state() == ListenerState::Ready && !listener.is_resting
        })
}

/// The log line for a listener's change of state.
pub fn tell_state(context: &mut LoopContext, name: &str, from: ListenerState, to: ListenerState) {
    context
        .log
        .debug(format_args!("{name}: {} -> {}", from.name(), to.name()));
}
