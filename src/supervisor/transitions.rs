//! Feeding the state machines and doing what they ask for.

use std::collections::VecDeque;

use crate::clock::Monotonic;
use crate::events::event::{Event, Move, Subject};
use crate::loop_context::LoopContext;
use crate::process::group::{Group, namespec};
use crate::process::machine::{Effect, Input};
use crate::process::scheduler::{self, Member};
use crate::process::subprocess::Subprocess;
use crate::signal::Signal;
use crate::states::ProcessState;
use crate::supervisor::Supervisor;
use crate::supervisor::fatal::Operation;
use crate::sys::{errno, kill, time};
use crate::text::plain;
use crate::tokens::{ProcessId, Timer};

impl Supervisor {
    /// Feeds one input to a process and performs the effects, and those of what they lead
    /// to. The error is the text for a signal that could not be sent, logged already.
    pub fn feed(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        input: Input,
    ) -> Result<(), String> {
        let mut outcome = Ok(());
        let mut failure = None;
        let restarts_allowed = !self.state.is_going_down();
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Some(process) = self.groups.process_mut(id) else {
                return outcome;
            };
            let before = before(process, &input);
            for effect in process.step(input, context.now, restarts_allowed) {
                match effect {
                    Effect::Entered { from, to } => {
                        self.changed = true;
                        self.tell_of_move(context, id, &before, from, to);
                        self.note_end(id, to, &before);
                        self.note_entered(id, from);
                        self.note_health(context, id, to);
                    }
                    Effect::Log(level, text) => context.log.log(level, text),
                    Effect::Spawn => {
                        inputs.push_back(self.make_child(context, id));
                        self.note_entered(id, before.from);
                    }
                    Effect::RunHook(hook) => {
                        if let Err(reason) = self.start_hook(context, id, hook) {
                            inputs.push_back(Input::HookEnded(Err(reason)));
                        }
                    }
                    Effect::EndHook(signal) => self.signal_hook(id, signal),
                    Effect::Kill { signal, group } => {
                        if let Err(errno) = self.send_signal(context, id, signal, group, "just") {
                            let reason = errno::bracketed(errno);
                            outcome = Err(self.cannot_kill(id, &reason));
                            failure = Some((signal, errno));
                            inputs.push_back(Input::StopFailed(reason));
                        }
                    }
                }
            }
            context.timers.set(Timer::Process(id), self.deadline(id));
        }
        if let Some((signal, errno)) = failure {
            self.signal_failed(context, id, signal, errno);
        }
        if let Some(group) = self.groups.get_mut(id.group) {
            group.close_idle_sockets(&mut context.log);
        }
        outcome
    }

    /// Tells listeners of a move, in the words of 4.3.0 and in those for monitors.
    fn tell_of_move(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        before: &Move,
        from: ProcessState,
        to: ProcessState,
    ) {
        let Some(process) = self.groups.process_mut(id) else {
            return;
        };
        let tries = match to {
            ProcessState::Fatal => before.tries,
            _ => process.machine().failed_starts(),
        };
        // A process that is up has not taken too much yet.
        let exceeded = self
            .exceeded
            .get(&id)
            .filter(|_| to != ProcessState::Running);
        let change = Move {
            from,
            to,
            tries,
            reason: match (process.machine().reason_of_stop(), exceeded) {
                ("", Some(exceeded)) => exceeded.key,
                ("", None) => before.reason,
                (reason, _) => reason,
            },
            peak: exceeded.map(|exceeded| exceeded.peak),
            ..*before
        };
        let is_told_to_monitors = process.is_told_to_monitors(to);
        let (name, group) = process.names();
        let subject = Subject {
            process: &name,
            group: &group,
        };
        self.emit(context, &Event::process_state(subject, &change));
        if is_told_to_monitors && let Some(event) = Event::state_change(subject, &change) {
            self.emit(context, &event);
        }
        if let Some(pool) = self.pools.get(id.group) {
            // A listener that is RUNNING may be sent what waits.
            pool.raise();
        }
    }

    /// Spawns a child, on its sockets if it has some; how that went, for the state machine. As in
    /// 4.3.0, they are made even for a command that is not there.
    fn make_child(&mut self, context: &mut LoopContext, id: ProcessId) -> Input {
        let Some(process) = self.groups.process(id) else {
            return Input::SpawnFailed("its group has gone".to_owned());
        };
        if let Some(counts) = process.counts() {
            counts.starts.add(1);
        }
        let (group, name) = (process.group_name(), &process.config().name);
        if let Some(pid) = self.leftovers.pid_of(group, name) {
            return Input::SpawnFailed(format!(
                "the one of an earlier supervisord (pid {pid}) is being stopped"
            ));
        }
        let control_group = match self.prepare_cgroup(context, id) {
            Ok(path) => path,
            Err(error) => return Input::SpawnFailed(error),
        };
        let settings = &self.child_settings;
        let hosts = &settings.hosts;
        let group = self.groups.get_mut(id.group);
        let is_shared = group
            .as_ref()
            .is_some_and(|group| group.shares_sockets(id.index));
        let Some((process, socket)) = group.and_then(|group| group.process_and_socket(id.index))
        else {
            return Input::SpawnFailed("its group has gone".to_owned());
        };
        let socket = socket.map(|socket| socket.open(&mut context.log, hosts));
        let wanted = process.config().sockets.clone();
        let sockets = wanted.as_ref().map(|wanted| {
            let log = &mut context.log;
            self.sockets.open(wanted, is_shared, log, hosts)
        });
        let spawned = socket
            .transpose()
            .and_then(|socket| sockets.transpose().map(|_| socket))
            .map_err(|error| error.to_string())
            .and_then(|socket| {
                let sockets = wanted.map(|wanted| self.sockets.of(&wanted));
                let sockets = sockets.unwrap_or_default();
                process.spawn(
                    context,
                    settings,
                    socket,
                    &sockets,
                    control_group.as_deref(),
                )
            });
        // Many spawns in one turn take their time, and each has its own.
        context.now = time::now();
        match spawned {
            Ok(pid) => {
                self.pids.insert(pid, id);
                self.note_child(context, pid, id);
                self.watch_memory(context, id);
                Input::Spawned(pid)
            }
            Err(error) => {
                self.leave_cgroup(context, id, false);
                Input::SpawnFailed(plain::shown(&error).into_owned())
            }
        }
    }

    /// Sends a signal to a child, or to the process group that it leads; the errno if it cannot
    /// be sent. `when` a child ended that is not there any more is told in the words of 4.3.0.
    fn send_signal(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        signal: Signal,
        group: bool,
        when: &str,
    ) -> Result<(), i32> {
        let Some(process) = self.groups.process(id) else {
            return Ok(());
        };
        // Its number may be another process's by now.
        if self.is_being_emptied(id) {
            return Ok(());
        }
        let pid = process.machine().pid();
        let name = &process.config().name;
        let sent = match group {
            true => kill::kill_group(pid, signal),
            false => kill::kill(pid, signal),
        };
        match sent {
            Ok(()) => {
                let operation = Operation::signal(process);
                self.succeeded(context, &operation);
            }
            Err(libc::ESRCH) => context.log.debug(format_args!(
                "unable to signal {name} (pid {pid}), it probably {when} exited on its own: {}",
                errno::bracketed(libc::ESRCH)
            )),
            Err(errno) => return Err(errno),
        }
        Ok(())
    }

    /// The text for whoever asked for a stop whose signal could not be sent.
    fn cannot_kill(&self, id: ProcessId, reason: &str) -> String {
        let (name, pid) = self.groups.process(id).map_or(("", 0), |process| {
            (process.config().name.as_str(), process.machine().pid())
        });
        format!("unknown problem killing {name} ({pid}):{reason}")
    }

    /// supervisord could not send a signal to a child that is there.
    fn signal_failed(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        signal: Signal,
        errno: i32,
    ) {
        let Some(process) = self.groups.process(id) else {
            return;
        };
        let operation = Operation::signal(process);
        let reason = format!(
            "cannot send {signal} to {} (pid {}): {}",
            namespec(process.group_name(), &process.config().name),
            process.machine().pid(),
            errno::text(errno)
        );
        self.failed(context, operation, reason);
    }

    fn deadline(&self, id: ProcessId) -> Option<Monotonic> {
        self.groups.process(id)?.machine().deadline()
    }

    /// The deadline of a process has come, unless it was moved in the meantime. One
    /// that has ended is collected first, so that none is told as up that is not.
    pub fn due(&mut self, context: &mut LoopContext, id: ProcessId) {
        self.reap_process(context, id);
        if self.is_being_emptied(id) {
            return;
        }
        let deadline = self.deadline(id);
        if deadline.is_some_and(|deadline| deadline <= context.now.monotonic)
            && !self.takes_restart(context, id)
        {
            // A signal that cannot be sent has been logged.
            let _ = self.feed(context, id, Input::Due);
        }
    }

    /// Sends a signal to a process on request; the text of the failure if it cannot be sent.
    pub fn signal(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        signal: Signal,
    ) -> Result<(), String> {
        let Some(process) = self.groups.process(id) else {
            return Ok(());
        };
        let pid = process.machine().pid();
        let name = process.config().name.clone();
        if pid == 0 {
            context.log.debug(format_args!(
                "attempted to send {name} sig {signal} but it wasn't running"
            ));
            return Ok(());
        }
        context
            .log
            .debug(format_args!("sending {name} (pid {pid}) sig {signal}"));
        let Err(errno) = self.send_signal(context, id, signal, false, "just now") else {
            return Ok(());
        };
        let reason = errno::bracketed(errno);
        let text = format!("unknown problem sending sig {name} ({pid}):{reason}");
        let _ = self.feed(context, id, Input::SignalFailed(reason));
        self.signal_failed(context, id, signal, errno);
        Err(text)
    }

    /// Starts the programs of groups that were added, in their order. 4.3.0 does not look at
    /// the priorities inside a group here.
    pub fn autostart(&mut self, context: &mut LoopContext) {
        if self.waiting_for_autostart.is_empty()
            || self.state.is_going_down()
            || self.leftovers.are_stopping()
        {
            return;
        }
        self.advance_dependencies(context);
        // In the order in which they were added, which is that of their ids.
        let waiting = std::mem::take(&mut self.waiting_for_autostart);
        let is_due = |member: &Member<'_>| {
            waiting.binary_search(&member.id.group).is_ok()
                && self.groups.process(member.id).is_some_and(|process| {
                    process.config().autostart
                        && process.machine().last_start().is_none()
                        && !self.is_disabled(process)
                })
        };
        let members = self.groups.iter().flat_map(Group::members).filter(is_due);
        let members = members.map(|member| self.weighed(member));
        for id in scheduler::starting_order(members) {
            self.start_by_itself(context, id);
        }
    }
}

impl Supervisor {
    /// Whether a process is about to be started by itself for the first time.
    pub fn is_to_start(&self, process: &Subprocess) -> bool {
        process.config().autostart
            && process.machine().last_start().is_none()
            && self.waiting_for_autostart.contains(&process.id().group)
    }
}

/// What an event tells of a process that the move itself takes away.
fn before(process: &Subprocess, input: &Input) -> Move {
    let machine = process.machine();
    let end = match input {
        Input::Reaped(end) => {
            let expected = process.config().exitcodes.contains(&end.exit_status());
            Some((*end, expected))
        }
        _ => None,
    };
    Move {
        from: machine.state(),
        to: machine.state(),
        pid: machine.pid(),
        tries: machine.failed_starts(),
        end,
        reason: machine.reason_of_stop(),
        peak: None,
    }
}
