//! What clients are given: calls and pages answered at once, or when the
//! processes that they wait for are where they should be. Nothing here waits:
//! long bodies and lists give way to others after a slice.

use super::MainLoop;
use crate::http::refusal::Refusal;
use crate::http::server::{Incoming, Request};
use crate::loop_context::LoopContext;
use crate::rpc::deferred::Deferred;
use crate::rpc::job::Job;
use crate::rpc::{self, Body, Reply, methods, names, poll, steps};
use crate::supervisor::Supervisor;
use crate::sys::memory;
use crate::tokens::{Channel, ConnectionId, Timer};
use crate::web::door::{Visited, Waiting};
use crate::web::route::{Method, Visit};

/// From how many bytes on the body of a call is worth giving memory back, which takes its time.
const LARGE_BODY: usize = 256 * 1024;

/// With so many bytes of bodies waiting to be read, further calls are refused.
const BODIES_LIMIT: usize = 64 * 1024 * 1024;

/// With so many bytes written for calls that are not finished, some are given up.
const ANSWERS_LIMIT: usize = 64 * 1024 * 1024;

/// With so many calls and actions waiting, the web interface takes no more on.
const PENDING_LIMIT: usize = 1024;

/// A client's wish that waits for processes.
#[derive(Debug)]
pub(super) struct Pending {
    connection: ConnectionId,
    work: Work,
}

#[derive(Debug)]
enum Work {
    /// A call, with the method for the log.
    Call { method: String, deferred: Deferred },
    /// An action of the web interface.
    Action(Waiting),
}

impl Pending {
    fn is_at_work(&self) -> bool {
        matches!(&self.work, Work::Call { deferred, .. } if deferred.is_at_work())
    }

    fn size(&self) -> usize {
        match &self.work {
            Work::Call { deferred, .. } => deferred.size(),
            Work::Action(_) => 0,
        }
    }
}

impl MainLoop {
    pub(super) fn answer(&mut self, incoming: Incoming) {
        let Incoming {
            connection,
            request,
        } = incoming;
        match request {
            Request::Rpc(body) => {
                let waiting: usize = self.bodies.iter().map(|(_, body)| body.size()).sum();
                if waiting > BODIES_LIMIT {
                    let why = &Refusal::ManyBodies;
                    return self
                        .servers
                        .refuse_request(&mut self.context, connection, why);
                }
                let limits = self.servers.limits(connection);
                self.read(connection, Body::new(body, limits));
            }
            Request::ProcessLog { name, channel } => {
                let path = self.process_log(&name, &channel);
                self.follow(connection, path, true);
            }
            Request::MainLog => {
                let path = self.context.log.path().map(str::to_owned);
                self.follow(connection, path, false);
            }
            Request::Page(visit) => {
                self.visits.push_back((connection, visit));
                match self.context.turn_is_over() {
                    true => self.look_again(),
                    false => self.receive(),
                }
            }
        }
    }

    /// Answers pages, one at least, for as long as this turn of the loop allows.
    fn receive(&mut self) {
        while let Some((connection, visit)) = self.visits.pop_front() {
            if !self.servers.is_open(connection) {
                continue;
            }
            self.visit(connection, &visit);
            if self.context.turn_is_over() {
                break;
            }
        }
        self.look_again();
    }

    fn visit(&mut self, connection: ConnectionId, visit: &Visit) {
        let get_actions = self.servers.has_get_actions(connection);
        let mut daemon = rpc_daemon(
            &mut self.supervisor,
            &mut self.context,
            self.pid,
            &mut self.jobs,
        );
        let may_act = get_actions || visit.method == Method::Post;
        let visited = match self.pending.len() {
            PENDING_LIMIT.. if may_act => Visited::Refused(Refusal::ManyActions, None),
            _ => self.web.visit(&mut daemon, visit, get_actions),
        };
        if let Some(waiting) = self.show(connection, visited) {
            self.wait_for(connection, Work::Action(waiting));
        }
    }

    /// Answers what can be answered; the rest is handed back.
    fn show(&mut self, connection: ConnectionId, visited: Visited) -> Option<Waiting> {
        let (servers, context) = (&mut self.servers, &mut self.context);
        match visited {
            Visited::Done(response) => servers.respond(context, connection, response),
            Visited::Refused(why, page) => {
                servers.respond_refusal(context, connection, &why, page.as_ref());
            }
            Visited::Long(head, content) => {
                servers.respond_long(context, connection, &head, content)
            }
            Visited::Later(waiting) => return Some(waiting),
        }
        None
    }

    fn wait_for(&mut self, connection: ConnectionId, work: Work) {
        self.pending.push(Pending { connection, work });
        self.answer_pending();
    }

    /// Goes on with the pages, and with the body that has waited for longest, one
    /// slice of it.
    pub(super) fn read_on(&mut self) {
        self.receive();
        while let Some((connection, body)) = self.bodies.pop_front() {
            if self.servers.is_open(connection) {
                self.read(connection, body);
                break;
            }
        }
        self.look_again();
    }

    fn look_again(&mut self) {
        let is_idle = self.bodies.is_empty() && self.visits.is_empty();
        let next = (!is_idle).then_some(self.context.now.monotonic.just_after());
        self.context.timers.set(Timer::Body, next);
    }

