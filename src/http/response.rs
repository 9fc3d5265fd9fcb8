//! Writing responses: status line, headers in the order of 4.3.0, the error
//! page, and chunks of a stream.
//!
//! Unlike 4.3.0, a response after which the connection is closed says so with
//! `Connection: close`, `HEAD` gets no body, and only `HTTP/1.0` and
//! `HTTP/1.1` stand in the status line.

use crate::clock::Timestamp;
use crate::http::date;
use crate::http::refusal::Refusal;
use crate::http::request::{Head, Version};
use crate::snapshot::saved;
use crate::text::escape;

/// From how many folders the page of an address where nothing is finds home.
const DEEPEST: usize = 64;

/// What follows a response on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// The next request; HTTP/1.1 says nothing about it.
    Open,
    /// The next request, and the client of HTTP/1.0 wants to read so.
    KeepAlive,
    /// The end.
    Close,
}

saved! { enum Persistence { Open, KeepAlive, Close } }

impl Persistence {
    /// What a client asked for, for a response of known length.
    pub fn of(head: &Head) -> Persistence {
        match head.version {
            Version::Missing => Persistence::Close,
            Version::Http10 if head.connection_option("keep-alive") => Persistence::KeepAlive,
            Version::Http10 => Persistence::Close,
            Version::Http11 | Version::Other if head.connection_option("close") => {
                Persistence::Close
            }
            Version::Http11 | Version::Other => Persistence::Open,
        }
    }
}

/// A response that is complete when it is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Headers after `Server` and `Date`, in order.
    pub headers: Vec<(&'static str, String)>,
    /// The body; `Content-Length` is among the headers.
    pub body: Vec<u8>,
}

impl Response {
    /// The answer to an XML-RPC call without its body, which is sent apart.
    pub fn xml_head(length: u64) -> Response {
        Response {
            status: 200,
            headers: vec![
                ("Content-Type", "text/xml".to_owned()),
                ("Content-Length", length.to_string()),
            ],
            body: Vec::new(),
        }
    }

    /// The page that says why a request is refused; with 401 the question for credentials.
    pub fn refusal(why: &Refusal) -> Response {
        let status = why.status();
        let body = error_page(status, &escape::html(&why.to_string())).into_bytes();
        let mut headers = Vec::with_capacity(3);
        if status == 401 {
            headers.push(("WWW-Authenticate", "Basic realm=\"default\"".to_owned()));
        }
        headers.push(("Content-Length", body.len().to_string()));
        headers.push(("Content-Type", "text/html".to_owned()));
        Response {
            status,
            headers,
            body,
        }
    }

    /// The answer for an address where nothing is, with a way home. `line` is the request's,
    /// which says how many folders it is to there. A browser gets a page in the dress of the
    /// others, everybody else that of 4.3.0.
    pub fn not_found(line: &str, is_browser: bool) -> Response {
        let mut response = Response::refusal(&Refusal::NotFound);
        let home = way_home(line);
        let why = Refusal::NotFound.to_string();
        let page = match is_browser {
            true => not_found_page(&why, &home),
            false => error_page(404, &format!("{why} {}.", link_home(&home))),
        };
        response.headers = vec![
            ("Content-Length", page.len().to_string()),
            ("Content-Type", "text/html".to_owned()),
        ];
        response.body = page.into_bytes();
        response
    }

