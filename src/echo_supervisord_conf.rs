//! echo_supervisord_conf: prints a configuration to start from.

use std::io::Write;
use std::process::ExitCode;

/// The sample. People change it with sed, so its lines keep their form.
pub const SAMPLE: &str = include_str!("../conf/supervisord.conf");

/// Runs the program. It has no options and takes no notice of arguments.
pub fn main() -> ExitCode {
    let mut output = std::io::stdout().lock();
    match output
        .write_all(SAMPLE.as_bytes())
        .and_then(|()| output.flush())
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
