//! A connection's socket with the bytes before and behind it: what has been
//! received and not used, what is to be sent and not taken yet.

use std::io::{self, ErrorKind};

use crate::clock::Monotonic;
use crate::http::buffer::Buffer;
use crate::http::outbox::Outbox;
use crate::loop_context::LoopContext;
use crate::snapshot::saved;
use crate::sys::fd;
use crate::sys::poller::{Interest, Token};
use crate::sys::socket;

/// The socket and its two buffers.
#[derive(Debug)]
pub struct Wire {
    token: Token,
    /// What has been received.
    pub input: Buffer,
    /// What is to be sent.
    pub output: Outbox,
    /// The client has shut its side down; it may still read.
    pub ended: bool,
    /// When the client last took something, or was first offered it.
    pub progress: Monotonic,
}

saved! { struct Wire { token, input, output, ended, progress } }

impl Wire {
    /// The registered socket `token`, with nothing in the buffers.
    pub fn new(token: Token, now: Monotonic) -> Wire {
        Wire {
            token,
            input: Buffer::default(),
            output: Outbox::default(),
            ended: false,
            progress: now,
        }
    }

    pub fn token(&self) -> Token {
        self.token
    }

    /// Appends to what is to be sent.
    pub fn send(&mut self, bytes: Vec<u8>, now: Monotonic) {
        if self.output.is_empty() {
            self.progress = now;
        }
        self.output.give(bytes);
    }

    /// Reads once; bounded by [`READ_SIZE`](crate::loop_context::READ_SIZE) a turn, so that nobody starves the others.
    pub fn fill(&mut self, context: &mut LoopContext) -> io::Result<()> {
        let Some(descriptor) = context.poller.descriptor(self.token) else {
            return Err(ErrorKind::NotConnected.into());
        };
        match context.input.read(descriptor) {
            Ok([]) => self.ended = true,
            Ok(bytes) => self.input.extend(bytes),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Writes until all is gone or the socket is full.
    pub fn flush(&mut self, context: &LoopContext) -> io::Result<()> {
        let Some(descriptor) = context.poller.descriptor(self.token) else {
            return Err(ErrorKind::NotConnected.into());
        };
        while !self.output.is_empty() {
            let (pieces, offered) = self.output.offer();
            match fd::write_pieces(descriptor, &pieces) {
                Ok(count) => {
                    self.output.consume(count);
                    self.progress = context.now.monotonic;
                    // The socket would say that it is full.
                    if count < offered {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether nobody can take what is sent, as far as is known.
    pub fn has_hung_up(&self, context: &LoopContext) -> bool {
        let descriptor = context.poller.descriptor(self.token);
        self.ended && descriptor.is_none_or(fd::has_hung_up)
    }

    /// Says that nothing more will be sent; whether that can be said without closing.
    pub fn shutdown(&self, context: &LoopContext) -> bool {
        let descriptor = context.poller.descriptor(self.token);
        descriptor.is_some_and(socket::shutdown_write)
    }

    /// Tells the loop what is waited for.
    pub fn set_interest(&self, context: &mut LoopContext, interest: Interest) -> io::Result<()> {
        context.poller.set_interest(self.token, interest)
    }
}
