//! What a log is written to, and how that goes: rotation, reopening, clearing, and
//! what is lost. The main log, the logs of children and the system's log alike.
//!
//! Bytes are written as they come and at once. Rotation is looked at after
//! each write, so a file exceeds its limit by at most one write and no write is
//! split. The file is in append mode throughout, so that truncation by others
//! (`copytruncate`) leaves no hole; 4.3.0 drops that mode at its first rollover.
//!
//! What is no regular file is never rotated, sought or removed (see [`sink`](super::sink)).
//! Two targets on one path are not coordinated, for each would rotate for itself:
//! logs of children have one for each file (see [`shared`](super::shared)), and one
//! that is the main log's file leaves rotation to that ([`Target::follows`]).

mod kept;

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::loggers::complaint::Losses;
use crate::loggers::failure::{LogFailure, LogOperation};
use crate::loggers::followed::{Announcer, Shared};
use crate::loggers::rollover;
use crate::loggers::rotation::{self, MAX_BACKUPS, Rotation};
use crate::loggers::sink::Sink;
use crate::loggers::stream::{PENDING_LIMIT, StreamWriter};
use crate::snapshot::saved;
use crate::sys::lock;
use crate::sys::outlet::{self, Identity, Outlet};
use crate::sys::safe_path;
use crate::sys::syslog::{Mark, Syslog};

use kept::Kept;
pub use kept::{Inode, day_of, make_first};

/// How often a rollover that fails is tried again while the file grows by its limit.
const RETRIES_PER_LIMIT: u64 = 16;

/// A log that is written to.
#[derive(Debug)]
pub struct Target {
    /// The path that it is opened by, or `stdout` and `syslog` for those.
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
    /// Another target moves, removes and limits the file; this one looks where it is.
    pub follows: bool,
    /// It has a lock on the file, whichever that is at the time.
    is_held: bool,
    /// How many channels write to it, and the most since nothing waited last.
    users: usize,
    most_users: usize,
    losses: Losses,
    /// How its files are kept, where that is configured.
    kept: Option<Box<Kept>>,
    /// For those who follow the log, if anybody does.
    announcer: Option<Announcer>,
}

saved! {
    struct Target {
        path, rotation, sink, inherited, removed, detached, rotation_retry, follows,
        is_held, users, most_users, losses, kept, announcer,
    }
}

impl Target {
    /// Opens the log at its end and makes the file if there is none. Never waits.
    pub fn open(path: &str, rotation: Rotation) -> Result<Target, LogFailure> {
        let mut opened = Target::of(path, rotation, Sink::Closed);
        opened.put_sink(opened.open_sink()?);
        Ok(opened)
    }

    /// A log that is not open: each write tries to open it.
    pub fn missing(path: &str, rotation: Rotation) -> Target {
        Target {
            removed: true,
            detached: true,
            ..Target::of(path, rotation, Sink::Closed)
        }
    }

    /// The copy of the main log that a foreground daemon writes.
    pub fn stdout() -> io::Result<Target> {
        let stream = StreamWriter::new(Outlet::stdout()?);
        Ok(Target::of("stdout", Rotation::NEVER, Sink::Stream(stream)))
    }

    /// The daemon's one connection to the system's log, made with the first record;
    /// `program` is the sender's name.
    pub fn syslog(program: &str) -> Target {
        let syslog = Box::new(Syslog::new(program));
        Target::of("syslog", Rotation::NEVER, Sink::Syslog(syslog))
    }

    fn of(path: &str, rotation: Rotation, sink: Sink) -> Target {
        Target {
            path: path.to_owned(),
            rotation,
            sink,
            inherited: false,
            removed: false,
            detached: false,
            rotation_retry: None,
            follows: false,
            is_held: false,
            users: 1,
            most_users: 1,
            losses: Losses::default(),
            kept: None,
            announcer: None,
        }
    }

    fn open_sink(&self) -> Result<Sink, LogFailure> {
        self.prepare_file();
        Sink::open(&self.path).map_err(|error| self.failure(LogOperation::Open, &error))
    }

    fn failure(&self, operation: LogOperation, error: &io::Error) -> LogFailure {
        LogFailure::new(operation, &self.path, error)
    }

    /// From now on the file is locked for as long as it is written to: another supervisord
    /// does not remove it (see [`auto`](super::auto)).
    pub fn hold(&mut self) {
        self.is_held = true;
        self.lock_file();
    }

    fn lock_file(&self) {
        if let (true, Some(file)) = (self.is_held, self.file()) {
            // Where there are no locks, a file is removed as 4.3.0 does it.
            let _ = lock::try_lock_shared(file.as_fd());
        }
    }

    /// From now on this is written to.
    fn put_sink(&mut self, sink: Sink) {
        let before = std::mem::replace(&mut self.sink, sink);
        self.lock_file();
        drop(before);
        self.inherited = outlet::inherited_descriptor(Path::new(&self.path)).is_some();
        self.removed = false;
        self.detached = false;
        self.rotation_retry = None;
        self.own_file();
        self.announce_file();
    }

