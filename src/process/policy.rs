//! When a process is started again, and when it is not any more: functions of its
//! configuration, of what has happened and of the time. With the defaults they give the
//! waits of Supervisor 4.3.0.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::Process;
use crate::config::amounts::{Decimal, Limit};
use crate::snapshot::saved;

/// The value of `startretries`, and of `stopwaitsecs`, that means without end. Other negative
/// numbers mean what they mean in 4.3.0.
pub const ENDLESS: i64 = -1;

/// With `startsecs` of 0 a process is RUNNING this long after its spawn, so
/// that one that ends at once is told as ended and not as a success.
const INSTANT: Duration = Duration::from_millis(10);

/// The longest wait of a process that is started again without end, unless `maxbackoff` says
/// something else.
const LONGEST: Duration = Duration::from_secs(60);

/// Whether a process that has failed to start so often in a row is given up.
pub fn is_last(process: &Process, failures: i64) -> bool {
    process.startretries != ENDLESS && failures > process.startretries
}

/// How long a process waits after so many failed starts in a row, the last of which ended just
/// now; `None` if it was the last. `seed` chooses what `backoff_jitter` leaves to chance.
pub fn wait(process: &Process, failures: i64, seed: u64) -> Option<Duration> {
    if is_last(process, failures) {
        return None;
    }
    let longest = match process.startretries {
        ENDLESS => LONGEST,
        _ => Duration::MAX,
    };
    let Some(policy) = &process.policy else {
        return Some(grown(Duration::from_secs(1), Decimal::ONE, failures).min(longest));
    };
    let longest = match policy.maxbackoff {
        None => longest,
        Some(Limit::Infinity) => Duration::MAX,
        Some(Limit::Of(duration)) => duration,
    };
    let wait = grown(policy.backoffincrement, policy.backoff_factor, failures).min(longest);
    let wait = shortened(wait, policy.backoff_jitter, seed);
    Some(wait.max(policy.restartpause))
}

/// The wait after so many failures. With a factor of 1 each is an increment longer than the one
/// before, with a greater one so many times as long.
fn grown(increment: Duration, factor: Decimal, failures: i64) -> Duration {
    let (times, scale) = match factor {
        Decimal::ONE => (failures as f64, 1.0),
        factor => {
            let steps = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
            (1.0, factor.value().powi(steps))
        }
    };
    // A conversion from a float stops at the ends of the range.
    let milliseconds = (increment.as_millis() as f64 * times * scale) as u64;
    Duration::from_millis(milliseconds)
}

/// Shorter by a part that `seed` chooses, up to `jitter`: so the longest wait stays the longest.
pub fn shortened(wait: Duration, jitter: Decimal, seed: u64) -> Duration {
    if jitter.0 == 0 {
        return wait;
    }
    // 53 bits are what a fraction holds.
    let part = (scrambled(seed) >> 11) as f64 / (1_u64 << 53) as f64;
    let milliseconds = wait.as_millis() as f64 * (1.0 - jitter.value() * part);
    Duration::from_millis(milliseconds as u64)
}

/// splitmix64
fn scrambled(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A seed that differs from process to process and from moment to moment, so that those that
/// failed together do not start together.
pub fn seed(name: &str, now: Monotonic) -> u64 {
    let moment = now.0.as_nanos() as u64;
    // FNV-1a
    name.bytes()
        .fold(moment ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// The moment from which on a process that ended at `end` may be started again.
pub fn pause_over(process: &Process, end: Option<Monotonic>) -> Option<Monotonic> {
    let pause = process.policy.as_ref()?.restartpause;
    Some(end? + pause)
}

/// When a start that is asked for now is made, if not at once.
pub fn delayed_start(
    process: &Process,
    last_end: Option<Monotonic>,
    now: Monotonic,
) -> Option<Monotonic> {
    let delayed = now + process.policy.as_ref()?.startdelay;
    let start = pause_over(process, last_end).map_or(delayed, |over| over.max(delayed));
    (start > now).then_some(start)
}

/// How long a child must live to be up.
pub fn start_time(process: &Process) -> Duration {
    seconds(process.startsecs)
}

/// How long it takes until a child is told as up.
pub fn time_to_run(process: &Process) -> Duration {
    start_time(process).max(INSTANT)
}

/// How long a child may run, if there is an end. `seed` chooses what `runtime_jitter` leaves to
/// chance.
pub fn run_time(process: &Process, seed: u64) -> Option<Duration> {
    let jitter = process.job.as_ref()?.runtime_jitter;
    Some(shortened(process.runtime_timeout()?, jitter, seed))
}

/// Whether a process has to tell that it is ready.
pub fn asks_for_readiness(process: &Process) -> bool {
    let checks = process.checks.as_ref();
    !process.is_oneshot() && checks.is_some_and(|checks| checks.asks_for_readiness())
}

/// How long a process has to get ready, at least until it is told as up; `None` for as long as
/// it takes.
pub fn time_to_get_ready(process: &Process) -> Option<Duration> {
    match process.checks.as_ref()?.readiness_timeout {
        Limit::Infinity => None,
        Limit::Of(time) => Some(time.max(time_to_run(process))),
    }
}

/// How long a process has to stop before it is killed; `None` for as long as it takes.
pub fn stop_time(process: &Process) -> Option<Duration> {
    let has_end = process.stopwaitsecs != ENDLESS;
    has_end.then(|| seconds(process.stopwaitsecs))
}

fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}

/// The last restarts of a process that has a `restart_limit`, the oldest first: no more than
/// that counts.
#[derive(Clone, Debug, Default)]
pub struct Restarts(VecDeque<Monotonic>);

saved! { struct Restarts(_); }

impl Restarts {
    /// Notes one.
    pub fn note(&mut self, process: &Process, now: Monotonic) {
        if let Some((count, _)) = limit(process) {
            while self.0.len() >= count {
                self.0.pop_front();
            }
            self.0.push_back(now);
        }
    }

    /// Why there may be no other at that moment, if so.
    pub fn refusal(&self, process: &Process, at: Monotonic) -> Option<String> {
        let (count, within) = limit(process)?;
        let oldest = self.0.len().checked_sub(count)?;
        let is_full = at.since(*self.0.get(oldest)?) < within;
        is_full.then(|| {
            let restarts = if count == 1 { "restart" } else { "restarts" };
            format!("{count} {restarts} in {}", in_words(within))
        })
    }
}

/// Such as `1 second`.
pub fn in_words(time: Duration) -> String {
    let (number, unit) = match time.subsec_millis() {
        0 => (u128::from(time.as_secs()), "second"),
        _ => (time.as_millis(), "millisecond"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

/// The `restart_limit` of a process, if it has one.
fn limit(process: &Process) -> Option<(usize, Duration)> {
    let (count, within) = process.policy.as_ref()?.restart_limit.0?;
    Some((count as usize, within))
}

/// Whether the process has a `restart_limit`.
pub fn is_limited(process: &Process) -> bool {
    limit(process).is_some()
}

#[cfg(test)]
mod tests;
