//! The step of a job that gives programs of a group other numbers of processes.

use std::rc::Rc;

use crate::config::diff;
use crate::rpc::interface::{CallProgress, Daemon, Outcome};
use crate::rpc::job::{Change, Job};
use crate::rpc::pending::{AwaitedProcess, Goal, Slot};
use crate::rpc::{names, start};
use crate::supervisor::scale::Scaling;
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// Makes a group what it is to become, when what leaves it has stopped; what starts is waited
/// for.
pub fn apply(job: &mut Job, daemon: &mut Daemon<'_>, scaling: Scaling) -> Outcome {
    let groups = &daemon.supervisor.groups;
    let group = groups.get(scaling.group);
    let group = group.filter(|group| Rc::ptr_eq(group.configured(), &scaling.configured));
    let group = group
        .ok_or_else(|| Fault::with(FaultCode::Failed, "its group has been updated meanwhile"))?;
    let ends = scaling.scaled.is_none() && group.scaled.is_some();
    let before = Rc::clone(&group.config);
    let mut config = scaling.config;
    let stays = diff::by_name(&config);
    let mut kept = Vec::new();
    for process in &before.processes {
        if stays.contains_key(process.name.as_str()) {
            continue;
        }
        let known = groups.process_named(&before.name, &process.name);
        let full = format!("{}:{}", before.name, process.name);
        let result = match known.is_none_or(|known| known.machine().state().is_stopped()) {
            true => Ok(Value::Bool(true)),
            false => {
                // Somebody has started it again.
                kept.push(Rc::clone(process));
                Err(Fault::with(FaultCode::StillRunning, &full))
            }
        };
        job.note(Change::Remove, &full, result);
    }
    if !kept.is_empty() {
        Rc::make_mut(&mut config).processes.append(&mut kept);
    }
    let started = daemon
        .supervisor
        .scale(daemon.context, scaling.group, &config, scaling.scaled);
    let (name, count) = (&config.name, config.processes.len());
    let what = match ends {
        true => "as configured",
        false => "on request",
    };
    daemon
        .context
        .log
        .info(format_args!("{name} has {count} processes {what}"));
    let known = diff::by_name(&before);
    for process in &config.processes {
        if !known.contains_key(process.name.as_str()) {
            let full = format!("{name}:{}", process.name);
            job.note(Change::Add, &full, Ok(Value::Bool(true)));
        }
    }
    if ends {
        job.note(Change::Scale, &format!("{name}:*"), Ok(Value::Bool(true)));
    }
    Ok(match job.wait {
        true => await_starts(daemon, started),
        false => Value::Array(Vec::new()).into(),
    })
}

/// Waits until processes are up. What waits for others may do so for long, and is not waited for.
fn await_starts(daemon: &mut Daemon<'_>, ids: Vec<ProcessId>) -> CallProgress {
    let mut slots = Vec::new();
    for id in ids {
        let Some(process) = daemon.supervisor.groups.process(id) else {
            continue;
        };
        let name = names::shown(process);
        if daemon.supervisor.waits(id) {
            continue;
        }
        slots.push(match start::poll(daemon, id, &name) {
            Some(result) => Slot::Finished(names::status(daemon.supervisor, id, result)),
            None => Slot::Awaited(AwaitedProcess {
                id,
                name,
                goal: Goal::Started,
            }),
        });
    }
    CallProgress::of_several(slots)
}
