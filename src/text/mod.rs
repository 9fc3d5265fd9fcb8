//! Small codecs of text: words of a command line, base64, ANSI sequences, and
//! Python's way of quoting a string, which error texts carry.

pub mod ansi;
pub mod base64;
pub mod json;
pub mod pyrepr;
pub mod shlex;
