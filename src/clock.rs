//! Points in time, as values: the pure modules take them as arguments.
//!
//! Deadlines use [`Monotonic`], which no change of the wall clock moves;
//! [`Timestamp`] is for stamps that people read. `sys::time` reads both clocks.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A reading of the monotonic clock (time since an arbitrary start, the boot on Linux).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Monotonic(pub Duration);

impl Monotonic {
    /// How long it is from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Monotonic) -> Duration {
        self.0.saturating_sub(earlier.0)
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

/// Both clocks, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// For deadlines.
    pub monotonic: Monotonic,
    /// For stamps.
    pub wall: Timestamp,
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
