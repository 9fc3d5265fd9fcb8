//! `[eventlistener:x]`: its own keys, read in the original's order. Those that it
//! shares with programs are [`program`](super::program)'s.

use std::time::Duration;

use super::command::Command;
use super::datatypes::{self, Mismatch, ValueError};
use super::error::ConfigError;
use super::expanded::Expanded;
use super::key::Fallback::{Required, Value};
use super::key::{Key, changed};
use super::program::{PRIORITY, REDIRECT_STDERR};
use super::section::{Context, Section};
use super::settings::{self, Setting, Word, settings};
use crate::events::message::PayloadLength;
use crate::events::types;
use crate::snapshot::saved;
use crate::sort;
use crate::text::json::Json;

pub const PREFIX: &str = "eventlistener:";

settings! {
    /// The keys of `[eventlistener:x]` that are no program's.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Pool {
        /// How many events wait for a listener at most, if that is limited; 1 or more.
        buffer_size: i64 = changed("integer", Value("10")) => read_buffer_size,
        /// Who judges the listeners' answers.
        result_handler: ResultHandler = changed("handler", Value("default")) => read_handler,
        /// Names of events, upper case, sorted, each once.
        events: Vec<String> = changed("list", Required) => read_events,
        /// How often a rejected event is tried again; 0 for ever.
        event_max_retry: i64 = changed("integer", Value("0")).at_least(0),
        /// How many seconds a handler that is a command may take; 1 or more.
        handler_timeout: i64 = changed("integer", Value("10")).at_least(1),
        /// How many seconds lie between two queries of monitors; 1 or more.
        monitor_interval: i64 = changed("integer", Value("60")).at_least(1),
        payload_length: PayloadLength = changed("characters|bytes", Value("characters")),
        /// How long a listener is BUSY before that is told; zero for never.
        busy_warning: Duration = changed("duration", Value("30")),
    } and {
        /// Whether `buffer_size` is a limit.
        is_limited: IsLimited,
    }
}

/// This program's name for `result_handler`.
const HANDLER: Key = changed("handler", "handler", Value("default"));

/// The keys of `[eventlistener:x]`, beside those of a program.
pub const KEYS: &[&[Key]] = &[&Pool::KEYS, &[HANDLER]];

/// Whether `buffer_size` was set. The default is told as 10, as in 4.3.0, and to set
/// it to that is no change to a `reread`: any two of these are equal.
#[derive(Clone, Copy, Debug, Default)]
pub struct IsLimited(pub bool);

saved! { struct IsLimited(_); }

impl PartialEq for IsLimited {
    fn eq(&self, _: &IsLimited) -> bool {
        true
    }
}

impl Eq for IsLimited {}

/// Who judges what a listener answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResultHandler {
    #[default]
    /// `OK` and `FAIL`.
    Default,
    /// The latest answer is kept.
    Store,
    /// A command is run for each answer; the command.
    Exec(Command),
}

saved! { enum ResultHandler { Default, Store, Exec(a) } }

impl Setting for ResultHandler {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let handler = result_handler(&Expanded::from(text.to_owned()));
        handler.ok_or_else(|| Mismatch::Setting(key.name).of(text))
    }

    fn dumped(&self) -> Json {
        match self {
            ResultHandler::Default => "default".into(),
            ResultHandler::Store => "store".into(),
            ResultHandler::Exec(command) => Json::String(format!("exec:{}", &**command)),
        }
    }
}

impl Word for PayloadLength {
    const WORDS: &'static [(&'static str, PayloadLength)] = &[
        ("characters", PayloadLength::Characters),
        ("bytes", PayloadLength::Bytes),
    ];
}

/// An event listener: what `read` makes of its section.
pub struct Listener {
    /// The group's priority; its processes have their own.
    pub priority: i64,
    /// What the pool of its processes does.
    pub pool: Pool,
}

pub fn read(context: &Context<'_>, name: &str) -> Result<Listener, ConfigError> {
    let section = context.section(name, &[&context.here]);
    let priority = section.converted(PRIORITY.name, |text| i64::parse(text, &PRIORITY))?;
    let pool = Pool::read_keys(&section)?;
    if section.read(&REDIRECT_STDERR)? {
        let text = format!(
            "[{name}] section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol"
        );
        return Err(section.fault_at(REDIRECT_STDERR.name, text));
    }
    Ok(Listener {
        priority: priority.unwrap_or(-1),
        pool: Pool {
            is_limited: IsLimited(section.raw("buffer_size").is_some()),
            ..pool
        },
    })
}

