//! The types of events: a tree of names. A subscription to a name is one to
//! every type below it; only leaves are ever sent.
//!
//! The names are those of Supervisor 4.3.0, and below them the families that
//! it does not have: `PROCESS_STATE_CHANGE`, which tells monitors of end states,
//! `PROCESS_HEALTH`, `SUPERVISOR_STATE_CHANGE_FATAL` and `MONITOR_QUERY`.

use crate::clock::Period;
use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::tokens::Channel;

/// A type that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A process has changed its state to this one.
    ProcessState(ProcessState),
    /// A process has come to a state that monitors care for.
    StateChange(StateChange),
    /// A process sent a message between the tags of process communication.
    Communication(Channel),
    /// A process wrote something.
    Log(Channel),
    /// A client of XML-RPC sent a message.
    RemoteCommunication,
    SupervisorRunning,
    /// supervisord goes down, to exit or to start again.
    SupervisorStopping,
    /// supervisord could not do what it was told.
    SupervisorFatal,
    /// So many seconds are over.
    Tick(Period),
    /// A process group became active.
    GroupAdded,
    GroupRemoved,
    /// A process has become healthy, or is so no more.
    Health {
        is_healthy: bool,
    },
    /// A pool of monitors is asked to look at the processes that run.
    MonitorQuery,
}

saved! {
    enum EventType {
        ProcessState(a), StateChange(a), Communication(a), Log(a), RemoteCommunication,
        SupervisorRunning, SupervisorStopping, SupervisorFatal, Tick(a), GroupAdded,
        GroupRemoved, Health { is_healthy }, MonitorQuery,
    }
}

/// The states that monitors are told of: the family `PROCESS_STATE_CHANGE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateChange {
    Stopped,
    ExitedExpected,
    ExitedUnexpected,
    Fatal,
    Backoff,
    Running,
}

saved! { enum StateChange { Stopped, ExitedExpected, ExitedUnexpected, Fatal, Backoff, Running } }

/// Every name, each after the name that it is below; empty for roots.
const TREE: &[(&str, &str)] = &[
    ("EVENT", ""),
    ("PROCESS_STATE", "EVENT"),
    ("PROCESS_STATE_STOPPED", "PROCESS_STATE"),
    ("PROCESS_STATE_EXITED", "PROCESS_STATE"),
    ("PROCESS_STATE_STARTING", "PROCESS_STATE"),
    ("PROCESS_STATE_STOPPING", "PROCESS_STATE"),
    ("PROCESS_STATE_BACKOFF", "PROCESS_STATE"),
    ("PROCESS_STATE_FATAL", "PROCESS_STATE"),
    ("PROCESS_STATE_RUNNING", "PROCESS_STATE"),
    ("PROCESS_STATE_UNKNOWN", "PROCESS_STATE"),
    ("PROCESS_COMMUNICATION", "EVENT"),
    ("PROCESS_COMMUNICATION_STDOUT", "PROCESS_COMMUNICATION"),
    ("PROCESS_COMMUNICATION_STDERR", "PROCESS_COMMUNICATION"),
    ("PROCESS_LOG", "EVENT"),
    ("PROCESS_LOG_STDOUT", "PROCESS_LOG"),
    ("PROCESS_LOG_STDERR", "PROCESS_LOG"),
    ("REMOTE_COMMUNICATION", "EVENT"),
    ("SUPERVISOR_STATE_CHANGE", "EVENT"),
    ("SUPERVISOR_STATE_CHANGE_RUNNING", "SUPERVISOR_STATE_CHANGE"),
    (
        "SUPERVISOR_STATE_CHANGE_STOPPING",
        "SUPERVISOR_STATE_CHANGE",
    ),
    ("SUPERVISOR_STATE_CHANGE_FATAL", "SUPERVISOR_STATE_CHANGE"),
    ("TICK", "EVENT"),
    ("TICK_5", "TICK"),
    ("TICK_60", "TICK"),
    ("TICK_3600", "TICK"),
    ("PROCESS_GROUP", "EVENT"),
    ("PROCESS_GROUP_ADDED", "PROCESS_GROUP"),
    ("PROCESS_GROUP_REMOVED", "PROCESS_GROUP"),
    // Not below EVENT: who subscribes to that is told what 4.3.0 tells.
    ("PROCESS_STATE_CHANGE", ""),
    (
        "PROCESS_STATE_CHANGE_STOPPED_OR_EXITED",
        "PROCESS_STATE_CHANGE",
    ),
    (
        "PROCESS_STATE_CHANGE_STOPPED",
        "PROCESS_STATE_CHANGE_STOPPED_OR_EXITED",
    ),
    (
        "PROCESS_STATE_CHANGE_EXITED",
        "PROCESS_STATE_CHANGE_STOPPED_OR_EXITED",
    ),
    (
        "PROCESS_STATE_CHANGE_EXITED_EXPECTED",
        "PROCESS_STATE_CHANGE_EXITED",
    ),
    (
        "PROCESS_STATE_CHANGE_EXITED_UNEXPECTED",
        "PROCESS_STATE_CHANGE_EXITED",
    ),
    ("PROCESS_STATE_CHANGE_FATAL", "PROCESS_STATE_CHANGE"),
    ("PROCESS_STATE_CHANGE_BACKOFF", "PROCESS_STATE_CHANGE"),
    ("PROCESS_STATE_CHANGE_RUNNING", "PROCESS_STATE_CHANGE"),
    ("PROCESS_HEALTH", ""),
    ("PROCESS_HEALTH_HEALTHY", "PROCESS_HEALTH"),
    ("PROCESS_HEALTH_UNHEALTHY", "PROCESS_HEALTH"),
    ("MONITOR_QUERY", ""),
];

