//! Programs that a supervisord before this one has left behind, because it was killed: they are
//! told of at the start, or stopped before anything starts.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::config;
use crate::loop_context::LoopContext;
use crate::process::policy;
use crate::signal::Signal;
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::supervisor::child_record::{self, Child, ChildRecord};
use crate::sys::{errno, kill, processes, trust};
use crate::tokens::{ProcessId, Timer};
use crate::vec_map::VecMap;

/// How often it is looked whether those that are being stopped have gone.
const PAUSE: Duration = Duration::from_millis(50);

/// How long one has to stop whose program is not configured any more.
const STOP_TIME: Duration = Duration::from_secs(10);

/// How long a process that was killed is waited for.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// How many are named in the log one by one.
const NAMED: usize = 20;

/// Nobody gives a program a longer name than this, in bytes.
const LONGEST_NAME: usize = 1024;

/// Those that are being stopped, and the record of this supervisord's own children.
#[derive(Debug, Default)]
pub struct Leftovers {
    stopping: Vec<Stopping>,
    record: Option<ChildRecord>,
}

saved! { struct Leftovers { stopping, record } }

/// One that is being stopped.
#[derive(Debug)]
struct Stopping {
    child: Child,
    deadline: Monotonic,
    killed: bool,
    killasgroup: bool,
}

saved! { struct Stopping { child, deadline, killed, killasgroup } }

impl Leftovers {
    /// Whether some are being stopped, so that nothing is to start yet.
    pub fn are_stopping(&self) -> bool {
        !self.stopping.is_empty()
    }

    /// The one of that process that still runs, if any.
    pub fn pid_of(&self, group: &str, process: &str) -> Option<i32> {
        let mut stopping = self.stopping.iter();
        let found = stopping
            .find(|leftover| leftover.child.group == group && leftover.child.process == process)?;
        Some(found.child.pid)
    }
}

impl Supervisor {
    /// Called when the servers listen, for nobody else has their addresses then. A restart tells
    /// of none: they were told of at the first start, and some may not have gone yet.
    pub fn look_for_leftovers(&mut self, context: &mut LoopContext, is_restart: bool) {
        let setting = self.config.supervisord.leftovers;
        let mut recorded = Vec::new();
        if setting == config::Leftovers::Kill {
            recorded = self.read_record(context);
        }
        let is_told = is_restart || setting == config::Leftovers::Ignore;
        let url = self.child_settings.server_url.as_deref();
        if let Some(url) = url.filter(|_| !is_told) {
            let mut found = find(url);
            found
                .retain(|Found { child, .. }| !recorded.iter().any(|known| known.pid == child.pid));
            tell(context, &found, setting);
        }
        for child in recorded {
            self.stop_leftover(context, child);
        }
        self.leftovers_due(context);
    }

    /// Begins the record of the children, where there is to be one.
    pub fn begin_record(&mut self, context: &mut LoopContext) {
        let settings = &self.config.supervisord;
        if settings.leftovers != config::Leftovers::Kill {
            return;
        }
        let Some(pidfile) = &settings.pidfile else {
            context.log.warn(
                "leftovers=kill keeps its record beside the pid file, and there is none: set pidfile",
            );
            return;
        };
        let path = child_record::path_beside(pidfile);
        let stopping = self.leftovers.stopping.iter();
        let stopping: Vec<Child> = stopping.map(|leftover| leftover.child.clone()).collect();
        match ChildRecord::create(&path, &stopping) {
            Ok(record) => self.leftovers.record = Some(record),
            Err(error) => context.log.warn(format_args!(
                "cannot write {path}: {}; children that a killed supervisord leaves behind will not be known",
                errno::reason(&error)
            )),
        }
    }

    pub fn note_child(&mut self, context: &mut LoopContext, pid: i32, id: ProcessId) {
        let living = self.pids.len();
        let process = self.groups.process(id);
        let Some((record, process)) = self.leftovers.record.as_mut().zip(process) else {
            return;
        };
        // One that has gone already cannot be left behind.
        let Some(stat) = processes::stat(pid) else {
            return;
        };
        let child = Child {
            pid,
            started: stat.started,
            group: process.group_name().to_owned(),
            process: process.config().name.clone(),
        };
        if let Err(error) = record.add(&child, living) {
            context.log.warn(format_args!(
                "cannot note pid {pid} of {} for leftovers=kill: {}",
                child.name(),
                errno::reason(&error)
            ));
        }
    }

    /// Looks how far those are that are being stopped.
    pub fn leftovers_due(&mut self, context: &mut LoopContext) {
        let now = context.now.monotonic;
        let mut stopping = std::mem::take(&mut self.leftovers.stopping);
        if stopping.is_empty() {
            return;
        }
        stopping.retain_mut(|leftover| go_on(context, leftover, now));
        match stopping.is_empty() {
            true => {
                context
                    .log
                    .info("nothing that an earlier supervisord started is waited for any more");
                // What waits for that is started in this turn.
                self.changed = true;
            }
            false => context.timers.set(Timer::Leftovers, Some(now + PAUSE)),
        }
        self.leftovers.stopping = stopping;
    }

    /// What the record beside the pid file says, as far as it still runs.
    fn read_record(&self, context: &mut LoopContext) -> Vec<Child> {
        let Some(pidfile) = &self.config.supervisord.pidfile else {
            return Vec::new();
        };
        let path = child_record::path_beside(pidfile);
        match child_record::read(&path) {
            Ok(mut children) => {
                children.retain(Child::is_alive);
                children
            }
            Err(error) => {
                context.log.warn(format_args!(
                    "cannot read {path}: {}; nothing in it is stopped",
                    errno::reason(&error)
                ));
                Vec::new()
            }
        }
    }

