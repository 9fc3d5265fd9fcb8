//! Doing what a form asks for, with the functions of XML-RPC. What takes time
//! is asked again whenever a process has changed its state, whether the browser
//! waits or not: in 4.3.0 a restart is left half done if it does not.

use crate::clock::Monotonic;
use crate::rpc::deferred::Deferred;
use crate::rpc::interface::{Answer, Daemon, Outcome};
use crate::rpc::{information, logs, names, poll, start, stop};
use crate::web::command::{self, Command, Target, Verb};
use crate::web::gather;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// What becomes of a command: it is told how it went, or takes a while.
#[derive(Debug)]
pub enum Progress {
    /// The message.
    Told(String),
    /// It is to be asked again.
    Later(Errand),
}

/// A command that waits for processes.
#[derive(Debug)]
pub struct Errand {
    command: Command,
    phase: Phase,
    waiting: Deferred,
    /// Of several processes, so far.
    failures: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The stop of a restart, after which comes the start.
    StopBeforeStart,
    Only,
}

/// Begins a command.
pub fn begin(daemon: &mut Daemon<'_>, command: Command) -> Progress {
    if command != Command::Refresh && daemon.supervisor.state().is_going_down() {
        return Progress::Told(command::GOING_DOWN.to_owned());
    }
    if let Some(message) = nobody(daemon, &command) {
        return Progress::Told(message);
    }
    let phase = match command {
        Command::Run(Verb::Restart, _) => Phase::StopBeforeStart,
        _ => Phase::Only,
    };
    let outcome = first_step(daemon, &command);
    go_on(daemon, command, phase, Vec::new(), outcome)
}

impl Errand {
    /// The message if it has come to its end; else it is to be asked again.
    pub fn poll(mut self, daemon: &mut Daemon<'_>) -> Progress {
        match poll::poll_processes(&mut self.waiting, daemon) {
            None => Progress::Later(self),
            Some(result) => {
                let outcome = result.map(Answer::Done);
                go_on(daemon, self.command, self.phase, self.failures, outcome)
            }
        }
    }

    /// When it wants to be asked though no process has changed its state.
    pub fn next_report(&self) -> Option<Monotonic> {
        self.waiting.next_report()
    }
}

/// What is told if the name is nobody's.
fn nobody(daemon: &Daemon<'_>, command: &Command) -> Option<String> {
    match command {
        Command::Run(_, Target::Process(name)) | Command::ClearLog(name, _) => {
            let found = names::process(daemon.supervisor, name);
            found.is_err().then(|| command::no_such_process(name))
        }
        Command::Run(_, Target::Group(name)) => {
            let found = names::group(daemon.supervisor, name);
            found.is_err().then(|| command::no_such_group(name))
        }
        _ => None,
    }
}

fn first_step(daemon: &mut Daemon<'_>, command: &Command) -> Outcome {
    match command {
        Command::Refresh => Ok(Value::Bool(true).into()),
        Command::Run(Verb::Start, target) => start(daemon, target),
        Command::Run(Verb::Stop | Verb::Restart, target) => stop(daemon, target),
        Command::ClearAllLogs => logs::clear_all(daemon, &[]),
        Command::ClearLog(name, None) => logs::clear_process(daemon, &named(name)),
        Command::ClearLog(name, Some(channel)) => {
            logs::clear_channel(daemon, name, *channel).map(|()| Value::Bool(true).into())
        }
        Command::ClearMainLog => logs::clear_main(daemon, &[]),
        Command::ClearFatal => information::clear_fatal(daemon, &[]),
    }
}

fn start(daemon: &mut Daemon<'_>, target: &Target) -> Outcome {
    match target {
        Target::All => start::start_all(daemon, &[]),
        Target::Group(name) => start::start_group(daemon, &named(name)),
        Target::Process(name) => start::start_process(daemon, &named(name)),
    }
}

fn stop(daemon: &mut Daemon<'_>, target: &Target) -> Outcome {
    match target {
        Target::All => stop::stop_all(daemon, &[]),
        Target::Group(name) => stop::stop_group(daemon, &named(name)),
        Target::Process(name) => stop::stop_process(daemon, &named(name)),
    }
}

fn named(name: &str) -> [Value; 1] {
    [Value::string(name)]
}

/// Goes from one step to the next for as long as nothing is waited for.
fn go_on(
    daemon: &mut Daemon<'_>,
    command: Command,
    mut phase: Phase,
    mut failures: Vec<String>,
    mut outcome: Outcome,
) -> Progress {
    loop {
        let result = match outcome {
            Ok(Answer::Later(waiting)) => {
                return Progress::Later(Errand {
                    command,
                    phase,
                    waiting,
                    failures,
                });
            }
            Ok(Answer::Done(value)) => Ok(value),
            // Nothing that is asked for here has a long answer.
            Ok(Answer::Written(_)) => Ok(Value::Bool(true)),
            Err(fault) => Err(fault),
        };
        if let Ok(value) = &result {
            failures.extend(command::failures_in(value));
        }
        let (Phase::StopBeforeStart, Command::Run(_, target)) = (phase, &command) else {
            return told(daemon, &command, result, &failures);
        };
        // What does not run need not be stopped.
        if let Err(fault) = &result
            && !fault.is(FaultCode::NotRunning)
        {
            return told(daemon, &command, result, &failures);
        }
        if daemon.supervisor.state().is_going_down() {
            return Progress::Told(command::GOING_DOWN.to_owned());
        }
        phase = Phase::Only;
        outcome = start(daemon, target);
    }
}

fn told(
    daemon: &Daemon<'_>,
    command: &Command,
    result: Result<Value, Fault>,
    failures: &[String],
) -> Progress {
    let when = gather::when(daemon.context.now.wall);
    let result = result.as_ref().map(|_| ());
    Progress::Told(command.told(result, failures, &when))
}
