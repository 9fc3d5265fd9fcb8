//! Why a child has not become its program.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::sys::errno;

/// How much of a script is looked at for its interpreter, as by Linux.
const FIRST_LINE: u64 = 256;

/// So many interpreters of interpreters are looked at; Linux takes no more.
const DEEPEST: u32 = 4;

/// A step before exec that could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    text: String,
    more: String,
}

impl Failure {
    /// From the system's answer to an operation such as `couldn't chdir to /x`.
    pub fn of(operation: &str, number: i32) -> Failure {
        Failure::said(
            format!("{operation}: {}", errno::name(number)),
            errno::text(number),
        )
    }

    /// The text, and more about it for who does not know 4.3.0's words; it may be empty.
    pub fn said(text: String, more: String) -> Failure {
        Failure { text, more }
    }

    /// From exec's answer. That a file is there and cannot be found is told.
    pub fn of_exec(word: &str, path: &Path, number: i32) -> Failure {
        let failure = Failure::of(&format!("couldn't exec {word}"), number);
        let missing = match number {
            libc::ENOENT => missing_interpreter(path, DEEPEST),
            _ => None,
        };
        match missing {
            Some(more) => Failure { more, ..failure },
            None => failure,
        }
    }

    /// In the words of 4.3.0: `couldn't exec x: ENOENT`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same, with more for the reader: `couldn't exec x: ENOENT (No such file or directory)`.
    pub fn in_full(&self) -> String {
        match self.more.as_str() {
            "" => self.text.clone(),
            more => format!("{} ({more})", self.text),
        }
    }
}

/// What a file that is there lacks so that exec does not find it. Its interpreter may be a
/// file that lacks something in its turn.
fn missing_interpreter(path: &Path, depth: u32) -> Option<String> {
    let mut begin = Vec::new();
    // What is there by now must not be waited for.
    let mut options = File::options();
    let options = options.read(true).custom_flags(libc::O_NONBLOCK);
    let file = options.open(path).ok()?;
    file.take(FIRST_LINE).read_to_end(&mut begin).ok()?;
    let Some(line) = begin.strip_prefix(b"#!") else {
        return Some("the file is there, its dynamic loader is not".to_owned());
    };
    let line = line.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let interpreter = line
        .trim_start_matches([' ', '\t'])
        .split([' ', '\t'])
        .next()?;
    // A carriage return at its end is seen.
    let name = interpreter.escape_debug();
    if !Path::new(interpreter).exists() {
        return Some(format!("its interpreter {name} is missing"));
    }
    let more = missing_interpreter(Path::new(interpreter), depth.checked_sub(1)?)?;
    Some(format!("its interpreter {name}: {more}"))
}
