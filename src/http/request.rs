//! Reading requests: a parser that takes one header block at a time out of
//! what a client has sent, in linear time and within a limit.
//!
//! Requests that 4.3.0 answers by closing the connection without a word get a
//! 400 here. A blank after a header's colon is not needed, and a bare line
//! feed inside a value is kept: old clients break long `Authorization` headers so.
//! What a proxy in front may read in another way is malformed: NUL and a carriage
//! return that ends no line, headers that go on in the next line, and a length that
//! is more than digits.

use crate::http::buffer::Buffer;

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
            if name.is_empty() || name.contains(is_bad) {
                return None;
            }
            headers.push((name.to_owned(), value.trim_matches(BLANKS).to_owned()));
        }
    }
    Some(headers)
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
mod tests {
    use super::*;

    const LIMIT: usize = 64 * 1024;

    fn parse(text: impl AsRef<[u8]>) -> Result<Option<Head>, BadRequest> {
        let mut input = Buffer::default();
        input.extend(text.as_ref());
        HeadParser::new(LIMIT).take(&mut input)
    }

    fn head(text: &str) -> Head {
        parse(text).unwrap().unwrap()
    }

    #[test]
    fn request_lines_have_two_or_three_words() {
        for (line, version) in [
            ("GET /", Version::Missing),
            ("GET / HTTP/1.0", Version::Http10),
            ("GET / HTTP/1.1", Version::Http11),
            ("PRI * HTTP/2.0", Version::Other),
        ] {
            let head = head(&format!("{line}\r\n\r\n"));
            assert_eq!((head.version, head.line.as_str()), (version, line));
        }
        for line in [
            "GET",
            "GET ",
            " /",
            "GET  / HTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/",
            "GET / HTTP/1.1 ",
            "GET / HTTP/1.x",
            "GET /a\nb HTTP/1.1",
            "GET /\0 HTTP/1.1",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(
                parse(format!("{line}\r\n\r\n")),
                Err(BadRequest::Malformed),
                "{line:?}"
            );
        }
        assert_eq!(
            parse(b"GET /\xff HTTP/1.1\r\n\r\n"),
            Err(BadRequest::Malformed)
        );
    }

    #[test]
    fn targets_are_taken_apart_and_decoded_once() {
        for (target, path, query) in [
            ("/RPC2", "/RPC2", None),
            ("/%52PC2?a=%41", "/RPC2", Some("a=%41")),
            ("/a;b?c#d", "/a", Some("c")),
            ("/a%252fb", "/a%2fb", None),
            ("/%ff%4", "/\u{fffd}%4", None),
            ("/%zz%c3%a9", "/%zzé", None),
        ] {
            let head = head(&format!("GET {target} HTTP/1.1\r\n\r\n"));
            assert_eq!((head.path.as_str(), head.query.as_deref()), (path, query));
        }
    }

    #[test]
    fn headers_are_found_in_any_case_with_or_without_a_blank() {
        let head = head(
            "GET / HTTP/1.1\r\nA:1\r\nb: \t 2 \r\nno colon\r\na: 3\r\n\
             Authorization: Basic ab\ncd\r\nEmpty:\r\n\r\n",
        );
        for (name, value) in [
            ("a", Some("1")),
            ("B", Some("2")),
            ("authorization", Some("Basic ab\ncd")),
            ("empty", Some("")),
            ("missing", None),
        ] {
            assert_eq!(head.header(name), value, "{name}");
        }
    }

    #[test]
    fn headers_that_others_read_in_another_way_are_malformed() {
        for headers in [
            " folded",
            "A: x\r\n y",
            "A: x\r\n\ty",
            "A: x\r\n ",
            "A: x\n y",
            "no colon\r\n y",
            "A: x\ry",
            "A: x\r",
            "A\r: x",
            "no\rcolon",
            "A: \0",
            "A\0: x",
            "no colon\0",
            "A : x",
            "A\u{1b}: x",
            "A: x\r\nContent-Length: 5\r\r\nB: y",
        ] {
            let text = format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n");
            assert_eq!(parse(text), Err(BadRequest::Malformed), "{headers:?}");
        }
        for line in ["GET /\ra HTTP/1.1", "GET / HTTP/1.1\r", "GET /\0 HTTP/1.1"] {
            let text = format!("{line}\r\nA: x\r\n\r\n");
            assert_eq!(parse(text), Err(BadRequest::Malformed), "{line:?}");
        }
    }

