//! The HTTP servers as the daemon holds them: listening sockets and the
//! connections on them. Readiness goes in, requests come out, and their
//! answers are given back by the connection's id whenever they are there.

mod accepting;
mod files;
mod holding;

use std::collections::VecDeque;
use std::os::fd::RawFd;

use crate::config::Server;
use crate::http::connection::{Connection, Handled};
use crate::http::exchange::Request;
use crate::http::listener::{self, OpenError, ServerError, SocketFile};
use crate::http::policy::AccessPolicy;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::loop_context::{LoopContext, SHARE};
use crate::snapshot::saved;
use crate::sys::limits::{self, Limit};
use crate::sys::poller::{Interest, Ready, Token};
use crate::sys::{host, memory, time};
use crate::text::pyrepr;
use crate::tokens::{ConnectionId, FdOwner, Timer};
use crate::vec_map::VecMap;

/// How much waits for all clients together, in bytes, beside one body of a
/// request of the largest size; with more, the one that has taken nothing for
/// longest, or whose request has been coming for longest, loses its connection.
pub const OUTPUT_LIMIT: usize = 32 * 1024 * 1024;

/// So many connections at once may leave memory in pieces that is worth a look.
const CROWD: usize = 8;

/// A request that the daemon has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub connection: ConnectionId,
    pub request: Request,
}

/// All servers of the configuration, with their clients.
#[derive(Debug)]
pub struct Servers {
    listeners: Vec<Watched>,
    file_watcher: files::FileWatcher,
    connections: VecMap<ConnectionId, Box<Client>>,
    /// The most of them at once since memory was given back.
    crowd: usize,
    /// Those that follow logs, and maybe some that did.
    followers: Vec<ConnectionId>,
    /// Those that wait for the next piece of a long answer, in the order of their turns.
    long_answers: VecDeque<ConnectionId>,
    next: u64,
    /// Listening is suspended until a connection closes or the retry timer comes.
    suspended: bool,
    /// The log knows that accepting fails; told once until it works again.
    told: bool,
    /// Nobody is accepted and no request is begun, since the daemon is about to become another
    /// program.
    is_held: bool,
    /// From this number on descriptors are left to children and their logs.
    reserve: RawFd,
    /// The highest number that a connection has had.
    highest: RawFd,
}

saved! {
    struct Servers {
        listeners, file_watcher, connections, crowd, followers, long_answers, next,
        suspended, told, is_held, reserve, highest,
    }
}

#[derive(Debug)]
struct Watched {
    /// None where the socket could not be made yet.
    token: Option<Token>,
    policy: AccessPolicy,
    file: Option<SocketFile>,
    file_watch: files::FileWatch,
}

saved! { struct Watched { token, policy, file, file_watch } }

impl Watched {
    /// Opens a server and watches it; the names are those of this machine.
    fn open(
        place: u32,
        server: &Server,
        names: &[String],
        context: &mut LoopContext,
    ) -> Result<Watched, OpenError> {
        let listener = listener::open(server, names)?;
        let (poller, owner) = (&mut context.poller, FdOwner::ListeningSocket(place));
        let registered = poller.register(listener.descriptor, Interest::READ, owner);
        let token = registered.map_err(|reason| OpenError::System {
            operation: "poll",
            object: format!("server {place}"),
            reason,
        })?;
        Ok(Watched {
            token: Some(token),
            policy: listener.policy,
            file: listener.file,
            file_watch: files::FileWatch::default(),
        })
    }
}

#[derive(Debug)]
struct Client {
    connection: Connection,
    listener: usize,
}

saved! { struct Client { connection, listener } }

