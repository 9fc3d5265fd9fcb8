//! `[eventlistener:x]`: its own keys, read in the original's order. Those that it
//! shares with programs are [`program`](super::program)'s.

use std::time::Duration;

use super::command::Command;
use super::datatypes;
use super::error::ConfigError;
use super::expanded::Expanded;
use super::section::{Context, Section};
use super::system::System;
use super::{IsLimited, Pool, ResultHandler};
use crate::events::message::PayloadLength;
use crate::events::types;
use crate::sort;

/// How the sections' names begin.
pub const PREFIX: &str = "eventlistener:";

const DEFAULT_BUFFER_SIZE: i64 = 10;
const DEFAULT_HANDLER_TIMEOUT: i64 = 10;
const DEFAULT_MONITOR_INTERVAL: i64 = 60;
const DEFAULT_BUSY_WARNING: Duration = Duration::from_secs(30);

/// An event listener: what `read` makes of its section.
pub struct Listener {
    /// The group's priority; its processes have their own.
    pub priority: i64,
    /// What the pool of its processes does.
    pub pool: Pool,
}

/// Reads the section's own keys.
pub fn read<S: System>(context: &Context<'_, S>, name: &str) -> Result<Listener, ConfigError> {
    let section = context.section(name, &[&context.here]);
    let priority = section.integer("priority", -1)?;
    let buffer_size = section.converted("buffer_size", datatypes::integer)?;
    if let Some(size) = &buffer_size
        && size.saturated() < 1
    {
        let error = ConfigError::BufferSize {
            section: name.to_owned(),
            size: section.shown("buffer_size", size.to_string()),
        };
        return Err(section.at("buffer_size", error));
    }
    // `handler` is this program's name for it.
    let key = match section.raw("handler") {
        None => "result_handler",
        Some(_) => "handler",
    };
    let result_handler = match section.value(key)? {
        None => ResultHandler::Default,
        Some(value) => result_handler(&value).ok_or_else(|| {
            let error = ConfigError::Unresolved {
                section: name.to_owned(),
                value: value.shown().into_owned(),
            };
            section.at(key, error)
        })?,
    };
    let events = events(&section)?;
    if section.boolean("redirect_stderr", false)? {
        return Err(ConfigError::ListenerRedirects(name.to_owned()));
    }
    let event_max_retry = section.at_least("event_max_retry", 0, 0)?;
    let handler_timeout = section.at_least("handler_timeout", 1, DEFAULT_HANDLER_TIMEOUT)?;
    let monitor_interval = section.at_least("monitor_interval", 1, DEFAULT_MONITOR_INTERVAL)?;
    let payload_length = section.choice(
        "payload_length",
        &PayloadLength::ALL,
        PayloadLength::name,
        PayloadLength::Characters,
    )?;
    let busy_warning = section
        .converted("busy_warning", datatypes::duration)?
        .unwrap_or(DEFAULT_BUSY_WARNING);
    Ok(Listener {
        priority,
        pool: Pool {
            is_limited: IsLimited(buffer_size.is_some()),
            buffer_size: buffer_size.map_or(DEFAULT_BUFFER_SIZE, |size| size.saturated()),
            events,
            result_handler,
            event_max_retry,
            handler_timeout,
            monitor_interval,
            payload_length,
            busy_warning,
        },
    })
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

fn events<S: System>(section: &Section<'_, S>) -> Result<Vec<String>, ConfigError> {
    let names = datatypes::list(&section.text("events")?.unwrap_or_default());
    if names.is_empty() {
        return Err(ConfigError::NoEvents(section.name().to_owned()));
    }
    let mut events = Vec::new();
    for event in names.iter().map(|name| name.to_uppercase()) {
        if !types::names().any(|name| name == event) {
            let error = ConfigError::UnknownEvent {
                section: section.name().to_owned(),
                event: section.shown("events", event),
            };
            return Err(section.at("events", error));
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
