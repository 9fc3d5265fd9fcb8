//! Something that is written to without ever waiting for it and that is no
//! regular file: the terminal, pipe or socket that the daemon was given as
//! stdout, a FIFO, a device.
//!
//! The daemon shares such an open file description with whoever started it,
//! so it must not be made non-blocking as it is. It is opened anew, by its
//! name, where that works; where it does not (sockets, a pipe that belongs to
//! the user that the daemon no longer is), each write asks not to wait.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys::fd;

/// What a pipe that polls as writable takes at once, whatever else is in it:
/// the least that POSIX lets PIPE_BUF be is less than every system's.
const SMALL_WRITE: usize = 512;
/// Symbolic links that are followed in search of a descriptor's name.
const LINKS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// An open file description of our own, non-blocking.
    Own,
    /// A socket that is shared: MSG_DONTWAIT.
    Socket,
    /// Shared, and nothing better: write a little, after poll(2) said that there is room.
    Polled,
}

/// A descriptor that is written to without waiting.
#[derive(Debug)]
pub struct Outlet {
    descriptor: OwnedFd,
    manner: Manner,
}

/// What a path led to.
#[derive(Debug)]
pub enum Opened {
    /// A regular file, positioned by each write at its end (`O_APPEND`).
    Regular(File),
    /// Something else.
    Special(Outlet),
}

/// Opens a path for appending, makes the file if there is none (0666 and the
/// umask), and never waits for anybody at the other end.
pub fn open(path: &Path) -> io::Result<Opened> {
    let is_fifo = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    let opened = OpenOptions::new()
        // A FIFO that nobody reads yet cannot be opened for writing alone without waiting.
        .read(is_fifo && inherited_descriptor(path).is_none())
        .append(true)
        .create(true)
        .mode(0o666)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    let file = match (opened, inherited_descriptor(path)) {
        (Ok(file), _) => file,
        (Err(_), Some(inherited)) => return Outlet::share(inherited).map(Opened::Special),
        (Err(error), None) => return Err(error),
    };
    if file.metadata()?.is_file() {
        return Ok(Opened::Regular(file));
    }
    Ok(Opened::Special(Outlet {
        descriptor: file.into(),
        manner: Manner::Own,
    }))
}

/// The number that a path such as `/dev/stdout` stands for, directly or by symbolic links.
pub fn inherited_descriptor(path: &Path) -> Option<RawFd> {
    let mut path = PathBuf::from(path);
    for _ in 0..LINKS {
        let name = path.to_str()?;
        match name {
            "/dev/stdin" => return Some(0),
            "/dev/stdout" => return Some(1),
            "/dev/stderr" => return Some(2),
            _ => {}
        }
        let number = name
            .strip_prefix("/dev/fd/")
            .or_else(|| name.strip_prefix("/proc/self/fd/"));
        if let Some(number) = number {
            return number.parse().ok().filter(|number| *number >= 0);
        }
        let target = std::fs::read_link(&path).ok()?;
        // A relative target counts from the link's directory.
        path = path.parent()?.join(target);
    }
    None
}

impl Outlet {
    /// The standard output that the daemon was started with.
    pub fn stdout() -> io::Result<Outlet> {
        let reopened = OpenOptions::new()
            .append(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open("/proc/self/fd/1");
        match reopened {
            Ok(file) => Ok(Outlet {
                descriptor: file.into(),
                manner: Manner::Own,
            }),
            Err(_) => Outlet::share(libc::STDOUT_FILENO),
        }
    }

    /// A second descriptor for an inherited one, whose flags stay as they are.
    fn share(inherited: RawFd) -> io::Result<Outlet> {
        // SAFETY: F_DUPFD_CLOEXEC takes numbers and fails for one that is not open.
        let number = unsafe { libc::fcntl(inherited, libc::F_DUPFD_CLOEXEC, 3) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the number was given out a moment ago, to us alone.
        let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
        let file = File::from(descriptor);
        let manner = match file.metadata()?.file_type().is_socket() {
            true => Manner::Socket,
            false => Manner::Polled,
        };
        Ok(Outlet {
            descriptor: file.into(),
            manner,
        })
    }

    /// Writes what is taken at once and says how much; `WouldBlock` when nothing is.
    pub fn write(&self, data: &[u8]) -> io::Result<usize> {
        match self.manner {
            Manner::Own => fd::write(self.descriptor.as_fd(), data),
            Manner::Socket => send(self.descriptor.as_fd(), data),
            Manner::Polled if has_room(self.descriptor.as_fd()) => {
                let piece = data.get(..SMALL_WRITE).unwrap_or(data);
                fd::write(self.descriptor.as_fd(), piece)
            }
            Manner::Polled => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

fn send(socket: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    fd::retry(|| {
        // SAFETY: `data` is valid for reads of its length.
        unsafe { libc::send(socket.as_raw_fd(), data.as_ptr().cast(), data.len(), flags) }
    })
}

fn has_room(descriptor: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::new(descriptor, PollFlags::POLLOUT)];
    // An error or hang-up counts: the write then says what it is, without waiting.
    poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}
