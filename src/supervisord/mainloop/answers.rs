//! What clients are given: calls and pages answered at once, or when the
//! processes that they wait for are where they should be. Nothing here waits:
//! long bodies and lists give way to others after a slice.

use std::rc::Rc;

use super::MainLoop;
use crate::config::limits::Limits;
use crate::http::access::Access;
use crate::http::exchange::Request;
use crate::http::refusal::Refusal;
use crate::http::reply::{Followed, Reply};
use crate::http::request::Method;
use crate::http::routes::{self, Handler, Page};
use crate::http::server::Incoming;
use crate::loggers::ring::SharedRing;
use crate::loggers::window::LogPlace;
use crate::rpc::interface::{Answer, CallProgress, Daemon, Outcome};
use crate::rpc::job::Job;
use crate::rpc::pending::PendingAction;
use crate::rpc::{self, IncomingCall, methods, names, poll, steps};
use crate::snapshot::saved;
use crate::sys::memory;
use crate::tokens::{Channel, ConnectionId, Mark, Timer};
use crate::web::interface::{Answered, FormAction, Web};
use crate::web::probe;
use crate::xmlrpc::fault::Fault;

/// From how many bytes on the body of a call is worth giving memory back, which takes its time.
const LARGE_BODY: usize = 256 * 1024;

/// With so many bytes of bodies waiting to be read, further calls are refused.
const BODIES_LIMIT: usize = 64 * 1024 * 1024;

/// With so many bytes written for calls that are not finished, some are given up.
const ANSWERS_LIMIT: usize = 64 * 1024 * 1024;

/// With so many calls and actions waiting, the web interface takes no more on.
const PENDING_LIMIT: usize = 1024;

/// What a client waits for.
#[derive(Debug)]
pub(super) struct Pending {
    connection: ConnectionId,
    asked: Asked,
    action: PendingAction,
}

saved! { struct Pending { connection, asked, action } }

/// How something was asked for, which says how the answer is told.
#[derive(Debug)]
enum Asked {
    /// By a call of this method.
    Call(String),
    /// On a page of the web interface.
    Form(FormAction),
}

saved! { enum Asked { Call(a), Form(a) } }

impl MainLoop {
    /// Each handler of the table of routes has its case here.
    pub(super) fn answer(&mut self, incoming: Incoming) {
        let Incoming {
            connection,
            request,
        } = incoming;
        let goes_on = matches!(request.handler, Handler::Metrics(mark) if mark != Mark::BEGIN);
        if let Some(tally) = self.context.tally.as_mut().filter(|_| !goes_on) {
            tally.requests.count(request.method.name());
        }
        match request.handler {
            Handler::Call => {
                let waiting: usize = self.calls.iter().map(|(_, call)| call.size()).sum();
                if waiting > BODIES_LIMIT {
                    return self.reply(connection, Refusal::ManyBodies);
                }
                let policy = self.servers.policy(connection);
                let limits = policy.map_or_else(Limits::default, |policy| policy.limits);
                let call = IncomingCall::new(request.body, limits, request.access);
                match self.context.turn_is_over() {
                    true => self.read_later(connection, call),
                    false => self.read(connection, call),
                }
            }
            Handler::FollowProcessLog => {
                let log = self.process_log(&request.path);
                self.follow(connection, log, true);
            }
            Handler::FollowMainLog => {
                let path = self.context.log.path();
                let log = path.map(|path| Followed::Path(path.to_owned()));
                self.follow(connection, log, false);
            }
            Handler::Changes => {
                let count = Rc::clone(&self.changes);
                self.follow(connection, Some(Followed::Changes(count)), true);
            }
            Handler::Alive => self.reply(connection, Reply::Whole(probe::answer(true))),
            Handler::Ready => {
                let is_ready = self.supervisor.is_ready();
                self.reply(connection, Reply::Whole(probe::answer(is_ready)));
            }
            Handler::Metrics(mark) => {
                let policy = self.servers.policy(connection);
                let with_system = policy.is_some_and(|policy| policy.monitoring.metrics_processes);
                let (daemon, web) = self.daemon_and_web();
                let reply = web.metrics(&daemon, mark, with_system);
                self.reply(connection, reply);
            }
            Handler::Page(page) => {
                self.page_requests.push_back((connection, page, request));
                match self.context.turn_is_over() {
                    true => self.look_again(),
                    false => self.answer_pages(),
                }
            }
        }
    }

