//! The logs of children that are open: one writer for each file, whoever
//! writes to it.
//!
//! A dispatcher holds a [`LogUse`]. A log closes with its last user, except
//! that what a slow reader has not taken yet stays until it does; who opens the
//! log again in the meantime writes after that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::clock::Monotonic;
use crate::loggers::complaint::Complaint;
use crate::loggers::file::Rotation;
use crate::loggers::shared::SharedLog;
use crate::loop_context::watch::Watch;
use crate::sys::poller::Token;
use crate::tokens::LogId;
use crate::vec_map::VecMap;

/// Every log of children that is open.
#[derive(Debug, Default)]
pub struct OpenLogs {
    /// By the serial of their opening.
    pub logs: VecMap<LogId, Box<OpenLog>>,
    /// The same by what makes paths one log.
    by_identity: BTreeMap<PathBuf, LogId>,
    last_id: u64,
    /// It was told that a program writes to the main log's file.
    pub told_of_main_log: bool,
}

/// The right to write to a log, to be given back by `LoopContext::close_log`.
#[derive(Debug)]
pub struct LogUse {
    /// To which.
    pub id: LogId,
    /// How its owner wants it to roll over.
    pub rotation: Rotation,
}

/// A log with what belongs to it.
#[derive(Debug)]
pub struct OpenLog {
    /// The writer and its users.
    pub log: SharedLog,
    /// What went wrong and is not told yet.
    pub complaint: Complaint,
    /// The deadline that the complaint has.
    pub telling_at: Option<Monotonic>,
    /// Who met the failure that is complained of.
    pub complainant: String,
    /// Waits for its reader, if that is slow.
    pub watch: Watch,
    /// The pipes that are not read until the log takes more.
    pub paused: Vec<Token>,
}

impl OpenLogs {
    /// The log that paths of that identity lead to.
    pub fn find(&self, identity: &Path) -> Option<LogId> {
        self.by_identity.get(identity).copied()
    }

    /// Takes in one more.
    pub fn add(&mut self, log: OpenLog) -> LogId {
        self.last_id += 1;
        let id = LogId(self.last_id);
        let identity = log.log.identity().to_owned();
        self.by_identity.insert(identity, id);
        self.logs.insert(id, Box::new(log));
        id
    }

    /// Forgets one.
    pub fn remove(&mut self, id: LogId) {
        if let Some(open) = self.logs.remove(&id) {
            self.by_identity.remove(open.log.identity());
        }
    }
}

impl OpenLog {
    /// One that was opened by `user`.
    pub fn new(log: SharedLog, user: String) -> OpenLog {
        OpenLog {
            log,
            complaint: Complaint::default(),
            telling_at: None,
            complainant: user,
            watch: Watch::default(),
            paused: Vec::new(),
        }
    }

    /// Tries to write what waits for a slow reader.
    pub fn flush(&mut self) {
        let writer = self.log.writer_mut();
        let outcome = writer.flush();
        let lost = writer.take_lost();
        self.complaint.note(outcome.err(), lost);
    }

    /// Closes the file; what still waits is lost.
    pub fn close(&mut self) {
        let writer = self.log.writer_mut();
        writer.close();
        self.complaint.note(None, writer.take_lost());
    }
}
