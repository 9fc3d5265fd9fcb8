//! `[supervisord]` and the command line over it.

use std::rc::Rc;
use std::time::Duration;

use super::amounts::Limit;
use super::commands::Commands;
use super::datatypes::ValueError;
use super::error::ConfigError;
use super::expand::expand_again;
use super::keeping::{self, FileKeeping};
use super::key::Fallback::{Derived, Nothing, Value};
use super::key::{Key, changed, key};
use super::line_format::LineFormat;
use super::pairs;
use super::paths::{existing_directory, existing_dirpath, normalized_path};
use super::section::{Context, Section, add_environment};
use super::settings::{self, Setting, Word, settings};
use super::size::{MOST_OF_RING, Size, SizeLimit};
use super::variables::{self, Sources, read_sources};
use super::wanted::nearest;
use crate::log_level::Level;
use crate::snapshot::saved;
use crate::text::json::Json;

pub const SECTION: &str = "supervisord";

settings! {
    /// `[supervisord]`. Paths are as the daemon uses them: `logfile` and `pidfile` absolute;
    /// no `pidfile` where the configuration says `none`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Supervisord {
        minfds: i64 = changed("integer", Value("1024")),
        minprocs: i64 = changed("integer", Value("200")),
        directory: Option<String> = key("path", Nothing) => read_directory,
        user: Option<String> = changed("user[:group]", Nothing),
        umask: u32 = key("octal", Value("022")),
        logfile: MainLog = changed("path", Value("supervisord.log")) => read_logfile,
        logfile_maxbytes: i64 = changed("bytes", Value("50MB")),
        logfile_backups: i64 = changed("integer", Value("10")),
        logfile_format: LineFormat = changed("format", Value("raw")) => read_format,
        loglevel: Level = key("level", Value("info")),
        pidfile: Option<String> = changed("path", Value("supervisord.pid")) => read_pidfile,
        identifier: String = changed("text", Value("supervisor")),
        nodaemon: bool = key("boolean", Value("false")),
        silent: bool = key("boolean", Value("false")),
        childlogdir: String =
            changed("path", Derived("the directory for temporary files")) => read_childlogdir,
        nocleanup: bool = changed("boolean", Value("false")),
        strip_ansi: bool = changed("boolean", Value("false")),
        /// How the logs of programs are written that do not say so themselves.
        childlog_format: LineFormat = changed("format", Value("raw")) => read_format,
        /// How many seconds event listeners have at the end to take what waits; 0 or more.
        event_drain_timeout: i64 = changed("integer", Value("2")).at_least(0),
        second_signal: SecondSignal = changed("ignore|kill", Value("ignore")),
        /// How long a shutdown may take before everything that is left is killed.
        shutdown_timeout: Limit = changed("duration|infinity", Value("infinity")),
        leftovers: Leftovers = changed("warn|kill|ignore", Value("warn")),
        exit_on: ExitOn = changed("never|any_fatal|any_exited|all_exited", Value("never")),
        /// How much of the end of an output is in memory where no file has it.
        childlog_ring: Size = changed("size", Value("0")).within(0, MOST_OF_RING),
        /// How much the logs of programs may take together, with their backups.
        childlogs_maxbytes: SizeLimit = changed("size|infinity", Value("infinity")),
        /// How often the memory of programs is looked at that have a `memory_check`.
        memory_check_period: Duration = changed("duration", Value("30")) => read_period,
        /// Where it is kept over restarts which processes are disabled.
        statefile: Option<String> = changed("path", Nothing) => read_statefile,
        /// Read for all programs, before their own.
        environment_file: Sources = changed("paths", Nothing) => read_sources,
    } and {
        /// Nobody has set `pidfile`: it is the one in the directory that supervisord is started in.
        has_default_pidfile: bool,
        /// How the files of the main log are kept, where that is configured.
        logfile_keeping: Option<Rc<FileKeeping>>,
        /// Already merged under each process's own; kept for `--dump-config`.
        environment: Vec<(String, String)>,
    }
}

