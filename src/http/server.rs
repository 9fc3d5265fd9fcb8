//! The HTTP servers as the daemon holds them: listening sockets and the
//! connections on them. Readiness goes in, requests come out, and their
//! answers are given back by the connection's id whenever they are there.

mod accepting;
mod files;

use std::collections::VecDeque;
use std::os::fd::RawFd;

use crate::config::Server;
use crate::config::limits::Limits;
use crate::http::connection::{Connection, Step};
use crate::http::content::Content;
use crate::http::door::Door;
use crate::http::listener::{self, Listener, OpenError, SocketFile};
use crate::http::refusal::Refusal;
use crate::http::response::Response;
use crate::loop_context::{LoopContext, SHARE};
use crate::sys::limits::{self, Limit};
use crate::sys::poller::{Interest, Ready, Token};
use crate::sys::{host, memory, time};
use crate::text::pyrepr;
use crate::tokens::{ConnectionId, FdOwner, Timer};
use crate::vec_map::VecMap;

pub use crate::http::exchange::Request;

/// How much waits for all clients together, in bytes, beside one body of a
/// request of the largest size; with more, the one that has taken nothing for
/// longest, or whose request has been coming for longest, loses its connection.
pub const OUTPUT_LIMIT: usize = 32 * 1024 * 1024;

/// So many connections at once may leave memory in pieces that is worth a look.
const CROWD: usize = 8;

/// A request that the daemon has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Where the answer goes.
    pub connection: ConnectionId,
    /// What is wanted.
    pub request: Request,
}

/// All servers of the configuration, with their clients.
#[derive(Debug)]
pub struct Servers {
    listeners: Vec<Watched>,
    lookout: files::Lookout,
    connections: VecMap<ConnectionId, Box<Client>>,
    /// The most of them at once since memory was given back.
    crowd: usize,
    /// Those that follow logs, and maybe some that did.
    followers: Vec<ConnectionId>,
    /// Those that wait for the next piece of a long answer, in the order of their turns.
    hungry: VecDeque<ConnectionId>,
    next: u64,
    /// Listening is suspended until a connection closes or the retry timer comes.
    suspended: bool,
    /// The log knows that accepting fails; told once until it works again.
    told: bool,
    /// From this number on descriptors are left to children and their logs.
    reserve: RawFd,
    /// The highest number that a connection has had.
    highest: RawFd,
}

#[derive(Debug)]
struct Watched {
    /// None where the socket could not be made yet.
    token: Option<Token>,
    door: Door,
    file: Option<SocketFile>,
    care: files::Care,
}

fn watched(
    place: u32,
    listener: Listener,
    context: &mut LoopContext,
) -> Result<Watched, OpenError> {
    let poller = &mut context.poller;
    let registered = poller.register(
        listener.descriptor,
        Interest::READ,
        FdOwner::Listener(place),
    );
    let token = registered.map_err(|reason| OpenError::System {
        operation: "poll",
        object: format!("server {place}"),
        reason,
    })?;
    Ok(Watched {
        token: Some(token),
        door: listener.door,
        file: listener.file,
        care: files::Care::default(),
    })
}

#[derive(Debug)]
struct Client {
    connection: Connection,
    listener: usize,
}

