//! The pages with the end of a log: of a process's stdout or stderr, or the
//! main log.
//!
//! How much is shown and how often the page is loaded again stand in its
//! address, so that it works without a script; with one the log can be followed.

use std::fmt::Write as _;

use crate::snapshot::saved;
use crate::text::escape::{self, address, html, quoted};
use crate::tokens::Channel;
use crate::web::assets;
use crate::web::command;
use crate::web::controls::{actions_in, has_child, lower, push_mark};
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::token::Issuer;
use crate::web::view::{DaemonView, LogView, ProcessView};

/// The least that is shown, in bytes, as in 4.3.0.
const LEAST: u64 = 1024;
/// What is shown when nothing is asked for.
const USUAL: u64 = 4096;
/// The most that is shown; the whole log can be downloaded.
const MOST: u64 = 1024 * 1024;
/// By how much more and fewer lines differ.
const FACTOR: u64 = 4;

/// Which log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// That of a process; the name as it was given, which may be nobody's.
    Process(String, Channel),
    /// That of supervisord.
    Main,
}

saved! { enum Subject { Process(a, b), Main } }

/// When the page is loaded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Never.
    Off,
    /// After so many seconds.
    Every(u32),
    /// Not at all, for a script adds what is new.
    Follow,
}

saved! { enum Refresh { Off, Every(a), Follow } }

/// What an address asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Which log.
    pub subject: Subject,
    /// How much of it, in bytes.
    pub limit: u64,
    /// How often.
    pub refresh: Refresh,
}

saved! { struct LogQuery { subject, limit, refresh } }

impl LogQuery {
    /// The log of a process, as a query asks for it.
    pub fn process(query: &Form) -> LogQuery {
        let channel = match query.get("channel") {
            "stderr" => Channel::Stderr,
            _ => Channel::Stdout,
        };
        let subject = Subject::Process(query.get("processname").to_owned(), channel);
        LogQuery::of(subject, query)
    }

    /// The main log, as a query asks for it.
    pub fn main(query: &Form) -> LogQuery {
        LogQuery::of(Subject::Main, query)
    }

    fn of(subject: Subject, query: &Form) -> LogQuery {
        let limit = match query.get("limit") {
            "" => USUAL,
            // A negative number, or none at all, is the least.
            text => text.parse().unwrap_or(LEAST).clamp(LEAST, MOST),
        };
        let refresh = match query.get("refresh") {
            "follow" => Refresh::Follow,
            "2" => Refresh::Every(2),
            "5" => Refresh::Every(5),
            "30" => Refresh::Every(30),
            _ => Refresh::Off,
        };
        LogQuery {
            subject,
            limit,
            refresh,
        }
    }

    /// The address of the page that it asks for.
    pub fn address(&self) -> String {
        self.page(self.limit, self.refresh)
    }

    fn page(&self, limit: u64, refresh: Refresh) -> String {
        let limit = match limit {
            USUAL => String::new(),
            _ => limit.to_string(),
        };
        let refresh = match refresh {
            Refresh::Off => String::new(),
            Refresh::Every(seconds) => seconds.to_string(),
            Refresh::Follow => "follow".to_owned(),
        };
        let tail = [("limit", limit.as_str()), ("refresh", refresh.as_str())];
        match &self.subject {
            Subject::Main => address("mainlog.html", &tail),
            Subject::Process(name, channel) => {
                let [name, channel] = process_values(name, *channel);
                address("tail.html", &[name, channel, tail[0], tail[1]])
            }
        }
    }

    /// Where all of the log is.
    fn download(&self) -> String {
        match &self.subject {
            Subject::Main => "mainlog.txt".to_owned(),
            Subject::Process(name, channel) => address("log.txt", &process_values(name, *channel)),
        }
    }

    /// Where the log can be followed. The path is decoded twice there.
    fn stream(&self) -> String {
        match &self.subject {
            Subject::Main => "mainlogtail".to_owned(),
            Subject::Process(name, channel) => {
                let name = quoted(&quoted(name));
                format!("logtail/{name}/{}", channel.name())
            }
        }
    }
}

fn process_values(name: &str, channel: Channel) -> [(&'static str, &str); 2] {
    let channel = match channel {
        Channel::Stdout => "",
        Channel::Stderr => "stderr",
    };
    [("processname", name), ("channel", channel)]
}

/// The page. `process` is the one whose log it is, if there is one of that name.
pub fn page<'a>(
    daemon: &'a DaemonView,
    query: &LogQuery,
    process: Option<&ProcessView>,
    log: &LogView,
    message: &'a str,
    issuer: &Issuer<'_>,
) -> Frame<'a> {
    let may_act = daemon.may_act();
    let (what, heading) = names(&query.subject, process.is_some());
    let mut beside = String::new();
    if let Some(process) = process {
        push_process(&mut beside, process, may_act, issuer);
    }
    let mut content = String::new();
    let is_there = process.is_some() || query.subject == Subject::Main;
    if is_there {
        let has_child = process.is_none_or(|process| has_child(process.state));
        push_controls(&mut content, query, log, may_act && has_child, issuer);
    }
    push_log(&mut content, query, log);
    if !is_there {
        content.push_str("<p><a href=\"./\">To the processes</a></p>\n");
    }
    let refresh = match query.refresh {
        Refresh::Every(seconds) => Some((seconds, query.address())),
        Refresh::Off | Refresh::Follow => None,
    };
    Frame {
        title: format!("{what} - {} - Supervisor", daemon.name()),
        heading,
        beside,
        daemon,
        filter: [("", ""); 2],
        message,
        refresh,
        content,
        script: assets::TAIL_SCRIPT,
    }
}

