//! Looking for a text in what a child writes, piece by piece.

use crate::snapshot::saved;

/// Looks for one text until it is found.
#[derive(Debug)]
pub struct Search {
    text: Vec<u8>,
    /// The end of what was looked at, where the text may have begun: shorter than that.
    end: Vec<u8>,
}

saved! { struct Search { text, end } }

impl Search {
    /// A search for a text of one line, so that what contains it is a line.
    pub fn new(text: &str) -> Search {
        Search {
            text: text.as_bytes().to_vec(),
            end: Vec::new(),
        }
    }

    /// Whether the text is in this piece, or has begun before it and ends in it.
    pub fn feed(&mut self, piece: &[u8]) -> bool {
        let kept = self.text.len().saturating_sub(1);
        let begin = &piece[..piece.len().min(kept)];
        self.end.extend_from_slice(begin);
        if contains(&self.end, &self.text) || contains(piece, &self.text) {
            return true;
        }
        match piece.len() >= kept {
            true => {
                self.end.clear();
                self.end.extend_from_slice(&piece[piece.len() - kept..]);
            }
            false => {
                let rest = self.end.len().saturating_sub(kept);
                self.end.drain(..rest);
            }
        }
        false
    }
}

fn contains(haystack: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = text.split_first() else {
        return true;
    };
    let mut at = haystack;
    while let Some(place) = at.iter().position(|byte| byte == first) {
        at = &at[place + 1..];
        if at.starts_with(rest) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_however_it_is_cut() {
        let output = b"starting\nlist listening on 80\nmore";
        for text in [
            "listening on",
            "s",
            "more",
            "80\nm",
            "starting",
            "list listening",
        ] {
            for size in 1..=output.len() {
                let mut search = Search::new(text);
                let found = output.chunks(size).any(|piece| search.feed(piece));
                assert!(found, "{text:?} in pieces of {size}");
            }
        }
        for text in ["listening  on", "moree", "xstarting"] {
            for size in 1..=output.len() {
                let mut search = Search::new(text);
                let found = output.chunks(size).any(|piece| search.feed(piece));
                assert!(!found, "{text:?} in pieces of {size}");
            }
        }
    }
}
