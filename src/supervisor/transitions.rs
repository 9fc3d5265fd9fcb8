//! Feeding the state machines and doing what they ask for.

use std::collections::VecDeque;

use crate::process::context::Context;
use crate::process::fcgi::Socket;
use crate::process::machine::{Effect, Input};
use crate::process::subprocess::Subprocess;
use crate::reactor::Reactor;
use crate::signal::Signal;
use crate::supervisor::Supervisor;
use crate::sys::{errno, kill, time};
use crate::tokens::{ProcessId, Timer};

impl Supervisor {
    /// Feeds one input to a process and performs the effects, and theirs. The
    /// error is the text for a signal that could not be sent, logged already.
    pub fn feed(
        &mut self,
        reactor: &mut Reactor,
        id: ProcessId,
        input: Input,
    ) -> Result<(), String> {
        let mut outcome = Ok(());
        let restarts_allowed = !self.state.is_going_down();
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let group = self.groups.get_mut(id.group);
            let Some((process, mut socket)) =
                group.and_then(|group| group.process_and_socket(id.index))
            else {
                return outcome;
            };
            for effect in process.step(input, reactor.now, restarts_allowed) {
                match effect {
                    Effect::Entered { .. } => self.changed = true,
                    Effect::Log(level, text) => reactor.log.log(level, text),
                    Effect::Spawn => {
                        let spawned = spawn(process, socket.as_deref_mut(), reactor, &self.context);
                        // Many spawns in one turn take their time, and each has its own.
                        reactor.now = time::now();
                        match spawned {
                            Ok(pid) => {
                                self.pids.insert(pid, id);
                                inputs.push_back(Input::Spawned(pid));
                            }
                            Err(error) => inputs.push_back(Input::SpawnFailed(error)),
                        }
                    }
                    Effect::Kill { signal, group } => {
                        let pid = process.machine().pid();
                        let name = &process.config().name;
                        let sent = if group {
                            kill::kill_group(pid, signal)
                        } else {
                            kill::kill(pid, signal)
                        };
                        match sent {
                            Ok(()) => {}
                            Err(libc::ESRCH) => reactor.log.debug(format_args!(
                                "unable to signal {name} (pid {pid}), it probably just exited on its own: {}",
                                errno::bracketed(libc::ESRCH)
                            )),
                            Err(error) => {
                                let reason = errno::bracketed(error);
                                outcome = Err(format!("unknown problem killing {name} ({pid}):{reason}"));
                                inputs.push_back(Input::StopFailed(reason));
                            }
                        }
                    }
                }
            }
            reactor
                .timers
                .set(Timer::Process(id), process.machine().deadline());
        }
        if let Some(group) = self.groups.get_mut(id.group) {
            group.close_idle_sockets(&mut reactor.log);
        }
        outcome
    }

    /// The deadline of a process has come, unless it was moved in the meantime.
    pub fn due(&mut self, reactor: &mut Reactor, id: ProcessId) {
        let deadline = self
            .groups
            .process(id)
            .and_then(|process| process.machine().deadline());
        if deadline.is_some_and(|deadline| deadline <= reactor.now.monotonic) {
            // A signal that cannot be sent has been logged.
            let _ = self.feed(reactor, id, Input::Due);
        }
    }

    /// Sends a signal to a process on request; the text of the failure if it cannot be sent.
    pub fn signal(
        &mut self,
        reactor: &mut Reactor,
        id: ProcessId,
        signal: Signal,
    ) -> Result<(), String> {
        let Some(process) = self.groups.process(id) else {
            return Ok(());
        };
        let pid = process.machine().pid();
        let name = process.config().name.clone();
        if pid == 0 {
            reactor.log.debug(format_args!(
                "attempted to send {name} sig {signal} but it wasn't running"
            ));
            return Ok(());
        }
        reactor
            .log
            .debug(format_args!("sending {name} (pid {pid}) sig {signal}"));
        match kill::kill(pid, signal) {
            Ok(()) => Ok(()),
            Err(libc::ESRCH) => {
                reactor.log.debug(format_args!(
                    "unable to signal {name} (pid {pid}), it probably just now exited on its own: {}",
                    errno::bracketed(libc::ESRCH)
                ));
                Ok(())
            }
            Err(error) => {
                let reason = errno::bracketed(error);
                let text = format!("unknown problem sending sig {name} ({pid}):{reason}");
                let _ = self.feed(reactor, id, Input::SignalFailed(reason));
                Err(text)
            }
        }
    }

    /// Starts the programs of groups that were added, in ascending order of group
    /// priority; inside a group in the order of definition, as 4.3.0 does.
    pub fn autostart(&mut self, reactor: &mut Reactor) {
        if self.waiting_for_autostart.is_empty() || self.state.is_going_down() {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting_for_autostart);
        for group in self
            .groups
            .by_priority()
            .into_iter()
            .filter(|id| waiting.contains(id))
        {
            let Some(group) = self.groups.get(group) else {
                continue;
            };
            let ids: Vec<ProcessId> = group
                .processes
                .iter()
                .filter(|process| {
                    process.config().autostart && process.machine().last_start().is_none()
                })
                .map(|process| process.id())
                .collect();
            for id in ids {
                let _ = self.feed(reactor, id, Input::Start);
            }
        }
    }
}

/// Spawns a child, on its socket if it has one. As in 4.3.0, the socket is made
/// even for a command that is not there.
fn spawn(
    process: &mut Subprocess,
    socket: Option<&mut Socket>,
    reactor: &mut Reactor,
    context: &Context,
) -> Result<i32, String> {
    let socket = match socket {
        None => None,
        Some(socket) => {
            let opened = socket.open(&mut reactor.log, &context.hosts);
            Some(opened.map_err(|error| error.to_string())?)
        }
    };
    process.spawn(reactor, context, socket)
}
