//! What can go wrong between a command and its server, and the `error:` line
//! that it ends in. Scripts look for the class names and texts in it, so they
//! are Python's.

use std::fmt;
use std::io;

use crate::sys::errno;
use crate::text::pyrepr::repr;
use crate::xmlrpc::fault::{Fault, FaultCode};

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// The server or the way to it. In a box, for every command hands failures on.
    Call(Box<CallError>),
    /// Nobody reads what is printed.
    OutputClosed,
    /// A question found no answer: the input is at its end.
    EndOfInput,
    /// Ctrl-C.
    Interrupted,
}

impl Failure {
    /// What went wrong with the server or the way to it, if it is that.
    pub fn call(&self) -> Option<&CallError> {
        match self {
            Failure::Call(error) => Some(error),
            _ => None,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        Failure::Call(Box::new(error))
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        CallError::Fault(fault).into()
    }
}

/// Why a call did not return a value. Displays as `<class 'TYPE'>, TEXT`.
#[derive(Debug)]
pub enum CallError {
    Fault(Fault),
    /// The server answered with another status than 200.
    Protocol {
        status: u16,
        reason: String,
    },
    /// A fault code without a text for this command.
    UnknownResultCode {
        code: i64,
        name: String,
    },
    /// A URL that is neither `http://` nor `unix://`, without a user name and password.
    UnknownProtocol(String),
    /// A port that is no number.
    Port(String),
    /// A number beyond 32 bits.
    TooLarge,
    /// A system call: connecting, reading, writing.
    System(io::Error),
    /// The server closed the connection without an answer.
    Disconnected,
    /// The head of the answer is not HTTP.
    BadHead(String),
    /// The answer is longer than its limit, in bytes.
    TooLong(usize),
    /// The answer is not an XML-RPC response.
    NotXml(String),
    /// The answer is a value of another shape than the method returns.
    UnexpectedValue {
        method: String,
    },
}

impl From<io::Error> for CallError {
    fn from(error: io::Error) -> CallError {
        CallError::System(error)
    }
}

impl CallError {
    /// Whether the server wants other credentials.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, CallError::Protocol { status: 401, .. })
    }

    /// Whether the server lets this client look and change nothing.
    pub fn is_readonly(&self) -> bool {
        matches!(self, CallError::Fault(fault) if fault.is(FaultCode::ReadOnly))
    }

    /// Whether no server has carried the call out: it cannot be reached, refuses who
    /// asks, or is none. Any other fault is an answer.
    pub fn is_unserved(&self) -> bool {
        match self {
            CallError::Protocol { .. }
            | CallError::UnknownProtocol(_)
            | CallError::Port(_)
            | CallError::System(_)
            | CallError::Disconnected
            | CallError::BadHead(_)
            | CallError::NotXml(_) => true,
            CallError::Fault(_) => self.is_readonly(),
            CallError::UnknownResultCode { .. }
            | CallError::TooLarge
            | CallError::TooLong(_)
            | CallError::UnexpectedValue { .. } => false,
        }
    }

    /// The text without the class before it: `<Fault 6: 'SHUTDOWN_STATE'>`.
    pub fn text(&self) -> String {
        let whole = self.to_string();
        match whole.split_once(", ") {
            Some((_, text)) => text.to_owned(),
            None => whole,
        }
    }