    /// Stops one as its program is configured now, or as programs are by default.
    fn stop_leftover(&mut self, context: &mut LoopContext, child: Child) {
        let configured = self
            .groups
            .process_named(&child.group, &child.process)
            .map(|process| process.config());
        let signal = configured.map_or(Signal::TERM, |process| process.stopsignal.first);
        let wait = configured.map_or(Some(STOP_TIME), policy::stop_time);
        let stopasgroup = configured.is_some_and(|process| process.stopasgroup);
        let killasgroup = configured.is_some_and(|process| process.killasgroup);
        context.log.warn(format_args!(
            "{} runs since an earlier supervisord (pid {}): stopping it with {signal}",
            child.name(),
            child.pid
        ));
        send(context, &child, signal, stopasgroup);
        self.leftovers.stopping.push(Stopping {
            child,
            deadline: context.now.monotonic + wait.unwrap_or(Duration::MAX),
            killed: false,
            killasgroup,
        });
    }
}

/// Looks after one that is being stopped; false when it is not waited for any more.
fn go_on(context: &mut LoopContext, leftover: &mut Stopping, now: Monotonic) -> bool {
    if !leftover.child.is_alive() {
        return false;
    }
    if now < leftover.deadline {
        return true;
    }
    let name = leftover.child.name();
    let pid = leftover.child.pid;
    if leftover.killed {
        context.log.warn(format_args!(
            "{name} of an earlier supervisord (pid {pid}) has not gone after SIGKILL: it is not waited for"
        ));
        return false;
    }
    context
        .log
        .warn(format_args!("killing '{name}' ({pid}) with SIGKILL"));
    send(context, &leftover.child, Signal::KILL, leftover.killasgroup);
    leftover.killed = true;
    leftover.deadline = now + AFTER_KILL;
    true
}

fn send(context: &mut LoopContext, child: &Child, signal: Signal, group: bool) {
    let sent = match group {
        true => kill::kill_group(child.pid, signal),
        false => kill::kill(child.pid, signal),
    };
    match sent {
        Ok(()) | Err(libc::ESRCH) => {}
        Err(errno) => context.log.warn(format_args!(
            "cannot send {signal} to {} (pid {}): {}",
            child.name(),
            child.pid,
            errno::text(errno)
        )),
    }
}

/// A process that says of itself that an earlier supervisord has started it.
struct Found {
    child: Child,
    /// Who could say so of any process: its user, where that is neither root nor this process's.
    user: Option<String>,
}

impl Found {
    fn of(child: Child) -> Found {
        let user = processes::real_user(child.pid).filter(|user| !trust::is_trusted(*user));
        let user = user.map(trust::user_named);
        Found { child, user }
    }
}

/// Warns of processes that run since an earlier supervisord.
fn tell(context: &mut LoopContext, found: &[Found], setting: config::Leftovers) {
    let cure = match setting {
        config::Leftovers::Kill => "it is not in the record, so stop it yourself",
        _ => "stop it, or set leftovers=kill in [supervisord]",
    };
    for Found { child, user } in found.iter().take(NAMED) {
        let user = user.as_ref().map(|user| format!(" of {user}"));
        context.log.warn(format_args!(
            "{} runs since an earlier supervisord (pid {}{}), which has not stopped it: {cure}",
            child.name(),
            child.pid,
            user.unwrap_or_default()
        ));
    }
    if let Some(more) = found.len().checked_sub(NAMED).filter(|more| *more > 0) {
        context
            .log
            .warn(format_args!("and {more} more processes run since then"));
    }
}

/// The processes that a supervisord with that URL has started, without those that they started.
fn find(url: &str) -> Vec<Found> {
    let own = ancestors(std::process::id());
    let mut found = VecMap::new();
    for pid in processes::pids() {
        if own.contains(&pid) {
            continue;
        }
        let Some(environment) = processes::environment(pid) else {
            continue;
        };
        let value = |name: &str| {
            let mut variables = environment.iter();
            let found = variables.find(|(known, _)| known == name.as_bytes())?;
            Some(String::from_utf8_lossy(&found.1).into_owned())
        };
        if value("SUPERVISOR_SERVER_URL").as_deref() != Some(url) {
            continue;
        }
        let name = |name| value(name).filter(|name| name.len() <= LONGEST_NAME);
        let names = name("SUPERVISOR_GROUP_NAME").zip(name("SUPERVISOR_PROCESS_NAME"));
        let Some(((group, process), stat)) = names.zip(processes::stat(pid)) else {
            continue;
        };
        if !stat.is_zombie && processes::is_beside_us(pid) {
            let child = Child {
                pid,
                started: stat.started,
                group,
                process,
            };
            found.insert(pid, (stat.parent, child));
        }
    }
    let tops = found
        .values()
        .filter(|(parent, _)| !found.contains_key(parent));
    tops.map(|(_, child)| Found::of(child.clone())).collect()
}

/// This process and those that it descends from.
fn ancestors(pid: u32) -> Vec<i32> {
    let mut pids = Vec::new();
    let mut next = i32::try_from(pid).ok();
    while let Some(pid) = next.filter(|pid| *pid > 0 && !pids.contains(pid)) {
        pids.push(pid);
        next = processes::stat(pid).map(|stat| stat.parent);
    }
    pids
}
