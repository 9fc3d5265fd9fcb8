//! Typed look-ups in one section: raw text, expanded with the names that the
//! section's keys see, converted. The first thing wrong is the error.

use std::mem::discriminant;

use super::datatypes::{Mismatch, ValueError};
use super::document::Document;
use super::error::ConfigError;
use super::expand::{Layer, define, expand, expand_again};
use super::expanded::Expanded;
use super::ini::Location;
use super::key::{Fallback, Key};
use super::line_format::LineFormat;
use super::settings::{self, Field, Setting};
use super::system::System;
use crate::text::pyrepr::repr;

/// How a text of the environment is written.
const ENVIRONMENT: &str = "%(ENV_";

/// What the evaluation of every section shares.
pub struct Context<'a> {
    /// The system that is asked about users and directories.
    pub system: &'a dyn System,
    pub document: &'a Document,
    /// The configuration file's name as given or found.
    pub path: &'a str,
    /// What relative paths are seen from; absolute.
    pub launch_directory: &'a str,
    /// The `ENV_` names; `[supervisord] environment` adds to them.
    pub environment: Layer,
    /// What `[supervisord]` says of the logs of all programs.
    pub childlog_format: LineFormat,
    pub here: Layer,
    pub host: Layer,
}

impl Context<'_> {
    /// A section whose keys see the environment and the names in `layers`.
    pub fn section<'b>(&'b self, section: &'b str, layers: &[&'b Layer]) -> Section<'b> {
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

    /// The error with the section and its file, as messages name them: the included
    /// one only if the section first appeared there.
    pub fn in_section(&self, section: &str, error: ConfigError) -> ConfigError {
        let location = self.document.location_of(section);
        let file = location.map_or(self.path.to_owned(), |location| location.file);
        error.in_section(section, &file)
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
pub struct Section<'a> {
    /// The system that is asked about users and directories.
    pub system: &'a dyn System,
    document: &'a Document,
    /// What relative paths are seen from; absolute.
    pub launch_directory: &'a str,
    section: &'a str,
    layers: Vec<&'a Layer>,
}

impl Section<'_> {
    pub fn name(&self) -> &str {
        self.section
    }

    /// Where the value of a key stands.
    pub fn location(&self, key: &str) -> Option<Location> {
        let value = self.document.get(self.section, key);
        value.map(|value| value.location)
    }

    /// The value as it stands in the file.
    pub fn raw(&self, key: &str) -> Option<String> {
        self.document.get(self.section, key).map(|value| value.text)
    }

    pub fn value(&self, key: &str) -> Result<Option<Expanded>, ConfigError> {
        let Some(raw) = self.raw(key) else {
            return Ok(None);
        };
        self.expanded(&raw, &format!("{}.{key}", self.section))
            .map(Some)
            .map_err(|error| self.at(key, error))
    }

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

    /// An error of a key's value, or of one that is missing.
    pub fn fault_at(&self, key: &str, text: impl Into<String>) -> ConfigError {
        self.at(key, ConfigError::new(text))
    }

    /// The error of a value, with what a message may show of it.
    pub fn wrong(&self, key: &str, value: &Expanded, error: ValueError) -> ConfigError {
        let error = match value.hides() {
            true => error.showing(&value.shown()),
            false => error,
        };
        self.refused(key, error)
    }

    fn refused(&self, key: &str, error: ValueError) -> ConfigError {
        match error.mismatch() {
            Mismatch::Choice(_, words) => self.fault_at(
                key,
                format!(
                    "Invalid {key} value {} in [{}]: it is one of {}",
                    repr(error.text()),
                    self.section,
                    words.join(", ")
                ),
            ),
            Mismatch::Wanted(_, wanted) => self.fault_at(
                key,
                format!(
                    "Invalid {key} value {} in [{}] ({wanted})",
                    repr(error.text()),
                    self.section
                ),
            ),
            _ => self.at(key, error.into()),
        }
    }

    /// The error with the place of a key's value.
    pub fn at(&self, key: &str, error: ConfigError) -> ConfigError {
        error.of_key(self.section, key).at(self.location(key))
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
        let mut converted = None;
        self.hand_to(key, &mut |text| {
            converted = Some(convert(text)?);
            Ok(())
        })?;
        Ok(converted)
    }

    /// Hands the value, expanded, to what makes something of it. Whether there is one.
    fn hand_to(
        &self,
        key: &str,
        convert: &mut dyn FnMut(&str) -> Result<(), ValueError>,
    ) -> Result<bool, ConfigError> {
        let Some(value) = self.value(key)? else {
            return Ok(false);
        };
        match convert(&value.text) {
            Ok(()) => Ok(true),
            Err(error) => Err(self.unreadable(key, &value, error, convert(&value.shown()).err())),
        }
    }

    /// The error of a value that could not be converted, and of what may be shown of it.
    /// Messages show the part that is wrong; some in lower case, which a name does not survive.
    fn unreadable(
        &self,
        key: &str,
        value: &Expanded,
        error: ValueError,
        of_shown: Option<ValueError>,
    ) -> ConfigError {
        let shown_part = of_shown.filter(|other| {
            discriminant(other.mismatch()) == discriminant(error.mismatch())
                && other.to_string().contains(ENVIRONMENT)
        });
        match shown_part {
            Some(other) => self.refused(key, other),
            None => self.wrong(key, value, error),
        }
    }

    /// The same for settings whose messages name them and not what is wrong.
    pub fn setting<T>(
        &self,
        key: &'static str,
        convert: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Result<Option<T>, ConfigError> {
        self.converted(key, |text| {
            convert(text).map_err(|_| Mismatch::Setting(key).of(text))
        })
    }

    /// The key without which a plug-in is nothing.
    pub fn factory(&self, key: &str) -> Result<String, ConfigError> {
        let name = self.section;
        let missing = || self.fault_at(key, format!("section [{name}] does not specify a {key}"));
        self.text(key)?.ok_or_else(missing)
    }

    /// The value of a key that is not expanded.
    pub fn read_unexpanded<T: Setting>(&self, key: &Key) -> Result<Option<T>, ConfigError> {
        let value = self.raw(key.name).map(|raw| T::parse(&raw, key));
        value
            .transpose()
            .map_err(|error| self.refused(key.name, error))
    }

    /// The value, or what holds without it.
    pub fn read<T: Setting>(&self, key: &Key) -> Result<T, ConfigError> {
        let mut value = T::default();
        self.fill(key, &mut value)?;
        Ok(value)
    }

    /// Sets a field, which is empty, to the value or to what holds without it.
    pub fn fill(&self, key: &Key, field: &mut dyn Field) -> Result<(), ConfigError> {
        let mut set = |text: &str| field.set(text, key);
        let mut is_set = self.hand_to(key.name, &mut set)?;
        if let (false, Fallback::SameAs(other)) = (is_set, key.fallback) {
            is_set = self.hand_to(other, &mut set)?;
        }
        if !is_set {
            settings::fall_back(key, field);
        }
        Ok(())
    }
}
