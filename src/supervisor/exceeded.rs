//! What a process has taken too much of, for as long as events tell of it; and the memory of
//! processes that have a `memory_check`, which is looked at from time to time.

use crate::config::AutoRestart;
use crate::config::size::rounded;
use crate::loop_context::LoopContext;
use crate::process::group::namespec;
use crate::process::machine::Input;
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::sys::processes;
use crate::tokens::{ProcessId, Timer};

/// More than a process may take.
#[derive(Clone, Copy, Debug)]
pub struct Exceeded {
    /// By which key.
    pub key: &'static str,
    /// The most memory that it was seen with, in bytes.
    pub peak: u64,
}

saved! { struct Exceeded { key, peak } }

impl Supervisor {
    /// A process has a child: its memory is looked at, if that is asked for.
    pub(super) fn watch_memory(&self, context: &mut LoopContext, id: ProcessId) {
        let is_limited = self.memory_check_of(id).is_some();
        if is_limited && !context.timers.is_set(Timer::MemoryCheck) {
            self.set_memory_timer(context);
        }
    }

    fn set_memory_timer(&self, context: &mut LoopContext) {
        let period = self.config.supervisord.memory_check_period;
        let next = context.now.monotonic + period;
        context.timers.set(Timer::MemoryCheck, Some(next));
    }

    /// How much memory a process may have, if that is looked at.
    fn memory_check_of(&self, id: ProcessId) -> Option<u64> {
        let config = self.groups.process(id)?.config();
        config.resources.as_ref()?.memory_check.0
    }

    /// Looks at the memory of all processes that have a `memory_check` and a child.
    pub fn memory_check_due(&mut self, context: &mut LoopContext) {
        let processes = self.groups.iter().flat_map(|group| &group.processes);
        let up = processes.filter(|process| {
            let machine = process.machine();
            machine.pid() != 0 && !machine.is_going_down()
        });
        let watched: Vec<(ProcessId, u64)> = up
            .filter_map(|process| Some((process.id(), self.memory_check_of(process.id())?)))
            .collect();
        if watched.is_empty() {
            return;
        }
        let all = processes::all();
        for (id, most) in watched {
            self.check_memory(context, id, most, &all);
        }
        self.set_memory_timer(context);
    }

    fn check_memory(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        most: u64,
        all: &[(i32, processes::Stat)],
    ) {
        let Some(process) = self.groups.process(id) else {
            return;
        };
        let family = processes::with_descendants(all, process.machine().pid());
        let taken = family.iter().map(|(_, stat)| stat.resident).sum();
        if taken <= most {
            return;
        }
        let config = process.config();
        let name = namespec(process.group_name(), &config.name);
        let what = match config.autorestart {
            AutoRestart::Never => "stopping",
            _ => "restarting",
        };
        let (taken_words, count) = (rounded(taken), family.len());
        let reason = format!(
            "{taken_words} of memory in {count} processes, memory_check is {}",
            rounded(most)
        );
        context
            .log
            .warn(format_args!("{name}: {reason}, {what} it"));
        let key = "memory_check";
        self.exceeded.insert(id, Exceeded { key, peak: taken });
        let input = Input::Unhealthy {
            key,
            reason,
            restarts: true,
        };
        // A signal that cannot be sent has been logged.
        let _ = self.feed(context, id, input);
    }
}
