//! A response on its way to the client: put into the outbox at once if it is
//! all there, else measured and then sent piece by piece, one at each turn of
//! the loop and only when the client has taken the one before.

use std::io;

use crate::clock::Monotonic;
use crate::http::content::Content;
use crate::http::exchange::Exchange;
use crate::http::piece::{self, Piece};
use crate::http::refusal::{self, Refusal};
use crate::http::response::Response;
use crate::http::routes::Handler;
use crate::http::wire::Wire;
use crate::loop_context::LoopContext;
use crate::sys::errno;

/// The response, and what it answers.
#[derive(Debug)]
pub struct Delivery {
    pub exchange: Exchange,
    pub status: u16,
    /// How many bytes it has, its head included.
    pub size: u64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Its length is not known yet.
    Measuring(Content),
    /// More is to come.
    Sending(Content),
    /// More is to come, which this makes.
    Asking(Handler),
    /// The last of it is in the outbox, or has gone.
    Complete,
}

impl Delivery {
    /// Begins a response that is all there.
    pub fn whole(
        exchange: Exchange,
        response: &Response,
        wire: &mut Wire,
        now: Monotonic,
    ) -> Delivery {
        let mut delivery = Delivery::new(exchange, Phase::Complete);
        delivery.put_whole(response, wire, now);
        delivery
    }

    /// Begins the answer to a call, at once if no part of a log is in it.
    pub fn xml(
        exchange: Exchange,
        content: Content,
        wire: &mut Wire,
        context: &mut LoopContext,
    ) -> io::Result<Delivery> {
        if content.logs() > 0 {
            return Ok(Delivery::new(exchange, Phase::Measuring(content)));
        }
        let mut delivery = Delivery::new(exchange, Phase::Complete);
        let length = content.size();
        let head = Response::xml_head(length);
        delivery.put_head(&head, length, wire, context.now.monotonic);
        let mut content = content;
        content.produce(&mut context.buffer, &mut wire.output)?;
        Ok(delivery)
    }

    /// Begins a response whose head says how long the content is.
    pub fn long(
        exchange: Exchange,
        head: &Response,
        content: Content,
        wire: &mut Wire,
        now: Monotonic,
    ) -> Delivery {
        let length = content.size();
        let mut delivery = Delivery::new(exchange, Phase::Sending(content));
        delivery.put_head(head, length, wire, now);
        delivery
    }

    /// Begins an answer that comes in pieces, with the first.
    pub fn in_pieces(
        mut exchange: Exchange,
        first: Piece,
        wire: &mut Wire,
        now: Monotonic,
    ) -> Delivery {
        let head = piece::head(&mut exchange, &first);
        let mut delivery = Delivery::whole(exchange, &head, wire, now);
        delivery.add_piece(first, wire, now);
        delivery
    }

    /// Adds the next piece.
    pub fn add_piece(&mut self, piece: Piece, wire: &mut Wire, now: Monotonic) {
        self.phase = piece.next.map_or(Phase::Complete, Phase::Asking);
        let bytes = piece::framed(&self.exchange, piece);
        self.size += bytes.len() as u64;
        wire.send(bytes, now);
    }

    /// Who makes the next piece, if there is one to be made.
    pub fn asks(&self) -> Option<Handler> {
        match self.phase {
            Phase::Asking(handler) => Some(handler),
            _ => None,
        }
    }

    fn new(exchange: Exchange, phase: Phase) -> Delivery {
        Delivery {
            exchange,
            status: 0,
            size: 0,
            phase,
        }
    }

    /// Goes on by one piece, with nothing in the outbox.
    pub fn advance(&mut self, wire: &mut Wire, context: &mut LoopContext) -> io::Result<()> {
        let now = context.now.monotonic;
        self.phase = match std::mem::replace(&mut self.phase, Phase::Complete) {
            Phase::Measuring(mut content) => match content.measure(&mut context.buffer) {
                Ok(None) => Phase::Measuring(content),
                Ok(Some(length)) => {
                    self.put_head(&Response::xml_head(length), length, wire, now);
                    Phase::Sending(content)
                }
                Err(error) => {
                    let (line, reason) = (&self.exchange.line, errno::reason(&error));
                    context.warn_seldom(
                        "log",
                        format_args!(
                            "answered \"{}\" with 500: cannot read a log in it: {reason}",
                            refusal::shown(line)
                        ),
                    );
                    self.put_whole(&Response::refusal(&Refusal::UnreadableLog), wire, now);
                    Phase::Complete
                }
            },
            Phase::Sending(mut content) => {
                match content.produce(&mut context.buffer, &mut wire.output)? {
                    true => Phase::Sending(content),
                    false => Phase::Complete,
                }
            }
            phase @ (Phase::Asking(_) | Phase::Complete) => phase,
        };
        Ok(())
    }

    /// Whether the daemon still works on it, with nothing for the client to take.
    pub fn is_measuring(&self) -> bool {
        matches!(self.phase, Phase::Measuring(_))
    }

    /// Whether the outbox has all of it.
    pub fn is_complete(&self) -> bool {
        matches!(self.phase, Phase::Complete)
    }

    /// How many bytes it keeps in memory beside the outbox.
    pub fn keeps(&self) -> usize {
        match &self.phase {
            Phase::Measuring(content) | Phase::Sending(content) => content.text_size(),
            Phase::Asking(_) | Phase::Complete => 0,
        }
    }

    fn put_whole(&mut self, response: &Response, wire: &mut Wire, now: Monotonic) {
        let bytes = self.exchange.bytes(response);
        self.status = response.status;
        self.size = bytes.len() as u64;
        wire.send(bytes, now);
    }

    fn put_head(&mut self, head: &Response, length: u64, wire: &mut Wire, now: Monotonic) {
        self.put_whole(head, wire, now);
        self.size += length;
    }
}
