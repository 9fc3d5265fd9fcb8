//! How the lines of a log are written: `raw`, `prefix`, `json`, or a pattern of names.

use super::datatypes::ValueError;
use super::key::Key;
use super::nearest::nearest;
use super::settings::Setting;
use super::wanted::wanted;
use crate::snapshot::saved;
use crate::text::is_space;
use crate::text::json::Json;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LineFormat {
    #[default]
    /// Bytes as they come.
    Raw,
    /// The name of the process and a bar before each line.
    Prefix,
    /// One object for each line.
    Json,
    Pattern(Vec<Piece>),
}

saved! { enum LineFormat { Raw, Prefix, Json, Pattern(a) } }

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Field(Field),
}

saved! { enum Piece { Text(a), Field(a) } }

/// What is told of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Time,
    Level,
    Program,
    Group,
    Process,
    Channel,
    Pid,
    Message,
}

saved! { enum Field { Time, Level, Program, Group, Process, Channel, Pid, Message } }

/// The names of fields in patterns.
const NAMES: &[(&str, Field)] = &[
    ("asctime", Field::Time),
    ("levelname", Field::Level),
    ("program_name", Field::Program),
    ("group_name", Field::Group),
    ("process_name", Field::Process),
    ("channel", Field::Channel),
    ("pid", Field::Pid),
    ("message", Field::Message),
];

/// The formats that have a name.
const WORDS: &[(&str, LineFormat)] = &[
    ("raw", LineFormat::Raw),
    ("prefix", LineFormat::Prefix),
    ("json", LineFormat::Json),
];

/// What a format looks like.
const FORMS: &str = "it is raw, prefix, json, or a pattern such as %(asctime)s %(message)s";

impl LineFormat {
    fn written(&self) -> String {
        let LineFormat::Pattern(pieces) = self else {
            let mut words = WORDS.iter();
            let found = words.find(|(_, format)| format == self);
            return found.map_or("", |(word, _)| word).to_owned();
        };
        let pieces = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(field) => {
                let mut names = NAMES.iter();
                let found = names.find(|(_, other)| other == field);
                format!("%({})s", found.map_or("", |(name, _)| name))
            }
        });
        pieces.collect()
    }
}

impl Setting for LineFormat {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let trimmed = text.trim_matches(is_space);
        let is_meant = |(word, _): &&(&str, LineFormat)| word.eq_ignore_ascii_case(trimmed);
        if let Some((_, format)) = WORDS.iter().find(is_meant) {
            return Ok(format.clone());
        }
        let pieces = pieces(trimmed).map_err(|near| wanted(key, text, near))?;
        match pieces.contains(&Piece::Field(Field::Message)) {
            true => Ok(LineFormat::Pattern(pieces)),
            false => Err(wanted(key, text, near(trimmed))),
        }
    }

    fn dumped(&self) -> Json {
        Json::String(self.written())
    }
}

/// One format for all targets, or one for each: names and patterns with commas between them.
/// A pattern may have commas itself, so what is only in parts a format is one pattern.
impl Setting for Vec<LineFormat> {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        let parts = text.split(',').map(|part| LineFormat::parse(part, key));
        match parts.collect() {
            Ok(formats) => Ok(formats),
            Err(_) => LineFormat::parse(text, key).map(|format| vec![format]),
        }
    }

    fn dumped(&self) -> Json {
        let written: Vec<String> = self.iter().map(LineFormat::written).collect();
        Json::String(written.join(", "))
    }
}

/// The pieces of a pattern. A percent sign that begins no name stands for itself.
fn pieces(mut text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    while let Some((before, rest)) = text.split_once("%(") {
        let (name, after) = rest
            .split_once(')')
            .ok_or_else(|| format!("write %(message)s, not %({rest}"))?;
        let field = NAMES.iter().find(|(known, _)| *known == name);
        let Some((_, field)) = field else {
            let near = nearest(name, NAMES.iter().map(|(known, _)| *known));
            return Err(format!(
                "write %({})s, not %({name})",
                near.unwrap_or("message")
            ));
        };
        text = after
            .strip_prefix('s')
            .ok_or_else(|| format!("write %({name})s"))?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Field(*field));
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(pieces)
}

