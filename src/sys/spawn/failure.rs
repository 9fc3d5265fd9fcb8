//! Why a child has not become its program.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;

use crate::sys::errno;

/// How much of a script is looked at for its interpreter, as by Linux.
const FIRST_LINE: u64 = 256;

/// A change of user succeeds with too many processes, and exec then fails.
const TOO_MANY_PROCESSES: &str = "its user has as many processes as rlimit_nproc allows";

/// How many interpreters of interpreters are looked at; Linux takes no more.
const DEEPEST: u32 = 4;

/// What could not be done before exec, and why.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    text: String,
    more: String,
}

/// Why not: in the words of 4.3.0, and more for who does not know them; it may be empty.
pub(super) struct Reason {
    pub words: String,
    pub more: String,
}

impl Reason {
    pub fn said(words: &str) -> Reason {
        Reason {
            words: words.to_owned(),
            more: String::new(),
        }
    }

    pub fn of(error: &io::Error) -> Reason {
        let number = errno::of(error).unwrap_or(0);
        Reason {
            words: errno::name(number),
            more: errno::text(number),
        }
    }
}

impl From<Errno> for Reason {
    fn from(errno: Errno) -> Reason {
        Reason::of(&errno.into())
    }
}

impl Failure {
    /// Of an operation such as `chdir to /x`.
    pub fn new(operation: impl Display, reason: Reason) -> Failure {
        Failure {
            text: format!("couldn't {operation}: {}", reason.words),
            more: reason.more,
        }
    }

    /// From exec's answer. That a file is there and cannot be found is told.
    pub fn of_exec(word: &str, path: &Path, errno: Errno) -> Failure {
        let mut reason = Reason::from(errno);
        if errno == Errno::ENOENT
            && let Some(more) = missing_interpreter(path, DEEPEST)
        {
            reason.more = more;
        }
        if errno == Errno::EAGAIN {
            // Linux has no other reason.
            reason.more = TOO_MANY_PROCESSES.to_owned();
        }
        Failure::new(format_args!("exec {word}"), reason)
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