    /// The bytes on the wire. `Date` is the moment `received`, as in 4.3.0.
    pub fn to_bytes(
        &self,
        version: Version,
        received: Timestamp,
        persistence: Persistence,
        with_body: bool,
    ) -> Vec<u8> {
        let mut text = start_of_head(self.status, version, received);
        // 4.3.0 puts it here with 401, and elsewhere not at all.
        let early = self.status == 401 && persistence == Persistence::Close;
        if early {
            text.push_str("Connection: close\r\n");
        }
        for (name, value) in &self.headers {
            push_header(&mut text, name, value);
        }
        if !early {
            push_persistence(&mut text, persistence);
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        if with_body {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

/// The head of a followed log: chunked for HTTP/1.1, else ended by the close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamHead {
    /// When the file was last written; `None` for events, which are in no file.
    pub modified: Option<Timestamp>,
    /// Whether it is a child's log; proxies are told not to hold that back.
    pub unbuffered: bool,
    pub chunked: bool,
}

impl StreamHead {
    /// The bytes on the wire.
    pub fn to_bytes(&self, version: Version, received: Timestamp) -> Vec<u8> {
        let mut text = start_of_head(200, version, received);
        if let Some(modified) = self.modified {
            push_header(&mut text, "Last-Modified", &date::rfc1123(modified));
            push_header(&mut text, "Content-Type", "text/plain;charset=utf-8");
        } else {
            push_header(&mut text, "Content-Type", "text/event-stream");
            push_header(&mut text, "Cache-Control", "no-store");
        }
        if self.unbuffered {
            push_header(&mut text, "X-Accel-Buffering", "no");
        }
        if self.chunked {
            push_header(&mut text, "Transfer-Encoding", "chunked");
        } else {
            push_persistence(&mut text, Persistence::Close);
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// Adds `data` as one chunk without extensions. Empty data would end the stream: it adds nothing.
pub fn push_chunk(output: &mut Vec<u8>, data: &[u8]) {
    if !data.is_empty() {
        output.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        output.extend_from_slice(data);
        output.extend_from_slice(b"\r\n");
    }
}

/// The reason phrase of a status; old clients refuse a status line without one.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        200 => "OK",
        301 => "Moved Permanently",
        303 => "See Other",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}

/// The page of 4.3.0 with one more line, which says why in HTML.
fn error_page(status: u16, why: &str) -> String {
    format!(
        "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
         <h1>Error response</h1>\r\n<p>Error code {status}.\r\n<p>Message: {}.\r\n\
         <p>{}\r\n</body>\r\n",
        reason(status),
        why
    )
}

fn not_found_page(why: &str, home: &str) -> String {
    format!(
        "<!DOCTYPE html>\r\n<html lang=\"en\">\r\n<head>\r\n<meta charset=\"utf-8\">\r\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\r\n\
         <title>Not found - Supervisor</title>\r\n\
         <link rel=\"stylesheet\" href=\"{home}stylesheets/supervisor.css\">\r\n\
         <link rel=\"icon\" href=\"{home}images/icon.svg\">\r\n</head>\r\n<body>\r\n\
         <header><p class=\"brand\"><a href=\"{home}\">supervisord</a></p></header>\r\n\
         <main><div class=\"bar head\"><h1>Not found</h1></div>\r\n\
         <p class=\"message bad\" role=\"alert\">{why}</p>\r\n\
         <p>{}</p></main>\r\n</body>\r\n",
        link_home(home)
    )
}

fn link_home(home: &str) -> String {
    format!("<a href=\"{home}\">To the processes</a>")
}

/// The relative address of `/` from the address in a request line: behind a proxy it
/// may have another path.
fn way_home(line: &str) -> String {
    let target = line.split(' ').nth(1).unwrap_or_default();
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let folders = path.matches('/').count().saturating_sub(1);
    match folders {
        0 => "./".to_owned(),
        _ => "../".repeat(folders.min(DEEPEST)),
    }
}

fn start_of_head(status: u16, version: Version, received: Timestamp) -> String {
    let version = match version {
        Version::Missing | Version::Http10 => "1.0",
        Version::Http11 | Version::Other => "1.1",
    };
    format!(
        "HTTP/{version} {status} {}\r\nServer: pollvisor\r\nDate: {}\r\n",
        reason(status),
        date::rfc1123(received)
    )
}

fn push_persistence(text: &mut String, persistence: Persistence) {
    match persistence {
        Persistence::Open => {}
        Persistence::KeepAlive => push_header(text, "Connection", "Keep-Alive"),
        Persistence::Close => push_header(text, "Connection", "close"),
    }
}

fn push_header(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(": ");
    text.push_str(value);
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: Timestamp = Timestamp {
        seconds: 1_795_372_135,
        nanoseconds: 0,
    };

    #[test]
    fn refusals_have_the_page_of_4_3_0_with_one_more_line() {
        assert_eq!(
            error_page(404, "No."),
            "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
             <h1>Error response</h1>\r\n<p>Error code 404.\r\n<p>Message: Not Found.\r\n\
             <p>No.\r\n</body>\r\n"
        );
    }

    #[test]
    fn from_a_wrong_address_the_way_home_is_relative() {
        for (line, home) in [
            ("GET /x HTTP/1.1", "./"),
            ("GET /a/b/c?d=/e HTTP/1.1", "../../"),
            ("GET /a/ HTTP/1.1", "../"),
            ("GET //a HTTP/1.1", "../"),
            ("GET /a%2Fb HTTP/1.1", "./"),
            ("GET /x", "./"),
            ("", "./"),
        ] {
            assert_eq!(way_home(line), home, "{line}");
            for is_browser in [true, false] {
                let page = Response::not_found(line, is_browser);
                let text = String::from_utf8(page.body).unwrap();
                assert!(text.contains(&format!("<a href=\"{home}\">To the processes</a>")));
                let style = format!("href=\"{home}stylesheets/supervisor.css\"");
                assert_eq!(text.contains(&style), is_browser, "{text}");
            }
        }
        let deep = Response::not_found(&format!("GET {} HTTP/1.1", "/".repeat(60_000)), true);
        assert!(deep.body.len() < 5000, "{}", deep.body.len());
    }

    #[test]
    fn headers_come_in_the_order_of_4_3_0() {
        let bytes = |response: &Response, version, persistence| {
            let bytes = response.to_bytes(version, RECEIVED, persistence, true);
            let text = String::from_utf8(bytes).unwrap();
            let date = "\r\nServer: pollvisor\r\nDate: Sun, 22 Nov 2026 18:28:55 GMT\r\n";
            assert!(text.contains(date));
            text.replace(date, " | ").replace("\r\n", " | ")
        };
        let xml = Response {
            body: b"<x/>".to_vec(),
            ..Response::xml_head(4)
        };
        let head = "Content-Type: text/xml | Content-Length: 4 | ";
        for (version, persistence, expected) in [
            (
                Version::Http11,
                Persistence::Open,
                format!("HTTP/1.1 200 OK | {head} | <x/>"),
            ),
            (
                Version::Http11,
                Persistence::Close,
                format!("HTTP/1.1 200 OK | {head}Connection: close |  | <x/>"),
            ),
            (
                Version::Http10,
                Persistence::KeepAlive,
                format!("HTTP/1.0 200 OK | {head}Connection: Keep-Alive |  | <x/>"),
            ),
        ] {
            assert_eq!(bytes(&xml, version, persistence), expected);
        }
        let response = Response::refusal(&Refusal::NoCredentials);
        let refused = bytes(&response, Version::Http11, Persistence::Close);
        assert!(refused.starts_with(&format!(
            "HTTP/1.1 401 Unauthorized | Connection: close | \
             WWW-Authenticate: Basic realm=\"default\" | Content-Length: {} | \
             Content-Type: text/html |  | <head>",
            response.body.len()
        )));
    }

    #[test]
    fn a_stream_is_chunked_or_ends_with_the_connection() {
        let head = |unbuffered, chunked| {
            let modified = Timestamp {
                seconds: 0,
                nanoseconds: 0,
            };
            let head = StreamHead {
                modified: Some(modified),
                unbuffered,
                chunked,
            };
            let text = String::from_utf8(head.to_bytes(Version::Http11, RECEIVED)).unwrap();
            text.split_once("GMT\r\n").unwrap().1.to_owned()
        };
        let start = "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
                     Content-Type: text/plain;charset=utf-8\r\n";
        assert_eq!(
            head(true, true),
            format!("{start}X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n")
        );
        assert_eq!(
            head(false, false),
            format!("{start}Connection: close\r\n\r\n")
        );
        let events = StreamHead {
            modified: None,
            unbuffered: true,
            chunked: true,
        };
        let text = String::from_utf8(events.to_bytes(Version::Http11, RECEIVED)).unwrap();
        assert!(text.ends_with(
            "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n\
             X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
        let mut output = Vec::new();
        push_chunk(&mut output, b"");
        push_chunk(&mut output, &[b'x'; 26]);
        assert_eq!(
            output,
            [b"1a\r\n".as_slice(), &[b'x'; 26], b"\r\n"].concat()
        );
    }
}
