//! Whether what programs depend on is there and can be as they want it, looked at when
//! all sections are known: every name, every condition, and circles.

use super::dependencies::{self, Condition, DEPENDS_ON, Dependency, default_condition};
use super::error::ConfigError;
use super::group::Origin;
use super::nearest::nearest;
use super::program::{AutoRestart, processes};
use super::section::Context;
use super::{Group, Process, datatypes, fcgi, group, program};
use crate::snapshot::saved;
use crate::vec_map::VecMap;

/// A program in a `[group:x]` that others depend on: its processes, each with its group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alias {
    pub program: String,
    pub processes: Vec<(String, String)>,
}

saved! { struct Alias { program, processes } }

/// A group and the place of a process in it.
type Node = (usize, usize);

struct Check<'a> {
    context: &'a Context<'a>,
    found: &'a [(Group, Origin)],
    aliases: Vec<Alias>,
    /// What each name stands for.
    known: VecMap<Box<str>, Vec<Node>>,
}

/// Checks what all depend on; the programs among it that have no group of their own.
pub fn check(context: &Context<'_>, found: &[(Group, Origin)]) -> Result<Vec<Alias>, ConfigError> {
    let mut check = Check {
        context,
        found,
        aliases: Vec::new(),
        known: VecMap::new(),
    };
    check.names_and_conditions()?;
    check.circles()?;
    Ok(check.aliases)
}

