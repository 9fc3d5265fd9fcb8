//! The logs of children that are open: one target for each file, whoever
//! writes to it.
//!
//! A dispatcher holds a [`LogUse`]. A log closes with its last user, except
//! that what a slow reader has not taken yet stays until it does; who opens the
//! log again in the meantime writes after that.

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::clock::Monotonic;
use crate::config::Process;
use crate::config::syslog::Syslog;
use crate::loggers::complaint::Complaint;
use crate::loggers::logger::Logger;
use crate::loggers::rotation::Rotation;
use crate::loggers::shared::SharedLog;
use crate::loggers::target::Target;
use crate::loop_context::tally::Counts;
use crate::snapshot::saved;
use crate::sys::poller::Token;
use crate::sys::syslog::Mark;
use crate::tokens::{Channel, LogId};
use crate::vec_map::VecMap;

/// So many names are remembered with their colours.
const MOST_COLOURED: usize = 1000;

/// Every log of children that is open.
#[derive(Debug, Default)]
pub struct OpenLogs {
    /// By the serial of their opening.
    logs: VecMap<LogId, Box<SharedLog>>,
    /// The same by what makes paths one log.
    by_identity: VecMap<PathBuf, LogId>,
    last_id: u64,
    /// What is wrong with logs, the main log and syslog among them, where something is.
    pub troubles: VecMap<LogId, Trouble>,
    /// Names of processes that stand before lines in colour, in the order of their colours.
    coloured: Vec<String>,
    /// It was told that a program writes to the main log's file.
    pub told_of_main_log: bool,
}

saved! { struct OpenLogs { logs, by_identity, last_id, troubles, coloured, told_of_main_log } }

/// What is wrong with one log.
#[derive(Debug, Default)]
pub struct Trouble {
    pub complaint: Complaint,
    /// Who met what is complained of.
    pub complainant: String,
    /// Where what it loses is counted: with whoever wrote last.
    pub counts: Option<Rc<Counts>>,
    /// What it has lost that is not counted yet.
    pub uncounted: u64,
    /// The outlets of slow readers that are in the poll set.
    pub outlets: Vec<Token>,
    /// Of each target: the serial of its outlet, if its reader is slow.
    pub slow: Vec<Option<u64>>,
    /// A deadline stands in for what cannot be polled.
    pub is_timed: bool,
    /// The pipes that are not read until the log takes more.
    pub paused: Vec<Token>,
}

saved! {
    struct Trouble {
        complaint, complainant, counts, uncounted, outlets, slow, is_timed, paused,
    }
}

impl Trouble {
    pub fn is_watched(&self) -> bool {
        self.is_timed || !self.outlets.is_empty()
    }

    /// Counts what was lost, after somebody has written or at another occasion.
    pub fn count(&mut self, user: Option<LogUser<'_>>) {
        if let Some(user) = user {
            self.counts = user.counts.cloned();
        }
        if let Some(counts) = &self.counts {
            counts.lost_bytes.add(std::mem::take(&mut self.uncounted));
        }
    }

    /// Whether it can be forgotten. A program that is started again and again on a
    /// full disk is one trouble: it is remembered until the next complaint may come.
    pub fn is_over(&self, now: Monotonic) -> bool {
        let is_told = self.complaint.next().is_none()
            && (self.complaint.remembered_until()).is_none_or(|end| end <= now);
        is_told && !self.is_watched()
    }
}

/// The right to write to a log, to be given back by `LoopContext::close_log`.
#[derive(Debug)]
pub struct LogUse {
    pub id: LogId,
    /// How its owner wants it to roll over.
    pub rotation: Rotation,
    /// Where it is counted what is lost of what its owner writes, if anywhere.
    pub counts: Option<Rc<Counts>>,
}

saved! { struct LogUse { id, rotation, counts } }

impl LogUse {
    /// That to write to the system's log, which is always open.
    pub const SYSLOG: LogUse = LogUse {
        id: LogId::SYSLOG,
        rotation: Rotation::NEVER,
        counts: None,
    };
}

