//! Rotating and reopening the logs of a process on request.

use super::{CHANNELS, Subprocess};
use crate::dispatchers::output;
use crate::loggers::failure::LogFailure;
use crate::loggers::rotation::Rotation;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::LogUser;
use crate::process::output_logs;
use crate::tokens::{Channel, LogId};

impl Subprocess {
    /// Rolls its logs over, also those of a process without a child. An empty log stays as it is.
    pub fn rotate_logs(&self, context: &mut LoopContext) -> Result<(), LogFailure> {
        let rotated = CHANNELS.map(|channel| self.rotate_log(context, channel));
        rotated.into_iter().fold(Ok(()), Result::and)
    }

    /// Opens its logs anew, if it has a child that writes to them.
    pub fn reopen_logs(&self, context: &mut LoopContext) -> Result<(), LogFailure> {
        let ids = CHANNELS
            .into_iter()
            .flat_map(|channel| self.open_logs(channel));
        let reopened: Vec<_> = ids.map(|id| context.reopen_log(id)).collect();
        reopened.into_iter().fold(Ok(()), Result::and)
    }

    fn rotate_log(&self, context: &mut LoopContext, channel: Channel) -> Result<(), LogFailure> {
        let open = self.open_logs(channel);
        if !open.is_empty() {
            let rotated: Vec<_> = open.into_iter().map(|id| context.rotate_log(id)).collect();
            return rotated.into_iter().fold(Ok(()), Result::and);
        }
        let output = output::settings(&self.config, channel);
        let rotation = Rotation {
            maxbytes: output.logfile_maxbytes,
            backups: output.logfile_backups,
        };
        let user = LogUser::of(&self.config, channel);
        let keeping = output.file_keeping();
        let others = output_logs::other_paths(&self.config, channel);
        let paths = self.log_path(channel).into_iter().chain(others);
        let rotated = paths.map(|path| context.rotate_path(user, path, rotation, keeping));
        rotated.fold(Ok(()), Result::and)
    }

    /// The logs that the child writes to.
    fn open_logs(&self, channel: Channel) -> Vec<LogId> {
        let output = match channel {
            Channel::Stdout => &self.stdout,
            Channel::Stderr => &self.stderr,
        };
        let logs = output.iter().flat_map(|output| output.logs());
        let ids = logs.map(|log| log.id);
        ids.filter(|id| !id.is_of_daemon()).collect()
    }
}
