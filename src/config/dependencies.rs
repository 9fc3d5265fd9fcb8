//! What a program needs to be up before it starts: the keys, and the grammar of their names.
//! Whether there is something of that name is for [`needed`](super::needed) to check, when all
//! sections are known.

use std::rc::Rc;

use super::Process;
use super::amounts::Limit;
use super::datatypes::ValueError;
use super::error::ConfigError;
use super::expanded::Expanded;
use super::ini::Location;
use super::key::Fallback::{Nothing, Value};
use super::key::{Key, changed};
use super::nearest;
use super::section::Section;
use super::settings::{self, Setting, settings};
use super::wanted;
use crate::snapshot::saved;
use crate::text::is_space;
use crate::text::json::Json;

/// What holds of a process that another one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// It is RUNNING.
    Running,
    /// And its liveness check has succeeded.
    Healthy,
    /// It is EXITED with an expected status.
    Exited,
    /// It has a child.
    Started,
}

saved! { enum Condition { Running, Healthy, Exited, Started } }

/// The words for conditions: those of this program first, then those of compose files.
const CONDITIONS: [(&str, Condition); 7] = [
    ("running", Condition::Running),
    ("healthy", Condition::Healthy),
    ("exited", Condition::Exited),
    ("started", Condition::Started),
    ("service_started", Condition::Started),
    ("service_healthy", Condition::Healthy),
    ("service_completed_successfully", Condition::Exited),
];

impl Condition {
    pub fn word(self) -> &'static str {
        let found = CONDITIONS.iter().find(|(_, condition)| *condition == self);
        found.map_or("", |(word, _)| word)
    }

    fn named(word: &str) -> Option<Condition> {
        let mut words = CONDITIONS.iter();
        let found = words.find(|(known, _)| known.eq_ignore_ascii_case(word));
        found.map(|(_, condition)| *condition)
    }
}

/// What is waited for where a name has no condition.
pub fn default_condition(process: &Process) -> Condition {
    match process.is_oneshot() {
        true => Condition::Exited,
        false => Condition::Running,
    }
}

/// Whether the process has a check that tells whether it is healthy.
pub fn has_liveness_check(process: &Process) -> bool {
    let checks = process.checks.as_ref();
    checks.is_some_and(|checks| checks.liveness_check.is_some() || !checks.watchdog.is_zero())
}

/// Where a name stands, for messages. To what runs it makes no difference, so any two
/// of them are equal.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub section: Box<str>,
    pub location: Option<Location>,
    /// The value as the file has it, if something in it came out of the environment.
    pub written: Option<Box<str>>,
}

saved! { struct Place { section, location, written } }

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

/// One name of `depends_on`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    /// A program, a group, `group:*` or `group:process`.
    pub name: Box<str>,
    pub condition: Option<Condition>,
    /// It is waited for only if it is to run anyway.
    pub is_optional: bool,
    pub place: Place,
}

saved! { struct Dependency { name, condition, is_optional, place } }

settings! {
    /// What a program needs, and what becomes of it without that.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Dependencies {
        depends_on: Vec<Dependency> = changed("dependencies", Nothing),
        /// How long a start by request waits.
        depends_timeout: Limit = changed("duration|infinity", Value("120")),
        /// It goes down and comes up with what it needs.
        depends_restart: bool = changed("boolean", Value("false")),
    }
}

/// The key that a group has, too.
pub const DEPENDS_ON: Key = Dependencies::KEYS[0];

impl Dependencies {
    /// Those of a section; hardly any has some.
    pub fn read(section: &Section<'_>) -> Result<Option<Rc<Dependencies>>, ConfigError> {
        let mut read = Dependencies::read_keys(section)?;
        locate(section, &mut read.depends_on);
        Ok((read != Dependencies::default()).then(|| Rc::new(read)))
    }
}

/// The names that a `[group:x]` has for all its members.
pub fn of_group(section: &Section<'_>) -> Result<Vec<Dependency>, ConfigError> {
    let mut names: Vec<Dependency> = section.read(&DEPENDS_ON)?;
    locate(section, &mut names);
    Ok(names)
}

/// Adds the names of a group to the processes of one of its sections, which share what they need.
pub fn add(processes: &mut [Process], names: &[Dependency]) {
    let Some(first) = processes.first().filter(|_| !names.is_empty()) else {
        return;
    };
    let mut all = first.dependencies.as_deref().cloned().unwrap_or_default();
    all.depends_on.extend_from_slice(names);
    let all = Rc::new(all);
    for process in processes {
        process.dependencies = Some(Rc::clone(&all));
    }
}

fn locate(section: &Section<'_>, names: &mut [Dependency]) {
    if names.is_empty() {
        return;
    }
    let value = section.value(DEPENDS_ON.name).ok().flatten();
    let hidden = value.filter(Expanded::hides);
    let written = hidden.map(|value| Box::from(&*value.shown()));
    for name in names {
        name.place = Place {
            section: section.name().into(),
            location: section.location(DEPENDS_ON.name),
            written: written.clone(),
        };
    }
}