    /// Whether it is a file of its own, which can roll over.
    pub fn is_regular(&self) -> bool {
        matches!(self.sink, Sink::File(_)) && !self.inherited
    }

    pub fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Whether one of its backups is that file.
    pub fn has_backup(&self, identity: Identity) -> bool {
        let backups = u32::try_from(self.rotation.backups).unwrap_or(0);
        self.is_regular()
            && (1..=backups.min(MAX_BACKUPS)).any(|number| {
                let found = fs::metadata(rotation::name(&self.path, number));
                found.is_ok_and(|found| Identity::told(&found) == identity)
            })
    }

    /// Rolls over by these limits, for so many channels; what waits for a slow
    /// reader may be as much for each.
    pub fn serve(&mut self, rotation: Rotation, users: usize) {
        self.rotation = rotation;
        self.users = users;
        self.most_users = self.most_users.max(users);
    }

    pub fn rename(&mut self, path: &str) {
        self.path = path.to_owned();
    }

    /// Goes on with what another one has opened, unless something waits for a
    /// slow reader: that must not be lost.
    pub fn adopt(&mut self, opened: Target) {
        self.follows |= opened.follows;
        if self.is_congested() {
            return;
        }
        self.put_sink(opened.sink);
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
            Sink::File(file) => Some(file),
            Sink::Stream(_) | Sink::Syslog(_) | Sink::Closed => None,
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
    /// Failures are kept for [`take_losses`](Target::take_losses), as are the numbers of bytes
    /// that were not written; the next write is attempted as if nothing had been. A rollover
    /// that keeps failing is told once. A file that somebody has removed is made
    /// anew, for nobody will ever read what goes to the old one.
    pub fn write(&mut self, data: &[u8]) {
        let outcome = self.write_and_rotate(data);
        self.note(outcome);
    }

    fn note(&mut self, outcome: Result<(), LogFailure>) {
        if let Err(failure) = outcome {
            self.losses.failure = Some(failure);
        }
    }

    fn write_and_rotate(&mut self, data: &[u8]) -> Result<(), LogFailure> {
        if self.detached
            && let Err(failure) = self.reopen()
        {
            self.lose(data.len() as u64);
            return Err(failure);
        }
        self.find_again();
        let (mut lost, mut written) = self.write_on(data);
        let mut found = self.look();
        if self.is_gone(found.as_ref()) {
            if let Err(failure) = self.reopen() {
                // Followers have the file that was removed.
                self.announce(data);
                self.lose(data.len() as u64);
                return Err(failure);
            }
            (lost, written) = self.write_on(data);
            found = self.look();
        }
        self.lose(lost);
        let lost = usize::try_from(lost).unwrap_or(usize::MAX);
        let kept = data.len().saturating_sub(lost);
        self.announce(data.get(..kept).unwrap_or_default());
        let rotated = self.rotate_if_full(found.as_ref());
        written.and(rotated)
    }

    /// What the system tells of a file of its own; `None` for anything else, and where it
    /// tells nothing.
    fn look(&self) -> Option<fs::Metadata> {
        match &self.sink {
            Sink::File(file) if !self.inherited => file.metadata().ok(),
            _ => None,
        }
    }

    fn write_on(&mut self, data: &[u8]) -> (u64, Result<(), LogFailure>) {
        if !self.is_congested() {
            self.most_users = self.users;
        }
        let limit = PENDING_LIMIT * self.most_users.max(1);
        let (lost, written) = self.sink.write(data, limit);
        let written = written.map_err(|error| self.failure(LogOperation::Write, &error));
        (lost, written)
    }

    /// Whether somebody else has removed the file. One that was moved is still somewhere.
    fn is_gone(&self, found: Option<&fs::Metadata>) -> bool {
        !self.removed && found.is_some_and(|found| found.nlink() == 0)
    }

    /// Tries again to write what a slow reader did not take.
    pub fn flush(&mut self) {
        let flushed = self.flush_sink();
        self.note(flushed.map_err(|error| self.failure(LogOperation::Write, &error)));
    }

    fn flush_sink(&mut self) -> io::Result<()> {
        let (lost, outcome) = self.sink.flush();
        self.lose(lost);
        outcome
    }

    /// Whether a reader is slow: the owner should stop reading the child until
    /// [`flush`](Target::flush) has got rid of what waits.
    pub fn is_congested(&self) -> bool {
        self.pending() > 0
    }

    /// How many bytes wait for a slow reader.
    pub fn pending(&self) -> u64 {
        self.sink.pending()
    }

    /// Counts what waits for a slow reader as lost.
    pub fn give_up(&mut self) {
        let lost = self.sink.give_up();
        self.lose(lost);
    }

    /// Counts whole lines as lost that a slow reader would have had to wait for.
    pub fn drop_lines(&mut self, lines: u64, lost: u64) {
        self.losses.lines += lines;
        self.losses.lost += lost;
    }

    /// Sends a record to the system's log, if it is that.
    pub fn send(&mut self, mark: Mark<'_>, record: &[u8]) {
        if let Sink::Syslog(syslog) = &mut self.sink {
            let outcome = syslog.send(mark, record);
            let lost = syslog.take_lost();
            self.lose(lost);
            self.note(outcome.map_err(|error| self.failure(LogOperation::Write, &error)));
        }
    }

    /// Counts bytes as lost that were meant for it.
    pub fn lose(&mut self, lost: u64) {
        self.losses.lost += lost;
    }

    /// What went wrong since the last call, to be told now and then.
    pub fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    /// Opens the path anew, for when somebody has moved the file away. If that
    /// fails, the file that is open stays so. In the place of one that was
    /// removed comes one with the same permissions.
    pub fn reopen(&mut self) -> Result<(), LogFailure> {
        // Why something was not taken makes no difference here; what is lost is counted.
        let _ = self.flush_sink();
        if self.is_congested() {
            // A stream has no other file behind its name; what waits in it must not be lost.
            return Ok(());
        }
        self.detached = self.removed;
        self.put_sink(self.open_in_place()?);
        Ok(())
    }

    fn open_in_place(&self) -> Result<Sink, LogFailure> {
        if let Sink::File(old) = &self.sink
            && (self.removed || self.is_gone(self.look().as_ref()))
            && let Some(mode) = rollover::permissions(old)
            && let Ok(Some(file)) = rollover::make(&self.path, self.new_file(Some(mode)))
        {
            return Ok(Sink::File(file));
        }
        self.open_sink()
    }

    /// Removes the file and starts an empty one. What is no regular file stays as it is.
    pub fn clear(&mut self) -> Result<(), LogFailure> {
        if matches!(self.sink, Sink::Stream(_) | Sink::Syslog(_)) {
            self.sink.give_up();
            return Ok(());
        }
        if let (true, Sink::File(file)) = (self.follows, &self.sink) {
            return file
                .set_len(0)
                .map_err(|error| self.failure(LogOperation::Remove, &error));
        }
        self.remove()?;
        self.reopen()
    }

    /// The first half of [`clear`](Target::clear): removes the file, to which
    /// writing goes on until the log is reopened. One that has gone is fine.
    pub fn remove(&mut self) -> Result<(), LogFailure> {
        let is_ours = !self.inherited
            && matches!(self.sink, Sink::File(_))
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
            Err(error) => Err(self.failure(LogOperation::Remove, &error)),
        }
    }

