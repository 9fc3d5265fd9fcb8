//! What becomes of a schedule when its time is looked at, perhaps after somebody has set the
//! clock.

use super::expression::Schedule;
use crate::clock::Now;

/// A clock that is set by less than this, in seconds, is changed as for summer and winter:
/// nothing is left out and nothing is done twice. By more it is corrected.
const CORRECTION: i64 = 3 * 3_600;

/// By less than this nothing is left out that comes every minute.
const MINUTE: i64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its time stays as it is.
    Waits,
    /// It comes now, and its next time is computed.
    Due,
    /// Its time is computed anew.
    Anew,
}

/// What becomes of a schedule that was to come at `next`, with a clock that shows `now` and was
/// set ahead by `jump` (back where that is negative) since it was last looked at.
pub fn verdict(schedule: &Schedule, next: i64, now: i64, jump: i64) -> Verdict {
    let is_set = jump.abs()
        >= if schedule.is_frequent() {
            MINUTE
        } else {
            CORRECTION
        };
    match is_set {
        true => Verdict::Anew,
        false if next <= now => Verdict::Due,
        false => Verdict::Waits,
    }
}

/// By how many seconds the wall clock was set between two moments. For a host that slept it is
/// the time that it slept.
pub fn jump(before: Now, now: Now) -> i64 {
    let milliseconds = |of: Now| {
        let fraction = i64::from(of.wall.nanoseconds / 1_000_000);
        let monotonic = i64::try_from(of.monotonic.0.as_millis()).unwrap_or(i64::MAX);
        let wall = of
            .wall
            .seconds
            .saturating_mul(1000)
            .saturating_add(fraction);
        wall.saturating_sub(monotonic)
    };
    milliseconds(now).saturating_sub(milliseconds(before)) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Monotonic, Timestamp};
    use std::time::Duration;

    #[test]
    fn a_clock_that_is_set_leaves_nothing_out_and_does_nothing_twice() {
        use Verdict::{Anew, Due, Waits};
        const HOUR: i64 = 3_600;
        let nightly = Schedule::parse("30 2 * * *").unwrap();
        let hourly = Schedule::parse("30 * * * *").unwrap();
        for (next, now, jump, of_nightly, of_hourly) in [
            (1_000, 999, 0, Waits, Waits),
            (1_000, 1_000, 0, Due, Due),
            // The loop was late.
            (1_000, 2_000, 0, Due, Due),
            // Small steps of the clock.
            (1_000, 1_005, 10, Due, Due),
            (1_000, 995, -10, Waits, Waits),
            // An hour ahead, over the time and not.
            (1_000, 4_000, HOUR, Due, Anew),
            (9_000, 4_000, HOUR, Waits, Anew),
            // An hour back: what has come is not to come again.
            (9_000, 4_000, -HOUR, Waits, Anew),
            // It was wrong.
            (1_000, 90_000, 86_400, Anew, Anew),
            (90_000, 1_000, -86_400, Anew, Anew),
            (1_000, 90_000, CORRECTION, Anew, Anew),
        ] {
            let case = (next, now, jump);
            assert_eq!(verdict(&nightly, next, now, jump), of_nightly, "{case:?}");
            assert_eq!(verdict(&hourly, next, now, jump), of_hourly, "{case:?}");
        }
    }

    #[test]
    fn a_clock_is_set_where_it_goes_otherwise_than_the_other_one() {
        let at = |monotonic: u64, wall: i64, nanoseconds: u32| Now {
            monotonic: Monotonic(Duration::from_millis(monotonic)),
            wall: Timestamp {
                seconds: wall,
                nanoseconds,
            },
        };
        for (before, now, expected) in [
            (at(100, 5_000, 0), at(100, 5_000, 0), 0),
            (at(100, 5_000, 0), at(60_100, 5_060, 0), 0),
            (at(100, 5_000, 999_000_000), at(201, 5_001, 100_000_000), 0),
            (at(100, 5_000, 0), at(1_100, 8_601, 0), 3_600),
            (at(100, 5_000, 0), at(1_100, 1_401, 0), -3_600),
            (at(100, 5_000, 0), at(1_100, 5_001, 900_000_000), 0),
            (at(0, i64::MIN, 0), at(0, i64::MAX, 0), i64::MAX / 1000),
        ] {
            assert_eq!(jump(before, now), expected, "{before:?} {now:?}");
        }
    }
}
