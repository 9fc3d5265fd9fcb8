//! What is told of a key, once: everybody who reads it, checks it, shows it or
//! describes it goes by that.
//!
//! Types have the names that supervisord.conf(5) explains under TYPES.

use super::datatypes::{Mismatch, ValueError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// As written in the file.
    pub name: &'static str,
    /// The grammar of its value, by the name in supervisord.conf(5).
    pub grammar: &'static str,
    /// What holds where the key is missing.
    pub fallback: Fallback,
    /// Whether it means something else than in Supervisor 4.3.0, or more.
    pub changed: bool,
    /// Which numbers it takes; 4.3.0, which has no such bounds, takes all.
    pub range: Range,
    /// How another value comes to a process that runs.
    pub applied: Applied,
}

/// How a value that has changed comes to a process that runs, at an `update`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It says nothing of that process.
    Nothing,
    /// The daemon goes by it from now on.
    Daemon,
    /// A child is born with it: it takes a new one.
    Child,
}

/// What holds where a key is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The section is wrong without it.
    Required,
    Nothing,
    /// This value, as it could be written.
    Value(&'static str),
    /// What another key of the section says.
    SameAs(&'static str),
    /// What is found out in this manner.
    Derived(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    All,
    AtLeast(i64),
    /// From the first to the second.
    Within(i64, i64),
}

/// A key that means what it means in 4.3.0.
pub const fn key(name: &'static str, grammar: &'static str, fallback: Fallback) -> Key {
    Key {
        name,
        grammar,
        fallback,
        changed: false,
        range: Range::All,
        applied: Applied::Daemon,
    }
}

/// A key that means something else than in 4.3.0, or more, or is new.
pub const fn changed(name: &'static str, grammar: &'static str, fallback: Fallback) -> Key {
    Key {
        changed: true,
        ..key(name, grammar, fallback)
    }
}

impl Key {
    /// A key that a child is born with.
    pub const fn of_child(self) -> Key {
        Key {
            applied: Applied::Child,
            ..self
        }
    }

    /// A key that says nothing of a process that runs.
    pub const fn of_nothing(self) -> Key {
        Key {
            applied: Applied::Nothing,
            ..self
        }
    }

    pub const fn at_least(self, least: i64) -> Key {
        Key {
            range: Range::AtLeast(least),
            ..self
        }
    }

    pub const fn within(self, least: i64, most: i64) -> Key {
        Key {
            range: Range::Within(least, most),
            ..self
        }
    }

    /// The number, if the key takes it.
    pub fn checked(&self, number: i64) -> Result<i64, ValueError> {
        let mismatch = match self.range {
            Range::AtLeast(least) if number < least => Mismatch::Setting(self.name),
            Range::Within(least, most) if !(least..=most).contains(&number) => {
                Mismatch::Range(self.name, least, most)
            }
            _ => return Ok(number),
        };
        Err(mismatch.of(number.to_string()))
    }
}
