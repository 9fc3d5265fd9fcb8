//! Starting a child.
//!
//! [`Spawn::new`] prepares what it will need: C strings, pointers and the texts
//! of failures. [`nursery`] makes the process, which up to exec shares the
//! daemon's memory where that can be, so that nothing of it is copied; what the
//! child does there is in [`child`], and that it calls the kernel and nothing
//! else in `calls`. What goes wrong the child says on its descriptor 2, hence in
//! its own log, and exits with 127; steps, order and texts are those of 4.3.0.

mod calls;
mod child;
mod image;
pub mod nursery;
mod places;

use std::ffi::CString;
use std::os::fd::BorrowedFd;

use crate::sys::privileges::Step;
use crate::sys::signals::Mask;
use crate::sys::spawn::image::Image;

pub use crate::sys::spawn::image::Program;

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
    streams: Streams<'a>,
    prepared: Prepared,
}

/// What the child reads on its way to exec, and nobody changes meanwhile.
#[derive(Debug)]
struct Prepared {
    image: Result<Image, Vec<u8>>,
    change: Change,
    directory: Option<Directory>,
    umask: Option<u32>,
    close_below: i32,
    mask: Mask,
}

/// What becomes of the user, with the texts of failures.
#[derive(Debug)]
enum Change {
    None,
    /// Those of each step.
    To(SpawnCredentials, [Vec<u8>; 3]),
    Refused(Vec<u8>),
}

#[derive(Debug)]
struct Directory {
    path: CString,
    failure: Vec<u8>,
}

impl<'a> Spawn<'a> {
    /// Prepares a child. What cannot be handed to exec at all (a NUL in an
    /// argument, a `=` in a variable's name) is not an error here: the child says so.
    pub fn new(
        program: Program<'_>,
        streams: Streams<'a>,
        surroundings: Surroundings,
    ) -> Spawn<'a> {
        let couldnt_exec =
            |reason: &str| format!("supervisor: couldn't exec {}: {reason}\n", program.path);
        let mut image = Image::new(program).map_err(|reason| couldnt_exec(reason).into_bytes());
        let Surroundings {
            identity,
            directory,
            umask,
            close_below,
            mask,
        } = surroundings;
        let directory = match directory.map(Directory::new) {
            None => None,
            Some(Ok(directory)) => Some(directory),
            Some(Err(failure)) => {
                image = Err(failure);
                None
            }
        };
        let setuid_failure = |uid: u32, reason: &str| {
            format!("supervisor: couldn't setuid to {uid}: {reason}\n").into_bytes()
        };
        let change = match identity {
            Identity::Inherited => Change::None,
            Identity::SwitchTo(credentials) => {
                let steps = [Step::Groups, Step::Group, Step::User];
                let failures = steps.map(|step| setuid_failure(credentials.uid, step.text()));
                Change::To(credentials, failures)
            }
            Identity::Refused { uid, reason } => Change::Refused(setuid_failure(uid, &reason)),
        };
        Spawn {
            streams,
            prepared: Prepared {
                image,
                change,
                directory,
                umask,
                close_below,
                mask,
            },
        }
    }
}

impl Directory {
    /// The error is what the child will say.
    fn new(path: String) -> Result<Directory, Vec<u8>> {
        let failure = format!("supervisor: couldn't chdir to {path}: ");
        match CString::new(path) {
            Ok(path) => Ok(Directory {
                path,
                failure: failure.into_bytes(),
            }),
            Err(_) => Err(format!("{failure}embedded null byte\n").into_bytes()),
        }
    }
}

#[cfg(test)]
mod tests;
