//! What a child writes to its stdout or stderr: read in pieces of up to 64 KiB
//! and passed on to its log, to syslog and, at level debug, to the main log.
//!
//! One read each time that the pipe is ready, so that a flood from one child
//! does not keep the others waiting. While the reader of a log (a pipe behind
//! `/dev/stdout`, say) is slow the child is not read: it waits, not the daemon.
//! What it wrote last waits in the same way, in its pipe, when it has ended.

mod logs;
mod renewal;

use std::borrow::Cow;
use std::io;
use std::rc::Rc;

use crate::clock::Monotonic;
use crate::config::Process;
use crate::dispatchers::capture::{Capture, Part};
use crate::dispatchers::search::Search;
use crate::log_level::Level;
use crate::loggers::failure::LogFailure;
use crate::loggers::ring::SharedRing;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::snapshot::saved;
use crate::sys::poller::Token;
use crate::sys::{errno, fd};
use crate::text::ansi::AnsiStripper;
use crate::text::pyrepr;
use crate::tokens::Channel;

pub use logs::{Logs, settings, shape};
use renewal::Next;
pub use renewal::NextLogs;

/// How often a pipe is read at most when its child has ended: a descendant
/// that still writes must not keep the daemon busy.
const DRAIN_READS: usize = 64;

/// One output pipe of a living child.
#[derive(Debug)]
pub struct OutputDispatcher {
    /// What was configured of the process, for its name in log lines.
    process: Rc<Process>,
    channel: Channel,
    /// The child at the other end, for events; it may have ended. 0 before it is spawned.
    pid: i32,
    /// `None` once the pipe is closed.
    token: Option<Token>,
    /// Where the output goes besides the main log.
    logs: Logs,
    stripper: Option<AnsiStripper>,
    capture: Option<Box<Capture>>,
    /// Where the end of it is kept in memory.
    ring: Option<SharedRing>,
    report: Report,
    reported: Vec<Reported>,
    /// The text that it writes when it is ready, until it has.
    awaited: Option<Box<Search>>,
    /// What was written last has not come to the end of its line.
    is_in_line: bool,
    /// Where the output goes from the end of this line on, if elsewhere.
    next: Option<Box<Next>>,
}

saved! {
    struct OutputDispatcher {
        process, channel, pid, token, logs, stripper, capture, ring, report, reported,
        awaited, is_in_line, next,
    }
}

/// What came of an attempt to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadStatus {
    /// Something was read; there may be more.
    Read,
    /// There is nothing to read now.
    Nothing,
    /// The log cannot take more at present: the pipe is not watched until it does.
    Congested,
    /// The pipe has come to its end and is closed.
    Closed,
}

/// What of the output others than logs are to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Messages between the tags of process communication.
    Messages,
    /// These, and everything that is written.
    Output,
    /// What an event listener says.
    Conversation,
}

saved! { enum Report { Messages, Output, Conversation } }

/// What a child has written for others than its logs.
#[derive(Debug)]
pub struct Reported {
    /// The child, which may have ended.
    pub pid: i32,
    pub channel: Channel,
    pub kind: ReportedKind,
    pub bytes: Vec<u8>,
}

saved! { struct Reported { pid, channel, kind, bytes } }

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportedKind {
    /// A piece of output, as it goes to the log.
    Output,
    /// A message between the tags of process communication.
    Message,
    /// What an event listener said, as it came.
    Conversation,
    /// The text that says that it is ready; there are no bytes.
    Ready,
}

saved! { enum ReportedKind { Output, Message, Conversation, Ready } }

impl OutputDispatcher {
    /// Takes over a pipe that was registered for reading. The output goes to these logs
    /// besides the main log.
    pub fn new(
        process: Rc<Process>,
        channel: Channel,
        token: Token,
        logs: Logs,
        report: Report,
        strip_ansi: bool,
    ) -> OutputDispatcher {
        let capture = match report {
            Report::Conversation => 0,
            _ => usize::try_from(settings(&process, channel).capture_maxbytes).unwrap_or(0),
        };
        OutputDispatcher {
            process,
            channel,
            pid: 0,
            token: Some(token),
            logs,
            stripper: strip_ansi.then(AnsiStripper::default),
            capture: (capture > 0).then(|| Box::new(Capture::new(capture))),
            ring: None,
            report,
            reported: Vec::new(),
            awaited: None,
            is_in_line: false,
            next: None,
        }
    }

    /// From now on the end of the output is kept there.
    pub fn keep_in(&mut self, ring: Option<SharedRing>) {
        self.ring = ring;
    }

    /// Looks for a text in what is written, to be told once.
    pub fn await_text(&mut self, text: &str) {
        self.awaited = Some(Box::new(Search::new(text)));
    }

