//! Collecting children that have ended.

use std::io;

use crate::termination::Termination;

/// The next child that has ended, with how; `None` when there is none (any more) to collect.
/// Never waits.
///
/// The system looks at all children, of which there may be thousands.
pub fn reap() -> io::Result<Option<(i32, Termination)>> {
    wait_for(-1)
}

/// How that child has ended, if it has; nobody else is looked at. Never waits.
pub fn reap_child(pid: i32) -> io::Result<Option<Termination>> {
    Ok(wait_for(pid)?.map(|(_, termination)| termination))
}

fn wait_for(whom: i32) -> io::Result<Option<(i32, Termination)>> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for the one number that waitpid writes.
        let pid = unsafe { libc::waitpid(whom, &mut status, libc::WNOHANG) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::{isolated, until};
    use std::process::Command;

    #[test]
    fn every_ended_child_is_collected_with_how_it_ended() {
        if isolated(
            module_path!(),
            "every_ended_child_is_collected_with_how_it_ended",
            &[],
        ) {
            return;
        }
        assert_eq!(reap().unwrap(), None);
        #[allow(clippy::zombie_processes)] // reap is what collects them
        let start = |script: &str| {
            let child = Command::new("/bin/sh")
                .args(["-c", script])
                .spawn()
                .unwrap();
            child.id() as i32
        };
        let killed = |signal| Termination::Signaled {
            signal,
            core_dumped: false,
        };
        let sleeper = start("exec sleep 600");
        assert_eq!(reap().unwrap(), None);
        let mut expected = vec![
            (start("exit 0"), Termination::Exited(0)),
            (start("exit 255"), Termination::Exited(255)),
            (start("ulimit -c 0; kill -TERM $$"), killed(libc::SIGTERM)),
            // A number that has no name, which some wrappers of waitpid refuse.
            (start("ulimit -c 0; kill -40 $$"), killed(40)),
        ];
        let mut found = Vec::new();
        until("four children", || {
            found.extend(reap().unwrap());
            found.len() == 4
        });
        assert_eq!(reap().unwrap(), None);
        found.sort_by_key(|(pid, _)| *pid);
        expected.sort_by_key(|(pid, _)| *pid);
        assert_eq!(found, expected);
        crate::sys::kill::kill(sleeper, crate::signal::Signal::KILL).unwrap();
        until("the sleeper", || {
            reap().unwrap() == Some((sleeper, killed(libc::SIGKILL)))
        });
    }

    #[test]
    fn one_child_is_collected_and_no_other() {
        if isolated(module_path!(), "one_child_is_collected_and_no_other", &[]) {
            return;
        }
        #[allow(clippy::zombie_processes)] // reap is what collects them
        let start = || Command::new("/bin/true").spawn().unwrap().id() as i32;
        let (one, other) = (start(), start());
        until("the second child", || {
            reap_child(other).unwrap() == Some(Termination::Exited(0))
        });
        assert_eq!(reap_child(other).unwrap(), None);
        until("the first child", || {
            reap().unwrap() == Some((one, Termination::Exited(0)))
        });
    }

    #[test]
    fn a_status_that_is_no_end_is_told_as_it_is() {
        assert_eq!(termination(0x137f), Termination::Unknown(0x137f));
    }
}
