//! What became of one process: the line for it, and what it does to the exit
//! status. The table of codes and texts is the one that deployment tools know.

use super::exit_status;
use super::failure::{CallError, Failure};
use super::hints::Sought;
use super::names::display_name;
use super::reply::{ProcessResult, Reply};
use super::screen;
use super::session::Session;
use crate::text::plain;
use crate::xmlrpc::fault::{Fault, FaultCode};

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Start,
    Stop,
    /// The same without waiting for the end of it.
    BeginStart,
    BeginStop,
    Signal,
    Clear,
    Reopen,
    Rotate,
    Disable,
    Enable,
}

impl Verb {
    /// The same without waiting for the end of it, if there is anything to wait for.
    pub fn begun(self) -> Verb {
        match self {
            Verb::Start => Verb::BeginStart,
            Verb::Stop => Verb::BeginStop,
            other => other,
        }
    }

    pub fn is_start(self) -> bool {
        matches!(self, Verb::Start | Verb::BeginStart)
    }

    pub fn is_begun(self) -> bool {
        matches!(self, Verb::BeginStart | Verb::BeginStop)
    }

    pub fn method_for_one(self) -> &'static str {
        match self {
            Verb::Start | Verb::BeginStart => "startProcess",
            Verb::Stop | Verb::BeginStop => "stopProcess",
            Verb::Signal => "signalProcess",
            Verb::Clear => "clearProcessLogs",
            Verb::Reopen => "reopenProcessLogs",
            Verb::Rotate => "rotateProcessLogs",
            Verb::Disable => "disableProcess",
            Verb::Enable => "enableProcess",
        }
    }

    /// The method for a group. Logs have none, so the one for a process
    /// stands in and the server refuses the name.
    pub fn method_for_group(self) -> &'static str {
        match self {
            Verb::Start | Verb::BeginStart => "startProcessGroup",
            Verb::Stop | Verb::BeginStop => "stopProcessGroup",
            Verb::Signal => "signalProcessGroup",
            Verb::Clear => "clearProcessLogs",
            Verb::Reopen => "reopenProcessLogs",
            Verb::Rotate => "rotateProcessLogs",
            Verb::Disable => "disableProcess",
            Verb::Enable => "enableProcess",
        }
    }

    pub fn method_for_all(self) -> &'static str {
        match self {
            Verb::Start | Verb::BeginStart => "startAllProcesses",
            Verb::Stop | Verb::BeginStop => "stopAllProcesses",
            Verb::Signal => "signalAllProcesses",
            Verb::Clear => "clearAllProcessLogs",
            Verb::Reopen => "reopenAllLogs",
            Verb::Rotate => "rotateAllLogs",
            Verb::Disable => "disableProcess",
            Verb::Enable => "enableProcess",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Verb::Start => "started",
            Verb::Stop => "stopped",
            Verb::BeginStart => "starting",
            Verb::BeginStop => "stopping",
            Verb::Signal => "signalled",
            Verb::Clear => "cleared",
            Verb::Reopen => "reopened",
            Verb::Rotate => "rotated",
            Verb::Disable => "disabled",
            Verb::Enable => "enabled",
        }
    }

    /// The words for a fault, where this verb has some.
    fn error(self, code: i64) -> Option<&'static str> {
        let is = |fault: FaultCode| i64::from(fault.code()) == code;
        if is(FaultCode::BadName) {
            return Some("no such process");
        }
        match self {
            Verb::Start | Verb::BeginStart if is(FaultCode::AlreadyStarted) => {
                Some("already started")
            }
            Verb::Start | Verb::BeginStart if is(FaultCode::NoFile) => Some("no such file"),
            Verb::Start | Verb::BeginStart if is(FaultCode::NotExecutable) => {
                Some("file is not executable")
            }
            Verb::Start | Verb::BeginStart if is(FaultCode::SpawnError) => Some("spawn error"),
            Verb::Start | Verb::BeginStart if is(FaultCode::AbnormalTermination) => {
                Some("abnormal termination")
            }
            Verb::Stop | Verb::BeginStop | Verb::Signal if is(FaultCode::NotRunning) => {
                Some("not running")
            }
            Verb::Stop | Verb::BeginStop | Verb::Signal if is(FaultCode::BadSignal) => {
                Some("bad signal name")
            }
            Verb::Clear if is(FaultCode::Failed) => Some("failed"),
            _ => None,
        }
    }

    /// Whether the process is already as it was to be.
    fn is_soft(self, code: i64) -> bool {
        let soft = match self {
            Verb::Start | Verb::BeginStart => FaultCode::AlreadyStarted,
            Verb::Stop | Verb::BeginStop => FaultCode::NotRunning,
            _ => return false,
        };
        i64::from(soft.code()) == code
    }

    /// The line for one process.
    fn line(self, name: &str, code: i64, description: &str) -> Result<String, CallError> {
        if code == i64::from(FaultCode::Success.code()) {
            return Ok(format!("{name}: {}", self.done()));
        }
        if self.is_start()
            && let Some(reason) = dependency(code, description)
        {
            return Ok(format!("{name}: ERROR ({reason})"));
        }
        if let Some(error) = self.error(code) {
            return Ok(format!("{name}: ERROR ({error})"));
        }
        match self {
            Verb::Stop | Verb::BeginStop | Verb::Signal
                if code == i64::from(FaultCode::Failed.code()) =>
            {
                Ok(description.to_owned())
            }
            Verb::Reopen | Verb::Rotate | Verb::Disable | Verb::Enable
                if code == i64::from(FaultCode::Failed.code()) =>
            {
                let reason = description
                    .split_once(": ")
                    .map_or("", |(_, reason)| reason);
                Ok(format!("{name}: ERROR ({})", plain::shown(reason)))
            }
            _ => Err(CallError::UnknownResultCode {
                code,
                name: name.to_owned(),
            }),
        }
    }
}

