//! What a form asks for, and in which words it is told afterwards: those of
//! 4.3.0, where it has words for it.
//!
//! Unlike 4.3.0, a restart that has failed is not told as one that succeeded,
//! and actions on many processes tell which of them failed.

use crate::http::access::Access;
use crate::process::group::namespec;
use crate::snapshot::saved;
use crate::tokens::Channel;
use crate::web::form::Form;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How many failures are told one by one.
const TOLD: usize = 5;

/// What is to be done to processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    Restart,
    /// To restart one after the other.
    Roll,
}

saved! { enum Verb { Start, Stop, Restart, Roll } }

/// Which processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every one.
    All,
    /// Those of the group of that name.
    Group(String),
    /// One, as `name` or `group:name`.
    Process(String),
}

saved! { enum Selection { All, Group(a), Process(a) } }

/// What a form asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To show the page again.
    Refresh,
    /// To start, stop or restart.
    Run(Verb, Selection),
    /// To empty the logs of every process.
    ClearAllLogs,
    /// To empty the logs of a process: one of them, or both.
    ClearLog(String, Option<Channel>),
    /// To empty the main log.
    ClearMainLog,
    /// To take note of why supervisord is FATAL.
    ClearFatal,
}

saved! {
    enum Command {
        Refresh, Run(a, b), ClearAllLogs, ClearLog(a, b), ClearMainLog, ClearFatal,
    }
}

/// The form makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonsense;

impl Command {
    /// What a form asks for; `None` if it asks for nothing.
    pub fn of(form: &Form) -> Result<Option<Command>, Nonsense> {
        let process = || named(form, "processname");
        let group = || named(form, "groupname").map(Selection::Group);
        Ok(Some(match form.get("action") {
            "" => return Ok(None),
            "refresh" => Command::Refresh,
            "startall" => Command::Run(Verb::Start, Selection::All),
            "stopall" => Command::Run(Verb::Stop, Selection::All),
            "restartall" => Command::Run(Verb::Restart, Selection::All),
            "clearall" => Command::ClearAllLogs,
            "startgroup" => Command::Run(Verb::Start, group()?),
            "stopgroup" => Command::Run(Verb::Stop, group()?),
            "restartgroup" => Command::Run(Verb::Restart, group()?),
            "rollgroup" => Command::Run(Verb::Roll, group()?),
            "start" => Command::Run(Verb::Start, Selection::Process(process()?)),
            "stop" => Command::Run(Verb::Stop, Selection::Process(process()?)),
            "restart" => Command::Run(Verb::Restart, Selection::Process(process()?)),
            "clearlog" => Command::ClearLog(process()?, None),
            "clearstdout" => Command::ClearLog(process()?, Some(Channel::Stdout)),
            "clearstderr" => Command::ClearLog(process()?, Some(Channel::Stderr)),
            "clearmainlog" => Command::ClearMainLog,
            "clearfatal" => Command::ClearFatal,
            _ => return Err(Nonsense),
        }))
    }

    /// What a client must be allowed to do to ask for it.
    pub fn access(&self) -> Access {
        match self {
            Command::Refresh => Access::ReadOnly,
            Command::Run(..)
            | Command::ClearAllLogs
            | Command::ClearLog(..)
            | Command::ClearMainLog
            | Command::ClearFatal => Access::Full,
        }
    }

    /// Which form it belongs to: what the form's token is made for.
    pub fn form(&self) -> String {
        match self {
            Command::Refresh
            | Command::Run(_, Selection::All)
            | Command::ClearAllLogs
            | Command::ClearFatal => for_all(),
            Command::Run(_, Selection::Group(name)) => for_group(name),
            Command::Run(_, Selection::Process(name)) | Command::ClearLog(name, _) => {
                for_process(name)
            }
            Command::ClearMainLog => for_main_log(),
        }
    }

