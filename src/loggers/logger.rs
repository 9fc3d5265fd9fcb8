//! The daemon's own log: records with time and level, to each of its targets.
//!
//! Each record is written at once and unbuffered. A target that cannot write
//! disturbs nobody: it keeps its failure for whoever asks.

use std::borrow::Cow;
use std::fmt::Display;
use std::rc::Rc;

use crate::config::keeping::FileKeeping;
use crate::config::line_format::LineFormat;
use crate::log_level::Level;
use crate::loggers::failure::LogFailure;
use crate::loggers::format;
use crate::loggers::look::Look;
use crate::loggers::rotation::Rotation;
use crate::loggers::target::{self, Target};
use crate::snapshot::saved;
use crate::sys::outlet::Identity;
use crate::sys::syslog::Mark;
use crate::sys::time;
use crate::text::plain;

/// What the main log is to be.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    pub level: Level,
    /// The path of its file; `None` is syslog(3).
    pub file: Option<&'a str>,
    pub rotation: Rotation,
    /// How its files are kept, where that is configured.
    pub keeping: Option<&'a Rc<FileKeeping>>,
    pub format: &'a LineFormat,
    /// Whether stdout gets a copy.
    pub is_copied: bool,
    /// Whether names before lines may be coloured on a terminal.
    pub may_colour: bool,
}

/// What announces that a target is opened anew.
const REOPENING: &str = "reopening log file";

/// The main log.
#[derive(Debug)]
pub struct Logger {
    level: Level,
    /// The copy that a foreground daemon writes.
    pub stdout: Option<Target>,
    /// Its file, if it goes to one.
    pub file: Option<Target>,
    goes_to_syslog: bool,
    /// The system's log, whether the main log goes there or not: children may write to it as well.
    pub syslog: Target,
    /// How records are written, if not as in 4.3.0.
    look: Option<Box<Look>>,
    /// The record that is being written; kept for its memory.
    line: String,
}

saved! {
    struct Logger {
        level, stdout, file, goes_to_syslog, syslog, look,
        // It is empty between records.
        line = String::new(),
    }
}

impl Logger {
    /// A log that takes records of `level` and graver, without a target yet;
    /// `program` is the name for syslog.
    pub fn new(level: Level, program: &str) -> Logger {
        Logger {
            level,
            stdout: None,
            file: None,
            goes_to_syslog: false,
            syslog: Target::syslog(program),
            look: None,
            line: String::new(),
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
            logger.stdout = Target::stdout().ok();
        }
        match settings.file {
            Some(path) => {
                if let Some(keeping) = settings.keeping {
                    target::make_first(path, keeping);
                }
                let mut file = match Target::open(path, settings.rotation) {
                    Err(_) if may_be_missing => Target::missing(path, settings.rotation),
                    opened => opened?,
                };
                if let Some(keeping) = settings.keeping {
                    file.keep(keeping, time::wall(), false);
                }
                logger.file = Some(file);
            }
            None => logger.goes_to_syslog = true,
        }
        logger.keep_lines_single();
        let stdout = logger.stdout.as_ref().filter(|_| settings.may_colour);
        let is_coloured = stdout.is_some_and(|stdout| stdout.sink().is_terminal());
        logger.look = Look::of(settings.format, is_coloured);
        Ok(logger)
    }

    /// Ends the copy on stdout where that is the log itself, so that each line is
    /// there once. It does not come back: after a rollover stdout is a backup.
    fn keep_lines_single(&mut self) {
        if let (Some(_), Some(file)) = (&self.stdout, &self.file)
            && let Some(stdout) = Identity::of_stdout()
            && (file.sink().identity() == Some(stdout) || file.has_backup(stdout))
        {
            self.stdout = None;
        }
    }