    pub fn set_pid(&mut self, pid: i32) {
        self.pid = pid;
        if let Some(line_logs) = &mut self.logs.lines {
            line_logs.set_pid(&self.process, self.channel, pid);
        }
    }

    /// Whether this is the pipe of that token.
    pub fn is(&self, token: Token) -> bool {
        self.token == Some(token)
    }

    /// What has been written for others than the logs, since the last call.
    pub fn take_reported(&mut self) -> Vec<Reported> {
        std::mem::take(&mut self.reported)
    }

    fn add_reported(&mut self, kind: ReportedKind, bytes: Vec<u8>) {
        self.reported.push(Reported {
            pid: self.pid,
            channel: self.channel,
            kind,
            bytes,
        });
    }

    /// Reads once and passes on what came.
    pub fn read(&mut self, context: &mut LoopContext) -> ReadStatus {
        let Some(token) = self.token else {
            return ReadStatus::Closed;
        };
        self.go_on(context);
        if self.congested_log(context).is_none() {
            let status = self.read_now(context, token);
            if status != ReadStatus::Read {
                return status;
            }
        }
        self.pause_if_congested(context)
    }

    /// Stops watching the pipe while a log is congested. What waits for the reader of the log
    /// is written when that takes it, whether the child writes more or not.
    pub fn pause_if_congested(&self, context: &mut LoopContext) -> ReadStatus {
        match (self.congested_log(context), self.token) {
            (Some(log), Some(token)) => {
                context.pause_pipe(log.id, token);
                ReadStatus::Congested
            }
            _ => ReadStatus::Read,
        }
    }

    fn congested_log(&self, context: &LoopContext) -> Option<&LogUse> {
        if self.logs.lines.as_ref().is_some_and(|lines| lines.drops()) {
            return None;
        }
        self.logs.all().find(|log| context.is_congested(log))
    }

    /// Where the output goes besides the main log.
    pub fn logs(&self) -> impl Iterator<Item = &LogUse> {
        self.logs.all()
    }

