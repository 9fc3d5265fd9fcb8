//! Programs that the command line names: the command after `--`, those of `--run`, and the lines
//! of a Procfile. Each becomes a section that no file has, so that everything behind the reader
//! sees a program like any other.

mod dotenv;
mod procfile;

use super::document::{Document, Made};
use super::error::ConfigError;
use super::ini::Location;
use super::paths::{dirname, join};
use super::program;
use super::system::{ReadError, System};
use crate::snapshot::saved;
use crate::text::shlex;

/// The daemon's own section.
const SECTION: &str = "supervisord";

/// What is told as the file of such a section.
pub const PLACE: &str = "command line";

/// `PORT` of the first command, where nothing else is said, and how far that of the next is
/// from it: as foreman counts.
const FIRST_PORT: u32 = 5000;
const PORTS_APART: u32 = 100;

/// How the names of the sections begin that make groups.
const GROUPS: &[&str] = &[program::PREFIX, "group:", "eventlistener:", "fcgi-program:"];

/// How a shell is given a command.
const SHELL: &str = "/bin/sh -c ";

/// The keys of a command that is run in the foreground: the end of one is the end of all, and a
/// shell's children are its own.
const FOREGROUND: &[(&str, &str)] = &[
    ("exit_supervisord", "true"),
    ("autorestart", "false"),
    ("startsecs", "0"),
    ("startretries", "0"),
    ("stopasgroup", "true"),
    ("killasgroup", "true"),
    ("redirect_stderr", "true"),
    ("stdout_logfile", "/dev/stdout"),
    ("stdout_logfile_maxbytes", "0"),
    ("stdout_logfile_format", "prefix"),
];

/// Those of the command after `--`. It is started after programs with the default priority, and
/// stopped before them.
const MAIN: &[(&str, &str)] = &[
    ("exit_supervisord", "true"),
    ("autorestart", "false"),
    ("startsecs", "0"),
    ("startretries", "0"),
    ("priority", "1000"),
    ("stdout_logfile", "NONE"),
    ("stderr_logfile", "NONE"),
];

/// How long the command after `--` has to stop, where the file has no default for programs: half
/// of what container engines give.
const MAIN_STOPWAITSECS: (&str, &str) = ("stopwaitsecs", "5");

/// The keys of `[supervisord]` where there is no file: it leaves nothing behind, and the limits as
/// they are.
const ALONE: &[(&str, &str)] = &[
    ("nodaemon", "true"),
    ("silent", "true"),
    ("pidfile", "none"),
    ("logfile_maxbytes", "0"),
    ("nocleanup", "true"),
    ("leftovers", "ignore"),
    ("minfds", "0"),
    ("minprocs", "0"),
];

/// Beside the command after `--` only what concerns supervisord itself is told.
const ALONE_WITH_MAIN: &[(&str, &str)] = &[("logfile", "/dev/stderr"), ("loglevel", "error")];

/// Beside others their starts and ends are told.
const ALONE_WITH_OTHERS: &[(&str, &str)] =
    &[("logfile", "/dev/stdout"), ("logfile_format", "prefix")];

/// What the command line runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commands {
    /// The command after `--` and its arguments.
    pub main: Vec<String>,
    /// `--run`, in the order given.
    pub run: Vec<Named>,
    /// `--procfile`; an absolute path.
    pub procfile: Option<String>,
    /// No file is read beside them.
    pub stand_alone: bool,
}

saved! { struct Commands { main, run, procfile, stand_alone } }

/// A command for the shell, with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    pub name: String,
    pub command: String,
    /// Where it stands, counted from 1.
    pub line: usize,
}

saved! { struct Named { name, command, line } }

/// Whether a name is one that a Procfile may have.
pub fn is_name(name: &str) -> bool {
    let is_fitting = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(is_fitting)
}

impl Commands {
    pub fn is_empty(&self) -> bool {
        self.main.is_empty() && !self.has_others()
    }

    /// Whether there are commands that share the standard output.
    pub fn has_others(&self) -> bool {
        !self.run.is_empty() || self.procfile.is_some()
    }

    /// Adds `--run`'s value, `NAME=COMMAND`; false if it is none.
    pub fn add_run(&mut self, value: &str) -> bool {
        let line = self.run.len() + 1;
        match value.split_once('=') {
            Some((name, command)) if is_name(name) && !command.trim().is_empty() => {
                self.run.push(Named {
                    name: name.to_owned(),
                    command: command.to_owned(),
                    line,
                });
                true
            }
            _ => false,
        }
    }

    /// Puts all of them into the document, behind what the files say. Without files they get a
    /// `[supervisord]`. `environment` is what supervisord was started with.
    pub fn add_to(
        &self,
        document: &mut Document,
        environment: &[(String, String)],
        system: &dyn System,
    ) -> Result<(), ConfigError> {
        if self.stand_alone {
            let log = match self.main.is_empty() {
                true => ALONE_WITH_OTHERS,
                false => ALONE_WITH_MAIN,
            };
            add(document, SECTION, &[ALONE, log], &[], &place(PLACE, 1));
        }
        self.add_others(document, environment, system)?;
        if !self.main.is_empty() {
            self.add_main(document);
        }
        Ok(())
    }

