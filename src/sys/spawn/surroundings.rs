//! What a child finds around it when it begins.

use std::os::fd::BorrowedFd;

use crate::sys::signals::Mask;

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
pub struct Surroundings<'a> {
    /// The user.
    pub identity: Identity,
    /// The directory to enter.
    pub directory: Option<&'a str>,
    /// The umask; `None` leaves the daemon's.
    pub umask: Option<u32>,
    /// `minfds`: how far descriptors are closed where the system has no better way.
    pub close_below: i32,
    /// The mask of blocked signals that the daemon was started with.
    pub mask: Mask,
}
