//! Collecting children that have ended.

use crate::log_level::Level;
use crate::loop_context::LoopContext;
use crate::process::machine::{Input, Machine};
use crate::process::subprocess::Subprocess;
use crate::supervisor::Supervisor;
use crate::sys::spawn::NOT_SPAWNED;
use crate::sys::{errno, process, wait};
use crate::termination::Termination;
use crate::text::plain;
use crate::tokens::ProcessId;

impl Supervisor {
    /// Collects every child that has ended. What it wrote last is read before
    /// its process is told; children of nobody (supervisord may be PID 1) are
    /// collected as well.
    pub fn reap(&mut self, context: &mut LoopContext) {
        loop {
            match wait::reap() {
                Ok(Some((pid, end))) => self.finish(context, pid, end),
                Ok(None) => return,
                Err(error) => {
                    let number = error.raw_os_error().unwrap_or(0);
                    let reason = errno::reason(&error);
                    context.log.critical(format_args!(
                        "waitpid error {number}; a process may not be cleaned up properly: {reason}"
                    ));
                    return;
                }
            }
        }
    }

    /// Collects the child of a process, if it has ended.
    pub fn reap_process(&mut self, context: &mut LoopContext, id: ProcessId) {
        let process = self.groups.process(id);
        let pid = process.map_or(0, |process| process.machine().pid());
        if pid > 0 {
            self.reap_child(context, pid);
        }
    }

    /// Collects a child, if it has ended.
    pub(super) fn reap_child(&mut self, context: &mut LoopContext, pid: i32) {
        match wait::reap_child(pid) {
            Ok(Some(end)) => self.finish(context, pid, end),
            Ok(None) => {}
            // All are looked at, to find which it was.
            Err(_) => self.reap(context),
        }
    }

    fn finish(&mut self, context: &mut LoopContext, pid: i32, end: Termination) {
        let error = match end {
            Termination::Exited(NOT_SPAWNED) => context.error_pipe.take(pid),
            _ => None,
        };
        let known = self.pids.remove(&pid);
        match known.filter(|id| self.groups.process(*id).is_some()) {
            Some(id) => {
                if let Some(process) = self.groups.process_mut(id) {
                    process.drain(context);
                }
                self.tell_reported(context, id);
                self.take_terminal_back(id);
                if !self.empties_cgroup(context, id, (pid, end), error.as_ref()) {
                    self.tell_end(context, id, (pid, end), error);
                }
            }
            None if self.finish_processor(context, pid, end, error.as_ref()) => {}
            None if self.finish_trial(context, pid, end, error.as_ref()) => {}
            None if self.hooks.has(pid) => self.finish_hook(context, pid, end, error),
            None if self.finish_handler(context, pid, end, error) => {}
            None => {
                // PID 1 is everybody's reaper: there it says nothing about its own programs.
                let level = match process::is_first() {
                    true => Level::Debug,
                    false => Level::Info,
                };
                context
                    .log
                    .log(level, format_args!("reaped unknown pid {pid} ({end})"));
            }
        }
    }

    /// The child of a process has ended, and was collected: tells its process.
    pub(super) fn tell_end(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        (pid, end): (i32, Termination),
        error: Option<String>,
    ) {
        let machine = self.groups.process(id).map(Subprocess::machine);
        let was_stopped = machine.is_some_and(Machine::is_going_down);
        if let Some(error) = error.or_else(|| self.reason_of_cgroup(id)) {
            let error = plain::shown(&error).into_owned();
            let _ = self.feed(context, id, Input::NotSpawned(error));
        }
        let _ = self.feed(context, id, Input::Reaped(end));
        self.exceeded.remove(&id);
        if let Some(process) = self.groups.process_mut(id) {
            process.close(context);
        }
        self.tell_reported(context, id);
        if was_stopped {
            self.end_rest(context, id, pid);
        }
        self.leave_cgroup(context, id, was_stopped);
        self.abandon(context, id, was_stopped);
    }
}
