//! What the pages show, as plain data. [`gather`](super::gather) fills it from
//! the daemon's state; tests fill it as they like.

use crate::http::access::Access;
use crate::states::{ProcessState, SupervisorState};

/// supervisord and all that it supervises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub daemon: DaemonView,
    /// The groups, sorted by name.
    pub groups: Vec<GroupView>,
    /// The latest result of each pool with a `store` handler that has one.
    pub results: Vec<ResultView>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonView {
    pub state: SupervisorState,
    /// What the reader of the page may do.
    pub access: Access,
    /// Why it is FATAL; empty if it is not.
    pub reason: String,
    pub identifier: String,
    /// The name of the machine.
    pub host: String,
    pub pid: u32,
    /// Such as `1 day, 2:03:04`.
    pub uptime: String,
    /// How many processes are in which state; those that none is in are left out.
    pub counts: Vec<(ProcessState, usize)>,
}

impl DaemonView {
    /// Whether something can be changed on the page.
    pub fn may_act(&self) -> bool {
        self.access == Access::Full && !self.state.is_going_down()
    }

    /// What tells it from others: its identifier if it was given one, else its machine.
    pub fn name(&self) -> &str {
        match self.has_identifier() {
            true => &self.identifier,
            false => &self.host,
        }
    }

    /// Whether it was given another identifier than all have.
    pub fn has_identifier(&self) -> bool {
        self.identifier != "supervisor"
    }

    /// How many processes there are.
    pub fn total(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    pub name: String,
    /// Which of its programs have another number of processes than configured, in words.
    pub scaled: String,
    /// Its processes, sorted by name.
    pub processes: Vec<ProcessView>,
}

impl GroupView {
    /// Whether it is a program of one process that has the group's name: nobody
    /// has made a group of it.
    pub fn is_single(&self) -> bool {
        matches!(self.processes.as_slice(), [process] if process.namespec == self.name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessView {
    /// Its name in its group.
    pub name: String,
    /// `name` where that is the group's name too, else `group:name`.
    pub namespec: String,
    pub state: ProcessState,
    /// What else is known: pid and uptime, when it ended, or what is wrong.
    pub description: String,
    /// Whether it has a log of its stdout.
    pub has_stdout: bool,
    /// Whether it has a log of its stderr.
    pub has_stderr: bool,
}

/// The latest result of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultView {
    pub pool: String,
    /// The process that answered.
    pub process: String,
    pub event: String,
    pub serial: u64,
    /// When it came, in words.
    pub time: String,
    /// Its beginning, as text.
    pub data: String,
    /// Its whole size in bytes.
    pub size: usize,
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogView {
    /// This text; whether there is more before it.
    Text { text: String, has_more: bool },
    /// There is none, for this reason.
    Nothing(String),
}
