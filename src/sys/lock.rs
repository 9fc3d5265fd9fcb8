//! A lock on an open file. It belongs to the open file description, so a fork keeps it, and the
//! system ends it with the last process that has it open.
//!
//! On Linux it is one of fcntl(2), which only who may write to a file can have alone: who may
//! only read it cannot keep others from it. Elsewhere, and where Linux refuses that, it is one
//! of flock(2), which everybody can have who may read the file.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// What an attempt to lock a file comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    Taken,
    /// Somebody else has it.
    Held,
    /// It cannot be had, and those who are in the way may only read the file.
    HeldByReaders,
}

/// Takes the lock of a file that is open for writing, if nobody else has it. Never waits.
pub fn try_lock(file: BorrowedFd<'_>) -> io::Result<Lock> {
    #[cfg(target_os = "linux")]
    match of_description::try_lock(file) {
        Err(errno) if of_description::is_unknown(errno) => {}
        outcome => return Ok(outcome?),
    }
    Ok(match try_lock_alone(file)? {
        true => Lock::Taken,
        false => Lock::Held,
    })
}

/// Whether somebody else has the lock of a file, which may be open for reading only.
pub fn is_held(file: BorrowedFd<'_>) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    match of_description::in_the_way(file) {
        Err(errno) if of_description::is_unknown(errno) => {}
        outcome => return Ok(outcome? == Lock::Held),
    }
    Ok(!try_lock_alone(file)?)
}

/// Takes the lock of a file that nobody else can open beside others who share it, if nobody has
/// it alone. Never waits.
pub fn try_lock_shared(file: BorrowedFd<'_>) -> io::Result<bool> {
    try_flock(file, libc::LOCK_SH)
}

/// Takes that lock alone, if nobody has it. Never waits.
pub fn try_lock_alone(file: BorrowedFd<'_>) -> io::Result<bool> {
    try_flock(file, libc::LOCK_EX)
}

fn try_flock(file: BorrowedFd<'_>, kind: i32) -> io::Result<bool> {
    // SAFETY: two numbers; the descriptor is open while it is borrowed.
    let done = unsafe { libc::flock(file.as_raw_fd(), kind | libc::LOCK_NB) };
    match Errno::result(done) {
        Ok(_) => Ok(true),
        Err(Errno::EWOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(target_os = "linux")]
mod of_description {
    use std::os::fd::BorrowedFd;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};

    use super::Lock;
    use crate::sys::errno;

    /// Whether the system does not know these locks, or a filter refuses them.
    pub fn is_unknown(error: Errno) -> bool {
        errno::is_refusal(error as i32)
    }

    pub fn try_lock(file: BorrowedFd<'_>) -> Result<Lock, Errno> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file())) {
            Ok(_) => Ok(Lock::Taken),
            // Who was in the way may have gone since.
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(match in_the_way(file)? {
                Lock::HeldByReaders => Lock::HeldByReaders,
                Lock::Taken | Lock::Held => Lock::Held,
            }),
            Err(errno) => Err(errno),
        }
    }

    /// Who keeps the file from being locked; it could be taken if nobody does.
    pub fn in_the_way(file: BorrowedFd<'_>) -> Result<Lock, Errno> {
        let mut lock = whole_file();
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
        Ok(match i32::from(lock.l_type) {
            libc::F_UNLCK => Lock::Taken,
            libc::F_RDLCK => Lock::HeldByReaders,
            _ => Lock::Held,
        })
    }

    fn whole_file() -> libc::flock {
        libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::until;
    use std::fs::File;
    use std::os::fd::AsFd;

    fn writable(path: &std::path::Path) -> File {
        File::options().write(true).open(path).unwrap()
    }

    #[test]
    fn a_lock_is_one_opening_s_and_ends_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let one = File::create(&path).unwrap();
        let other = writable(&path);
        let reader = File::open(&path).unwrap();
        assert!(!is_held(reader.as_fd()).unwrap());
        assert_eq!(try_lock(one.as_fd()).unwrap(), Lock::Taken);
        assert_eq!(try_lock(one.as_fd()).unwrap(), Lock::Taken, "again");
        assert_eq!(try_lock(other.as_fd()).unwrap(), Lock::Held);
        assert!(is_held(reader.as_fd()).unwrap());
        assert!(!is_held(one.as_fd()).unwrap(), "by itself");
        let copy = one.try_clone().unwrap();
        drop(one);
        assert_eq!(
            try_lock(other.as_fd()).unwrap(),
            Lock::Held,
            "a copy keeps it"
        );
        drop(copy);
        // Other tests fork, and their children have it until they become a program.
        until("the lock is free", || {
            try_lock(other.as_fd()).unwrap() == Lock::Taken
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn readers_are_told_from_who_holds_a_file() {
        use nix::fcntl::{FcntlArg, fcntl};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let ours = File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        assert!(try_lock_alone(reader.as_fd()).unwrap());
        assert_eq!(try_lock(ours.as_fd()).unwrap(), Lock::Taken);
        drop(ours);
        let ours = writable(&path);
        let part = libc::flock {
            l_type: libc::F_RDLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 7,
            l_len: 1,
            l_pid: 0,
        };
        until("the lock is free", || {
            fcntl(&reader, FcntlArg::F_OFD_SETLK(&part)).is_ok()
        });
        assert_eq!(try_lock(ours.as_fd()).unwrap(), Lock::HeldByReaders);
        assert!(!is_held(ours.as_fd()).unwrap());
    }

    #[test]
    fn a_shared_lock_goes_with_others_of_its_kind_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let one = File::create(&path).unwrap();
        let [other, third] = [(); 2].map(|()| File::open(&path).unwrap());
        assert!(try_lock_shared(one.as_fd()).unwrap());
        assert!(try_lock_shared(other.as_fd()).unwrap());
        assert!(!try_lock_alone(third.as_fd()).unwrap());
        drop((one, other));
        until("the lock is free", || {
            try_lock_alone(third.as_fd()).unwrap()
        });
        let late = File::open(&path).unwrap();
        assert!(!try_lock_shared(late.as_fd()).unwrap());
    }
}
