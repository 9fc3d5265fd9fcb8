//! Running lines: one from the command line, or one after the other from
//! standard input. Here ends whatever ended a command early.

use super::actions::{self, Flow};
use super::command::{self, Line};
use super::exit_status;
use super::failure::Failure;
use super::session::Session;

/// The exit status that a shell gives a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Runs one line and returns the exit status.
pub fn run_once(session: &mut Session, line: &str) -> u8 {
    match run_line(session, line) {
        Ok(_) => session.exit_status,
        Err(Failure::Interrupted) => INTERRUPTED,
        // Nobody listens any more; nobody is told.
        Err(_) if session.exit_status == exit_status::SUCCESS => exit_status::GENERIC,
        Err(_) => session.exit_status,
    }
}

/// Shows the status, then runs lines until there are no more or one says
/// `quit`. What the commands come to does not change the exit status.
pub fn run_lines(session: &mut Session, prompt: &str) -> u8 {
    // Ctrl-C leaves the shell, whatever it interrupts.
    if let Err(Failure::Interrupted) = session
        .catch_interrupts()
        .and_then(|()| lines(session, prompt))
    {
        let _ = session.print("");
    }
    exit_status::SUCCESS
}

fn lines(session: &mut Session, prompt: &str) -> Result<(), Failure> {
    run_line(session, "status")?;
    loop {
        let line = match session.ask(prompt) {
            Ok(line) => line,
            Err(Failure::EndOfInput) => "EOF".to_owned(),
            Err(failure) => return Err(failure),
        };
        if run_line(session, &line)? == Flow::Quit {
            return Ok(());
        }
    }
}

/// Runs a line, again for as long as the server wants other credentials and
/// the operator has some. An error means that no other line can follow.
fn run_line(session: &mut Session, line: &str) -> Result<Flow, Failure> {
    let (command, argument) = match command::parse(line) {
        Line::Empty => return Ok(Flow::Continue),
        Line::Unknown(line) => {
            session.fail(exit_status::GENERIC, &format!("*** Unknown syntax: {line}"))?;
            return Ok(Flow::Continue);
        }
        Line::Command(command, argument) => (command, argument),
    };
    let failure = loop {
        let outcome = actions::run(session, command, argument);
        // The server may be another by the time of the next line.
        session.client.disconnect();
        match outcome {
            Ok(flow) => return Ok(flow),
            Err(Failure::Call(error)) if error.is_unauthorized() => {
                session.print("Server requires authentication")?;
                if !session.interactive {
                    break Failure::Call(error);
                }
                if let Err(failure) = ask_for_credentials(session) {
                    break failure;
                }
            }
            Err(failure) => break failure,
        }
    };
    session.explain(&failure);
    let text = match failure {
        Failure::Call(error) => error.to_string(),
        Failure::EndOfInput => "<class 'EOFError'>, EOF when reading a line".to_owned(),
        Failure::OutputClosed | Failure::Interrupted => return Err(failure),
    };
    session.fail(exit_status::GENERIC, &format!("error: {text}"))?;
    session.is_quiet = false;
    Ok(Flow::Continue)
}

fn ask_for_credentials(session: &mut Session) -> Result<(), Failure> {
    let username = session.ask("Username:")?;
    let password = session.ask_hidden("Password:")?;
    session.print("")?;
    session.client.username = Some(username);
    session.client.password = Some(password);
    Ok(())
}
