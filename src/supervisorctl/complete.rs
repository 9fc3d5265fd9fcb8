//! Completion: what may stand where the cursor is. A pure function of the line
//! and of what the daemon knows, for Tab in the shell and for the scripts of
//! bash, zsh and fish alike.
//!
//! Names are offered where they make sense, `start` for what does not run and
//! `stop` for what does, and never twice on a line. As in 4.3.0 a process is
//! offered as results name it, and as `group:process` once the word has a
//! colon.

use super::command::{self, Command};
use super::manner;
use super::names::display_name;
use super::reply::ProcessInfo;
use crate::signal::Signal;
use crate::sort;
use crate::states::ProcessState;
use crate::text::plain;

/// The two logs of a process.
const CHANNELS: [&str; 2] = ["stdout", "stderr"];

/// The most candidates, and the most names of either kind that they are made from.
pub const MOST: usize = 10_000;

/// The longest candidate, in bytes: what is longer is not for a line.
const LONGEST: usize = 1000;

/// What the daemon knows. Empty lists where it is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// All processes, in the daemon's order.
    pub processes: Vec<ProcessInfo>,
    /// Groups that it has read but that are not active.
    pub inactive: Vec<String>,
}

/// Which of the daemon's lists a completion needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    None,
    Processes,
    /// The groups that are not active.
    Inactive,
    /// All groups: both lists.
    Groups,
}

/// What a word of the line may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// One of these.
    Words(&'static [&'static str]),
    /// A command, to give or to explain.
    Topic,
    /// The beginning of a URL, to which more is added.
    Url,
    Signal {
        /// Whether it begins with `SIG`.
        has_prefix: bool,
        /// Whether it is in lower case.
        is_lower: bool,
    },
    /// A process in one of some states.
    Process {
        states: States,
        /// Whether `group:*` is understood.
        groups: bool,
        /// Whether `all` is.
        all: bool,
        /// Whether the word names its group.
        has_colon: bool,
        /// Whether a channel may come instead.
        channels: bool,
    },
    Channel,
    Active,
    Inactive,
    /// Any group, or `all`.
    Group,
}

/// In which states a process may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum States {
    Any,
    Startable,
    Stoppable,
    Signallable,
    Running,
    Enabled,
    Disabled,
}

/// The candidates for the word at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins, in bytes.
    pub start: usize,
    /// What it may become.
    pub words: Vec<String>,
    /// Whether the word goes on after a candidate, so that no blank follows.
    pub is_open: bool,
}

/// Which lists of the daemon [`complete`] needs for a line.
pub fn lists(line: &str, cursor: usize) -> Lists {
    let (before, word) = split(line, cursor);
    match slot(&before, word) {
        Some(Slot::Group) => Lists::Groups,
        Some(Slot::Inactive) => Lists::Inactive,
        Some(Slot::Process { .. } | Slot::Active) => Lists::Processes,
        _ => Lists::None,
    }
}

/// The candidates at the cursor, a place in the line in bytes.
pub fn complete(line: &str, cursor: usize, live: &Live) -> Completion {
    let (before, word) = split(line, cursor);
    let end = match line.is_char_boundary(cursor) {
        true => cursor,
        false => line.len(),
    };
    let start = end - word.len();
    let Some(slot) = slot(&before, word) else {
        return Completion {
            start,
            ..Completion::default()
        };
    };
    let mut words: Vec<String> = Vec::new();
    for candidate in slot.candidates(named(&before), live) {
        // What a terminal would act on is no word to type.
        let is_word = candidate.len() <= LONGEST && !candidate.contains(plain::is_control);
        if is_word && candidate.starts_with(word) && !words.contains(&candidate) {
            words.push(candidate);
        }
    }
    words.truncate(MOST);
    Completion {
        start,
        words,
        is_open: slot == Slot::Url,
    }
}

/// The words before the one at the cursor, and that one's part before it.
fn split(line: &str, cursor: usize) -> (Vec<&str>, &str) {
    let before = line.get(..cursor).unwrap_or(line);
    let start = before
        .rfind(char::is_whitespace)
        .map_or(0, |blank| blank + blank_length(before, blank));
    let (words, word) = before.split_at(start);
    let mut words: Vec<&str> = words.split_whitespace().collect();
    // `?start` and `? start` are `help start`.
    if let Some(topic) = words.first().and_then(|first| first.strip_prefix('?')) {
        words.splice(
            ..1,
            ["help", topic].into_iter().filter(|word| !word.is_empty()),
        );
        return (words, word);
    }
    match word.strip_prefix('?') {
        Some(topic) if words.is_empty() => (vec!["help"], topic),
        _ => (words, word),
    }
}