    fn user(&self) -> LogUser<'_> {
        LogUser::of(&self.process, self.channel)
    }

    /// Writes lines that a slow reader has kept waiting.
    fn go_on(&mut self, context: &mut LoopContext) {
        if let Some(line_logs) = &mut self.logs.lines {
            line_logs.go_on(context, LogUser::of(&self.process, self.channel));
        }
    }

    /// When a line will have waited for its end for long enough.
    pub fn line_deadline(&self) -> Option<Monotonic> {
        let lines = self.logs.lines.as_ref().and_then(|logs| logs.deadline());
        lines.into_iter().chain(self.end_of_patience()).min()
    }

    /// Writes a line that has waited long enough.
    pub fn line_due(&mut self, context: &mut LoopContext) {
        self.change_logs_if_due(context);
        if let Some(line_logs) = &mut self.logs.lines {
            line_logs.due(context, LogUser::of(&self.process, self.channel));
        }
    }

    /// Reads what a child that has ended wrote last, for as long as its log
    /// takes it: `Congested` when some of it is left in the pipe. What a
    /// listener said is read in any case, to be heard before its end is told.
    pub fn drain(&mut self, context: &mut LoopContext) -> ReadStatus {
        for _ in 0..DRAIN_READS {
            let Some(token) = self.token else {
                return ReadStatus::Closed;
            };
            self.go_on(context);
            if self.report != Report::Conversation && self.congested_log(context).is_some() {
                let pipe = context.poller.descriptor(token);
                let has_backlog = self
                    .logs
                    .lines
                    .as_ref()
                    .is_some_and(|logs| logs.has_backlog());
                return match pipe.map_or(0, fd::unread) {
                    0 if !has_backlog => ReadStatus::Nothing,
                    _ => self.pause_if_congested(context),
                };
            }
            let status = self.read_now(context, token);
            if status != ReadStatus::Read {
                return status;
            }
        }
        ReadStatus::Read
    }

    /// Closes the pipe of a child that has ended without passing on what is in
    /// it, which is told as lost.
    pub fn give_up(&mut self, context: &mut LoopContext) {
        let mut lost = 0;
        let pipe = self
            .token
            .and_then(|token| context.poller.descriptor(token));
        for _ in 0..DRAIN_READS {
            match pipe.map(|pipe| context.input.read(pipe)) {
                Some(Ok(bytes)) if !bytes.is_empty() => lost += bytes.len() as u64,
                _ => break,
            }
        }
        let user = LogUser::of(&self.process, self.channel);
        for log in &self.logs.raw {
            context.lose(log, user, lost);
        }
        if let Some(lines) = &mut self.logs.lines {
            let lost = lost + lines.take_unwritten();
            for log in lines.logs() {
                context.lose(log, user, lost);
            }
        }
        self.close(context);
    }

    fn read_now(&mut self, context: &mut LoopContext, token: Token) -> ReadStatus {
        let mut input = std::mem::take(&mut context.input);
        let pipe = context.poller.descriptor(token);
        let read = pipe.map_or(Ok(&[] as &[u8]), |pipe| input.read(pipe));
        let status = match read {
            Ok([]) => {
                self.end(context);
                ReadStatus::Closed
            }
            Ok(bytes) => {
                self.pass_on(context, bytes);
                ReadStatus::Read
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ReadStatus::Nothing,
            Err(error) => {
                context.log.critical(format_args!(
                    "cannot read {}: {}",
                    self.user(),
                    errno::reason(&error)
                ));
                self.end(context);
                ReadStatus::Closed
            }
        };
        context.input = input;
        status
    }

    /// Closes the pipe and the log.
    pub fn close(&mut self, context: &mut LoopContext) {
        self.end(context);
        self.logs.close(context);
        if let Some(mut next) = self.next.take() {
            next.close(context);
        }
    }

    pub fn clear(&mut self, context: &mut LoopContext) -> Result<(), LogFailure> {
        if let Some(capture) = &mut self.capture {
            capture.clear();
        }
        if let Some(ring) = &self.ring {
            ring.borrow_mut().clear();
        }
        let cleared = self.logs.all().map(|log| context.clear_log(log));
        cleared.fold(Ok(()), Result::and)
    }

    /// The end of the pipe: what was held back goes out, the descriptor is closed.
    fn end(&mut self, context: &mut LoopContext) {
        let Some(token) = self.token.take() else {
            return;
        };
        context.poller.close(token);
        let rest = self
            .stripper
            .as_mut()
            .map_or(&[] as &[u8], AnsiStripper::finish);
        self.sort_out(context, rest);
        if let Some(capture) = &mut self.capture {
            let rest = capture.finish();
            self.write(context, &rest);
        }
        if let Some(line_logs) = &mut self.logs.lines {
            line_logs.finish(context, LogUser::of(&self.process, self.channel));
        }
        context.log.debug(format_args!(
            "{} closed, stopped monitoring it",
            self.user()
        ));
    }

    fn pass_on(&mut self, context: &mut LoopContext, data: &[u8]) {
        if self.report == Report::Conversation {
            self.add_reported(ReportedKind::Conversation, data.to_vec());
        }
        match &mut self.stripper {
            Some(stripper) => {
                let stripped = stripper.strip(data);
                self.sort_out(context, &stripped);
            }
            None => self.sort_out(context, data),
        }
    }

    /// Text goes to the log; messages are for event listeners.
    fn sort_out(&mut self, context: &mut LoopContext, data: &[u8]) {
        let Some(capture) = &mut self.capture else {
            return self.write(context, data);
        };
        for part in capture.feed(data) {
            match part {
                Part::Text(text) => self.write(context, &text),
                Part::Captured(text) => self.tell(context, &text),
                Part::Message(message) => {
                    self.add_reported(ReportedKind::Message, message);
                    let (name, channel) = (pyrepr::repr(&self.process.name), self.channel.name());
                    context
                        .log
                        .debug(format_args!("{name} {channel} emitted a comm event"));
                }
            }
        }
    }

    fn write(&mut self, context: &mut LoopContext, data: &[u8]) {
        if self.next.is_some() {
            return self.write_to_end_of_line(context, data);
        }
        self.write_now(context, data);
    }

    fn write_now(&mut self, context: &mut LoopContext, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        self.is_in_line = !data.ends_with(b"\n");
        if let Some(ring) = &self.ring {
            ring.borrow_mut().push(data);
        }
        let user = LogUser::of(&self.process, self.channel);
        self.logs.write(context, user, data);
        if self.awaited.as_mut().is_some_and(|text| text.feed(data)) {
            self.awaited = None;
            self.add_reported(ReportedKind::Ready, Vec::new());
        }
        self.tell(context, data);
    }

    /// Tells the main log and whoever has asked for it what was written.
    fn tell(&mut self, context: &mut LoopContext, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        if self.report == Report::Output {
            self.add_reported(ReportedKind::Output, data.to_vec());
        }
        if context.log.enabled(Level::Debug) {
            let (name, channel) = (pyrepr::repr(&self.process.name), self.channel.name());
            let text = match self.report {
                Report::Conversation => Cow::Owned(pyrepr::repr_bytes(data)),
                _ => pyrepr::decoded(data),
            };
            context
                .log
                .debug_text(format_args!("{name} {channel} output:"), &text);
        }
    }
}
