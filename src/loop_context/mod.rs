//! What the loop lends to whoever handles an event: the descriptors that it
//! watches, the deadlines, the main log, the logs of children and two buffers.

pub mod budget;
pub mod following;
pub mod kept_logs;
pub mod log_budget;
pub mod logs;
pub mod open_logs;
pub mod processing;
pub mod rotated;
pub mod tally;
pub mod trouble;

use std::fmt;
use std::io;
use std::time::Duration;

use crate::clock::Now;
use crate::loggers::logger::Logger;
use crate::loggers::rate_limit::RateLimit;
use crate::loggers::stamp::Stamp;
use crate::loggers::window::WindowLimit;
use crate::loop_context::following::Following;
use crate::loop_context::log_budget::LogBudget;
use crate::loop_context::open_logs::OpenLogs;
use crate::loop_context::rotated::RotatedFiles;
use crate::loop_context::tally::Tally;
use crate::snapshot::saved;
use crate::sys::cgroup::Tree;
use crate::sys::poller::Poller;
use crate::sys::read_buffer::{self, ReadBuffer};
use crate::sys::spawn::ErrorPipe;
use crate::sys::time;
use crate::timers::Timers;
use crate::tokens::FdOwner;

/// How much is read from a descriptor at a time, so that one chatty child
/// cannot starve the others.
pub const READ_SIZE: usize = read_buffer::SIZE;

/// How much of one turn of the loop what works for clients may take; each kind
/// of it gets on by a little in any case.
pub const SHARE: Duration = Duration::from_millis(5);

/// The loop's instruments.
#[derive(Debug)]
pub struct LoopContext {
    /// Descriptors, each with what it belongs to.
    pub poller: Poller<FdOwner>,
    /// Deadlines, each with what it is for.
    pub timers: Timers,
    /// The main log.
    pub log: Logger,
    /// For lines that clients can cause.
    pub rate_limit: RateLimit,
    pub logs: OpenLogs,
    /// Those logs that clients follow.
    pub following: Following,
    /// How much the logs of children may take together, if that is limited.
    pub budget: Option<Box<LogBudget>>,
    /// Files of logs that wait for their processors.
    pub rotated: RotatedFiles,
    /// When the next day begins, by the wall clock, if a log rolls over then.
    pub midnight: Option<i64>,
    /// For the logs that clients read.
    pub window_limit: WindowLimit,
    /// Why children have not become their programs.
    pub error_pipe: ErrorPipe,
    /// The control groups of children, once one has asked for its own. A restart keeps them, for
    /// by then this process is in one of them.
    pub cgroups: Option<Tree>,
    /// What is read from a pipe or socket.
    pub input: ReadBuffer,
    /// The time of lines that are written to logs with a format.
    pub stamp: Stamp,
    /// Lines on their way to such logs, one chunk for each; kept for their memory.
    pub chunks: Vec<Vec<u8>>,
    /// What is read from a log for a client; empty between events.
    pub buffer: Vec<u8>,
    /// What is counted for `/metrics`, where a server offers that.
    pub tally: Option<Box<Tally>>,
    /// The clocks as read at the beginning of this turn of the loop.
    pub now: Now,
}

saved! {
    struct LoopContext {
        poller, timers, log, rate_limit, logs, following, budget, rotated, midnight,
        window_limit, error_pipe, cgroups, tally, now,
        // These hold nothing between events.
        input = ReadBuffer::default(),
        stamp = Stamp::default(),
        chunks = Vec::new(),
        buffer = Vec::new(),
    }
}

impl LoopContext {
    pub fn new(log: Logger, error_pipe: ErrorPipe, now: Now) -> io::Result<LoopContext> {
        Ok(LoopContext {
            poller: Poller::new()?,
            timers: Timers::default(),
            log,
            rate_limit: RateLimit::default(),
            logs: OpenLogs::default(),
            following: Following::default(),
            budget: None,
            rotated: RotatedFiles::default(),
            midnight: None,
            window_limit: WindowLimit::default(),
            error_pipe,
            cgroups: None,
            input: ReadBuffer::default(),
            stamp: Stamp::default(),
            chunks: Vec::new(),
            buffer: Vec::new(),
            tally: None,
            now,
        })
    }

    /// Makes it ready for a daemon that starts again: the poll set, with the signals, and the
    /// error pipe are kept, for they might not be had again. Counters go on.
    pub fn start_again(&mut self) {
        self.poller.close_all_but(FdOwner::Signals);
        self.timers = Timers::default();
        self.rate_limit = RateLimit::default();
        self.logs = OpenLogs::default();
        self.following = Following::default();
        self.budget = None;
        self.rotated = RotatedFiles::default();
        self.midnight = None;
        self.window_limit = WindowLimit::default();
        self.log.close();
        self.now = time::now();
    }

    /// Writes a warning that a client has caused, unless one of that kind was
    /// written less than a minute ago.
    pub fn warn_seldom(&mut self, kind: &'static str, message: fmt::Arguments<'_>) {
        if let Some(end) = self.rate_limit.admit(kind, self.now.monotonic) {
            self.log.warn(format_args!("{message}{end}"));
        }
    }

    /// Whether what can wait for the next turn of the loop should.
    pub fn turn_is_over(&self) -> bool {
        time::monotonic() >= self.now.monotonic + SHARE
    }
}

#[cfg(test)]
mod tests;
