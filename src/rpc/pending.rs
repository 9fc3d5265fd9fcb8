//! Pending actions: what was asked for by a call or on a page and has no answer yet, as
//! data. [`poll`](super::poll) asks it again whenever a process has changed its state,
//! until there is one.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::http::access::Access;
use crate::http::content::Content;
use crate::snapshot::saved;
use crate::tokens::{GroupId, ProcessId};
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::value::Value;

/// How often a waiting stop is told in the log.
pub const STOP_REPORT_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub enum PendingAction {
    /// One process is waited for; the answer is true.
    Process(AwaitedProcess),
    /// Several are; the answer is an array with one status for each, in the
    /// order in which they were begun.
    Several(Vec<Slot>),
    /// `system.multicall`: one call after the other.
    Multicall(Box<Multicall>),
    /// What is known of every process, row by row.
    Listing(Box<Listing>),
    /// What a job comes to.
    Job(Ending),
    /// Processes are waited for until they are as they should be; the answer is true.
    Condition(Box<Awaited>),
}

saved! {
    enum PendingAction {
        Process(a), Several(a), Multicall(a), Listing(a), Job(a), Condition(a),
    }
}

/// What a job came to, once it has come to its end: shared by the job and by the
/// pending action that waits for it, each of which may outlive the other.
pub type Ending = Rc<OnceCell<Result<Value, Fault>>>;

/// A long list on its way.
#[derive(Debug)]
pub struct Listing {
    pub rows: Rows,
    /// How many of them are written.
    pub written: usize,
    pub content: Content,
    /// The turn of the loop in which it was last gone on with.
    pub turn: Monotonic,
}

saved! { struct Listing { rows, written, content, turn } }

/// The rows of a list, in order.
#[derive(Debug)]
pub enum Rows {
    /// How processes are.
    State(Vec<ProcessId>),
    /// What they use.
    Figures(Vec<ProcessId>),
    /// How they are configured.
    Config {
        /// One for each process.
        rows: Vec<ConfigRow>,
        /// How often the configuration had been read when the places were noted.
        rereads: u64,
    },
}

saved! { enum Rows { State(a), Figures(a), Config { rows, rereads } } }

/// A process of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct ConfigRow {
    pub group: usize,
    /// Its place in the group.
    pub place: usize,
    /// The group itself, if it is active.
    pub active: Option<GroupId>,
    /// The process itself, if its automatic logs have names to be told.
    pub process: Option<ProcessId>,
}

saved! { struct ConfigRow { group, place, active, process } }

/// A `system.multicall` on its way.
#[derive(Debug)]
pub struct Multicall {
    /// What its client may do.
    pub access: Access,
    /// What keeps it from going on.
    pub pause: Pause,
    /// The calls not begun.
    pub remaining: VecDeque<Value>,
    /// The results so far, written one after the other.
    pub finished: Content,
}

saved! { struct Multicall { access, pause, remaining, finished } }

/// Why a multicall does not go on at once.
#[derive(Debug)]
pub enum Pause {
    /// The present call is waited for.
    Call(Box<PendingAction>),
    /// It has had its share of the turn of the loop that began at this moment.
    Turn(Monotonic),
}

saved! { enum Pause { Call(a), Turn(a) } }

/// One process of several.
#[derive(Debug)]
pub enum Slot {
    Finished(Value),
    /// It is waited for.
    Awaited(AwaitedProcess),
}

saved! { enum Slot { Finished(a), Awaited(a) } }

/// The statuses of all, taken out, if none is waited for.
pub fn statuses(slots: &mut Vec<Slot>) -> Option<Value> {
    if slots.iter().any(|slot| matches!(slot, Slot::Awaited(_))) {
        return None;
    }
    let finished = slots.drain(..).filter_map(|slot| match slot {
        Slot::Finished(status) => Some(status),
        Slot::Awaited(_) => None,
    });
    Some(Value::Array(finished.collect()))
}

/// One process that is waited for.
#[derive(Debug)]
pub struct AwaitedProcess {
    pub id: ProcessId,
    /// How faults name it.
    pub name: String,
    pub goal: Goal,
}

saved! { struct AwaitedProcess { id, name, goal } }

#[derive(Debug)]
pub enum Goal {
    /// That it is RUNNING.
    Started,
    /// That its child has ended; with the moment for the next line in the log.
    Stopped {
        /// The pid of the child that was told to stop.
        child: i32,
        /// When `waiting for ... to stop` is due.
        report_at: Monotonic,
    },
}

saved! { enum Goal { Started, Stopped { child, report_at } } }

/// What may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is RUNNING.
    Running,
    /// It is RUNNING, which is ready where that is asked for.
    Ready,
    /// It is RUNNING, and healthy if it is looked after.
    Healthy,
    /// It has ended by itself.
    Exited,
    /// It does not run, and will not without somebody's wish.
    Stopped,
}

saved! { enum Condition { Running, Ready, Healthy, Exited, Stopped } }

/// Processes that are to meet a condition.
#[derive(Debug)]
pub struct Awaited {
    pub ids: Vec<ProcessId>,
    /// How faults name what was asked for.
    pub name: String,
    pub condition: Condition,
    /// When the time is over.
    pub deadline: Monotonic,
}

saved! { struct Awaited { ids, name, condition, deadline } }

impl PendingAction {
    /// When it wants to be asked again though no process has changed its state.
    pub fn next_poll(&self) -> Option<Monotonic> {
        let at = |process: &AwaitedProcess| match process.goal {
            Goal::Stopped { report_at, .. } => Some(report_at),
            Goal::Started => None,
        };
        match self {
            PendingAction::Process(process) => at(process),
            PendingAction::Several(slots) => slots
                .iter()
                .filter_map(|slot| match slot {
                    Slot::Awaited(process) => at(process),
                    Slot::Finished(_) => None,
                })
                .min(),
            PendingAction::Multicall(multicall) => match &multicall.pause {
                Pause::Call(call) => call.next_poll(),
                Pause::Turn(turn) => Some(turn.just_after()),
            },
            PendingAction::Listing(listing) => Some(listing.turn.just_after()),
            // The job itself is gone on with.
            PendingAction::Job(_) => None,
            PendingAction::Condition(awaited) => Some(awaited.deadline),
        }
    }

    /// Whether it works for as long as it is let, instead of waiting for processes.
    pub fn is_at_work(&self) -> bool {
        match self {
            PendingAction::Multicall(multicall) => matches!(multicall.pause, Pause::Turn(_)),
            PendingAction::Listing(_) => true,
            PendingAction::Process(_)
            | PendingAction::Several(_)
            | PendingAction::Job(_)
            | PendingAction::Condition(_) => false,
        }
    }

    /// How much it has written so far, in bytes.
    pub fn size(&self) -> usize {
        match self {
            PendingAction::Multicall(multicall) => multicall.finished.text_size(),
            PendingAction::Listing(listing) => listing.content.text_size(),
            PendingAction::Process(_)
            | PendingAction::Several(_)
            | PendingAction::Job(_)
            | PendingAction::Condition(_) => 0,
        }
    }
}
