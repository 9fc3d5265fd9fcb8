//! Removing ANSI control sequences (`ESC [ ... letter`) from a child's output.
//!
//! The stripper remembers where a piece ended, so a sequence that two reads cut
//! in half is removed as well; Supervisor 4.3.0 lets its second half through.

use crate::snapshot::saved;

/// Removes control sequences from a stream of pieces.
#[derive(Clone, Debug, Default)]
pub struct AnsiStripper {
    state: State,
}

saved! { struct AnsiStripper { state } }

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// The last byte was ESC, which has not been passed on.
    Escape,
    /// Between `ESC [` and its final byte.
    Sequence,
}

saved! { enum State { Text, Escape, Sequence } }

const ESCAPE: u8 = 0x1b;

impl AnsiStripper {
    /// What is left of the next piece.
    pub fn strip(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(piece.len());
        for &byte in piece {
            self.state = match (self.state, byte) {
                (State::Text, ESCAPE) => State::Escape,
                (State::Text, _) => {
                    text.push(byte);
                    State::Text
                }
                (State::Escape, b'[') => State::Sequence,
                (State::Escape, ESCAPE) => {
                    text.push(ESCAPE);
                    State::Escape
                }
                (State::Escape, _) => {
                    text.extend([ESCAPE, byte]);
                    State::Text
                }
                (State::Sequence, b'@'..=b'~') => State::Text,
                (State::Sequence, _) => State::Sequence,
            };
        }
        text
    }

    /// What is still held back at the end of the stream.
    pub fn finish(&mut self) -> &'static [u8] {
        match std::mem::take(&mut self.state) {
            State::Escape => &[ESCAPE],
            State::Text | State::Sequence => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::carried;

    #[test]
    fn sequences_go_and_text_stays() {
        for (piece, left) in [
            ("plain", "plain"),
            ("\x1b[31mred\x1b[0m.", "red."),
            ("a\x1b[2Jb\x1b[Hc", "abc"),
            ("\x1b[2Gsome", "some"),
            ("\x1b]0;title\x07", "\x1b]0;title\x07"),
            ("\x1b\x1b[1mx", "\x1bx"),
        ] {
            assert_eq!(
                AnsiStripper::default().strip(piece.as_bytes()),
                left.as_bytes(),
                "{piece:?}"
            );
        }
    }

    #[test]
    fn a_sequence_cut_anywhere_by_two_reads_of_two_programs_is_removed() {
        let whole = b"ab\x1b[31mcd\x1b[0mef";
        for cut in 0..whole.len() {
            let mut stripper = AnsiStripper::default();
            let mut left = stripper.strip(&whole[..cut]);
            stripper = carried(&stripper);
            left.extend(stripper.strip(&whole[cut..]));
            left.extend(stripper.finish());
            assert_eq!(left, b"abcdef", "cut at {cut}");
        }
    }

    #[test]
    fn an_escape_at_the_end_of_the_stream_is_not_lost() {
        let mut stripper = AnsiStripper::default();
        assert_eq!(stripper.strip(b"a\x1b"), b"a");
        assert_eq!(stripper.finish(), b"\x1b");
    }
}
