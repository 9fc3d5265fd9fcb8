//! Stopping everything: one group after the other from the highest priority
//! value down, all members of a group at once, the next group when every
//! member of this one is stopped.

use std::time::Duration;

use crate::config::error::ConfigError;
use crate::config::load;
use crate::events::event::Event;
use crate::loggers::level::Level;
use crate::process::machine::Input;
use crate::reactor::Reactor;
use crate::states::{ProcessState, SupervisorState};
use crate::supervisor::Supervisor;
use crate::tokens::{GroupId, Timer};

/// How often it is told who is waited for.
const REPORT_INTERVAL: Duration = Duration::from_secs(3);

/// A shutdown or restart under way.
#[derive(Debug)]
pub struct Shutdown {
    /// Groups not yet stopped, in starting order: the last one is in work.
    remaining: Vec<GroupId>,
    /// `waiting for ... to die` is due.
    report_due: bool,
    /// Listeners have been told that it has begun.
    announced: bool,
}

impl Supervisor {
    /// Begins to go down, to exit or to start again. An exit overrides a restart.
    pub fn go_down(&mut self, state: SupervisorState) {
        self.state = state;
        self.shutdown.get_or_insert_with(|| Shutdown {
            remaining: self.groups.by_priority(),
            report_due: true,
            announced: false,
        });
    }

    /// Begins to go down to start again, if the configuration can be read: with
    /// one that cannot, everything goes on as it is. 4.3.0 stops first and then
    /// finds that it cannot start.
    pub fn restart(&mut self, reactor: &mut Reactor) -> Result<(), ConfigError> {
        let read = self
            .start_request
            .find()
            .and_then(|request| load::load(&request));
        match read {
            Ok(_) => {
                self.go_down(SupervisorState::Restarting);
                Ok(())
            }
            Err(error) => {
                reactor.log.error(format_args!(
                    "not restarted, everything goes on as it is: {error}"
                ));
                Err(error)
            }
        }
    }

    /// The moment for another `waiting for ... to die` line has come.
    pub fn shutdown_report_due(&mut self) {
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.report_due = true;
        }
    }

    /// Takes the next steps of going down; true when everything is stopped.
    pub fn advance_shutdown(&mut self, reactor: &mut Reactor) -> bool {
        let Some(mut shutdown) = self.shutdown.take() else {
            return false;
        };
        if !std::mem::replace(&mut shutdown.announced, true) {
            self.emit(reactor, &Event::supervisor_stopping());
        }
        while let Some(&group) = shutdown.remaining.last() {
            self.stop_group(reactor, group);
            if self
                .groups
                .get(group)
                .is_some_and(|group| !group.is_stopped())
            {
                break;
            }
            shutdown.remaining.pop();
        }
        let all_stopped = shutdown.remaining.is_empty();
        let finished = all_stopped && self.end_handlers(reactor);
        if !all_stopped && std::mem::take(&mut shutdown.report_due) {
            self.report(reactor);
            reactor.timers.set(
                Timer::ShutdownReport,
                Some(reactor.now.monotonic + REPORT_INTERVAL),
            );
        }
        self.shutdown = Some(shutdown);
        finished
    }

    /// Signals the members of a group in descending order of priority.
    fn stop_group(&mut self, reactor: &mut Reactor, group: GroupId) {
        let Some(group) = self.groups.get(group) else {
            return;
        };
        for id in group.by_priority().into_iter().rev() {
            let Some(process) = self.groups.process(id) else {
                continue;
            };
            let input = match process.machine().state() {
                ProcessState::Running | ProcessState::Starting => Input::Stop,
                ProcessState::Backoff => Input::GiveUp,
                _ => continue,
            };
            // A signal that cannot be sent ends in UNKNOWN, which nobody waits for.
            let _ = self.feed(reactor, id, input);
        }
    }

    /// Tells of everybody who is waited for, in the order of activation.
    fn report(&self, reactor: &mut Reactor) {
        let processes = || {
            let all = self.groups.iter().flat_map(|group| &group.processes);
            all.filter(|process| !process.machine().state().is_stopped())
        };
        let names: Vec<&str> = processes()
            .map(|process| process.config().name.as_str())
            .collect();
        reactor
            .log
            .info(format_args!("waiting for {} to die", names.join(", ")));
        if reactor.log.enabled(Level::Blather) {
            for process in processes() {
                let state = process.machine().state().name();
                reactor
                    .log
                    .blather(format_args!("{} state: {state}", process.config().name));
            }
        }
    }
}
