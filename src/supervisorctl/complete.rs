//! Completion: what may stand where the cursor is. A pure function of the line
//! and of what the daemon knows, for Tab in the shell and for the scripts of
//! bash, zsh and fish alike.
//!
//! Names are offered where they make sense, `start` for what does not run and
//! `stop` for what does, and never twice on a line. As in 4.3.0 a process is
//! offered as results name it, and as `group:process` once the word has a
//! colon.

use super::command::{self, Command};
use super::names::display_name;
use crate::signal::Signal;
use crate::sort;
use crate::states::ProcessState;

/// The two logs of a process.
const CHANNELS: [&str; 2] = ["stdout", "stderr"];

/// A process as the daemon lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveProcess {
    /// Its group.
    pub group: String,
    /// Its name in the group.
    pub name: String,
    /// The code of its state.
    pub state: i64,
}

/// What the daemon knows. Empty lists where it is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// All processes, in the daemon's order.
    pub processes: Vec<LiveProcess>,
    /// Groups that it has read but that are not active.
    pub inactive: Vec<String>,
}

/// Which of the daemon's lists a completion needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// None.
    Nothing,
    /// The processes.
    Processes,
    /// The groups that are not active.
    Inactive,
    /// Both.
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
    /// A signal's name.
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
    /// The channel of a log.
    Channel,
    /// An active group.
    Active,
    /// A group that is not active.
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
pub fn wanted(line: &str, cursor: usize) -> Wanted {
    let (before, word) = split(line, cursor);
    match slot(&before, word) {
        Some(Slot::Group) => Wanted::Groups,
        Some(Slot::Inactive) => Wanted::Inactive,
        Some(Slot::Process { .. } | Slot::Active) => Wanted::Processes,
        _ => Wanted::Nothing,
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
        if candidate.starts_with(word) && !words.contains(&candidate) {
            words.push(candidate);
        }
    }
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
        Command::Add => Slot::Inactive,
        Command::Remove => Slot::Active,
        Command::Update => Slot::Group,
        Command::Status if word.starts_with('-') => Slot::Words(&["--json", "-w"]),
        Command::Status | Command::Restart => process(States::Any, true, true),
        Command::Start => process(States::Startable, true, true),
        Command::Stop => process(States::Stoppable, true, true),
        Command::Signal if is_first => Slot::Signal {
            has_prefix: word.to_ascii_uppercase().starts_with("SIG"),
            is_lower: word.starts_with(|letter: char| letter.is_ascii_lowercase()),
        },
        Command::Signal => process(States::Signallable, true, true),
        Command::Pid | Command::Clear => process(States::Any, true, true),
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
            ("-n", _) | ("-w", Some("debug")) => {
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
    for LiveProcess { group, name, .. } in states.of(live) {
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
    fn of(self, live: &Live) -> impl Iterator<Item = &LiveProcess> {
        live.processes.iter().filter(move |process| {
            let state = ProcessState::from_code(process.state);
            match self {
                States::Any => true,
                States::Startable => state.is_some_and(ProcessState::is_stopped),
                States::Stoppable => state.is_some_and(ProcessState::is_running),
                States::Signallable => state.is_some_and(ProcessState::is_signallable),
                States::Running => state == Some(ProcessState::Running),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Live {
        let process = |name: &str, state: ProcessState| {
            let (group, name) = name.split_once(':').unwrap_or((name, name));
            LiveProcess {
                group: group.to_owned(),
                name: name.to_owned(),
                state: i64::from(state.code()),
            }
        };
        use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping};
        Live {
            processes: vec![
                process("café", Running),
                process("cron", Stopped),
                process("dying", Stopping),
                process("grp:a", Running),
                process("grp:b", Exited),
                process("late", Backoff),
                process("new", Starting),
                process("off:a", Fatal),
                process("off:b", Stopped),
            ],
            inactive: vec!["added".to_owned(), "another".to_owned()],
        }
    }

    /// Candidates for the end of a line, with blanks between them.
    fn at_end(line: &str) -> String {
        complete(line, line.len(), &live()).words.join(" ")
    }

    #[test]
    fn each_place_has_its_words() {
        for (line, expected) in [
            ("sta", "start status"),
            ("  sta", "start status"),
            ("STA", ""),
            ("E", ""),
            ("?sta", "start status"),
            ("? sta", "start status"),
            ("help sta", "start status"),
            ("help start ", ""),
            ("nonsense ", ""),
            ("quit ", ""),
            ("version ", ""),
            ("completion ", "bash zsh fish"),
            ("completion bash ", ""),
            ("maintail ", "-f -n --raw"),
            ("maintail -f ", ""),
            ("status --", "--json"),
            ("status -w gr", "grp:a grp:* grp:b"),
            ("fg ", "café grp:a"),
            ("fg café ", ""),
            ("debug -w 3 g", "grp:a"),
            ("debug -", "-w --raw"),
            ("debug café ", ""),
            ("result l", "late"),
            ("open ", "http:// unix:///"),
            ("open u", "unix:///"),
            ("open unix:///x ", ""),
            ("start ", "cron grp:b grp:* off:a off:* off:b all"),
            ("start c", "cron"),
            ("start cron ", "grp:b grp:* off:a off:* off:b"),
            ("start off:* ", "cron grp:b grp:*"),
            ("start off: ", "cron grp:b grp:*"),
            ("start off:a off:", "off:* off:b"),
            ("start all ", ""),
            ("start a", "all"),
            ("start cron:", "cron:cron cron:*"),
            ("stop ", "café grp:a grp:* late new all"),
            ("stop caf", "café"),
            ("restart d", "dying"),
            ("status g", "grp:a grp:* grp:b"),
            ("signal us", "usr1 usr2"),
            ("signal US", "USR1 USR2"),
            ("signal SIGHU", "SIGHUP"),
            ("signal HUP ", "café dying grp:a grp:* new all"),
            ("signal HUP new ", "café dying grp:a grp:*"),
            (
                "pid ",
                "café cron dying grp:a grp:* grp:b late new off:a off:* off:b all",
            ),
            ("clear of", "off:a off:* off:b"),
            ("tail ", "café cron dying grp:a grp:b late new off:a off:b"),
            ("tail --", "--both --stdout --stderr --raw"),
            ("fg -", "--raw"),
            ("fg --raw c", "café"),
            ("debug --", "--raw"),
            ("maintail --raw ", "-f -n"),
            ("tail -f grp:a g", "grp:* grp:b"),
            ("tail -f grp:* st", "stdout stderr"),
            ("tail -n 20 n", "new"),
            ("tail -n 20 new n", ""),
            ("tail -f l", "late"),
            ("tail -100 late ", "stdout stderr"),
            ("tail late stdout ", ""),
            ("add ", "added another"),
            ("add added ", "another"),
            ("remove ", "café cron dying grp late new off"),
            ("remove off g", "grp"),
            ("update a", "added another all"),
            ("update grp ", "café cron dying late new off added another"),
            ("update all ", ""),
        ] {
            assert_eq!(at_end(line), expected, "{line:?}");
        }
        let commands = at_end("");
        assert!(commands.starts_with("add avail "), "{commands}");
        assert!(commands.contains(" help "), "{commands}");
        assert!(!commands.contains("EOF"), "{commands}");
    }

    #[test]
    fn what_stands_after_the_cursor_does_not_count() {
        let found = complete("stop la new", 7, &live());
        assert_eq!((found.start, found.words), (5, vec!["late".to_owned()]));
        // A cursor within a character cannot be; then it counts as at the end.
        assert_eq!(complete("stop café", 9, &live()).start, 5);
        assert_eq!(complete("stop\u{a0}la", 8, &live()).start, 6);
    }

    #[test]
    fn without_a_daemon_there_are_no_names() {
        for line in [
            "start ",
            "signal HUP ",
            "pid ",
            "update ",
            "add ",
            "remove ",
            "tail ",
        ] {
            let found = complete(line, line.len(), &Live::default());
            assert_eq!(found.words, Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn the_daemon_is_asked_for_what_is_needed() {
        for (line, expected) in [
            ("", Wanted::Nothing),
            ("sta", Wanted::Nothing),
            ("signal H", Wanted::Nothing),
            ("signal HUP ", Wanted::Processes),
            ("stop ", Wanted::Processes),
            ("remove ", Wanted::Processes),
            ("add ", Wanted::Inactive),
            ("update ", Wanted::Groups),
        ] {
            assert_eq!(wanted(line, line.len()), expected, "{line}");
        }
    }
}
