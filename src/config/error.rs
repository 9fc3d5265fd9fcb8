//! What can be wrong with a configuration, in the original's words.
//!
//! The Display of a [`ConfigError`] is what the programs print after
//! `Error: `. Scripts match these lines, so texts, their quoting and even a
//! trailing blank are the original's. What they leave out comes after them.

use std::fmt;
use std::str::Utf8Error;

use super::datatypes::ValueError;
use super::expand::{ExpansionError, Problem};
use super::ini::{Place, SyntaxError};
use crate::sys::socket::LONGEST_SOCKET_PATH;
use crate::text::pyrepr::repr;

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigError {
    /// None of the default places has a file; the places.
    NoFile(Vec<String>),
    /// There is no file of that name.
    CannotFind(String),
    /// The file cannot be opened or read.
    CannotRead {
        /// The file's name.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// The file is not UTF-8.
    Decode(DecodeError),
    /// The file's lines are wrong.
    Syntax(SyntaxError),
    /// The store refused what the line reader made: a fault of this program.
    Store {
        /// The file's name.
        file: String,
        /// The store's words.
        reason: String,
    },
    /// `[include]` without `files`.
    NoIncludeFiles,
    /// The program's own section is missing; its name.
    NoSection(&'static str),
    /// A value is not of its type.
    Value(ValueError),
    /// A value cannot be expanded.
    Expansion(Box<ExpansionError>),
    /// A value that is expanded twice cannot be.
    ExpansionTwice(Box<ExpansionError>),
    /// The path of a server's socket does not fit the system's address structure.
    SocketPath {
        /// The section's name.
        section: String,
        /// What is too long.
        error: PathTooLong,
    },
    /// An error of a value or section whose place is known; its text is the same.
    At {
        /// Where it stands.
        place: Place,
        /// What is wrong.
        error: Box<ConfigError>,
    },
    /// An error of a program's section.
    InSection {
        /// The section's name.
        section: String,
        /// The file in which the section first appeared.
        file: String,
        /// What is wrong.
        error: Box<ConfigError>,
    },
    /// A plug-in section without its factory.
    NoFactory {
        /// The section's name.
        section: String,
        /// The key that is missing.
        key: &'static str,
    },
    /// A plug-in or handler that does not exist here.
    Unresolved {
        /// The section's name.
        section: String,
        /// The value.
        value: String,
    },
    /// Keys that the factory of this RPC interface does not take.
    RpcInterface(String),
    /// A group names something that is not there.
    UnknownProgram {
        /// The section that is blamed.
        section: String,
        /// The name.
        program: String,
    },
    /// A group names what is both a program and an fcgi-program.
    AmbiguousProgram {
        /// The section that is blamed.
        section: String,
        /// The name.
        program: String,
    },
    /// A program without `command`; the section's name.
    NoCommand(String),
    /// `numprocs` above 1 and one name for all.
    NoProcessNum,
    /// More processes in one section than can sensibly be run.
    TooManyProcesses {
        /// `numprocs`.
        number: String,
        /// The most that is allowed.
        limit: i64,
    },
    /// `stopasgroup=true` with `killasgroup=false`.
    StopWithoutKill,
    /// A server without its address.
    NoServerValue {
        /// The section's name.
        section: String,
        /// `file` or `port`.
        key: &'static str,
    },
    /// A username without a password or the other way round; the section's name.
    IncompleteAuthentication(String),
    /// A value of a socket's setting that its type refuses.
    Setting {
        /// The setting as the message names it.
        name: &'static str,
        /// The value.
        value: String,
    },
    /// A word that is none of those that a key has.
    Choice {
        /// The section's name.
        section: String,
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// The words that there are.
        choices: Vec<&'static str>,
    },
    /// A number beyond the range of its key.
    OutOfRange {
        /// The key.
        key: &'static str,
        /// The number.
        number: String,
        /// The least that it can be.
        least: i64,
        /// The most that it can be.
        most: i64,
    },
    /// An empty `username` beside a `password`; the section's name.
    EmptyUsername(String),
    /// `require_authentication` of a server that has no password; the section's name.
    AuthenticationRequired(String),
    /// `{SHA256}` without the digits of a SHA-256; the section's name.
    Digest(String),
    /// `buffer_size` below 1.
    BufferSize {
        /// The section's name.
        section: String,
        /// The number.
        size: String,
    },
    /// An event listener without `events`; the section's name.
    NoEvents(String),
    /// An event that does not exist.
    UnknownEvent {
        /// The section's name.
        section: String,
        /// The event's name, upper case.
        event: String,
    },
    /// `redirect_stderr=true` of an event listener; the section's name.
    ListenerRedirects(String),
    /// An fcgi-program without `socket`; the section's name.
    NoSocket(String),
    /// `socket` of an fcgi-program is wrong.
    Socket {
        /// The section's name.
        section: String,
        /// What is wrong with it.
        error: SocketError,
    },
}

/// What is wrong with the socket of an fcgi-program.
#[derive(Clone, Debug, PartialEq)]
pub enum SocketError {
    /// Neither `tcp://host:port` nor `unix:///path`.
    Format(String),
    /// A unix path that is not absolute.
    Relative(String),
    /// A port out of range.
    Port(ValueError),
    /// Owner or mode of a socket that is no file.
    NotUnix,
    /// A path that does not fit the system's address structure.
    TooLong(PathTooLong),
}

/// A path that no unix socket can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTooLong {
    /// The path as messages show it.
    pub path: String,
    /// How many bytes it has.
    pub length: usize,
}

impl PathTooLong {
    /// Looks whether a path is one.
    pub fn check(path: &str) -> Result<(), PathTooLong> {
        if path.len() <= LONGEST_SOCKET_PATH {
            return Ok(());
        }
        Err(PathTooLong {
            path: path.to_owned(),
            length: path.len(),
        })
    }
}

impl fmt::Display for PathTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PathTooLong { path, length } = self;
        write!(
            f,
            "AF_UNIX path too long: {path} has {length} bytes, {LONGEST_SOCKET_PATH} is the most"
        )
    }
}

