//! The upgrade of the running daemon: this process becomes another program, and goes on with what
//! it has. First the other program is tried ([`trial`]): a child reads the whole state
//! ([`state`]) and says that it could go on from there. Then clients are held back until nothing
//! is being read or answered, and between two turns of the loop the state is handed over
//! ([`hand_over`]). Whatever fails before that is told, and nothing has happened.

pub mod hand_over;
mod program;
pub mod state;
pub mod trial;

use std::fs::File;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::config::paths;
use crate::process::child_settings::ChildSettings;
use crate::process::command;
use crate::process::environment::{self, Variables};
use crate::process::helper::{Helper, HelperEnd, Task};
use crate::states::SupervisorState;
use crate::supervisor::upgrade::Stage;
use crate::supervisord::mainloop::MainLoop;
use crate::supervisord::start::Launch;
use crate::sys::spawn::{Program, Step};
use crate::termination::Termination;
use crate::text::plain;
use crate::tokens::Timer;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How long the new program may read the state.
const TRIAL_LIMIT: Duration = Duration::from_secs(10);

/// How much of what it says is kept.
const SAID_LIMIT: usize = 512;

/// How long requests may take that have begun, before they make the daemon too busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does what an upgrade does next. It comes back if the daemon is to go on as it is.
pub fn go_on(launch: &mut Launch, daemon: &mut MainLoop) {
    let is_quiet = daemon.is_quiet();
    let is_going_down = matches!(
        daemon.supervisor.state(),
        SupervisorState::Restarting | SupervisorState::Shutdown
    );
    let Some(upgrade) = &mut daemon.supervisor.upgrade else {
        return;
    };
    let outcome = match &mut upgrade.stage {
        _ if is_going_down => Err("supervisord goes down".to_owned()),
        Stage::Asked => try_it(launch, daemon),
        Stage::Trying(_) => Ok(()),
        Stage::Tried(end, said) => {
            let (end, said) = (end.clone(), std::mem::take(said));
            judge(daemon, &end, &said)
        }
        Stage::Holding(..) if is_quiet => hand_over::hand_over(launch, daemon),
        Stage::Holding(..) => Err(format!(
            "busy: requests of clients have not come to their end within {} seconds; try again",
            PATIENCE.as_secs()
        )),
    };
    if let Err(reason) = outcome {
        daemon.end_upgrade(Err(reason));
    }
}

/// Opens the new program, and has a child try it.
fn try_it(launch: &Launch, daemon: &mut MainLoop) -> Result<(), String> {
    let path = path_of(launch, daemon);
    let file = program::open(&path)?;
    let state = state::write(launch, daemon, None);
    let helper = start_trial(launch, daemon, &path, &file, &state.text)?;
    daemon.context.log.info(format_args!(
        "trying the program {path} for an upgrade (pid {})",
        helper.pid()
    ));
    if let Some(upgrade) = &mut daemon.supervisor.upgrade {
        upgrade.stage = Stage::Trying(helper);
        upgrade.program = Some(file);
    }
    Ok(())
}

/// Where supervisord was started from: as a shell finds a word without a slash.
fn path_of(launch: &Launch, daemon: &MainLoop) -> String {
    let request = launch.request();
    let program = &request.program;
    if program.contains('/') {
        return paths::absolute(program, &request.launch_directory);
    }
    let environment = &daemon.supervisor.child_settings.environment;
    command::search_inherited(program, environment::get(environment, "PATH"))
}

fn start_trial(
    launch: &Launch,
    daemon: &mut MainLoop,
    path: &str,
    file: &File,
    state: &[u8],
) -> Result<Helper, String> {
    let settings: &ChildSettings = &daemon.supervisor.child_settings;
    let own = settings.environment.iter();
    let environment: Variables<'_> = own.map(|(name, value)| (&name[..], &value[..])).collect();
    let task = Task {
        program: Program {
            path,
            file: Some(file.as_fd()),
            arguments: &[launch.program().to_owned(), trial::OPTION.to_owned()],
            environment: &environment,
        },
        steps: &[
            Step::ProcessGroup,
            Step::Signals(settings.mask),
            Step::Streams,
        ],
        input: state,
        time_limit: TRIAL_LIMIT,
        output_limit: SAID_LIMIT,
    };
    Helper::start(&mut daemon.context, task)
}

