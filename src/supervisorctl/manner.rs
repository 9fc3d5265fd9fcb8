//! How a command is to be carried out: the options of `start`, `stop`, `restart` and
//! `update`, which may stand before, between and after names.

use std::time::Duration;

use super::command::Command;
use crate::config::datatypes;

pub const NO_WAIT: &str = "--no-wait";
pub const NOW: &str = "--now";
pub const TIMEOUT: &str = "--timeout";
pub const WITH_DEPENDENTS: &str = "--with-dependents";
pub const ROLLING: &str = "--rolling";
pub const MAX_UNAVAILABLE: &str = "--max-unavailable";
pub const FOR: &str = "--for";
pub const DRY_RUN: &str = "--dry-run";
pub const WHOLE_GROUPS: &str = "--whole-groups";
pub const DIFF: &str = "--diff";
pub const JSON: &str = "--json";
pub const CHECK: &str = "--check";

/// What may be waited for; the first is what is meant where nothing is said.
pub const CONDITIONS: [&str; 5] = ["running", "ready", "healthy", "exited", "stopped"];

/// What the options say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// The command ends when everything is under way.
    pub is_quick: bool,
    /// How long a stop may take before SIGKILL, with zero that is the only signal; or how long is
    /// waited.
    pub stop_within: Option<Duration>,
    /// What depends on it is stopped first.
    pub with_dependents: bool,
    /// What is waited for.
    pub condition: Option<&'static str>,
    /// One is restarted after the other.
    pub is_rolling: bool,
    /// How many may be down at the same time.
    pub at_once: Option<u16>,
    /// What would change is shown, and nothing is done.
    pub is_dry: bool,
    /// Groups are stopped and replaced as a whole.
    pub is_whole: bool,
    /// What is shown is JSON.
    pub is_json: bool,
}

/// The options that a command has.
pub fn options_of(command: Command) -> &'static [&'static str] {
    match command {
        Command::Start | Command::Scale => &[NO_WAIT],
        Command::Update => &[NO_WAIT, DRY_RUN, WHOLE_GROUPS, JSON],
        Command::Reread => &[DIFF, JSON],
        Command::Restart => &[NO_WAIT, ROLLING, MAX_UNAVAILABLE],
        Command::Stop => &[NO_WAIT, TIMEOUT, NOW, WITH_DEPENDENTS],
        Command::Upgrade => &[CHECK],
        Command::Wait => &[FOR, TIMEOUT],
        _ => &[],
    }
}

