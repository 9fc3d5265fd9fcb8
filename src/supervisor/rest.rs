//! What a stop leaves of the process group that a program led. Only a program with `kill_mode` is
//! looked after: without it a stop is as in 4.3.0, which does not look.

use crate::config::kill_mode::KillMode;
use crate::loop_context::LoopContext;
use crate::process::group::namespec;
use crate::signal::Signal;
use crate::supervisor::Supervisor;
use crate::sys::{errno, kill, processes};
use crate::tokens::ProcessId;

impl Supervisor {
    /// A process that was stopped has ended, and was collected: kills the rest of the group that it
    /// led, or tells of it.
    pub(super) fn end_rest(&mut self, context: &mut LoopContext, id: ProcessId, pid: i32) {
        let Some(process) = self.groups.process(id) else {
            return;
        };
        let config = process.config();
        let Some(mode) = config.kill_mode else {
            return;
        };
        let name = || namespec(process.group_name(), &config.name);
        if mode == KillMode::Cgroup {
            // It was killed, and is in no group by now.
            return;
        }
        if mode == KillMode::Mixed {
            match kill::kill_rest(pid, Signal::KILL) {
                Err(libc::ESRCH) => {}
                Err(number) => context.log.warn(format_args!(
                    "{}: cannot kill what is left of its process group {pid}: {}",
                    name(),
                    errno::text(number)
                )),
                Ok(()) => context.log.debug(format_args!(
                    "{}: killed what was left of its process group {pid}",
                    name()
                )),
            }
            return;
        }
        // Whether anybody is there costs little; how many are does not.
        if !kill::has_rest(pid) {
            return;
        }
        let count = processes::count_in_group(pid);
        if count > 0 {
            context.log.info(format_args!(
                "{}: its process group {pid} has {count} left (kill_mode=mixed kills them)",
                name()
            ));
        }
    }
}
