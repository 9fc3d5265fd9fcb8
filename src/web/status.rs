//! The status page: all processes by group, what can be done to them, and the
//! latest results of event listeners.
//!
//! A row is kept short, for there may be thousands: one form with named buttons,
//! attributes without quotes where HTML allows that.

use std::fmt::Write as _;

use crate::states::ProcessState;
use crate::text::escape::{self, address, html};
use crate::web::assets;
use crate::web::command;
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::token::Issuer;
use crate::web::view::{GroupView, ProcessView, ResultView, View};

/// In the order in which they are offered.
const STATES: [ProcessState; 8] = [
    ProcessState::Running,
    ProcessState::Starting,
    ProcessState::Stopping,
    ProcessState::Stopped,
    ProcessState::Exited,
    ProcessState::Backoff,
    ProcessState::Fatal,
    ProcessState::Unknown,
];

/// A name of more bytes may be broken, which keeps room for what stands beside it.
const LONG: usize = 28;

/// Which processes are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// What the name holds, in any letter case.
    pub name: String,
    /// The state's name in lower case; empty for all.
    pub state: String,
}

impl Filter {
    /// What a query asks for.
    pub fn of(query: &Form) -> Filter {
        Filter {
            name: query.get("name").trim().to_owned(),
            state: query.get("state").to_lowercase(),
        }
    }

    /// The values that ask for it.
    pub fn values(&self) -> [(&'static str, &str); 2] {
        [("name", &self.name), ("state", &self.state)]
    }

    fn shows(&self, process: &ProcessView) -> bool {
        let namespec = process.namespec.to_lowercase();
        namespec.contains(&self.name.to_lowercase())
            && (self.state.is_empty() || self.state == lower(process.state))
    }

    fn is_on(&self) -> bool {
        *self != Filter::default()
    }
}

/// The page, with the message about what was done before.
pub fn page<'a>(
    view: &'a View,
    filter: &Filter,
    message: &'a str,
    issuer: &Issuer<'_>,
) -> Frame<'a> {
    let mut content = String::new();
    push_content(&mut content, view, filter, issuer);
    Frame {
        title: "Supervisor Status".to_owned(),
        heading: "Processes".to_owned(),
        daemon: &view.daemon,
        message,
        refresh: None,
        content,
        script: assets::STATUS_SCRIPT,
    }
}

fn push_content(page: &mut String, view: &View, filter: &Filter, issuer: &Issuer<'_>) {
    let may_act = !view.daemon.state.is_going_down();
    push_state_of_daemon(page, view, issuer);
    if may_act {
        push_actions_on_all(page, issuer);
    }
    push_filter(page, view, filter);
    let shown: Vec<(&GroupView, Vec<&ProcessView>)> = view
        .groups
        .iter()
        .map(|group| {
            let processes = group
                .processes
                .iter()
                .filter(|process| filter.shows(process));
            (group, processes.collect::<Vec<_>>())
        })
        .filter(|(_, processes)| !processes.is_empty())
        .collect();
    match shown.as_slice() {
        [] if filter.is_on() => page.push_str("<p>No process is like that.</p>\n"),
        [] => page.push_str("<p>No programs to manage</p>\n"),
        _ => push_table(page, &shown, issuer, may_act),
    }
    push_results(page, &view.results);
}

fn push_state_of_daemon(page: &mut String, view: &View, issuer: &Issuer<'_>) {
    let daemon = &view.daemon;
    if daemon.state.is_going_down() {
        page.push_str(
            "<p class=\"message bad\" role=\"status\">supervisord is going down: it stops \
             everything, and nothing can be started or stopped here.</p>\n",
        );
    }
    if !daemon.reason.is_empty() {
        let _ = write!(
            page,
            "<div class=\"message bad\" role=\"alert\" id=\"fatal\">\
             <p><strong>supervisord is FATAL:</strong> {}</p>\
             <form method=\"post\">",
            html(&daemon.reason)
        );
        issuer.push_field(page, &command::for_all());
        page.push_str(
            "<button name=\"action\" value=\"clearfatal\">Take note</button></form></div>\n",
        );
    }
}

fn push_actions_on_all(page: &mut String, issuer: &Issuer<'_>) {
    page.push_str("<form method=\"post\" class=\"bar\" aria-label=\"All processes\">");
    issuer.push_field(page, &command::for_all());
    for (action, label) in [
        ("startall", "Start all"),
        ("stopall", "Stop all"),
        ("restartall", "Restart all"),
        ("clearall", "Clear all logs"),
        ("refresh", "Refresh"),
    ] {
        let _ = write!(
            page,
            "<button name=\"action\" value=\"{action}\">{label}</button>"
        );
    }
    page.push_str("</form>\n");
}

fn push_filter(page: &mut String, view: &View, filter: &Filter) {
    let processes = || view.groups.iter().flat_map(|group| &group.processes);
    let total = processes().count();
    let shown = processes().filter(|process| filter.shows(process)).count();
    let _ = write!(
        page,
        "<form method=\"get\" class=\"bar\" id=\"filter\" role=\"search\" data-total={total}>\
         <label>Name <input type=\"search\" name=\"name\" value=\"{}\"></label>\
         <label>State <select name=\"state\"><option value=\"\">any</option>",
        html(&filter.name)
    );
    for state in STATES {
        let count = processes().filter(|process| process.state == state).count();
        let name = lower(state);
        let selected = match filter.state == name {
            true => " selected",
            false => "",
        };
        let _ = write!(
            page,
            "<option value=\"{name}\"{selected}>{name} ({count})</option>"
        );
    }
    let _ = write!(
        page,
        "</select></label><button>Filter</button>\
         <span role=\"status\" id=\"count\">{shown} of {total} shown</span>"
    );
    if filter.is_on() {
        page.push_str("<a href=\"./\">Show all</a>");
    }
    page.push_str("</form>\n");
}

