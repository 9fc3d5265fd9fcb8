//! When the checks of a child are made, and what their answers mean together.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::amounts::Decimal;
use crate::config::{Check, Purpose};
use crate::process::policy;
use crate::snapshot::saved;

/// How often a liveness check is made until its first success, at most.
const FIRST_PERIOD: Duration = Duration::from_secs(1);

/// The checks of one purpose: no two at a time.
#[derive(Debug)]
pub struct Schedule {
    pub purpose: Purpose,
    /// From here on failures count.
    begin: Monotonic,
    /// When the next is made; `None` while one is under way.
    next: Option<Monotonic>,
    /// When the last was begun.
    begun_at: Monotonic,
    successes: u32,
    failures: u32,
    has_succeeded: bool,
    /// Chooses when in a period the checks of this process are made.
    seed: u64,
}

saved! {
    struct Schedule {
        purpose, begin, next, begun_at, successes, failures, has_succeeded, seed,
    }
}

/// What so many answers in a row mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
}

impl Schedule {
    pub fn new(purpose: Purpose, check: &Check<'_>, seed: u64, now: Monotonic) -> Schedule {
        let mut schedule = Schedule {
            purpose,
            begin: now + check.delay,
            next: None,
            begun_at: now,
            successes: 0,
            failures: 0,
            has_succeeded: false,
            seed,
        };
        let spread = schedule.spread(schedule.period(check).min(FIRST_PERIOD));
        schedule.next = Some(schedule.begin + spread);
        schedule
    }

    /// When the next check is to be made.
    pub fn next(&self) -> Option<Monotonic> {
        self.next
    }

    /// A check is made now.
    pub fn begin(&mut self, now: Monotonic) {
        self.next = None;
        self.begun_at = now;
    }

    /// The check that is under way has ended.
    pub fn finish(
        &mut self,
        check: &Check<'_>,
        is_success: bool,
        now: Monotonic,
    ) -> Option<Verdict> {
        let is_first = is_success && !self.has_succeeded;
        self.has_succeeded |= is_success;
        let mut wait = self.period(check);
        if is_first && self.purpose == Purpose::Liveness {
            // Those that were started together got healthy together.
            wait = self.spread(wait);
        }
        self.next = Some((self.begun_at + wait).max(now));
        let (count, other) = match is_success {
            true => (&mut self.successes, &mut self.failures),
            false => (&mut self.failures, &mut self.successes),
        };
        *other = 0;
        *count = count.saturating_add(1);
        let count = *count;
        match is_success {
            true => (count >= check.success_threshold).then_some(Verdict::Passed),
            false => {
                let is_enough = count >= check.failure_threshold && self.has_had_time(check, now);
                is_enough.then_some(Verdict::Failed)
            }
        }
    }

    /// Whether failures count: one that has never succeeded has the time that so many would take
    /// later, though it is looked at more often.
    fn has_had_time(&self, check: &Check<'_>, now: Monotonic) -> bool {
        let time = check.period.saturating_mul(check.failure_threshold);
        self.has_succeeded || self.purpose == Purpose::Readiness || now >= self.begin + time
    }

    fn period(&self, check: &Check<'_>) -> Duration {
        match self.purpose {
            Purpose::Liveness if !self.has_succeeded => check.period.min(FIRST_PERIOD),
            _ => check.period,
        }
    }

