//! The keys that say when a process is ready and whether it is healthy. Supervisor 4.3.0 has
//! none of them; those that the supervisord written in Go has are read as well.

use std::time::Duration;

use super::amounts::Limit;
use super::check_target::{CheckTarget, read_target};
use super::command::Command;
use super::datatypes::ValueError;
use super::error::ConfigError;
use super::expanded::Expanded;
use super::key::Fallback::{Nothing, SameAs, Value};
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{self, Setting, settings};
use super::wanted::{nearest, wanted};
use crate::snapshot::saved;
use crate::text::integer::Integer;
use crate::text::is_space;
use crate::text::json::Json;

settings! {
    /// When a process is ready, and whether it is healthy.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Checks {
        /// How it tells that it is ready; `None` if nobody asks.
        readiness: Option<Readiness> = changed("notify|fd:N|log:TEXT|check", Nothing).of_child(),
        /// How long it has to get ready.
        readiness_timeout: Limit = changed("duration|infinity", Value("60")),
        readiness_check: Option<CheckTarget> = changed("check", Nothing) => read_target,
        readiness_check_delay: Duration = changed("duration", Value("0")),
        readiness_check_period: Duration = changed("duration", Value("1")) => read_positive,
        readiness_check_timeout: Duration = changed("duration", Value("5")) => read_positive,
        readiness_check_success_threshold: i64 = changed("integer", Value("1")).within(1, 1000),
        readiness_check_failure_threshold: i64 = changed("integer", Value("3")).within(1, 1000),
        liveness_check: Option<CheckTarget> = changed("check", Nothing) => read_target,
        liveness_check_delay: Duration = changed("duration", Value("0")),
        liveness_check_period: Duration = changed("duration", Value("10")) => read_positive,
        liveness_check_timeout: Duration = changed("duration", Value("5")) => read_positive,
        liveness_check_success_threshold: i64 = changed("integer", Value("1")).within(1, 1000),
        liveness_check_failure_threshold: i64 = changed("integer", Value("3")).within(1, 1000),
        /// What becomes of a process that is not healthy any more.
        liveness_check_failure_action: FailureAction =
            changed("restart|stop|none|command", Value("restart")) => read_action,
        /// How often it has to give a sign of life; 0 for never.
        watchdog: Duration = changed("duration", Value("0")).of_child(),
    }
}

/// What has another name in Go.
const SCRIPT: Key = changed("liveness_check_script", "command", Nothing);
const INITIAL_DELAY: Key = changed(
    "liveness_check_initial_delay",
    "duration",
    SameAs("liveness_check_delay"),
);

pub const GO_KEYS: [Key; 2] = [SCRIPT, INITIAL_DELAY];

/// The keys that may hold commands.
pub const COMMANDS: [&str; 4] = [
    "readiness_check",
    "liveness_check",
    "liveness_check_failure_action",
    SCRIPT.name,
];

/// What holds in Go where a key of a liveness check is missing, in seconds.
const DEFAULTS_OF_GO: [(&str, u64); 3] = [
    ("liveness_check_delay", 60),
    ("liveness_check_period", 60),
    ("liveness_check_timeout", 30),
];

/// How a process tells that it is ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// By sd_notify.
    #[default]
    Notify,
    /// By a line on this descriptor.
    Descriptor(i32),
    /// By a line of its output with this text.
    Log(String),
    /// Its `readiness_check` succeeds.
    Check,
}

saved! { enum Readiness { Notify, Descriptor(a), Log(a), Check } }

/// The descriptors that a process can tell on: the first three are taken.
const DESCRIPTORS: (i64, i64) = (3, 1023);

