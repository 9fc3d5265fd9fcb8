//! The pipes between the daemon and a child: both ends, before there is a child.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::loop_context::LoopContext;
use crate::process::dispatcher_error::DispatcherError;
use crate::sys::fd::{self, Pipe};
use crate::sys::poller::{Interest, Token};
use crate::tokens::FdOwner;

/// The ends of the pipes that become the child's descriptors.
#[derive(Debug)]
pub struct ChildEnds<'a> {
    /// Descriptor 0.
    pub stdin: Stdin<'a>,
    /// Descriptor 1.
    pub stdout: OwnedFd,
    /// Descriptor 2; `None` where stderr goes the way of stdout.
    pub stderr: Option<OwnedFd>,
}

/// What a child has as its descriptor 0.
#[derive(Debug)]
pub enum Stdin<'a> {
    /// The end of a pipe to it.
    Pipe(OwnedFd),
    /// The socket of a FastCGI program, which others may have as well.
    Socket(BorrowedFd<'a>),
}

impl Stdin<'_> {
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        match self {
            Stdin::Pipe(pipe) => pipe.as_fd(),
            Stdin::Socket(socket) => *socket,
        }
    }
}

pub fn pipe() -> Result<Pipe, DispatcherError> {
    fd::pipe().map_err(|error| DispatcherError::of(&error))
}

/// Makes the daemon's end non-blocking and puts it into the poll set.
pub fn register(
    context: &mut LoopContext,
    descriptor: OwnedFd,
    interest: Interest,
    owner: FdOwner,
) -> Result<Token, DispatcherError> {
    fd::set_nonblocking(descriptor.as_fd())
        .and_then(|()| context.poller.register(descriptor, interest, owner))
        .map_err(|error| DispatcherError::of(&error))
}
