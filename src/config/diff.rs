//! What a new reading of the configuration changes: the comparison behind
//! `reread` and `update`.
//!
//! Groups are compared as values. The original does not look at a log file
//! that has become `AUTO`; here that is a change like any other.

use super::Group;

/// The names of groups by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// In the fresh configuration and not running, in the fresh order.
    pub added: Vec<String>,
    /// Running with other settings than the fresh ones, in the fresh order.
    pub changed: Vec<String>,
    /// Running and gone from the fresh configuration, in the running order.
    pub removed: Vec<String>,
}

/// Compares the groups that run with freshly read ones.
pub fn compare<'a>(running: impl IntoIterator<Item = &'a Group>, fresh: &[Group]) -> Difference {
    let running: Vec<&Group> = running.into_iter().collect();
    let mut difference = Difference::default();
    for group in fresh {
        match running.iter().find(|old| old.name == group.name) {
            None => difference.added.push(group.name.clone()),
            Some(old) if *old != group => difference.changed.push(group.name.clone()),
            Some(_) => {}
        }
    }
    for old in running {
        if !fresh.iter().any(|group| group.name == old.name) {
            difference.removed.push(old.name.clone());
        }
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{GroupKind, LogFile, testing};

    fn group(name: &str) -> Group {
        Group {
            name: name.to_owned(),
            priority: 999,
            kind: GroupKind::Programs,
            processes: vec![testing::process(name)],
        }
    }

    #[test]
    fn groups_are_told_apart_by_name_and_compared_by_value() {
        let running = [group("z"), group("same"), group("other"), group("a")];
        let mut other = group("other");
        other.priority = 1;
        let fresh = [other, group("new"), group("same")];
        let difference = compare(&running, &fresh);
        assert_eq!(difference.added, ["new"]);
        assert_eq!(difference.changed, ["other"]);
        assert_eq!(difference.removed, ["z", "a"]);
        assert_eq!(compare(&running, &running), Difference::default());
    }

    #[test]
    fn a_log_file_that_becomes_auto_is_a_change() {
        let mut running = group("a");
        for process in &mut running.processes {
            process.stdout.logfile = LogFile::Path("/tmp/x".to_owned());
        }
        let fresh = [group("a")];
        assert_eq!(compare([&running], &fresh).changed, ["a"]);
    }

    #[test]
    fn the_order_of_members_counts() {
        let mut running = group("a");
        running.processes.push(testing::process("b"));
        let mut fresh = running.clone();
        fresh.processes.reverse();
        assert_eq!(compare([&running], &[fresh]).changed, ["a"]);
    }
}
