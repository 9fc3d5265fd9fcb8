//! AUTO logs: files that supervisord names itself, in `childlogdir`, and
//! removes at its next start.
//!
//! A daemon has a shared lock on each of its own, which its children do not inherit. A
//! clean-up removes what it can lock alone, so not the logs of another daemon with the
//! same identifier that runs; 4.3.0 removes those too.
//!
//! Names are `⟨process⟩-⟨channel⟩---⟨identifier⟩-⟨8 of a-z0-9_⟩.log`. Two daemons
//! with different identifiers may share a directory: the identifier is compared
//! as it is and as a whole, where 4.3.0 takes it for a pattern and for a prefix.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::loggers::failure::{LogFailure, LogOperation};
use crate::sort;
use crate::sys::lock;
use crate::sys::safe_path::{self, FileAt};
use crate::tokens::Channel;

const ALPHABET: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
const RANDOM_CHARACTERS: usize = 8;
const ATTEMPTS: usize = 100;

/// Makes an empty log of mode 0600 for a channel of a process. Returns its path, and the file
/// that is locked for as long as it is open.
pub fn create(
    directory: &str,
    process: &str,
    channel: Channel,
    identifier: &str,
) -> Result<(String, File), LogFailure> {
    let prefix = format!("{process}-{}---{identifier}-", channel.name());
    let mut attempts = 0;
    loop {
        attempts += 1;
        let name = format!("{prefix}{}.log", random_characters());
        let path = match directory {
            "" => name,
            directory => format!("{}/{name}", directory.trim_end_matches('/')),
        };
        let created =
            FileAt::of(Path::new(&path)).and_then(|place| place.make(OFlag::O_WRONLY, 0o600));
        match created {
            Ok(file) if is_lost(&file) && attempts < ATTEMPTS => {}
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS => {}
            Err(error) => return Err(LogFailure::new(LogOperation::Open, &path, &error)),
        }
    }
}

/// Whether the clean-up of another supervisord was faster than the lock.
fn is_lost(file: &File) -> bool {
    let is_refused = matches!(lock::try_lock_shared(file.as_fd()), Ok(false));
    is_refused || file.metadata().is_ok_and(|found| found.nlink() == 0)
}

/// The standard library seeds its hash tables from the system's random numbers,
/// and differently for each.
fn random_characters() -> String {
    let mut number = RandomState::new().build_hasher().finish();
    (0..RANDOM_CHARACTERS)
        .map(|_| {
            let place = (number % ALPHABET.len() as u64) as usize;
            number /= ALPHABET.len() as u64;
            ALPHABET.get(place).copied().map_or('_', char::from)
        })
        .collect()
}

/// What the clean-up could not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CleanupWarning {
    /// `Could not clear childlog dir`: it cannot be listed.
    Directory,
    /// `Failed to clean up ⟨repr path⟩`: this one cannot be removed.
    Entry(PathBuf),
}

/// What the clean-up has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanUp {
    /// The names that are gone.
    pub removed: Vec<OsString>,
    /// Those that another supervisord holds.
    pub held: Vec<OsString>,
    pub warnings: Vec<CleanupWarning>,
}

