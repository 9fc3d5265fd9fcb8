//! Output that is treated in another manner from now on, while its child writes on: the pipe
//! stays. Logs change at the end of a line, so that none is torn, or when that does not come.

use std::rc::Rc;
use std::time::Duration;

use super::{Logs, OutputDispatcher, Report, settings};
use crate::clock::Monotonic;
use crate::config::Process;
use crate::dispatchers::capture::Capture;
use crate::loggers::ring::SharedRing;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::snapshot::saved;

/// How long the end of a line is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the output is to go.
#[derive(Debug)]
pub struct NextLogs {
    pub logs: Logs,
    pub ring: Option<SharedRing>,
    /// How many of those who write to a file are this process.
    pub own_users: usize,
}

saved! { struct NextLogs { logs, ring, own_users } }

/// The same while the end of a line is waited for.
#[derive(Debug)]
pub(super) struct Next {
    to: NextLogs,
    since: Monotonic,
}

saved! { struct Next { to, since } }

impl Next {
    pub(super) fn close(&mut self, context: &mut LoopContext) {
        self.to.logs.close(context);
    }
}

impl OutputDispatcher {
    /// Goes by another configuration of its process; its logs are changed by themselves.
    pub fn renew(&mut self, process: Rc<Process>) {
        self.process = process;
        if self.report == Report::Conversation {
            return;
        }
        let settings = settings(&self.process, self.channel);
        self.report = match settings.events_enabled {
            true => Report::Output,
            false => Report::Messages,
        };
        let limit = usize::try_from(settings.capture_maxbytes).unwrap_or(0);
        match &mut self.capture {
            Some(capture) => capture.set_limit(limit),
            None if limit > 0 => self.capture = Some(Box::new(Capture::new(limit))),
            None => {}
        }
    }

    /// From the end of this line on the output goes there, and those before are closed.
    pub fn change_logs(&mut self, context: &mut LoopContext, mut to: NextLogs) {
        if let Some(lines) = &mut to.logs.lines {
            lines.set_pid(&self.process, self.channel, self.pid);
        }
        let since = context.now.monotonic;
        if let Some(mut before) = self.next.replace(Box::new(Next { to, since })) {
            before.close(context);
        }
        if !self.is_in_line {
            self.change_logs_now(context);
        }
    }

    /// When the end of the line is waited for no longer, if it is.
    pub(super) fn end_of_patience(&self) -> Option<Monotonic> {
        let next = self.next.as_ref()?;
        Some(next.since + PATIENCE)
    }

    pub(super) fn change_logs_if_due(&mut self, context: &mut LoopContext) {
        let end = self.end_of_patience();
        if end.is_some_and(|end| end <= context.now.monotonic) {
            self.change_logs_now(context);
        }
    }

    /// Writes the rest of a line to the logs before, and what comes then to the others.
    pub(super) fn write_to_end_of_line(&mut self, context: &mut LoopContext, data: &[u8]) {
        let end = data.iter().position(|byte| *byte == b'\n');
        let end = end.map_or(data.len(), |end| end + 1);
        let (line, rest) = data.split_at(end);
        self.write_now(context, line);
        if !self.is_in_line {
            self.change_logs_now(context);
        }
        self.write_now(context, rest);
    }

    fn change_logs_now(&mut self, context: &mut LoopContext) {
        let Some(next) = self.next.take() else {
            return;
        };
        let NextLogs {
            logs,
            ring,
            own_users,
        } = next.to;
        let user = LogUser::of(&self.process, self.channel);
        if let Some(lines) = &mut self.logs.lines {
            lines.finish(context, user);
        }
        self.logs.close(context);
        let keeping = settings(&self.process, self.channel).file_keeping();
        let is_of_child = |log: &&LogUse| !log.id.is_of_daemon();
        for log in logs.all().filter(is_of_child) {
            context.keep_anew(log, user, keeping, own_users);
        }
        self.logs = logs;
        self.ring = ring;
        // It may have waited for a slow reader of the logs before.
        if let Some(token) = self.token {
            context.resume_pipe(token);
        }
    }
}
