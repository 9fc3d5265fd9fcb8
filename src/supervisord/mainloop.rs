//! The main loop: wait, signals, dispatchers, reap, transitions, deferred
//! replies. Work is done for what is ready or due. With nothing due there is no
//! time-out, so that an idle daemon is never woken.

mod answers;
mod exit_signals;

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use answers::Pending;
use exit_signals::ExitSignals;

use crate::config::Group;
use crate::events::event::Event;
use crate::events::message::Serials;
use crate::http::exchange::Request;
use crate::http::routes::Page;
use crate::http::server::Servers;
use crate::loop_context::LoopContext;
use crate::rpc::IncomingCall;
use crate::rpc::job::Job;
use crate::signal::Signal;
use crate::snapshot::saved;
use crate::states::SupervisorState;
use crate::supervisor::Supervisor;
use crate::supervisord::service::ServiceManager;
use crate::sys::poller::Ready;
use crate::sys::signals::Signals;
use crate::sys::{errno, memory, time};
use crate::tokens::{ConnectionId, FdOwner, Timer};
use crate::web::interface::Web;

/// How long slow readers of logs are waited for at the end, and how often they are looked at.
const LAST_FLUSH: Duration = Duration::from_secs(2);
const LAST_FLUSH_PAUSE: Duration = Duration::from_millis(20);

/// How long the loop rests when it cannot wait for events.
const POLL_ERROR_PAUSE: Duration = Duration::from_millis(100);

/// The daemon, from its start to its end or restart.
#[derive(Debug)]
pub struct MainLoop {
    pub(super) supervisor: Supervisor,
    pub(super) servers: Servers,
    pub(super) context: LoopContext,
    /// Calls that have not had their turn or whose bodies are long, each with whose it is.
    pub(super) calls: VecDeque<(ConnectionId, IncomingCall)>,
    /// Pages that are not answered yet, each with who asks.
    pub(super) page_requests: VecDeque<(ConnectionId, Page, Request)>,
    web: Web,
    /// How often something has changed that pages show.
    changes: Rc<Cell<u64>>,
    /// Calls and actions that wait for processes.
    pending: Vec<Pending>,
    /// What is done in several steps, whoever waits for it.
    jobs: Vec<Job>,
    /// Whoever started this daemon as a service and wants to know how it is.
    manager: Option<ServiceManager>,
    /// The signals that have asked for the end so far.
    exit_signals: ExitSignals,
    /// Of this process, which forks no more.
    pid: u32,
    /// It has told that it runs.
    has_begun: bool,
}

saved! {
    struct MainLoop {
        supervisor, servers, context,
        // There are none when another program takes over.
        calls = VecDeque::new(), page_requests = VecDeque::new(),
        web, changes, pending, jobs, manager, exit_signals, pid, has_begun,
    }
}

/// Why the loop does not turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Everything is stopped, in this state.
    Ended(SupervisorState),
    /// An upgrade goes on.
    Upgrade,
}

/// What a restart takes over from the daemon before.
#[derive(Debug)]
pub struct TakenOver {
    /// The groups as last read, for a restart that must do without the file.
    pub groups: Vec<Rc<Group>>,
    /// The number of the next event.
    pub serials: Serials,
    /// With the poll set and the pipes that every daemon needs.
    pub context: LoopContext,
}

impl MainLoop {
    pub fn new(
        supervisor: Supervisor,
        servers: Servers,
        context: LoopContext,
        manager: Option<ServiceManager>,
    ) -> MainLoop {
        MainLoop {
            supervisor,
            servers,
            web: Web::new(context.now),
            changes: Rc::default(),
            context,
            calls: VecDeque::new(),
            page_requests: VecDeque::new(),
            pending: Vec::new(),
            jobs: Vec::new(),
            manager,
            exit_signals: ExitSignals::default(),
            pid: std::process::id(),
            has_begun: false,
        }
    }

