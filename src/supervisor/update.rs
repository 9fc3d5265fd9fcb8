//! Making an active group what a newer configuration says, without touching what need not be
//! touched: what becomes of each of its processes, and how they go by the new one.

use std::rc::Rc;

use crate::config::diff::{by_name, keys};
use crate::config::{self, GroupKind, Process};
use crate::loop_context::LoopContext;
use crate::process::group::Group;
use crate::process::scheduler;
use crate::process::subprocess::Subprocess;
use crate::states::ProcessState;
use crate::supervisor::Supervisor;
use crate::tokens::{GroupId, ProcessId, Timer};

/// What becomes of a process whose configuration is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes by it as it is, up or down.
    Renewed,
    /// It is down, and started with it.
    Started,
    /// Its child was born with something else: it gets another one.
    Restarted,
    /// Likewise, and it is not to be started by itself any more.
    Stopped,
}

/// How a process is, as far as an update goes by that.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub state: ProcessState,
    /// It is up, and its child was born with something else.
    pub is_born_otherwise: bool,
    /// It was started before.
    pub was_started: bool,
    pub is_disabled: bool,
}

/// What becomes of a process. What was wanted by request stays so: only what has ended by itself
/// or was never to start is started, and what is started by itself no more is not started again.
pub fn fate(old: &Process, new: &Process, standing: Standing) -> Fate {
    use ProcessState::{Backoff, Exited, Fatal, Stopped};
    let starts = new.autostart && !standing.is_disabled;
    match standing.state {
        _ if standing.is_born_otherwise => match old.autostart && !new.autostart {
            true => Fate::Stopped,
            false => Fate::Restarted,
        },
        Exited | Fatal | Backoff if starts => Fate::Started,
        Stopped if starts && !old.autostart && !standing.was_started => Fate::Started,
        _ => Fate::Renewed,
    }
}

impl Supervisor {
    /// What becomes of a process of that group; `None` for one that stays as it is.
    pub fn fate_of(
        &self,
        group: &Group,
        process: &Subprocess,
        new_group: &config::Group,
        new: &Process,
    ) -> Option<Fate> {
        let (old, new) = ((&*group.config, process.config()), (new_group, new));
        let machine = process.machine();
        if !keys::is_other(old, new) {
            return None;
        }
        let state = machine.state();
        let is_up = matches!(state, ProcessState::Starting | ProcessState::Running);
        let standing = Standing {
            state,
            is_born_otherwise: is_up && machine.pid() != 0 && keys::needs_child(old, new),
            was_started: machine.last_start().is_some(),
            is_disabled: self.is_disabled(process),
        };
        Some(fate(old.1, new.1, standing))
    }

    /// Those of a group that are to stop before it can be what `config` says, in the order of
    /// stopping, and whether each is started again.
    pub fn to_stop(&self, group: &Group, config: &config::Group) -> Vec<(ProcessId, bool)> {
        let names = by_name(config);
        let mut to_stop = Vec::new();
        for id in self.by_priority_down(group) {
            let Some(process) = self.groups.process(id) else {
                continue;
            };
            match names.get(process.config().name.as_str()) {
                None if !process.machine().state().is_stopped() => to_stop.push((id, false)),
                None => {}
                Some(new) => match self.fate_of(group, process, config, new) {
                    Some(Fate::Restarted) => to_stop.push((id, true)),
                    Some(Fate::Stopped) => to_stop.push((id, false)),
                    Some(Fate::Renewed | Fate::Started) | None => {}
                },
            }
        }
        to_stop
    }

    /// Makes a group what `config` says, once everything is down that [`to_stop`] has named; false
    /// (and nothing done) if something is not. Those of `restarted` are started again.
    ///
    /// [`to_stop`]: Supervisor::to_stop
    pub fn renew_group(
        &mut self,
        context: &mut LoopContext,
        id: GroupId,
        config: &Rc<config::Group>,
        restarted: &[ProcessId],
    ) -> bool {
        let Some(group) = self.groups.get(id) else {
            return true;
        };
        if !self.to_stop(group, config).is_empty() {
            return false;
        }
        let names = by_name(config);
        let mut to_start = restarted.to_vec();
        let mut renewed = Vec::new();
        let mut rescheduled = Vec::new();
        for process in &group.processes {
            let Some(new) = names.get(process.config().name.as_str()) else {
                continue;
            };
            match self.fate_of(group, process, config, new) {
                None => continue,
                Some(Fate::Started) => to_start.push(process.id()),
                Some(_) => {}
            }
            if process.config().schedule() != new.schedule() {
                rescheduled.push(process.id());
            }
            // It may wait for something else now, which is to start as well.
            if process.config().dependencies != new.dependencies && self.waits(process.id()) {
                to_start.push(process.id());
            }
            renewed.push((process.id(), Rc::clone(new)));
        }
        let added = self.set_members(context, id, config);
        let starts = |id: &ProcessId| {
            let process = self.groups.process(*id);
            process.is_some_and(|process| process.config().autostart && !self.is_disabled(process))
        };
        to_start.extend(added.into_iter().filter(starts));
        let may_hold = !self.lacks_descriptors;
        for (id, new) in renewed {
            let settings = &self.child_settings;
            let process = self.groups.process_mut(id);
            let news = process.map(|process| process.renew(context, settings, new, may_hold));
            self.note_other_checks(context, id, news.unwrap_or_default());
            self.renew_resources(context, id);
        }
        self.outdate_dependencies();
        self.reschedule(context, id, &rescheduled);
        if let GroupKind::Listeners(pool) = &config.kind {
            self.renew_pool(context, id, pool);
        }
        self.start_members(context, id, &to_start);
        true
    }

    /// Starts those of a group, in their order.
    fn start_members(&mut self, context: &mut LoopContext, id: GroupId, to_start: &[ProcessId]) {
        let Some(group) = self.groups.get(id) else {
            return;
        };
        let is_meant = |process: &Subprocess| to_start.contains(&process.id());
        let members = group.members().zip(&group.processes);
        let members = members.filter(|(_, process)| is_meant(process));
        let members = members.map(|(member, _)| self.weighed(member));
        let order = scheduler::starting_order(members);
        self.advance_dependencies(context);
        for id in order {
            let process = self.groups.process(id);
            let state = process.map(|process| process.machine().state());
            if state.is_some_and(|state| state.is_stopped() || state == ProcessState::Backoff) {
                self.start_by_itself(context, id);
            }
        }
    }

    /// Computes the times of programs anew whose schedules are others.
    fn reschedule(&mut self, context: &mut LoopContext, id: GroupId, programs: &[ProcessId]) {
        if programs.is_empty() {
            return;
        }
        for id in programs {
            if let Some(process) = self.groups.process_mut(*id) {
                process.set_next_run(None);
            }
        }
        self.remove_schedules(context, |program| programs.contains(&program));
        self.add_schedules(context, id, |program| programs.contains(&program));
    }

    fn renew_pool(&mut self, context: &mut LoopContext, id: GroupId, config: &config::Pool) {
        self.pools.renew(id, config);
        self.arm_ticks(context);
        let pool = self.pools.get(id);
        let is_asked = pool.is_some_and(|pool| pool.is_asked_to_monitor());
        let timer = Timer::MonitorQuery(id);
        match (is_asked, context.timers.is_set(timer)) {
            (true, false) => self.arm_monitor(context, id),
            (false, true) => context.timers.set(timer, None),
            _ => {}
        }
    }
}
