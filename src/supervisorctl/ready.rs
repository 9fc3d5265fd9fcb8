//! Waiting for descriptors: which of several can be read, and for how long at
//! most.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Waits until at least one of the descriptors can be read (or has ended or
/// failed, which reading will tell) and says which; none when the time is over.
pub fn wait_readable(
    sources: &[BorrowedFd<'_>],
    limit: Option<Duration>,
) -> io::Result<Vec<usize>> {
    wait(sources, PollFlags::POLLIN, limit)
}

/// Waits until something can be written to a descriptor, or it has failed.
/// False when the time is over.
pub fn wait_writable(target: BorrowedFd<'_>, limit: Option<Duration>) -> io::Result<bool> {
    Ok(!wait(&[target], PollFlags::POLLOUT, limit)?.is_empty())
}

fn wait(
    sources: &[BorrowedFd<'_>],
    flags: PollFlags,
    limit: Option<Duration>,
) -> io::Result<Vec<usize>> {
    let mut watched: Vec<PollFd<'_>> = sources
        .iter()
        .map(|source| PollFd::new(*source, flags))
        .collect();
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        match poll(&mut watched, timeout(left)) {
            // The longest time that a poll takes may be shorter than what is left.
            Ok(0) if left.is_none_or(|left| !left.is_zero()) => {}
            Ok(_) => {
                let is_ready = |watched: &PollFd<'_>| watched.any().unwrap_or(false);
                let ready = watched.iter().enumerate();
                return Ok(ready
                    .filter(|(_, watched)| is_ready(watched))
                    .map(|(index, _)| index)
                    .collect());
            }
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whole milliseconds, rounded up, so that nothing is left when they are over.
fn timeout(left: Option<Duration>) -> PollTimeout {
    let Some(left) = left else {
        return PollTimeout::NONE;
    };
    let milliseconds = left.as_micros().div_ceil(1000);
    u16::try_from(milliseconds).map_or(PollTimeout::from(u16::MAX), PollTimeout::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn what_can_be_read_is_told_and_the_time_may_be_over() {
        let (first, _held) = io::pipe().unwrap();
        let (second, write) = io::pipe().unwrap();
        let sources = [first.as_fd(), second.as_fd()];
        let brief = Some(Duration::from_millis(1));
        assert!(wait_readable(&sources, brief).unwrap().is_empty());
        (&write).write_all(b"x").unwrap();
        assert_eq!(wait_readable(&sources, None).unwrap(), [1]);
        drop(write);
        let mut rest = Vec::new();
        io::Read::read_to_end(&mut &second, &mut rest).unwrap();
        assert_eq!(wait_readable(&sources, None).unwrap(), [1]);
    }
}
