//! supervisord: from the command line through start, loop and restart to the
//! exit status.

pub mod mainloop;
pub mod options;
pub mod pidfile;
pub mod privileges;
pub mod start;

pub mod options;

use std::process::ExitCode;

use crate::states::SupervisorState;
use crate::sys::{memory, signals};

use options::Command;
use start::{Failure, Launch, Started};

/// Runs supervisord. `arguments` begins with the name it was called by.
pub fn main(arguments: Vec<String>) -> ExitCode {
    let program = arguments.first().map_or("supervisord", String::as_str);
    match options::parse(&arguments) {
        Ok(Command::Help(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Command::Version) => {
            println!("{}", crate::SUPERVISOR_VERSION);
            ExitCode::SUCCESS
        }
        Ok(Command::Run(options)) => supervise(program, &options),
        Err(message) => fail(program, &Failure::Usage(message)),
    }
}

/// Starts, and starts again for as long as a restart is asked for.
fn supervise(program: &str, options: &options::Options) -> ExitCode {
    memory::tune();
    let mask = match signals::Mask::current().and_then(|mask| signals::ignore_pipe_signals().map(|()| mask)) {
        Ok(mask) => mask,
        Err(error) => return fail(program, &Failure::System(format!("cannot prepare signals: {error}"))),
    };
    let mut launch = Launch::new(program, options, mask);
    loop {
        match start::start(&mut launch) {
            Ok(Started::Parent) => return ExitCode::SUCCESS,
            Ok(Started::Daemon(mut daemon)) => match daemon.run() {
                SupervisorState::Restarting => {}
                _ => return ExitCode::SUCCESS,
            },
            Err(failure) => return fail(program, &failure),
        }
    }
}

/// The one place where supervisord tells why it does not run.
fn fail(program: &str, failure: &Failure) -> ExitCode {
    match failure {
        Failure::Usage(message) => {
            eprintln!("Error: {message}\nFor help, use {program} -h");
            ExitCode::from(2)
        }
        Failure::System(message) => {
            eprintln!("Error: {message}");
            ExitCode::FAILURE
        }
    }
}
