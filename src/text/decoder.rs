//! Text out of UTF-8 that comes in pieces, as if it had come at once: a
//! character may begin in one piece and end in the next, and what is no UTF-8
//! becomes U+FFFD.

use crate::snapshot::saved;
use crate::text::utf8;

const REPLACEMENT: &str = "\u{fffd}";

/// The state between two pieces.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The beginning of a character whose end has not come; at most three bytes.
    partial: Vec<u8>,
}

saved! { struct Decoder { partial } }

impl Decoder {
    /// Tells the text of the next piece.
    pub fn push(&mut self, piece: &[u8], tell: impl FnOnce(&str)) {
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.extend_from_slice(piece);
        self.partial = bytes.split_off(bytes.len() - utf8::unfinished(&bytes));
        match str::from_utf8(&bytes) {
            Ok(text) => tell(text),
            Err(_) => tell(&String::from_utf8_lossy(&bytes)),
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
    use crate::snapshot::tests::carried;

    fn decoded(pieces: &[&[u8]]) -> String {
        let mut decoder = Decoder::default();
        let mut text = String::new();
        for piece in pieces {
            decoder.push(piece, |part| text.push_str(part));
            decoder = carried(&decoder);
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
