//! A lock on an open file, flock(2): it belongs to the open file description, so
//! a fork keeps it, and the system ends it with the last process that has it open.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// Takes the lock, if nobody else has it. Never waits.
pub fn try_lock(file: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: two numbers; the descriptor is open while it is borrowed.
    let done = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    match Errno::result(done) {
        Ok(_) => Ok(true),
        Err(Errno::EWOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::until;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn a_lock_is_one_opening_s_and_ends_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let one = File::create(&path).unwrap();
        let other = File::open(&path).unwrap();
        assert!(try_lock(one.as_fd()).unwrap());
        assert!(try_lock(one.as_fd()).unwrap(), "again");
        assert!(!try_lock(other.as_fd()).unwrap());
        let copy = one.try_clone().unwrap();
        drop(one);
        assert!(!try_lock(other.as_fd()).unwrap(), "a copy keeps it");
        drop(copy);
        // Other tests fork, and their children have it until they become a program.
        until("the lock is free", || try_lock(other.as_fd()).unwrap());
    }
}
