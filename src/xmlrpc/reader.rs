//! A small XML reader: one event at a time, in linear time and within limits.
//!
//! It reads what XML-RPC needs: elements, text, CDATA, comments, numeric and the
//! five named character references. Document type declarations and processing
//! instructions are refused: they are good for attacks only.
//! Attributes are checked for their form and then ignored. The body is UTF-8,
//! whatever its declaration says.

use std::borrow::Cow;

/// How deep elements may be nested, unless a server's configuration says otherwise.
pub const DEPTH_LIMIT: usize = 256;
/// How many elements a document may have.
pub const ELEMENT_LIMIT: usize = 1 << 18;

/// What comes next in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// `<name ...>`; `<name/>` is a start and an end.
    Start(&'a str),
    /// `</name>`; names are known to match.
    End(&'a str),
    /// Text between tags, decoded, possibly in several pieces.
    Text(Cow<'a, str>),
}

/// Why a document cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub reason: &'static str,
    /// Where, in bytes from the beginning.
    pub offset: usize,
}

/// The reader, at some place in its document.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    offset: usize,
    /// Names of the open elements.
    open: Vec<&'a str>,
    elements: usize,
    /// How deep elements may be nested.
    depth: usize,
    /// The end of an empty element, which has still to be told.
    empty: Option<&'a str>,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `document`, behind a byte-order mark and
    /// the XML declaration; elements may be nested `depth` levels deep.
    pub fn new(document: &'a [u8], depth: usize) -> Result<Reader<'a>, ParseError> {
        let text = std::str::from_utf8(document).map_err(|error| ParseError {
            reason: "not UTF-8",
            offset: error.valid_up_to(),
        })?;
        let mut reader = Reader {
            text,
            offset: 0,
            open: Vec::new(),
            elements: 0,
            depth,
            empty: None,
        };
        reader.skip("\u{feff}");
        if reader.rest().starts_with("<?xml") && reader.rest().chars().nth(5).is_some_and(is_space)
        {
            reader.skip_past("?>", "unfinished XML declaration")?;
        }
        Ok(reader)
    }

    /// The next event; `None` after the root element and nothing but blanks.
    pub fn event(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        if let Some(name) = self.empty.take() {
            self.open.pop();
            return Ok(Some(Event::End(name)));
        }
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return self.end_of_document();
            }
            if !rest.starts_with('<') {
                if let Some(text) = self.read_text()? {
                    return Ok(Some(Event::Text(text)));
                }
            } else if self.skip("<!--") {
                self.skip_comment()?;
            } else if self.skip("<![CDATA[") {
                let text = self.read_cdata()?;
                return Ok(Some(Event::Text(text)));
            } else if rest.starts_with("<!") {
                return Err(self.error("document type declarations are refused"));
            } else if rest.starts_with("<?") {
                return Err(self.error("processing instructions are refused"));
            } else if self.skip("</") {
                return self.read_end().map(Some);
            } else {
                self.offset += 1;
                return self.read_start().map(Some);
            }
        }
    }

    fn end_of_document(&self) -> Result<Option<Event<'a>>, ParseError> {
        if self.elements == 0 {
            return Err(self.error("no element found"));
        }
        if !self.open.is_empty() {
            return Err(self.error("unfinished element"));
        }
        Ok(None)
    }

    /// Text up to the next tag; `None` for the blanks around the root element.
    fn read_text(&mut self) -> Result<Option<Cow<'a, str>>, ParseError> {
        let rest = self.rest();
        let length = rest.find('<').unwrap_or(rest.len());
        let raw = rest.get(..length).unwrap_or_default();
        if self.open.is_empty() {
            if !raw.chars().all(is_space) {
                return Err(self.error("text outside of the root element"));
            }
            self.offset += length;
            return Ok(None);
        }
        if raw.contains("]]>") {
            return Err(self.error("]]> in text"));
        }
        let text = self.decode(raw)?;
        self.offset += length;
        Ok(Some(text))
    }

    fn read_cdata(&mut self) -> Result<Cow<'a, str>, ParseError> {
        if self.open.is_empty() {
            return Err(self.error("text outside of the root element"));
        }
        let start = self.offset;
        self.skip_past("]]>", "unfinished CDATA section")?;
        let raw = self.text.get(start..self.offset - 3).unwrap_or_default();
        self.check(raw)?;
        Ok(with_line_feeds(raw))
    }

    fn skip_comment(&mut self) -> Result<(), ParseError> {
        let start = self.offset;
        self.skip_past("--", "unfinished comment")?;
        self.check(self.text.get(start..self.offset).unwrap_or_default())?;
        match self.skip(">") {
            true => Ok(()),
            false => Err(self.error("-- in a comment")),
        }
    }

    fn read_start(&mut self) -> Result<Event<'a>, ParseError> {
        let name = self.read_name()?;
        if self.open.is_empty() && self.elements > 0 {
            return Err(self.error("a second root element"));
        }
        if self.open.len() >= self.depth {
            return Err(self.error("nested too deeply"));
        }
        if self.elements >= ELEMENT_LIMIT {
            return Err(self.error("too many elements"));
        }
        self.elements += 1;
        self.open.push(name);
        loop {
            let spaced = self.skip_blanks();
            if self.skip(">") {
                return Ok(Event::Start(name));
            }
            if self.skip("/>") {
                self.empty = Some(name);
                return Ok(Event::Start(name));
            }
            if !spaced {
                return Err(self.error("malformed tag"));
            }
            self.skip_attribute()?;
        }
    }

    fn skip_attribute(&mut self) -> Result<(), ParseError> {
        self.read_name()?;
        self.skip_blanks();
        if !self.skip("=") {
            return Err(self.error("attribute without a value"));
        }
        self.skip_blanks();
        let quote = match self.rest().chars().next() {
            Some('"') => "\"",
            Some('\'') => "'",
            _ => return Err(self.error("attribute without quotes")),
        };
        self.offset += 1;
        let start = self.offset;
        self.skip_past(quote, "unfinished attribute")?;
        let raw = self.text.get(start..self.offset - 1).unwrap_or_default();
        if raw.contains('<') {
            return Err(self.error("< in an attribute"));
        }
        self.decode(raw).map(drop)
    }

    fn read_end(&mut self) -> Result<Event<'a>, ParseError> {
        let name = self.read_name()?;
        self.skip_blanks();
        if !self.skip(">") {
            return Err(self.error("malformed tag"));
        }
        if self.open.pop() != Some(name) {
            return Err(self.error("mismatched tag"));
        }
        Ok(Event::End(name))
    }

    fn read_name(&mut self) -> Result<&'a str, ParseError> {
        let rest = self.rest();
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default();
        if name.is_empty() || name.starts_with(['-', '.']) || name.starts_with(is_digit) {
            return Err(self.error("malformed name"));
        }
        self.offset += length;
        Ok(name)
    }

    /// Replaces references and line ends.
    fn decode(&self, raw: &'a str) -> Result<Cow<'a, str>, ParseError> {
        self.check(raw)?;
        let Some(first) = raw.find('&') else {
            return Ok(with_line_feeds(raw));
        };
        let (plain, mut rest) = raw.split_at(first);
        let mut text = with_line_feeds(plain).into_owned();
        while let Some(reference) = rest.strip_prefix('&') {
            // No reference is longer, so that a text full of & stays linear.
            let window = reference.as_bytes().iter().take(16);
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
        match raw.chars().all(is_xml) {
            true => Ok(()),
            false => Err(self.error("a character that XML does not allow")),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn skip(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.offset += prefix.len();
        }
        found
    }

    fn skip_past(&mut self, end: &str, otherwise: &'static str) -> Result<(), ParseError> {
        match self.rest().find(end) {
            Some(place) => {
                self.offset += place + end.len();
                Ok(())
            }
            None => Err(self.error(otherwise)),
        }
    }

    fn skip_blanks(&mut self) -> bool {
        let rest = self.rest();
        let length = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
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

/// Whether XML 1.0 has a place for that character.
pub fn is_xml(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
    )
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

/// Wider than XML beyond ASCII: a strange name is an unknown one and does no harm.
fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, ':' | '_' | '-' | '.')
        || !character.is_ascii() && is_xml(character)
}

fn character(name: &str) -> Option<char> {
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
fn with_line_feeds(raw: &str) -> Cow<'_, str> {
    if raw.contains('\r') {
        Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(raw)
    }
}
