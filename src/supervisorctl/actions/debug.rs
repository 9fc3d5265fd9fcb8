//! `debug`: a line to a process and what it answers; or a conversation with
//! it. Unlike `fg` it shows nothing of what the process wrote before, keeps the
//! two channels apart where they can be, and can be used by scripts.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::{fg, refuse};
use crate::supervisorctl::command::Command;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::log_view::{BothViews, RAW};
use crate::supervisorctl::process_logs;
use crate::supervisorctl::pump::Pump;
use crate::supervisorctl::screen;
use crate::supervisorctl::session::Session;
use crate::supervisorctl::streams::{News, Streams};
use crate::sys::float;
use crate::tokens::Channel;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How long a process must be quiet for its answer to be over.
const QUIET: Duration = Duration::from_millis(500);
/// The longest time that can be asked for.
const LONGEST_QUIET: f64 = 86_400.0;

/// What the words of the command say.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DebugRequest<'a> {
    quiet: Duration,
    is_raw: bool,
    name: &'a str,
    /// The line to send; without it there are several.
    text: Option<&'a str>,
}

/// `debug [--raw] [-w SECONDS] NAME [TEXT…]`
pub fn debug(session: &mut Session, argument: &str) -> Result<(), Failure> {
    let request = match DebugRequest::parse(argument) {
        Ok(request) => request,
        Err(message) => {
            return refuse(session, Command::Debug, &message);
        }
    };
    let Some(info) = fg::is_running(session, request.name)? else {
        return Ok(());
    };
    session.catch_interrupts()?;
    let mut streams = process_logs::open_present(session, request.name, &info)?;
    let is_conversation = request.text.is_none() && io::stdin().is_terminal();
    let views = BothViews::apart(request.is_raw);
    let outcome = match request.text {
        Some(text) => exchange(session, &request, &views, &mut streams, text).map(|_| ()),
        None if is_conversation && io::stdout().is_terminal() => {
            // Both stand above the prompt.
            let views = BothViews::on_stdout(request.is_raw);
            converse(session, &request, &views, streams)
        }
        None if is_conversation => converse(session, &request, &views, streams),
        None => exchange_lines(session, &request, &views, streams),
    };
    for channel in [Channel::Stdout, Channel::Stderr] {
        write(channel as usize, &views.finish(channel)).map_err(|_| Failure::OutputClosed)?;
    }
    match outcome {
        // The terminal has echoed it in the middle of a line.
        Err(Failure::Interrupted) if !is_conversation && io::stdout().is_terminal() => {
            session.print("")
        }
        // Both leave the process alone.
        Err(Failure::Interrupted | Failure::EndOfInput) => Ok(()),
        outcome => outcome,
    }
}

