//! The control groups of processes: made before a child, which joins its own, and removed after it.
//! What is left in one after the end of the child is killed where that is asked for, and the end
//! is told when nothing is left: whoever waits for it finds nothing of it.

use std::time::Duration;

use crate::clock::Monotonic;
use crate::config::kill_mode::KillMode;
use crate::config::size::rounded;
use crate::loop_context::LoopContext;
use crate::process::cgroup;
use crate::process::group::namespec;
use crate::snapshot::saved;
use crate::states::SupervisorState;
use crate::supervisor::Supervisor;
use crate::supervisor::exceeded::Exceeded;
use crate::sys::cgroup::{Group, Tree};
use crate::sys::errno;
use crate::termination::Termination;
use crate::tokens::{ProcessId, Timer};
use crate::vec_map::VecMap;

/// How often it is looked whether those that are killed have gone.
const PAUSE: Duration = Duration::from_millis(20);

/// How long they are waited for.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// The groups of children that live, or have ended and left something.
#[derive(Debug, Default)]
pub struct Cgroups {
    groups: VecMap<ProcessId, Own>,
    /// It has been told that there can be none.
    is_told: bool,
}

saved! { struct Cgroups { groups, is_told } }

/// The group of one process.
#[derive(Debug)]
struct Own {
    group: Group,
    /// How many of it were ended for want of memory before its child was started.
    ended_before: u64,
    /// Why its child has ended, where that was want of memory.
    reason: Option<String>,
    ending: Option<Ending>,
}

saved! { struct Own { group, ended_before, reason, ending } }

/// A child that has ended, what is left of which is killed.
#[derive(Debug)]
struct Ending {
    pid: i32,
    end: Termination,
    error: Option<String>,
    deadline: Monotonic,
}

saved! { struct Ending { pid, end, error, deadline } }

impl Supervisor {
    /// At the start: supervisord moves into its own control group before it has children, if a
    /// program asks for groups. What is in the way is told when that program is started.
    pub fn open_cgroups(&self, context: &mut LoopContext) {
        let mut processes = self.groups.iter().flat_map(|group| &group.processes);
        if processes.any(|process| cgroup::asked(process.config()).is_some()) {
            let _ = open(&mut context.cgroups);
        }
    }

    /// The control group that the next child of a process joins, if its program asks for one; the
    /// error is a text for `spawnerr`.
    pub(super) fn prepare_cgroup(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
    ) -> Result<Option<String>, String> {
        let Some(process) = self.groups.process(id) else {
            return Ok(None);
        };
        let config = process.config();
        let Some(resources) = cgroup::asked(config) else {
            return Ok(None);
        };
        let name = namespec(process.group_name(), &config.name);
        let tree = match (open(&mut context.cgroups), cgroup::need(config)) {
            (Ok(tree), _) => tree,
            (Err(reason), Some(key)) => return Err(format!("couldn't set {key}: {reason}")),
            (Err(reason), None) => {
                if !std::mem::replace(&mut self.cgroups.is_told, true) {
                    context
                        .log
                        .warn(format_args!("{name}: cgroup=true has no effect: {reason}"));
                }
                return Ok(None);
            }
        };
        let group = cgroup::prepare(tree, process.group_name(), config, resources)?;
        if config.kill_mode == Some(KillMode::Cgroup) {
            let left = group.members().len();
            if left > 0 {
                context.log.warn(format_args!(
                    "{name}: killing {left} that were left in its control group"
                ));
                kill(context, &name, &group);
            }
        }
        let path = group.path().to_string_lossy().into_owned();
        let own = Own {
            ended_before: cgroup::ended_for_memory(&group),
            group,
            reason: None,
            ending: None,
        };
        self.cgroups.groups.insert(id, own);
        Ok(Some(path))
    }

    /// A process goes by another configuration, and its child stays: so do the limits of its control
    /// group.
    pub(super) fn renew_resources(&mut self, context: &mut LoopContext, id: ProcessId) {
        let own = self.cgroups.groups.get(&id);
        let (Some(process), Some(own)) = (self.groups.process(id), own) else {
            return self.watch_memory(context, id);
        };
        let config = process.config();
        if let (Some(tree), Some(resources)) = (&mut context.cgroups, cgroup::asked(config))
            && let Err(reason) = cgroup::limit(tree, &own.group, resources)
        {
            let name = namespec(process.group_name(), &config.name);
            context.log.warn(format_args!("{name}: {reason}"));
        }
        self.watch_memory(context, id);
    }

    /// Whether the child of a process has ended, and what is left of it is killed.
    pub(super) fn is_being_emptied(&self, id: ProcessId) -> bool {
        let own = self.cgroups.groups.get(&id);
        own.is_some_and(|own| own.ending.is_some())
    }

