//! The active groups: finding, adding and removing them.

use std::rc::Rc;

use crate::config::{self, GroupKind};
use crate::events::event::Event;
use crate::loop_context::LoopContext;
use crate::process::fcgi::SocketError;
use crate::process::group::Group;
use crate::process::listener::Listener;
use crate::process::scheduler;
use crate::process::subprocess::{LogPaths, Subprocess};
use crate::snapshot::saved;
use crate::sort;
use crate::supervisor::Supervisor;
use crate::sys::errno;
use crate::tokens::{GroupId, ProcessId};
use crate::vec_map::VecMap;

/// All active groups, in the order of their activation.
#[derive(Debug, Default)]
pub struct Groups {
    groups: VecMap<GroupId, Box<Group>>,
    last_id: u32,
}

saved! { struct Groups { groups, last_id } }

impl Groups {
    /// In the order of activation.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.values().map(Box::as_ref)
    }

    /// In the order in which they start, by priority and then by name.
    pub fn by_priority(&self) -> Vec<GroupId> {
        let mut groups: Vec<&Group> = self.iter().collect();
        sort::by_key(&mut groups, |group| {
            (group.config.priority, group.config.name.as_str())
        });
        groups.into_iter().map(|group| group.id).collect()
    }

    pub fn get(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id).map(Box::as_ref)
    }

    pub fn named(&self, name: &str) -> Option<&Group> {
        self.iter().find(|group| group.config.name == name)
    }

    pub fn process(&self, id: ProcessId) -> Option<&Subprocess> {
        let group = self.groups.get(&id.group)?;
        group.processes.get(group.place(id.index)?)
    }

    pub fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(&id).map(Box::as_mut)
    }

    pub fn process_mut(&mut self, id: ProcessId) -> Option<&mut Subprocess> {
        let group = self.groups.get_mut(&id.group)?;
        let place = group.place(id.index)?;
        group.processes.get_mut(place)
    }

    /// The conversation of a listener with its child.
    pub fn listener_mut(&mut self, id: ProcessId) -> Option<&mut Listener> {
        self.process_mut(id)?.listener_mut()
    }

    pub fn process_named(&self, group: &str, process: &str) -> Option<&Subprocess> {
        let mut processes = self.named(group)?.processes.iter();
        processes.find(|candidate| candidate.config().name == process)
    }

    /// Every process, in no order that means anything.
    pub fn all_processes_mut(&mut self) -> impl Iterator<Item = &mut Subprocess> {
        let groups = self.groups.values_mut();
        groups.flat_map(|group| group.processes.iter_mut())
    }
}

impl Supervisor {
    /// Every process in the order in which all start: group by group, each by
    /// priority and then by name. All stop in the opposite order.
    pub fn processes_by_priority(&self) -> Vec<ProcessId> {
        let members = self.groups.iter().flat_map(Group::members);
        scheduler::starting_order(members.map(|member| self.weighed(member)))
    }

    /// The processes of a group in the same order.
    pub fn by_priority(&self, group: &Group) -> Vec<ProcessId> {
        scheduler::starting_order(group.members().map(|member| self.weighed(member)))
    }

    /// The opposite of [`by_priority`](Supervisor::by_priority).
    pub fn by_priority_down(&self, group: &Group) -> Vec<ProcessId> {
        let mut ids = self.by_priority(group);
        ids.reverse();
        ids
    }

    /// Makes a group active: its automatic log files are made now, its programs
    /// start in the next turn. Its sockets are tried: the errors are those that
    /// cannot be made now, told in the log already. Their programs will fail to
    /// start for as long as that is so.
    pub fn add_group(
        &mut self,
        context: &mut LoopContext,
        config: Rc<config::Group>,
    ) -> Vec<SocketError> {
        self.widen_names(context, &config);
        self.groups.last_id += 1;
        let id = GroupId(self.groups.last_id);
        let may_hold = !self.lacks_descriptors;
        let mut group = Group::new(id, Rc::clone(&config), |process| {
            LogPaths::new(
                context,
                &self.child_settings,
                &config.name,
                process,
                may_hold,
            )
        });
        let mut failures = Vec::new();
        for socket in &mut group.sockets {
            if let Err(error) = socket.test(&mut context.log, &self.child_settings.hosts) {
                context.log.error(&error);
                failures.push(error);
            }
        }
        self.groups.groups.insert(id, Box::new(group));
        self.changed = true;
        if let GroupKind::Listeners(pool) = &config.kind {
            self.add_pool(context, id, &config.name, pool);
        }
        self.emit(context, &Event::group_added(&config.name));
        self.waiting_for_autostart.push(id);
        self.add_schedules(context, id, |_| true);
        self.note_group(&config);
        failures
    }

    /// Makes the column of names as wide as those of a group need it.
    pub(super) fn widen_names(&mut self, context: &mut LoopContext, config: &config::Group) {
        let names = config
            .processes
            .iter()
            .map(|process| process.name.chars().count());
        let widest = names.max().unwrap_or(0);
        let settings = &mut self.child_settings;
        settings.name_width = settings.name_width.max(widest);
        context.log.widen(settings.name_width);
    }

    fn add_pool(
        &mut self,
        context: &mut LoopContext,
        id: GroupId,
        name: &str,
        pool: &config::Pool,
    ) {
        match self.pools.add(context, id, name, pool) {
            Ok(()) => {
                self.arm_ticks(context);
                self.arm_monitor(context, id);
            }
            // Its listeners run, and wait for events in vain.
            Err(error) => context.log.critical(format_args!(
                "pool {name} cannot be told of events: {}",
                errno::reason(&error)
            )),
        }
    }

    /// Forgets a group; false (and nothing done) while it is not stopped. A
    /// child in state UNKNOWN lives on, as nobody's.
    pub fn remove_group(&mut self, context: &mut LoopContext, id: GroupId) -> bool {
        if self.groups.get(id).is_some_and(|group| !group.is_stopped()) {
            return false;
        }
        let Some(mut group) = self.groups.groups.remove(&id) else {
            return true;
        };
        for process in &mut group.processes {
            self.pids.remove(&process.machine().pid());
            self.forget_cgroup(process.id());
            process.forget(context);
        }
        // Of a child in state UNKNOWN.
        for socket in &mut group.sockets {
            socket.close(&mut context.log);
        }
        self.pools.remove(context, id);
        self.remove_schedules(context, |program| program.group == id);
        self.arm_ticks(context);
        self.emit(context, &Event::group_removed(&group.config.name));
        self.outdate_dependencies();
        self.close_unused_sockets(context);
        self.changed = true;
        true
    }
}