    /// Whether nobody listens there.
    pub fn is_refused(&self) -> bool {
        matches!(self, CallError::System(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// Whether the connection broke before the answer was complete.
    pub fn is_broken_off(&self) -> bool {
        match self {
            CallError::Disconnected => true,
            CallError::System(error) => matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
            ),
            _ => false,
        }
    }

    /// Whether there is no such socket.
    pub fn is_missing(&self) -> bool {
        matches!(self, CallError::System(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Fault(fault) if self.is_readonly() => {
                let detail = fault.text.split_once(": ");
                f.write_str(detail.map_or(&fault.text, |(_, detail)| detail))
            }
            CallError::Fault(fault) => write!(
                f,
                "<class 'xmlrpc.client.Fault'>, <Fault {}: {}>",
                fault.code,
                repr(&fault.text)
            ),
            CallError::Protocol { status, reason } => write!(
                f,
                "<class 'xmlrpc.client.ProtocolError'>, \
                 <ProtocolError for 127.0.0.1/RPC2: {status} {reason}>"
            ),
            CallError::UnknownResultCode { code, name } => {
                write!(
                    f,
                    "<class 'ValueError'>, Unknown result code {code} for {name}"
                )
            }
            CallError::UnknownProtocol(url) => write!(
                f,
                "<class 'ValueError'>, Unknown protocol for serverurl {url}"
            ),
            CallError::Port(port) => write!(
                f,
                "<class 'ValueError'>, Port could not be cast to integer value as {}",
                repr(port)
            ),
            CallError::TooLarge => {
                f.write_str("<class 'OverflowError'>, int exceeds XML-RPC limits")
            }
            CallError::System(error) => system_error(error, f),
            CallError::Disconnected => f.write_str(
                "<class 'http.client.RemoteDisconnected'>, \
                 Remote end closed connection without response",
            ),
            CallError::BadHead(line) => {
                write!(f, "<class 'http.client.BadStatusLine'>, {line}")
            }
            CallError::TooLong(limit) => write!(
                f,
                "<class 'ValueError'>, the response is longer than {limit} bytes"
            ),
            CallError::NotXml(text) => {
                write!(f, "<class 'xml.parsers.expat.ExpatError'>, {text}")
            }
            CallError::UnexpectedValue { method } => write!(
                f,
                "<class 'TypeError'>, {method} returned a value of an unexpected type"
            ),
        }
    }
}

/// A system error as Python shows it: `[Errno 111] Connection refused`.
fn system_error(error: &io::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = error.to_string();
    if let Some(code) = error.raw_os_error() {
        let class = match code {
            libc::ECONNREFUSED => "ConnectionRefusedError",
            libc::ECONNRESET => "ConnectionResetError",
            libc::ECONNABORTED => "ConnectionAbortedError",
            libc::ENOENT => "FileNotFoundError",
            libc::ENOTDIR => "NotADirectoryError",
            libc::EACCES | libc::EPERM => "PermissionError",
            libc::EPIPE => "BrokenPipeError",
            libc::ETIMEDOUT => "TimeoutError",
            _ => "OSError",
        };
        return write!(f, "<class '{class}'>, {}", errno::bracketed(code));
    }
    if let Some(reason) = text.strip_prefix("failed to lookup address information: ") {
        // Each C library has words of its own; those of glibc are shown.
        let (code, reason) = match reason {
            "Temporary failure in name resolution" | "Try again" => {
                (-3, "Temporary failure in name resolution")
            }
            "No address associated with hostname" | "Name has no usable address" => {
                (-5, "No address associated with hostname")
            }
            "Name or service not known" | "Name does not resolve" => {
                (-2, "Name or service not known")
            }
            other => (-2, other),
        };
        return write!(f, "<class 'socket.gaierror'>, [Errno {code}] {reason}");
    }
    match error.kind() {
        // The library's own words for the path of a socket that is too long.
        io::ErrorKind::InvalidInput if text.contains("SUN_LEN") => {
            f.write_str("<class 'OSError'>, AF_UNIX path too long")
        }
        io::ErrorKind::UnexpectedEof => {
            f.write_str("<class 'http.client.IncompleteRead'>, the response ended early")
        }
        _ => write!(f, "<class 'OSError'>, {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_show_pythons_class_and_text() {
        let system = |code| CallError::System(io::Error::from_raw_os_error(code));
        for (error, expected) in [
            (
                CallError::Fault(Fault {
                    code: 6,
                    text: "SHUTDOWN_STATE".to_owned(),
                }),
                "<class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>",
            ),
            (
                CallError::Protocol {
                    status: 500,
                    reason: "Internal Server Error".to_owned(),
                },
                "<class 'xmlrpc.client.ProtocolError'>, \
                 <ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error>",
            ),
            (
                system(libc::ECONNREFUSED),
                "<class 'ConnectionRefusedError'>, [Errno 111] Connection refused",
            ),
            (
                system(libc::ENOENT),
                "<class 'FileNotFoundError'>, [Errno 2] No such file or directory",
            ),
            (
                system(libc::EACCES),
                "<class 'PermissionError'>, [Errno 13] Permission denied",
            ),
            (
                CallError::UnknownResultCode {
                    code: 30,
                    name: "web".to_owned(),
                },
                "<class 'ValueError'>, Unknown result code 30 for web",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_socket_path_that_was_too_long_was_told_in_the_librarys_words() {
        let path = format!("/{}", "x".repeat(200));
        let error = std::os::unix::net::UnixStream::connect(path).unwrap_err();
        assert_eq!(
            CallError::System(error).to_string(),
            "<class 'OSError'>, AF_UNIX path too long"
        );
    }
}
