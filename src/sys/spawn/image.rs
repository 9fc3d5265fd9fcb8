//! What exec is given: a path, the arguments and the environment.

use std::ffi::{CString, OsStr, c_char};
use std::iter;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::errno::Errno;

use crate::sys::spawn::failure::{Failure, Reason};
use crate::text::environment_file::Pair;

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
pub(super) struct Image {
    path: CString,
    arguments: Strings,
    /// All variables, `name=value`.
    environment: Strings,
}

impl Image {
    pub fn new(program: Program<'_>) -> Result<Image, Failure> {
        let outcome = Image::of(program);
        let operation = format_args!("exec {}", program.path);
        outcome.map_err(|reason| Failure::new(operation, Reason::said(reason)))
    }

    /// The error says what of it cannot be handed to exec.
    fn of(program: Program<'_>) -> Result<Image, &'static str> {
        let arguments = program
            .arguments
            .iter()
            .map(|argument| string(argument.as_str()));
        let environment = program.environment.iter().map(|(name, value)| {
            // A `=` in front is allowed, as getenv(3) would find it.
            match name.is_empty() || name.iter().skip(1).any(|byte| *byte == b'=') {
                true => Err(NAME),
                false => string([name, &b"="[..], value].concat()),
            }
        });
        Ok(Image {
            path: string(program.path)?,
            arguments: Strings::new(arguments.collect::<Result<_, _>>()?),
            environment: Strings::new(environment.collect::<Result<_, _>>()?),
        })
    }

    /// Becomes the program, with more variables or other values of some; comes back only with
    /// why not.
    pub fn execute(&self, variables: &[Pair]) -> Failure {
        let changed = (!variables.is_empty()).then(|| self.environment.with(variables));
        let environment = changed.as_ref().unwrap_or(&self.environment);
        let environment = environment.pointers.as_ptr();
        let arguments = self.arguments.pointers.as_ptr();
        // SAFETY: a C string and two null-terminated arrays of C strings, all of which live.
        unsafe { libc::execve(self.path.as_ptr(), arguments, environment) };
        let errno = Errno::last();
        let path = Path::new(OsStr::from_bytes(self.path.as_bytes()));
        let word = self.arguments.strings.first();
        let word = word.map_or("".into(), |word| word.to_string_lossy());
        Failure::of_exec(&word, path, errno)
    }
}

fn string(bytes: impl Into<Vec<u8>>) -> Result<CString, &'static str> {
    CString::new(bytes).map_err(|_| NUL)
}

/// C strings, and the null-terminated array of pointers to them, made before the fork.
struct Strings {
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Strings {
    fn new(strings: Vec<CString>) -> Strings {
        let pointers = strings.iter().map(|string| string.as_ptr());
        let pointers = pointers.chain(iter::once(ptr::null())).collect();
        Strings { strings, pointers }
    }

    /// These variables and others; one of a name takes the place of that before it.
    fn with(&self, variables: &[Pair]) -> Strings {
        let mut strings = self.strings.clone();
        for (name, value) in variables {
            // No reader lets a null byte in.
            let Ok(string) = string(format!("{name}={value}")) else {
                continue;
            };
            let is_its = |other: &&mut CString| {
                let rest = other.as_bytes().strip_prefix(name.as_bytes());
                rest.is_some_and(|rest| rest.starts_with(b"="))
            };
            match strings.iter_mut().find(is_its) {
                Some(old) => *old = string,
                None => strings.push(string),
            }
        }
        Strings::new(strings)
    }
}
