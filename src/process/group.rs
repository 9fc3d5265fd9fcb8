//! A process group: what a section of the configuration became.

use crate::config;
use crate::process::subprocess::Subprocess;
use crate::tokens::{GroupId, ProcessId};

/// A group that is active.
#[derive(Debug)]
pub struct Group {
    /// Its serial.
    pub id: GroupId,
    /// What it was made from.
    pub config: config::Group,
    /// Its processes in the order of definition.
    pub processes: Vec<Subprocess>,
}

impl Group {
    /// Its processes in the order in which they start, by priority and then by
    /// name; they stop in the opposite one.
    pub fn by_priority(&self) -> Vec<ProcessId> {
        let mut processes: Vec<&Subprocess> = self.processes.iter().collect();
        processes.sort_by_key(|process| {
            let config = process.config();
            (config.priority, config.name.as_str())
        });
        processes.into_iter().map(Subprocess::id).collect()
    }

    /// The opposite of [`by_priority`](Group::by_priority).
    pub fn by_priority_down(&self) -> Vec<ProcessId> {
        let mut ids = self.by_priority();
        ids.reverse();
        ids
    }

    /// Whether every process counts as stopped.
    pub fn is_stopped(&self) -> bool {
        self.processes
            .iter()
            .all(|process| process.machine().state().is_stopped())
    }
}

/// How a process is shown: `name` where it equals the group's, else `group:name`.
pub fn namespec(group: &str, process: &str) -> String {
    if group == process {
        process.to_owned()
    } else {
        format!("{group}:{process}")
    }
}
