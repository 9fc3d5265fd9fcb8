//! What is known of the health of one child, and how it is found out. It exists for a process
//! whose configuration asks for it, from the making of its child to the end of that.
//!
//! It knows its process by its id alone: what has happened is returned as [`News`].

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::command::Command;
use crate::config::{Check, CheckTarget, Checks, Process, Purpose, Readiness};
use crate::loop_context::LoopContext;
use crate::process::health::Health;
use crate::process::health::probe::{self, Begun, Outcome, Probe};
use crate::process::health::schedule::{Schedule, Verdict};
use crate::process::policy;
use crate::snapshot::saved;
use crate::sys::notify_inbox::{self, InboxAddress};
use crate::sys::poller::{Interest, Token};
use crate::sys::{fd, host};
use crate::tokens::{FdOwner, ProcessId};

/// How many messages are taken in one turn of the loop: a process that floods its socket has no
/// more of it than others.
const MESSAGES: usize = 16;

/// What has come of something, for who acts on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The child is ready.
    Ready,
    /// It is healthy now.
    Healthy,
    /// It is not healthy any more, and why.
    Unhealthy(String),
    /// Checks of its readiness have failed several times in a row.
    NotReady(String),
    /// A check is to be made by this command within that time.
    Run(Command, Duration),
}

/// What a child is given to tell how it is.
#[derive(Debug, Default)]
pub struct Given {
    /// Variables of its environment.
    pub variables: Vec<(&'static str, String)>,
    /// The writing end of a pipe, and under which number it has it.
    pub pipe: Option<(OwnedFd, i32)>,
}

#[derive(Debug)]
pub struct Watch {
    id: ProcessId,
    process: Rc<Process>,
    /// The socket for sd_notify, and its name for as long as it is open.
    inbox: Option<(Token, InboxAddress)>,
    /// The pipe that a line comes on.
    pipe: Option<Token>,
    schedule: Option<Schedule>,
    /// A check that is under way.
    under_way: Option<UnderWay>,
    /// The address of the host that checks go to.
    address: Option<IpAddr>,
    /// It is RUNNING.
    is_up: bool,
    /// What the liveness checks say, once they have said something.
    is_alive: Option<bool>,
    /// When the next sign of life has to have come.
    watchdog: Option<Monotonic>,
    /// It has not come.
    is_silent: bool,
    /// When it has last said itself that something is wrong.
    complained: Option<Monotonic>,
    health: Health,
    /// Why it is not healthy, or not ready.
    reason: String,
    /// Why it is not ready, as that was last told in the log.
    told: String,
    /// What it says of itself.
    status: String,
}

saved! {
    struct Watch {
        id, process, inbox, pipe, schedule, under_way, address, is_up, is_alive,
        watchdog, is_silent, complained, health, reason, told, status,
    }
}

#[derive(Debug)]
struct UnderWay {
    /// When its time is over.
    deadline: Monotonic,
    /// `None` for a command, which somebody else runs and ends.
    probe: Option<Probe>,
}

saved! { struct UnderWay { deadline, probe } }

impl Watch {
    /// What is needed for a child of that process that is about to be made, and what that is
    /// given; `None` where nobody asks.
    pub fn prepare(
        context: &mut LoopContext,
        id: ProcessId,
        process: &Rc<Process>,
    ) -> io::Result<Option<(Box<Watch>, Given)>> {
        let Some(checks) = process.checks.as_deref() else {
            return Ok(None);
        };
        let mut watch = Box::new(Watch {
            id,
            process: Rc::clone(process),
            inbox: None,
            pipe: None,
            schedule: None,
            under_way: None,
            address: None,
            is_up: false,
            is_alive: None,
            watchdog: None,
            is_silent: false,
            complained: None,
            health: Health::Starting,
            reason: String::new(),
            told: String::new(),
            status: String::new(),
        });
        match watch.open(context, checks) {
            Ok(given) => Ok(Some((watch, given))),
            Err(error) => {
                watch.close(context);
                Err(error)
            }
        }
    }

    fn open(&mut self, context: &mut LoopContext, checks: &Checks) -> io::Result<Given> {
        let owner = FdOwner::Health(self.id);
        let mut given = Given::default();
        if checks.listens() {
            let inbox = notify_inbox::open(self.process.uid)?;
            let name = inbox.address.name.clone();
            given.variables.push(("NOTIFY_SOCKET", name));
            let token = context
                .poller
                .register(inbox.descriptor, Interest::READ, owner)?;
            self.inbox = Some((token, inbox.address));
        }
        if !checks.watchdog.is_zero() {
            let microseconds = checks.watchdog.as_micros().to_string();
            given.variables.push(("WATCHDOG_USEC", microseconds));
        }
        if let Some(Readiness::Descriptor(number)) = checks.readiness {
            let pipe = fd::pipe()?;
            fd::set_nonblocking(pipe.read.as_fd())?;
            let token = context.poller.register(pipe.read, Interest::READ, owner)?;
            self.pipe = Some(token);
            given.pipe = Some((pipe.write, number));
        }
        Ok(given)
    }

