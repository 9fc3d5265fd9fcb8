//! The daemon's one connection to the system's log, for the main log and for
//! children: what it cannot send at once waits, and its failures are kept for
//! whoever tells them.

use std::io;
use std::os::fd::OwnedFd;

use crate::loggers::failure::{LogFailure, Operation};
use crate::sys::syslog::Syslog;

/// The system's log as a destination of records.
#[derive(Debug)]
pub struct SystemLog {
    syslog: Syslog,
    failure: Option<LogFailure>,
}

impl SystemLog {
    /// Records will carry `program` as the name of their sender.
    pub fn new(program: &str) -> SystemLog {
        SystemLog {
            syslog: Syslog::new(program),
            failure: None,
        }
    }

    /// Sends a record, or keeps it while the log is busy.
    pub fn send(&mut self, text: &[u8]) {
        let outcome = self.syslog.send(text);
        self.note(outcome);
    }

    /// Tries again to send what waits.
    pub fn flush(&mut self) {
        let outcome = self.syslog.flush();
        self.note(outcome);
    }

    /// Counts what waits as lost.
    pub fn give_up(&mut self) {
        self.syslog.give_up();
    }

    fn note(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            self.failure = Some(LogFailure::new(Operation::Write, "syslog", &error));
        }
    }

    /// How many bytes wait.
    pub fn pending(&self) -> u64 {
        self.syslog.pending() as u64
    }

    /// A second descriptor of the connection, to wait until it takes more.
    pub fn outlet(&self) -> io::Result<OwnedFd> {
        self.syslog.duplicate()
    }

    /// Changes when the connection is another one.
    pub fn serial(&self) -> u64 {
        self.syslog.serial()
    }

    /// The latest failure since the last call.
    pub fn take_failure(&mut self) -> Option<LogFailure> {
        self.failure.take()
    }

    /// How many bytes of records were lost since the last call.
    pub fn take_lost(&mut self) -> u64 {
        self.syslog.take_lost()
    }
}
