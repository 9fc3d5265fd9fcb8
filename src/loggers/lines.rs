//! Lines out of a stream of pieces, as formats other than raw want them.
//!
//! A line ends with LF, CR LF or CR: a progress bar gives a line for each of its states.
//! One that is in a piece as a whole is not copied. What has no end yet is held, up to
//! 64 KiB; the owner takes it out when it has waited long enough, and the rest of it
//! is a line by itself.

use crate::snapshot::saved;
use crate::text::scan::{self, has};
use crate::text::utf8;

/// The most that is held of a line, and so the longest line.
pub const LONGEST: usize = 64 * 1024;

/// The lines of a stream.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// A line without an end.
    held: Vec<u8>,
    /// How much of that has been handed out.
    spent: usize,
    /// A part of the line was handed out: an end with nothing before it belongs to that.
    is_open: bool,
}

saved! { struct Lines { held, spent, is_open } }

/// A line, or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub text: &'a [u8],
    /// The bytes that end it, if it has come to its end.
    pub end: &'a [u8],
    /// It is the end of a line that was handed out before, and no line by itself.
    pub is_rest: bool,
}

impl Lines {
    /// The next line that `data` completes, which is taken from its beginning. `None` when
    /// all of it is taken.
    pub fn next<'s, 'd: 's>(&'s mut self, data: &mut &'d [u8]) -> Option<Line<'s>> {
        self.forget_spent();
        let bytes: &'d [u8] = data;
        if bytes.is_empty() {
            return None;
        }
        let room = LONGEST - self.held.len();
        let within = bytes.get(..room).unwrap_or(bytes);
        let Some(place) = find_end(within) else {
            return self.without_end(within, room, data);
        };
        let (text, rest) = bytes.split_at(place);
        let (end, rest) = rest.split_at(if rest.starts_with(b"\r\n") { 2 } else { 1 });
        *data = rest;
        let is_rest = text.is_empty() && self.held.is_empty() && (self.is_open || end == b"\r");
        // What follows a CR may be the LF of the same end.
        self.is_open = end == b"\r" && (self.is_open || !is_rest);
        let text = self.joined(text, 0);
        Some(Line { text, end, is_rest })
    }

    fn without_end<'s, 'd: 's>(
        &'s mut self,
        within: &'d [u8],
        room: usize,
        data: &mut &'d [u8],
    ) -> Option<Line<'s>> {
        let bytes: &'d [u8] = data;
        if within.len() < room {
            self.held.extend_from_slice(within);
            *data = &[];
            return None;
        }
        self.is_open = true;
        let end: &[u8] = &[];
        let is_rest = false;
        if self.held.is_empty() {
            let (text, rest) = bytes.split_at(room - utf8::unfinished(within));
            *data = rest;
            return Some(Line { text, end, is_rest });
        }
        *data = bytes.get(room..).unwrap_or_default();
        let mut last = self
            .held
            .get(self.held.len().saturating_sub(utf8::LONGEST)..);
        let mut near = last.take().unwrap_or_default().to_vec();
        near.extend_from_slice(within);
        let text = self.joined(within, utf8::unfinished(&near));
        Some(Line { text, end, is_rest })
    }

    /// What is held and `text`, but for the last bytes, which stay.
    fn joined<'s, 'd: 's>(&'s mut self, text: &'d [u8], kept: usize) -> &'s [u8] {
        if self.held.is_empty() {
            return text;
        }
        self.held.extend_from_slice(text);
        self.spent = self.held.len() - kept;
        self.held.get(..self.spent).unwrap_or_default()
    }

    fn forget_spent(&mut self) {
        if self.spent > 0 {
            self.held.drain(..self.spent);
            self.spent = 0;
        }
    }

    /// Whether nothing waits for its end.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes wait for their end.
    pub fn len(&self) -> usize {
        self.held.len() - self.spent
    }

    /// What waits for its end, but for a character that is not whole yet.
    pub fn take_begun(&mut self) -> Option<Line<'_>> {
        self.forget_spent();
        let unfinished = utf8::unfinished(&self.held);
        match self.held.len() > unfinished {
            true => self.take(unfinished),
            false => self.take(0),
        }
    }

    /// What is left at the end of the stream.
    pub fn take_last(&mut self) -> Option<Line<'_>> {
        self.forget_spent();
        self.take(0)
    }

    fn take(&mut self, kept: usize) -> Option<Line<'_>> {
        if self.held.is_empty() {
            return None;
        }
        self.is_open = true;
        Some(Line {
            text: self.joined(&[], kept),
            end: &[],
            is_rest: false,
        })
    }
}