    /// Goes by other checks of the same child. A check that is the same goes on.
    pub fn renew(&mut self, context: &mut LoopContext, process: &Rc<Process>) -> Vec<News> {
        let purpose = match self.is_up {
            true => Purpose::Liveness,
            false => Purpose::Readiness,
        };
        let before = std::mem::replace(&mut self.process, Rc::clone(process));
        let is_same = match (before.checks.as_deref(), process.checks.as_deref()) {
            (Some(before), Some(after)) => before.check(purpose) == after.check(purpose),
            _ => false,
        };
        if is_same {
            return Vec::new();
        }
        self.stop_probe(context);
        self.schedule(purpose, context.now.monotonic);
        if self.schedule.is_none() {
            self.is_alive = None;
        }
        self.judge()
    }

    /// Its child has been made.
    pub fn begin(&mut self, now: Monotonic) {
        self.schedule(Purpose::Readiness, now);
    }

    /// Its child is RUNNING.
    pub fn come_up(&mut self, now: Monotonic) -> Vec<News> {
        self.is_up = true;
        self.reason.clear();
        self.schedule(Purpose::Liveness, now);
        self.await_sign(now);
        self.judge()
    }

    /// Its child is being stopped: nothing is asked any more.
    pub fn pause(&mut self, context: &mut LoopContext) {
        self.schedule = None;
        self.watchdog = None;
        self.stop_probe(context);
    }

    /// Its child has ended.
    pub fn close(&mut self, context: &mut LoopContext) {
        self.pause(context);
        let inbox = self.inbox.take().map(|(token, _)| token);
        for token in inbox.into_iter().chain(self.pipe.take()) {
            context.poller.close(token);
        }
    }

    /// How its child is.
    pub fn health(&self) -> Health {
        self.health
    }

    /// Why it is not healthy, or not ready; empty if there is nothing to tell.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What it says of itself.
    pub fn status(&self) -> &str {
        &self.status
    }

    /// When [`Watch::due`] is to be called.
    pub fn deadline(&self) -> Option<Monotonic> {
        let check = match &self.under_way {
            Some(under_way) => under_way.probe.as_ref().map(|_| under_way.deadline),
            None => self.schedule.as_ref().and_then(Schedule::next),
        };
        check.into_iter().chain(self.watchdog).min()
    }

