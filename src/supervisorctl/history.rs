//! The file that keeps the lines of the shell from one session to the next:
//! text, a line for each entry, as 4.3.0 reads and writes it.
//!
//! Every line is appended as soon as it has been typed, so nothing is lost
//! however the session ends, and sessions beside each other add to the same
//! file. Past twice its length it is cut to the newest lines, under a lock.
//! Whatever is wrong with the file is told once and never stops the shell.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg, OFlag};

use crate::sys::{errno, safe_path};

/// The entries that are kept.
pub const LIMIT: usize = 1000;

/// The most that is read of the end of a file, in bytes.
const BYTES: u64 = 1 << 20;

/// The longest entry, in bytes: a line longer than that is no command.
const LONGEST: usize = 4096;

/// A file and how many entries it holds.
#[derive(Debug)]
pub struct HistoryFile {
    path: String,
    entries: usize,
    /// The newest entry of this session: it is not stored twice.
    last: String,
    /// Whether the file is left alone from here on.
    is_given_up: bool,
}

/// What there is to begin with.
#[derive(Debug)]
pub struct Opened {
    /// The file, for what is to come.
    pub file: HistoryFile,
    /// The entries so far, oldest first.
    pub entries: Vec<String>,
    /// What is wrong with the file, if anything.
    pub warning: Option<String>,
}

impl HistoryFile {
    /// Reads the file. One that is not there is made, readable by its owner.
    pub fn open(path: &str) -> Opened {
        let mut file = HistoryFile {
            path: path.to_owned(),
            entries: 0,
            last: String::new(),
            is_given_up: false,
        };
        let (entries, problem) = match file.read() {
            Ok((entries, problem)) => (entries, problem),
            Err(error) => {
                let problem = format!("cannot be read: {}", errno::reason(&error));
                (Vec::new(), Some(problem))
            }
        };
        file.entries = entries.len();
        file.last = entries.last().cloned().unwrap_or_default();
        let warning = problem.map(|problem| file.warning(&problem));
        let kept = entries.len().saturating_sub(LIMIT);
        Opened {
            entries: entries.into_iter().skip(kept).collect(),
            file,
            warning,
        }
    }

    /// The entries at the end of the file, and what is wrong with it though it
    /// could be read.
    fn read(&mut self) -> io::Result<(Vec<String>, Option<String>)> {
        let (mut file, unwritable) = match self.open_for(true) {
            Ok(file) => (file, None),
            Err(error) => {
                self.is_given_up = true;
                let problem = format!("cannot be written to: {}", errno::reason(&error));
                (self.open_for(false).map_err(|_| error)?, Some(problem))
            }
        };
        let kind = file.metadata()?.file_type();
        if kind.is_char_device() {
            // /dev/null: no history is wanted.
            self.is_given_up = true;
            return Ok((Vec::new(), None));
        }
        if !kind.is_file() {
            self.is_given_up = true;
            return Ok((Vec::new(), Some("is not a regular file".to_owned())));
        }
        let bytes = tail_of(&mut file)?;
        if bytes.contains(&0) {
            self.is_given_up = true;
            return Ok((
                Vec::new(),
                Some("holds no text, it is left alone".to_owned()),
            ));
        }
        let (entries, is_clean) = entries_of(&bytes);
        let broken =
            (!is_clean).then(|| "holds lines that are no text, they are left out".to_owned());
        Ok((entries, unwritable.or(broken)))
    }

    fn open_for(&self, writing: bool) -> io::Result<File> {
        // Whatever it is, opening it must not wait.
        let common = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let flags = match writing {
            true => OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_CREAT,
            false => OFlag::O_RDONLY,
        };
        safe_path::open(Path::new(&self.path), flags | common, 0o600)
    }

    /// Adds a line; returns a warning the first time that it cannot.
    pub fn add(&mut self, line: &str) -> Option<String> {
        if self.is_given_up || line == self.last || line.len() > LONGEST {
            return None;
        }
        line.clone_into(&mut self.last);
        match self.append(line) {
            Ok(()) => None,
            Err(error) => {
                self.is_given_up = true;
                Some(self.warning(&format!("cannot be written to: {}", errno::reason(&error))))
            }
        }
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        let file = self.open_for(true)?;
        // Whoever holds the lock is done in a moment; waiting for it could take for ever.
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut locked) => {
                if self.entries >= 2 * LIMIT {
                    self.entries = shorten(&mut locked, &self.path)?;
                }
                self.entries += 1;
                return locked.write_all(format!("{line}\n").as_bytes());
            }
            Err((file, _)) => file,
        };
        file.write_all(format!("{line}\n").as_bytes())
    }

    fn warning(&self, problem: &str) -> String {
        format!("Warning: the history file {} {problem}", self.path)
    }
}

