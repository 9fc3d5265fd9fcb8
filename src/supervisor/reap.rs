//! Collecting children that have ended.

use std::io;
use std::time::Duration;

use crate::loggers::level::Level;
use crate::process::machine::{Input, Machine};
use crate::process::subprocess::Subprocess;
use crate::reactor::Reactor;
use crate::supervisor::Supervisor;
use crate::sys::spawn::NOT_SPAWNED;
use crate::sys::{errno, processes, wait};
use crate::termination::Termination;
use crate::text::plain;
use crate::tokens::ProcessId;

/// Whoever is killed later after a spawn had its program, or a disk that does not answer.
const EARLY: Duration = Duration::from_secs(5);

/// A child that was collected.
struct Ended {
    pid: i32,
    end: Termination,
    /// It was killed before it became its program, if this is false.
    has_executed: bool,
}

impl Supervisor {
    /// Collects every child that has ended. What it wrote last is read before
    /// its process is told; children of nobody (supervisord may be PID 1) are
    /// collected as well.
    pub fn reap(&mut self, reactor: &mut Reactor) {
        loop {
            match self.next_ended(reactor) {
                Ok(Some(ended)) => self.finish(reactor, ended),
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

    /// Collects a child. Shortly after a spawn it is looked at before, since one that was killed
    /// on its way to its program could not tell that.
    fn next_ended(&self, reactor: &Reactor) -> io::Result<Option<Ended>> {
        let collected = |(pid, end)| Ended {
            pid,
            end,
            has_executed: true,
        };
        if reactor.now.monotonic.since(self.last_spawn) > EARLY {
            return Ok(wait::reap()?.map(collected));
        }
        match wait::ended() {
            Ok(None) => Ok(None),
            Ok(Some((pid, is_killed))) => {
                let has_executed = !is_killed || !processes::has_not_executed(pid);
                let end = wait::reap_child(pid)?;
                Ok(end.map(|end| Ended {
                    pid,
                    end,
                    has_executed,
                }))
            }
            // Where the look is refused, this may be had.
            Err(_) => Ok(wait::reap()?.map(collected)),
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
            Ok(Some(end)) => self.finish(
                reactor,
                Ended {
                    pid,
                    end,
                    has_executed: true,
                },
            ),
            Ok(None) => {}
            // Which it was is found by looking at all.
            Err(_) => self.reap(reactor),
        }
    }

    fn finish(&mut self, reactor: &mut Reactor, ended: Ended) {
        let Ended { pid, end, .. } = ended;
        let error = match end {
            Termination::Exited(NOT_SPAWNED) => reactor.error_pipe.take(pid),
            _ if !ended.has_executed => Some(format!("child process was not spawned: {end}")),
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
                if let Some(error) = error.filter(|_| ended.has_executed || !was_stopped) {
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
