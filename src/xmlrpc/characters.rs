//! What XML makes of characters: which it has a place for, what references stand for,
//! where a long text may be cut, and line ends.

use std::borrow::Cow;

/// How much of a piece of text holds no half reference and no half line end.
pub fn whole_references(piece: &str) -> usize {
    let end = before_ending(piece, ['\r', '\r']);
    match piece.rfind('&') {
        Some(place) if end - place.min(end) <= REFERENCE && !has_end(piece, place) => place,
        _ => end,
    }
}

fn has_end(piece: &str, reference: usize) -> bool {
    piece.get(reference..).unwrap_or_default().contains(';')
}

/// How much of a piece comes before such characters at its end, of which two
/// at most belong to what follows.
pub fn before_ending(piece: &str, characters: [char; 2]) -> usize {
    let once = piece.strip_suffix(characters).unwrap_or(piece);
    once.strip_suffix(characters).unwrap_or(once).len()
}

/// Whether XML 1.0 has a place for that character.
pub fn is_xml(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
    )
}

pub fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Wider than XML beyond ASCII: a strange name is an unknown one and does no harm.
pub fn is_name(character: char) -> bool {
    u8::try_from(character).is_ok_and(is_plain_name) || !character.is_ascii() && is_xml(character)
}

/// Neither a mark of XML nor what is read as something else, or checked.
pub fn is_plain_text(byte: u8) -> bool {
    PLAIN_TEXT
        .get(usize::from(byte))
        .is_some_and(|plain| *plain)
}

const PLAIN_TEXT: [bool; 128] = {
    let mut plain = [false; 128];
    let mut byte = 0;
    while byte < 127 {
        plain[byte as usize] =
            matches!(byte, b' '..=0x7e | b'\n' | b'\t') && !matches!(byte, b'<' | b'&' | b']');
        byte += 1;
    }
    plain
};

pub fn is_plain_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.')
}

/// The longest reference without its `&`, in bytes.
pub const REFERENCE: usize = 16;

pub fn character(name: &str) -> Option<char> {
    let number = match name.strip_prefix('#') {
        None => {
            return match name {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                _ => None,
            };
        }
        Some(digits) => match digits.strip_prefix('x') {
            Some(digits) => from_digits(digits, 16)?,
            None => from_digits(digits, 10)?,
        },
    };
    char::from_u32(number).filter(|character| is_xml(*character))
}

/// Stricter than the standard parser, which takes a sign as well.
fn from_digits(digits: &str, radix: u32) -> Option<u32> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// CR LF and lone CR become LF.
pub fn with_line_feeds(raw: &str) -> Cow<'_, str> {
    if raw.contains('\r') {
        Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(raw)
    }
}
