//! What an update would change: `update --dry-run`, `reread --diff`, and what `start` and
//! `restart` say at a terminal.

use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::manner::Manner;
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::reply::DifferenceInfo;
use crate::supervisorctl::screen;
use crate::supervisorctl::session::Session;
use crate::text::json::Json;
use crate::text::plain;
use crate::xmlrpc::fault::FaultCode;

/// What becomes of a process, the gravest first.
const CONSEQUENCES: [&str; 7] = [
    "remove", "replace", "restart", "stop", "add", "start", "apply",
];

/// Shows it for all groups, or for these.
pub fn show(session: &mut Session, manner: Manner, words: &[&str]) -> Result<(), Failure> {
    let mut rows = match session.try_call("getConfigDifference", &[])? {
        Ok(reply) => reply.differences()?,
        Err(fault) if fault.is(FaultCode::UnknownMethod) => {
            return session.refuse("ERROR: this supervisord cannot tell what would change");
        }
        Err(fault) if fault.is(FaultCode::ShutdownState) => {
            return session.refuse("ERROR: already shutting down");
        }
        Err(fault) if fault.is(FaultCode::CantReread) => {
            return session.refuse_lines(&format!("ERROR: {}", fault.text));
        }
        Err(fault) => return Err(fault.into()),
    };
    if !words.is_empty() && !words.contains(&"all") {
        let processes = session.processes()?;
        for word in words {
            let is_known = rows.iter().any(|row| row.group == *word)
                || processes.iter().any(|row| row.group == *word);
            if !is_known {
                session.hints.add_unknown(word, Sought::Group);
                session.refuse(&format!("ERROR: no such group: {word}"))?;
            }
        }
        rows.retain(|row| words.contains(&row.group.as_str()));
    }
    if manner.is_json {
        let rows = rows.iter().map(|row| super::status::json(&row.value));
        session.print(&Json::Array(rows.collect()).to_string())?;
    } else if rows.is_empty() {
        session.print("No config updates to processes")?;
    } else {
        print(session, &rows)?;
    }
    if !rows.is_empty() && session.exit_status == exit_status::SUCCESS {
        session.exit_status = exit_status::DIFFERENT;
    }
    Ok(())
}

/// A line for each process with what becomes of it, and below it one for each key.
fn print(session: &mut Session, rows: &[DifferenceInfo]) -> Result<(), Failure> {
    let is_of = |row: &DifferenceInfo, other: &DifferenceInfo| {
        (&row.group, &row.name) == (&other.group, &other.name)
    };
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|row| is_of(row, first)).count();
        let (own, others) = rest.split_at(count);
        rest = others;
        let found = CONSEQUENCES
            .iter()
            .find(|word| own.iter().any(|row| row.consequence == **word));
        let name = match first.name.as_str() {
            "" => first.group.clone(),
            name => display_name(&first.group, name),
        };
        let consequence = found.map_or(first.consequence.as_str(), |word| word);
        session.print(&plain::shown(&format!("{name}: {consequence}")))?;
        for row in own.iter().filter(|row| !row.key.is_empty()) {
            session.print(&plain::shown(&row.text()))?;
        }
    }
    Ok(())
}

/// At a terminal: says on the standard error which of these programs have another configuration
/// in the files than the one that runs. A server that cannot tell has nothing to say.
pub fn tell(session: &mut Session, words: &[&str]) {
    if !screen::shows_progress() {
        return;
    }
    let Ok(Ok(reply)) = session.try_call("getConfigDifference", &[]) else {
        return;
    };
    let rows = reply.differences().unwrap_or_default();
    let mut groups: Vec<&str> = Vec::new();
    for row in &rows {
        let is_meant = |word: &&str| {
            let meant = Namespec::parse(word);
            let is_it = meant.process.is_none_or(|process| process == row.name);
            *word == "all" || (meant.group == row.group && (is_it || row.name.is_empty()))
        };
        let runs = row.consequence != "add";
        if runs && words.iter().any(is_meant) && !groups.contains(&row.group.as_str()) {
            groups.push(&row.group);
        }
    }
    for group in groups {
        screen::complain(&format!(
            "{group}: its configuration in the files differs from the one that runs; \
             to see how: update --dry-run {group}"
        ));
    }
}
