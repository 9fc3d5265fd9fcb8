//! Writing to what is not a regular file: terminals, pipes, sockets, devices.
//!
//! What the reader does not take at once waits in a buffer of bounded size.
//! While something waits there the stream is congested, and its owner should
//! give it nothing more if it can; what does not fit is counted as lost.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crate::loggers::failure::{LogFailure, Operation};
use crate::sys::outlet::{Identity, Outlet};

/// The most that waits: a full read of a child's output fits twice.
pub const PENDING_LIMIT: usize = 128 * 1024;

/// A stream with what its reader has not taken yet.
#[derive(Debug)]
pub struct StreamWriter {
    name: String,
    outlet: Outlet,
    pending: Vec<u8>,
    lost: u64,
}

impl StreamWriter {
    /// `name` is what failures call it.
    pub fn new(name: &str, outlet: Outlet) -> StreamWriter {
        StreamWriter {
            name: name.to_owned(),
            outlet,
            pending: Vec::new(),
            lost: 0,
        }
    }

    /// Writes, or keeps for later, the whole of `data`; or loses the whole of it
    /// where there is no room, so that lines stay whole.
    pub fn write(&mut self, data: &[u8]) -> Result<(), LogFailure> {
        self.write_within(data, PENDING_LIMIT)
    }

    /// The same where so many bytes may wait.
    pub fn write_within(&mut self, data: &[u8], limit: usize) -> Result<(), LogFailure> {
        let flushed = self.flush();
        let mut rest = data;
        let mut outcome = flushed;
        if self.pending.is_empty() && outcome.is_ok() {
            (rest, outcome) = self.push(data);
        }
        if outcome.is_ok() && rest.len() <= limit.saturating_sub(self.pending.len()) {
            self.pending.extend_from_slice(rest);
        } else {
            self.lost += rest.len() as u64;
        }
        outcome
    }

    /// Tries again to write what waits. After an error other than a slow
    /// reader, such as a reader that has gone, what waits is lost.
    pub fn flush(&mut self) -> Result<(), LogFailure> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let (rest, outcome) = self.push(&pending);
        let taken = pending.len() - rest.len();
        match &outcome {
            Ok(()) if rest.is_empty() => {}
            Ok(()) => {
                self.pending = pending;
                self.pending.drain(..taken);
            }
            Err(_) => self.lost += rest.len() as u64,
        }
        outcome
    }

    /// Whether something waits.
    pub fn is_congested(&self) -> bool {
        !self.pending.is_empty()
    }

    /// How many bytes were lost since the last call.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// How many bytes wait.
    pub fn pending(&self) -> u64 {
        self.pending.len() as u64
    }

    /// What is written to.
    pub fn identity(&self) -> Option<Identity> {
        Identity::of(self.outlet.as_fd())
    }

    /// A second descriptor of what is written to.
    pub fn outlet(&self) -> io::Result<OwnedFd> {
        self.outlet.duplicate()
    }

    /// Drops what waits, without counting it as lost: the log is being cleared.
    pub fn discard_pending(&mut self) {
        self.pending = Vec::new();
    }

    /// What the reader did not take.
    fn push<'d>(&self, data: &'d [u8]) -> (&'d [u8], Result<(), LogFailure>) {
        let mut rest = data;
        while !rest.is_empty() {
            match self.outlet.write(rest) {
                Ok(0) => break,
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    let failure = LogFailure::new(Operation::Write, &self.name, &error);
                    return (rest, Err(failure));
                }
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
            Opened::Special(outlet) => StreamWriter::new("stream", outlet),
            Opened::Regular(_) => panic!("{path:?} is a regular file"),
        }
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
            stream.write(&chunk).unwrap();
            sent.extend_from_slice(&chunk);
            if stream.is_congested() {
                break;
            }
        }
        assert!(stream.pending() <= 64 * 1024);
        let mut received = vec![0; sent.len()];
        let mut place = 0;
        while place < received.len() {
            stream.flush().unwrap();
            // In odd pieces, so that the pipe has room for part of what waits.
            let end = received.len().min(place + 5000);
            place += reader.read(&mut received[place..end]).unwrap();
        }
        assert!(!stream.is_congested());
        assert!(received == sent);
        assert_eq!(stream.take_lost(), 0);
    }

    #[test]
    fn what_does_not_fit_is_lost_as_a_whole_and_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut stream = special(&path);
        while !stream.is_congested() {
            stream.write(&[b'x'; 1000]).unwrap();
        }
        stream.write(&vec![b'y'; PENDING_LIMIT]).unwrap();
        assert_eq!(stream.take_lost(), PENDING_LIMIT as u64);
        assert_eq!(stream.take_lost(), 0);
        let before = stream.pending();
        stream.write(b"small").unwrap();
        assert_eq!(stream.pending(), before + 5);
    }

    #[test]
    fn an_error_is_told_and_counts_what_it_lost() {
        let mut stream = special(Path::new("/dev/full"));
        let failure = stream.write(b"12345").unwrap_err();
        assert_eq!(
            failure.to_string(),
            "cannot write stream: No space left on device"
        );
        assert!(!stream.is_congested());
        assert_eq!(stream.take_lost(), 5);
    }

    #[test]
    fn dev_null_takes_everything() {
        let mut stream = special(Path::new("/dev/null"));
        stream.write(&vec![b'x'; 1 << 20]).unwrap();
        assert!(!stream.is_congested());
        assert_eq!(stream.take_lost(), 0);
    }
}
