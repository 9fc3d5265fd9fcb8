//! The command line of supervisorctl, and the settings that it and the
//! configuration file make together.

use std::fmt;

use super::server_url;
use crate::command_line::{self, Given, OptionSpec, UsageError};
use crate::config::supervisorctl::{ClientConfig, DEFAULT_SERVERURL};
use crate::text::pyrepr::repr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Configuration,
    Help,
    Interactive,
    ServerUrl,
    Username,
    Password,
    HistoryFile,
}

const fn spec(
    key: Key,
    short: char,
    long: Option<&'static str>,
    takes_value: bool,
) -> OptionSpec<Key> {
    OptionSpec {
        key,
        short: Some(short),
        long,
        takes_value,
        in_full: false,
    }
}

const SPECS: &[OptionSpec<Key>] = &[
    spec(Key::Configuration, 'c', Some("configuration"), true),
    spec(Key::Help, 'h', Some("help"), false),
    spec(Key::Help, '?', None, false),
    spec(Key::Interactive, 'i', Some("interactive"), false),
    spec(Key::ServerUrl, 's', Some("serverurl"), true),
    spec(Key::Username, 'u', Some("username"), true),
    spec(Key::Password, 'p', Some("password"), true),
    // With an underscore, as it always was.
    spec(Key::HistoryFile, 'r', Some("history_file"), true),
    // With a dash, as 4.3.0 documents it and does not understand it.
    OptionSpec {
        key: Key::HistoryFile,
        short: None,
        long: Some("history-file"),
        takes_value: true,
        in_full: true,
    },
];

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `-c`
    pub configuration: Option<String>,
    /// `-i`
    pub interactive: bool,
    /// `-s`
    pub serverurl: Option<String>,
    /// `-u`
    pub username: Option<String>,
    /// `-p`
    pub password: Option<String>,
    /// `-r`
    pub history_file: Option<String>,
    /// The words of the action, if there are any.
    pub action: Option<String>,
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Help,
    Run(Arguments),
}

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentError {
    /// Its form.
    Usage(UsageError),
    /// The value of `-s`.
    NotUrl {
        /// The option as it was typed.
        option: String,
        value: String,
    },
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArgumentError::Usage(error) => error.fmt(f),
            ArgumentError::NotUrl { option, value } => {
                let value = repr(value);
                write!(
                    f,
                    "invalid value for {option} {value}: value {value} is not a URL"
                )
            }
        }
    }
}

impl From<UsageError> for ArgumentError {
    fn from(error: UsageError) -> ArgumentError {
        ArgumentError::Usage(error)
    }
}

/// Reads the words after the program's name.
pub fn parse(words: &[String]) -> Result<Request, ArgumentError> {
    let line = command_line::parse(SPECS, words)?;
    let mut arguments = Arguments::default();
    for given in &line.options {
        match given.key {
            Key::Help => return Ok(Request::Help),
            Key::ServerUrl => refuse_what_is_no_url(given)?,
            _ => {}
        }
        given.refuse_repetition()?;
        let value = given.value.clone();
        match given.key {
            Key::Configuration => arguments.configuration = value,
            Key::ServerUrl => arguments.serverurl = value,
            Key::Username => arguments.username = value,
            Key::Password => arguments.password = value,
            Key::Interactive => arguments.interactive = true,
            Key::HistoryFile => arguments.history_file = value,
            Key::Help => {}
        }
    }
    if !line.free.is_empty() {
        arguments.action = Some(line.free.join(" "));
    }
    Ok(Request::Run(arguments))
}

/// Every name of every option as it is typed, and whether a value must follow.
pub fn spellings() -> impl Iterator<Item = (String, bool)> {
    SPECS.iter().flat_map(|spec| spec.spellings())
}

fn refuse_what_is_no_url(given: &Given<Key>) -> Result<(), ArgumentError> {
    let value = given.value.clone().unwrap_or_default();
    if server_url::is_url(&value) {
        return Ok(());
    }
    Err(ArgumentError::NotUrl {
        option: given.spelling.clone(),
        value,
    })
}

impl ArgumentError {
    /// What to type instead, where that is known.
    pub fn advice(&self) -> Option<String> {
        match self {
            ArgumentError::Usage(_) => None,
            ArgumentError::NotUrl { value, .. } => {
                server_url::suggestion(value).map(|_| server_url::advice(value))
            }
        }
    }
}

