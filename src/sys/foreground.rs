//! The terminal that a child is lent while it runs, as a shell does with a job: its process group
//! is in the foreground, so that keys send their signals to it, and it may read.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;
use nix::sys::signal::{self, SigSet, Signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::snapshot::saved;

/// The terminal that controls this process.
#[derive(Debug)]
pub struct Terminal {
    device: File,
    /// This process's group, to which it goes back.
    own: Pid,
    is_lent: Cell<bool>,
}

saved! { struct Terminal { device, own = getpgrp(), is_lent } }

impl Terminal {
    /// The terminal, if there is one and this process is in its foreground. From here on this
    /// process may act on it, and write to it, from the background as well.
    pub fn of_foreground() -> Option<Terminal> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true);
        let options = options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        let terminal = Terminal {
            device: options.open("/dev/tty").ok()?,
            own: getpgrp(),
            is_lent: Cell::new(false),
        };
        // The signal that would stop it is for whoever reads or writes where others work.
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGTTOU);
        (terminal.is_own() && blocked.thread_block().is_ok()).then_some(terminal)
    }

    /// Whether this process is in the foreground.
    fn is_own(&self) -> bool {
        tcgetpgrp(&self.device) == Ok(self.own)
    }

    /// Lends it to a child, which has to [`take`] it; `None` while others have it.
    pub fn lend(&self) -> Option<BorrowedFd<'_>> {
        self.is_lent.set(self.is_own());
        self.is_lent.get().then(|| self.device.as_fd())
    }

    /// Takes it back if it is lent.
    pub fn take_back(&self) {
        if self.is_lent.replace(false) {
            let _ = tcsetpgrp(&self.device, self.own);
        }
    }

    /// If the child that has it was stopped, by a key say: stops this process with its group, as
    /// the key would have done, and goes on with the child when whoever waits for this process
    /// goes on with it. Where nobody does (in a container) nothing stops.
    pub fn pass_stop_on(&self, child: i32) {
        let child = Pid::from_raw(child);
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
        let Ok(WaitStatus::Stopped(..)) = waitid(Id::Pid(child), flags) else {
            return;
        };
        let was_lent = self.is_lent.get();
        self.take_back();
        // One that asked for what others had before is given it now.
        if was_lent || !self.is_own() {
            let _ = signal::kill(Pid::from_raw(0), Signal::SIGTSTP);
        }
        if self.is_own() {
            self.is_lent.set(tcsetpgrp(&self.device, child) == Ok(()));
        }
        let _ = signal::killpg(child, Signal::SIGCONT);
    }
}

/// In a child that leads its group: puts that into the foreground. SIGTTOU is blocked.
pub(crate) fn take(terminal: BorrowedFd<'_>) {
    let _: Result<(), Errno> = tcsetpgrp(terminal, getpgrp());
}
