//! One client's connection, taken through its requests one at a time: head,
//! body, work, response, and again; or a followed log until one side leaves.
//!
//! Every wait but that for the daemon's own work has a limit, every buffer a
//! bound. Before a connection is closed, what the client still sends is read
//! and dropped for a while: unread data would turn the close into a reset,
//! which can take the response away from the client.

mod activity;
mod holding;
mod pieces;
mod refusing;

use std::io;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::limits::Limits;
use crate::http::access::Access;
use crate::http::date;
use crate::http::delivery::Delivery;
use crate::http::exchange::{Body, Exchange, Purpose, Request};
use crate::http::plan::{self, Plan};
use crate::http::policy::AccessPolicy;
use crate::http::refusal::Refusal;
use crate::http::reply::{Followed, Reply};
use crate::http::request::{Head, HeadParser, Version};
use crate::http::response::{Persistence, StreamHead, push_chunk};
use crate::http::tail::{Look, Tail};
use crate::http::wire::Wire;
use crate::log_level::Level;
use crate::loop_context::LoopContext;
use crate::snapshot::saved;
use crate::sys::poller::{Interest, Token};
use crate::tokens::{ConnectionId, Timer};

/// How many requests of one client are answered in one turn of the loop.
const ANSWER_LIMIT: usize = 32;

/// A comment in a stream of events: whoever has gone without a word is found by it.
const SIGN_OF_LIFE: &[u8] = b":\n\n";

/// What became of a connection.
#[derive(Debug)]
pub enum Handled {
    /// It goes on.
    Open,
    /// It waits for the answer to this.
    Request(Request),
    /// It is over: close it.
    Gone,
}

#[derive(Debug)]
enum State {
    /// For a request's head.
    Reading,
    /// For the rest of a body.
    Body { exchange: Exchange, body: Body },
    /// For the daemon's answer.
    Working(Exchange),
    /// For as long as a wrong password costs.
    Held(Exchange),
    /// For the client to take its response.
    Responding(Delivery),
    /// For the daemon's next piece of it.
    Continuing(Delivery),
    /// For a file to grow.
    Following { tail: Tail, chunked: bool },
    /// For the client to close.
    Lingering { left: u64 },
}

/// A client's connection.
#[derive(Debug)]
pub struct Connection {
    id: ConnectionId,
    wire: Wire,
    peer: String,
    parser: HeadParser,
    state: State,
    /// Go on at the next turn of the loop without waiting for anything.
    resume: bool,
    /// A long answer goes on at the next turn of the loop.
    has_next_piece: bool,
    /// When the present state began.
    since: Monotonic,
    /// When the first byte of the present request came.
    begun: Option<Monotonic>,
    /// How long it may stay silent.
    patience: Duration,
    /// The server has let a request of it in.
    known: bool,
    /// What it asks for now changes nothing.
    only_looks: bool,
    /// It begins no request, since the daemon is about to become another program.
    begins_none: bool,
    limits: Limits,
}

saved! {
    struct Connection {
        id, wire, peer, parser, state, resume, has_next_piece, since, begun, patience,
        known, only_looks, begins_none, limits,
    }
}

impl Connection {
    /// A connection whose registered socket is `token`; `peer` is its name in
    /// the log, `limits` are those of its server.
    pub fn new(
        id: ConnectionId,
        token: Token,
        peer: String,
        limits: Limits,
        now: Monotonic,
    ) -> Connection {
        Connection {
            id,
            wire: Wire::new(token, now),
            peer,
            parser: HeadParser::new(limits.header),
            state: State::Reading,
            resume: false,
            has_next_piece: false,
            since: now,
            begun: None,
            patience: limits.request,
            known: false,
            only_looks: false,
            begins_none: false,
            limits,
        }
    }

    pub fn token(&self) -> Token {
        self.wire.token()
    }

    /// Sets the first deadline.
    pub fn start(&mut self, context: &mut LoopContext) {
        context
            .timers
            .set(Timer::Connection(self.id), self.deadline());
    }

