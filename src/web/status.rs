//! The status page: all processes by group, what can be done to them, and the
//! latest results of event listeners.
//!
//! A row is kept short, for there may be thousands: one form with named buttons,
//! attributes without quotes where HTML allows that.

use std::fmt::Write as _;

use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::text::escape::{self, address, html};
use crate::web::ask;
use crate::web::assets;
use crate::web::command::{self, Command, Selection, Verb};
use crate::web::controls::{self, actions_in, has_child, lower, push_mark};
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::token::Issuer;
use crate::web::view::{DaemonView, GroupView, ProcessView, ResultView, View};

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

saved! { struct Filter { name, state } }

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

    fn shows(&self, group: &GroupView, process: &ProcessView) -> bool {
        if !self.state.is_empty() && self.state != lower(process.state) {
            return false;
        }
        let name = match (self.name.as_str(), group.is_single()) {
            ("", _) => return true,
            (_, true) => process.name.to_lowercase(),
            (_, false) => format!("{}:{}", group.name, process.name).to_lowercase(),
        };
        name.contains(&self.name.to_lowercase())
    }

    fn is_on(&self) -> bool {
        *self != Filter::default()
    }
}

/// The page, with the message about what was done before.
pub fn page<'a>(
    view: &'a View,
    filter: &'a Filter,
    message: &'a str,
    issuer: &Issuer<'_>,
) -> Frame<'a> {
    let may_act = view.daemon.may_act();
    let shown: Vec<(&GroupView, Vec<&ProcessView>)> = view
        .groups
        .iter()
        .map(|group| {
            let processes = group.processes.iter();
            let shown = processes.filter(|process| filter.shows(group, process));
            (group, shown.collect::<Vec<_>>())
        })
        .filter(|(_, processes)| !processes.is_empty())
        .collect();
    let mut beside = String::new();
    let count = shown.iter().map(|(_, processes)| processes.len()).sum();
    push_filter(&mut beside, view.daemon.total(), count, filter);
    if may_act {
        push_actions_on_all(&mut beside, &view.daemon, issuer);
    }
    let mut content = String::new();
    push_state_of_daemon(&mut content, view, issuer);
    match shown.as_slice() {
        [] if filter.is_on() => content.push_str("<p>No process is like that.</p>\n"),
        [] => content.push_str(
            "<p>No programs to manage</p>\n<p>Add a section <code>[program:NAME]</code> to the \
             configuration, then run <code>supervisorctl update</code>.</p>\n",
        ),
        _ => push_table(&mut content, &shown, issuer, may_act),
    }
    push_results(&mut content, &view.results);
    Frame {
        title: format!("{} - Supervisor Status", view.daemon.name()),
        heading: "Processes".to_owned(),
        beside,
        daemon: &view.daemon,
        filter: filter.values(),
        message,
        refresh: None,
        content,
        script: assets::STATUS_SCRIPT,
    }
}

fn push_state_of_daemon(page: &mut String, view: &View, issuer: &Issuer<'_>) {
    let daemon = &view.daemon;
    if daemon.state.is_going_down() {
        page.push_str(
            "<p class=\"message bad\" role=\"status\">supervisord is going down: it stops \
             everything, and nothing can be started or stopped here.</p>\n",
        );
    } else if !daemon.may_act() {
        page.push_str("<p>This access is for looking only: nothing can be changed here.</p>\n");
    }
    if !daemon.reason.is_empty() {
        let _ = write!(
            page,
            "<div class=\"message bad\" role=\"alert\" id=\"fatal\">\
             <p><strong>supervisord is FATAL:</strong> {}</p>",
            html(&daemon.reason)
        );
        if daemon.may_act() {
            page.push_str("<form method=\"post\">");
            issuer.push_field(page, &command::for_all());
            page.push_str("<button name=\"action\" value=\"clearfatal\">Take note</button></form>");
        }
        page.push_str("</div>\n");
    }
}

fn push_actions_on_all(page: &mut String, daemon: &DaemonView, issuer: &Issuer<'_>) {
    page.push_str("<form method=\"post\" class=\"bar\" id=\"all\" aria-label=\"All processes\">");
    issuer.push_field(page, &command::for_all());
    page.push_str(
        "<input type=hidden name=ask value=1>\
         <button name=\"action\" value=\"refresh\">Refresh</button>\
         <button name=\"action\" value=\"startall\">Start all</button><span class=\"bar\">",
    );
    for command in [
        Command::Run(Verb::Stop, Selection::All),
        Command::Run(Verb::Restart, Selection::All),
        Command::ClearAllLogs,
    ] {
        if let Some(question) = ask::about(&command) {
            let _ = write!(
                page,
                "<button class=risky name=\"action\" value=\"{}\" data-ask=\"{}\">{}</button>",
                question.action,
                html(&question.text(daemon)),
                question.label
            );
        }
    }
    page.push_str("</span></form>\n");
}