    /// Whether records of that level are written; saves making costly texts.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.level
    }

    pub fn log(&mut self, level: Level, message: impl Display) {
        self.write(level, &message, None);
    }

    /// Writes a record at `DEBG` that ends in what a child wrote, on a line of its own.
    pub fn debug_text(&mut self, message: impl Display, text: &str) {
        self.write(Level::Debug, &message, Some(text));
    }

    fn write(&mut self, level: Level, message: &dyn Display, text: Option<&str>) {
        let goes_nowhere = self.stdout.is_none() && self.file.is_none() && !self.goes_to_syslog;
        if !self.enabled(level) || goes_nowhere {
            return;
        }
        if self.look.is_some() {
            return self.write_looking(level, message, text);
        }
        let now = time::wall();
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        format::append_record(&mut line, time::local(now), now.nanoseconds, level, message);
        if let Some(text) = text {
            format::append_text(&mut line, text);
        }
        let syslog = self.goes_to_syslog.then_some(&mut self.syslog);
        let targets = self.stdout.iter_mut().chain(&mut self.file).chain(syslog);
        targets.for_each(|target| target.write(line.as_bytes()));
        // An unusually long record does not keep its memory.
        line.shrink_to(4096);
        self.line = line;
    }

    /// Writes a record in another form than that of 4.3.0.
    fn write_looking(&mut self, level: Level, message: &dyn Display, text: Option<&str>) {
        let Some(look) = &mut self.look else { return };
        let (copied, plain) = look.records(level, message, text);
        if let Some(stdout) = &mut self.stdout {
            stdout.write(copied.as_ref().unwrap_or(&plain));
        }
        let syslog = self.goes_to_syslog.then_some(&mut self.syslog);
        let targets = self.file.iter_mut().chain(syslog);
        targets.for_each(|target| target.write(&plain));
    }

    /// The longest name of a process that stands before its lines, for the same column here.
    pub fn widen(&mut self, width: usize) {
        if let Some(look) = &mut self.look {
            look.width = look.width.max(width);
        }
    }

    /// Sends what a process wrote to the system's log, a record for each line, and perhaps its
    /// name before each.
    pub fn send_to_syslog(&mut self, mark: Mark<'_>, name: Option<&str>, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        for line in text.trim_end_matches('\n').split('\n') {
            let record = match name {
                Some(name) => Cow::Owned(format!("{name} {line}")),
                None => Cow::Borrowed(line),
            };
            // A NUL would end the record in the system's log, and begin another.
            self.syslog.send(mark, plain::shown(&record).as_bytes());
        }
    }

    pub fn critical(&mut self, message: impl Display) {
        self.log(Level::Critical, message);
    }

    pub fn error(&mut self, message: impl Display) {
        self.log(Level::Error, message);
    }

    pub fn warn(&mut self, message: impl Display) {
        self.log(Level::Warn, message);
    }

    pub fn info(&mut self, message: impl Display) {
        self.log(Level::Info, message);
    }

    pub fn debug(&mut self, message: impl Display) {
        self.log(Level::Debug, message);
    }

    pub fn blather(&mut self, message: impl Display) {
        self.log(Level::Blather, message);
    }

    /// The path of the file that it goes to, if it goes to one.
    pub fn path(&self) -> Option<&str> {
        self.file.as_ref().map(Target::path)
    }

    /// Opens the file anew, for when somebody has moved it away. After a
    /// failure the old one stays open.
    pub fn reopen(&mut self) -> Result<(), LogFailure> {
        let outcome = self.file.as_mut().map_or(Ok(()), Target::reopen);
        self.keep_lines_single();
        outcome
    }

    /// Rolls the file over, unless it is empty.
    pub fn rotate(&mut self) -> Result<(), LogFailure> {
        self.file.as_mut().map_or(Ok(()), Target::rotate_now)
    }

    /// Removes the file and starts an empty one. Each target is
    /// announced before it reopens, so the lines reach stdout but not the new file.
    pub fn clear(&mut self) -> Result<(), LogFailure> {
        self.file.as_mut().map_or(Ok(()), Target::remove)?;
        if self.stdout.is_some() {
            self.info(REOPENING);
        }
        if self.file.is_some() {
            self.info(REOPENING);
        }
        self.file.as_mut().map_or(Ok(()), Target::reopen)
    }

    /// Writes what still waits, and closes everything. Records after that go nowhere.
    pub fn close(&mut self) {
        let targets = self.stdout.iter_mut().chain(&mut self.file);
        targets.chain([&mut self.syslog]).for_each(Target::flush);
        (self.stdout, self.file, self.goes_to_syslog) = (None, None, false);
    }
}

#[cfg(test)]
mod tests;