    /// Writes what still waits if the reader takes it, and closes. Nothing can
    /// fail here that anybody could act on; what is lost is counted.
    pub fn close(&mut self) {
        let _ = self.flush_sink();
        self.give_up();
        self.sink = Sink::Closed;
        self.detached = false;
        self.announcer = None;
    }

    /// After the other target has moved the file away.
    fn find_again(&mut self) {
        let Some(file) = self.file() else { return };
        let inode = |found: fs::Metadata| (found.dev(), found.ino());
        if self.follows
            && file.metadata().ok().map(inode) != fs::metadata(&self.path).ok().map(inode)
        {
            // The old file goes on if that fails.
            let _ = self.reopen();
        }
    }

    /// Rolls over if the file has reached its limit, whoever wrote to it.
    pub fn rotate_if_due(&mut self) {
        if self.limit().is_some() {
            let rotated = self.rotate_if_full(self.look().as_ref());
            self.note(rotated);
        }
    }

    /// How large the file may become, if it is this target's to limit.
    fn limit(&self) -> Option<u64> {
        let limit = u64::try_from(self.rotation.maxbytes).ok()?;
        (limit > 0 && self.is_regular() && !self.follows).then_some(limit)
    }

    /// Rolls over by what the system told of the file; one of unknown size counts as full.
    fn rotate_if_full(&mut self, found: Option<&fs::Metadata>) -> Result<(), LogFailure> {
        let Some(limit) = self.limit() else {
            return Ok(());
        };
        let size = found.map_or(limit, |found| found.len());
        if size < self.rotation_retry.unwrap_or(limit) || self.is_busy() {
            return Ok(());
        }
        self.roll_over().or_else(|failure| {
            let is_told = self.rotation_retry.is_some();
            // Each attempt looks at every backup: not with each write.
            self.rotation_retry = Some(size + limit / RETRIES_PER_LIMIT);
            match is_told {
                true => Ok(()),
                false => Err(failure),
            }
        })
    }

    /// Moves the file aside and goes on with an empty one.
    fn roll_over(&mut self) -> Result<(), LogFailure> {
        let backups = u32::try_from(self.rotation.backups.max(0)).unwrap_or(u32::MAX);
        let mode = self.file().and_then(rollover::permissions);
        let rotated = match self.kept {
            Some(_) => self.inode(),
            None => None,
        };
        match rollover::roll_over(&self.path, backups, self.new_file(mode)) {
            Ok(file) => {
                self.put_sink(Sink::File(file));
                self.note_rotated(rotated);
                Ok(())
            }
            Err(error) => Err(self.failure(LogOperation::Rotate, &error)),
        }
    }
}

#[cfg(test)]
mod tests;
