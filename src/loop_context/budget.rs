//! How much the logs of programs may take together, with their backups. What is written is
//! counted; when that is too much the files are measured, and some go.

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
use crate::vec_map::VecMap;

impl LoopContext {
    /// A process has a log at that path, whether it is open or not.
    pub fn count_log(&mut self, path: &str) {
        if let Some(budget) = &mut self.budget {
            if let Some(users) = budget.logs.get_mut(path) {
                *users += 1;
            } else {
                budget.logs.insert(path.to_owned(), 1);
                budget.outdate();
            }
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
                budget.places = None;
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
        let Some(limit) = self.budget.as_ref().map(|budget| budget.limit) else {
            return;
        };
        let (logs, stay) = self.places_of_logs();
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
            budget.counted = match counted > limit {
                true => budget::target(limit),
                false => counted,
            };
            budget.places = stay.then_some(logs);
        }
    }

    /// The files of the logs, but for devices and the main log; and whether they stay so, which
    /// those do not that are links: a rollover puts a file in the place of one.
    fn places_of_logs(&mut self) -> (Vec<PathBuf>, bool) {
        let main = self.log.path().map(shared::identity);
        let Some(budget) = &mut self.budget else {
            return (Vec::new(), false);
        };
        if let Some(places) = budget.places.take() {
            return (places, true);
        }
        let is_link = |path: &String| Path::new(path).is_symlink();
        let stay = !budget.logs.keys().any(is_link);
        let identities = budget.logs.keys().map(|path| shared::identity(path));
        let is_meant = |log: &PathBuf| !is_device(log) && Some(log) != main.as_ref();
        (identities.filter(is_meant).collect(), stay)
    }

    fn empty_log(&mut self, log: &Path) -> Result<(), String> {
        let id = self.logs.find(log);
        let emptied = match id.and_then(|id| self.logs.get_mut(id)) {
            Some(open) => {
                // What a link leads to goes, and not the link.
                open.target.rename(&log.to_string_lossy());
                open.target.clear()
            }
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
    let mut directories: VecMap<&Path, VecMap<OsString, usize>> = VecMap::new();
    for (place, log) in logs.iter().enumerate() {
        if let (Some(directory), Some(name)) = (log.parent(), log.file_name()) {
            if !directories.contains_key(directory) {
                directories.insert(directory, VecMap::new());
            }
            // What two processes have is one log, with the first place.
            let names = directories.get_mut(directory);
            if let Some(names) = names.filter(|names| !names.contains_key(name)) {
                names.insert(name.to_owned(), place);
            }
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
    names: &VecMap<OsString, usize>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_level::Level;
    use crate::loggers::logger::Logger;
    use crate::loop_context::log_budget::LogBudget;
    use crate::loop_context::open_logs::LogUser;
    use crate::sys::spawn::ErrorPipe;
    use crate::sys::time;
    use crate::tokens::Channel;

    const USER: LogUser<'_> = LogUser {
        process: "cat",
        channel: Channel::Stdout,
        syslog: None,
        counts: None,
    };

    struct Scene {
        directory: tempfile::TempDir,
        context: LoopContext,
    }

    impl Scene {
        /// With a bound, and logs of these sizes in front of it.
        fn new(limit: u64, logs: &[(&str, usize)]) -> Scene {
            let logger = Logger::new(Level::Info, "supervisord");
            let pipe = ErrorPipe::new().unwrap();
            let mut context = LoopContext::new(logger, pipe, time::now()).unwrap();
            context.budget = Some(Box::new(LogBudget::new(limit)));
            let directory = tempfile::tempdir().unwrap();
            let mut scene = Scene { directory, context };
            for (name, size) in logs {
                fs::write(scene.path(name), "x".repeat(*size)).unwrap();
                scene.context.count_log(&scene.path(name));
            }
            scene.context.keep_to_budget();
            scene
        }

        fn path(&self, name: &str) -> String {
            let path = self.directory.path().join(name);
            path.to_str().unwrap().to_owned()
        }

        fn size(&self, name: &str) -> u64 {
            fs::metadata(self.path(name)).unwrap().len()
        }

        fn write(&mut self, name: &str, text: &str) {
            let path = self.path(name);
            let log = self.context.open_log(USER, &path, Rotation::NEVER).unwrap();
            self.context.write_log(&log, USER, text.as_bytes());
            self.context.close_log(log);
        }
    }

    #[test]
    fn logs_that_nearly_filled_the_bound_went_beyond_it_by_a_sixty_fourth() {
        let mut scene = Scene::new(6400, &[("a.log", 6350)]);
        assert_eq!(scene.size("a.log"), 6350);
        let path = scene.path("a.log");
        let log = scene
            .context
            .open_log(USER, &path, Rotation::NEVER)
            .unwrap();
        scene.context.keep_to_budget();
        for _ in 0..200 {
            scene.context.write_log(&log, USER, b"0123456789");
            assert!(scene.size("a.log") <= 6400, "{}", scene.size("a.log"));
        }
    }

    #[test]
    fn the_files_of_a_program_that_was_added_were_not_counted_until_much_was_written() {
        let mut scene = Scene::new(6400, &[("a.log", 100)]);
        let added = scene.path("added.log");
        fs::write(&added, "x".repeat(9000)).unwrap();
        let log = scene.path("a.log");
        let log = scene.context.open_log(USER, &log, Rotation::NEVER).unwrap();
        scene.context.keep_to_budget();
        scene.context.count_log(&added);
        scene.context.write_log(&log, USER, b"x");
        assert_eq!(scene.size("added.log"), 0);
    }

    #[test]
    fn a_log_whose_link_leads_elsewhere_counts_there_when_it_is_opened() {
        let mut scene = Scene::new(6400, &[("a.log", 100)]);
        let link = scene.path("link.log");
        std::os::unix::fs::symlink("a.log", &link).unwrap();
        scene.context.count_log(&link);
        scene.context.keep_to_budget();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("b.log", &link).unwrap();
        fs::write(scene.path("b.log"), "x".repeat(9000)).unwrap();
        scene.write("link.log", "x");
        assert_eq!(scene.size("b.log"), 0);
        assert_eq!(scene.size("a.log"), 100);
        // It was the link that went, and what it led to kept its size.
        assert!(Path::new(&link).is_symlink());
    }
}
