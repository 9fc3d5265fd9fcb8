//! Random settings of a process, from a fixed seed.

use std::time::Duration;

use crate::config::amounts::{Decimal, Limit, Rate};
use crate::config::hooks::Hooks;
use crate::config::job::{Job, Kind};
use crate::config::policy::Policy;

/// xorshift64
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.below(2);
        random
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// Any policy.
pub fn policy(random: &mut Random) -> Policy {
    let mut some = |milliseconds: [u64; 4]| {
        Duration::from_millis(milliseconds[random.below(milliseconds.len() as u64) as usize])
    };
    Policy {
        restartpause: some([0, 0, 1_500, 10_000]),
        backoffincrement: some([0, 300, 1_000, 5_000]),
        maxbackoff: match some([0, 1, 2, 3]).as_millis() {
            0 => None,
            1 => Some(Limit::Infinity),
            _ => Some(Limit::Of(some([0, 500, 4_000, 100_000]))),
        },
        startdelay: some([0, 0, 700, 5_000]),
        restart_limit: match some([0, 1, 2, 5]).as_millis() as u32 {
            0 => Rate(None),
            count => Rate(Some((count, some([400, 10_000, 60_000, 1_000_000])))),
        },
        backoff_factor: [Decimal(1_000), Decimal(1_500), Decimal(2_000)][random.below(3) as usize],
        backoff_jitter: [Decimal(0), Decimal(500), Decimal(1_000)][random.below(3) as usize],
    }
}

/// Any job.
pub fn job(random: &mut Random) -> Job {
    let times = [0, 300, 2_000, 50_000].map(Duration::from_millis);
    Job {
        kind: [Kind::Service, Kind::Oneshot][random.below(2) as usize],
        runtime_timeout: match times[random.below(4) as usize] {
            Duration::ZERO => Limit::Infinity,
            time => Limit::Of(time),
        },
        runtime_jitter: [Decimal(0), Decimal(1_000)][random.below(2) as usize],
        schedule: None,
    }
}

/// Any hooks.
pub fn some_hooks(random: &mut Random) -> Hooks {
    let mut some = || random.one_in(2).then(|| "/bin/true".into());
    Hooks {
        pre_start_hook: some(),
        pre_stop_hook: some(),
        stopcommand: some(),
        post_stop_hook: some(),
        fatal_hook: some(),
        hook_timeout: Duration::from_secs(30),
    }
}