    fn add_others(
        &self,
        document: &mut Document,
        environment: &[(String, String)],
        system: &dyn System,
    ) -> Result<(), ConfigError> {
        if !self.has_others() {
            return Ok(());
        }
        let mut lines = Vec::new();
        let mut variables = Vec::new();
        if let Some(path) = &self.procfile {
            lines = read_procfile(path, system)?;
            variables = read_variables(path, system)?;
        }
        let named = self.run.iter().map(|named| (PLACE, named));
        let listed = lines.iter();
        let listed = listed.map(|named| (self.procfile.as_deref().unwrap_or_default(), named));
        let mut port = first_port(&variables, environment)?;
        for (file, named) in named.chain(listed) {
            let section = format!("{}{}", program::PREFIX, named.name);
            let location = place(file, named.line);
            if let Some(other) = place_of(document, &named.name) {
                let text = format!("there are two programs or groups named {}", named.name);
                let advice = format!("{other} is the other: give one of them another name");
                return Err(ConfigError::new(text).advising(&advice).at(Some(location)));
            }
            let command = format!("{SHELL}{}", shlex::quote(&named.command));
            let mut keys = vec![("command", literal(&command))];
            let mut environment = Vec::new();
            if file != PLACE {
                keys.push(("directory", literal(dirname(file))));
                environment.clone_from(&variables);
            }
            environment.retain(|(name, _)| name != "PORT");
            environment.push(("PORT".to_owned(), port.to_string()));
            add(document, &section, &[FOREGROUND], &keys, &location);
            document.lend(
                &section,
                Made {
                    environment,
                    inherits_streams: false,
                },
            );
            port = port.saturating_add(PORTS_APART);
        }
        Ok(())
    }

    fn add_main(&self, document: &mut Document) {
        let name = self.main.first().map_or("", String::as_str);
        let mut name = main_name(name);
        while place_of(document, &name).is_some() {
            name.push('_');
        }
        let section = format!("{}{name}", program::PREFIX);
        let words: Vec<String> = self.main.iter().map(|word| shlex::quote(word)).collect();
        let keys = [("command", literal(&words.join(" ")))];
        add(document, &section, &[MAIN], &keys, &place(PLACE, 1));
        let (key, seconds) = MAIN_STOPWAITSECS;
        if document.get(&section, key).is_none() {
            add(
                document,
                &section,
                &[&[(key, seconds)]],
                &[],
                &place(PLACE, 1),
            );
        }
        document.lend(
            &section,
            Made {
                environment: Vec::new(),
                inherits_streams: true,
            },
        );
    }
}

/// Where the section stands that has a group of this name already.
fn place_of(document: &Document, name: &str) -> Option<Location> {
    let mut kinds = GROUPS.iter();
    kinds.find_map(|kind| document.location_of(&format!("{kind}{name}")))
}

/// The name of the program that a command is: the last part of its path, with nothing in it that
/// names may not have.
fn main_name(command: &str) -> String {
    let base = command.rsplit('/').next().unwrap_or_default();
    let fitting = |c: char| match is_name(c.encode_utf8(&mut [0; 4])) || c == '.' {
        true => c,
        false => '_',
    };
    match base {
        "" => "command".to_owned(),
        base => base.chars().map(fitting).collect(),
    }
}

fn place(file: &str, line: usize) -> Location {
    Location {
        file: file.to_owned(),
        line,
    }
}

fn add(
    document: &mut Document,
    section: &str,
    tables: &[&[(&str, &str)]],
    keys: &[(&str, String)],
    location: &Location,
) {
    document.add_section_at(section, location);
    for (key, value) in tables.iter().copied().flatten() {
        document.put_at(section, key, value, location);
    }
    for (key, value) in keys {
        document.put_at(section, key, value, location);
    }
}

/// A value that stands for itself: nothing in it is expanded.
fn literal(text: &str) -> String {
    text.replace('%', "%%")
}

/// The lines of a Procfile, of which there is one at least.
fn read_procfile(path: &str, system: &dyn System) -> Result<Vec<Named>, ConfigError> {
    let Some(text) = read_text(path, system)? else {
        return Err(ConfigError::new(format!("could not find Procfile {path}")));
    };
    let lines = procfile::read(&text).map_err(|line| {
        ConfigError::new("a line of the Procfile has no command")
            .advising("write NAME: COMMAND, the name of letters, digits, _ and -")
            .at(Some(place(path, line)))
    })?;
    if lines.is_empty() {
        let text = format!("Procfile {path} has no command");
        return Err(ConfigError::new(text).advising("write lines NAME: COMMAND"));
    }
    Ok(lines)
}

/// The variables of the `.env` beside a Procfile, if there is one.
fn read_variables(
    procfile: &str,
    system: &dyn System,
) -> Result<Vec<(String, String)>, ConfigError> {
    let path = join(dirname(procfile), ".env");
    let text = read_text(&path, system)?.unwrap_or_default();
    dotenv::read(&text).map_err(|line| {
        ConfigError::new("a line of the .env file sets no variable")
            .advising("write NAME=VALUE, or # before a comment")
            .at(Some(place(&path, line)))
    })
}

/// The text of a file, if there is one.
fn read_text(path: &str, system: &dyn System) -> Result<Option<String>, ConfigError> {
    let bytes = match system.read(path) {
        Ok(bytes) => bytes,
        Err(ReadError::Missing) => return Ok(None),
        Err(ReadError::Unreadable(reason)) => {
            return Err(ConfigError::new(format!("could not read {path}: {reason}")));
        }
    };
    match str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(error) => {
            let text = ConfigError::not_utf8(&bytes, error);
            Err(ConfigError::new(format!("could not read {path}: {text}")))
        }
    }
}

/// What `PORT` of the first command is: that of `.env` or of the environment, or else the usual.
fn first_port(
    variables: &[(String, String)],
    environment: &[(String, String)],
) -> Result<u32, ConfigError> {
    let mut set = variables.iter().chain(environment);
    let Some((_, text)) = set.find(|(name, _)| name == "PORT") else {
        return Ok(FIRST_PORT);
    };
    text.parse().map_err(|_| {
        ConfigError::new(format!("PORT is {text:?}, which is no number"))
            .advising("set it to the port of the first command, such as 5000, or to nothing")
    })
}

#[cfg(test)]
mod tests;