/// Who writes to a log. Displays as `stdout of p`, for lines of the main log.
#[derive(Clone, Copy, Debug)]
pub struct LogUser<'a> {
    pub process: &'a str,
    pub channel: Channel,
    /// How its lines are marked in the system's log, if in a manner of their own.
    pub syslog: Option<&'a Syslog>,
    /// Where what it loses is counted, if anywhere.
    pub counts: Option<&'a Rc<Counts>>,
}

impl<'a> LogUser<'a> {
    pub fn of(process: &'a Process, channel: Channel) -> LogUser<'a> {
        let delivery = process.delivery.as_deref();
        LogUser {
            process: &process.name,
            channel,
            syslog: delivery.map(|delivery| &delivery.syslog),
            counts: None,
        }
    }

    /// The same, whose losses are counted where that log says.
    pub fn counted(self, log: &'a LogUse) -> LogUser<'a> {
        LogUser {
            counts: log.counts.as_ref(),
            ..self
        }
    }

    /// The mark of its lines in the system's log.
    pub fn mark(&self) -> Mark<'a> {
        let Some(syslog) = self.syslog else {
            return Mark::default();
        };
        let priority = match self.channel {
            Channel::Stdout => syslog.stdout,
            Channel::Stderr => syslog.stderr,
        };
        Mark {
            priority: syslog.facility.0 * 8 + priority.0,
            tag: syslog.tag.as_deref().filter(|tag| !tag.is_empty()),
        }
    }
}

impl fmt::Display for LogUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.channel.name(), self.process)
    }
}

impl OpenLogs {
    pub fn get(&self, id: LogId) -> Option<&SharedLog> {
        self.logs.get(&id).map(Box::as_ref)
    }

    pub fn get_mut(&mut self, id: LogId) -> Option<&mut SharedLog> {
        self.logs.get_mut(&id).map(Box::as_mut)
    }

    /// The log that paths of that identity lead to.
    pub fn find(&self, identity: &Path) -> Option<LogId> {
        self.by_identity.get(identity).copied()
    }

    /// A log whose file may have no name any more, by the path that it was opened by.
    pub fn opened_by(&self, path: &str) -> Option<LogId> {
        let mut all = self.logs.iter();
        all.find_map(|(id, log)| (log.target.path() == path).then_some(*id))
    }

    pub fn add(&mut self, log: SharedLog) -> LogId {
        self.last_id = self.last_id.max(LogId::SYSLOG.0) + 1;
        let id = LogId(self.last_id);
        self.by_identity.insert(log.identity().to_owned(), id);
        self.logs.insert(id, Box::new(log));
        id
    }

    pub fn remove(&mut self, id: LogId) {
        if let Some(log) = self.logs.remove(&id) {
            self.by_identity.remove(log.identity());
        }
    }

    /// What the logs of children are written to.
    pub fn targets_of_children(&self) -> impl Iterator<Item = &Target> {
        self.logs.values().map(|log| &log.target)
    }

    /// The number of the colour of a process: each name has the next one.
    pub fn colour_of(&mut self, process: &str) -> usize {
        let known = self.coloured.iter().position(|name| name == process);
        known.unwrap_or_else(|| {
            // Programs that have gone keep none for ever.
            if self.coloured.len() >= MOST_COLOURED {
                self.coloured.clear();
            }
            self.coloured.push(process.to_owned());
            self.coloured.len() - 1
        })
    }

    pub fn ids(&self) -> Vec<LogId> {
        self.logs.keys().copied().collect()
    }

    /// Closes a log that nobody writes to and no reader is waited for; says whether it is so.
    pub fn close_if_done(&mut self, id: LogId) -> bool {
        let done = self.get_mut(id);
        let done = done.filter(|log| !log.is_used() && !log.target.is_congested());
        done.map(|log| log.target.close()).is_some()
    }

    /// What a log is written to, whosever log it is; the main log may have a copy on stdout.
    pub fn targets<'a>(
        &'a mut self,
        main: &'a mut Logger,
        id: LogId,
    ) -> impl Iterator<Item = &'a mut Target> {
        let targets = match id {
            LogId::MAIN => [main.stdout.as_mut(), main.file.as_mut()],
            LogId::SYSLOG => [Some(&mut main.syslog), None],
            id => [self.get_mut(id).map(|log| &mut log.target), None],
        };
        targets.into_iter().flatten()
    }
}
