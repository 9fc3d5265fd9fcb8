//! Lines of which somebody outside can cause any number: of each kind one a
//! minute, with how many were left out since the last.

use std::fmt;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::snapshot::saved;
use crate::vec_map::VecMap;

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

/// When a line of each kind was last written, and how many were left out since.
#[derive(Debug, Default)]
pub struct RateLimit(VecMap<&'static str, (Monotonic, u64)>);

saved! { struct RateLimit(_); }

impl RateLimit {
    /// How a line of that kind ends if it may be written now; `None` if it is left out.
    pub fn admit(&mut self, kind: &'static str, now: Monotonic) -> Option<LeftOut> {
        let count = match self.0.get_mut(kind) {
            Some((last, left_out)) if now < *last + INTERVAL => {
                *left_out += 1;
                return None;
            }
            Some((_, left_out)) => *left_out,
            None => 0,
        };
        self.0.insert(kind, (now, 0));
        Some(LeftOut(count))
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
