//! Control groups of version 2, which Linux shows as directories: each holds files that tell of a
//! group and change it.
//!
//! supervisord has the group that it was started in. Each process that asks for one gets a group
//! below it, and nothing above it or beside it is touched. Controllers cannot be given out by a
//! group that holds processes, so supervisord moves into a group of its own there.

mod group;
mod place;

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::snapshot::saved;
use crate::sys::lock::{self, Lock};
use crate::sys::{errno, processes};

use group::MEMBERS;

pub use group::Group;

/// The group of supervisord and of what has no other.
const LEAF: &str = "supervisord";

/// Which controllers may be used in a group, and which it gives out to those below.
const AVAILABLE: &str = "cgroup.controllers";
const GIVEN: &str = "cgroup.subtree_control";

/// Only the group that holds all of a system has no such file.
const KIND: &str = "cgroup.type";

/// How often it is looked for processes that were started while others were moved.
const PASSES: usize = 3;

/// The group that supervisord was started in, with those below it. While it lives no other
/// supervisord can have them.
#[derive(Debug)]
pub struct Tree {
    path: PathBuf,
    lock: File,
    /// It may give controllers out whatever it holds.
    is_root: bool,
    /// The controllers that were not given out before.
    given: Vec<&'static str>,
}

saved! { struct Tree { path, lock, is_root, given } }

impl Tree {
    /// That of this process; the error says why there is none that can be used.
    pub fn open() -> Result<Tree, String> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (groups, mounts) = (read("/proc/self/cgroup"), read("/proc/self/mountinfo"));
        let place = place::find(&groups, &mounts)?;
        // In a container a supervisord before this one has moved everything there.
        let path = match place.path.parent() {
            Some(above) if place.is_below_mount(LEAF) && above.join(KIND).exists() => {
                above.to_owned()
            }
            _ => place.path.clone(),
        };
        let is_whole_container = path == place.mount;
        Tree::at(path, is_whole_container)
    }

    /// That in a directory. What is in it and was not started by this process is moved as well if
    /// `moves_all`.
    fn at(path: PathBuf, moves_all: bool) -> Result<Tree, String> {
        let members = path.join(MEMBERS);
        let file = File::options().read(true).write(true).open(&members);
        let lock = file.map_err(|error| cannot("write to", &members, &error))?;
        match lock::try_lock(lock.as_fd()) {
            Ok(Lock::Held) => {
                return Err(format!(
                    "control group {} is that of another supervisord",
                    path.display()
                ));
            }
            // Who may only read it cannot have started anything there.
            Ok(Lock::Taken | Lock::HeldByReaders) => {}
            Err(error) => return Err(cannot("lock", &members, &error)),
        }
        let tree = Tree {
            is_root: !path.join(KIND).exists(),
            path,
            lock,
            given: Vec::new(),
        };
        tree.sweep();
        if !tree.is_root {
            tree.move_in(moves_all)?;
        }
        Ok(tree)
    }

    /// Moves this process, and those that it has started, into their group.
    fn move_in(&self, moves_all: bool) -> Result<(), String> {
        let leaf = self.path.join(LEAF);
        make_directory(&leaf).map_err(|error| cannot("make", &leaf, &error))?;
        let members = leaf.join(MEMBERS);
        let own = std::process::id();
        write(&members, &own.to_string()).map_err(|error| {
            format!(
                "cannot move supervisord to control group {}: {}",
                leaf.display(),
                errno::reason(&error)
            )
        })?;
        for _ in 0..PASSES {
            let mut others = group::members(&self.path);
            if !moves_all {
                let all = processes::all();
                let own = processes::with_descendants(&all, own.cast_signed());
                others.retain(|pid| own.iter().any(|(other, _)| other == pid));
            }
            if others.is_empty() {
                break;
            }
            for pid in others {
                // It may have ended, and one that stays is told of when it is in the way.
                let _ = write(&members, &pid.to_string());
            }
        }
        Ok(())
    }

    /// Lets the groups below use a controller.
    pub fn give_out(&mut self, controller: &'static str) -> Result<(), String> {
        if !has_word(&self.path.join(AVAILABLE), controller) {
            let path = self.path.display();
            return Err(format!(
                "control group {path} has no {controller} controller"
            ));
        }
        let given = self.path.join(GIVEN);
        if has_word(&given, controller) {
            return Ok(());
        }
        write(&given, &format!("+{controller}")).map_err(|error| {
            let reason = cannot("write to", &given, &error);
            match group::members(&self.path).first() {
                Some(pid) if !self.is_root => format!(
                    "{reason}; process {pid} is in that group and supervisord has not started it"
                ),
                _ => reason,
            }
        })?;
        self.given.push(controller);
        Ok(())
    }

    /// The group of that name, made if it is not there.
    pub fn group(&self, name: &str) -> Result<Group, String> {
        let path = self.path.join(name);
        make_directory(&path).map_err(|error| cannot("make", &path, &error))?;
        Ok(Group::new(path))
    }

    /// Removes the groups of processes that have none; true if no other is left.
    fn sweep(&self) -> bool {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let groups = entries.filter(|entry| {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            is_directory && entry.file_name().to_string_lossy().contains(SEPARATOR)
        });
        let left = groups.filter(|entry| !Group::new(entry.path()).remove());
        left.count() == 0
    }

    /// At the end: leaves everything as it was found, unless processes are left in groups.
    pub fn close(self) {
        if !self.sweep() {
            return;
        }
        let leaf = self.path.join(LEAF);
        for controller in &self.given {
            let _ = write(&self.path.join(GIVEN), &format!("-{controller}"));
        }
        if self.is_root {
            return;
        }
        for pid in group::members(&leaf) {
            let _ = write(&self.path.join(MEMBERS), &pid.to_string());
        }
        let _ = fs::remove_dir(&leaf);
    }
}

/// What the names of all groups of processes hold, and nothing else in such a directory.
const SEPARATOR: char = ':';

/// The longest name, in bytes; the system takes 255.
const LONGEST_NAME: usize = 200;

/// The name of the group of a process: those of its process group and its own, with what does not
/// belong into a path as numbers.
pub fn name_of(group: &str, process: &str) -> String {
    let [group, process] = [group, process].map(|name| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+".contains(&byte);
        let parts = name.bytes().map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        });
        parts.collect::<String>()
    });
    let mut name = format!("{group}{SEPARATOR}{process}");
    if name.len() > LONGEST_NAME {
        // FNV-1a: two long names that begin alike stay two.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        name.truncate(LONGEST_NAME);
        name.push_str(&format!("{SEPARATOR}{hash:016x}"));
    }
    name
}

/// Where a process that is to join a group writes.
pub fn join(group: &str) -> io::Result<()> {
    write(&Path::new(group).join(MEMBERS), "0")
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
}

fn make_directory(path: &Path) -> io::Result<()> {
    // Whatever the umask is: who may write to it could make others in it.
    match fs::DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

fn has_word(path: &Path, word: &str) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace().any(|other| other == word)
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {what} {}: {}", path.display(), errno::reason(error))
}

#[cfg(test)]
mod tests;
