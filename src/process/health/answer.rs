//! The request of an HTTP check, and what is read of the answer to it: the status decides. The
//! rest is read only so that the server can write it, up to a limit.

use crate::config::check_target::authority;
use crate::snapshot::saved;
use crate::text::integer::Integer;

/// How much of an answer is read.
const LIMIT: usize = 64 * 1024;

/// How long its head may be.
const LONGEST_HEAD: usize = 8 * 1024;

/// The port that a `Host` leaves out.
const USUAL_PORT: u16 = 80;

/// The request for a path.
pub fn request(host: &str, port: u16, path: &str) -> String {
    let authority = authority(host, port);
    let host = match port {
        USUAL_PORT => authority.strip_suffix(":80").unwrap_or(&authority),
        _ => &authority,
    };
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: supervisord\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    )
}

/// An answer on its way.
#[derive(Debug, Default)]
pub struct Answer {
    /// The head, until it is whole.
    head: Vec<u8>,
    /// How much has come altogether.
    seen: usize,
    status: Option<Status>,
    /// How much of the body is to come, if the head says how long it is.
    rest: Option<usize>,
}

saved! { struct Answer { head, seen, status, rest } }

/// What the first line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Code(i64),
    /// It is no answer of HTTP.
    Strange,
}

saved! { enum Status { Code(a), Strange } }

impl Answer {
    /// Takes what has come; true once nothing more is to be read.
    pub fn feed(&mut self, mut bytes: &[u8]) -> bool {
        self.seen = self.seen.saturating_add(bytes.len());
        while self.status.is_none() {
            let old = self.head.len();
            self.head.extend_from_slice(bytes);
            let end = match end_of_head(&self.head) {
                Some(end) => end,
                None if self.head.len() > LONGEST_HEAD => self.head.len(),
                None => break,
            };
            bytes = &bytes[end.saturating_sub(old).min(bytes.len())..];
            self.read_head(end);
        }
        if let Some(rest) = &mut self.rest {
            *rest = rest.saturating_sub(bytes.len());
        }
        self.seen >= LIMIT || self.rest == Some(0) || self.status == Some(Status::Strange)
    }

    /// Reads a head that is whole; one of an interim answer is forgotten.
    fn read_head(&mut self, end: usize) {
        let head = std::mem::take(&mut self.head);
        let head = String::from_utf8_lossy(&head[..end]);
        let mut lines = head.lines();
        let status = lines.next().and_then(status_code);
        match status {
            Some(100..=199) => return,
            Some(code) => self.status = Some(Status::Code(code)),
            None => self.status = Some(Status::Strange),
        }
        let has_no_body = matches!(status, Some(204 | 304));
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            let length = is_length.then(|| Integer::decimal(value.trim()))??;
            usize::try_from(length.saturated()).ok()
        });
        self.rest = if has_no_body { Some(0) } else { length };
    }

    /// What came of it, once nothing more is read. The error ends the reason.
    pub fn outcome(&self) -> Result<(), String> {
        let status = self.status.or_else(|| {
            // Its first line is enough.
            let line = self.head.split(|byte| *byte == b'\n').next()?;
            let is_whole = line.len() < self.head.len();
            let line = String::from_utf8_lossy(line);
            let code = is_whole.then(|| status_code(line.trim_end()))?;
            Some(code.map_or(Status::Strange, Status::Code))
        });
        match status {
            Some(Status::Code(200..=399)) => Ok(()),
            Some(Status::Code(code)) => Err(code.to_string()),
            Some(Status::Strange) => Err("its answer is not one of HTTP".to_owned()),
            None if self.seen == 0 => Err("closed without an answer".to_owned()),
            None => Err("closed in the middle of its answer".to_owned()),
        }
    }

    /// Whether its status has come.
    pub fn is_judged(&self) -> bool {
        self.status.is_some() || self.head.contains(&b'\n')
    }
}

/// Where a head ends: behind its first empty line.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' {
            match &bytes[line..at] {
                b"" | b"\r" if line > 0 => return Some(at + 1),
                _ => line = at + 1,
            }
        }
    }
    None
}

/// The code of a first line such as `HTTP/1.1 200 OK`.
fn status_code(line: &str) -> Option<i64> {
    let rest = line.strip_prefix("HTTP/1.")?;
    let code = rest.split(' ').nth(1)?;
    let code = (code.len() == 3).then(|| Integer::decimal(code))??;
    Some(code.saturated()).filter(|code| (100..=999).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_host_as_it_was_configured() {
        for (host, port, expected) in [
            ("h", 80, "h"),
            ("h", 8080, "h:8080"),
            ("::1", 80, "[::1]"),
            ("::1", 81, "[::1]:81"),
        ] {
            let request = request(host, port, "/health?x=1");
            let mut lines = request.split("\r\n");
            assert_eq!(lines.next(), Some("GET /health?x=1 HTTP/1.1"));
            assert_eq!(lines.next(), Some(format!("Host: {expected}").as_str()));
            assert!(request.contains("\r\nConnection: close\r\n"));
            assert!(request.ends_with("\r\n\r\n"));
        }
    }

    /// What an answer comes to, in pieces of any size: its outcome, and whether its end was seen.
    fn read(answer: &str) -> (Result<(), String>, bool) {
        let whole = {
            let mut whole = Answer::default();
            let is_finished = whole.feed(answer.as_bytes());
            (whole.outcome(), is_finished)
        };
        for size in 1..answer.len().min(200) {
            let mut cut = Answer::default();
            let is_finished = answer.as_bytes().chunks(size).any(|piece| cut.feed(piece));
            assert_eq!((cut.outcome(), is_finished), whole, "{size} of {answer:?}");
        }
        whole
    }

    #[test]
    fn the_status_decides_and_the_length_tells_the_end() {
        let code = |code: &str| Err(code.to_owned());
        let strange = || Err("its answer is not one of HTTP".to_owned());
        for (answer, outcome, is_finished) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                Ok(()),
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
                Ok(()),
                false,
            ),
            ("HTTP/1.0 200 OK\r\n\r\nok", Ok(()), false),
            ("HTTP/1.1 204 No Content\r\n\r\n", Ok(()), true),
            (
                "HTTP/1.1 302 Found\r\nLocation: /x\r\ncontent-length:0\r\n\r\n",
                Ok(()),
                true,
            ),
            ("HTTP/1.1 404 Not Found\n\nno", code("404"), false),
            (
                "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n",
                code("503"),
                true,
            ),
            (
                "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
                code("500"),
                true,
            ),
            ("HTTP/1.1 200 OK\r\n", Ok(()), false),
            (
                "HTTP/1.1 200",
                Err("closed in the middle of its answer".into()),
                false,
            ),
            ("", Err("closed without an answer".into()), false),
            ("SSH-2.0-OpenSSH_9\r\n\r\n", strange(), true),
            ("HTTP/2 200\r\n\r\n", strange(), true),
            ("HTTP/1.1 2000 OK\r\n\r\n", strange(), true),
        ] {
            assert_eq!(read(answer), (outcome, is_finished), "{answer:?}");
        }
    }

    #[test]
    fn an_answer_without_end_is_not_read_without_end() {
        let mut answer = Answer::default();
        answer.feed(b"HTTP/1.1 200 OK\r\n\r\n");
        let piece = [b'x'; 1024];
        let count = (1..).find(|_| answer.feed(&piece));
        assert_eq!(count, Some(64));
        let mut answer = Answer::default();
        let count = (1..).find(|_| answer.feed(&piece));
        assert_eq!(count, Some(9), "a head even less");
    }
}
