//! A small XML reader: one event at a time, in linear time and within limits.
//!
//! It reads what XML-RPC needs: elements, text, CDATA, comments, numeric and the
//! five named character references. Document type declarations and processing
//! instructions are refused: they are good for attacks only.
//! Attributes are checked for their form and then ignored. The body is UTF-8,
//! whatever its declaration says.
//!
//! No event takes longer than a [`PIECE`] of the document does: text and
//! comments of any length come in pieces, tags are limited to one.

use std::borrow::Cow;
use std::ops::Range;

use crate::xmlrpc::characters::{
    REFERENCE, before_ending, character, is_name, is_plain_name, is_plain_text, is_space, is_xml,
    whole_references, with_line_feeds,
};
use crate::xmlrpc::member::{self, Member};

/// How deep elements may be nested, unless a server's configuration says otherwise.
pub const DEPTH_LIMIT: usize = 256;
/// How many elements a document may have, unless somebody allows more.
pub const ELEMENT_LIMIT: usize = 1 << 18;

/// The most that is looked at for one event, in bytes.
pub const PIECE: usize = 64 * 1024;

/// What comes next in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// `<name ...>`; `<name/>` is a start and an end.
    Start(&'a str),
    /// `</name>`; names are known to match.
    End(&'a str),
    /// Text between tags, decoded, possibly in several pieces, some of them empty.
    Text(Cow<'a, str>),
}

/// Why a document cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub reason: &'static str,
    /// Where, in bytes from the beginning.
    pub offset: usize,
}

/// The reader, at some place in its document.
#[derive(Debug)]
pub struct Reader<'a> {
    text: Cow<'a, str>,
    offset: usize,
    inside: Inside,
    /// Where the names of the open elements stand.
    open: Vec<Range<usize>>,
    elements: usize,
    /// How many there may be.
    most: usize,
    /// How deep elements may be nested.
    depth: usize,
    /// The end of an empty element, which has still to be told.
    empty: Option<Range<usize>>,
}

/// What goes on until its end is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Content,
    Cdata,
    Comment,
}

/// An event by where it stands.
enum Span {
    Start(Range<usize>),
    End(Range<usize>),
    Text(Range<usize>),
    /// Text with nothing to decode.
    Plain(Range<usize>),
    Cdata(Range<usize>),
    Nothing,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `document`, behind a byte-order mark and
    /// the XML declaration; elements may be nested `depth` levels deep.
    pub fn new(document: Cow<'a, [u8]>, depth: usize) -> Result<Reader<'a>, ParseError> {
        let not_text = |error: std::str::Utf8Error| ParseError {
            reason: "not UTF-8",
            offset: error.valid_up_to(),
        };
        let text = match document {
            Cow::Borrowed(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).map_err(not_text)?),
            Cow::Owned(bytes) => {
                Cow::Owned(String::from_utf8(bytes).map_err(|error| not_text(error.utf8_error()))?)
            }
        };
        let mut reader = Reader {
            text,
            offset: 0,
            inside: Inside::Content,
            open: Vec::new(),
            elements: 0,
            most: ELEMENT_LIMIT,
            depth,
            empty: None,
        };
        reader.skip("\u{feff}");
        let rest = reader.window();
        if rest.starts_with("<?xml") && rest.chars().nth(5).is_some_and(is_space) {
            reader.skip_past("?>", "unfinished XML declaration")?;
        }
        Ok(reader)
    }

    /// From here on there may be so many elements.
    pub fn allow(&mut self, elements: usize) {
        self.most = elements;
    }

