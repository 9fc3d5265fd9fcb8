//! Ctrl-C, for as long as it must not simply end the program: in the shell,
//! and while a log is followed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::ready;
use crate::signal::Signal;
use crate::sys::signals::{self, Signals};

/// What ends this program unless it is caught, and must not come between the stop and
/// the start of a restart.
pub const ENDING: [Signal; 3] = [Signal::HUP, Signal::INT, Signal::TERM];

/// Ctrl-C is caught and told by a descriptor.
#[derive(Debug)]
pub struct Interrupts {
    _signals: Signals,
    descriptor: OwnedFd,
}

impl Interrupts {
    /// Catches SIGINT from here on.
    pub fn catch() -> io::Result<Interrupts> {
        let (signals, descriptor) = Signals::install(&[Signal::INT])?;
        Ok(Interrupts {
            _signals: signals,
            descriptor,
        })
    }

    /// Whether one has come since the last question.
    pub fn take(&self) -> bool {
        Signals::drain(self.descriptor.as_fd()).contains(&Signal::INT)
    }

    /// Readable while one waits to be taken.
    pub fn readable(&self) -> &OwnedFd {
        &self.descriptor
    }

    /// Another descriptor that is readable while one waits to be taken.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.descriptor.try_clone()
    }
}

/// Ends the program as Ctrl-C does where it is not caught.
pub fn die() {
    // If that fails, the program ends all the same, only with a status.
    let _ = signals::die_of(Signal::INT);
}

/// Waits until there is something to read. False if Ctrl-C came first.
pub fn wait_readable(source: BorrowedFd<'_>, interrupt: Option<&OwnedFd>) -> io::Result<bool> {
    let Some(interrupt) = interrupt else {
        return Ok(true);
    };
    let ready = ready::wait_readable(&[source, interrupt.as_fd()], None)?;
    Ok(!ready.contains(&1))
}