impl SocketError {
    /// The same with another text in the place of the value.
    pub fn showing(self, shown: &str) -> SocketError {
        match self {
            SocketError::Format(_) => SocketError::Format(shown.to_owned()),
            SocketError::Relative(_) => {
                let path = shown.strip_prefix("unix://").unwrap_or(shown);
                SocketError::Relative(path.to_owned())
            }
            SocketError::Port(error) => SocketError::Port(error.showing(shown)),
            SocketError::NotUnix => SocketError::NotUnix,
            SocketError::TooLong(error) => SocketError::TooLong(PathTooLong {
                path: shown.strip_prefix("unix://").unwrap_or(shown).to_owned(),
                ..error
            }),
        }
    }
}

/// Bytes that are not UTF-8, in Python's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    start: usize,
    bytes: Vec<u8>,
    reason: &'static str,
}

impl DecodeError {
    /// Describes why `bytes` are not UTF-8, from what the library says.
    pub fn of(bytes: &[u8], error: Utf8Error) -> DecodeError {
        let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
        let (length, reason) = match (error.error_len(), rest.first()) {
            (None, _) => (rest.len(), "unexpected end of data"),
            (Some(_), Some(0x80..=0xc1 | 0xf5..=0xff)) => (1, "invalid start byte"),
            (Some(length), _) => (length, "invalid continuation byte"),
        };
        // Python decodes in pieces; what is left at the end is one by itself.
        let start = match error.error_len() {
            None => 0,
            Some(_) => error.valid_up_to(),
        };
        DecodeError {
            start,
            bytes: rest.get(..length).unwrap_or(rest).to_vec(),
            reason,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DecodeError {
            start,
            bytes,
            reason,
        } = self;
        match bytes.as_slice() {
            [byte] => write!(
                f,
                "'utf-8' codec can't decode byte 0x{byte:02x} in position {start}: {reason}"
            ),
            _ => write!(
                f,
                "'utf-8' codec can't decode bytes in position {start}-{}: {reason}",
                (start + bytes.len()).saturating_sub(1)
            ),
        }
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The original passes the value beside the text: a pair is shown.
            SocketError::Format(value) => write!(f, "('Bad socket format %s', {})", repr(value)),
            SocketError::Relative(path) => write!(
                f,
                "('Unix socket path %s is not an absolute path', {})",
                repr(path)
            ),
            SocketError::Port(error) => error.fmt(f),
            SocketError::TooLong(error) => {
                write!(
                    f,
                    "Could not create FastCGI socket unix://{}: {error}",
                    error.path
                )
            }
            SocketError::NotUnix => f.write_str(
                "socket_owner and socket_mode params should only be used with a Unix domain socket",
            ),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ConfigError as E;
        match self {
            E::NoFile(places) => write!(
                f,
                "No config file found at default paths ({}); use the -c option to specify a config file at a different path",
                places.join(", ")
            ),
            E::CannotFind(file) => write!(f, "could not find config file {file}"),
            E::CannotRead { file, reason } => {
                write!(f, "could not read config file {file}: {reason}")
            }
            E::Decode(error) => error.fmt(f),
            E::Syntax(error) => error.fmt(f),
            E::Store { file, reason } => write!(f, "could not store config file {file}: {reason}"),
            E::NoIncludeFiles => {
                f.write_str(".ini file has [include] section, but no files setting")
            }
            E::NoSection(name) => write!(f, ".ini file does not include {name} section"),
            E::Value(error) => error.fmt(f),
            E::Expansion(error) => error.fmt(f),
            E::ExpansionTwice(error) => write!(
                f,
                "{error} (this value is expanded twice: write %%%% for a percent sign)"
            ),
            E::SocketPath { section, error } => write!(
                f,
                "Cannot open an HTTP server: socket.error reported {error} in [{section}] file"
            ),
            E::At { error, .. } => error.fmt(f),
            E::InSection {
                section,
                file,
                error,
            } => write!(
                f,
                "{error} in section {} (file: {})",
                repr(section),
                repr(file)
            ),
            E::NoFactory { section, key } => {
                write!(f, "section [{section}] does not specify a {key}")
            }
            E::Unresolved { section, value } => {
                write!(f, "{value} cannot be resolved within [{section}]")
            }
            E::RpcInterface(name) => write!(f, "Could not make {name} rpc interface"),
            E::UnknownProgram { section, program } => {
                write!(
                    f,
                    "[{section}] names unknown program or fcgi-program {program}"
                )
            }
            E::AmbiguousProgram { section, program } => write!(
                f,
                "[{section}] name {program} is ambiguous (exists as program and fcgi-program)"
            ),
            E::NoCommand(section) => {
                write!(f, "program section {section} does not specify a command")
            }
            E::NoProcessNum => {
                f.write_str("%(process_num) must be present within process_name when numprocs > 1")
            }
            E::TooManyProcesses { number, limit } => {
                write!(
                    f,
                    "numprocs is {number}, but one section can have {limit} at most"
                )
            }
            E::StopWithoutKill => f.write_str("Cannot set stopasgroup=true and killasgroup=false"),
            E::NoServerValue { section, key } => {
                write!(f, "section [{section}] has no {key} value")
            }
            E::IncompleteAuthentication(section) => write!(
                f,
                "Section [{section}] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified"
            ),
            E::Setting { name, value } => write!(f, "Invalid {name} value {value}"),
            E::Choice {
                section,
                key,
                value,
                choices,
            } => write!(
                f,
                "Invalid {key} value {} in [{section}]: it is one of {}",
                repr(value),
                choices.join(", ")
            ),
            E::OutOfRange {
                key,
                number,
                least,
                most,
            } => write!(
                f,
                "Invalid {key} value {number}: it can be from {least} to {most}"
            ),
            E::EmptyUsername(section) => write!(
                f,
                "Section [{section}] has a password and an empty username: set both, or neither for a server without authentication"
            ),
            E::AuthenticationRequired(section) => write!(
                f,
                "Section [{section}] requires authentication and has no username and password"
            ),
            E::Digest(section) => write!(
                f,
                "Section [{section}] has a password that begins with {{SHA256}}: the 64 hexadecimal digits of a SHA-256 must follow"
            ),
            E::BufferSize { section, size } => {
                write!(f, "[{section}] section sets invalid buffer_size ({size})")
            }
            E::NoEvents(section) => write!(f, "[{section}] section requires an \"events\" line"),
            E::UnknownEvent { section, event } => {
                write!(f, "Unknown event type {event} in [{section}] events")
            }
            E::ListenerRedirects(section) => write!(
                f,
                "[{section}] section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol"
            ),
            E::NoSocket(section) => write!(f, "[{section}] section requires a \"socket\" line"),
            E::Socket { section, error } => write!(f, "{error} in [{section}] socket"),
        }
    }
}

impl ConfigError {
    /// The error of a value that is expanded twice: a bad format says how a percent
    /// sign is written.
    pub fn of_twice(self) -> ConfigError {
        match self {
            ConfigError::Expansion(error) if matches!(error.problem, Problem::Format(_)) => {
                ConfigError::ExpansionTwice(error)
            }
            ConfigError::At { place, error } => error.of_twice().at(place),
            error => error,
        }
    }

