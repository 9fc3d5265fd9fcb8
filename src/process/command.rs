//! From the `command` of a program to a file to execute and its arguments.
//!
//! The check happens in the daemon, before the fork: so a missing program is a
//! clear error with a text, and not a child that ends with status 127.

use std::fmt;
use std::os::unix::fs::PermissionsExt;

use nix::unistd::{AccessFlags, access};

use crate::config::Process;
use crate::sys::errno;
use crate::text::pyrepr;
use crate::text::shlex;

const DEFAULT_PATH: &str = "/bin:/usr/bin:/usr/local/bin";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    pub path: String,
    /// The arguments; the first is the program as it was written.
    pub arguments: Vec<String>,
}

/// Why a command cannot be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// There is no such file.
    NotFound(String),
    /// There is a file that cannot be executed, or the command cannot be parsed.
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
        let command = pyrepr::repr(command.shown());
        CommandError::NotExecutable(format!("can't parse command {command}: {error}"))
    })?;
    let Some(program) = arguments.first() else {
        return Err(CommandError::NotExecutable("command is empty".to_owned()));
    };
    let path = if program.contains('/') {
        program.clone()
    } else {
        search(program, process, path)
    };
    check(&path, || shown_path(command.shown(), program, &path))?;
    Ok(Executable { path, arguments })
}

/// What a message calls the file: where its name came out of the environment, as the
/// configuration file writes it.
fn shown_path(command: &str, program: &str, path: &str) -> String {
    let words = shlex::split_command(command).unwrap_or_default();
    let written = words.first().map_or(command, String::as_str);
    let shown = if written == program { path } else { written };
    pyrepr::repr(shown)
}

fn search(program: &str, process: &Process, path: Option<&[u8]>) -> String {
    let mut environment = process.environment.iter();
    let configured = environment.find(|(name, _)| name == "PATH");
    match configured {
        Some((_, directories)) => search_in(program, directories),
        None => search_inherited(program, path),
    }
}

/// Finds a program in the directories of a `PATH` that was inherited.
pub fn search_inherited(program: &str, path: Option<&[u8]>) -> String {
    let path = path.filter(|path| !path.is_empty());
    let path = path.map(String::from_utf8_lossy);
    search_in(program, path.as_deref().unwrap_or(DEFAULT_PATH))
}

/// The first directory that holds anything of that name wins, whatever it is;
/// the bare name when none does.
fn search_in(program: &str, directories: &str) -> String {
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

/// Whether the file can be executed, which the error calls as `shown` says.
fn check(path: &str, shown: impl Fn() -> String) -> Result<(), CommandError> {
    let Ok(metadata) = std::fs::metadata(path) else {
        return Err(CommandError::NotFound(format!(
            "can't find command {}",
            shown()
        )));
    };
    let problem = if metadata.is_dir() {
        format!("command at {} is a directory", shown())
    } else if metadata.permissions().mode() & 0o111 == 0 {
        format!("command at {} is not executable", shown())
    } else if is_denied(path) {
        format!("no permission to run command {}", shown())
    } else {
        return Ok(());
    };
    Err(CommandError::NotExecutable(problem))
}

/// Whether the system denies that the file may be executed. Where the question itself is refused,
/// exec gives the answer.
fn is_denied(path: &str) -> bool {
    access(path, AccessFlags::X_OK).is_err_and(|errno| !errno::is_refusal(errno as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::machine::tests::process;
    use std::fs::Permissions;

    fn find_in(
        command: &str,
        configured: Option<&str>,
        inherited: Option<&str>,
    ) -> Result<Executable, String> {
        let mut process = process();
        process.command = command.into();
        process
            .environment
            .extend(configured.map(|path| ("PATH".to_owned(), path.to_owned())));
        find(&process, inherited.map(str::as_bytes)).map_err(|error| error.to_string())
    }

    /// A directory with a directory `folder`, a plain file `plain` and an executable `tool`.
    fn place() -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        std::fs::create_dir(path.join("folder")).unwrap();
        for (name, mode) in [("plain", 0o644), ("tool", 0o755)] {
            std::fs::write(path.join(name), "").unwrap();
            std::fs::set_permissions(path.join(name), Permissions::from_mode(mode)).unwrap();
        }
        let text = path.to_str().unwrap().to_owned();
        (directory, text)
    }

    #[test]
    fn a_command_becomes_a_file_and_words() {
        let (_directory, path) = place();
        let found = find_in(&format!("{path}/tool 'a b' c"), None, None).unwrap();
        assert_eq!(found.path, format!("{path}/tool"));
        assert_eq!(
            found.arguments,
            [format!("{path}/tool"), "a b".to_owned(), "c".to_owned()]
        );
    }

    #[test]
    fn a_program_without_a_slash_is_searched_in_the_path_of_the_configuration_first() {
        let (_directory, path) = place();
        let found = find_in("tool x", Some(&path), Some("/nonexistent")).unwrap();
        assert_eq!(
            (found.path, found.arguments[0].as_str()),
            (format!("{path}/tool"), "tool")
        );
        let found = find_in("tool", None, Some(&format!("/nonexistent:{path}"))).unwrap();
        assert_eq!(found.path, format!("{path}/tool"));
        assert_eq!(find_in("sh", None, Some("")).unwrap().path, "/bin/sh");
    }

    #[test]
    fn what_cannot_be_executed_is_told() {
        let (_directory, path) = place();
        for (command, error) in [
            ("", "command is empty".to_owned()),
            (
                "'x",
                "can't parse command \"'x\": No closing quotation".to_owned(),
            ),
            (
                "x\\",
                "can't parse command 'x\\\\': No escaped character".to_owned(),
            ),
            ("nosuch", "can't find command 'nosuch'".to_owned()),
            (
                "folder",
                format!("command at '{path}/folder' is a directory"),
            ),
            (
                "plain",
                format!("command at '{path}/plain' is not executable"),
            ),
        ] {
            assert_eq!(find_in(command, Some(&path), None), Err(error), "{command}");
        }
    }

    #[test]
    fn the_first_thing_of_that_name_in_the_path_ends_the_search() {
        let (_directory, path) = place();
        let (_other, second) = place();
        std::fs::remove_file(format!("{path}/tool")).unwrap();
        std::fs::create_dir(format!("{path}/tool")).unwrap();
        let error = find_in("tool", Some(&format!("{path}:{second}")), None);
        assert_eq!(
            error,
            Err(format!("command at '{path}/tool' is a directory"))
        );
    }
}
