//! A command line, and what messages may show of it.

use std::ops::Deref;

use super::datatypes::ValueError;
use super::expanded::Expanded;
use super::key::Key;
use super::settings::Setting;
use crate::snapshot::saved;
use crate::text::is_space;
use crate::text::json::Json;

/// What is run. How a message shows it makes no difference to that, so two of the
/// same text are equal.
#[derive(Clone, Debug, Default)]
pub struct Command {
    text: String,
    /// As the file writes it, if any of it came out of the environment.
    shown: Option<Box<str>>,
}

saved! { struct Command { text, shown } }

impl Eq for Command {}

impl PartialEq for Command {
    fn eq(&self, other: &Command) -> bool {
        self.text == other.text
    }
}

impl PartialEq<&str> for Command {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl Deref for Command {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Command {
    fn from(text: &str) -> Command {
        Command {
            text: text.to_owned(),
            shown: None,
        }
    }
}

impl From<Expanded> for Command {
    fn from(value: Expanded) -> Command {
        Command {
            shown: value.hides().then(|| value.shown().into()),
            text: value.text,
        }
    }
}

impl Setting for Command {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        Ok(text.into())
    }

    fn dumped(&self) -> Json {
        self.text.as_str().into()
    }
}

impl Command {
    /// The command that stands behind a prefix, if there is one.
    pub fn behind(prefix: &str, value: &Expanded) -> Option<Command> {
        let text = value.text.strip_prefix(prefix)?.trim_matches(is_space);
        let shown = value.shown();
        let shown = shown.strip_prefix(prefix).unwrap_or(&shown);
        let shown = value.hides().then(|| shown.trim_matches(is_space).into());
        let command = Command {
            text: text.to_owned(),
            shown,
        };
        (!text.is_empty()).then_some(command)
    }

    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::expand::{Layer, define, expand};

    #[test]
    fn a_command_behind_a_prefix_is_shown_without_it() {
        let mut names = Layer::new();
        define(&mut names, "ENV_ARGUMENT", "secret");
        define(&mut names, "ENV_WHOLE", "exec: judge ");
        for (written, expected) in [
            ("exec: judge -v ", Some(("judge -v", "judge -v"))),
            (
                "exec:judge %(ENV_ARGUMENT)s",
                Some(("judge secret", "judge %(ENV_ARGUMENT)s")),
            ),
            ("%(ENV_WHOLE)s", Some(("judge", "%(ENV_WHOLE)s"))),
            ("exec: ", None),
            ("judge", None),
        ] {
            let value = expand(written, &[&names], "handler").unwrap();
            let command = Command::behind("exec:", &value);
            let found = command
                .as_ref()
                .map(|command| (&**command, command.shown()));
            assert_eq!(found, expected, "{written}");
        }
    }
}
