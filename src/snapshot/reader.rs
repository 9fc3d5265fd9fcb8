//! Reads a state. The first error is kept, with the place in the state, and nothing is read
//! after it.

use std::any::Any;
use std::os::fd::{OwnedFd, RawFd};

use super::Place;
use crate::vec_map::VecMap;

/// A state, as far as it has been read.
pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// The names of members on the way to where it is.
    path: Vec<&'a str>,
    error: Option<String>,
    descriptors: VecMap<RawFd, OwnedFd>,
    /// What is shared, by its number.
    pub(super) shared: Vec<Box<dyn Any>>,
    on_failure: OnFailure<'a>,
}

/// What is done with the first error, before anything that was restored is dropped.
type OnFailure<'a> = Box<dyn FnMut(&str) + 'a>;

impl<'a> Reader<'a> {
    /// `descriptors` are those that the state may tell of. An error is handed to `on_failure` at
    /// once: who does not come back from there has everything that was restored so far still open.
    pub fn new(
        text: &'a [u8],
        descriptors: VecMap<RawFd, OwnedFd>,
        on_failure: impl FnMut(&str) + 'a,
    ) -> Reader<'a> {
        Reader {
            text,
            at: 0,
            path: Vec::new(),
            error: None,
            descriptors,
            shared: Vec::new(),
            on_failure: Box::new(on_failure),
        }
    }

    /// What went wrong first. What is left of the descriptors is closed.
    pub fn finish(self) -> Result<(), String> {
        self.error.map_or(Ok(()), Err)
    }

    /// Notes what is wrong here, if nothing was before.
    pub fn fail<T>(&mut self, what: &str) -> Option<T> {
        self.note(what);
        None
    }

    /// The same for all types.
    fn note(&mut self, what: &str) {
        if self.error.is_none() {
            let place = self.path.join(".");
            let error = format!("{place}: {what} (byte {} of the state)", self.at);
            (self.on_failure)(&error);
            self.error = Some(error);
        }
    }

    fn note_name(&mut self, name: &str, what: &str) {
        self.note(&format!("{name} {what}"));
    }

    pub fn unknown<T>(&mut self, name: &str) -> Option<T> {
        self.note_name(name, "is not known");
        None
    }

    pub fn missing<T>(&mut self, name: &str) -> Option<T> {
        self.note_name(name, "is missing");
        None
    }

    /// The descriptor of the number that comes next; each can be had once.
    pub fn descriptor(&mut self) -> Option<OwnedFd> {
        let number = self.number()?;
        let descriptor = self.descriptors.remove(&number);
        match descriptor {
            Some(descriptor) => Some(descriptor),
            None => self.fail(&format!("there is no descriptor {number}")),
        }
    }

    /// Whether null comes next, which is read then.
    pub fn is_null(&mut self) -> bool {
        self.takes(b"null")
    }

    pub fn boolean(&mut self) -> Option<bool> {
        match (self.takes(b"true"), self.takes(b"false")) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => self.fail("neither true nor false"),
        }
    }

    pub fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        let word = self.number_text()?;
        match word.parse() {
            Ok(number) => Some(number),
            Err(_) => self.fail(&format!("{word:?} is not a number of its kind")),
        }
    }

    /// A number as it is written.
    pub fn number_text(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'.');
        let end = rest.iter().position(|byte| !is_digit(byte));
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.at += word.len();
        match std::str::from_utf8(word) {
            Ok(word) if !word.is_empty() => Some(word),
            _ => self.fail("no number"),
        }
    }

    pub fn text(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            let Some(end) = end else {
                return self.fail("a text without an end");
            };
            text.extend_from_slice(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if rest.get(end) == Some(&b'"') {
                break;
            }
            let c = self.escaped()?;
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        match String::from_utf8(text) {
            Ok(text) => Some(text),
            Err(_) => self.fail("a text that is not UTF-8"),
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let byte = self.text.get(self.at).copied();
        self.at += 1;
        match byte {
            Some(b'n') => Some('\n'),
            Some(byte @ (b'"' | b'\\' | b'/')) => Some(char::from(byte)),
            Some(b'u') => {
                let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
                self.at += 4;
                let digits = std::str::from_utf8(digits).unwrap_or_default();
                let number = u32::from_str_radix(digits, 16).ok();
                let c = number.and_then(char::from_u32);
                c.or_else(|| self.fail("no character"))
            }
            _ => self.fail("an escape that is not known"),
        }
    }

    /// What [`Writer::bytes`](super::Writer::bytes) has written.
    pub fn bytes(&mut self) -> Option<Vec<u8>> {
        let text = self.text()?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        match bytes {
            Ok(bytes) => Some(bytes),
            Err(_) => self.fail("a character that stands for no byte"),
        }
    }

    /// An object: each member goes to the place of its name.
    pub fn members(&mut self, places: &mut [(&str, &mut dyn Place)]) -> Option<()> {
        self.expect(b'{')?;
        let mut next = 0;
        let mut is_first = true;
        while !self.ends(b'}', &mut is_first)? {
            let name = self.name()?;
            self.expect(b':')?;
            // They usually come in the order of the places.
            let is_it = |place: &(&str, &mut dyn Place)| place.0 == name;
            let at = match places.get(next).is_some_and(is_it) {
                true => Some(next),
                false => places.iter().position(is_it),
            };
            self.path.push(name);
            match at.and_then(|at| places.get_mut(at)) {
                Some((_, place)) => place.fill(self),
                None => self.skip(),
            }
            self.path.pop();
            self.good()?;
            next = at.unwrap_or(next) + 1;
        }
        Some(())
    }

    /// The name of a member. It is one of the language, without escapes.
    fn name(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'"');
        let name = end.and_then(|end| std::str::from_utf8(rest.get(..end)?).ok());
        match name {
            Some(name) => {
                self.at += name.len() + 1;
                Some(name)
            }
            None => self.fail("no name of a member"),
        }
    }

    pub fn list(&mut self, each: &mut dyn FnMut(&mut Reader<'a>)) -> Option<()> {
        self.expect(b'[')?;
        let mut is_first = true;
        while !self.ends(b']', &mut is_first)? {
            each(self);
            self.good()?;
        }
        Some(())
    }

    /// One value, or a list of as many as there are places.
    pub fn parts(&mut self, places: &mut [&mut dyn Place]) -> Option<()> {
        if let [place] = places {
            place.fill(self);
            return self.good();
        }
        let mut places = places.iter_mut();
        self.list(&mut |from| match places.next() {
            Some(place) => place.fill(from),
            None => from.skip(),
        })
    }

    /// The name of a variant; what it holds follows, and then [`Reader::end_variant`].
    pub fn variant(&mut self) -> Option<String> {
        if self.takes(b"{") {
            let name = self.text()?;
            self.expect(b':')?;
            return Some(name);
        }
        self.text()
    }

    /// After what a variant holds, if it holds anything.
    pub fn end_variant(&mut self, has_parts: bool) -> Option<()> {
        match has_parts {
            true => self.expect(b'}'),
            false => Some(()),
        }
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
                    if self.text().is_none() {
                        return;
                    }
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
                None => {
                    let _: Option<()> = self.fail("the state ends too soon");
                    return;
                }
            }
            let next = self.rest().first();
            if depth == 0 && matches!(next, None | Some(b',' | b'}' | b']')) {
                return;
            }
        }
    }

    /// What is to be read, without spaces before it; nothing after an error.
    fn rest(&mut self) -> &'a [u8] {
        if self.error.is_some() {
            return &[];
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let blank = rest.iter().position(|byte| !byte.is_ascii_whitespace());
        self.at += blank.unwrap_or(rest.len());
        self.text.get(self.at..).unwrap_or_default()
    }

    fn takes(&mut self, word: &[u8]) -> bool {
        let is_next = self.rest().starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        match self.takes(&[byte]) {
            true => Some(()),
            false => self.fail(&format!("there is no {}", char::from(byte))),
        }
    }

    /// Whether that ends the list; if not, what separates its items has been read.
    fn ends(&mut self, end: u8, is_first: &mut bool) -> Option<bool> {
        if self.takes(&[end]) {
            return Some(true);
        }
        match std::mem::replace(is_first, false) {
            true => self.good()?,
            false => self.expect(b',')?,
        }
        Some(false)
    }

    fn good(&self) -> Option<()> {
        self.error.is_none().then_some(())
    }
}
