//! The steps of a [`Job`], by the functions of the single methods.

use std::rc::Rc;

use crate::rpc::interface::{Answer, CallProgress, Daemon, Outcome};
use crate::rpc::job::{Change, Job, JobAnswer, JobStep, JobTarget};
use crate::rpc::names::Named;
use crate::rpc::pending::PendingAction;
use crate::rpc::{configuration, names, poll, resize, start, stop, update};
use crate::tokens::{ProcessId, Timer};
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How many jobs may be on their way at a time.
const MOST_JOBS: usize = 1024;

/// The fault for what is not to come between the steps of a job that changes something of the
/// same group.
pub fn refuse_while_busy(daemon: &Daemon<'_>, group: &str) -> Result<(), Fault> {
    match daemon.jobs.iter().any(|job| job.concerns(group)) {
        true => {
            let text = format!("{group} is being restarted, scaled or updated, try again later");
            Err(Fault::with(FaultCode::Failed, text))
        }
        false => Ok(()),
    }
}

/// Begins a job. A caller who does not wait is answered at once.
pub fn launch(mut job: Job, daemon: &mut Daemon<'_>) -> Outcome {
    if daemon.jobs.len() >= MOST_JOBS {
        let text = "too many restarts and updates are under way, try again later";
        return Err(Fault::with(FaultCode::Failed, text));
    }
    let ending = Rc::clone(&job.ending);
    if !go_on(&mut job, daemon) {
        let at_once = match job.answer {
            JobAnswer::One => Value::Bool(true),
            JobAnswer::Several => Value::Array(Vec::new()),
        };
        if let Some(turn) = job.turn {
            let next = Some(turn.just_after());
            daemon.context.timers.set(Timer::PendingActions, next);
        }
        let wait = job.wait;
        daemon.jobs.push(job);
        return Ok(match wait {
            true => CallProgress::Pending(PendingAction::Job(ending)),
            false => at_once.into(),
        });
    }
    match ending.get() {
        Some(result) => result.clone().map(CallProgress::from),
        // A job at its end has a result.
        None => Err(Fault::new(FaultCode::Failed)),
    }
}

/// Goes on for as long as nothing is waited for. True at the end.
pub fn go_on(job: &mut Job, daemon: &mut Daemon<'_>) -> bool {
    if job.turn.is_some_and(|turn| daemon.turn() <= turn) {
        return false;
    }
    job.turn = None;
    loop {
        if let Some((change, name, mut pending)) = job.under_way.take() {
            let Some(result) = poll::poll(&mut pending, daemon) else {
                job.under_way = Some((change, name, pending));
                return false;
            };
            job.note(change, &name, result.map(Answer::value));
        }
        let Some(step) = job.steps.pop_front() else {
            job.finish();
            return true;
        };
        if daemon.supervisor.state().is_going_down() {
            let _ = job.ending.set(Err(Fault::new(FaultCode::ShutdownState)));
            return true;
        }
        if job.is_rolling
            && begins_others(&step)
            && let Some(failed) = job.first_failure()
        {
            let left = job.skip_rest();
            daemon.context.log.warn(format_args!(
                "the rolling restart ends, for {failed} has failed; left as they were: {left}"
            ));
            continue;
        }
        take(job, daemon, step);
        if daemon.context.turn_is_over() {
            job.turn = Some(daemon.turn());
            return false;
        }
    }
}

/// Whether the processes of a step have nothing to do with those before.
fn begins_others(step: &JobStep) -> bool {
    matches!(step, JobStep::Stop(_))
}

