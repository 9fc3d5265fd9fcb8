//! Logs of programs on a terminal: colours pass (SGR sequences, `ESC [ ... m`), and
//! all else that would act on the terminal is shown as text.
//!
//! Shown are cursor movements, titles, the clipboard and every other sequence, C1
//! as characters and as bytes, bytes that are no UTF-8, a bell, a backspace, and a
//! carriage return that ends no line, by which a log would write over what stands
//! there. The filter remembers where a piece ended, in a few bytes.

use crate::text::plain;

/// The longest sequence that may be a colour, in bytes: a foreground, a background and
/// an underline of 24 bits with everything else are not longer.
const LONGEST: usize = 96;

const ESCAPE: u8 = 0x1b;
const RESET: &[u8] = b"\x1b[0m";

/// What makes a stream of pieces fit for a terminal.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What may still become a colour, the end of a line or a character.
    held: Vec<u8>,
    is_coloured: bool,
}

/// What held bytes are, with one more.
enum Held {
    /// The beginning of something that passes.
    Begun,
    /// Something that passes.
    Whole,
    /// Neither: the bytes before the last one are to be shown.
    Broken,
}

impl Filter {
    /// The next piece as it may be shown, but for an end that is not finished.
    pub fn take(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(piece.len());
        for &byte in piece {
            self.held.push(byte);
            // The bytes before this one came to nothing, which it may be the beginning of.
            if let Held::Broken = held(&self.held) {
                self.held.pop();
                self.show(&mut shown);
                self.held.push(byte);
            }
            match held(&self.held) {
                Held::Begun => {}
                Held::Whole => self.pass(&mut shown),
                Held::Broken => self.show(&mut shown),
            }
        }
        shown
    }

    /// What is still held back at the end of the stream, and the end of its colours.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut shown = Vec::new();
        self.show(&mut shown);
        if std::mem::take(&mut self.is_coloured) {
            shown.extend_from_slice(RESET);
        }
        shown
    }

    /// Passes what is held: a colour, the end of a line, or a character.
    fn pass(&mut self, shown: &mut Vec<u8>) {
        match self.held.strip_prefix(b"\x1b[") {
            Some(colour) => {
                let is_reset = |byte: &u8| matches!(byte, b'0' | b';' | b'm');
                self.is_coloured = !colour.iter().all(is_reset);
                shown.append(&mut self.held);
            }
            None => {
                let is_line_end = matches!(self.held.as_slice(), b"\n" | b"\r\n");
                match str::from_utf8(&self.held) {
                    Ok(text) if !is_line_end => {
                        shown.extend_from_slice(plain::shown(text).as_bytes());
                        self.held.clear();
                    }
                    _ => shown.append(&mut self.held),
                }
            }
        }
    }

    /// Shows what is held, which came to nothing.
    fn show(&mut self, shown: &mut Vec<u8>) {
        for byte in self.held.drain(..) {
            match byte {
                b' '..=b'~' => shown.push(byte),
                byte => shown.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
            }
        }
    }
}