    /// Reads if there is something to read, and goes as far as possible.
    pub fn ready(
        &mut self,
        context: &mut LoopContext,
        policy: &AccessPolicy,
        readable: bool,
    ) -> Handled {
        self.resume = false;
        if readable && self.wants_input() && self.wire.fill(context).is_err() {
            return Handled::Gone;
        }
        self.advance(context, policy)
    }

    /// Its deadline has passed.
    pub fn timer(&mut self, context: &mut LoopContext, policy: &AccessPolicy) -> Handled {
        if matches!(self.state, State::Held(_)) {
            return self.end_hold(context);
        }
        match &self.state {
            State::Following { tail, .. } if self.wire.output.is_empty() => {
                tail.look_around();
                self.advance(context, policy)
            }
            _ => Handled::Gone,
        }
    }

    /// Goes on with the followed log, to which something was written.
    pub fn hear(&mut self, context: &mut LoopContext, policy: &AccessPolicy) -> Handled {
        self.resume = false;
        self.advance(context, policy)
    }

    /// Answers the request that is in work; ignored if there is none.
    pub fn respond(&mut self, context: &mut LoopContext, reply: Reply) -> Handled {
        if let Some(exchange) = self.take_work() {
            let now = context.now.monotonic;
            let wire = &mut self.wire;
            let delivery = match reply {
                Reply::Whole(response) => Delivery::whole(exchange, &response, wire, now),
                Reply::Long(head, content) => Delivery::long(exchange, &head, content, wire, now),
                Reply::Xml(content) => match Delivery::xml(exchange, content, wire, context) {
                    Ok(delivery) => delivery,
                    Err(_) => return Handled::Gone,
                },
                Reply::Refusal(why, page) => self.refusal(exchange, &why, page, context),
                Reply::Piece(piece) => Delivery::in_pieces(exchange, piece, wire, now),
                Reply::Log { log, unbuffered } => {
                    self.follow(exchange, log, unbuffered, context);
                    return self.deliver(context);
                }
            };
            self.has_next_piece = !delivery.is_complete();
            self.enter(State::Responding(delivery), now);
        } else if let Reply::Piece(piece) = reply {
            self.add_piece(piece, context.now.monotonic);
        }
        self.deliver(context)
    }

    /// Goes on with a long answer by one piece, which may be the daemon's to make.
    pub fn go_on(&mut self, context: &mut LoopContext, policy: &AccessPolicy) -> Handled {
        self.has_next_piece = false;
        match &mut self.state {
            State::Responding(delivery) if self.wire.output.is_empty() => {
                if let Some(handler) = delivery.asks() {
                    return self.ask_for_piece(handler, context);
                }
                if delivery.advance(&mut self.wire, context).is_err() {
                    return Handled::Gone;
                }
            }
            _ => return Handled::Open,
        }
        self.advance(context, policy)
    }

    fn follow(
        &mut self,
        exchange: Exchange,
        log: Followed,
        unbuffered: bool,
        context: &mut LoopContext,
    ) {
        let now = context.now.monotonic;
        let (tail, modified) = match log {
            Followed::Changes(count) => (Tail::of_changes(count), None),
            Followed::Ring(ring) => {
                let (tail, modified) = Tail::of_ring(ring);
                (tail, Some(modified))
            }
            Followed::Path(path) => match context.follow_log(&path) {
                Ok(log) => {
                    let (tail, modified) = Tail::new(log);
                    (tail, Some(modified))
                }
                Err(_) => return self.refuse(exchange, &Refusal::NoLog, context),
            },
        };
        let chunked = exchange.persistence != Persistence::Close
            && matches!(exchange.version, Version::Http11 | Version::Other);
        let head = StreamHead {
            modified,
            unbuffered,
            chunked,
        };
        self.wire
            .send(head.to_bytes(exchange.version, exchange.received), now);
        self.enter(State::Following { tail, chunked }, now);
        // The first piece goes out at the next turn, like all others.
        self.resume = true;
    }

