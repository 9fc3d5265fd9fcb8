//! `reread`, `update`, `add`, `remove` and `avail`: the groups that are
//! configured, and those that are active.

use super::{difference, scale};
use crate::signal::Signal;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::interrupt::ENDING;
use crate::supervisorctl::manner::Manner;
use crate::supervisorctl::names::display_name;
use crate::supervisorctl::reply::{ActionResult, Changes};
use crate::supervisorctl::session::Session;
use crate::vec_map::VecMap;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `reread`: what another reading of the files would change; with `--diff` key by key.
pub fn reread(session: &mut Session, manner: Manner) -> Result<(), Failure> {
    let changes = match session.try_call("reloadConfig", &[])? {
        Ok(reply) => reply.changes()?,
        Err(fault) if fault.is(FaultCode::ShutdownState) => {
            return session.refuse("ERROR: supervisor shutting down");
        }
        Err(fault) if fault.is(FaultCode::CantReread) => {
            return session.refuse_lines(&format!("ERROR: {}", fault.text));
        }
        Err(fault) => return Err(fault.into()),
    };
    if manner.is_dry {
        return difference::show(session, manner, &[]);
    }
    let mut words = VecMap::new();
    words.extend(changes.added.into_iter().map(|group| (group, "available")));
    words.extend(changes.changed.into_iter().map(|group| (group, "changed")));
    let removed = changes.removed.into_iter();
    words.extend(removed.map(|group| (group, "disappeared")));
    if words.is_empty() {
        return session.print("No config updates to processes");
    }
    for (group, word) in words {
        session.print(&format!("{group}: {word}"))?;
    }
    Ok(())
}

/// `update [GROUP…|all]`: makes the active groups those of the files.
pub fn update(session: &mut Session, manner: Manner, words: &[&str]) -> Result<(), Failure> {
    let changes = match session.try_call("reloadConfig", &[])? {
        Ok(reply) => reply.changes()?,
        Err(fault) if fault.is(FaultCode::ShutdownState) => {
            return session.refuse("ERROR: already shutting down");
        }
        Err(fault) => return Err(fault.into()),
    };
    let named = match words.contains(&"all") {
        true => &[],
        false => words,
    };
    if !named.is_empty() {
        refuse_unknown_groups(session, words, &changes.added)?;
    }
    let is_named = |group: &String| named.is_empty() || named.contains(&group.as_str());
    let Changes {
        mut added,
        mut changed,
        mut removed,
    } = changes;
    for groups in [&mut added, &mut changed, &mut removed] {
        groups.retain(is_named);
    }
    let groups = removed.iter().chain(&changed).chain(&added);
    let mut groups: Vec<String> = groups.cloned().collect();
    // A group that is as configured but for its numbers of processes is in none of the lists.
    let mut scaled = scale::scaled_groups(session, &groups)?;
    scaled.retain(is_named);
    groups.extend(scaled.iter().cloned());
    let groups: Vec<Value> = groups.into_iter().map(Value::String).collect();
    if groups.is_empty() {
        return Ok(());
    }
    let mut parameters = vec![Value::Array(groups)];
    if manner.is_quick || manner.is_whole {
        parameters.push(Value::Bool(!manner.is_quick));
    }
    if manner.is_whole {
        parameters.push(Value::Bool(true));
    }
    match session.try_call("updateProcessGroups", &parameters)? {
        Ok(reply) => {
            let results = reply.action_results()?;
            match manner.is_quick && results.is_empty() {
                true => tell_of_update(session, &added, &changed, &removed, &scaled),
                false => report_update(session, &results, manner.is_whole),
            }
        }
        // Such a server is waited for.
        Err(fault) if fault.is(FaultCode::UnknownMethod) => {
            session.persevere(&ENDING, |session, _| {
                let changes = Changes {
                    added,
                    changed,
                    removed,
                };
                update_by_steps(session, &changes)
            })
        }
        Err(fault) => Err(fault.into()),
    }
}

/// The lines for what the server has begun to do.
fn tell_of_update(
    session: &mut Session,
    added: &[String],
    changed: &[String],
    removed: &[String],
    scaled: &[String],
) -> Result<(), Failure> {
    let under_way = [
        (removed, "removing process group"),
        (changed, "updating process group"),
        (added, "adding process group"),
        (scaled, "ending its scale"),
    ];
    for (groups, words) in under_way {
        for group in groups {
            session.print(&format!("{group}: {words}"))?;
        }
    }
    Ok(())
}

/// The lines for what the server has done. A fault is told at the end, for it kept
/// nothing else from being done. A group that was updated was stopped only if one of its
/// processes was.
fn report_update(
    session: &mut Session,
    results: &[ActionResult],
    is_whole: bool,
) -> Result<(), Failure> {
    let was_stopped = |group: &str| {
        let mut stops = results.iter().filter(|done| done.action == "stop");
        stops.any(|stop| stop.result.group == group)
    };
    let mut failure = None;
    for entry in results {
        let ActionResult { action, result } = entry;
        let group = &result.group;
        let is_of_one = !result.name.is_empty() && matches!(action.as_str(), "add" | "remove");
        if is_of_one || action == "scale" {
            scale::report(session, entry)?;
            continue;
        }
        let done = match action.as_str() {
            "remove" => "removed",
            "update" => "updated",
            "add" => "added",
            // Of single processes.
            _ => continue,
        };
        let is_stopped = match done {
            "added" => false,
            "updated" => is_whole || was_stopped(group),
            _ => true,
        };
        if is_stopped {
            session.print(&format!("{group}: stopped"))?;
        }
        if result.is(FaultCode::Success) {
            session.print(&format!("{group}: {done} process group"))?;
        } else if result.is(FaultCode::Failed) {
            session.refuse(&format!("{group}: has problems; not removing"))?;
        } else {
            failure = failure.or(Some(CallError::Fault(result.fault())));
        }
    }
    failure.map_or(Ok(()), |error| Err(error.into()))
}