impl<'a> DebugRequest<'a> {
    /// Takes the argument apart. The text keeps its blanks.
    fn parse(argument: &'a str) -> Result<DebugRequest<'a>, String> {
        let mut quiet = QUIET;
        let mut is_raw = false;
        let (mut word, mut rest) = next_word(argument);
        loop {
            let Some(attached) = word.strip_prefix("-w") else {
                if word != RAW {
                    break;
                }
                is_raw = true;
                (word, rest) = next_word(rest);
                continue;
            };
            let seconds = match attached {
                "" => {
                    let (seconds, after) = next_word(rest);
                    rest = after;
                    seconds
                }
                seconds => seconds,
            };
            quiet = parse_quiet(seconds)?;
            (word, rest) = next_word(rest);
        }
        if word == "--" {
            (word, rest) = next_word(rest);
        }
        match word {
            "" => Err("Error: debug requires a process name".to_owned()),
            name => Ok(DebugRequest {
                quiet,
                is_raw,
                name,
                text: Some(rest).filter(|text| !text.is_empty()),
            }),
        }
    }
}

fn next_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

fn parse_quiet(seconds: &str) -> Result<Duration, String> {
    match float::parse(seconds) {
        Some(number) if (0.0..=LONGEST_QUIET).contains(&number) => {
            Ok(Duration::from_secs_f64(number))
        }
        _ => Err(format!("Error: bad number of seconds '{seconds}'")),
    }
}

/// As it would be typed: 2 or 0.5.
fn seconds(duration: Duration) -> String {
    float::written(duration.as_secs_f64(), 'g', 6, false)
}

/// Sends each line of the input and prints what is answered.
fn exchange_lines(
    session: &mut Session,
    request: &DebugRequest<'_>,
    views: &BothViews,
    mut streams: Streams,
) -> Result<(), Failure> {
    let is_shown = !streams.is_empty();
    loop {
        let line = session.ask("")?;
        // Where the server has ended the logs, only reading them tells so.
        while let News::Output(..) | News::Ended(_) =
            listen(session, views, &mut streams, Duration::ZERO)?
        {}
        if is_shown && streams.is_empty() {
            streams = process_logs::open_again(session, request.name)?;
        }
        if !exchange(session, request, views, &mut streams, &line)? {
            return Ok(());
        }
    }
}

/// A process that is never quiet is listened to for so many times the wait.
const LONGEST_ANSWER: u32 = 20;

/// Sends a line and prints what comes until the process is quiet. False if no
/// other line can be sent.
fn exchange(
    session: &mut Session,
    request: &DebugRequest<'_>,
    views: &BothViews,
    streams: &mut Streams,
    line: &str,
) -> Result<bool, Failure> {
    if !send(session, request.name, line)? {
        return Ok(false);
    }
    let limit = request.quiet * LONGEST_ANSWER;
    let started = Instant::now();
    let mut is_answered = streams.is_empty();
    while !streams.is_empty() {
        match listen(session, views, streams, request.quiet)? {
            News::Output(..) if started.elapsed() >= limit => {
                is_answered = true;
                screen::complain(&format!(
                    "supervisorctl: {} goes on writing; what came in {} s is shown",
                    request.name,
                    seconds(limit)
                ));
                break;
            }
            News::Quiet => break,
            News::Output(..) => is_answered = true,
            _ => {}
        }
    }
    // Not an error: nobody has said that there is an answer. Scripts know that.
    if !is_answered && io::stderr().is_terminal() {
        screen::complain(&format!(
            "supervisorctl: {} wrote nothing within {} s; -w waits longer",
            request.name,
            seconds(request.quiet)
        ));
    }
    Ok(true)
}

/// Shows what comes next, if it comes within the limit.
fn listen(
    session: &mut Session,
    views: &BothViews,
    streams: &mut Streams,
    limit: Duration,
) -> Result<News, Failure> {
    let interrupt = session.interrupt()?;
    match streams.next(interrupt.as_ref(), Some(limit)) {
        Ok(News::Called) => {
            session.is_interrupted();
            Err(Failure::Interrupted)
        }
        Ok(News::Output(number, bytes)) => {
            write(number, &views.take(number, &bytes)).map_err(|_| Failure::OutputClosed)?;
            Ok(News::Output(number, bytes))
        }
        Ok(news) => Ok(news),
        Err(error) => Err(CallError::System(error).into()),
    }
}

/// Each channel goes to its own, so that scripts can tell them apart.
fn write(number: usize, bytes: &[u8]) -> io::Result<()> {
    if number == Channel::Stderr as usize {
        return io::stderr().lock().write_all(bytes);
    }
    let mut output = io::stdout().lock();
    output.write_all(bytes)?;
    output.flush()
}

/// Sends the lines that are typed, and shows at any time what comes.
fn converse(
    session: &mut Session,
    request: &DebugRequest<'_>,
    views: &BothViews,
    streams: Streams,
) -> Result<(), Failure> {
    let is_on_screen = io::stdout().is_terminal();
    let is_edited = session.edit_conversation();
    let shown = session.typing.clone();
    let views = views.clone();
    let show = move |number, bytes: &[u8]| {
        let bytes = views.take(number, bytes);
        match is_on_screen {
            // A piece of which all is held back leaves the prompt alone.
            true if bytes.is_empty() => Ok(()),
            true => shown.write(&bytes),
            false => write(number, &bytes),
        }
    };
    let mut pump = Pump::start(streams, show.clone()).map_err(CallError::System)?;
    let prompt = match is_on_screen {
        true => format!("{}> ", request.name),
        false => String::new(),
    };
    loop {
        let line = match session.ask_line(&prompt) {
            Ok(line) => line,
            Err(failure @ (Failure::EndOfInput | Failure::Interrupted)) => {
                session.is_interrupted();
                // The editor has left the line already.
                if is_on_screen && !is_edited {
                    session.print("")?;
                }
                return Err(failure);
            }
            Err(failure) => return Err(failure),
        };
        if pump.is_over() {
            let streams = process_logs::open_again(session, request.name)?;
            pump = Pump::start(streams, show.clone()).map_err(CallError::System)?;
        }
        if !send(session, request.name, &line)? {
            return Ok(());
        }
    }
}

/// Sends a line. False, after the reason has been printed, if it was not taken.
fn send(session: &mut Session, name: &str, line: &str) -> Result<bool, Failure> {
    let parameters = [Value::string(name), Value::string(format!("{line}\n"))];
    let fault = match session.try_call("sendProcessStdin", &parameters)? {
        Ok(_) => return Ok(true),
        Err(fault) => fault,
    };
    session.refuse(&refusal(name, fault))?;
    Ok(false)
}

fn refusal(name: &str, fault: Fault) -> String {
    if fault.is(FaultCode::NotRunning) || fault.is(FaultCode::BadName) {
        "ERROR: process not running".to_owned()
    } else if fault.is(FaultCode::NoFile) {
        format!("ERROR: {name} has closed its standard input")
    } else {
        format!("ERROR: {}", CallError::Fault(fault).text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_keeps_its_blanks_and_options_come_before_the_name() {
        for (argument, quiet, name, text) in [
            ("cat", 500, "cat", None),
            ("cat  a  b", 500, "cat", Some("a  b")),
            ("-w 2 g:cat hello", 2000, "g:cat", Some("hello")),
            ("-w0.25 cat -w 3", 250, "cat", Some("-w 3")),
            ("-- -w x", 500, "-w", Some("x")),
            ("--raw cat", 500, "cat", None),
            ("-w 2 --raw -w3 cat a", 3000, "cat", Some("a")),
        ] {
            let expected = DebugRequest {
                quiet: Duration::from_millis(quiet),
                is_raw: argument.contains(RAW),
                name,
                text,
            };
            assert_eq!(DebugRequest::parse(argument), Ok(expected), "{argument}");
        }
        for (argument, message) in [
            ("", "Error: debug requires a process name"),
            ("-w 3", "Error: debug requires a process name"),
            ("-w x cat", "Error: bad number of seconds 'x'"),
            ("-w -1 cat", "Error: bad number of seconds '-1'"),
            ("-w inf cat", "Error: bad number of seconds 'inf'"),
            ("-w", "Error: bad number of seconds ''"),
        ] {
            assert_eq!(DebugRequest::parse(argument), Err(message.to_owned()));
        }
    }
}
