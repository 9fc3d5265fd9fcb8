//! What the daemon gives back for a request.

use std::cell::Cell;
use std::rc::Rc;

use crate::http::content::Content;
use crate::http::piece::Piece;
use crate::http::refusal::Refusal;
use crate::http::response::Response;
use crate::loggers::ring::SharedRing;

#[derive(Debug)]
pub enum Reply {
    /// A response that is all there.
    Whole(Response),
    /// The answer to a call, which may be long.
    Xml(Content),
    /// A head that tells the content's length, and the content.
    Long(Response, Content),
    /// The first or next piece of an answer that comes in pieces.
    Piece(Piece),
    /// Why there is nothing else, which the log is told if it has to know; with a page for a
    /// reader instead of the usual one if there is one.
    Refusal(Refusal, Option<Response>),
    /// A log as it grows; 404 if it cannot be opened. `unbuffered` asks proxies not to hold
    /// anything back.
    Log { log: Followed, unbuffered: bool },
}

/// What a client follows.
#[derive(Debug)]
pub enum Followed {
    /// The file at this path.
    Path(String),
    Ring(SharedRing),
    /// Changes of processes, which this counts.
    Changes(Rc<Cell<u64>>),
}

impl From<Refusal> for Reply {
    fn from(why: Refusal) -> Reply {
        Reply::Refusal(why, None)
    }
}
