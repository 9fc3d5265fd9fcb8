//! AUTO logs: files that supervisord names itself, in `childlogdir`, and
//! removes at its next start.
//!
//! Names are `⟨process⟩-⟨channel⟩---⟨identifier⟩-⟨8 of a-z0-9_⟩.log`. Two daemons
//! with different identifiers may share a directory: the identifier is compared
//! as it is and as a whole, where 4.3.0 takes it for a pattern and for a prefix.

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::loggers::failure::{LogFailure, Operation};
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
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match created {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS => {}
            Err(error) => return Err(LogFailure::new(Operation::Open, &path, &error)),
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
    let Ok(entries) = fs::read_dir(directory) else {
        return vec![CleanupWarning::Directory];
    };
    let mut warnings = Vec::new();
    for entry in entries {
        let Ok(entry) = entry else {
            warnings.push(CleanupWarning::Directory);
            break;
        };
        if is_auto_log(entry.file_name().as_bytes(), identifier)
            && fs::remove_file(entry.path()).is_err_and(|e| e.kind() != io::ErrorKind::NotFound)
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
