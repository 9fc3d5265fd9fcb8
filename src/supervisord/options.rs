//! The command line of supervisord. Options act from left to right, so that
//! `-h` and `-v` win over what is wrong after them; values are checked as the
//! keys of the same name are, without expansions.

use std::fmt;

use crate::command_line::{self, Given, OptionSpec, UsageError};
use crate::config::datatypes::{self, ValueError};
use crate::config::load::StartRequest;
use crate::config::paths::{existing_directory, existing_dirpath, normalized_path};
use crate::config::supervisord::Overrides;
use crate::config::system::System;
use crate::text::pyrepr::{repr, repr_list};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Help,
    Version,
    Configuration,
    Nodaemon,
    Silent,
    User,
    Umask,
    Directory,
    Logfile,
    LogfileMaxbytes,
    LogfileBackups,
    Loglevel,
    Pidfile,
    Identifier,
    Childlogdir,
    Nocleanup,
    Minfds,
    StripAnsi,
    Minprocs,
    ProfileOptions,
    Check,
    DumpConfig,
    Redact,
    VersionFull,
    Run,
    Procfile,
    Trial,
}

const fn spec(
    key: Key,
    short: Option<char>,
    long: Option<&'static str>,
    takes_value: bool,
) -> OptionSpec<Key> {
    OptionSpec {
        key,
        short,
        long,
        takes_value,
        in_full: false,
    }
}

/// An option that 4.3.0 does not have.
const fn addition(key: Key, long: &'static str) -> OptionSpec<Key> {
    OptionSpec {
        key,
        short: None,
        long: Some(long),
        takes_value: false,
        in_full: true,
    }
}

/// The same with a value, which must follow.
const fn addition_of(key: Key, long: &'static str) -> OptionSpec<Key> {
    OptionSpec {
        takes_value: true,
        ..addition(key, long)
    }
}

const SPECS: &[OptionSpec<Key>] = {
    use Key::*;
    &[
        spec(Help, Some('h'), Some("help"), false),
        spec(Help, Some('?'), None, false),
        spec(Version, Some('v'), Some("version"), false),
        spec(Configuration, Some('c'), Some("configuration"), true),
        spec(Nodaemon, Some('n'), Some("nodaemon"), false),
        spec(Silent, Some('s'), Some("silent"), false),
        spec(User, Some('u'), Some("user"), true),
        spec(Umask, Some('m'), Some("umask"), true),
        spec(Directory, Some('d'), Some("directory"), true),
        spec(Logfile, Some('l'), Some("logfile"), true),
        spec(LogfileMaxbytes, Some('y'), Some("logfile_maxbytes"), true),
        spec(LogfileBackups, Some('z'), Some("logfile_backups"), true),
        spec(Loglevel, Some('e'), Some("loglevel"), true),
        spec(Pidfile, Some('j'), Some("pidfile"), true),
        spec(Identifier, Some('i'), Some("identifier"), true),
        spec(Childlogdir, Some('q'), Some("childlogdir"), true),
        spec(Nocleanup, Some('k'), Some("nocleanup"), false),
        spec(Minfds, Some('a'), Some("minfds"), true),
        spec(StripAnsi, Some('t'), Some("strip_ansi"), false),
        spec(Minprocs, None, Some("minprocs"), true),
        spec(ProfileOptions, None, Some("profile_options"), true),
        addition(Check, "check"),
        addition(DumpConfig, "dump-config"),
        addition(Redact, "redact"),
        addition(VersionFull, "version-full"),
        addition_of(Run, "run"),
        addition_of(Procfile, "procfile"),
        addition(Trial, "can-take-over"),
    ]
};

/// What there is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Help,
    /// Print the release of Supervisor that this program is like.
    Version,
    /// Print this program's own version, and what it is compatible with.
    VersionFull,
    Run(Box<Arguments>),
    /// Try whether it could go on from the state on standard input.
    Trial,
    /// Read the configuration and say what is to be said about it.
    Inspect(Inspection, Box<Arguments>),
}

/// What is said about a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspection {
    /// Whether it is good, with warnings.
    Check {
        /// A warning makes it bad.
        strict: bool,
    },
    /// All its values.
    Dump {
        /// Without those of secret variables.
        redacted: bool,
    },
}

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    /// `-c`; without it the file is searched for.
    pub configuration: Option<String>,
    /// What goes over the file.
    pub overrides: Overrides,
}

impl Arguments {
    /// What a start with this command line reads.
    pub fn start_request(
        self,
        program: &str,
        environment: Vec<(String, String)>,
        launch_directory: String,
    ) -> StartRequest {
        StartRequest {
            program: program.to_owned(),
            configuration: self.configuration,
            overrides: self.overrides,
            environment,
            launch_directory,
        }
    }
}