/// The same with a call for each step, for a server that does not do the whole.
fn update_by_steps(session: &mut Session, changes: &Changes) -> Result<(), Failure> {
    for group in &changes.removed {
        let is_clean = stop_group(session, group)?;
        if is_clean {
            session.call("removeProcessGroup", &[Value::string(group)])?;
            session.print(&format!("{group}: removed process group"))?;
        } else {
            session.refuse(&format!("{group}: has problems; not removing"))?;
        }
    }
    for group in &changes.changed {
        stop_group(session, group)?;
        session.call("removeProcessGroup", &[Value::string(group)])?;
        session.call("addProcessGroup", &[Value::string(group)])?;
        session.print(&format!("{group}: updated process group"))?;
    }
    for group in &changes.added {
        session.call("addProcessGroup", &[Value::string(group)])?;
        session.print(&format!("{group}: added process group"))?;
    }
    Ok(())
}

/// Reports the names that are neither active groups nor new ones.
fn refuse_unknown_groups(
    session: &mut Session,
    words: &[&str],
    added: &[String],
) -> Result<(), Failure> {
    let processes = session.processes()?;
    let mut known: Vec<&str> = added.iter().map(String::as_str).collect();
    known.extend(processes.iter().map(|row| row.group.as_str()));
    for word in words {
        // Once for each name.
        if !known.contains(word) {
            known.push(word);
            session.hints.add_unknown(word, Sought::Group);
            session.refuse(&format!("ERROR: no such group: {word}"))?;
        }
    }
    Ok(())
}

/// Stops a group. False if one of its processes could not be stopped.
fn stop_group(session: &mut Session, group: &str) -> Result<bool, Failure> {
    let parameters = [Value::string(group)];
    let results = session.call("stopProcessGroup", &parameters)?.results()?;
    session.print(&format!("{group}: stopped"))?;
    Ok(!results.iter().any(|result| result.is(FaultCode::Failed)))
}

/// `add GROUP…`. A dropped line ends it when all is done.
pub fn add(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    session.persevere(&[Signal::HUP], |session, _| add_each(session, words))
}

fn add_each(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    for group in words {
        match session.try_call("addProcessGroup", &[Value::string(*group)])? {
            Ok(_) => session.print(&format!("{group}: added process group"))?,
            Err(fault) if fault.is(FaultCode::ShutdownState) => {
                session.refuse("ERROR: shutting down")?;
            }
            Err(fault) if fault.is(FaultCode::AlreadyAdded) => {
                session.print("ERROR: process group already active")?;
            }
            Err(fault) => refuse_group(session, group, Sought::InactiveGroup, fault)?,
        }
    }
    Ok(())
}

/// `remove GROUP…`, likewise.
pub fn remove(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    session.persevere(&[Signal::HUP], |session, _| remove_each(session, words))
}

fn remove_each(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    for group in words {
        match session.try_call("removeProcessGroup", &[Value::string(*group)])? {
            Ok(_) => session.print(&format!("{group}: removed process group"))?,
            Err(fault) if fault.is(FaultCode::StillRunning) => {
                session.refuse(&format!("ERROR: process/group still running: {group}"))?;
            }
            Err(fault) => refuse_group(session, group, Sought::ActiveGroup, fault)?,
        }
    }
    Ok(())
}

fn refuse_group(
    session: &mut Session,
    group: &str,
    sought: Sought,
    fault: Fault,
) -> Result<(), Failure> {
    if fault.is(FaultCode::BadName) {
        session.hints.add_unknown(group, sought);
        return session.refuse(&format!("ERROR: no such process/group: {group}"));
    }
    Err(fault.into())
}

/// `avail`: all that is configured.
pub fn avail(session: &mut Session) -> Result<(), Failure> {
    let entries = match session.try_call("getAllConfigInfo", &[])? {
        Ok(reply) => reply.configurations()?,
        Err(fault) if fault.is(FaultCode::ShutdownState) => {
            return session.refuse("ERROR: supervisor shutting down");
        }
        Err(fault) => return Err(fault.into()),
    };
    for entry in entries {
        let starts = match (entry.is_disabled, entry.autostart) {
            (true, _) => "disabled",
            (false, true) => "auto",
            (false, false) => "manual",
        };
        let scaled = entry.scaled;
        let scaled = scaled.map_or_else(String::new, |number| format!("  scaled to {number}"));
        session.print(&format!(
            "{:<32} {:<9} {:<9} {}:{}{scaled}",
            display_name(&entry.group, &entry.name),
            if entry.inuse { "in use" } else { "avail" },
            starts,
            entry.group_prio,
            entry.process_prio
        ))?;
    }
    Ok(())
}
