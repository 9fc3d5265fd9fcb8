//! Collecting children that have ended.

use crate::loggers::level::Level;
use crate::process::machine::{Input, Machine};
use crate::process::subprocess::Subprocess;
use crate::reactor::Reactor;
use crate::supervisor::Supervisor;
use crate::sys::spawn::NOT_SPAWNED;
use crate::sys::{errno, wait};
use crate::termination::Termination;
use crate::text::plain;
use crate::tokens::ProcessId;

impl Supervisor {
    /// Collects every child that has ended. What it wrote last is read before
    /// its process is told; children of nobody (supervisord may be PID 1) are
    /// collected as well.
    pub fn reap(&mut self, reactor: &mut Reactor) {
        loop {
            match wait::reap() {
                Ok(Some((pid, end))) => self.finish(reactor, pid, end),
                Ok(None) => return,
                Err(error) => {
                    let number = error.raw_os_error().unwrap_or(0);
                    let reason = errno::reason(&error);
                    reactor.log.critical(format_args!(
                        "waitpid error {number}; a process may not be cleaned up properly: {reason}"
                    ));
                    return;
                }
            }
        }
    }

    /// Collects the child of a process, if it has ended.
    pub fn reap_process(&mut self, reactor: &mut Reactor, id: ProcessId) {
        let process = self.groups.process(id);
        let pid = process.map_or(0, |process| process.machine().pid());
        if pid > 0 {
            self.reap_child(reactor, pid);
        }
    }

    /// Collects a child, if it has ended.
    pub(super) fn reap_child(&mut self, reactor: &mut Reactor, pid: i32) {
        match wait::reap_child(pid) {
            Ok(Some(end)) => self.finish(reactor, pid, end),
            Ok(None) => {}
            // Which it was is found by looking at all.
            Err(_) => self.reap(reactor),
        }
    }

    fn finish(&mut self, reactor: &mut Reactor, pid: i32, end: Termination) {
        let error = match end {
            Termination::Exited(NOT_SPAWNED) => reactor.error_pipe.take(pid),
            _ => None,
        };
        let known = self.pids.remove(&pid);
        match known.filter(|id| self.groups.process(*id).is_some()) {
            Some(id) => {
                if let Some(process) = self.groups.process_mut(id) {
                    process.drain(reactor);
                }
                self.tell_found(reactor, id);
                let machine = self.groups.process(id).map(Subprocess::machine);
                let was_stopped = machine.is_some_and(Machine::is_killing);
                if let Some(error) = error {
                    let error = plain::shown(&error).into_owned();
                    let _ = self.feed(reactor, id, Input::NotSpawned(error));
                }
                let _ = self.feed(reactor, id, Input::Reaped(end));
                if let Some(process) = self.groups.process_mut(id) {
                    process.close(reactor);
                }
                self.tell_found(reactor, id);
                self.abandon(reactor, id, was_stopped);
            }
            None if self.finish_handler(reactor, pid, end, error) => {}
            None => {
                // PID 1 is everybody's reaper: there it says nothing about its own programs.
                let level = match std::process::id() {
                    1 => Level::Debug,
                    _ => Level::Info,
                };
                reactor
                    .log
                    .log(level, format_args!("reaped unknown pid {pid} ({end})"));
            }
        }
    }
}
