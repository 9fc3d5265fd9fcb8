//! supervisord: the daemon.

pub mod options;

use std::process::ExitCode;

/// Runs the program. The first argument is its name as it was started.
pub fn main(_arguments: Vec<String>) -> ExitCode {
    ExitCode::FAILURE
}
