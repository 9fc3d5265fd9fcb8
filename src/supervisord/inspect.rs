//! `--check` and `--dump-config`: the configuration is read as a start would,
//! and nothing is started, made, logged or removed.

use std::process::ExitCode;

use crate::command_line;
use crate::config::check;
use crate::config::dump;
use crate::config::error::ConfigError;
use crate::config::load::{self, RealSystem, StartRequest};
use crate::config::redact;
use crate::supervisord::options::Inspection;
use crate::sys::terminal;

/// Reads and tells. The status is 0, or 2 for a configuration that is not good.
pub fn run(inspection: Inspection, request: &StartRequest) -> ExitCode {
    let launch = &request.launch_directory;
    let read = request.find().and_then(|request| {
        let (config, document) = load::load_with_document(&request, &RealSystem)?;
        Ok((config, document))
    });
    let (config, document) = match read {
        Ok(read) => read,
        Err(error) => {
            terminal::complain(&command_line::usage_text(&error, &request.program));
            terminal::complain(&explained(&error));
            return ExitCode::from(2);
        }
    };
    let strict = match inspection {
        Inspection::Dump { redacted } => {
            let mut dump = dump::dump(&config, &RealSystem);
            if redacted {
                let environment = [&request.environment, &config.supervisord.environment];
                let environment = environment.map(Vec::as_slice).concat();
                redact::redact(&mut dump, &redact::secrets(&environment, &document));
            }
            terminal::tell(&format!("{dump}\n"));
            return ExitCode::SUCCESS;
        }
        Inspection::Check { strict } => strict,
    };
    let warnings = check::check(&config, &document, launch, &RealSystem);
    for warning in &warnings {
        terminal::complain(&format!(
            "{}: warning: {}\n",
            warning.location, warning.text
        ));
    }
    if strict && !warnings.is_empty() {
        return ExitCode::from(2);
    }
    let processes: usize = config
        .groups
        .iter()
        .map(|group| group.processes.len())
        .sum();
    terminal::tell(&format!(
        "{}: configuration ok ({} groups, {processes} processes)\n",
        config.path,
        config.groups.len()
    ));
    ExitCode::SUCCESS
}

/// A line that says where to look and what to do, for errors whose text, the
/// original's, does not. Empty if there is nothing to add.
pub fn explained(error: &ConfigError) -> String {
    match (error.location(), error.advice()) {
        (Some(location), Some(advice)) => format!("{location}: {advice}\n"),
        (Some(location), None) => format!("{location}: the error is here\n"),
        (None, Some(advice)) => format!("{advice}\n"),
        (None, None) => String::new(),
    }
}
