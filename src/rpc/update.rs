//! The steps of an update: groups become what the configuration says that was read last.

use std::rc::Rc;

use crate::config::{self, diff};
use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::job::{Job, JobStep, JobTarget};
use crate::rpc::names;
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// A group as it was read last.
pub fn configured(daemon: &Daemon<'_>, name: &str) -> Option<Rc<config::Group>> {
    let mut groups = daemon.supervisor.config.groups.iter();
    groups.find(|group| group.name == name).cloned()
}

/// Puts the steps before the others of a job that an update of this group takes now.
pub fn begin(job: &mut Job, daemon: &Daemon<'_>, name: String) {
    let active = daemon.supervisor.groups.named(&name);
    let pair = active.zip(configured(daemon, &name));
    let Some((active, config)) =
        pair.filter(|(active, config)| diff::is_of_one_kind(&active.config, config))
    else {
        job.steps.push_front(JobStep::Replace(name.clone()));
        job.steps.push_front(JobStep::StopGroup(name));
        return;
    };
    let to_stop = daemon.supervisor.to_stop(active, &config);
    let restarted = to_stop.iter().filter(|(_, restarts)| *restarts);
    let restarted = restarted.map(|(id, _)| *id).collect();
    let stopped = to_stop.iter().filter_map(|(id, _)| {
        let process = daemon.supervisor.groups.process(*id)?;
        Some(format!("{name}:{}", process.config().name))
    });
    let stopped: Vec<String> = stopped.collect();
    job.steps.push_front(JobStep::Renew(name, restarted));
    if !stopped.is_empty() {
        job.steps
            .push_front(JobStep::Stop(JobTarget::Together(stopped)));
    }
}

/// Has an active group go by the configuration, if everything has stopped that has to.
pub fn renew(daemon: &mut Daemon<'_>, name: &str, restarted: &[ProcessId]) -> Outcome {
    let id = names::group(daemon.supervisor, name)?.id;
    let config = configured(daemon, name).ok_or_else(|| names::bad_name(name))?;
    let is_renewed = daemon
        .supervisor
        .renew_group(daemon.context, id, &config, restarted);
    match is_renewed {
        true => Ok(Value::Bool(true).into()),
        false => Err(Fault::with(FaultCode::StillRunning, name)),
    }
}
