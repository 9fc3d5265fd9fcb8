//! Typed look-ups in one section: raw text, expanded with the names that the
//! section's keys see, converted. The first thing wrong is the error.

use std::mem::discriminant;

use super::datatypes::{self, ValueError};
use super::document::Document;
use super::error::ConfigError;
use super::expand::{Layer, define, expand, expand_again};
use super::expanded::Expanded;
use super::system::System;
use crate::text::integer::Integer;
use crate::text::is_space;

/// How a text of the environment is written.
const ENVIRONMENT: &str = "%(ENV_";

/// What the evaluation of every section shares.
pub struct Context<'a, S> {
    /// The system that is asked about users and directories.
    pub system: &'a S,
    /// All files, merged.
    pub document: &'a Document,
    /// The configuration file's name as given or found.
    pub path: &'a str,
    /// What relative paths are seen from; absolute.
    pub launch_directory: &'a str,
    /// The `ENV_` names; `[supervisord] environment` adds to them.
    pub environment: Layer,
    /// The name `here`.
    pub here: Layer,
    /// The name `host_node_name`.
    pub host: Layer,
}

impl<'a, S: System> Context<'a, S> {
    /// A section whose keys see the environment and the names in `layers`.
    pub fn section<'b>(&'b self, section: &'b str, layers: &[&'b Layer]) -> Section<'b, S> {
        let mut all = vec![&self.environment];
        all.extend(layers);
        Section {
            system: self.system,
            document: self.document,
            launch_directory: self.launch_directory,
            section,
            layers: all,
        }
    }

    /// The error with the section and its file, as messages name them.
    pub fn in_section(&self, section: &str, error: ConfigError) -> ConfigError {
        ConfigError::InSection {
            section: section.to_owned(),
            file: self.file_of(section).to_owned(),
            error: Box::new(error),
        }
    }

    /// The file that messages name for a section: the included one only if
    /// the section first appeared there.
    pub fn file_of(&self, section: &str) -> &str {
        self.document.file_of(section).unwrap_or(self.path)
    }
}

/// The names of an environment, each with `ENV_` before it.
pub fn environment_layer<'e>(pairs: impl IntoIterator<Item = &'e (String, String)>) -> Layer {
    let mut layer = Layer::new();
    add_environment(&mut layer, pairs);
    layer
}

/// Adds an environment's entries to the names, each with `ENV_` before it.
pub fn add_environment<'e>(
    layer: &mut Layer,
    pairs: impl IntoIterator<Item = &'e (String, String)>,
) {
    for (name, value) in pairs {
        define(layer, &format!("ENV_{name}"), value);
    }
}

/// One section and the names that its keys see.
pub struct Section<'a, S> {
    /// The system that is asked about users and directories.
    pub system: &'a S,
    document: &'a Document,
    /// What relative paths are seen from; absolute.
    pub launch_directory: &'a str,
    section: &'a str,
    layers: Vec<&'a Layer>,
}

