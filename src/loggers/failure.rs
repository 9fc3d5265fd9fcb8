//! What went wrong with a log, as a value: the operation, the path, the reason.

use std::fmt;
use std::io;

use crate::snapshot::saved;
use crate::sys::errno;
use crate::sys::refused::Refused;

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOperation {
    /// Opening, or opening again.
    Open,
    Write,
    /// Moving the file aside when it had grown to its limit.
    Rotate,
    /// Removing the file to clear it.
    Remove,
    /// Giving the file its owner and its mode.
    Own,
}

saved! { enum LogOperation { Open, Write, Rotate, Remove, Own } }

impl LogOperation {
    fn verb(self) -> &'static str {
        match self {
            LogOperation::Open => "open",
            LogOperation::Write => "write",
            LogOperation::Rotate => "rotate",
            LogOperation::Remove => "remove",
            LogOperation::Own => "set owner and mode of",
        }
    }
}

/// A failed operation on a log. Displays as
/// `cannot open /var/log/x.log: Permission denied`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFailure {
    /// What was attempted.
    pub operation: LogOperation,
    /// On which file; `stdout` and `syslog` for those.
    pub path: String,
    /// The system's number for the reason.
    pub errno: i32,
    /// What was refused by ourselves, and why.
    pub refused: Option<String>,
}

saved! { struct LogFailure { operation, path, errno, refused } }

impl LogFailure {
    /// From the system's answer.
    pub fn new(operation: LogOperation, path: &str, error: &io::Error) -> LogFailure {
        let errno = errno::of(error).unwrap_or(match error.kind() {
            io::ErrorKind::InvalidInput => libc::EINVAL,
            io::ErrorKind::WouldBlock => libc::EAGAIN,
            _ => libc::EIO,
        });
        LogFailure {
            operation,
            path: path.to_owned(),
            errno,
            refused: Refused::of(error).map(Refused::to_string),
        }
    }
}

impl fmt::Display for LogFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cannot {} {}: {}",
            self.operation.verb(),
            self.path,
            match &self.refused {
                Some(text) => text.clone(),
                None => errno::text(self.errno),
            }
        )
    }
}

impl std::error::Error for LogFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_operation_path_and_reason() {
        for (operation, errno, expected) in [
            (
                LogOperation::Open,
                libc::EACCES,
                "cannot open /l: Permission denied",
            ),
            (
                LogOperation::Write,
                libc::ENOSPC,
                "cannot write /l: No space left on device",
            ),
            (
                LogOperation::Rotate,
                libc::ENOENT,
                "cannot rotate /l: No such file or directory",
            ),
            (
                LogOperation::Remove,
                libc::EPERM,
                "cannot remove /l: Operation not permitted",
            ),
        ] {
            let error = io::Error::from_raw_os_error(errno);
            let failure = LogFailure::new(operation, "/l", &error);
            assert_eq!(failure.to_string(), expected);
            assert_eq!(failure.errno, errno);
        }
    }

    #[test]
    fn an_error_that_is_not_the_systems_has_a_number_too() {
        let nul = std::fs::File::open("a\0b").unwrap_err();
        let failure = LogFailure::new(LogOperation::Open, "a\0b", &nul);
        assert_eq!(failure.errno, libc::EINVAL);
    }
}