/// Every name that can be subscribed to.
pub fn names() -> impl Iterator<Item = &'static str> {
    TREE.iter().map(|(name, _)| *name)
}

impl EventType {
    /// Its name in the header of a message.
    pub fn name(self) -> &'static str {
        match self {
            EventType::ProcessState(state) => match state {
                ProcessState::Stopped => "PROCESS_STATE_STOPPED",
                ProcessState::Starting => "PROCESS_STATE_STARTING",
                ProcessState::Running => "PROCESS_STATE_RUNNING",
                ProcessState::Backoff => "PROCESS_STATE_BACKOFF",
                ProcessState::Stopping => "PROCESS_STATE_STOPPING",
                ProcessState::Exited => "PROCESS_STATE_EXITED",
                ProcessState::Fatal => "PROCESS_STATE_FATAL",
                ProcessState::Unknown => "PROCESS_STATE_UNKNOWN",
            },
            EventType::StateChange(change) => match change {
                StateChange::Stopped => "PROCESS_STATE_CHANGE_STOPPED",
                StateChange::ExitedExpected => "PROCESS_STATE_CHANGE_EXITED_EXPECTED",
                StateChange::ExitedUnexpected => "PROCESS_STATE_CHANGE_EXITED_UNEXPECTED",
                StateChange::Fatal => "PROCESS_STATE_CHANGE_FATAL",
                StateChange::Backoff => "PROCESS_STATE_CHANGE_BACKOFF",
                StateChange::Running => "PROCESS_STATE_CHANGE_RUNNING",
            },
            EventType::Communication(Channel::Stdout) => "PROCESS_COMMUNICATION_STDOUT",
            EventType::Communication(Channel::Stderr) => "PROCESS_COMMUNICATION_STDERR",
            EventType::Log(Channel::Stdout) => "PROCESS_LOG_STDOUT",
            EventType::Log(Channel::Stderr) => "PROCESS_LOG_STDERR",
            EventType::RemoteCommunication => "REMOTE_COMMUNICATION",
            EventType::SupervisorRunning => "SUPERVISOR_STATE_CHANGE_RUNNING",
            EventType::SupervisorStopping => "SUPERVISOR_STATE_CHANGE_STOPPING",
            EventType::SupervisorFatal => "SUPERVISOR_STATE_CHANGE_FATAL",
            EventType::Tick(Period::Seconds) => "TICK_5",
            EventType::Tick(Period::Minute) => "TICK_60",
            EventType::Tick(Period::Hour) => "TICK_3600",
            EventType::GroupAdded => "PROCESS_GROUP_ADDED",
            EventType::GroupRemoved => "PROCESS_GROUP_REMOVED",
            EventType::Health { is_healthy: true } => "PROCESS_HEALTH_HEALTHY",
            EventType::Health { is_healthy: false } => "PROCESS_HEALTH_UNHEALTHY",
            EventType::MonitorQuery => "MONITOR_QUERY",
        }
    }

    /// Whether a subscription to that name is one to this type.
    pub fn is_told_by(self, subscription: &str) -> bool {
        let mut name = self.name();
        while name != subscription {
            match TREE.iter().find(|(known, _)| *known == name) {
                Some((_, above)) if !above.is_empty() => name = above,
                _ => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[EventType] = &[
        EventType::ProcessState(ProcessState::Stopped),
        EventType::ProcessState(ProcessState::Starting),
        EventType::ProcessState(ProcessState::Running),
        EventType::ProcessState(ProcessState::Backoff),
        EventType::ProcessState(ProcessState::Stopping),
        EventType::ProcessState(ProcessState::Exited),
        EventType::ProcessState(ProcessState::Fatal),
        EventType::ProcessState(ProcessState::Unknown),
        EventType::StateChange(StateChange::Stopped),
        EventType::StateChange(StateChange::ExitedExpected),
        EventType::StateChange(StateChange::ExitedUnexpected),
        EventType::StateChange(StateChange::Fatal),
        EventType::StateChange(StateChange::Backoff),
        EventType::StateChange(StateChange::Running),
        EventType::Communication(Channel::Stdout),
        EventType::Communication(Channel::Stderr),
        EventType::Log(Channel::Stdout),
        EventType::Log(Channel::Stderr),
        EventType::RemoteCommunication,
        EventType::SupervisorRunning,
        EventType::SupervisorStopping,
        EventType::SupervisorFatal,
        EventType::Tick(Period::Seconds),
        EventType::Tick(Period::Minute),
        EventType::Tick(Period::Hour),
        EventType::GroupAdded,
        EventType::GroupRemoved,
        EventType::Health { is_healthy: true },
        EventType::Health { is_healthy: false },
        EventType::MonitorQuery,
    ];

    #[test]
    fn every_type_is_a_leaf_of_the_tree_and_every_leaf_a_type() {
        let is_inner = |name: &str| TREE.iter().any(|(_, above)| *above == name);
        let leaves: Vec<&str> = names().filter(|name| !is_inner(name)).collect();
        let mut types: Vec<&str> = ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(types.len(), leaves.len());
        types.retain(|name| !leaves.contains(name));
        assert_eq!(types, [""; 0]);
    }

    #[test]
    fn every_name_stands_after_the_one_that_it_is_below() {
        for (index, (name, above)) in TREE.iter().enumerate() {
            let known = above.is_empty() || TREE[..index].iter().any(|(name, _)| name == above);
            assert!(known, "{name}");
        }
    }

    #[test]
    fn a_subscription_is_one_to_all_types_below_the_name() {
        let told = |subscription: &str| -> Vec<&str> {
            let types = ALL.iter().filter(|kind| kind.is_told_by(subscription));
            types.map(|kind| kind.name()).collect()
        };
        assert_eq!(told("TICK_60"), ["TICK_60"]);
        assert_eq!(told("TICK"), ["TICK_5", "TICK_60", "TICK_3600"]);
        assert_eq!(
            told("PROCESS_STATE_CHANGE_STOPPED_OR_EXITED"),
            [
                "PROCESS_STATE_CHANGE_STOPPED",
                "PROCESS_STATE_CHANGE_EXITED_EXPECTED",
                "PROCESS_STATE_CHANGE_EXITED_UNEXPECTED",
            ]
        );
        // What 4.3.0 has is below EVENT, and one state more of supervisord.
        assert_eq!(told("EVENT").len(), 21);
        assert_eq!(told("MONITOR_QUERY"), ["MONITOR_QUERY"]);
        assert_eq!(told("NOTHING"), [""; 0]);
    }
}
