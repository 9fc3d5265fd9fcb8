//! supervisorctl: the operator's program. It runs one action given on the
//! command line, or the lines of standard input one by one.
//!
//! From below: what is typed ([`command`], [`names`], [`options`]), the way
//! to the server ([`server_url`], [`response`], [`connection`], [`client`]),
//! what it says ([`reply`], [`outcome`], [`failure`]), the [`keyboard`] and the
//! [`session`] that a command works with, the [`actions`], and the [`shell`]
//! that runs them. [`complete`] tells what may be typed next.
//! Everything that commands say goes to standard output, errors too. What helps
//! with an error goes to the standard error ([`hints`], [`diagnosis`]).

pub mod actions;
pub mod client;
pub mod command;
pub mod complete;
pub mod completion;
pub mod connection;
pub mod diagnosis;
#[cfg(feature = "line-editing")]
pub mod editor;
pub mod exit_status;
pub mod explanation;
pub mod failure;
pub mod help;
pub mod hints;
#[cfg(feature = "line-editing")]
pub mod history;
pub mod input;
pub mod interrupt;
pub mod keyboard;
pub mod labels;
pub mod live;
pub mod log_view;
pub mod manner;
pub mod names;
pub mod options;
pub mod outcome;
pub mod patterns;
pub mod plugins;
pub mod process_logs;
pub mod progress;
pub mod pump;
pub mod ready;
pub mod reply;
pub mod response;
pub mod screen;
pub mod server_url;
pub mod session;
pub mod shell;
pub mod streams;

use std::process::ExitCode;

use crate::command_line::usage_text;
use crate::config::load;
use crate::config::supervisorctl::{ClientRequest, ServerurlOrigin};
use crate::sys::{self, memory, terminal};
use client::Client;
use completion::Question;
use diagnosis::{AddressOrigin, CredentialOrigin, Origin};
use options::{Arguments, Request, Settings};
use session::Session;

/// The variable that may hold the password.
const PASSWORD_VARIABLE: &str = "SUPERVISORCTL_PASSWORD";

/// Runs the program. The first argument is its name as it was started.
pub fn main(arguments: Vec<String>) -> ExitCode {
    memory::expect_a_short_life();
    let (program, words) = match arguments.split_first() {
        Some((program, words)) => (program.as_str(), words),
        None => ("supervisorctl", [].as_slice()),
    };
    if let Some(words) = completion::question(words) {
        complete_words(program, words);
        return ExitCode::from(exit_status::SUCCESS);
    }
    let mut arguments = match options::parse(words) {
        Ok(Request::Run(arguments)) => arguments,
        Ok(Request::Help) => {
            terminal::tell(&options::usage(program));
            return ExitCode::from(exit_status::SUCCESS);
        }
        Err(error) => {
            let advice = error.advice();
            let status = usage_error(error, program);
            if let Some(advice) = advice {
                screen::complain(&advice);
            }
            return status;
        }
    };
    // Before anything takes its time: ps shows it to everybody.
    sys::arguments::blank(arguments.password.as_deref().unwrap_or_default());
    let mut password = arguments
        .password
        .as_ref()
        .map(|_| CredentialOrigin::Option);
    if arguments.password.is_none() {
        arguments.password = password_from_environment();
        password = arguments
            .password
            .as_ref()
            .map(|_| CredentialOrigin::Environment);
    }
    let request = client_request(program, &arguments);
    // Behind an equals sign no shell replaces a tilde.
    if let Some(path) = &mut arguments.history_file {
        *path = load::option_path(path, &request.launch_directory);
    }
    let mut file = match load::load_client(&request) {
        Ok(file) => file,
        Err(error) => return usage_error(error, program),
    };
    if arguments.action.is_none() {
        for warning in &file.warnings {
            terminal::complain(&format!("Warning: {warning}\n"));
        }
    }
    let in_file = |value: &Option<String>| match value {
        Some(_) => CredentialOrigin::File,
        None => CredentialOrigin::Nowhere,
    };
    let username = arguments
        .username
        .as_ref()
        .map(|_| CredentialOrigin::Option);
    let origin = Origin {
        username: username.unwrap_or_else(|| in_file(&file.username)),
        password: password.unwrap_or_else(|| in_file(&file.password)),
        address: match (&arguments.serverurl, file.serverurl_origin) {
            (Some(_), _) => AddressOrigin::Option,
            (None, ServerurlOrigin::Key) => AddressOrigin::File,
            (None, ServerurlOrigin::Server) => AddressOrigin::Server,
            (None, ServerurlOrigin::Usual) => AddressOrigin::Usual,
        },
        request: Some(request),
    };
    let plugins = std::mem::take(&mut file.plugins);
    let settings = Settings::new(&arguments, file);
    let mut client = Client::new(settings.serverurl, settings.username, settings.password);
    client.shown_url = settings.shown_serverurl;
    let interactive = arguments.interactive || arguments.action.is_none();
    let mut session = Session::new(client, interactive);
    session.origin = origin;
    session.plugins = plugins;
    ExitCode::from(match &arguments.action {
        Some(line) => shell::run_once(&mut session, line),
        None => shell::run_lines(
            &mut session,
            &settings.prompt,
            settings.history_file.as_deref(),
        ),
    })
}

/// Answers the script of a shell. Whatever is wrong means that there is nothing
/// to offer.
fn complete_words(program: &str, words: &[String]) {
    let Some(mut question) = Question::read(words) else {
        return;
    };
    let given = &mut question.arguments.password;
    sys::arguments::blank(given.as_deref().unwrap_or_default());
    *given = given.take().or_else(password_from_environment);
    let request = client_request(program, &question.arguments);
    let file = load::load_client(&request).unwrap_or_default();
    let settings = Settings::new(&question.arguments, file);
    terminal::tell(&question.answer(settings));
}

/// What stands in for `-p`, so that no password need stand in a command line.
fn password_from_environment() -> Option<String> {
    let password = std::env::var(PASSWORD_VARIABLE).ok()?;
    Some(password).filter(|password| !password.is_empty())
}

/// The file that was named, or else found near the program or in the usual
/// places. That none is found is no error.
fn client_request(program: &str, arguments: &Arguments) -> ClientRequest {
    let launch_directory = std::env::current_dir().map_or_else(
        |_| "/".to_owned(),
        |path| path.to_string_lossy().into_owned(),
    );
    let path = match &arguments.configuration {
        Some(path) => Some(path.clone()),
        None => load::find(program, &launch_directory),
    };
    ClientRequest {
        path,
        environment: load::captured_environment(),
        launch_directory,
    }
}

fn usage_error(error: impl std::fmt::Display, program: &str) -> ExitCode {
    terminal::complain(&usage_text(error, program));
    ExitCode::from(exit_status::INVALID_ARGUMENTS)
}
