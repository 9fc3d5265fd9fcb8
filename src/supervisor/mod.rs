//! The supervisor: every group and process, and what happens to them.
//!
//! Its state is plain data in one tree, but for what holds descriptors: the dispatchers of a
//! process, the sockets of groups and programs, the trigger of a pool, the pipes of handlers and the record
//! of children. Descriptors and timers carry tokens ([`crate::tokens`]) by which the process that
//! they belong to is looked up here; [`transitions`] performs what the state machines ask for,
//! [`shutdown`] stops everything in order, [`exit`] knows which programs end supervisord, [`schedules`] which the clock starts, [`fatal`] remembers what could not be done.

pub mod busy;
mod cgroups;
pub mod child_record;
mod command;
pub mod dependencies;
pub mod descriptors;
pub mod disabled;
pub mod dispatch;
mod exceeded;
pub mod exit;
pub mod fatal;
pub mod groups;
pub mod handlers;
pub mod health;
pub mod hooks;
pub mod leftovers;
pub mod members;
pub mod pools;
pub mod processors;
pub mod ready;
pub mod reap;
mod rest;
pub mod results;
pub mod scale;
pub mod schedules;
pub mod shutdown;
mod sockets;
mod state_file;
pub mod ticks;
pub mod transitions;
pub mod update;
pub mod upgrade;

use crate::config::Config;
use crate::config::load::{LoadRequest, StartRequest};
use crate::dispatchers::output::ReportedKind;
use crate::events::event::{Event, Subject};
use crate::loop_context::LoopContext;
use crate::process::child_settings::ChildSettings;
use crate::process::machine::Input;
use crate::process::sockets::Sockets;
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::states::SupervisorState;
use crate::sys::poller::{Ready, Token};
use crate::tokens::{Channel, FdOwner, GroupId, ProcessId};
use crate::vec_map::VecMap;

use cgroups::Cgroups;
use dependencies::Dependencies;
use disabled::Disabled;
use exceeded::Exceeded;
use exit::Ended;
use fatal::Failures;
use groups::Groups;
use handlers::Handlers;
use health::Checkers;
use hooks::Hooks;
use leftovers::Leftovers;
use pools::Pools;
use processors::Processors;
use schedules::Schedules;
use shutdown::Shutdown;
use ticks::Ticks;
use upgrade::Upgrade;

/// The daemon's state, but for its servers and what is asked of them.
#[derive(Debug)]
pub struct Supervisor {
    /// How a restart reads the configuration.
    pub start_request: StartRequest,
    /// How the configuration was read, to read it again.
    pub request: LoadRequest,
    /// The configuration as last read; running groups keep what they were made from.
    pub config: Config,
    /// The XML-RPC namespaces; a reread does not change them.
    pub rpcinterfaces: Vec<String>,
    /// The results of `system.multicall` are wrapped, as configured when it started.
    pub wrap_multicall: bool,
    /// How often [`Supervisor::config`] was read again since the start.
    pub rereads: u64,
    /// The active groups.
    pub groups: Groups,
    /// What every child is given.
    pub child_settings: ChildSettings,
    /// The event listener pools among them.
    pub pools: Pools,
    handlers: Handlers,
    hooks: Hooks,
    processors: Processors,
    checkers: Checkers,
    ticks: Ticks,
    /// RUNNING or going down; FATAL comes of the failures.
    state: SupervisorState,
    failures: Failures,
    /// The control groups of processes.
    cgroups: Cgroups,
    /// Processes that have taken too much, until they have ended.
    exceeded: VecMap<ProcessId, Exceeded>,
    /// Which process a living child belongs to.
    pids: VecMap<i32, ProcessId>,
    /// What an earlier supervisord has left behind.
    leftovers: Leftovers,
    /// What it listens on for programs.
    sockets: Sockets,
    /// Groups whose programs are to be started in the next turn.
    waiting_for_autostart: Vec<GroupId>,
    shutdown: Option<Shutdown>,
    /// Programs that the clock starts.
    schedules: Schedules,
    /// Of processes that depend on others, if any does.
    dependencies: Option<Box<Dependencies>>,
    /// Processes that operators have disabled, if there is a file to keep them in.
    disabled: Option<Box<Disabled>>,
    /// Processes that have ended for good in this turn and may be the end of supervisord.
    ended: Vec<Ended>,
    /// What supervisord exits with.
    exit_status: u32,
    /// The command after `--` and why it could not be started.
    not_started: Option<String>,
    /// Something has changed that is waited for, or that pages show, since this was last asked.
    changed: bool,
    /// The system allows too few open files, which has been told.
    lacks_descriptors: bool,
    /// That another program is to take over, if somebody has asked for it.
    pub upgrade: Option<Box<Upgrade>>,
}

