//! Faults: the codes that clients compare, and their texts.

use std::fmt;

use crate::snapshot::saved;
use crate::text::plain;

/// The code of a fault, with the name that begins its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    UnknownMethod = 1,
    IncorrectParameters = 2,
    BadArguments = 3,
    SignatureUnsupported = 4,
    ShutdownState = 6,
    ReadOnly = 7,
    BadName = 10,
    BadSignal = 11,
    NoFile = 20,
    NotExecutable = 21,
    Failed = 30,
    AbnormalTermination = 40,
    SpawnError = 50,
    AlreadyStarted = 60,
    NotRunning = 70,
    Success = 80,
    AlreadyAdded = 90,
    StillRunning = 91,
    CantReread = 92,
}

impl FaultCode {
    /// The number on the wire.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The name that begins the fault's text.
    pub fn name(self) -> &'static str {
        match self {
            FaultCode::UnknownMethod => "UNKNOWN_METHOD",
            FaultCode::IncorrectParameters => "INCORRECT_PARAMETERS",
            FaultCode::BadArguments => "BAD_ARGUMENTS",
            FaultCode::SignatureUnsupported => "SIGNATURE_UNSUPPORTED",
            FaultCode::ShutdownState => "SHUTDOWN_STATE",
            FaultCode::ReadOnly => "READ_ONLY",
            FaultCode::BadName => "BAD_NAME",
            FaultCode::BadSignal => "BAD_SIGNAL",
            FaultCode::NoFile => "NO_FILE",
            FaultCode::NotExecutable => "NOT_EXECUTABLE",
            FaultCode::Failed => "FAILED",
            FaultCode::AbnormalTermination => "ABNORMAL_TERMINATION",
            FaultCode::SpawnError => "SPAWN_ERROR",
            FaultCode::AlreadyStarted => "ALREADY_STARTED",
            FaultCode::NotRunning => "NOT_RUNNING",
            FaultCode::Success => "SUCCESS",
            FaultCode::AlreadyAdded => "ALREADY_ADDED",
            FaultCode::StillRunning => "STILL_RUNNING",
            FaultCode::CantReread => "CANT_REREAD",
        }
    }
}

/// A fault: a number and a text, as a client receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Number on the wire; any number when another server sent it.
    pub code: i32,
    /// `NAME`, or `NAME: detail`.
    pub text: String,
}

saved! { struct Fault { code, text } }

impl Fault {
    /// The fault with its name alone.
    pub fn new(code: FaultCode) -> Fault {
        Fault {
            code: code.code(),
            text: code.name().to_owned(),
        }
    }

    /// The fault with a detail: `NAME: detail`. Where the detail is what a client or a
    /// child said, it is shown as text.
    pub fn with(code: FaultCode, detail: impl fmt::Display) -> Fault {
        let mut text = format!("{}: {detail}", code.name());
        plain::make_plain(&mut text, 0);
        Fault {
            code: code.code(),
            text,
        }
    }

    /// The fault with a detail that has lines of its own.
    pub fn with_lines(code: FaultCode, detail: impl fmt::Display) -> Fault {
        Fault {
            code: code.code(),
            text: plain::shown_lines(&format!("{}: {detail}", code.name())),
        }
    }

    pub fn is(&self, code: FaultCode) -> bool {
        self.code == code.code()
    }
}
