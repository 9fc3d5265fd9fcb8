//! Bytes that arrive at one end and leave at the other: what a client has
//! sent, or what it has still to receive. Linear in what passes through.

use crate::snapshot::saved;

/// The queue of bytes.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

saved! { struct Buffer { bytes, start } }

impl Buffer {
    /// Adds at the end.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What has not left yet.
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// How many bytes have not left yet.
    pub fn len(&self) -> usize {
        self.pending().len()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets go of `count` bytes at the front (or as many as there are); of the
    /// memory as well when they were the last.
    pub fn consume(&mut self, count: usize) {
        self.start = self.bytes.len().min(self.start.saturating_add(count));
        if self.start == self.bytes.len() {
            *self = Buffer::default();
        }
    }

    /// Throws everything away.
    pub fn clear(&mut self) {
        *self = Buffer::default();
    }
}
