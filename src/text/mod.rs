//! Small codecs of text: words of a command line, base64, ANSI sequences, pages, words of
//! others as plain text, files of variables, Python's way of quoting a string, which error
//! texts carry, and UTF-8 that comes in pieces.

pub mod ansi;
pub mod base64;
pub mod decoder;
pub mod environment_file;
pub mod escape;
pub mod integer;
pub mod json;
pub mod plain;
pub mod pyrepr;
pub mod scan;
pub mod sgr;
pub mod shlex;
pub mod utf8;

/// Whether Python counts the character as white space.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}
