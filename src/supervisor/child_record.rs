//! The file in which supervisord keeps the pid and the start time of each child, for the one that
//! comes after it: with both it is sure that a process is a child that was left behind, and no
//! other that has the pid by now. Only `leftovers=kill` has one.
//!
//! The first line names the run of the system. A line is added at each start of a child; those of
//! children that have ended are left out when there are many.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::fcntl::OFlag;

use crate::process::group::namespec;
use crate::snapshot::saved;
use crate::sys::safe_path::{self, FileAt};
use crate::sys::{process, processes, trust};

/// How many lines of ended children there may be before they are left out.
const SPARE_LINES: usize = 1000;

/// A record of more bytes is not one of ours.
const SIZE_LIMIT: u64 = 16 << 20;

/// A child of this or an earlier supervisord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    pub pid: i32,
    /// When it was started, in clock ticks since the system was.
    pub started: u64,
    pub group: String,
    pub process: String,
}

saved! { struct Child { pid, started, group, process } }

impl Child {
    pub fn is_alive(&self) -> bool {
        processes::stat(self.pid)
            .is_some_and(|stat| stat.started == self.started && !stat.is_zombie)
    }

    /// The name in log lines.
    pub fn name(&self) -> String {
        namespec(&self.group, &self.process)
    }

    fn line(&self) -> String {
        let (group, process) = (&self.group, &self.process);
        format!("{} {} {group}:{process}\n", self.pid, self.started)
    }

    fn of_line(line: &str) -> Option<Child> {
        let mut words = line.splitn(3, ' ');
        let pid = words.next()?.parse().ok().filter(|pid| *pid > 1)?;
        let started = words.next()?.parse().ok()?;
        let (group, process) = words.next()?.split_once(':')?;
        Some(Child {
            pid,
            started,
            group: group.to_owned(),
            process: process.to_owned(),
        })
    }
}

/// The record of this supervisord. Its file goes when it is dropped, unless a child in it runs still.
#[derive(Debug)]
pub struct ChildRecord {
    path: String,
    file: File,
    /// Lines that were added since the file was made.
    lines: usize,
}

saved! { struct ChildRecord { path, file, lines } }

/// Where the record of the daemon with that pid file is.
pub fn path_beside(pidfile: &str) -> String {
    format!("{pidfile}.children")
}

impl ChildRecord {
    /// Begins one with these children in the place of what is there.
    pub fn create(path: &str, children: &[Child]) -> io::Result<ChildRecord> {
        check_directories(path)?;
        let file = replace(path, children)?;
        Ok(ChildRecord {
            path: path.to_owned(),
            file,
            lines: children.len(),
        })
    }

    /// Adds a child, beside so many others that live.
    pub fn add(&mut self, child: &Child, living: usize) -> io::Result<()> {
        if self.lines > living.saturating_mul(2).saturating_add(SPARE_LINES) {
            let mut living = read(&self.path)?;
            living.retain(Child::is_alive);
            self.file = replace(&self.path, &living)?;
            self.lines = living.len();
        }
        self.file.write_all(child.line().as_bytes())?;
        self.lines += 1;
        Ok(())
    }
}

impl Drop for ChildRecord {
    fn drop(&mut self) {
        if read(&self.path).is_ok_and(|children| children.iter().any(Child::is_alive)) {
            return;
        }
        // It may have been removed by hand; there is nobody to tell any more.
        let _ = safe_path::remove(Path::new(&self.path));
    }
}

/// The children of an earlier supervisord. There are none if there is no record, or if the
/// system was started anew since it was written.
pub fn read(path: &str) -> io::Result<Vec<Child>> {
    let Some(text) = read_own(path, SIZE_LIMIT)? else {
        return Ok(Vec::new());
    };
    let mut lines = text.lines();
    if lines.next() != processes::boot().as_deref() {
        return Ok(Vec::new());
    }
    Ok(lines.filter_map(Child::of_line).collect())
}