fn find_end(bytes: &[u8]) -> Option<usize> {
    let may_be = |word| has(word, b'\n') | has(word, b'\r');
    scan::find(bytes, may_be, |byte| matches!(byte, b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of pieces, and what is left; and all bytes as they came.
    fn lines(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let (mut found, mut bytes) = (Vec::new(), Vec::new());
        let mut lines = Lines::default();
        let mut keep = |line: Line<'_>| {
            if !line.is_rest {
                found.push(line.text.to_vec());
            }
            bytes.extend_from_slice(line.text);
            bytes.extend_from_slice(line.end);
        };
        for piece in pieces {
            let mut rest = *piece;
            while let Some(line) = lines.next(&mut rest) {
                keep(line);
            }
            assert!(rest.is_empty());
        }
        if let Some(line) = lines.take_last() {
            keep(line);
        }
        assert!(lines.is_empty());
        (found, bytes)
    }

    #[test]
    fn a_line_ends_with_each_of_the_ends_wherever_the_stream_is_cut() {
        for (stream, expected) in [
            (&b""[..], &[][..]),
            (b"one\ntwo\n", &[&b"one"[..], b"two"]),
            (b"one\r\n\r\ntwo", &[b"one", b"", b"two"]),
            (b"\n\n", &[b"", b""]),
            (b"1%\r2%\r100%\r\nnext\n", &[b"1%", b"2%", b"100%", b"next"]),
            (b"\r1%\r2%\n", &[b"1%", b"2%"]),
            (b"a\r\r\nb\n", &[b"a", b"b"]),
            (b"a\r\n\nb\n", &[b"a", b"", b"b"]),
            (b"\0\xff\x1b[1m\n", &[b"\0\xff\x1b[1m"]),
        ] {
            for first in 0..=stream.len() {
                for second in first..=stream.len() {
                    let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                    let (found, bytes) = lines(&pieces);
                    assert_eq!(found, expected, "{stream:?} at {first} and {second}");
                    assert_eq!(bytes, stream);
                }
            }
        }
    }

    #[test]
    fn a_long_line_comes_in_pieces_that_cut_no_character() {
        let euro = "€".as_bytes();
        for before in 0..4 {
            for step in [1, 5, 4095, LONGEST - 1, LONGEST, LONGEST + 1, 200_000] {
                let mut stream = vec![b'x'; before];
                stream.extend(euro.repeat(50_000));
                stream.extend(b"\nnext\n");
                let pieces: Vec<&[u8]> = stream.chunks(step).collect();
                let (found, bytes) = lines(&pieces);
                assert!(bytes == stream);
                assert_eq!(found.last().unwrap(), b"next");
                assert_eq!(found.len(), 4, "{before} {step}");
                for line in &found {
                    assert!(line.len() <= LONGEST);
                    assert!(std::str::from_utf8(line).is_ok(), "{before} {step}");
                }
            }
        }
    }

    #[test]
    fn a_line_of_exactly_the_most_has_no_empty_one_behind_it() {
        let mut stream = vec![b'x'; 2 * LONGEST];
        stream.extend(b"\nnext\n");
        let (found, _) = lines(&[&stream]);
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn what_waits_for_its_end_can_be_taken_out() {
        let mut lines = Lines::default();
        let feed = |lines: &mut Lines, mut data: &[u8]| {
            let mut found = Vec::new();
            while let Some(line) = lines.next(&mut data) {
                found.push((line.text.to_vec(), line.is_rest));
            }
            found
        };
        assert_eq!(lines.take_begun(), None);
        assert_eq!(feed(&mut lines, b"name? \xe2\x82"), []);
        assert_eq!(lines.take_begun().unwrap().text, b"name? ");
        assert!(!lines.is_empty());
        // Nothing else is there any more: it is no character, or a slow one.
        assert_eq!(lines.take_begun().unwrap().text, b"\xe2\x82");
        assert!(lines.is_empty());
        assert_eq!(feed(&mut lines, b"\n"), [(vec![], true)]);
        assert_eq!(feed(&mut lines, b"\n"), [(vec![], false)]);
        assert_eq!(feed(&mut lines, b"x"), []);
        assert_eq!(lines.take_begun().unwrap().text, b"x");
        assert_eq!(feed(&mut lines, b"y\n"), [(b"y".to_vec(), false)]);
    }
}
