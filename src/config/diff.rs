//! What a new reading of the configuration changes: the comparison behind
//! `reread` and `update`.
//!
//! Groups are compared as values. The original does not look at a log file
//! that has become `AUTO`; here that is a change like any other. What an `update` does
//! goes by the single keys ([`keys`]).

pub mod keys;

use std::mem::discriminant;
use std::rc::Rc;

use super::{Group, GroupKind, Process};
use crate::vec_map::VecMap;

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
pub fn compare<'a>(
    running: impl IntoIterator<Item = &'a Group>,
    fresh: &[Rc<Group>],
) -> Difference {
    let running: Vec<&Group> = running.into_iter().collect();
    let mut difference = Difference::default();
    for group in fresh {
        match running.iter().find(|old| old.name == group.name) {
            None => difference.added.push(group.name.clone()),
            Some(old) if **old != **group => difference.changed.push(group.name.clone()),
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

/// Whether a group can become another one without being removed and added.
pub fn is_of_one_kind(old: &Group, new: &Group) -> bool {
    discriminant(&old.kind) == discriminant(&new.kind)
}

/// Groups of a fresh reading that are the same as those known by their names become
/// those, for they would take memory twice; likewise the processes of the others.
pub fn share<'a>(fresh: &mut [Rc<Group>], known: impl Fn(&str) -> Option<&'a Rc<Group>>) {
    for group in fresh {
        let Some(known) = known(&group.name) else {
            continue;
        };
        if *known == *group && is_limited(known) == is_limited(group) {
            *group = Rc::clone(known);
        } else if let Some(group) = Rc::get_mut(group) {
            let known = by_name(known);
            for process in &mut group.processes {
                let same = known.get(process.name.as_str());
                if let Some(same) = same.filter(|same| **same == process) {
                    *process = Rc::clone(same);
                }
            }
        }
    }
}

/// The processes of a group by their names.
pub fn by_name(group: &Group) -> VecMap<&str, &Rc<Process>> {
    let mut names = VecMap::new();
    let processes = group.processes.iter();
    names.extend(processes.map(|process| (process.name.as_str(), process)));
    names
}

/// Whether the buffer of a pool is, which no comparison sees and its next life goes by.
fn is_limited(group: &Group) -> bool {
    matches!(&group.kind, GroupKind::Listeners(pool) if pool.is_limited.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::config::{
        Address, FastCgiSocket, GroupKind, IsLimited, LogFile, Pool, ResultHandler, testing,
    };
    use crate::events::message::PayloadLength;
    use crate::sys::user::Owner;

    fn group(name: &str) -> Group {
        Group {
            name: name.to_owned(),
            priority: 999,
            kind: GroupKind::Programs,
            processes: vec![Rc::new(testing::process(name))],
        }
    }

    #[test]
    fn groups_are_told_apart_by_name_and_compared_by_value() {
        let running = ["z", "same", "other", "a"].map(|name| Rc::new(group(name)));
        let known = || running.iter().map(Rc::as_ref);
        let mut other = group("other");
        other.priority = 1;
        let fresh = [other, group("new"), group("same")].map(Rc::new);
        let difference = compare(known(), &fresh);
        assert_eq!(difference.added, ["new"]);
        assert_eq!(difference.changed, ["other"]);
        assert_eq!(difference.removed, ["z", "a"]);
        assert_eq!(compare(known(), &running), Difference::default());
    }

    #[test]
    fn what_was_read_again_and_had_not_changed_was_kept_twice() {
        let known = ["a", "other", "gone"].map(|name| Rc::new(group(name)));
        let mut other = group("other");
        other.priority = 1;
        let fresh = [other, group("new"), group("a")].map(Rc::new);
        let mut shared = fresh.clone();
        share(&mut shared, |name| {
            known.iter().find(|known| known.name == name)
        });
        assert_eq!(shared, fresh);
        assert!(Rc::ptr_eq(&shared[0], &fresh[0]) && Rc::ptr_eq(&shared[1], &fresh[1]));
        assert!(Rc::ptr_eq(&shared[2], &known[0]));
    }

    #[test]
    fn a_log_file_that_becomes_auto_is_a_change() {
        let mut running = group("a");
        for process in &mut running.processes {
            Rc::make_mut(process).stdout.logfile = LogFile::Path("/tmp/x".to_owned());
        }
        let fresh = [Rc::new(group("a"))];
        assert_eq!(compare([&running], &fresh).changed, ["a"]);
    }

    #[test]
    fn the_order_of_members_counts() {
        let mut running = group("a");
        running.processes.push(Rc::new(testing::process("b")));
        let mut fresh = running.clone();
        fresh.processes.reverse();
        assert_eq!(compare([&running], &[Rc::new(fresh)]).changed, ["a"]);
    }

    fn with_kind(kind: GroupKind) -> Group {
        Group { kind, ..group("a") }
    }

    #[test]
    fn owner_mode_and_backlog_of_a_fastcgi_socket_count() {
        let socket = |mode, owner, backlog| {
            with_kind(GroupKind::FastCgi(FastCgiSocket {
                address: Address::Unix {
                    path: "/s".to_owned(),
                    mode,
                    owner,
                },
                backlog,
            }))
        };
        let root = Owner {
            uid: Some(0),
            gid: None,
        };
        let running = socket(0o700, None, None);
        for fresh in [
            socket(0o770, None, None),
            socket(0o700, Some(root), None),
            socket(0o700, None, Some(5)),
            group("a"),
        ] {
            assert_eq!(compare([&running], &[Rc::new(fresh)]).changed, ["a"]);
        }
        let same = [Rc::new(running.clone())];
        assert_eq!(compare([&running], &same), Difference::default());
    }

    #[test]
    fn the_socket_of_a_member_counts() {
        let running = group("a");
        let mut fresh = running.clone();
        for process in &mut fresh.processes {
            Rc::make_mut(process).socket = Some(FastCgiSocket {
                address: Address::Inet {
                    host: "h".to_owned(),
                    port: 80,
                },
                backlog: None,
            });
        }
        assert_eq!(
            compare([&running], &[Rc::new(fresh.clone())]).changed,
            ["a"]
        );
        let same = [Rc::new(fresh.clone())];
        assert_eq!(compare([&fresh], &same), Difference::default());
    }

    #[test]
    fn the_keys_of_a_pool_count() {
        let plain = || Pool {
            buffer_size: 10,
            is_limited: IsLimited(false),
            events: vec!["TICK_5".to_owned()],
            result_handler: ResultHandler::Default,
            event_max_retry: 0,
            handler_timeout: 10,
            monitor_interval: 60,
            payload_length: PayloadLength::Characters,
            busy_warning: Duration::from_secs(30),
        };
        let running = with_kind(GroupKind::Listeners(plain()));
        let changes: [fn(&mut Pool); 5] = [
            |pool| pool.buffer_size = 11,
            |pool| pool.events = vec!["TICK_60".to_owned()],
            |pool| pool.result_handler = ResultHandler::Store,
            |pool| pool.payload_length = PayloadLength::Bytes,
            |pool| pool.busy_warning = Duration::ZERO,
        ];
        for change in changes {
            let mut pool = plain();
            change(&mut pool);
            let fresh = with_kind(GroupKind::Listeners(pool));
            assert_eq!(compare([&running], &[Rc::new(fresh)]).changed, ["a"]);
        }
        // The default is told as 10: that it is set now counts when the pool is made anew.
        let mut pool = plain();
        pool.is_limited = IsLimited(true);
        let fresh = [Rc::new(with_kind(GroupKind::Listeners(pool)))];
        let known = Rc::new(running);
        assert_eq!(compare([&*known], &fresh), Difference::default());
        let mut kept = fresh;
        share(&mut kept, |_| Some(&known));
        assert!(is_limited(&kept[0]) && !is_limited(&known));
    }

    #[test]
    fn the_group_that_a_user_names_counts() {
        let mut fresh = group("a");
        for process in &mut fresh.processes {
            Rc::make_mut(process).gid = Some(5);
        }
        assert_eq!(compare([&group("a")], &[Rc::new(fresh)]).changed, ["a"]);
    }
}
