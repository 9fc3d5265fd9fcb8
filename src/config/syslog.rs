//! How the lines of a program are marked in syslog(3).

use super::error::ConfigError;
use super::key::Fallback::{Derived, Value};
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{self, Word, settings};
use crate::snapshot::{Reader, Save, Saved, Writer};
use crate::text::json::Json;

settings! {
    #[derive(Clone, Debug, PartialEq)]
    pub struct Syslog {
        /// What stands before each line.
        tag as "syslog_tag": Option<String> =
            changed("text", Derived("supervisord, and the name of the process before the line")),
        facility as "syslog_facility": Facility = changed("facility", Value("user")),
        stdout as "syslog_stdout_priority": Priority = changed("priority", Value("info")),
        stderr as "syslog_stderr_priority": Priority = changed("priority", Value("info")),
    }
}

/// A facility by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(pub u8);

impl Save for Facility {
    fn save(&self, to: &mut Writer) {
        to.raw(&self.0.to_string());
    }
}

impl Saved for Facility {
    fn restored(from: &mut Reader<'_>) -> Self {
        Facility(from.number())
    }
}

impl Default for Facility {
    fn default() -> Facility {
        Facility(1)
    }
}

impl Word for Facility {
    const WORDS: &'static [(&'static str, Facility)] = &[
        ("kern", Facility(0)),
        ("user", Facility(1)),
        ("mail", Facility(2)),
        ("daemon", Facility(3)),
        ("auth", Facility(4)),
        ("syslog", Facility(5)),
        ("lpr", Facility(6)),
        ("news", Facility(7)),
        ("uucp", Facility(8)),
        ("cron", Facility(9)),
        ("authpriv", Facility(10)),
        ("ftp", Facility(11)),
        ("local0", Facility(16)),
        ("local1", Facility(17)),
        ("local2", Facility(18)),
        ("local3", Facility(19)),
        ("local4", Facility(20)),
        ("local5", Facility(21)),
        ("local6", Facility(22)),
        ("local7", Facility(23)),
    ];
}

/// How grave lines are, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority(pub u8);

impl Save for Priority {
    fn save(&self, to: &mut Writer) {
        to.raw(&self.0.to_string());
    }
}

impl Saved for Priority {
    fn restored(from: &mut Reader<'_>) -> Self {
        Priority(from.number())
    }
}

impl Default for Priority {
    fn default() -> Priority {
        Priority(6)
    }
}

impl Word for Priority {
    const WORDS: &'static [(&'static str, Priority)] = &[
        ("emerg", Priority(0)),
        ("alert", Priority(1)),
        ("crit", Priority(2)),
        ("err", Priority(3)),
        ("warning", Priority(4)),
        ("notice", Priority(5)),
        ("info", Priority(6)),
        ("debug", Priority(7)),
    ];
}
