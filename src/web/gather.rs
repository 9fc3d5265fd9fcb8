//! The daemon's state as the pages show it.

use crate::clock::{Now, Timestamp};
use crate::config::program::part_after_colon;
use crate::http::date::{DAYS, MONTHS};
use crate::loggers::window::{self, LogPlace, Window, WindowError};
use crate::loop_context::LoopContext;
use crate::process::group::{Group, namespec};
use crate::process::subprocess::Subprocess;
use crate::rpc::information::{DISABLED, description_in, uptime};
use crate::rpc::interface::Daemon;
use crate::rpc::names;
use crate::sort;
use crate::supervisor::Supervisor;
use crate::supervisor::pools::Pool;
use crate::sys::host;
use crate::sys::time::{self, LocalTime};
use crate::tokens::Channel;
use crate::web::controls;
use crate::web::tail::{LogQuery, Subject};
use crate::web::view::{DaemonView, GroupView, LogView, ProcessView, ResultView, View};
use crate::xmlrpc::fault::{Fault, FaultCode};

/// How much of a result is shown, in bytes.
const SHOWN: usize = 2048;

/// All that the status page shows. `started` is when supervisord was.
pub fn view(daemon: &Daemon<'_>, started: Now) -> View {
    let (supervisor, now) = (&*daemon.supervisor, daemon.context.now);
    let mut groups: Vec<&Group> = supervisor.groups.iter().collect();
    sort::by_key(&mut groups, |group| &group.config.name);
    View {
        daemon: of_daemon(daemon, started),
        results: results(supervisor, &groups),
        groups: groups
            .into_iter()
            .map(|group| of_group(supervisor, group, now))
            .collect(),
    }
}

pub fn of_daemon(daemon: &Daemon<'_>, started: Now) -> DaemonView {
    let supervisor = &*daemon.supervisor;
    let processes = supervisor.groups.iter().flat_map(|group| &group.processes);
    let states = processes.map(|process| process.machine().state());
    let up = daemon
        .context
        .now
        .monotonic
        .since(started.monotonic)
        .as_secs();
    DaemonView {
        state: supervisor.state(),
        access: daemon.access,
        reason: supervisor.state_reason().to_owned(),
        identifier: supervisor.child_settings.identifier.clone(),
        host: host::node_name(),
        pid: daemon.pid,
        uptime: uptime(i64::try_from(up).unwrap_or(i64::MAX)),
        counts: controls::counts(states),
    }
}

fn of_group(supervisor: &Supervisor, group: &Group, now: Now) -> GroupView {
    let mut processes: Vec<&Subprocess> = group.processes.iter().collect();
    sort::by_key(&mut processes, |process| &process.config().name);
    GroupView {
        name: group.config.name.clone(),
        scaled: scaled(group),
        processes: processes
            .into_iter()
            .map(|process| of_process(supervisor, process, now))
            .collect(),
    }
}

/// What is told of a group whose programs have other numbers of processes than configured.
fn scaled(group: &Group) -> String {
    let programs = group.scaled.iter().flat_map(|scaled| &scaled.programs);
    let parts = programs.map(|program| match part_after_colon(&program.section).trim() {
        name if name == group.config.name => format!("scaled to {}", program.number),
        name => format!("{name} scaled to {}", program.number),
    });
    parts.collect::<Vec<String>>().join(", ")
}

fn of_process(supervisor: &Supervisor, process: &Subprocess, now: Now) -> ProcessView {
    let name = &process.config().name;
    let mut description = description_in(supervisor, process, now);
    // Of one that is at rest it tells so already.
    if supervisor.is_disabled(process) && !description.ends_with(DISABLED) {
        description.push_str(DISABLED);
    }
    ProcessView {
        name: name.clone(),
        namespec: namespec(process.group_name(), name),
        state: process.machine().state(),
        description,
        has_stdout: process.log_place(Channel::Stdout).is_some(),
        has_stderr: process.log_place(Channel::Stderr).is_some(),
    }
}

fn results(supervisor: &Supervisor, groups: &[&Group]) -> Vec<ResultView> {
    let pools = groups
        .iter()
        .filter_map(|group| supervisor.pools.get(group.id));
    pools.filter_map(result).collect()
}

