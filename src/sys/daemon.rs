//! Becoming a daemon: one fork, a session of its own, nothing on the standard
//! descriptors. What happens between the steps (log lines, the change of
//! directory) is the caller's, hence two calls and not one.

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

/// Forks once. Call it before anything makes a thread; the poll set has to be made anew in the child.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::{isolated, until};
    use std::fs;

    #[test]
    fn a_daemon_has_its_own_session_and_no_terminal() {
        if isolated(
            module_path!(),
            "a_daemon_has_its_own_session_and_no_terminal",
            &[],
        ) {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let report = directory.path().join("report");
        let started_by = process::pid();
        match fork().unwrap() {
            Side::Child => {
                let detached = detach(0o027).is_ok();
                let streams: Vec<_> = (0..3)
                    .map(|place| fs::read_link(format!("/proc/self/fd/{place}")))
                    .filter(|link| link.as_ref().is_ok_and(|link| link.ends_with("null")))
                    .collect();
                let leader = unistd::getsid(None).is_ok_and(|sid| sid.as_raw() == process::pid());
                let text = format!(
                    "{detached} {leader} {} {:o} {}",
                    streams.len(),
                    process::umask(0),
                    process::parent_pid() == started_by
                );
                let _ = fs::write(report.with_extension("new"), text);
                let _ = fs::rename(report.with_extension("new"), report);
                // SAFETY: ends the copy of the test's process without its clean-up.
                unsafe { libc::_exit(0) };
            }
            Side::Parent => {
                until("the report", || report.exists());
                assert_eq!(fs::read_to_string(report).unwrap(), "true true 3 27 true");
            }
        }
    }
}
