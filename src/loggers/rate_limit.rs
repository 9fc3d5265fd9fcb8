//! Lines of which somebody outside can cause any number: of each kind one a
//! minute, with how many were left out since the last.

use std::fmt;
use std::time::Duration;

use crate::clock::Monotonic;

/// How often a line of one kind is written.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// How many lines were left out before one that is written: the end of that line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut(pub u64);

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} more like it since the last that was told)"),
        }
    }
}

/// When lines of each kind were last written.
#[derive(Debug, Default)]
pub struct RateLimit {
    told: Vec<Told>,
}

#[derive(Debug)]
struct Told {
    kind: &'static str,
    last: Monotonic,
    left_out: u64,
}

impl RateLimit {
    /// How a line of that kind ends if it may be written now; `None` if it is left out.
    pub fn admit(&mut self, kind: &'static str, now: Monotonic) -> Option<LeftOut> {
        let Some(told) = self.told.iter_mut().find(|told| told.kind == kind) else {
            self.told.push(Told {
                kind,
                last: now,
                left_out: 0,
            });
            return Some(LeftOut(0));
        };
        if now < told.last + INTERVAL {
            told.left_out += 1;
            return None;
        }
        told.last = now;
        Some(LeftOut(std::mem::take(&mut told.left_out)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_once_a_minute_and_the_others_are_counted() {
        let mut limit = RateLimit::default();
        for (second, kind, expected) in [
            (10, "a", Some("")),
            (10, "a", None),
            (69, "a", None),
            (69, "b", Some("")),
            (
                70,
                "a",
                Some(" (2 more like it since the last that was told)"),
            ),
            (70, "a", None),
            (129, "b", Some("")),
            (
                1000,
                "a",
                Some(" (1 more like it since the last that was told)"),
            ),
            (1060, "a", Some("")),
        ] {
            let now = Monotonic(Duration::from_secs(second));
            let end = limit.admit(kind, now).map(|end| end.to_string());
            assert_eq!(end.as_deref(), expected, "{second} {kind}");
        }
    }
}
