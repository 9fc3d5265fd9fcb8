//! What is known of supervisord and of processes, and the requests to
//! supervisord itself.

use std::time::Duration;

use crate::clock::{Now, Timestamp};
use crate::dependencies::plan::missing::Missing;
use crate::dispatchers::input::InputError;
use crate::events::event::Event;
use crate::http::content::Content;
use crate::http::date::MONTHS;
use crate::process::machine::Machine;
use crate::process::policy;
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::{names, parameters};
use crate::states::{ProcessState, SupervisorState};
use crate::supervisor::Supervisor;
use crate::supervisor::shutdown::NotRestarted;
use crate::sys::time;
use crate::text::base64;
use crate::tokens::Channel;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer::{self, StructWriter, int_member, string_member};
use crate::{API_VERSION, SUPERVISOR_VERSION};

/// `supervisor.getAPIVersion()`
pub fn api_version(_: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    Ok(Value::string(API_VERSION).into())
}

/// `supervisor.getSupervisorVersion()`
pub fn supervisor_version(_: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    Ok(Value::string(SUPERVISOR_VERSION).into())
}

/// `supervisor.getIdentification()`
pub fn identification(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    Ok(Value::string(daemon.supervisor.child_settings.identifier.as_str()).into())
}

/// `supervisor.getState()`
pub fn state(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let state = daemon.supervisor.state();
    Ok(Value::Struct(vec![
        ("statecode".to_owned(), Value::Int(i64::from(state.code()))),
        ("statename".to_owned(), Value::string(state.name())),
    ])
    .into())
}

/// `supervisor.getStateReason()`
pub fn state_reason(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    Ok(Value::string(daemon.supervisor.state_reason()).into())
}

/// `supervisor.clearFatal()`
pub fn clear_fatal(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    daemon.supervisor.clear_fatal(daemon.context);
    Ok(Value::Bool(true).into())
}

/// `supervisor.getPID()`
pub fn pid(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    Ok(Value::Int(i64::from(daemon.pid)).into())
}

/// `supervisor.shutdown()`
pub fn shutdown(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    daemon.supervisor.go_down(SupervisorState::Shutdown);
    Ok(Value::Bool(true).into())
}

/// `supervisor.restart()`. A configuration that cannot be read is the caller's
/// fault, and nothing is stopped for it.
pub fn restart(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let begun = daemon.supervisor.restart(daemon.context);
    begun.map_err(|error| {
        let code = match error {
            NotRestarted::Config(_) => FaultCode::CantReread,
            NotRestarted::Pipe(_) => FaultCode::Failed,
        };
        Fault::with_lines(code, error)
    })?;
    Ok(Value::Bool(true).into())
}

/// `supervisor.sendRemoteCommEvent(type, data)`: told to every listener that
/// has subscribed.
pub fn send_remote_event(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::written(parameters, 0)?;
    let data = parameters::written(parameters, 1)?;
    let event = Event::remote_communication(&name, &data);
    daemon.supervisor.emit(daemon.context, &event);
    Ok(Value::Bool(true).into())
}

/// `supervisor.getEventResult(pool)`: what a listener of the pool answered last
/// that the pool's `store` handler has kept; an empty struct before the first.
pub fn event_result(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let supervisor = &daemon.supervisor;
    let pool = supervisor
        .groups
        .named(name)
        .and_then(|group| supervisor.pools.get(group.id))
        .ok_or_else(|| Fault::with(FaultCode::BadName, name))?;
    let members = pool.latest.as_ref().map_or_else(Vec::new, |result| {
        vec![
            ("process".to_owned(), Value::string(result.process.as_str())),
            ("event".to_owned(), Value::string(result.event.name())),
            // XML-RPC's numbers have 32 bits.
            (
                "serial".to_owned(),
                Value::string(result.serial.to_string()),
            ),
            ("time".to_owned(), Value::Int(result.time.seconds)),
            (
                "data".to_owned(),
                Value::string(String::from_utf8_lossy(&result.data)),
            ),
            (
                "base64".to_owned(),
                Value::string(base64::encode(&result.data)),
            ),
        ]
    });
    Ok(Value::Struct(members).into())
}

/// `supervisor.sendProcessStdin(name, chars)`
pub fn send_stdin(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let characters = parameters::characters(parameters, 1)?;
    let id = names::process(daemon.supervisor, name)?.id();
    let sent = match daemon.supervisor.groups.process_mut(id) {
        Some(process) => process.send_input(daemon.context, characters.as_bytes()),
        None => Err(InputError::NotRunning),
    };
    match sent {
        Ok(()) => Ok(Value::Bool(true).into()),
        Err(InputError::NotRunning) => Err(Fault::with(FaultCode::NotRunning, name)),
        Err(InputError::Closed) => Err(Fault::with(FaultCode::NoFile, name)),
        Err(InputError::Full) => Err(Fault::with(
            FaultCode::Failed,
            format!("{name} does not read its stdin"),
        )),
    }
}

