//! Restarting processes on request, and making groups what the configuration
//! says: each is one [`Job`] for the daemon.

use std::collections::VecDeque;

use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::job::{Job, JobAnswer, JobStep, JobTarget};
use crate::rpc::names::{self, Named};
use crate::rpc::{parameters, scale, steps, update};
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// The most names that one call may give.
const MOST_NAMES: usize = 16 * 1024;

/// `supervisor.restartProcess(name, wait=true)`
pub fn restart_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let answer = match names::find(daemon.supervisor, name)? {
        Named::Process(_) => JobAnswer::One,
        Named::Group(_) => JobAnswer::Several,
    };
    let wait = parameters::wait(parameters, 1);
    restart(daemon, vec![JobTarget::Name(name.to_owned())], answer, wait)
}

/// `supervisor.restartProcessGroup(name, wait=true)`
pub fn restart_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let group = &names::group(daemon.supervisor, parameters::string(parameters, 0)?)?.config;
    let target = JobTarget::Name(format!("{}:*", group.name));
    let wait = parameters::wait(parameters, 1);
    restart(daemon, vec![target], JobAnswer::Several, wait)
}

/// `supervisor.restartAllProcesses(wait=true)`
pub fn restart_all(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let wait = parameters::wait(parameters, 0);
    restart(daemon, vec![JobTarget::All], JobAnswer::Several, wait)
}

/// `supervisor.restartProcesses(names, wait=true)`: all are stopped, one after the
/// other, before the first is started.
pub fn restart_several(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let targets = array(parameters)?.iter().map(|item| match item {
        Value::String(name) => Ok(JobTarget::Name(name.clone())),
        Value::Array(names) if names.len() <= MOST_NAMES => {
            let names = names.iter().map(name).collect::<Result<_, Fault>>()?;
            Ok(JobTarget::Together(names))
        }
        _ => Err(Fault::new(FaultCode::IncorrectParameters)),
    });
    let targets = targets.collect::<Result<_, Fault>>()?;
    let wait = parameters::wait(parameters, 1);
    restart(daemon, targets, JobAnswer::Several, wait)
}

/// `supervisor.updateProcessGroup(name, wait=true)`
pub fn update_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    if daemon.supervisor.groups.named(name).is_none() && update::configured(daemon, name).is_none()
    {
        return Err(names::bad_name(name));
    }
    let ends_scale = scale::end(daemon.supervisor, name);
    let queue = ends_scale.unwrap_or_else(|| vec![JobStep::Update(name.to_owned())]);
    let queue = VecDeque::from(queue);
    let wait = parameters::wait(parameters, 1);
    steps::launch(Job::new(queue, JobAnswer::Several, wait), daemon)
}

/// `supervisor.updateProcessGroups(names, wait=true, whole=false)`: what `supervisorctl update`
/// does after `reloadConfig` has told the names.
pub fn update_groups(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let names = array(parameters)?.iter().map(name);
    let is_whole = parameters.get(2).is_some() && parameters::wait(parameters, 2);
    let mut queue = VecDeque::new();
    for name in names.collect::<Result<Vec<String>, Fault>>()? {
        if let Some(steps) = scale::end(daemon.supervisor, &name) {
            queue.extend(steps);
            continue;
        }
        match is_whole {
            true => queue.extend([JobStep::StopGroup(name.clone()), JobStep::Replace(name)]),
            false => queue.push_back(JobStep::Update(name)),
        }
    }
    let wait = parameters::wait(parameters, 1);
    steps::launch(Job::new(queue, JobAnswer::Several, wait), daemon)
}

/// Stops these one after the other, then starts them likewise.
pub fn restart(
    daemon: &mut Daemon<'_>,
    targets: Vec<JobTarget>,
    answer: JobAnswer,
    wait: bool,
) -> Outcome {
    let stops = targets.iter().cloned().map(JobStep::Stop);
    let mut queue: VecDeque<JobStep> = stops.collect();
    queue.extend(targets.into_iter().map(JobStep::Start));
    steps::launch(Job::new(queue, answer, wait), daemon)
}

fn array(parameters: &[Value]) -> Result<&[Value], Fault> {
    match parameters.first() {
        Some(Value::Array(items)) if items.len() <= MOST_NAMES => Ok(items),
        _ => Err(Fault::new(FaultCode::IncorrectParameters)),
    }
}

fn name(value: &Value) -> Result<String, Fault> {
    match value {
        Value::String(name) => Ok(name.clone()),
        _ => Err(Fault::new(FaultCode::IncorrectParameters)),
    }
}
