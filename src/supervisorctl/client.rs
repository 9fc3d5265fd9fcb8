//! The client's side of a server: XML-RPC calls on one kept-alive connection,
//! and the streams of logs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::connection::Connection;
use super::failure::CallError;
use super::reply::Reply;
use super::response::Body;
use super::server_url::{self, ServerAddress};
use crate::text::base64;
use crate::xmlrpc::call::Call;
use crate::xmlrpc::response;
use crate::xmlrpc::value::Value;

/// The longest response, in bytes: `tail -0` returns whole logs.
const RESPONSE_LIMIT: usize = 1 << 30;

/// So many bytes of a log are read at once, and not more.
const LONGEST_LOG: usize = 1 << 30;

/// Which server, and who asks.
#[derive(Debug, Default)]
pub struct Client {
    pub url: String,
    /// The same for messages: as it is configured, without user name and password.
    pub shown_url: String,
    /// The user name; credentials are sent if the password is there too.
    pub username: Option<String>,
    pub password: Option<String>,
    /// The longest response that is read, in bytes, where it is to be less than usual.
    pub longest: Option<usize>,
    connection: Option<Connection>,
    interrupt: Option<OwnedFd>,
}

/// A log that is followed.
#[derive(Debug)]
pub struct LogStream {
    connection: Connection,
    body: Body,
}

/// A call whose answer is still to come.
#[derive(Debug)]
pub struct PendingCall {
    method: &'static str,
    longest: usize,
    connection: Connection,
}

impl Client {
    /// A client that has not connected yet.
    pub fn new(url: String, username: Option<String>, password: Option<String>) -> Client {
        Client {
            shown_url: server_url::without_userinfo(&url),
            url,
            username,
            password,
            ..Client::default()
        }
    }

    /// A client of the same server that has connections of its own.
    pub fn another(&self) -> Client {
        let (username, password) = (self.username.clone(), self.password.clone());
        Client::new(self.url.clone(), username, password)
    }

    /// From here on waiting for an answer fails once this is readable.
    pub fn watch(&mut self, interrupt: OwnedFd) {
        self.disconnect();
        self.interrupt = Some(interrupt);
    }

    /// Calls a method of the supervisor namespace. Where the connection breaks
    /// before the answer is complete, as it does when the server restarts, a
    /// call that only asks is made again, once.
    pub fn call(&mut self, method: &'static str, parameters: &[Value]) -> Result<Reply, CallError> {
        match self.call_once(method, parameters) {
            Err(error) if error.is_broken_off() && is_question(method) => {
                self.call_once(method, parameters)
            }
            outcome => outcome,
        }
    }

    fn call_once(
        &mut self,
        method: &'static str,
        parameters: &[Value],
    ) -> Result<Reply, CallError> {
        // Taken out, so that a failure on the way closes it.
        let kept = self.connection.take();
        let (reply, connection) = self.send_on(kept, method, parameters)?.finish()?;
        self.connection = connection;
        reply
    }

    /// Sends a call on a connection of its own, and does not wait for the answer.
    pub fn send(
        &self,
        method: &'static str,
        parameters: &[Value],
    ) -> Result<PendingCall, CallError> {
        self.send_on(None, method, parameters)
    }

    fn send_on(
        &self,
        kept: Option<Connection>,
        method: &'static str,
        parameters: &[Value],
    ) -> Result<PendingCall, CallError> {
        let address = server_url::parse(&self.url)?;
        let call = Call {
            method: format!("supervisor.{method}"),
            params: parameters.to_vec(),
        };
        let body = call.to_bytes();
        let mut request = format!(
            "POST /RPC2 HTTP/1.1\r\n\
             Host: {}\r\n\
             Accept-Encoding: identity\r\n\
             User-Agent: supervisorctl\r\n\
             Content-Type: text/xml\r\n\
             Accept: text/xml\r\n",
            address.host_header()
        );
        request.push_str(&self.authorization());
        request.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut request = request.into_bytes();
        request.extend_from_slice(&body);

        let mut connection = match kept.filter(|kept| !kept.is_closed()) {
            Some(connection) => connection,
            None => self.connect(&address)?,
        };
        // Other calls may take long, this one never does.
        if method == "getVersion" {
            connection.if_late(format!(
                "{} takes the connection and does not answer; still waiting\n",
                self.shown_url
            ));
        }
        connection.send(&request)?;
        Ok(PendingCall {
            method,
            longest: self.longest.unwrap_or(RESPONSE_LIMIT),
            connection,
        })
    }

    /// Ends the connection: the next call opens a new one.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Another server from here on, with the same credentials.
    pub fn open(&mut self, url: String) {
        self.disconnect();
        self.shown_url = server_url::without_userinfo(&url);
        self.url = url;
    }

    /// Opens the stream of a log, such as `/mainlogtail`. The status is 200 or
    /// it is an error.
    pub fn follow(&self, path: &str) -> Result<LogStream, CallError> {
        self.get(&percent_encoded(path))
    }

