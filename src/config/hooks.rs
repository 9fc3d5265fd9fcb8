//! The commands that run beside a program when it starts and stops.

use std::time::Duration;

use super::command::Command;
use super::error::ConfigError;
use super::key::Fallback::{Nothing, Value};
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{self, settings};
use crate::text::json::Json;

settings! {
    /// The hooks of a program.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Hooks {
        /// Before its child is started.
        pre_start_hook: Option<Command> = changed("command", Nothing) => read_command,
        /// Before its child is told to stop.
        pre_stop_hook: Option<Command> = changed("command", Nothing) => read_command,
        /// In the place of the first stop signal.
        stopcommand: Option<Command> = changed("command", Nothing) => read_command,
        /// When its child has ended.
        post_stop_hook: Option<Command> = changed("command", Nothing) => read_command,
        /// When it has been given up.
        fatal_hook: Option<Command> = changed("command", Nothing) => read_command,
        /// How long each of them may take, but for the command that stops it.
        hook_timeout: Duration = changed("duration", Value("30")),
    }
}

/// Another name of `post_stop_hook`.
pub const POST_STOP_COMMAND: Key = changed("post_stop_command", "command", Nothing);

/// The keys that hold commands.
pub const COMMANDS: [&str; 6] = [
    Hooks::KEYS[0].name,
    Hooks::KEYS[1].name,
    Hooks::KEYS[2].name,
    Hooks::KEYS[3].name,
    Hooks::KEYS[4].name,
    POST_STOP_COMMAND.name,
];

impl Hooks {
    /// The hooks of a section; hardly any has some.
    pub fn read(section: &Section<'_>) -> Result<Option<Box<Hooks>>, ConfigError> {
        let hooks = Hooks::read_keys(section)?;
        Ok((hooks != Hooks::default()).then(|| Box::new(hooks)))
    }
}

/// An empty command is none: so a program does without that of all programs.
fn read_command(section: &Section<'_>, key: &Key) -> Result<Option<Command>, ConfigError> {
    let other = POST_STOP_COMMAND.name;
    let name = match key.name {
        "post_stop_hook" if section.raw(key.name).is_none() => other,
        name => name,
    };
    let value = section.value(name)?;
    Ok(value
        .filter(|value| !value.text.is_empty())
        .map(Command::from))
}
