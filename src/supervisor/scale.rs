//! Programs whose number of processes is not as configured.

use std::rc::Rc;

use crate::config;
use crate::config::scale::Scaled;
use crate::loop_context::LoopContext;
use crate::process::scheduler;
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::tokens::{GroupId, ProcessId};

/// What a group is to become.
#[derive(Debug)]
pub struct Scaling {
    pub group: GroupId,
    /// What it is now, as configured.
    pub configured: Rc<config::Group>,
    pub config: Rc<config::Group>,
    pub scaled: Option<Box<Scaled>>,
}

saved! { struct Scaling { group, configured, config, scaled } }

impl Supervisor {
    /// How many processes the program of a process is to have, if that is not as configured.
    pub fn scaled_to(&self, process: &Subprocess) -> Option<u32> {
        let scaled = self.groups.get(process.id().group)?.scaled.as_ref()?;
        scaled.number_of(process.config())
    }

    /// Makes a group what `config` says, which is what is configured but for what `scaled` says.
    /// Those that come to it start where they start by themselves; these are returned.
    pub fn scale(
        &mut self,
        context: &mut LoopContext,
        id: GroupId,
        config: &Rc<config::Group>,
        scaled: Option<Box<Scaled>>,
    ) -> Vec<ProcessId> {
        let added = self.set_members(context, id, config);
        if let Some(group) = self.groups.get_mut(id) {
            group.scaled = scaled;
        }
        let starts = |process: &Subprocess| {
            let is_new = added.contains(&process.id());
            is_new && process.config().autostart && !self.is_disabled(process)
        };
        let group = self.groups.get(id).into_iter();
        let members = group.flat_map(|group| group.members().zip(&group.processes));
        let members = members.filter(|(_, process)| starts(process));
        let starting = members.map(|(member, _)| self.weighed(member));
        let starting = scheduler::starting_order(starting);
        for id in &starting {
            self.start_by_itself(context, *id);
        }
        starting
    }
}
