//! `tail`, `maintail` and `clear`: the logs of processes and the daemon's own.

use super::follow::follow;
use super::last_lines::last_lines;
use super::log_text::{DEFAULT_BYTES, RemoteLog, integer};
use super::{expanded, refuse, tail_many};
use crate::supervisorctl::command::Command;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::log_view::{self, LogView};
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::outcome::{self, Verb};
use crate::supervisorctl::process_logs;
use crate::supervisorctl::session::Session;
use crate::text::pyrepr::repr;
use crate::xmlrpc::value::Value;

/// The word that says how much of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// `-f`: what comes.
    Follow,
    /// `-N`: the last N bytes; all for 0, and from byte N on for `--N`.
    Bytes(i64),
}

/// `tail [--raw] [-f|-N] NAME [stdout|stderr]`
pub fn tail(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let (words, is_raw) = log_view::without_option(words);
    let (words, view) = (words.as_slice(), LogView::on_stdout(is_raw));
    if tail_many::is_meant(session, words)? {
        return tail_many::tail(session, words, &view);
    }
    if words.is_empty() {
        return refuse(session, Command::Tail, "Error: too few arguments");
    }
    if words.len() > 3 {
        return refuse(session, Command::Tail, "Error: too many arguments");
    }
    let (modifier, words) = match words {
        [first, rest @ ..] if first.starts_with('-') => (Some(*first), rest),
        _ => (None, words),
    };
    // A word between the name and the channel is ignored.
    let (name, channel) = match words {
        [] => {
            return session.refuse("Error: tail requires process name");
        }
        [name] => (*name, "stdout".to_owned()),
        [name, .., channel] => (*name, channel.to_lowercase()),
    };
    let Some(channel) = process_logs::channel_named(&channel) else {
        return session.refuse(&format!("Error: bad channel {}", repr(&channel)));
    };
    let log = RemoteLog::Process(name.to_owned(), channel);
    match modifier.map_or(Some(Extent::Bytes(DEFAULT_BYTES)), Extent::parse) {
        None => refuse_modifier(session, modifier.unwrap_or_default()),
        Some(Extent::Follow) => follow(session, &log, view),
        Some(Extent::Bytes(bytes)) => show(session, &log, bytes, view),
    }
}

/// `maintail [--raw] [-f|-N|-n LINES]`
pub fn maintail(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let (words, is_raw) = log_view::without_option(words);
    let (words, view) = (words.as_slice(), LogView::on_stdout(is_raw));
    let count = match words {
        ["-n", count] => count.parse().ok(),
        [word] => word.strip_prefix("-n").and_then(|count| count.parse().ok()),
        _ => None,
    };
    if let Some(count) = count {
        return main_lines(session, count, view);
    }
    let extent = match words {
        [] => Some(Extent::Bytes(DEFAULT_BYTES)),
        [modifier] if modifier.starts_with('-') => Extent::parse(modifier),
        [_] => None,
        _ => {
            return refuse(session, Command::Maintail, "Error: too many arguments");
        }
    };
    match extent {
        None => refuse_modifier(session, words.first().unwrap_or(&"")),
        Some(Extent::Follow) => follow(session, &RemoteLog::Main, view),
        Some(Extent::Bytes(bytes)) => show(session, &RemoteLog::Main, bytes, view),
    }
}

/// The last lines of the daemon's own log.
fn main_lines(session: &mut Session, count: usize, view: LogView) -> Result<(), Failure> {
    let text = last_lines(count, |bytes| RemoteLog::Main.read(session, bytes))?;
    let Some(text) = text else {
        return Ok(());
    };
    session.write(&view.whole(&text))?;
    match text.is_empty() || text.ends_with(b"\n") {
        true => Ok(()),
        false => session.print(""),
    }
}

fn refuse_modifier(session: &mut Session, word: &str) -> Result<(), Failure> {
    session.refuse(&format!("Error: bad argument {word}"))
}

/// Prints the end of a log. The extra newline is always there.
fn show(session: &mut Session, log: &RemoteLog, bytes: i64, view: LogView) -> Result<(), Failure> {
    match log.read(session, bytes)? {
        Some(text) => {
            session.write(&view.whole(&text))?;
            session.print("")
        }
        None => Ok(()),
    }
}

/// `clear NAME…|all`
pub fn clear(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if words.contains(&"all") {
        let results = session.call(Verb::Clear.method_for_all(), &[])?.results()?;
        return outcome::report_results(session, Verb::Clear, &results);
    }
    for word in expanded(session, words)? {
        let outcome = session.try_call(Verb::Clear.method_for_one(), &[Value::string(&word)])?;
        let name = Namespec::parse(&word);
        let name = match name.process {
            Some(process) => display_name(name.group, process),
            None => word.clone(),
        };
        outcome::report_call(session, Verb::Clear, &name, outcome)?;
    }
    Ok(())
}

impl Extent {
    fn parse(word: &str) -> Option<Extent> {
        match word.strip_prefix('-')? {
            "f" => Some(Extent::Follow),
            number => integer(number).map(Extent::Bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modifier_is_read_as_pythons_int_reads_it() {
        for (word, expected) in [
            ("-f", Some(Extent::Follow)),
            ("-100", Some(Extent::Bytes(100))),
            ("-0", Some(Extent::Bytes(0))),
            ("--20", Some(Extent::Bytes(-20))),
            ("-+10", Some(Extent::Bytes(10))),
            ("-1_0", Some(Extent::Bytes(10))),
            ("-99999999999999999999", Some(Extent::Bytes(i64::MAX))),
            ("-F", None),
            ("-", None),
            ("--", None),
            ("-1__0", None),
            ("-_1", None),
            ("-1.0", None),
        ] {
            assert_eq!(Extent::parse(word), expected, "{word}");
        }
    }
}
