//! Groups whose programs have other numbers of processes than their files say.

use std::rc::Rc;

use super::document::Document;
use super::program::{MAX_NUMPROCS, NUMPROCS, PROCESS_NAME, part_after_colon};
use super::{Config, Group, Process, diff, group};
use crate::snapshot::saved;
use crate::text::is_space;

/// That programs of a group have other numbers of processes than are configured.
#[derive(Clone, Debug)]
pub struct Scaled {
    /// The group as configured.
    pub configured: Rc<Group>,
    pub programs: Vec<ScaledProgram>,
}

saved! { struct Scaled { configured, programs } }

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaledProgram {
    pub section: String,
    /// The place of the section among those of its group.
    pub member: u16,
    /// How many processes it is to have.
    pub number: u32,
}

saved! { struct ScaledProgram { section, member, number } }

impl Scaled {
    /// How many processes the program of a process is to have, if that is not as configured.
    pub fn number_of(&self, process: &Process) -> Option<u32> {
        let mut programs = self.programs.iter();
        let program = programs.find(|program| program.member == process.numbering.member);
        program.map(|program| program.number)
    }
}

impl Group {
    /// The place of the section that made a process, if that is the first that it made.
    pub fn first_of_program(&self, name: &str) -> Option<u16> {
        let mut processes = self.processes.iter();
        let process = processes.find(|process| process.name == name)?;
        let member = process.numbering.member;
        let mut processes = self.processes.iter();
        let first = processes.find(|other| other.numbering.member == member)?;
        (first.name == name).then_some(member)
    }
}

/// A program of a configuration: the place of its group, its section, and the place of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub group: usize,
    pub section: String,
    pub member: u16,
}

/// The programs of that name, which may have the name of their group and a colon before it.
pub fn find(config: &Config, name: &str) -> Vec<Found> {
    let (of_group, name) = match name.split_once(':') {
        Some((group, name)) => (Some(group), name),
        None => (None, name),
    };
    let mut found = Vec::new();
    let groups = config.groups.iter().zip(&config.origins).enumerate();
    for (at, (group, origin)) in groups {
        if of_group.is_some_and(|name| name != group.name) {
            continue;
        }
        let sections = match origin.section.starts_with(group::GROUP) {
            true => origin.members.as_slice(),
            false => std::slice::from_ref(&origin.section),
        };
        for (member, section) in (0..).zip(sections) {
            if part_after_colon(section).trim_matches(is_space) == name {
                found.push(Found {
                    group: at,
                    section: section.clone(),
                    member,
                });
            }
        }
    }
    found
}

/// The most processes that a program may have.
pub const MOST: i64 = MAX_NUMPROCS;

/// How many processes one program may have, from a number that somebody has given.
pub fn bounded(number: i64) -> Option<u32> {
    let number = (1..=MAX_NUMPROCS).contains(&number).then_some(number)?;
    u32::try_from(number).ok()
}

/// Whether the processes of a section can be told apart.
pub fn has_numbers(document: &Document, section: &str) -> bool {
    let name = document.get(section, PROCESS_NAME.name);
    name.is_some_and(|name| name.text.contains("%(process_num)"))
}

/// How many processes the files give a program.
pub fn configured(group: &Group, member: u16) -> u32 {
    let mut processes = group.processes.iter();
    let first = processes.find(|process| process.numbering.member == member);
    let number = first.map_or(0, |process| process.numbering.numprocs);
    u32::try_from(number).unwrap_or(0)
}

/// Gives the sections other numbers of processes, as if their files said so.
pub fn put(document: &mut Document, programs: &[ScaledProgram]) {
    for program in programs {
        let number = program.number.to_string();
        document.put(&program.section, NUMPROCS.name, &number);
    }
}

/// The group with the processes that run for those that are the same; the name of the first
/// that would be another one with these numbers.
pub fn merged(running: &Group, mut scaled: Group) -> Result<Group, String> {
    let known = diff::by_name(running);
    for process in &mut scaled.processes {
        match known.get(process.name.as_str()) {
            Some(known) if *known == process => *process = Rc::clone(known),
            Some(_) => return Err(process.name.clone()),
            None => {}
        }
    }
    Ok(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing;
    use crate::config::{GroupKind, Numbering};

    fn process(name: &str, member: u16, numprocs: i32) -> Rc<Process> {
        Rc::new(Process {
            numbering: Numbering {
                numprocs,
                numprocs_start: 0,
                member,
            },
            ..testing::process(name)
        })
    }

    fn group(processes: &[(&str, u16, i32)]) -> Group {
        let processes = processes.iter();
        let processes = processes.map(|(name, member, numprocs)| process(name, *member, *numprocs));
        Group {
            name: "g".to_owned(),
            priority: 999,
            kind: GroupKind::Programs,
            processes: processes.collect(),
        }
    }

    #[test]
    fn a_program_has_from_one_to_as_many_processes_as_its_section_may_have() {
        for (number, expected) in [
            (i64::MIN, None),
            (-1, None),
            (0, None),
            (1, Some(1)),
            (100_000, Some(100_000)),
            (100_001, None),
            (i64::MAX, None),
        ] {
            assert_eq!(bounded(number), expected, "{number}");
        }
    }

    #[test]
    fn the_first_process_of_a_program_stands_for_all_of_them() {
        let group = group(&[("a_0", 0, 2), ("a_1", 0, 2), ("b_0", 1, 1)]);
        for (name, expected) in [
            ("a_0", Some(0)),
            ("a_1", None),
            ("b_0", Some(1)),
            ("c", None),
        ] {
            assert_eq!(group.first_of_program(name), expected, "{name}");
        }
        let numbers = [0, 1, 2].map(|member| configured(&group, member));
        assert_eq!(numbers, [2, 1, 0]);
    }

    #[test]
    fn processes_that_are_the_same_stay_those_that_run() {
        let running = group(&[("a_0", 0, 2), ("a_1", 0, 2)]);
        let fresh = group(&[("a_0", 0, 3), ("a_1", 0, 3), ("a_2", 0, 3)]);
        let merged_group = merged(&running, fresh.clone()).unwrap();
        assert!(Rc::ptr_eq(
            &merged_group.processes[1],
            &running.processes[1]
        ));
        assert_eq!(merged_group.processes.len(), 3);
        let mut other = fresh;
        Rc::make_mut(&mut other.processes[1]).startsecs = 7;
        assert_eq!(merged(&running, other), Err("a_1".to_owned()));
    }
}
