//! `healthcheck`: whether all is as it should be, told by the exit status alone, for probes of
//! containers and for scripts. These know 0 and 1, so every failure is a 1.

use super::check;
use crate::states::ProcessState;
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::patterns::{self, Meant};
use crate::supervisorctl::reply::ProcessInfo;
use crate::supervisorctl::session::Session;
use crate::xmlrpc::value::Value;

/// `healthcheck [NAME…|all]`: silent where all is well.
pub fn healthcheck(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        session.exit_status = exit_status::GENERIC;
        return Ok(());
    }
    let reply = session.call("getAllProcessInfo", &[])?;
    let rows = reply.processes()?;
    let values = reply.value.as_array().unwrap_or_default();
    let asked = match words.is_empty() || words.contains(&"all") {
        true => autostarted(session, &rows)?,
        false => named(session, &rows, words)?,
    };
    for (row, value) in rows.iter().zip(values) {
        if asked.contains(&row.full_name())
            && let Some(complaint) = complaint(row, value)
        {
            session.refuse(&complaint)?;
        }
    }
    Ok(())
}

/// The processes that start by themselves. Those that the file no longer has are not asked for.
fn autostarted(session: &mut Session, rows: &[ProcessInfo]) -> Result<Vec<String>, Failure> {
    let configurations = session.call("getAllConfigInfo", &[])?.configurations()?;
    let starts = |row: &&ProcessInfo| {
        configurations.iter().any(|configuration| {
            configuration.autostart
                && !configuration.is_disabled
                && configuration.group == row.group
                && configuration.name == row.name
        })
    };
    let rows = rows.iter().filter(starts);
    Ok(rows.map(ProcessInfo::full_name).collect())
}

/// The processes that are named, whether they start by themselves or not; complains of names
/// that nobody has.
fn named(
    session: &mut Session,
    rows: &[ProcessInfo],
    words: &[&str],
) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for (word, meant) in words.iter().zip(patterns::each(words, rows)) {
        let found = match meant {
            Meant::Several(found) => found,
            Meant::Name => rows
                .iter()
                .filter(|row| patterns::is_named(row, word))
                .collect(),
            Meant::Nothing => Vec::new(),
        };
        if found.is_empty() {
            session.refuse(&format!("{word}: ERROR (no such process)"))?;
            session.hints.add_unknown(word, Sought::Processes);
        }
        names.extend(found.into_iter().map(ProcessInfo::full_name));
    }
    Ok(names)
}

fn member<'a>(value: &'a Value, name: &str) -> &'a str {
    let member = value.member(name);
    member.and_then(Value::as_str).unwrap_or_default()
}

/// Why a process that runs is not well, if its health says so.
fn health(value: &Value) -> Option<&str> {
    match (member(value, "health"), member(value, "health_reason")) {
        ("" | "healthy", _) => None,
        (health, "") => Some(health),
        (_, reason) => Some(reason),
    }
}

