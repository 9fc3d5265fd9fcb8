//! The supervisor: every group and process, and what happens to them.
//!
//! Its state is plain data in one tree. Descriptors and timers carry tokens
//! ([`crate::tokens`]) by which the process that they belong to is looked up
//! here; [`transitions`] performs what the state machines ask for,
//! [`shutdown`] stops everything in order.

pub mod groups;
pub mod reap;
pub mod shutdown;
pub mod transitions;

use std::collections::BTreeMap;

use crate::config::Config;
use crate::config::load::{LoadRequest, StartRequest};
use crate::process::context::Context;
use crate::reactor::Reactor;
use crate::states::SupervisorState;
use crate::sys::poller::Ready;
use crate::tokens::{Channel, GroupId, ProcessId, Source};

use groups::Groups;
use shutdown::Shutdown;

/// The daemon's state, but for its doors.
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
    /// Whether [`Supervisor::config`] was read again since the start.
    pub reread: bool,
    /// The active groups.
    pub groups: Groups,
    /// What every child is given.
    pub context: Context,
    state: SupervisorState,
    /// Which process a living child belongs to.
    pids: BTreeMap<i32, ProcessId>,
    /// Groups whose programs are to be started in the next turn.
    waiting_for_autostart: Vec<GroupId>,
    shutdown: Option<Shutdown>,
    /// A process has changed its state since this was last asked.
    changed: bool,
}

impl Supervisor {
    /// A supervisor without groups.
    pub fn new(
        start_request: StartRequest,
        request: LoadRequest,
        config: Config,
        context: Context,
    ) -> Supervisor {
        Supervisor {
            start_request,
            request,
            rpcinterfaces: config.rpcinterfaces.clone(),
            config,
            reread: false,
            groups: Groups::default(),
            context,
            state: SupervisorState::Running,
            pids: BTreeMap::new(),
            waiting_for_autostart: Vec::new(),
            shutdown: None,
            changed: false,
        }
    }

    /// The state of supervisord.
    pub fn state(&self) -> SupervisorState {
        self.state
    }

    /// Whether a process has changed its state since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Handles a descriptor of a child that is ready.
    pub fn handle(&mut self, reactor: &mut Reactor, ready: Ready<Source>) {
        match ready.source {
            Source::Output(id, channel) => self.read_output(reactor, id, channel),
            Source::Input(id) => {
                if let Some(process) = self.groups.process_mut(id) {
                    process.flush_input(reactor);
                }
            }
            Source::Signals
            | Source::Log(_)
            | Source::MainLog
            | Source::Listener(_)
            | Source::Connection(_) => {}
        }
    }

    /// Reads what a child wrote.
    pub fn read_output(&mut self, reactor: &mut Reactor, id: ProcessId, channel: Channel) {
        if let Some(process) = self.groups.process_mut(id) {
            process.read_output(reactor, channel);
        }
    }

    /// Closes and opens again the main log and the logs of every living child.
    pub fn reopen_logs(&self, reactor: &mut Reactor) {
        reactor.log.info("supervisord logreopen");
        if let Err(failure) = reactor.log.reopen() {
            reactor
                .log
                .error(format_args!("{failure}; it is written to as before"));
        }
        reactor.reopen_logs();
    }
}
