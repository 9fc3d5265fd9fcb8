//! Starting a child: everything that happens between fork and exec is in this file.
//!
//! [`Spawn::new`] prepares what the child will need: C strings, pointers and
//! the texts of failures. After the fork the child makes system calls only and
//! allocates nothing. What goes wrong there the child says on its descriptor 2,
//! hence in its own log, and exits with 127; steps, order and texts are those of 4.3.0.
//!
//! All signals are blocked across the fork: one that reached the child before
//! its handlers are reset would be written into the daemon's own signal pipe.

use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

use nix::errno::Errno;

use crate::sys::privileges::Step;
use crate::sys::signals::Mask;
use crate::sys::{errno, fd};

const FAILURE_STATUS: i32 = 127;
const NOT_SPAWNED: &[u8] = b"supervisor: child process was not spawned\n";
/// What the daemon catches; children get the default back. SIGPIPE and SIGXFSZ stay ignored.
const RESET: [i32; 6] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGCHLD,
    libc::SIGUSR2,
];

/// The program to run, as the caller has it.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The file to execute, as found.
    pub path: &'a str,
    /// All arguments; the first is the command's word as written.
    pub arguments: &'a [String],
    /// The whole environment, in order; names are unique. Bytes, since what
    /// the daemon inherited need not be text.
    pub environment: &'a [(Vec<u8>, Vec<u8>)],
}

/// The child's descriptors 0, 1 and 2; two of them may be the same.
#[derive(Clone, Copy, Debug)]
pub struct Streams<'a> {
    /// Descriptor 0.
    pub stdin: BorrowedFd<'a>,
    /// Descriptor 1.
    pub stdout: BorrowedFd<'a>,
    /// Descriptor 2.
    pub stderr: BorrowedFd<'a>,
}

/// A user that the child becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnCredentials {
    /// The user.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
    /// All supplementary groups.
    pub groups: Vec<u32>,
}

/// Who the child is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The daemon's own user; nothing is changed.
    Inherited,
    /// Another user.
    SwitchTo(SpawnCredentials),
    /// Another user that it cannot become, as is known beforehand: such as
    /// `Can't drop privilege as nonroot user`.
    Refused {
        /// The user asked for.
        uid: u32,
        /// The sentence.
        reason: String,
    },
}

/// What surrounds the program.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The user.
    pub identity: Identity,
    /// The directory to enter.
    pub directory: Option<String>,
    /// The umask; `None` leaves the daemon's.
    pub umask: Option<u32>,
    /// `minfds`: how far descriptors are closed where the kernel cannot close all of them at once.
    pub close_below: i32,
    /// The mask of blocked signals that the daemon was started with.
    pub mask: Mask,
}

/// A child that is ready to be started.
#[derive(Debug)]
pub struct Spawn<'a> {
    image: Result<Image, Vec<u8>>,
    streams: Streams<'a>,
    surroundings: &'a Surroundings,
    refusal: Option<Vec<u8>>,
    switch_failures: [Vec<u8>; 3],
    directory: Option<Directory>,
}

/// What exec is given, and the beginning of the text should it fail.
#[derive(Debug)]
struct Image {
    path: CString,
    arguments: Pointers,
    environment: Pointers,
    failure: Vec<u8>,
}

#[derive(Debug)]
struct Directory {
    path: CString,
    failure: Vec<u8>,
}

/// Strings and the null-terminated array of pointers to them.
#[derive(Debug)]
struct Pointers {
    pointers: Vec<*const libc::c_char>,
    /// Owns what the pointers point to: the strings' heap blocks do not move with the vector.
    _strings: Vec<CString>,
}

impl Pointers {
    fn new(strings: Vec<CString>) -> Pointers {
        let pointers = strings
            .iter()
            .map(|string| string.as_ptr())
            .chain([ptr::null()])
            .collect();
        Pointers {
            pointers,
            _strings: strings,
        }
    }
}