fn result(pool: &Pool) -> Option<ResultView> {
    let latest = pool.latest.as_ref()?;
    let shown = latest.data.get(..SHOWN).unwrap_or(&latest.data);
    Some(ResultView {
        pool: pool.name.clone(),
        process: latest.process.clone(),
        event: latest.event.name().to_owned(),
        serial: latest.serial,
        time: ctime(time::local(latest.time)),
        data: String::from_utf8_lossy(shown).into_owned(),
        size: latest.data.len(),
    })
}

/// The end of the log that is asked for.
pub fn log(supervisor: &Supervisor, context: &LoopContext, query: &LogQuery) -> LogView {
    let place = match place(supervisor, context, &query.subject) {
        Ok(place) => place,
        Err(reason) => return LogView::Nothing(reason),
    };
    let offset = i64::try_from(query.limit).map_or(i64::MIN, |limit| -limit);
    match window::read(place, offset, 0).and_then(|window| Ok(window.text()?)) {
        Ok(text) => LogView::Text {
            text,
            has_more: window::is_longer(place, query.limit),
        },
        Err(WindowError::NoFile) => LogView::Nothing(no_file(&query.subject)),
        Err(_) => LogView::Nothing(fault(&Fault::new(FaultCode::Failed))),
    }
}

/// All of a log; `None` where there is none.
pub fn log_from(daemon: &Daemon<'_>, subject: &Subject, offset: i64) -> Option<Window> {
    let place = place(daemon.supervisor, daemon.context, subject).ok()?;
    match offset {
        0 => window::whole(place).ok(),
        offset => window::read(place, offset, 0).ok(),
    }
}

/// The process that has the log, if there is one.
pub fn process(daemon: &Daemon<'_>, subject: &Subject) -> Option<ProcessView> {
    let Subject::Process(name, _) = subject else {
        return None;
    };
    let process = names::process(daemon.supervisor, name).ok()?;
    Some(of_process(daemon.supervisor, process, daemon.context.now))
}

/// Where a log is, or why there is none, in the words of 4.3.0.
fn place<'a>(
    supervisor: &'a Supervisor,
    context: &'a LoopContext,
    subject: &Subject,
) -> Result<LogPlace<'a>, String> {
    match subject {
        Subject::Main => context
            .log
            .path()
            .map(LogPlace::Path)
            .ok_or_else(|| no_file(subject)),
        Subject::Process(name, _) if name.is_empty() => Err("No process name found".to_owned()),
        Subject::Process(name, channel) => names::process(supervisor, name)
            .map_err(|error| fault(&error))?
            .log_place(*channel)
            .ok_or_else(|| no_file(subject)),
    }
}

fn no_file(subject: &Subject) -> String {
    match subject {
        Subject::Main => "No file for supervisord".to_owned(),
        Subject::Process(name, _) => format!("No file for {name}"),
    }
}

fn fault(fault: &Fault) -> String {
    format!(
        "ERROR: unexpected rpc fault [{}] {}",
        fault.code, fault.text
    )
}

/// The time here, as in `Sun Nov 22 18:46:31 2026`.
pub fn when(now: Timestamp) -> String {
    ctime(time::local(now))
}

/// `Sun Nov 22 18:46:31 2026`, English whatever the locale.
fn ctime(time: LocalTime) -> String {
    let name = |names: &[&'static str], number: u32| {
        let place = usize::try_from(number).unwrap_or(0);
        names.get(place).copied().unwrap_or_default()
    };
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        name(&DAYS, time.weekday),
        name(&MONTHS, time.month.saturating_sub(1)),
        time.day,
        time.hour,
        time.minute,
        time.second,
        time.year
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_c_writes_them() {
        let time = LocalTime {
            year: 2026,
            month: 11,
            day: 2,
            hour: 8,
            minute: 3,
            second: 4,
            weekday: 1,
            utc_offset_seconds: 0,
        };
        assert_eq!(ctime(time), "Mon Nov  2 08:03:04 2026");
    }
}
