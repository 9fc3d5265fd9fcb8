//! Restarting the processes of a group one after the other, or a few at a time: the next when
//! those before are RUNNING, which includes that they are ready. It is a [`Job`] for the daemon,
//! whose steps are a stop and a start for each few.

use std::collections::VecDeque;

use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::job::{Job, JobAnswer, JobStep, JobTarget};
use crate::rpc::names::{self, Named};
use crate::rpc::{parameters, steps};
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.rollingRestart(name, n=1, wait=true)`
pub fn rolling_restart(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let at_once = match parameters.get(1) {
        None => 1,
        Some(_) => parameters::integer(parameters, 1)?,
    };
    let at_once = usize::try_from(at_once).ok().filter(|count| *count > 0);
    let at_once = at_once.ok_or_else(|| Fault::new(FaultCode::BadArguments))?;
    let wait = parameters::wait(parameters, 2);
    steps::refuse_while_busy(daemon, names::split(name).0)?;
    let ids = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => vec![process.id()],
        Named::Group(group) => daemon.supervisor.by_priority(group),
    };
    let processes = ids
        .iter()
        .filter_map(|id| daemon.supervisor.groups.process(*id));
    let names =
        processes.map(|process| format!("{}:{}", process.group_name(), process.config().name));
    let names: Vec<String> = names.collect();
    let mut queue = VecDeque::new();
    for few in names.chunks(at_once) {
        let few = JobTarget::Together(few.to_vec());
        queue.push_back(JobStep::Stop(few.clone()));
        queue.push_back(JobStep::Start(few));
    }
    let mut job = Job::new(queue, JobAnswer::Several, wait);
    job.is_rolling = true;
    steps::launch(job, daemon)
}
