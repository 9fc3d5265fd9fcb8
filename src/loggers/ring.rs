//! The end of an output in memory, for what goes to no file that could be read: to
//! `/dev/stdout`, to syslog or nowhere.
//!
//! Offsets are those of a file that holds all that was ever written, of which the beginning
//! cannot be read any more. What is kept begins with a whole character.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::snapshot::saved;

/// A ring as the output that fills it and the clients that read it share it.
pub type SharedRing = Rc<RefCell<Ring>>;

#[derive(Debug)]
pub struct Ring {
    bytes: VecDeque<u8>,
    /// How many there are at most.
    room: usize,
    /// How many there have been.
    end: u64,
    /// Nothing else has the output: readers are to look here.
    pub is_read: bool,
}

saved! { struct Ring { bytes, room, end, is_read } }

impl Ring {
    /// An empty one, which takes memory as it fills.
    pub fn new(room: u64, is_read: bool) -> Ring {
        Ring {
            bytes: VecDeque::new(),
            room: usize::try_from(room).unwrap_or(usize::MAX),
            end: 0,
            is_read,
        }
    }

    /// How many bytes are kept at most.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Becomes as large as another one that is new, and is read like that.
    pub fn take_over(&mut self, other: &Ring) {
        self.room = other.room;
        self.is_read = other.is_read;
        let surplus = self.bytes.len().saturating_sub(self.room);
        self.bytes.drain(..surplus);
        if self.start() > 0 {
            self.drop_cut_character();
        }
        self.bytes.shrink_to(self.room);
    }

    /// Where the bytes begin that are there.
    pub fn start(&self) -> u64 {
        self.end - self.bytes.len() as u64
    }

    /// Where the next byte will be.
    pub fn end(&self) -> u64 {
        self.end
    }

    pub fn push(&mut self, data: &[u8]) {
        self.end += data.len() as u64;
        let data = data
            .get(data.len().saturating_sub(self.room)..)
            .unwrap_or(data);
        let surplus = (self.bytes.len() + data.len()).saturating_sub(self.room);
        self.bytes.drain(..surplus);
        self.grow(data.len());
        self.bytes.extend(data);
        if self.start() > 0 {
            self.drop_cut_character();
        }
    }

    /// Makes room for more by doubling it, but never for more than is kept.
    fn grow(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let room = needed.saturating_mul(2).min(self.room).max(needed);
            self.bytes.reserve_exact(room - self.bytes.len());
        }
    }

    /// Takes away what is left of a character that does not begin here.
    fn drop_cut_character(&mut self) {
        let rest = self.bytes.iter().take(3);
        let rest = rest.take_while(|byte| **byte & 0xc0 == 0x80).count();
        self.bytes.drain(..rest);
    }

    /// Forgets what there is. Offsets go on, so that who follows misses nothing.
    pub fn clear(&mut self) {
        self.bytes = VecDeque::new();
    }

    /// Reads from an offset on and says how many bytes; none where they are gone or still to come.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let Some(skip) = offset.checked_sub(self.start()) else {
            return 0;
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let mut count = 0;
        for (place, byte) in buffer.iter_mut().zip(self.bytes.iter().skip(skip)) {
            *place = *byte;
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ring: &Ring) -> String {
        let mut buffer = vec![0; ring.room()];
        let count = ring.read_at(&mut buffer, ring.start());
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    #[test]
    fn it_holds_the_end_of_all_that_was_written() {
        let mut ring = Ring::new(8, true);
        for (written, kept, start, end) in [
            ("", "", 0, 0),
            ("abc", "abc", 0, 3),
            ("defgh", "abcdefgh", 0, 8),
            ("ij", "cdefghij", 2, 10),
            ("0123456789", "23456789", 12, 20),
            ("x", "3456789x", 13, 21),
        ] {
            ring.push(written.as_bytes());
            assert_eq!(text(&ring), kept, "{written}");
            assert_eq!((ring.start(), ring.end()), (start, end), "{written}");
            assert!(ring.bytes.capacity() <= 16);
        }
        ring.clear();
        assert_eq!(
            (text(&ring).as_str(), ring.start(), ring.end()),
            ("", 21, 21)
        );
        ring.push(b"on");
        assert_eq!((text(&ring).as_str(), ring.start()), ("on", 21));
    }

    #[test]
    fn it_never_begins_within_a_character() {
        let mut ring = Ring::new(6, true);
        for (written, kept) in [("€€", "€€"), ("a", "€a"), ("bc", "€abc"), ("ééé", "ééé")]
        {
            ring.push(written.as_bytes());
            assert_eq!(text(&ring), kept, "{written}");
        }
        // What is no text is kept as it is, but for three bytes at the most.
        let mut ring = Ring::new(8, true);
        ring.push(&[0x80; 20]);
        assert_eq!(ring.end() - ring.start(), 5);
    }

    #[test]
    fn offsets_are_those_of_all_that_was_written() {
        let mut ring = Ring::new(4, true);
        ring.push(b"abcdefgh");
        for (offset, length, expected) in [
            (0, 4, ""),
            (3, 4, ""),
            (4, 4, "efgh"),
            (6, 9, "gh"),
            (8, 1, ""),
            (99, 1, ""),
        ] {
            let mut buffer = vec![0; length];
            let count = ring.read_at(&mut buffer, offset);
            assert_eq!(&buffer[..count], expected.as_bytes(), "{offset} {length}");
        }
    }

    #[test]
    fn it_takes_no_more_memory_than_it_may_keep() {
        let mut ring = Ring::new(100_000, true);
        for _ in 0..1000 {
            ring.push(&[b'x'; 1001]);
            assert!(ring.bytes.len() <= 100_000 && ring.bytes.capacity() <= 100_000);
        }
    }
}
