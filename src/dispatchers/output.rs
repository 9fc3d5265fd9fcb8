//! What a child writes to its stdout or stderr: read in pieces of up to 64 KiB
//! and passed on to its log, to syslog and, at level debug, to the main log.
//!
//! One read each time that the pipe is ready, so that a flood from one child
//! does not keep the others waiting. While the reader of a log (a pipe behind
//! `/dev/stdout`, say) is slow the child is not read: it waits, not the daemon.

use std::io;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::dispatchers::capture::{Capture, Part};
use crate::loggers::failure::LogFailure;
use crate::loggers::file::LogWriter;
use crate::loggers::level::Level;
use crate::reactor::{READ_SIZE, Reactor};
use crate::sys::fd;
use crate::sys::poller::{Interest, Token};
use crate::sys::syslog::Syslog;
use crate::text::ansi::AnsiStripper;
use crate::text::pyrepr;
use crate::tokens::Channel;

/// How soon a slow reader is tried again.
pub const RETRY_DELAY: Duration = Duration::from_millis(20);
/// How often a log that cannot be written to is complained of.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);
/// How often a pipe is read at most when its child has ended: a descendant
/// that still writes must not keep the daemon busy.
const DRAIN_READS: usize = 64;

/// One output pipe of a living child.
#[derive(Debug)]
pub struct OutputDispatcher {
    /// The process, for log lines.
    name: String,
    channel: Channel,
    /// `None` once the pipe is closed.
    token: Option<Token>,
    log: Option<LogWriter>,
    syslog: Option<Syslog>,
    stripper: Option<AnsiStripper>,
    capture: Option<Capture>,
    report: Report,
    found: Vec<Found>,
    last_complaint: Option<Monotonic>,
}

/// What came of an attempt to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something was read; there may be more.
    Read,
    /// There is nothing to read now.
    Nothing,
    /// The log cannot take more at present: try again after [`RETRY_DELAY`].
    Congested,
    /// The pipe has come to its end and is closed.
    Closed,
}

/// What of the output others than logs are to be told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Report {
    /// Messages between the tags of process communication.
    #[default]
    Messages,
    /// These, and everything that is written.
    Output,
    /// What an event listener says.
    Conversation,
}

/// What a child has written for others than its logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A piece of output, as it goes to the log.
    Output(Vec<u8>),
    /// A message between the tags of process communication.
    Message(Vec<u8>),
    /// What an event listener said, as it came.
    Said(Vec<u8>),
}

/// Where the output goes besides the main log.
#[derive(Debug, Default)]
pub struct Destinations {
    /// The log file.
    pub log: Option<LogWriter>,
    /// syslog, one record a line.
    pub syslog: Option<Syslog>,
    /// Remove ANSI sequences first.
    pub strip_ansi: bool,
    /// Take messages to event listeners out, keeping so many bytes of each; 0 does not.
    pub capture_maxbytes: usize,
    /// What others are told of.
    pub report: Report,
}

impl OutputDispatcher {
    /// Takes over a pipe that was registered for reading.
    pub fn new(
        name: &str,
        channel: Channel,
        token: Token,
        destinations: Destinations,
    ) -> OutputDispatcher {
        OutputDispatcher {
            name: name.to_owned(),
            channel,
            token: Some(token),
            log: destinations.log,
            syslog: destinations.syslog,
            stripper: destinations.strip_ansi.then(AnsiStripper::default),
            capture: (destinations.capture_maxbytes > 0)
                .then(|| Capture::new(destinations.capture_maxbytes)),
            report: destinations.report,
            found: Vec::new(),
            last_complaint: None,
        }
    }

    /// What has been written for others than the logs, since the last call.
    pub fn take_found(&mut self) -> impl Iterator<Item = Found> + use<> {
        std::mem::take(&mut self.found).into_iter()
    }

    /// Reads once and passes on what came.
    pub fn read(&mut self, reactor: &mut Reactor) -> Progress {
        let Some(token) = self.token else {
            return Progress::Closed;
        };
        if !self.is_congested() {
            let progress = self.read_now(reactor, token);
            if progress != Progress::Read {
                return progress;
            }
        }
        if self.is_congested() {
            // What waits is written when the reader takes it, whether the child writes more or not.
            self.watch(reactor, token, Interest::NONE);
            return Progress::Congested;
        }
        Progress::Read
    }

    fn is_congested(&self) -> bool {
        self.log.as_ref().is_some_and(LogWriter::is_congested)
    }

    /// Reads what a child that has ended wrote last, whether its log can take
    /// it now or not.
    pub fn drain(&mut self, reactor: &mut Reactor) {
        for _ in 0..DRAIN_READS {
            let Some(token) = self.token else { return };
            if self.read_now(reactor, token) != Progress::Read {
                return;
            }
        }
    }

