//! Stopping everything: from the highest priority value down, everything of one
//! priority at once, the next when all of it is stopped. Event listeners come
//! last, whatever their priority, and only when they have taken what waits for
//! them or had the time for it: so they are told of everything that stops.
//!
//! 4.3.0 stops one group after the other, and listeners by their priority.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::GroupKind;
use crate::config::amounts::Limit;
use crate::config::error::ConfigError;
use crate::config::load;
use crate::events::event::Event;
use crate::log_level::Level;
use crate::loop_context::LoopContext;
use crate::process::group::Group;
use crate::process::machine::Input;
use crate::process::scheduler::{self, NextStop};
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::states::{ProcessState, SupervisorState};
use crate::supervisor::Supervisor;
use crate::sys::{errno, fd};
use crate::tokens::{ProcessId, Timer};

/// How often it is told who is waited for.
const REPORT_INTERVAL: Duration = Duration::from_secs(3);

/// A shutdown or restart under way.
#[derive(Debug)]
pub struct Shutdown {
    /// What pools are given to take what waits.
    drain: Drain,
    /// `waiting for ... to die` is due.
    report_due: bool,
    /// Listeners have been told that it has begun.
    announced: bool,
}

saved! { struct Shutdown { drain, report_due, announced } }

/// Why a restart was not begun.
#[derive(Debug)]
pub enum NotRestarted {
    Config(ConfigError),
    /// No program could be started.
    Pipe(io::Error),
}

impl fmt::Display for NotRestarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRestarted::Config(error) => f.write_str(&error.told()),
            NotRestarted::Pipe(error) => write!(f, "cannot make a pipe: {}", errno::reason(error)),
        }
    }
}

/// Whether pools are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drain {
    /// Not yet.
    Ahead,
    /// Until then at most.
    Until(Monotonic),
    /// Not any more.
    Over,
}

saved! { enum Drain { Ahead, Until(a), Over } }

impl Supervisor {
    /// Begins to go down, to exit or to start again. An exit overrides a restart.
    pub fn go_down(&mut self, state: SupervisorState) {
        self.state = state;
        self.drop_wishes();
        self.shutdown.get_or_insert(Shutdown {
            drain: Drain::Ahead,
            report_due: true,
            announced: false,
        });
    }

    /// Begins to go down to start again, if the configuration can be read and programs can be
    /// given pipes: else everything goes on as it is. 4.3.0 stops first and then
    /// finds that it cannot start.
    pub fn restart(&mut self, context: &mut LoopContext) -> Result<(), NotRestarted> {
        let request = self.start_request.find();
        let tried = request
            .and_then(|request| load::load(&request))
            .map_err(NotRestarted::Config)
            .and_then(|_| fd::pipe().map_err(NotRestarted::Pipe));
        match tried {
            Ok(_) => {
                self.go_down(SupervisorState::Restarting);
                Ok(())
            }
            Err(error) => {
                context.log.error(format_args!(
                    "not restarted, everything goes on as it is: {error}"
                ));
                Err(error)
            }
        }
    }

