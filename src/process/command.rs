//! From the `command` of a program to a file to execute and its arguments.
//!
//! The check happens in the daemon, before the fork: so a missing program is a
//! clear error with a text, and not a child that ends with status 127.

use std::fmt;
use std::os::unix::fs::PermissionsExt;

use nix::unistd::{AccessFlags, access};

use crate::config::Process;
use crate::text::pyrepr;
use crate::text::shlex;

const DEFAULT_PATH: &str = "/bin:/usr/bin:/usr/local/bin";

/// What to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// The file.
    pub path: String,
    /// The arguments; the first is the program as it was written.
    pub arguments: Vec<String>,
}

/// Why a command cannot be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// There is no such file.
    NotFound(String),
    /// There is one, or only a text, that cannot be executed.
    NotExecutable(String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::NotFound(text) | CommandError::NotExecutable(text) => f.write_str(text),
        }
    }
}

/// Finds the file that `process.command` names; `path` is the daemon's own `PATH`.
pub fn find(process: &Process, path: Option<&[u8]>) -> Result<Executable, CommandError> {
    let command = &process.command;
    let arguments = shlex::split_command(command).map_err(|error| {
        CommandError::NotExecutable(format!(
            "can't parse command {}: {error}",
            pyrepr::repr(command)
        ))
    })?;
    let Some(program) = arguments.first() else {
        return Err(CommandError::NotExecutable("command is empty".to_owned()));
    };
    let path = if program.contains('/') {
        program.clone()
    } else {
        search(program, process, path)
    };
    check(&path)?;
    Ok(Executable { path, arguments })
}

/// The first directory that holds anything of that name wins, whatever it is;
/// the bare name when none does.
fn search(program: &str, process: &Process, path: Option<&[u8]>) -> String {
    let configured = process
        .environment
        .iter()
        .find(|(name, _)| name == "PATH")
        .map(|(_, value)| value.clone());
    let inherited = path
        .filter(|path| !path.is_empty())
        .map(|path| String::from_utf8_lossy(path).into_owned());
    let directories = configured
        .or(inherited)
        .unwrap_or_else(|| DEFAULT_PATH.to_owned());
    directories
        .split(':')
        .map(|directory| match directory {
            "" => program.to_owned(),
            _ if directory.ends_with('/') => format!("{directory}{program}"),
            _ => format!("{directory}/{program}"),
        })
        .find(|candidate| std::fs::metadata(candidate).is_ok())
        .unwrap_or_else(|| program.to_owned())
}

fn check(path: &str) -> Result<(), CommandError> {
    let quoted = pyrepr::repr(path);
    let Ok(metadata) = std::fs::metadata(path) else {
        return Err(CommandError::NotFound(format!(
            "can't find command {quoted}"
        )));
    };
    let problem = if metadata.is_dir() {
        format!("command at {quoted} is a directory")
    } else if metadata.permissions().mode() & 0o111 == 0 {
        format!("command at {quoted} is not executable")
    } else if access(path, AccessFlags::X_OK).is_err() {
        format!("no permission to run command {quoted}")
    } else {
        return Ok(());
    };
    Err(CommandError::NotExecutable(problem))
}
