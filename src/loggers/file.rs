//! A log file with rotation: the main log and the logs of children alike.
//!
//! Bytes are written as they come and at once. Rotation is looked at after
//! each write, so a file exceeds its limit by at most one write and no write is
//! split. The file is in append mode throughout, so that truncation by others
//! (`copytruncate`) leaves no hole; 4.3.0 drops that mode at its first rollover.
//!
//! What is no regular file is never rotated, sought or removed (see [`stream`](super::stream)).
//! Two writers on one path are not coordinated, for each would rotate for itself:
//! logs of children have one for each file (see [`shared`](super::shared)), and one
//! that is the main log's file leaves rotation to that ([`LogWriter::follow`]).

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::loggers::failure::{LogFailure, Operation};
use crate::loggers::followed::{Announcer, Shared};
use crate::loggers::rollover;
use crate::loggers::rotation::{self, MAX_BACKUPS};
use crate::loggers::stream::{PENDING_LIMIT, StreamWriter};
use crate::sys::outlet::{self, Identity, Opened};
use crate::sys::safe_path;

/// How often a rollover that fails is tried again while the file grows by its limit.
const RETRIES_PER_LIMIT: u64 = 16;

/// When a log is rotated, and how many old files are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The size at which it rolls over; 0 or less is never.
    pub maxbytes: i64,
    /// How many old files are kept; with 0 or less the log just starts empty.
    pub backups: i64,
}

#[derive(Debug)]
enum Sink {
    Regular(File),
    Stream(StreamWriter),
    Closed,
}

/// A log that is written to.
#[derive(Debug)]
pub struct LogWriter {
    path: String,
    rotation: Rotation,
    sink: Sink,
    /// The path is another name of an inherited descriptor, not ours to rename or remove.
    inherited: bool,
    /// The file was removed by us and not made anew yet.
    removed: bool,
    /// It could not be made anew; the next write tries again.
    detached: bool,
    /// The last rollover failed, which has been told: the size at which to try again.
    rotation_retry: Option<u64>,
    /// Another writer moves and removes the file; this one looks where it is.
    follows: bool,
    /// How many channels write to it, and the most since nothing waited last.
    users: usize,
    most_users: usize,
    lost: u64,
    /// For those who follow the log, if anybody does.
    announcer: Option<Announcer>,
}

impl LogWriter {
    /// Opens the log at its end and makes the file if there is none. Never waits.
    pub fn open(path: &str, rotation: Rotation) -> Result<LogWriter, LogFailure> {
        let sink = open(path)?;
        let mut opened = LogWriter::missing(path, rotation);
        opened.sink = sink;
        opened.inherited = outlet::inherited_descriptor(Path::new(path)).is_some();
        opened.removed = false;
        opened.detached = false;
        Ok(opened)
    }

    /// A log that is not open: each write tries to open it.
    pub fn missing(path: &str, rotation: Rotation) -> LogWriter {
        LogWriter {
            path: path.to_owned(),
            rotation,
            sink: Sink::Closed,
            inherited: false,
            removed: true,
            detached: true,
            rotation_retry: None,
            follows: false,
            users: 1,
            most_users: 1,
            lost: 0,
            announcer: None,
        }
    }

    /// Whether it is a file of its own, which can roll over.
    pub fn is_regular(&self) -> bool {
        matches!(self.sink, Sink::Regular(_)) && !self.inherited
    }

    /// What it writes to.
    pub fn identity(&self) -> Option<Identity> {
        match &self.sink {
            Sink::Regular(file) => Identity::of(file.as_fd()),
            Sink::Stream(stream) => stream.identity(),
            Sink::Closed => None,
        }
    }

    /// Whether one of its backups is that file.
    pub fn has_backup(&self, identity: Identity) -> bool {
        let backups = u32::try_from(self.rotation.backups).unwrap_or(0);
        self.is_regular()
            && (1..=backups.min(MAX_BACKUPS)).any(|place| {
                let found = fs::metadata(rotation::name(&self.path, place));
                found.is_ok_and(|found| Identity::told(&found) == identity)
            })
    }

    /// Leaves moving, removing and limiting the file to another writer, and
    /// goes with it to where the path leads.
    pub fn follow(&mut self) {
        self.follows = true;
    }

    /// Whether another writer moves the file.
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// Rolls over by these limits, for so many channels; what waits for a slow
    /// reader may be as much for each.
    pub fn serve(&mut self, rotation: Rotation, users: usize) {
        self.rotation = rotation;
        self.users = users;
        self.most_users = self.most_users.max(users);
    }

    /// From now on the file goes by another path.
    pub fn rename(&mut self, path: &str) {
        self.path = path.to_owned();
    }

    /// Goes on with what another one has opened, unless something waits for a
    /// slow reader: that must not be lost.
    pub fn adopt(&mut self, opened: LogWriter) {
        self.follows |= opened.follows;
        if self.is_congested() {
            return;
        }
        self.sink = opened.sink;
        self.inherited = opened.inherited;
        self.removed = false;
        self.detached = false;
        self.rotation_retry = None;
        self.announce_file();
    }

