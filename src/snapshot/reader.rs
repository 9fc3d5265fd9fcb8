//! Reads a state. An error is told with the place in the state, and nobody comes back from it.

use std::any::Any;
use std::convert::Infallible;
use std::os::fd::{OwnedFd, RawFd};
use std::str::FromStr;

use super::Saved;
use crate::vec_map::VecMap;

/// A state, as far as it has been read.
pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// The names of members on the way to where it is.
    path: Vec<&'a [u8]>,
    descriptors: VecMap<RawFd, OwnedFd>,
    /// What is shared, by its number.
    pub(super) shared: Vec<Box<dyn Any>>,
    on_failure: OnFailure<'a>,
}

/// The names of members, with a space behind each, and how far they are read.
#[derive(Debug)]
pub struct Names {
    all: &'static str,
    at: usize,
}

/// Where an error goes. It does not come back, so that nothing is dropped that was restored: some
/// of it would remove files.
type OnFailure<'a> = Box<dyn FnMut(&str) -> Infallible + 'a>;

impl<'a> Reader<'a> {
    /// `descriptors` are those that the state may tell of.
    pub fn new(
        text: &'a [u8],
        descriptors: VecMap<RawFd, OwnedFd>,
        on_failure: impl FnMut(&str) -> Infallible + 'a,
    ) -> Reader<'a> {
        Reader {
            text,
            at: 0,
            path: Vec::new(),
            descriptors,
            shared: Vec::new(),
            on_failure: Box::new(on_failure),
        }
    }

    /// Tells what is wrong here.
    pub fn fail(&mut self, what: &str) -> ! {
        // At its begin there is no path.
        let colon = if self.path.is_empty() { "" } else { ": " };
        let place = self.path.join(&b'.');
        let place = String::from_utf8_lossy(&place);
        let error = format!("{place}{colon}{what} (byte {} of the state)", self.at);
        match (self.on_failure)(&error) {}
    }

    /// What is here is none of what is known.
    pub fn unknown(&mut self) -> ! {
        self.fail("a variant that is not known")
    }

    fn missing(&mut self) -> ! {
        self.fail("it is missing")
    }

    /// The descriptor of the number that comes next; each can be had once.
    pub fn descriptor(&mut self) -> OwnedFd {
        let number = self.number();
        let descriptor = self.descriptors.remove(&number);
        match descriptor {
            Some(descriptor) => descriptor,
            None => self.fail(&format!("there is no descriptor {number}")),
        }
    }

    /// Whether null comes next, which is read then.
    pub fn is_null(&mut self) -> bool {
        self.takes(b"null")
    }

    pub fn boolean(&mut self) -> bool {
        match (self.takes(b"true"), self.takes(b"false")) {
            (true, _) => true,
            (_, true) => false,
            _ => self.fail("neither true nor false"),
        }
    }

    pub fn number<T: FromStr>(&mut self) -> T {
        let word = self.number_text();
        match word.parse() {
            Ok(number) => number,
            Err(_) => self.not_of_its_kind(word),
        }
    }

    /// The same for all kinds of numbers.
    fn not_of_its_kind(&mut self, word: &str) -> ! {
        self.fail(&format!("{word:?} is not a number of its kind"))
    }

    /// A number as it is written.
    pub fn number_text(&mut self) -> &'a str {
        let rest = self.rest();
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'.');
        let end = rest.iter().position(|byte| !is_digit(byte));
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.at += word.len();
        match std::str::from_utf8(word) {
            Ok(word) if !word.is_empty() => word,
            _ => self.fail("no number"),
        }
    }

    pub fn text(&mut self) -> String {
        self.expect(b'"');
        let mut text = Vec::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            let Some(end) = end else {
                self.fail("a text without an end");
            };
            text.extend_from_slice(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if rest.get(end) == Some(&b'"') {
                break;
            }
            let c = self.escaped();
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        match String::from_utf8(text) {
            Ok(text) => text,
            Err(_) => self.fail("a text that is not UTF-8"),
        }
    }

    fn escaped(&mut self) -> char {
        let byte = self.text.get(self.at).copied();
        self.at += 1;
        match byte {
            Some(b'n') => '\n',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
                self.at += 4;
                let digits = std::str::from_utf8(digits).unwrap_or_default();
                let number = u32::from_str_radix(digits, 16).ok();
                let c = number.and_then(char::from_u32);
                c.unwrap_or_else(|| self.fail("no character"))
            }
            _ => self.fail("an escape that is not known"),
        }
    }

    /// What [`Writer::bytes`](super::Writer::bytes) has written.
    pub fn bytes(&mut self) -> Vec<u8> {
        let text = self.text();
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        match bytes {
            Ok(bytes) => bytes,
            Err(_) => self.fail("a character that stands for no byte"),
        }
    }

    /// An object begins, whose members have these names, with a space behind each. They are read
    /// in this order, each by [`Reader::member`].
    pub fn begin_members(&mut self, all: &'static str) -> Names {
        self.expect(b'{');
        self.path.push(b"");
        Names { all, at: 0 }
    }

    /// The next of them.
    pub fn member<T: Saved>(&mut self, names: &mut Names) -> T {
        match self.comes(names) {
            true => T::restored(self),
            false => T::missing().unwrap_or_else(|| self.missing()),
        }
    }

    /// The same for a place that stays as it is if there is no such member.
    pub fn refill<T: Saved>(&mut self, names: &mut Names, place: &mut T) {
        if self.comes(names) {
            *place = T::restored(self);
        }
    }

    /// Whether the next of these names is that of the next member, of those that are known.
    fn comes(&mut self, names: &mut Names) -> bool {
        let all = names.all.as_bytes();
        let (before, rest) = all.split_at_checked(names.at).unwrap_or_default();
        let is_space = |byte: &u8| *byte == b' ';
        let end = rest.iter().position(is_space).unwrap_or(rest.len());
        let (expected, later) = rest.split_at(end);
        names.at += end + 1;
        loop {
            let place = self.at;
            let Some(name) = self.next_name() else {
                break;
            };
            if name == expected {
                return true;
            }
            let is_it = |known: &[u8]| known == name;
            if later.split(is_space).any(is_it) {
                self.at = place;
                break;
            }
            if before.split(is_space).any(is_it) {
                self.fail("it is not in its place");
            }
            self.skip();
        }
        self.told(expected);
        false
    }

    /// The name of the next member, if there is one more.
    fn next_name(&mut self) -> Option<&'a [u8]> {
        if self.rest().first() == Some(&b'}') {
            return None;
        }
        self.takes_byte(b',');
        let name = self.name();
        self.expect(b':');
        self.told(name);
        Some(name)
    }

    /// Where the reader is now.
    fn told(&mut self, name: &'a [u8]) {
        if let Some(place) = self.path.last_mut() {
            *place = name;
        }
    }

    /// After the last member that is known.
    pub fn end_members(&mut self) {
        while self.next_name().is_some() {
            self.skip();
        }
        self.expect(b'}');
        self.path.pop();
    }

    /// The name of a member. It is one of the language, without escapes.
    fn name(&mut self) -> &'a [u8] {
        self.expect(b'"');
        let rest = self.text.get(self.at..).unwrap_or_default();
        match rest.iter().position(|byte| *byte == b'"') {
            Some(end) => {
                self.at += end + 1;
                rest.get(..end).unwrap_or_default()
            }
            None => self.fail("no name"),
        }
    }

    /// A list begins.
    pub fn begin_list(&mut self) {
        self.expect(b'[');
    }

    /// Whether it has one more item, which comes next then. If not, it has ended.
    pub fn has_item(&mut self) -> bool {
        if self.takes_byte(b']') {
            return false;
        }
        self.takes_byte(b',');
        true
    }

    /// An item that has to be there.
    pub fn item<T: Saved>(&mut self) -> T {
        self.takes_byte(b',');
        T::restored(self)
    }

    /// After the last item that is known.
    pub fn end_list(&mut self) {
        while self.has_item() {
            self.skip();
        }
    }

    /// Which of the names that have spaces between them is that of the variant that comes next.
    /// What it holds follows, and then [`Reader::end_variant`].
    pub fn variant(&mut self, names: &str) -> usize {
        let holds = self.takes_byte(b'{');
        let name = self.name();
        if holds {
            self.expect(b':');
        }
        let mut names = names.as_bytes().split(|byte| *byte == b' ');
        match names.position(|known| known == name) {
            Some(place) => place,
            None => {
                let name = String::from_utf8_lossy(name);
                self.fail(&format!("{name} is not known"))
            }
        }
    }

    /// After what a variant holds.
    pub fn end_variant(&mut self) {
        self.expect(b'}');
    }

    /// Whether a number comes next.
    pub fn is_at_number(&mut self) -> bool {
        self.rest().first().is_some_and(u8::is_ascii_digit)
    }

    /// Reads a value that nobody knows.
    pub fn skip(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.rest().first() {
                Some(b'"') => {
                    self.text();
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                Some(_) => self.at += 1,
                None => self.fail("the state ends too soon"),
            }
            let next = self.rest().first();
            if depth == 0 && matches!(next, None | Some(b',' | b'}' | b']')) {
                return;
            }
        }
    }

    /// What is to be read, without spaces before it.
    fn rest(&mut self) -> &'a [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let blank = rest.iter().position(|byte| !byte.is_ascii_whitespace());
        self.at += blank.unwrap_or(rest.len());
        self.text.get(self.at..).unwrap_or_default()
    }

    fn takes_byte(&mut self, byte: u8) -> bool {
        let is_next = self.rest().first() == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes(&mut self, word: &[u8]) -> bool {
        let is_next = self.rest().starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn expect(&mut self, byte: u8) {
        if !self.takes_byte(byte) {
            self.fail(&format!("there is no {}", char::from(byte)));
        }
    }
}