/// What a process depends on and has kept it from starting, as its fault tells it.
fn dependency(code: i64, description: &str) -> Option<&str> {
    let is_spawn_error = code == i64::from(FaultCode::SpawnError.code());
    let (_, reason) = description.split_once(": ")?.1.split_once(": ")?;
    (is_spawn_error && reason.contains("dependency ")).then_some(reason)
}

/// Reports the answer of a method for one process.
pub fn report_call(
    session: &mut Session,
    verb: Verb,
    name: &str,
    outcome: Result<Reply, Fault>,
) -> Result<(), Failure> {
    match outcome {
        Ok(_) => report(session, verb, name, FaultCode::Success.code().into(), ""),
        Err(fault) => report(session, verb, name, i64::from(fault.code), &fault.text),
    }
}

/// Reports the entries that a method for several processes returned.
pub fn report_results(
    session: &mut Session,
    verb: Verb,
    results: &[ProcessResult],
) -> Result<(), Failure> {
    for result in results {
        let name = display_name(&result.group, &result.name);
        report(session, verb, &name, result.status, &result.description)?;
    }
    Ok(())
}

/// Reports a name for a group that there is not.
pub fn report_unknown_group(session: &mut Session, verb: Verb, group: &str) -> Result<(), Failure> {
    let exit_status = match verb {
        Verb::Start | Verb::BeginStart => exit_status::INVALID_ARGUMENTS,
        _ => exit_status::GENERIC,
    };
    let hints = &mut session.hints;
    hints.add_unknown(&format!("{group}:*"), Sought::Processes);
    session.fail(exit_status, &format!("{group}: ERROR (no such group)"))
}

