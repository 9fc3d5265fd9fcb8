//! Where the variables of a program come from besides `environment`.

use super::datatypes::{self, ValueError};
use super::error::ConfigError;
use super::key::Fallback::{Nothing, Value};
use super::key::{Key, changed};
use super::paths::normalized_path;
use super::section::Section;
use super::settings::{self, Setting, settings};
use crate::snapshot::saved;
use crate::text::environment_file::Source;
use crate::text::json::Json;

/// Files in the order of reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<Source>);

saved! { struct Sources(_); }

settings! {
    /// What a program has besides `environment`.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Variables {
        /// Those of `[supervisord]` come first.
        environment_file: Sources = changed("paths", Nothing).of_child() => read_sources,
        /// HOME and its kin are those of `user`.
        user_environment: bool = changed("boolean", Value("false")).of_child(),
    } and {
        /// What `environment` of `[supervisord]` alone sets, which lies under all of these.
        inherited: Vec<String>,
    }
}

/// Other names of `environment_file`, the last of them of the supervisord in Go.
pub const OTHER_NAMES: [Key; 3] = [
    changed("env_file", "paths", Nothing).of_child(),
    changed("envfile", "paths", Nothing).of_child(),
    changed("envfiles", "paths", Nothing).of_child(),
];

impl Variables {
    /// What a section has; hardly any has it.
    pub fn read(section: &Section<'_>) -> Result<Option<Box<Variables>>, ConfigError> {
        let variables = Variables::read_keys(section)?;
        Ok((variables != Variables::default()).then(|| Box::new(variables)))
    }
}

/// The files that a key or one of its other names lists.
pub fn read_sources(section: &Section<'_>, key: &Key) -> Result<Sources, ConfigError> {
    let mut names = [key.name]
        .into_iter()
        .chain(OTHER_NAMES.map(|other| other.name));
    let Some(name) = names.find(|name| section.raw(name).is_some()) else {
        return Ok(Sources::default());
    };
    let mut sources = section
        .converted(name, |text| Sources::parse(text, key))?
        .unwrap_or_default();
    for source in &mut sources.0 {
        source.path = normalized_path(&source.path, section.launch_directory, section.system);
    }
    Ok(sources)
}

impl Setting for Sources {
    fn parse(text: &str, _: &Key) -> Result<Self, ValueError> {
        let items = datatypes::list(text).into_iter();
        let items = items.filter(|item| !item.is_empty() && item != "-");
        let sources = items.map(|item| match item.strip_prefix('-') {
            Some(path) => Source {
                path: path.to_owned(),
                is_optional: true,
            },
            None => Source {
                path: item,
                is_optional: false,
            },
        });
        Ok(Sources(sources.collect()))
    }

    fn dumped(&self) -> Json {
        let written = self.0.iter().map(|source| {
            let mark = if source.is_optional { "-" } else { "" };
            Json::String(format!("{mark}{}", source.path))
        });
        Json::Array(written.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_behind_each_other_and_may_be_missing() {
        let key = &Variables::KEYS[0];
        for (text, expected, dumped) in [
            ("", &[][..], "[]"),
            ("/a", &[("/a", false)], "[\"/a\"]"),
            (
                " -/a b , ,~/c,-",
                &[("/a b", true), ("~/c", false)],
                "[\"-/a b\",\"~/c\"]",
            ),
        ] {
            let sources = Sources::parse(text, key).unwrap();
            let found: Vec<(&str, bool)> = sources
                .0
                .iter()
                .map(|source| (source.path.as_str(), source.is_optional))
                .collect();
            assert_eq!(found, expected, "{text:?}");
            let shown = sources.dumped().to_string();
            let shown: String = shown.lines().map(str::trim).collect();
            assert_eq!(shown, dumped, "{text:?}");
        }
    }
}
