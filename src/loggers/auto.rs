//! AUTO logs: files that supervisord names itself, in `childlogdir`, and
//! removes at its next start.
//!
//! Names are `⟨process⟩-⟨channel⟩---⟨identifier⟩-⟨8 of a-z0-9_⟩.log`. Two daemons
//! with different identifiers may share a directory: the identifier is compared
//! as it is and as a whole, where 4.3.0 takes it for a pattern and for a prefix.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::loggers::failure::{LogFailure, LogOperation};
use crate::sys::safe_path::{self, FileAt};
use crate::tokens::Channel;

const ALPHABET: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
const RANDOM_CHARACTERS: usize = 8;
const ATTEMPTS: usize = 100;

/// Makes an empty log of mode 0600 for a channel of a process and returns its path.
pub fn create(
    directory: &str,
    process: &str,
    channel: Channel,
    identifier: &str,
) -> Result<String, LogFailure> {
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
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS => {}
            Err(error) => return Err(LogFailure::new(LogOperation::Open, &path, &error)),
        }
    }
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

/// Removes the AUTO logs of that identifier, with their backups, and returns what failed.
pub fn clean_up(directory: &str, identifier: &str) -> Vec<CleanupWarning> {
    let directory = match directory {
        "" => Path::new("."),
        directory => Path::new(directory),
    };
    // What is removed is in this directory, whatever has its name by then.
    let (Ok(place), Ok(entries)) = (safe_path::directory_of(directory), fs::read_dir(directory))
    else {
        return vec![CleanupWarning::Directory];
    };
    let mut warnings = Vec::new();
    for entry in entries {
        let Ok(entry) = entry else {
            warnings.push(CleanupWarning::Directory);
            break;
        };
        if is_auto_log(entry.file_name().as_bytes(), identifier)
            && place
                .remove_named(&entry.file_name())
                .is_err_and(|e| e.kind() != io::ErrorKind::NotFound)
        {
            warnings.push(CleanupWarning::Entry(entry.path()));
        }
    }
    warnings
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
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_log_is_empty_private_and_has_a_name_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let parent = directory.path().to_str().unwrap();
        let first = create(parent, "cat", Channel::Stdout, "supervisor").unwrap();
        let second = create(&format!("{parent}/"), "cat", Channel::Stdout, "supervisor").unwrap();
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
        let auto = create(parent, "cat", Channel::Stdout, "s").unwrap();
        fs::write(format!("{auto}.1"), "old").unwrap();
        let foreign = create(parent, "cat", Channel::Stdout, "other").unwrap();
        let stubborn = directory.path().join("d---s-x.log");
        fs::create_dir(&stubborn).unwrap();
        assert_eq!(
            clean_up(parent, "s"),
            [CleanupWarning::Entry(stubborn.clone())]
        );
        let mut left: Vec<_> = fs::read_dir(parent)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        left.sort();
        assert_eq!(left, [PathBuf::from(foreign), stubborn]);
        assert_eq!(clean_up("/nowhere", "s"), [CleanupWarning::Directory]);
    }
}
