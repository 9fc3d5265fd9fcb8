//! What takes several steps and must not be left half done: restarts, and making
//! groups what the configuration says. The daemon goes on with a job to its end,
//! whether its caller still waits or not. (In 4.3.0 clients make the steps, and
//! one that is gone between a stop and a start leaves programs down.)
//!
//! This is the state of a job; [`steps`](super::steps) takes its steps. The answer tells
//! what each of them came to, in the order in which they ended.

use std::collections::VecDeque;

use crate::clock::Monotonic;
use crate::process::group::namespec;
use crate::rpc::names;
use crate::rpc::pending::{Ending, PendingAction};
use crate::snapshot::saved;
use crate::supervisor::scale::Scaling;
use crate::tokens::ProcessId;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// What is told of those that a rolling restart has not come to.
pub const NOT_RESTARTED: &str = "not restarted, for another one has failed";

/// Several steps on their way.
#[derive(Debug)]
pub struct Job {
    /// Those to come.
    pub steps: VecDeque<JobStep>,
    /// The step that waits for processes.
    pub under_way: Option<(Change, String, PendingAction)>,
    /// The groups that it changes something of; none for all of them.
    groups: Option<Vec<String>>,
    /// What the steps so far have come to.
    entries: Vec<Entry>,
    pub answer: JobAnswer,
    /// Disabled processes that it has stopped, and starts again.
    pub have_run: Vec<ProcessId>,
    /// It restarts some after the others, and goes no further when one has failed.
    pub is_rolling: bool,
    /// Whether a start counts as done only when the process is RUNNING.
    pub wait: bool,
    /// The turn of the loop in which it has had its share.
    pub turn: Option<Monotonic>,
    pub ending: Ending,
}

saved! {
    struct Job {
        steps, under_way, groups, entries, answer, have_run, is_rolling, wait, turn,
        ending,
    }
}

/// The shape of a job's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobAnswer {
    /// `true`, or a fault.
    One,
    /// An array with a struct for each entry.
    Several,
}

saved! { enum JobAnswer { One, Several } }

/// A part of a job.
#[derive(Debug)]
pub enum JobStep {
    /// Stops these.
    Stop(JobTarget),
    /// Starts these.
    Start(JobTarget),
    /// Stops a group, if it is active, to be replaced.
    StopGroup(String),
    /// Makes a group that is stopped what the configuration says.
    Replace(String),
    /// Makes a group what the configuration says, with no more stops than that takes.
    Update(String),
    /// Has an active group go by the configuration, and starts these again.
    Renew(String, Vec<ProcessId>),
    /// Stops these, which are to leave their group: nothing goes down with them.
    Leave(Vec<String>),
    /// Gives programs of a group other numbers of processes.
    Scale(Box<Scaling>),
}

saved! {
    enum JobStep {
        Stop(a), Start(a), StopGroup(a), Replace(a), Update(a), Renew(a, b), Leave(a),
        Scale(a),
    }
}

/// What is stopped or started.
#[derive(Clone, Debug)]
pub enum JobTarget {
    /// Every process.
    All,
    /// A process or a group, as methods name them.
    Name(String),
    /// These processes at once and, as with a group, only where there is
    /// something to do.
    Together(Vec<String>),
}

saved! { enum JobTarget { All, Name(a), Together(a) } }

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Stop,
    Start,
    Remove,
    Update,
    Add,
    /// It has the configured numbers of processes again.
    Scale,
    /// Nothing, for another one has failed before.
    Skip,
}

saved! { enum Change { Stop, Start, Remove, Update, Add, Scale, Skip } }

/// What a step came to for one process, or for a group as a whole.
#[derive(Debug)]
struct Entry {
    change: Change,
    /// As [`names::entry`] makes it; a group has no name.
    status: Value,
}

saved! { struct Entry { change, status } }

impl Job {
    /// A job that has begun nothing yet.
    pub fn new(steps: VecDeque<JobStep>, answer: JobAnswer, wait: bool) -> Job {
        Job {
            groups: groups_of(&steps),
            steps,
            under_way: None,
            entries: Vec::new(),
            answer,
            have_run: Vec::new(),
            is_rolling: false,
            wait,
            turn: None,
            ending: Ending::default(),
        }
    }

    /// Whether it changes something of a group.
    pub fn concerns(&self, group: &str) -> bool {
        let groups = self.groups.as_ref();
        groups.is_none_or(|groups| groups.iter().any(|known| known == group))
    }

    /// When it wants to be gone on with though no process has changed its state.
    pub fn next_poll(&self) -> Option<Monotonic> {
        match (self.turn, &self.under_way) {
            (Some(turn), _) => Some(turn.just_after()),
            (None, Some((.., pending))) => pending.next_poll(),
            (None, None) => None,
        }
    }

