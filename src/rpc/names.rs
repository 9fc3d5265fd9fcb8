//! Process names in requests: `name`, `group:name`, `group:*` and `group:`.

use crate::process::group::{Group, namespec};
use crate::process::subprocess::Subprocess;
use crate::supervisor::Supervisor;
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// What a name stands for.
pub enum Named<'a> {
    /// One process.
    Process(&'a Subprocess),
    /// Every process of a group.
    Group(&'a Group),
}

/// Looks a name up that may stand for a whole group.
pub fn find<'a>(supervisor: &'a Supervisor, name: &str) -> Result<Named<'a>, Fault> {
    let (group, process) = split(name);
    match process {
        Some(process) => supervisor
            .groups
            .process_named(group, process)
            .map(Named::Process),
        None => supervisor.groups.named(group).map(Named::Group),
    }
    .ok_or_else(|| bad_name(name))
}

/// Looks a name up that must be one process.
pub fn process<'a>(supervisor: &'a Supervisor, name: &str) -> Result<&'a Subprocess, Fault> {
    match find(supervisor, name)? {
        Named::Process(process) => Ok(process),
        Named::Group(_) => Err(bad_name(name)),
    }
}

/// Looks up the name of a group.
pub fn group<'a>(supervisor: &'a Supervisor, name: &str) -> Result<&'a Group, Fault> {
    supervisor.groups.named(name).ok_or_else(|| bad_name(name))
}

/// The processes of these names; what is nobody's or a group's is left out.
pub fn processes(supervisor: &Supervisor, names: &[String]) -> Vec<ProcessId> {
    let found = names
        .iter()
        .filter_map(|name| process(supervisor, name).ok());
    found.map(Subprocess::id).collect()
}

/// The fault for a name that is nobody's, which shows it as it was given.
pub fn bad_name(name: &str) -> Fault {
    Fault::with(FaultCode::BadName, name)
}

/// The short form under which a process is shown.
pub fn shown(process: &Subprocess) -> String {
    namespec(process.group_name(), &process.config().name)
}

/// One entry of a call on several processes: how it went with this one.
pub fn status(supervisor: &Supervisor, id: ProcessId, result: Result<(), Fault>) -> Value {
    let (group, name) = match supervisor.groups.process(id) {
        Some(process) => (
            process.group_name().to_owned(),
            process.config().name.clone(),
        ),
        None => (String::new(), String::new()),
    };
    entry(&group, &name, result)
}

/// The same by name, for a process or a group that may not be there.
pub fn entry(group: &str, name: &str, result: Result<(), Fault>) -> Value {
    let (code, text) = match result {
        Ok(()) => (FaultCode::Success.code(), "OK".to_owned()),
        Err(fault) => (fault.code, fault.text),
    };
    Value::Struct(vec![
        ("name".to_owned(), Value::string(name)),
        ("group".to_owned(), Value::string(group)),
        ("status".to_owned(), Value::Int(i64::from(code))),
        ("description".to_owned(), Value::String(text)),
    ])
}

/// The group and the process that a name is made of; no process for all of a group.
pub fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((group, "" | "*")) => (group, None),
        Some((group, process)) => (group, Some(process)),
        None => (name, Some(name)),
    }
}