fn push_table(
    page: &mut String,
    groups: &[(&GroupView, Vec<&ProcessView>)],
    issuer: &Issuer<'_>,
    may_act: bool,
) {
    page.push_str(
        "<table id=\"processes\"><caption class=\"hide\">Processes by group</caption>\n<thead><tr>\
         <th scope=\"col\">Name</th><th scope=\"col\">State</th><th scope=\"col\">Description</th>\
         <th scope=\"col\">Action</th></tr></thead>\n",
    );
    let mut number = 0;
    for (place, (group, processes)) in groups.iter().enumerate() {
        page.push_str("<tbody>");
        if !group.is_single() {
            push_group(page, group, place, issuer, may_act);
        }
        for process in processes {
            number += 1;
            push_process(page, process, number, issuer, may_act);
        }
        page.push_str("</tbody>\n");
    }
    page.push_str("</table>\n");
}

fn push_group(
    page: &mut String,
    group: &GroupView,
    place: usize,
    issuer: &Issuer<'_>,
    may_act: bool,
) {
    let running = group
        .processes
        .iter()
        .filter(|process| process.state == ProcessState::Running);
    let _ = write!(
        page,
        "<tr class=group><th scope=rowgroup{} id=g{place}>{}<td colspan=2>{} of {} running<td>",
        class_of(&group.name),
        html(&group.name),
        running.count(),
        group.processes.len()
    );
    if !may_act {
        return;
    }
    let _ = write!(
        page,
        "<form method=post><input type=hidden name=groupname value=\"{}\">",
        html(&group.name)
    );
    issuer.push_field(page, &command::for_group(&group.name));
    for (action, label) in [
        ("startgroup", "Start"),
        ("stopgroup", "Stop"),
        ("restartgroup", "Restart"),
    ] {
        let _ = write!(
            page,
            "<button name=action value={action} aria-label=\"{label} group\" \
             aria-describedby=g{place}>{label}</button>"
        );
    }
    page.push_str("</form>");
}

fn push_process(
    page: &mut String,
    process: &ProcessView,
    number: usize,
    issuer: &Issuer<'_>,
    may_act: bool,
) {
    let state = lower(process.state);
    let namespec = html(&process.namespec);
    let _ = write!(
        page,
        "\n<tr data-s={state}><th scope=row{} id=p{number}>{namespec}\
         <td><span class=\"state {state}\">{state}</span><td>{}<td>",
        class_of(&process.namespec),
        html(&process.description)
    );
    if may_act {
        let _ = write!(
            page,
            "<form method=post><input type=hidden name=processname value=\"{namespec}\">"
        );
        issuer.push_field(page, &command::for_process(&process.namespec));
        page.push_str("<span>");
        for (action, label) in actions_in(process.state) {
            let _ = write!(
                page,
                "<button name=action value={action} aria-describedby=p{number}>{label}</button>"
            );
        }
        page.push_str("</span>");
    }
    push_log(page, process, "stdout", process.has_stdout, number, may_act);
    push_log(page, process, "stderr", process.has_stderr, number, may_act);
    if may_act {
        page.push_str("</form>");
    }
}

/// What can be done in a state. Unlike on the page of 4.3.0, a process that is
/// being started can be stopped.
fn actions_in(state: ProcessState) -> &'static [(&'static str, &'static str)] {
    match state {
        ProcessState::Running | ProcessState::Starting | ProcessState::Backoff => {
            &[("stop", "Stop"), ("restart", "Restart")]
        }
        ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal => &[("start", "Start")],
        ProcessState::Stopping | ProcessState::Unknown => &[],
    }
}

/// Logs are emptied through the living child alone.
fn has_child(state: ProcessState) -> bool {
    matches!(
        state,
        ProcessState::Running
            | ProcessState::Starting
            | ProcessState::Stopping
            | ProcessState::Unknown
    )
}

fn push_log(
    page: &mut String,
    process: &ProcessView,
    channel: &str,
    is_there: bool,
    number: usize,
    may_act: bool,
) {
    if !is_there {
        return;
    }
    let values = [
        ("processname", process.namespec.as_str()),
        ("channel", if channel == "stdout" { "" } else { channel }),
    ];
    let _ = write!(
        page,
        "<span><a href=\"{}\" aria-describedby=p{number}>{channel}</a>",
        html(&address("tail.html", &values))
    );
    if may_act && has_child(process.state) {
        let _ = write!(
            page,
            "<button name=action value=clear{channel} aria-label=\"Clear {channel}\" \
             aria-describedby=p{number}>Clear</button>"
        );
    }
    page.push_str("</span>");
}

fn push_results(page: &mut String, results: &[ResultView]) {
    if results.is_empty() {
        return;
    }
    page.push_str(
        "<section aria-labelledby=\"results\"><h2 id=\"results\">Results of event listeners</h2>\n",
    );
    for result in results {
        let (pool, bytes) = (html(&result.pool), result.size);
        let _ = write!(
            page,
            "<article><h3>{pool}</h3><p>{}, {} with serial {}, {}, {bytes} bytes</p>\
             <pre tabindex=\"0\" role=\"region\" aria-label=\"Result of {pool}\">",
            html(&result.process),
            html(&result.event),
            result.serial,
            html(&result.time),
        );
        escape::push_log(page, &result.data);
        page.push_str("</pre></article>\n");
    }
    page.push_str("</section>\n");
}

/// Names stay in one line, but for long ones.
fn class_of(name: &str) -> &'static str {
    match name.len() {
        ..=LONG => "",
        _ => " class=long",
    }
}

fn lower(state: ProcessState) -> String {
    state.name().to_lowercase()
}

#[cfg(test)]
mod tests;