pub const KEYS: &[&[Key]] = &[
    &Supervisord::KEYS,
    &keeping::MAIN_LOG,
    &variables::OTHER_NAMES,
    &[key("environment", "pairs", Nothing)],
];

/// What another signal that asks for an exit does while a shutdown is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondSignal {
    #[default]
    /// Nothing, but for a second SIGINT.
    Ignore,
    /// Everything that still runs is killed.
    Kill,
}

saved! { enum SecondSignal { Ignore, Kill } }

impl Word for SecondSignal {
    const WORDS: &'static [(&'static str, SecondSignal)] = &[
        ("ignore", SecondSignal::Ignore),
        ("kill", SecondSignal::Kill),
    ];
}

/// What becomes of programs that a supervisord before this one has left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftovers {
    #[default]
    /// The log tells of them.
    Warn,
    /// They are stopped before anything starts.
    Kill,
    /// Nobody looks for them.
    Ignore,
}

saved! { enum Leftovers { Warn, Kill, Ignore } }

impl Word for Leftovers {
    const WORDS: &'static [(&'static str, Leftovers)] = &[
        ("warn", Leftovers::Warn),
        ("kill", Leftovers::Kill),
        ("ignore", Leftovers::Ignore),
    ];
}

/// Which ends of programs are the end of supervisord, for all but event listeners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitOn {
    #[default]
    Never,
    /// One is FATAL.
    AnyFatal,
    /// One is FATAL, or EXITED and not started again.
    AnyExited,
    /// One is, and none of the others runs or waits for a start.
    AllExited,
}

saved! { enum ExitOn { Never, AnyFatal, AnyExited, AllExited } }

impl Word for ExitOn {
    const WORDS: &'static [(&'static str, ExitOn)] = &[
        ("never", ExitOn::Never),
        ("any_fatal", ExitOn::AnyFatal),
        ("any_exited", ExitOn::AnyExited),
        ("all_exited", ExitOn::AllExited),
    ];
}

/// Where the main log goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum MainLog {
    /// A file, by its absolute path.
    File(String),
    #[default]
    /// syslog(3).
    Syslog,
}

saved! { enum MainLog { File(a), Syslog } }

impl Setting for MainLog {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        Ok(match text {
            "syslog" => MainLog::Syslog,
            path => MainLog::File(path.to_owned()),
        })
    }

    fn dumped(&self) -> Json {
        match self {
            MainLog::File(path) => path.into(),
            MainLog::Syslog => "syslog".into(),
        }
    }
}

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
    /// What it runs beside the programs of the file.
    pub commands: Commands,
}

saved! {
    struct Overrides {
        minfds, minprocs, directory, user, umask, logfile, logfile_maxbytes,
        logfile_backups, loglevel, pidfile, identifier, childlogdir, nodaemon, silent,
        nocleanup, strip_ansi, commands,
    }
}

/// Evaluates the section in the original's order, which decides the error
/// that is told, and adds its `environment` to the names that later sections see.
pub fn read(context: &mut Context<'_>, overrides: &Overrides) -> Result<Supervisord, ConfigError> {
    let section = context.section(SECTION, &[&context.here]);
    let mut read = Supervisord::read_keys(&section)?;
    read.has_default_pidfile = section.raw("pidfile").is_none();
    read.logfile_keeping = FileKeeping::read(&section, &keeping::MAIN_LOG)?;
    read.override_with(overrides, &section);
    read.environment = environment(context)?;
    add_environment(&mut context.environment, &read.environment);
    context.childlog_format = read.childlog_format.clone();
    Ok(read)
}