    /// A part of a time, which differs from process to process.
    fn spread(&self, time: Duration) -> Duration {
        policy::shortened(time, Decimal::ONE, self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CheckTarget;

    const SEED: u64 = 7;

    fn at(milliseconds: u64) -> Monotonic {
        Monotonic(Duration::from_millis(100_000 + milliseconds))
    }

    fn check(target: &CheckTarget) -> Check<'_> {
        Check {
            target,
            delay: Duration::ZERO,
            period: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            success_threshold: 1,
            failure_threshold: 3,
        }
    }

    /// Makes checks one after the other, each of which takes no time; the moments and verdicts.
    fn run(
        schedule: &mut Schedule,
        check: &Check<'_>,
        answers: &[bool],
    ) -> Vec<(u64, Option<Verdict>)> {
        let made = answers.iter().map(|is_success| {
            let now = schedule.next().unwrap();
            schedule.begin(now);
            assert_eq!(schedule.next(), None, "none while one is under way");
            let verdict = schedule.finish(check, *is_success, now);
            (now.since(at(0)).as_millis() as u64, verdict)
        });
        made.collect()
    }

    #[test]
    fn a_liveness_check_is_made_once_a_second_until_it_succeeds() {
        let target = CheckTarget::default();
        let check = check(&target);
        let mut schedule = Schedule::new(Purpose::Liveness, &check, SEED, at(0));
        let made = run(&mut schedule, &check, &[false, false, true, true, true]);
        let gaps: Vec<u64> = made.windows(2).map(|two| two[1].0 - two[0].0).collect();
        assert!(made[0].0 <= 1_000, "{made:?}");
        assert_eq!(gaps[..2], [1_000, 1_000]);
        assert!(gaps[2] <= 10_000, "somewhere in a period: {made:?}");
        assert_eq!(gaps[3], 10_000);
        let verdicts: Vec<_> = made.iter().map(|(_, verdict)| *verdict).collect();
        let passed = Some(Verdict::Passed);
        assert_eq!(verdicts, [None, None, passed, passed, passed]);
    }

    #[test]
    fn failures_in_a_row_are_a_verdict() {
        let target = CheckTarget::default();
        let check = Check {
            success_threshold: 2,
            ..check(&target)
        };
        let mut schedule = Schedule::new(Purpose::Liveness, &check, SEED, at(0));
        let answers = [true, true, false, false, true, false, false, false, false];
        let made = run(&mut schedule, &check, &answers);
        let verdicts: Vec<_> = made.iter().map(|(_, verdict)| *verdict).collect();
        let (passed, failed) = (Some(Verdict::Passed), Some(Verdict::Failed));
        assert_eq!(
            verdicts,
            [None, passed, None, None, None, None, None, failed, failed]
        );
    }

    #[test]
    fn one_that_has_never_succeeded_has_the_time_of_as_many_periods() {
        let target = CheckTarget::default();
        let check = Check {
            delay: Duration::from_secs(4),
            ..check(&target)
        };
        let mut schedule = Schedule::new(Purpose::Liveness, &check, SEED, at(0));
        let made = run(&mut schedule, &check, &[false; 32]);
        assert!(made[0].0 >= 4_000);
        for (moment, verdict) in made {
            let expected = (moment >= 34_000).then_some(Verdict::Failed);
            assert_eq!(verdict, expected, "after {moment} ms");
        }
    }

    #[test]
    fn a_check_that_takes_longer_than_its_period_is_followed_by_the_next() {
        let target = CheckTarget::default();
        let check = Check {
            period: Duration::from_secs(1),
            ..check(&target)
        };
        let mut schedule = Schedule::new(Purpose::Readiness, &check, SEED, at(0));
        schedule.begin(at(1_000));
        assert_eq!(schedule.finish(&check, false, at(6_000)), None);
        assert_eq!(schedule.next(), Some(at(6_000)));
    }

    #[test]
    fn processes_that_start_together_are_not_checked_together() {
        let target = CheckTarget::default();
        let check = check(&target);
        let mut buckets = [0; 10];
        for number in 0..500 {
            let seed = policy::seed(&format!("web_{number:03}"), at(0));
            let schedule = Schedule::new(Purpose::Liveness, &check, seed, at(0));
            let wait = schedule.next().unwrap().since(at(0));
            buckets[(wait.as_millis() / 100).min(9) as usize] += 1;
        }
        assert!(buckets.iter().all(|count| *count < 100), "{buckets:?}");
    }
}
