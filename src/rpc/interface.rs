//! What methods are made of: what they work on, what they give, how they are
//! described, and the table in which they are found by name.

use crate::clock::Monotonic;
use crate::http::access::Access;
use crate::http::content::Content;
use crate::loggers::window::{Window, WindowPermit};
use crate::loop_context::LoopContext;
use crate::rpc::job::Job;
use crate::rpc::pending::{self, PendingAction, Slot};
use crate::sort;
use crate::supervisor::Supervisor;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer;

/// What methods work on.
pub struct Daemon<'a> {
    pub supervisor: &'a mut Supervisor,
    /// The loop's instruments.
    pub context: &'a mut LoopContext,
    pub pid: u32,
    pub interface: Interface,
    /// What whoever is being answered may do.
    pub access: Access,
    /// What is done in several steps, to its end.
    pub jobs: &'a mut Vec<Job>,
}

impl Daemon<'_> {
    /// When this turn of the loop began.
    pub fn turn(&self) -> Monotonic {
        self.context.now.monotonic
    }
}

/// What a method gives, or a fault.
pub type Outcome = Result<CallProgress, Fault>;

/// How far a method has got when it returns.
#[derive(Debug)]
pub enum CallProgress {
    Done(Answer),
    /// The answer comes later.
    Pending(PendingAction),
}

/// A complete result.
#[derive(Debug)]
pub enum Answer {
    Value(Value),
    /// Already written as a value, for what may be long.
    Written(Content),
}

impl Answer {
    /// As a value, for what is never long.
    pub fn value(self) -> Value {
        match self {
            Answer::Value(value) => value,
            Answer::Written(_) => Value::Bool(true),
        }
    }

    /// As it is written.
    pub fn written(self) -> Content {
        match self {
            Answer::Written(content) => content,
            Answer::Value(value) => {
                let mut content = Content::default();
                writer::push_value(content.text(), &value);
                content
            }
        }
    }
}

impl CallProgress {
    /// The statuses of several processes, now or when those that are waited for have finished.
    pub fn of_several(mut slots: Vec<Slot>) -> CallProgress {
        match pending::statuses(&mut slots) {
            Some(statuses) => statuses.into(),
            None => CallProgress::Pending(PendingAction::Several(slots)),
        }
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Answer {
        Answer::Value(value)
    }
}

impl From<Content> for Answer {
    fn from(content: Content) -> Answer {
        Answer::Written(content)
    }
}

impl<T: Into<Answer>> From<T> for CallProgress {
    fn from(answer: T) -> CallProgress {
        CallProgress::Done(answer.into())
    }
}

/// A string that is written with the text of a part of a log.
pub fn push_log(content: &mut Content, window: Window, permit: WindowPermit) {
    content.text().push_str(writer::BEGIN_STRING);
    content.push_log(window, permit);
    content.text().push_str(writer::END_STRING);
}

/// What does the work of a method.
pub type Function = fn(&mut Daemon<'_>, &[Value]) -> Outcome;

/// The tables of methods.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// Those of each configured `[rpcinterface:x]`.
    pub supervisor: &'static [Method],
    /// Those of `system`.
    pub system: &'static [Method],
}

/// A method.
#[derive(Debug)]
pub struct Method {
    /// Its name in its namespace.
    pub name: &'static str,
    /// What it does, in a sentence or two.
    pub help: &'static str,
    pub parameters: &'static [Parameter],
    pub result: Parameter,
    /// The faults that it has of its own, by their codes.
    pub faults: &'static [FaultCode],
    /// What a client must be allowed to do; refused with READ_ONLY where it is not.
    pub access: Access,
    /// Refused with SHUTDOWN_STATE while supervisord goes down.
    pub gated: bool,
    pub function: Function,
}

/// A parameter or a result.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its XML-RPC type.
    pub kind: &'static str,
    pub name: &'static str,
    pub help: &'static str,
    pub optional: bool,
}

impl Method {
    /// Whether it can be called with so many parameters.
    pub fn takes(&self, count: usize) -> bool {
        let required = self
            .parameters
            .iter()
            .filter(|parameter| !parameter.optional)
            .count();
        (required..=self.parameters.len()).contains(&count)
    }
}

impl Interface {
    /// The method of that full name; `namespaces` are the names of the
    /// configured interfaces, normally just `supervisor`.
    pub fn find(&self, name: &str, namespaces: &[String]) -> Option<&'static Method> {
        let (namespace, name) = name.split_once('.')?;
        let table = if namespaces.iter().any(|configured| configured == namespace) {
            self.supervisor
        } else if namespace == "system" {
            self.system
        } else {
            return None;
        };
        table.iter().find(|method| method.name == name)
    }

    /// Every full name, sorted by code point.
    pub fn names(&self, namespaces: &[String]) -> Vec<String> {
        let of = |namespace: &str, table: &[Method]| -> Vec<String> {
            table
                .iter()
                .map(|method| format!("{namespace}.{}", method.name))
                .collect()
        };
        let mut names: Vec<String> = namespaces
            .iter()
            .flat_map(|name| of(name, self.supervisor))
            .collect();
        names.extend(of("system", self.system));
        sort::by(&mut names, Ord::cmp);
        names
    }
}

/// Calls a method by its name. A name that has no dot, or more than one, or is
/// not in the table is the same fault.
pub fn dispatch(daemon: &mut Daemon<'_>, name: &str, parameters: &[Value]) -> Outcome {
    let Some(method) = daemon
        .interface
        .find(name, &daemon.supervisor.rpcinterfaces)
    else {
        return Err(Fault::new(FaultCode::UnknownMethod));
    };
    if let Some(tally) = &mut daemon.context.tally {
        tally.calls.count(method.name);
    }
    if daemon.access < method.access {
        return Err(Fault::with(
            FaultCode::ReadOnly,
            format_args!("{name} changes something, and this access is for looking only"),
        ));
    }
    if !method.takes(parameters.len()) {
        return Err(Fault::new(FaultCode::IncorrectParameters));
    }
    if method.gated && daemon.supervisor.state().is_going_down() {
        return Err(Fault::new(FaultCode::ShutdownState));
    }
    (method.function)(daemon, parameters)
}
