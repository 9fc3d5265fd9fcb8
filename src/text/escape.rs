//! Text on its way into a page or an address: nothing in it is taken for markup.

use crate::text::ansi::AnsiStripper;
use crate::text::plain;
use crate::text::scan::{self, has, has_below, has_high};

/// Adds `text` to a page, as text or within a quoted value of an attribute.
/// Control characters, which a page may not hold, are shown as U+FFFD.
pub fn push(page: &mut String, text: &str) {
    scan::push_escaped(page, text, special_at, |page, character| {
        push_character(page, character, '\u{fffd}');
    });
}

/// Where the first character is that may have to be written as another text.
fn special_at(bytes: &[u8]) -> Option<usize> {
    let may_be = |word| {
        has_below(word, b' ')
            | has(word, b'<')
            | has(word, b'>')
            | has(word, b'&')
            | has(word, b'"')
            | has(word, b'\'')
            | has(word, 0x7f)
            | has_high(word)
    };
    scan::find(
        bytes,
        may_be,
        |byte| matches!(byte, 0..b' ' | b'<' | b'>' | b'&' | b'"' | b'\'' | 0x7f..),
    )
}

/// The same as a value.
pub fn html(text: &str) -> String {
    let mut page = String::with_capacity(text.len());
    push(&mut page, text);
    page
}

/// Adds a piece of a log: sequences that colour a terminal are left out, other
/// control characters are shown by their pictures (U+2400 and on).
pub fn push_log(page: &mut String, text: &str) {
    let mut stripper = AnsiStripper::default();
    let mut bytes = stripper.strip(text.as_bytes());
    bytes.extend_from_slice(stripper.finish());
    let stripped = String::from_utf8_lossy(&bytes);
    let mut characters = stripped.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => page.push('\n'),
            '\0'..='\u{1f}' => {
                let picture = char::from_u32(0x2400 + u32::from(character));
                push_character(page, character, picture.unwrap_or('\u{fffd}'));
            }
            _ => push_character(page, character, '\u{fffd}'),
        }
    }
}

fn push_character(page: &mut String, character: char, instead_of_control: char) {
    match character {
        '<' => page.push_str("&lt;"),
        '>' => page.push_str("&gt;"),
        '&' => page.push_str("&amp;"),
        '"' => page.push_str("&quot;"),
        '\'' => page.push_str("&#39;"),
        '\n' => page.push(character),
        _ if plain::is_control(character) => page.push(instead_of_control),
        _ => page.push(character),
    }
}

/// Text as a part of an address: UTF-8, with everything but letters, digits and `_.-~/` as `%XX`.
pub fn quoted(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' | b'/' => {
                address.push(char::from(byte));
            }
            _ => {
                address.push('%');
                for digit in [byte >> 4, byte & 15] {
                    let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                    address.push(digit.to_ascii_uppercase());
                }
            }
        }
    }
    address
}

/// `path?name=value&…` of those values that are not empty, not yet escaped for a page.
pub fn address(path: &str, values: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    let mut separator = '?';
    for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(separator);
        address.push_str(name);
        address.push('=');
        address.push_str(&quoted(value));
        separator = '&';
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        for (text, shown) in [
            ("plain ü €", "plain ü €"),
            ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
            ("\"'", "&quot;&#39;"),
            (
                "a\0b\u{1b}c\u{7f}\u{85}",
                "a\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}",
            ),
            ("a\u{202e}b", "a\u{fffd}b"),
            ("a\tb\n", "a\tb\n"),
        ] {
            assert_eq!(html(text), shown, "{text:?}");
        }
    }

    #[test]
    fn logs_lose_their_colours_and_show_what_else_they_hold() {
        for (text, shown) in [
            ("\u{1b}[31mred\u{1b}[0m <b>", "red &lt;b&gt;"),
            (
                "50%\r100%\r\nbell\u{7}\0",
                "50%\n100%\nbell\u{2407}\u{2400}",
            ),
            ("ü\u{fffd}", "ü\u{fffd}"),
        ] {
            let mut page = String::new();
            push_log(&mut page, text);
            assert_eq!(page, shown, "{text:?}");
        }
    }

    #[test]
    fn addresses_hold_what_4_3_0_leaves() {
        for (text, expected) in [
            ("g:n_0.-~/", "g%3An_0.-~/"),
            ("a b+ü&=\"<", "a%20b%2B%C3%BC%26%3D%22%3C"),
            ("", ""),
        ] {
            assert_eq!(quoted(text), expected);
        }
        assert_eq!(
            address("tail.html", &[("a", "1"), ("b", ""), ("c", "&")]),
            "tail.html?a=1&c=%26"
        );
        assert_eq!(address("./", &[("a", "")]), "./");
    }
}
