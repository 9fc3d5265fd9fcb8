//! One request on its way to its response: what the response depends on, the
//! body while it comes, and what is asked of the daemon.

use crate::clock::Timestamp;
use crate::http::access::Access;
use crate::http::buffer::Buffer;
use crate::http::refusal::{Refusal, Sender};
use crate::http::request::{Head, Method, Version};
use crate::http::response::{Persistence, Response};
use crate::http::routes::Handler;
use crate::snapshot::saved;

/// What a client wants of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub handler: Handler,
    pub method: Method,
    /// Percent-decoded once.
    pub path: String,
    /// What follows the `?`, as it came.
    pub query: String,
    /// The call or the form, as it came.
    pub body: Vec<u8>,
    /// What its client may do.
    pub access: Access,
    /// Whose form it may be, if it may be that of another site: then nothing is
    /// done without a token.
    pub sender: Option<Box<Sender>>,
}

/// The present request, as far as its response depends on it.
#[derive(Debug)]
pub struct Exchange {
    /// The request line, for the log.
    pub line: String,
    /// The version that the response is written for.
    pub version: Version,
    /// What comes after the response.
    pub persistence: Persistence,
    /// The client asks for pages to look at.
    pub is_browser: bool,
    /// The response has no body.
    pub head_only: bool,
    /// When the head was complete.
    pub received: Timestamp,
}

saved! { struct Exchange { line, version, persistence, is_browser, head_only, received } }

impl Exchange {
    /// What the head of a request says.
    pub fn of(head: &Head, received: Timestamp) -> Exchange {
        Exchange {
            line: head.line.clone(),
            version: head.version,
            persistence: Persistence::of(head),
            is_browser: head
                .header("Accept")
                .is_some_and(|types| types.contains("text/html")),
            head_only: head.method == "HEAD",
            received,
        }
    }

    /// For what is no request: the connection ends with the response.
    pub fn unreadable(received: Timestamp) -> Exchange {
        Exchange {
            line: String::new(),
            version: Version::Http11,
            persistence: Persistence::Close,
            is_browser: false,
            head_only: false,
            received,
        }
    }

    /// The bytes of the response on the wire.
    pub fn bytes(&self, response: &Response) -> Vec<u8> {
        let with_body = !self.head_only;
        response.to_bytes(self.version, self.received, self.persistence, with_body)
    }
}

/// What a body is read for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is a part of this request.
    Request(Request),
    /// To be dropped before the request is refused.
    Refusal(Refusal),
}

/// A body that has not come whole yet.
#[derive(Debug)]
pub struct Body {
    pub purpose: Purpose,
    /// How many bytes are still to come.
    pub missing: u64,
    /// What came, if it is of use.
    pub bytes: Vec<u8>,
}

impl Body {
    /// One of which nothing has come.
    pub fn new(purpose: Purpose, missing: u64) -> Body {
        Body {
            purpose,
            missing,
            bytes: Vec::new(),
        }
    }

    /// Moves over what belongs to it; false if nothing had come.
    pub fn take(&mut self, input: &mut Buffer) -> bool {
        let wanted = usize::try_from(self.missing).unwrap_or(usize::MAX);
        let pending = input.pending();
        let piece = pending.get(..wanted).unwrap_or(pending);
        let count = piece.len();
        if !matches!(self.purpose, Purpose::Refusal(_)) {
            self.bytes.extend_from_slice(piece);
        }
        self.missing -= count as u64;
        input.consume(count);
        count > 0
    }
}
