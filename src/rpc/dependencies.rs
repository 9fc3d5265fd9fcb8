//! What processes depend on, and stopping with all that depends on it.

use crate::dependencies::plan::Plan;
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::names::{self, Named};
use crate::rpc::{parameters, stop};
use crate::sort;
use crate::supervisor::Supervisor;
use crate::tokens::ProcessId;
use crate::xmlrpc::value::Value;

/// How many processes that are needed under one name are told one by one. What thousands need
/// of thousands would be millions of entries.
const MOST_MEMBERS: usize = 20;

/// `supervisor.getDependencies()`
pub fn dependencies(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    daemon.supervisor.advance_dependencies(daemon.context);
    let supervisor = &*daemon.supervisor;
    let rows = supervisor.plan().map_or_else(Vec::new, |plan| {
        let nodes = plan.graph().nodes.iter();
        let dependants = nodes.filter(|node| !node.needs.is_empty());
        let rows = dependants.filter_map(|node| {
            let process = supervisor.groups.process(node.id)?;
            let mut row = names_of(process);
            let state = process.machine().state().name();
            row.push(("statename".to_owned(), Value::string(state)));
            let needs = node.needs.iter();
            let needed = needs.flat_map(|need| needed(supervisor, plan, *need));
            row.push(("depends_on".to_owned(), Value::Array(needed.collect())));
            Some(Value::Struct(row))
        });
        rows.collect()
    });
    Ok(Value::Array(rows).into())
}

fn names_of(process: &Subprocess) -> Vec<(String, Value)> {
    vec![
        (
            "name".to_owned(),
            Value::string(process.config().name.as_str()),
        ),
        ("group".to_owned(), Value::string(process.group_name())),
    ]
}

/// The processes that a need stands for: one that nobody is any more has no group, and many are
/// told as one.
fn needed(supervisor: &Supervisor, plan: &Plan, need: usize) -> Vec<Value> {
    let Some(need) = plan.graph().needs.get(need) else {
        return Vec::new();
    };
    let entry = |mut names: Vec<(String, Value)>, condition: &str, is_met: bool| {
        names.extend([
            ("condition".to_owned(), Value::string(condition)),
            ("optional".to_owned(), Value::Bool(need.is_optional)),
            ("met".to_owned(), Value::Bool(is_met)),
        ]);
        Value::Struct(names)
    };
    let only = |name: &str, group: &str| {
        vec![
            ("name".to_owned(), Value::string(name)),
            ("group".to_owned(), Value::string(group)),
        ]
    };
    match need.members.as_slice() {
        [] => return vec![entry(only(&need.name, ""), "", false)],
        [(_, condition), ..] if need.members.len() > MOST_MEMBERS => {
            let (group, _) = need.name.split_once(':').unwrap_or((&need.name, ""));
            let mut members = need.members.iter();
            let are_met = members.all(|(member, condition)| plan.is_met(*member, *condition));
            return vec![entry(only("*", group), condition.word(), are_met)];
        }
        _ => {}
    }
    let members = need.members.iter().filter_map(|&(member, condition)| {
        let id = plan.graph().nodes.get(member)?.id;
        let names = names_of(supervisor.groups.process(id)?);
        Some(entry(
            names,
            condition.word(),
            plan.is_met(member, condition),
        ))
    });
    members.collect()
}

/// `supervisor.stopProcessWithDependents(name, wait=true)`
pub fn stop_with_dependents(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let wait = parameters::wait(parameters, 1);
    let mut asked: Vec<ProcessId> = match names::find(daemon.supervisor, name)? {
        Named::Process(process) => vec![process.id()],
        Named::Group(group) => daemon.supervisor.by_priority(group),
    };
    asked.extend(daemon.supervisor.wanted_dependants(daemon.context, &asked));
    sort::by(&mut asked, Ord::cmp);
    // Those that depend on others stop first.
    let mut ids = daemon.supervisor.processes_by_priority();
    ids.reverse();
    ids.retain(|id| asked.binary_search(id).is_ok());
    Ok(stop::stop_several(daemon, ids, wait))
}
