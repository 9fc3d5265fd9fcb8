//! Why a process is in its state, in words for somebody who has to mend it: a function of
//! [`Facts`], which the server tells. What most often goes wrong has a text in [`causes`].

mod causes;

use crate::text::plain;
use crate::xmlrpc::value::Value;

/// What is known of a process that has to be explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// As results show it.
    pub name: String,
    pub state: String,
    /// What `status` shows of it.
    pub description: String,
    /// Why the last start or run went wrong; empty if it did not.
    pub error: String,
    /// How the last child ended, if one has.
    pub last_end: Option<LastEnd>,
    /// How many starts in a row have failed, and how many may be tried again; -1: without end.
    pub failed_starts: i64,
    pub retries: i64,
    /// In how many seconds it is started again by itself, if it is.
    pub next_start: Option<i64>,
    pub startsecs: i64,
    pub stopwaitsecs: i64,
    /// Whether it is started with supervisord, and again after an end.
    pub autostart: bool,
    pub autorestart: String,
    /// What it waits for, as `db (BACKOFF)`.
    pub waiting_for: String,
    pub is_disabled: bool,
    pub is_scheduled: bool,
    /// Whether it is to end by itself.
    pub is_oneshot: bool,
    /// `starting`, `healthy` or `unhealthy`, where that is asked for, and why.
    pub health: String,
    pub health_reason: String,
    /// The hook that runs.
    pub hook: String,
    /// For how many seconds a listener has had its event, if that is too long.
    pub busy: Option<i64>,
    /// What it wrote last on its standard error, and where that stands.
    pub last_lines: Vec<String>,
    pub log: String,
    /// Where it is configured.
    pub section: String,
    pub place: String,
}

/// How a child ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEnd {
    /// Its exit status; -1 for a signal.
    pub status: i64,
    /// The name of the signal, empty if there was none.
    pub signal: String,
    /// How many seconds it lived, and how long ago it ended.
    pub lived: i64,
    pub ago: i64,
    /// It did not end when it was told to, and was killed.
    pub was_killed: bool,
}

impl Facts {
    /// What the server has told; what it does not tell is not so.
    pub fn read(value: &Value) -> Facts {
        let text = |member: &str| text(value, member);
        let number = |member: &str| value.member(member).and_then(Value::as_int);
        let flag = |member: &str| matches!(value.member(member), Some(Value::Bool(true)));
        let lines = value.member("last_lines").and_then(Value::as_array);
        let line = number("line").map_or_else(String::new, |line| format!(":{line}"));
        Facts {
            name: super::names::display_name(&text("group"), &text("name")),
            state: text("statename"),
            description: text("description"),
            error: text("spawnerr"),
            last_end: value.member("last_end").map(LastEnd::read),
            failed_starts: number("failed_starts").unwrap_or(0),
            retries: number("startretries").unwrap_or(0),
            next_start: number("next_start"),
            startsecs: number("startsecs").unwrap_or(0),
            stopwaitsecs: number("stopwaitsecs").unwrap_or(0),
            autostart: flag("autostart"),
            autorestart: text("autorestart"),
            waiting_for: text("waiting_for"),
            is_disabled: flag("disabled"),
            is_scheduled: flag("scheduled"),
            is_oneshot: flag("oneshot"),
            health: text("health"),
            health_reason: text("health_reason"),
            hook: text("hook"),
            busy: number("busy"),
            last_lines: lines
                .unwrap_or_default()
                .iter()
                .filter_map(|line| Some(plain::shown(line.as_str()?).into_owned()))
                .collect(),
            log: text("log"),
            section: text("section"),
            place: text("file") + &line,
        }
    }

    fn is(&self, states: &[&str]) -> bool {
        states.contains(&self.state.as_str())
    }
}

impl LastEnd {
    fn read(value: &Value) -> LastEnd {
        let number = |member: &str| value.member(member).and_then(Value::as_int).unwrap_or(0);
        LastEnd {
            status: number("exitstatus"),
            signal: text(value, "signal"),
            lived: number("seconds"),
            ago: number("ago"),
            was_killed: matches!(value.member("killed"), Some(Value::Bool(true))),
        }
    }
}

/// A member as it is shown, empty where there is none.
fn text(value: &Value, member: &str) -> String {
    let text = value.member(member).and_then(Value::as_str);
    plain::shown(text.unwrap_or_default()).into_owned()
}

/// What matters most: the state, the last end, and what that means.
pub fn first_lines(facts: &Facts) -> Vec<String> {
    let lines = [Some(headline(facts)), last_end(facts), causes::of(facts)];
    lines.into_iter().flatten().collect()
}

/// All that there is to say.
pub fn lines(facts: &Facts) -> Vec<String> {
    let mut lines = first_lines(facts);
    lines.extend(attempts(facts));
    if !facts.health.is_empty() && facts.is(&["RUNNING", "STARTING"]) {
        lines.push(match facts.health_reason.as_str() {
            "" => format!("Its health: {}.", facts.health),
            reason => format!("Its health: {} ({reason}).", facts.health),
        });
    }
    if !facts.last_lines.is_empty() {
        lines.push(format!("The last that it wrote, in {}:", facts.log));
        lines.extend(facts.last_lines.iter().map(|line| format!("  {line}")));
    }
    if !facts.section.is_empty() {
        lines.push(match facts.place.as_str() {
            "" => format!("It is configured in [{}].", facts.section),
            place => format!("It is configured in [{}], {place}.", facts.section),
        });
    }
    lines
}

fn headline(facts: &Facts) -> String {
    let (name, state) = (&facts.name, &facts.state);
    let what = match facts.error.as_str() {
        "" => facts.description.as_str(),
        error => error,
    };
    match what {
        "" => format!("{name} is {state}."),
        what => format!("{name} is {state}: {what}."),
    }
}

fn last_end(facts: &Facts) -> Option<String> {
    let end = facts.last_end.as_ref()?;
    let how = match (end.signal.as_str(), end.status) {
        ("", status) => format!("with exit status {status}"),
        (signal, _) => format!("by {signal}"),
    };
    Some(format!(
        "It last ended {} ago, {how}, {} after its start.",
        span(end.ago),
        span(end.lived)
    ))
}

/// How often it was tried, and when it is tried again.
fn attempts(facts: &Facts) -> Option<String> {
    let failed = match facts.failed_starts {
        0 => String::new(),
        1 => "One start has failed. ".to_owned(),
        count => format!("{count} starts in a row have failed. "),
    };
    let limit = match facts.retries {
        ..0 => "as often as it takes (startretries=-1)".to_owned(),
        0 => "never (startretries=0)".to_owned(),
        1 => "once (startretries)".to_owned(),
        retries => format!("up to {retries} times (startretries)"),
    };
    match (facts.state.as_str(), facts.next_start) {
        ("BACKOFF", Some(next)) => Some(format!(
            "{failed}The next is in {}; a failed start is repeated {limit}.",
            span(next)
        )),
        ("FATAL", _) => Some(format!(
            "It is not started again by itself; a failed start is repeated {limit}."
        )),
        (_, Some(next)) => Some(format!("It is started by itself in {}.", span(next))),
        ("EXITED", None) => Some(format!(
            "It is not started again by itself (autorestart={}).",
            facts.autorestart
        )),
        _ => None,
    }
}

/// Such as `3 minutes`.
fn span(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..1 => return "less than a second".to_owned(),
        1..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests;
