//! The forms of `tail` and `maintail` that 4.3.0 does not have: several
//! processes, both channels, and a number of lines.

use super::log_text::{self, DEFAULT_BYTES};
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::labels::Labels;
use crate::supervisorctl::log_view::LogView;
use crate::supervisorctl::patterns::{self, Meant};
use crate::supervisorctl::process_logs::{self, Channel};
use crate::supervisorctl::reply::{ProcessInfo, Reply};
use crate::supervisorctl::session::Session;
use crate::supervisorctl::streams::{News, Streams};
use crate::sys::terminal;
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

/// A stream begins with the last 1024 bytes of the log, without half a character:
/// if there are so many, there may have been more.
const CUT: usize = 1021;

/// What the words of the command say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    follow: bool,
    past: Past,
    channels: Vec<Channel>,
    names: Vec<&'a str>,
}

/// One log.
struct Source {
    /// How the server is asked for it.
    name: String,
    /// How it is shown.
    label: String,
    channel: Channel,
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
        terminal::complain(&format!("supervisorctl: no process has the name {name}\n"));
    }
    Ok(unknown.is_empty())
}

/// Whether there is an option of ours, or a word that stands for several.
fn is_extended(words: &[&str]) -> bool {
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
        [names @ .., last] if Channel::named(last).is_some() => (names, true),
        names => (names, false),
    };
    let is_list = names.len() > 2 || (names.len() == 2 && !has_channel);
    let has_option = names.iter().any(|name| name.starts_with('-'));
    (is_list && !has_option).then_some(names)
}

