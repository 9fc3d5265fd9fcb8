//! `status`: the table of processes.

use super::check;
use crate::states::ProcessState;
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::reply::ProcessInfo;
use crate::supervisorctl::session::Session;
use crate::sys::terminal;
use crate::xmlrpc::value::Value;

/// The narrowest column of names.
const NAME_WIDTH: usize = 30;

/// Prints the processes that were named, or all. A stopped one weighs more
/// than an unknown name, in whatever order they come.
pub fn status(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        session.exit_status = exit_status::STATUS_UNKNOWN;
        return Ok(());
    }
    let all = session.processes()?;
    let rows = if words.is_empty() || words.contains(&"all") {
        all
    } else {
        named(session, &all, words)?
    };
    for line in table(&rows) {
        session.print(&line)?;
    }
    if rows.iter().any(is_stopped) {
        session.exit_status = exit_status::STATUS_NOT_RUNNING;
    }
    complain_of_fatal_state(session);
    Ok(())
}

/// Tells on the standard error why supervisord is FATAL, if it is. 4.3.0 does
/// not know the question and never is; no answer changes what was printed.
fn complain_of_fatal_state(session: &mut Session) {
    if let Ok(Ok(Value::String(reason))) = session.try_call("getStateReason", &[])
        && !reason.is_empty()
    {
        terminal::complain(&format!("supervisord is in FATAL state: {reason}\n"));
    }
}

/// The rows in the order of the words. Unknown names are printed at once, so
/// they come before the table.
fn named(
    session: &mut Session,
    all: &[ProcessInfo],
    words: &[&str],
) -> Result<Vec<ProcessInfo>, Failure> {
    let mut rows = Vec::new();
    for word in words {
        let name = Namespec::parse(word);
        let before = rows.len();
        rows.extend(
            all.iter()
                .filter(|row| row.group == name.group)
                .filter(|row| name.process.is_none_or(|process| row.name == process))
                .cloned(),
        );
        if rows.len() == before {
            let message = match name.process {
                None => format!("{}: ERROR (no such group)", name.group),
                Some(_) => format!("{word}: ERROR (no such process)"),
            };
            session.fail(exit_status::STATUS_UNKNOWN, &message)?;
        }
    }
    Ok(rows)
}

/// The lines of the table. Trailing blanks are kept, as they always were.
fn table(rows: &[ProcessInfo]) -> Vec<String> {
    let names: Vec<String> = rows
        .iter()
        .map(|row| display_name(&row.group, &row.name))
        .collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let width = longest.unwrap_or(0).max(NAME_WIDTH) + 3;
    rows.iter()
        .zip(&names)
        .map(|(row, name)| format!("{name:<width$}{:<10}{}", row.statename, row.description))
        .collect()
}

fn is_stopped(row: &ProcessInfo) -> bool {
    [
        ProcessState::Stopped,
        ProcessState::Exited,
        ProcessState::Fatal,
        ProcessState::Unknown,
    ]
    .iter()
    .any(|state| i64::from(state.code()) == row.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, statename: &str, description: &str) -> ProcessInfo {
        ProcessInfo {
            group: "g".to_owned(),
            name: name.to_owned(),
            state: 20,
            statename: statename.to_owned(),
            description: description.to_owned(),
            pid: 1,
        }
    }

    #[test]
    fn columns_stand_where_scripts_cut_them() {
        let rows = [
            row("g", "RUNNING", "pid 1, uptime 0:00:23"),
            row("é", "STARTING", ""),
        ];
        assert_eq!(
            table(&rows),
            [
                "g                                RUNNING   pid 1, uptime 0:00:23",
                "g:é                              STARTING  ",
            ]
        );
        let long = "x".repeat(31);
        let lines = table(&[row(&long, "RUNNING", "d"), row("g", "LONGERTHANTEN", "d")]);
        assert_eq!(lines[0], format!("g:{long}   RUNNING   d"));
        assert_eq!(lines[1], format!("g{}LONGERTHANTENd", " ".repeat(35)));
    }
}
