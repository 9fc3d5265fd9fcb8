//! The daemon's own log: records with time and level, to each of its handlers.
//!
//! Each record is written at once and unbuffered. A handler that cannot write
//! disturbs nobody: its failure is kept for whoever asks ([`Logger::take_failure`]).

use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;

use crate::log_level::Level;
use crate::loggers::failure::LogFailure;
use crate::loggers::file::{LogWriter, Rotation};
use crate::loggers::format;
use crate::loggers::stream::StreamWriter;
use crate::loggers::system::SystemLog;
use crate::sys::outlet::{Identity, Outlet};
use crate::sys::time;

/// What the main log is to be.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    pub level: Level,
    /// The path of its file; `None` is syslog(3).
    pub file: Option<&'a str>,
    pub rotation: Rotation,
    /// Whether stdout gets a copy.
    pub is_copied: bool,
}

/// Where records go.
#[derive(Debug)]
enum Handler {
    /// The copy that a foreground daemon writes.
    Stdout(StreamWriter),
    File(LogWriter),
    /// The system's log, which children may write to as well.
    Syslog,
}

/// The main log.
#[derive(Debug)]
pub struct Logger {
    level: Level,
    handlers: Vec<Handler>,
    /// The record that is being written; kept for its memory.
    line: String,
    failure: Option<LogFailure>,
    /// The system's log, whether the main log goes there or not.
    pub syslog: SystemLog,
}

impl Logger {
    /// A log that takes records of `level` and graver, without a handler yet;
    /// `program` is the name for syslog.
    pub fn new(level: Level, program: &str) -> Logger {
        Logger {
            level,
            handlers: Vec::new(),
            line: String::new(),
            failure: None,
            syslog: SystemLog::new(program),
        }
    }

    /// The log that the configuration asks for. A file that cannot be opened is an error, or is opened later where `may_be_missing`.
    pub fn open(
        settings: Settings<'_>,
        program: &str,
        may_be_missing: bool,
    ) -> Result<Logger, LogFailure> {
        let mut logger = Logger::new(settings.level, program);
        if settings.is_copied {
            // One without a stdout does without the copy.
            let stdout = Outlet::stdout().map(|outlet| StreamWriter::new("stdout", outlet));
            logger.handlers.extend(stdout.ok().map(Handler::Stdout));
        }
        logger.handlers.push(match settings.file {
            Some(path) => Handler::File(match LogWriter::open(path, settings.rotation) {
                Err(_) if may_be_missing => LogWriter::missing(path, settings.rotation),
                opened => opened?,
            }),
            None => Handler::Syslog,
        });
        logger.keep_lines_single();
        Ok(logger)
    }

    /// Ends the copy on stdout where that is the log itself, so that each line is
    /// there once. It does not come back: after a rollover stdout is a backup.
    fn keep_lines_single(&mut self) {
        let has_copy = |handler: &Handler| matches!(handler, Handler::Stdout(_));
        if !self.handlers.iter().any(has_copy) {
            return;
        }
        let is_stdout = Identity::of_stdout().is_some_and(|stdout| {
            self.handlers.iter().any(|handler| match handler {
                Handler::File(file) => file.identity() == Some(stdout) || file.has_backup(stdout),
                Handler::Stdout(_) | Handler::Syslog => false,
            })
        });
        if is_stdout {
            self.handlers.retain(|handler| !has_copy(handler));
        }
    }