    /// What is told when it has been done, or has failed. `failures` are those
    /// of several processes, `when` the time in words.
    pub fn told(&self, result: Result<(), &Fault>, failures: &[Failure], when: &str) -> String {
        let text = match (self, result) {
            (Command::Run(Verb::Start | Verb::Restart, Selection::Process(name)), Err(fault)) => {
                return format!("ERROR: Process {name}: {}", reason(fault));
            }
            (_, Err(fault)) => return unexpected(fault),
            (Command::Refresh, _) => format!("Page refreshed at {when}"),
            (Command::Run(verb, Selection::All), _) => format!("All {} at {when}", past(*verb)),
            (Command::Run(verb, Selection::Group(name)), _) => {
                format!("Group {name} {} at {when}", past(*verb))
            }
            (Command::Run(verb, Selection::Process(name)), _) => {
                format!("Process {name} {}", past(*verb))
            }
            (Command::ClearAllLogs, _) => format!("All logs cleared at {when}"),
            (Command::ClearLog(name, None), _) => format!("Log for {name} cleared"),
            (Command::ClearLog(name, Some(channel)), _) => {
                format!("Log for {name} ({}) cleared", channel.name())
            }
            (Command::ClearMainLog, _) => "Log of supervisord cleared".to_owned(),
            (Command::ClearFatal, _) => "supervisord is not FATAL any more".to_owned(),
        };
        match failures {
            [] => text,
            _ => format!("ERROR: {text}, except {}", list(failures)),
        }
    }
}

/// What the token of the form for everything is made for.
pub fn for_all() -> String {
    "all".to_owned()
}

/// The same for the form of a group.
pub fn for_group(name: &str) -> String {
    format!("group {name}")
}

/// The same for the forms of a process.
pub fn for_process(name: &str) -> String {
    format!("process {name}")
}

/// The same for the form of the main log.
pub fn for_main_log() -> String {
    "mainlog".to_owned()
}

/// What is told of a process that is not there.
pub fn no_such_process(name: &str) -> String {
    format!("No such process named {name}")
}

/// What is told of a group that is not there.
pub fn no_such_group(name: &str) -> String {
    format!("No such group named {name}")
}

/// What is told while supervisord goes down.
pub const GOING_DOWN: &str = "ERROR: supervisord is going down, nothing was done";

/// Whether a message tells of something that went wrong.
pub fn is_bad_news(message: &str) -> bool {
    ["ERROR", "No such", "unexpected"]
        .iter()
        .any(|beginning| message.starts_with(beginning))
}

/// One of several processes for which it went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub namespec: String,
    pub fault: Fault,
}

/// What the statuses of several processes tell of failures.
pub fn failures_in(statuses: &Value) -> Vec<Failure> {
    let statuses = statuses.as_array().unwrap_or_default();
    statuses.iter().filter_map(failure_in).collect()
}

fn failure_in(status: &Value) -> Option<Failure> {
    let text = |name: &str| status.member(name).and_then(Value::as_str);
    let text = |name: &str| text(name).unwrap_or_default().to_owned();
    let code = status.member("status").and_then(Value::as_int);
    let fault = Fault {
        code: i32::try_from(code?).unwrap_or(0),
        text: text("description"),
    };
    // In a restart, what does not run need not be stopped.
    let is_soft = fault.is(FaultCode::NotRunning) && text("action") == "stop";
    if fault.is(FaultCode::Success) || is_soft {
        return None;
    }
    let namespec = namespec(&text("group"), &text("name"));
    Some(Failure { namespec, fault })
}

fn named(form: &Form, field: &str) -> Result<String, Nonsense> {
    match form.get(field) {
        "" => Err(Nonsense),
        name => Ok(name.to_owned()),
    }
}

fn past(verb: Verb) -> &'static str {
    match verb {
        Verb::Start => "started",
        Verb::Stop => "stopped",
        Verb::Restart => "restarted",
        // It goes on.
        Verb::Roll => "is being restarted one by one",
    }
}

fn reason(fault: &Fault) -> String {
    const WORDS: [(FaultCode, &str); 5] = [
        (FaultCode::NoFile, "no such file"),
        (FaultCode::NotExecutable, "file not executable"),
        (FaultCode::AlreadyStarted, "already started"),
        (FaultCode::SpawnError, "spawn error"),
        (FaultCode::AbnormalTermination, "abnormal termination"),
    ];
    let words = WORDS.iter().find(|(code, _)| fault.is(*code));
    words.map_or_else(|| unexpected(fault), |(_, words)| (*words).to_owned())
}

fn unexpected(fault: &Fault) -> String {
    format!("unexpected rpc fault [{}] {}", fault.code, fault.text)
}

fn list(failures: &[Failure]) -> String {
    let told = failures.iter().take(TOLD);
    let told = told.map(|failure| format!("{} ({})", failure.namespec, reason(&failure.fault)));
    let told = told.collect::<Vec<String>>().join(", ");
    match failures.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