impl<'a> Wanted<'a> {
    /// Takes the words apart; the message says what is wrong with them.
    pub fn parse(words: &[&'a str]) -> Result<Wanted<'a>, String> {
        let mut wanted = Wanted {
            follow: false,
            past: Past::Usual,
            channels: Vec::new(),
            names: Vec::new(),
        };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let bad = || format!("Error: bad argument {word}");
            match *word {
                "-f" => wanted.follow = true,
                "--both" => wanted.channels = vec![Channel::Stdout, Channel::Stderr],
                "--stdout" => wanted.channels = vec![Channel::Stdout],
                "--stderr" => wanted.channels = vec![Channel::Stderr],
                "-n" => {
                    let count = rest.next().ok_or("Error: -n requires a number of lines")?;
                    wanted.past = lines(count).ok_or_else(|| bad() + " " + count)?;
                }
                word => match (word.strip_prefix("-n"), word.strip_prefix('-')) {
                    (Some(count), _) => wanted.past = lines(count).ok_or_else(bad)?,
                    (None, Some(count)) => {
                        let bytes = log_text::integer(count).ok_or_else(bad)?;
                        wanted.past = Past::Bytes(bytes);
                    }
                    (None, None) => wanted.names.push(word),
                },
            }
        }
        if wanted.channels.is_empty() {
            let last = wanted.names.last().and_then(|last| Channel::named(last));
            if let Some(channel) = last.filter(|_| wanted.names.len() > 1) {
                wanted.names.pop();
                wanted.channels = vec![channel];
            } else {
                wanted.channels = vec![Channel::Stdout];
            }
        }
        Ok(wanted)
    }
}

fn lines(count: &str) -> Option<Past> {
    count.parse().ok().map(Past::Lines)
}

/// `tail [-f] [-n LINES|-BYTES] [--both|--stderr] NAME…`
pub fn tail(session: &mut Session, words: &[&str], view: &LogView) -> Result<(), Failure> {
    let wanted = match Wanted::parse(words) {
        Ok(wanted) => wanted,
        Err(message) => return session.fail(exit_status::GENERIC, &message),
    };
    if wanted.names.is_empty() {
        return session.fail(exit_status::GENERIC, "Error: tail requires process name");
    }
    let processes = session.processes()?;
    let sources = sources(session, &wanted, &processes)?;
    if wanted.follow {
        // Why there is nothing has been told.
        if sources.is_empty() {
            return Ok(());
        }
        return follow(session, &sources, wanted.past, view);
    }
    let mut labels = Labels::new(sources.iter().map(|source| source.label.clone()).collect());
    for (number, source) in sources.iter().enumerate() {
        let Some(text) = read(session, source, wanted.past)? else {
            continue;
        };
        let text = view.clone().whole(&text);
        let mut shown = labels.take(number, &text);
        shown.extend(labels.finish(number));
        let is_whole = shown.is_empty() || shown.ends_with(b"\n");
        session.write(&shown)?;
        if sources.len() == 1 && !(is_whole && matches!(wanted.past, Past::Lines(_))) {
            session.print("")?;
        }
    }
    Ok(())
}

/// The logs that are meant. A pattern without a match is reported.
fn sources(
    session: &mut Session,
    wanted: &Wanted<'_>,
    processes: &[ProcessInfo],
) -> Result<Vec<Source>, Failure> {
    let mut names: Vec<(String, String)> = Vec::new();
    let meant = patterns::each(&wanted.names, processes);
    for (word, meant) in wanted.names.iter().zip(meant) {
        match meant {
            Meant::Name => names.push(((*word).to_owned(), (*word).to_owned())),
            Meant::Nothing => {
                let message = format!("{word}: ERROR (no such process name)");
                session.fail(exit_status::GENERIC, &message)?;
            }
            Meant::Several(rows) => {
                names.extend(rows.iter().map(|row| (row.full_name(), row.display_name())))
            }
        }
    }
    let (several_names, several_channels) = (names.len() > 1, wanted.channels.len() > 1);
    let mut sources = Vec::new();
    for (name, shown) in names {
        for channel in &wanted.channels {
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
            sources.push(Source {
                name: name.clone(),
                label,
                channel: *channel,
            });
        }
    }
    Ok(sources)
}

fn has_log(session: &mut Session, name: &str, channel: Channel) -> Result<bool, Failure> {
    let info = session.try_call("getProcessInfo", &[Value::string(name)])?;
    Ok(info.is_ok_and(|info| process_logs::has_path(&info, channel)))
}

/// The end of a log; `None` after the reason has been printed.
fn read(session: &mut Session, source: &Source, past: Past) -> Result<Option<Vec<u8>>, Failure> {
    let method = source.channel.read_method();
    let log = Some((source.name.as_str(), source.channel.name()));
    let read = |session: &mut Session, bytes: i64| -> Result<Option<Vec<u8>>, Failure> {
        let parameters = [
            Value::string(&source.name),
            log_text::offset(bytes)?,
            Value::Int(0),
        ];
        match session.try_call(method, &parameters)? {
            Ok(value) => {
                let value = &value;
                let text = Reply { method, value }.text()?;
                Ok(Some(log_text::bytes_of(session, log, bytes, text)))
            }
            Err(fault) => {
                log_text::refuse_log(session, &source.name, fault)?;
                Ok(None)
            }
        }
    };
    match past {
        Past::Usual => read(session, DEFAULT_BYTES),
        Past::Bytes(bytes) => read(session, bytes),
        Past::Lines(count) => last_lines(count, |bytes| read(session, bytes)),
    }
}

/// The last lines of a text of which the last so many bytes can be read.
pub fn last_lines(
    count: usize,
    mut read: impl FnMut(i64) -> Result<Option<Vec<u8>>, Failure>,
) -> Result<Option<Vec<u8>>, Failure> {
    const FIRST: i64 = 16 * 1024;
    const MOST: i64 = 1 << 30;
    let mut bytes = FIRST;
    let mut before = None;
    loop {
        let Some(text) = read(bytes)? else {
            return Ok(None);
        };
        // More was asked for and no more came: it is all there is.
        let is_all = before == Some(text.len()) || bytes >= MOST;
        if is_all || ends_within(&text) >= count {
            return Ok(Some(end_of(&text, count).to_vec()));
        }
        before = Some(text.len());
        bytes *= 4;
    }
}

/// The last lines of a log up to where its stream goes on. The stream has told
/// `past` of them, which may begin within a line; what was before that is read
/// apart, and should it not be found any more the cut line is left out.
fn lines_before(
    session: &mut Session,
    source: &Source,
    count: usize,
    past: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    if past.len() < CUT || ends_within(&past) >= count {
        return Ok(end_of(&past, count).to_vec());
    }
    let log = Some((source.name.as_str(), source.channel.name()));
    let method = source.channel.read_method();
    let found = last_lines(count, |bytes| {
        let name = Value::string(&source.name);
        let parameters = [name, log_text::offset(bytes)?, Value::Int(0)];
        let Ok(value) = session.try_call(method, &parameters)? else {
            return Ok(None);
        };
        let value = &value;
        let text = Reply { method, value }.text()?;
        let mut text = log_text::bytes_of(session, log, bytes, text);
        // What has come since then will come by the stream.
        let place = text.windows(past.len()).rposition(|part| part == past);
        let end = place.map(|place| place + past.len());
        Ok(end.map(|end| {
            text.truncate(end);
            text
        }))
    })?;
    let first_end = past.iter().position(|byte| *byte == b'\n');
    let uncut = first_end.map_or(&[] as &[u8], |end| past.get(end + 1..).unwrap_or_default());
    Ok(found.unwrap_or_else(|| end_of(uncut, count).to_vec()))
}

/// How many lines end before the last one does.
fn ends_within(text: &[u8]) -> usize {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    body.iter().filter(|byte| **byte == b'\n').count()
}

/// The last lines of a text. The last one may lack its end.
fn end_of(text: &[u8], count: usize) -> &[u8] {
    let Some(before) = count.checked_sub(1) else {
        return &[];
    };
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let ends = body.iter().enumerate().rev();
    let mut ends = ends.filter(|(_, byte)| **byte == b'\n');
    let begin = ends.nth(before).map_or(0, |(place, _)| place + 1);
    text.get(begin..).unwrap_or_default()
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
    sources: &[Source],
    past: Past,
    view: &LogView,
) -> Result<(), Failure> {
    session.catch_interrupts()?;
    session.print("==> Press Ctrl-C to exit <==")?;
    let mut lines = Lines {
        labels: Labels::new(sources.iter().map(|source| source.label.clone()).collect()),
        views: vec![view.clone(); sources.len()],
    };
    let outcome = follow_with(session, sources, past, &mut lines);
    session.write(&lines.finish_all())?;
    match outcome {
        Err(Failure::Interrupted) => session.print(""),
        outcome => outcome,
    }
}

fn follow_with(
    session: &mut Session,
    sources: &[Source],
    past: Past,
    lines: &mut Lines,
) -> Result<(), Failure> {
    let mut streams = Streams::default();
    for (number, source) in sources.iter().enumerate() {
        let Source { name, channel, .. } = source;
        let stream = match past {
            Past::Lines(count) => match process_logs::open_with_past(session, name, *channel)? {
                Some((stream, past)) => Some((stream, lines_before(session, source, count, past)?)),
                None => None,
            },
            _ => process_logs::open(session, &process_logs::stream_path(name, *channel))?
                .map(|stream| (stream, Vec::new())),
        };
        if let Some((stream, past)) = stream {
            session.write(&lines.take(number, &past))?;
            streams.add(number, stream);
        } else {
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
        ] {
            let expected = Wanted {
                follow,
                past,
                channels,
                names: split(names),
            };
            assert_eq!(Wanted::parse(&split(line)), Ok(expected), "{line}");
        }
        for (line, message) in [
            ("-n", "Error: -n requires a number of lines"),
            ("-n x a", "Error: bad argument -n x"),
            ("-x g:*", "Error: bad argument -x"),
        ] {
            assert_eq!(Wanted::parse(&split(line)), Err(message.to_owned()));
        }
    }

    #[test]
    fn the_last_lines_are_found_however_long_they_are() {
        let log: String = (0..5000).map(|n| format!("line {n}\n")).collect();
        let read = |log: &str, bytes: i64| {
            let from = log.len().saturating_sub(usize::try_from(bytes).unwrap());
            Ok(Some(log.as_bytes()[from..].to_vec()))
        };
        for (log, count, expected) in [
            (log.as_str(), 2, "line 4998\nline 4999\n"),
            (log.as_str(), 0, ""),
            (log.as_str(), 9999, log.as_str()),
            ("a\nb", 1, "b"),
            ("a\n\n", 1, "\n"),
            ("", 3, ""),
        ] {
            let found = last_lines(count, |bytes| read(log, bytes)).unwrap();
            assert_eq!(found.as_deref(), Some(expected.as_bytes()), "{count}");
        }
        assert!(last_lines(1, |_| Ok(None)).unwrap().is_none());
    }
}
