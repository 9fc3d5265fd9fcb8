//! `[eventlistener:x]`: its own keys are checked as the original does, then
//! those that it shares with programs.

use super::datatypes;
use super::error::ConfigError;
use super::program::{part_after_colon, processes};
use super::section::Context;
use super::system::System;

/// How the sections' names begin.
pub const PREFIX: &str = "eventlistener:";

const DEFAULT_HANDLER: &str = "supervisor.dispatchers:default_handler";

/// The events that a listener may ask for.
const EVENTS: &[&str] = &[
    "EVENT",
    "PROCESS_STATE",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_UNKNOWN",
    "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_LOG",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK",
    "TICK_5",
    "TICK_60",
    "TICK_3600",
    "PROCESS_GROUP",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
];

/// Checks a listener's section.
pub fn check<S: System>(context: &Context<'_, S>, name: &str) -> Result<(), ConfigError> {
    let section = context.section(name, &[&context.here]);
    section.integer("priority", -1)?;
    if let Some(size) = section.converted("buffer_size", datatypes::integer)?
        && size.saturated() < 1
    {
        return Err(ConfigError::BufferSize {
            section: name.to_owned(),
            size: size.to_string(),
        });
    }
    let handler = section.text("result_handler")?;
    if let Some(value) = handler.filter(|value| value != DEFAULT_HANDLER) {
        return Err(ConfigError::Unresolved {
            section: name.to_owned(),
            value,
        });
    }
    let events = datatypes::list(&section.text("events")?.unwrap_or_default());
    if events.is_empty() {
        return Err(ConfigError::NoEvents(name.to_owned()));
    }
    let unknown = events
        .into_iter()
        .map(|event| event.to_uppercase())
        .find(|event| !EVENTS.contains(&event.as_str()));
    if let Some(event) = unknown {
        return Err(ConfigError::UnknownEvent {
            section: name.to_owned(),
            event,
        });
    }
    if section.boolean("redirect_stderr", false)? {
        return Err(ConfigError::ListenerRedirects(name.to_owned()));
    }
    // The section gives no group, so what its processes would warn of is left out too.
    processes(context, name, part_after_colon(name), &mut Vec::new())?;
    Ok(())
}
