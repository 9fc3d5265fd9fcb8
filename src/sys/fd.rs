//! Descriptors: pipes, reading into spare room, and the two wholesale deeds on
//! them, standard streams to `/dev/null` and closing what a reload leaves.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Both ends of a pipe, closed on exec.
#[derive(Debug)]
pub struct Pipe {
    /// Where data comes out.
    pub read: OwnedFd,
    /// Where data goes in.
    pub write: OwnedFd,
}

/// A new pipe; both ends are close-on-exec and blocking.
pub fn pipe() -> io::Result<Pipe> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok(Pipe { read, write })
}

/// Makes the open file description non-blocking, for everybody who shares it.
pub fn set_nonblocking(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL)?);
    fcntl(descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Reads once, at most `limit` bytes, and appends them to `buffer`. 0 is the end.
pub fn read(descriptor: BorrowedFd<'_>, buffer: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    buffer.reserve(limit);
    let spare = buffer.spare_capacity_mut();
    let room = spare.len().min(limit);
    let count = retry(|| {
        // SAFETY: `spare` is at least `room` bytes of memory that is ours, and the
        // kernel only writes to it.
        unsafe { libc::read(descriptor.as_raw_fd(), spare.as_mut_ptr().cast(), room) }
    })?;
    // SAFETY: the kernel has filled `count` bytes after the old length, within the capacity.
    unsafe { buffer.set_len(buffer.len() + count) };
    Ok(count)
}

/// Writes once and says how much of `data` was taken.
pub fn write(descriptor: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
    retry(|| {
        // SAFETY: `data` is valid for reads of its length.
        unsafe { libc::write(descriptor.as_raw_fd(), data.as_ptr().cast(), data.len()) }
    })
}

/// Runs a call that returns a count or -1 until no signal interrupts it.
pub(crate) fn retry(mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        match usize::try_from(call()) {
            Ok(count) => return Ok(count),
            Err(_) if Errno::last() == Errno::EINTR => {}
            Err(_) => return Err(io::Error::last_os_error()),
        }
    }
}

/// Puts `/dev/null` on descriptors 0, 1 and 2.
pub fn redirect_standard_to_null() -> io::Result<()> {
    let null = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(())
}

/// Closes every descriptor from `first` up to but not including `limit`, except
/// those in `keep`: for a reload, which must leave nothing of the old life open.
///
/// Everything that the program still uses must be in `keep`; descriptors that a
/// value still owns would be closed under it.
pub fn close_from(first: RawFd, limit: RawFd, keep: &[RawFd]) {
    let mut kept: Vec<RawFd> = keep
        .iter()
        .copied()
        .filter(|descriptor| (first..limit).contains(descriptor))
        .collect();
    kept.sort_unstable();
    let mut start = first;
    for descriptor in kept.into_iter().chain([limit]) {
        close_range(start, descriptor);
        start = descriptor.saturating_add(1);
    }
}

/// Closes `first` up to but not including `limit`.
fn close_range(first: RawFd, limit: RawFd) {
    if first >= limit || close_range_call(first, limit - 1) {
        return;
    }
    for descriptor in first..limit {
        // SAFETY: closing a number that is not open only fails; whose the open
        // ones are is `close_from`'s condition.
        unsafe { libc::close(descriptor) };
    }
}

/// close_range(2), from `first` to `last` inclusive; false where the kernel has none.
/// Safe between fork and exec.
pub(crate) fn close_range_call(first: RawFd, last: RawFd) -> bool {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: three numbers; as for `close_range`.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) == 0 }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (first, last);
        false
    }
}