    /// Reads a log byte for byte, which XML-RPC cannot carry; `None` where the server does
    /// not give it, as 4.3.0 does not. The log is that of a process and a channel, or the
    /// server's own; the offset is that of `readLog`.
    pub fn bytes_of_log(&self, log: Option<(&str, &str)>, offset: i64) -> Option<Vec<u8>> {
        let target = match log {
            Some((name, channel)) => {
                let name = percent_encoded(name)
                    .replace('&', "%26")
                    .replace('+', "%2B");
                format!("/log.txt?processname={name}&channel={channel}&offset={offset}")
            }
            None => format!("/mainlog.txt?offset={offset}"),
        };
        let mut stream = self.get(&target).ok()?;
        let mut bytes = Vec::new();
        let mut piece = [0; 16 * 1024];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => return Some(bytes),
                Ok(length) if bytes.len() < LONGEST_LOG => {
                    bytes.extend_from_slice(piece.get(..length).unwrap_or_default());
                }
                _ => return None,
            }
        }
    }

    fn get(&self, target: &str) -> Result<LogStream, CallError> {
        let address = server_url::parse(&self.url)?;
        let request = format!(
            "GET {} HTTP/1.1\r\n\
             Host: {}\r\n\
             Accept: */*\r\n\
             User-Agent: supervisorctl\r\n\
             {}\r\n",
            target,
            address.host_header(),
            self.authorization()
        );
        let mut connection = self.connect(&address)?;
        let head = connection.exchange(request.as_bytes())?;
        match head.status {
            200 => Ok(LogStream {
                connection,
                body: head.body,
            }),
            status => Err(CallError::Protocol {
                status,
                reason: head.reason,
            }),
        }
    }

    fn connect(&self, address: &ServerAddress) -> Result<Connection, CallError> {
        let interrupt = match &self.interrupt {
            Some(interrupt) => Some(interrupt.try_clone()?),
            None => None,
        };
        Connection::open(address, interrupt)
    }

    fn authorization(&self) -> String {
        match (&self.username, &self.password) {
            (Some(username), Some(password)) => {
                let credentials = base64::encode(format!("{username}:{password}").as_bytes());
                format!("Authorization: Basic {credentials}\r\n")
            }
            _ => String::new(),
        }
    }
}

impl LogStream {
    /// Waits for the next piece; 0 at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.body.read(self.connection.reader(), buffer)
    }

    /// Whether what was sent in one go has been read to its end.
    pub fn is_between_pieces(&self) -> bool {
        !matches!(self.body, Body::Chunked(1..))
    }

    /// Whether there is something to read that was received already.
    pub fn has_buffered(&self) -> bool {
        self.connection.has_buffered()
    }
}

impl AsFd for LogStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

impl PendingCall {
    pub fn answer(self) -> Result<Reply, CallError> {
        self.finish()?.0
    }

    /// The answer, and the connection if it can be used again.
    fn finish(mut self) -> Result<(Result<Reply, CallError>, Option<Connection>), CallError> {
        let mut head = self.connection.receive()?;
        if head.status != 200 {
            return Err(CallError::Protocol {
                status: head.status,
                reason: head.reason,
            });
        }
        let answer = head.body.read_all(self.connection.reader(), self.longest)?;
        let connection = head.keep_alive.then_some(self.connection);
        let method = self.method;
        let reply = read_answer(&answer).map(|value| Reply { method, value });
        Ok((reply, connection))
    }
}

/// Readable once the answer comes.
impl AsFd for PendingCall {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

/// Whether a method changes nothing, so that it may be called again.
pub fn is_question(method: &str) -> bool {
    ["get", "read", "tail"]
        .iter()
        .any(|verb| method.starts_with(verb))
}

/// The value or the fault of an XML-RPC response.
fn read_answer(answer: &[u8]) -> Result<Value, CallError> {
    // What Python's XML parser says about a page that is none.
    if !answer.trim_ascii_start().starts_with(b"<") {
        return Err(CallError::NotXml(
            "syntax error: line 1, column 0".to_owned(),
        ));
    }
    match response::read(answer) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(CallError::Fault(fault)),
        Err(error) => Err(CallError::NotXml(error.to_string())),
    }
}

/// The path with everything escaped that would end it or mean something else.
fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"%?#".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_what_names_need_and_escapes_the_rest() {
        for (path, expected) in [
            ("/logtail/g:web-1/stdout", "/logtail/g:web-1/stdout"),
            ("/logtail/100%/stdout", "/logtail/100%25/stdout"),
            ("/logtail/a?b#c/stdout", "/logtail/a%3Fb%23c/stdout"),
            ("/logtail/é/stdout", "/logtail/%C3%A9/stdout"),
        ] {
            assert_eq!(percent_encoded(path), expected);
        }
    }

    #[test]
    fn credentials_are_sent_only_if_both_are_set() {
        for (username, password, expected) in [
            (Some("u"), Some("p"), "Authorization: Basic dTpw\r\n"),
            (Some(""), Some(""), "Authorization: Basic Og==\r\n"),
            (Some("u"), None, ""),
            (None, Some("p"), ""),
        ] {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let client = Client::new(String::new(), owned(username), owned(password));
            assert_eq!(client.authorization(), expected);
        }
        let long = "x".repeat(200);
        let client = Client::new(String::new(), Some(long.clone()), Some(long));
        assert_eq!(client.authorization().matches('\n').count(), 1);
    }
}