    /// A child has ended. True if its end is told later, when what is left of it has gone.
    pub(super) fn empties_cgroup(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        (pid, end): (i32, Termination),
        error: Option<&String>,
    ) -> bool {
        self.look_for_want_of_memory(context, id, end);
        let own = self.cgroups.groups.get_mut(&id);
        let (Some(process), Some(own)) = (self.groups.process_mut(id), own) else {
            return false;
        };
        let config = process.config();
        if config.kill_mode != Some(KillMode::Cgroup) || own.group.remove() {
            return false;
        }
        let name = namespec(process.group_name(), &config.name);
        context.log.debug(format_args!(
            "{name}: killing what is left in its control group"
        ));
        kill(context, &name, &own.group);
        let now = context.now.monotonic;
        own.ending = Some(Ending {
            pid,
            end,
            error: error.cloned(),
            deadline: now + AFTER_KILL,
        });
        process.close(context);
        context.timers.set(Timer::Cgroups, Some(now + PAUSE));
        true
    }

    /// Looks whether those that are killed have gone.
    pub fn cgroups_due(&mut self, context: &mut LoopContext) {
        let now = context.now.monotonic;
        let mut over = Vec::new();
        for (id, own) in self.cgroups.groups.iter_mut() {
            let Some(ending) = &own.ending else {
                continue;
            };
            if own.group.remove() || now >= ending.deadline {
                over.push(*id);
            } else {
                // What was started while others were killed; what is wrong with it is in the log.
                let _ = own.group.kill();
            }
        }
        for id in over {
            let own = self.cgroups.groups.get_mut(&id);
            if let Some(ending) = own.and_then(|own| own.ending.take()) {
                self.tell_end(context, id, (ending.pid, ending.end), ending.error);
            }
        }
        let mut all = self.cgroups.groups.values();
        if all.any(|own| own.ending.is_some()) {
            context.timers.set(Timer::Cgroups, Some(now + PAUSE));
        }
    }

    /// Notes, and tells of, an end of processes for want of memory.
    fn look_for_want_of_memory(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        end: Termination,
    ) {
        let Some(process) = self.groups.process(id) else {
            return;
        };
        let config = process.config();
        let limit = cgroup::asked(config).and_then(|asked| asked.memory_max.0);
        let own = self.cgroups.groups.get_mut(&id);
        let (Some(limit), Some(own)) = (limit, own) else {
            return;
        };
        let ended = cgroup::ended_for_memory(&own.group).saturating_sub(own.ended_before);
        if ended == 0 {
            return;
        }
        let peak = cgroup::peak(&own.group).unwrap_or(limit);
        let text = format!(
            "out of memory, memory_max is {} (peak {}, {ended} killed)",
            rounded(limit),
            rounded(peak)
        );
        // An end that was to be expected has another reason.
        let is_its_end =
            !process.machine().is_going_down() && !config.exitcodes.contains(&end.exit_status());
        if !is_its_end {
            let name = namespec(process.group_name(), &config.name);
            context.log.warn(format_args!("{name}: {text}"));
            return;
        }
        own.reason = Some(text);
        let key = "memory_max";
        self.exceeded.insert(id, Exceeded { key, peak });
    }

    /// Why a child has ended, where it has not said so itself.
    pub(super) fn reason_of_cgroup(&mut self, id: ProcessId) -> Option<String> {
        self.cgroups.groups.get_mut(&id)?.reason.take()
    }

    /// The end of a child has been told: removes its group, or tells who is left in it.
    pub(super) fn leave_cgroup(
        &mut self,
        context: &mut LoopContext,
        id: ProcessId,
        was_stopped: bool,
    ) {
        let Some(own) = self.cgroups.groups.remove(&id) else {
            return;
        };
        if own.group.remove() {
            return;
        }
        let left = own.group.members().len();
        let Some(process) = self.groups.process(id).filter(|_| left > 0) else {
            return;
        };
        let config = process.config();
        let name = namespec(process.group_name(), &config.name);
        if config.kill_mode == Some(KillMode::Cgroup) {
            context.log.warn(format_args!(
                "{name}: its control group has {left} left that SIGKILL has not ended"
            ));
        } else if was_stopped {
            context.log.info(format_args!(
                "{name}: its control group has {left} left (kill_mode=cgroup kills them)"
            ));
        }
    }

    /// At the end: no control group is left that is empty. A restart goes on with them.
    pub fn leave_cgroups(&mut self, context: &mut LoopContext) {
        if self.state != SupervisorState::Restarting
            && let Some(tree) = context.cgroups.take()
        {
            tree.close();
        }
    }

    /// Forgets a process that is removed.
    pub(super) fn forget_cgroup(&mut self, id: ProcessId) {
        self.cgroups.groups.remove(&id);
    }
}

/// The control groups below that in which supervisord was started.
fn open(tree: &mut Option<Tree>) -> Result<&mut Tree, String> {
    match tree {
        Some(tree) => Ok(tree),
        none => Ok(none.insert(Tree::open()?)),
    }
}

fn kill(context: &mut LoopContext, name: &str, group: &Group) {
    if let Err(error) = group.kill() {
        context.log.warn(format_args!(
            "{name}: cannot kill what is left in its control group: {}",
            errno::reason(&error)
        ));
    }
}
