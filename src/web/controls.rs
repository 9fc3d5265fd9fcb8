//! What the pages say of a state, and what they offer to do in it.

use std::fmt::{Display, Write as _};

use crate::states::ProcessState;

/// In the order in which they are told.
pub const STATES: [ProcessState; 8] = [
    ProcessState::Running,
    ProcessState::Starting,
    ProcessState::Stopping,
    ProcessState::Stopped,
    ProcessState::Exited,
    ProcessState::Backoff,
    ProcessState::Fatal,
    ProcessState::Unknown,
];

/// The name of a state on the pages.
pub fn lower(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Stopped => "stopped",
        ProcessState::Starting => "starting",
        ProcessState::Running => "running",
        ProcessState::Backoff => "backoff",
        ProcessState::Stopping => "stopping",
        ProcessState::Exited => "exited",
        ProcessState::Fatal => "fatal",
        ProcessState::Unknown => "unknown",
    }
}

/// Each state that one of them is in, with how many are in it.
pub fn counts(states: impl Iterator<Item = ProcessState>) -> Vec<(ProcessState, usize)> {
    let mut counts = STATES.map(|state| (state, 0));
    for state in states {
        if let Some((_, count)) = counts.iter_mut().find(|(other, _)| *other == state) {
            *count += 1;
        }
    }
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Adds a text in the colour of a state.
pub fn push_mark(page: &mut String, state: &str, text: impl Display) {
    let _ = write!(page, "<span class=\"state {state}\">{text}</span>");
}

/// What can be done in a state. Unlike on the page of 4.3.0, a process that is
/// being started can be stopped.
pub fn actions_in(state: ProcessState) -> &'static [(&'static str, &'static str)] {
    match state {
        ProcessState::Running | ProcessState::Starting | ProcessState::Backoff => {
            &[("stop", "Stop"), ("restart", "Restart")]
        }
        ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal => &[("start", "Start")],
        ProcessState::Stopping | ProcessState::Unknown => &[],
    }
}

/// Logs are emptied through the living child alone.
pub fn has_child(state: ProcessState) -> bool {
    matches!(
        state,
        ProcessState::Running
            | ProcessState::Starting
            | ProcessState::Stopping
            | ProcessState::Unknown
    )
}