    /// The same with the place of what is wrong.
    pub fn at(self, place: Place) -> ConfigError {
        ConfigError::At {
            place,
            error: Box::new(self),
        }
    }

    /// Where to look, if that is known. The text tells it for lines that
    /// cannot be read.
    pub fn place(&self) -> Option<&Place> {
        match self {
            ConfigError::At { place, error } => Some(error.place().unwrap_or(place)),
            ConfigError::InSection { error, .. } => error.place(),
            _ => None,
        }
    }

    /// The section that is at fault.
    pub fn section(&self) -> Option<&str> {
        use ConfigError as E;
        match self {
            E::At { error, .. } => error.section(),
            E::InSection { section, .. }
            | E::NoFactory { section, .. }
            | E::Unresolved { section, .. }
            | E::UnknownProgram { section, .. }
            | E::AmbiguousProgram { section, .. }
            | E::NoServerValue { section, .. }
            | E::BufferSize { section, .. }
            | E::Choice { section, .. }
            | E::UnknownEvent { section, .. }
            | E::SocketPath { section, .. }
            | E::Socket { section, .. }
            | E::NoCommand(section)
            | E::IncompleteAuthentication(section)
            | E::EmptyUsername(section)
            | E::AuthenticationRequired(section)
            | E::Digest(section)
            | E::NoEvents(section)
            | E::ListenerRedirects(section)
            | E::NoSocket(section) => Some(section),
            E::NoIncludeFiles => Some("include"),
            _ => None,
        }
    }

