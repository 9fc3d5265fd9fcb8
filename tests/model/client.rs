//! A client that keeps its connection and takes an answer when it needs it.

use crate::support::{Outcome, Rpc, Value, wait_for};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What it waits for.
#[derive(Clone, Debug)]
pub struct Pending {
    pub method: String,
    /// The number of the event that it sends, if it does.
    pub event: Option<u64>,
}

/// What came of a request.
#[derive(Debug)]
pub enum Reply {
    /// The status and the body.
    Response(u16, String),
    /// The connection was closed, or was never there.
    Closed(String),
}

pub struct Client {
    path: PathBuf,
    /// How long it waits for an answer.
    patience: Duration,
    stream: Option<UnixStream>,
    held: Vec<u8>,
    pub pending: Option<Pending>,
}

/// A connection; the socket may be away for a moment while the daemon starts anew.
pub fn connect(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    let mut last = None;
    let stream = wait_for(patience, || match UnixStream::connect(path) {
        Ok(stream) => Some(stream),
        Err(error) => {
            last = Some(error);
            None
        }
    });
    let stream = stream.ok_or_else(|| last.unwrap_or(io::ErrorKind::TimedOut.into()))?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

impl Client {
    pub fn new(path: PathBuf, patience: Duration) -> Client {
        Client {
            path,
            patience,
            stream: None,
            held: Vec::new(),
            pending: None,
        }
    }

    /// Closes the connection and forgets what it waited for.
    pub fn drop_connection(&mut self) -> Option<Pending> {
        self.stream = None;
        self.held.clear();
        self.pending.take()
    }

    fn write(&mut self, request: &[u8]) -> io::Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(connect(&self.path, self.patience)?),
        };
        stream.write_all(request)
    }

    fn request(&mut self, request: &[u8], pending: Pending) -> Result<(), String> {
        // A kept connection may have been closed meanwhile by a daemon that starts anew.
        let was_kept = self.stream.is_some();
        let mut sent = self.write(request);
        if sent.is_err() && was_kept {
            self.drop_connection();
            sent = self.write(request);
        }
        sent.map_err(|error| format!("{} cannot be sent: {error}", pending.method))?;
        self.pending = Some(pending);
        Ok(())
    }

    /// Sends a call without waiting for its answer.
    pub fn send(
        &mut self,
        method: &str,
        parameters: &[Value],
        event: Option<u64>,
    ) -> Result<(), String> {
        let body = Rpc::body(method, parameters);
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.request(
            request.as_bytes(),
            Pending {
                method: method.to_owned(),
                event,
            },
        )
    }

    /// Asks for a page without waiting for it.
    pub fn get(&mut self, path: &str) -> Result<(), String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        self.request(
            request.as_bytes(),
            Pending {
                method: format!("GET {path}"),
                event: None,
            },
        )
    }

    /// Waits for the answer.
    pub fn reply(&mut self) -> Option<(Pending, Reply)> {
        let pending = self.pending.take()?;
        let reply = match self.read() {
            Ok((status, body, goes_on)) => {
                if !goes_on {
                    self.drop_connection();
                }
                Reply::Response(status, body)
            }
            Err(error) => {
                self.drop_connection();
                Reply::Closed(error.to_string())
            }
        };
        Some((pending, reply))
    }

    /// A call with its answer.
    pub fn call(&mut self, method: &str, parameters: &[Value]) -> Outcome {
        if let Err(error) = self.send(method, parameters, None) {
            return Outcome::Failure(error);
        }
        match self.reply() {
            Some((_, Reply::Response(200, body))) => Rpc::outcome(&body),
            Some((_, Reply::Response(status, _))) => Outcome::Status(status),
            Some((_, Reply::Closed(why))) => Outcome::Failure(why),
            None => Outcome::Failure("nothing was asked".to_owned()),
        }
    }

    /// Holds more of what comes.
    fn more(&mut self) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let mut buffer = [0; 65536];
        let got = stream.read(&mut buffer)?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.held.extend(&buffer[..got]);
        Ok(())
    }

    /// A response: status, body, and whether another one may be asked for.
    fn read(&mut self) -> io::Result<(u16, String, bool)> {
        let end = loop {
            if let Some(at) = self.held.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.held[..end]).to_ascii_lowercase();
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start_matches(':').trim().to_owned())
        };
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0);
        let is_chunked = header("transfer-encoding").is_some_and(|value| value == "chunked");
        let length = header("content-length").and_then(|value| value.parse::<usize>().ok());
        let goes_on = header("connection").is_none_or(|value| value != "close")
            && (length.is_some() || is_chunked);
        self.held.drain(..end);
        let body = match length {
            Some(length) => self.take(length)?,
            None if is_chunked => self.chunks()?,
            None => {
                while self.more().is_ok() {}
                std::mem::take(&mut self.held)
            }
        };
        Ok((status, String::from_utf8_lossy(&body).into_owned(), goes_on))
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.held.len() < length {
            self.more()?;
        }
        Ok(self.held.drain(..length).collect())
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = self.held.windows(2).position(|two| two == b"\r\n") {
                    break at;
                }
                self.more()?;
            };
            let size = String::from_utf8_lossy(&self.take(end + 2)?)
                .trim()
                .to_owned();
            let size = usize::from_str_radix(&size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            body.extend(self.take(size)?);
            self.take(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}
