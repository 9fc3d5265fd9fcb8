//! What an event says. The payloads are those of Supervisor 4.3.0: one line of
//! `key:value` tokens, and for some types data after it. Where 4.3.0 ends a
//! payload with a newline, so does this, and nowhere else.

use std::fmt::Write;

use super::types::{EventType, StateChange};
use crate::clock::Period;
use crate::snapshot::saved;
use crate::states::ProcessState;
use crate::termination::Termination;
use crate::text::pyrepr;
use crate::tokens::Channel;

/// Something that happened. What it says is fixed when it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub kind: EventType,
    pub payload: Vec<u8>,
}

saved! { struct Event { kind, payload } }

/// The process that an event is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub process: &'a str,
    pub group: &'a str,
}

/// A move of a process from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub from: ProcessState,
    pub to: ProcessState,
    /// The child that it is about; 0 for none.
    pub pid: i32,
    /// Starts that failed so far, this one among them.
    pub tries: i64,
    /// How the child ended, where one did, and whether that was expected.
    pub end: Option<(Termination, bool)>,
    /// The key by which the daemon stops it by itself; empty where it does not.
    pub reason: &'static str,
    /// The most memory that it had, in bytes, where that is the reason.
    pub peak: Option<u64>,
}

impl Subject<'_> {
    fn line(self) -> String {
        format!("processname:{} groupname:{}", self.process, self.group)
    }
}

impl Event {
    fn new(kind: EventType, payload: impl Into<Vec<u8>>) -> Event {
        Event {
            kind,
            payload: payload.into(),
        }
    }

    /// `PROCESS_STATE_*`: a process has moved.
    pub fn process_state(subject: Subject<'_>, moved: &Move) -> Event {
        let mut line = subject.line();
        let _ = write!(line, " from_state:{}", moved.from.name());
        let _ = match moved.to {
            ProcessState::Starting | ProcessState::Backoff => {
                write!(line, " tries:{}", moved.tries)
            }
            ProcessState::Exited => {
                let expected = moved.end.is_some_and(|(_, expected)| expected);
                write!(line, " expected:{} pid:{}", u8::from(expected), moved.pid)
            }
            ProcessState::Running | ProcessState::Stopping | ProcessState::Stopped => {
                write!(line, " pid:{}", moved.pid)
            }
            ProcessState::Fatal | ProcessState::Unknown => Ok(()),
        };
        if !moved.reason.is_empty() {
            let _ = write!(line, " reason:{}", moved.reason);
        }
        if let Some(peak) = moved.peak {
            let _ = write!(line, " peak:{peak}");
        }
        Event::new(EventType::ProcessState(moved.to), line)
    }

    /// `PROCESS_STATE_CHANGE_*`: a process has come to a state that monitors
    /// care for; `None` for the others.
    pub fn state_change(subject: Subject<'_>, moved: &Move) -> Option<Event> {
        let expected = moved.end.is_some_and(|(_, expected)| expected);
        let change = match moved.to {
            ProcessState::Stopped => StateChange::Stopped,
            ProcessState::Exited if expected => StateChange::ExitedExpected,
            ProcessState::Exited => StateChange::ExitedUnexpected,
            ProcessState::Fatal => StateChange::Fatal,
            ProcessState::Backoff => StateChange::Backoff,
            ProcessState::Running => StateChange::Running,
            ProcessState::Starting | ProcessState::Stopping | ProcessState::Unknown => return None,
        };
        let mut line = subject.line();
        let _ = write!(line, " from_state:{} pid:{}", moved.from.name(), moved.pid);
        let _ = match change {
            StateChange::Stopped | StateChange::ExitedExpected | StateChange::ExitedUnexpected => {
                let (status, signal) = match moved.end {
                    None => (0, 0),
                    Some((end, _)) => (end.exit_status(), end.signal_number()),
                };
                let expected = u8::from(expected);
                write!(
                    line,
                    " expected:{expected} exitstatus:{status} signal:{signal}"
                )
            }
            StateChange::Backoff | StateChange::Fatal => write!(line, " tries:{}", moved.tries),
            StateChange::Running => Ok(()),
        };
        Some(Event::new(EventType::StateChange(change), line))
    }

