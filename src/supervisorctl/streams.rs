//! Several logs followed at once: whichever has something new is read next.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::client::LogStream;
use super::ready;

/// The logs, each with a number that its owner knows it by.
#[derive(Debug, Default)]
pub struct Streams {
    open: Vec<(usize, LogStream)>,
    /// Where the next look begins, so that a busy log does not hide the others.
    turn: usize,
}

/// What the wait for something new came to.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// A log has more, of this number.
    Output(usize, Vec<u8>),
    /// A log has ended, or the way to it.
    Ended(usize),
    /// The other descriptor is readable.
    Called,
    /// Nothing for as long as was to be waited, or nothing is followed any more.
    Quiet,
}

/// The most that is read at once, in bytes.
const PIECE: usize = 16 * 1024;

impl Streams {
    /// Follows another log.
    pub fn add(&mut self, number: usize, stream: LogStream) {
        self.open.push((number, stream));
    }

    /// Whether no log is left.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Other descriptors of their connections, for ending these from elsewhere.
    pub fn connections(&self) -> io::Result<Vec<OwnedFd>> {
        let open = self.open.iter();
        open.map(|(_, stream)| stream.as_fd().try_clone_to_owned())
            .collect()
    }

    /// Waits for something new, or until `other` is readable, or for `limit`.
    pub fn next(&mut self, other: Option<&OwnedFd>, limit: Option<Duration>) -> io::Result<News> {
        if self.open.is_empty() && limit.is_none() && other.is_none() {
            return Ok(News::Quiet);
        }
        let index = match self
            .open
            .iter()
            .position(|(_, stream)| stream.has_buffered())
        {
            Some(index) => index,
            None => {
                let mut sources: Vec<BorrowedFd<'_>> =
                    self.open.iter().map(|(_, stream)| stream.as_fd()).collect();
                sources.extend(other.map(AsFd::as_fd));
                let ready = ready::wait_readable(&sources, limit)?;
                if ready.contains(&self.open.len()) {
                    return Ok(News::Called);
                }
                let later = ready.iter().find(|index| **index >= self.turn);
                match later.or(ready.first()) {
                    Some(index) => *index,
                    None => return Ok(News::Quiet),
                }
            }
        };
        self.turn = index + 1;
        let Some((number, stream)) = self.open.get_mut(index) else {
            return Ok(News::Quiet);
        };
        let mut piece = vec![0; PIECE];
        match stream.read(&mut piece) {
            Ok(length) if length > 0 => {
                piece.truncate(length);
                Ok(News::Output(*number, piece))
            }
            _ => {
                let (number, _) = self.open.remove(index);
                Ok(News::Ended(number))
            }
        }
    }
}