    /// Whether records of that level are written; saves making costly texts.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.level
    }

    /// Writes one record.
    pub fn log(&mut self, level: Level, message: impl Display) {
        self.write(level, message, None);
    }

    /// Writes a record at `DEBG` that ends in what a child wrote, on a line of its own.
    pub fn debug_text(&mut self, message: impl Display, text: &str) {
        self.write(Level::Debug, message, Some(text));
    }

    fn write(&mut self, level: Level, message: impl Display, text: Option<&str>) {
        if !self.enabled(level) || self.handlers.is_empty() {
            return;
        }
        let now = time::wall();
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        format::append_record(&mut line, time::local(now), now.nanoseconds, level, message);
        if let Some(text) = text {
            format::append_text(&mut line, text);
        }
        let record = line.as_bytes();
        for handler in &mut self.handlers {
            let written = match handler {
                Handler::Stdout(stream) => stream.write(record),
                Handler::File(file) => file.write(record),
                Handler::Syslog => {
                    self.syslog.send(record);
                    Ok(())
                }
            };
            if let Err(failure) = written {
                self.failure = Some(failure);
            }
        }
        // An unusually long record does not keep its memory.
        line.shrink_to(4096);
        self.line = line;
    }

    /// Writes a record at `CRIT`.
    pub fn critical(&mut self, message: impl Display) {
        self.log(Level::Critical, message);
    }

    /// Writes a record at `ERRO`.
    pub fn error(&mut self, message: impl Display) {
        self.log(Level::Error, message);
    }

    /// Writes a record at `WARN`.
    pub fn warn(&mut self, message: impl Display) {
        self.log(Level::Warn, message);
    }

    /// Writes a record at `INFO`.
    pub fn info(&mut self, message: impl Display) {
        self.log(Level::Info, message);
    }

    /// Writes a record at `DEBG`.
    pub fn debug(&mut self, message: impl Display) {
        self.log(Level::Debug, message);
    }

    /// Writes a record at `BLAT`.
    pub fn blather(&mut self, message: impl Display) {
        self.log(Level::Blather, message);
    }

    /// The file that it goes to, if it goes to one.
    pub fn path(&self) -> Option<&str> {
        self.handlers.iter().find_map(|handler| match handler {
            Handler::File(file) => Some(file.path()),
            Handler::Stdout(_) | Handler::Syslog => None,
        })
    }

    /// What writes to the file, if it goes to one.
    pub fn writer_mut(&mut self) -> Option<&mut LogWriter> {
        self.handlers.iter_mut().find_map(|handler| match handler {
            Handler::File(file) => Some(file),
            Handler::Stdout(_) | Handler::Syslog => None,
        })
    }

    /// Opens the file anew, for when somebody has moved it away. After a
    /// failure the old one stays open.
    pub fn reopen(&mut self) -> Result<(), LogFailure> {
        let outcome = self.handlers.iter_mut().try_for_each(Handler::reopen);
        self.keep_lines_single();
        outcome
    }

    /// Removes the file and starts an empty one. Each handler that reopens is
    /// announced before it does, so the lines reach stdout but not the new file.
    pub fn clear(&mut self) -> Result<(), LogFailure> {
        for handler in &mut self.handlers {
            if let Handler::File(file) = handler {
                file.remove()?;
            }
        }
        let mut outcome = Ok(());
        for index in 0..self.handlers.len() {
            if matches!(self.handlers.get(index), Some(Handler::Syslog)) {
                continue;
            }
            self.info("reopening log file");
            if let Some(handler) = self.handlers.get_mut(index) {
                outcome = outcome.and(handler.reopen());
            }
        }
        outcome
    }

    /// Tries again to write what a slow reader of stdout or of the log, or a
    /// busy syslog, did not take.
    pub fn flush(&mut self) {
        self.syslog.flush();
        for handler in &mut self.handlers {
            let flushed = match handler {
                Handler::Stdout(stream) => stream.flush(),
                Handler::File(file) => file.flush(),
                Handler::Syslog => Ok(()),
            };
            if let Err(failure) = flushed {
                self.failure = Some(failure);
            }
        }
    }

    /// Whether something waits for a slow reader or for syslog, so that [`flush`](Logger::flush) is worth a call.
    pub fn is_congested(&self) -> bool {
        self.pending() > 0
    }

    /// How many bytes wait for slow readers and for syslog.
    pub fn pending(&self) -> u64 {
        let pending = self.handlers.iter().map(|handler| match handler {
            Handler::Stdout(stream) => stream.pending(),
            Handler::File(file) => file.pending(),
            Handler::Syslog => 0,
        });
        pending.sum::<u64>() + self.syslog.pending()
    }

    /// Second descriptors of what slow readers have not taken, to wait for that.
    pub fn congested_outlets(&self) -> Vec<io::Result<OwnedFd>> {
        let outlets = self.handlers.iter().filter_map(|handler| match handler {
            Handler::Stdout(stream) => stream.is_congested().then(|| stream.outlet()),
            Handler::File(file) if file.is_congested() => file.outlet(),
            Handler::File(_) | Handler::Syslog => None,
        });
        let syslog = (self.syslog.pending() > 0).then(|| self.syslog.outlet());
        outlets.chain(syslog).collect()
    }

    /// For a file to which others write as well: rolls it over if they have
    /// filled it.
    pub fn roll_over_if_due(&mut self) {
        for handler in &mut self.handlers {
            if let Handler::File(file) = handler
                && let Err(failure) = file.rotate_if_due()
            {
                self.failure = Some(failure);
            }
        }
    }

    /// The latest failure to write since the last call.
    pub fn take_failure(&mut self) -> Option<LogFailure> {
        self.failure.take()
    }

    /// How many bytes of its file or of the copy were lost since the last call.
    pub fn take_lost(&mut self) -> u64 {
        let lost = self.handlers.iter_mut().map(|handler| match handler {
            Handler::File(file) => file.take_lost(),
            Handler::Stdout(stream) => stream.take_lost(),
            Handler::Syslog => 0,
        });
        lost.sum()
    }

    /// Writes what still waits, and closes everything. Records after that go nowhere.
    pub fn close(&mut self) {
        self.flush();
        self.handlers.clear();
    }
}

impl Handler {
    fn reopen(&mut self) -> Result<(), LogFailure> {
        match self {
            Handler::File(file) => file.reopen(),
            Handler::Stdout(_) | Handler::Syslog => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
