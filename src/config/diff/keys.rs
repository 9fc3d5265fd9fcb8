//! What differs between two processes or two groups, key by key: by what a dump shows of
//! each.

use super::super::dump::{self, Members};
use super::super::key::{Applied, Key};
use super::super::program::{self, PRIORITY};
use super::super::{Group, GroupKind, Pool, Process, fcgi};
use crate::text::json::Json;

/// A key that has another value.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyChange {
    pub key: &'static Key,
    /// Null where there was none.
    pub old: Json,
    /// Null where there is none.
    pub new: Json,
}

/// A process and the group that it is in.
pub type Member<'a> = (&'a Group, &'a Process);

/// The keys by which two processes differ, in the order of the table.
pub fn of_process(old: Member<'_>, new: Member<'_>) -> Vec<KeyChange> {
    let keys = program::KEYS.iter().copied().flatten().chain(fcgi::KEYS);
    changes(keys, &members(old), &members(new))
}

/// Whether a process needs another child to be as the new one is.
pub fn needs_child(old: Member<'_>, new: Member<'_>) -> bool {
    let of_child = |change: &KeyChange| change.key.applied == Applied::Child;
    is_other(old, new)
        && (inherited(old.1) != inherited(new.1)
            || old.1.inherits_streams != new.1.inherits_streams
            || of_process(old, new).iter().any(of_child))
}

/// Whether two processes differ at all.
pub fn is_other((old_group, old): Member<'_>, (new_group, new): Member<'_>) -> bool {
    old != new || old_group.socket_of(old) != new_group.socket_of(new)
}

/// The keys of the groups themselves, likewise.
pub fn of_group(old: &Group, new: &Group) -> Vec<KeyChange> {
    let priority = |group: &Group| vec![(PRIORITY.name, group.priority.into())];
    let mut found = changes([&PRIORITY], &priority(old), &priority(new));
    if let (GroupKind::Listeners(old), GroupKind::Listeners(new)) = (&old.kind, &new.kind) {
        found.extend(changes(&Pool::KEYS, &old.dumped(), &new.dumped()));
    }
    found
}

fn members((group, process): Member<'_>) -> Members {
    let mut members = dump::members_of(process, process.gid);
    if process.socket.is_none() {
        members.extend(
            group
                .socket_of(process)
                .into_iter()
                .flat_map(dump::dumped_socket),
        );
    }
    members
}

/// The variables that lie under those of files, of which no key tells.
fn inherited(process: &Process) -> Option<&[String]> {
    let variables = process.variables.as_ref()?;
    Some(&variables.inherited)
}

fn changes(
    keys: impl IntoIterator<Item = &'static Key>,
    old: &Members,
    new: &Members,
) -> Vec<KeyChange> {
    let mut found = Vec::new();
    for key in keys
        .into_iter()
        .filter(|key| key.applied != Applied::Nothing)
    {
        let value = |members: &Members| {
            let mut members = members.iter();
            let member = members.find(|(name, _)| *name == key.name);
            member.map_or(Json::Null, |(_, value)| value.clone())
        };
        let (old, new) = reduced(value(old), value(new));
        if old != new {
            found.push(KeyChange { key, old, new });
        }
    }
    found
}

/// Of two lists of variables those that differ; other values as they are.
fn reduced(old: Json, new: Json) -> (Json, Json) {
    match (old, new) {
        (Json::Object(old), Json::Object(new)) => {
            let differing = |own: &[(String, Json)], other: &[(String, Json)]| {
                let own = own.iter().filter(|member| !other.contains(member));
                Json::Object(own.cloned().collect())
            };
            (differing(&old, &new), differing(&new, &old))
        }
        values => values,
    }
}
