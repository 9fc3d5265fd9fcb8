//! Processes that come to an active group, and those that leave it, one by one.

use std::rc::Rc;

use crate::config;
use crate::loop_context::LoopContext;
use crate::process::fcgi;
use crate::process::subprocess::LogPaths;
use crate::supervisor::Supervisor;
use crate::tokens::{GroupId, ProcessId};
use crate::vec_map::VecMap;

impl Supervisor {
    /// Makes the members of a group those that `config` names, in its order. Those that are not in
    /// it are forgotten and should be stopped by now; a child in state UNKNOWN lives on, as
    /// nobody's. Those that stay keep what they were made from. Returns those that have come,
    /// which nobody has started yet.
    pub fn set_members(
        &mut self,
        context: &mut LoopContext,
        id: GroupId,
        config: &Rc<config::Group>,
    ) -> Vec<ProcessId> {
        self.widen_names(context, config);
        let may_hold = !self.lacks_descriptors;
        let Some(group) = self.groups.get_mut(id) else {
            return Vec::new();
        };
        group.config = Rc::clone(config);
        group.scaled = None;
        let mut places: VecMap<String, usize> = VecMap::new();
        let mut before = Vec::with_capacity(group.processes.len());
        for (place, process) in std::mem::take(&mut group.processes).into_iter().enumerate() {
            places.insert(process.config().name.clone(), place);
            before.push(Some(process));
        }
        let name: Rc<str> = Rc::from(config.name.as_str());
        let mut added = Vec::new();
        for process in &config.processes {
            let known = places.get(process.name.as_str());
            let known = known.and_then(|place| before.get_mut(*place)?.take());
            let member = known.unwrap_or_else(|| {
                let paths = LogPaths::new(context, &self.child_settings, &name, process, may_hold);
                let member = group.member(&name, process, paths);
                added.push(member.id());
                member
            });
            group.processes.push(member);
        }
        self.renew_sockets(context, id);
        let mut gone = Vec::new();
        for process in before.iter_mut().flatten() {
            self.pids.remove(&process.machine().pid());
            self.forget_cgroup(process.id());
            process.forget(context);
            gone.push(process.id());
        }
        self.remove_schedules(context, |program| gone.contains(&program));
        self.add_schedules(context, id, |program| added.contains(&program));
        self.allow_descriptors(context, &[]);
        self.note_group(config);
        self.close_unused_sockets(context);
        self.changed = true;
        added
    }

    /// Keeps the sockets that the members of a group still ask for, and tries those that are new:
    /// what is wrong with one is told, and its programs fail to start for as long as it is so.
    fn renew_sockets(&mut self, context: &mut LoopContext, id: GroupId) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        let wanted = fcgi::sockets_of(&group.config);
        let mut before = std::mem::take(&mut group.sockets);
        for mut socket in wanted {
            let known = before
                .iter()
                .position(|known| known.config() == socket.config());
            if let Some(known) = known {
                socket = before.swap_remove(known);
            } else if let Err(error) = socket.test(&mut context.log, &self.child_settings.hosts) {
                context.log.error(&error);
            }
            group.sockets.push(socket);
        }
        for socket in &mut before {
            socket.close(&mut context.log);
        }
    }
}