/// What is wrong with a process, if anything: it is well if it runs and is healthy, or has ended as expected, or
/// is a job that is under way or waits for its time.
fn complaint(row: &ProcessInfo, value: &Value) -> Option<String> {
    let spawn_error = member(value, "spawnerr");
    let has = |member: &str| value.member(member).is_some();
    let reason = match row.known_state() {
        Some(ProcessState::Running) => health(value)?,
        Some(ProcessState::Starting) if has("type") && row.pid != 0 => return None,
        _ if has("waiting_for") => &row.description,
        Some(ProcessState::Stopped) if has("next_run") => return None,
        Some(ProcessState::Exited) if spawn_error.is_empty() => return None,
        Some(ProcessState::Exited) => spawn_error,
        _ => &row.description,
    };
    let reason = match reason.is_empty() {
        true => String::new(),
        false => format!(" ({reason})"),
    };
    Some(format!("{}: {}{reason}", row.display_name(), row.statename))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_well_if_it_runs_or_has_ended_as_expected() {
        use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown};
        for (state, description, spawn_error, expected) in [
            (Running, "pid 7, uptime 0:00:01", "", None),
            (Exited, "Nov 30 07:30 PM", "", None),
            (
                Exited,
                "Nov 30 07:30 PM",
                "Bad exit code 3",
                Some("p: EXITED (Bad exit code 3)"),
            ),
            (Stopped, "Not started", "", Some("p: STOPPED (Not started)")),
            (Starting, "", "", Some("p: STARTING")),
            (Stopping, "", "", Some("p: STOPPING")),
            (Backoff, "why", "why", Some("p: BACKOFF (why)")),
            (Fatal, "why", "why", Some("p: FATAL (why)")),
            (Unknown, "", "why", Some("p: UNKNOWN")),
        ] {
            let row = ProcessInfo {
                group: "p".to_owned(),
                name: "p".to_owned(),
                state: i64::from(state.code()),
                statename: state.name().to_owned(),
                description: description.to_owned(),
                pid: 0,
                is_disabled: false,
                is_scaled: false,
            };
            let found = complaint(&row, &answer(spawn_error, &[]));
            assert_eq!(found.as_deref(), expected, "{state:?}");
        }
        let row = ProcessInfo {
            state: 12345,
            statename: "NEW".to_owned(),
            ..ProcessInfo::default()
        };
        assert!(complaint(&row, &answer("", &[])).is_some());
        let running = ProcessInfo {
            name: "p".to_owned(),
            group: "p".to_owned(),
            state: i64::from(Running.code()),
            statename: "RUNNING".to_owned(),
            ..ProcessInfo::default()
        };
        let members = [("health", "unhealthy"), ("health_reason", "GET /: 503")];
        let members = members.map(|(name, text)| (name.to_owned(), Value::string(text)));
        let found = complaint(&running, &Value::Struct(members.into()));
        assert_eq!(found.as_deref(), Some("p: RUNNING (GET /: 503)"));
    }

    /// What the server tells of a process.
    fn answer(spawn_error: &str, members: &[&str]) -> Value {
        let error = ("spawnerr".to_owned(), Value::string(spawn_error));
        let members = members.iter();
        let members = members.map(|member| ((*member).to_owned(), Value::Int(1)));
        Value::Struct(members.chain([error]).collect())
    }

    #[test]
    fn a_job_is_well_while_it_is_under_way_or_waits_for_its_time() {
        use ProcessState::{Backoff, Exited, Fatal, Starting, Stopped};
        for (state, pid, members, error, is_well) in [
            (Starting, 7, &["type"][..], "", true),
            (Starting, 0, &["type"], "", false),
            (Starting, 7, &["next_run"], "", false),
            (Stopped, 0, &["next_run"], "", true),
            (Stopped, 0, &["type"], "", false),
            (Exited, 0, &["next_run"], "", true),
            (Exited, 0, &["next_run"], "Bad exit code 3", false),
            (Backoff, 0, &["type", "next_run"], "why", false),
            (Fatal, 0, &["type", "next_run"], "why", false),
        ] {
            let row = ProcessInfo {
                state: i64::from(state.code()),
                pid,
                ..ProcessInfo::default()
            };
            let found = complaint(&row, &answer(error, members));
            assert_eq!(found.is_none(), is_well, "{state:?} {members:?} {found:?}");
        }
        let row = ProcessInfo {
            group: "p".to_owned(),
            name: "p".to_owned(),
            state: Exited.code().into(),
            statename: "EXITED".to_owned(),
            description: "waiting for db (BACKOFF)".to_owned(),
            ..ProcessInfo::default()
        };
        let told = complaint(&row, &answer("", &["waiting_for", "next_run"]));
        assert_eq!(
            told.as_deref(),
            Some("p: EXITED (waiting for db (BACKOFF))")
        );
    }
}
