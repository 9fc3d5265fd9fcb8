//! The exit statuses of supervisorctl: the numbers that the LSB gives init
//! scripts. Every hard failure overwrites the status, nothing resets it, so
//! the last hard failure of a command decides.

use crate::xmlrpc::fault::FaultCode;

/// All went well.
pub const SUCCESS: u8 = 0;
/// Anything without a number of its own.
pub const GENERIC: u8 = 1;
/// Words of a command line that make no sense.
pub const INVALID_ARGUMENTS: u8 = 2;
/// The server does not have the supervisor namespace.
pub const UNIMPLEMENTED: u8 = 3;
/// The server refused the connection, or lets this client look and change nothing.
pub const INSUFFICIENT_PRIVILEGES: u8 = 4;
/// The server has another version of the interface.
pub const NOT_INSTALLED: u8 = 5;
/// A process is not running, or the server is not.
pub const NOT_RUNNING: u8 = 7;
/// `update --dry-run` and `reread --diff`: something would change.
pub const DIFFERENT: u8 = 8;
/// `status`: at least one listed process is down.
pub const STATUS_NOT_RUNNING: u8 = 3;
/// `status`: no such process, or no server that could tell.
pub const STATUS_UNKNOWN: u8 = 4;

/// The status that a fault of one process leads to; 7 for the faults that
/// say that a process is dead.
pub fn of_fault(code: i64) -> u8 {
    let dead = [
        FaultCode::SpawnError,
        FaultCode::AbnormalTermination,
        FaultCode::NotRunning,
    ];
    match dead.iter().any(|fault| i64::from(fault.code()) == code) {
        true => NOT_RUNNING,
        false => GENERIC,
    }
}
