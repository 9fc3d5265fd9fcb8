//! An HTTP response from the client's side: its head, and its body piece by
//! piece in whichever of the three ways it is framed.

use std::io::{self, BufRead, Read};

use super::failure::CallError;

/// The longest head that is read, in bytes.
const HEAD_LIMIT: u64 = 64 * 1024;
/// The longest line that announces a chunk, in bytes.
const CHUNK_LINE_LIMIT: u64 = 8 * 1024;

/// How much room is made for a piece of a body, in bytes.
const LEAST: usize = 16 * 1024;
const MOST: usize = 1024 * 1024;

/// Status line and headers.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// The status, such as 200.
    pub status: u16,
    /// Its reason phrase; may be empty.
    pub reason: String,
    /// Whether another request may follow on this connection.
    pub keep_alive: bool,
    pub body: Body,
}

/// What is left of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// Chunks; so many bytes are left of the present one.
    Chunked(u64),
    /// So many bytes.
    Length(u64),
    /// All until the connection is closed.
    UntilClose,
    /// Nothing more.
    Ended,
}

impl Head {
    /// Reads a head. [`CallError::Disconnected`] if there is not even a first byte.
    pub fn read(reader: &mut impl BufRead) -> Result<Head, CallError> {
        let mut limited = reader.take(HEAD_LIMIT);
        let status_line = read_line(&mut limited)?.ok_or(CallError::Disconnected)?;
        let mut words = status_line.splitn(3, ' ');
        let version = words.next().unwrap_or_default();
        let status = words.next().and_then(|word| word.parse().ok());
        let (true, Some(status)) = (version.starts_with("HTTP/"), status) else {
            return Err(CallError::BadHead(status_line));
        };
        let mut head = Head {
            status,
            reason: words.next().unwrap_or_default().trim().to_owned(),
            keep_alive: version != "HTTP/1.0",
            body: Body::UntilClose,
        };
        while let Some(line) = read_line(&mut limited)? {
            if line.is_empty() {
                head.keep_alive &= head.body != Body::UntilClose;
                return Ok(head);
            }
            head.take_header(&line)?;
        }
        Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
    }

    fn take_header(&mut self, line: &str) -> Result<(), CallError> {
        let bad = || CallError::BadHead(line.to_owned());
        let (name, value) = line.split_once(':').ok_or_else(bad)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => {
                self.body = Body::Chunked(0);
            }
            "content-length" if self.body == Body::UntilClose => {
                self.body = Body::Length(value.parse().map_err(|_| bad())?);
            }
            "connection" => self.keep_alive &= !value.eq_ignore_ascii_case("close"),
            _ => {}
        }
        Ok(())
    }
}

impl Body {
    /// Reads the next piece into the buffer; 0 at the end of the body.
    pub fn read(&mut self, reader: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
        if let Body::Chunked(0) = self {
            *self = match read_chunk_size(reader)? {
                0 => Body::Ended,
                size => Body::Chunked(size),
            };
        }
        let left = match self {
            Body::Chunked(left) | Body::Length(left) => *left,
            Body::UntilClose => u64::MAX,
            Body::Ended => 0,
        };
        let room = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let piece = buffer.get_mut(..room).unwrap_or_default();
        if piece.is_empty() {
            *self = Body::Ended;
            return Ok(0);
        }
        let length = reader.read(piece)?;
        match self {
            Body::Chunked(_) | Body::Length(_) if length == 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Body::Chunked(left) => {
                *left -= length as u64;
                if *left == 0 {
                    skip_line_end(reader)?;
                }
            }
            Body::Length(left) => *left -= length as u64,
            Body::UntilClose | Body::Ended => {}
        }
        Ok(length)
    }

    /// Reads all that is left, up to a limit in bytes.
    pub fn read_all(
        &mut self,
        reader: &mut impl BufRead,
        limit: usize,
    ) -> Result<Vec<u8>, CallError> {
        let (mut all, mut length) = (Vec::new(), 0);
        loop {
            // As much as is known to come, straight to where it is kept.
            let expected = match self {
                Body::Chunked(0) | Body::UntilClose => LEAST,
                Body::Chunked(left) | Body::Length(left) => usize::try_from(*left).unwrap_or(MOST),
                Body::Ended => 0,
            };
            let wanted = length + expected.min(MOST);
            match length {
                // Such memory is not written to before it is read into.
                0 => all = vec![0; wanted],
                _ => all.resize(wanted, 0),
            }
            let read = self.read(reader, all.get_mut(length..).unwrap_or_default())?;
            length += read;
            if length > limit {
                return Err(CallError::TooLong(limit));
            }
            if read == 0 {
                all.truncate(length);
                return Ok(all);
            }
        }
    }
}

/// A line without its end; `None` at the end of the input.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// The size in the line before a chunk; extensions are skipped. The zero
/// chunk's trailers are read as well.
fn read_chunk_size(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut limited = reader.take(CHUNK_LINE_LIMIT);
    let line = read_line(&mut limited)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let digits = line.split(';').next().unwrap_or_default().trim();
    let size = u64::from_str_radix(digits, 16).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("bad chunk size: {line}"),
        )
    })?;
    if size == 0 {
        while read_line(&mut limited)?.is_some_and(|trailer| !trailer.is_empty()) {}
    }
    Ok(size)
}

fn skip_line_end(reader: &mut impl BufRead) -> io::Result<()> {
    let mut line = Vec::new();
    reader.take(2).read_until(b'\n', &mut line)?;
    match line.as_slice() {
        b"\r\n" | b"\n" => Ok(()),
        b"\r" | b"" => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "no line end after a chunk",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(response: &str) -> Result<(Head, String), String> {
        let mut reader = response.as_bytes();
        let mut head = Head::read(&mut reader).map_err(|error| error.to_string())?;
        let body = head.body.read_all(&mut reader, 100);
        let body = body.map_err(|error| error.to_string())?;
        Ok((head, String::from_utf8(body).unwrap()))
    }

    #[test]
    fn a_body_is_read_in_each_of_its_framings() {
        for (response, body, keep_alive) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiX",
                "hi",
                true,
            ),
            ("HTTP/1.0 200 OK\r\ncontent-length:2\r\n\r\nhi", "hi", false),
            ("HTTP/1.1 200 OK\r\n\r\nhi", "hi", false),
            (
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\nhi",
                "",
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n\
                 3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: x\r\n\r\nrest",
                "abc0123456789",
                true,
            ),
            ("HTTP/1.1 200\nContent-Length: 1\n\nx", "x", true),
        ] {
            let (head, read) = whole(response).unwrap();
            assert_eq!(
                (read.as_str(), head.keep_alive),
                (body, keep_alive),
                "{response}"
            );
        }
    }

    #[test]
    fn what_is_no_response_is_an_error() {
        for (response, expected) in [
            ("", "RemoteDisconnected"),
            ("hello\r\n\r\n", "BadStatusLine'>, hello"),
            ("HTTP/1.1 abc\r\n\r\n", "BadStatusLine"),
            (
                "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n",
                "BadStatusLine'>, nocolon",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                "BadStatusLine",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh",
                "IncompleteRead",
            ),
            ("HTTP/1.1 200 OK\r\nContent-", "IncompleteRead"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "bad chunk size: zz",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
                "no line end after a chunk",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
                "IncompleteRead",
            ),
        ] {
            let error = whole(response).unwrap_err();
            assert!(error.contains(expected), "{response}: {error}");
        }
        let long = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(101));
        assert!(whole(&long).unwrap_err().contains("longer than 100 bytes"));
    }
}