    /// From now on those who follow that log are told what is written.
    pub fn announce_to(&mut self, log: &Shared) {
        if !matches!(self.sink, Sink::Closed) {
            self.announcer = Some(Announcer::new(log));
            self.announce_file();
        }
    }

    /// The file that is written to, if it is one.
    pub fn file(&self) -> Option<&File> {
        match &self.sink {
            Sink::Regular(file) => Some(file),
            Sink::Stream(_) | Sink::Closed => None,
        }
    }

    fn announce_file(&self) {
        if let (Some(announcer), Some(file)) = (&self.announcer, self.file()) {
            announcer.goes_on_with(file);
        }
    }

    /// Tells followers what was written to the file.
    fn announce(&mut self, data: &[u8]) {
        let (Some(announcer), Some(file)) = (&self.announcer, self.file()) else {
            return;
        };
        if announcer.is_heard() {
            announcer.wrote(file, data);
        } else {
            self.announcer = None;
        }
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Writes all of `data`, then rolls over if the file has reached its limit.
    /// A failure of either is told; bytes that were not written are counted as
    /// lost, and the next write is attempted as if nothing had been. A rollover
    /// that keeps failing is told once. A file that somebody has removed is made
    /// anew, for nobody will ever read what goes to the old one.
    pub fn write(&mut self, data: &[u8]) -> Result<(), LogFailure> {
        if self.detached
            && let Err(failure) = self.reopen()
        {
            self.lost += data.len() as u64;
            return Err(failure);
        }
        self.find_again();
        let lost = self.lost;
        let mut written = self.write_on(data);
        let mut found = self.look();
        if self.is_gone(found.as_ref()) {
            self.lost = lost;
            if let Err(failure) = self.reopen() {
                // Followers have the file that was removed.
                self.announce(data);
                self.lost += data.len() as u64;
                return Err(failure);
            }
            written = self.write_on(data);
            found = self.look();
        }
        let lost = usize::try_from(self.lost - lost).unwrap_or(usize::MAX);
        let kept = data.len().saturating_sub(lost);
        self.announce(data.get(..kept).unwrap_or_default());
        let rotated = self.rotate_if_full(found.as_ref());
        written.and(rotated)
    }

    /// What the system tells of a file of its own; `None` for anything else, and where it
    /// tells nothing.
    fn look(&self) -> Option<fs::Metadata> {
        match &self.sink {
            Sink::Regular(file) if !self.inherited => file.metadata().ok(),
            _ => None,
        }
    }

    fn write_on(&mut self, data: &[u8]) -> Result<(), LogFailure> {
        if !self.is_congested() {
            self.most_users = self.users;
        }
        match &mut self.sink {
            Sink::Stream(stream) => {
                stream.write_within(data, PENDING_LIMIT * self.most_users.max(1))
            }
            Sink::Regular(file) => {
                let (written, outcome) = write_all(file, data);
                self.lost += (data.len() - written) as u64;
                outcome.map_err(|error| LogFailure::new(Operation::Write, &self.path, &error))
            }
            Sink::Closed => {
                self.lost += data.len() as u64;
                Ok(())
            }
        }
    }

    /// Whether somebody else has removed the file. One that was moved is still somewhere.
    fn is_gone(&self, found: Option<&fs::Metadata>) -> bool {
        !self.removed && found.is_some_and(|found| found.nlink() == 0)
    }

    /// Tries again to write what a slow reader did not take.
    pub fn flush(&mut self) -> Result<(), LogFailure> {
        match &mut self.sink {
            Sink::Stream(stream) => stream.flush(),
            Sink::Regular(_) | Sink::Closed => Ok(()),
        }
    }

    /// Whether a reader is slow: the owner should stop reading the child until
    /// [`flush`](LogWriter::flush) has got rid of what waits.
    pub fn is_congested(&self) -> bool {
        match &self.sink {
            Sink::Stream(stream) => stream.is_congested(),
            Sink::Regular(_) | Sink::Closed => false,
        }
    }

    /// How many bytes wait for a slow reader.
    pub fn pending(&self) -> u64 {
        match &self.sink {
            Sink::Stream(stream) => stream.pending(),
            Sink::Regular(_) | Sink::Closed => 0,
        }
    }

    /// A second descriptor of what a reader may be slow to take, to wait for
    /// that; `None` for files.
    pub fn outlet(&self) -> Option<io::Result<OwnedFd>> {
        match &self.sink {
            Sink::Stream(stream) => Some(stream.outlet()),
            Sink::Regular(_) | Sink::Closed => None,
        }
    }

    /// How many bytes were lost since the last call, for a line in the main log now and then.
    pub fn take_lost(&mut self) -> u64 {
        let streamed = match &mut self.sink {
            Sink::Stream(stream) => stream.take_lost(),
            Sink::Regular(_) | Sink::Closed => 0,
        };
        std::mem::take(&mut self.lost) + streamed
    }

    /// Opens the path anew, for when somebody has moved the file away. If that
    /// fails, the file that is open stays so. In the place of one that was
    /// removed comes one with the same permissions.
    pub fn reopen(&mut self) -> Result<(), LogFailure> {
        let flushed = self.flush();
        let waiting = self.is_congested();
        if waiting && flushed.is_ok() {
            // A stream has no other file behind its name; what waits in it must not be lost.
            return Ok(());
        }
        self.detached = self.removed;
        self.sink = self.open_in_place()?;
        self.inherited = outlet::inherited_descriptor(Path::new(&self.path)).is_some();
        self.removed = false;
        self.detached = false;
        self.rotation_retry = None;
        self.announce_file();
        Ok(())
    }

    fn open_in_place(&self) -> Result<Sink, LogFailure> {
        if let Sink::Regular(old) = &self.sink
            && (self.removed || self.is_gone(self.look().as_ref()))
            && let Some(mode) = rollover::permissions(old)
            && let Ok(Some(file)) = rollover::make(&self.path, Some(mode))
        {
            return Ok(Sink::Regular(file));
        }
        open(&self.path)
    }

    /// Removes the file and starts an empty one. What is no regular file stays as it is.
    pub fn clear(&mut self) -> Result<(), LogFailure> {
        if let Sink::Stream(stream) = &mut self.sink {
            stream.discard_pending();
            return Ok(());
        }
        if let (true, Sink::Regular(file)) = (self.follows, &self.sink) {
            return file
                .set_len(0)
                .map_err(|error| LogFailure::new(Operation::Remove, &self.path, &error));
        }
        self.remove()?;
        self.reopen()
    }

    /// The first half of [`clear`](LogWriter::clear): removes the file, to which
    /// writing goes on until the log is reopened. One that has gone is fine.
    pub fn remove(&mut self) -> Result<(), LogFailure> {
        let is_ours = !self.inherited
            && matches!(self.sink, Sink::Regular(_))
            && fs::metadata(&self.path).is_ok_and(|found| found.is_file());
        if !is_ours {
            return Ok(());
        }
        match safe_path::remove(Path::new(&self.path)) {
            Ok(()) => {
                self.removed = true;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(LogFailure::new(Operation::Remove, &self.path, &error)),
        }
    }

    /// Writes what still waits if the reader takes it, and closes. Nothing can
    /// fail here that anybody could act on; what is lost is counted.
    pub fn close(&mut self) {
        let _ = self.flush();
        if let Sink::Stream(stream) = &mut self.sink {
            self.lost += stream.take_lost() + stream.pending();
        }
        self.sink = Sink::Closed;
        self.detached = false;
        self.announcer = None;
    }

    /// After the other writer has moved the file away.
    fn find_again(&mut self) {
        let Sink::Regular(file) = &self.sink else {
            return;
        };
        let place = |found: fs::Metadata| (found.dev(), found.ino());
        if self.follows
            && file.metadata().ok().map(place) != fs::metadata(&self.path).ok().map(place)
        {
            // The old file goes on if that fails.
            let _ = self.reopen();
        }
    }

    /// Rolls over if the file has reached its limit, whoever wrote to it.
    pub fn rotate_if_due(&mut self) -> Result<(), LogFailure> {
        match self.limit() {
            Some(_) => self.rotate_if_full(self.look().as_ref()),
            None => Ok(()),
        }
    }

    /// How large the file may become, if it is this writer's to limit.
    fn limit(&self) -> Option<u64> {
        let limit = u64::try_from(self.rotation.maxbytes).ok()?;
        (limit > 0 && self.is_regular() && !self.follows).then_some(limit)
    }

    /// Rolls over by what the system told of the file; one of unknown size counts as full.
    fn rotate_if_full(&mut self, found: Option<&fs::Metadata>) -> Result<(), LogFailure> {
        let (Some(limit), Sink::Regular(file)) = (self.limit(), &mut self.sink) else {
            return Ok(());
        };
        let size = found.map_or(limit, |found| found.len());
        if size < self.rotation_retry.unwrap_or(limit) {
            return Ok(());
        }
        let backups = u32::try_from(self.rotation.backups.max(0)).unwrap_or(u32::MAX);
        match rollover::roll_over(&self.path, backups, rollover::permissions(file)) {
            Ok(file) => {
                self.sink = Sink::Regular(file);
                self.rotation_retry = None;
                self.announce_file();
                Ok(())
            }
            Err(error) => {
                let is_told = self.rotation_retry.is_some();
                // Each attempt looks at every backup: not with each write.
                self.rotation_retry = Some(size + limit / RETRIES_PER_LIMIT);
                match is_told {
                    true => Ok(()),
                    false => Err(LogFailure::new(Operation::Rotate, &self.path, &error)),
                }
            }
        }
    }
}

fn open(path: &str) -> Result<Sink, LogFailure> {
    match outlet::open(Path::new(path)) {
        Ok(Opened::Regular(file)) => Ok(Sink::Regular(file)),
        Ok(Opened::Special(outlet)) => Ok(Sink::Stream(StreamWriter::new(path, outlet))),
        Err(error) => Err(LogFailure::new(Operation::Open, path, &error)),
    }
}

/// How much was written, and why not all.
fn write_all(file: &mut File, data: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while let Some(rest) = data.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return (written, Err(io::Error::from_raw_os_error(libc::ENOSPC))),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

#[cfg(test)]
mod tests;
