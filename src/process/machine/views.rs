//! What others see of the machine of a process.

use crate::clock::{Monotonic, Now};
use crate::config::Process;
use crate::process::policy;
use crate::states::ProcessState;

use super::{Desired, LastLife, Machine, Observed};

impl Machine {
    /// The state on the wire.
    pub fn state(&self) -> ProcessState {
        match (self.observed, &self.desired) {
            (Observed::Stopped, _) => ProcessState::Stopped,
            (Observed::Starting, Desired::Up) => ProcessState::Starting,
            (Observed::Running, Desired::Up) => ProcessState::Running,
            (Observed::Starting | Observed::Running, _) => ProcessState::Stopping,
            (Observed::StartFailed, _) => ProcessState::Backoff,
            (Observed::Exited, _) => ProcessState::Exited,
            (Observed::Fatal, _) => ProcessState::Fatal,
            (Observed::Unknown, _) => ProcessState::Unknown,
        }
    }

    /// Whether it is to run, whether it does or not.
    pub fn is_wanted_up(&self) -> bool {
        self.desired == Desired::Up
    }

    /// Whether it has no child and is to have one again when its deadline comes.
    pub fn waits_for_restart(&self) -> bool {
        use Observed::{Exited, StartFailed, Stopped};
        self.is_wanted_up() && matches!(self.observed, StartFailed | Exited | Stopped)
    }

    /// Whether it is stopped without anybody's request, to be started again.
    pub fn is_to_come_back(&self) -> bool {
        let is_stopped_by = matches!(self.desired, Desired::Retried(_) | Desired::Restarted(_));
        self.is_out_of_time() || is_stopped_by
    }

    /// The key by which the daemon stops its child by itself, if it does.
    pub fn reason_of_stop(&self) -> &'static str {
        match self.desired {
            Desired::OutOfTime(_) => "runtime_timeout",
            Desired::Retried(key) | Desired::Restarted(key) | Desired::Stopped(key) => key,
            Desired::Following => "depends_restart",
            _ => "",
        }
    }

    /// Whether its child has to tell that it is ready and has not yet.
    pub fn awaits_readiness(&self, process: &Process) -> bool {
        self.observed == Observed::Starting && policy::asks_for_readiness(process) && !self.is_ready
    }

    /// Whether its child was told to end and has not yet.
    pub fn is_going_down(&self) -> bool {
        self.state() == ProcessState::Stopping
    }

    /// The child's pid, 0 when there is none.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When [`Input::Due`] is to be fed, if ever.
    pub fn deadline(&self) -> Option<Monotonic> {
        self.deadline
    }

    /// When a start is made that is delayed, if one is.
    pub fn delayed_until(&self) -> Option<Monotonic> {
        let is_delayed = self.observed == Observed::Starting && self.pid == 0;
        self.deadline.filter(|_| is_delayed)
    }

    /// How many starts have failed since the process was last up.
    pub fn failed_starts(&self) -> i64 {
        self.backoff
    }

    /// When a spawn was last attempted; `None` if never, which is what allows autostart.
    pub fn last_start(&self) -> Option<Now> {
        self.last_start
    }

    /// When a child last ended.
    pub fn last_stop(&self) -> Option<Now> {
        self.last_stop
    }

    /// How the last child ended, if one has.
    pub fn last_life(&self) -> Option<&LastLife> {
        self.last_life.as_deref()
    }

    /// Why the last start or run went wrong; empty if it did not.
    pub fn spawn_error(&self) -> &str {
        &self.spawn_error
    }

    /// The status of the last child; -1 for a signal, 0 when there is none to tell.
    pub fn exit_status(&self) -> i32 {
        self.exit_status.unwrap_or(0)
    }
}