impl<'a> Spawn<'a> {
    /// Prepares a child. What cannot be handed to exec at all (a NUL in an
    /// argument, a `=` in a variable's name) is not an error here: the child says so.
    pub fn new(
        program: Program<'_>,
        streams: Streams<'a>,
        surroundings: &'a Surroundings,
    ) -> Spawn<'a> {
        let couldnt_exec =
            |reason: &str| format!("supervisor: couldn't exec {}: {reason}\n", program.path);
        let mut image = image(program).map_err(|reason| couldnt_exec(reason).into_bytes());
        let directory = match surroundings.directory.as_deref().map(directory) {
            None => None,
            Some(Ok(directory)) => Some(directory),
            Some(Err(failure)) => {
                image = Err(failure);
                None
            }
        };
        let uid = match &surroundings.identity {
            Identity::Inherited => 0,
            Identity::SwitchTo(credentials) => credentials.uid,
            Identity::Refused { uid, .. } => *uid,
        };
        let setuid_failure =
            |reason: &str| format!("supervisor: couldn't setuid to {uid}: {reason}\n").into_bytes();
        Spawn {
            image,
            streams,
            surroundings,
            refusal: match &surroundings.identity {
                Identity::Refused { reason, .. } => Some(setuid_failure(reason)),
                _ => None,
            },
            switch_failures: [Step::Groups, Step::Group, Step::User]
                .map(|step| setuid_failure(step.text())),
            directory,
        }
    }
}

/// The reasons are Python's.
fn image(program: Program<'_>) -> Result<Image, &'static str> {
    const NUL: &str = "embedded null byte";
    const NAME: &str = "illegal environment variable name";
    let path = CString::new(program.path).map_err(|_| NUL)?;
    let arguments = program
        .arguments
        .iter()
        .map(|argument| CString::new(argument.as_bytes()))
        .collect::<Result<_, _>>()
        .map_err(|_| NUL)?;
    let mut environment = Vec::with_capacity(program.environment.len());
    for (name, value) in program.environment {
        // A `=` in front is allowed, as getenv(3) would find it.
        if name.is_empty() || name.iter().skip(1).any(|byte| *byte == b'=') {
            return Err(NAME);
        }
        let mut variable = Vec::with_capacity(name.len() + value.len() + 2);
        variable.extend_from_slice(name);
        variable.push(b'=');
        variable.extend_from_slice(value);
        environment.push(CString::new(variable).map_err(|_| NUL)?);
    }
    let word = program.arguments.first().map_or("", String::as_str);
    Ok(Image {
        path,
        arguments: Pointers::new(arguments),
        environment: Pointers::new(environment),
        failure: format!("supervisor: couldn't exec {word}: ").into_bytes(),
    })
}

fn directory(path: &str) -> Result<Directory, Vec<u8>> {
    let failure = format!("supervisor: couldn't chdir to {path}: ");
    match CString::new(path) {
        Ok(path) => Ok(Directory {
            path,
            failure: failure.into_bytes(),
        }),
        Err(_) => Err(format!("{failure}embedded null byte\n").into_bytes()),
    }
}

/// Starts the child and returns its pid; it leads a process group of its own.
/// The error is fork's errno.
pub fn spawn(child: &Spawn<'_>) -> Result<i32, i32> {
    let previous = Mask::block_all().map_err(|error| errno::of(&error).unwrap_or(libc::EAGAIN))?;
    // SAFETY: the child calls nothing but async-signal-safe functions until it
    // has become another program or has ended.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        run_child(child);
    }
    let failure = Errno::last_raw();
    if pid > 0 {
        // The child does this too; whichever comes first, the group exists
        // before anybody signals it. It fails once the child has called exec.
        // SAFETY: two numbers.
        unsafe { libc::setpgid(pid, pid) };
    }
    previous.apply();
    if pid < 0 { Err(failure) } else { Ok(pid) }
}

