//! Refusing a request: the answer, and a line in the log where the client alone
//! is not to blame.

use super::{Connection, Handled, State};
use crate::http::delivery::Delivery;
use crate::http::exchange::Exchange;
use crate::http::refusal::{self, Refusal};
use crate::http::request::BadRequest;
use crate::http::response::Response;
use crate::loop_context::LoopContext;

impl Connection {
    /// What came is no request, and where the next one would begin is unknown.
    pub(super) fn refuse_unreadable(&mut self, bad: BadRequest, context: &mut LoopContext) {
        let why = match bad {
            BadRequest::Malformed => Refusal::Malformed,
            BadRequest::TooLong => Refusal::LongHeader(self.limits.header),
        };
        let exchange = Exchange::unreadable(context.now.wall);
        self.refuse(exchange, &why, context);
    }

    /// Answers with the reason.
    pub(super) fn refuse(&mut self, exchange: Exchange, why: &Refusal, context: &mut LoopContext) {
        let delivery = self.refusal(exchange, why, None, context);
        self.enter(State::Responding(delivery), context.now.monotonic);
    }

    /// Refuses a wrong password, but answers later: the next one cannot be tried meanwhile on
    /// this connection. Where places run short, it is among the first to leave.
    pub(super) fn hold(&mut self, exchange: Exchange, context: &mut LoopContext) {
        self.tell(&exchange, &Refusal::WrongCredentials, context);
        self.known = false;
        self.enter(State::Held(exchange), context.now.monotonic);
    }

    /// Answers what was held back.
    pub(super) fn end_hold(&mut self, context: &mut LoopContext) -> Handled {
        let state = std::mem::replace(&mut self.state, State::Reading);
        if let State::Held(exchange) = state {
            let now = context.now.monotonic;
            let response = Response::refusal(&Refusal::WrongCredentials);
            let delivery = Delivery::whole(exchange, &response, &mut self.wire, now);
            self.enter(State::Responding(delivery), now);
        }
        self.deliver(context)
    }

    /// The answer with the reason, on a page of its own if there is one. The log is told
    /// of it if it has to know.
    pub(super) fn refusal(
        &mut self,
        exchange: Exchange,
        why: &Refusal,
        page: Option<Response>,
        context: &mut LoopContext,
    ) -> Delivery {
        self.tell(&exchange, why, context);
        let response = page.unwrap_or_else(|| match why {
            Refusal::NotFound => Response::not_found(&exchange.line, exchange.is_browser),
            _ => Response::refusal(why),
        });
        let now = context.now.monotonic;
        Delivery::whole(exchange, &response, &mut self.wire, now)
    }

    /// Tells the log of a refusal that is not plainly the client's mistake.
    fn tell(&self, exchange: &Exchange, why: &Refusal, context: &mut LoopContext) {
        let Some(kind) = why.told_as() else {
            return;
        };
        let (peer, status) = (&self.peer, why.status());
        // There is no line of what could not be read.
        let line = match exchange.line.as_str() {
            "" => String::new(),
            line => format!(" to \"{}\"", refusal::shown(line)),
        };
        context.warn_seldom(
            kind,
            format_args!("answered {status}{line} from {peer}: {why}"),
        );
    }
}
