//! Where the output of a process goes, with automatic files made, and held if there are
//! descriptors for that.

use crate::config::{LogFile, Process};
use crate::dispatchers::output;
use crate::loggers::auto;
use crate::loggers::rotation::Rotation;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::{LogUse, LogUser};
use crate::process::child_settings::ChildSettings;
use crate::process::output_logs;
use crate::process::rings::Rings;
use crate::process::subprocess::LogPaths;
use crate::tokens::Channel;

impl LogPaths {
    /// Those of a process that is new.
    pub fn new(
        context: &mut LoopContext,
        child_settings: &ChildSettings,
        group: &str,
        process: &Process,
        may_hold: bool,
    ) -> LogPaths {
        let tally = context.tally.as_mut();
        let mut paths = LogPaths {
            rings: Rings::of(process, child_settings.childlog_ring),
            counts: tally.map(|tally| tally.of_process(group, &process.name)),
            ..LogPaths::default()
        };
        for channel in [Channel::Stdout, Channel::Stderr] {
            let made = make(context, child_settings, process, channel, may_hold);
            let (path, held) = made.unzip();
            if let Some(path) = &path {
                context.count_log(path);
            }
            output_logs::other_paths(process, channel).for_each(|path| context.count_log(path));
            paths.held.extend(held.flatten().map(|log| (channel, log)));
            match channel {
                Channel::Stdout => paths.stdout = path,
                Channel::Stderr => paths.stderr = path,
            }
        }
        paths
    }

    /// The automatic log of a channel that is held, to be closed.
    pub fn take_held(&mut self, channel: Channel) -> Vec<LogUse> {
        let held = std::mem::take(&mut self.held).into_iter();
        let (taken, kept): (Vec<_>, Vec<_>) = held.partition(|(of, _)| *of == channel);
        self.held = kept;
        taken.into_iter().map(|(_, log)| log).collect()
    }
}

/// Whether the output of a channel goes to logs of its own.
pub fn is_written(process: &Process, channel: Channel) -> bool {
    channel == Channel::Stdout || !process.redirect_stderr
}

/// The log of a channel that clients read, and whether it is held.
pub fn make(
    context: &mut LoopContext,
    child_settings: &ChildSettings,
    process: &Process,
    channel: Channel,
    may_hold: bool,
) -> Option<(String, Option<LogUse>)> {
    let output = output::settings(process, channel);
    match &output.logfile {
        _ if !is_written(process, channel) => None,
        LogFile::None => None,
        LogFile::Path(path) => Some((path.clone(), None)),
        LogFile::Auto => {
            let (directory, identifier) = (&child_settings.childlogdir, &child_settings.identifier);
            let created = auto::create(directory, &process.name, channel, identifier);
            // Its lock is kept until the log has its own.
            let (path, _created) = created.map_err(|error| context.log.critical(error)).ok()?;
            // Where descriptors are few they are left to programs that run.
            let held = may_hold.then(|| hold(context, process, channel, &path));
            Some((path, held.flatten()))
        }
    }
}

/// Holds an automatic log.
pub fn hold(
    context: &mut LoopContext,
    process: &Process,
    channel: Channel,
    path: &str,
) -> Option<LogUse> {
    let output = output::settings(process, channel);
    let rotation = Rotation {
        maxbytes: output.logfile_maxbytes,
        backups: output.logfile_backups,
    };
    let user = LogUser::of(process, channel);
    let log = context.hold_log(user, path, rotation).ok()?;
    context.keep_log(&log, user, output.file_keeping());
    Some(log)
}