    fn read_now(&mut self, reactor: &mut Reactor, token: Token) -> Progress {
        let mut buffer = std::mem::take(&mut reactor.buffer);
        let outcome = match reactor.poller.descriptor(token) {
            Some(descriptor) => fd::read(descriptor, &mut buffer, READ_SIZE),
            None => Ok(0),
        };
        let progress = match outcome {
            Ok(0) => {
                self.end(reactor);
                Progress::Closed
            }
            Ok(_) => {
                self.pass_on(reactor, &buffer);
                Progress::Read
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Progress::Nothing,
            Err(error) => {
                let (name, channel) = (&self.name, self.channel.name());
                reactor
                    .log
                    .critical(format_args!("cannot read {channel} of {name}: {error}"));
                self.end(reactor);
                Progress::Closed
            }
        };
        buffer.clear();
        reactor.buffer = buffer;
        progress
    }

    /// Tries again to write what a slow reader did not take, and goes on reading when it did.
    pub fn retry(&mut self, reactor: &mut Reactor) -> Progress {
        let Some(token) = self.token else {
            return Progress::Closed;
        };
        let flushed = self.log.as_mut().map_or(Ok(()), LogWriter::flush);
        self.complain(reactor, flushed);
        if self.is_congested() {
            return Progress::Congested;
        }
        self.watch(reactor, token, Interest::READ);
        Progress::Nothing
    }

    /// Closes the pipe, and the log if it has taken everything. One whose reader
    /// is slow is handed back with what it still holds.
    pub fn close(&mut self, reactor: &mut Reactor) -> Option<LogWriter> {
        self.end(reactor);
        let mut log = self.log.take()?;
        let flushed = log.flush();
        self.complain(reactor, flushed);
        if log.is_congested() {
            return Some(log);
        }
        log.close();
        None
    }

    /// Opens the log anew.
    pub fn reopen(&mut self) -> Result<(), LogFailure> {
        self.log.as_mut().map_or(Ok(()), LogWriter::reopen)
    }

    /// Empties the log.
    pub fn clear(&mut self) -> Result<(), LogFailure> {
        if let Some(capture) = &mut self.capture {
            capture.clear();
        }
        self.log.as_mut().map_or(Ok(()), LogWriter::clear)
    }

    fn watch(&self, reactor: &mut Reactor, token: Token, interest: Interest) {
        if let Err(error) = reactor.poller.set_interest(token, interest) {
            let (name, channel) = (&self.name, self.channel.name());
            reactor
                .log
                .critical(format_args!("cannot watch {channel} of {name}: {error}"));
        }
    }

    /// The end of the pipe: what was held back goes out, the descriptor is closed.
    fn end(&mut self, reactor: &mut Reactor) {
        let Some(token) = self.token.take() else {
            return;
        };
        reactor.poller.close(token);
        let rest = self
            .stripper
            .as_mut()
            .map_or(&[] as &[u8], AnsiStripper::finish);
        self.sort_out(reactor, rest);
        if let Some(capture) = &mut self.capture {
            let rest = capture.finish();
            self.write(reactor, &rest);
        }
        let (name, channel) = (&self.name, self.channel.name());
        reactor.log.debug(format_args!(
            "{channel} of {name} closed, stopped monitoring it"
        ));
    }

    fn pass_on(&mut self, reactor: &mut Reactor, data: &[u8]) {
        if self.report == Report::Conversation {
            self.found.push(Found::Said(data.to_vec()));
        }
        match &mut self.stripper {
            Some(stripper) => {
                let stripped = stripper.strip(data);
                self.sort_out(reactor, &stripped);
            }
            None => self.sort_out(reactor, data),
        }
    }

    /// Text goes to the log; messages are for event listeners.
    fn sort_out(&mut self, reactor: &mut Reactor, data: &[u8]) {
        let Some(capture) = &mut self.capture else {
            return self.write(reactor, data);
        };
        for part in capture.feed(data) {
            match part {
                Part::Text(text) => self.write(reactor, &text),
                Part::Captured(text) => self.tell(reactor, &text),
                Part::Message(message) => {
                    self.found.push(Found::Message(message));
                    let (name, channel) = (pyrepr::repr(&self.name), self.channel.name());
                    reactor
                        .log
                        .debug(format_args!("{name} {channel} emitted a comm event"));
                }
            }
        }
    }

    fn write(&mut self, reactor: &mut Reactor, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let written = self.log.as_mut().map_or(Ok(()), |log| log.write(data));
        self.complain(reactor, written);
        if let Some(syslog) = &mut self.syslog {
            for line in String::from_utf8_lossy(data)
                .trim_end_matches('\n')
                .split('\n')
            {
                // A busy system log loses the record: nothing waits for it.
                let _ = syslog.send(format!("{} {line}", self.name).as_bytes());
            }
        }
        self.tell(reactor, data);
    }

    /// Tells the main log and whoever has asked for it what was written.
    fn tell(&mut self, reactor: &mut Reactor, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        if self.report == Report::Output {
            self.found.push(Found::Output(data.to_vec()));
        }
        if reactor.log.enabled(Level::Debug) {
            let (name, channel) = (pyrepr::repr(&self.name), self.channel.name());
            let text = match self.report {
                Report::Conversation => pyrepr::repr_bytes(data),
                _ => String::from_utf8_lossy(data).into_owned(),
            };
            reactor
                .log
                .debug(format_args!("{name} {channel} output:\n{text}"));
        }
    }

    /// Tells the main log of a log that cannot be written to, once a minute and with what was lost.
    fn complain(&mut self, reactor: &mut Reactor, outcome: Result<(), LogFailure>) {
        let Err(failure) = outcome else { return };
        let now = reactor.now.monotonic;
        if self
            .last_complaint
            .is_some_and(|last| now.since(last) < COMPLAINT_INTERVAL)
        {
            return;
        }
        self.last_complaint = Some(now);
        let lost = self.log.as_mut().map_or(0, LogWriter::take_lost);
        let (name, channel) = (&self.name, self.channel.name());
        reactor.log.error(format_args!(
            "{channel} of {name}: {failure}; {lost} bytes of its log are lost"
        ));
    }
}
