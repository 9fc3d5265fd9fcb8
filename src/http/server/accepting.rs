//! Accepting connections, while there are places and descriptors: who has to
//! leave for whom ([`admission`]), what is left to programs, and when to look
//! again after nobody could be accepted.

use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::{Client, Servers};
use crate::config::limits::Limits;
use crate::http::admission::{self, ClientActivity};
use crate::http::connection::Connection;
use crate::log_level::Level;
use crate::loop_context::LoopContext;
use crate::sys::limits::{self as system_limits, Limit};
use crate::sys::poller::{Interest, Token};
use crate::sys::{errno, fd, socket};
use crate::tokens::{ConnectionId, FdOwner, Timer};

/// How many connections are accepted in one turn of the loop.
const ACCEPT_LIMIT: usize = 32;
/// How many descriptors connections leave to children, unless a quarter is less.
const RESERVE: u64 = 256;
/// How many clients may take descriptors of the reserve: somebody must be able to stop programs.
const FEW: usize = 4;
/// When to accept again after the descriptors have run out.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// When to look again for a place where clients have requests that are not read yet.
const FULL_RETRY: Duration = Duration::from_millis(1);

impl Servers {
    pub(super) fn accept(&mut self, context: &mut LoopContext, place: usize) {
        for _ in 0..ACCEPT_LIMIT {
            let listener = self.listeners.get(place);
            let Some((token, limits)) =
                listener.and_then(|listener| Some((listener.token?, listener.policy.limits)))
            else {
                return;
            };
            let clients = self.activities(Some(place));
            if !admission::has_room(&clients, limits.connections) {
                // Nobody leaves for a client that is not there.
                if !is_waited_at(context, token) {
                    return;
                }
                if let Err(wait) = self.make_room(context, clients) {
                    return self.pause(context, Some(place), wait);
                }
            } else if self.is_short(context, token) {
                let clients = self.activities(None);
                if self.make_room(context, clients).is_err() {
                    let reason = "the descriptors left are for programs; raise minfds";
                    return self.refuse(context, reason);
                }
            }
            let Some(listener) = context.poller.descriptor(token) else {
                return;
            };
            match socket::accept(listener) {
                Ok((descriptor, peer)) => {
                    self.told = false;
                    self.highest = self.highest.max(descriptor.as_raw_fd());
                    let peer = peer.map_or_else(|| "localhost:0".to_owned(), |p| p.to_string());
                    self.admit(context, place, limits, descriptor, peer);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The client gave up while it waited.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::Interrupted
                    ) => {}
                Err(error) => return self.refuse(context, &errno::reason(&error)),
            }
        }
    }

    fn admit(
        &mut self,
        context: &mut LoopContext,
        listener: usize,
        limits: Limits,
        descriptor: OwnedFd,
        peer: String,
    ) {
        let id = ConnectionId(self.next);
        self.next += 1;
        let owner = FdOwner::Connection(id);
        let registered = context.poller.register(descriptor, Interest::READ, owner);
        // Without a place in the poll set it is closed: the client may try again.
        let Ok(token) = registered else { return };
        let mut connection = Connection::new(id, token, peer, limits, context.now.monotonic);
        connection.start(context);
        if self.is_held {
            connection.begin_none(context);
        }
        self.connections.insert(
            id,
            Box::new(Client {
                connection,
                listener,
            }),
        );
        self.crowd = self.crowd.max(self.connections.len());
    }

    /// Nobody is accepted for a while, which is told once.
    fn refuse(&mut self, context: &mut LoopContext, reason: &str) {
        if !std::mem::replace(&mut self.told, true) {
            let text = format_args!("cannot accept a connection: {reason}");
            context.log.log(Level::Warn, text);
        }
        self.pause(context, None, ACCEPT_RETRY);
    }

    /// A readable socket that nobody accepts from would keep the loop spinning.
    fn pause(&mut self, context: &mut LoopContext, only: Option<usize>, until: Duration) {
        self.suspended = true;
        self.listen(context, Interest::NONE, only);
        let retry = context.now.monotonic + until;
        context.timers.set(Timer::AcceptRetry, Some(retry));
    }

    /// Closes one of the connections for another. If none can be spared, the
    /// error is how long to wait before another look.
    fn make_room(
        &mut self,
        context: &mut LoopContext,
        mut clients: Vec<ClientActivity>,
    ) -> Result<(), Duration> {
        let mut wait = admission::GRACE;
        while let Some(id) = admission::first_to_leave(&clients, context.now.monotonic) {
            if !self.has_unread(context, id) {
                self.remove(context, id);
                return Ok(());
            }
            // It has done its part, only the daemon has not got there yet.
            wait = FULL_RETRY;
            clients.retain(|client| client.id != id);
        }
        Err(wait)
    }

