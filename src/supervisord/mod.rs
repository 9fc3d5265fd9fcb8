//! supervisord: from the command line through start, loop and restart to the
//! exit status.

pub mod inspect;
pub mod mainloop;
pub mod options;
pub mod pidfile;
pub mod privileges;
pub mod service;
pub mod start;
pub mod upgrade;

use std::os::fd::AsFd;
use std::process::ExitCode;

use crate::command_line;
use crate::config::load::{ROOT_SEARCH_WARNING, RealSystem, StartRequest, captured_environment};
use crate::states::SupervisorState;
use crate::sys::{fd, memory, process, signals, terminal};

use mainloop::{MainLoop, Pause};
use options::{Arguments, Request};
use start::{Failure, Launch};
use upgrade::{hand_over, trial};

/// Runs supervisord. `arguments` begins with the name it was called by.
pub fn main(arguments: Vec<String>) -> ExitCode {
    let (program, words) = match arguments.split_first() {
        Some((program, words)) => (program.as_str(), words),
        None => ("supervisord", &[] as &[String]),
    };
    run(program, words).unwrap_or_else(|failure| fail(program, &failure))
}

fn run(program: &str, words: &[String]) -> Result<ExitCode, Failure> {
    if let Some((state, failed)) = hand_over::given() {
        let restored = hand_over::take_over(state, failed.as_deref());
        let (launch, daemon) = restored.map_err(|reason| {
            Failure::System(format!("cannot go on after an upgrade: {reason}"))
        })?;
        return keep_running(launch, daemon);
    }
    let launch_directory = process::current_directory()
        .map_err(|error| Failure::system("tell the current directory", &error))?;
    let launch_directory = launch_directory.to_string_lossy().into_owned();
    let request = options::parse(words, &launch_directory, &RealSystem)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    match request {
        Request::Help => terminal::tell(&options::usage(program)),
        Request::Trial => return Ok(trial::run()),
        Request::Version => terminal::tell(&format!("{}\n", crate::SUPERVISOR_VERSION)),
        Request::VersionFull => terminal::tell(&format!("{}\n", crate::version_full())),
        Request::Run(arguments) => return supervise(program, *arguments, launch_directory),
        Request::Inspect(inspection, arguments) => {
            let environment = captured_environment();
            let request = arguments.start_request(program, environment, launch_directory);
            warn_of_search(&request);
            return Ok(inspect::run(inspection, &request));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts, and starts again for as long as a restart is asked for.
fn supervise(
    program: &str,
    arguments: Arguments,
    launch_directory: String,
) -> Result<ExitCode, Failure> {
    memory::tune();
    let mask = signals::Mask::current()
        .and_then(|mask| signals::ignore_pipe_signals().map(|()| mask))
        .map_err(|error| Failure::system("prepare signals", &error))?;
    let mut launch = Launch::new(program, arguments, launch_directory, mask);
    warn_of_search(launch.request());
    match start::start(&mut launch)? {
        Some(daemon) => keep_running(launch, daemon),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Runs the daemon, again after each restart, until its end.
fn keep_running(mut launch: Launch, mut daemon: Box<MainLoop>) -> Result<ExitCode, Failure> {
    loop {
        match daemon.run() {
            Pause::Upgrade => upgrade::go_on(&mut launch, &mut daemon),
            Pause::Ended(SupervisorState::Restarting) => {
                let taken_over = daemon.into_taken_over();
                match start::start_again(&mut launch, taken_over)? {
                    Some(again) => daemon = again,
                    None => return Ok(ExitCode::SUCCESS),
                }
            }
            Pause::Ended(_) => break,
        }
    }
    if launch.request().overrides.commands.has_others() {
        fd::go_to_end(std::io::stdout().as_fd());
    }
    if let Some(why) = daemon.not_started() {
        terminal::complain(&format!("Error: cannot start {why}\n"));
    }
    Ok(ExitCode::from(daemon.exit_status()))
}

/// Root, who takes whatever lies in the current directory, is told so. The first process of a
/// container is root as a matter of course.
fn warn_of_search(request: &StartRequest) {
    if process::uid() == 0 && !process::is_first() && request.searches() {
        let program = &request.program;
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
            terminal::complain(&inspect::explained(error));
            ExitCode::from(2)
        }
        Failure::System(message) => {
            terminal::complain(&format!("Error: {message}\n"));
            ExitCode::FAILURE
        }
    }
}
