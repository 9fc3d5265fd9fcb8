//! The forms of `tail` and `maintail` that 4.3.0 does not have: several
//! processes, both channels, and a number of lines.

use super::last_lines::{last_lines, lines_before};
use super::log_text::{self, DEFAULT_BYTES, RemoteLog};
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::labels::Labels;
use crate::supervisorctl::log_view::LogView;
use crate::supervisorctl::patterns::{self, Meant};
use crate::supervisorctl::process_logs::{self, open_with_past};
use crate::supervisorctl::reply::ProcessInfo;
use crate::supervisorctl::screen;
use crate::supervisorctl::session::Session;
use crate::supervisorctl::streams::{News, Streams};
use crate::text::plain;
use crate::tokens::Channel;
use crate::xmlrpc::value::Value;

/// How much of what a log holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// As much as 4.3.0 shows.
    Usual,
    /// So many bytes.
    Bytes(i64),
    /// So many lines.
    Lines(usize),
}

/// What the words of the command say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailRequest<'a> {
    follow: bool,
    past: Past,
    channels: Vec<Channel>,
    names: Vec<&'a str>,
}

/// A log and how it is shown.
struct LabelledLog {
    label: String,
    /// How the server is asked for the process.
    name: String,
    channel: Channel,
}

impl LabelledLog {
    fn remote(&self) -> RemoteLog {
        RemoteLog::Process(self.name.clone(), self.channel)
    }
}

/// Whether these words are of a form that 4.3.0 does not have. A list of names
/// is one if there are such processes: else it is for 4.3.0's errors, and the
/// standard error is told which names are unknown.
pub fn is_meant(session: &mut Session, words: &[&str]) -> Result<bool, Failure> {
    if is_extended(words) {
        return Ok(true);
    }
    let Some(names) = list(words) else {
        return Ok(false);
    };
    let processes = session.processes()?;
    let is_known = |name: &&&str| processes.iter().any(|row| patterns::is_named(row, name));
    let unknown: Vec<&&str> = names.iter().filter(|name| !is_known(name)).collect();
    // What 4.3.0 says then is about a channel.
    for name in &unknown {
        screen::complain(&format!("supervisorctl: no process has the name {name}"));
        session.hints.add_unknown(name, Sought::Processes);
    }
    Ok(unknown.is_empty())
}

/// Whether there is an option of ours, `-f` behind a name, or a word that stands for
/// several.
fn is_extended(words: &[&str]) -> bool {
    let mut after_options = words.iter().skip_while(|word| word.starts_with('-'));
    if after_options.any(|word| *word == "-f") {
        return true;
    }
    words.iter().any(|word| match word.strip_prefix('-') {
        Some("-both" | "-stdout" | "-stderr") => true,
        Some(option) => option
            .strip_prefix('n')
            .is_some_and(|count| count.bytes().all(|byte| byte.is_ascii_digit())),
        None => patterns::is_plural(word),
    })
}

/// The names after `-f`, if there are several. Of three words of which the last
/// is a channel 4.3.0 ignores the second.
fn list<'w, 'a>(words: &'w [&'a str]) -> Option<&'w [&'a str]> {
    let ["-f", names @ ..] = words else {
        return None;
    };
    let (names, has_channel) = match names {
        [names @ .., last] if process_logs::channel_named(last).is_some() => (names, true),
        names => (names, false),
    };
    let is_list = names.len() > 2 || (names.len() == 2 && !has_channel);
    let has_option = names.iter().any(|name| name.starts_with('-'));
    (is_list && !has_option).then_some(names)
}