impl Setting for Readiness {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        const FORM: &str = "it is notify, fd:3, log: and a text, or check";
        let trimmed = text.trim_matches(is_space);
        let (word, rest) = match trimmed.split_once(':') {
            Some((word, rest)) => (word, Some(rest.trim_matches(is_space))),
            None => (trimmed, None),
        };
        let unlike = || wanted(key, text, FORM.to_owned());
        match (word.to_ascii_lowercase().as_str(), rest) {
            ("notify", None) => Ok(Readiness::Notify),
            ("check", None) => Ok(Readiness::Check),
            ("log", Some(rest)) if !rest.is_empty() => Ok(Readiness::Log(rest.to_owned())),
            ("fd", Some(rest)) => {
                let number = Integer::decimal(rest).ok_or_else(unlike)?.saturated();
                let clamped = number.clamp(DESCRIPTORS.0, DESCRIPTORS.1);
                match i32::try_from(number) {
                    Ok(descriptor) if clamped == number => Ok(Readiness::Descriptor(descriptor)),
                    _ => Err(nearest(key, text, &format!("fd:{clamped}"))),
                }
            }
            _ => Err(unlike()),
        }
    }

    fn dumped(&self) -> Json {
        match self {
            Readiness::Notify => "notify".into(),
            Readiness::Descriptor(number) => Json::String(format!("fd:{number}")),
            Readiness::Log(text) => Json::String(format!("log:{text}")),
            Readiness::Check => "check".into(),
        }
    }
}

/// What becomes of a process that is not healthy any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FailureAction {
    /// It is stopped and started again.
    #[default]
    Restart,
    Stop,
    /// Nothing but that it is told.
    None,
    /// This command is run.
    Command(Command),
}

saved! { enum FailureAction { Restart, Stop, None, Command(a) } }

const ACTIONS: [(&str, FailureAction); 3] = [
    ("restart", FailureAction::Restart),
    ("stop", FailureAction::Stop),
    ("none", FailureAction::None),
];

impl FailureAction {
    /// What is run, if it is a command.
    pub fn command(&self) -> Option<&Command> {
        match self {
            FailureAction::Command(command) => Some(command),
            _ => None,
        }
    }
}

impl Setting for FailureAction {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        action(&Expanded::from(text.to_owned())).ok_or_else(|| no_command(key, text))
    }

    fn dumped(&self) -> Json {
        match self {
            FailureAction::Command(command) => (&**command).into(),
            action => {
                let word = ACTIONS.iter().find(|(_, known)| known == action);
                word.map(|(word, _)| *word).into()
            }
        }
    }
}

fn no_command(key: &Key, text: &str) -> ValueError {
    let form = "it is restart, stop, none or a command";
    wanted(key, text, form.to_owned())
}

fn action(value: &Expanded) -> Option<FailureAction> {
    let word = value.text.trim_matches(is_space);
    let mut words = ACTIONS.iter();
    match words.find(|(known, _)| known.eq_ignore_ascii_case(word)) {
        Some((_, action)) => Some(action.clone()),
        None => Command::behind("", value).map(FailureAction::Command),
    }
}

fn read_action(section: &Section<'_>, key: &Key) -> Result<FailureAction, ConfigError> {
    let Some(value) = section.value(key.name)? else {
        return Ok(FailureAction::default());
    };
    action(&value).ok_or_else(|| section.wrong(key.name, &value, no_command(key, &value.text)))
}

/// A duration that is not 0.
fn read_positive(section: &Section<'_>, key: &Key) -> Result<Duration, ConfigError> {
    let read = section.converted(key.name, |text| match Duration::parse(text, key)? {
        Duration::ZERO => Err(nearest(key, text, "1")),
        duration => Ok(duration),
    })?;
    Ok(read.unwrap_or_else(|| settings::fallback(key)))
}

/// What a check is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Readiness,
    Liveness,
}

saved! { enum Purpose { Readiness, Liveness } }

/// One of the two checks, with when it is made and what its answers mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check<'a> {
    pub target: &'a CheckTarget,
    pub delay: Duration,
    pub period: Duration,
    pub timeout: Duration,
    pub success_threshold: u32,
    pub failure_threshold: u32,
}

