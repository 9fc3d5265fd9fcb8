//! What the operator types: lines of standard input, and passwords, which are
//! read from the terminal without echo.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::failure::Failure;
use super::interrupt::wait_readable;
use crate::sys::terminal_mode::Keeper;

/// The longest line, in bytes.
const LINE_LIMIT: usize = 1 << 20;

/// Lines from a source that may be a terminal, a pipe or a file.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// The next line without its end; the last one may lack it.
    /// [`Failure::EndOfInput`] if there is none, or it cannot be read.
    pub fn next(
        &mut self,
        source: &mut (impl Read + AsFd),
        interrupt: Option<&OwnedFd>,
    ) -> Result<String, Failure> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(without_line_end(&line));
            }
            if self.pending.len() > LINE_LIMIT {
                return Err(Failure::EndOfInput);
            }
            match wait_readable(source.as_fd(), interrupt) {
                Ok(true) => {}
                Ok(false) => return Err(Failure::Interrupted),
                Err(_) => return Err(Failure::EndOfInput),
            }
            match source.read(&mut buffer) {
                Ok(0) | Err(_) if self.pending.is_empty() => return Err(Failure::EndOfInput),
                Ok(0) | Err(_) => return Ok(without_line_end(&std::mem::take(&mut self.pending))),
                Ok(length) => self
                    .pending
                    .extend_from_slice(buffer.get(..length).unwrap_or_default()),
            }
        }
    }
}

fn without_line_end(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

/// The terminal of the session, for a question whose answer is not shown.
#[derive(Debug)]
pub struct HiddenQuestion {
    _keeper: Option<Keeper>,
    terminal: File,
    settings: Termios,
}

impl HiddenQuestion {
    /// Opens the terminal, if there is one, and turns its echo off until the
    /// value is dropped.
    pub fn open() -> io::Result<HiddenQuestion> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let settings = tcgetattr(&terminal)?;
        let keeper = Keeper::keep(terminal.as_fd(), false).ok();
        let mut silent = settings.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &silent)?;
        Ok(HiddenQuestion {
            _keeper: keeper,
            terminal,
            settings,
        })
    }

    /// Asks and reads the answer.
    pub fn ask(&mut self, question: &str, interrupt: Option<&OwnedFd>) -> Result<String, Failure> {
        // Where the terminal cannot be written to, reading from it fails as well.
        let _ = self.terminal.write_all(question.as_bytes());
        let answer = Lines::default().next(&mut self.terminal, interrupt);
        let _ = self.terminal.write_all(b"\n");
        answer
    }
}

impl Drop for HiddenQuestion {
    fn drop(&mut self) {
        // Nothing can be done for a terminal that has gone.
        let _ = tcsetattr(&self.terminal, SetArg::TCSAFLUSH, &self.settings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_the_last_may_lack_its_end() {
        let (mut read, write) = io::pipe().unwrap();
        (&write).write_all(b"pid\r\n\n caf\xc3\xa9").unwrap();
        drop(write);
        let mut lines = Lines::default();
        for expected in ["pid", "", " café"] {
            assert_eq!(lines.next(&mut read, None).unwrap(), expected);
        }
        let end = lines.next(&mut read, None);
        assert!(matches!(end, Err(Failure::EndOfInput)), "{end:?}");
    }

    #[test]
    fn ctrl_c_ends_the_wait_for_a_line() {
        let (mut read, _write) = io::pipe().unwrap();
        let (interrupt, told) = io::pipe().unwrap();
        (&told).write_all(b"\x02").unwrap();
        let interrupt = OwnedFd::from(interrupt);
        let outcome = Lines::default().next(&mut read, Some(&interrupt));
        assert!(matches!(outcome, Err(Failure::Interrupted)), "{outcome:?}");
    }
}
