//! What is said on the standard error about a name or a command that there is not, and
//! about a process that did not start: scripts do not look there. A command collects what
//! it could not do, and all of it is explained once when the command is over.

use super::command;
use super::complete::Live;
use super::names::Namespec;
use super::patterns;
use super::reply::ProcessInfo;
use crate::config::nearest::nearest;
use crate::states::ProcessState;

/// How many names are listed.
const LISTED: usize = 3;
/// A shorter word is near to too many others.
const SHORTEST: usize = 3;

/// Commands that similar programs have, and what they are here.
const OF_OTHERS: &[(&str, &str)] = &[
    ("kill", "signal or stop"),
    ("list", "status"),
    ("log", "tail"),
    ("logs", "tail"),
    ("ls", "status"),
    ("ps", "status"),
    ("show", "status"),
];

/// What a command looked for under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// Processes: one, or a group's.
    Processes,
    /// One process and no group.
    Process,
    /// A group that is active.
    ActiveGroup,
    /// A group that is active or could be.
    Group,
    /// A group that is configured and not active.
    InactiveGroup,
}

/// What a command could not do.
#[derive(Debug, Default)]
pub struct Hints {
    unknown: Vec<(String, Sought)>,
    failed: Vec<String>,
}

impl Hints {
    /// There is nothing of this name.
    pub fn add_unknown(&mut self, name: &str, sought: Sought) {
        if !self.unknown.iter().any(|(known, _)| known == name) {
            self.unknown.push((name.to_owned(), sought));
        }
    }

    /// The process of this name, as results show it, did not start.
    pub fn add_failed(&mut self, name: &str) {
        self.failed.push(name.to_owned());
    }

    /// Those that did not start, to be told of in another way.
    pub fn take_failed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.failed)
    }

    pub fn is_empty(&self) -> bool {
        self.unknown.is_empty() && self.failed.is_empty()
    }

    /// A line for each name about which there is something to say.
    pub fn lines(&self, live: &Live) -> Vec<String> {
        let unknown = self.unknown.iter();
        let unknown = unknown.filter_map(|(name, sought)| {
            let hint = of_name(name, *sought, live)?;
            // A question alone does not say which of several names it is about.
            match self.unknown.len() > 1 && hint.starts_with("did you mean") {
                true => Some(format!("{name}: {hint}")),
                false => Some(hint),
            }
        });
        let failed = self.failed.iter().filter_map(|name| {
            let mut rows = live.processes.iter();
            let row = rows.find(|row| row.display_name() == *name)?;
            // What is told of others is when they ended.
            let is_told = matches!(
                row.known_state(),
                Some(ProcessState::Backoff | ProcessState::Fatal)
            );
            // The reason, if the process has told it, is on one of two channels.
            let place = match row.description.contains("process log may have details") {
                true => format!("; to see it: tail --both {name}"),
                false => String::new(),
            };
            (is_told && !row.description.is_empty())
                .then(|| format!("{name}: {}{place}", row.description))
        });
        unknown.chain(failed).collect()
    }
}

/// What an unknown command may have been meant to be.
pub fn of_command(word: &str) -> String {
    let word = word.to_lowercase();
    let of_others = OF_OTHERS.iter().find(|(other, _)| *other == word);
    if let Some((_, known)) = of_others {
        return format!("did you mean {known}?");
    }
    let words = || command::listed().map(command::Command::word);
    let mut begun = words().filter(|known| word.len() >= SHORTEST && known.starts_with(&*word));
    let only = begun.next().filter(|_| begun.next().is_none());
    match only.or_else(|| nearest(&word, words().chain(["help"]))) {
        Some(known) => format!("did you mean {known}?"),
        None => "help lists the commands".to_owned(),
    }
}

fn of_name(name: &str, sought: Sought, live: &Live) -> Option<String> {
    let is_known = live
        .processes
        .iter()
        .any(|row| patterns::is_named(row, name));
    match sought {
        Sought::Processes | Sought::Process if is_known || patterns::is_pattern(name) => None,
        Sought::Processes | Sought::Process => of_process(name, sought, live),
        _ => of_group(name, sought, live),
    }
}

