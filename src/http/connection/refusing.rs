//! Refusing a request: the answer, and a line in the log where the client alone
//! is not to blame.

use super::{Connection, Step};
use crate::http::exchange::Exchange;
use crate::http::refusal::{self, Refusal};
use crate::http::request::BadRequest;
use crate::http::response::Response;
use crate::reactor::Reactor;

impl Connection {
    /// Refuses the request that is in work, with a page of its own if there is one;
    /// ignored if there is none.
    pub fn respond_refusal(
        &mut self,
        reactor: &mut Reactor,
        why: &Refusal,
        page: Option<&Response>,
    ) -> Step {
        if let Some(exchange) = self.take_work() {
            match page {
                Some(page) => {
                    self.tell(&exchange, why, reactor);
                    self.begin_response(exchange, page, reactor.now.monotonic);
                }
                None => self.refuse(exchange, why, reactor),
            }
        }
        self.deliver(reactor)
    }

    /// What came is no request, and where the next one would begin is unknown.
    pub(super) fn refuse_unreadable(&mut self, bad: BadRequest, reactor: &mut Reactor) {
        let why = match bad {
            BadRequest::Malformed => Refusal::Malformed,
            BadRequest::TooLong => Refusal::LongHeader(self.limits.header),
        };
        let exchange = Exchange::unreadable(reactor.now.wall);
        self.refuse(exchange, &why, reactor);
    }

    /// Answers with the reason, and tells the log of it if it has to know.
    pub(super) fn refuse(&mut self, exchange: Exchange, why: &Refusal, reactor: &mut Reactor) {
        self.tell(&exchange, why, reactor);
        let response = Response::refusal(why);
        self.begin_response(exchange, &response, reactor.now.monotonic);
    }

    /// Tells the log of a refusal that is not plainly the client's mistake.
    fn tell(&self, exchange: &Exchange, why: &Refusal, reactor: &mut Reactor) {
        let Some(kind) = why.told_as() else {
            return;
        };
        let (peer, status) = (&self.peer, why.status());
        // Of what could not be read there is no line.
        let line = match exchange.line.as_str() {
            "" => String::new(),
            line => format!(" to \"{}\"", refusal::shown(line)),
        };
        reactor.warn_seldom(
            kind,
            format_args!("answered {status}{line} from {peer}: {why}"),
        );
    }
}