fn blank_length(text: &str, start: usize) -> usize {
    let blank = text.get(start..).and_then(|rest| rest.chars().next());
    blank.map_or(1, char::len_utf8)
}

/// What may stand after these words.
fn slot(before: &[&str], word: &str) -> Option<Slot> {
    let Some((first, arguments)) = before.split_first() else {
        return Some(Slot::Topic);
    };
    let process = |states, groups, all| Slot::Process {
        states,
        groups,
        all,
        has_colon: word.contains(':'),
        channels: false,
    };
    let is_first = arguments.is_empty();
    let slot = match command::known(first)? {
        Command::Help if is_first => Slot::Topic,
        Command::Open if is_first => Slot::Url,
        Command::Completion if is_first => Slot::Words(&["bash", "zsh", "fish"]),
        Command::Maintail if is_first => Slot::Words(&["-f", "-n", "--raw"]),
        Command::Maintail if arguments == ["--raw"] => Slot::Words(&["-f", "-n"]),
        Command::Upgrade if is_first => Slot::Words(manner::options_of(Command::Upgrade)),
        Command::Add => Slot::Inactive,
        Command::Remove => Slot::Active,
        Command::Start
        | Command::Stop
        | Command::Restart
        | Command::Scale
        | Command::Update
        | Command::Wait
            if word.starts_with('-') =>
        {
            Slot::Words(manner::options_of(command::known(first)?))
        }
        // A time, or a number.
        Command::Stop | Command::Wait if arguments.last() == Some(&manner::TIMEOUT) => return None,
        Command::Wait if arguments.last() == Some(&manner::FOR) => Slot::Words(&manner::CONDITIONS),
        Command::Restart if arguments.last() == Some(&manner::MAX_UNAVAILABLE) => return None,
        // Of most programs, the name is that of their group.
        Command::Scale if named(before).is_empty() => Slot::Active,
        Command::Update => Slot::Group,
        Command::Status if word.starts_with('-') => Slot::Words(&["--json", "-w", "--figures"]),
        Command::Graph => process(States::Any, true, false),
        Command::Status | Command::Healthcheck | Command::Restart | Command::Wait => {
            process(States::Any, true, true)
        }
        Command::Start => process(States::Startable, true, true),
        Command::Stop => process(States::Stoppable, true, true),
        Command::Signal if is_first => Slot::Signal {
            has_prefix: word.to_ascii_uppercase().starts_with("SIG"),
            is_lower: word.starts_with(|letter: char| letter.is_ascii_lowercase()),
        },
        Command::Signal => process(States::Signallable, true, true),
        Command::Disable => process(States::Enabled, true, true),
        Command::Enable => process(States::Disabled, true, true),
        Command::Pid | Command::Clear | Command::Explain | Command::Reopen | Command::Rotate => {
            process(States::Any, true, true)
        }
        Command::Debug if word.starts_with('-') && is_first => Slot::Words(&["-w", "--raw"]),
        Command::Fg if word.starts_with('-') && is_first => Slot::Words(&["--raw"]),
        Command::Fg | Command::Debug if named(before).is_empty() => {
            process(States::Running, false, false)
        }
        Command::Result if is_first => Slot::Active,
        Command::Tail if word.starts_with('-') => {
            Slot::Words(&["-f", "-n", "--both", "--stdout", "--stderr", "--raw"])
        }
        Command::Tail => tail(arguments, named(before), word)?,
        _ => return None,
    };
    Some(slot)
}

/// Of one process, its name and then a channel; with an option that is for
/// several, any number of names, and a channel in the end.
fn tail(arguments: &[&str], named: Vec<&str>, word: &str) -> Option<Slot> {
    if named.last().is_some_and(|name| CHANNELS.contains(name)) {
        return None;
    }
    let is_for_several = arguments
        .iter()
        .any(|word| ["-f", "-n", "--both"].contains(word));
    match (named.is_empty(), is_for_several) {
        (false, false) => Some(Slot::Channel),
        (first, several) => Some(Slot::Process {
            states: States::Any,
            groups: several,
            all: false,
            has_colon: word.contains(':'),
            channels: !first,
        }),
    }
}