impl<'a> Check<'a> {
    fn process(&self, (group, place): Node) -> Option<&'a Process> {
        let (group, _) = self.found.get(group)?;
        group.processes.get(place).map(|process| &**process)
    }

    fn needs(&self, node: Node) -> &'a [Dependency] {
        let process = self.process(node);
        let dependencies = process.and_then(|process| process.dependencies.as_deref());
        dependencies.map_or(&[], |dependencies| &dependencies.depends_on)
    }

    /// The processes that depend on others.
    fn dependants(&self) -> Vec<Node> {
        let groups = self.found.iter().enumerate();
        let nodes = groups
            .flat_map(|(at, (group, _))| (0..group.processes.len()).map(move |place| (at, place)));
        nodes.filter(|node| !self.needs(*node).is_empty()).collect()
    }

    fn names_and_conditions(&mut self) -> Result<(), ConfigError> {
        let mut last: *const Dependency = std::ptr::null();
        for node in self.dependants() {
            // The processes of a section share what they need.
            let needs = self.needs(node);
            if std::ptr::eq(std::mem::replace(&mut last, needs.as_ptr()), needs.as_ptr()) {
                continue;
            }
            for dependency in needs {
                self.check_name(dependency)?;
            }
        }
        // A group without members has nobody to say what is wrong with its names.
        for section in self.context.document.sections() {
            if section.starts_with(group::GROUP) {
                let reader = self.context.section(&section, &[&self.context.here]);
                for dependency in dependencies::of_group(&reader)? {
                    self.check_name(&dependency)?;
                }
            }
        }
        Ok(())
    }

    fn check_name(&mut self, dependency: &Dependency) -> Result<(), ConfigError> {
        if !self.known.contains_key(&dependency.name) {
            let nodes = self.resolve(&dependency.name)?;
            if nodes.is_empty() {
                return Err(self.unknown(dependency));
            }
            self.known.insert(dependency.name.clone(), nodes);
        }
        self.check_condition(dependency)
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.found.iter().position(|(group, _)| group.name == name)
    }

    /// The processes that a name stands for; none if it is nobody's.
    fn resolve(&mut self, name: &str) -> Result<Vec<Node>, ConfigError> {
        if let Some((group, process)) = name.split_once(':') {
            let Some(at) = self.named(group) else {
                return Ok(Vec::new());
            };
            return Ok(self.members(at, |own| matches!(process, "" | "*") || own == process));
        }
        if let Some(at) = self.named(name) {
            return Ok(self.members(at, |_| true));
        }
        let pairs = program_in_groups(self.context, name)?;
        let mut nodes = Vec::new();
        for (group, process) in &pairs {
            if let Some(at) = self.named(group) {
                nodes.extend(self.members(at, |own| own == process));
            }
        }
        if !nodes.is_empty() {
            self.aliases.push(Alias {
                program: name.to_owned(),
                processes: pairs,
            });
        }
        Ok(nodes)
    }

    fn members(&self, at: usize, is_meant: impl Fn(&str) -> bool) -> Vec<Node> {
        let group = self.found.get(at).map(|(group, _)| group);
        let processes = group.into_iter().flat_map(|group| &group.processes);
        let meant = processes
            .enumerate()
            .filter(|(_, process)| is_meant(&process.name));
        meant.map(|(place, _)| (at, place)).collect()
    }

    fn error(&self, dependency: &Dependency, text: String) -> ConfigError {
        let place = &dependency.place;
        let error = ConfigError::new(text).of_ours();
        let error = error.of_key(&place.section, DEPENDS_ON.name);
        error.at(place.location.clone())
    }

    fn unknown(&self, dependency: &Dependency) -> ConfigError {
        let text = format!(
            "[{}] depends on unknown program or group {}",
            dependency.place.section,
            dependency.shown()
        );
        let error = self.error(dependency, text);
        if dependency.place.written.is_some() {
            return error;
        }
        let name = &dependency.name;
        let sections = self.context.document.sections();
        let programs = sections.iter().filter_map(|section| {
            let plain = section.strip_prefix(program::PREFIX);
            plain.or_else(|| section.strip_prefix(fcgi::PREFIX))
        });
        let groups = self.found.iter().map(|(group, _)| group.name.as_str());
        let known: Vec<&str> = groups.chain(programs).collect();
        let (group, process) = match name.split_once(':') {
            None => (&**name, None),
            Some((group, process)) => (group, Some(process)),
        };
        let processes = self.named(group).and_then(|at| self.found.get(at));
        let near = match (process, processes) {
            (Some(process), Some((found, _))) => {
                let names = found.processes.iter().map(|process| process.name.as_str());
                nearest(process, names).map(|process| format!("{group}:{process}"))
            }
            (Some(process), None) => {
                nearest(group, known.iter().copied()).map(|group| format!("{group}:{process}"))
            }
            (None, _) => nearest(group, known.iter().copied()).map(str::to_owned),
        };
        match near {
            Some(near) => error.advising(&format!("did you mean \"{near}\"?")),
            None => error.advising("write the name of a program or group of this configuration"),
        }
    }

    /// A condition that can never hold is told with what keeps it from that.
    fn check_condition(&self, dependency: &Dependency) -> Result<(), ConfigError> {
        let nodes = self.known.get(&dependency.name);
        for node in nodes.into_iter().flatten() {
            let Some(process) = self.process(*node) else {
                continue;
            };
            let condition = dependency
                .condition
                .unwrap_or_else(|| default_condition(process));
            let Some((key, reason, advice)) = never_holds(condition, process) else {
                continue;
            };
            let name = dependency.shown();
            let section = self.section_of(*node);
            let value = self.context.document.get(&section, key);
            let place = value.map(|value| value.location);
            let place = place.or_else(|| self.context.document.location_of(&section));
            let place = place.map_or_else(String::new, |place| format!(" ({place})"));
            let text = format!(
                "[{}] waits for {name}({}), which can never hold: [{section}] has {reason}{place}",
                dependency.place.section,
                condition.word()
            );
            let error = self.error(dependency, text);
            return Err(error.advising(&advice.replace("NAME", name).replace("SECTION", &section)));
        }
        Ok(())
    }

    fn section_of(&self, node: Node) -> String {
        let origin = self.found.get(node.0).map(|(_, origin)| origin);
        let section = origin.zip(self.process(node));
        section.map_or_else(String::new, |(origin, process)| {
            origin.section_of(process).to_owned()
        })
    }

    /// Follows what processes need, each once; whoever is come back to is in a circle.
    fn circles(&self) -> Result<(), ConfigError> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            Open,
            Done,
        }
        let mut marks: VecMap<Node, Mark> = VecMap::new();
        for start in self.dependants() {
            if marks.contains_key(&start) {
                continue;
            }
            // Each with the name, and the process behind it, that is to be looked at next.
            let mut path: Vec<(Node, usize, usize)> = vec![(start, 0, 0)];
            marks.insert(start, Mark::Open);
            while let Some((node, name, place)) = path.last_mut() {
                let node = *node;
                let Some(dependency) = self.needs(node).get(*name) else {
                    marks.insert(node, Mark::Done);
                    path.pop();
                    continue;
                };
                let targets = self.known.get(&dependency.name);
                let Some(target) = targets.and_then(|nodes| nodes.get(*place)) else {
                    (*name, *place) = (*name + 1, 0);
                    continue;
                };
                *place += 1;
                match marks.get(target) {
                    Some(Mark::Done) => {}
                    Some(Mark::Open) => return Err(self.circle(&path, *target)),
                    None => {
                        marks.insert(*target, Mark::Open);
                        path.push((*target, 0, 0));
                    }
                }
            }
        }
        Ok(())
    }

    fn circle(&self, path: &[(Node, usize, usize)], back_to: Node) -> ConfigError {
        let start = path.iter().position(|(node, ..)| *node == back_to);
        let members = path.get(start.unwrap_or(0)..).unwrap_or_default();
        let mut text = "depends_on goes in a circle: ".to_owned();
        let mut first = None;
        for (node, name, _) in members {
            let Some(dependency) = self.needs(*node).get(*name) else {
                continue;
            };
            first = first.or(Some(dependency));
            let location = &dependency.place.location;
            let place = location
                .as_ref()
                .map_or_else(String::new, |place| format!(" ({place})"));
            text.push_str(&format!("{}{place} needs ", self.shown(*node)));
        }
        text.push_str(&self.shown(back_to));
        match first {
            None => ConfigError::new(text),
            Some(dependency) => self
                .error(dependency, text)
                .advising("take one of these out of what the one before it depends on"),
        }
    }

    fn shown(&self, node: Node) -> String {
        let process = self.process(node).map_or("", |process| &process.name);
        match self.found.get(node.0) {
            Some((group, _)) if group.name != process => format!("{}:{process}", group.name),
            _ => process.to_owned(),
        }
    }
}

