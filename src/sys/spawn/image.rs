//! What exec is given: a path, the arguments and the environment. Both lists lie in one
//! block of memory each, behind one another, since they are made for every start and
//! thrown away with it.

use std::borrow::Cow;
use std::ffi::{CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::errno::Errno;

use crate::sys::spawn::failure::Failure;

/// The reasons why there is none are Python's.
const NUL: &str = "embedded null byte";
const NAME: &str = "illegal environment variable name";

/// The program to run, as the caller has it.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The file to execute, as found.
    pub path: &'a str,
    /// All arguments; the first is the command's word as written.
    pub arguments: &'a [String],
    /// The whole environment, in order; names are unique. Bytes, since what
    /// the daemon inherited need not be text.
    pub environment: &'a [(&'a [u8], &'a [u8])],
}

/// What exec is given.
#[derive(Debug)]
pub(super) struct Image {
    /// The file.
    path: CString,
    /// All arguments.
    arguments: Strings,
    /// All variables, `name=value`.
    environment: Strings,
}

impl Image {
    /// The error says what of it cannot be handed to exec.
    pub fn new(program: Program<'_>) -> Result<Image, &'static str> {
        let path = CString::new(program.path).map_err(|_| NUL)?;
        let mut arguments = Builder::default();
        arguments.reserve(program.arguments.iter().map(String::len));
        for argument in program.arguments {
            arguments.push(&[argument.as_bytes()])?;
        }
        let mut environment = Builder::default();
        let variables = program.environment.iter();
        environment.reserve(variables.map(|(name, value)| name.len() + 1 + value.len()));
        for (name, value) in program.environment {
            // A `=` in front is allowed, as getenv(3) would find it.
            if name.is_empty() || name.iter().skip(1).any(|byte| *byte == b'=') {
                return Err(NAME);
            }
            environment.push(&[name, b"=", value])?;
        }
        Ok(Image {
            path,
            arguments: arguments.finish(),
            environment: environment.finish(),
        })
    }

    /// Becomes the program; comes back only with why not.
    pub fn execute(&self) -> Failure {
        let (arguments, environment) = (self.arguments.as_ptr(), self.environment.as_ptr());
        // SAFETY: a C string and two null-terminated arrays of C strings, all of which live.
        unsafe { libc::execve(self.path.as_ptr(), arguments, environment) };
        let number = Errno::last_raw();
        let path = Path::new(OsStr::from_bytes(self.path.as_bytes()));
        Failure::of_exec(&self.arguments.first(), path, number)
    }
}

/// C strings, and the null-terminated array of pointers to them.
#[derive(Debug)]
pub(super) struct Strings {
    pointers: Vec<*const c_char>,
    /// What the pointers point to: a block of the heap does not move with its owner.
    block: Vec<u8>,
}

impl Strings {
    /// The array, valid as long as this lives.
    fn as_ptr(&self) -> *const *const c_char {
        self.pointers.as_ptr()
    }

    /// The first string, as text.
    fn first(&self) -> Cow<'_, str> {
        let first = self.block.split(|byte| *byte == 0).next();
        String::from_utf8_lossy(first.unwrap_or_default())
    }
}

/// Strings on their way into a block.
#[derive(Debug, Default)]
struct Builder {
    block: Vec<u8>,
    count: usize,
}

impl Builder {
    /// Makes room for strings of these lengths.
    fn reserve(&mut self, lengths: impl Iterator<Item = usize>) {
        self.block
            .reserve_exact(lengths.map(|length| length + 1).sum());
    }

    /// Adds one string, out of several pieces.
    fn push(&mut self, pieces: &[&[u8]]) -> Result<(), &'static str> {
        for piece in pieces {
            if piece.contains(&0) {
                return Err(NUL);
            }
            self.block.extend_from_slice(piece);
        }
        self.block.push(0);
        self.count += 1;
        Ok(())
    }

    fn finish(self) -> Strings {
        let mut pointers = Vec::with_capacity(self.count + 1);
        let strings = self.block.split_inclusive(|byte| *byte == 0);
        pointers.extend(strings.map(|string| string.as_ptr().cast()));
        pointers.push(ptr::null());
        Strings {
            pointers,
            block: self.block,
        }
    }
}
