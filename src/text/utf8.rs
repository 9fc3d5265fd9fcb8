//! Where text that may be cut anywhere can be cut without harm: between its
//! characters. What is no UTF-8 is looked at as a decoder does: bytes that
//! become one U+FFFD belong together as those of a character do.

/// The most bytes that a character has.
pub const LONGEST: usize = 4;

/// How many bytes of `after` belong to a character that begins in `before`, the
/// bytes that stand before them: three of them tell.
pub fn cut(before: &[u8], after: &[u8]) -> usize {
    let Some(begun) = last_character(before) else {
        return 0;
    };
    let mut bytes: Vec<u8> = begun.to_vec();
    bytes.extend(after.iter().take(LONGEST));
    first(&bytes).saturating_sub(begun.len())
}

/// How many bytes at the end begin a character whose other bytes are not there.
pub fn unfinished(bytes: &[u8]) -> usize {
    let begun = last_character(bytes).unwrap_or_default();
    match std::str::from_utf8(begun) {
        Err(error) if error.valid_up_to() == 0 && error.error_len().is_none() => begun.len(),
        _ => 0,
    }
}

/// From the last byte on that may begin a character of several bytes, if it is
/// so close to the end that the character may go on behind it.
fn last_character(bytes: &[u8]) -> Option<&[u8]> {
    let near = bytes.len().saturating_sub(LONGEST - 1);
    let end = bytes.get(near..)?;
    let place = end.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
    end.get(place..).filter(|begun| *begun >= &[0xc0][..])
}

/// How many bytes the first character has, or what becomes the first U+FFFD.
fn first(bytes: &[u8]) -> usize {
    let Some(chunk) = bytes.utf8_chunks().next() else {
        return 0;
    };
    let character = chunk.valid().chars().next();
    character.map_or(chunk.invalid().len(), char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_character_that_began_before_are_counted() {
        for (before, after, expected) in [
            (&b"caf\xc3"[..], &b"\xa9\n"[..], 1),
            (b"caf", b"\xc3\xa9\n", 0),
            (b"\xe2", b"\x82\xacx", 2),
            (b"\xe2\x82", b"\xacx", 1),
            (b"a\xf0\x9f\x98", b"\x80\x80", 1),
            (b"\xf0", b"\x9f\x98\x80\x80", 3),
            // Whole before the cut: what follows belongs to nothing.
            ("é".as_bytes(), b"\x80", 0),
            ("😀".as_bytes(), b"\x80", 0),
            (b"\x80\x80\x80", b"\x80", 0),
            (b"a", b"\x80", 0),
            (b"", b"\x80", 0),
            // No characters, but one U+FFFD each.
            (b"\xe2", b"\x82x", 1),
            (b"\xf0\x9f", b"\x98", 1),
            (b"\xe0", b"\x80", 0),
            (b"\xff", b"\x80", 0),
            (b"\xc3", b"\xc3\xa9", 0),
            (b"\xc3", b"", 0),
        ] {
            assert_eq!(cut(before, after), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn only_a_character_that_can_still_be_finished_is_unfinished() {
        for (bytes, expected) in [
            (&b""[..], 0),
            (b"a", 0),
            (b"a\xc3", 1),
            (b"\xe2\x82", 2),
            (b"\xf0\x9f\x98", 3),
            ("é€😀".as_bytes(), 0),
            (b"\x80\x80", 0),
            (b"\xe0\x80", 0),
            (b"\xff", 0),
            (b"\xc0", 0),
            (b"\xed\xa0", 0),
        ] {
            assert_eq!(unfinished(bytes), expected, "{bytes:?}");
        }
    }
}