/// Takes the options out of a command's words; the error is a line for who typed them.
pub fn split<'a>(command: Command, words: &[&'a str]) -> Result<(Manner, Vec<&'a str>), String> {
    let options = options_of(command);
    let mut manner = Manner::default();
    let mut names = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let (option, given) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        if options.is_empty() || !word.starts_with("--") {
            names.push(word);
        } else if !options.contains(&option) {
            let known = options.join(", ");
            return Err(format!(
                "Error: {} has no option {option}; it has {known}",
                command.word()
            ));
        } else if option == TIMEOUT {
            let value = given.or_else(|| words.next()).unwrap_or_default();
            let limit = datatypes::duration(value);
            let error = || {
                format!("Error: {TIMEOUT} takes a duration such as 30, 90s or 5m, not '{value}'")
            };
            manner.stop_within = Some(limit.map_err(|_| error())?);
        } else if option == FOR {
            let value = given.or_else(|| words.next()).unwrap_or_default();
            let condition = CONDITIONS.into_iter().find(|known| *known == value);
            let error = || {
                let known = CONDITIONS.join(", ");
                format!("Error: {FOR} takes one of {known}, not '{value}'")
            };
            manner.condition = Some(condition.ok_or_else(error)?);
        } else if option == MAX_UNAVAILABLE {
            let value = given.or_else(|| words.next()).unwrap_or_default();
            let count = value.parse().ok().filter(|count| *count > 0);
            let error =
                || format!("Error: {MAX_UNAVAILABLE} takes a number from 1 on, not '{value}'");
            manner.at_once = Some(count.ok_or_else(error)?);
        } else if let Some(value) = given {
            return Err(format!("Error: {option} takes no value, but has '{value}'"));
        } else if option == NOW {
            manner.stop_within = Some(Duration::ZERO);
        } else if option == ROLLING {
            manner.is_rolling = true;
        } else if option == DRY_RUN || option == DIFF || option == CHECK {
            manner.is_dry = true;
        } else if option == WHOLE_GROUPS {
            manner.is_whole = true;
        } else if option == JSON {
            manner.is_json = true;
        } else if option == WITH_DEPENDENTS {
            manner.with_dependents = true;
        } else {
            manner.is_quick = true;
        }
    }
    if manner.with_dependents && manner.stop_within.is_some() {
        return Err(format!(
            "Error: {WITH_DEPENDENTS} does not go with {TIMEOUT} and {NOW}"
        ));
    }
    if manner.at_once.is_some() && !manner.is_rolling {
        return Err(format!(
            "Error: {MAX_UNAVAILABLE} goes with {ROLLING} alone"
        ));
    }
    if manner.is_json && !manner.is_dry {
        let shows = match command {
            Command::Reread => DIFF,
            _ => DRY_RUN,
        };
        return Err(format!("Error: {JSON} goes with {shows} alone"));
    }
    Ok((manner, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(command: Command, line: &str) -> Result<(bool, Option<u64>, String), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (manner, names) = split(command, &words)?;
        let within = manner.stop_within.map(|time| time.as_millis() as u64);
        Ok((manner.is_quick, within, names.join(" ")))
    }

    #[test]
    fn options_stand_anywhere_among_the_names() {
        for (command, line, quick, within, names) in [
            (Command::Start, "a b", false, None, "a b"),
            (Command::Start, "--no-wait a b", true, None, "a b"),
            (Command::Restart, "a --no-wait b", true, None, "a b"),
            (Command::Update, "--no-wait", true, None, ""),
            (Command::Stop, "a --timeout 5m", false, Some(300_000), "a"),
            (Command::Stop, "--timeout=500ms a", false, Some(500), "a"),
            (Command::Stop, "--now a --no-wait", true, Some(0), "a"),
            (Command::Stop, "-x a", false, None, "-x a"),
            (Command::Clear, "--now a", false, None, "--now a"),
        ] {
            let expected = Ok((quick, within, names.to_owned()));
            assert_eq!(read(command, line), expected, "{line}");
        }
    }

    #[test]
    fn wrong_options_are_told_with_the_right_ones() {
        for (command, line, told) in [
            (
                Command::Start,
                "--now a",
                "Error: start has no option --now; it has --no-wait",
            ),
            (
                Command::Stop,
                "--nowait a",
                "Error: stop has no option --nowait; it has --no-wait, --timeout, --now, \
                 --with-dependents",
            ),
            (
                Command::Stop,
                "--timeout a",
                "Error: --timeout takes a duration such as 30, 90s or 5m, not 'a'",
            ),
            (
                Command::Stop,
                "a --timeout",
                "Error: --timeout takes a duration such as 30, 90s or 5m, not ''",
            ),
            (
                Command::Stop,
                "a --timeout=-1",
                "Error: --timeout takes a duration such as 30, 90s or 5m, not '-1'",
            ),
            (
                Command::Wait,
                "a --for up",
                "Error: --for takes one of running, ready, healthy, exited, stopped, not 'up'",
            ),
            (
                Command::Stop,
                "--now --with-dependents a",
                "Error: --with-dependents does not go with --timeout and --now",
            ),
            (
                Command::Restart,
                "--rolling a --max-unavailable",
                "Error: --max-unavailable takes a number from 1 on, not ''",
            ),
            (
                Command::Restart,
                "--rolling --max-unavailable=0 a",
                "Error: --max-unavailable takes a number from 1 on, not '0'",
            ),
            (
                Command::Restart,
                "--max-unavailable 2 a",
                "Error: --max-unavailable goes with --rolling alone",
            ),
            (
                Command::Update,
                "--json a",
                "Error: --json goes with --dry-run alone",
            ),
            (
                Command::Reread,
                "--json",
                "Error: --json goes with --diff alone",
            ),
            (
                Command::Stop,
                "--now=1 a",
                "Error: --now takes no value, but has '1'",
            ),
        ] {
            assert_eq!(read(command, line), Err(told.to_owned()));
        }
    }
}
