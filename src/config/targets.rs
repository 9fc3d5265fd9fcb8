//! Where an output goes: a file, or several targets with commas between them.

use super::error::ConfigError;
use super::expanded::Expanded;
use super::key::Key;
use super::section::Section;
use crate::snapshot::saved;
use crate::text::is_space;
use crate::text::shlex::Piece;

/// Where a child's output goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LogFile {
    /// Nowhere.
    None,
    #[default]
    /// A file of its own in `childlogdir`, named when the group is made.
    Auto,
    /// This path, relative ones to the daemon's directory at each spawn.
    Path(String),
}

saved! { enum LogFile { None, Auto, Path(a) } }

/// What the value of a log file says, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    None,
    Auto,
    Syslog,
    Named(String),
}

saved! { enum Target { None, Auto, Syslog, Named(a) } }

/// Puts home directories into a path.
pub type ExpandUser<'a> = &'a dyn Fn(&str) -> String;

impl Target {
    pub fn of(text: &str, expand_user: ExpandUser<'_>) -> Target {
        match text.to_lowercase().as_str() {
            "none" | "off" => Target::None,
            "auto" => Target::Auto,
            "syslog" => Target::Syslog,
            _ => Target::Named(expand_user(text)),
        }
    }

    /// As a configuration writes it.
    pub fn written(&self) -> &str {
        match self {
            Target::None => "NONE",
            Target::Auto => "AUTO",
            Target::Syslog => "syslog",
            Target::Named(path) => path,
        }
    }

    /// As the one log of an output.
    pub fn log_file(&self) -> LogFile {
        match self {
            Target::Auto => LogFile::Auto,
            Target::Named(path) if !path.is_empty() => LogFile::Path(path.clone()),
            Target::None | Target::Syslog | Target::Named(_) => LogFile::None,
        }
    }

    pub fn path(&self) -> Option<&str> {
        match self {
            Target::Named(path) => Some(path),
            Target::None | Target::Auto | Target::Syslog => None,
        }
    }

    /// Whether it may be read like a file, by its name.
    fn is_regular(&self) -> bool {
        match self {
            Target::Auto => true,
            Target::Named(path) => !path.starts_with("/dev/") && !path.starts_with("/proc/"),
            Target::None | Target::Syslog => false,
        }
    }
}

/// The targets of a list. A value that is none, but a path with commas in it, has a part that
/// is neither absolute nor a word.
pub fn list(value: &Expanded, expand_user: ExpandUser<'_>) -> Option<Vec<Target>> {
    let parts = split(value);
    let targets = parts
        .iter()
        .map(|part| Target::of(part.trim_matches(is_space), expand_user));
    let targets: Vec<Target> = targets.collect();
    let is_target = |target: &Target| match target {
        Target::Named(path) => path.starts_with('/'),
        Target::None | Target::Auto | Target::Syslog => true,
    };
    (targets.len() > 1 && targets.iter().all(is_target)).then_some(targets)
}

/// Commas in what came out of names are text.
fn split(value: &Expanded) -> Vec<String> {
    let mut parts = vec![String::new()];
    for piece in value.pieces() {
        let texts: Vec<&str> = match piece {
            Piece::Own(text) => text.split(',').collect(),
            Piece::Whole(text) => vec![text],
        };
        let mut texts = texts.into_iter();
        if let (Some(last), Some(first)) = (parts.last_mut(), texts.next()) {
            last.push_str(first);
        }
        parts.extend(texts.map(str::to_owned));
    }
    parts
}

/// The place of the target that clients read: the automatic file, else the first regular
/// one, else the first that has a path.
pub fn place_of_main(targets: &[Target]) -> Option<usize> {
    let first = |is_it: &dyn Fn(&Target) -> bool| targets.iter().position(is_it);
    first(&|target| *target == Target::Auto)
        .or_else(|| first(&Target::is_regular))
        .or_else(|| first(&|target| matches!(target, Target::Named(_))))
}

/// The first target that is there twice.
fn repeated(targets: &[Target]) -> Option<&Target> {
    let mut all = targets.iter().enumerate();
    let twice =
        all.find(|(place, target)| targets.iter().take(*place).any(|other| other == *target));
    twice.map(|(_, target)| target)
}

/// The one of several targets that clients read; none may be there twice.
pub fn main_of(
    targets: &[Target],
    section: &Section<'_>,
    key: &Key,
) -> Result<Target, ConfigError> {
    if let Some(target) = repeated(targets) {
        let target = section.shown(key.name, target.written().to_owned());
        let text = format!("{} has {target} twice", key.name);
        return Err(section.fault_at(key.name, text));
    }
    let place = place_of_main(targets);
    let main = place.and_then(|place| targets.get(place));
    Ok(main.cloned().unwrap_or(Target::None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::expand::{Layer, define, expand};

    fn targets(text: &str) -> Option<Vec<String>> {
        let mut names = Layer::new();
        define(&mut names, "here", "/a, /b");
        let value = expand(text, &[&names], "k").unwrap();
        let list = list(&value, &|path| path.replace('~', "/home"))?;
        Some(
            list.iter()
                .map(|target| target.written().to_owned())
                .collect(),
        )
    }

    #[test]
    fn parts_that_are_all_targets_are_a_list_and_anything_else_is_a_path() {
        for (text, expected) in [
            ("/a.log", None),
            ("a,b.log", None),
            ("/a.log, b.log", None),
            ("/a.log,", None),
            ("AUTO", None),
            ("%(here)s", None),
            (
                "~/a.log, /dev/stdout",
                Some(vec!["/home/a.log", "/dev/stdout"]),
            ),
            ("/a.log, /dev/stdout", Some(vec!["/a.log", "/dev/stdout"])),
            ("auto,Syslog , off", Some(vec!["AUTO", "syslog", "NONE"])),
            (
                "%(here)s/x.log, syslog",
                Some(vec!["/a, /b/x.log", "syslog"]),
            ),
        ] {
            let expected = expected.map(|list| list.into_iter().map(str::to_owned).collect());
            assert_eq!(targets(text), expected, "{text}");
        }
    }

    #[test]
    fn clients_read_the_automatic_or_the_first_regular_file() {
        let named = |path: &str| Target::Named(path.to_owned());
        for (targets, expected) in [
            (
                vec![named("/dev/stdout"), named("/a.log"), named("/b.log")],
                Some(1),
            ),
            (vec![named("/a.log"), Target::Auto], Some(1)),
            (
                vec![Target::Syslog, named("/dev/stdout"), named("/dev/stderr")],
                Some(1),
            ),
            (vec![Target::Syslog, Target::None], None),
        ] {
            assert_eq!(place_of_main(&targets), expected, "{targets:?}");
        }
    }

    #[test]
    fn a_target_that_is_there_twice_is_found() {
        let named = |path: &str| Target::Named(path.to_owned());
        assert_eq!(repeated(&[named("/a"), named("/b"), Target::Auto]), None);
        let twice = [named("/a"), Target::Syslog, named("/a")];
        assert_eq!(repeated(&twice), Some(&named("/a")));
    }
}
