//! What the bytes of a log are written to: a regular file, a stream, the
//! system's log. None of them is ever waited for.
//!
//! What an attempt has lost for good is told with its outcome.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use crate::loggers::stream::StreamWriter;
use crate::snapshot::saved;
use crate::sys::outlet::{self, Identity, Opened};
use crate::sys::syslog::{Mark, Syslog};

#[derive(Debug)]
pub enum Sink {
    /// A regular file, in append mode.
    File(File),
    Stream(StreamWriter),
    Syslog(Box<Syslog>),
    /// Nothing: what is written is lost.
    Closed,
}

saved! { enum Sink { File(a), Stream(a), Syslog(a), Closed } }

impl Sink {
    /// What a path leads to, made as a file if there is nothing.
    pub fn open(path: &str) -> io::Result<Sink> {
        Ok(match outlet::open(Path::new(path))? {
            Opened::Regular(file) => Sink::File(file),
            Opened::Special(outlet) => Sink::Stream(StreamWriter::new(outlet)),
        })
    }

    /// Writes or keeps all of `data`, of which a stream may keep so many bytes, or counts it as lost.
    pub fn write(&mut self, data: &[u8], limit: usize) -> (u64, io::Result<()>) {
        match self {
            Sink::File(file) => write_all(file, data),
            Sink::Stream(stream) => stream.write(data, limit),
            Sink::Syslog(syslog) => {
                let outcome = syslog.send(Mark::default(), data);
                (syslog.take_lost(), outcome)
            }
            Sink::Closed => (data.len() as u64, Ok(())),
        }
    }

    /// Tries again to write what was not taken.
    pub fn flush(&mut self) -> (u64, io::Result<()>) {
        match self {
            Sink::Stream(stream) => stream.flush(),
            Sink::Syslog(syslog) => {
                let outcome = syslog.flush();
                (syslog.take_lost(), outcome)
            }
            Sink::File(_) | Sink::Closed => (0, Ok(())),
        }
    }

    /// Drops what waits for a slow reader, and says how much it was.
    pub fn give_up(&mut self) -> u64 {
        let pending = self.pending();
        match self {
            Sink::Stream(stream) => stream.give_up(),
            Sink::Syslog(syslog) => {
                syslog.give_up();
                let _ = syslog.take_lost();
            }
            Sink::File(_) | Sink::Closed => {}
        }
        pending
    }

    /// How many bytes wait for a slow reader.
    pub fn pending(&self) -> u64 {
        match self {
            Sink::Stream(stream) => stream.pending(),
            Sink::Syslog(syslog) => syslog.pending() as u64,
            Sink::File(_) | Sink::Closed => 0,
        }
    }

    /// A second descriptor of what is slow to take more, to wait for that.
    pub fn outlet(&self) -> io::Result<OwnedFd> {
        match self {
            Sink::Stream(stream) => stream.outlet(),
            Sink::Syslog(syslog) => syslog.duplicate(),
            Sink::File(_) | Sink::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub fn is_terminal(&self) -> bool {
        matches!(self, Sink::Stream(stream) if stream.is_terminal())
    }

    /// Changes when the outlet is another one.
    pub fn serial(&self) -> u64 {
        match self {
            Sink::Syslog(syslog) => syslog.serial(),
            Sink::File(_) | Sink::Stream(_) | Sink::Closed => 0,
        }
    }

    /// Which open file it is; the system's log is none.
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Sink::File(file) => Identity::of(file.as_fd()),
            Sink::Stream(stream) => stream.identity(),
            Sink::Syslog(_) | Sink::Closed => None,
        }
    }
}

fn write_all(file: &mut File, data: &[u8]) -> (u64, io::Result<()>) {
    let mut rest = data;
    let mut outcome = Ok(());
    while !rest.is_empty() && outcome.is_ok() {
        match file.write(rest) {
            Ok(0) => outcome = Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => outcome = Err(error),
        }
    }
    (rest.len() as u64, outcome)
}
