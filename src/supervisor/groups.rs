//! The active groups: finding, adding and removing them.

use std::rc::Rc;

use crate::config::{self, GroupKind};
use crate::events::event::Event;
use crate::loggers::auto;
use crate::loggers::rotation::Rotation;
use crate::loop_context::LoopContext;
use crate::loop_context::open_logs::LogUser;
use crate::process::child_settings::ChildSettings;
use crate::process::fcgi::SocketError;
use crate::process::group::Group;
use crate::process::listener::Listener;
use crate::process::output_logs;
use crate::process::rings::Rings;
use crate::process::scheduler;
use crate::process::subprocess::{LogPaths, Subprocess};
use crate::sort;
use crate::supervisor::Supervisor;
use crate::sys::errno;
use crate::tokens::{Channel, GroupId, ProcessId};
use crate::vec_map::VecMap;

/// All active groups, in the order of their activation.
#[derive(Debug, Default)]
pub struct Groups {
    groups: VecMap<GroupId, Box<Group>>,
    last_id: u32,
}

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
        self.groups.get(&id.group)?.processes.get(id.index as usize)
    }

    pub fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(&id).map(Box::as_mut)
    }

    pub fn process_mut(&mut self, id: ProcessId) -> Option<&mut Subprocess> {
        let group = self.groups.get_mut(&id.group)?;
        group.processes.get_mut(id.index as usize)
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
        let names = config
            .processes
            .iter()
            .map(|process| process.name.chars().count());
        let widest = names.max().unwrap_or(0);
        let settings = &mut self.child_settings;
        settings.name_width = settings.name_width.max(widest);
        context.log.widen(settings.name_width);
        self.groups.last_id += 1;
        let id = GroupId(self.groups.last_id);
        let mut group = Group::new(id, Rc::clone(&config), |process| {
            log_paths(
                &self.child_settings,
                context,
                process,
                !self.lacks_descriptors,
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
        if let GroupKind::Listeners(pool) = &config.kind {
            self.add_pool(context, id, &config.name, pool);
        }
        self.emit(context, &Event::group_added(&config.name));
        self.waiting_for_autostart.push(id);
        self.add_schedules(context, id);
        self.note_group(&config);
        failures
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
            process.forget(context);
        }
        // Of a child in state UNKNOWN.
        for socket in &mut group.sockets {
            socket.close(&mut context.log);
        }
        self.pools.remove(context, id);
        self.remove_schedules(context, id);
        self.arm_ticks(context);
        self.emit(context, &Event::group_removed(&group.config.name));
        self.outdate_dependencies();
        self.changed = true;
        true
    }
}

/// Where the output of a process goes, with automatic files made, and held if there are
/// descriptors for that.
fn log_paths(
    child_settings: &ChildSettings,
    context: &mut LoopContext,
    process: &config::Process,
    may_hold: bool,
) -> LogPaths {
    let mut held = Vec::new();
    let mut path = |channel: Channel, output: &config::Output| match &output.logfile {
        config::LogFile::None => None,
        config::LogFile::Path(path) => Some(path.clone()),
        config::LogFile::Auto => {
            let (directory, identifier) = (&child_settings.childlogdir, &child_settings.identifier);
            let created = auto::create(directory, &process.name, channel, identifier);
            // Its lock is kept until the log has its own.
            let (path, _created) = created.map_err(|error| context.log.critical(error)).ok()?;
            let rotation = Rotation {
                maxbytes: output.logfile_maxbytes,
                backups: output.logfile_backups,
            };
            // Where descriptors are few they are left to programs that run.
            if may_hold {
                let user = LogUser::of(process, channel);
                if let Ok(log) = context.hold_log(user, &path, rotation) {
                    context.keep_log(&log, user, output.file_keeping());
                    held.push(log);
                }
            }
            Some(path)
        }
    };
    let stdout = path(Channel::Stdout, &process.stdout);
    let stderr = match process.redirect_stderr {
        true => None,
        false => path(Channel::Stderr, &process.stderr),
    };
    for path in [&stdout, &stderr].into_iter().flatten() {
        context.count_log(path);
    }
    for channel in [Channel::Stdout, Channel::Stderr] {
        output_logs::other_paths(process, channel).for_each(|path| context.count_log(path));
    }
    LogPaths {
        stdout,
        stderr,
        held,
        rings: Rings::of(process, child_settings.childlog_ring),
    }
}
