//! Becoming a daemon: one fork, a session of its own, nothing on the standard
//! descriptors. The process that was started stays until the daemon has told how its
//! start has ended, or is no more. What happens between the steps (log lines, the change of
//! directory) is the caller's, hence two calls and not one.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use nix::unistd::{self, ForkResult};

use crate::sys::{fd, process};

/// On which side of the fork the program goes on.
#[derive(Debug)]
pub enum Side {
    /// The process that was started: it should exit when it has heard from the daemon.
    Parent(Hearing),
    /// The new process, which is to become the daemon.
    Child(Report),
}

/// Where the daemon is heard.
#[derive(Debug)]
pub struct Hearing(OwnedFd);

impl Hearing {
    /// Waits for what the daemon has to say; nothing if it has gone without a word.
    pub fn wait(self) -> Vec<u8> {
        let mut message = Vec::new();
        // What was read before an error counts; it cannot fail but for memory.
        let _ = File::from(self.0).read_to_end(&mut message);
        message
    }
}

/// Where the daemon tells how its start has ended. No child of its own has it.
#[derive(Debug)]
pub struct Report(OwnedFd);

impl Report {
    /// Says it. That nobody waits any more is no error.
    pub fn send(self, message: &[u8]) {
        let _ = File::from(self.0).write_all(message);
    }
}

/// Forks once. Call it before anything makes a thread; the poll set has to be made anew in the child.
pub fn fork() -> io::Result<Side> {
    let pipe = fd::pipe()?;
    // SAFETY: the program has one thread, so the child finds every lock free
    // and may go on as an ordinary program.
    match unsafe { unistd::fork() }? {
        ForkResult::Parent { .. } => Ok(Side::Parent(Hearing(pipe.read))),
        ForkResult::Child => Ok(Side::Child(Report(pipe.write))),
    }
}

/// What a daemon goes on without, each with the system's reason.
#[derive(Debug)]
pub struct Missed {
    /// A session of its own: the terminal's end may reach it.
    pub session: Option<io::Error>,
    /// The umask, which is still that of whoever started it.
    pub umask: Option<io::Error>,
}

/// Leaves terminal and session: `/dev/null` on descriptors 0, 1 and 2, a new
/// session, the umask.
pub fn detach(umask: u32) -> io::Result<Missed> {
    fd::redirect_standard_to_null()?;
    Ok(Missed {
        session: process::begin_session().err(),
        umask: process::umask(umask).err(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::isolated;
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
        let started_by = unistd::getpid();
        match fork().unwrap() {
            Side::Child(told) => {
                let missed = detach(0o027).ok();
                let detached =
                    missed.is_some_and(|missed| missed.session.is_none() && missed.umask.is_none());
                let streams: Vec<_> = (0..3)
                    .map(|place| fs::read_link(format!("/proc/self/fd/{place}")))
                    .filter(|link| link.as_ref().is_ok_and(|link| link.ends_with("null")))
                    .collect();
                let leader = unistd::getsid(None).is_ok_and(|sid| sid == unistd::getpid());
                let text = format!(
                    "{detached} {leader} {} {:o} {}",
                    streams.len(),
                    process::umask(0).unwrap_or(0o7777),
                    unistd::getppid() == started_by
                );
                let _ = fs::write(report.with_extension("new"), text);
                let _ = fs::rename(report.with_extension("new"), report);
                told.send(b"done");
                // SAFETY: ends the copy of the test's process without its clean-up.
                unsafe { libc::_exit(0) };
            }
            Side::Parent(hearing) => {
                assert_eq!(hearing.wait(), b"done");
                assert_eq!(fs::read_to_string(report).unwrap(), "true true 3 27 true");
            }
        }
    }
}
