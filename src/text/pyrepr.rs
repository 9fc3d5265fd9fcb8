//! Python's quoted form of a string, `repr`, which many of the original's
//! messages carry and scripts match.
//!
//! Single quotes, unless the text holds a `'` and no `"`; backslash, newline,
//! tab and carriage return by name; other unprintable characters by number;
//! printable text beyond ASCII as it is.

use std::borrow::Cow;

/// `repr(text)` of a string.
pub fn repr(text: &str) -> String {
    quoted(text.chars(), printable)
}

/// `ascii(text)`: as [`repr()`], with everything beyond ASCII by number.
pub fn ascii(text: &str) -> String {
    quoted(text.chars(), |c| c.is_ascii() && printable(c))
}

/// `repr(bytes)` of a byte string: `b'...'`.
pub fn repr_bytes(bytes: &[u8]) -> String {
    let characters = bytes.iter().map(|byte| char::from(*byte));
    format!("b{}", quoted(characters, |c| matches!(c, ' '..='~')))
}

fn quoted(
    characters: impl Iterator<Item = char> + Clone,
    as_it_is: impl Fn(char) -> bool,
) -> String {
    let has = |quote| characters.clone().any(|c| c == quote);
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in characters.clone() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if as_it_is(c) => out.push(c),
            c => out.push_str(&numbered(c)),
        }
    }
    out.push(quote);
    out
}

/// Bytes as the original shows them where text is expected: as they are, or by
/// their `repr` where they are no UTF-8.
pub fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(format!("Undecodable: {}", repr_bytes(bytes))),
    }
}

/// The `repr` of a list of strings: `['a', 'b']`.
pub fn repr_list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| repr(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

fn numbered(c: char) -> String {
    match u32::from(c) {
        n @ 0..=0xff => format!("\\x{n:02x}"),
        n @ 0x100..=0xffff => format!("\\u{n:04x}"),
        n => format!("\\U{n:08x}"),
    }
}

/// Python and the standard library's debug form agree on what is printable;
/// the latter tells it of any character that does not stand first, where
/// combining marks are left alone.
fn printable(c: char) -> bool {
    let mut buffer = [0; 5];
    buffer[0] = b'a';
    let length = c.len_utf8();
    if let Some(rest) = buffer.get_mut(1..=length) {
        c.encode_utf8(rest);
    }
    let text = buffer.get(..=length).unwrap_or_default();
    let text = str::from_utf8(text).unwrap_or_default();
    match c {
        // Escaped by the debug form for its own sake.
        '\'' | '"' => true,
        c => text.escape_debug().nth(1) == Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_python_does() {
        for (text, expected) in [
            ("", "''"),
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("say \"x\"", "'say \"x\"'"),
            ("it's \"x\"", "'it\\'s \"x\"'"),
            ("a\\b\n\r\t", "'a\\\\b\\n\\r\\t'"),
            ("\0\x1b\x7f", "'\\x00\\x1b\\x7f'"),
            ("é\u{301}日本", "'é\u{301}日本'"),
            ("\u{a0}\u{ad}", "'\\xa0\\xad'"),
            ("\u{feff}\u{2028}", "'\\ufeff\\u2028'"),
            ("\u{e0001}", "'\\U000e0001'"),
        ] {
            assert_eq!(repr(text), expected);
        }
    }

    #[test]
    fn ascii_numbers_everything_else() {
        assert_eq!(ascii("é日\u{1f600}'"), "\"\\xe9\\u65e5\\U0001f600'\"");
    }

    #[test]
    fn byte_strings_are_quoted_as_python_does() {
        assert_eq!(repr_bytes(b"a'b\xff\n"), "b\"a'b\\xff\\n\"");
        assert_eq!(repr_bytes(b"'\""), "b'\\'\"'");
    }

    #[test]
    fn lists_are_quoted_as_python_does() {
        assert_eq!(repr_list(&["extra", "it's"]), "['extra', \"it's\"]");
    }
}
