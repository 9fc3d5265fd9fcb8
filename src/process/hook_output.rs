//! Where what a hook writes goes: as what its program writes to stdout.

use std::rc::Rc;

use crate::clock::Monotonic;
use crate::config::Process;
use crate::dispatchers::output::Logs;
use crate::loggers::ring::SharedRing;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::LogUser;
use crate::snapshot::saved;
use crate::tokens::Channel;

#[derive(Debug)]
pub struct HookOutput {
    process: Rc<Process>,
    logs: Logs,
    ring: Option<SharedRing>,
}

saved! { struct HookOutput { process, logs, ring } }

impl HookOutput {
    pub fn new(process: Rc<Process>, logs: Logs, ring: Option<SharedRing>) -> HookOutput {
        HookOutput {
            process,
            logs,
            ring,
        }
    }

    /// Whether it goes anywhere.
    pub fn is_kept(&self) -> bool {
        self.ring.is_some() || self.logs.all().next().is_some()
    }

    pub fn set_pid(&mut self, pid: i32) {
        if let Some(lines) = &mut self.logs.lines {
            lines.set_pid(&self.process, Channel::Stdout, pid);
        }
    }

    pub fn write(&mut self, context: &mut LoopContext, data: &[u8]) {
        let user = LogUser::of(&self.process, Channel::Stdout);
        self.logs.write(context, user, data);
        if let Some(ring) = &self.ring {
            ring.borrow_mut().push(data);
        }
    }

    /// When a line will have waited for its end for long enough.
    pub fn line_deadline(&self) -> Option<Monotonic> {
        self.logs.lines.as_ref().and_then(|lines| lines.deadline())
    }

    /// Writes a line that has waited long enough.
    pub fn line_due(&mut self, context: &mut LoopContext) {
        if let Some(lines) = &mut self.logs.lines {
            lines.due(context, LogUser::of(&self.process, Channel::Stdout));
        }
    }

    /// Ends the last line, and closes the logs.
    pub fn close(mut self, context: &mut LoopContext) {
        if let Some(lines) = &mut self.logs.lines {
            lines.finish(context, LogUser::of(&self.process, Channel::Stdout));
        }
        self.logs.close(context);
    }
}
