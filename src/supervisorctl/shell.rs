//! Running lines: one from the command line, or one after the other from
//! standard input. Here ends whatever ended a command early.

use super::actions::{self, Flow};
use super::command::{self, Line};
use super::diagnosis::CredentialOrigin;
use super::exit_status;
use super::failure::Failure;
use super::hints;
use super::interrupt;
use super::plugins;
use super::screen;
use super::session::Session;
use crate::sys::terminal;

/// The exit status that a shell gives a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What a line about a lost answer does not say.
const CUT_OFF: &str = "supervisord went away before it had answered; it may have done what it was \
                       asked for: see status\n";

/// Runs one line and returns the exit status.
pub fn run_once(session: &mut Session, line: &str) -> u8 {
    match run_line(session, line) {
        Ok(_) => session.exit_status,
        Err(Failure::Interrupted) => {
            if session.dies_of_interrupt {
                interrupt::die();
            }
            INTERRUPTED
        }
        // Nobody listens any more; nobody is told.
        Err(_) if session.exit_status == exit_status::SUCCESS => exit_status::GENERIC,
        Err(_) => session.exit_status,
    }
}

/// Shows the status, then runs lines until there are no more or one says
/// `quit`. What the commands come to does not change the exit status, but a
/// script that is read from a pipe must not succeed where no server has heard of it.
pub fn run_lines(session: &mut Session, prompt: &str, history_file: Option<&str>) -> u8 {
    session.edit_lines(history_file);
    // Whoever sits at a terminal gets the prompt back after Ctrl-C; else it
    // ends the program, whatever it interrupts.
    if let Err(Failure::Interrupted) = session
        .catch_interrupts()
        .and_then(|()| lines(session, prompt))
    {
        let _ = session.print("");
    }
    if session.is_at_terminal() {
        return exit_status::SUCCESS;
    }
    // Lines that were taken for credentials have not been carried out either.
    let unauthorized = session.lacks_credentials.then_some(exit_status::GENERIC);
    unauthorized
        .or(session.unserved)
        .unwrap_or(exit_status::SUCCESS)
}

fn lines(session: &mut Session, prompt: &str) -> Result<(), Failure> {
    let mut next = Ok("status".to_owned());
    let mut is_first = true;
    loop {
        let flow = match next {
            Ok(line) => run_line(session, &line),
            Err(Failure::EndOfInput) if session.is_editing() => return Ok(()),
            Err(Failure::EndOfInput) => run_line(session, "EOF"),
            // The editor has left the line already.
            Err(Failure::Interrupted) if session.is_editing() => Ok(Flow::Continue),
            Err(failure) => Err(failure),
        };
        // Nobody has asked for the first.
        if std::mem::take(&mut is_first) {
            session.unserved = None;
        }
        match flow {
            Ok(Flow::Continue) => {}
            Ok(Flow::Quit) => return Ok(()),
            Err(Failure::Interrupted) if session.is_at_terminal() => {
                session.forget_interrupt();
                session.print("")?;
            }
            Err(failure) => return Err(failure),
        }
        next = session.ask_for_command(prompt);
        // One that came too late for the last command is none for the next.
        if session.is_interrupted() || matches!(next, Err(Failure::Interrupted)) {
            session.forget_interrupt();
        }
    }
}

/// Runs a line, again for as long as the server wants other credentials and
/// the operator has some. An error means that no other line can follow.
fn run_line(session: &mut Session, line: &str) -> Result<Flow, Failure> {
    let (command, argument) = match command::parse(line) {
        Line::Empty => return Ok(Flow::Continue),
        Line::Unknown(line) => {
            let text = match plugins::of_command(&session.plugins, command::word(line)) {
                Some(text) => format!("*** {text}"),
                None => format!("*** Unknown syntax: {line}"),
            };
            session.refuse(&text)?;
            if session.plugins.is_empty() {
                screen::complain(&hints::of_command(command::word(line)));
            }
            return Ok(Flow::Continue);
        }
        Line::Command(command, argument) => (command, argument),
    };
    let failure = loop {
        let outcome = actions::run(session, command, argument);
        session.tell_hints();
        // The server may be another by the time of the next line.
        session.client.disconnect();
        match outcome {
            Ok(flow) => return Ok(flow),
            Err(Failure::Call(error)) if error.is_unauthorized() => {
                session.print("Server requires authentication")?;
                if !session.interactive {
                    break Failure::Call(error);
                }
                // Whoever is asked sees which ones were refused, unless none were set or
                // he has just typed them.
                use CredentialOrigin::{Nowhere, Typed};
                if !matches!(session.origin.password, Nowhere | Typed) {
                    session.explain(&error);
                }
                if let Err(failure) = ask_for_credentials(session) {
                    session.lacks_credentials = true;
                    break failure;
                }
            }
            Err(failure) => break failure,
        }
    };
    let mut status = exit_status::GENERIC;
    let text = match failure {
        Failure::Call(error) => {
            session.explain(&error);
            if error.is_readonly() {
                status = exit_status::INSUFFICIENT_PRIVILEGES;
            }
            if error.is_unserved() {
                session.unserved = Some(status);
            }
            if session.interactive && error.is_broken_off() {
                terminal::complain(CUT_OFF);
            }
            error.to_string()
        }
        Failure::EndOfInput => "<class 'EOFError'>, EOF when reading a line".to_owned(),
        Failure::OutputClosed | Failure::Interrupted => return Err(failure),
    };
    session.fail(status, &format!("error: {text}"))?;
    session.is_quiet = false;
    Ok(Flow::Continue)
}

fn ask_for_credentials(session: &mut Session) -> Result<(), Failure> {
    let username = session.ask("Username:")?;
    let password = session.ask_hidden("Password:")?;
    session.print("")?;
    session.client.username = Some(username);
    session.client.password = Some(password);
    session.origin.username = CredentialOrigin::Typed;
    session.origin.password = CredentialOrigin::Typed;
    Ok(())
}