impl<'a> TailRequest<'a> {
    /// Takes the words apart; the message says what is wrong with them.
    pub fn parse(words: &[&'a str]) -> Result<TailRequest<'a>, String> {
        let mut request = TailRequest {
            follow: false,
            past: Past::Usual,
            channels: Vec::new(),
            names: Vec::new(),
        };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let bad = || format!("Error: bad argument {word}");
            match *word {
                "-f" => request.follow = true,
                "--both" => request.channels = vec![Channel::Stdout, Channel::Stderr],
                "--stdout" => request.channels = vec![Channel::Stdout],
                "--stderr" => request.channels = vec![Channel::Stderr],
                "-n" => {
                    let count = rest.next().ok_or("Error: -n requires a number of lines")?;
                    request.past = lines(count).ok_or_else(|| bad() + " " + count)?;
                }
                word => match (word.strip_prefix("-n"), word.strip_prefix('-')) {
                    (Some(count), _) => request.past = lines(count).ok_or_else(bad)?,
                    (None, Some(count)) => {
                        let bytes = log_text::integer(count).ok_or_else(bad)?;
                        request.past = Past::Bytes(bytes);
                    }
                    (None, None) => request.names.push(word),
                },
            }
        }
        if request.channels.is_empty() {
            let last = request
                .names
                .last()
                .and_then(|last| process_logs::channel_named(last));
            if let Some(channel) = last.filter(|_| request.names.len() > 1) {
                request.names.pop();
                request.channels = vec![channel];
            } else {
                request.channels = vec![Channel::Stdout];
            }
        }
        Ok(request)
    }
}

fn lines(count: &str) -> Option<Past> {
    count.parse().ok().map(Past::Lines)
}

/// `tail [-f] [-n LINES|-BYTES] [--both|--stderr] NAME…`
pub fn tail(session: &mut Session, words: &[&str], view: &LogView) -> Result<(), Failure> {
    let request = match TailRequest::parse(words) {
        Ok(request) => request,
        Err(message) => return session.refuse(&message),
    };
    if request.names.is_empty() {
        return session.refuse("Error: tail requires process name");
    }
    let processes = session.processes()?;
    let logs = logs(session, &request, &processes)?;
    if request.follow {
        // Why there is nothing has been told.
        if logs.is_empty() {
            return Ok(());
        }
        return follow(session, &logs, request.past, view);
    }
    let mut labels = labels(&logs);
    for (number, log) in logs.iter().enumerate() {
        let Some(text) = read(session, log, request.past)? else {
            continue;
        };
        let text = view.clone().whole(&text);
        let mut shown = labels.take(number, &text);
        shown.extend(labels.finish(number));
        let is_whole = shown.is_empty() || shown.ends_with(b"\n");
        session.write(&shown)?;
        if logs.len() == 1 && !(is_whole && matches!(request.past, Past::Lines(_))) {
            session.print("")?;
        }
    }
    Ok(())
}

/// The logs that are meant. A pattern without a match is reported.
fn logs(
    session: &mut Session,
    request: &TailRequest<'_>,
    processes: &[ProcessInfo],
) -> Result<Vec<LabelledLog>, Failure> {
    let mut names: Vec<(String, String)> = Vec::new();
    let meant = patterns::each(&request.names, processes);
    for (word, meant) in request.names.iter().zip(meant) {
        match meant {
            Meant::Name => names.push(((*word).to_owned(), (*word).to_owned())),
            Meant::Nothing => {
                session.hints.add_unknown(word, Sought::Processes);
                session.refuse(&format!("{word}: ERROR (no such process name)"))?;
            }
            Meant::Several(rows) => {
                names.extend(rows.iter().map(|row| (row.full_name(), row.display_name())))
            }
        }
    }
    let (several_names, several_channels) = (names.len() > 1, request.channels.len() > 1);
    let mut logs = Vec::new();
    for (name, shown) in names {
        for channel in &request.channels {
            let label = match (several_names, several_channels) {
                (true, true) => format!("{shown} {}", channel.name()),
                (false, true) => channel.name().to_owned(),
                _ => shown.clone(),
            };
            // With both asked for, one that has no log of its own is left out.
            if several_channels
                && *channel == Channel::Stderr
                && !has_log(session, &name, *channel)?
            {
                continue;
            }
            logs.push(LabelledLog {
                name: name.clone(),
                label,
                channel: *channel,
            });
        }
    }
    Ok(logs)
}

fn labels(logs: &[LabelledLog]) -> Labels {
    let names = logs.iter().map(|log| plain::shown(&log.label).into_owned());
    Labels::new(names.collect())
}

fn has_log(session: &mut Session, name: &str, channel: Channel) -> Result<bool, Failure> {
    let info = session.try_call("getProcessInfo", &[Value::string(name)])?;
    Ok(info.is_ok_and(|info| process_logs::has_log(&info.value, channel)))
}

/// The end of a log; `None` after the reason has been printed.
fn read(session: &mut Session, log: &LabelledLog, past: Past) -> Result<Option<Vec<u8>>, Failure> {
    let log = log.remote();
    match past {
        Past::Usual => log.read(session, DEFAULT_BYTES),
        Past::Bytes(bytes) => log.read(session, bytes),
        Past::Lines(count) => last_lines(count, |bytes| log.read(session, bytes)),
    }
}

/// The lines of several logs, as they are shown.
struct Lines {
    labels: Labels,
    views: Vec<LogView>,
}

impl Lines {
    fn take(&mut self, number: usize, bytes: &[u8]) -> Vec<u8> {
        let view = self.views.get_mut(number);
        let shown = view.map_or_else(Vec::new, |view| view.take(bytes));
        self.labels.take(number, &shown)
    }

    fn finish(&mut self, number: usize) -> Vec<u8> {
        let view = self.views.get_mut(number);
        let rest = view.map_or_else(Vec::new, LogView::finish);
        let mut lines = match rest.is_empty() {
            true => Vec::new(),
            false => self.labels.take(number, &rest),
        };
        lines.extend(self.labels.finish(number));
        lines
    }