    fn take_work(&mut self) -> Option<Exchange> {
        match std::mem::replace(&mut self.state, State::Reading) {
            State::Working(exchange) => Some(exchange),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Sends what there is, without beginning the next request: that is done
    /// at the next turn, for an answer has no way to hand a request up.
    fn deliver(&mut self, context: &mut LoopContext) -> Handled {
        if self.wire.flush(context).is_err() {
            return Handled::Gone;
        }
        let is_complete =
            matches!(&self.state, State::Responding(delivery) if delivery.is_complete());
        if self.wire.output.is_empty() && is_complete {
            self.finish(context);
            if matches!(self.state, State::Lingering { left: 0 }) {
                return Handled::Gone;
            }
            self.resume = !self.wire.input.is_empty() || self.wire.ended;
        }
        self.settle(context)
    }

    fn advance(&mut self, context: &mut LoopContext, policy: &AccessPolicy) -> Handled {
        let mut answered = 0;
        loop {
            if self.wire.flush(context).is_err() {
                return Handled::Gone;
            }
            if !self.wire.output.is_empty() {
                break;
            }
            if self.rests() {
                break;
            }
            match &mut self.state {
                State::Reading => match self.parser.take(&mut self.wire.input) {
                    Ok(None) if self.wire.ended => return Handled::Gone,
                    Ok(None) => break,
                    Ok(Some(head)) => self.plan_request(&head, policy, context),
                    Err(bad) => self.refuse_unreadable(bad, context),
                },
                State::Body { body, .. } if body.missing > 0 => {
                    if !body.take(&mut self.wire.input) {
                        if self.wire.ended {
                            return Handled::Gone;
                        }
                        break;
                    }
                }
                State::Body { .. } => {
                    if let Some(request) = self.end_body(context) {
                        return self.hand_up(context, request);
                    }
                }
                State::Working(_) | State::Continuing(_) | State::Held(_) => break,
                State::Responding(delivery) if !delivery.is_complete() => {
                    if delivery.is_measuring() && self.wire.has_hung_up(context) {
                        return Handled::Gone;
                    }
                    self.has_next_piece = true;
                    break;
                }
                // Pipelined requests, of which a read holds thousands: others have
                // their turn in between.
                State::Responding(_) if answered == ANSWER_LIMIT => {
                    self.resume = true;
                    break;
                }
                State::Responding(_) => {
                    self.finish(context);
                    answered += 1;
                }
                State::Following { .. } => {
                    // Whatever the client says now, nobody answers it.
                    self.wire.input.clear();
                    if self.wire.ended {
                        return Handled::Gone;
                    }
                    if self.may_look(context.now.monotonic) && self.look(context).is_err() {
                        return Handled::Gone;
                    }
                    if self.wire.flush(context).is_err() {
                        return Handled::Gone;
                    }
                    break;
                }
                State::Lingering { left } => {
                    *left = left.saturating_sub(self.wire.input.len() as u64);
                    if *left == 0 || self.wire.ended {
                        return Handled::Gone;
                    }
                    self.wire.input.clear();
                    break;
                }
            }
        }
        self.settle(context)
    }

    fn hand_up(&mut self, context: &mut LoopContext, request: Request) -> Handled {
        match self.settle(context) {
            Handled::Gone => Handled::Gone,
            _ => Handled::Request(request),
        }
    }

    /// Decides what to do about a request from its head alone.
    fn plan_request(&mut self, head: &Head, policy: &AccessPolicy, context: &mut LoopContext) {
        let now = context.now;
        self.begun = self.begun.or(Some(now.monotonic));
        let mut exchange = Exchange::of(head, now.wall);
        let plan = plan::of(head, policy);
        self.known |= plan.lets_in();
        match plan {
            Plan::Read {
                request,
                length,
                announce,
            } => {
                // Some clients wait to be asked before they send a body.
                if announce {
                    let ask = b"HTTP/1.1 100 Continue\r\n\r\n".to_vec();
                    self.wire.send(ask, now.monotonic);
                }
                self.only_looks = request.access == Access::ReadOnly;
                self.expect_body(exchange, Purpose::Request(request), length);
            }
            Plan::Refuse { why, discard } => {
                self.expect_body(exchange, Purpose::Refusal(why), discard);
            }
            Plan::RefuseAndClose(why) => {
                exchange.persistence = Persistence::Close;
                if why == Refusal::WrongCredentials {
                    return self.hold(exchange, context);
                }
                self.refuse(exchange, &why, context);
            }
        }
    }

    fn expect_body(&mut self, exchange: Exchange, purpose: Purpose, length: u64) {
        let body = Body::new(purpose, length);
        self.state = State::Body { exchange, body };
    }

    fn end_body(&mut self, context: &mut LoopContext) -> Option<Request> {
        let now = context.now.monotonic;
        let state = std::mem::replace(&mut self.state, State::Reading);
        let State::Body { exchange, body } = state else {
            self.state = state;
            return None;
        };
        match body.purpose {
            Purpose::Request(mut request) => {
                request.body = body.bytes;
                self.enter(State::Working(exchange), now);
                Some(request)
            }
            Purpose::Refusal(why) => {
                self.refuse(exchange, &why, context);
                None
            }
        }
    }

    /// The client has its response.
    fn finish(&mut self, context: &mut LoopContext) {
        let State::Responding(delivery) = &self.state else {
            return;
        };
        let Delivery {
            exchange,
            status,
            size,
            ..
        } = delivery;
        if context.log.enabled(Level::Trace) {
            let date = date::access_log(context.now.wall);
            let (peer, line) = (&self.peer, &exchange.line);
            context.log.log(
                Level::Trace,
                format_args!("{peer} - - [{date}] \"{line}\" {status} {size}"),
            );
        }
        let now = context.now.monotonic;
        self.begun = None;
        self.patience = self.limits.idle;
        if exchange.persistence != Persistence::Close {
            self.enter(State::Reading, now);
            return;
        }
        let left = match self.wire.shutdown(context) {
            true => self.limits.unauthenticated_body.max(1),
            false => 0,
        };
        self.enter(State::Lingering { left }, now);
    }

    /// Sends what is new in the followed file.
    fn look(&mut self, context: &mut LoopContext) -> io::Result<()> {
        let State::Following { tail, chunked } = &mut self.state else {
            return Ok(());
        };
        let mut piece = Vec::new();
        self.resume = tail.look(&mut context.buffer, &mut piece)? == Look::More;
        if tail.is_of_changes() && piece.is_empty() {
            piece.extend_from_slice(SIGN_OF_LIFE);
        }
        if *chunked {
            let mut framed = Vec::with_capacity(piece.len() + 16);
            push_chunk(&mut framed, &piece);
            piece = framed;
        }
        self.since = context.now.monotonic;
        self.wire.send(piece, context.now.monotonic);
        Ok(())
    }

    fn enter(&mut self, state: State, now: Monotonic) {
        self.state = state;
        self.since = now;
    }

    /// Tells the loop what this connection waits for, and until when.
    fn settle(&mut self, context: &mut LoopContext) -> Handled {
        let interest = Interest {
            readable: self.wants_input(),
            writable: self.resume || !self.wire.output.is_empty(),
        };
        if self.wire.set_interest(context, interest).is_err() {
            return Handled::Gone;
        }
        if matches!(self.state, State::Reading) && !self.rests() {
            self.begun = match self.wire.input.is_empty() {
                true => None,
                false => self.begun.or(Some(context.now.monotonic)),
            };
        }
        let deadline = self.deadline();
        context.timers.set(Timer::Connection(self.id), deadline);
        Handled::Open
    }
}