/// Removes the AUTO logs of that identifier, with their backups, which no supervisord holds.
pub fn clean_up(directory: &str, identifier: &str) -> CleanUp {
    let mut done = CleanUp::default();
    let directory = match directory {
        "" => Path::new("."),
        directory => Path::new(directory),
    };
    // What is removed is in this directory, whatever has its name by then.
    let (Ok(place), Ok(entries)) = (safe_path::directory_of(directory), fs::read_dir(directory))
    else {
        done.warnings.push(CleanupWarning::Directory);
        return done;
    };
    for entry in entries {
        let Ok(entry) = entry else {
            done.warnings.push(CleanupWarning::Directory);
            break;
        };
        let name = entry.file_name();
        if !is_auto_log(name.as_bytes(), identifier) {
            continue;
        }
        match remove(&place, &name) {
            Ok(true) => done.removed.push(name),
            Ok(false) => done.held.push(name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => done.warnings.push(CleanupWarning::Entry(entry.path())),
        }
    }
    sort::by(&mut done.removed, Ord::cmp);
    sort::by(&mut done.held, Ord::cmp);
    done
}

/// Removes a log or a backup; false for one that a supervisord holds. The lock is on the log
/// itself, and during a rollover on its first backup alone, which is therefore looked at first.
fn remove(place: &FileAt, name: &OsStr) -> io::Result<bool> {
    let log = without_backup_number(name.as_bytes());
    let first_backup = [log, b".1"].concat();
    let mut locked = Vec::new();
    // Anybody may lock a file of his own beside a log.
    let owner = |file: &File| file.metadata().ok().map(|found| found.uid());
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let wanted = place
        .open_named(name, flags)
        .ok()
        .and_then(|file| owner(&file));
    for name in [&first_backup, log, name.as_bytes()] {
        let Ok(file) = place.open_named(OsStr::from_bytes(name), flags) else {
            continue;
        };
        if owner(&file) != wanted {
            continue;
        }
        // The log itself may be asked for twice: by then this one has it.
        let is_own = |other: &File| is_same(other, &file);
        if !locked.iter().any(is_own) && matches!(lock::try_lock_alone(file.as_fd()), Ok(false)) {
            return Ok(false);
        }
        locked.push(file);
    }
    place.remove_named(name).map(|()| true)
}

fn is_same(one: &File, other: &File) -> bool {
    let inode = |file: &File| file.metadata().map(|found| (found.dev(), found.ino())).ok();
    inode(one) == inode(other)
}

/// At least one character, `---⟨identifier⟩-`, at least one that is neither
/// blank nor a hyphen, `.log`, and perhaps the number of a backup. The hyphen
/// would mean that the identifier is a longer one.
fn is_auto_log(name: &[u8], identifier: &str) -> bool {
    let Some(stem) = without_backup_number(name).strip_suffix(b".log") else {
        return false;
    };
    let Some(hyphen) = stem.iter().rposition(|byte| *byte == b'-') else {
        return false;
    };
    let (before, random) = stem.split_at(hyphen);
    let random = random.get(1..).unwrap_or_default();
    let process = before
        .strip_suffix(identifier.as_bytes())
        .and_then(|rest| rest.strip_suffix(b"---"));
    process.is_some_and(|process| !process.is_empty())
        && !random.is_empty()
        && !random.iter().any(u8::is_ascii_whitespace)
}

fn without_backup_number(name: &[u8]) -> &[u8] {
    let digits = name
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (rest, number) = name.split_at(name.len() - digits);
    match rest.strip_suffix(b".") {
        Some(rest) if !number.is_empty() => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tests::until;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_log_is_empty_private_and_has_a_name_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().to_str().unwrap();
        let [first, second] = [parent, &format!("{parent}/")].map(|parent| {
            create(parent, "cat", Channel::Stdout, "supervisor")
                .unwrap()
                .0
        });
        assert_ne!(first, second);
        for path in [first, second] {
            let name = path.strip_prefix(&format!("{parent}/")).unwrap();
            let random = name
                .strip_prefix("cat-stdout---supervisor-")
                .and_then(|rest| rest.strip_suffix(".log"))
                .unwrap();
            assert_eq!(random.len(), 8);
            assert!(random.bytes().all(|byte| ALPHABET.contains(&byte)));
            let found = fs::metadata(&path).unwrap();
            assert_eq!(
                (found.len(), found.permissions().mode() & 0o777),
                (0, 0o600)
            );
        }
        let failure = create("/nowhere", "cat", Channel::Stderr, "s").unwrap_err();
        assert_eq!(failure.errno, libc::ENOENT);
        assert!(failure.path.starts_with("/nowhere/cat-stderr---s-"));
    }

    #[test]
    fn only_names_with_exactly_this_identifier_match() {
        for (name, identifier, expected) in [
            ("cat-stdout---supervisor-ab_d3fgh.log", "supervisor", true),
            ("cat-stdout---supervisor-ab_d3fgh.log.1", "supervisor", true),
            (
                "cat-stdout---supervisor-ab_d3fgh.log.12",
                "supervisor",
                true,
            ),
            ("x---supervisor-1.log", "supervisor", true),
            ("---supervisor-ab.log", "supervisor", false),
            ("x---supervisor-.log", "supervisor", false),
            ("x---supervisor-a b.log", "supervisor", false),
            ("x---supervisor-ab.log.bak", "supervisor", false),
            ("x---supervisor-ab.log.", "supervisor", false),
            ("x---supervisor-ab.log5", "supervisor", false),
            ("x---supervisor-2-abcdefgh.log", "supervisor", false),
            ("x---supervisor-2-abcdefgh.log", "supervisor-2", true),
            ("x---myXid-abcdefgh.log", "my.id", false),
            ("x---my.id-abcdefgh.log", "my.id", true),
            ("x---a(b-abcdefgh.log", "a(b", true),
            ("supervisord.log", "supervisor", false),
            ("", "supervisor", false),
            (".log", "supervisor", false),
        ] {
            assert_eq!(
                is_auto_log(name.as_bytes(), identifier),
                expected,
                "{name} {identifier}"
            );
        }
        assert!(is_auto_log(b"\xff---s-x.log", "s"));
    }

    #[test]
    fn cleaning_up_removes_files_and_warns_of_what_stays() {
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().to_str().unwrap();
        let make = |identifier| {
            create(parent, "cat", Channel::Stdout, identifier)
                .unwrap()
                .0
        };
        let auto = make("s");
        fs::write(format!("{auto}.1"), "old").unwrap();
        let foreign = make("other");
        let stubborn = directory.path().join("d---s-x.log");
        fs::create_dir(&stubborn).unwrap();
        // Other tests fork, and their children have the lock until they become a program.
        let mut removed = Vec::new();
        let mut warnings = Vec::new();
        until("the lock is free", || {
            let done = clean_up(parent, "s");
            removed.extend(done.removed);
            warnings = done.warnings;
            done.held.is_empty()
        });
        assert_eq!(warnings, [CleanupWarning::Entry(stubborn.clone())]);
        let path = |name: &OsString| format!("{parent}/{}", name.to_str().unwrap());
        removed.sort();
        let removed: Vec<String> = removed.iter().map(path).collect();
        assert_eq!(removed, [auto.clone(), format!("{auto}.1")]);
        let mut left: Vec<_> = fs::read_dir(parent)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        left.sort();
        assert_eq!(left, [PathBuf::from(foreign), stubborn]);
        let nowhere = clean_up("/nowhere", "s");
        assert_eq!(nowhere.warnings, [CleanupWarning::Directory]);
    }

    #[test]
    fn a_log_that_is_held_stays_with_its_backups() {
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().to_str().unwrap();
        let (path, file) = create(parent, "cat", Channel::Stdout, "s").unwrap();
        let backups = [1, 2, 12].map(|number| format!("{path}.{number}"));
        for backup in &backups {
            fs::write(backup, "old").unwrap();
        }
        let done = clean_up(parent, "s");
        assert_eq!((done.removed.len(), done.held.len()), (0, 4));
        // In the midst of a rollover, before and after the new file is there.
        fs::rename(&path, &backups[0]).unwrap();
        assert_eq!(clean_up(parent, "s").held.len(), 3);
        fs::write(&path, "").unwrap();
        assert_eq!(clean_up(parent, "s").held.len(), 4);
        drop(file);
        until("all are removed", || {
            clean_up(parent, "s");
            fs::read_dir(parent).unwrap().next().is_none()
        });
    }

    #[test]
    fn a_lock_on_somebody_elses_file_kept_a_log() {
        if !nix::unistd::getuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().to_str().unwrap();
        let (path, file) = create(parent, "cat", Channel::Stdout, "s").unwrap();
        drop(file);
        let foreign = File::create(format!("{path}.1")).unwrap();
        std::os::unix::fs::fchown(&foreign, Some(65534), None).unwrap();
        assert!(lock::try_lock_alone(foreign.as_fd()).unwrap());
        until("the log is removed", || {
            clean_up(parent, "s");
            !Path::new(&path).exists()
        });
    }
}
