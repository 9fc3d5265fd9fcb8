//! `explainProcess`: everything that tells why a process is in its state, as facts. The words
//! for them are the client's.

use std::time::Duration;

use crate::clock::Now;
use crate::config::place;
use crate::config::{AutoRestart, load, redact};
use crate::http::content::Content;
use crate::loggers::window::{self, LogPlace};
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::{information, names, parameters};
use crate::supervisor::Supervisor;
use crate::sys::{memory, time};
use crate::tokens::Channel;
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer::{self, StructWriter};

/// How much of the end of a log is looked at, in bytes, and how many lines of that are told.
const TAIL: i64 = 2048;
const LINES: usize = 5;

/// `supervisor.explainProcess(name)`
pub fn explain_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let supervisor = &*daemon.supervisor;
    let process = names::process(supervisor, parameters::string(parameters, 0)?)?;
    let mut content = Content::default();
    push_facts(content.text(), supervisor, process, time::now());
    memory::trim();
    Ok(content.into())
}

fn push_facts(text: &mut String, supervisor: &Supervisor, process: &Subprocess, now: Now) {
    let (config, machine) = (process.config(), process.machine());
    let secrets = secrets(supervisor, process);
    let hidden = |text: &str| redact::hide(text, &secrets);
    let mut row = StructWriter::begin(text);
    row.string("name", &config.name);
    row.string("group", process.group_name());
    row.string("statename", machine.state().name());
    let description = information::description_in(supervisor, process, now);
    row.string("description", &hidden(&description));
    row.string("spawnerr", &hidden(machine.spawn_error()));
    row.int("failed_starts", machine.failed_starts());
    row.int("startretries", config.startretries);
    row.int("startsecs", config.startsecs);
    row.int("stopwaitsecs", config.stopwaitsecs);
    row.bool("autostart", config.autostart);
    row.string(
        "autorestart",
        match config.autorestart {
            AutoRestart::Never => "false",
            AutoRestart::Always => "true",
            AutoRestart::Unexpected => "unexpected",
        },
    );
    row.bool("oneshot", config.is_oneshot());
    row.bool("scheduled", config.schedule().is_some());
    row.bool("disabled", supervisor.is_disabled(process));
    let restart = machine.deadline().filter(|_| machine.waits_for_restart());
    if let Some(start) = machine.delayed_until().or(restart) {
        row.int("next_start", seconds(start.since(now.monotonic)));
    }
    if let Some(missing) = supervisor.waiting_for(process) {
        row.string("waiting_for", &missing.text());
    }
    if let Some(health) = process.health() {
        row.string("health", health.name());
        let reason = process.watch().map_or("", |watch| watch.reason());
        row.string("health_reason", &hidden(reason));
    }
    if let Some(hook) = machine.running_hook() {
        row.string("hook", hook.key());
    }
    if let Some(listener) = process.listener().filter(|listener| listener.is_overdue) {
        row.int("busy", seconds(now.monotonic.since(listener.sent_at)));
    }
    if let Some((life, ended)) = machine.last_life().zip(machine.last_stop()) {
        row.member("last_end", |text| {
            let mut row = StructWriter::begin(text);
            row.int("exitstatus", i64::from(life.end.exit_status()));
            row.string("signal", &life.end.signal_name());
            row.int("seconds", seconds(life.lived));
            row.int("ago", seconds(now.monotonic.since(ended.monotonic)));
            row.bool("killed", life.was_killed);
            row.end();
        });
    }
    if let Some((log, lines)) = last_lines(process) {
        row.string("log", &log);
        row.member("last_lines", |text| {
            text.push_str(writer::BEGIN_ARRAY);
            for line in lines {
                writer::push_string(text, &hidden(&line));
            }
            text.push_str(writer::END_ARRAY);
        });
    }
    let group = supervisor.groups.get(process.id().group);
    let document = load::document(&supervisor.request);
    if let Some((document, group)) = document.zip(group)
        && let Some((section, location)) = place::of_process(&document, &group.config, config)
    {
        row.string("section", &section);
        row.string("file", &location.file);
        row.int("line", i64::try_from(location.line).unwrap_or(0));
    }
    row.end();
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// What it wrote last, on its standard error if there is something, and where that can be read.
fn last_lines(process: &Subprocess) -> Option<(String, Vec<String>)> {
    let channels = [Channel::Stderr, Channel::Stdout].into_iter();
    let mut places = channels.filter_map(|channel| process.log_place(channel));
    places.find_map(|place| {
        let window = window::tail(place, 0, TAIL).window?;
        let text = window.text().ok()?;
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let first = lines.len().saturating_sub(LINES);
        let lines: Vec<String> = lines
            .get(first..)?
            .iter()
            .map(ToString::to_string)
            .collect();
        let log = match place {
            LogPlace::Path(path) => path.to_owned(),
            LogPlace::Ring(_) => "memory".to_owned(),
        };
        (!lines.is_empty()).then_some((log, lines))
    })
}

/// The values of variables whose names say that they are secret, of a process and of supervisord.
fn secrets(supervisor: &Supervisor, process: &Subprocess) -> Vec<String> {
    let mut variables = process.config().environment.clone();
    variables.extend(supervisor.request.environment.clone());
    redact::all_secrets(variables)
}
