//! The logs of an output that get whole lines: those with a format other than raw.
//!
//! Lines go to a log in chunks. What is read while the reader of a log is slow waits here,
//! unread as it were: no more is read of the pipe until it has been written.

use std::rc::Rc;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::Process;
use crate::config::delivery::WhenSlow;
use crate::config::line_format::LineFormat;
use crate::loggers::form::{Column, Form, Writer};
use crate::loggers::lines::Lines;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::snapshot::saved;
use crate::sys::time;
use crate::tokens::Channel;

/// How long a line may wait for its end.
const PATIENCE: Duration = Duration::from_secs(1);

/// A chunk of lines is written when it has so many bytes.
const CHUNK: usize = 64 * 1024;

/// The most that waits for a slow reader, as it came: two full reads.
const BACKLOG: usize = 128 * 1024;

/// How grave the lines of programs are, in patterns.
const LEVELS: [&str; 2] = ["INFO", "ERRO"];

#[derive(Debug)]
pub struct LineLogs {
    lines: Lines,
    logs: Vec<LineLog>,
    group: Rc<str>,
    when_slow: WhenSlow,
    /// What came and could not be written yet.
    backlog: Vec<u8>,
    /// Since when something waits, for its end or for a reader.
    since: Option<Monotonic>,
}

saved! { struct LineLogs { lines, logs, group, when_slow, backlog, since } }

#[derive(Debug)]
struct LineLog {
    log: LogUse,
    format: LineFormat,
    column: Column,
    /// What lines look like, once the child is there.
    form: Option<Form>,
}

saved! { struct LineLog { log, format, column, form } }

impl LineLogs {
    /// Those of a process of that group.
    pub fn new(group: Rc<str>, when_slow: WhenSlow) -> LineLogs {
        LineLogs {
            lines: Lines::default(),
            logs: Vec::new(),
            group,
            when_slow,
            backlog: Vec::new(),
            since: None,
        }
    }

    pub fn add(&mut self, log: LogUse, format: LineFormat, column: Column) {
        self.logs.push(LineLog {
            log,
            format,
            column,
            form: None,
        });
    }

    /// The child that writes.
    pub fn set_pid(&mut self, process: &Process, channel: Channel, pid: i32) {
        let delivery = process.delivery.as_deref();
        let [info, error] = LEVELS;
        let writer = Writer {
            program: delivery.map_or("", |delivery| &delivery.program),
            group: &self.group,
            process: &process.name,
            channel: channel.name(),
            pid: i64::from(pid),
            level: match channel {
                Channel::Stdout => info,
                Channel::Stderr => error,
            },
            json_level: None,
        };
        for log in &mut self.logs {
            log.form = Some(Form::new(&log.format, writer, log.column));
        }
    }

    pub fn logs(&self) -> impl Iterator<Item = &LogUse> {
        self.logs.iter().map(|log| &log.log)
    }

    /// Gives the logs back, to be closed.
    pub fn take_logs(&mut self) -> Vec<LogUse> {
        self.logs.drain(..).map(|log| log.log).collect()
    }

    /// Whether lines are dropped that a slow reader does not take.
    pub fn drops(&self) -> bool {
        self.when_slow == WhenSlow::Drop
    }

    fn is_congested(&self, context: &LoopContext) -> bool {
        !self.drops() && self.logs().any(|log| context.is_congested(log))
    }

    /// Whether something waits for a slow reader.
    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// How many bytes have not been written, and never will be.
    pub fn take_unwritten(&mut self) -> u64 {
        let unwritten = self.backlog.len() + self.lines.len();
        self.backlog = Vec::new();
        self.lines = Lines::default();
        unwritten as u64
    }

    /// Writes the lines that `data` completes, or keeps it while a log is congested.
    pub fn write(&mut self, context: &mut LoopContext, user: LogUser<'_>, data: &[u8]) {
        let rest = match self.backlog.is_empty() {
            true => self.pass(context, user, data, false),
            false => data,
        };
        self.keep(context, user, rest);
    }

