//! Collecting children that have ended.
//!
//! SIGCHLD says which child has ended, but of two that end in the same moment it may
//! tell of one alone; so all children are looked at, which the system does one by
//! one. Where there are thousands that would be most of the work, and only the child
//! that was told is collected at once. Another one's end is then told by that of its
//! pipes; whose pipes others hold as well, is found a little later.

use std::time::Duration;

use crate::loggers::level::Level;
use crate::process::machine::{Input, Machine};
use crate::process::subprocess::Subprocess;
use crate::reactor::Reactor;
use crate::supervisor::Supervisor;
use crate::sys::spawn::NOT_SPAWNED;
use crate::sys::wait;
use crate::termination::Termination;
use crate::tokens::{ProcessId, Timer};

/// To look at so many children takes some ten microseconds.
const FEW: usize = 250;

/// When all are looked at after one of many was collected alone.
const LOOK_DELAY: Duration = Duration::from_millis(500);

/// What ends so soon after another is one of a crowd.
const CROWD_GAP: Duration = Duration::from_millis(5);

impl Supervisor {
    /// Collects every child that has ended. What it wrote last is read before
    /// its process is told; children of nobody (supervisord may be PID 1) are
    /// collected as well.
    pub fn reap(&mut self, reactor: &mut Reactor) {
        reactor.timers.set(Timer::Reap, None);
        loop {
            match wait::reap() {
                Ok(Some((pid, end))) => self.finish(reactor, pid, end),
                Ok(None) => return,
                Err(error) => {
                    let number = error.raw_os_error().unwrap_or(0);
                    reactor.log.critical(format_args!(
                        "waitpid error {number}; a process may not be cleaned up properly"
                    ));
                    return;
                }
            }
        }
    }

    /// SIGCHLD has come: of this child, where it came of one alone.
    pub fn reap_told(&mut self, reactor: &mut Reactor, told: Option<i32>) {
        let now = reactor.now.monotonic;
        let since = now.since(std::mem::replace(&mut self.last_end, now));
        match told {
            Some(pid) if self.pids.len() > FEW && since > CROWD_GAP => {
                self.reap_child(reactor, pid);
                if !reactor.timers.is_set(Timer::Reap) {
                    reactor.timers.set(Timer::Reap, Some(now + LOOK_DELAY));
                }
            }
            _ => self.reap(reactor),
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

    /// Collects what may have ended unheard, for who tells of all.
    pub(super) fn reap_overlooked(&mut self, reactor: &mut Reactor) {
        if reactor.timers.is_set(Timer::Reap) {
            self.reap(reactor);
        }
    }

    /// A pipe of a process has no writer any more. Among few children SIGCHLD is
    /// told of all that have ended, in its turn.
    pub(super) fn may_have_ended(&mut self, reactor: &mut Reactor, id: ProcessId) {
        if self.pids.len() > FEW {
            self.reap_process(reactor, id);
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