fn push_filter(page: &mut String, total: usize, shown: usize, filter: &Filter) {
    let _ = write!(
        page,
        "<form method=\"get\" class=\"bar\" id=\"filter\" role=\"search\" data-total={total}>\
         <label>Name <input type=\"search\" name=\"name\" value=\"{}\"></label>",
        html(&filter.name)
    );
    if !filter.state.is_empty() {
        let _ = write!(
            page,
            "<input type=hidden name=state value=\"{}\">",
            html(&filter.state)
        );
    }
    let class = match shown == total {
        true => " class=hide",
        false => "",
    };
    let _ = write!(
        page,
        "<button>Filter</button>\
         <span role=\"status\" id=\"count\"{class}>{shown} of {total} shown</span>"
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
        let is_single = group.is_single();
        if is_single {
            page.push_str("<tbody>");
        } else {
            // The buttons of a group of which a part is hidden say that they act on all.
            page.push_str(match processes.len() < group.processes.len() {
                true => "<tbody class=part>",
                false => "<tbody>",
            });
            push_group(page, group, place, issuer, may_act);
        }
        for process in processes {
            number += 1;
            let described_by = match is_single {
                true => format!("p{number}"),
                false => format!("\"g{place} p{number}\""),
            };
            let row = Row {
                process,
                number,
                described_by,
                may_act,
            };
            row.push(page, issuer);
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
    let total = group.processes.len();
    let mut counts = controls::counts(group.processes.iter().map(|process| process.state));
    let running = match counts.first() {
        Some((ProcessState::Running, _)) => counts.remove(0).1,
        _ => 0,
    };
    let _ = write!(
        page,
        "<tr class=group data-n={total}><th scope=rowgroup id=g{place}>{}\
         <td colspan=2>{running} of {total} running",
        name_of(&group.name)
    );
    for (state, count) in counts {
        page.push(' ');
        push_mark(page, lower(state), format_args!("{count} {}", lower(state)));
    }
    if !group.scaled.is_empty() {
        page.push(' ');
        page.push_str(&html(&group.scaled));
    }
    page.push_str("<td>");
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
            "<button name=action value={action} aria-describedby=g{place}>\
             {label}<span> all {total}</span></button>"
        );
    }
    let _ = write!(
        page,
        "<button name=action value=rollgroup aria-describedby=g{place}>Rolling restart</button>"
    );
    page.push_str("</form>");
}

/// The row of a process.
struct Row<'a> {
    process: &'a ProcessView,
    number: usize,
    /// The identifiers of its name and that of its group, as the value of an attribute.
    described_by: String,
    may_act: bool,
}

impl Row<'_> {
    fn push(&self, page: &mut String, issuer: &Issuer<'_>) {
        let process = self.process;
        let state = lower(process.state);
        let _ = write!(
            page,
            "\n<tr data-s={state}><th scope=row id=p{}>{}<td>",
            self.number,
            name_of(&process.name)
        );
        push_mark(page, state, state);
        let _ = write!(page, "<td>{}<td>", html(&process.description));
        if self.may_act {
            let _ = write!(
                page,
                "<form method=post><input type=hidden name=processname value=\"{}\">",
                html(&process.namespec)
            );
            issuer.push_field(page, &command::for_process(&process.namespec));
            page.push_str("<span>");
            for (action, label) in actions_in(process.state) {
                let _ = write!(
                    page,
                    "<button name=action value={action} aria-describedby={}>{label}</button>",
                    self.described_by
                );
            }
            page.push_str("</span>");
        }
        self.push_log(page, "stdout", process.has_stdout);
        self.push_log(page, "stderr", process.has_stderr);
        if self.may_act {
            page.push_str("</form>");
        }
    }

    fn push_log(&self, page: &mut String, channel: &str, is_there: bool) {
        if !is_there {
            return;
        }
        let values = [
            ("processname", self.process.namespec.as_str()),
            ("channel", if channel == "stdout" { "" } else { channel }),
        ];
        let by = &self.described_by;
        let _ = write!(
            page,
            "<span><a href=\"{}\" aria-describedby={by}>{channel}</a>",
            html(&address("tail.html", &values))
        );
        if self.may_act && has_child(self.process.state) {
            let _ = write!(
                page,
                "<button name=action value=clear{channel} aria-label=\"Clear {channel}\" \
                 aria-describedby={by}>Clear</button>"
            );
        }
        page.push_str("</span>");
    }
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

/// A name stays in one line, but for a long one that finds no room.
fn name_of(name: &str) -> String {
    match name.len() {
        ..=LONG => html(name),
        _ => format!("<span>{}</span>", html(name)),
    }
}

#[cfg(test)]
mod tests;