/// `supervisor.getProcessInfo(name)`
pub fn process_info(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let process = names::process(daemon.supervisor, parameters::string(parameters, 0)?)?;
    let mut content = Content::default();
    push_info(content.text(), daemon.supervisor, process, time::now());
    Ok(content.into())
}

/// Writes what is known of a process, as `getProcessInfo` and `getAllProcessInfo` tell it.
pub fn push_info(text: &mut String, supervisor: &Supervisor, process: &Subprocess, now: Now) {
    let machine = process.machine();
    let moment = |then: Option<Now>| then.map_or(0, |then| then.seen_at(now));
    let log = |channel| process.log_path(channel).unwrap_or_default();
    let state = machine.state();
    let stdout = log(Channel::Stdout);
    let mut row = StructWriter::begin(text);
    row.string_after(string_member!("name"), &process.config().name);
    row.string_after(string_member!("group"), process.group_name());
    row.int_after(int_member!("start"), moment(machine.last_start()));
    row.int_after(int_member!("stop"), moment(machine.last_stop()));
    row.int_after(int_member!("now"), now.wall.seconds);
    row.int_after(int_member!("state"), i64::from(state.code()));
    row.string_after(string_member!("statename"), state.name());
    row.string_after(string_member!("spawnerr"), machine.spawn_error());
    row.int_after(int_member!("exitstatus"), i64::from(machine.exit_status()));
    row.string_after(string_member!("logfile"), stdout);
    row.string_after(string_member!("stdout_logfile"), stdout);
    row.string_after(string_member!("stderr_logfile"), log(Channel::Stderr));
    row.int_after(int_member!("pid"), i64::from(machine.pid()));
    let missing = supervisor.waiting_for(process);
    let is_disabled = supervisor.is_disabled(process);
    let description = description(process, missing.as_ref(), is_disabled, now);
    row.string_after(string_member!("description"), &description);
    if let Some(missing) = missing {
        row.member("waiting_for", |text| {
            text.push_str(writer::BEGIN_ARRAY);
            for (name, _) in missing.names {
                writer::push_value(text, &Value::String(name));
            }
            text.push_str(writer::END_ARRAY);
        });
    }
    for (channel, begin) in [
        (Channel::Stdout, int_member!("stdout_ring")),
        (Channel::Stderr, int_member!("stderr_ring")),
    ] {
        if let Some(ring) = process.ring(channel) {
            let room = ring.borrow().room();
            row.int_after(begin, i64::try_from(room).unwrap_or(i64::MAX));
        }
    }
    if process.config().is_oneshot() {
        row.string_after(string_member!("type"), "oneshot");
    }
    if is_disabled {
        row.bool("disabled", true);
    } else if let Some(next) = process.next_run() {
        row.int_after(int_member!("next_run"), next);
    }
    if let Some(number) = supervisor.scaled_to(process) {
        row.int_after(int_member!("scaled"), number.into());
    }
    if let Some(watch) = process.watch() {
        row.string_after(string_member!("health"), watch.health().name());
        row.string_after(string_member!("health_reason"), watch.reason());
    }
    row.end();
}

/// What is told of a process that is disabled.
pub const DISABLED: &str = ", disabled";

/// What is known of a process, in a few words; what it waits for, if it does.
pub fn description_in(supervisor: &Supervisor, process: &Subprocess, now: Now) -> String {
    let missing = supervisor.waiting_for(process);
    let is_disabled = supervisor.is_disabled(process);
    description(process, missing.as_ref(), is_disabled, now)
}

/// What is known of a process, in a few words: what it waits for, or that nobody starts it but
/// by its name, or when the clock starts it next.
fn description(
    process: &Subprocess,
    missing: Option<&Missing>,
    is_disabled: bool,
    now: Now,
) -> String {
    if let Some(missing) = missing {
        return format!("waiting for {}", missing.text());
    }
    let description = present(process, now);
    let is_at_rest = matches!(
        process.machine().state(),
        ProcessState::Stopped | ProcessState::Exited
    );
    if is_disabled && is_at_rest {
        return description + DISABLED;
    }
    match process.next_run().filter(|_| !is_disabled) {
        None => description,
        Some(next) if description.is_empty() => format!("next run {}", calendar_time(next)),
        Some(next) => format!("{description}, next run {}", calendar_time(next)),
    }
}