/// The names among the words: what is neither the command, nor the signal to
/// send, nor an option or its number.
fn named<'a>(before: &'a [&'a str]) -> Vec<&'a str> {
    let is_signal = before.first() == Some(&"signal");
    let mut names = Vec::new();
    let mut words = before.iter().skip(if is_signal { 2 } else { 1 });
    while let Some(word) = words.next() {
        match (*word, before.first().copied()) {
            ("-n" | manner::TIMEOUT | manner::FOR | manner::MAX_UNAVAILABLE, _)
            | ("-w", Some("debug")) => {
                words.next();
            }
            (option, _) if option.starts_with('-') => {}
            (name, _) => names.push(name),
        }
    }
    names
}

impl Slot {
    /// Everything that may stand here, after the names that are there already.
    fn candidates(self, named: Vec<&str>, live: &Live) -> Vec<String> {
        let free = |names: &mut dyn Iterator<Item = &str>| -> Vec<String> {
            names
                .filter(|name| !named.contains(name))
                .map(str::to_owned)
                .collect()
        };
        let inactive = live.inactive.iter().map(String::as_str);
        match self {
            Slot::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            Slot::Channel => CHANNELS.map(str::to_owned).to_vec(),
            Slot::Topic => topics(),
            Slot::Url => vec!["http://".to_owned(), "unix:///".to_owned()],
            Slot::Signal {
                has_prefix,
                is_lower,
            } => signals(has_prefix, is_lower),
            Slot::Active => free(&mut active(live)),
            Slot::Inactive => free(&mut inactive.into_iter()),
            Slot::Group if named.contains(&"all") => Vec::new(),
            Slot::Group => {
                let mut names = free(&mut active(live).chain(inactive));
                if named.is_empty() && !names.is_empty() {
                    names.push("all".to_owned());
                }
                names
            }
            Slot::Process { all: true, .. } if named.contains(&"all") => Vec::new(),
            Slot::Process {
                states,
                groups,
                all,
                has_colon,
                channels,
            } => {
                let mut names = processes(&named, live, states, groups, has_colon);
                if channels {
                    names.extend(CHANNELS.map(str::to_owned));
                }
                if all && named.is_empty() && !names.is_empty() {
                    names.push("all".to_owned());
                }
                names
            }
        }
    }
}

/// The names of processes that are not on the line yet, each group's wildcard
/// after its first member.
fn processes(
    named: &[&str],
    live: &Live,
    states: States,
    groups: bool,
    has_colon: bool,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for ProcessInfo { group, name, .. } in states.of(live) {
        let wildcard = format!("{group}:*");
        let is_named = |name: &str| named.contains(&name);
        if groups && (is_named(&wildcard) || is_named(&format!("{group}:"))) {
            continue;
        }
        let (short, long) = (display_name(group, name), format!("{group}:{name}"));
        // A group of one process of its own name needs no wildcard.
        let has_wildcard = groups && (has_colon || group != name);
        if !is_named(&short) && !is_named(&long) {
            names.push(if has_colon { long } else { short });
        }
        if has_wildcard && !names.contains(&wildcard) {
            names.push(wildcard);
        }
    }
    names
}

fn topics() -> Vec<String> {
    let commands = command::listed().chain([Command::Help]);
    let mut words: Vec<String> = commands.map(|command| command.word().to_owned()).collect();
    sort::by(&mut words, Ord::cmp);
    words
}

fn active(live: &Live) -> impl Iterator<Item = &str> {
    live.processes.iter().map(|process| process.group.as_str())
}

/// Names of signals as they are being typed: the daemon takes them in any
/// case, with SIG and without.
fn signals(has_prefix: bool, is_lower: bool) -> Vec<String> {
    let prefix = if has_prefix { "SIG" } else { "" };
    let names = Signal::names().map(|name| format!("{prefix}{name}"));
    match is_lower {
        true => names.map(|name| name.to_ascii_lowercase()).collect(),
        false => names.collect(),
    }
}

impl States {
    fn of(self, live: &Live) -> impl Iterator<Item = &ProcessInfo> {
        live.processes.iter().filter(move |process| {
            let state = process.known_state();
            match self {
                States::Any => true,
                States::Startable => state.is_some_and(ProcessState::is_stopped),
                States::Stoppable => state.is_some_and(ProcessState::is_running),
                States::Signallable => state.is_some_and(ProcessState::is_signallable),
                States::Running => state == Some(ProcessState::Running),
                States::Enabled => !process.is_disabled,
                States::Disabled => process.is_disabled,
            }
        })
    }
}

#[cfg(test)]
mod tests;
