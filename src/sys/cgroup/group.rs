//! A control group of a process, and what is below it: its limits, who is in it, its end.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::signal::Signal;
use crate::snapshot::saved;
use crate::sys::kill;

/// The file of a group that names its processes and takes others.
pub const MEMBERS: &str = "cgroup.procs";

/// How deep a program may nest groups of its own and have them looked after.
const DEEPEST: u32 = 8;

/// The group of a process.
#[derive(Clone, Debug)]
pub struct Group {
    path: PathBuf,
}

saved! { struct Group { path } }

impl Group {
    pub fn new(path: PathBuf) -> Group {
        Group { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes to a file of it.
    pub fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.path.join(file), value)
    }

    /// Whether it has that file, which it has with the controller that the file belongs to.
    pub fn has(&self, file: &str) -> bool {
        self.path.join(file).exists()
    }

    /// The number in a file of it: behind a word, or the only one.
    pub fn number(&self, file: &str, word: &str) -> Option<u64> {
        let text = fs::read_to_string(self.path.join(file)).ok()?;
        let mut lines = text.lines();
        let number = lines.find_map(|line| line.trim().strip_prefix(word));
        number?.trim().parse().ok()
    }

    /// Who is in it or in a group below it.
    pub fn members(&self) -> Vec<i32> {
        members_below(&self.path, DEEPEST)
    }

    /// Kills everybody in it. Where the system cannot do that at once, those who are in it now:
    /// to be done again until nobody is.
    pub fn kill(&self) -> io::Result<()> {
        let whole = File::options()
            .write(true)
            .open(self.path.join("cgroup.kill"))
            .and_then(|mut file| file.write_all(b"1"));
        match whole {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            outcome => return outcome,
        }
        let own = std::process::id().cast_signed();
        for pid in self.members().into_iter().filter(|pid| *pid != own) {
            match kill::kill(pid, Signal::KILL) {
                Ok(()) | Err(libc::ESRCH) => {}
                Err(number) => return Err(io::Error::from_raw_os_error(number)),
            }
        }
        Ok(())
    }

    /// Removes it, if nobody is in it; true if it has gone.
    pub fn remove(&self) -> bool {
        remove_below(&self.path, DEEPEST)
    }
}

/// Who is in the group of a directory.
pub fn members(path: &Path) -> Vec<i32> {
    let text = fs::read_to_string(path.join(MEMBERS)).unwrap_or_default();
    let pids = text.lines().filter_map(|line| line.parse().ok());
    // A process of another namespace has no number here.
    pids.filter(|pid| *pid > 0).collect()
}

fn groups_below(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.map(|entry| entry.path()).collect()
}

fn members_below(path: &Path, depth: u32) -> Vec<i32> {
    let mut all = members(path);
    if let Some(depth) = depth.checked_sub(1) {
        for group in groups_below(path) {
            all.extend(members_below(&group, depth));
        }
    }
    all
}

fn remove_below(path: &Path, depth: u32) -> bool {
    let is_gone = || match fs::remove_dir(path) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if is_gone() {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let groups = groups_below(path);
    let may_go = !groups.is_empty() && members(path).is_empty();
    may_go && groups.iter().all(|group| remove_below(group, depth)) && is_gone()
}
