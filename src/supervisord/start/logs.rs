//! The main log of a start, and how much the logs of programs may take.

use super::{Failure, Launch, base_name};
use crate::config::{Config, MainLog};
use crate::loggers::logger::{self, Logger};
use crate::loggers::look;
use crate::loggers::rotation::Rotation;
use crate::loop_context::LoopContext;
use crate::loop_context::log_budget::LogBudget;
use crate::process::environment;
use crate::supervisord::privileges::Notes;

/// Opens the log and writes what was noted before it: the gravest first.
pub(super) fn open(
    launch: &Launch,
    config: &Config,
    notes: &Notes,
    context: &mut LoopContext,
    is_last_resort: bool,
) -> Result<(), Failure> {
    let program = base_name(&launch.program);
    let settings = &config.supervisord;
    let settings = logger::Settings {
        level: settings.loglevel,
        file: match &settings.logfile {
            MainLog::File(path) => Some(path),
            MainLog::Syslog => None,
        },
        rotation: Rotation {
            maxbytes: settings.logfile_maxbytes,
            backups: settings.logfile_backups,
        },
        keeping: settings.logfile_keeping.as_ref(),
        format: &settings.logfile_format,
        may_colour: environment::may_colour(&launch.environment),
        is_copied: settings.nodaemon && !settings.silent,
    };
    let opened = Logger::open(settings, program, is_last_resort);
    context.log = opened.map_err(|error| Failure::System(error.to_string()))?;
    context.log.widen(look::name_width(config));
    let limit = config.supervisord.childlogs_maxbytes.0;
    context.budget = limit.map(|limit| Box::new(LogBudget::new(limit)));
    let log = &mut context.log;
    for line in &notes.criticals {
        log.critical(line);
    }
    let exposed = config.exposed_files.iter().map(|file| &file.text);
    for line in config.warnings.iter().chain(exposed).chain(&notes.warnings) {
        log.warn(line);
    }
    for directory in &config.foreign_directories {
        log.warn(&directory.text);
    }
    for line in config.infos.iter().chain(&notes.infos) {
        log.info(line);
    }
    Ok(())
}
