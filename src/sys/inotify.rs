//! Watching files for the loss of their names, inotify(7): by the inode, so that nothing is told
//! of other files in the same directory. Of a socket that is removed, the watch tells as a change
//! of its attributes, since whoever listens still has it.

use crate::snapshot::saved;

pub use system::{drain, open, unwatch, watch, watch_directory};

/// What is watched of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch(i32);

saved! { struct Watch(_); }

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::CString;
    use std::io;
    use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

    use nix::errno::Errno;

    use super::Watch;
    use crate::sys::fd;

    /// Where the system tells of watched files: readable when it does. It is close-on-exec and
    /// never blocks. An error where the system has none, or none left.
    pub fn open() -> io::Result<OwnedFd> {
        // SAFETY: a number; the result is checked.
        let made = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
        let descriptor = Errno::result(made)?;
        // SAFETY: the call has made it, and nobody else knows of it.
        Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
    }

    /// Watches the file that has the name now; of a link it is the link.
    pub fn watch(inotify: BorrowedFd<'_>, path: &str) -> io::Result<Watch> {
        let events =
            libc::IN_ATTRIB | libc::IN_MOVE_SELF | libc::IN_DELETE_SELF | libc::IN_DONT_FOLLOW;
        add(inotify, path, events)
    }

    /// Watches a directory for being moved, which is told of nothing in it.
    pub fn watch_directory(inotify: BorrowedFd<'_>, path: &str) -> io::Result<()> {
        add(inotify, path, libc::IN_MOVE_SELF | libc::IN_ONLYDIR).map(drop)
    }

    fn add(inotify: BorrowedFd<'_>, path: &str, events: u32) -> io::Result<Watch> {
        let path = CString::new(path)?;
        // SAFETY: the path is text with an end, and outlives the call.
        let number = unsafe { libc::inotify_add_watch(inotify.as_raw_fd(), path.as_ptr(), events) };
        Ok(Watch(Errno::result(number)?))
    }

    /// Ends the watch of a file.
    pub fn unwatch(inotify: BorrowedFd<'_>, watch: Watch) {
        // SAFETY: two numbers. It fails where the file is no more, whose watch has gone with it.
        unsafe { libc::inotify_rm_watch(inotify.as_raw_fd(), watch.0) };
    }

    /// Takes what was told, of whichever file.
    pub fn drain(inotify: BorrowedFd<'_>) {
        let mut events = [0; 4096];
        // It answers with whole events, or with an error when there are no more.
        while fd::read(inotify, &mut events).is_ok_and(|count| count > 0) {}
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::os::fd::{BorrowedFd, OwnedFd};

    use super::Watch;

    pub fn open() -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn watch(_inotify: BorrowedFd<'_>, _path: &str) -> io::Result<Watch> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn watch_directory(_inotify: BorrowedFd<'_>, _path: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn unwatch(_inotify: BorrowedFd<'_>, _watch: Watch) {}

    pub fn drain(_inotify: BorrowedFd<'_>) {}
}

#[cfg(test)]
mod tests;
