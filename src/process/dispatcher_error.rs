//! Why the dispatchers of a child could not be made: its pipes, and the logs behind them.

use std::io;

use crate::loggers::failure::LogFailure;
use crate::sys::errno;

#[derive(Debug)]
pub enum DispatcherError {
    /// A system call failed with this errno.
    System(i32),
    /// The log of this path would be in a directory that does not exist.
    NoLogDirectory(String),
    /// A log was not opened, though the system would have done it.
    Refused(LogFailure),
}

impl DispatcherError {
    /// From a log of this path that could not be opened.
    pub fn of_log(path: &str, failure: LogFailure) -> DispatcherError {
        if failure.refused.is_some() {
            return DispatcherError::Refused(failure);
        }
        let errno = failure.errno;
        let directory = std::path::Path::new(path).parent();
        match directory {
            Some(directory)
                if errno == libc::ENOENT
                    && !directory.as_os_str().is_empty()
                    && !directory.is_dir() =>
            {
                DispatcherError::NoLogDirectory(path.to_owned())
            }
            _ => DispatcherError::System(errno),
        }
    }

    /// From the system's answer.
    pub fn of(error: &io::Error) -> DispatcherError {
        DispatcherError::System(errno::of(error).unwrap_or(libc::EIO))
    }

    /// The text for `spawnerr`.
    pub fn text(&self, process: &str) -> String {
        match self {
            DispatcherError::System(libc::EMFILE) => {
                format!("too many open files to spawn '{process}'")
            }
            DispatcherError::System(errno) => {
                format!(
                    "unknown error making dispatchers for '{process}': {}",
                    errno::name(*errno)
                )
            }
            DispatcherError::Refused(failure) => failure.to_string(),
            DispatcherError::NoLogDirectory(path) => {
                format!("The directory named as part of the path {path} does not exist")
            }
        }
    }
}

/// The text for `spawnerr` where fork has failed with this errno.
pub fn fork_text(process: &str, errno: i32) -> String {
    match errno {
        libc::EAGAIN => format!("Too many processes in process table to spawn '{process}'"),
        _ => format!(
            "unknown error during fork for '{process}': {}",
            errno::name(errno)
        ),
    }
}
