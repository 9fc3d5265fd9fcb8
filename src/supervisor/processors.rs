//! Processors of rotated logs: one command at a time, at a low priority, as the owner of the
//! directory, with the path of a file that was moved aside. What it makes of that takes part in
//! the numbering of the backups.
//!
//! Each file is tried once. Where that fails the file stays as it was, and what there is of a
//! result is removed.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;

use crate::config::Process;
use crate::loggers::rollover;
use crate::loggers::rotation::{self, Backup, MAX_BACKUPS};
use crate::loggers::target::Inode;
use crate::loop_context::LoopContext;
use crate::loop_context::rotated::RotatedFile;
use crate::process::command;
use crate::process::environment::{self, Variables};
use crate::process::helper::{Helper, HelperEnd, Task};
use crate::snapshot::saved;
use crate::supervisor::Supervisor;
use crate::sys::poller::Token;
use crate::sys::safe_path::{self, FileAt};
use crate::sys::spawn::{Program, Step};
use crate::sys::{errno, process, trust};
use crate::termination::Termination;
use crate::text::plain;
use crate::tokens::Timer;

/// How long a processor may work on one file.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// How long it may work on when everything else has stopped.
const LAST_LIMIT: Duration = Duration::from_secs(5);

/// By how much its priority is lower.
const NICENESS: i32 = 10;

/// How much of what it says is told where it fails, in bytes.
const TOLD: usize = 512;

/// The processor that runs, if one does.
#[derive(Debug, Default)]
pub struct Processors {
    running: Option<Running>,
    /// Everything else has stopped: its time is short.
    is_ending: bool,
}

saved! { struct Processors { running, is_ending } }

#[derive(Debug)]
struct Running {
    /// The log whose file it works on.
    log: String,
    number: u32,
    inode: Inode,
    /// Where the file is, whatever becomes of names on the way.
    place: FileAt,
    /// What there was of that number before.
    before: Vec<Backup>,
    helper: Helper,
}

saved! { struct Running { log, number, inode, place, before, helper } }

impl Running {
    fn path(&self) -> String {
        rotation::name(&self.log, self.number)
    }

    /// Removes what the processor has left half done. Where the file itself has gone, what there
    /// is in its place is all there is.
    fn remove_half(&self) {
        let name = rollover::last_name(&self.log);
        let original = rotation::name(name, self.number);
        if inode_of(&self.place, &original) != Some(self.inode) {
            return;
        }
        let now = rollover::backups_of(&self.place, name, self.number..=self.number);
        let made = |backup: &&Backup| !backup.ending.is_empty() && !self.before.contains(backup);
        for half in now.iter().filter(made) {
            let _ = self.place.remove_named(half.name(name).as_ref());
        }
    }
}

fn inode_of(place: &FileAt, name: &str) -> Option<Inode> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let found = place
        .open_named(OsStr::new(name), flags)
        .ok()?
        .metadata()
        .ok()?;
    found.is_file().then(|| (found.dev(), found.ino()))
}

/// As whom a processor runs in a directory: as its owner, whose files it may replace. None is
/// this daemon's own user; the error is why it does not run.
fn user_for(directory: &Metadata) -> Result<Option<u32>, String> {
    if process::effective_uid() != 0 || !trust::is_trusted(directory.uid()) {
        let is_own = process::effective_uid() != 0;
        return Ok((!is_own).then_some(directory.uid()));
    }
    match trust::is_private(directory) {
        true => Ok(None),
        false => Err(format!(
            "its directory {}: nothing is run there as root",
            trust::description(directory)
        )),
    }
}

impl Supervisor {
    /// In each turn of the loop: starts the processor of the next file, if there is one and none
    /// runs.
    pub fn run_processors(&mut self, context: &mut LoopContext) {
        while self.processors.running.is_none() && self.shutdown.is_none() {
            let Some(file) = context.take_rotated() else {
                return;
            };
            let log = file.log.to_string_lossy().into_owned();
            match self.start_processor(context, &log, &file) {
                Ok(running) => self.processors.running = running,
                Err(reason) => context.log.warn(format_args!(
                    "the processor of {log} cannot be run, its rotated file stays as it is: {}",
                    plain::shown(&reason)
                )),
            }
            if self.processors.running.is_none() {
                context.end_processing();
            }
        }
    }

