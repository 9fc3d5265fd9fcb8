//! The daemon's own log: records with time and level, to each of its handlers.
//!
//! Each record is written at once and unbuffered. A handler that cannot write
//! disturbs nobody: its failure is kept for whoever asks ([`Logger::take_failure`]).

use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;

use crate::config::{MainLog, Supervisord};
use crate::loggers::failure::{LogFailure, Operation};
use crate::loggers::file::{LogWriter, Rotation};
use crate::loggers::format;
use crate::loggers::level::Level;
use crate::loggers::stream::StreamWriter;
use crate::sys::outlet::Outlet;
use crate::sys::syslog::Syslog;
use crate::sys::time;

/// Where records go.
#[derive(Debug)]
enum Handler {
    /// The copy that a foreground daemon writes.
    Stdout(StreamWriter),
    File(LogWriter),
    Syslog(Syslog),
}

/// The main log.
#[derive(Debug)]
pub struct Logger {
    level: Level,
    handlers: Vec<Handler>,
    /// The record that is being written; kept for its memory.
    line: Vec<u8>,
    failure: Option<LogFailure>,
    /// Bytes that syslog has not taken.
    lost: u64,
}

impl Logger {
    /// A log that takes records of `level` and graver, without a handler yet.
    pub fn new(level: Level) -> Logger {
        Logger {
            level,
            handlers: Vec::new(),
            line: Vec::new(),
            failure: None,
            lost: 0,
        }
    }

    /// The log that the configuration asks for; `program` is the name for
    /// syslog. A foreground daemon that is not silent copies it to stdout.
    pub fn open(settings: &Supervisord, program: &str) -> Result<Logger, LogFailure> {
        let mut logger = Logger::new(settings.loglevel);
        if settings.nodaemon && !settings.silent {
            // One without a stdout does without the copy.
            let stdout = Outlet::stdout().map(|outlet| StreamWriter::new("stdout", outlet));
            logger.handlers.extend(stdout.ok().map(Handler::Stdout));
        }
        logger.handlers.push(match &settings.logfile {
            MainLog::File(path) => Handler::File(LogWriter::open(
                path,
                Rotation {
                    maxbytes: settings.logfile_maxbytes,
                    backups: settings.logfile_backups,
                },
            )?),
            MainLog::Syslog => Handler::Syslog(Syslog::new(program)),
        });
        Ok(logger)
    }

    /// Whether records of that level are written; saves making costly texts.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.level
    }

    /// Writes one record.
    pub fn log(&mut self, level: Level, message: impl Display) {
        if !self.enabled(level) || self.handlers.is_empty() {
            return;
        }
        let now = time::wall();
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        format::append_record(&mut line, time::local(now), now.nanoseconds, level, message);
        for handler in &mut self.handlers {
            if let Err(failure) = handler.write(&line) {
                self.failure = Some(failure);
                if let Handler::Syslog(_) = handler {
                    self.lost += line.len() as u64;
                }
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
            Handler::Stdout(_) | Handler::Syslog(_) => None,
        })
    }

    /// Opens the file anew, for when somebody has moved it away. After a
    /// failure the old one stays open.
    pub fn reopen(&mut self) -> Result<(), LogFailure> {
        self.handlers.iter_mut().try_for_each(Handler::reopen)
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
            if matches!(self.handlers.get(index), Some(Handler::Syslog(_))) {
                continue;
            }
            self.info("reopening log file");
            if let Some(handler) = self.handlers.get_mut(index) {
                outcome = outcome.and(handler.reopen());
            }
        }
        outcome
    }

    /// Tries again to write what a slow reader of stdout or of the log did not take.
    pub fn flush(&mut self) {
        for handler in &mut self.handlers {
            let flushed = match handler {
                Handler::Stdout(stream) => stream.flush(),
                Handler::File(file) => file.flush(),
                Handler::Syslog(_) => Ok(()),
            };
            if let Err(failure) = flushed {
                self.failure = Some(failure);
            }
        }
    }

    /// Whether something waits for a slow reader, so that [`flush`](Logger::flush) is worth a call.
    pub fn is_congested(&self) -> bool {
        self.handlers.iter().any(|handler| match handler {
            Handler::Stdout(stream) => stream.is_congested(),
            Handler::File(file) => file.is_congested(),
            Handler::Syslog(_) => false,
        })
    }

    /// How many bytes wait for slow readers.
    pub fn pending(&self) -> u64 {
        let pending = self.handlers.iter().map(|handler| match handler {
            Handler::Stdout(stream) => stream.pending(),
            Handler::File(file) => file.pending(),
            Handler::Syslog(_) => 0,
        });
        pending.sum()
    }

    /// Second descriptors of what slow readers have not taken, to wait for that.
    pub fn congested_outlets(&self) -> Vec<io::Result<OwnedFd>> {
        let outlets = self.handlers.iter().filter_map(|handler| match handler {
            Handler::Stdout(stream) => stream.is_congested().then(|| stream.outlet()),
            Handler::File(file) if file.is_congested() => file.outlet(),
            Handler::File(_) | Handler::Syslog(_) => None,
        });
        outlets.collect()
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

    /// How many bytes of its file, of the copy or for syslog were lost since the last call.
    pub fn take_lost(&mut self) -> u64 {
        let lost = self.handlers.iter_mut().map(|handler| match handler {
            Handler::File(file) => file.take_lost(),
            Handler::Stdout(stream) => stream.take_lost(),
            Handler::Syslog(_) => 0,
        });
        lost.sum::<u64>() + std::mem::take(&mut self.lost)
    }

    /// Writes what still waits, and closes everything. Records after that go nowhere.
    pub fn close(&mut self) {
        self.flush();
        self.handlers.clear();
    }
}

impl Handler {
    fn write(&mut self, line: &[u8]) -> Result<(), LogFailure> {
        match self {
            Handler::Stdout(stream) => stream.write(line),
            Handler::File(file) => file.write(line),
            Handler::Syslog(syslog) => syslog
                .send(line)
                .map_err(|error| LogFailure::new(Operation::Write, "syslog", &error)),
        }
    }

    fn reopen(&mut self) -> Result<(), LogFailure> {
        match self {
            Handler::File(file) => file.reopen(),
            Handler::Stdout(_) | Handler::Syslog(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
