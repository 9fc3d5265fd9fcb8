//! Waiting for the slow reader of a log: its outlet is in the poll set for as
//! long as something waits there, so nobody looks again and again.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::sys::poller::{Interest, Poller, Token};
use crate::timers::Timers;
use crate::tokens::{Source, Timer};

/// How soon a reader is tried again that cannot be waited for.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What of one log is waited for.
#[derive(Debug, Default)]
pub struct Watch {
    tokens: Vec<Token>,
    /// A deadline stands in for what cannot be polled.
    is_timed: bool,
}

/// What a watch works with, and as whom.
#[derive(Debug)]
pub struct Means<'a> {
    /// The poll set.
    pub poller: &'a mut Poller<Source>,
    /// The deadlines.
    pub timers: &'a mut Timers,
    /// The present.
    pub now: Monotonic,
    /// What an outlet that is ready belongs to.
    pub source: Source,
    /// What the deadline is for.
    pub timer: Timer,
}

impl Watch {
    /// Begins to wait for outlets, given as descriptors of the watch's own,
    /// unless that is done already.
    pub fn begin(&mut self, means: &mut Means<'_>, outlets: Vec<io::Result<OwnedFd>>) {
        for outlet in outlets {
            let registered = outlet
                .and_then(|outlet| means.poller.register(outlet, Interest::WRITE, means.source));
            match registered {
                Ok(token) => self.tokens.push(token),
                Err(_) => self.wait_for_time(means),
            }
        }
    }

    /// Whether anything is waited for.
    pub fn is_on(&self) -> bool {
        self.is_timed || !self.tokens.is_empty()
    }

    /// Ends waiting.
    pub fn end(&mut self, means: &mut Means<'_>) {
        for token in self.tokens.drain(..) {
            means.poller.close(token);
        }
        if std::mem::take(&mut self.is_timed) {
            means.timers.set(means.timer, None);
        }
    }

    /// For an outlet that is said to be ready and takes nothing: looks again
    /// after a while, lest the daemon go round in circles.
    pub fn pause(&mut self, means: &mut Means<'_>) {
        self.end(means);
        self.wait_for_time(means);
    }

    /// The deadline has come, and is no more.
    pub fn time_is_up(&mut self) {
        self.is_timed = false;
    }

    fn wait_for_time(&mut self, means: &mut Means<'_>) {
        self.is_timed = true;
        means.timers.set(means.timer, Some(means.now + RETRY_DELAY));
    }
}