impl Servers {
    /// Opens all servers in the given order and watches them. When one fails, those before
    /// it are closed again and their files removed.
    pub fn open(
        servers: &[Server],
        context: &mut LoopContext,
    ) -> Result<Servers, Box<ServerError>> {
        let mut opened = Servers::none();
        let names = host::own_names();
        for (place, server) in (0..).zip(servers) {
            match Watched::open(place, server, &names, context) {
                Ok(listener) => opened.listeners.push(listener),
                Err(error) => {
                    opened.close(context);
                    return Err(Box::new(ServerError::of(server, error)));
                }
            }
        }
        opened.watch_files(context);
        Ok(opened)
    }

    /// Opens those that can be opened. The file of a unix socket is made when that can be
    /// done; the others are missing until the next restart.
    pub fn open_some(servers: &[Server], context: &mut LoopContext) -> Servers {
        let mut opened = Servers::none();
        let names = host::own_names();
        for (place, server) in (0..).zip(servers) {
            let listener = Watched::open(place, server, &names, context);
            opened.listeners.push(listener.unwrap_or_else(|error| {
                context.log.critical(format_args!(
                    "the server {} is not there: {error}",
                    pyrepr::repr(&server.section)
                ));
                Watched {
                    token: None,
                    policy: AccessPolicy::of(server, &names),
                    file: SocketFile::missing(server),
                    file_watch: files::FileWatch::default(),
                }
            }));
        }
        opened.watch_files(context);
        opened
    }

    fn none() -> Servers {
        Servers {
            listeners: Vec::new(),
            file_watcher: files::FileWatcher::default(),
            connections: VecMap::new(),
            crowd: 0,
            followers: Vec::new(),
            long_answers: VecDeque::new(),
            next: 0,
            suspended: false,
            told: false,
            is_held: false,
            highest: 0,
            reserve: accepting::reserve(limits::soft(Limit::OpenFiles)),
        }
    }

    /// A listening socket, its file or a connection is ready. Other sources are ignored.
    pub fn handle(&mut self, context: &mut LoopContext, ready: Ready<FdOwner>) -> Vec<Incoming> {
        match ready.owner {
            FdOwner::ListeningSocket(place) => {
                self.accept(context, place as usize);
                Vec::new()
            }
            FdOwner::SocketFiles => {
                self.files_changed(context);
                Vec::new()
            }
            FdOwner::Connection(id) => {
                let handled = self.with(id, |client, policy| {
                    client.ready(context, policy, ready.readable)
                });
                let incoming = self.after(context, id, handled);
                if !self.may_stay(context, id) {
                    self.remove(context, id);
                    return Vec::new();
                }
                let receives = |client: &Client| client.connection.is_receiving();
                if self.client(id).is_some_and(receives) {
                    self.relieve(context, id);
                }
                incoming
            }
            _ => Vec::new(),
        }
    }

