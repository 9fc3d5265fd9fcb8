//! Moving the files of a log and making new ones: the operations of [`rotation`].

use std::fs::{self, File};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::{PermissionsExt, fchown};
use std::path::Path;

use nix::fcntl::OFlag;

use crate::loggers::rotation::{self, Backup, ENDINGS, MAX_BACKUPS, NamedChange};
use crate::sys::safe_path::{self, FileAt};
use crate::sys::user::Owner;

/// The bits of a mode that a new file takes over.
const PERMISSIONS: u32 = 0o777;

pub fn permissions(file: &File) -> Option<u32> {
    let found = file.metadata().ok()?;
    Some(found.permissions().mode() & PERMISSIONS)
}

/// What a new file is to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewFile {
    /// Its permissions, of which it never has more; `None` is what the umask leaves.
    pub mode: Option<u32>,
    pub owner: Option<Owner>,
    /// A processor makes others of the files that are moved aside.
    pub has_processor: bool,
}

/// Makes a file if there is none.
pub fn make(path: &str, new: NewFile) -> io::Result<Option<File>> {
    make_in(&FileAt::of(Path::new(path))?, new)
}

fn make_in(place: &FileAt, new: NewFile) -> io::Result<Option<File>> {
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND;
    let mode = new.mode;
    let file = match place.make(flags, mode.unwrap_or(0o666)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => return Err(error),
    };
    if let Some(mode) = mode.filter(|mode| permissions(&file) != Some(*mode)) {
        // The umask has taken something away. A file system may know no permissions.
        let _ = file.set_permissions(fs::Permissions::from_mode(mode));
    }
    // Who has the file open looks whether it could be given away.
    if let Some(owner) = new.owner {
        let _ = fchown(&file, owner.uid, owner.gid);
    }
    Ok(Some(file))
}

/// Moves the files and opens an empty one. After
/// a failure the files are as they were, but for a backup that had to give way:
/// so trying again and again does not push one backup after the other out.
pub fn roll_over(path: &str, backups: u32, new: NewFile) -> io::Result<File> {
    let name = last_name(path);
    let directory = FileAt::of(Path::new(path))?;
    let changes = match new.has_processor {
        true => {
            let existing = backups_of(&directory, name, 1..=backups.min(MAX_BACKUPS));
            rotation::plan_with_endings(name, backups, &existing)
        }
        false => {
            let exists = |number| directory.has(&rotation::name(name, number));
            rotation::named(name, &rotation::plan(backups, exists))
        }
    };
    let mut done = Vec::new();
    let outcome = changes
        .into_iter()
        .try_for_each(|change| {
            perform(&directory, &change)?;
            done.push(change);
            Ok(())
        })
        .and_then(|()| make_in(&directory, new))
        .and_then(|made| match made {
            Some(file) => Ok(file),
            None => take_over(path, backups == 0),
        });
    if outcome.is_err() {
        for change in done.into_iter().rev() {
            if let Some(to) = change.to {
                let _ = directory.rename(&to, &change.from);
            }
        }
    }
    outcome
}

/// Without backups the live file is still there, and is emptied: append mode and
/// truncation cannot be asked for at once. With backups somebody else has just
/// made it. A FIFO that somebody has put there must not be waited for, and
/// cannot be emptied either, so the old file goes on.
fn take_over(path: &str, empties: bool) -> io::Result<File> {
    let flags =
        OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = safe_path::open(Path::new(path), flags, 0o666)?;
    if empties || !file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Somebody else may have removed the file in the meantime; that is fine.
fn perform(directory: &FileAt, change: &NamedChange) -> io::Result<()> {
    let outcome = match &change.to {
        Some(to) => directory.rename(&change.from, to),
        None => directory.remove_named(change.from.as_ref()),
    };
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// The backups of a log with these numbers, with those that a processor has made. The directory is
/// not listed: it may be somebody's who puts a million files into it.
pub fn backups_of(directory: &FileAt, log: &str, numbers: RangeInclusive<u32>) -> Vec<Backup> {
    let endings = || [""].into_iter().chain(ENDINGS.iter().copied());
    let all = numbers.flat_map(|number| endings().map(move |ending| Backup { number, ending }));
    all.filter(|backup| directory.has(&backup.name(log)))
        .collect()
}

pub fn last_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_are_looked_for_by_their_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["l", "l.1", "l.1.gz", "l.1.txt", "l.3.xz", "l.12", "m.2"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let directory = FileAt::of(&dir.path().join("l")).unwrap();
        let found = backups_of(&directory, "l", 1..=10);
        let names: Vec<String> = found.iter().map(|backup| backup.name("l")).collect();
        assert_eq!(names, ["l.1", "l.1.gz", "l.3.xz"]);
    }
}
