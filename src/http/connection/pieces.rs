//! Answers that the daemon makes piece by piece: the client has taken one, the daemon is asked for
//! the next.

use super::{Connection, Handled, State};
use crate::clock::Monotonic;
use crate::http::access::Access;
use crate::http::exchange::Request;
use crate::http::piece::Piece;
use crate::http::request::Method;
use crate::http::routes::Handler;
use crate::loop_context::LoopContext;

impl Connection {
    /// Hands the request for the next piece up.
    pub(super) fn ask_for_piece(&mut self, handler: Handler, context: &mut LoopContext) -> Handled {
        match std::mem::replace(&mut self.state, State::Reading) {
            State::Responding(delivery) => {
                self.enter(State::Continuing(delivery), context.now.monotonic);
            }
            other => self.state = other,
        }
        let request = Request {
            handler,
            method: Method::Get,
            path: String::new(),
            query: String::new(),
            body: Vec::new(),
            access: Access::ReadOnly,
            sender: None,
        };
        self.hand_up(context, request)
    }

    /// Sends the next piece; ignored if nobody has asked for one.
    pub(super) fn add_piece(&mut self, piece: Piece, now: Monotonic) {
        match std::mem::replace(&mut self.state, State::Reading) {
            State::Continuing(mut delivery) => {
                delivery.add_piece(piece, &mut self.wire, now);
                self.has_next_piece = !delivery.is_complete();
                self.enter(State::Responding(delivery), now);
            }
            other => self.state = other,
        }
    }
}
