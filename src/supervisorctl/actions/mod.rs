//! The commands, a file for each family of them.

mod check;
mod configuration;
mod debug;
mod dependents;
mod difference;
mod disabled;
mod explain;
mod fg;
mod figures;
mod follow;
mod graph;
mod healthcheck;
mod last_lines;
mod log_files;
mod log_text;
mod logs;
mod processes;
mod restart;
mod scale;
mod server;
mod status;
mod tail_many;
mod upgrade;
mod wait;

use super::command::{self, Command};
use super::failure::Failure;
use super::outcome::Verb;
use super::patterns::Meant;
use super::screen;
use super::session::Session;
use super::{exit_status, help, hints, manner, patterns};
use std::io::{self, IsTerminal};

/// Whether another command may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// The operator wants to leave.
    Quit,
}

/// Runs a command. Whatever it reports about single names is printed and kept
/// in the exit status; an error is what ends it early.
pub fn run(session: &mut Session, command: Command, argument: &str) -> Result<Flow, Failure> {
    let words: Vec<&str> = argument.split_whitespace().collect();
    let (manner, words) = match manner::split(command, &words) {
        Ok(split) => split,
        Err(message) => {
            refuse(session, command, &message)?;
            return Ok(Flow::Continue);
        }
    };
    if command.takes_nothing() && !words.is_empty() {
        let message = format!("Error: {} accepts no arguments", command.word());
        refuse(session, command, &message)?;
        return Ok(Flow::Continue);
    }
    if command.asks_for_version() && !check::is_usable(session)? {
        return Ok(Flow::Continue);
    }
    if command.requires_process() && words.is_empty() {
        let message = format!("Error: {} requires a process name", command.word());
        refuse(session, command, &message)?;
        if command == Command::Start {
            session.exit_status = exit_status::INVALID_ARGUMENTS;
        }
        return Ok(Flow::Continue);
    }
    match command {
        Command::Add => configuration::add(session, &words)?,
        Command::Avail => configuration::avail(session)?,
        Command::Clear => logs::clear(session, &words)?,
        Command::ClearFatal => server::clear_fatal(session)?,
        Command::Completion => server::completion(session, &words)?,
        Command::Debug => debug::debug(session, argument)?,
        Command::Disable => disabled::apply(session, Verb::Disable, &words)?,
        Command::Enable => disabled::apply(session, Verb::Enable, &words)?,
        Command::EndOfInput | Command::Exit | Command::Quit => {
            session.print("")?;
            return Ok(Flow::Quit);
        }
        Command::Explain => explain::explain(session, &words)?,
        Command::Fg => fg::fg(session, &words)?,
        Command::Graph => graph::graph(session, &words)?,
        Command::Healthcheck => healthcheck::healthcheck(session, &words)?,
        Command::Help => help_on(session, argument)?,
        Command::Maintail => logs::maintail(session, &words)?,
        Command::Open => server::open(session, argument)?,
        Command::Pid => server::pid(session, &words)?,
        Command::Reload => server::reload(session)?,
        Command::Remove => configuration::remove(session, &words)?,
        Command::Reopen => log_files::apply(session, Verb::Reopen, &words)?,
        Command::Reread => configuration::reread(session, manner)?,
        Command::Restart => {
            restart::restart(session, manner, &words)?;
            difference::tell(session, &words);
        }
        Command::Result => server::result(session, &words)?,
        Command::Rotate => log_files::apply(session, Verb::Rotate, &words)?,
        Command::Scale => scale::scale(session, manner, &words)?,
        Command::Shutdown => server::shutdown(session)?,
        Command::Signal => processes::signal(session, &words)?,
        Command::Start => {
            processes::change(session, Verb::Start, manner, &words)?;
            difference::tell(session, &words);
        }
        Command::Status => status::status(session, &words)?,
        Command::Stop => processes::change(session, Verb::Stop, manner, &words)?,
        Command::Tail => logs::tail(session, &words)?,
        Command::Update if manner.is_dry => difference::show(session, manner, &words)?,
        Command::Update => configuration::update(session, manner, &words)?,
        Command::Upgrade => upgrade::upgrade(session, manner)?,
        Command::Version => server::version(session)?,
        Command::Wait => wait::wait(session, manner, &words)?,
    }
    Ok(Flow::Continue)
}

/// `help [COMMAND]`. What is not read on a terminal is as 4.3.0 has it.
fn help_on(session: &mut Session, topic: &str) -> Result<(), Failure> {
    let text = match topic {
        "" if io::stdout().is_terminal() => help::summaries(),
        "" => help::overview(),
        topic => help::topic(topic, &session.plugins),
    };
    session.write(text.as_bytes())?;
    if text.starts_with("*** No help") {
        let word = command::word(topic);
        screen::complain(&hints::of_command(word));
    }
    Ok(())
}

/// The words with the names of processes for those that stand for several. One
/// without a match stays, and the server will not know it.
fn expanded(session: &mut Session, words: &[&str]) -> Result<Vec<String>, Failure> {
    if !words.iter().any(|word| patterns::is_plural(word)) {
        return Ok(words.iter().map(ToString::to_string).collect());
    }
    let processes = session.processes()?;
    let meant = patterns::each(words, &processes);
    let names = words
        .iter()
        .zip(meant)
        .flat_map(|(word, meant)| match meant {
            Meant::Name | Meant::Nothing => vec![(*word).to_owned()],
            Meant::Several(rows) => rows.iter().map(|row| row.full_name()).collect(),
        });
    Ok(names.collect())
}

/// Reports words that make no sense, with the command's help.
fn refuse(session: &mut Session, command: Command, message: &str) -> Result<(), Failure> {
    session.refuse(message)?;
    session.write(help::of(command).as_bytes())
}
