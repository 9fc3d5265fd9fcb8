//! What is wrong with a configuration, in the original's words.
//!
//! The Display of a [`ConfigError`] is what the programs print after
//! `Error: `. Scripts match these lines, so texts, their quoting and even a
//! trailing blank are the original's. What they leave out comes after them.

use std::fmt;
use std::str::Utf8Error;

use super::datatypes::{Mismatch, ValueError};
use super::expand::{ExpansionError, Problem};
use super::ini::Location;
use crate::text::pyrepr::repr;

/// Why a configuration cannot be used. It is in a box, for every reading of a value hands
/// one of these or the value on.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigError(Box<Fault>);

#[derive(Clone, Debug, PartialEq)]
struct Fault {
    text: String,
    section: Option<Box<str>>,
    /// The key that is at fault, be it there or missing.
    key: Option<Box<str>>,
    location: Option<Location>,
    advice: Option<Box<str>>,
    /// Whether it is a value's percent sign that is wrong.
    is_of_format: bool,
    /// Whether 4.3.0 knows no such error.
    is_new: bool,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    pub fn new(text: impl Into<String>) -> ConfigError {
        ConfigError(Box::new(Fault {
            text: text.into(),
            section: None,
            key: None,
            location: None,
            advice: None,
            is_of_format: false,
            is_new: false,
        }))
    }

    /// None of the default places has a file.
    pub fn no_file(places: &[String]) -> ConfigError {
        ConfigError::new(format!(
            "No config file found at default paths ({}); use the -c option to specify a config file at a different path",
            places.join(", ")
        ))
        .advising("to write a first one: echo_supervisord_conf > supervisord.conf")
    }

    /// The program's own section is missing.
    pub fn no_section(name: &str) -> ConfigError {
        ConfigError::new(format!(".ini file does not include {name} section"))
    }

    /// Bytes that are not UTF-8: what the library says of them in Python's words.
    pub fn not_utf8(bytes: &[u8], error: Utf8Error) -> ConfigError {
        let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
        let (length, reason) = match (error.error_len(), rest.first()) {
            (None, _) => (rest.len(), "unexpected end of data"),
            (Some(_), Some(0x80..=0xc1 | 0xf5..=0xff)) => (1, "invalid start byte"),
            (Some(length), _) => (length, "invalid continuation byte"),
        };
        // Python decodes in pieces; what is left at the end is one by itself.
        let start = match error.error_len() {
            None => 0,
            Some(_) => error.valid_up_to(),
        };
        let bytes = match rest.get(..length).unwrap_or(rest) {
            [byte] => format!("byte 0x{byte:02x} in position {start}"),
            bytes => {
                let last = (start + bytes.len()).saturating_sub(1);
                format!("bytes in position {start}-{last}")
            }
        };
        ConfigError::new(format!("'utf-8' codec can't decode {bytes}: {reason}"))
    }

    pub fn of(section: &str, text: impl Into<String>) -> ConfigError {
        let mut error = ConfigError::new(text);
        error.0.section = Some(section.into());
        error
    }

    /// The same with what to do, where the text does not tell.
    pub fn advising(mut self, advice: &str) -> ConfigError {
        self.0.advice = Some(advice.into());
        self
    }

    /// The same with the key that is wrong or missing.
    pub fn of_key(mut self, section: &str, key: &str) -> ConfigError {
        self.0.section.get_or_insert_with(|| section.into());
        self.0.key = Some(key.into());
        self
    }

    /// The same with the place of what is wrong, unless it has a nearer one.
    pub fn at(mut self, location: Option<Location>) -> ConfigError {
        self.0.location = self.0.location.or(location);
        self
    }

    /// The error with the program's section and its file, as messages name them. Where
    /// another section lends the key, that stays at fault.
    pub fn in_section(mut self, section: &str, file: &str) -> ConfigError {
        self.0.text = format!("{self} in section {} (file: {})", repr(section), repr(file));
        self.0.section.get_or_insert_with(|| section.into());
        self
    }

    /// The error of a value that is expanded twice: a bad format says how a percent
    /// sign is written.
    pub fn of_twice(mut self) -> ConfigError {
        if self.0.is_of_format {
            let twice = " (this value is expanded twice: write %%%% for a percent sign)";
            self.0.text.push_str(twice);
            self.0.advice = None;
        }
        self
    }

    /// A line that says where to look and what to do, where the text, the original's, does not.
    /// Empty if there is nothing to add.
    pub fn explanation(&self) -> String {
        match (&self.0.location, &self.0.advice) {
            (Some(location), Some(advice)) => format!("{location}: {advice}"),
            (Some(location), None) => format!("{location}: the error is here"),
            (None, Some(advice)) => advice.to_string(),
            (None, None) => String::new(),
        }
    }

