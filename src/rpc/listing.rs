//! `getAllProcessInfo`, `getAllConfigInfo` and `getProcessFigures`: the lists that are called for
//! most, of any number of processes. They are written straight into the answer;
//! a long one is written over several turns of the loop, and each row tells of
//! the moment at which it is written.

use std::ptr;

use crate::config;
use crate::config::scale::Scaled;
use crate::http::content::Content;
use crate::process::group::Group;
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{CallProgress, Daemon, Outcome};
use crate::rpc::pending::{ConfigRow, Listing, PendingAction, Rows};
use crate::rpc::{configuration, figures, information, names};
use crate::sort;
use crate::supervisor::Supervisor;
use crate::sys::time;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer;

/// How many rows are written between two looks at the clock.
const ROWS: usize = 50;
/// How many are written first, to see how long they are.
const SAMPLE: usize = 8;

/// `supervisor.getAllProcessInfo()`: sorted by group, then by process.
pub fn all_process_info(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let processes = sorted(daemon.supervisor);
    let ids = processes.into_iter().map(Subprocess::id).collect();
    Ok(first_rows(daemon, Rows::State(ids)))
}

fn sorted(supervisor: &Supervisor) -> Vec<&Subprocess> {
    let groups = supervisor.groups.iter();
    let mut processes: Vec<&Subprocess> = groups.flat_map(|group| &group.processes).collect();
    sort::by_key(&mut processes, names_of);
    processes
}

fn names_of(process: &Subprocess) -> (&str, &str) {
    (process.group_name(), &process.config().name)
}

/// `supervisor.getProcessFigures(names)`: of all processes if there are no names. Those that
/// nobody has are left out.
pub fn process_figures(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let Some(Value::Array(names)) = parameters.first() else {
        return Err(Fault::new(FaultCode::IncorrectParameters));
    };
    let mut processes = sorted(daemon.supervisor);
    if !names.is_empty() {
        let found = names.iter().filter_map(|name| {
            let (group, name) = names::split(name.as_str()?);
            let place = processes.binary_search_by_key(&(group, name?), |other| names_of(other));
            processes.get(place.ok()?).copied()
        });
        processes = found.collect();
    }
    let ids = processes.into_iter().map(Subprocess::id).collect();
    Ok(first_rows(daemon, Rows::Figures(ids)))
}

/// `supervisor.getAllConfigInfo()`: sorted by process name only.
pub fn all_config_info(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let rows = config_rows(daemon.supervisor);
    Ok(first_rows(daemon, rows))
}

/// Goes on with a list; what it is when it is complete.
pub fn poll(listing: &mut Listing, daemon: &Daemon<'_>) -> Option<Content> {
    if daemon.turn() <= listing.turn {
        return None;
    }
    listing.turn = daemon.turn();
    if let Rows::Config { rereads, .. } = listing.rows
        && rereads != daemon.supervisor.rereads
    {
        // The places are those of another configuration.
        listing.rows = config_rows(daemon.supervisor);
        listing.written = 0;
        listing.content = Content::default();
    }
    write(listing, daemon)
}

fn first_rows(daemon: &Daemon<'_>, rows: Rows) -> CallProgress {
    let mut listing = Listing {
        rows,
        written: 0,
        content: Content::default(),
        turn: daemon.turn(),
    };
    match write(&mut listing, daemon) {
        Some(content) => content.into(),
        None => CallProgress::Pending(PendingAction::Listing(Box::new(listing))),
    }
}

/// Writes rows for as long as this turn of the loop allows.
fn write(listing: &mut Listing, daemon: &Daemon<'_>) -> Option<Content> {
    let count = listing.rows.len();
    let text = listing.content.text();
    if listing.written == 0 {
        text.push_str(writer::BEGIN_ARRAY);
    }
    while listing.written < count {
        let more = if listing.written == 0 { SAMPLE } else { ROWS };
        let end = count.min(listing.written + more);
        push_rows(text, &listing.rows, listing.written..end, daemon.supervisor);
        if listing.written == 0 {
            // The others will be about as long: one piece of memory for all.
            text.reserve(text.len() / end * (count - end) * 17 / 16 + 256);
        }
        listing.written = end;
        if end < count && daemon.context.turn_is_over() {
            return None;
        }
    }
    text.push_str(writer::END_ARRAY);
    Some(std::mem::take(&mut listing.content))
}

