//! What is observed of a process, and what that means for those that depend on it.

use crate::config::dependencies::Condition;
use crate::snapshot::saved;
use crate::states::ProcessState;

/// A process as those see it that depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    pub state: ProcessState,
    pub has_child: bool,
    /// It is BACKOFF or EXITED and will be started again.
    pub comes_back: bool,
    /// It is EXITED with an expected status.
    pub has_succeeded: bool,
    pub is_healthy: bool,
    /// It is started for nobody else.
    pub is_disabled: bool,
}

saved! {
    struct Observed {
        state, has_child, comes_back, has_succeeded, is_healthy, is_disabled,
    }
}

impl Default for Observed {
    fn default() -> Observed {
        Observed {
            state: ProcessState::Stopped,
            has_child: false,
            comes_back: false,
            has_succeeded: false,
            is_healthy: false,
            is_disabled: false,
        }
    }
}

impl Observed {
    pub fn meets(&self, condition: Condition) -> bool {
        use ProcessState::{Exited, Running, Starting};
        match condition {
            Condition::Running => self.state == Running,
            Condition::Healthy => self.state == Running && self.is_healthy,
            Condition::Exited => self.state == Exited && self.has_succeeded,
            Condition::Started => self.has_child && matches!(self.state, Starting | Running),
        }
    }

    /// Whether it has a child, or is about to have one, that is not told to end.
    pub fn is_up(&self) -> bool {
        matches!(self.state, ProcessState::Starting | ProcessState::Running)
    }

    /// Whether what it does goes on without anybody asking for that.
    pub fn is_coming(&self) -> bool {
        self.is_up() || self.comes_back
    }

    /// Whether a start would start it.
    pub fn is_startable(&self) -> bool {
        self.state.is_stopped() && self.state != ProcessState::Unknown
            || self.state == ProcessState::Backoff
    }

    /// Whether it is over with its run, so that others can be stopped that it depends on. What
    /// cannot be signalled is not waited for.
    pub fn has_ended(&self) -> bool {
        self.state.is_stopped() || self.state == ProcessState::Backoff
    }

    /// Whether it is down and nobody starts it who does not name it.
    pub fn is_kept_down(&self) -> bool {
        self.is_disabled && self.has_ended() && !self.comes_back
    }

    /// What it is, in a word, to those that wait for it.
    pub fn word(&self) -> &'static str {
        match self.is_kept_down() {
            true => "disabled",
            false => self.state.name(),
        }
    }

    /// Whether a condition that does not hold will not without help. What was stopped may be
    /// about to be started again by whoever stopped it.
    pub fn has_failed(&self, condition: Condition) -> bool {
        let is_over = match self.state {
            ProcessState::Fatal | ProcessState::Unknown => true,
            ProcessState::Exited => !self.comes_back,
            _ => false,
        };
        (is_over || self.is_kept_down()) && !self.meets(condition)
    }
}
