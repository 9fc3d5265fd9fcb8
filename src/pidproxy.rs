//! pidproxy: starts a command and forwards signals to the process whose pid
//! is in a file, for programs whose real process is not the one started.
//!
//! Unlike 4.3.0's it notices at once when the command ends, and exits with
//! the command's status.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::signal::Signal;
use crate::sys::errno;
use crate::sys::kill::kill;
use crate::sys::signals::Signals;
use crate::sys::terminal;

/// What is forwarded.
pub const FORWARDED: [Signal; 6] = [
    Signal::TERM,
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
];
/// What ends the proxy once it has been forwarded.
pub const ENDING: [Signal; 3] = [Signal::TERM, Signal::INT, Signal::QUIT];

/// The status of a command that cannot be run, as shells have it.
const CANNOT_RUN: u8 = 127;

/// Bytes of a pid file that are read.
const LONGEST_PIDFILE: u64 = 4096;

/// Runs the program: `pidproxy PIDFILE COMMAND [ARG…]`.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let [_, pidfile, command, command_arguments @ ..] = arguments.as_slice() else {
        let program = arguments.first().map(OsString::as_os_str);
        terminal::tell(&usage(program.unwrap_or(OsStr::new("pidproxy"))));
        return ExitCode::FAILURE;
    };
    match run(Path::new(pidfile), command, command_arguments) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            terminal::complain(&format!(
                "pidproxy: cannot run {}: {}\n",
                command.display(),
                errno::reason(&error)
            ));
            ExitCode::from(CANNOT_RUN)
        }
    }
}

fn usage(program: &OsStr) -> String {
    format!(
        "pidproxy: run a command and pass signals on to the process that a pidfile names.\n\
         Usage: {} <pidfile name> <command> [<cmdarg1> ...]\n",
        program.display()
    )
}

fn run(pidfile: &Path, command: &OsStr, arguments: &[OsString]) -> io::Result<u8> {
    // Handlers, not a mask: the command must start with the signals as they were.
    let caught: Vec<Signal> = FORWARDED.into_iter().chain([Signal::CHLD]).collect();
    let (_signals, arrived) = Signals::install(&caught)?;
    let mut child = Command::new(absolute(command)?)
        .arg0(command)
        .args(arguments)
        .spawn()?;
    loop {
        // Looked at before the signals: those that came before the end are still sent on.
        let end = ended(&mut child)?;
        for signal in Signals::drain(arrived.as_fd()) {
            if signal == Signal::CHLD {
                continue;
            }
            if let Some(status) = forward(pidfile, signal) {
                return Ok(status);
            }
        }
        if let Some(status) = end {
            return Ok(exit_status(status));
        }
        wait_readable(arrived.as_fd())?;
    }
}

/// The command's path against the current directory; `PATH` is not searched.
fn absolute(command: &OsStr) -> io::Result<PathBuf> {
    Ok(std::env::current_dir()?.join(command))
}

fn ended(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    child.try_wait()
}

fn exit_status(status: ExitStatus) -> u8 {
    let number = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(number).unwrap_or(1)
}

/// Sends the signal on. The exit status, if that was the end of the proxy.
fn forward(pidfile: &Path, signal: Signal) -> Option<u8> {
    let Some(pid) = read_pid(pidfile) else {
        // Written at once: a supervisor reads it from a pipe.
        terminal::tell(&format!(
            "Can't read child pidfile {}!\n",
            pidfile.display()
        ));
        return None;
    };
    let is_end = ENDING.contains(&signal);
    if let Err(code) = kill(pid, signal) {
        let reason = errno::text(code);
        terminal::complain(&format!(
            "pidproxy: cannot send {signal} to process {pid}: {reason}\n"
        ));
        return is_end.then_some(1);
    }
    is_end.then_some(0)
}

/// The pid that the file holds. A FIFO is not waited for, and nothing is read that is longer
/// than a pid file can be.
fn read_pid(pidfile: &Path) -> Option<i32> {
    let mut text = String::new();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(pidfile)
        .ok()?;
    file.take(LONGEST_PIDFILE).read_to_string(&mut text).ok()?;
    parse_pid(&text)
}

/// One positive decimal number, white space around it ignored. 0 and negative
/// numbers would mean whole groups of processes.
fn parse_pid(text: &str) -> Option<i32> {
    text.trim().parse().ok().filter(|pid| *pid > 0)
}

fn wait_readable(descriptor: std::os::fd::BorrowedFd<'_>) -> io::Result<()> {
    let mut watched = [PollFd::new(descriptor, PollFlags::POLLIN)];
    match poll(&mut watched, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pidfile_holds_one_positive_number() {
        for (text, expected) in [
            ("12\n", Some(12)),
            (" 12 \n\n", Some(12)),
            ("0", None),
            ("-1", None),
            ("1 2", None),
            ("1\n2\n", None),
            ("", None),
            ("x", None),
            ("99999999999", None),
        ] {
            assert_eq!(parse_pid(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_commands_end_becomes_a_status_as_in_a_shell() {
        for (raw, expected) in [(0, 0), (3 << 8, 3), (255 << 8, 255), (15, 143)] {
            assert_eq!(exit_status(ExitStatus::from_raw(raw)), expected);
        }
    }
}
