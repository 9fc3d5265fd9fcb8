//! What the clock tells: TICK events, and the queries that monitors are asked.
//! There is a timer only while a pool asks for it, so that a daemon without
//! one sleeps.

use std::time::Duration;

use crate::clock::{Now, Period, Timestamp};
use crate::events::event::Event;
use crate::events::message::Message;
use crate::events::types::EventType;
use crate::loop_context::LoopContext;
use crate::process::machine::Machine;
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::sort;
use crate::supervisor::Supervisor;
use crate::tokens::{GroupId, Timer};
use crate::vec_map::VecMap;

/// The last multiple of each period that was seen.
#[derive(Debug, Default)]
pub struct Ticks {
    last: VecMap<Period, u64>,
}

saved! { struct Ticks { last } }

impl Supervisor {
    /// After a pool came or went: ticks for those that are asked for. The first
    /// comes with the next multiple of the period.
    pub fn arm_ticks(&mut self, context: &mut LoopContext) {
        for period in Period::ALL {
            if !self.pools.ask_for(EventType::Tick(period)) {
                self.ticks.last.remove(&period);
                context.timers.set(Timer::Tick(period), None);
            } else if !self.ticks.last.contains_key(&period) {
                let slice = slice(context.now.wall, period);
                self.ticks.last.insert(period, slice);
                arm(context, period);
            }
        }
    }

    /// A tick is due, unless the wall clock was set in the meantime.
    pub fn tick_due(&mut self, context: &mut LoopContext, period: Period) {
        let slice = slice(context.now.wall, period);
        let last = self.ticks.last.insert(period, slice);
        if last != Some(slice) {
            self.emit(context, &Event::tick(period, slice));
        }
        arm(context, period);
    }

    /// When a pool of monitors is asked next.
    pub fn arm_monitor(&self, context: &mut LoopContext, group: GroupId) {
        let Some(pool) = self.pools.get(group) else {
            return;
        };
        if pool.is_asked_to_monitor() {
            let seconds = u64::try_from(pool.config.monitor_interval).unwrap_or(1);
            let deadline = Some(context.now.monotonic + Duration::from_secs(seconds));
            context.timers.set(Timer::MonitorQuery(group), deadline);
        }
    }

    /// Asks a pool of monitors to look at the processes that run, unless it has
    /// not answered the last query.
    pub fn monitor_due(&mut self, context: &mut LoopContext, group: GroupId) {
        if !self.is_being_asked(group) {
            let mut pids: Vec<i32> = self
                .groups
                .iter()
                .filter(|other| other.id != group)
                .flat_map(|other| &other.processes)
                .map(Subprocess::machine)
                .filter(|machine| machine.state().is_running())
                .map(Machine::pid)
                .filter(|pid| *pid != 0)
                .collect();
            sort::by(&mut pids, Ord::cmp);
            self.emit_to(context, group, Event::monitor_query(&pids));
        }
        self.arm_monitor(context, group);
    }

    fn is_being_asked(&self, group: GroupId) -> bool {
        let is_query = |message: &Message| message.event.kind == EventType::MonitorQuery;
        let pool = self.pools.get(group);
        let waits = pool.is_some_and(|pool| pool.buffer.holds(EventType::MonitorQuery));
        let processes = self.groups.get(group).map(|group| &group.processes);
        waits
            || self.handlers.messages(group).any(is_query)
            || processes.into_iter().flatten().any(|process| {
                let listener = process.listener();
                let message = listener.and_then(|listener| listener.message.as_ref());
                message.is_some_and(is_query)
            })
    }
}

/// The last multiple of the period, in seconds since 1970.
fn slice(wall: Timestamp, period: Period) -> u64 {
    let seconds = u64::try_from(wall.seconds).unwrap_or(0);
    seconds - seconds % period.seconds()
}

/// Sets the timer for the next multiple of the period.
fn arm(context: &mut LoopContext, period: Period) {
    let deadline = context.now.monotonic + until_next(context.now, period);
    context.timers.set(Timer::Tick(period), Some(deadline));
}

fn until_next(now: Now, period: Period) -> Duration {
    let seconds = u64::try_from(now.wall.seconds).unwrap_or(0);
    let rest = period.seconds() - seconds % period.seconds();
    Duration::from_secs(rest).saturating_sub(Duration::from_nanos(now.wall.nanoseconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_come_at_multiples_of_their_period() {
        let at = |seconds, nanoseconds| Now {
            wall: Timestamp {
                seconds,
                nanoseconds,
            },
            ..Now::default()
        };
        let now = at(1_795_372_287, 250_000_000);
        assert_eq!(slice(now.wall, Period::Seconds), 1_795_372_285);
        assert_eq!(
            until_next(now, Period::Seconds),
            Duration::from_millis(2750)
        );
        assert_eq!(
            until_next(at(120, 0), Period::Minute),
            Duration::from_secs(60)
        );
        assert_eq!(slice(at(-5, 0).wall, Period::Hour), 0);
    }
}
