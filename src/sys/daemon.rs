//! Becoming a daemon: one fork, a session of its own, nothing on the standard
//! descriptors. What happens between the steps (log lines, the change of
//! directory) is the caller's, hence three calls and not one.

use std::io;

use nix::unistd::{self, ForkResult};

use crate::sys::{fd, process};

/// On which side of the fork the program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The process that was started: it should exit with status 0 at once.
    Parent,
    /// The new process, which is to become the daemon.
    Child,
}

/// Forks once. Call it before anything makes a thread and before the poller is made.
pub fn fork() -> io::Result<Side> {
    // SAFETY: the program has one thread, so the child finds every lock free
    // and may go on as an ordinary program.
    match unsafe { unistd::fork() }? {
        ForkResult::Parent { .. } => Ok(Side::Parent),
        ForkResult::Child => Ok(Side::Child),
    }
}

/// Leaves terminal and session: `/dev/null` on descriptors 0, 1 and 2, a new
/// session, the umask.
pub fn detach(umask: u32) -> io::Result<()> {
    fd::redirect_standard_to_null()?;
    unistd::setsid()?;
    process::umask(umask);
    Ok(())
}