fn read_buffer_size(section: &Section<'_>, key: &Key) -> Result<i64, ConfigError> {
    let Some(size) = section.converted(key.name, datatypes::integer)? else {
        return Ok(settings::fallback(key));
    };
    if size.saturated() < 1 {
        let size = section.shown(key.name, size.to_string());
        let name = section.name();
        let text = format!("[{name}] section sets invalid buffer_size ({size})");
        return Err(section.fault_at(key.name, text));
    }
    Ok(size.saturated())
}

fn read_handler(section: &Section<'_>, key: &Key) -> Result<ResultHandler, ConfigError> {
    let key = match section.raw(HANDLER.name) {
        None => key.name,
        Some(_) => HANDLER.name,
    };
    let Some(value) = section.value(key)? else {
        return Ok(ResultHandler::Default);
    };
    result_handler(&value).ok_or_else(|| {
        let value = value.shown();
        let text = format!("{value} cannot be resolved within [{}]", section.name());
        let advice = handler_advice(&value);
        section.fault_at(key, text).advising(advice)
    })
}

/// Which handler takes the place of one in Python. What is known of that is its
/// name: supervisor_stdout and its kin print what programs write.
fn handler_advice(value: &str) -> &'static str {
    let name = value.to_lowercase();
    if ["stdout", "stdlog", "stderr"]
        .iter()
        .any(|part| name.contains(part))
    {
        "handlers written in Python cannot be loaded: to print what programs write, leave this listener out and set stdout_logfile=/dev/stdout in the programs and childlog_format=prefix in [supervisord], or use exec:COMMAND, which gives each event and its answer to a command; store accepts every answer and prints nothing"
    } else {
        "handlers written in Python cannot be loaded: use default, store or exec:COMMAND (default for a listener that answers OK or FAIL, store to accept and keep whatever it answers, exec:COMMAND to give each event and its answer to a command)"
    }
}

/// The handlers that there are; those that 4.3.0 ships go by its names too.
fn result_handler(value: &Expanded) -> Option<ResultHandler> {
    match value.text.as_str() {
        "default" | "supervisor.dispatchers:default_handler" | "supervisor.process.stdhandler" => {
            Some(ResultHandler::Default)
        }
        "store" => Some(ResultHandler::Store),
        _ => Command::behind("exec:", value).map(ResultHandler::Exec),
    }
}

fn read_events(section: &Section<'_>, key: &Key) -> Result<Vec<String>, ConfigError> {
    let names = datatypes::list(&section.text(key.name)?.unwrap_or_default());
    let name = section.name();
    if names.is_empty() {
        let text = format!("[{name}] section requires an \"events\" line");
        return Err(section.fault_at(key.name, text));
    }
    let mut events = Vec::new();
    for event in names.iter().map(|name| name.to_uppercase()) {
        if !types::names().any(|name| name == event) {
            let event = section.shown(key.name, event);
            let text = format!("Unknown event type {event} in [{name}] events");
            return Err(section.fault_at(key.name, text));
        }
        events.push(event);
    }
    sort::by(&mut events, Ord::cmp);
    events.dedup();
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(value: &str) -> Option<ResultHandler> {
        result_handler(&Expanded::from(value.to_owned()))
    }

    #[test]
    fn handlers_are_known_by_their_names_here_and_in_python() {
        for value in [
            "default",
            "supervisor.dispatchers:default_handler",
            "supervisor.process.stdhandler",
        ] {
            assert_eq!(handler(value), Some(ResultHandler::Default));
        }
        assert_eq!(handler("store"), Some(ResultHandler::Store));
        assert_eq!(
            handler("exec: /bin/judge -v"),
            Some(ResultHandler::Exec("/bin/judge -v".into()))
        );
        for value in ["", "exec:", "Store", "my.plugin:handler"] {
            assert_eq!(handler(value), None, "{value}");
        }
    }
}
