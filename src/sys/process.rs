//! What this process is: its number, its user, its umask, its directory.

use std::io;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{self, Pid};

use crate::sys::errno;

/// Whether it is the first process of its namespace, such as a container's.
pub fn is_first() -> bool {
    std::process::id() == 1
}

pub fn uid() -> u32 {
    unistd::getuid().as_raw()
}

pub fn effective_uid() -> u32 {
    unistd::geteuid().as_raw()
}

pub fn effective_gid() -> u32 {
    unistd::getegid().as_raw()
}

pub fn gid() -> u32 {
    unistd::getgid().as_raw()
}

/// Lowers the priority of this process.
pub fn lower_priority(by: i32) -> io::Result<()> {
    Errno::clear();
    // SAFETY: a number.
    match unsafe { libc::nice(by) } {
        -1 if Errno::last_raw() != 0 => Err(Errno::last().into()),
        _ => Ok(()),
    }
}

/// Sets the umask (of the low nine bits) and returns the old one. It fails in a sandbox alone.
pub fn umask(mask: u32) -> io::Result<u32> {
    Errno::clear();
    #[allow(clippy::unnecessary_cast)] // mode_t is narrower on the BSDs
    // SAFETY: a number.
    let old = unsafe { libc::umask((mask & 0o777) as libc::mode_t) } as u32;
    if old <= 0o7777 {
        return Ok(old);
    }
    // By the standard it cannot fail, so glibc hands the kernel's answer on, a negative errno.
    let number = match Errno::last_raw() {
        0 => old.wrapping_neg() as i32,
        number => number,
    };
    Err(io::Error::from_raw_os_error(number))
}

/// Begins a session, or where that is refused a process group in the old one; the error is the
/// reason for that.
pub fn begin_session() -> io::Result<()> {
    let outcome = unistd::setsid();
    if outcome.is_err() {
        // It fails for a process that leads a group already.
        let _ = unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0));
    }
    Ok(outcome.map(drop)?)
}

pub fn current_directory() -> io::Result<PathBuf> {
    match std::env::current_dir() {
        Err(error) if error.raw_os_error().is_some_and(errno::is_refusal) => {
            std::fs::read_link("/proc/self/cwd").map_err(|_| error)
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::isolated;

    #[test]
    fn setting_the_umask_tells_the_old_one() {
        if isolated(module_path!(), "setting_the_umask_tells_the_old_one", &[]) {
            return;
        }
        umask(0o027).unwrap();
        assert_eq!(umask(0o22).unwrap(), 0o027);
        assert_eq!(umask(0).unwrap(), 0o22);
    }
}
