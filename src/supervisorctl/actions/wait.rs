//! `wait`: until processes are as they should be. The server answers when they are; one that
//! restarts meanwhile is asked again.

use std::time::{Duration, Instant};

use super::expanded;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::manner::{CONDITIONS, Manner};
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How long a server that is away has before it is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// Longer than anybody waits.
const LONG: Duration = Duration::from_secs(1_000_000_000);

/// `wait NAME… [--for CONDITION] [--timeout DURATION]`
pub fn wait(session: &mut Session, manner: Manner, words: &[&str]) -> Result<(), Failure> {
    let end = manner.stop_within.map(|time| Instant::now() + time);
    let condition = manner.condition.unwrap_or(CONDITIONS[0]);
    // Without a time, a server that was never there is an error.
    let mut may_be_away = end.is_some();
    let names = loop {
        match expanded(session, words) {
            Err(failure) if may_be_away && is_away(&failure) => {
                if !is_time_left(session, end)? {
                    return Ok(());
                }
            }
            names => break names?,
        }
    };
    for name in names {
        loop {
            let rest = end.map_or(LONG, |end| end.saturating_duration_since(Instant::now()));
            let parameters = [
                Value::string(&name),
                Value::string(condition),
                Value::Double(rest.as_secs_f64()),
            ];
            match session.try_call("waitForProcess", &parameters) {
                Ok(Ok(_)) => break,
                Ok(Err(fault)) if fault.is(FaultCode::ShutdownState) => {}
                Ok(Err(fault)) => return complain(session, &name, fault),
                Err(failure) if may_be_away && is_away(&failure) => {}
                // The answer did not come: it was there.
                Err(Failure::Call(error)) if error.is_broken_off() => {}
                Err(failure) => return Err(failure),
            }
            may_be_away = true;
            if !is_time_left(session, end)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Whether a server is not there at present.
fn is_away(failure: &Failure) -> bool {
    matches!(
        failure.call(),
        Some(CallError::System(_) | CallError::Disconnected)
    )
}

/// Waits before the server is asked again. False if the time is over, which has been told.
fn is_time_left(session: &mut Session, end: Option<Instant>) -> Result<bool, Failure> {
    session.client.disconnect();
    let rest = end.map_or(PAUSE, |end| end.saturating_duration_since(Instant::now()));
    if rest.is_zero() {
        session.refuse("ERROR: the time is over, and supervisord does not answer")?;
        return Ok(false);
    }
    session.pause(rest.min(PAUSE))?;
    Ok(true)
}

/// Tells why the processes of that name are not as they should be.
fn complain(session: &mut Session, name: &str, fault: Fault) -> Result<(), Failure> {
    let detail = fault.text.split_once(": ").map(|(_, detail)| detail);
    let detail = detail.unwrap_or(&fault.text);
    if fault.is(FaultCode::AbnormalTermination) {
        session.refuse(&format!("ERROR: {detail}"))
    } else if fault.is(FaultCode::Failed) {
        session.refuse(&format!("ERROR: the time is over, {detail}"))
    } else if fault.is(FaultCode::BadName) {
        session.hints.add_unknown(name, Sought::Processes);
        session.refuse(&format!("{name}: ERROR (no such process)"))
    } else {
        Err(fault.into())
    }
}