/// Reports one process, by a code.
pub fn report(
    session: &mut Session,
    verb: Verb,
    name: &str,
    code: i64,
    description: &str,
) -> Result<(), Failure> {
    let line = verb.line(name, code, description)?;
    let is = |fault: FaultCode| i64::from(fault.code()) == code;
    if !is(FaultCode::Success) && !verb.is_soft(code) {
        session.exit_status = exit_status::of_fault(code);
    }
    session.print(&line)?;
    let mut reason = None;
    if is(FaultCode::BadName) {
        session.hints.add_unknown(name, Sought::Processes);
    } else if is(FaultCode::SpawnError) || is(FaultCode::AbnormalTermination) {
        session.hints.add_failed(name);
        // Of a oneshot the end is told behind its name.
        reason = behind(description).and_then(behind);
    } else if is(FaultCode::NoFile) || is(FaultCode::NotExecutable) {
        reason = behind(description);
    }
    if let Some(reason) = reason {
        screen::complain(&format!("{name}: {reason}"));
    }
    Ok(())
}

/// What follows the first colon.
fn behind(text: &str) -> Option<&str> {
    text.split_once(": ").map(|(_, behind)| behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_named() {
        let line = |verb: Verb, text| verb.line("x", 50, text).ok();
        let expected = Some("x: ERROR (dependency db is FATAL)".to_owned());
        let text = "SPAWN_ERROR: x: dependency db is FATAL";
        assert_eq!(line(Verb::Start, text), expected);
        assert_eq!(line(Verb::BeginStart, text), expected);
        let plain = Some("x: ERROR (spawn error)".to_owned());
        assert_eq!(line(Verb::Start, "SPAWN_ERROR: dependency"), plain);
    }

    #[test]
    fn each_verb_has_its_texts_for_codes() {
        for (verb, code, expected) in [
            (Verb::Start, 80, Some("x: started")),
            (Verb::Start, 60, Some("x: ERROR (already started)")),
            (Verb::Start, 10, Some("x: ERROR (no such process)")),
            (Verb::Start, 20, Some("x: ERROR (no such file)")),
            (Verb::Start, 21, Some("x: ERROR (file is not executable)")),
            (Verb::Start, 50, Some("x: ERROR (spawn error)")),
            (Verb::Start, 40, Some("x: ERROR (abnormal termination)")),
            (Verb::Start, 70, None),
            (Verb::Start, 30, None),
            (Verb::Stop, 80, Some("x: stopped")),
            (Verb::Stop, 70, Some("x: ERROR (not running)")),
            (Verb::Stop, 11, Some("x: ERROR (bad signal name)")),
            (Verb::Stop, 30, Some("FAILED: why")),
            (Verb::Stop, 60, None),
            (Verb::BeginStart, 80, Some("x: starting")),
            (Verb::BeginStart, 60, Some("x: ERROR (already started)")),
            (Verb::BeginStop, 80, Some("x: stopping")),
            (Verb::BeginStop, 70, Some("x: ERROR (not running)")),
            (Verb::BeginStop, 30, Some("FAILED: why")),
            (Verb::Signal, 80, Some("x: signalled")),
            (Verb::Signal, 11, Some("x: ERROR (bad signal name)")),
            (Verb::Signal, 30, Some("FAILED: why")),
            (Verb::Clear, 80, Some("x: cleared")),
            (Verb::Clear, 30, Some("x: ERROR (failed)")),
            (Verb::Clear, 70, None),
            (Verb::Reopen, 80, Some("x: reopened")),
            (Verb::Rotate, 80, Some("x: rotated")),
            (Verb::Rotate, 30, Some("x: ERROR (why)")),
            (Verb::Rotate, 10, Some("x: ERROR (no such process)")),
            (Verb::Disable, 80, Some("x: disabled")),
            (Verb::Enable, 80, Some("x: enabled")),
            (Verb::Enable, 30, Some("x: ERROR (why)")),
        ] {
            let line = verb.line("x", code, "FAILED: why");
            assert_eq!(line.ok().as_deref(), expected, "{verb:?} {code}");
        }
    }
}