fn push_rows(
    text: &mut String,
    rows: &Rows,
    range: std::ops::Range<usize>,
    supervisor: &Supervisor,
) {
    match rows {
        Rows::State(ids) => {
            let now = time::now();
            let ids = ids.get(range).unwrap_or_default();
            // Those that have been removed meanwhile are not there.
            for process in ids.iter().filter_map(|id| supervisor.groups.process(*id)) {
                information::push_info(text, supervisor, process, now);
            }
        }
        Rows::Figures(ids) => {
            let ids = ids.get(range).unwrap_or_default();
            for process in ids.iter().filter_map(|id| supervisor.groups.process(*id)) {
                figures::push(text, process);
            }
        }
        Rows::Config { rows, .. } => {
            for row in rows.get(range).unwrap_or_default() {
                let Some(config) = supervisor.config.groups.get(row.group) else {
                    continue;
                };
                let active = row.active.and_then(|id| supervisor.groups.get(id));
                let (group, scaled) = as_it_runs(config, active);
                let Some(process) = group.processes.get(row.place) else {
                    continue;
                };
                let scaled = scaled.and_then(|scaled| scaled.number_of(process));
                let is_disabled = supervisor.has_disabled(&group.name, &process.name);
                let (in_use, known) = (active.is_some(), row.process);
                let known = known.and_then(|id| supervisor.groups.process(id));
                configuration::push_info(text, group, process, in_use, is_disabled, scaled, known);
            }
        }
    }
}

fn config_rows(supervisor: &Supervisor) -> Rows {
    let mut active: Vec<&Group> = supervisor.groups.iter().collect();
    sort::by_key(&mut active, |group| &group.config.name);
    let mut rows = Vec::new();
    for (group, config) in supervisor.config.groups.iter().enumerate() {
        let in_use = active.binary_search_by(|group| group.config.name.cmp(&config.name));
        let in_use = in_use.ok().and_then(|at| active.get(at));
        // Until the first reread the automatic files' names are known, then they are "auto".
        let (config, _) = as_it_runs(config, in_use.copied());
        let known = in_use.filter(|_| supervisor.rereads == 0);
        let known = known.map_or(&[][..], |group| &group.processes);
        let mut known: Vec<&Subprocess> = known.iter().collect();
        sort::by_key(&mut known, |process| &process.config().name);
        for (place, config) in config.processes.iter().enumerate() {
            let name = config.name.as_str();
            let row = ConfigRow {
                group,
                place,
                active: in_use.map(|group| group.id),
                process: known
                    .binary_search_by(|process| process.config().name.as_str().cmp(name))
                    .ok()
                    .and_then(|at| Some(known.get(at)?.id())),
            };
            rows.push((name, row));
        }
    }
    sort::by(&mut rows, |(a, _), (b, _)| a.cmp(b));
    Rows::Config {
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        rereads: supervisor.rereads,
    }
}

/// A group of the configuration, with the numbers of processes that it has been given since, if
/// it runs as configured otherwise.
fn as_it_runs<'a>(
    config: &'a config::Group,
    active: Option<&'a Group>,
) -> (&'a config::Group, Option<&'a Scaled>) {
    let scaled = active.and_then(|active| Some((&*active.config, active.scaled.as_deref()?)));
    match scaled.filter(|(_, scaled)| ptr::eq(&*scaled.configured, config)) {
        Some((config, scaled)) => (config, Some(scaled)),
        None => (config, None),
    }
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Rows::State(ids) | Rows::Figures(ids) => ids.len(),
            Rows::Config { rows, .. } => rows.len(),
        }
    }
}