/// Leaves the newest entries and returns how many. They are copied to the
/// beginning before the rest is cut off: wherever that ends, by a signal or a limit
/// on the size of files, each of them is still there.
fn shorten(file: &mut File, path: &str) -> io::Result<usize> {
    let length = file.metadata()?.len();
    let (entries, _) = entries_of(&tail_of(file)?);
    let skipped = entries.len().saturating_sub(LIMIT);
    let text: String = entries
        .iter()
        .skip(skipped)
        .map(|entry| format!("{entry}\n"))
        .collect();
    // By another descriptor, for what is appended goes to the end.
    let whole = safe_path::open(Path::new(path), OFlag::O_WRONLY, 0)?;
    whole.write_all_at(text.as_bytes(), 0)?;
    let mut end = text.len() as u64;
    // One that could not wait for the lock may have added a line meanwhile.
    if let Some(added) = file.metadata()?.len().checked_sub(length) {
        let mut lines = vec![0; usize::try_from(added).unwrap_or(0)];
        file.read_exact_at(&mut lines, length)?;
        whole.write_all_at(&lines, end)?;
        end += added;
    }
    whole.set_len(end)?;
    Ok(entries.len() - skipped)
}

/// The end of a file, from the start of a line.
fn tail_of(file: &mut File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    if start > 0 {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        bytes.drain(..end.map_or(bytes.len(), |end| end + 1));
    }
    Ok(bytes)
}

/// The lines that are text, and whether all are.
fn entries_of(bytes: &[u8]) -> (Vec<String>, bool) {
    let mut entries: Vec<String> = Vec::new();
    let mut is_clean = true;
    for line in bytes.split(|byte| *byte == b'\n') {
        match str::from_utf8(line) {
            Ok(line) if line.len() > LONGEST || line.trim().is_empty() => {}
            Ok(line)
                if line
                    .chars()
                    .any(|character| character.is_control() && character != '\t') =>
            {
                is_clean = false;
            }
            Ok(line) => entries.push(line.to_owned()),
            Err(_) => is_clean = false,
        }
    }
    (entries, is_clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn open(path: &Path) -> Opened {
        HistoryFile::open(path.to_str().unwrap())
    }

    #[test]
    fn lines_are_kept_at_once_and_sessions_add_to_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history");
        let (mut first, mut second) = (open(&path), open(&path));
        assert_eq!(first.warning, None);
        assert_eq!(first.file.add("status"), None);
        assert_eq!(second.file.add("start café"), None);
        assert_eq!(first.file.add("pid"), None);
        assert_eq!(first.file.add("pid"), None);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "status\nstart café\npid\n");
        assert_eq!(open(&path).entries, ["status", "start café", "pid"]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_file_does_not_grow_without_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history");
        let lines: String = (0..2 * LIMIT).map(|n| format!("pid {n}\n")).collect();
        fs::write(&path, lines).unwrap();
        let mut opened = open(&path);
        assert_eq!(opened.entries.len(), LIMIT);
        assert_eq!(
            opened.entries.last().unwrap(),
            &format!("pid {}", 2 * LIMIT - 1)
        );
        assert_eq!(opened.file.add("status"), None);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), LIMIT + 1);
        assert!(text.ends_with("pid 1999\nstatus\n"), "{text}");
        // Of a file of any length only its end is read.
        fs::write(&path, format!("{}\nstop x\n", "x".repeat(3 << 20))).unwrap();
        assert_eq!(open(&path).entries, ["stop x"]);
    }

    #[test]
    fn what_is_wrong_is_told_once_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history");
        fs::write(&path, b"pid\ncaf\xe9\n\x1b[2J\nstatus\n").unwrap();
        let opened = open(&path);
        assert_eq!(opened.entries, ["pid", "status"]);
        assert!(opened.warning.unwrap().contains("no text"));

        fs::write(&path, b"SQLite\0\0").unwrap();
        let mut opened = open(&path);
        assert!(opened.warning.unwrap().contains("left alone"));
        assert_eq!(opened.file.add("pid"), None);
        assert_eq!(fs::read(&path).unwrap(), b"SQLite\0\0");

        let mut opened = open(directory.path());
        assert!(opened.warning.is_some());
        assert_eq!(opened.file.add("pid"), None);

        let missing = directory.path().join("no/such/folder");
        let warning = open(&missing).warning.unwrap();
        assert_eq!(warning.lines().count(), 1, "{warning}");

        let mut null = HistoryFile::open("/dev/null");
        assert_eq!(null.warning, None);
        assert_eq!(null.file.add("pid"), None);
    }
}