    fn reply(&mut self, connection: ConnectionId, reply: impl Into<Reply>) {
        self.servers.respond(&mut self.context, connection, reply);
    }

    /// Answers pages, one at least, for as long as this turn of the loop allows.
    fn answer_pages(&mut self) {
        while let Some((connection, page, request)) = self.page_requests.pop_front() {
            if !self.servers.is_open(connection) {
                continue;
            }
            self.answer_page(connection, page, &request);
            if self.context.turn_is_over() {
                break;
            }
        }
        self.look_again();
    }

    fn answer_page(&mut self, connection: ConnectionId, page: Page, request: &Request) {
        let policy = self.servers.policy(connection);
        let get_actions = policy.is_some_and(|policy| policy.get_actions);
        let may_act = get_actions || request.method == Method::Post;
        if may_act && self.pending.len() >= PENDING_LIMIT {
            return self.reply(connection, Refusal::ManyActions);
        }
        let (mut daemon, web) = self.daemon_and_web();
        daemon.access = request.access;
        match web.answer(&mut daemon, page, request, get_actions) {
            Answered::Reply(reply) => self.reply(connection, reply),
            Answered::Action(action, outcome) => {
                self.take_outcome(connection, Asked::Form(action), outcome);
            }
        }
    }

    /// Goes on with the pages, and with the call whose body has waited for longest, one
    /// slice of it.
    pub(super) fn read_on(&mut self) {
        self.answer_pages();
        while let Some((connection, call)) = self.calls.pop_front() {
            if self.servers.is_open(connection) {
                self.read(connection, call);
                break;
            }
        }
        self.look_again();
    }

    /// What waits has its turn at the next turn of the loop. That is not put off by what comes
    /// meanwhile.
    fn look_again(&mut self) {
        let is_idle = self.calls.is_empty() && self.page_requests.is_empty();
        if is_idle {
            self.context.timers.set(Timer::WaitingRequests, None);
        } else if !self.context.timers.is_set(Timer::WaitingRequests) {
            let next = self.context.now.monotonic.just_after();
            self.context.timers.set(Timer::WaitingRequests, Some(next));
        }
    }

    fn read_later(&mut self, connection: ConnectionId, call: IncomingCall) {
        self.calls.push_back((connection, call));
        self.look_again();
    }

    fn read(&mut self, connection: ConnectionId, mut call: IncomingCall) {
        let Some(made) = call.go_on(&mut self.daemon_and_web().0) else {
            return self.read_later(connection, call);
        };
        let is_large = call.size() >= LARGE_BODY;
        drop(call);
        match made {
            Ok((method, outcome)) => self.take_outcome(connection, Asked::Call(method), outcome),
            Err(_) => self.reply(connection, Refusal::BadCall),
        }
        // The values in it were many and small.
        if is_large {
            memory::trim();
        }
    }

    /// Answers at once, or remembers who waits for the answer.
    fn take_outcome(&mut self, connection: ConnectionId, asked: Asked, outcome: Outcome) {
        match outcome {
            Ok(CallProgress::Done(answer)) => self.tell(connection, &asked, Ok(answer)),
            Err(fault) => self.tell(connection, &asked, Err(fault)),
            Ok(CallProgress::Pending(action)) => {
                self.pending.push(Pending {
                    connection,
                    asked,
                    action,
                });
                self.answer_pending();
            }
        }
    }

    fn tell(&mut self, connection: ConnectionId, asked: &Asked, result: Result<Answer, Fault>) {
        let reply = match asked {
            Asked::Call(method) => Reply::Xml(rpc::response(&mut self.context, method, result)),
            Asked::Form(action) => {
                let (mut daemon, web) = self.daemon_and_web();
                web.tell(&mut daemon, action, result)
            }
        };
        self.reply(connection, reply);
    }

