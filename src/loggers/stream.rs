//! Writing to what is not a regular file: terminals, pipes, sockets, devices.
//!
//! What the reader does not take at once waits in a buffer of bounded size.
//! While something waits there the stream is congested, and its owner should
//! give it nothing more if it can; what does not fit is lost. How many bytes an
//! attempt has lost is told with its outcome.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crate::snapshot::saved;
use crate::sys::outlet::{Identity, Outlet};

/// The most that waits: a full read of a child's output fits twice.
pub const PENDING_LIMIT: usize = 128 * 1024;

/// The most that is kept of one write while nothing waits.
const LONGEST_WRITE: usize = 1024 * 1024;

/// A stream with what its reader has not taken yet.
#[derive(Debug)]
pub struct StreamWriter {
    outlet: Outlet,
    pending: Vec<u8>,
}

saved! { struct StreamWriter { outlet, pending } }

impl StreamWriter {
    pub fn new(outlet: Outlet) -> StreamWriter {
        StreamWriter {
            outlet,
            pending: Vec::new(),
        }
    }

    /// Writes, or keeps for later, the whole of `data`; or loses the whole of it
    /// where more than `limit` bytes would wait, so that lines stay whole. What comes while
    /// nothing waits may be longer: a full read of output can become much more as lines.
    pub fn write(&mut self, data: &[u8], limit: usize) -> (u64, io::Result<()>) {
        let (mut lost, mut outcome) = self.flush();
        let mut rest = data;
        if self.pending.is_empty() && outcome.is_ok() {
            (rest, outcome) = self.push(data);
        }
        let limit = match self.pending.is_empty() {
            true => limit.max(LONGEST_WRITE),
            false => limit,
        };
        if outcome.is_ok() && rest.len() <= limit.saturating_sub(self.pending.len()) {
            self.pending.extend_from_slice(rest);
        } else {
            lost += rest.len() as u64;
        }
        (lost, outcome)
    }

    /// Tries again to write what waits. After an error other than a slow
    /// reader, such as a reader that has gone, what waits is lost.
    pub fn flush(&mut self) -> (u64, io::Result<()>) {
        let mut pending = std::mem::take(&mut self.pending);
        let (rest, outcome) = self.push(&pending);
        let left = rest.len();
        if outcome.is_err() {
            return (left as u64, outcome);
        }
        if left > 0 {
            pending.drain(..pending.len() - left);
            self.pending = pending;
        }
        (0, outcome)
    }

    pub fn pending(&self) -> u64 {
        self.pending.len() as u64
    }

    pub fn identity(&self) -> Option<Identity> {
        Identity::of(self.outlet.as_fd())
    }

    pub fn is_terminal(&self) -> bool {
        self.outlet.is_terminal()
    }

    /// A second descriptor of what is written to.
    pub fn outlet(&self) -> io::Result<OwnedFd> {
        self.outlet.duplicate()
    }

    pub fn give_up(&mut self) {
        self.pending = Vec::new();
    }

    /// What the reader did not take.
    fn push<'d>(&self, data: &'d [u8]) -> (&'d [u8], io::Result<()>) {
        let mut rest = data;
        while !rest.is_empty() {
            match self.outlet.write(rest) {
                Ok(0) => break,
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return (rest, Err(error)),
            }
        }
        (rest, Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::outlet::{self, Opened};
    use std::fs::File;
    use std::io::Read;
    use std::path::Path;

    fn special(path: &Path) -> StreamWriter {
        match outlet::open(path).unwrap() {
            Opened::Special(outlet) => StreamWriter::new(outlet),
            Opened::Regular(_) => panic!("{path:?} is a regular file"),
        }
    }

    /// Writes what must be taken or kept, and says how much was lost.
    fn write(stream: &mut StreamWriter, data: &[u8]) -> u64 {
        let (lost, outcome) = stream.write(data, PENDING_LIMIT);
        outcome.unwrap();
        lost
    }

    #[test]
    fn a_slow_reader_gets_everything_in_order_while_the_owner_waits_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut stream = special(&path);
        let mut reader = File::open(&path).unwrap();
        let mut sent = Vec::new();
        for number in 0u32.. {
            let chunk = number.to_be_bytes().repeat(64 * 1024 / 4);
            assert_eq!(write(&mut stream, &chunk), 0);
            sent.extend_from_slice(&chunk);
            if stream.pending() > 0 {
                break;
            }
        }
        assert!(stream.pending() <= 64 * 1024);
        let mut received = vec![0; sent.len()];
        let mut place = 0;
        while place < received.len() {
            assert_eq!(stream.flush().0, 0);
            // In odd pieces, so that the pipe has room for part of what waits.
            let end = received.len().min(place + 5000);
            place += reader.read(&mut received[place..end]).unwrap();
        }
        assert_eq!(stream.pending(), 0);
        assert!(received == sent);
    }

    #[test]
    fn what_does_not_fit_is_lost_as_a_whole_and_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut stream = special(&path);
        while stream.pending() == 0 {
            write(&mut stream, &[b'x'; 1000]);
        }
        let lost = write(&mut stream, &vec![b'y'; PENDING_LIMIT]);
        assert_eq!(lost, PENDING_LIMIT as u64);
        let before = stream.pending();
        assert_eq!(write(&mut stream, b"small"), 0);
        assert_eq!(stream.pending(), before + 5);
    }

    #[test]
    fn something_long_is_kept_whole_where_nothing_waits() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut stream = special(&path);
        let long = vec![b'x'; LONGEST_WRITE];
        assert_eq!(write(&mut stream, &long), 0);
        assert!(stream.pending() > PENDING_LIMIT as u64);
        assert_eq!(write(&mut stream, b"more"), 4);
        stream.give_up();
        let longer = vec![b'x'; LONGEST_WRITE + 1];
        assert_eq!(write(&mut stream, &longer), longer.len() as u64);
    }

    #[test]
    fn an_error_is_told_and_counts_what_it_lost() {
        let mut stream = special(Path::new("/dev/full"));
        let (lost, outcome) = stream.write(b"12345", PENDING_LIMIT);
        assert_eq!(outcome.unwrap_err().raw_os_error(), Some(libc::ENOSPC));
        assert_eq!((lost, stream.pending()), (5, 0));
    }

    #[test]
    fn dev_null_takes_everything() {
        let mut stream = special(Path::new("/dev/null"));
        assert_eq!(write(&mut stream, &vec![b'x'; 1 << 20]), 0);
        assert_eq!(stream.pending(), 0);
    }
}
