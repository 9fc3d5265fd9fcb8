//! Words of others as text: what a child, a listener or a client says must not act on
//! a log, a fault or a terminal that shows it.
//!
//! A control character is shown by its number: ESC as `\x1b`, a line feed as
//! `\x0a`, a character beyond as `\u202e`. Tabs are left, and so is a backslash:
//! it is read by people, and need not be turned back.

use std::borrow::Cow;
use std::fmt::Write;

use crate::text::scan;

/// Whether a character would do something instead of standing for itself: C0 but
/// for the tab, DEL, C1, and those that end lines or turn the direction of what follows.
pub fn is_control(character: char) -> bool {
    match character {
        '\t' => false,
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        character => character.is_control(),
    }
}

/// The text with its control characters shown.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    push(&mut shown, text);
    Cow::Owned(shown)
}

/// The same of each line of a text that has lines.
pub fn shown_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(shown).collect();
    lines.join("\n")
}

/// Adds the text with its control characters shown.
pub fn push(shown: &mut String, text: &str) {
    let may_be = |word| scan::has_below(word, b' ') | scan::has(word, 0x7f) | scan::has_high(word);
    let special = |byte| matches!(byte, 0..b' ' | 0x7f..);
    let special_at = |bytes: &[u8]| scan::find(bytes, may_be, special);
    scan::push_escaped(shown, text, special_at, push_character);
}

/// Adds a character, by its number if it is a control character.
pub fn push_character(shown: &mut String, character: char) {
    // Writing to a string cannot fail.
    let _ = match (is_control(character), u32::from(character)) {
        (false, _) => shown.write_char(character),
        (true, number @ 0..=0xff) => write!(shown, "\\x{number:02x}"),
        (true, number) => write!(shown, "\\u{number:04x}"),
    };
}

/// Makes what was added to `text` from `begin` on plain, where it is not.
pub fn make_plain(text: &mut String, begin: usize) {
    let added = text.get(begin..).unwrap_or_default();
    if let Cow::Owned(shown) = shown(added) {
        text.truncate(begin);
        text.push_str(&shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_by_their_number_and_text_stays() {
        for (text, expected) in [
            ("", ""),
            (
                "plain\ttext caf\u{e9} \u{65e5} \\ '\"",
                "plain\ttext caf\u{e9} \u{65e5} \\ '\"",
            ),
            ("\u{1b}]0;t\u{7}", "\\x1b]0;t\\x07"),
            ("a\r\nb\0\u{7f}", "a\\x0d\\x0ab\\x00\\x7f"),
            (
                "\u{80}\u{85}\u{9b}31m\u{9f}\u{a0}",
                "\\x80\\x85\\x9b31m\\x9f\u{a0}",
            ),
            ("a\u{2028}b\u{202e}c\u{2066}d", "a\\u2028b\\u202ec\\u2066d"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let text = format!("12345678{character}x");
            let shown = shown(&text);
            assert!(!shown.chars().any(is_control), "{character:?}");
            assert_eq!(shown == text, !is_control(character), "{character:?}");
        }
    }

    #[test]
    fn lines_stay_where_a_text_has_lines() {
        assert_eq!(shown_lines("a\r\n\tb\u{1b}\n"), "a\\x0d\n\tb\\x1b\n");
    }

    #[test]
    fn only_what_was_added_is_made_plain() {
        let mut text = "a\nb\nc".to_owned();
        make_plain(&mut text, 2);
        assert_eq!(text, "a\nb\\x0ac");
    }
}