    /// A deadline of a connection, of accepting, or of a missing file has come. Other timers are ignored.
    pub fn timer(&mut self, context: &mut LoopContext, timer: Timer) -> Vec<Incoming> {
        match timer {
            Timer::Connection(id) => {
                let handled = self.with(id, |client, policy| client.timer(context, policy));
                self.after(context, id, handled)
            }
            Timer::LongAnswers => self.go_on_answering(context),
            Timer::AcceptRetry => {
                self.resume(context);
                Vec::new()
            }
            Timer::SocketFiles => {
                self.look_at_files(context);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Answers a request. Dropped if the client has gone. Who would follow a log is refused
    /// where that would take a descriptor of a program, or too many follow one.
    pub fn respond(
        &mut self,
        context: &mut LoopContext,
        connection: ConnectionId,
        reply: impl Into<Reply>,
    ) {
        let mut reply = reply.into();
        if matches!(reply, Reply::Log { .. }) {
            match self.refusal_to_follow(context, connection) {
                Some(why) => reply = why.into(),
                None => self.followers.push(connection),
            }
        }
        // What comes in pieces waits for its client elsewhere than in memory.
        let is_whole = !matches!(reply, Reply::Long(..) | Reply::Piece(_) | Reply::Log { .. });
        let handled = self.with(connection, |client, _| client.respond(context, reply));
        self.after(context, connection, handled);
        if is_whole {
            self.relieve(context, connection);
        }
    }

    fn refusal_to_follow(
        &mut self,
        context: &mut LoopContext,
        id: ConnectionId,
    ) -> Option<Refusal> {
        let client = self.client(id)?;
        if self.is_next_reserved(context, client.connection.token()) {
            return Some(Refusal::NoDescriptors);
        }
        let place = client.listener;
        if !self.has_many_followers(place) {
            return None;
        }
        // Of those that only look, the one that came first makes room for a client that may do more.
        let may_act = !client.connection.only_looks();
        let may_leave = |id: &&ConnectionId| {
            self.client(**id).is_some_and(|other| {
                let other_looks = other.connection.is_following() && other.connection.only_looks();
                other.listener == place && other_looks
            })
        };
        let leaves = self.followers.iter().find(may_leave).filter(|_| may_act);
        let Some(leaves) = leaves.copied() else {
            return Some(Refusal::ManyFollowers);
        };
        self.remove(context, leaves);
        None
    }

    /// Sends what was written to followed logs in this turn of the loop.
    pub fn feed_followers(&mut self, context: &mut LoopContext) {
        let mut followers = std::mem::take(&mut self.followers);
        followers.retain(|id| {
            let client = self.client(*id).map(|client| &client.connection);
            let has_news = client.is_some_and(Connection::has_news);
            if has_news {
                let handled = self.with(*id, |client, policy| client.hear(context, policy));
                self.after(context, *id, handled);
            }
            self.client(*id)
                .is_some_and(|client| client.connection.is_following())
        });
        self.followers = followers;
    }

    /// Whether half of a server's places are taken by clients that follow logs,
    /// who never leave by themselves: the others are for those who come and go.
    fn has_many_followers(&self, place: usize) -> bool {
        let clients = self.connections.values();
        let followers = clients
            .filter(|client| client.listener == place && client.connection.is_following())
            .count();
        let listener = self.listeners.get(place);
        listener.is_some_and(|listener| followers >= listener.policy.limits.connections / 2)
    }

    /// The rules of the server of that connection, if the client is still there.
    pub fn policy(&self, connection: ConnectionId) -> Option<&AccessPolicy> {
        let client = self.client(connection)?;
        Some(&self.listeners.get(client.listener)?.policy)
    }

    /// Whether the client is still there, as far as is known.
    pub fn is_open(&self, connection: ConnectionId) -> bool {
        self.connections.contains_key(&connection)
    }

    /// After a fork, in the process that serves: the socket files are its to remove.
    pub fn take_over(&mut self) {
        self.socket_files().for_each(SocketFile::take_over);
    }

    /// After a fork, in the process that leaves: the socket files stay.
    pub fn leave(&mut self) {
        self.socket_files().for_each(SocketFile::leave);
    }

    fn socket_files(&mut self) -> impl Iterator<Item = &mut SocketFile> {
        self.listeners
            .iter_mut()
            .filter_map(|listener| listener.file.as_mut())
    }

    fn client(&self, id: ConnectionId) -> Option<&Client> {
        self.connections.get(&id).map(Box::as_ref)
    }

    /// Closes everything and removes the socket files that were made here.
    pub fn close(&mut self, context: &mut LoopContext) {
        for (id, client) in std::mem::take(&mut self.connections) {
            context.timers.set(Timer::Connection(id), None);
            context.poller.close(client.connection.token());
        }
        self.followers.clear();
        self.long_answers.clear();
        context.timers.set(Timer::LongAnswers, None);
        context.timers.set(Timer::AcceptRetry, None);
        self.unwatch_files(context);
        for listener in self.listeners.drain(..) {
            // The file goes before nobody answers on it.
            drop(listener.file);
            if let Some(token) = listener.token {
                context.poller.close(token);
            }
        }
    }

    fn with(
        &mut self,
        id: ConnectionId,
        act: impl FnOnce(&mut Connection, &AccessPolicy) -> Handled,
    ) -> Handled {
        // An event of a connection that has been closed meanwhile finds nobody.
        let Some(client) = self.connections.get_mut(&id) else {
            return Handled::Open;
        };
        match self.listeners.get(client.listener) {
            Some(listener) => act(&mut client.connection, &listener.policy),
            None => Handled::Gone,
        }
    }

    /// Goes on with long answers by one piece each, for as long as this turn of
    /// the loop allows; the others come first at the next.
    fn go_on_answering(&mut self, context: &mut LoopContext) -> Vec<Incoming> {
        let end = time::monotonic() + SHARE;
        let mut incoming = Vec::new();
        for _ in 0..self.long_answers.len() {
            let Some(id) = self.long_answers.pop_front() else {
                break;
            };
            let handled = self.with(id, |client, policy| client.go_on(context, policy));
            incoming.extend(self.after(context, id, handled));
            if time::monotonic() >= end {
                break;
            }
        }
        self.plan_turn(context);
        incoming
    }

    /// Sees to it that there is a turn for those that wait for one.
    fn plan_turn(&self, context: &mut LoopContext) {
        let next = context.now.monotonic.just_after();
        let deadline = (!self.long_answers.is_empty()).then_some(next);
        context.timers.set(Timer::LongAnswers, deadline);
    }

    fn after(
        &mut self,
        context: &mut LoopContext,
        id: ConnectionId,
        handled: Handled,
    ) -> Vec<Incoming> {
        let has_next_piece = |client: &Client| client.connection.has_next_piece();
        if self.client(id).is_some_and(has_next_piece) && !self.long_answers.contains(&id) {
            self.long_answers.push_back(id);
            self.plan_turn(context);
        }
        match handled {
            Handled::Open => Vec::new(),
            Handled::Request(request) => vec![Incoming {
                connection: id,
                request,
            }],
            Handled::Gone => {
                self.remove(context, id);
                Vec::new()
            }
        }
    }

    /// Keeps what waits for all clients together within its bounds after one
    /// has been answered or has sent a part of a body, which has a bound of its own.
    fn relieve(&mut self, context: &mut LoopContext, answered: ConnectionId) {
        let waits = |client: &Client| client.connection.waiting() > 0;
        if !self.client(answered).is_some_and(waits) {
            return;
        }
        let bodies = self.listeners.iter().map(|at| at.policy.limits.body);
        let body = bodies.max().and_then(|body| usize::try_from(body).ok());
        let limit = OUTPUT_LIMIT.saturating_add(body.unwrap_or(0));
        loop {
            let mut bytes = 0;
            let mut victim = None;
            for (&id, client) in self.connections.iter() {
                bytes += client.connection.waiting();
                if let Some(since) = client.connection.stalled_since()
                    && id != answered
                    && victim.is_none_or(|(oldest, _)| since < oldest)
                {
                    victim = Some((since, id));
                }
            }
            let Some((_, id)) = victim.filter(|_| bytes > limit) else {
                return;
            };
            if let Some(client) = self.connections.get(&id) {
                context.log.warn(format_args!(
                    "closed the connection of {}, which has been waited for longest: \
                     {bytes} bytes are kept for all clients",
                    client.connection.peer()
                ));
            }
            self.remove(context, id);
        }
    }

    /// What a crowd has sent was much, and lies about in pieces when it goes: looked at
    /// each time that half of it has gone.
    fn give_back(&mut self) {
        let left = self.connections.len();
        if self.crowd >= CROWD && left <= self.crowd / 2 {
            self.crowd = left;
            memory::trim();
        }
    }

    fn remove(&mut self, context: &mut LoopContext, id: ConnectionId) {
        context.timers.set(Timer::Connection(id), None);
        if let Some(client) = self.connections.remove(&id) {
            context.poller.close(client.connection.token());
        }
        self.give_back();
        if self.suspended {
            self.resume(context);
        }
    }
}

#[cfg(test)]
mod tests;
