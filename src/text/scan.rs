//! A fast look for the rare bytes that need an escape: eight at a time, in one
//! machine word, which needs no optimisation by the compiler.

/// A word with the high bit of a byte set, and one with the low bit of each.
const HIGH: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;

/// Where the first byte is that `is_special`. `may_be` says from eight bytes
/// whether one of them may be (not 0); what it passes over is not looked at.
pub fn find(
    bytes: &[u8],
    may_be: impl Fn(u64) -> u64,
    is_special: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        if may_be(u64::from_ne_bytes(*word)) == 0 {
            continue;
        }
        if let Some(place) = word.iter().position(|byte| is_special(*byte)) {
            return Some(number * 8 + place);
        }
    }
    let place = rest.iter().position(|byte| is_special(*byte))?;
    Some(words.len() * 8 + place)
}

/// Adds `raw` to `text`: what is not special in whole pieces, and by `push` the
/// character that begins wherever `special_at` finds one.
pub fn push_escaped(
    text: &mut String,
    mut raw: &str,
    special_at: impl Fn(&[u8]) -> Option<usize>,
    push: impl Fn(&mut String, char),
) {
    while let Some(place) = special_at(raw.as_bytes()) {
        let (plain, rest) = raw.split_at(place);
        text.push_str(plain);
        let mut characters = rest.chars();
        if let Some(character) = characters.next() {
            push(text, character);
        }
        raw = characters.as_str();
    }
    text.push_str(raw);
}

/// Not 0 if one of eight bytes is `byte`.
#[inline(always)]
pub fn has(word: u64, byte: u8) -> u64 {
    let differences = word ^ (ONES * u64::from(byte));
    differences.wrapping_sub(ONES) & !differences & HIGH
}

/// Not 0 if one of eight bytes is below `limit`, which is 128 at most.
#[inline(always)]
pub fn has_below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH
}

/// Not 0 if one of eight bytes is no ASCII.
#[inline(always)]
pub fn has_high(word: u64) -> u64 {
    word & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_at_every_place_and_no_other() {
        for special in 0..=u8::MAX {
            let mut bytes = [b'a'; 24];
            for place in 0..bytes.len() {
                bytes[place] = special;
                let looked = find(
                    &bytes,
                    |word| has(word, b'&') | has_below(word, 32),
                    |byte| byte == b'&' || byte < 32,
                );
                let is_special = special == b'&' || special < 32;
                assert_eq!(looked, is_special.then_some(place), "{special}");
                let looked = find(&bytes, has_high, |byte| !byte.is_ascii());
                assert_eq!(looked, (!special.is_ascii()).then_some(place), "{special}");
                bytes[place] = b'a';
            }
        }
    }

    #[test]
    fn the_first_of_several_is_found_wherever_the_end_is() {
        for end in 0..20 {
            for begin in 0..=end {
                let bytes: Vec<u8> = (0..end)
                    .map(|at| if at < begin { b'x' } else { b'<' })
                    .collect();
                let found = find(&bytes, |word| has(word, b'<'), |byte| byte == b'<');
                assert_eq!(found, (begin < end).then_some(begin));
            }
        }
    }
}