/// What to write where a format says nothing of the message.
fn near(text: &str) -> String {
    if text.contains("%(") {
        return "add %(message)s".to_owned();
    }
    let near = nearest(text, WORDS.iter().map(|(word, _)| *word));
    near.map_or(FORMS.to_owned(), |near| format!("write {near}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::key::Fallback::Nothing;
    use crate::config::key::changed;

    const KEY: Key = changed("k", "format", Nothing);

    fn told<T: Setting + std::fmt::Debug>(text: &str) -> String {
        let error = T::parse(text, &KEY).unwrap_err();
        match error.mismatch() {
            crate::config::datatypes::Mismatch::Wanted(_, wanted) => wanted.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn formats_have_names_or_are_patterns() {
        use Field::{Channel, Message, Time};
        use Piece::{Field as Of, Text};
        let text = |text: &str| Text(text.to_owned());
        for (written, expected) in [
            ("raw", LineFormat::Raw),
            (" Prefix ", LineFormat::Prefix),
            ("JSON", LineFormat::Json),
            ("%(message)s", LineFormat::Pattern(vec![Of(Message)])),
            (
                "100% %% %(asctime)s [%(channel)s] %(message)s%",
                LineFormat::Pattern(vec![
                    text("100% %% "),
                    Of(Time),
                    text(" ["),
                    Of(Channel),
                    text("] "),
                    Of(Message),
                    text("%"),
                ]),
            ),
        ] {
            let format = LineFormat::parse(written, &KEY).unwrap();
            assert_eq!(format, expected, "{written}");
            assert_eq!(
                LineFormat::parse(&format.written(), &KEY).unwrap(),
                expected
            );
        }
        for (name, field) in NAMES {
            let pattern = format!("%({name})s%(message)s");
            let pieces = vec![Of(*field), Of(Message)];
            assert_eq!(
                LineFormat::parse(&pattern, &KEY).unwrap(),
                LineFormat::Pattern(pieces)
            );
        }
    }

    #[test]
    fn an_error_says_what_to_write() {
        for (written, near) in [
            ("jsn", "write json"),
            ("nothing like it", FORMS),
            ("", FORMS),
            ("%(asctime)s", "add %(message)s"),
            ("%(massage)s", "write %(message)s, not %(massage)"),
            (
                "%(proces_name)s %(message)s",
                "write %(process_name)s, not %(proces_name)",
            ),
            ("%(message)", "write %(message)s"),
            ("%(message)d", "write %(message)s"),
            ("%(message", "write %(message)s, not %(message"),
        ] {
            assert_eq!(told::<LineFormat>(written), near, "{written}");
        }
    }

    #[test]
    fn several_formats_have_commas_between_them_and_a_pattern_may_have_commas() {
        for (written, dumped) in [
            ("raw", vec!["raw"]),
            ("raw,json", vec!["raw", "json"]),
            (
                "json , %(channel)s %(message)s",
                vec!["json", "%(channel)s %(message)s"],
            ),
            ("%(asctime)s, %(message)s", vec!["%(asctime)s, %(message)s"]),
            (
                "%(message)s, %(message)s",
                vec!["%(message)s", "%(message)s"],
            ),
        ] {
            let formats = Vec::<LineFormat>::parse(written, &KEY).unwrap();
            let written: Vec<String> = formats.iter().map(LineFormat::written).collect();
            assert_eq!(written, dumped);
            assert_eq!(formats.dumped(), Json::String(dumped.join(", ")));
        }
        assert_eq!(told::<Vec<LineFormat>>("raw, "), "write raw");
    }
}