/// What is wrong with a command line. Displays as the text after `Error: `.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgumentError {
    /// Its form.
    Usage(UsageError),
    /// Words that are no options.
    Positional(Vec<String>),
    /// A value that is not of its option's type.
    Value {
        /// The option as it was typed.
        option: String,
        value: String,
        /// What is wrong with it.
        error: ValueError,
    },
    /// A value of `--check`, `--dump-config` or `--version-full` that they do not have: the word as typed.
    Addition(String),
    /// `--redact` without what it is for.
    OnlyRedact,
    /// The value of a `--run` that is no name and command.
    Run(String),
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArgumentError::Usage(error) => error.fmt(f),
            ArgumentError::Positional(words) => write!(
                f,
                "positional arguments are not supported: {}",
                repr_list(words)
            ),
            ArgumentError::Value {
                option,
                value,
                error,
            } => write!(f, "invalid value for {option} {}: {error}", repr(value)),
            ArgumentError::Addition(word) => {
                write!(
                    f,
                    "{word} is not known: there are --check, --check=strict, --dump-config and --version-full"
                )
            }
            ArgumentError::OnlyRedact => {
                f.write_str("--redact hides secrets in what --dump-config prints: give both")
            }
            ArgumentError::Run(value) => write!(
                f,
                "--run needs a name of letters, digits, _ and -, and a command, \
                 such as --run web='python3 -m http.server 8000': {}",
                repr(value)
            ),
        }
    }
}

impl std::error::Error for ArgumentError {}

impl From<UsageError> for ArgumentError {
    fn from(error: UsageError) -> ArgumentError {
        ArgumentError::Usage(error)
    }
}

/// Reads the words after the program's name. Relative directories are seen
/// from `launch_directory`.
pub fn parse(
    words: &[String],
    launch_directory: &str,
    system: &impl System,
) -> Result<Request, ArgumentError> {
    let line = command_line::parse(SPECS, words)?;
    let mut arguments = Arguments::default();
    match line.is_ended {
        true => arguments.overrides.commands.main = line.free,
        false if line.free.is_empty() => {}
        false => return Err(ArgumentError::Positional(line.free)),
    }
    let mut inspection = None;
    let mut redacted = false;
    for given in &line.options {
        match given.key {
            Key::Help => return Ok(Request::Help),
            Key::Version => return Ok(Request::Version),
            Key::Trial if given.value.is_none() => return Ok(Request::Trial),
            Key::Trial => return Err(unknown(given)),
            Key::VersionFull if given.value.is_none() => return Ok(Request::VersionFull),
            Key::VersionFull => return Err(unknown(given)),
            Key::Check | Key::DumpConfig => inspection = Some(inspected(given)?),
            Key::Redact if given.value.is_none() => redacted = true,
            Key::Redact => return Err(unknown(given)),
            Key::Run => {
                let value = given.value.clone().unwrap_or_default();
                if !arguments.overrides.commands.add_run(&value) {
                    return Err(ArgumentError::Run(value));
                }
            }
            _ => take(given, &mut arguments, launch_directory, system)?,
        }
    }
    let over = &mut arguments.overrides;
    // They stay on the terminal, which the command after `--` has for itself.
    over.nodaemon |= !over.commands.is_empty();
    over.silent |= !over.commands.main.is_empty();
    let arguments = Box::new(arguments);
    if redacted {
        return match inspection {
            Some(Inspection::Dump { .. }) => {
                Ok(Request::Inspect(Inspection::Dump { redacted }, arguments))
            }
            _ => Err(ArgumentError::OnlyRedact),
        };
    }
    Ok(match inspection {
        Some(inspection) => Request::Inspect(inspection, arguments),
        None => Request::Run(arguments),
    })
}

fn inspected(given: &Given<Key>) -> Result<Inspection, ArgumentError> {
    match (given.key, given.value.as_deref()) {
        (Key::Check, None) => Ok(Inspection::Check { strict: false }),
        (Key::Check, Some("strict")) => Ok(Inspection::Check { strict: true }),
        (Key::DumpConfig, None) => Ok(Inspection::Dump { redacted: false }),
        _ => Err(unknown(given)),
    }
}

/// Every name of every option as it is typed, and whether a value must follow.
pub fn spellings() -> impl Iterator<Item = (String, bool)> {
    SPECS.iter().flat_map(|spec| spec.spellings())
}

fn unknown(given: &Given<Key>) -> ArgumentError {
    let value = given.value.as_deref().unwrap_or_default();
    ArgumentError::Addition(format!("{}={value}", given.spelling))
}

