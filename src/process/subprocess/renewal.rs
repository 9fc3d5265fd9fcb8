//! A process that goes by another configuration from now on, whether it has a child or not. What
//! runs goes on: its state, its deadlines, its pipes.

use std::rc::Rc;

use super::{CHANNELS, Subprocess};
use crate::config::{Output, Process};
use crate::dispatchers::output::{self, NextLogs};
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::process::child_settings::ChildSettings;
use crate::process::health::watch::{News, Watch};
use crate::process::log_paths;
use crate::process::output_logs::{self, Opening};
use crate::process::rings::Rings;
use crate::states::ProcessState;
use crate::tokens::Channel;

impl Subprocess {
    /// Goes by this configuration; what that makes of its health. `may_hold` is whether there are
    /// descriptors for automatic logs while there is no child.
    pub fn renew(
        &mut self,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
        config: Rc<Process>,
        may_hold: bool,
    ) -> Vec<News> {
        let old = std::mem::replace(&mut self.config, config);
        let new = Rc::clone(&self.config);
        Rings::renew(&mut self.paths.rings, &new, child_settings.childlog_ring);
        for channel in CHANNELS {
            if let Some(output) = self.output(channel) {
                output.renew(Rc::clone(&new));
            }
            if writes_otherwise(&old, &new, channel) {
                self.renew_paths(context, child_settings, &old, channel, may_hold);
                // Which pipes there are is of the child.
                if old.redirect_stderr == new.redirect_stderr {
                    self.renew_logs(context, child_settings, channel);
                }
            }
        }
        match old.checks == new.checks || self.machine.pid() == 0 || self.machine.is_going_down() {
            true => Vec::new(),
            false => self.renew_checks(context),
        }
    }

    /// Looks at the child by other checks. What a child is given for that it has already.
    fn renew_checks(&mut self, context: &mut LoopContext) -> Vec<News> {
        let now = context.now.monotonic;
        if self.config.checks.is_none() {
            if let Some(mut watch) = self.watch.take() {
                watch.close(context);
            }
            return Vec::new();
        }
        if let Some(watch) = &mut self.watch {
            return watch.renew(context, &self.config);
        }
        let made = Watch::prepare(context, self.id, &self.config);
        let Ok(Some((mut watch, _))) = made else {
            return Vec::new();
        };
        watch.begin(now);
        let news = match self.machine.state() {
            ProcessState::Running => watch.come_up(now),
            _ => Vec::new(),
        };
        self.watch = Some(watch);
        news
    }

    /// Finds out where the output of a channel goes, and holds what is to be held.
    fn renew_paths(
        &mut self,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
        old: &Process,
        channel: Channel,
        may_hold: bool,
    ) {
        let new = Rc::clone(&self.config);
        let held: Vec<LogUse> = self.paths.take_held(channel);
        let is_other = |process: &Process| {
            let output = output::settings(process, channel);
            (
                output.logfile.clone(),
                log_paths::is_written(process, channel),
            )
        };
        let path = match is_other(old) == is_other(&new) {
            true => {
                let path = self.log_path(channel).map(str::to_owned);
                if let (Some(path), false) = (&path, held.is_empty()) {
                    let log = log_paths::hold(context, &new, channel, path);
                    self.paths.held.extend(log.map(|log| (channel, log)));
                }
                path
            }
            false => {
                let made = log_paths::make(context, child_settings, &new, channel, may_hold);
                let (path, log) = made.unzip();
                self.paths
                    .held
                    .extend(log.flatten().map(|log| (channel, log)));
                path
            }
        };
        let count = |context: &mut LoopContext, path: Option<&String>, process: &Process, by| {
            let others = output_logs::other_paths(process, channel);
            for path in path.map(String::as_str).into_iter().chain(others) {
                match by {
                    true => context.count_log(path),
                    false => context.uncount_log(path),
                }
            }
        };
        count(context, path.as_ref(), &new, true);
        let place = match channel {
            Channel::Stdout => &mut self.paths.stdout,
            Channel::Stderr => &mut self.paths.stderr,
        };
        let before = std::mem::replace(place, path);
        count(context, before.as_ref(), old, false);
        for log in held {
            context.close_log(log);
        }
    }

    /// Opens the logs of a channel that has a pipe, for it to go there. What cannot be opened
    /// is told, and those before are written to.
    fn renew_logs(
        &mut self,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
        channel: Channel,
    ) {
        let is_conversation = self.listener.is_some() && channel == Channel::Stdout;
        if self.output(channel).is_none() {
            return;
        }
        let opening = Opening {
            process: &self.config,
            group: &self.group_name,
            channel,
            path: self.log_path(channel),
            may_use_syslog: !is_conversation,
            counts: self.paths.counts.as_ref(),
        };
        let logs = match opening.open(context, child_settings) {
            Ok(logs) => logs,
            Err(error) => {
                let user = LogUser::of(&self.config, channel);
                let reason = error.text(&self.config.name);
                context.log.error(format_args!(
                    "{user}: {reason}; the log before is written to until its next start"
                ));
                return;
            }
        };
        let ring = self.ring_beside(context, channel, &logs);
        let held = self.paths.held.iter().filter(|(held, _)| *held == channel);
        let next = NextLogs {
            logs,
            ring,
            own_users: held.count() + 1,
        };
        if let Some(output) = self.output(channel) {
            output.change_logs(context, next);
        }
        self.await_line(context, channel);
    }
}

/// Whether the logs of a channel are others, or are written or kept in another manner.
fn writes_otherwise(old: &Process, new: &Process, channel: Channel) -> bool {
    let without_reports = |process: &Process| Output {
        capture_maxbytes: 0,
        events_enabled: false,
        ..output::settings(process, channel).clone()
    };
    without_reports(old) != without_reports(new)
        || output::shape(old, channel) != output::shape(new, channel)
        || log_paths::is_written(old, channel) != log_paths::is_written(new, channel)
}