    /// What to do, where the text does not tell.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            ConfigError::At { error, .. } | ConfigError::InSection { error, .. } => error.advice(),
            ConfigError::Value(ValueError::Name { .. }) => {
                Some("a name has no blank, no colon and no slash in it")
            }
            ConfigError::Unresolved { value, .. } => Some(handler_advice(value)),
            _ => None,
        }
    }
}

/// Which handler takes the place of one in Python. What is known of that is its
/// name: supervisor_stdout and its kin print what programs write.
fn handler_advice(value: &str) -> &'static str {
    let name = value.to_lowercase();
    if ["stdout", "stdlog", "stderr"]
        .iter()
        .any(|part| name.contains(part))
    {
        "handlers written in Python cannot be loaded: to print what programs write, leave this listener out and set stdout_logfile=/dev/stdout in the programs, or use exec:COMMAND, which gives each event and its answer to a command; store accepts every answer and prints nothing"
    } else {
        "handlers written in Python cannot be loaded: use default, store or exec:COMMAND (default for a listener that answers OK or FAIL, store to accept and keep whatever it answers, exec:COMMAND to give each event and its answer to a command)"
    }
}

impl std::error::Error for ConfigError {}

impl From<ValueError> for ConfigError {
    fn from(error: ValueError) -> ConfigError {
        ConfigError::Value(error)
    }
}

impl From<ExpansionError> for ConfigError {
    fn from(error: ExpansionError) -> ConfigError {
        ConfigError::Expansion(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_named_as_python_does() {
        for (bytes, expected) in [
            (
                &b"ab\xff"[..],
                "byte 0xff in position 2: invalid start byte",
            ),
            (
                b"\xe9a",
                "byte 0xe9 in position 0: invalid continuation byte",
            ),
            (b"\xe2\x82", "bytes in position 0-1: unexpected end of data"),
            (
                b"\xe2\x82a",
                "bytes in position 0-1: invalid continuation byte",
            ),
            (b"x\xe2", "byte 0xe2 in position 0: unexpected end of data"),
            (b"\xc0\x80", "byte 0xc0 in position 0: invalid start byte"),
            (
                b"\xed\xa0\x80",
                "byte 0xed in position 0: invalid continuation byte",
            ),
        ] {
            let error = str::from_utf8(bytes).unwrap_err();
            let text = DecodeError::of(bytes, error).to_string();
            assert_eq!(text, format!("'utf-8' codec can't decode {expected}"));
        }
    }
}