    fn finish_all(&mut self) -> Vec<u8> {
        (0..self.views.len())
            .flat_map(|number| self.finish(number))
            .collect()
    }
}

/// Shows what comes to any of the logs, until Ctrl-C or until all have ended.
fn follow(
    session: &mut Session,
    logs: &[LabelledLog],
    past: Past,
    view: &LogView,
) -> Result<(), Failure> {
    session.catch_interrupts()?;
    session.print("==> Press Ctrl-C to exit <==")?;
    let mut lines = Lines {
        labels: labels(logs),
        views: vec![view.clone(); logs.len()],
    };
    let outcome = follow_with(session, logs, past, &mut lines);
    session.write(&lines.finish_all())?;
    match outcome {
        Err(Failure::Interrupted) => session.print(""),
        outcome => outcome,
    }
}

fn follow_with(
    session: &mut Session,
    logs: &[LabelledLog],
    past: Past,
    lines: &mut Lines,
) -> Result<(), Failure> {
    let mut streams = Streams::default();
    for (number, log) in logs.iter().enumerate() {
        let remote = log.remote();
        let stream = match past {
            Past::Lines(count) => match open_with_past(session, &log.name, log.channel)? {
                Some((stream, past)) => {
                    Some((stream, lines_before(session, &remote, count, past)?))
                }
                None => None,
            },
            _ => remote.open(session)?.map(|stream| (stream, Vec::new())),
        };
        if let Some((stream, past)) = stream {
            session.write(&lines.take(number, &past))?;
            streams.add(number, stream);
        } else {
            session.hints.add_unknown(&log.name, Sought::Processes);
            session.exit_status = exit_status::GENERIC;
        }
    }
    let interrupt = session.interrupt()?;
    while !streams.is_empty() {
        match streams.next(interrupt.as_ref(), None) {
            Ok(News::Output(number, bytes)) => session.write(&lines.take(number, &bytes))?,
            Ok(News::Ended(number)) => session.write(&lines.finish(number))?,
            Ok(News::Quiet) => {}
            Ok(News::Called) => {
                session.is_interrupted();
                return Err(Failure::Interrupted);
            }
            Err(error) => return Err(CallError::System(error).into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    #[test]
    fn the_forms_of_4_3_0_are_left_to_it() {
        for line in [
            "a",
            "-f a",
            "-100 a stderr",
            "a junk stderr",
            "-f a stderr",
            "-f a junk stderr",
            "-f a STDOUT",
            "a b",
            "a b c d",
            "-f -20 web",
            "a -20",
            "-x a",
            "-no a",
            "--20 a",
        ] {
            let words = split(line);
            assert!(!is_extended(&words) && list(&words).is_none(), "{line}");
        }
        for line in [
            "-f a b",
            "-f a b c d",
            "-f a b c stderr",
            "-f a b:*",
            "-f a --both",
            "-n 5 a",
            "-n5 a",
            "web-*",
            "g:",
            "a -f",
            "a stderr -f",
            "a -f stderr",
            "a b -f",
        ] {
            let words = split(line);
            assert!(is_extended(&words) || list(&words).is_some(), "{line}");
        }
    }

    #[test]
    fn options_stand_anywhere_and_a_channel_last() {
        use Channel::{Stderr, Stdout};
        for (line, follow, past, channels, names) in [
            ("-f a b", true, Past::Usual, vec![Stdout], "a b"),
            (
                "-f a b:* --both",
                true,
                Past::Usual,
                vec![Stdout, Stderr],
                "a b:*",
            ),
            ("-n 5 a stderr", false, Past::Lines(5), vec![Stderr], "a"),
            ("-n5 stderr", false, Past::Lines(5), vec![Stdout], "stderr"),
            (
                "-100 g:* --stderr",
                false,
                Past::Bytes(100),
                vec![Stderr],
                "g:*",
            ),
            ("-f -n 0 a", true, Past::Lines(0), vec![Stdout], "a"),
            ("a -f stderr", true, Past::Usual, vec![Stderr], "a"),
            ("a STDERR -f", true, Past::Usual, vec![Stderr], "a"),
        ] {
            let expected = TailRequest {
                follow,
                past,
                channels,
                names: split(names),
            };
            assert_eq!(TailRequest::parse(&split(line)), Ok(expected), "{line}");
        }
        for (line, message) in [
            ("-n", "Error: -n requires a number of lines"),
            ("-n x a", "Error: bad argument -n x"),
            ("-x g:*", "Error: bad argument -x"),
        ] {
            assert_eq!(TailRequest::parse(&split(line)), Err(message.to_owned()));
        }
    }
}
