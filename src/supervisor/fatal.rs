//! supervisord's own FATAL state: it could not do something that it was told to
//! do, and supervises all the same. The state ends when the same thing
//! succeeds, when somebody has taken note of it, or with a restart. 4.3.0 has
//! its number and its name, and never enters it.

use crate::events::event::Event;
use crate::loop_context::LoopContext;
use crate::process::group::namespec;
use crate::process::subprocess::Subprocess;
use crate::snapshot::saved;
use crate::states::SupervisorState;
use crate::supervisor::Supervisor;
use crate::text::plain;

/// How many failures are remembered; then the oldest gives way. Each is of a
/// process that was there once, so it takes many rereads to come here.
const REMEMBERED: usize = 256;

/// What supervisord was told to do; processes by their names, for they may be removed and added again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    ClearMainLog,
    ClearLogs(String),
    Signal(String),
}

saved! { enum Operation { ClearMainLog, ClearLogs(a), Signal(a) } }

impl Operation {
    pub fn clear_logs(process: &Subprocess) -> Operation {
        Operation::ClearLogs(namespec(process.group_name(), &process.config().name))
    }

    pub fn signal(process: &Subprocess) -> Operation {
        Operation::Signal(namespec(process.group_name(), &process.config().name))
    }
}

/// What has failed and has not been done since, each with the reason; the latest is last.
#[derive(Debug, Default)]
pub struct Failures(Vec<(Operation, String)>);

saved! { struct Failures(_); }

impl Failures {
    fn add(&mut self, operation: Operation, reason: String) {
        self.remove(&operation);
        if self.0.len() >= REMEMBERED {
            self.0.remove(0);
        }
        self.0.push((operation, reason));
    }

    /// Whether it was there.
    fn remove(&mut self, operation: &Operation) -> bool {
        let before = self.0.len();
        self.0.retain(|(failed, _)| failed != operation);
        self.0.len() < before
    }

    fn latest(&self) -> Option<&str> {
        self.0.last().map(|(_, reason)| reason.as_str())
    }
}

impl Supervisor {
    /// The state of supervisord. Going down is graver than being FATAL.
    pub fn state(&self) -> SupervisorState {
        match self.failures.latest() {
            Some(_) if self.state == SupervisorState::Running => SupervisorState::Fatal,
            _ => self.state,
        }
    }

    /// Why supervisord is FATAL; empty if it is not.
    pub fn state_reason(&self) -> &str {
        match self.state() {
            SupervisorState::Fatal => self.failures.latest().unwrap_or_default(),
            _ => "",
        }
    }

    /// Something could not be done, for a reason that names the path or the pid:
    /// supervisord is FATAL from here on, unless it goes down anyway.
    pub fn failed(&mut self, context: &mut LoopContext, operation: Operation, reason: String) {
        if self.state.is_going_down() {
            return;
        }
        let reason = plain::shown(&reason).into_owned();
        context
            .log
            .critical(format_args!("supervisord is in FATAL state: {reason}"));
        let before = self.state();
        self.failures.add(operation, reason.clone());
        self.changed = true;
        if before == SupervisorState::Running {
            self.emit(context, &Event::supervisor_fatal(&reason));
        }
    }

    /// Something was done. If it is what failed before, that is over.
    pub fn succeeded(&mut self, context: &mut LoopContext, operation: &Operation) {
        if self.failures.remove(operation) {
            self.tell_of_end(context);
        }
    }

    /// Somebody has taken note: supervisord is RUNNING again.
    pub fn clear_fatal(&mut self, context: &mut LoopContext) {
        if self.failures.latest().is_some() {
            self.failures = Failures::default();
            self.tell_of_end(context);
        }
    }

    fn tell_of_end(&mut self, context: &mut LoopContext) {
        self.changed = true;
        if self.state() == SupervisorState::Running {
            context.log.info("supervisord is in RUNNING state again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(name: &str) -> Operation {
        Operation::Signal(name.to_owned())
    }

    #[test]
    fn the_latest_failure_that_stands_is_the_reason() {
        let mut failures = Failures::default();
        assert_eq!(failures.latest(), None);
        failures.add(Operation::ClearMainLog, "log".to_owned());
        failures.add(signal("a"), "a".to_owned());
        assert_eq!(failures.latest(), Some("a"));
        failures.add(Operation::ClearMainLog, "log again".to_owned());
        assert_eq!(failures.latest(), Some("log again"));
        assert!(!failures.remove(&Operation::ClearLogs("a".to_owned())));
        assert!(failures.remove(&Operation::ClearMainLog));
        assert!(!failures.remove(&Operation::ClearMainLog));
        assert_eq!(failures.latest(), Some("a"));
        assert!(failures.remove(&signal("a")));
        assert_eq!(failures.latest(), None);
    }

    #[test]
    fn only_so_many_failures_are_remembered() {
        let mut failures = Failures::default();
        for number in 0..2 * REMEMBERED {
            failures.add(signal(&number.to_string()), number.to_string());
        }
        assert_eq!(failures.0.len(), REMEMBERED);
        assert_eq!(failures.latest(), Some("511"));
        assert!(!failures.remove(&signal("0")));
    }
}