/// Nobody else may move another file of ours, such as a log, to that place.
pub(super) fn check_directories(path: &str) -> io::Result<()> {
    let directory = match Path::new(path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    for directory in fs::canonicalize(directory)?.ancestors() {
        let found = fs::metadata(directory)?;
        let is_ours = trust::is_trusted(found.uid());
        let is_others = found.mode() & 0o002 != 0
            || (found.mode() & 0o020 != 0 && found.gid() != process::effective_gid());
        let is_sticky = found.mode() & 0o1000 != 0;
        if !is_ours || (is_others && !is_sticky) {
            let directory = directory.display();
            return Err(io::Error::other(format!(
                "others may change what is in the directory {directory}"
            )));
        }
    }
    Ok(())
}

/// Nobody else may say whom supervisord is to kill.
pub(super) fn check(file: &File) -> io::Result<()> {
    let found = file.metadata()?;
    let is_ours = trust::is_trusted(found.uid());
    let is_private = found.mode() & 0o022 == 0 && found.nlink() == 1;
    match found.is_file() && is_ours && is_private {
        true => Ok(()),
        false => Err(io::Error::other(
            "it is not a file that supervisord's user alone can write to",
        )),
    }
}

/// The text of a file that supervisord has written for itself, up to so many bytes; `None` if
/// there is none.
pub(super) fn read_own(path: &str, limit: u64) -> io::Result<Option<String>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let opened = FileAt::of(Path::new(path)).and_then(|place| place.open(flags, 0));
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    check(&file)?;
    check_directories(path)?;
    let mut text = String::new();
    file.take(limit).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Puts a file with these children into the place of what is there, and has it open to add more.
fn replace(path: &str, children: &[Child]) -> io::Result<File> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let new = format!("{name}.new");
    let place = FileAt::of(Path::new(path))?.beside(new.as_ref());
    match place.remove() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = place.make(OFlag::O_WRONLY | OFlag::O_APPEND, 0o600)?;
    let mut text = processes::boot().unwrap_or_default();
    text.push('\n');
    text.extend(children.iter().map(Child::line));
    file.write_all(text.as_bytes())?;
    place.rename(&new, name)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn child(pid: i32, started: u64, process: &str) -> Child {
        Child {
            pid,
            started,
            group: "g".to_owned(),
            process: process.to_owned(),
        }
    }

    fn this_process(name: &str) -> Child {
        let pid = i32::try_from(std::process::id()).unwrap();
        child(pid, processes::stat(pid).unwrap().started, name)
    }

    #[test]
    fn a_record_is_read_back_and_goes_with_its_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let path = path_beside(dir.path().join("main.pid").to_str().unwrap());
        assert_eq!(read(&path).unwrap(), []);
        let mut record = ChildRecord::create(&path, &[]).unwrap();
        for name in ["a", "b c"] {
            record.add(&child(42, 7, name), 1).unwrap();
        }
        assert_eq!(
            read(&path).unwrap(),
            [child(42, 7, "a"), child(42, 7, "b c")]
        );
        drop(record);
        assert!(!fs::exists(&path).unwrap());
        // Whoever comes next is to know of one that is being stopped.
        drop(ChildRecord::create(&path, &[this_process("p")]).unwrap());
        assert_eq!(read(&path).unwrap(), [this_process("p")]);
    }

    #[test]
    fn ended_children_are_left_out_when_there_are_many() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r").to_str().unwrap().to_owned();
        let mut record = ChildRecord::create(&path, &[]).unwrap();
        let living = this_process("living");
        record.add(&living, 1).unwrap();
        for _ in 0..SPARE_LINES + 3 {
            record.add(&child(i32::MAX, 1, "ended"), 1).unwrap();
        }
        let found = read(&path).unwrap();
        assert!(found.len() < 10, "{}", found.len());
        assert_eq!(found[0], living);
    }

    #[test]
    fn what_others_may_have_written_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r").to_str().unwrap().to_owned();
        let record = ChildRecord::create(&path, &[]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(read(&path).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read(&path).is_ok());
        let link = dir.path().join("link").to_str().unwrap().to_owned();
        symlink(&path, &link).unwrap();
        assert!(read(&link).is_err());
        fs::hard_link(&path, dir.path().join("second")).unwrap();
        assert!(read(&path).is_err());
        drop(record);
    }

    #[test]
    fn a_record_in_a_directory_of_others_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let path = inner.join("r").to_str().unwrap().to_owned();
        let is_believed = || {
            fs::write(&path, "another\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let is_read = read(&path).is_ok();
            assert_eq!(ChildRecord::create(&path, &[]).is_ok(), is_read);
            is_read
        };
        for (mode, expected) in [
            (0o777, false),
            (0o1777, true),
            (0o757, false),
            (0o775, true),
            (0o755, true),
        ] {
            // It counts for each directory above as well.
            for changed in [inner.as_path(), dir.path()] {
                fs::set_permissions(changed, fs::Permissions::from_mode(mode)).unwrap();
                assert_eq!(is_believed(), expected, "{mode:o}");
                fs::set_permissions(changed, fs::Permissions::from_mode(0o700)).unwrap();
            }
        }
        if process::effective_uid() == 0 {
            std::os::unix::fs::chown(&inner, Some(65534), None).unwrap();
            assert!(!is_believed());
            let error = read(&path).unwrap_err().to_string();
            assert!(error.starts_with("others may change"), "{error}");
        }
    }

    #[test]
    fn lines_that_are_none_and_other_runs_of_the_system_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r").to_str().unwrap().to_owned();
        let boot = processes::boot().unwrap();
        let lines = "1 2 g:init\n-5 2 g:p\n0 1 g:p\nx\n7\n7 x g:p\n7 8 g\n9 8 g:p:q\n";
        fs::write(&path, format!("{boot}\n{lines}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&path).unwrap(), [child(9, 8, "p:q")]);
        fs::write(&path, format!("another\n{lines}")).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }
}