    /// Starts one; there is nothing to do for a file that has gone.
    fn start_processor(
        &self,
        context: &mut LoopContext,
        log: &str,
        file: &RotatedFile,
    ) -> Result<Option<Running>, String> {
        let reason = |error: std::io::Error| errno::reason(&error);
        let Some(processor) = &file.keeping.processor else {
            return Ok(None);
        };
        let place = FileAt::of(Path::new(log)).map_err(reason)?;
        let name = rollover::last_name(log);
        let is_the_file = |number: &u32| {
            let name = rotation::name(name, *number);
            place.has(&name) && inode_of(&place, &name) == Some(file.inode)
        };
        let Some(number) = (1..=MAX_BACKUPS).find(is_the_file) else {
            return Ok(None);
        };
        let before = rollover::backups_of(&place, name, number..=number);
        let directory = place.directory().metadata().map_err(reason)?;
        let uid = user_for(&directory)?;
        // The processor is given a path, which has to lead there still.
        if uid.is_none() && process::effective_uid() == 0 && !safe_path::is_firm(file.log.as_path())
        {
            return Err(
                "others may put another directory in the place of its own: nothing is run there \
                 as root"
                    .to_owned(),
            );
        }
        let settings = &self.child_settings;
        let config = Process {
            command: processor.clone(),
            uid,
            ..Process::default()
        };
        let path = environment::get(&settings.environment, "PATH");
        let mut executable = command::find(&config, path).map_err(|error| error.to_string())?;
        executable.arguments.push(rotation::name(log, number));
        let own = settings.environment.iter();
        let environment: Variables<'_> = own.map(|(name, value)| (&name[..], &value[..])).collect();
        let mut steps = settings.steps(&config);
        steps.push(Step::Nice(NICENESS));
        let task = Task {
            program: Program {
                path: &executable.path,
                file: None,
                arguments: &executable.arguments,
                environment: &environment,
            },
            steps: &steps,
            input: b"",
            time_limit: TIME_LIMIT,
            output_limit: TOLD,
        };
        let helper = Helper::start(context, task)?;
        Ok(Some(Running {
            log: log.to_owned(),
            number,
            inode: file.inode,
            place,
            before,
            helper,
        }))
    }

    /// A pipe of the processor is ready. False if that is none of it.
    pub(super) fn handle_processor(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        token: Token,
    ) -> bool {
        let running = self.processors.running.as_mut();
        let Some(running) = running.filter(|running| running.helper.pid() == pid) else {
            return false;
        };
        running.helper.handle(context, token);
        true
    }

    /// The processor has had its time. False if that is none of it.
    pub(super) fn processor_due(&mut self, context: &mut LoopContext, pid: i32) -> bool {
        let running = self.processors.running.as_mut();
        let Some(running) = running.filter(|running| running.helper.pid() == pid) else {
            return false;
        };
        let path = running.path();
        context.log.warn(format_args!(
            "the processor of {path} (pid {pid}) takes too long, killing it"
        ));
        if let Err(error) = running.helper.expire() {
            context.log.error(format_args!(
                "the processor of {path} (pid {pid}) cannot be killed: {}",
                errno::bracketed(error)
            ));
            // Nothing can be done about it, and nobody is to wait for it.
            self.processors.running = None;
            context.end_processing();
        }
        true
    }

    /// A child has ended. If it was the processor, the log goes on; `error` tells why it has not
    /// become its command. False if it was none.
    pub(super) fn finish_processor(
        &mut self,
        context: &mut LoopContext,
        pid: i32,
        end: Termination,
        error: Option<&String>,
    ) -> bool {
        let is_it = |running: &mut Running| running.helper.pid() == pid;
        let Some(running) = self.processors.running.take_if(is_it) else {
            return false;
        };
        let path = running.path();
        if end != Termination::Exited(0) {
            running.remove_half();
        }
        let (end, said) = running.helper.finish(context, end, error.cloned());
        let trouble = match end {
            HelperEnd::Ended(Termination::Exited(0)) => None,
            HelperEnd::Ended(end) | HelperEnd::Overdue(end) => Some(format!("ended with {end}")),
            HelperEnd::NotStarted(error) => Some(format!("cannot be run: {error}")),
        };
        if let Some(trouble) = trouble {
            let said = String::from_utf8_lossy(&said);
            let said = plain::shown(said.lines().next().unwrap_or_default()).into_owned();
            let colon = if said.is_empty() { "" } else { ": " };
            context.log.warn(format_args!(
                "the processor of {path} (pid {pid}) {}, the file stays as it is{colon}{said}",
                plain::shown(&trouble)
            ));
        }
        context.end_processing();
        true
    }

    /// When every process is stopped: gives the processor a last time. False while it runs.
    pub(super) fn end_processor(&mut self, context: &mut LoopContext) -> bool {
        let Some(running) = &self.processors.running else {
            return true;
        };
        if !std::mem::replace(&mut self.processors.is_ending, true) {
            let end = context.now.monotonic + LAST_LIMIT;
            context
                .timers
                .set(Timer::Helper(running.helper.pid()), Some(end));
        }
        false
    }
}