    /// The same for an error that 4.3.0 does not know, of which clients are told everything.
    pub fn of_ours(mut self) -> ConfigError {
        self.0.is_new = true;
        self
    }

    /// The error as clients and the log are told of it: what 4.3.0 says stays as it is.
    pub fn told(&self) -> String {
        match self.explanation() {
            explanation if self.0.is_new && !explanation.is_empty() => {
                format!("{self} ({explanation})")
            }
            _ => self.to_string(),
        }
    }

    /// Where to look, if that is known. The text tells it for lines that
    /// cannot be read.
    pub fn location(&self) -> Option<&Location> {
        self.0.location.as_ref()
    }

    pub fn section(&self) -> Option<&str> {
        self.0.section.as_deref()
    }

    /// The key that is at fault, be it there or missing.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// What to do, where the text does not tell.
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }
}

impl From<ValueError> for ConfigError {
    fn from(error: ValueError) -> ConfigError {
        let new = ConfigError::new(error.to_string());
        match advice(error.mismatch()) {
            Some(advice) => new.advising(advice),
            None => new,
        }
    }
}

impl From<ExpansionError> for ConfigError {
    fn from(error: ExpansionError) -> ConfigError {
        let mut new = ConfigError::new(error.to_string());
        match error.problem {
            Problem::Format(_) => {
                new.0.is_of_format = true;
                new.advising("write %% for %, and %(NAME)s for the value of a name")
            }
            Problem::UnknownName { name, .. } => match name.strip_prefix("ENV_") {
                Some(variable) if variable.chars().all(is_of_variable) => new.advising(&format!(
                    "set {variable} in the environment of supervisord, or write \
                     %(ENV_{variable}:-text)s for a default"
                )),
                _ => new.advising("write one of the available names, or %% for a percent sign"),
            },
        }
    }
}

fn is_of_variable(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// What to write in the place of a value whose error does not tell.
fn advice(mismatch: &Mismatch) -> Option<&'static str> {
    use Mismatch as M;
    match mismatch {
        M::Boolean => Some("write true or false"),
        M::Integer => Some("write a whole number; only a size may have a unit: KB, MB or GB"),
        M::Octal => Some("write digits from 0 to 7, such as 022"),
        M::LogLevel => Some("write critical, error, warn, info, debug, trace or blather"),
        M::NotDirectory | M::NoDirectory => {
            Some("create the directory first: supervisord does not")
        }
        M::SignalName | M::SignalNumber => {
            Some("write a signal such as TERM, HUP, INT, QUIT, KILL, USR1 or USR2")
        }
        M::ExitCodes => Some("write numbers with commas between them, such as 0,2"),
        M::AutoRestart => Some("write true, false or unexpected"),
        M::UserName | M::UserId => Some("this system has no such user"),
        M::GroupName | M::GroupId => Some("this system has no such group"),
        M::PortText | M::NoPort => Some("write a port with or without an address: 127.0.0.1:9001"),
        M::Name(_) => Some("a name has no blank, no colon and no slash in it"),
        M::Pairs => {
            Some("write NAME=\"value\", the values in quotes, with commas between the pairs")
        }
        M::Split(_) => Some("a quote is opened here and not closed"),
        // Their texts tell it.
        M::Duration
        | M::PortBelow
        | M::PortAbove
        | M::Setting(_)
        | M::Range(..)
        | M::Wanted(..)
        | M::Choice(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_named_as_python_does() {
        for (bytes, expected) in [
            (
                &b"ab\xff"[..],
                "byte 0xff in position 2: invalid start byte",
            ),
            (
                b"\xe9a",
                "byte 0xe9 in position 0: invalid continuation byte",
            ),
            (b"\xe2\x82", "bytes in position 0-1: unexpected end of data"),
            (
                b"\xe2\x82a",
                "bytes in position 0-1: invalid continuation byte",
            ),
            (b"x\xe2", "byte 0xe2 in position 0: unexpected end of data"),
            (b"\xc0\x80", "byte 0xc0 in position 0: invalid start byte"),
            (
                b"\xed\xa0\x80",
                "byte 0xed in position 0: invalid continuation byte",
            ),
        ] {
            let error = str::from_utf8(bytes).unwrap_err();
            let text = ConfigError::not_utf8(bytes, error).to_string();
            assert_eq!(text, format!("'utf-8' codec can't decode {expected}"));
        }
    }
}