    /// Whether a client is one of those that have a place. Where others may act, a quarter of the
    /// places is kept from those that only look; one too many has to find one that can be spared.
    pub(super) fn may_stay(&mut self, context: &mut LoopContext, id: ConnectionId) -> bool {
        let only_looks =
            |client: &Client| client.connection.is_known() && client.connection.only_looks();
        let Some(client) = self.client(id).filter(|client| only_looks(client)) else {
            return true;
        };
        let place = client.listener;
        let Some(listener) = self.listeners.get(place) else {
            return true;
        };
        let share = admission::share(listener.policy.limits.connections);
        // Mostly there are far fewer of any kind.
        if listener.policy.readonly || self.connections.len() <= share {
            return true;
        }
        let mut others = self.activities(Some(place));
        others.retain(|other| other.id != id && self.client(other.id).is_some_and(only_looks));
        others.len() < share || self.make_room(context, others).is_ok()
    }

    fn has_unread(&self, context: &LoopContext, id: ConnectionId) -> bool {
        let client = self.connections.get(&id);
        // What it sends while it should take its answer is nothing that it did for us.
        client.is_some_and(|client| {
            client.connection.wants_input() && is_waited_at(context, client.connection.token())
        })
    }

    /// Whether a connection would take a descriptor of the reserve.
    fn is_short(&self, context: &LoopContext, listener: Token) -> bool {
        // Far below it there is no need to look.
        self.highest >= self.reserve - ACCEPT_LIMIT as RawFd
            && self.is_next_reserved(context, listener)
    }

    /// Whether the next descriptor would be one of the reserve: new ones, of
    /// which a copy of `any` is one, have the lowest number that is free. Where
    /// programs have taken all below it, a few clients get in still.
    pub(super) fn is_next_reserved(&self, context: &LoopContext, any: Token) -> bool {
        if self.connections.len() <= FEW {
            return false;
        }
        let any = context.poller.descriptor(any);
        let next = any.and_then(|any| fd::duplicate(any).ok());
        // Groups that were added since the servers were opened may have raised the limit.
        next.is_some_and(|next| {
            next.as_raw_fd() >= self.reserve
                && next.as_raw_fd() >= reserve(system_limits::soft(Limit::OpenFiles))
        })
    }

    /// The clients of one server, or of all.
    fn activities(&self, place: Option<usize>) -> Vec<ClientActivity> {
        let clients = self.connections.iter();
        let clients = clients.filter(|(_, client)| place.is_none_or(|p| p == client.listener));
        clients
            .map(|(id, client)| ClientActivity {
                id: *id,
                known: client.connection.is_known(),
                busy: client.connection.is_busy(),
                waits_since: client.connection.waits_since(),
            })
            .collect()
    }

    pub(super) fn resume(&mut self, context: &mut LoopContext) {
        self.suspended = false;
        context.timers.set(Timer::AcceptRetry, None);
        self.listen(context, Interest::READ, None);
    }

    /// Sets the interest in one listening socket, or in all. There is none while clients are held.
    pub(super) fn listen(
        &mut self,
        context: &mut LoopContext,
        interest: Interest,
        only: Option<usize>,
    ) {
        let interest = match self.is_held {
            true => Interest::NONE,
            false => interest,
        };
        for (place, listener) in self.listeners.iter().enumerate() {
            if only.is_some_and(|only| only != place) {
                continue;
            }
            let Some(token) = listener.token else {
                continue;
            };
            // It can fail for lack of memory only; the retry timer comes back to it.
            if context.poller.set_interest(token, interest).is_err() {
                let retry = context.now.monotonic + ACCEPT_RETRY;
                context.timers.set(Timer::AcceptRetry, Some(retry));
            }
        }
    }
}

/// Where the reserve begins if so many descriptors may be open.
pub(super) fn reserve(open: u64) -> RawFd {
    RawFd::try_from(open - RESERVE.min(open / 4)).unwrap_or(RawFd::MAX)
}

/// Whether a client waits to be accepted, or to be read from.
pub(super) fn is_waited_at(context: &LoopContext, socket: Token) -> bool {
    context
        .poller
        .descriptor(socket)
        .is_some_and(fd::is_readable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_descriptors_is_left_to_children_and_256_at_most() {
        for (open, first) in [
            (0, 0),
            (40, 30),
            (1024, 768),
            (1_000_000, 999_744),
            (u64::MAX, RawFd::MAX),
        ] {
            assert_eq!(reserve(open), first, "{open}");
        }
    }
}
