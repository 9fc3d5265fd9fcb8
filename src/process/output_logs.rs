//! Opening the logs of an output: those that get bytes as they come, and those that get lines.

use std::rc::Rc;

use crate::config::delivery::{Shape, WhenSlow};
use crate::config::line_format::LineFormat;
use crate::config::targets::Target;
use crate::config::{LogFile, Process};
use crate::dispatchers::line_logs::LineLogs;
use crate::dispatchers::output::{self, Logs};
use crate::loggers::failure::LogFailure;
use crate::loggers::rotation::Rotation;
use crate::loggers::target;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::loop_context::tally::Counts;
use crate::process::child_settings::ChildSettings;
use crate::process::dispatcher_error::DispatcherError;
use crate::tokens::Channel;

/// Whose logs are opened.
pub struct Opening<'a> {
    pub process: &'a Process,
    pub group: &'a Rc<str>,
    pub channel: Channel,
    /// The log that clients read, with its automatic name filled in.
    pub path: Option<&'a str>,
    pub may_use_syslog: bool,
    /// Where it is counted what comes, if anywhere.
    pub counts: Option<&'a Rc<Counts>>,
}

/// The files that have the output of a channel besides the one that clients read.
pub fn other_paths(process: &Process, channel: Channel) -> impl Iterator<Item = &str> {
    let shape = output::shape(process, channel);
    let others = shape.into_iter().flat_map(Shape::others);
    others.filter_map(|(_, target)| match target {
        Target::Named(path) => Some(path.as_str()),
        Target::None | Target::Auto | Target::Syslog => None,
    })
}

impl Opening<'_> {
    /// Opens them all, or none.
    pub fn open(
        &self,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
    ) -> Result<Logs, DispatcherError> {
        let mut logs = Logs {
            counts: self.counts.cloned(),
            ..Logs::default()
        };
        let opened = self.open_into(&mut logs, context, child_settings);
        if opened.is_err() {
            logs.close(context);
        }
        opened.map(|()| logs)
    }

    fn open_into(
        &self,
        logs: &mut Logs,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
    ) -> Result<(), DispatcherError> {
        let output = output::settings(self.process, self.channel);
        let shape = output::shape(self.process, self.channel);
        let user = LogUser::of(self.process, self.channel);
        let rotation = Rotation {
            maxbytes: output.logfile_maxbytes,
            backups: output.logfile_backups,
        };
        let keeping = output.file_keeping();
        let opened = |path: &str, log: Result<LogUse, LogFailure>| {
            log.map_err(|failure| DispatcherError::of_log(path, failure))
        };
        if let Some(path) = self.path {
            if let Some(keeping) = keeping {
                target::make_first(path, keeping);
            }
            let log = match &output.logfile {
                LogFile::Auto => context.hold_log(user, path, rotation),
                LogFile::None | LogFile::Path(_) => context.open_log(user, path, rotation),
            };
            let log = opened(path, log)?;
            context.keep_log(&log, user, keeping);
            let format = shape.map(Shape::main_format);
            self.add(logs, context, child_settings, log, format);
        }
        for (place, target) in shape.into_iter().flat_map(Shape::others) {
            let log = match target {
                Target::Named(path) => {
                    if let Some(keeping) = keeping {
                        target::make_first(path, keeping);
                    }
                    let log = opened(path, context.open_log(user, path, rotation))?;
                    context.keep_log(&log, user, keeping);
                    log
                }
                Target::Syslog if self.may_use_syslog => LogUse::SYSLOG,
                Target::None | Target::Auto | Target::Syslog => continue,
            };
            let format = shape.map(|shape| shape.format(place));
            self.add(logs, context, child_settings, log, format);
        }
        let is_listed = shape.is_some_and(|shape| shape.targets.contains(&Target::Syslog));
        if output.syslog && self.may_use_syslog && !is_listed {
            logs.raw.push(LogUse::SYSLOG);
        }
        Ok(())
    }

    fn add(
        &self,
        logs: &mut Logs,
        context: &mut LoopContext,
        child_settings: &ChildSettings,
        mut log: LogUse,
        format: Option<&LineFormat>,
    ) {
        log.counts = self.counts.cloned();
        let shape = output::shape(self.process, self.channel);
        let when_slow = shape.map_or(WhenSlow::Wait, |shape| shape.when_slow);
        let format = format.unwrap_or(&LineFormat::Raw);
        // A reader that is slow must not get half a line.
        let is_cut = when_slow == WhenSlow::Drop && context.is_stream(&log);
        if *format == LineFormat::Raw && !is_cut {
            return logs.raw.push(log);
        }
        let column = child_settings.column(context, &log, &self.process.name);
        let lines = logs
            .lines
            .get_or_insert_with(|| Box::new(LineLogs::new(Rc::clone(self.group), when_slow)));
        lines.add(log, format.clone(), column);
    }
}
