//! Other numbers of processes for programs that run, until their group is updated. It is a
//! [`Job`] for the daemon: what is beyond the number is stopped and removed, or what is missing
//! is made as the files say and started where it starts by itself.

use std::rc::Rc;

use crate::config::diff;
use crate::config::document::Document;
use crate::config::load::{self, RealSystem};
use crate::config::scale::{self, Scaled, ScaledProgram};
use crate::config::{self, Config};
use crate::process::group::Group;
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::job::{Job, JobAnswer, JobStep};
use crate::rpc::{names, parameters, steps};
use crate::supervisor::Supervisor;
use crate::supervisor::scale::Scaling;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

fn failed(text: impl std::fmt::Display) -> Fault {
    Fault::with(FaultCode::Failed, text)
}

/// `supervisor.setNumProcs(name, n, wait=true)`
pub fn set_numprocs(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let number = scale::bounded(parameters::integer(parameters, 1)?);
    let bounds = || {
        let text = format!("a program has 1 to {} processes", scale::MOST);
        Fault::with(FaultCode::BadArguments, text)
    };
    let scaling = plan(daemon, name, number.ok_or_else(bounds)?)?;
    let steps = steps_of(daemon.supervisor, scaling);
    let wait = parameters::wait(parameters, 2);
    steps::launch(Job::new(steps.into(), JobAnswer::Several, wait), daemon)
}

/// What the group of a program becomes when the program has so many processes.
fn plan(daemon: &Daemon<'_>, name: &str, number: u32) -> Result<Scaling, Fault> {
    let supervisor = &*daemon.supervisor;
    let read = load::load_with_document(&supervisor.request, &RealSystem);
    let (config, document) =
        read.map_err(|error| Fault::with_lines(FaultCode::CantReread, error))?;
    let found = scale::find(&config, name);
    let program = match found.as_slice() {
        [program] => program,
        [] => return Err(names::bad_name(name)),
        _ => {
            return Err(failed(format!(
                "there are several programs {name}: write GROUP:{name}"
            )));
        }
    };
    let fresh = config.groups.get(program.group);
    let active = fresh.and_then(|fresh| supervisor.groups.named(&fresh.name));
    let (fresh, group) = fresh.zip(active).ok_or_else(|| names::bad_name(name))?;
    steps::refuse_while_busy(daemon, &group.config.name)?;
    if !scale::has_numbers(&document, &program.section) {
        return Err(failed(format!(
            "process_name of [{}] has no %(process_num), which would tell its processes apart",
            program.section
        )));
    }
    let configured = group.configured();
    if fresh != configured {
        return Err(failed(format!(
            "{} is configured in another way by now: update it first",
            group.config.name
        )));
    }
    let scaled = group.scaled.as_ref();
    let mut programs = scaled.map_or_else(Vec::new, |scaled| scaled.programs.clone());
    programs.retain(|known| known.member != program.member);
    if number != scale::configured(fresh, program.member) {
        programs.push(ScaledProgram {
            section: program.section.clone(),
            member: program.member,
            number,
        });
    }
    if programs.is_empty() {
        return Ok(unscaled(group));
    }
    let config = evaluate(supervisor, group, document, &programs)?;
    Ok(Scaling {
        group: group.id,
        configured: Rc::clone(configured),
        config: Rc::new(config),
        scaled: Some(Box::new(Scaled {
            configured: Rc::clone(configured),
            programs,
        })),
    })
}

/// A group as it would be with other numbers in the files.
fn evaluate(
    supervisor: &Supervisor,
    group: &Group,
    mut document: Document,
    programs: &[ScaledProgram],
) -> Result<config::Group, Fault> {
    scale::put(&mut document, programs);
    let evaluated = load::evaluated(&supervisor.request, &document, &RealSystem);
    let Config { groups, .. } =
        evaluated.map_err(|error| Fault::with_lines(FaultCode::Failed, error))?;
    let mut groups = groups.into_iter();
    let same = groups.find(|fresh| fresh.name == group.config.name);
    let fresh = same.ok_or_else(|| names::bad_name(&group.config.name))?;
    scale::merged(&group.config, Rc::unwrap_or_clone(fresh)).map_err(|process| {
        failed(format!(
            "{process} has numprocs in its settings and would have to start again: change \
             numprocs in the configuration and update"
        ))
    })
}

/// A group becomes what is configured.
fn unscaled(group: &Group) -> Scaling {
    let configured = group.configured();
    Scaling {
        group: group.id,
        configured: Rc::clone(configured),
        config: Rc::clone(configured),
        scaled: None,
    }
}

/// The steps that end the scaling of a group whose configuration is the same as before; none if
/// it is another one, or the group is as configured.
pub fn end(supervisor: &Supervisor, name: &str) -> Option<Vec<JobStep>> {
    let group = supervisor.groups.named(name)?;
    group.scaled.as_ref()?;
    let mut known = supervisor.config.groups.iter();
    known.find(|known| *known == group.configured())?;
    Some(steps_of(supervisor, unscaled(group)))
}

/// What is beyond is stopped first, the last to start before others.
fn steps_of(supervisor: &Supervisor, scaling: Scaling) -> Vec<JobStep> {
    let mut steps = Vec::new();
    if let Some(group) = supervisor.groups.get(scaling.group) {
        let stays = diff::by_name(&scaling.config);
        let beyond = supervisor.by_priority_down(group).into_iter();
        let beyond = beyond.filter_map(|id| supervisor.groups.process(id));
        let beyond = beyond.filter(|process| !stays.contains_key(process.config().name.as_str()));
        let beyond: Vec<String> = beyond.map(full_name).collect();
        if !beyond.is_empty() {
            steps.push(JobStep::Leave(beyond));
        }
    }
    steps.push(JobStep::Scale(Box::new(scaling)));
    steps
}

fn full_name(process: &Subprocess) -> String {
    format!("{}:{}", process.group_name(), process.config().name)
}
