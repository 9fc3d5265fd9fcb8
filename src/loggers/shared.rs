//! A log that several channels may write to: the programs of a group, both
//! channels of one child. It has one target, so it rolls over once.
//!
//! Two paths are one log if they lead to the same name in the same directory,
//! whatever symbolic links and dots are on the way: it is by that name that a
//! rollover moves files. Hard links are different logs, for each is moved alone.

use std::path::{Path, PathBuf};

use crate::loggers::rotation::Rotation;
use crate::loggers::target::Target;
use crate::snapshot::saved;
use crate::sys::{outlet, safe_path};

/// The one target of a log with what its users want of it.
#[derive(Debug)]
pub struct SharedLog {
    identity: PathBuf,
    pub target: Target,
    users: Vec<Rotation>,
}

saved! { struct SharedLog { identity, target, users } }

impl SharedLog {
    /// The log of a first user.
    pub fn new(identity: PathBuf, target: Target, rotation: Rotation) -> SharedLog {
        let mut log = SharedLog {
            identity,
            target,
            users: vec![rotation],
        };
        log.agree();
        log
    }

    /// What all paths that lead to it have in common, see [`identity`].
    pub fn identity(&self) -> &Path {
        &self.identity
    }

    /// Takes one more user. `opened` is what the user's path leads to now:
    /// everybody goes on there, which makes no difference unless somebody has
    /// moved the file away.
    pub fn join(&mut self, opened: Target, rotation: Rotation) {
        if self.target.path() != opened.path()
            && let Some(name) = self.identity.to_str()
        {
            self.target.rename(name);
        }
        self.target.adopt(opened);
        self.users.push(rotation);
        self.agree();
    }

    /// Lets a user go that came with this wish.
    pub fn leave(&mut self, rotation: Rotation) {
        if let Some(place) = self.users.iter().position(|user| *user == rotation) {
            self.users.swap_remove(place);
        }
        self.agree();
    }

    /// Whether anybody writes to it.
    pub fn is_used(&self) -> bool {
        !self.users.is_empty()
    }

    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    fn agree(&mut self) {
        if let Some(rotation) = common(&self.users) {
            self.target.serve(rotation, self.users.len());
        }
    }
}

/// What makes two paths the same log. The file should exist by now. A link that would not
/// be opened makes none the same.
pub fn identity(path: &str) -> PathBuf {
    match outlet::inherited_descriptor(Path::new(path)) {
        Some(number) => format!("/dev/fd/{number}").into(),
        None => safe_path::canonical(Path::new(path)).unwrap_or_else(|_| PathBuf::from(path)),
    }
}

/// The rotation that serves all: the smallest limit, and the most backups of
/// those who want a limit at all, so that nothing goes that somebody wants to keep.
fn common(users: &[Rotation]) -> Option<Rotation> {
    let limited = || users.iter().filter(|user| user.maxbytes > 0);
    let maxbytes = limited().map(|user| user.maxbytes).min();
    let backups = limited().map(|user| user.backups).max();
    match (maxbytes, backups) {
        (Some(maxbytes), Some(backups)) => Some(Rotation { maxbytes, backups }),
        _ => users.first().copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    const NEVER: Rotation = Rotation {
        maxbytes: 0,
        backups: 50,
    };

    fn rotation(maxbytes: i64, backups: i64) -> Rotation {
        Rotation { maxbytes, backups }
    }

    #[test]
    fn the_smallest_limit_and_the_most_backups_hold_for_all() {
        for (users, expected) in [
            (vec![], None),
            (vec![NEVER], Some(NEVER)),
            (vec![NEVER, rotation(10, 1)], Some(rotation(10, 1))),
            (vec![rotation(10, 1), rotation(5, 0)], Some(rotation(5, 1))),
            (
                vec![rotation(50, 3), NEVER, rotation(90, 7)],
                Some(rotation(50, 7)),
            ),
        ] {
            assert_eq!(common(&users), expected, "{users:?}");
        }
    }

    #[test]
    fn links_and_dots_lead_to_one_log_and_hard_links_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        fs::create_dir(at("d")).unwrap();
        fs::write(at("d/x.log"), "").unwrap();
        symlink("d", at("e")).unwrap();
        symlink("d/x.log", at("link.log")).unwrap();
        fs::hard_link(at("d/x.log"), at("hard.log")).unwrap();
        symlink("/dev/stdout", at("out.log")).unwrap();
        for (one, other, same) in [
            ("d/x.log", "d/./x.log", true),
            ("d/x.log", "e/../d//x.log", true),
            ("d/x.log", "e/x.log", true),
            ("d/x.log", "link.log", true),
            ("d/x.log", "hard.log", false),
            ("d/none", "e/none", false),
        ] {
            assert_eq!(identity(&at(one)) == identity(&at(other)), same, "{other}");
        }
        assert_eq!(identity(&at("out.log")), identity("/dev/fd/1"));
        assert_ne!(identity("/dev/stdout"), identity("/dev/stderr"));
    }

    #[test]
    fn a_log_with_two_names_rolls_over_once_and_by_its_own_name() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        fs::write(at("x.log"), "").unwrap();
        symlink("x.log", at("link.log")).unwrap();
        let wish = rotation(4, 2);
        let open = |name: &str| Target::open(&at(name), wish).unwrap();
        let mut log = SharedLog::new(identity(&at("link.log")), open("link.log"), wish);
        assert_eq!(log.identity(), identity(&at("x.log")));
        log.join(open("x.log"), wish);
        for text in ["one.", "two.", "3"] {
            log.target.write(text.as_bytes());
        }
        let read = |name: &str| fs::read_to_string(at(name)).unwrap_or_default();
        assert_eq!(
            ["x.log", "x.log.1", "x.log.2", "link.log"].map(read),
            ["3", "two.", "one.", "3"]
        );
        assert!(!fs::exists(at("link.log.1")).unwrap());
        log.leave(wish);
        assert!(log.is_used());
        log.leave(wish);
        assert!(!log.is_used());
    }

    #[test]
    fn who_joins_after_the_file_was_moved_takes_all_along_to_the_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.log").to_str().unwrap().to_owned();
        let open = || Target::open(&path, NEVER).unwrap();
        let mut log = SharedLog::new(identity(&path), open(), NEVER);
        log.target.write(b"old");
        fs::rename(&path, format!("{path}.moved")).unwrap();
        log.join(open(), NEVER);
        log.target.write(b"new");
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_to_string(format!("{path}.moved")).unwrap(), "old");
    }
}
