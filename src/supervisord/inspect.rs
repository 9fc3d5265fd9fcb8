//! `--check` and `--dump-config`: the configuration is read as a start would,
//! and nothing is started, made, logged or removed.

mod run_time;

use std::process::ExitCode;

use crate::command_line;
use crate::config::check;
use crate::config::dump;
use crate::config::error::ConfigError;
use crate::config::load::{self, RealSystem, StartRequest};
use crate::config::redact;
use crate::config::repair;
use crate::supervisord::options::Inspection;
use crate::sys::terminal;

/// Reads and tells. The status is 0, or 2 for a configuration that is not good.
pub fn run(inspection: Inspection, request: &StartRequest) -> ExitCode {
    let launch = &request.launch_directory;
    let read = request
        .find()
        .map_err(|error| vec![error])
        .and_then(|found| {
            let read = load::load_with_document(&found, &RealSystem);
            read.map_err(|error| match inspection {
                Inspection::Dump { .. } => vec![error],
                Inspection::Check { .. } => repair::all_errors(&found, &RealSystem),
            })
        });
    let (config, document) = match read {
        Ok(read) => read,
        Err(errors) => {
            complain(&errors, &request.program);
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
    let mut warnings = check::check(&config, &document, launch, &RealSystem);
    warnings.extend(run_time::warnings(
        &config,
        &document,
        &request.environment,
        launch,
        &RealSystem,
    ));
    let warnings = check::sorted(warnings, &document);
    for warning in &warnings {
        let word = if warning.is_note { "note" } else { "warning" };
        let location = &warning.location;
        terminal::complain(&format!("{location}: {word}: {}\n", warning.text));
    }
    if strict && warnings.iter().any(|warning| !warning.is_note) {
        return ExitCode::from(2);
    }
    let groups = config.groups.iter();
    let processes = groups.map(|group| group.processes.len()).sum();
    terminal::tell(&format!(
        "{}: configuration ok ({}, {})\n",
        config.path,
        counted(config.groups.len(), "group", "groups"),
        counted(processes, "process", "processes")
    ));
    ExitCode::SUCCESS
}

/// The first error as at a start, the others behind it.
fn complain(errors: &[ConfigError], program: &str) {
    for (index, error) in errors.iter().enumerate() {
        terminal::complain(&match index {
            0 => command_line::usage_text(error, program),
            _ => format!("Error: {error}\n"),
        });
        terminal::complain(&explained(error));
    }
}

fn counted(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// What explains an error, as a line if there is anything.
pub fn explained(error: &ConfigError) -> String {
    match error.explanation() {
        text if text.is_empty() => text,
        text => text + "\n",
    }
}