/// The child's life before exec. Async-signal-safe calls only from here to the
/// end of the file.
fn run_child(child: &Spawn<'_>) -> ! {
    // SAFETY: two numbers.
    unsafe { libc::setpgid(0, 0) };
    reset_signals(&child.surroundings.mask);
    place_streams(&child.streams);
    // Nothing but 0, 1 and 2 is left (4.3.0 stops at `minfds`).
    fd::close_from(libc::STDERR_FILENO + 1, child.surroundings.close_below);
    if let Some(refusal) = &child.refusal {
        fail(&[refusal.as_slice()]);
    }
    if let Identity::SwitchTo(credentials) = &child.surroundings.identity {
        switch(credentials, &child.switch_failures);
    }
    if let Some(directory) = &child.directory {
        // SAFETY: a C string that the parent prepared.
        if unsafe { libc::chdir(directory.path.as_ptr()) } != 0 {
            fail_with_errno(&directory.failure);
        }
    }
    if let Some(umask) = child.surroundings.umask {
        // SAFETY: a number.
        unsafe { libc::umask((umask & 0o777) as libc::mode_t) };
    }
    match &child.image {
        Ok(image) => execute(image),
        Err(failure) => fail(&[failure.as_slice()]),
    }
}

fn reset_signals(mask: &Mask) {
    for number in RESET {
        // SAFETY: no handler function is involved.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    mask.apply();
}

/// dup2 leaves close-on-exec off, except where source and place are the same:
/// so whatever lies on 0, 1 or 2 is moved away first.
fn place_streams(streams: &Streams<'_>) {
    let aside = [streams.stdin, streams.stdout, streams.stderr].map(move_up);
    for (place, source) in (0..).zip(aside) {
        // SAFETY: two numbers.
        if unsafe { libc::dup2(source, place) } < 0 {
            fail_with_errno(b"supervisor: couldn't set up descriptors: ");
        }
    }
}

fn move_up(descriptor: BorrowedFd<'_>) -> RawFd {
    let number = descriptor.as_raw_fd();
    if number > libc::STDERR_FILENO {
        return number;
    }
    // SAFETY: numbers only.
    unsafe { libc::fcntl(number, libc::F_DUPFD, libc::STDERR_FILENO + 1) }
}

fn switch(credentials: &SpawnCredentials, failures: &[Vec<u8>; 3]) {
    let [groups_failed, group_failed, user_failed] = failures;
    let groups = &credentials.groups;
    // SAFETY: the array is valid for reads of the length given with it; the
    // other two take a number.
    unsafe {
        if libc::setgroups(groups.len() as _, groups.as_ptr()) != 0 {
            fail(&[groups_failed.as_slice()]);
        }
        if libc::setgid(credentials.gid) != 0 {
            fail(&[group_failed.as_slice()]);
        }
        if libc::setuid(credentials.uid) != 0 {
            fail(&[user_failed.as_slice()]);
        }
    }
}

fn execute(image: &Image) -> ! {
    // SAFETY: a C string and two null-terminated arrays of C strings, all kept
    // alive by `image`.
    unsafe {
        libc::execve(
            image.path.as_ptr(),
            image.arguments.pointers.as_ptr(),
            image.environment.pointers.as_ptr(),
        )
    };
    fail_with_errno(&image.failure)
}

fn fail_with_errno(beginning: &[u8]) -> ! {
    let number = Errno::last_raw();
    let mut digits = [0; 11];
    let reason = match errno::symbol(number) {
        Some(symbol) => symbol.as_bytes(),
        None => decimal(number, &mut digits),
    };
    fail(&[beginning, reason, b"\n"])
}

/// The digits of a number that is not negative, written from the end of `digits`.
fn decimal(mut number: i32, digits: &mut [u8]) -> &[u8] {
    let mut start = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10).unsigned_abs() as u8;
        number /= 10;
        start = place;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

/// Says why there will be no program, and ends the child.
fn fail(text: &[&[u8]]) -> ! {
    for piece in text.iter().copied().chain([NOT_SPAWNED]) {
        // SAFETY: `piece` is valid for reads of its length. Should it fail,
        // there is nobody to tell.
        unsafe { libc::write(libc::STDERR_FILENO, piece.as_ptr().cast(), piece.len()) };
    }
    // SAFETY: ends the process without running anything of the parent's.
    unsafe { libc::_exit(FAILURE_STATUS) }
}

#[cfg(test)]
mod tests;