    fn keep(&mut self, context: &mut LoopContext, user: LogUser<'_>, rest: &[u8]) {
        if self.backlog.len() + rest.len() <= BACKLOG {
            self.backlog.extend_from_slice(rest);
            return;
        }
        for log in self.logs() {
            context.lose(log, user, rest.len() as u64);
        }
    }

    /// Goes on with what has waited, as far as the logs take it.
    pub fn go_on(&mut self, context: &mut LoopContext, user: LogUser<'_>) {
        if self.has_backlog() && !self.is_congested(context) {
            let backlog = std::mem::take(&mut self.backlog);
            let rest = self.pass(context, user, &backlog, false);
            self.backlog = rest.to_vec();
        }
    }

    /// Writes everything that is left: the output has come to its end.
    pub fn finish(&mut self, context: &mut LoopContext, user: LogUser<'_>) {
        let backlog = std::mem::take(&mut self.backlog);
        self.pass(context, user, &backlog, true);
        self.write_held(context, user, true);
        self.since = None;
    }

    /// When to ask [`due`](LineLogs::due) again, if something waits.
    pub fn deadline(&self) -> Option<Monotonic> {
        self.since.map(|since| since + PATIENCE)
    }

    /// Writes what has waited for its end for too long.
    pub fn due(&mut self, context: &mut LoopContext, user: LogUser<'_>) {
        let now = context.now.monotonic;
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        self.go_on(context, user);
        if !self.has_backlog() && !self.is_congested(context) {
            self.write_held(context, user, false);
        }
        self.since = self.is_waiting().then_some(now);
    }

    fn is_waiting(&self) -> bool {
        !self.lines.is_empty() || self.has_backlog()
    }

    fn write_held(&mut self, context: &mut LoopContext, user: LogUser<'_>, is_last: bool) {
        let line = match is_last {
            true => self.lines.take_last(),
            false => self.lines.take_begun(),
        };
        let Some(line) = line else { return };
        context.stamp.set(context.now.wall, time::local);
        for log in &self.logs {
            let mut chunk = Vec::new();
            if let Some(form) = &log.form {
                form.push(&mut chunk, &context.stamp, line);
            }
            context.write_lines(&log.log, user, &chunk, (1, self.when_slow));
        }
    }

    /// Writes lines until one of the logs is congested, unless they are the last; returns
    /// what is left.
    fn pass<'d>(
        &mut self,
        context: &mut LoopContext,
        user: LogUser<'_>,
        mut data: &'d [u8],
        is_last: bool,
    ) -> &'d [u8] {
        let now = context.now;
        context.stamp.set(now.wall, time::local);
        let mut chunks = std::mem::take(&mut context.chunks);
        chunks.resize_with(self.logs.len().max(chunks.len()), Vec::new);
        let mut count = 0;
        loop {
            let line = self.lines.next(&mut data);
            let is_end = line.is_none();
            let mut is_full = is_end;
            if let Some(line) = line {
                count += u64::from(!line.is_rest);
                // What is held from now on came now.
                self.since = None;
                for (log, chunk) in self.logs.iter().zip(&mut chunks) {
                    if let Some(form) = &log.form {
                        form.push(chunk, &context.stamp, line);
                    }
                    is_full |= chunk.len() >= CHUNK;
                }
            }
            if !is_full {
                continue;
            }
            for (log, chunk) in self.logs.iter().zip(&mut chunks) {
                if !chunk.is_empty() {
                    context.write_lines(&log.log, user, chunk, (count, self.when_slow));
                    chunk.clear();
                }
            }
            count = 0;
            if is_end || (!is_last && self.is_congested(context)) {
                break;
            }
        }
        for chunk in &mut chunks {
            // An unusual line does not keep its memory.
            chunk.shrink_to(4 * CHUNK);
        }
        context.chunks = chunks;
        let is_waiting = !self.lines.is_empty() || !data.is_empty();
        self.since = is_waiting.then(|| self.since.unwrap_or(now.monotonic));
        data
    }
}
