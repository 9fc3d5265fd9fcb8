//! Listeners that hold a pool up. One that stays BUSY with an event is told of in the log, and
//! one that rejects an event again and again rests before it is sent another. Both have a timer
//! only for that long, so that a quiet pool wakes nobody.

use std::time::Duration;

use crate::loop_context::LoopContext;
use crate::states::ProcessState;
use crate::supervisor::Supervisor;
use crate::tokens::{ProcessId, Timer};

/// How often it is told that a listener is BUSY still.
const BUSY_INTERVAL: Duration = Duration::from_secs(3600);

impl Supervisor {
    /// A listener was sent an event and owes the answer.
    pub fn begin_busy(&mut self, context: &mut LoopContext, id: ProcessId) {
        let Some(listener) = self.groups.listener_mut(id) else {
            return;
        };
        listener.sent_at = context.now.monotonic;
        let pool = self.pools.get(id.group);
        let limit = pool.map(|pool| pool.config.busy_warning);
        if let Some(limit) = limit.filter(|limit| !limit.is_zero()) {
            let deadline = context.now.monotonic + limit;
            context.timers.set(Timer::Busy(id), Some(deadline));
        }
    }

    /// A listener has answered, or will not any more.
    pub fn end_busy(&mut self, context: &mut LoopContext, id: ProcessId) {
        context.timers.set(Timer::Busy(id), None);
        if let Some(listener) = self.groups.listener_mut(id) {
            listener.is_overdue = false;
        }
    }

    /// A listener owes an answer for too long, or for an hour longer than that. Who
    /// is being stopped is not expected to answer.
    pub fn busy_due(&mut self, context: &mut LoopContext, id: ProcessId) {
        let Some(process) = self.groups.process_mut(id) else {
            return;
        };
        if process.machine().state() != ProcessState::Running {
            return;
        }
        let unread = process.unread_input(context);
        let name = process.config().name.clone();
        let Some(listener) = process.listener_mut() else {
            return;
        };
        let Some(message) = &listener.message else {
            return;
        };
        context.log.warn(format_args!(
            "{name}: busy for {} seconds with event {} with serial {}, {unread} bytes of its stdin are unread",
            context.now.monotonic.since(listener.sent_at).as_secs(),
            message.event.kind.name(),
            message.serial,
        ));
        listener.is_overdue = true;
        let deadline = context.now.monotonic + BUSY_INTERVAL;
        context.timers.set(Timer::Busy(id), Some(deadline));
    }

    /// A listener has rejected an event; another one may take that at once.
    pub fn begin_rest(&mut self, context: &mut LoopContext, id: ProcessId, length: Duration) {
        if let Some(listener) = self.groups.listener_mut(id) {
            listener.is_resting = true;
            let deadline = context.now.monotonic + length;
            context.timers.set(Timer::Rest(id), Some(deadline));
        }
    }

    /// A listener can be sent events again.
    pub fn rest_over(&mut self, context: &mut LoopContext, id: ProcessId) {
        if let Some(listener) = self.groups.listener_mut(id) {
            listener.is_resting = false;
        }
        self.dispatch(context, id.group);
    }
}