/// What `-h` prints.
pub fn usage(program: &str) -> String {
    format!(
        "supervisorctl -- control applications that supervisord runs, from the command line.\n\
         \n\
         Usage: {program} [options] [action [arguments]]\n\
         \n\
         Options:\n\
         -c/--configuration FILENAME -- the configuration file (searched for if not given)\n\
         -h/--help -- print this text and exit\n\
         -i/--interactive -- start an interactive run, which asks for what it needs\n\
         -s/--serverurl URL -- where supervisord listens\n     \
         (default \"{DEFAULT_SERVERURL}\")\n\
         -u/--username USERNAME -- the user name that the server wants\n\
         -p/--password PASSWORD -- the password that the server wants\n     \
         (without it, that in the variable SUPERVISORCTL_PASSWORD)\n\
         -r/--history-file FILENAME -- where the shell keeps its history\n\
         \n\
         action [arguments] -- see below\n\
         \n\
         Actions are words such as \"tail\" or \"stop\". Without one a shell starts\n\
         that reads actions line by line; with -i an action may ask questions\n\
         before it does its work. The action \"help\" lists all of them, and\n\
         \"help\" with an action's name explains that one.\n\
         \n"
    )
}

/// What the program goes by: the command line, for the password the environment, over
/// the file over the defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub serverurl: String,
    /// The same for messages: as it is configured, without user name and password.
    pub shown_serverurl: String,
    pub username: Option<String>,
    pub password: Option<String>,
    /// What the shell prompts with, `> ` included.
    pub prompt: String,
    /// Where the shell keeps its history, if it does.
    pub history_file: Option<String>,
}

impl Settings {
    /// Each setting is found on its own: `-s` goes with the file's password.
    pub fn new(arguments: &Arguments, file: ClientConfig) -> Settings {
        let given = |option: &Option<String>, key| option.clone().or(key);
        Settings {
            shown_serverurl: server_url::without_userinfo(
                arguments
                    .serverurl
                    .as_ref()
                    .unwrap_or(&file.shown_serverurl),
            ),
            serverurl: arguments.serverurl.clone().unwrap_or(file.serverurl),
            username: given(&arguments.username, file.username),
            password: given(&arguments.password, file.password),
            prompt: format!("{}> ", file.prompt),
            history_file: given(&arguments.history_file, file.history_file)
                .filter(|path| !path.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Request, String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn options_end_where_the_action_begins() {
        let expected = Arguments {
            interactive: true,
            username: Some("bob".to_owned()),
            action: Some("status -c foo".to_owned()),
            ..Arguments::default()
        };
        assert_eq!(read("-iu bob status -c foo"), Ok(Request::Run(expected)));
        assert_eq!(read("-h -i -i"), Ok(Request::Help));
        assert_eq!(read("-?"), Ok(Request::Help));
        let empty = parse(&[String::new()]).unwrap();
        let expected = Arguments {
            action: Some(String::new()),
            ..Arguments::default()
        };
        assert_eq!(empty, Request::Run(expected));
    }

    #[test]
    fn the_history_file_is_spelled_in_both_ways() {
        for line in [
            "-r h",
            "--history_file h",
            "--history-file h",
            "--hist h",
            "--history-file=h",
        ] {
            let expected = Arguments {
                history_file: Some("h".to_owned()),
                ..Arguments::default()
            };
            assert_eq!(read(line), Ok(Request::Run(expected)), "{line}");
        }
        let conflict = "conflicting command line option '--history-file'".to_owned();
        assert_eq!(read("-r h --history-file h"), Err(conflict));
    }

    #[test]
    fn errors_come_in_the_order_of_the_options() {
        for (line, expected) in [
            ("-h --bogus", "option --bogus not recognized"),
            ("--h", "option --h not a unique prefix"),
            ("-v", "option -v not recognized"),
            ("-i -i", "conflicting command line option '-i'"),
            (
                "-s foo",
                "invalid value for -s 'foo': value 'foo' is not a URL",
            ),
            (
                "--server= x",
                "invalid value for --serverurl '': value '' is not a URL",
            ),
            (
                "-s a:b -s foo",
                "invalid value for -s 'foo': value 'foo' is not a URL",
            ),
            ("-s a:b -s a:b", "conflicting command line option '-s'"),
        ] {
            assert_eq!(read(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn each_setting_is_found_on_its_own() {
        let arguments = Arguments {
            serverurl: Some("unix://x".to_owned()),
            ..Arguments::default()
        };
        let file = ClientConfig {
            serverurl: "http://f".to_owned(),
            username: Some("u".to_owned()),
            prompt: "p".to_owned(),
            ..ClientConfig::default()
        };
        let settings = Settings::new(&arguments, file);
        assert_eq!(settings.serverurl, "unix://x");
        assert_eq!(settings.username.as_deref(), Some("u"));
        assert_eq!(settings.prompt, "p> ");
        let settings = Settings::new(&Arguments::default(), ClientConfig::default());
        assert_eq!(settings.serverurl, DEFAULT_SERVERURL);
        assert_eq!(settings.prompt, "supervisor> ");
    }
}
