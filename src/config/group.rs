//! Process groups: `[group:x]`, the programs that no group takes, event
//! listeners and FastCGI programs.
//!
//! Of groups with one name the first in starting order stays; the
//! original drops the others when it runs, and then reports a change for ever.

use std::rc::Rc;

use super::datatypes;
use super::dependencies::{self, DEPENDS_ON};
use super::error::ConfigError;
use super::fcgi;
use super::key::{Fallback, Key, changed};
use super::listener;
use super::nearest::nearest;
use super::program::{self, PRIORITY, name_of, part_after_colon, processes};
use super::section::{Context, Section};
use super::{FastCgiSocket, Group, GroupKind, Process, Supervisord};
use crate::snapshot::saved;
use crate::sort;
use crate::text::is_space;
use crate::vec_map::VecMap;

pub const GROUP: &str = "group:";
/// The key that names the members of a group.
pub const MEMBERS: &str = "programs";

pub const KEYS: &[Key] = &[
    changed(MEMBERS, "list", Fallback::Nothing).of_nothing(),
    PRIORITY,
    DEPENDS_ON,
];

/// The sections that made a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Its own, such as `program:x`.
    pub section: String,
    /// Those of the programs of a `[group:x]`, in its order.
    pub members: Vec<String>,
}

saved! { struct Origin { section, members } }

impl Origin {
    /// The section that made one of the group's processes.
    pub fn section_of(&self, process: &Process) -> &str {
        let member = self.members.get(usize::from(process.numbering.member));
        member.unwrap_or(&self.section)
    }
}

/// All groups in starting order, by priority and name, each with the sections that made it.
/// The variables of `[supervisord]` lie under each process's own.
pub fn read(
    context: &Context<'_>,
    supervisord: &Supervisord,
    warnings: &mut Vec<String>,
) -> Result<Vec<(Group, Origin)>, ConfigError> {
    let sections = context.document.sections();
    let mut found = Vec::new();
    let mut members = Vec::new();
    for section in sections.iter().filter(|name| name.starts_with(GROUP)) {
        found.push(named_group(context, section, &mut members, warnings)?);
    }
    let free = |section: &&String| !members.contains(section);
    for section in sections
        .iter()
        .filter(|name| name.starts_with(program::PREFIX))
        .filter(free)
    {
        found.push(single(context, section, warnings)?);
    }
    for section in sections
        .iter()
        .filter(|name| name.starts_with(listener::PREFIX))
    {
        found.push(listeners(context, section, warnings)?);
    }
    for section in sections
        .iter()
        .filter(|name| name.starts_with(fcgi::PREFIX))
        .filter(free)
    {
        found.push(fast_cgi(context, section, warnings)?);
    }
    sort::by(&mut found, |(a, _), (b, _)| {
        (a.priority, &a.name).cmp(&(b.priority, &b.name))
    });
    let mut found = without_duplicates(found, warnings);
    for process in found.iter_mut().flat_map(|(group, _)| &mut group.processes) {
        inherit(Rc::make_mut(process), supervisord);
    }
    Ok(found)
}

