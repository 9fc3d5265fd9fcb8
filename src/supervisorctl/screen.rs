//! What the terminal of the operator can show, if there is one.

use std::io::{self, IsTerminal};

use crate::sys::terminal;
use crate::text::plain;

/// The widest column of names. Who has a longer one stands out of line.
pub const WIDEST: usize = 1000;

/// Tells the standard error a line. Whatever it quotes is shown as text.
pub fn complain(line: &str) {
    terminal::complain(&format!("{}\n", plain::shown(line)));
}

/// Whether the standard output is a terminal that can draw over what it shows.
pub fn is_drawable() -> bool {
    io::stdout().is_terminal() && std::env::var("TERM").is_ok_and(|term| can_draw(&term))
}

/// Whether progress may be drawn: nobody but a person at a terminal sees it.
pub fn shows_progress() -> bool {
    is_drawable() && io::stderr().is_terminal()
}

/// Whether the standard output may be coloured. `NO_COLOR` in the environment,
/// with any value but the empty one, says that it may not.
pub fn is_coloured() -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    is_drawable() && !is_refused
}

/// How many columns a character takes: none, one or two.
#[cfg(feature = "line-editing")]
pub fn columns(character: char) -> usize {
    unicode_width::UnicodeWidthChar::width(character).unwrap_or(0)
}

/// The same by the blocks that nearly all such characters are in.
#[cfg(not(feature = "line-editing"))]
pub fn columns(character: char) -> usize {
    match u32::from(character) {
        0..=0x1f | 0x7f..=0x9f | 0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Where the cursor stands on a terminal so wide after a text that begins at the
/// left: how many rows further down, and in which column.
pub fn position(text: &str, width: usize) -> (usize, usize) {
    let (mut row, mut column) = (0, 0);
    for character in text.chars() {
        let columns = columns(character);
        // What is too wide for the rest of a row goes to the next one.
        if column + columns > width {
            (row, column) = (row + 1, 0);
        }
        column += columns;
    }
    match column == width {
        true => (row + 1, 0),
        false => (row, column),
    }
}

/// As much of a line as fits into so many columns. Colours take none.
pub fn clipped(line: &str, width: usize) -> String {
    let mut clipped = String::new();
    let (mut left, mut in_escape) = (width, false);
    for character in line.chars() {
        if character == '\x1b' {
            in_escape = true;
        }
        if in_escape {
            clipped.push(character);
            in_escape = !character.is_ascii_alphabetic();
            continue;
        }
        match left.checked_sub(columns(character)) {
            Some(rest) => {
                clipped.push(character);
                left = rest;
            }
            None => left = 0,
        }
    }
    clipped
}

fn can_draw(term: &str) -> bool {
    !matches!(term, "" | "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_cannot_draw() {
        assert!(can_draw("xterm") && can_draw("linux"));
        assert!(!can_draw("dumb") && !can_draw(""));
    }

    #[test]
    fn columns_are_counted_and_not_characters() {
        for (text, expected) in [
            ("", (0, 0)),
            ("abc", (0, 3)),
            ("日本", (0, 4)),
            ("e\u{301}", (0, 1)),
            ("0123456789", (1, 0)),
            ("012345678日x", (1, 3)),
            ("日本日本日本", (1, 2)),
            (&"x".repeat(25), (2, 5)),
        ] {
            assert_eq!(position(text, 10), expected, "{text}");
        }
    }

    #[test]
    fn a_line_is_clipped_by_columns_without_its_colours() {
        for (line, expected) in [
            ("12345678", "12345"),
            ("12日本", "12日"),
            ("1234日x", "1234"),
            ("\x1b[32mRUNNING\x1b[0m", "\x1b[32mRUNNI\x1b[0m"),
        ] {
            assert_eq!(clipped(line, 5), expected);
        }
    }
}
