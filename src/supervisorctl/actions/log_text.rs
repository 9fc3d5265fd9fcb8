//! What all commands that read logs share: how much is asked for, and why it
//! was not given.

use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How much of a log is shown, in bytes, unless told.
pub const DEFAULT_BYTES: i64 = 1600;

/// Reports why a log cannot be read.
pub fn refuse_log(session: &mut Session, name: &str, fault: Fault) -> Result<(), Failure> {
    let reason = if fault.is(FaultCode::NoFile) {
        "no log file"
    } else if fault.is(FaultCode::Failed) {
        "unknown error reading log"
    } else if fault.is(FaultCode::BadName) && name != "supervisord" {
        "no such process name"
    } else {
        return Err(CallError::Fault(fault).into());
    };
    session.fail(exit_status::GENERIC, &format!("{name}: ERROR ({reason})"))
}

/// A part of a log of a process and a channel, or of supervisord, as it is there: where
/// XML-RPC could not carry all of it, it is asked for in another way.
pub fn bytes_of(session: &Session, log: Option<(&str, &str)>, bytes: i64, text: String) -> Vec<u8> {
    let is_harmed = text.contains(char::REPLACEMENT_CHARACTER);
    let offset = bytes.checked_neg().filter(|_| is_harmed);
    let found = offset.and_then(|offset| session.client.bytes_of_log(log, offset));
    found.unwrap_or_else(|| text.into_bytes())
}

/// The offset that asks for the last so many bytes. XML-RPC has 32 bits for it.
pub fn offset(bytes: i64) -> Result<Value, CallError> {
    let offset = bytes
        .checked_neg()
        .and_then(|offset| i32::try_from(offset).ok());
    offset
        .map(|offset| Value::Int(i64::from(offset)))
        .ok_or(CallError::TooLarge)
}

/// An integer as Python reads it: a sign, digits, single underscores between
/// them. What is beyond 64 bits becomes their limit.
pub fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) if text.starts_with('-') => (-1, digits),
        Some(digits) => (1, digits),
        None => (1, text),
    };
    let groups: Vec<&str> = digits.split('_').collect();
    let is_number = |group: &&str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    if !groups.iter().all(is_number) {
        return None;
    }
    let magnitude: i64 = groups.concat().parse().unwrap_or(i64::MAX);
    Some(sign * magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_32_bits() {
        assert_eq!(offset(1600).ok(), Some(Value::Int(-1600)));
        assert_eq!(offset(1 << 31).ok(), Some(Value::Int(-(1 << 31))));
        assert!(offset((1 << 31) + 1).is_err());
        assert!(offset(i64::MIN).is_err());
    }
}