/// `[group:x]`. The sections of its members are added to `members`.
fn named_group(
    context: &Context<'_>,
    section: &str,
    members: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Result<(Group, Origin), ConfigError> {
    let name = name_of(context, section)?;
    let reader = context.section(section, &[&context.here]);
    let programs = datatypes::list(&reader.text(MEMBERS)?.unwrap_or_default());
    let priority = reader.read(&PRIORITY)?;
    let needed = dependencies::of_group(&reader)?;
    let mut all = Vec::new();
    let others = members.len();
    let mut origin = Origin {
        section: section.to_owned(),
        members: Vec::new(),
    };
    // Messages blame the group for the first member and the member before for the others.
    let mut blamed = section.to_owned();
    for program in programs {
        let member = member_section(context, &reader, &blamed, program)?;
        let mut own = processes(context, &member, &name, warnings)?;
        dependencies::add(&mut own, &needed);
        if member.starts_with(fcgi::PREFIX) {
            let is_taken = members.iter().take(others).any(|other| *other == member);
            let socket = member_socket(context, &member, is_taken, section, warnings);
            for process in &mut own {
                process.socket.clone_from(&socket);
            }
        }
        for process in &mut own {
            process.numbering.member = u16::try_from(origin.members.len()).unwrap_or(u16::MAX);
        }
        all.extend(own);
        members.push(member.clone());
        origin.members.push(member.clone());
        blamed = member;
    }
    let group = Group {
        name,
        priority,
        kind: GroupKind::Programs,
        processes: without_doubles(all, section, warnings),
    };
    Ok((group, origin))
}

/// The socket of an `[fcgi-program:x]` in a group. 4.3.0 gives it none and does
/// not look at the keys, so what is wrong with them is a warning, and the
/// program a plain one.
fn member_socket(
    context: &Context<'_>,
    member: &str,
    is_taken: bool,
    group: &str,
    warnings: &mut Vec<String>,
) -> Option<FastCgiSocket> {
    let read = datatypes::name(part_after_colon(member))
        .map_err(ConfigError::from)
        .and_then(|program| fcgi::socket(context, member, &program));
    let reason = match read {
        Ok(_) if is_taken => "another group has it already".to_owned(),
        Ok(socket) => return Some(socket),
        Err(error) => error.to_string(),
    };
    warnings.push(format!(
        "[{member}] is a plain program in [{group}], its socket is left out: {reason}"
    ));
    None
}

fn member_section(
    context: &Context<'_>,
    group: &Section<'_>,
    blamed: &str,
    program: String,
) -> Result<String, ConfigError> {
    let plain = format!("{}{program}", program::PREFIX);
    let fcgi = format!("{}{program}", fcgi::PREFIX);
    let has = |section: &str| context.document.has_section(section);
    let is_ambiguous = match (has(&plain), has(&fcgi)) {
        (true, false) => return Ok(plain),
        (false, true) => return Ok(fcgi),
        (has_plain, _) => has_plain,
    };
    let shown = group.shown(MEMBERS, program.clone());
    if is_ambiguous {
        let text =
            format!("[{blamed}] name {shown} is ambiguous (exists as program and fcgi-program)");
        return Err(group.fault_at(MEMBERS, text));
    }
    let text = format!("[{blamed}] names unknown program or fcgi-program {shown}");
    let error = group.fault_at(MEMBERS, text);
    Err(match meant(context, &program) {
        Some(advice) => error.advising(&advice),
        None => error,
    })
}

/// What may have been meant by a member that is no program.
fn meant(context: &Context<'_>, member: &str) -> Option<String> {
    if member.contains(is_space) {
        return Some("put commas between the programs".to_owned());
    }
    let sections = context.document.sections();
    let names = sections.iter().filter_map(|section| {
        let plain = section.strip_prefix(program::PREFIX);
        plain.or_else(|| section.strip_prefix(fcgi::PREFIX))
    });
    nearest(member, names).map(|name| format!("did you mean \"{name}\"?"))
}

/// A `[program:x]` that is a group of its own.
fn single(
    context: &Context<'_>,
    section: &str,
    warnings: &mut Vec<String>,
) -> Result<(Group, Origin), ConfigError> {
    let name = name_of(context, section)?;
    let reader = context.section(section, &[&context.here]);
    let priority = reader.read(&PRIORITY)?;
    group_of(
        context,
        section,
        name,
        priority,
        GroupKind::Programs,
        warnings,
    )
}

/// An `[eventlistener:x]`. Its group has the name as it stands in the header.
fn listeners(
    context: &Context<'_>,
    section: &str,
    warnings: &mut Vec<String>,
) -> Result<(Group, Origin), ConfigError> {
    let read = listener::read(context, section)?;
    let name = part_after_colon(section).to_owned();
    let kind = GroupKind::Listeners(read.pool);
    group_of(context, section, name, read.priority, kind, warnings)
}

/// An `[fcgi-program:x]` that is a group of its own.
fn fast_cgi(
    context: &Context<'_>,
    section: &str,
    warnings: &mut Vec<String>,
) -> Result<(Group, Origin), ConfigError> {
    let read = fcgi::read(context, section)?;
    let kind = GroupKind::FastCgi(read.socket);
    group_of(context, section, read.name, read.priority, kind, warnings)
}

/// The group of one section's processes.
fn group_of(
    context: &Context<'_>,
    section: &str,
    name: String,
    priority: i64,
    kind: GroupKind,
    warnings: &mut Vec<String>,
) -> Result<(Group, Origin), ConfigError> {
    let all = processes(context, section, &name, warnings)?;
    let group = Group {
        name,
        priority,
        kind,
        processes: without_doubles(all, section, warnings),
    };
    let origin = Origin {
        section: section.to_owned(),
        members: Vec::new(),
    };
    Ok((group, origin))
}

/// Of processes with one name the last definition counts, at the place of the first.
fn without_doubles(
    processes: Vec<Process>,
    section: &str,
    warnings: &mut Vec<String>,
) -> Vec<Rc<Process>> {
    let mut kept: Vec<Rc<Process>> = Vec::with_capacity(processes.len());
    let mut places: VecMap<String, usize> = VecMap::new();
    for process in processes {
        let other = places.get(&process.name).and_then(|&at| kept.get_mut(at));
        match other {
            None => {
                places.insert(process.name.clone(), kept.len());
                kept.push(Rc::new(process));
            }
            Some(other) => {
                warnings.push(format!(
                    "[{section}] has more than one process named {}: the last definition counts",
                    process.name
                ));
                *other = Rc::new(process);
            }
        }
    }
    kept
}

fn without_duplicates(
    found: Vec<(Group, Origin)>,
    warnings: &mut Vec<String>,
) -> Vec<(Group, Origin)> {
    let mut kept: Vec<(Group, Origin)> = Vec::new();
    for (group, origin) in found {
        match kept.iter().find(|(other, _)| other.name == group.name) {
            None => kept.push((group, origin)),
            Some((_, first)) => warnings.push(format!(
                "[{}] is left out: [{}] already makes a group named {}",
                origin.section, first.section, group.name
            )),
        }
    }
    kept
}

/// Puts the variables of `[supervisord]` under those of a process.
fn inherit(process: &mut Process, supervisord: &Supervisord) {
    let under = &supervisord.environment;
    let files = &supervisord.environment_file.0;
    if process.variables.is_some() || !files.is_empty() {
        let own = |name: &String| process.environment.iter().any(|(other, _)| other == name);
        let names = under.iter().map(|(name, _)| name).filter(|name| !own(name));
        let inherited = names.cloned().collect();
        let variables = process.variables.get_or_insert_default();
        variables.inherited = inherited;
        let sources = &mut variables.environment_file.0;
        sources.splice(..0, files.iter().cloned());
    }
    process.environment = merged(under, &process.environment);
}

/// One environment over the other, sorted by name.
fn merged(under: &[(String, String)], over: &[(String, String)]) -> Vec<(String, String)> {
    let mut map = VecMap::new();
    map.extend(under.iter().chain(over).cloned());
    map.into_iter().collect()
}