    /// Whether one of a group's processes could not be stopped.
    pub fn has_failed_to_stop(&self, group: &str) -> bool {
        self.entries.iter().any(|entry| {
            entry.change == Change::Stop
                && entry.is(FaultCode::Failed)
                && entry.text("group") == group
        })
    }

    /// The process for which a rolling restart has failed first, as faults name it.
    pub fn first_failure(&self) -> Option<String> {
        let failed = self.entries.iter().find(|entry| entry.is_failure())?;
        Some(namespec(failed.text("group"), failed.text("name")))
    }

    /// Takes all steps that are left away, and tells of each process that it has not been
    /// restarted; how many they are.
    pub fn skip_rest(&mut self) -> usize {
        let before = self.entries.len();
        for step in std::mem::take(&mut self.steps) {
            if let JobStep::Start(JobTarget::Together(names)) = step {
                for name in names {
                    let fault = Fault::with(FaultCode::Failed, NOT_RESTARTED);
                    self.note(Change::Skip, &name, Err(fault));
                }
            }
        }
        self.entries.len() - before
    }

    /// Keeps what a step came to.
    pub fn note(&mut self, change: Change, name: &str, result: Result<Value, Fault>) {
        let result = match result {
            Ok(Value::Array(statuses)) => {
                let statuses = statuses.into_iter();
                let entries = statuses.map(|status| Entry { change, status });
                return self.entries.extend(entries);
            }
            Ok(_) => Ok(()),
            Err(fault) => Err(fault),
        };
        let (group, name) = names::split(name);
        let status = names::entry(group, name.unwrap_or_default(), result);
        self.entries.push(Entry { change, status });
    }

    /// Tells what it has come to.
    pub fn finish(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        let result = match self.answer {
            JobAnswer::Several => Ok(Value::Array(entries.into_iter().map(Entry::told).collect())),
            JobAnswer::One => match entries.into_iter().find(Entry::is_failure) {
                Some(entry) => Err(entry.fault()),
                None => Ok(Value::Bool(true)),
            },
        };
        let _ = self.ending.set(result);
    }
}

/// The groups that steps change something of; none for all of them.
fn groups_of(steps: &VecDeque<JobStep>) -> Option<Vec<String>> {
    let mut groups: Vec<String> = Vec::new();
    for step in steps {
        let names = match step {
            JobStep::Stop(target) | JobStep::Start(target) => match target {
                JobTarget::All => return None,
                JobTarget::Name(name) => std::slice::from_ref(name),
                JobTarget::Together(names) => names,
            },
            JobStep::StopGroup(name)
            | JobStep::Replace(name)
            | JobStep::Update(name)
            | JobStep::Renew(name, _) => std::slice::from_ref(name),
            JobStep::Leave(names) => names,
            JobStep::Scale(scaling) => std::slice::from_ref(&scaling.config.name),
        };
        for name in names {
            let (group, _) = names::split(name);
            if groups.last().is_none_or(|last| last != group) {
                groups.push(group.to_owned());
            }
        }
    }
    Some(groups)
}

impl JobTarget {
    /// How faults of the target as a whole name it.
    pub fn name(&self) -> String {
        match self {
            JobTarget::Name(name) => name.clone(),
            JobTarget::All | JobTarget::Together(_) => String::new(),
        }
    }
}

impl Change {
    fn word(self) -> &'static str {
        match self {
            Change::Stop => "stop",
            Change::Start => "start",
            Change::Remove => "remove",
            Change::Update => "update",
            Change::Add => "add",
            Change::Scale => "scale",
            Change::Skip => "skip",
        }
    }
}

impl Entry {
    fn text(&self, member: &str) -> &str {
        let text = self.status.member(member).and_then(Value::as_str);
        text.unwrap_or_default()
    }

    fn code(&self) -> i32 {
        let code = self.status.member("status").and_then(Value::as_int);
        code.and_then(|code| i32::try_from(code).ok())
            .unwrap_or_default()
    }

    fn is(&self, code: FaultCode) -> bool {
        self.code() == code.code()
    }

    /// What does not run need not be stopped, and what somebody else has started
    /// meanwhile need not be started.
    fn is_failure(&self) -> bool {
        let is_soft = match self.change {
            Change::Stop => self.is(FaultCode::NotRunning),
            Change::Start => self.is(FaultCode::AlreadyStarted),
            _ => false,
        };
        !self.is(FaultCode::Success) && !is_soft
    }

    fn fault(&self) -> Fault {
        Fault {
            code: self.code(),
            text: self.text("description").to_owned(),
        }
    }

    fn told(self) -> Value {
        let action = ("action".to_owned(), Value::string(self.change.word()));
        match self.status {
            Value::Struct(mut members) => {
                members.push(action);
                Value::Struct(members)
            }
            other => other,
        }
    }
}