    /// Runs until everything is stopped, or an upgrade goes on that needs more than the loop has.
    pub fn run(&mut self) -> Pause {
        let mut ready = Vec::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            self.begin(&mut ready);
        }
        loop {
            self.answer_changes();
            let finished = self.supervisor.advance_shutdown(&mut self.context);
            self.answer_changes();
            self.supervisor.run_processors(&mut self.context);
            self.tell_manager();
            if finished {
                break;
            }
            if self.has_upgrade_step() {
                return Pause::Upgrade;
            }
            self.wait(&mut ready);
            let signals = self.dispatch(&ready);
            self.handle_signals(&signals);
            self.handle_timers();
        }
        self.end();
        Pause::Ended(self.supervisor.state())
    }

    fn begin(&mut self, ready: &mut Vec<Ready<FdOwner>>) {
        self.context.now = time::now();
        self.supervisor
            .emit(&mut self.context, &Event::supervisor_running());
        self.context.await_midnight();
        self.context.keep_to_budget();
        // Reading the configuration has left memory behind.
        memory::trim();
        self.hear_early_signals(ready);
    }

    fn end(&mut self) {
        self.supervisor.tell_of_losses(&mut self.context);
        self.servers.feed_followers(&mut self.context);
        self.servers.close(&mut self.context);
        self.flush_logs();
        self.supervisor.leave_cgroups(&mut self.context);
        self.context.log.close();
    }

    /// This program has taken over from another one; or is that one again, since the other could
    /// not go on.
    pub fn go_on_after_upgrade(&mut self, version: &str, failed: Option<&str>) {
        self.context.now = time::now();
        memory::trim();
        self.supervisor.reap(&mut self.context);
        let own = env!("CARGO_PKG_VERSION");
        let count = self.count_children();
        self.end_upgrade(match failed {
            None => {
                let programs = if count == 1 { "program" } else { "programs" };
                Ok(format!(
                    "upgraded: {version} to {own}, {count} {programs} kept"
                ))
            }
            Some(reason) => Err(reason.to_owned()),
        });
        if let Some(manager) = &mut self.manager {
            manager.forget();
        }
    }

    /// Before an upgrade, so that the service manager does not take the daemon for dead.
    pub(super) fn tell_manager_of_upgrade(&mut self) {
        let now = self.context.now.monotonic;
        if let Some(manager) = &mut self.manager {
            // It is told that the daemon is ready in any case.
            let _ = manager.tell(SupervisorState::Restarting, now);
        }
    }

    /// Acts on the signals that came during the start, before any program is
    /// started: a restart that was overtaken by a request to exit starts nothing.
    fn hear_early_signals(&mut self, ready: &mut Vec<Ready<FdOwner>>) {
        // An error here comes again when the loop waits, which tells of it.
        if self
            .context
            .poller
            .wait(Some(Duration::ZERO), ready)
            .is_ok()
        {
            let signals = self.dispatch(ready);
            self.handle_signals(&signals);
        }
    }

    /// At the end: what supervisord exits with.
    pub fn exit_status(&self) -> u8 {
        self.supervisor.exit_status()
    }

    /// At the end: the command after `--` and why it could not be started, if that is so.
    pub fn not_started(&self) -> Option<&str> {
        self.supervisor.not_started()
    }

    /// At the end: what a restart goes on with.
    pub fn into_taken_over(self) -> TakenOver {
        TakenOver {
            groups: self.supervisor.config.groups,
            serials: self.supervisor.pools.serials,
            context: self.context,
        }
    }

    /// Starts what was added and tells waiting calls of what has changed, which
    /// may add and change more, until nothing does any more.
    fn answer_changes(&mut self) {
        loop {
            self.supervisor.autostart(&mut self.context);
            self.supervisor.advance_dependencies(&mut self.context);
            if !self.supervisor.take_changed() {
                self.supervisor.judge_ends(&mut self.context);
                return;
            }
            self.changes.set(self.changes.get().wrapping_add(1));
            self.answer_pending();
        }
    }

    /// Before the end or a restart: gives slow readers of logs a last chance.
    /// What they do not take is told as lost.
    fn flush_logs(&mut self) {
        let end = time::monotonic() + LAST_FLUSH;
        while (self.context.has_congested_logs() || self.supervisor.has_kept_output())
            && time::monotonic() < end
        {
            std::thread::sleep(LAST_FLUSH_PAUSE);
            self.context.now = time::now();
            self.context.flush_logs();
            self.supervisor.drain_kept_output(&mut self.context);
        }
        self.context.log.syslog.give_up();
        self.supervisor.give_up_kept_output(&mut self.context);
        self.context.give_up_logs();
    }

    /// Tells the service manager what has changed, and that this loop turns.
    fn tell_manager(&mut self) {
        let Some(manager) = &mut self.manager else {
            return;
        };
        let now = self.context.now.monotonic;
        if let Err(error) = manager.tell(self.supervisor.state(), now) {
            self.context.log.warn(format_args!(
                "cannot tell the service manager: {}",
                errno::reason(&error)
            ));
        }
        self.context
            .timers
            .set(Timer::ServiceManager, manager.next());
    }

    fn wait(&mut self, ready: &mut Vec<Ready<FdOwner>>) {
        self.context.complain_of_main_log();
        self.servers.feed_followers(&mut self.context);
        self.context.watch_main_log();
        self.servers.look_at_unwatched_files(&mut self.context);
        let timeout = self.context.timers.wait(time::monotonic());
        if let Err(error) = self.context.poller.wait(timeout, ready) {
            self.context.log.critical(format_args!(
                "cannot wait for events: {}",
                errno::reason(&error)
            ));
            // It should not last, and must not keep the processor busy if it does.
            std::thread::sleep(POLL_ERROR_PAUSE);
        }
        self.context.now = time::now();
    }

    /// Handles what is ready; signals are handed back, to be acted on after the
    /// output of children that they may tell the end of.
    fn dispatch(&mut self, ready: &[Ready<FdOwner>]) -> Vec<Signal> {
        let mut signals = Vec::new();
        for &event in ready {
            match event.owner {
                FdOwner::Signals => {
                    if let Some(descriptor) = self.context.poller.descriptor(event.token) {
                        signals = Signals::drain(descriptor);
                    }
                }
                FdOwner::Output(..)
                | FdOwner::Input(_)
                | FdOwner::Pool(_)
                | FdOwner::Health(_)
                | FdOwner::Helper(_)
                | FdOwner::Schedules => self.supervisor.handle(&mut self.context, event),
                FdOwner::Log(id) => self.context.flush_log(id),
                FdOwner::ListeningSocket(_) | FdOwner::SocketFiles | FdOwner::Connection(_) => {
                    for incoming in self.servers.handle(&mut self.context, event) {
                        self.answer(incoming);
                    }
                }
            }
        }
        signals
    }

    fn handle_signals(&mut self, signals: &[Signal]) {
        for &signal in signals {
            match signal {
                Signal::CHLD => {
                    self.context
                        .log
                        .debug(format_args!("received {signal} indicating a child quit"));
                    self.supervisor.reap(&mut self.context);
                    self.supervisor.go_on_with_stopped_command();
                }
                Signal::HUP if self.supervisor.state() == SupervisorState::Shutdown => {
                    self.context.log.warn(format_args!(
                        "ignored {signal} indicating restart request (shutdown in progress)"
                    ))
                }
                Signal::HUP if self.supervisor.runs_commands() => self.exit_requested(signal),
                Signal::HUP => {
                    self.context
                        .log
                        .warn(format_args!("received {signal} indicating restart request"));
                    // What is wrong with the file is in the log; there is nobody else to tell.
                    let _ = self.supervisor.restart(&mut self.context);
                }
                Signal::USR2 => {
                    self.context.log.info(format_args!(
                        "received {signal} indicating log reopen request"
                    ));
                    self.supervisor.reopen_logs(&mut self.context);
                }
                _ => self.exit_requested(signal),
            }
        }
    }

    /// A signal asks for the end. Another one while everything stops can ask for it at once.
    fn exit_requested(&mut self, signal: Signal) {
        self.context
            .log
            .warn(format_args!("received {signal} indicating exit request"));
        let second_signal = self.supervisor.config.supervisord.second_signal;
        if self.exit_signals.kills(signal, second_signal) {
            self.context.log.warn(format_args!(
                "received {signal} during the shutdown: everything that still runs is killed"
            ));
            self.supervisor.go_down(SupervisorState::Shutdown);
            self.supervisor.kill_everything(&mut self.context);
        } else {
            self.supervisor.go_down(SupervisorState::Shutdown);
        }
    }

    fn handle_timers(&mut self) {
        if self.context.is_past_midnight() {
            self.context.look_at_day();
        }
        let now = self.context.now.monotonic;
        while let Some(timer) = self.context.timers.pop_due(now) {
            match timer {
                Timer::Process(id) => self.supervisor.due(&mut self.context, id),
                Timer::Line(id, channel) => {
                    self.supervisor.line_due(&mut self.context, id, channel);
                }
                Timer::LogRetry(id) => self.context.retry_log(id),
                Timer::LogLosses(id) => self.context.settle_log(id, None),
                Timer::Midnight => self.context.look_at_day(),
                // Looked at before the next wait.
                Timer::ServiceManager | Timer::Upgrade => {}
                Timer::ShutdownTimeout => self.supervisor.shutdown_overdue(&mut self.context),
                Timer::ShutdownReport => self.supervisor.shutdown_report_due(),
                // Each turn of the loop goes on with the shutdown.
                Timer::EventDrain => {}
                Timer::Leftovers => self.supervisor.leftovers_due(&mut self.context),
                Timer::Cgroups => self.supervisor.cgroups_due(&mut self.context),
                Timer::MemoryCheck => self.supervisor.memory_check_due(&mut self.context),
                Timer::PendingActions => self.answer_pending(),
                Timer::WaitingRequests => self.read_on(),
                Timer::Tick(period) => self.supervisor.tick_due(&mut self.context, period),
                Timer::MonitorQuery(group) => self.supervisor.monitor_due(&mut self.context, group),
                Timer::Overflow(group) => self.supervisor.overflow_due(&mut self.context, group),
                Timer::Busy(id) => self.supervisor.busy_due(&mut self.context, id),
                Timer::Rest(id) => self.supervisor.rest_over(&mut self.context, id),
                Timer::Dependency(id) => self.supervisor.dependency_due(&mut self.context, id),
                Timer::Verdict(id) => self.supervisor.verdict_due(&mut self.context, id),
                Timer::Health(id) => self.supervisor.health_due(&mut self.context, id),
                Timer::Helper(pid) => self.supervisor.handler_due(&mut self.context, pid),
                Timer::HookLine(pid) => self.supervisor.hook_line_due(&mut self.context, pid),
                Timer::Schedules => self.supervisor.schedules_due(&mut self.context),
                Timer::Connection(_)
                | Timer::LongAnswers
                | Timer::AcceptRetry
                | Timer::SocketFiles => {
                    for incoming in self.servers.timer(&mut self.context, timer) {
                        self.answer(incoming);
                    }
                }
            }
        }
    }
}
