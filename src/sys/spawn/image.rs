//! What exec is given: a path, the arguments and the environment.

use std::ffi::{CString, OsStr, c_char};
use std::iter;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::errno::Errno;

use crate::sort;
use crate::sys::exec;
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
    /// The same, where it is open already and the path may have become another one's.
    pub file: Option<BorrowedFd<'a>>,
    /// All arguments; the first is the command's word as written.
    pub arguments: &'a [String],
    /// The whole environment, in order; names are unique. Bytes, since what
    /// the daemon inherited need not be text.
    pub environment: &'a [(&'a [u8], &'a [u8])],
}

/// What exec is given.
pub(super) struct Image {
    path: CString,
    file: Option<RawFd>,
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
            file: program.file.map(|file| file.as_raw_fd()),
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
        let errno = match self.file {
            // SAFETY: two null-terminated arrays of C strings, all of which live.
            Some(file) => unsafe { exec::execute(file, arguments, environment) },
            None => {
                // SAFETY: a C string and two null-terminated arrays of C strings, all of which live.
                unsafe { libc::execve(self.path.as_ptr(), arguments, environment) };
                Errno::last()
            }
        };
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

    /// These variables and others; of those of one name the last counts.
    fn with(&self, variables: &[Pair]) -> Strings {
        let mut strings = self.strings.clone();
        let more = variables.iter();
        // No reader lets a null byte in.
        strings.extend(more.filter_map(|(name, value)| string(format!("{name}={value}")).ok()));
        sort::by(&mut strings, |one, other| name_of(one).cmp(name_of(other)));
        let mut kept: Vec<CString> = Vec::with_capacity(strings.len());
        for string in strings {
            let is_named = |last: &mut CString| name_of(last) == name_of(&string);
            drop(kept.pop_if(is_named));
            kept.push(string);
        }
        Strings::new(kept)
    }
}

/// The name of a variable; a `=` in front is a part of it.
fn name_of(variable: &CString) -> &[u8] {
    let bytes = variable.as_bytes();
    let end = bytes.iter().skip(1).position(|byte| *byte == b'=');
    bytes.get(..end.map_or(0, |end| end + 1)).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_many_variables_kept_its_child_busy_for_minutes() {
        let inherited = ["B=0", "=C=1", "A=0"].map(|text| string(text).unwrap());
        let inherited = Strings::new(inherited.to_vec());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut variables: Vec<Pair> = (0..100_000).map(|n| pair(&format!("V{n}"), "x")).collect();
        variables.extend([
            pair("A", "1"),
            pair("V7", "y"),
            pair("A", "2"),
            pair("AB", ""),
        ]);
        let all = inherited.with(&variables).strings;
        assert_eq!(all.len(), 100_004);
        for expected in ["=C=1", "A=2", "AB=", "B=0", "V7=y", "V99999=x"] {
            let is_it = |string: &&CString| string.as_bytes() == expected.as_bytes();
            assert_eq!(all.iter().filter(is_it).count(), 1, "{expected}");
        }
    }
}
