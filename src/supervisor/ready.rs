//! Whether all is as it should be, as `supervisorctl healthcheck` says it of what its answers
//! tell: for probes that ask by HTTP and for alerts.

use crate::process::health::Health;
use crate::process::health::watch::Watch;
use crate::process::subprocess::Subprocess;
use crate::states::ProcessState;
use crate::supervisor::Supervisor;

/// What of a process decides about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Condition {
    state: ProcessState,
    /// None where nobody looks after it.
    health: Option<Health>,
    waits_for_others: bool,
    has_next_run: bool,
    is_job_under_way: bool,
    has_error: bool,
}

impl Condition {
    /// It runs and is healthy, or has ended as expected, or is a job that is under way or waits
    /// for its time.
    fn is_good(self) -> bool {
        match self.state {
            ProcessState::Running => self.health.is_none_or(|health| health == Health::Healthy),
            ProcessState::Starting if self.is_job_under_way => true,
            _ if self.waits_for_others => false,
            ProcessState::Stopped => self.has_next_run,
            ProcessState::Exited => !self.has_error,
            _ => false,
        }
    }
}

impl Supervisor {
    /// Whether every process that starts by itself is as it should be. Nothing is while
    /// supervisord goes down.
    pub fn is_ready(&self) -> bool {
        let mut processes = self.groups.iter().flat_map(|group| &group.processes);
        !self.state.is_going_down() && processes.all(|process| self.is_good(process) != Some(false))
    }

    /// Whether a process is as it should be; `None` for one that does not start by itself.
    pub fn is_good(&self, process: &Subprocess) -> Option<bool> {
        if !process.config().autostart || self.is_disabled(process) {
            return None;
        }
        let machine = process.machine();
        let condition = Condition {
            state: machine.state(),
            health: process.watch().map(Watch::health),
            waits_for_others: self.waiting_for(process).is_some(),
            has_next_run: process.next_run().is_some(),
            is_job_under_way: process.config().is_oneshot() && machine.pid() != 0,
            has_error: !machine.spawn_error().is_empty(),
        };
        Some(condition.is_good())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_as_healthcheck_says_it() {
        use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown};
        let plain = Condition {
            state: Running,
            health: None,
            waits_for_others: false,
            has_next_run: false,
            is_job_under_way: false,
            has_error: false,
        };
        for (state, good) in [
            (Stopped, false),
            (Starting, false),
            (Running, true),
            (Backoff, false),
            (Stopping, false),
            (Exited, true),
            (Fatal, false),
            (Unknown, false),
        ] {
            assert_eq!(Condition { state, ..plain }.is_good(), good, "{state:?}");
            let job = Condition {
                state,
                is_job_under_way: true,
                ..plain
            };
            assert_eq!(job.is_good(), good || state == Starting, "{state:?}");
            let timed = Condition {
                state,
                has_next_run: true,
                ..plain
            };
            assert_eq!(timed.is_good(), good || state == Stopped, "{state:?}");
            let failed = Condition {
                state,
                has_error: true,
                ..plain
            };
            assert_eq!(failed.is_good(), good && state != Exited, "{state:?}");
            let waiting = Condition {
                state,
                waits_for_others: true,
                has_next_run: true,
                ..plain
            };
            assert_eq!(waiting.is_good(), state == Running, "{state:?}");
        }
        for (health, good) in [
            (Health::Starting, false),
            (Health::Healthy, true),
            (Health::Unhealthy, false),
        ] {
            let health = Some(health);
            assert_eq!(Condition { health, ..plain }.is_good(), good, "{health:?}");
        }
    }
}
