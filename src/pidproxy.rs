//! pidproxy: starts a command and forwards signals to the process whose pid
//! is in a file, for programs whose real process is not the one started.
//!
//! Unlike 4.3.0's it notices at once when the command ends, and exits with
//! the command's status.

use std::ffi::{CString, OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::iter;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal as SystemSignal};

use crate::signal::Signal;
use crate::sys::errno;
use crate::sys::kill::kill;
use crate::sys::signals::Signals;
use crate::sys::terminal;
use crate::sys::wait::reap;
use crate::termination::Termination;

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
    let child = start_command(&absolute(command)?, command, arguments)?;
    loop {
        // Looked at before the signals: those that came before the end are still sent on.
        let end = ended(child)?;
        for signal in Signals::drain(arrived.as_fd()) {
            if signal == Signal::CHLD {
                continue;
            }
            if let Some(status) = forward(pidfile, signal) {
                return Ok(status);
            }
        }
        if let Some(status) = end {
            return Ok(status);
        }
        wait_readable(arrived.as_fd())?;
    }
}

/// The command's path against the current directory; `PATH` is not searched.
fn absolute(command: &OsStr) -> io::Result<PathBuf> {
    Ok(std::env::current_dir()?.join(command))
}

/// Starts the command with the environment and the descriptors of the proxy. The standard
/// library's `Command` can do much more, for 20 KB of code.
fn start_command(path: &Path, command: &OsStr, arguments: &[OsString]) -> io::Result<i32> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let words = iter::once(command).chain(arguments.iter().map(OsString::as_os_str));
    let words = words.map(|word| CString::new(word.as_bytes()));
    let words = words.collect::<Result<Vec<_>, _>>()?;
    let variables = std::env::vars_os();
    let variables = variables
        .map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()));
    let environment = variables.collect::<Result<Vec<_>, _>>()?;
    // What Rust ignores at its start is not the command's.
    let mut defaults = SigSet::empty();
    defaults.add(SystemSignal::SIGPIPE);
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigdefault(&defaults)?;
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_flags(
        PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
    )?;
    let actions = PosixSpawnFileActions::init()?;
    let pid = posix_spawn(path.as_c_str(), &actions, &attributes, &words, &environment)?;
    Ok(pid.as_raw())
}

/// The exit status, once the command has ended.
fn ended(child: i32) -> io::Result<Option<u8>> {
    while let Some((pid, termination)) = reap()? {
        if pid == child {
            return Ok(Some(exit_status(termination)));
        }
    }
    Ok(None)
}

fn exit_status(termination: Termination) -> u8 {
    let number = match termination {
        Termination::Exited(code) => code,
        Termination::Signaled { signal, .. } => 128 + signal,
        Termination::Unknown(_) => 1,
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
        let killed = |signal| Termination::Signaled {
            signal,
            core_dumped: false,
        };
        for (end, expected) in [
            (Termination::Exited(0), 0),
            (Termination::Exited(3), 3),
            (Termination::Exited(255), 255),
            (killed(15), 143),
            (killed(64), 192),
        ] {
            assert_eq!(exit_status(end), expected);
        }
    }
}