impl<S: System> Section<'_, S> {
    /// The section's name.
    pub fn name(&self) -> &str {
        self.section
    }

    /// The value as it stands in the file.
    pub fn raw(&self, key: &str) -> Option<String> {
        self.document.get(self.section, key).map(|value| value.text)
    }

    /// The value, expanded.
    pub fn value(&self, key: &str) -> Result<Option<Expanded>, ConfigError> {
        let Some(raw) = self.raw(key) else {
            return Ok(None);
        };
        self.expanded(&raw, &format!("{}.{key}", self.section))
            .map(Some)
            .map_err(|error| self.at(key, error))
    }

    /// The text of the value, expanded.
    pub fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.value(key)?.map(|value| value.text))
    }

    /// What a message may show of the value of `key`: `text`, which was made of
    /// it, or else the value as the file writes it, if any of it came out of the
    /// environment.
    pub fn shown(&self, key: &str, text: String) -> String {
        match self.value(key) {
            Ok(Some(value)) if value.hides() => value.shown().into_owned(),
            _ => text,
        }
    }

    /// The error of a setting whose value its type refuses.
    pub fn invalid(&self, key: &'static str, text: String) -> ConfigError {
        let value = self.shown(key, text);
        self.at(key, ConfigError::Setting { name: key, value })
    }

    /// The error of a value, with what a message may show of it.
    pub fn wrong(&self, key: &str, value: &Expanded, error: ValueError) -> ConfigError {
        let error = match value.hides() {
            true => error.showing(&value.shown()),
            false => error,
        };
        self.at(key, error.into())
    }

    /// The error with the place of a key's value.
    pub fn at(&self, key: &str, error: ConfigError) -> ConfigError {
        match self.document.get(self.section, key) {
            Some(value) => error.at(value.place()),
            None => error,
        }
    }

    /// Any text, expanded with the section's names; `key` is for the message.
    pub fn expanded(&self, text: &str, key: &str) -> Result<Expanded, ConfigError> {
        Ok(expand(text, &self.layers, key)?)
    }

    /// What was expanded once, expanded again.
    pub fn expanded_again(&self, once: &Expanded, key: &str) -> Result<Expanded, ConfigError> {
        Ok(expand_again(once, &self.layers, key)?)
    }

    /// The value, expanded and converted.
    pub fn converted<T>(
        &self,
        key: &str,
        convert: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.value(key)? else {
            return Ok(None);
        };
        let error = match convert(&value.text) {
            Ok(converted) => return Ok(Some(converted)),
            Err(error) => error,
        };
        // Messages show the part that is wrong; some in lower case, which a name does not survive.
        let shown_part = convert(&value.shown()).err().filter(|other| {
            discriminant(other) == discriminant(&error) && other.to_string().contains(ENVIRONMENT)
        });
        Err(match shown_part {
            Some(other) => self.at(key, other.into()),
            None => self.wrong(key, &value, error),
        })
    }

    /// A number; those too big for the daemon are cut to what it can hold.
    pub fn integer(&self, key: &str, default: i64) -> Result<i64, ConfigError> {
        let number = self.converted(key, datatypes::integer)?;
        Ok(number.as_ref().map_or(default, Integer::saturated))
    }

    /// A number that is not below the least; for keys that 4.3.0 does not have.
    pub fn at_least(
        &self,
        key: &'static str,
        least: i64,
        default: i64,
    ) -> Result<i64, ConfigError> {
        let number = self.integer(key, default)?;
        if number < least {
            return Err(self.invalid(key, number.to_string()));
        }
        Ok(number)
    }

    /// A number in a range; for keys that 4.3.0 does not have.
    pub fn number_within(
        &self,
        key: &'static str,
        least: i64,
        most: i64,
        default: i64,
    ) -> Result<i64, ConfigError> {
        self.within(key, least, most, self.integer(key, default)?)
    }

    /// A size in bytes in a range; for keys that 4.3.0 does not have.
    pub fn size_within(
        &self,
        key: &'static str,
        least: i64,
        most: i64,
        default: i64,
    ) -> Result<i64, ConfigError> {
        self.within(key, least, most, self.byte_size(key, default)?)
    }

    fn within(
        &self,
        key: &'static str,
        least: i64,
        most: i64,
        number: i64,
    ) -> Result<i64, ConfigError> {
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        let error = ConfigError::OutOfRange {
            key,
            number: self.shown(key, number.to_string()),
            least,
            most,
        };
        Err(self.at(key, error))
    }

    /// One of several words, without regard to case; for keys that 4.3.0 does not have.
    pub fn choice<T: Copy>(
        &self,
        key: &'static str,
        choices: &[T],
        name: impl Fn(T) -> &'static str,
        default: T,
    ) -> Result<T, ConfigError> {
        let Some(text) = self.text(key)? else {
            return Ok(default);
        };
        let word = text.trim_matches(is_space);
        let mut all = choices.iter().copied();
        all.find(|choice| name(*choice).eq_ignore_ascii_case(word))
            .ok_or_else(|| {
                let error = ConfigError::Choice {
                    section: self.section.to_owned(),
                    key,
                    value: self.shown(key, text),
                    choices: choices.iter().map(|choice| name(*choice)).collect(),
                };
                self.at(key, error)
            })
    }

    /// A boolean.
    pub fn boolean(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        Ok(self.converted(key, datatypes::boolean)?.unwrap_or(default))
    }

    /// A size in bytes.
    pub fn byte_size(&self, key: &str, default: i64) -> Result<i64, ConfigError> {
        Ok(self
            .converted(key, datatypes::byte_size)?
            .unwrap_or(default))
    }
}
