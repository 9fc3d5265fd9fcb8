//! Text out of UTF-8 that comes in pieces, as if it had come at once: a
//! character may begin in one piece and end in the next, and what is no UTF-8
//! becomes U+FFFD.

const REPLACEMENT: &str = "\u{fffd}";

/// The state between two pieces.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The beginning of a character whose end has not come; at most three bytes.
    partial: Vec<u8>,
}

impl Decoder {
    /// Tells the text of the next piece, in order and in parts.
    pub fn push(&mut self, mut piece: &[u8], mut tell: impl FnMut(&str)) {
        while !self.partial.is_empty()
            && let Some((&byte, rest)) = piece.split_first()
        {
            self.partial.push(byte);
            match std::str::from_utf8(&self.partial) {
                Err(error) if error.error_len().is_none() => piece = rest,
                Ok(character) => {
                    tell(character);
                    self.partial.clear();
                    piece = rest;
                }
                // The byte is not of that character: it is looked at by itself.
                Err(_) => {
                    tell(REPLACEMENT);
                    self.partial.clear();
                }
            }
        }
        while !piece.is_empty() {
            let error = match std::str::from_utf8(piece) {
                Ok(text) => return tell(text),
                Err(error) => error,
            };
            let (valid, rest) = piece.split_at(error.valid_up_to());
            if let Ok(text) = std::str::from_utf8(valid)
                && !text.is_empty()
            {
                tell(text);
            }
            let Some(invalid) = error.error_len() else {
                self.partial.extend_from_slice(rest);
                return;
            };
            tell(REPLACEMENT);
            piece = rest.get(invalid..).unwrap_or_default();
        }
    }

    /// After the last piece: what stands for a character that lacks its end, if there is one.
    pub fn finish(&mut self) -> Option<&'static str> {
        let is_partial = !std::mem::take(&mut self.partial).is_empty();
        is_partial.then_some(REPLACEMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(pieces: &[&[u8]]) -> String {
        let mut decoder = Decoder::default();
        let mut text = String::new();
        for piece in pieces {
            decoder.push(piece, |part| text.push_str(part));
        }
        text.extend(decoder.finish());
        assert_eq!(decoder.finish(), None);
        text
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let whole = b"a\xc3\xa9\xff\xe2\x82\xacb\xf0\x9f\x98\x80\xe2\x82x\xf0\x9f\x98\xc3\xc3\xa9\
                      \xed\xa0\x80\xc0\x80\xf5\x80tail";
        let expected = String::from_utf8_lossy(whole);
        for first in 0..whole.len() {
            for second in first..whole.len() {
                let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
                assert_eq!(decoded(&pieces), expected, "{first}, {second}");
            }
        }
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        assert_eq!(decoded(&bytes), expected);
    }

    #[test]
    fn a_character_without_its_beginning_or_its_end_is_replaced() {
        for (pieces, expected) in [
            (&[b"\x82\xacb".as_slice()] as &[&[u8]], "\u{fffd}\u{fffd}b"),
            (&[b"b\xe2\x82"], "b\u{fffd}"),
            (&[b"b\xff\xe2", b"\x82"], "b\u{fffd}\u{fffd}"),
            (&[b"", b"\xe2"], "\u{fffd}"),
            (&[], ""),
        ] {
            assert_eq!(decoded(pieces), expected, "{pieces:?}");
        }
    }
}
