//! Doing what a form asks for, with the functions of XML-RPC. A restart is a job, which
//! goes on whether the browser waits or not: in 4.3.0 it is left half done if it does not.

use crate::process::group::Group;
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{Answer, Daemon, Outcome};
use crate::rpc::job::{JobAnswer, JobTarget};
use crate::rpc::names::Named;
use crate::rpc::{information, logs, names, restart, rolling, steps};
use crate::web::command::{self, Command, Selection, Verb};
use crate::web::gather;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// Does what a form asks for. The error is the message if there is nothing to begin with.
pub fn perform(daemon: &mut Daemon<'_>, command: &Command) -> Result<Outcome, String> {
    if *command != Command::Refresh && daemon.supervisor.state().is_going_down() {
        return Err(command::GOING_DOWN.to_owned());
    }
    if let Some(message) = nobody(daemon, command) {
        return Err(message);
    }
    Ok(match command {
        Command::Refresh => Ok(Value::Bool(true).into()),
        Command::Run(verb, selection) => run(daemon, *verb, job_target(selection)),
        Command::ClearAllLogs => logs::clear_all(daemon, &[]),
        Command::ClearLog(name, channel) => {
            logs::clear_named(daemon, name, *channel).map(|()| Value::Bool(true).into())
        }
        Command::ClearMainLog => logs::clear_main(daemon, &[]),
        Command::ClearFatal => information::clear_fatal(daemon, &[]),
    })
}

/// What is told if the name is nobody's.
fn nobody(daemon: &Daemon<'_>, command: &Command) -> Option<String> {
    match command {
        Command::Run(_, Selection::Process(name)) | Command::ClearLog(name, _) => {
            let found = names::process(daemon.supervisor, name);
            found.is_err().then(|| command::no_such_process(name))
        }
        Command::Run(_, Selection::Group(name)) => {
            let found = names::group(daemon.supervisor, name);
            found.is_err().then(|| command::no_such_group(name))
        }
        _ => None,
    }
}

fn job_target(selection: &Selection) -> JobTarget {
    match selection {
        Selection::All => JobTarget::All,
        Selection::Group(name) => JobTarget::Name(format!("{name}:*")),
        Selection::Process(name) => JobTarget::Name(name.clone()),
    }
}

fn run(daemon: &mut Daemon<'_>, verb: Verb, target: JobTarget) -> Outcome {
    // Nobody is to look at an empty page for as long as a job takes.
    let wait = !has_oneshot(daemon, &target);
    match verb {
        Verb::Start => steps::start(daemon, &target, &[], wait),
        Verb::Stop => steps::stop(daemon, &target),
        Verb::Roll => {
            // It may take long: the page shows how far it has come, and the log what has failed.
            let parameters = [
                Value::String(target.name()),
                Value::Int(1),
                Value::Bool(false),
            ];
            rolling::rolling_restart(daemon, &parameters)
        }
        Verb::Restart => restart::restart(daemon, vec![target], JobAnswer::Several, wait),
    }
}

fn has_oneshot(daemon: &Daemon<'_>, target: &JobTarget) -> bool {
    let is_oneshot = |process: &Subprocess| process.config().is_oneshot();
    let has_one = |group: &Group| group.processes.iter().any(is_oneshot);
    match target {
        JobTarget::All => daemon.supervisor.groups.iter().any(has_one),
        JobTarget::Name(name) => match names::find(daemon.supervisor, name) {
            Ok(Named::Process(process)) => is_oneshot(process),
            Ok(Named::Group(group)) => has_one(group),
            Err(_) => false,
        },
        // No form names several.
        JobTarget::Together(_) => false,
    }
}

/// What is told of a command that has come to its end.
pub fn told(daemon: &Daemon<'_>, command: &Command, result: Result<Answer, Fault>) -> String {
    let mut failures = Vec::new();
    let mut result = result.map(Answer::value);
    if let Ok(statuses) = &result {
        failures = command::failures_in(statuses);
    }
    if let Command::Run(_, Selection::Process(_)) = command
        && !failures.is_empty()
    {
        // The steps of one restart.
        result = Err(failures.remove(0).fault);
    }
    match result {
        // It went down between the steps.
        Err(fault) if fault.is(FaultCode::ShutdownState) => command::GOING_DOWN.to_owned(),
        result => {
            let when = gather::when(daemon.context.now.wall);
            command.told(result.as_ref().map(drop), &failures, &when)
        }
    }
}