    /// One of its descriptors is ready.
    pub fn handle(&mut self, context: &mut LoopContext, token: Token) -> Vec<News> {
        if self.pipe == Some(token) {
            return self.read_pipe(context, token);
        }
        if self
            .inbox
            .as_ref()
            .is_some_and(|(inbox, _)| *inbox == token)
        {
            return self.read_messages(context, token);
        }
        let probe = self.under_way.as_mut().and_then(|way| way.probe.as_mut());
        match probe.filter(|probe| probe.is(token)) {
            Some(probe) => match probe.handle(context) {
                Some(outcome) => {
                    self.stop_probe(context);
                    self.finish_check(outcome, context.now.monotonic)
                }
                None => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    /// Its deadline may have come.
    pub fn due(&mut self, context: &mut LoopContext) -> Vec<News> {
        let now = context.now.monotonic;
        let mut news = Vec::new();
        if self.watchdog.is_some_and(|deadline| deadline <= now) {
            self.watchdog = None;
            self.is_silent = true;
            let time = self
                .checks()
                .map_or(Duration::ZERO, |checks| checks.watchdog);
            self.reason = format!("no WATCHDOG=1 within {}", policy::in_words(time));
            news.extend(self.judge());
        }
        match &self.under_way {
            Some(UnderWay {
                deadline,
                probe: Some(probe),
            }) if *deadline <= now => {
                let outcome = probe.found_so_far();
                self.stop_probe(context);
                let outcome = outcome.unwrap_or_else(|| Err(self.too_late()));
                news.extend(self.finish_check(outcome, now));
            }
            Some(_) => {}
            None => {
                let next = self.schedule.as_ref().and_then(Schedule::next);
                if next.is_some_and(|next| next <= now) {
                    news.extend(self.begin_check(context));
                }
            }
        }
        news
    }

    /// Why a check has failed whose time is over.
    pub fn too_late(&self) -> String {
        let time = self.check().map_or(Duration::ZERO, |check| check.timeout);
        format!("no answer within {}", policy::in_words(time))
    }

    /// A check has come to its end.
    pub fn finish_check(&mut self, outcome: Outcome, now: Monotonic) -> Vec<News> {
        self.under_way = None;
        let process = Rc::clone(&self.process);
        let checks = process.checks.as_deref();
        let Some(schedule) = &mut self.schedule else {
            return Vec::new();
        };
        let purpose = schedule.purpose;
        let Some(check) = checks.and_then(|checks| checks.check(purpose)) else {
            return Vec::new();
        };
        let verdict = schedule.finish(&check, outcome.is_ok(), now);
        let reason = match outcome {
            Ok(()) => String::new(),
            Err(reason) => match check.target {
                CheckTarget::Command(_) => reason,
                target => format!("{}: {reason}", probe::name_of(target)),
            },
        };
        match (purpose, verdict) {
            (Purpose::Readiness, Some(Verdict::Passed)) => {
                self.schedule = None;
                vec![News::Ready]
            }
            (Purpose::Readiness, verdict) => {
                self.reason.clone_from(&reason);
                let is_new = verdict.is_some() && self.told != reason;
                if is_new {
                    self.told.clone_from(&reason);
                }
                is_new
                    .then_some(News::NotReady(reason))
                    .into_iter()
                    .collect()
            }
            (Purpose::Liveness, None) => Vec::new(),
            (Purpose::Liveness, Some(verdict)) => {
                self.is_alive = Some(verdict == Verdict::Passed);
                if !self.is_silent {
                    self.reason = reason;
                }
                self.judge()
            }
        }
    }

    fn checks(&self) -> Option<&Checks> {
        self.process.checks.as_deref()
    }

    /// The check that is made at present.
    fn check(&self) -> Option<Check<'_>> {
        self.checks()?.check(self.schedule.as_ref()?.purpose)
    }

    /// Begins with the checks of a purpose, if there are any.
    fn schedule(&mut self, purpose: Purpose, now: Monotonic) {
        let process = Rc::clone(&self.process);
        let checks = process.checks.as_deref();
        let check = checks.and_then(|checks| checks.check(purpose));
        self.address = check.and_then(|check| match check.target {
            CheckTarget::Http { host, .. } | CheckTarget::Tcp { host, .. } => {
                host::resolve_at_once(host)
            }
            CheckTarget::Unix(_) | CheckTarget::Command(_) => None,
        });
        let seed = policy::seed(&process.name, now);
        self.schedule = check.map(|check| Schedule::new(purpose, &check, seed, now));
    }

    fn begin_check(&mut self, context: &mut LoopContext) -> Vec<News> {
        let now = context.now.monotonic;
        let process = Rc::clone(&self.process);
        let purpose = self.schedule.as_ref().map(|schedule| schedule.purpose);
        let check = match (process.checks.as_deref(), purpose) {
            (Some(checks), Some(purpose)) => checks.check(purpose),
            _ => None,
        };
        let (Some(schedule), Some(check)) = (&mut self.schedule, check) else {
            return Vec::new();
        };
        schedule.begin(now);
        let deadline = now + check.timeout;
        if let CheckTarget::Command(command) = check.target {
            self.under_way = Some(UnderWay {
                deadline,
                probe: None,
            });
            return vec![News::Run(command.clone(), check.timeout)];
        }
        match probe::begin(
            context,
            FdOwner::Health(self.id),
            check.target,
            self.address,
        ) {
            Begun::Finished(outcome) => self.finish_check(outcome, now),
            Begun::UnderWay(probe) => {
                self.under_way = Some(UnderWay {
                    deadline,
                    probe: Some(probe),
                });
                Vec::new()
            }
        }
    }

    fn stop_probe(&mut self, context: &mut LoopContext) {
        if let Some(probe) = self.under_way.take().and_then(|way| way.probe) {
            probe.close(context);
        }
    }

    /// A sign of life has come, or is expected from now on.
    fn asks(&self, readiness: &Readiness) -> bool {
        let asked = self.checks().and_then(|checks| checks.readiness.as_ref());
        asked == Some(readiness)
    }

    /// What all that is known comes to; what of it is new.
    fn judge(&mut self) -> Vec<News> {
        let checks_liveness = self
            .checks()
            .is_some_and(|checks| checks.liveness_check.is_some());
        let health = match self.is_alive {
            _ if !self.is_up => Health::Starting,
            _ if self.is_silent => Health::Unhealthy,
            Some(false) => Health::Unhealthy,
            None if checks_liveness => Health::Starting,
            _ => Health::Healthy,
        };
        let before = std::mem::replace(&mut self.health, health);
        if before == health {
            return Vec::new();
        }
        match health {
            Health::Starting => Vec::new(),
            Health::Healthy => {
                self.reason.clear();
                vec![News::Healthy]
            }
            Health::Unhealthy => vec![News::Unhealthy(self.reason.clone())],
        }
    }
}

impl Given {
    /// The pipe as a child gets it.
    pub fn descriptor(&self) -> Option<(BorrowedFd<'_>, i32)> {
        let (pipe, number) = self.pipe.as_ref()?;
        Some((pipe.as_fd(), *number))
    }
}

mod words;