fn present(process: &Subprocess, now: Now) -> String {
    let machine = process.machine();
    let is_under_way = || process.config().is_oneshot() && machine.pid() != 0;
    match machine.state() {
        ProcessState::Starting if is_under_way() => uptime_of(process, now),
        ProcessState::Running => uptime_of(process, now),
        ProcessState::Fatal | ProcessState::Backoff => match machine.spawn_error() {
            "" => format!("unknown error (try \"tail {}\")", process.config().name),
            error => error.to_owned(),
        },
        ProcessState::Stopped | ProcessState::Exited => match machine.last_start() {
            Some(_) => calendar_time(machine.last_stop().map_or(0, |then| then.seen_at(now))),
            None => "Not started".to_owned(),
        },
        ProcessState::Starting => match machine.delayed_until() {
            Some(start) => starts_in(start.since(now.monotonic)),
            None if policy::asks_for_readiness(process.config()) && machine.pid() != 0 => {
                let readiness = match machine.awaits_readiness(process.config()) {
                    true => "not ready yet",
                    false => "ready",
                };
                format!("pid {}, {readiness}{}", machine.pid(), details(process))
            }
            None => running_hook(machine),
        },
        // What it is stopped for without anybody's request.
        ProcessState::Stopping if !machine.reason_of_stop().is_empty() => {
            machine.spawn_error().to_owned()
        }
        ProcessState::Stopping => running_hook(machine),
        ProcessState::Unknown => String::new(),
    }
}

fn uptime_of(process: &Subprocess, now: Now) -> String {
    let machine = process.machine();
    let start = machine.last_start().map_or(0, |then| then.seen_at(now));
    format!(
        "pid {}, uptime {}{}{}",
        machine.pid(),
        uptime(now.wall.seconds.saturating_sub(start)),
        health(process),
        overdue(process, now)
    )
}

/// How a process is whose configuration asks for that.
fn health(process: &Subprocess) -> String {
    let watch = process.watch();
    watch.map_or_else(String::new, |watch| {
        format!(", {}{}", watch.health().name(), details(process))
    })
}

/// Why a process is not healthy or not ready, and what it says of itself.
fn details(process: &Subprocess) -> String {
    let mut details = String::new();
    if let Some(watch) = process.watch() {
        if !watch.reason().is_empty() {
            details = format!(" ({})", watch.reason());
        }
        if !watch.status().is_empty() {
            details += ", ";
            details += watch.status();
        }
    }
    details
}

/// For how long a listener has been BUSY with an event, once that has been told in the log.
fn overdue(process: &Subprocess, now: Now) -> String {
    let listener = process.listener().filter(|listener| listener.is_overdue);
    listener.map_or_else(String::new, |listener| {
        let busy = now.monotonic.since(listener.sent_at).as_secs();
        let busy = i64::try_from(busy).unwrap_or(i64::MAX);
        format!(", busy for {}", uptime(busy))
    })
}

/// The hook that a process waits for.
fn running_hook(machine: &Machine) -> String {
    let hook = machine.running_hook();
    hook.map_or_else(String::new, |hook| format!("{} is running", hook.key()))
}

/// When a delayed start is made; a second that has begun counts.
fn starts_in(wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1000);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    format!("starts in {}", uptime(seconds))
}

/// `H:MM:SS`, with `N days, ` before it from one day on; 0 for a clock set back.
pub fn uptime(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        _ => format!("{days} days, "),
    };
    format!("{days}{hours}:{minutes:02}:{:02}", seconds % 60)
}

/// `Nov 22 06:28 PM`, local time.
fn calendar_time(seconds: i64) -> String {
    let local = time::local(Timestamp {
        seconds,
        nanoseconds: 0,
    });
    let month = MONTHS
        .get(usize::try_from(local.month).unwrap_or(1).saturating_sub(1))
        .unwrap_or(&MONTHS[0]);
    let (hour, half) = match local.hour {
        0 => (12, "AM"),
        hour @ 1..=11 => (hour, "AM"),
        12 => (12, "PM"),
        hour => (hour - 12, "PM"),
    };
    format!(
        "{month} {:02} {hour:02}:{:02} {half}",
        local.day, local.minute
    )
}

#[cfg(test)]
mod tests {
    use super::uptime;

    #[test]
    fn uptimes_are_written_as_4_3_0_writes_them() {
        for (seconds, text) in [
            (0, "0:00:00"),
            (461, "0:07:41"),
            (86_399, "23:59:59"),
            (86_400 + 3_661, "1 day, 1:01:01"),
            (172_800, "2 days, 0:00:00"),
            (-5, "0:00:00"),
        ] {
            assert_eq!(uptime(seconds), text);
        }
    }
}
