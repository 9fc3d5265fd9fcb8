//! The logs that an output of a child goes to.

use std::rc::Rc;

use crate::config::delivery::Shape;
use crate::config::{Output, Process};
use crate::dispatchers::line_logs::LineLogs;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::loop_context::tally::Counts;
use crate::snapshot::saved;
use crate::tokens::Channel;

/// What is configured of a channel.
pub fn settings(process: &Process, channel: Channel) -> &Output {
    match channel {
        Channel::Stdout => &process.stdout,
        Channel::Stderr => &process.stderr,
    }
}

/// How that channel is written to its logs, if not as it comes.
pub fn shape(process: &Process, channel: Channel) -> Option<&Shape> {
    let delivery = process.delivery.as_deref()?;
    Some(match channel {
        Channel::Stdout => &delivery.stdout,
        Channel::Stderr => &delivery.stderr,
    })
}

/// The logs of an output.
#[derive(Debug, Default)]
pub struct Logs {
    /// Those that get bytes as they come.
    pub raw: Vec<LogUse>,
    /// Those that get lines.
    pub lines: Option<Box<LineLogs>>,
    /// Where it is counted what comes, if anywhere.
    pub counts: Option<Rc<Counts>>,
}

saved! { struct Logs { raw, lines, counts } }

impl Logs {
    pub fn all(&self) -> impl Iterator<Item = &LogUse> {
        let lines = self.lines.iter().flat_map(|lines| lines.logs());
        self.raw.iter().chain(lines)
    }

    /// Writes what has come.
    pub fn write(&mut self, context: &mut LoopContext, user: LogUser<'_>, data: &[u8]) {
        if let Some(counts) = &self.counts {
            counts.log_bytes.add(data.len() as u64);
        }
        for log in &self.raw {
            context.write_log(log, user, data);
        }
        if let Some(lines) = &mut self.lines {
            lines.write(context, user, data);
        }
    }

    pub fn close(&mut self, context: &mut LoopContext) {
        let lines = self.lines.as_deref_mut().map(LineLogs::take_logs);
        for log in self.raw.drain(..).chain(lines.into_iter().flatten()) {
            context.close_log(log);
        }
    }
}