fn of_process(word: &str, sought: Sought, live: &Live) -> Option<String> {
    let name = Namespec::parse(word);
    let members = members(live, name.group);
    // `g`, `g:*` and `g:` all name the group.
    let is_of_group = name.process.is_none_or(|process| process == name.group);
    if is_of_group && !members.is_empty() {
        return match sought {
            Sought::Process => Some(format!("{} is a group: {}", name.group, list(&members))),
            _ => Some(format!("{0} is a group: {0}:*", name.group)),
        };
    }
    if live.inactive.iter().any(|group| group == name.group) {
        return Some(format!(
            "{0} is configured but not active: add {0}",
            name.group
        ));
    }
    let process = name.process.unwrap_or(name.group);
    if !members.is_empty() {
        let mut keys = Keys::default();
        for row in &members {
            keys.add(&row.name, row.full_name());
        }
        let near = keys.near(process);
        return Some(
            near.unwrap_or_else(|| format!("the group {} has {}", name.group, list(&members))),
        );
    }
    let rows = live.processes.iter();
    let same: Vec<&ProcessInfo> = rows.filter(|row| row.name == process).collect();
    if !same.is_empty() {
        return Some(format!("did you mean {}?", list(&same)));
    }
    let mut keys = Keys::default();
    // Whoever names a group means one.
    if name.process.is_some() {
        for row in &live.processes {
            let shown = row.display_name();
            for key in [&row.full_name(), &shown, &row.name] {
                keys.add(key, shown.clone());
            }
        }
    }
    if sought == Sought::Processes {
        for row in &live.processes {
            keys.add(&row.group, format!("{}:*", row.group));
        }
    }
    keys.near(match name.process {
        None => name.group,
        Some(_) => word,
    })
}

fn of_group(word: &str, sought: Sought, live: &Live) -> Option<String> {
    let name = Namespec::parse(word);
    let active = live.processes.iter().map(|row| row.group.as_str());
    let active = active.filter(|_| sought != Sought::InactiveGroup);
    let inactive = live.inactive.iter().map(String::as_str);
    let inactive = inactive.filter(|_| sought != Sought::ActiveGroup);
    let groups: Vec<&str> = active.chain(inactive).collect();
    if name.process.is_none() && groups.contains(&name.group) {
        return Some(format!("did you mean {}?", name.group));
    }
    let mut rows = live.processes.iter();
    let row = rows.find(|row| patterns::is_named(row, word) || row.name == word);
    if let Some(row) = row.filter(|row| row.group != word) {
        return Some(format!("{word} is a process of the group {}", row.group));
    }
    let mut keys = Keys::default();
    for group in groups {
        keys.add(group, group.to_owned());
    }
    let near = keys.near(name.group);
    match sought {
        Sought::InactiveGroup if !members(live, name.group).is_empty() => {
            Some(format!("{} is active already", name.group))
        }
        Sought::InactiveGroup => Some(near.unwrap_or_else(|| {
            format!("supervisord knows no group {word}; if its files have changed, reread first")
        })),
        _ => near,
    }
}

fn members<'l>(live: &'l Live, group: &str) -> Vec<&'l ProcessInfo> {
    let rows = live.processes.iter();
    rows.filter(|row| row.group == group).collect()
}

/// What a word may be near to.
#[derive(Default)]
struct Keys {
    /// In lower case.
    keys: Vec<String>,
    /// What stands for each.
    meant: Vec<String>,
}

impl Keys {
    fn add(&mut self, key: &str, meant: String) {
        self.keys.push(key.to_lowercase());
        self.meant.push(meant);
    }

    /// The question for the key that is nearest to a word, with what stands for that.
    fn near(&self, word: &str) -> Option<String> {
        if word.chars().count() < SHORTEST {
            return None;
        }
        let found = nearest(&word.to_lowercase(), self.keys.iter().map(String::as_str))?;
        let mut pairs = self.keys.iter().zip(&self.meant);
        let (_, meant) = pairs.find(|(key, _)| *key == found)?;
        (meant != word).then(|| format!("did you mean {meant}?"))
    }
}

/// Such as `g:a, g:b, g:c and 2 more`.
fn list(rows: &[&ProcessInfo]) -> String {
    let names = rows.iter().take(LISTED).map(|row| row.display_name());
    let names = names.collect::<Vec<_>>().join(", ");
    match rows.len().checked_sub(LISTED) {
        None | Some(0) => names,
        Some(more) => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
