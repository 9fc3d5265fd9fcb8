//! supervisord: from the command line through start, loop and restart to the
//! exit status.

pub mod inspect;
pub mod mainloop;
pub mod options;
pub mod pidfile;
pub mod privileges;
pub mod service;
pub mod start;

use std::io::IsTerminal;
use std::process::ExitCode;

use crate::command_line;
use crate::config::load::{ROOT_SEARCH_WARNING, RealSystem, captured_environment};
use crate::states::SupervisorState;
use crate::sys::{memory, process, signals, terminal};

use options::{Arguments, Request};
use start::{Failure, Launch};

/// Runs supervisord. `arguments` begins with the name it was called by.
pub fn main(arguments: Vec<String>) -> ExitCode {
    let (program, words) = match arguments.split_first() {
        Some((program, words)) => (program.as_str(), words),
        None => ("supervisord", &[] as &[String]),
    };
    let launch_directory = match process::current_directory() {
        Ok(directory) => directory.to_string_lossy().into_owned(),
        Err(error) => {
            return fail(
                program,
                &Failure::system("tell the current directory", &error),
            );
        }
    };
    match options::parse(words, &launch_directory, &RealSystem) {
        Ok(Request::Help) => {
            terminal::tell(&options::usage(program));
            ExitCode::SUCCESS
        }
        Ok(Request::Version) => {
            terminal::tell(&format!("{}\n", crate::SUPERVISOR_VERSION));
            ExitCode::SUCCESS
        }
        Ok(Request::VersionFull) => {
            terminal::tell(&format!("{}\n", crate::version_full()));
            ExitCode::SUCCESS
        }
        Ok(Request::Run(arguments)) => supervise(program, *arguments, launch_directory),
        Ok(Request::Inspect(inspection, arguments)) => {
            warn_of_search(program, &arguments);
            let environment = captured_environment();
            let request = arguments.start_request(program, environment, launch_directory);
            inspect::run(inspection, &request)
        }
        Err(error) => fail(program, &Failure::Usage(error.to_string())),
    }
}

/// Starts, and starts again for as long as a restart is asked for.
fn supervise(program: &str, arguments: Arguments, launch_directory: String) -> ExitCode {
    memory::tune();
    warn_of_search(program, &arguments);
    let mask = match signals::Mask::current()
        .and_then(|mask| signals::ignore_pipe_signals().map(|()| mask))
    {
        Ok(mask) => mask,
        Err(error) => {
            return fail(program, &Failure::system("prepare signals", &error));
        }
    };
    let mut launch = Launch::new(program, arguments, launch_directory, mask);
    let mut started = start::start(&mut launch);
    loop {
        let taken_over = match started {
            Ok(None) => return ExitCode::SUCCESS,
            Ok(Some(mut daemon)) => match daemon.run() {
                SupervisorState::Restarting => daemon.into_taken_over(),
                _ => return ExitCode::SUCCESS,
            },
            Err(failure) => return fail(program, &failure),
        };
        started = start::start_again(&mut launch, taken_over);
    }
}

/// Root, who takes whatever lies in the current directory, is told so.
fn warn_of_search(program: &str, arguments: &Arguments) {
    if arguments.configuration.is_none() && process::uid() == 0 {
        terminal::complain(&format!("{program}: warning: {ROOT_SEARCH_WARNING}\n"));
    }
}

/// The one place where supervisord tells why it does not run.
fn fail(program: &str, failure: &Failure) -> ExitCode {
    match failure {
        Failure::Usage(message) => {
            terminal::complain(&command_line::usage_text(message, program));
            ExitCode::from(2)
        }
        Failure::Config(error) => {
            terminal::complain(&command_line::usage_text(error, program));
            // Scripts get what 4.3.0 tells and no more.
            if error.advice().is_some() || std::io::stderr().is_terminal() {
                terminal::complain(&inspect::explained(error));
            }
            ExitCode::from(2)
        }
        Failure::System(message) => {
            terminal::complain(&format!("Error: {message}\n"));
            ExitCode::FAILURE
        }
    }
}
