//! The multi-call binary: the name it was started by says which program it is.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use pollvisor::{command_line, echo_supervisord_conf, pidproxy, supervisorctl, supervisord};

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(program) = arguments.first_mut() {
        let path = std::env::var_os("PATH");
        *program = command_line::started_as(program, path.as_deref(), is_program);
    }
    let name = arguments
        .first()
        .and_then(|program| Path::new(program).file_name());
    match name.and_then(|name| name.to_str()) {
        Some("supervisorctl") => supervisorctl::main(as_text(arguments)),
        Some("pidproxy") => pidproxy::main(arguments),
        Some("echo_supervisord_conf") => echo_supervisord_conf::main(),
        _ => supervisord::main(as_text(arguments)),
    }
}

/// Configuration and names are text; what is not UTF-8 is replaced.
fn as_text(arguments: Vec<OsString>) -> Vec<String> {
    let text = |argument: OsString| argument.to_string_lossy().into_owned();
    arguments.into_iter().map(text).collect()
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
