//! Collecting children that have ended.

use std::io;

use crate::process::termination::Termination;

/// The next child that has ended, with how; `None` when there is none (any more) to collect.
/// Never waits.
pub fn reap() -> io::Result<Option<(i32, Termination)>> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for the one number that waitpid writes.
        let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
        if pid > 0 {
            return Ok(Some((pid, termination(status))));
        }
        if pid == 0 {
            return Ok(None);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => continue,
            Some(libc::ECHILD) => return Ok(None),
            _ => return Err(error),
        }
    }
}

/// What a wait status says.
fn termination(status: i32) -> Termination {
    if libc::WIFEXITED(status) {
        Termination::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Termination::Signaled {
            signal: libc::WTERMSIG(status),
            core_dumped: libc::WCOREDUMP(status),
        }
    } else {
        Termination::Unknown(status)
    }
}