/// What the window is called, and the heading.
fn names(subject: &Subject, is_known: bool) -> (String, String) {
    match subject {
        Subject::Main => ("Main log".to_owned(), "Main log".to_owned()),
        Subject::Process(name, channel) if is_known => {
            (format!("{name} {}", channel.name()), name.clone())
        }
        Subject::Process(name, _) => {
            let heading = match name.as_str() {
                "" => "No process".to_owned(),
                _ => format!("No process {name}"),
            };
            (heading.clone(), heading)
        }
    }
}

/// The state of the process, and what can be done to it.
fn push_process(page: &mut String, process: &ProcessView, may_act: bool, issuer: &Issuer<'_>) {
    page.push_str("<p id=\"who\">");
    push_mark(page, lower(process.state), lower(process.state));
    let _ = writeln!(page, " {}</p>", html(&process.description));
    if !may_act {
        return;
    }
    page.push_str("<form method=\"post\" class=\"bar\" id=\"act\">");
    push_fields(page, &process.namespec, issuer);
    for (action, label) in actions_in(process.state) {
        let _ = write!(
            page,
            "<button name=\"action\" value=\"{action}\">{label}</button>"
        );
    }
    page.push_str("</form>\n");
}

fn push_fields(page: &mut String, process: &str, issuer: &Issuer<'_>) {
    let _ = write!(
        page,
        "<input type=hidden name=processname value=\"{}\">",
        html(process)
    );
    issuer.push_field(page, &command::for_process(process));
}

/// One row with all that can be done to a log.
fn push_controls(
    page: &mut String,
    query: &LogQuery,
    log: &LogView,
    can_clear: bool,
    issuer: &Issuer<'_>,
) {
    page.push_str("<div class=\"bar\">");
    if let Subject::Process(name, channel) = &query.subject {
        push_channels(page, query, name, *channel);
    }
    push_refresh(page, query);
    push_link(page, &query.address(), "Reload", false);
    let has_more = matches!(log, LogView::Text { has_more: true, .. });
    if has_more && query.limit < MOST {
        let more = query.page((query.limit * FACTOR).min(MOST), query.refresh);
        push_link(page, &more, "More lines", false);
    }
    if query.limit > LEAST {
        let fewer = query.page((query.limit / FACTOR).max(LEAST), query.refresh);
        push_link(page, &fewer, "Fewer lines", false);
    }
    if matches!(log, LogView::Text { .. }) {
        push_link(page, &query.download(), "Download", false);
    }
    if can_clear {
        push_clear(page, query, issuer);
    }
    page.push_str("</div>\n");
}

fn push_log(page: &mut String, query: &LogQuery, log: &LogView) {
    let text = match log {
        LogView::Text { text, .. } => text,
        LogView::Nothing(reason) => {
            let _ = writeln!(page, "<p id=\"nothing\">{}</p>", html(reason));
            return;
        }
    };
    let stream = match query.refresh {
        Refresh::Follow => format!(" data-follow=\"{}\"", html(&query.stream())),
        _ => String::new(),
    };
    let _ = writeln!(
        page,
        "<div class=\"log\" tabindex=\"0\" role=\"region\" aria-label=\"Log\">\
         <pre id=\"log\"{stream}>"
    );
    escape::push_log(page, text);
    page.push_str("</pre></div>\n");
    if text.is_empty() {
        page.push_str("<p>The log is empty.</p>\n");
    }
}

fn push_channels(page: &mut String, query: &LogQuery, name: &str, channel: Channel) {
    page.push_str("<nav class=\"choice\" aria-label=\"Channel\">");
    for other in [Channel::Stdout, Channel::Stderr] {
        let there = LogQuery {
            subject: Subject::Process(name.to_owned(), other),
            ..query.clone()
        };
        push_link(page, &there.address(), other.name(), other == channel);
    }
    page.push_str("</nav>");
}

fn push_refresh(page: &mut String, query: &LogQuery) {
    page.push_str("<nav class=\"choice\" aria-label=\"Refresh\"><span>Refresh</span>");
    for (refresh, label) in [
        (Refresh::Off, "off"),
        (Refresh::Every(2), "2 s"),
        (Refresh::Every(5), "5 s"),
        (Refresh::Every(30), "30 s"),
    ] {
        let there = query.page(query.limit, refresh);
        push_link(page, &there, label, refresh == query.refresh);
    }
    let follow = query.page(query.limit, Refresh::Follow);
    // Without a script there is nothing that would follow.
    page.push_str("<span id=\"follow\" hidden>");
    push_link(page, &follow, "follow", query.refresh == Refresh::Follow);
    page.push_str("</span></nav>");
    if query.refresh == Refresh::Follow {
        page.push_str(
            "<span role=\"status\" id=\"following\">Following a log needs JavaScript.</span>",
        );
    }
}

fn push_clear(page: &mut String, query: &LogQuery, issuer: &Issuer<'_>) {
    page.push_str("<form method=\"post\">");
    let action = match &query.subject {
        Subject::Main => {
            issuer.push_field(page, &command::for_main_log());
            "clearmainlog".to_owned()
        }
        Subject::Process(name, channel) => {
            push_fields(page, name, issuer);
            format!("clear{}", channel.name())
        }
    };
    let _ = write!(
        page,
        "<button class=risky name=\"action\" value=\"{action}\">Clear</button></form>"
    );
}

fn push_link(page: &mut String, address: &str, label: &str, is_current: bool) {
    let current = match is_current {
        true => " aria-current=\"true\"",
        false => "",
    };
    let _ = write!(page, "<a href=\"{}\"{current}>{label}</a>", html(address));
}

#[cfg(test)]
mod tests;
