//! States of processes and of supervisord, with the numbers and names that
//! travel over XML-RPC and in events, and the three sets that rules refer to.

use crate::snapshot::saved;

/// The state of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProcessState {
    /// Never started, or stopped on request.
    Stopped = 0,
    /// Has a child that has not been up for `startsecs` yet.
    Starting = 10,
    /// Up.
    Running = 20,
    /// A start failed; another attempt follows.
    Backoff = 30,
    /// A stop signal was sent; the child has not ended yet.
    Stopping = 40,
    /// Ended by itself after having been up.
    Exited = 100,
    /// supervisord gave up starting it.
    Fatal = 200,
    /// A signal could not be sent.
    Unknown = 1000,
}

saved! {
    enum ProcessState {
        Stopped, Starting, Running, Backoff, Stopping, Exited, Fatal, Unknown,
    }
}

impl ProcessState {
    /// The state with that number on the wire.
    pub fn from_code(code: i64) -> Option<ProcessState> {
        use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown};
        let mut all = [
            Stopped, Starting, Running, Backoff, Stopping, Exited, Fatal, Unknown,
        ]
        .into_iter();
        all.find(|state| i64::from(state.code()) == code)
    }

    /// Its number on the wire.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            ProcessState::Stopped => "STOPPED",
            ProcessState::Starting => "STARTING",
            ProcessState::Running => "RUNNING",
            ProcessState::Backoff => "BACKOFF",
            ProcessState::Stopping => "STOPPING",
            ProcessState::Exited => "EXITED",
            ProcessState::Fatal => "FATAL",
            ProcessState::Unknown => "UNKNOWN",
        }
    }

    /// Counts as stopped: it may be started, its group may be removed.
    pub fn is_stopped(self) -> bool {
        matches!(
            self,
            ProcessState::Stopped
                | ProcessState::Exited
                | ProcessState::Fatal
                | ProcessState::Unknown
        )
    }

    /// Counts as running: it may be stopped. STOPPING is in neither set.
    pub fn is_running(self) -> bool {
        matches!(
            self,
            ProcessState::Running | ProcessState::Backoff | ProcessState::Starting
        )
    }

    /// May be sent a signal.
    pub fn is_signallable(self) -> bool {
        matches!(
            self,
            ProcessState::Running | ProcessState::Starting | ProcessState::Stopping
        )
    }
}

/// The state of supervisord itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SupervisorState {
    /// Something that it was told to do could not be done; it supervises all the same.
    Fatal = 2,
    /// Normal.
    Running = 1,
    /// Stopping everything, then starting again.
    Restarting = 0,
    /// Stopping everything, then exiting.
    Shutdown = -1,
}

saved! { enum SupervisorState { Fatal, Running, Restarting, Shutdown } }

impl SupervisorState {
    /// Its number on the wire.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            SupervisorState::Fatal => "FATAL",
            SupervisorState::Running => "RUNNING",
            SupervisorState::Restarting => "RESTARTING",
            SupervisorState::Shutdown => "SHUTDOWN",
        }
    }

    /// It is stopping everything: requests are refused.
    pub fn is_going_down(self) -> bool {
        self.code() < SupervisorState::Running.code()
    }
}
