//! The pipes of a child and the dispatchers at the daemon's ends of them, with their logs; and
//! where a hook writes.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;

use super::Subprocess;
use crate::dispatchers::input::InputDispatcher;
use crate::dispatchers::output::{self, Logs, OutputDispatcher, Report};
use crate::loggers::ring::SharedRing;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::LogUse;
use crate::process::child_settings::ChildSettings;
use crate::process::dispatcher_error::DispatcherError;
use crate::process::hook_output::HookOutput;
use crate::process::output_logs::Opening;
use crate::process::pipes::{ChildEnds, Stdin, pipe, register};
use crate::sys::poller::Interest;
use crate::tokens::{Channel, FdOwner};

impl Subprocess {
    /// Makes the pipes, opens the logs, and puts the daemon's ends into the poll
    /// set; returns the child's ends.
    pub(super) fn make_dispatchers<'a>(
        &mut self,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
        socket: Option<BorrowedFd<'a>>,
    ) -> Result<ChildEnds<'a>, DispatcherError> {
        let stdin = match socket {
            Some(socket) => Stdin::Socket(socket),
            None => Stdin::Pipe(self.make_input(context)?),
        };
        let stdout = pipe()?;
        let stderr = match self.config.redirect_stderr {
            true => None,
            false => {
                let pipe = pipe()?;
                self.stderr =
                    Some(self.make_output(context, child_settings, Channel::Stderr, pipe.read)?);
                Some(pipe.write)
            }
        };
        self.stdout =
            Some(self.make_output(context, child_settings, Channel::Stdout, stdout.read)?);
        Ok(ChildEnds {
            stdin,
            stdout: stdout.write,
            stderr,
        })
    }

    /// Makes the pipe to the child's stdin; returns the child's end.
    fn make_input(&mut self, context: &mut LoopContext) -> Result<OwnedFd, DispatcherError> {
        let pipe = pipe()?;
        let token = register(context, pipe.write, Interest::NONE, FdOwner::Input(self.id))?;
        self.stdin = Some(InputDispatcher::new(token));
        Ok(pipe.read)
    }

    /// Opens the log of a channel and puts the reading end of its pipe into the poll set.
    fn make_output(
        &self,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
        channel: Channel,
        pipe: OwnedFd,
    ) -> Result<Box<OutputDispatcher>, DispatcherError> {
        let token = register(
            context,
            pipe,
            Interest::READ,
            FdOwner::Output(self.id, channel),
        )?;
        let report = match (&self.listener, channel) {
            (Some(_), Channel::Stdout) => Report::Conversation,
            _ if output::settings(&self.config, channel).events_enabled => Report::Output,
            _ => Report::Messages,
        };
        let opening = Opening {
            process: &self.config,
            group: &self.group_name,
            channel,
            path: self.log_path(channel),
            may_use_syslog: report != Report::Conversation,
            counts: self.paths.counts.as_ref(),
        };
        let logs = opening.open(context, child_settings);
        let logs = logs.inspect_err(|_| context.poller.close(token))?;
        let config = Rc::clone(&self.config);
        let strip_ansi = child_settings.strip_ansi;
        let ring = self.ring_beside(context, channel, &logs);
        let mut dispatcher =
            OutputDispatcher::new(config, channel, token, logs, report, strip_ansi);
        dispatcher.keep_in(ring);
        let checks = self.config.checks.as_ref();
        if let Some(text) = checks.and_then(|checks| checks.awaited_text()) {
            dispatcher.await_text(text);
        }
        Ok(Box::new(dispatcher))
    }

    /// The ring of a channel, if none of its logs is a file that can be read.
    pub(super) fn ring_beside(
        &self,
        context: &LoopContext,
        channel: Channel,
        logs: &Logs,
    ) -> Option<SharedRing> {
        let ring = self.paths.rings.as_ref()?.get(channel)?;
        let is_file = |log: &LogUse| context.is_file(log);
        let is_read = !logs.all().any(is_file);
        ring.borrow_mut().is_read = is_read;
        is_read.then(|| SharedRing::clone(ring))
    }

    /// Where what a hook writes goes. Logs that cannot be opened are told of when its child is
    /// spawned.
    pub fn hook_output(
        &self,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
    ) -> HookOutput {
        let opening = Opening {
            process: &self.config,
            group: &self.group_name,
            channel: Channel::Stdout,
            path: self.log_path(Channel::Stdout),
            may_use_syslog: true,
            counts: self.paths.counts.as_ref(),
        };
        let logs = opening.open(context, child_settings).unwrap_or_default();
        let ring = self.ring_beside(context, Channel::Stdout, &logs);
        HookOutput::new(Rc::clone(&self.config), logs, ring)
    }
}
