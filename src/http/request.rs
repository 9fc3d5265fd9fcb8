//! Reading requests: a parser that takes one header block at a time out of
//! what a client has sent, in linear time and within a limit.
//!
//! Requests that 4.3.0 answers by closing the connection without a word get a
//! 400 here. A blank after a header's colon is not needed, and line feeds in
//! `Authorization` are kept: old clients break its long values so.
//! What a proxy in front may read in another way is malformed: NUL, a carriage
//! return that ends no line and a line feed that may end one, headers that go on in
//! the next line, and a length that is more than digits.

use crate::http::buffer::Buffer;
use crate::snapshot::saved;

/// What may stand around a value.
const BLANKS: [char; 2] = [' ', '\t'];

/// The version that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// None: `GET /`.
    Missing,
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    Http11,
    /// Any other; treated as 1.1.
    Other,
}

saved! { enum Version { Missing, Http10, Http11, Other } }

/// A method by which something may be asked for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
        }
    }
}

/// What a request says about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Nothing: there is none.
    Missing,
    /// That many bytes.
    Bytes(u64),
    /// `Transfer-Encoding`, which is not read here.
    Encoded,
    /// More than digits, none, or two that differ.
    Invalid,
}

/// Why no request could be taken from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRequest {
    /// It is not HTTP.
    Malformed,
    /// The header block is longer than the server takes.
    TooLong,
}

/// Request line and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The request line as it was sent.
    pub line: String,
    /// Case-sensitive.
    pub method: String,
    /// The target's path, percent-decoded once; what is not UTF-8 is replaced.
    pub path: String,
    /// What follows the `?`, as sent.
    pub query: Option<String>,
    /// The version in the request line.
    pub version: Version,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The value of the first header of that name, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The values of all headers of that name, in any letter case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// What is known about the body's length.
    pub fn length(&self) -> Length {
        if self.header("Transfer-Encoding").is_some() {
            return Length::Encoded;
        }
        let mut length = Length::Missing;
        for (name, value) in &self.headers {
            if !name.eq_ignore_ascii_case("Content-Length") {
                continue;
            }
            let parsed = parse_length(value);
            if length != Length::Missing && length != parsed {
                return Length::Invalid;
            }
            length = parsed;
        }
        length
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.header("Expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    /// Whether the `Connection` header holds that option.
    pub fn connection_option(&self, option: &str) -> bool {
        self.header("Connection").is_some_and(|value| {
            value
                .split(',')
                .any(|item| item.trim().eq_ignore_ascii_case(option))
        })
    }
}

/// Finds the end of header blocks; remembers how far it has looked.
#[derive(Debug)]
pub struct HeadParser {
    scanned: usize,
    limit: usize,
}

saved! { struct HeadParser { scanned, limit } }

impl HeadParser {
    /// A parser of header blocks of at most `limit` bytes.
    pub fn new(limit: usize) -> HeadParser {
        HeadParser { scanned: 0, limit }
    }

    /// Takes the next header block out of `input`; `None` while it is incomplete.
    pub fn take(&mut self, input: &mut Buffer) -> Result<Option<Head>, BadRequest> {
        self.skip_blank_lines(input);
        let pending = input.pending();
        let from = self.scanned.saturating_sub(3);
        let end = pending
            .get(from..)
            .unwrap_or_default()
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        let Some(end) = end.map(|place| place + from) else {
            self.scanned = pending.len();
            return match pending.len() > self.limit {
                true => Err(BadRequest::TooLong),
                false => Ok(None),
            };
        };
        self.scanned = 0;
        if end > self.limit {
            return Err(BadRequest::TooLong);
        }
        let head = parse_head(pending.get(..end).unwrap_or_default());
        input.consume(end + 4);
        head.map(Some).ok_or(BadRequest::Malformed)
    }

    /// Blank lines before a request are skipped: old clients send one too many.
    fn skip_blank_lines(&mut self, input: &mut Buffer) {
        if self.scanned > 2 {
            return;
        }
        let blank = input
            .pending()
            .chunks_exact(2)
            .take_while(|pair| *pair == b"\r\n")
            .count();
        if blank > 0 {
            input.consume(2 * blank);
            self.scanned = 0;
        }
    }
}

fn parse_head(block: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(block).ok()?;
    if text.contains('\0') {
        return None;
    }
    let mut lines = text.split("\r\n");
    let line = lines.next()?;
    let (method, target, version) = parse_request_line(line)?;
    let (path, query) = split_target(target);
    Some(Head {
        line: line.to_owned(),
        method: method.to_owned(),
        path: percent_decode(path),
        query: query.map(str::to_owned),
        version,
        headers: parse_headers(lines)?,
    })
}

fn parse_request_line(line: &str) -> Option<(&str, &str, Version)> {
    if line.chars().any(char::is_control) {
        return None;
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let version = match words.next() {
        None => Version::Missing,
        Some(word) => parse_version(word)?,
    };
    if method.is_empty() || target.is_empty() || words.next().is_some() {
        return None;
    }
    Some((method, target, version))
}

fn parse_version(word: &str) -> Option<Version> {
    let number = word.strip_prefix("HTTP/")?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    Some(match number {
        "1.0" => Version::Http10,
        "1.1" => Version::Http11,
        _ => Version::Other,
    })
}

/// Path and query; `;parameters` and `#fragment` belong to neither.
fn split_target(target: &str) -> (&str, Option<&str>) {
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    (path.split(';').next().unwrap_or_default(), query)
}

/// Lines without a colon are ignored, and a name has no blanks: who skips them
/// sees another length of the body than who does not. For the same reason no line
/// continues the one before it.
fn parse_headers<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Vec<(String, String)>> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.contains('\r') || line.split('\n').any(|part| part.starts_with(BLANKS)) {
            return None;
        }
        if let Some((name, value)) = line.split_once(':') {
            let is_bad = |c: char| c.is_whitespace() || c.is_control();
            if name.is_empty() || name.contains(is_bad) || hides_headers(name, value) {
                return None;
            }
            headers.push((name.to_owned(), value.trim_matches(BLANKS).to_owned()));
        }
    }
    Some(headers)
}

/// Whether a value has line feeds behind which others may see a header, or the end of
/// all headers. Behind those in base64 that is broken into lines there is neither.
fn hides_headers(name: &str, value: &str) -> bool {
    let Some((_, more)) = value.split_once('\n') else {
        return false;
    };
    let is_broken_base64 = name.eq_ignore_ascii_case("Authorization")
        && !more.contains(':')
        && !value.contains("\n\n");
    !is_broken_base64
}

fn parse_length(digits: &str) -> Length {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Length::Invalid;
    }
    // Only too large a number fails here, and that is too large for any limit.
    Length::Bytes(digits.parse().unwrap_or(u64::MAX))
}

/// Decodes `%XX` once; `%` without two hex digits stays as it is, and what is
/// not UTF-8 afterwards is replaced.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                decoded.push(hex(*high).unwrap_or(0) << 4 | hex(*low).unwrap_or(0));
                rest = after;
            }
            _ => {
                decoded.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests;
