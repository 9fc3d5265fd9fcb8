//! A connection while the daemon becomes another program. It begins no request: what its client
//! sends waits in the socket, or in the buffer if it came behind the request before. A request
//! that has begun comes to its answer first, unless the daemon has that to give when it can.

use super::{Connection, Handled, State};
use crate::loop_context::LoopContext;
use crate::snapshot::{Reader, Save, Saved, Writer};

impl Connection {
    /// From now on it begins no request.
    pub fn begin_none(&mut self, context: &mut LoopContext) -> Handled {
        self.begins_none = true;
        self.settle(context)
    }

    /// It begins requests again, with the one that has come meanwhile.
    pub fn begin_again(&mut self, context: &mut LoopContext) -> Handled {
        if self.rests() {
            self.resume = !self.wire.input.is_empty() || self.wire.ended;
        }
        self.begins_none = false;
        self.settle(context)
    }

    /// Whether it is between two requests, and does not begin the next.
    pub(super) fn rests(&self) -> bool {
        self.begins_none && self.begun.is_none() && matches!(self.state, State::Reading)
    }

    /// Whether another program can go on with it: no request is being read, and no answer sent.
    pub fn is_quiet(&self) -> bool {
        match self.state {
            State::Reading => self.begun.is_none(),
            State::Working(_)
            | State::Held(_)
            | State::Following { .. }
            | State::Lingering { .. } => true,
            State::Body { .. } | State::Responding(_) | State::Continuing(_) => false,
        }
    }
}

impl Save for State {
    fn save(&self, to: &mut Writer) {
        match self {
            State::Reading => to.text("Reading"),
            State::Working(exchange) => to.variant("Working", exchange),
            State::Held(exchange) => to.variant("Held", exchange),
            State::Following { tail, chunked } => to.variant_parts("Following", &[tail, chunked]),
            State::Lingering { left } => to.variant("Lingering", left),
            // The next program has none of them. What only tries whether it could go on takes
            // them for over.
            State::Body { .. } | State::Responding(_) | State::Continuing(_) => {
                to.variant("Lingering", &0_u64);
            }
        }
    }
}

impl Saved for State {
    fn restored(from: &mut Reader<'_>) -> Self {
        let state = match from.variant("Reading Working Held Following Lingering") {
            0 => return State::Reading,
            1 => State::Working(Saved::restored(from)),
            2 => State::Held(Saved::restored(from)),
            3 => {
                let (tail, chunked) = Saved::restored(from);
                State::Following { tail, chunked }
            }
            _ => {
                let left = Saved::restored(from);
                State::Lingering { left }
            }
        };
        from.end_variant();
        state
    }
}
