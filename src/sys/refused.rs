//! The error of what the system would have done and this program does not, since it trusts
//! no path that another user may change.

use std::fmt;
use std::io;

/// What is not opened though the system would have done it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The number that says it in short.
    pub errno: i32,
    /// What it is, and why that is not opened.
    pub text: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// That of an error, if it is one.
    pub fn of(error: &io::Error) -> Option<&Refused> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> io::Error {
        io::Error::other(refused)
    }
}
