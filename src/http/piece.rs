//! An answer that the daemon makes piece by piece, the next when the client has taken the one
//! before, so that it is never in memory as a whole. How long it becomes nobody knows: it comes
//! in chunks, or for HTTP/1.0 until the connection is closed.

use crate::http::exchange::Exchange;
use crate::http::request::Version;
use crate::http::response::{Persistence, Response, push_chunk};
use crate::http::routes::Handler;

#[derive(Debug)]
pub struct Piece {
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
    /// Who makes the next one; `None` after the last.
    pub next: Option<Handler>,
}

/// What stands before the first piece, and around each of them.
pub fn head(exchange: &mut Exchange, piece: &Piece) -> Response {
    let mut headers = vec![("Content-Type", piece.content_type.to_owned())];
    match is_chunked(exchange) {
        true => headers.push(("Transfer-Encoding", "chunked".to_owned())),
        false => exchange.persistence = Persistence::Close,
    }
    Response {
        status: 200,
        headers,
        body: Vec::new(),
    }
}

/// The piece on the wire, with the end of the answer behind the last one.
pub fn framed(exchange: &Exchange, piece: Piece) -> Vec<u8> {
    if !is_chunked(exchange) {
        return piece.bytes;
    }
    let mut framed = Vec::with_capacity(piece.bytes.len() + 32);
    push_chunk(&mut framed, &piece.bytes);
    if piece.next.is_none() {
        framed.extend_from_slice(b"0\r\n\r\n");
    }
    framed
}

fn is_chunked(exchange: &Exchange) -> bool {
    matches!(exchange.version, Version::Http11 | Version::Other)
}