    fn read(&mut self, connection: ConnectionId, mut body: Body) {
        let mut daemon = rpc_daemon(
            &mut self.supervisor,
            &mut self.context,
            self.pid,
            &mut self.jobs,
        );
        let Some(reply) = body.go_on(&mut daemon) else {
            self.bodies.push_back((connection, body));
            return self.look_again();
        };
        let is_large = body.size() >= LARGE_BODY;
        drop(body);
        self.reply(connection, reply);
        // The values in it were many and small.
        if is_large {
            memory::trim();
        }
    }

    fn reply(&mut self, connection: ConnectionId, reply: Reply) {
        match reply {
            Reply::Body(body) => self
                .servers
                .respond_xml(&mut self.context, connection, body),
            Reply::NoCall => {
                self.servers
                    .refuse_request(&mut self.context, connection, &Refusal::BadCall);
            }
            Reply::Later { method, deferred } => {
                self.wait_for(connection, Work::Call { method, deferred });
            }
        }
    }

    /// Asks everything that waits whether it has its answer. A call whose client
    /// is known to have gone is dropped: what it began stays, what it had not begun
    /// is not done. (One that is in work is not read, so a client that leaves
    /// meanwhile is mostly noticed at the answer.) A job and an action go on, for a
    /// restart is one thing to who asks for it. What works instead of waiting shares a
    /// turn of the loop: who had no part in it comes first at the next.
    pub(super) fn answer_pending(&mut self) {
        self.go_on_with_jobs();
        let multicalls = count_multicalls(&self.pending);
        let mut size: usize = self.pending.iter().map(Pending::size).sum();
        let mut postponed = Vec::new();
        let mut has_worked = false;
        for pending in std::mem::take(&mut self.pending) {
            let mut daemon = rpc_daemon(
                &mut self.supervisor,
                &mut self.context,
                self.pid,
                &mut self.jobs,
            );
            // One gets on in any case: children alone may keep a turn busy.
            if pending.is_at_work()
                && std::mem::replace(&mut has_worked, true)
                && daemon.context.turn_is_over()
            {
                postponed.push(pending);
                continue;
            }
            let own_size = pending.size();
            let Pending { connection, work } = pending;
            let work = match work {
                Work::Call { .. } if !self.servers.is_open(connection) => continue,
                Work::Call { .. } if own_size > 0 && size > ANSWERS_LIMIT => {
                    size -= own_size;
                    self.servers.refuse_request(
                        &mut self.context,
                        connection,
                        &Refusal::ManyAnswers,
                    );
                    continue;
                }
                Work::Call {
                    method,
                    mut deferred,
                } => match poll::poll(&mut deferred, &mut daemon) {
                    Some(result) => {
                        let body = rpc::answer(&mut self.context, &method, result);
                        self.servers
                            .respond_xml(&mut self.context, connection, body);
                        continue;
                    }
                    None => Work::Call { method, deferred },
                },
                Work::Action(waiting) => {
                    let visited = self.web.poll(&mut daemon, waiting);
                    match self.show(connection, visited) {
                        Some(waiting) => Work::Action(waiting),
                        None => continue,
                    }
                }
            };
            self.pending.push(Pending { connection, work });
        }
        postponed.append(&mut self.pending);
        self.pending = postponed;
        // Their calls and results were many and small.
        if count_multicalls(&self.pending) < multicalls {
            memory::trim();
        }
        let reports = self
            .pending
            .iter()
            .filter_map(|waiting| match &waiting.work {
                Work::Call { deferred, .. } => deferred.next_report(),
                Work::Action(waiting) => waiting.next_report(),
            });
        let report_at = reports.chain(self.jobs.iter().filter_map(Job::next_report));
        let report_at = report_at.min();
        self.context.timers.set(Timer::StopReport, report_at);
    }

    /// What has come to its end is told to the call that waits for it, if one does.
    fn go_on_with_jobs(&mut self) {
        for mut job in std::mem::take(&mut self.jobs) {
            let mut daemon = rpc_daemon(
                &mut self.supervisor,
                &mut self.context,
                self.pid,
                &mut self.jobs,
            );
            if !steps::go_on(&mut job, &mut daemon) {
                self.jobs.push(job);
            }
        }
    }

    fn process_log(&self, name: &str, channel: &str) -> Option<String> {
        let channel = match channel {
            "stdout" => Channel::Stdout,
            "stderr" => Channel::Stderr,
            _ => return None,
        };
        names::process(&self.supervisor, name)
            .ok()?
            .log_path(channel)
            .map(str::to_owned)
    }

    /// As in 4.3.0, proxies are asked not to hold the logs of processes back.
    fn follow(&mut self, connection: ConnectionId, path: Option<String>, unbuffered: bool) {
        match path {
            Some(path) => {
                self.servers
                    .respond_tail(&mut self.context, connection, &path, unbuffered)
            }
            None => self
                .servers
                .refuse_request(&mut self.context, connection, &Refusal::NoLog),
        }
    }
}

fn count_multicalls(pending: &[Pending]) -> usize {
    let is_multicall = |waiting: &&Pending| {
        matches!(
            waiting.work,
            Work::Call {
                deferred: Deferred::Multicall(_),
                ..
            }
        )
    };
    pending.iter().filter(is_multicall).count()
}

fn rpc_daemon<'a>(
    supervisor: &'a mut Supervisor,
    context: &'a mut LoopContext,
    pid: u32,
    jobs: &'a mut Vec<Job>,
) -> rpc::interface::Daemon<'a> {
    rpc::interface::Daemon {
        supervisor,
        context,
        pid,
        jobs,
        interface: methods::INTERFACE,
    }
}
