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
    /// How far it is from those that depend on nothing.
    pub rank: u32,
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
/// each group; of one priority those first that others depend on. They stop in the opposite one.
pub fn starting_order<'a>(members: impl Iterator<Item = Member<'a>>) -> Vec<ProcessId> {
    in_starting_order(members.collect())
}

fn in_starting_order<'a>(mut members: Vec<Member<'a>>) -> Vec<ProcessId> {
    let order = |member: &Member<'a>| {
        let (priority, group) = member.group;
        (priority, member.rank, group, member.own)
    };
    sort::by(&mut members, |a, b| order(a).cmp(&order(b)));
    members.iter().map(|member| member.id).collect()
}

/// What stops next of those that all have to stop. Who `is_held` has to wait until those have
/// stopped that depend on it.
pub fn next_to_stop<'a>(
    members: impl Iterator<Item = Member<'a>>,
    is_held: impl Fn(ProcessId) -> bool,
) -> NextStop {
    let mut latest = None;
    let mut is_stopping = false;
    let mut told = Vec::new();
    for member in members.filter(|member| !member.state.is_stopped()) {
        let priority = Some(member.group.0);
        if priority > latest {
            latest = priority;
            is_stopping = false;
            told.clear();
        }
        if priority == latest {
            match member.state.is_running() {
                true => told.push(member),
                false => is_stopping = true,
            }
        }
    }
    if latest.is_none() {
        return NextStop::Finished;
    }
    if told.is_empty() {
        return NextStop::Waits;
    }
    let free = |member: &Member<'a>| !is_held(member.id);
    let mut ids = starting_order(told.iter().copied().filter(free));
    if ids.is_empty() && is_stopping {
        return NextStop::Waits;
    }
    // Nobody is waited for who waits, too.
    if ids.is_empty() {
        ids = starting_order(told.into_iter());
    }
    ids.reverse();
    NextStop::Stop(ids)
}

#[cfg(test)]
mod tests;