    /// Ends a shutdown at once: everything that still runs is killed, whatever its turn and its
    /// `stopwaitsecs`, and no listener is waited for.
    pub fn kill_everything(&mut self, context: &mut LoopContext) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.drain = Drain::Over;
        }
        self.kill_hooks();
        for id in self.processes_by_priority().into_iter().rev() {
            let input = match self.state_of(id) {
                Some(ProcessState::Running | ProcessState::Starting) => Some(Input::Stop),
                Some(ProcessState::Backoff) => Some(Input::GiveUp),
                _ => None,
            };
            // A signal that cannot be sent has been logged.
            if let Some(input) = input {
                let _ = self.feed(context, id, input);
            }
            // Its time to stop is over.
            if self.state_of(id) == Some(ProcessState::Stopping) {
                let _ = self.feed(context, id, Input::Kill);
            }
        }
    }

    fn state_of(&self, id: ProcessId) -> Option<ProcessState> {
        let process = self.groups.process(id)?;
        Some(process.machine().state())
    }

    /// Sets the end of the time that a shutdown has, if it has one.
    fn limit_shutdown(&self, context: &mut LoopContext) {
        if let Limit::Of(time) = self.config.supervisord.shutdown_timeout {
            let end = context.now.monotonic + time;
            context.timers.set(Timer::ShutdownTimeout, Some(end));
        }
    }

    /// A shutdown has had its time, whatever programs want.
    pub fn shutdown_overdue(&mut self, context: &mut LoopContext) {
        context
            .log
            .warn("the shutdown_timeout is over: everything that still runs is killed");
        self.kill_everything(context);
    }

    /// The moment for another `waiting for ... to die` line has come.
    pub fn shutdown_report_due(&mut self) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.report_due = true;
        }
    }

    /// Takes the next steps of going down; true when everything is stopped.
    pub fn advance_shutdown(&mut self, context: &mut LoopContext) -> bool {
        let Some(mut shutdown) = self.shutdown.take() else {
            return false;
        };
        if !std::mem::replace(&mut shutdown.announced, true) {
            self.limit_shutdown(context);
            self.emit(context, &Event::supervisor_stopping());
        }
        let upgrade_is_over = self.end_upgrade_trial();
        let all_stopped = self.stop_by_priority(context, false)
            && self.drain_pools(context, &mut shutdown.drain)
            && self.stop_by_priority(context, true);
        let finished = all_stopped
            && upgrade_is_over
            && self.hooks.have_ended()
            && self.end_handlers(context)
            && self.end_processor(context);
        if !all_stopped && std::mem::take(&mut shutdown.report_due) {
            self.report(context);
            let next = Some(context.now.monotonic + REPORT_INTERVAL);
            context.timers.set(Timer::ShutdownReport, next);
        }
        self.shutdown = Some(shutdown);
        finished
    }

    /// Stops all event listeners or everything else, as the scheduler says; true when all have
    /// stopped. Nothing starts any more, so each is told once.
    fn stop_by_priority(&mut self, context: &mut LoopContext, listeners: bool) -> bool {
        loop {
            let groups = self.groups.iter();
            let stopped = groups.filter(|group| self.pools.get(group.id).is_some() == listeners);
            let members = stopped.flat_map(Group::members);
            let members = members.map(|member| self.weighed(member));
            let is_held = |id| self.has_living_dependants(id, listeners);
            let told = match scheduler::next_to_stop(members, is_held) {
                NextStop::Finished => return true,
                NextStop::Waits => return false,
                NextStop::Stop(told) => told,
            };
            for id in told {
                let input = match self.state_of(id) {
                    Some(ProcessState::Backoff) => Input::GiveUp,
                    _ => Input::Stop,
                };
                // A signal that cannot be sent ends in UNKNOWN, which nobody waits for.
                let _ = self.feed(context, id, input);
            }
        }
    }

    /// Gives listeners the time to take what waits; true when they have, or
    /// have had it.
    fn drain_pools(&mut self, context: &mut LoopContext, drain: &mut Drain) -> bool {
        let now = context.now.monotonic;
        let end = match *drain {
            Drain::Over => return true,
            Drain::Until(end) => end,
            Drain::Ahead => {
                let seconds = self.config.supervisord.event_drain_timeout;
                now + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
            }
        };
        if now < end && self.groups.iter().any(|group| self.is_draining(group)) {
            *drain = Drain::Until(end);
            context.timers.set(Timer::EventDrain, Some(end));
            return false;
        }
        *drain = Drain::Over;
        context.timers.set(Timer::EventDrain, None);
        self.tell_of_given_up_events(context);
        true
    }

    /// Whether a pool has something to do and a listener that can do it.
    fn is_draining(&self, group: &Group) -> bool {
        matches!(group.config.kind, GroupKind::Listeners(_))
            && self.has_living_listener(group.id)
            && self.unprocessed_events(group) > 0
    }

    /// How many events wait in a pool or are in the hands of its listeners.
    fn unprocessed_events(&self, group: &Group) -> usize {
        let waiting = self.pools.get(group.id).map_or(0, |pool| pool.buffer.len());
        let listeners = group.processes.iter().filter_map(Subprocess::listener);
        let busy = listeners.filter(|listener| listener.message.is_some());
        waiting + busy.count() + self.handlers.messages(group.id).count()
    }

    fn tell_of_given_up_events(&self, context: &mut LoopContext) {
        for group in self.groups.iter() {
            let count = self.unprocessed_events(group);
            if count > 0 {
                context.log.warn(format_args!(
                    "pool {}: {count} events are given up, no listener has processed them in time",
                    group.config.name
                ));
            }
        }
    }

    /// Tells of everybody who is waited for, in the order of activation.
    fn report(&self, context: &mut LoopContext) {
        let processes = || {
            let all = self.groups.iter().flat_map(|group| &group.processes);
            all.filter(|process| !process.machine().state().is_stopped())
        };
        let names: Vec<&str> = processes()
            .map(|process| process.config().name.as_str())
            .collect();
        context
            .log
            .info(format_args!("waiting for {} to die", names.join(", ")));
        if context.log.enabled(Level::Blather) {
            for process in processes() {
                let state = process.machine().state().name();
                context
                    .log
                    .blather(format_args!("{} state: {state}", process.config().name));
            }
        }
    }
}