impl Servers {
    /// Opens all servers in the given order and watches them.
    pub fn open(servers: &[Server], context: &mut LoopContext) -> Result<Servers, OpenError> {
        let mut opened = Servers::none();
        for (place, listener) in (0..).zip(listener::open_all(servers)?) {
            match watched(place, listener, context) {
                Ok(listener) => opened.listeners.push(listener),
                Err(error) => {
                    opened.close(context);
                    return Err(error);
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
            let listener = listener::open(server, &names);
            let listener = listener.and_then(|listener| watched(place, listener, context));
            opened.listeners.push(listener.unwrap_or_else(|error| {
                context.log.critical(format_args!(
                    "the server {} is not there: {error}",
                    pyrepr::repr(&server.section)
                ));
                Watched {
                    token: None,
                    door: Door::of(server, &names),
                    file: SocketFile::missing(server),
                    care: files::Care::default(),
                }
            }));
        }
        opened.watch_files(context);
        opened
    }

    fn none() -> Servers {
        Servers {
            listeners: Vec::new(),
            lookout: files::Lookout::default(),
            connections: VecMap::new(),
            crowd: 0,
            followers: Vec::new(),
            hungry: VecDeque::new(),
            next: 0,
            suspended: false,
            told: false,
            highest: 0,
            reserve: accepting::reserve(limits::soft(Limit::OpenFiles)),
        }
    }

    /// A listening socket, its file or a connection is ready. Other sources are ignored.
    pub fn handle(&mut self, context: &mut LoopContext, ready: Ready<FdOwner>) -> Vec<Incoming> {
        match ready.owner {
            FdOwner::Listener(place) => {
                self.accept(context, place as usize);
                Vec::new()
            }
            FdOwner::SocketFiles => {
                self.files_changed(context);
                Vec::new()
            }
            FdOwner::Connection(id) => {
                let step = self.with(id, |client, door| {
                    client.ready(context, door, ready.readable)
                });
                let incoming = self.after(context, id, step);
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
                let step = self.with(id, |client, door| client.timer(context, door));
                self.after(context, id, step)
            }
            Timer::LongAnswers => self.go_on(context),
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

    /// Answers a call with the XML in `body`. Dropped if the client has gone.
    pub fn respond_rpc(
        &mut self,
        context: &mut LoopContext,
        connection: ConnectionId,
        body: Vec<u8>,
    ) {
        self.respond(context, connection, Response::xml(body));
    }

    /// Answers a call with XML that may be long. Dropped if the client has gone.
    pub fn respond_xml(
        &mut self,
        context: &mut LoopContext,
        connection: ConnectionId,
        content: Content,
    ) {
        let step = self.with(connection, |client, _| client.respond_xml(context, content));
        self.after(context, connection, step);
        self.relieve(context, connection);
    }

    /// Answers with that head, which tells the content's length, and the
    /// content. Dropped if the client has gone.
    pub fn respond_long(
        &mut self,
        context: &mut LoopContext,
        connection: ConnectionId,
        head: &Response,
        content: Content,
    ) {
        let step = self.with(connection, |client, _| {
            client.respond_long(context, head, content)
        });
        self.after(context, connection, step);
    }

    /// Answers why there is no answer, which the log is told if it has to know.
    /// Dropped if the client has gone.
    pub fn refuse_request(
        &mut self,
        context: &mut LoopContext,
        connection: ConnectionId,
        why: &Refusal,
    ) {
        self.respond_refusal(context, connection, why, None);
    }

    /// The same, with a page for a reader instead of the usual one if there is one.
    pub fn respond_refusal(
        &mut self,
        context: &mut LoopContext,
        connection: ConnectionId,
        why: &Refusal,
        page: Option<&Response>,
    ) {
        let step = self.with(connection, |client, _| {
            client.respond_refusal(context, why, page)
        });
        self.after(context, connection, step);
        self.relieve(context, connection);
    }

    /// Answers with any complete response. Dropped if the client has gone.
    pub fn respond(
        &mut self,
        context: &mut LoopContext,
        connection: ConnectionId,
        response: Response,
    ) {
        let step = self.with(connection, |client, _| client.respond(context, response));
        self.after(context, connection, step);
        self.relieve(context, connection);
    }

    /// Answers with the file at `path` as it grows; 404 if it cannot be
    /// opened, 503 if that would take a descriptor of a program. Dropped if the
    /// client has gone. `unbuffered` asks proxies not to hold anything back.
    pub fn respond_tail(
        &mut self,
        context: &mut LoopContext,
        connection: ConnectionId,
        path: &str,
        unbuffered: bool,
    ) {
        let client = self.connections.get(&connection);
        let refusal = client.and_then(|client| {
            if self.is_next_reserved(context, client.connection.token()) {
                Some(Refusal::NoDescriptors)
            } else if self.has_many_followers(client.listener) {
                Some(Refusal::ManyFollowers)
            } else {
                None
            }
        });
        if let Some(why) = refusal {
            return self.refuse_request(context, connection, &why);
        }
        let step = self.with(connection, |client, _| {
            client.follow(context, path, unbuffered)
        });
        self.followers.push(connection);
        self.after(context, connection, step);
    }

    /// Sends what was written to followed logs in this turn of the loop.
    pub fn feed_followers(&mut self, context: &mut LoopContext) {
        let mut followers = std::mem::take(&mut self.followers);
        followers.retain(|id| {
            let client = self.client(*id).map(|client| &client.connection);
            let has_news = client.is_some_and(Connection::has_news);
            if has_news {
                let step = self.with(*id, |client, door| client.hear(context, door));
                self.after(context, *id, step);
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
        listener.is_some_and(|listener| followers >= listener.door.limits.connections / 2)
    }

    /// What the server of that connection allows.
    pub fn limits(&self, connection: ConnectionId) -> Limits {
        let client = self.connections.get(&connection);
        client
            .and_then(|client| self.listeners.get(client.listener))
            .map_or_else(Limits::default, |listener| listener.door.limits)
    }

    /// Whether the server of that connection lets a GET change something.
    pub fn has_get_actions(&self, connection: ConnectionId) -> bool {
        let client = self.connections.get(&connection);
        client
            .and_then(|client| self.listeners.get(client.listener))
            .is_some_and(|listener| listener.door.get_actions)
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
        self.hungry.clear();
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

    fn with(&mut self, id: ConnectionId, act: impl FnOnce(&mut Connection, &Door) -> Step) -> Step {
        // An event of a connection that has been closed meanwhile finds nobody.
        let Some(client) = self.connections.get_mut(&id) else {
            return Step::Open;
        };
        match self.listeners.get(client.listener) {
            Some(listener) => act(&mut client.connection, &listener.door),
            None => Step::Gone,
        }
    }

    /// Goes on with long answers by one piece each, for as long as this turn of
    /// the loop allows; the others come first at the next.
    fn go_on(&mut self, context: &mut LoopContext) -> Vec<Incoming> {
        let end = time::monotonic() + SHARE;
        let mut incoming = Vec::new();
        for _ in 0..self.hungry.len() {
            let Some(id) = self.hungry.pop_front() else {
                break;
            };
            let step = self.with(id, |client, door| client.go_on(context, door));
            incoming.extend(self.after(context, id, step));
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
        let deadline = (!self.hungry.is_empty()).then_some(next);
        context.timers.set(Timer::LongAnswers, deadline);
    }

    fn after(&mut self, context: &mut LoopContext, id: ConnectionId, step: Step) -> Vec<Incoming> {
        let is_hungry = |client: &Client| client.connection.is_hungry();
        if self.client(id).is_some_and(is_hungry) && !self.hungry.contains(&id) {
            self.hungry.push_back(id);
            self.plan_turn(context);
        }
        match step {
            Step::Open => Vec::new(),
            Step::Request(request) => vec![Incoming {
                connection: id,
                request,
            }],
            Step::Gone => {
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
        let bodies = self.listeners.iter().map(|at| at.door.limits.body);
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
