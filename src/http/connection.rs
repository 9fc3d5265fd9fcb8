//! One client's connection, taken through its requests one at a time: head,
//! body, work, response, and again; or a followed log until one side leaves.
//!
//! Every wait but that for the daemon's own work has a limit, every buffer a
//! bound. Before a connection is closed, what the client still sends is read
//! and dropped for a while: unread data would turn the close into a reset,
//! which can take the response away from the client.

mod refusing;
mod standing;

use std::io;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::limits::Limits;
use crate::http::content::Content;
use crate::http::date;
use crate::http::delivery::Delivery;
use crate::http::door::Door;
use crate::http::exchange::{Body, Exchange, Purpose, Request};
use crate::http::plan::{self, Plan};
use crate::http::refusal::Refusal;
use crate::http::request::{Head, HeadParser, Version};
use crate::http::response::{Persistence, Response, StreamHead, push_chunk};
use crate::http::tail::{Look, Tail};
use crate::http::wire::Wire;
use crate::log_level::Level;
use crate::loop_context::LoopContext;
use crate::sys::poller::{Interest, Token};
use crate::tokens::{ConnectionId, Timer};

/// How many requests of one client are answered in one turn of the loop.
const ANSWER_LIMIT: usize = 32;

/// What became of a connection.
#[derive(Debug)]
pub enum Step {
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
    /// For the client to take its response.
    Responding(Delivery),
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
    /// The next piece of a long answer may be made.
    hungry: bool,
    /// When the present state began.
    since: Monotonic,
    /// When the first byte of the present request came.
    begun: Option<Monotonic>,
    /// How long it may stay silent.
    patience: Duration,
    /// The server has let a request of it in.
    known: bool,
    limits: Limits,
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
            hungry: false,
            since: now,
            begun: None,
            patience: limits.request,
            known: false,
            limits,
        }
    }

    /// Its socket.
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
    pub fn ready(&mut self, context: &mut LoopContext, door: &Door, readable: bool) -> Step {
        self.resume = false;
        if readable && self.wants_input() && self.wire.fill(context).is_err() {
            return Step::Gone;
        }
        self.advance(context, door)
    }

    /// Its deadline has passed.
    pub fn timer(&mut self, context: &mut LoopContext, door: &Door) -> Step {
        match &self.state {
            State::Following { tail, .. } if self.wire.output.is_empty() => {
                tail.look_around();
                self.advance(context, door)
            }
            _ => Step::Gone,
        }
    }

    /// Goes on with the followed log, to which something was written.
    pub fn hear(&mut self, context: &mut LoopContext, door: &Door) -> Step {
        self.resume = false;
        self.advance(context, door)
    }

    /// Answers the request that is in work; ignored if there is none.
    pub fn respond(&mut self, context: &mut LoopContext, response: Response) -> Step {
        if let Some(exchange) = self.take_work() {
            self.begin_response(exchange, &response, context.now.monotonic);
        }
        self.deliver(context)
    }

    /// Answers the request that is in work with XML that may be long; ignored
    /// if there is none.
    pub fn respond_xml(&mut self, context: &mut LoopContext, content: Content) -> Step {
        if let Some(exchange) = self.take_work() {
            match Delivery::xml(exchange, content, &mut self.wire, context) {
                Ok(delivery) => {
                    self.hungry = !delivery.is_complete();
                    self.enter(State::Responding(delivery), context.now.monotonic);
                }
                Err(_) => return Step::Gone,
            }
        }
        self.deliver(context)
    }

    /// Answers the request that is in work with that head, which tells the
    /// content's length, and the content; ignored if there is none.
    pub fn respond_long(
        &mut self,
        context: &mut LoopContext,
        head: &Response,
        content: Content,
    ) -> Step {
        let now = context.now.monotonic;
        if let Some(exchange) = self.take_work() {
            let delivery = Delivery::long(exchange, head, content, &mut self.wire, now);
            self.hungry = true;
            self.enter(State::Responding(delivery), now);
        }
        self.deliver(context)
    }

    /// Goes on with a long answer by one piece.
    pub fn go_on(&mut self, context: &mut LoopContext, door: &Door) -> Step {
        self.hungry = false;
        match &mut self.state {
            State::Responding(delivery) if self.wire.output.is_empty() => {
                if delivery.advance(&mut self.wire, context).is_err() {
                    return Step::Gone;
                }
            }
            _ => return Step::Open,
        }
        self.advance(context, door)
    }

    /// Answers the request that is in work with the file at `path` as it
    /// grows, or with 404 if it cannot be opened; ignored if there is none.
    /// `unbuffered` asks proxies not to hold anything back.
    pub fn follow(&mut self, context: &mut LoopContext, path: &str, unbuffered: bool) -> Step {
        let Some(exchange) = self.take_work() else {
            return Step::Open;
        };
        let now = context.now.monotonic;
        match context.follow_log(path).map(Tail::new) {
            Ok((tail, modified)) => {
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
            Err(_) => self.refuse(exchange, &Refusal::NoLog, context),
        }
        self.deliver(context)
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
    fn deliver(&mut self, context: &mut LoopContext) -> Step {
        if self.wire.flush(context).is_err() {
            return Step::Gone;
        }
        let is_complete =
            matches!(&self.state, State::Responding(delivery) if delivery.is_complete());
        if self.wire.output.is_empty() && is_complete {
            self.finish(context);
            if matches!(self.state, State::Lingering { left: 0 }) {
                return Step::Gone;
            }
            self.resume = !self.wire.input.is_empty() || self.wire.ended;
        }
        self.settle(context)
    }

    fn advance(&mut self, context: &mut LoopContext, door: &Door) -> Step {
        let mut answered = 0;
        loop {
            if self.wire.flush(context).is_err() {
                return Step::Gone;
            }
            if !self.wire.output.is_empty() {
                break;
            }
            match &mut self.state {
                State::Reading => match self.parser.take(&mut self.wire.input) {
                    Ok(None) if self.wire.ended => return Step::Gone,
                    Ok(None) => break,
                    Ok(Some(head)) => {
                        if let Some(request) = self.begin(head, door, context) {
                            return self.hand_up(context, request);
                        }
                    }
                    Err(bad) => self.refuse_unreadable(bad, context),
                },
                State::Body { body, .. } if body.missing > 0 => {
                    if !body.take(&mut self.wire.input) {
                        if self.wire.ended {
                            return Step::Gone;
                        }
                        break;
                    }
                }
                State::Body { .. } => {
                    if let Some(request) = self.end_body(context) {
                        return self.hand_up(context, request);
                    }
                }
                State::Working(_) => break,
                State::Responding(delivery) if !delivery.is_complete() => {
                    if delivery.is_measuring() && self.wire.has_hung_up(context) {
                        return Step::Gone;
                    }
                    self.hungry = true;
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
                    if self.wire.ended || self.look(context).is_err() {
                        return Step::Gone;
                    }
                    if self.wire.flush(context).is_err() {
                        return Step::Gone;
                    }
                    break;
                }
                State::Lingering { left } => {
                    *left = left.saturating_sub(self.wire.input.len() as u64);
                    if *left == 0 || self.wire.ended {
                        return Step::Gone;
                    }
                    self.wire.input.clear();
                    break;
                }
            }
        }
        self.settle(context)
    }

    fn hand_up(&mut self, context: &mut LoopContext, request: Request) -> Step {
        match self.settle(context) {
            Step::Gone => Step::Gone,
            _ => Step::Request(request),
        }
    }

    /// Decides what to do about a request from its head alone; gives it back
    /// if the daemon has to know.
    fn begin(&mut self, head: Head, door: &Door, context: &mut LoopContext) -> Option<Request> {
        let now = context.now;
        self.begun = self.begun.or(Some(now.monotonic));
        let mut exchange = Exchange::of(&head, now.wall);
        let plan = plan::of(&head, door);
        self.known |= !matches!(plan, Plan::RefuseAndClose(_));
        match plan {
            Plan::Call { length, announce } => {
                self.ask_for_body(announce, now.monotonic);
                self.begin_body(exchange, Purpose::Call, length);
            }
            Plan::ProcessLog { name, channel } => {
                self.enter(State::Working(exchange), now.monotonic);
                return Some(Request::ProcessLog { name, channel });
            }
            Plan::MainLog => {
                self.enter(State::Working(exchange), now.monotonic);
                return Some(Request::MainLog);
            }
            Plan::Page {
                visit,
                length,
                announce,
            } => {
                self.ask_for_body(announce, now.monotonic);
                self.begin_body(exchange, Purpose::Page(visit), length);
            }
            Plan::Refuse { why, discard } => {
                self.begin_body(exchange, Purpose::Refusal(why), discard);
            }
            Plan::RefuseAndClose(why) => {
                exchange.persistence = Persistence::Close;
                self.refuse(exchange, &why, context);
            }
        }
        None
    }

    /// Some clients wait to be asked before they send a body.
    fn ask_for_body(&mut self, is_waited_for: bool, now: Monotonic) {
        if is_waited_for {
            self.wire
                .send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), now);
        }
    }

    fn begin_body(&mut self, exchange: Exchange, purpose: Purpose, length: u64) {
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
            Purpose::Call => {
                self.enter(State::Working(exchange), now);
                Some(Request::Rpc(body.bytes))
            }
            Purpose::Page(mut visit) => {
                visit.form = body.bytes;
                self.enter(State::Working(exchange), now);
                Some(Request::Page(visit))
            }
            Purpose::Refusal(why) => {
                self.refuse(exchange, &why, context);
                None
            }
        }
    }

    fn begin_response(&mut self, exchange: Exchange, response: &Response, now: Monotonic) {
        let delivery = Delivery::whole(exchange, response, &mut self.wire, now);
        self.enter(State::Responding(delivery), now);
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
    fn settle(&mut self, context: &mut LoopContext) -> Step {
        let interest = Interest {
            readable: self.wants_input(),
            writable: self.resume || !self.wire.output.is_empty(),
        };
        if self.wire.set_interest(context, interest).is_err() {
            return Step::Gone;
        }
        if matches!(self.state, State::Reading) {
            self.begun = match self.wire.input.is_empty() {
                true => None,
                false => self.begun.or(Some(context.now.monotonic)),
            };
        }
        let deadline = self.deadline();
        context.timers.set(Timer::Connection(self.id), deadline);
        Step::Open
    }
}