impl Setting for Vec<Dependency> {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let is_between = |character: char| is_space(character) || character == ',';
        let mut names = Vec::new();
        let mut rest = text.trim_start_matches(is_between);
        while !rest.is_empty() {
            let end = rest.find(is_between).unwrap_or(rest.len());
            // Blanks in brackets, and before them, are no end.
            let closed = |open: usize| {
                let inside = rest.get(open..).unwrap_or_default();
                inside
                    .find(')')
                    .map_or(rest.len(), |close| open + close + 1)
            };
            let after = rest.get(end..).unwrap_or_default();
            let blanks = after.len() - after.trim_start_matches(is_space).len();
            let end = match rest.find('(') {
                Some(open) if open < end || open == end + blanks => {
                    let close = closed(open);
                    let mark = rest.get(close..).is_some_and(|rest| rest.starts_with('?'));
                    close + usize::from(mark)
                }
                _ => end,
            };
            let (word, after) = rest.split_at(end);
            names.push(dependency(word, key)?);
            if after.starts_with(|character| !is_between(character)) {
                let near = format!("put a comma behind {word}");
                return Err(wanted::wanted(key, text, near));
            }
            rest = after.trim_start_matches(is_between);
        }
        Ok(names)
    }

    fn dumped(&self) -> Json {
        let names = self
            .iter()
            .map(|dependency| Json::String(dependency.text()));
        Json::Array(names.collect())
    }
}

impl Dependency {
    /// The name as messages show it.
    pub fn shown(&self) -> &str {
        self.place.written.as_deref().unwrap_or(&self.name)
    }

    /// As it could be written.
    pub fn text(&self) -> String {
        let mark = if self.is_optional { "?" } else { "" };
        match self.condition {
            None => format!("{}{mark}", self.name),
            Some(condition) => format!("{}{mark}({})", self.name, condition.word()),
        }
    }
}

/// `name`, `name?`, `name(condition)` or `name?(condition)`, with the mark behind
/// the brackets, too.
fn dependency(word: &str, key: &Key) -> Result<Dependency, ValueError> {
    let unmarked = word.strip_suffix('?');
    let (name, condition) = match unmarked.unwrap_or(word).split_once('(') {
        None => (unmarked.unwrap_or(word), None),
        Some((name, rest)) => {
            let condition = rest.strip_suffix(')').unwrap_or(rest);
            (name, Some(condition.trim_matches(is_space)))
        }
    };
    let name = name.trim_end_matches(is_space);
    let inner = name.strip_suffix('?');
    let is_optional = unmarked.or(inner).is_some();
    let name = inner.unwrap_or(name);
    let near = |condition: &str| wanted::nearest(key, word, &format!("{name}({condition})"));
    if name.is_empty() || name.contains(['?', ')']) {
        let form = "it is names such as db, cache? or migrate(exited)";
        return Err(wanted::wanted(key, word, form.to_owned()));
    }
    let condition = match condition {
        None => None,
        Some(text) => Some(Condition::named(text).ok_or_else(|| {
            let lower = text.to_lowercase();
            match nearest::nearest(&lower, CONDITIONS.iter().map(|(word, _)| *word)) {
                Some(word) => near(word),
                None => {
                    let words = "the condition is running, healthy, exited or started";
                    wanted::wanted(key, word, words.to_owned())
                }
            }
        })?),
    };
    let brackets = (word.matches('(').count(), word.matches(')').count());
    if brackets.0 != brackets.1 {
        return Err(near(condition.unwrap_or(Condition::Running).word()));
    }
    Ok(Dependency {
        name: name.into(),
        condition,
        is_optional,
        place: Place::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let names =
            Vec::<Dependency>::parse(text, &DEPENDS_ON).map_err(|error| error.to_string())?;
        let names: Vec<String> = names.iter().map(Dependency::text).collect();
        Ok(names.join(" "))
    }

    #[test]
    fn names_have_commas_or_blanks_between_them_and_conditions_in_brackets() {
        for (text, expected) in [
            ("", ""),
            (" , ", ""),
            ("db", "db"),
            ("db, cache?  migrate(exited)", "db cache? migrate(exited)"),
            ("db\ncache,,app:*", "db cache app:*"),
            ("app:api_01 ( Running )", "app:api_01(running)"),
            ("db (exited)", "db(exited)"),
            (
                "cache?(started), cache(started)?",
                "cache?(started) cache?(started)",
            ),
            (
                "a(service_started) b(service_healthy)",
                "a(started) b(healthy)",
            ),
            ("m(service_completed_successfully)", "m(exited)"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_wrong_name_is_told_with_the_nearest_right_one() {
        let conditions = "the condition is running, healthy, exited or started";
        let names = "it is names such as db, cache? or migrate(exited)";
        for (text, word, near) in [
            ("db, m(exitd)", "m(exitd)", "write m(exited)"),
            ("db(up)", "db(up)", conditions),
            ("db()", "db()", conditions),
            ("db(running", "db(running", "write db(running)"),
            ("(running)", "(running)", names),
            ("?", "?", names),
            ("db)", "db)", names),
            ("a(exited)b", "a(exited)b", "put a comma behind a(exited)"),
        ] {
            let message = format!("Invalid depends_on value '{word}' ({near})");
            assert_eq!(read(text), Err(message), "{text}");
        }
    }
}