    #[test]
    fn lengths_are_numbers_and_agree() {
        for (headers, length) in [
            ("", Length::Missing),
            ("Content-Length: 0\r\n", Length::Bytes(0)),
            ("Content-Length:00\r\n", Length::Bytes(0)),
            ("Content-Length: \t88 \r\n", Length::Bytes(88)),
            ("Content-Length: +88\r\n", Length::Invalid),
            ("Content-Length: 8 8\r\n", Length::Invalid),
            ("Content-Length: 88, 88\r\n", Length::Invalid),
            ("Content-Length: 88,\r\n", Length::Invalid),
            ("Content-Length: 8_8\r\n", Length::Invalid),
            ("Content-Length: 88.0\r\n", Length::Invalid),
            ("Content-Length: 88\n\r\n", Length::Invalid),
            ("Content-Length: \u{a0}88\r\n", Length::Invalid),
            ("Content-Length: \u{664}\r\n", Length::Invalid),
            (
                "Content-Length: 99999999999999999999999\r\n",
                Length::Bytes(u64::MAX),
            ),
            ("Content-Length: -1\r\n", Length::Invalid),
            ("Content-Length: 0x1\r\n", Length::Invalid),
            ("Content-Length: \r\n", Length::Invalid),
            (
                "Content-Length: 1\r\nContent-Length: 1\r\n",
                Length::Bytes(1),
            ),
            (
                "Content-Length: 1\r\nContent-Length: 2\r\n",
                Length::Invalid,
            ),
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                Length::Encoded,
            ),
        ] {
            let head = head(&format!("POST / HTTP/1.1\r\n{headers}\r\n"));
            assert_eq!(head.length(), length, "{headers}");
        }
    }

    #[test]
    fn blank_lines_before_a_request_are_skipped() {
        let mut input = Buffer::default();
        let mut parser = HeadParser::new(LIMIT);
        for byte in b"\r\n\r\nGET /a HTTP/1.1\r\n\r\n\r\nGET /b HTTP/1.1\r\n\r\nrest" {
            if input.pending() == b"rest" {
                break;
            }
            input.extend(&[*byte]);
            if let Some(head) = parser.take(&mut input).unwrap() {
                assert!(["/a", "/b"].contains(&head.path.as_str()));
            }
        }
        assert_eq!(input.pending(), b"rest");
        assert_eq!(parse("\r\n\r\n"), Ok(None));
        assert_eq!(parse("\r"), Ok(None));
    }

    #[test]
    fn header_blocks_are_limited() {
        let long = |length: usize| format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(length));
        assert!(parse(long(60_000) + "\r\n\r\n").unwrap().is_some());
        assert_eq!(parse(long(70_000)), Err(BadRequest::TooLong));
        assert_eq!(parse(long(70_000) + "\r\n\r\n"), Err(BadRequest::TooLong));
    }

    /// Looking again from the beginning at each byte would take minutes.
    #[test]
    fn a_trickle_takes_linear_time() {
        let started = std::time::Instant::now();
        for _ in 0..50 {
            let mut input = Buffer::default();
            let mut parser = HeadParser::new(LIMIT);
            for _ in 0..LIMIT {
                input.extend(b"\r");
                assert_eq!(parser.take(&mut input), Ok(None));
            }
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(30));
    }

    #[test]
    fn garbage_never_panics() {
        const PIECES: &[&[u8]] = &[
            b"GET",
            b" ",
            b"/",
            b"%",
            b"%4",
            b"\r\n",
            b"\r",
            b"\n",
            b":",
            b"HTTP/1.1",
            b"\xff",
            b"\t",
            b"Content-Length",
            b"-",
            b"9",
            b"a",
            b"\r\n\r\n",
            b"?",
            b"#",
            b";",
            b"\xc3\xa9",
            b"\0",
        ];
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..20_000 {
            let mut input = Buffer::default();
            let mut parser = HeadParser::new(LIMIT);
            for _ in 0..20 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                input.extend(PIECES[(seed % PIECES.len() as u64) as usize]);
                if let Ok(Some(head)) = parser.take(&mut input) {
                    let _ = crate::http::plan::of(&head, &Default::default());
                }
            }
        }
    }
}
