//! How a child ended, and the words for it in log lines.

use std::fmt;

use crate::signal;
use crate::snapshot::saved;

/// The end of a child as waitpid told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// It exited with this status (0 to 255).
    Exited(i32),
    /// A signal of this number ended it.
    Signaled { signal: i32, core_dumped: bool },
    /// A wait status that is neither.
    Unknown(i32),
}

saved! { enum Termination { Exited(a), Signaled { signal, core_dumped }, Unknown(a) } }

impl Termination {
    /// The exit status as it is reported: -1 where there was none.
    pub fn exit_status(self) -> i32 {
        match self {
            Termination::Exited(status) => status,
            Termination::Signaled { .. } | Termination::Unknown(_) => -1,
        }
    }

    /// The signal that ended it; 0 where none did.
    pub fn signal_number(self) -> i32 {
        match self {
            Termination::Signaled { signal, .. } => signal,
            Termination::Exited(_) | Termination::Unknown(_) => 0,
        }
    }
}

impl Termination {
    /// The name of the signal that ended it; empty where none did.
    pub fn signal_name(self) -> String {
        match self.signal_number() {
            0 => String::new(),
            number => signal::name_of(number),
        }
    }
}

impl fmt::Display for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Termination::Exited(status) => write!(f, "exit status {status}"),
            Termination::Signaled {
                signal,
                core_dumped,
            } => {
                write!(f, "terminated by {}", signal::name_of(*signal))?;
                if *core_dumped {
                    f.write_str(" (core dumped)")?;
                }
                Ok(())
            }
            Termination::Unknown(status) => write!(f, "unknown termination cause 0x{status:04x}"),
        }
    }
}
