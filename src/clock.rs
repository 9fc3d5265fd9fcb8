//! Points in time, as values: the pure modules take them as arguments.
//!
//! Deadlines use [`Monotonic`], which no change of the wall clock moves;
//! [`Timestamp`] is for stamps that people read. `sys::time` reads both clocks.

use std::ops::{Add, Sub};
use std::time::Duration;

use crate::snapshot::saved;

/// By how many seconds the two clocks may drift apart before the wall clock counts as set.
const SLACK: i64 = 2;

/// A reading of the monotonic clock (time since an arbitrary start, the boot on Linux).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Monotonic(pub Duration);

saved! { struct Monotonic(_); }

impl Monotonic {
    /// How long it is from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Monotonic) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment right after this one. If this is when a turn of the loop
    /// began, a timer for the other is not due in that turn, and past at the next.
    pub fn just_after(self) -> Monotonic {
        self + Duration::from_nanos(1)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Monotonic;
    fn add(self, delay: Duration) -> Monotonic {
        Monotonic(self.0.saturating_add(delay))
    }
}

impl Sub<Duration> for Monotonic {
    type Output = Monotonic;
    fn sub(self, delay: Duration) -> Monotonic {
        Monotonic(self.0.saturating_sub(delay))
    }
}

/// A reading of the wall clock: Unix time with a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Whole seconds since 1970-01-01 00:00:00 UTC; negative before it.
    pub seconds: i64,
    /// Nanoseconds within the second, below 1,000,000,000.
    pub nanoseconds: u32,
}

saved! { struct Timestamp { seconds, nanoseconds } }

/// Both clocks, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// For deadlines.
    pub monotonic: Monotonic,
    /// For stamps.
    pub wall: Timestamp,
}

saved! { struct Now { monotonic, wall } }

impl Now {
    /// When this moment was, by the wall clock as it goes at `now`, in seconds.
    ///
    /// That is what the wall clock showed then, unless it was set back since:
    /// then the moment moves back with it, so that a process has not been up
    /// for less time than it has, nor was started in the future. A clock set
    /// forward cannot be told from a host that slept.
    pub fn seen_at(self, now: Now) -> i64 {
        let passed = now.monotonic.since(self.monotonic).as_secs();
        let latest = now
            .wall
            .seconds
            .saturating_sub(i64::try_from(passed).unwrap_or(i64::MAX));
        // Each clock has its own fraction of a second, and one may be slewed.
        if self.wall.seconds > latest.saturating_add(SLACK) {
            latest
        } else {
            self.wall.seconds
        }
    }
}

/// How often a clock ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// Every 5 seconds.
    Seconds,
    /// Every minute.
    Minute,
    /// Every hour.
    Hour,
}

saved! { enum Period { Seconds, Minute, Hour } }

impl Period {
    /// All of them, in the order in which they tick.
    pub const ALL: [Period; 3] = [Period::Seconds, Period::Minute, Period::Hour];

    /// Its length in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Period::Seconds => 5,
            Period::Minute => 60,
            Period::Hour => 3600,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(monotonic: u64, wall: i64) -> Now {
        Now {
            monotonic: Monotonic(Duration::from_secs(monotonic)),
            wall: Timestamp {
                seconds: wall,
                nanoseconds: 0,
            },
        }
    }

    #[test]
    fn a_moment_moves_back_with_a_wall_clock_that_is_set_back() {
        for (then, now, expected) in [
            (at(100, 5000), at(100, 5000), 5000),
            (at(100, 5000), at(130, 5030), 5000),
            // Fractions of a second, and slewing.
            (at(100, 5000), at(130, 5029), 5000),
            (at(100, 5000), at(130, 5028), 5000),
            // Set back by an hour.
            (at(100, 5000), at(130, 1430), 1400),
            (at(100, 5000), at(100, 1400), 1400),
            // Set forward, or asleep.
            (at(100, 5000), at(130, 8630), 5000),
            // Before 1970, and the ends of the range.
            (at(100, 5), at(130, -3570), -3600),
            (at(0, i64::MAX), at(u64::MAX, i64::MIN), i64::MIN),
            (at(0, i64::MIN), at(0, i64::MAX), i64::MIN),
        ] {
            assert_eq!(then.seen_at(now), expected, "{then:?} seen at {now:?}");
        }
    }
}