impl Supervisord {
    fn override_with(&mut self, over: &Overrides, section: &Section<'_>) {
        set(&mut self.minfds, &over.minfds);
        set(&mut self.minprocs, &over.minprocs);
        set(&mut self.umask, &over.umask);
        set(&mut self.logfile_maxbytes, &over.logfile_maxbytes);
        set(&mut self.logfile_backups, &over.logfile_backups);
        set(&mut self.loglevel, &over.loglevel);
        set(&mut self.identifier, &over.identifier);
        set(&mut self.childlogdir, &over.childlogdir);
        self.directory = over.directory.clone().or(self.directory.take());
        self.user = over.user.clone().or(self.user.take());
        self.nodaemon |= over.nodaemon;
        self.silent |= over.silent;
        self.nocleanup |= over.nocleanup;
        self.strip_ansi |= over.strip_ansi;
        // An empty option gives way to the file, as in the original.
        let given = |option: &Option<String>| option.clone().filter(|text| !text.is_empty());
        if let Some(path) = given(&over.logfile) {
            self.logfile = main_log(&path, section);
        }
        if let Some(path) = given(&over.pidfile) {
            self.pidfile = pid_file(&path, section);
            self.has_default_pidfile = false;
        }
    }
}

fn set<T: Clone>(value: &mut T, option: &Option<T>) {
    if let Some(given) = option {
        value.clone_from(given);
    }
}

fn read_directory(section: &Section<'_>, key: &Key) -> Result<Option<String>, ConfigError> {
    section.converted(key.name, |text| {
        existing_directory(text, section.launch_directory, section.system)
    })
}

fn read_childlogdir(section: &Section<'_>, key: &Key) -> Result<String, ConfigError> {
    let named = read_directory(section, key)?;
    Ok(named.unwrap_or_else(|| section.system.temporary_directory()))
}

fn read_format(section: &Section<'_>, key: &Key) -> Result<LineFormat, ConfigError> {
    Ok(section.read_unexpanded(key)?.unwrap_or_default())
}

/// The path of a file whose directory must be there.
fn read_file(section: &Section<'_>, key: &Key) -> Result<String, ConfigError> {
    let named = section.converted(key.name, |text| {
        existing_dirpath(text, section.launch_directory, section.system)
    })?;
    Ok(named.unwrap_or_else(|| settings::fallback(key)))
}

fn read_logfile(section: &Section<'_>, key: &Key) -> Result<MainLog, ConfigError> {
    Ok(main_log(&read_file(section, key)?, section))
}

fn read_pidfile(section: &Section<'_>, key: &Key) -> Result<Option<String>, ConfigError> {
    Ok(pid_file(&read_file(section, key)?, section))
}

/// No time between two looks would be one look without end.
fn read_period(section: &Section<'_>, key: &Key) -> Result<Duration, ConfigError> {
    let period = section.converted(key.name, |text| match Duration::parse(text, key)? {
        Duration::ZERO => Err(nearest(key, text, "1")),
        period => Ok(period),
    })?;
    Ok(period.unwrap_or_else(|| settings::fallback(key)))
}

fn read_statefile(section: &Section<'_>, key: &Key) -> Result<Option<String>, ConfigError> {
    let named = section.converted(key.name, |text| {
        existing_dirpath(text, section.launch_directory, section.system)
    })?;
    Ok(named.map(|path| normalized(&path, section)))
}

/// The word is not made a path: it stands for the service.
fn main_log(text: &str, section: &Section<'_>) -> MainLog {
    match text {
        "syslog" => MainLog::Syslog,
        path => MainLog::File(normalized(path, section)),
    }
}

fn pid_file(text: &str, section: &Section<'_>) -> Option<String> {
    (!text.eq_ignore_ascii_case("none")).then(|| normalized(text, section))
}

fn normalized(path: &str, section: &Section<'_>) -> String {
    normalized_path(path, section.launch_directory, section.system)
}

/// `environment` is expanded twice, with more names the second time.
fn environment(context: &Context<'_>) -> Result<Vec<(String, String)>, ConfigError> {
    const KEY: &str = "environment";
    let section = context.section(SECTION, &[&context.here]);
    let once = section.value(KEY).map_err(ConfigError::of_twice)?;
    let layers = [&context.environment, &context.here, &context.host];
    let twice = expand_again(&once.unwrap_or_default(), &layers, KEY)
        .map_err(|error| section.at(KEY, ConfigError::from(error).of_twice()))?;
    pairs::read(&twice).map_err(|error| section.wrong(KEY, &twice, error))
}
