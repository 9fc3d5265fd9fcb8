//! Capture mode: what a child writes between `<!--XSUPERVISOR:BEGIN-->` and
//! `<!--XSUPERVISOR:END-->` is a message to event listeners and not for its log.
//!
//! Only what may be the beginning of a token is held back, so that the log is
//! not late; 4.3.0 holds back up to 24 bytes and loses them when the child ends.

use std::collections::VecDeque;

use crate::snapshot::saved;

const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// Takes the messages out of a stream of pieces.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The most of the message under way that is kept: its last bytes.
    limit: usize,
    /// The same of those to come; with 0 there are none.
    next_limit: usize,
    /// What may be the beginning of a token.
    held_back: Vec<u8>,
    /// The message so far, while one is being written; its beginning goes where it gets too long.
    message: Option<VecDeque<u8>>,
}

saved! { struct Capture { limit, next_limit, held_back, message } }

/// What a part of the stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// For the log.
    Text(Vec<u8>),
    /// A piece of a message, for whoever is told of all output.
    Captured(Vec<u8>),
    /// A message, come to its end.
    Message(Vec<u8>),
}

impl Capture {
    /// A stream whose messages are kept up to `limit` bytes.
    pub fn new(limit: usize) -> Capture {
        Capture {
            limit,
            next_limit: limit,
            held_back: Vec::new(),
            message: None,
        }
    }

    /// Keeps so much of each message from the next one on; with 0 there is none after the one
    /// under way.
    pub fn set_limit(&mut self, limit: usize) {
        self.next_limit = limit;
    }

    /// The parts that the next piece of the stream completes.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut data = std::mem::take(&mut self.held_back);
        data.extend_from_slice(piece);
        let mut rest = data.as_slice();
        loop {
            if self.message.is_none() && self.next_limit == 0 {
                self.take(rest, &mut parts);
                return parts;
            }
            let token = if self.message.is_some() { END } else { BEGIN };
            let Some(place) = find(rest, token) else {
                let certain = rest.len() - beginning_at_end(rest, token);
                self.take(&rest[..certain], &mut parts);
                self.held_back = rest[certain..].to_vec();
                return parts;
            };
            self.take(&rest[..place], &mut parts);
            rest = &rest[place + token.len()..];
            match self.message.take() {
                Some(message) => parts.push(Part::Message(message.into())),
                None => {
                    self.limit = self.next_limit;
                    self.message = Some(VecDeque::new());
                }
            }
        }
    }

    /// What was held back, at the end of the stream. A message that has not
    /// come to its end is lost.
    pub fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.held_back);
        match self.message.take() {
            Some(_) => Vec::new(),
            None => rest,
        }
    }

    /// Forgets the message so far, when the log is cleared.
    pub fn clear(&mut self) {
        if let Some(message) = &mut self.message {
            message.clear();
        }
    }

    fn take(&mut self, data: &[u8], parts: &mut Vec<Part>) {
        match &mut self.message {
            _ if data.is_empty() => {}
            Some(message) => {
                message.extend(data);
                let excess = message.len().saturating_sub(self.limit);
                message.drain(..excess);
                parts.push(Part::Captured(data.to_vec()));
            }
            None => parts.push(Part::Text(data.to_vec())),
        }
    }
}

fn find(data: &[u8], token: &[u8]) -> Option<usize> {
    data.windows(token.len()).position(|window| window == token)
}

/// The length of the longest proper beginning of `token` with which `data` ends.
fn beginning_at_end(data: &[u8], token: &[u8]) -> usize {
    (1..token.len().min(data.len() + 1))
        .rev()
        .find(|&length| data.ends_with(&token[..length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.as_bytes().to_vec())
    }

    fn captured(text: &str) -> Part {
        Part::Captured(text.as_bytes().to_vec())
    }

    fn message(text: &str) -> Part {
        Part::Message(text.as_bytes().to_vec())
    }

    #[test]
    fn messages_are_taken_out_of_the_text() {
        let mut capture = Capture::new(100);
        assert_eq!(
            capture.feed(
                b"a<!--XSUPERVISOR:BEGIN-->m1<!--XSUPERVISOR:END-->b<!--XSUPERVISOR:BEGIN-->m2"
            ),
            [
                text("a"),
                captured("m1"),
                message("m1"),
                text("b"),
                captured("m2")
            ]
        );
        assert_eq!(
            capture.feed(b"!<!--XSUPERVISOR:END-->"),
            [captured("!"), message("m2!")]
        );
        assert_eq!(capture.finish(), b"");
    }

    #[test]
    fn tokens_are_found_across_any_cut() {
        let whole = b"ab<!--XSUPERVISOR:BEGIN-->secret<!--XSUPERVISOR:END-->cd";
        for cut in 0..whole.len() {
            let mut capture = Capture::new(100);
            let mut parts = capture.feed(&whole[..cut]);
            parts.extend(capture.feed(&whole[cut..]));
            let (texts, messages): (Vec<Part>, Vec<Part>) = parts
                .into_iter()
                .filter(|part| !matches!(part, Part::Captured(_)))
                .partition(|part| matches!(part, Part::Text(_)));
            let log: Vec<u8> = texts
                .into_iter()
                .flat_map(|part| match part {
                    Part::Text(text) | Part::Captured(text) | Part::Message(text) => text,
                })
                .collect();
            assert_eq!(
                (log.as_slice(), messages),
                (&b"abcd"[..], vec![message("secret")]),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn the_last_bytes_of_a_stream_are_not_lost() {
        let mut capture = Capture::new(100);
        assert_eq!(capture.feed(b"done\n"), [text("done\n")]);
        assert_eq!(capture.feed(b"x<!--XSUPER"), [text("x")]);
        assert_eq!(capture.finish(), b"<!--XSUPER");
    }

    #[test]
    fn another_limit_holds_from_the_next_message_on() {
        let mut capture = Capture::new(100);
        assert_eq!(
            capture.feed(b"<!--XSUPERVISOR:BEGIN-->ab"),
            [captured("ab")]
        );
        capture.set_limit(1);
        let parts = capture.feed(b"c<!--XSUPERVISOR:END--><!--XSUPERVISOR:BEGIN-->de");
        assert_eq!(parts, [captured("c"), message("abc"), captured("de")]);
        capture.set_limit(0);
        let parts = capture.feed(b"<!--XSUPERVISOR:END-->f<!--XSUPERVISOR:BEGIN-->");
        assert_eq!(parts, [message("e"), text("f<!--XSUPERVISOR:BEGIN-->")]);
    }

    #[test]
    fn a_long_message_keeps_its_end() {
        let mut capture = Capture::new(4);
        assert_eq!(
            capture.feed(b"<!--XSUPERVISOR:BEGIN-->123456789<!--XSUPERVISOR:END-->"),
            [captured("123456789"), message("6789")]
        );
    }
}
