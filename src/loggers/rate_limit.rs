//! Lines of which somebody outside can cause any number: of each kind one a
//! minute, with how many were left out since the last.

use std::time::Duration;

use crate::clock::Monotonic;

/// How often a line of one kind is written.
pub const INTERVAL: Duration = Duration::from_secs(60);

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
    /// Whether a line of that kind may be written now, and how many were left
    /// out before it; `None` if it is left out.
    pub fn admit(&mut self, kind: &'static str, now: Monotonic) -> Option<u64> {
        let Some(told) = self.told.iter_mut().find(|told| told.kind == kind) else {
            self.told.push(Told {
                kind,
                last: now,
                left_out: 0,
            });
            return Some(0);
        };
        if now < told.last + INTERVAL {
            told.left_out += 1;
            return None;
        }
        told.last = now;
        Some(std::mem::take(&mut told.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_once_a_minute_and_the_others_are_counted() {
        let mut limit = RateLimit::default();
        for (second, kind, expected) in [
            (10, "a", Some(0)),
            (10, "a", None),
            (69, "a", None),
            (69, "b", Some(0)),
            (70, "a", Some(2)),
            (70, "a", None),
            (129, "b", Some(0)),
            (1000, "a", Some(1)),
            (1060, "a", Some(0)),
        ] {
            let now = Monotonic(Duration::from_secs(second));
            assert_eq!(limit.admit(kind, now), expected, "{second} {kind}");
        }
    }
}
