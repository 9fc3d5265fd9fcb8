//! The brake on restarts. A process that ended is started again at once, but
//! one that ends as soon as it starts (`startsecs=0`) would keep the host busy
//! with nothing else. 4.3.0 was braked by its loop, to one restart a second;
//! here a process has a store of restarts that refills with time.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::snapshot::saved;

/// How many restarts come at once before the brake is felt.
const STORE: u32 = 50;
/// One restart comes back to the store in this time.
const REFILL: Duration = Duration::from_millis(500);

/// The store of one process.
#[derive(Clone, Debug, Default)]
pub struct RestartBudget {
    /// The moment at which the store will be full again.
    full_at: Monotonic,
}

saved! { struct RestartBudget { full_at } }

impl RestartBudget {
    /// Takes a restart out of the store and says when it may happen: `now`
    /// while there are some left, later when there are not.
    pub fn take(&mut self, now: Monotonic) -> Monotonic {
        let full_at = self.full_at.max(now) + REFILL;
        self.full_at = full_at;
        now.max(full_at - REFILL * STORE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Monotonic {
        Monotonic(Duration::from_millis(milliseconds))
    }

    #[test]
    fn restarts_come_at_once_until_the_store_is_empty_and_then_twice_a_second() {
        let mut budget = RestartBudget::default();
        let now = at(1_000_000);
        for _ in 0..STORE {
            assert_eq!(budget.take(now), now);
        }
        assert_eq!(budget.take(now), now + REFILL);
        assert_eq!(budget.take(now), now + REFILL * 2);
    }

    #[test]
    fn a_store_refills_with_time() {
        let mut budget = RestartBudget::default();
        for _ in 0..STORE {
            budget.take(at(1_000_000));
        }
        assert_eq!(budget.take(at(1_500_000)), at(1_500_000));
    }
}