fn take(job: &mut Job, daemon: &mut Daemon<'_>, step: JobStep) {
    let (change, name, outcome) = match step {
        JobStep::Stop(target) => {
            job.have_run.extend(disabled_and_up(daemon, &target));
            if job.is_rolling {
                let ids = several(daemon, &target).unwrap_or_default();
                daemon.supervisor.begin_roll(&ids);
            }
            let outcome = stop(daemon, &target);
            (Change::Stop, target.name(), outcome)
        }
        JobStep::Start(target) => {
            let outcome = start(daemon, &target, &job.have_run, job.wait || job.is_rolling);
            (Change::Start, target.name(), outcome)
        }
        JobStep::StopGroup(group) => {
            if daemon.supervisor.groups.named(&group).is_none() {
                return;
            }
            let outcome = stop::stop_group(daemon, &[Value::string(&group)]);
            (Change::Stop, whole(&group), outcome)
        }
        JobStep::Replace(group) => {
            let (change, outcome) = replace(job, daemon, &group);
            (change, whole(&group), outcome)
        }
        JobStep::Update(group) => return update::begin(job, daemon, group),
        JobStep::Renew(group, restarted) => {
            let is_scaled = is_scaled(daemon, &group);
            let outcome = update::renew(daemon, &group, &restarted);
            if is_scaled && outcome.is_ok() {
                job.note(Change::Scale, &whole(&group), Ok(Value::Bool(true)));
            }
            (Change::Update, whole(&group), outcome)
        }
        JobStep::Leave(names) => {
            let ids = names::processes(daemon.supervisor, &names);
            daemon.supervisor.begin_roll(&ids);
            let outcome = Ok(stop::stop_and_await(daemon, ids));
            (Change::Stop, String::new(), outcome)
        }
        JobStep::Scale(scaling) => {
            let name = whole(&scaling.config.name);
            (Change::Start, name, resize::apply(job, daemon, *scaling))
        }
    };
    match outcome {
        Ok(CallProgress::Pending(pending)) => job.under_way = Some((change, name, pending)),
        Ok(CallProgress::Done(answer)) => job.note(change, &name, Ok(answer.value())),
        Err(fault) => job.note(change, &name, Err(fault)),
    }
}

/// Whether a program of a group has another number of processes than configured.
fn is_scaled(daemon: &Daemon<'_>, group: &str) -> bool {
    let group = daemon.supervisor.groups.named(group);
    group.is_some_and(|group| group.scaled.is_some())
}

/// A group that is to go stays if one of its processes could not be stopped.
fn replace(job: &mut Job, daemon: &mut Daemon<'_>, group: &str) -> (Change, Outcome) {
    let parameters = [Value::string(group)];
    let is_active = daemon.supervisor.groups.named(group).is_some();
    let is_scaled = is_scaled(daemon, group);
    let configured = &daemon.supervisor.config.groups;
    let is_configured = configured.iter().any(|known| known.name == group);
    if !is_active {
        return (Change::Add, configuration::add_group(daemon, &parameters));
    }
    if !is_configured && job.has_failed_to_stop(group) {
        let fault = Fault::with(FaultCode::Failed, "not all of it could be stopped");
        return (Change::Remove, Err(fault));
    }
    match configuration::remove_group(daemon, &parameters) {
        Ok(_) if is_configured => {
            if is_scaled {
                job.note(Change::Scale, &whole(group), Ok(Value::Bool(true)));
            }
            let outcome = configuration::add_group(daemon, &parameters);
            (Change::Update, outcome)
        }
        outcome => (Change::Remove, outcome),
    }
}

pub fn stop(daemon: &mut Daemon<'_>, target: &JobTarget) -> Outcome {
    match target {
        JobTarget::All => stop::stop_all(daemon, &[]),
        JobTarget::Name(name) => stop::stop_process(daemon, &[Value::string(name)]),
        JobTarget::Together(names) => {
            let ids = names::processes(daemon.supervisor, names);
            Ok(stop::stop_several(daemon, ids, true))
        }
    }
}

/// Starts what is meant; of several, what is disabled only if it has run before.
pub fn start(
    daemon: &mut Daemon<'_>,
    target: &JobTarget,
    have_run: &[ProcessId],
    wait: bool,
) -> Outcome {
    match (several(daemon, target), target) {
        (Some(ids), _) => Ok(start::start_several(daemon, ids, have_run, wait)),
        (None, target) => {
            let parameters = [Value::String(target.name()), Value::Bool(wait)];
            start::start_process(daemon, &parameters)
        }
    }
}

/// The processes of a target that stands for several, in the order of starting.
fn several(daemon: &Daemon<'_>, target: &JobTarget) -> Option<Vec<ProcessId>> {
    match target {
        JobTarget::All => Some(daemon.supervisor.processes_by_priority()),
        JobTarget::Together(names) => Some(names::processes(daemon.supervisor, names)),
        JobTarget::Name(name) => match names::find(daemon.supervisor, name) {
            Ok(Named::Group(group)) => Some(daemon.supervisor.by_priority(group)),
            _ => None,
        },
    }
}

/// Those that somebody has started by name though they are disabled.
fn disabled_and_up(daemon: &Daemon<'_>, target: &JobTarget) -> Vec<ProcessId> {
    let mut ids = several(daemon, target).unwrap_or_default();
    ids.retain(|id| {
        let process = daemon.supervisor.groups.process(*id);
        daemon.supervisor.is_disabled_by_id(*id)
            && process.is_some_and(|process| process.machine().state().is_running())
    });
    ids
}

/// The name for all of a group.
fn whole(group: &str) -> String {
    format!("{group}:*")
}
