//! How much the logs of programs may take together, with their backups. What is written is
//! counted; when that is too much the files are measured, and some go.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::loggers::budget::{self, Action, Measured};
use crate::loggers::rotation::{Backup, Rotation};
use crate::loggers::shared;
use crate::loggers::target::Target;
use crate::loop_context::LoopContext;
use crate::sys::safe_path;

impl LoopContext {
    /// A process has a log at that path, whether it is open or not.
    pub fn count_log(&mut self, path: &str) {
        if let Some(budget) = &mut self.budget {
            *budget.logs.entry(path.to_owned()).or_default() += 1;
        }
    }

    /// A process has gone that had a log at that path.
    pub fn uncount_log(&mut self, path: &str) {
        if let Some(budget) = &mut self.budget
            && let Some(users) = budget.logs.get_mut(path)
        {
            *users -= 1;
            if *users == 0 {
                budget.logs.remove(path);
            }
        }
    }

    /// So much was written to a log.
    pub(super) fn count_written(&mut self, bytes: usize) {
        let Some(budget) = &mut self.budget else {
            return;
        };
        budget.counted += bytes as u64;
        if budget.counted > budget.limit {
            self.keep_to_budget();
        }
    }

    /// Measures the logs, and lets files go if there is too much.
    pub fn keep_to_budget(&mut self) {
        let Some(budget) = &self.budget else { return };
        let limit = budget.limit;
        let identities = budget.logs.keys().map(|path| shared::identity(path));
        let main = self.log.path().map(shared::identity);
        let is_meant = |log: &PathBuf| !is_device(log) && Some(log) != main.as_ref();
        let logs: Vec<PathBuf> = identities.filter(is_meant).collect();
        let files = measure(&logs);
        let mut counted = budget::total(&files);
        for action in budget::plan(&files, limit) {
            let (log, backup) = match action {
                Action::Remove { log, backup } => (log, Some(backup)),
                Action::Empty { log } => (log, None),
            };
            let Some(log) = logs.get(log) else { continue };
            let shown = log.to_string_lossy();
            let path = backup.map_or_else(|| shown.to_string(), |backup| backup.name(&shown));
            let done = match backup {
                Some(_) => safe_path::remove(Path::new(&path)).map_err(|error| error.to_string()),
                None => self.empty_log(log),
            };
            let what = if backup.is_some() {
                "removed"
            } else {
                "emptied"
            };
            match done {
                Ok(()) => self.warn_seldom(
                    "childlogs_maxbytes",
                    format_args!(
                        "{path} was {what}: the logs of programs take more than childlogs_maxbytes, \
                         {limit} bytes"
                    ),
                ),
                Err(reason) => self.warn_seldom(
                    "childlogs_maxbytes fails",
                    format_args!(
                        "{path} could not be {what} though the logs of programs take more than \
                         childlogs_maxbytes: {reason}"
                    ),
                ),
            }
            let is_it = |file: &&Measured| file.backup == backup && logs.get(file.log) == Some(log);
            counted -= files.iter().find(is_it).map_or(0, |file| file.size);
        }
        if let Some(budget) = &mut self.budget {
            // What could not go is tried again when a little more was written.
            budget.counted = counted.min(budget::target(limit));
        }
    }

    fn empty_log(&mut self, log: &Path) -> Result<(), String> {
        let id = self.logs.find(log);
        let emptied = match id.and_then(|id| self.logs.get_mut(id)) {
            Some(open) => open.target.clear(),
            None => Target::open(&log.to_string_lossy(), Rotation::NEVER)
                .and_then(|mut closed| closed.clear()),
        };
        if let Some(id) = id {
            self.settle_log(id, None);
        }
        emptied.map_err(|failure| failure.to_string())
    }
}

fn is_device(log: &Path) -> bool {
    log.starts_with("/dev") || log.starts_with("/proc")
}

/// The files of these logs, each with the place of its log.
fn measure(logs: &[PathBuf]) -> Vec<Measured> {
    let mut directories: BTreeMap<&Path, BTreeMap<OsString, usize>> = BTreeMap::new();
    for (place, log) in logs.iter().enumerate() {
        if let (Some(directory), Some(name)) = (log.parent(), log.file_name()) {
            let names = directories.entry(directory).or_default();
            names.entry(name.to_owned()).or_insert(place);
        }
    }
    let mut files = Vec::new();
    for (directory, names) in directories {
        // What cannot be listed cannot be counted.
        let _ = measure_in(directory, &names, &mut files);
    }
    files
}

fn measure_in(
    directory: &Path,
    names: &BTreeMap<OsString, usize>,
    files: &mut Vec<Measured>,
) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let found = names.get(&name).map(|log| (*log, None)).or_else(|| {
            let (log, backup) = Backup::split(name.to_str()?)?;
            let log = names.get(&OsString::from(log))?;
            Some((*log, Some(backup)))
        });
        let Some((log, backup)) = found else { continue };
        let Ok(found) = entry.metadata() else {
            continue;
        };
        if found.is_file() {
            files.push(Measured {
                log,
                backup,
                size: found.len(),
                modified: (found.mtime(), found.mtime_nsec()),
            });
        }
    }
    Ok(())
}
