//! Sending signals to children and their process groups.

use crate::signal::Signal;

/// Sends a signal to one process. Errors are errno values; `ESRCH` says that it has gone.
pub fn kill(pid: i32, signal: Signal) -> Result<(), i32> {
    // 0 and negative numbers would mean groups, ours among them.
    if pid <= 0 {
        return Err(libc::ESRCH);
    }
    send(pid, signal)
}

/// Sends a signal to the process group that `pid` leads, or to it alone where it does not lead one
/// yet. Errors as for [`kill`].
pub fn kill_group(pid: i32, signal: Signal) -> Result<(), i32> {
    // -1 would mean every process of the system.
    if pid <= 1 {
        return Err(libc::ESRCH);
    }
    match send(-pid, signal) {
        Err(libc::ESRCH) => send(pid, signal),
        outcome => outcome,
    }
}

/// Whether anybody is in the process group that `pid` led, which was collected; zombies count.
pub fn has_rest(pid: i32) -> bool {
    // A signal that may not be sent has found somebody.
    pid > 1 && call(-pid, 0) != Err(libc::ESRCH)
}

/// Sends a signal to the process group that `pid` led, which was collected. `ESRCH` says that
/// nobody is left.
pub fn kill_rest(pid: i32, signal: Signal) -> Result<(), i32> {
    match pid {
        ..=1 => Err(libc::ESRCH),
        _ => send(-pid, signal),
    }
}

fn send(target: i32, signal: Signal) -> Result<(), i32> {
    call(target, signal.number())
}

fn call(target: i32, number: i32) -> Result<(), i32> {
    // SAFETY: kill(2) takes two numbers and touches no memory of ours.
    match unsafe { libc::kill(target, number) } {
        0 => Ok(()),
        _ => Err(nix::errno::Errno::last_raw()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::Command;

    #[test]
    fn a_signal_reaches_a_process() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        assert_eq!(kill(child.id() as i32, Signal::TERM), Ok(()));
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
    }

    #[test]
    fn a_signal_reaches_a_group() {
        let mut child = Command::new("sleep")
            .arg("600")
            .process_group(0)
            .spawn()
            .unwrap();
        assert_eq!(kill_group(child.id() as i32, Signal::KILL), Ok(()));
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    }

    #[test]
    fn numbers_that_are_no_child_are_refused() {
        let test = Signal::from_number(0).unwrap();
        for pid in [0, -1, i32::MIN] {
            assert_eq!(kill(pid, test), Err(libc::ESRCH), "{pid}");
            assert_eq!(kill_group(pid, test), Err(libc::ESRCH), "{pid}");
        }
        assert_eq!(kill_group(1, test), Err(libc::ESRCH));
        for pid in [i32::MIN, -1, 0, 1, i32::MAX] {
            assert_eq!(kill_rest(pid, test), Err(libc::ESRCH), "{pid}");
            assert!(!has_rest(pid), "{pid}");
        }
        assert_eq!(kill(i32::MAX, test), Err(libc::ESRCH));
    }
}
