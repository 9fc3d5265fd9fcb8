//! The plan for the groups that are active now.

use std::rc::Rc;

use super::{depends, described};
use crate::dependencies::condition::Observed;
use crate::dependencies::graph::{Dependant, Described, Graph};
use crate::dependencies::plan::{Plan, Step};
use crate::process::group::Group;
use crate::process::subprocess::Subprocess;
use crate::supervisor::Supervisor;
use crate::vec_map::VecMap;

impl Supervisor {
    /// Makes the plan anew for the groups that are active now, if they are others.
    pub(super) fn renew_plan(&mut self, steps: &mut Vec<Step>) {
        let Some(dependencies) = &mut self.dependencies else {
            return;
        };
        if !std::mem::take(&mut dependencies.is_outdated) {
            return;
        }
        let before = std::mem::take(&mut dependencies.plan);
        let graph = self.graph();
        if graph.needs.is_empty() && before.is_idle() {
            self.dependencies = None;
            return;
        }
        let observe = |id| {
            let process = self.groups.process(id);
            process.map_or_else(Observed::default, |process| self.observed(process))
        };
        let mut plan = Plan::new(graph, observe, &before);
        // Nothing keeps those any more that depend on nothing now.
        let free = before
            .waiting()
            .filter(|(id, _)| plan.graph().place(*id).is_none());
        steps.extend(free.map(|(id, cause)| Step::Start(id, cause)));
        plan.begin(steps);
        if let Some(dependencies) = &mut self.dependencies {
            dependencies.plan = plan;
        }
    }

    fn graph(&self) -> Graph {
        let mut names: VecMap<&str, &Group> = VecMap::new();
        let mut dependants = Vec::new();
        for group in self.groups.iter() {
            names.insert(group.config.name.as_str(), group);
            for process in &group.processes {
                if let Some(dependencies) = &process.config().dependencies
                    && depends(process.config())
                {
                    dependants.push(Dependant {
                        process: described(group, process),
                        dependencies: Rc::clone(dependencies),
                    });
                }
            }
        }
        let members = |group: &str, process: Option<&str>| -> Vec<Described> {
            let Some(group) = names.get(group) else {
                return Vec::new();
            };
            let processes = group.processes.iter();
            let meant = |own: &&Subprocess| process.is_none_or(|name| own.config().name == name);
            processes
                .filter(meant)
                .map(|process| described(group, process))
                .collect()
        };
        Graph::new(dependants, |name| match name.split_once(':') {
            Some((group, "" | "*")) => members(group, None),
            Some((group, process)) => members(group, Some(process)),
            None if names.contains_key(name) => members(name, None),
            None => {
                let mut aliases = self.config.aliases.iter();
                let alias = aliases.find(|alias| alias.program == name);
                let processes = alias.into_iter().flat_map(|alias| &alias.processes);
                let found = processes.map(|(group, process)| {
                    let scaled = names
                        .get(group.as_str())
                        .filter(|group| group.scaled.is_some());
                    match scaled {
                        None => members(group, Some(process)),
                        Some(scaled) => members_as_scaled(scaled, process),
                    }
                });
                found.flatten().collect()
            }
        })
    }
}

/// The processes of a program in a group that has other numbers of them than configured, for the
/// first of those that are configured; none for the others.
fn members_as_scaled(group: &Group, process: &str) -> Vec<Described> {
    let first = group.configured().first_of_program(process);
    let Some(member) = first else {
        return Vec::new();
    };
    let processes = group.processes.iter();
    let processes = processes.filter(|process| process.config().numbering.member == member);
    processes.map(|process| described(group, process)).collect()
}