saved! {
    struct Supervisor {
        start_request, request, config, rpcinterfaces, wrap_multicall, rereads, groups,
        child_settings, pools, handlers, hooks, processors, checkers, ticks, state,
        failures, cgroups, exceeded, pids, leftovers, sockets, waiting_for_autostart,
        shutdown, schedules, dependencies, disabled, ended, exit_status, not_started,
        changed, lacks_descriptors, upgrade,
    }
}

impl Supervisor {
    pub fn new(
        start_request: StartRequest,
        request: LoadRequest,
        config: Config,
        child_settings: ChildSettings,
    ) -> Supervisor {
        Supervisor {
            start_request,
            request,
            rpcinterfaces: config.namespaces(),
            wrap_multicall: config.wrap_multicall,
            config,
            rereads: 0,
            groups: Groups::default(),
            child_settings,
            pools: Pools::default(),
            handlers: Handlers::default(),
            hooks: Hooks::default(),
            processors: Processors::default(),
            checkers: Checkers::default(),
            ticks: Ticks::default(),
            state: SupervisorState::Running,
            failures: Failures::default(),
            cgroups: Cgroups::default(),
            exceeded: VecMap::new(),
            pids: VecMap::new(),
            leftovers: Leftovers::default(),
            sockets: Sockets::default(),
            waiting_for_autostart: Vec::new(),
            shutdown: None,
            schedules: Schedules::default(),
            dependencies: None,
            disabled: None,
            ended: Vec::new(),
            exit_status: 0,
            not_started: None,
            changed: false,
            lacks_descriptors: false,
            upgrade: None,
        }
    }

    /// Whether something has changed since the last call: the state of a process, mostly.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Handles a descriptor of a child that is ready.
    pub fn handle(&mut self, context: &mut LoopContext, ready: Ready<FdOwner>) {
        match ready.owner {
            FdOwner::Output(id, channel) => self.read_output(context, id, channel, ready.token),
            FdOwner::Input(id) => self.feed_input(context, id),
            FdOwner::Pool(group) => self.dispatch(context, group),
            FdOwner::Health(id) => self.hear_of_health(context, id, ready.token),
            FdOwner::Helper(pid) => self.handle_helper(context, pid, ready.token),
            FdOwner::Schedules => self.schedules_due(context),
            FdOwner::Signals
            | FdOwner::Log(_)
            | FdOwner::ListeningSocket(_)
            | FdOwner::SocketFiles
            | FdOwner::Connection(_) => {}
        }
    }

    fn read_output(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        channel: Channel,
        token: Token,
    ) {
        if let Some(process) = self.groups.process_mut(id) {
            process.read_output(context, channel, token);
        }
        self.tell_reported(context, id);
    }

    /// A line has waited for its end for long enough.
    pub fn line_due(&mut self, context: &mut LoopContext, id: ProcessId, channel: Channel) {
        if let Some(process) = self.groups.process_mut(id) {
            process.line_due(context, channel);
        }
        self.tell_reported(context, id);
    }

    /// Whether pipes of ended children hold what their logs cannot take yet.
    pub fn has_kept_output(&self) -> bool {
        let mut processes = self.groups.iter().flat_map(|group| &group.processes);
        processes.any(Subprocess::has_kept_output)
    }

    /// Reads on in those, for as long as the logs take that.
    pub fn drain_kept_output(&mut self, context: &mut LoopContext) {
        for process in self.groups.all_processes_mut() {
            process.drain_kept_output(context);
        }
    }

    /// Gives those up; what is in them is told as lost.
    pub fn give_up_kept_output(&mut self, context: &mut LoopContext) {
        for process in self.groups.all_processes_mut() {
            process.give_up_kept_output(context);
        }
    }

    /// Tells of what a child has written for others than its logs.
    fn tell_reported(&mut self, context: &mut LoopContext, id: ProcessId) {
        let Some(process) = self.groups.process_mut(id) else {
            return;
        };
        let reported = process.take_reported();
        if reported.is_empty() {
            return;
        }
        let (name, group) = process.names();
        let subject = Subject {
            process: &name,
            group: &group,
        };
        for part in reported {
            let (pid, channel, bytes) = (part.pid, part.channel, &part.bytes);
            match part.kind {
                ReportedKind::Output => {
                    self.emit(context, &Event::log(subject, pid, channel, bytes))
                }
                ReportedKind::Message => {
                    self.emit(context, &Event::communication(subject, pid, channel, bytes))
                }
                ReportedKind::Conversation => self.hear(context, id, bytes),
                ReportedKind::Ready => {
                    let _ = self.feed(context, id, Input::Ready);
                }
            }
        }
    }

    /// Closes and opens again the main log and the logs of every living child.
    pub fn reopen_logs(&self, context: &mut LoopContext) {
        context.log.info("supervisord logreopen");
        if let Err(failure) = context.log.reopen() {
            context
                .log
                .error(format_args!("{failure}; it is written to as before"));
        }
        context.reopen_logs();
    }
}