/// What the trial has shown. If the program can go on and is to, clients are held back now.
fn judge(daemon: &mut MainLoop, end: &HelperEnd, said: &[u8]) -> Result<(), String> {
    let said = String::from_utf8_lossy(said);
    let said = said.lines().next().unwrap_or_default();
    let version = match end {
        HelperEnd::Ended(Termination::Exited(0)) => trial::version_in(said).ok_or_else(|| {
            "the program does not take over a running supervisord: it is another one, or too old"
                .to_owned()
        }),
        HelperEnd::Ended(end) => Err(format!("the trial of the program ended with {end}")),
        HelperEnd::Overdue(_) => Err(format!(
            "the program has not read the state within {} seconds",
            TRIAL_LIMIT.as_secs()
        )),
        // What the child has said then is the same.
        HelperEnd::NotStarted(reason) => return Err(reason.clone()),
    };
    let version = version.map_err(|reason| match said.is_empty() {
        true => reason,
        false => format!("{reason}: {}", plain::shown(said)),
    })?;
    let Some(upgrade) = &mut daemon.supervisor.upgrade else {
        return Ok(());
    };
    if upgrade.is_trial {
        let own = env!("CARGO_PKG_VERSION");
        daemon.end_upgrade(Ok(format!("can be upgraded: {own} to {version}")));
        return Ok(());
    }
    let until = daemon.context.now.monotonic + PATIENCE;
    upgrade.stage = Stage::Holding(version, until);
    daemon.context.timers.set(Timer::Upgrade, Some(until));
    daemon.servers.hold(&mut daemon.context);
    Ok(())
}

impl MainLoop {
    /// Whether an upgrade goes on now.
    pub(super) fn has_upgrade_step(&self) -> bool {
        let Some(upgrade) = &self.supervisor.upgrade else {
            return false;
        };
        match &upgrade.stage {
            Stage::Asked | Stage::Tried(..) => true,
            Stage::Trying(_) => false,
            Stage::Holding(_, until) => {
                self.supervisor.state() != SupervisorState::Running
                    || self.is_quiet()
                    || self.context.now.monotonic >= *until
            }
        }
    }

    /// Whether nothing is being read or answered that does not wait for processes.
    fn is_quiet(&self) -> bool {
        self.calls.is_empty() && self.page_requests.is_empty() && self.servers.is_quiet()
    }

    /// The upgrade is over: tells who has asked for it, and the log, and goes on.
    pub(super) fn end_upgrade(&mut self, outcome: Result<String, String>) {
        let Some(upgrade) = self.supervisor.upgrade.take() else {
            return;
        };
        self.context.timers.set(Timer::Upgrade, None);
        if matches!(upgrade.stage, Stage::Holding(..)) {
            self.servers.go_on(&mut self.context);
        }
        let value = match outcome {
            Ok(text) => {
                self.context.log.info(&*text);
                Ok(Value::String(text))
            }
            Err(reason) => {
                self.context
                    .log
                    .warn(format_args!("cannot upgrade: {}", plain::shown(&reason)));
                let detail = format!("cannot upgrade: {reason}");
                Err(Fault::with(FaultCode::Failed, detail))
            }
        };
        // It was empty until now.
        let _ = upgrade.ending.set(value);
        self.answer_pending();
    }

    /// How many programs run.
    pub(super) fn count_children(&self) -> usize {
        let processes = self.supervisor.groups.iter();
        let processes = processes.flat_map(|group| &group.processes);
        processes
            .filter(|process| process.machine().pid() != 0)
            .count()
    }
}