    /// `PROCESS_HEALTH_*`: a process has become healthy, or is so no more, and why.
    pub fn health(subject: Subject<'_>, pid: i32, unhealthy: Option<&str>) -> Event {
        let is_healthy = unhealthy.is_none();
        let mut line = format!("{} pid:{pid}", subject.line());
        if let Some(reason) = unhealthy {
            let _ = write!(line, "\n{reason}");
        }
        Event::new(EventType::Health { is_healthy }, line)
    }

    /// `PROCESS_LOG_*`: a piece of output.
    pub fn log(subject: Subject<'_>, pid: i32, channel: Channel, data: &[u8]) -> Event {
        let head = format!("{} pid:{pid} channel:{}\n", subject.line(), channel.name());
        Event::with_data(EventType::Log(channel), head, data)
    }

    /// `PROCESS_COMMUNICATION_*`: a message between the tags.
    pub fn communication(subject: Subject<'_>, pid: i32, channel: Channel, data: &[u8]) -> Event {
        let head = format!("{} pid:{pid}\n", subject.line());
        Event::with_data(EventType::Communication(channel), head, data)
    }

    /// Payloads are text to listeners: 4.3.0 shows what is not UTF-8 as Python
    /// does, for the whole piece.
    fn with_data(kind: EventType, head: String, data: &[u8]) -> Event {
        let mut payload = head.into_bytes();
        payload.extend_from_slice(pyrepr::decoded(data).as_bytes());
        Event { kind, payload }
    }

    /// `REMOTE_COMMUNICATION`: a message from a client, nothing escaped.
    pub fn remote_communication(name: &str, data: &str) -> Event {
        Event::new(
            EventType::RemoteCommunication,
            format!("type:{name}\n{data}"),
        )
    }

    /// `TICK_*`: `when` is in seconds since 1970, a multiple of the period.
    pub fn tick(period: Period, when: u64) -> Event {
        Event::new(EventType::Tick(period), format!("when:{when}"))
    }

    pub fn group_added(group: &str) -> Event {
        Event::new(EventType::GroupAdded, format!("groupname:{group}\n"))
    }

    pub fn group_removed(group: &str) -> Event {
        Event::new(EventType::GroupRemoved, format!("groupname:{group}\n"))
    }

    pub fn supervisor_running() -> Event {
        Event::new(EventType::SupervisorRunning, "")
    }

    pub fn supervisor_stopping() -> Event {
        Event::new(EventType::SupervisorStopping, "")
    }

    pub fn supervisor_fatal(reason: &str) -> Event {
        Event::new(EventType::SupervisorFatal, reason)
    }

