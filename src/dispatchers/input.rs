//! What is written to a child's stdin: as much as the pipe takes at once, the
//! rest when it takes more. Never waits, and holds back a bounded amount only.

use std::io;

use crate::loop_context::LoopContext;
use crate::snapshot::saved;
use crate::sys::poller::{Interest, Token};
use crate::sys::{errno, fd};

/// The most that is held back for a child that does not read.
const PENDING_LIMIT: usize = 1024 * 1024;

/// How much room is kept for the next write when all is written.
const KEPT_ROOM: usize = 64 * 1024;

/// The stdin pipe of a living child.
#[derive(Debug)]
pub struct InputDispatcher {
    /// `None` once the pipe is closed.
    token: Option<Token>,
    pending: Vec<u8>,
    /// How much of `pending` is written: what is long is not moved for every piece that a slow
    /// child reads.
    written: usize,
}

saved! { struct InputDispatcher { token, pending, written } }

/// Why a process cannot be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputError {
    /// It has no child, or is being stopped.
    NotRunning,
    /// The child has closed its stdin.
    Closed,
    /// The child has not read for too long; nothing of it was taken.
    Full,
}

impl InputDispatcher {
    /// Takes over a pipe that was registered without interest.
    pub fn new(token: Token) -> InputDispatcher {
        InputDispatcher {
            token: Some(token),
            pending: Vec::new(),
            written: 0,
        }
    }

    /// Writes, or keeps for later, the whole of `data`.
    pub fn write(&mut self, context: &mut LoopContext, data: &[u8]) -> Result<(), InputError> {
        if self.token.is_none() {
            return Err(InputError::Closed);
        }
        // Something long goes whole to a child that has read all before it.
        let waiting = self.pending.len() - self.written;
        if waiting > 0 && waiting + data.len() > PENDING_LIMIT {
            return Err(InputError::Full);
        }
        self.pending.drain(..self.written);
        self.written = 0;
        self.pending.extend_from_slice(data);
        self.flush(context);
        self.token.map(|_| ()).ok_or(InputError::Closed)
    }

    /// Writes what was kept; on a broken pipe that is dropped and the pipe closed.
    pub fn flush(&mut self, context: &mut LoopContext) {
        let Some(token) = self.token else { return };
        let mut interest = Interest::NONE;
        while let Some(rest) = self.pending.get(self.written..)
            && !rest.is_empty()
        {
            let Some(descriptor) = context.poller.descriptor(token) else {
                return;
            };
            match fd::write(descriptor, rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    interest = Interest::WRITE;
                    break;
                }
                Err(_) => return self.close(context),
            }
        }
        if interest == Interest::NONE {
            self.pending.clear();
            self.pending.shrink_to(KEPT_ROOM);
            self.written = 0;
        }
        if let Err(error) = context.poller.set_interest(token, interest) {
            context.log.critical(format_args!(
                "cannot watch a child's stdin: {}",
                errno::reason(&error)
            ));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// How many bytes the child has not read: what waits to be written, and what
    /// is in the pipe.
    pub fn unread(&self, context: &LoopContext) -> usize {
        let pipe = self.token.map(|token| context.poller.descriptor(token));
        self.pending.len() - self.written + pipe.flatten().map_or(0, fd::unread)
    }

    /// Closes the pipe if nothing waits to be written: its reader is to see the end.
    pub fn close_when_written(&mut self, context: &mut LoopContext) {
        if self.pending.is_empty() {
            self.close(context);
        }
    }

    pub fn close(&mut self, context: &mut LoopContext) {
        self.pending = Vec::new();
        self.written = 0;
        if let Some(token) = self.token.take() {
            context.poller.close(token);
        }
    }
}
