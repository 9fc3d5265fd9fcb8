//! Refusing a request: the answer, and a line in the log where the client alone
//! is not to blame.

use super::{Connection, Step};
use crate::http::exchange::Exchange;
use crate::http::refusal::{self, Refusal};
use crate::http::request::BadRequest;
use crate::http::response::Response;
use crate::loop_context::LoopContext;

impl Connection {
    /// Refuses the request that is in work, with a page of its own if there is one;
    /// ignored if there is none.
    pub fn respond_refusal(
        &mut self,
        context: &mut LoopContext,
        why: &Refusal,
        page: Option<&Response>,
    ) -> Step {
        if let Some(exchange) = self.take_work() {
            match page {
                Some(page) => {
                    self.tell(&exchange, why, context);
                    self.begin_response(exchange, page, context.now.monotonic);
                }
                None => self.refuse(exchange, why, context),
            }
        }
        self.deliver(context)
    }

    /// What came is no request, and where the next one would begin is unknown.
    pub(super) fn refuse_unreadable(&mut self, bad: BadRequest, context: &mut LoopContext) {
        let why = match bad {
            BadRequest::Malformed => Refusal::Malformed,
            BadRequest::TooLong => Refusal::LongHeader(self.limits.header),
        };
        let exchange = Exchange::unreadable(context.now.wall);
        self.refuse(exchange, &why, context);
    }

    /// Answers with the reason, and tells the log of it if it has to know.
    pub(super) fn refuse(&mut self, exchange: Exchange, why: &Refusal, context: &mut LoopContext) {
        self.tell(&exchange, why, context);
        let response = Response::refusal(why);
        self.begin_response(exchange, &response, context.now.monotonic);
    }

    /// Tells the log of a refusal that is not plainly the client's mistake.
    fn tell(&self, exchange: &Exchange, why: &Refusal, context: &mut LoopContext) {
        let Some(kind) = why.told_as() else {
            return;
        };
        let (peer, status) = (&self.peer, why.status());
        // Of what could not be read there is no line.
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