fn held(bytes: &[u8]) -> Held {
    match bytes {
        [ESCAPE] | [ESCAPE, b'['] | [b'\r'] => Held::Begun,
        [ESCAPE, b'[', .., b'm'] | [b'\r', b'\n'] => Held::Whole,
        [ESCAPE, b'[', .., b'0'..=b'9' | b';' | b':'] if bytes.len() < LONGEST => Held::Begun,
        [ESCAPE | b'\r', ..] => Held::Broken,
        bytes => match str::from_utf8(bytes) {
            Ok(_) => Held::Whole,
            Err(error) if error.error_len().is_none() => Held::Begun,
            Err(_) => Held::Broken,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Vec<u8> {
        let mut filter = Filter::default();
        let mut shown = filter.take(bytes);
        shown.extend(filter.finish());
        shown
    }

    const CASES: &[(&[u8], &str)] = &[
        (b"", ""),
        (b"plain\ttext\nmore\r\n", "plain\ttext\nmore\r\n"),
        (
            "caf\u{e9} \u{65e5}\u{1f600}".as_bytes(),
            "caf\u{e9} \u{65e5}\u{1f600}",
        ),
        (b"\x1b[31mred\x1b[0m.", "\x1b[31mred\x1b[0m."),
        (b"\x1b[1;38;5;0m\x1b[m", "\x1b[1;38;5;0m\x1b[m"),
        (b"\x1b[4:3mwave\x1b[00;0m", "\x1b[4:3mwave\x1b[00;0m"),
        // Left on, they end with the log.
        (b"\x1b[31mred", "\x1b[31mred\x1b[0m"),
        (b"\x1b[38;5;0mblack\n", "\x1b[38;5;0mblack\n\x1b[0m"),
        (b"a\x1b[2Jb\x1b[Hc\x1b[1A", "a\\x1b[2Jb\\x1b[Hc\\x1b[1A"),
        (
            b"\x1b[?25l\x1b[>4;2m\x1b[ m\x1b[1 m",
            "\\x1b[?25l\\x1b[>4;2m\\x1b[ m\\x1b[1 m",
        ),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"\x1b]52;c;eA==\x1b\\", "\\x1b]52;c;eA==\\x1b\\"),
        (
            b"\x1bPq\x1b\\\x1bc\x1b7\x1b(0",
            "\\x1bPq\\x1b\\\\x1bc\\x1b7\\x1b(0",
        ),
        (b"\x1b\x1b[1mx\x1b[0m", "\\x1b\x1b[1mx\x1b[0m"),
        (b"\x1b[1\x1b[0m\x1b[3\nx", "\\x1b[1\x1b[0m\\x1b[3\nx"),
        (b"\x1b[1\r\n\x1b[1\xc3\xa9", "\\x1b[1\r\n\\x1b[1\u{e9}"),
        (
            b"10%\r20%\r\r\n\x08\x7f\0",
            "10%\\x0d20%\\x0d\r\n\\x08\\x7f\\x00",
        ),
        (b"\x9b31m \xc2\x9b31m \xc2\x90", "\\x9b31m \\x9b31m \\x90"),
        (
            b"\xff\xfe caf\xe9 \xe6\x97x\xf0\x9f\n",
            "\\xff\\xfe caf\\xe9 \\xe6\\x97x\\xf0\\x9f\n",
        ),
        ("\u{202e}x\u{2028}".as_bytes(), "\\u202ex\\u2028"),
        // What is not finished is shown.
        (b"a\x1b", "a\\x1b"),
        (b"a\x1b[31", "a\\x1b[31"),
        (b"a\r", "a\\x0d"),
        (b"a\xe6\x97", "a\\xe6\\x97"),
    ];

    #[test]
    fn colours_pass_and_everything_else_is_shown() {
        for (bytes, expected) in CASES {
            let shown = String::from_utf8(whole(bytes)).unwrap();
            assert_eq!(shown, *expected, "{:?}", bytes.escape_ascii().to_string());
        }
    }

    #[test]
    fn it_does_not_matter_where_pieces_end() {
        for (bytes, expected) in CASES {
            for cut in 0..=bytes.len() {
                let mut filter = Filter::default();
                let mut shown = filter.take(&bytes[..cut]);
                shown.extend(filter.take(&bytes[cut..]));
                shown.extend(filter.finish());
                assert_eq!(shown, expected.as_bytes(), "cut at {cut} of {expected:?}");
            }
        }
    }

    #[test]
    fn a_sequence_without_an_end_is_shown_and_does_not_fill_the_memory() {
        let mut filter = Filter::default();
        let mut shown = filter.take(b"\x1b[");
        for _ in 0..10_000 {
            shown.extend(filter.take(b"1;"));
            assert!(filter.held.len() <= LONGEST);
        }
        shown.extend(filter.take(b"m"));
        assert!(shown.starts_with(b"\\x1b[1;1;") && shown.ends_with(b"1;m"));
        assert_eq!(filter.finish(), b"");
    }

    /// Every byte that is left acts on no terminal but to colour it.
    #[test]
    fn nothing_but_colours_and_ends_of_lines_is_left_of_any_bytes() {
        const PIECES: &[&[u8]] = &[
            b"\x1b",
            b"[",
            b"1",
            b";",
            b"m",
            b"\r",
            b"\n",
            b"\x9b",
            b"\xc2",
            b"\xe2\x80",
            b"\xa8",
            b"]",
            b"?",
            b"\x07",
            b"x",
            b"\xf0\x9f",
        ];
        let mut seed = 1_u64;
        for _ in 0..3_000 {
            let mut bytes = Vec::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                bytes.extend_from_slice(PIECES[(seed >> 33) as usize % PIECES.len()]);
            }
            let shown = String::from_utf8(whole(&bytes)).unwrap();
            let mut rest = shown.replace("\r\n", "\n");
            while let Some(place) = rest.find("\x1b[") {
                let end = place + 2 + rest[place + 2..].find('m').unwrap();
                let digits = &rest[place + 2..end];
                assert!(
                    digits.bytes().all(|b| b"0123456789;:".contains(&b)),
                    "{shown:?}"
                );
                rest.replace_range(place..=end, "");
            }
            let is_left = |c: char| c != '\n' && plain::is_control(c);
            assert!(!rest.contains(is_left), "{shown:?}");
        }
    }
}