    /// `MONITOR_QUERY`: the processes to look at, in ascending order.
    pub fn monitor_query(pids: &[i32]) -> Event {
        let mut line = String::from("pids:");
        for pid in pids {
            let _ = write!(line, " {pid}");
        }
        Event::new(EventType::MonitorQuery, line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: Subject<'_> = Subject {
        process: "web",
        group: "site",
    };

    fn moved(from: ProcessState, to: ProcessState) -> Move {
        Move {
            from,
            to,
            pid: 42,
            tries: 2,
            end: None,
            reason: "",
            peak: None,
        }
    }

    fn text(event: Event) -> String {
        String::from_utf8(event.payload).unwrap()
    }

    #[test]
    fn each_state_has_the_payload_of_the_original() {
        use ProcessState::*;
        for (from, to, end, rest) in [
            (Stopped, Starting, None, "from_state:STOPPED tries:2"),
            (Starting, Running, None, "from_state:STARTING pid:42"),
            (Starting, Backoff, None, "from_state:STARTING tries:2"),
            (Running, Stopping, None, "from_state:RUNNING pid:42"),
            (
                Running,
                Exited,
                Some((Termination::Exited(0), true)),
                "from_state:RUNNING expected:1 pid:42",
            ),
            (
                Running,
                Exited,
                Some((Termination::Exited(3), false)),
                "from_state:RUNNING expected:0 pid:42",
            ),
            (Stopping, Stopped, None, "from_state:STOPPING pid:42"),
            (Backoff, Fatal, None, "from_state:BACKOFF"),
            (Stopping, Unknown, None, "from_state:STOPPING"),
        ] {
            let moved = Move {
                end,
                ..moved(from, to)
            };
            let event = Event::process_state(WEB, &moved);
            assert_eq!(event.kind, EventType::ProcessState(to));
            assert_eq!(
                text(event),
                format!("processname:web groupname:site {rest}")
            );
        }
    }

    #[test]
    fn a_reason_of_the_daemon_follows() {
        let moved = Move {
            reason: "memory_check",
            peak: Some(4096),
            ..moved(ProcessState::Running, ProcessState::Stopping)
        };
        assert_eq!(
            text(Event::process_state(WEB, &moved)),
            "processname:web groupname:site from_state:RUNNING pid:42 reason:memory_check peak:4096"
        );
    }

    #[test]
    fn monitors_are_told_of_end_states_only() {
        use ProcessState::*;
        let killed = Termination::Signaled {
            signal: libc::SIGKILL,
            core_dumped: false,
        };
        for (from, to, end, expected) in [
            (
                Running,
                Exited,
                Some((Termination::Exited(3), false)),
                Some("from_state:RUNNING pid:42 expected:0 exitstatus:3 signal:0"),
            ),
            (
                Running,
                Exited,
                Some((Termination::Exited(0), true)),
                Some("from_state:RUNNING pid:42 expected:1 exitstatus:0 signal:0"),
            ),
            (
                Stopping,
                Stopped,
                Some((killed, false)),
                Some("from_state:STOPPING pid:42 expected:0 exitstatus:-1 signal:9"),
            ),
            (
                Backoff,
                Fatal,
                None,
                Some("from_state:BACKOFF pid:42 tries:2"),
            ),
            (
                Starting,
                Backoff,
                None,
                Some("from_state:STARTING pid:42 tries:2"),
            ),
            (Starting, Running, None, Some("from_state:STARTING pid:42")),
            (Stopped, Starting, None, None),
            (Running, Stopping, None, None),
            (Running, Unknown, None, None),
        ] {
            let moved = Move {
                end,
                ..moved(from, to)
            };
            let told = Event::state_change(WEB, &moved).map(text);
            let expected = expected.map(|rest| format!("processname:web groupname:site {rest}"));
            assert_eq!(told, expected, "{to:?}");
        }
    }

    #[test]
    fn output_follows_its_line_and_is_text() {
        let event = Event::log(WEB, 42, Channel::Stdout, b"two\nlines\n");
        assert_eq!(
            text(event),
            "processname:web groupname:site pid:42 channel:stdout\ntwo\nlines\n"
        );
        let event = Event::communication(WEB, 42, Channel::Stderr, b"\xff'\n");
        assert_eq!(
            text(event),
            "processname:web groupname:site pid:42\nUndecodable: b\"\\xff'\\n\""
        );
    }

    #[test]
    fn only_groups_end_in_a_newline() {
        assert_eq!(text(Event::group_added("g")), "groupname:g\n");
        assert_eq!(text(Event::tick(Period::Minute, 120)), "when:120");
        assert_eq!(text(Event::remote_communication("a", "b\n")), "type:a\nb\n");
        assert_eq!(text(Event::supervisor_stopping()), "");
        assert_eq!(text(Event::monitor_query(&[2, 30])), "pids: 2 30");
    }
}