    /// Asks everything that waits whether it has its answer. A call whose client
    /// is known to have gone is dropped: what it began stays, what it had not begun
    /// is not done. (One that is in work is not read, so a client that leaves
    /// meanwhile is mostly noticed at the answer.) A job and what a form asks for go on, for
    /// a restart is one thing to who asks for it. What works instead of waiting shares a
    /// turn of the loop: who had no part in it comes first at the next.
    pub(in crate::supervisord) fn answer_pending(&mut self) {
        self.go_on_with_jobs();
        let multicalls = count_multicalls(&self.pending);
        let sizes = self.pending.iter().map(|pending| pending.action.size());
        let mut size: usize = sizes.sum();
        let mut postponed = Vec::new();
        let mut has_worked = false;
        for mut pending in std::mem::take(&mut self.pending) {
            // One gets on in any case: children alone may keep a turn busy.
            if pending.action.is_at_work()
                && std::mem::replace(&mut has_worked, true)
                && self.context.turn_is_over()
            {
                postponed.push(pending);
                continue;
            }
            let connection = pending.connection;
            if matches!(pending.asked, Asked::Call(_)) && !self.servers.is_open(connection) {
                continue;
            }
            let own_size = pending.action.size();
            if own_size > 0 && size > ANSWERS_LIMIT {
                size -= own_size;
                self.reply(connection, Refusal::ManyAnswers);
                continue;
            }
            match poll::poll(&mut pending.action, &mut self.daemon_and_web().0) {
                Some(result) => self.tell(connection, &pending.asked, result),
                None => self.pending.push(pending),
            }
        }
        postponed.append(&mut self.pending);
        self.pending = postponed;
        // Their calls and results were many and small.
        if count_multicalls(&self.pending) < multicalls {
            memory::trim();
        }
        let polls = self.pending.iter();
        let polls = polls.filter_map(|pending| pending.action.next_poll());
        let next = polls.chain(self.jobs.iter().filter_map(Job::next_poll));
        let next = next.min();
        self.context.timers.set(Timer::PendingActions, next);
    }

    /// What has come to its end is told to who waits for it, if anybody does.
    fn go_on_with_jobs(&mut self) {
        for mut job in std::mem::take(&mut self.jobs) {
            if !steps::go_on(&mut job, &mut self.daemon_and_web().0) {
                self.jobs.push(job);
            }
        }
    }

    fn process_log(&self, path: &str) -> Option<Followed> {
        let (name, channel) = routes::followed(path)?;
        let channel = match channel.as_str() {
            "stdout" => Channel::Stdout,
            "stderr" => Channel::Stderr,
            _ => return None,
        };
        let process = names::process(&self.supervisor, &name).ok()?;
        Some(match process.log_place(channel)? {
            LogPlace::Path(path) => Followed::Path(path.to_owned()),
            LogPlace::Ring(ring) => Followed::Ring(SharedRing::clone(ring)),
        })
    }

    /// As in 4.3.0, proxies are asked not to hold the logs of processes back.
    fn follow(&mut self, connection: ConnectionId, log: Option<Followed>, unbuffered: bool) {
        match log {
            Some(log) => self.reply(connection, Reply::Log { log, unbuffered }),
            None => self.reply(connection, Refusal::NoLog),
        }
    }

    fn daemon_and_web(&mut self) -> (Daemon<'_>, &mut Web) {
        let daemon = Daemon {
            supervisor: &mut self.supervisor,
            context: &mut self.context,
            pid: self.pid,
            jobs: &mut self.jobs,
            interface: methods::INTERFACE,
            // Who is answered says if it may do more.
            access: Access::ReadOnly,
        };
        (daemon, &mut self.web)
    }
}

fn count_multicalls(pending: &[Pending]) -> usize {
    let actions = pending.iter().map(|pending| &pending.action);
    actions
        .filter(|action| matches!(action, PendingAction::Multicall(_)))
        .count()
}
