//! Every deadline of the daemon in one ordered queue, so that the loop knows
//! the next one at once and waits without a time-out when there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::clock::Monotonic;
use crate::snapshot::{Reader, Save, Saved, Writer};
use crate::tokens::Timer;

/// The queue: each [`Timer`] has at most one deadline in it.
#[derive(Debug, Default)]
pub struct Timers {
    queue: BTreeSet<(Monotonic, Timer)>,
    deadlines: BTreeMap<Timer, Monotonic>,
}

/// As the timers with their deadlines: the queue says the same.
impl Save for Timers {
    fn save(&self, to: &mut Writer) {
        self.deadlines.save(to);
    }
}

impl Saved for Timers {
    fn restored(from: &mut Reader<'_>) -> Self {
        let mut timers = Timers::default();
        let deadlines: Vec<(Timer, Monotonic)> = Saved::restored(from);
        for (timer, deadline) in deadlines {
            timers.set(timer, Some(deadline));
        }
        timers
    }

    fn missing() -> Option<Self> {
        Some(Timers::default())
    }
}

impl Timers {
    /// Sets, moves or (with `None`) removes the deadline of `timer`.
    pub fn set(&mut self, timer: Timer, deadline: Option<Monotonic>) {
        if let Some(old) = self.deadlines.remove(&timer) {
            self.queue.remove(&(old, timer));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert(timer, deadline);
            self.queue.insert((deadline, timer));
        }
    }

    pub fn is_set(&self, timer: Timer) -> bool {
        self.deadlines.contains_key(&timer)
    }

    /// Takes out the earliest timer that is due at `now`.
    pub fn pop_due(&mut self, now: Monotonic) -> Option<Timer> {
        let (deadline, timer) = *self.queue.first()?;
        if deadline > now {
            return None;
        }
        self.set(timer, None);
        Some(timer)
    }

    /// How long the loop may wait from `now`; `None` when nothing is due ever.
    pub fn wait(&self, now: Monotonic) -> Option<Duration> {
        self.queue.first().map(|(deadline, _)| deadline.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Period;
    use crate::snapshot::tests::carried;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    #[test]
    fn an_empty_queue_never_wakes_the_loop() {
        assert_eq!(Timers::default().wait(at(5)), None);
    }

    #[test]
    fn due_timers_come_in_order_of_their_deadlines() {
        let mut timers = Timers::default();
        timers.set(Timer::ShutdownReport, Some(at(3)));
        timers.set(Timer::PendingActions, Some(at(2)));
        assert_eq!(timers.wait(at(1)), Some(Duration::from_secs(1)));
        assert_eq!(timers.pop_due(at(1)), None);
        assert_eq!(timers.pop_due(at(4)), Some(Timer::PendingActions));
        assert_eq!(timers.pop_due(at(4)), Some(Timer::ShutdownReport));
        assert_eq!(timers.pop_due(at(4)), None);
    }

    #[test]
    fn a_timer_has_one_deadline_and_can_be_taken_back() {
        let mut timers = Timers::default();
        timers.set(Timer::PendingActions, Some(at(9)));
        timers.set(Timer::PendingActions, Some(at(2)));
        assert_eq!(timers.pop_due(at(9)), Some(Timer::PendingActions));
        assert_eq!(timers.pop_due(at(9)), None);
        timers.set(Timer::PendingActions, Some(at(2)));
        timers.set(Timer::PendingActions, None);
        assert_eq!(timers.wait(at(0)), None);
    }

    #[test]
    fn the_next_program_has_all_deadlines() {
        let mut timers = Timers::default();
        timers.set(Timer::ShutdownReport, Some(at(3)));
        timers.set(Timer::Tick(Period::Hour), Some(at(2)));
        timers.set(Timer::ShutdownReport, Some(at(1)));
        timers.set(Timer::Midnight, Some(at(0)));
        timers.set(Timer::Midnight, None);
        let mut timers = carried(&timers);
        assert!(timers.is_set(Timer::ShutdownReport));
        let due = std::iter::from_fn(|| timers.pop_due(at(9)));
        let expected = [Timer::ShutdownReport, Timer::Tick(Period::Hour)];
        assert_eq!(due.collect::<Vec<_>>(), expected);
    }
}