/// The key that keeps a condition from ever holding of a process, what it says, and what to
/// write instead.
fn never_holds(
    condition: Condition,
    process: &Process,
) -> Option<(&'static str, &'static str, &'static str)> {
    match condition {
        Condition::Running | Condition::Healthy if process.is_oneshot() => {
            Some(("type", "type=oneshot", "write NAME(exited)"))
        }
        Condition::Exited if process.autorestart == AutoRestart::Always => Some((
            "autorestart",
            "autorestart=true",
            "write NAME(running), or autorestart=unexpected in [SECTION]",
        )),
        Condition::Healthy if !dependencies::has_liveness_check(process) => Some((
            "liveness_check",
            "no liveness check",
            "write NAME(running), or give [SECTION] a liveness_check",
        )),
        _ => None,
    }
}

/// The processes of a program that is a member of groups, each with its group.
fn program_in_groups(
    context: &Context<'_>,
    name: &str,
) -> Result<Vec<(String, String)>, ConfigError> {
    let sections = context.document.sections();
    let mut found = Vec::new();
    for section in sections
        .iter()
        .filter(|name| name.starts_with(group::GROUP))
    {
        let group = program::name_of(context, section)?;
        let reader = context.section(section, &[&context.here]);
        let members = datatypes::list(&reader.text(group::MEMBERS)?.unwrap_or_default());
        if !members.iter().any(|member| member == name) {
            continue;
        }
        for prefix in [program::PREFIX, fcgi::PREFIX] {
            let member = format!("{prefix}{name}");
            if context.document.has_section(&member) {
                // What is to be said about them has been said.
                let own = processes(context, &member, &group, &mut Vec::new())?;
                found.extend(own.into_iter().map(|process| (group.clone(), process.name)));
            }
        }
    }
    Ok(found)
}
