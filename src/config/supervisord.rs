//! `[supervisord]` and the command line over it.

use super::datatypes;
use super::error::ConfigError;
use super::expand::expand_again;
use super::pairs;
use super::places::{existing_directory, existing_dirpath, normalized_path};
use super::section::{Context, add_environment};
use super::system::System;
use super::{Leftovers, MainLog, SecondSignal, Supervisord};
use crate::log_level::Level;

/// The section's name.
pub const SECTION: &str = "supervisord";

const DEFAULT_LOGFILE: &str = "supervisord.log";
const DEFAULT_PIDFILE: &str = "supervisord.pid";
const DEFAULT_MAXBYTES: i64 = 50 << 20;
const DEFAULT_DRAIN_TIMEOUT: i64 = 2;

/// What the command line says; it goes over the file. Directories and paths
/// have been checked and their `~` replaced when the option was read. Flags
/// can only switch on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    pub minfds: Option<i64>,
    pub minprocs: Option<i64>,
    pub directory: Option<String>,
    pub user: Option<String>,
    pub umask: Option<u32>,
    pub logfile: Option<String>,
    pub logfile_maxbytes: Option<i64>,
    pub logfile_backups: Option<i64>,
    pub loglevel: Option<Level>,
    pub pidfile: Option<String>,
    pub identifier: Option<String>,
    pub childlogdir: Option<String>,
    pub nodaemon: bool,
    pub silent: bool,
    pub nocleanup: bool,
    pub strip_ansi: bool,
}

/// Evaluates the section in the original's order, which decides the error
/// that is told, and adds its `environment` to the names that later sections see.
pub fn read<S: System>(
    context: &mut Context<'_, S>,
    overrides: &Overrides,
) -> Result<Supervisord, ConfigError> {
    let (system, launch) = (context.system, context.launch_directory);
    let section = context.section(SECTION, &[&context.here]);
    let directory = |text: &str| existing_directory(text, launch, system);
    let dirpath = |text: &str| existing_dirpath(text, launch, system);

    let minfds = section.integer("minfds", 1024)?;
    let minprocs = section.integer("minprocs", 200)?;
    let working_directory = section.converted("directory", directory)?;
    let user = section.text("user")?;
    let umask = section
        .converted("umask", datatypes::octal)?
        .unwrap_or(0o022);
    let logfile = section.converted("logfile", dirpath)?;
    let logfile_maxbytes = section.byte_size("logfile_maxbytes", DEFAULT_MAXBYTES)?;
    let logfile_backups = section.integer("logfile_backups", 10)?;
    let loglevel = section
        .converted("loglevel", datatypes::log_level)?
        .unwrap_or(Level::Info);
    let pidfile = section.converted("pidfile", dirpath)?;
    let identifier = section.text("identifier")?;
    let nodaemon = section.boolean("nodaemon", false)?;
    let silent = section.boolean("silent", false)?;
    let childlogdir = section.converted("childlogdir", directory)?;
    let nocleanup = section.boolean("nocleanup", false)?;
    let strip_ansi = section.boolean("strip_ansi", false)?;
    let event_drain_timeout = section.at_least("event_drain_timeout", 0, DEFAULT_DRAIN_TIMEOUT)?;
    let second_signal = section.choice(
        "second_signal",
        &SecondSignal::ALL,
        SecondSignal::name,
        SecondSignal::Ignore,
    )?;
    let leftovers = section.choice(
        "leftovers",
        &Leftovers::ALL,
        Leftovers::name,
        Leftovers::Warn,
    )?;
    let environment = environment(context)?;
    add_environment(&mut context.environment, &environment);

    let logfile = overridden(&overrides.logfile, logfile, DEFAULT_LOGFILE);
    let has_default_pidfile = set(&overrides.pidfile).or(pidfile.as_deref()).is_none();
    let pidfile = overridden(&overrides.pidfile, pidfile, DEFAULT_PIDFILE);
    Ok(Supervisord {
        minfds: overrides.minfds.unwrap_or(minfds),
        minprocs: overrides.minprocs.unwrap_or(minprocs),
        directory: overrides.directory.clone().or(working_directory),
        user: overrides.user.clone().or(user),
        umask: overrides.umask.unwrap_or(umask),
        // The word is not made a path: it stands for the service.
        logfile: match logfile.as_str() {
            "syslog" => MainLog::Syslog,
            path => MainLog::File(normalized_path(path, launch, system)),
        },
        logfile_maxbytes: overrides.logfile_maxbytes.unwrap_or(logfile_maxbytes),
        logfile_backups: overrides.logfile_backups.unwrap_or(logfile_backups),
        loglevel: overrides.loglevel.unwrap_or(loglevel),
        pidfile: (!pidfile.eq_ignore_ascii_case("none"))
            .then(|| normalized_path(&pidfile, launch, system)),
        has_default_pidfile,
        identifier: overrides
            .identifier
            .clone()
            .or(identifier)
            .unwrap_or_else(|| "supervisor".to_owned()),
        nodaemon: overrides.nodaemon || nodaemon,
        silent: overrides.silent || silent,
        childlogdir: match overrides.childlogdir.clone().or(childlogdir) {
            Some(directory) => directory,
            None => system.temporary_directory(),
        },
        nocleanup: overrides.nocleanup || nocleanup,
        strip_ansi: overrides.strip_ansi || strip_ansi,
        event_drain_timeout,
        second_signal,
        leftovers,
        environment,
    })
}

/// `environment` is expanded twice, with more names the second time.
fn environment<S: System>(context: &Context<'_, S>) -> Result<Vec<(String, String)>, ConfigError> {
    const KEY: &str = "environment";
    let section = context.section(SECTION, &[&context.here]);
    let once = section.value(KEY).map_err(ConfigError::of_twice)?;
    let layers = [&context.environment, &context.here, &context.host];
    let twice = expand_again(&once.unwrap_or_default(), &layers, KEY)
        .map_err(|error| section.at(KEY, ConfigError::from(error).of_twice()))?;
    pairs::read(&twice).map_err(|error| section.wrong(KEY, &twice, error))
}

fn overridden(override_: &Option<String>, read: Option<String>, default: &str) -> String {
    set(override_)
        .map(str::to_owned)
        .or(read)
        .unwrap_or_else(|| default.to_owned())
}

/// An empty option gives way to the file, as in the original.
fn set(override_: &Option<String>) -> Option<&str> {
    override_.as_deref().filter(|text| !text.is_empty())
}