impl Checks {
    /// What a section says of it; hardly any says something.
    pub fn read(section: &Section<'_>) -> Result<Option<Box<Checks>>, ConfigError> {
        let keys = Checks::KEYS.iter().chain(&GO_KEYS);
        if !keys.clone().any(|key| section.raw(key.name).is_some()) {
            return Ok(None);
        }
        let mut checks = Checks::read_keys(section)?;
        checks.read_names_of_go(section)?;
        match (&checks.readiness, &checks.readiness_check) {
            (None, Some(_)) => checks.readiness = Some(Readiness::Check),
            (Some(Readiness::Check), None) => {
                let text = "readiness=check needs a readiness_check, such as \
                            readiness_check=tcp://127.0.0.1:5432";
                return Err(section.fault_at("readiness", text));
            }
            (Some(other), Some(_)) if *other != Readiness::Check => {
                let text = "readiness_check is made with readiness=check only, so leave one of \
                            the two out";
                return Err(section.fault_at("readiness_check", text));
            }
            _ => {}
        }
        Ok((checks != Checks::default()).then(|| Box::new(checks)))
    }

    /// Takes over what is written as in Go, where it is not written as here.
    fn read_names_of_go(&mut self, section: &Section<'_>) -> Result<(), ConfigError> {
        let script = section.value(SCRIPT.name)?;
        let delay = section.read(&INITIAL_DELAY)?;
        if self.liveness_check.is_none()
            && let Some(script) = script
        {
            let command = Command::behind("", &script).ok_or_else(|| {
                let error = wanted(&SCRIPT, &script.text, "it is a command".to_owned());
                section.wrong(SCRIPT.name, &script, error)
            })?;
            self.liveness_check = Some(CheckTarget::Command(command));
            let durations = [
                &mut self.liveness_check_delay,
                &mut self.liveness_check_period,
                &mut self.liveness_check_timeout,
            ];
            for (duration, (key, seconds)) in durations.into_iter().zip(DEFAULTS_OF_GO) {
                if section.raw(key).is_none() {
                    *duration = Duration::from_secs(seconds);
                }
            }
        }
        let is_given = |key: &str| section.raw(key).is_some();
        if is_given(INITIAL_DELAY.name) && !is_given("liveness_check_delay") {
            self.liveness_check_delay = delay;
        }
        Ok(())
    }

    /// Whether a process has to tell that it is ready.
    pub fn asks_for_readiness(&self) -> bool {
        self.readiness.is_some()
    }

    /// Whether it is given a socket for sd_notify.
    pub fn listens(&self) -> bool {
        self.readiness == Some(Readiness::Notify) || !self.watchdog.is_zero()
    }

    /// The text of its output that says that it is ready.
    pub fn awaited_text(&self) -> Option<&str> {
        match &self.readiness {
            Some(Readiness::Log(text)) => Some(text),
            _ => None,
        }
    }

    /// The check that is made for a purpose, if one is.
    pub fn check(&self, purpose: Purpose) -> Option<Check<'_>> {
        let threshold = |number: i64| u32::try_from(number).unwrap_or(1);
        Some(match purpose {
            Purpose::Readiness => Check {
                target: self.readiness_check.as_ref()?,
                delay: self.readiness_check_delay,
                period: self.readiness_check_period,
                timeout: self.readiness_check_timeout,
                success_threshold: threshold(self.readiness_check_success_threshold),
                failure_threshold: threshold(self.readiness_check_failure_threshold),
            },
            Purpose::Liveness => Check {
                target: self.liveness_check.as_ref()?,
                delay: self.liveness_check_delay,
                period: self.liveness_check_period,
                timeout: self.liveness_check_timeout,
                success_threshold: threshold(self.liveness_check_success_threshold),
                failure_threshold: threshold(self.liveness_check_failure_threshold),
            },
        })
    }
}

#[cfg(test)]
mod tests;
