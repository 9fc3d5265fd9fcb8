//! The file with supervisord's pid, which is locked for as long as supervisord runs: a number
//! alone does not tell whether its process lives, least of all in containers, where
//! it is 1 each time.
//!
//! What is there already is locked before anything else is done, and keeps its text until the
//! number is written. So nobody reads an empty file, and what a supervisord that was
//! killed has left is free to take. Many users may read it; one of them who locks what was left
//! keeps nobody from starting.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::fcntl::OFlag;

use crate::snapshot::saved;
use crate::sys::lock::{self, Lock};
use crate::sys::{errno, safe_path, time};

/// How often a file that is held is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// How often a file is opened again that was removed before it was locked.
const ATTEMPTS: u32 = 10;

#[derive(Debug)]
pub struct PidFile {
    path: String,
    /// Once there is one: it is opened for writing, and locked where that can be done.
    file: Option<File>,
    /// Why it is not locked.
    unlocked: Option<io::Error>,
    /// Somebody else holds it, and it is written all the same.
    is_shared: bool,
    /// Whose number was written.
    pid: Option<u32>,
}

// Why it is not locked was told at the start.
saved! { struct PidFile { path, file, unlocked = None, is_shared, pid } }

/// Another supervisord holds the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    path: String,
    pid: Option<u32>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Another supervisord is running: it holds the pid file {}",
            self.path
        )?;
        match self.pid {
            Some(pid) => write!(f, ", in which stands {pid}."),
            None => f.write_str("."),
        }
    }
}

/// Why the number is not written.
#[derive(Debug)]
pub enum WriteError {
    /// Another supervisord has come first.
    Held(Held),
    /// The system refused it.
    System(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Held(held) => held.fmt(f),
            WriteError::System(error) => f.write_str(&errno::reason(error)),
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> WriteError {
        WriteError::System(error)
    }
}

impl PidFile {
    /// Locks the file, if there is one; whoever holds it is waited for so long. That it
    /// cannot be opened is told when it is written.
    pub fn take(path: &str, patience: Duration) -> Result<PidFile, Held> {
        let mut pidfile = PidFile::at(path, false);
        let end = time::monotonic() + patience;
        loop {
            match pidfile.open(false) {
                Err(WriteError::Held(held)) if time::monotonic() >= end => return Err(held),
                Err(WriteError::Held(_)) => thread::sleep(PAUSE),
                Ok(()) | Err(WriteError::System(_)) => return Ok(pidfile),
            }
        }
    }

    /// To be written though somebody else holds it.
    pub fn shared(path: &str) -> PidFile {
        PidFile::at(path, true)
    }

    fn at(path: &str, is_shared: bool) -> PidFile {
        PidFile {
            path: path.to_owned(),
            file: None,
            unlocked: None,
            is_shared,
            pid: None,
        }
    }

    /// Writes the pid and a newline, over whatever is there. Waits for nobody:
    /// a FIFO without a reader is an error.
    pub fn write(&mut self) -> Result<(), WriteError> {
        if !self.is_at(&self.path) {
            self.open(true)?;
        }
        let pid = std::process::id();
        let text = format!("{pid}\n");
        if let Some(file) = &self.file {
            if is_regular(file) {
                // First the number, then the end: it is never empty.
                file.write_all_at(text.as_bytes(), 0)?;
                file.set_len(text.len() as u64)?;
            } else {
                io::Write::write_all(&mut &*file, text.as_bytes())?;
            }
        }
        self.pid = Some(pid);
        Ok(())
    }

    /// Whether it is this file that has the name.
    pub fn is_at(&self, path: &str) -> bool {
        self.file.as_ref().is_some_and(|file| is_at(file, path))
    }

    /// Why the lock could not be had, once.
    pub fn take_unlocked(&mut self) -> Option<io::Error> {
        self.unlocked.take()
    }

    fn open(&mut self, create: bool) -> Result<(), WriteError> {
        for _ in 0..ATTEMPTS {
            let mut flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
            flags.set(OFlag::O_CREAT, create);
            let file = match safe_path::open(Path::new(&self.path), flags, 0o666) {
                Ok(file) => file,
                Err(error) => {
                    self.look_without_writing()?;
                    return Err(error.into());
                }
            };
            // A device or a pipe may be everybody's.
            if self.is_shared || !is_regular(&file) {
                self.file = Some(file);
                return Ok(());
            }
            match lock::try_lock(file.as_fd()) {
                Ok(Lock::Taken) if !is_at(&file, &self.path) => continue,
                Ok(Lock::Taken) => {}
                Ok(Lock::Held) => return Err(WriteError::Held(self.held())),
                // No supervisord is among them: another file takes its place.
                Ok(Lock::HeldByReaders) => match safe_path::remove(Path::new(&self.path)) {
                    Ok(()) => continue,
                    Err(reason) => self.unlocked = Some(reason),
                },
                Err(reason) => self.unlocked = Some(reason),
            }
            self.file = Some(file);
            return Ok(());
        }
        Err(WriteError::System(ErrorKind::NotFound.into()))
    }

    /// A file that may be read and not written can be held as well.
    fn look_without_writing(&self) -> Result<(), WriteError> {
        match open_to_read(&self.path) {
            Ok(file)
                if !self.is_shared
                    && is_regular(&file)
                    && matches!(lock::is_held(file.as_fd()), Ok(true)) =>
            {
                Err(WriteError::Held(self.held()))
            }
            _ => Ok(()),
        }
    }

    fn held(&self) -> Held {
        Held {
            path: self.path.clone(),
            pid: number_in(&self.path),
        }
    }

    /// Whether the file that has the name now is this process's to remove.
    fn is_ours(&self) -> bool {
        // Many a container has `pidfile=/dev/null`; 4.3.0 removes that device.
        let is_file = fs::metadata(&self.path).is_ok_and(|found| found.is_file());
        if !is_file || self.pid != Some(std::process::id()) || number_in(&self.path) != self.pid {
            return false;
        }
        // The same number in another file may be that of a supervisord in another container.
        self.is_at(&self.path)
            || open_to_read(&self.path)
                .is_ok_and(|file| matches!(lock::is_held(file.as_fd()), Ok(false)))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.is_ours() {
            // It may have been removed by hand; there is nobody to tell any more.
            let _ = safe_path::remove(Path::new(&self.path));
        }
    }
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|found| found.is_file())
}

fn is_at(file: &File, path: &str) -> bool {
    let identity = |found: Metadata| (found.dev(), found.ino());
    let opened = file.metadata().map(identity).ok();
    opened.is_some() && opened == fs::metadata(path).map(identity).ok()
}

fn open_to_read(path: &str) -> io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    safe_path::open(Path::new(path), flags, 0)
}

/// The number in a pid file that somebody has written.
fn number_in(path: &str) -> Option<u32> {
    let file = open_to_read(path).ok()?;
    let mut buffer = [0; 32];
    let length = file.read_at(&mut buffer, 0).ok()?;
    std::str::from_utf8(&buffer[..length])
        .ok()?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