/// 4.3.0 converts the value first and then looks whether the option was given before.
fn take(
    given: &Given<Key>,
    arguments: &mut Arguments,
    launch: &str,
    system: &impl System,
) -> Result<(), ArgumentError> {
    let value = given.value.as_deref().unwrap_or_default();
    set(given.key, value, arguments, launch, system).map_err(|error| ArgumentError::Value {
        option: given.spelling.clone(),
        value: value.to_owned(),
        error,
    })?;
    Ok(given.refuse_repetition()?)
}

fn set(
    key: Key,
    value: &str,
    arguments: &mut Arguments,
    launch: &str,
    system: &impl System,
) -> Result<(), ValueError> {
    let integer = |text: &str| Ok(datatypes::integer(text)?.saturated());
    let directory = |text: &str| existing_directory(text, launch, system);
    let dirpath = |text: &str| existing_dirpath(text, launch, system);
    let over = &mut arguments.overrides;
    use Key::*;
    match key {
        Help | Version | VersionFull | Trial | ProfileOptions | Check | DumpConfig | Redact
        | Run => {}
        Procfile => over.commands.procfile = Some(normalized_path(value, launch, system)),
        Configuration => arguments.configuration = Some(value.to_owned()),
        Nodaemon => over.nodaemon = true,
        Silent => over.silent = true,
        User => over.user = Some(value.to_owned()),
        Umask => over.umask = Some(datatypes::octal(value)?),
        Directory => over.directory = Some(directory(value)?),
        Logfile => over.logfile = Some(dirpath(value)?),
        LogfileMaxbytes => over.logfile_maxbytes = Some(datatypes::byte_size(value)?),
        LogfileBackups => over.logfile_backups = Some(integer(value)?),
        Loglevel => over.loglevel = Some(datatypes::log_level(value)?),
        Pidfile => over.pidfile = Some(dirpath(value)?),
        Identifier => over.identifier = Some(value.to_owned()),
        Childlogdir => over.childlogdir = Some(directory(value)?),
        Nocleanup => over.nocleanup = true,
        Minfds => over.minfds = Some(integer(value)?),
        StripAnsi => over.strip_ansi = true,
        Minprocs => over.minprocs = Some(integer(value)?),
    }
    Ok(())
}

/// What `-h` prints. `program` is its name as it was started.
pub fn usage(program: &str) -> String {
    format!(
        "supervisord -- run a set of applications and keep them running.\n\
         \n\
         Usage: {program} [options]\n\
         \n\
         Options:\n\
         -c/--configuration FILENAME -- the configuration file (searched for if not given)\n\
         -n/--nodaemon -- stay in the foreground (file: nodaemon=true)\n\
         -s/--silent -- in the foreground, do not copy the log to stdout (file: silent=true)\n\
         -h/--help -- print this text and exit\n\
         -v/--version -- print the release of Supervisor that this is like, and exit\n\
         -u/--user USER -- run as this user, a name or a number\n\
         -m/--umask UMASK -- the umask of the daemon, octal (default 022)\n\
         -d/--directory DIRECTORY -- where the daemon goes when it leaves the terminal\n\
         -l/--logfile FILENAME -- use FILENAME as the main log\n\
         -y/--logfile_maxbytes BYTES -- its size before it is rotated (KB, MB and GB are understood)\n\
         -z/--logfile_backups NUM -- how many rotated logs are kept\n\
         -e/--loglevel LEVEL -- critical, error, warn, info, debug, trace or blather\n\
         -j/--pidfile FILENAME -- where the process number is written\n\
         -i/--identifier STR -- the name of this supervisord among others\n\
         -q/--childlogdir DIRECTORY -- where logs of programs go that name no file\n\
         -k/--nocleanup -- keep such logs of earlier runs\n\
         -a/--minfds NUM -- the least number of file descriptors to start with\n\
         -t/--strip_ansi -- remove terminal sequences from what programs write\n\
         --minprocs NUM -- the least number of processes to start with\n\
         --profile_options OPTIONS -- accepted and ignored\n\
         --check[=strict] -- say whether the configuration is good, warn of what is doubtful, and exit\n\
         --dump-config -- print the configuration as JSON, everything filled in, and exit\n\
         --redact -- in what --dump-config prints, hide variables that are named as secrets\n\
         --version-full -- print the version of this program itself and its features, and exit\n\
         --run NAME=COMMAND -- run this in the foreground, and end with the first that ends; may be given again\n\
         --procfile FILENAME -- the same for every line of a Procfile\n\
         --can-take-over -- say whether this program could go on from the state of another supervisord\n\
         \n\
         Words after '--' are a command that is run in the foreground, with the programs of the file\n\
         beside it if there is one. Its end is the end, with its status.\n\
         \n"
    )
}

#[cfg(test)]
mod tests;