    /// How far it has come, in bytes from the beginning.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The next event; `None` after the root element and nothing but blanks.
    pub fn event(&mut self) -> Result<Option<Event<'_>>, ParseError> {
        let Some(span) = self.next_span()? else {
            return Ok(None);
        };
        Ok(Some(match span {
            Span::Start(name) => Event::Start(self.slice(name)),
            Span::End(name) => Event::End(self.slice(name)),
            Span::Text(text) => Event::Text(self.decode(self.slice(text))?),
            Span::Plain(text) => Event::Text(Cow::Borrowed(self.slice(text))),
            Span::Cdata(text) => Event::Text(with_line_feeds(self.slice(text))),
            Span::Nothing => Event::Text(Cow::Borrowed("")),
        }))
    }

    /// The member of a struct that comes next, if it is a plain one: taken as its
    /// elements and texts would be one by one.
    pub fn plain_member(&mut self) -> Option<Member<'_>> {
        let is_in_content = self.inside == Inside::Content && self.empty.is_none();
        let is_allowed = self.open.len() + member::DEPTH <= self.depth
            && self.elements + member::ELEMENTS <= self.most;
        if !is_in_content || !is_allowed {
            return None;
        }
        let text = self.text.get(self.offset..)?;
        let member = member::read(text, PIECE, is_plain_text)?;
        self.offset += member.length;
        self.elements += member::ELEMENTS;
        Some(member)
    }

    fn next_span(&mut self) -> Result<Option<Span>, ParseError> {
        if let Some(name) = self.empty.take() {
            self.open.pop();
            return Ok(Some(Span::End(name)));
        }
        match self.inside {
            Inside::Content => {}
            Inside::Cdata => return self.read_cdata().map(Some),
            Inside::Comment => return self.read_comment().map(Some),
        }
        let next = match self.bytes() {
            [] => return self.end_of_document(),
            [b'<', next, ..] => *next,
            [b'<'] => 0,
            _ => return self.read_text().map(Some),
        };
        if next == b'!' {
            if self.skip("<!--") {
                self.inside = Inside::Comment;
            } else if self.skip("<![CDATA[") {
                if self.open.is_empty() {
                    return Err(self.error("text outside of the root element"));
                }
                self.inside = Inside::Cdata;
            } else {
                return Err(self.error("document type declarations are refused"));
            }
            return Ok(Some(Span::Nothing));
        }
        if next == b'?' {
            return Err(self.error("processing instructions are refused"));
        }
        if next == b'/' {
            self.offset += 2;
            return self.read_end().map(Some);
        }
        self.offset += 1;
        self.read_start().map(Some)
    }

    fn end_of_document(&self) -> Result<Option<Span>, ParseError> {
        if self.elements == 0 {
            return Err(self.error("no element found"));
        }
        if !self.open.is_empty() {
            return Err(self.error("unfinished element"));
        }
        Ok(None)
    }

    /// Text up to the next tag, or a piece of it; the blanks around the root
    /// element are nothing.
    fn read_text(&mut self) -> Result<Span, ParseError> {
        // Nearly all text is short and has only what stands for itself.
        let rest = self.bytes();
        let plain = rest.iter().take(PIECE);
        let plain = plain.take_while(|byte| is_plain_text(**byte)).count();
        if rest.get(plain) == Some(&b'<') && !self.open.is_empty() {
            return Ok(Span::Plain(self.take(plain)));
        }
        let window = self.window();
        let length = match window.find('<') {
            Some(length) => length,
            None if self.is_last(window) => window.len(),
            None => whole_references(window),
        };
        let raw = window.get(..length).unwrap_or_default();
        if self.open.is_empty() {
            if !raw.chars().all(is_space) {
                return Err(self.error("text outside of the root element"));
            }
            self.offset += length;
            return Ok(Span::Nothing);
        }
        // It may stand across the end of a piece.
        let beyond = self.floor(self.offset + length + 2);
        let text = self.slice(self.offset..beyond);
        if text.contains(']') && text.contains("]]>") {
            return Err(self.error("]]> in text"));
        }
        Ok(Span::Text(self.take(length)))
    }

    fn read_cdata(&mut self) -> Result<Span, ParseError> {
        let window = self.window();
        let (length, end) = match window.find("]]>") {
            Some(length) => (length, "]]>".len()),
            None if self.is_last(window) => return Err(self.error("unfinished CDATA section")),
            None => (before_ending(window, [']', '\r']), 0),
        };
        self.check(window.get(..length).unwrap_or_default())?;
        let text = self.take(length);
        self.offset += end;
        if end > 0 {
            self.inside = Inside::Content;
        }
        Ok(Span::Cdata(text))
    }

    fn read_comment(&mut self) -> Result<Span, ParseError> {
        let window = self.window();
        let found = window.find("--");
        let length = match found {
            Some(length) => length,
            None if self.is_last(window) => return Err(self.error("unfinished comment")),
            None => before_ending(window, ['-', '-']),
        };
        self.check(window.get(..length).unwrap_or_default())?;
        self.offset += length;
        if found.is_some() {
            if !self.skip("-->") {
                return Err(self.error("-- in a comment"));
            }
            self.inside = Inside::Content;
        }
        Ok(Span::Nothing)
    }

    fn read_start(&mut self) -> Result<Span, ParseError> {
        let begin = self.offset;
        let name = self.read_name()?;
        if self.open.is_empty() && self.elements > 0 {
            return Err(self.error("a second root element"));
        }
        if self.open.len() >= self.depth {
            return Err(self.error("nested too deeply"));
        }
        if self.elements >= self.most {
            return Err(self.error("too many elements"));
        }
        self.elements += 1;
        self.open.push(name.clone());
        if self.bytes().first() == Some(&b'>') {
            self.offset += 1;
            return Ok(Span::Start(name));
        }
        while self.offset - begin < PIECE {
            let spaced = self.skip_blanks();
            if self.skip(">") {
                return Ok(Span::Start(name));
            }
            if self.skip("/>") {
                self.empty = Some(name.clone());
                return Ok(Span::Start(name));
            }
            if !spaced {
                return Err(self.error("malformed tag"));
            }
            self.skip_attribute()?;
        }
        Err(self.error("a tag that is too long"))
    }

    fn skip_attribute(&mut self) -> Result<(), ParseError> {
        self.read_name()?;
        self.skip_blanks();
        if !self.skip("=") {
            return Err(self.error("attribute without a value"));
        }
        self.skip_blanks();
        let quote = match self.window().chars().next() {
            Some('"') => "\"",
            Some('\'') => "'",
            _ => return Err(self.error("attribute without quotes")),
        };
        self.offset += 1;
        let start = self.offset;
        self.skip_past(quote, "unfinished attribute")?;
        let raw = self.slice(start..self.offset - 1);
        if raw.contains('<') {
            return Err(self.error("< in an attribute"));
        }
        self.decode(raw).map(drop)
    }

    fn read_end(&mut self) -> Result<Span, ParseError> {
        // Nearly every end is the name that was begun, and nothing else.
        if let Some(begun) = self.open.last() {
            let name = self.text.as_bytes().get(begun.clone()).unwrap_or_default();
            let length = name.len();
            let rest = self.bytes();
            if rest.starts_with(name) && rest.get(length) == Some(&b'>') {
                self.open.pop();
                let name = self.take(length);
                self.offset += 1;
                return Ok(Span::End(name));
            }
        }
        let name = self.read_name()?;
        self.skip_blanks();
        if !self.skip(">") {
            return Err(self.error("malformed tag"));
        }
        let begun = self.open.pop().map(|begun| self.slice(begun));
        if begun != Some(self.slice(name.clone())) {
            return Err(self.error("mismatched tag"));
        }
        Ok(Span::End(name))
    }

    fn read_name(&mut self) -> Result<Range<usize>, ParseError> {
        let rest = self.bytes();
        let plain = rest.iter().take(PIECE);
        let plain = plain.take_while(|byte| is_plain_name(**byte)).count();
        let length = match rest.get(plain) {
            Some(0x80..) => {
                let rest = self.window();
                rest.find(|c| !is_name(c)).unwrap_or(rest.len())
            }
            _ => plain,
        };
        match rest.first() {
            Some(b'-' | b'.' | b'0'..=b'9') | None => Err(self.error("malformed name")),
            Some(_) if length == 0 => Err(self.error("malformed name")),
            Some(_) => Ok(self.take(length)),
        }
    }

    /// Replaces references and line ends.
    fn decode<'t>(&self, raw: &'t str) -> Result<Cow<'t, str>, ParseError> {
        self.check(raw)?;
        let Some(first) = raw.find('&') else {
            return Ok(with_line_feeds(raw));
        };
        let (plain, mut rest) = raw.split_at(first);
        let mut text = with_line_feeds(plain).into_owned();
        while let Some(reference) = rest.strip_prefix('&') {
            // No reference is longer, so that a text full of & stays linear.
            let window = reference.as_bytes().iter().take(REFERENCE);
            let end = window
                .clone()
                .position(|byte| *byte == b';')
                .and_then(|end| reference.split_at_checked(end));
            let Some((name, after)) = end else {
                return Err(self.error("malformed reference"));
            };
            text.push(character(name).ok_or_else(|| self.error("unknown reference"))?);
            let after = after.strip_prefix(';').unwrap_or(after);
            let next = after.find('&').unwrap_or(after.len());
            let (plain, remainder) = after.split_at(next);
            text.push_str(&with_line_feeds(plain));
            rest = remainder;
        }
        Ok(Cow::Owned(text))
    }

    fn check(&self, raw: &str) -> Result<(), ParseError> {
        // Nearly everything is plain text, of which its bytes say enough.
        let is_plain = |byte| matches!(byte, b' '..=0x7f | b'\n' | b'\t' | b'\r');
        match raw.bytes().all(is_plain) || raw.chars().all(is_xml) {
            true => Ok(()),
            false => Err(self.error("a character that XML does not allow")),
        }
    }

    /// The rest of the document, for what needs no characters.
    fn bytes(&self) -> &[u8] {
        self.text.as_bytes().get(self.offset..).unwrap_or_default()
    }

    /// What is looked at next: the rest of the document, or a piece of it.
    fn window(&self) -> &str {
        self.slice(self.offset..self.floor(self.offset + PIECE))
    }

    /// Whether the document ends with this window.
    fn is_last(&self, window: &str) -> bool {
        self.offset + window.len() == self.text.len()
    }

    /// The last end of a character that is not behind `place`.
    fn floor(&self, place: usize) -> usize {
        let mut place = place.min(self.text.len());
        while !self.text.is_char_boundary(place) {
            place -= 1;
        }
        place
    }

    fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// The next `length` bytes, behind which it goes on.
    fn take(&mut self, length: usize) -> Range<usize> {
        let start = self.offset;
        self.offset += length;
        start..self.offset
    }

    fn skip(&mut self, prefix: &str) -> bool {
        let found = self.bytes().starts_with(prefix.as_bytes());
        if found {
            self.offset += prefix.len();
        }
        found
    }

    fn skip_past(&mut self, end: &str, otherwise: &'static str) -> Result<(), ParseError> {
        match self.window().find(end) {
            Some(place) => {
                self.offset += place + end.len();
                Ok(())
            }
            None => Err(self.error(otherwise)),
        }
    }

    fn skip_blanks(&mut self) -> bool {
        let rest = self.bytes().iter().take(PIECE);
        let length = rest.take_while(|byte| is_space(char::from(**byte))).count();
        self.offset += length;
        length > 0
    }

    fn error(&self, reason: &'static str) -> ParseError {
        ParseError {
            reason,
            offset: self.offset,
        }
    }
}
