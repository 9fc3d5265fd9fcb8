//! What all commands that read logs share: which log, how much of it is asked for,
//! and why it was not given.

use crate::supervisorctl::client::LogStream;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::process_logs;
use crate::supervisorctl::session::Session;
use crate::tokens::Channel;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How much of a log is shown, in bytes, unless told.
pub const DEFAULT_BYTES: i64 = 1600;

/// A log that the server can be asked for.
pub enum RemoteLog {
    /// The server's own.
    Main,
    /// One of the process of that name, as it was typed.
    Process(String, Channel),
}

impl RemoteLog {
    fn name(&self) -> &str {
        match self {
            RemoteLog::Main => "supervisord",
            RemoteLog::Process(name, _) => name,
        }
    }

    /// Its process may not be there.
    pub fn hint(&self, session: &mut Session) {
        if let RemoteLog::Process(name, _) = self {
            session.hints.add_unknown(name, Sought::Processes);
        }
    }

    /// Opens its stream. `None` after the reason has been told.
    pub fn open(&self, session: &mut Session) -> Result<Option<LogStream>, Failure> {
        let RemoteLog::Process(name, channel) = self else {
            return process_logs::open(session, "/mainlogtail");
        };
        process_logs::open(session, &process_logs::stream_path(name, *channel))
    }

    /// Reads its last so many bytes. `None` after the reason has been printed.
    pub fn read(&self, session: &mut Session, bytes: i64) -> Result<Option<Vec<u8>>, Failure> {
        match self.try_read(session, bytes)? {
            Ok(text) => Ok(Some(text)),
            Err(fault) => {
                self.refuse(session, fault)?;
                Ok(None)
            }
        }
    }

    /// The same with the reason as a value. Where XML-RPC could not carry all of the
    /// text, it is asked for in another way.
    pub fn try_read(
        &self,
        session: &mut Session,
        bytes: i64,
    ) -> Result<Result<Vec<u8>, Fault>, Failure> {
        let part = [offset(bytes)?, Value::Int(0)];
        let outcome = match self {
            RemoteLog::Main => session.try_call("readLog", &part)?,
            RemoteLog::Process(name, channel) => {
                let parameters = [&[Value::string(name)][..], &part].concat();
                session.try_call(process_logs::read_method(*channel), &parameters)?
            }
        };
        let text = match outcome {
            Ok(reply) => reply.text()?,
            Err(fault) => return Ok(Err(fault)),
        };
        let is_harmed = text.contains(char::REPLACEMENT_CHARACTER);
        let offset = bytes.checked_neg().filter(|_| is_harmed);
        let log = match self {
            RemoteLog::Main => None,
            RemoteLog::Process(name, channel) => Some((name.as_str(), channel.name())),
        };
        let whole = offset.and_then(|offset| session.client.bytes_of_log(log, offset));
        Ok(Ok(whole.unwrap_or_else(|| text.into_bytes())))
    }

    /// Reports why it cannot be read.
    fn refuse(&self, session: &mut Session, fault: Fault) -> Result<(), Failure> {
        let name = self.name();
        let is_of_process = matches!(self, RemoteLog::Process(..));
        let reason = if fault.is(FaultCode::NoFile) {
            "no log file"
        } else if fault.is(FaultCode::Failed) {
            "unknown error reading log"
        } else if fault.is(FaultCode::BadName) && is_of_process {
            self.hint(session);
            "no such process name"
        } else {
            return Err(fault.into());
        };
        session.refuse(&format!("{name}: ERROR ({reason})"))
    }
}

/// The offset that asks for the last so many bytes. XML-RPC has 32 bits for it.
fn offset(bytes: i64) -> Result<Value, CallError> {
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
