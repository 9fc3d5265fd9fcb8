//! What may start or stop next, by the states of all processes: pure functions, which the
//! supervisor asks when processes were added or have entered a state.
//!
//! Two rules: processes start by priority, and at a shutdown those of one priority stop
//! together, when all of every later priority have stopped.

use crate::sort;
use crate::states::ProcessState;
use crate::tokens::ProcessId;

/// A process as the scheduler sees it.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub id: ProcessId,
    /// Priority and name of its group.
    pub group: (i64, &'a str),
    /// Its own priority and name.
    pub own: (i64, &'a str),
    pub state: ProcessState,
}

/// How far a shutdown is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStop {
    /// These are to be told to stop, in this order.
    Stop(Vec<ProcessId>),
    /// Some that were told have not stopped yet.
    Waits,
    /// All have stopped.
    Finished,
}

/// In the order in which they start: group by group, by priority and then by name, and so within
/// each group. They stop in the opposite one.
pub fn starting_order<'a>(members: impl Iterator<Item = Member<'a>>) -> Vec<ProcessId> {
    let mut members: Vec<Member<'_>> = members.collect();
    sort::by(&mut members, |a, b| (a.group, a.own).cmp(&(b.group, b.own)));
    members.iter().map(|member| member.id).collect()
}

/// What stops next of those that all have to stop.
pub fn next_to_stop<'a>(members: impl Iterator<Item = Member<'a>>) -> NextStop {
    let mut latest = None;
    let mut told = Vec::new();
    for member in members.filter(|member| !member.state.is_stopped()) {
        let priority = Some(member.group.0);
        if priority > latest {
            latest = priority;
            told.clear();
        }
        if priority == latest && member.state.is_running() {
            told.push(member);
        }
    }
    if latest.is_none() {
        return NextStop::Finished;
    }
    if told.is_empty() {
        return NextStop::Waits;
    }
    let mut ids = starting_order(told.into_iter());
    ids.reverse();
    NextStop::Stop(ids)
}

#[cfg(test)]
mod tests;
