//! The configuration as sections, keys and values: the main file with its
//! included ones merged over it, before anything is expanded.
//!
//! The `ini` crate stores, merges and orders canonical INI (see
//! [`ini`](super::ini)); `[DEFAULT]` stands behind every section. Every value
//! knows the file and line that it comes from, and every section the file in
//! which it first appeared.

use std::collections::BTreeMap;

use ::ini::configparser::ini::{Ini, IniDefault};

use super::error::ConfigError;
use super::ini::{Mark, Marked, Place, canonical, escaped_name, escaped_value, unescaped};

/// The section whose keys every other section falls back to.
const DEFAULT: &str = "DEFAULT";

/// All files of one configuration, merged.
#[derive(Clone, Debug)]
pub struct Document {
    store: Ini,
    files: Vec<String>,
    /// Number of the file and line of each section's first header.
    section_places: BTreeMap<String, (usize, usize)>,
    marks: Vec<Vec<Mark>>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The text as read, lines joined with a newline.
    pub text: String,
    /// The file's name; empty only for what no file brought.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

impl Value {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place {
            file: self.file.clone(),
            line: self.line,
        }
    }
}

impl Default for Document {
    fn default() -> Self {
        Document::new()
    }
}

impl Document {
    /// A configuration without sections.
    pub fn new() -> Document {
        let mut settings = IniDefault::default();
        settings.default_section = DEFAULT.to_owned();
        settings.comment_symbols = Vec::new();
        settings.enable_inline_comments = false;
        settings.delimiters = vec!['='];
        settings.case_sensitive = true;
        settings.cascade_defaults = true;
        Document {
            store: Ini::new_from_defaults(settings),
            files: Vec::new(),
            section_places: BTreeMap::new(),
            marks: Vec::new(),
        }
    }

    /// Reads one more file, called `name`: its keys go over those of the same
    /// section, new sections after the old ones.
    pub fn append(&mut self, text: &str, name: &str) -> Result<(), ConfigError> {
        let file = self.files.len();
        let canonical = canonical(text, name, file).map_err(ConfigError::Syntax)?;
        self.store
            .read_and_append(canonical.text)
            .map_err(|reason| ConfigError::Store {
                file: name.to_owned(),
                reason,
            })?;
        self.files.push(name.to_owned());
        for mark in &canonical.marks {
            if let Marked::Header(name) = &mark.what {
                let stored = stored_name(name);
                self.section_places
                    .entry(stored)
                    .or_insert((file, mark.line));
            }
        }
        self.marks.push(canonical.marks);
        Ok(())
    }

    /// The sections in order of appearance, without `[DEFAULT]`.
    pub fn sections(&self) -> Vec<String> {
        let names = self.store.get_map_ref().keys();
        names
            .filter(|name| *name != DEFAULT)
            .map(|name| unescaped(name))
            .collect()
    }

    /// Whether there is a section of that name.
    pub fn has_section(&self, section: &str) -> bool {
        section != DEFAULT && self.store.get_map_ref().contains_key(&stored_name(section))
    }

    /// The value of a key, or of the same key in `[DEFAULT]`.
    pub fn get(&self, section: &str, key: &str) -> Option<Value> {
        let stored = self.store.get(&stored_name(section), &stored_name(key))?;
        Some(self.decoded(&stored))
    }

    /// The keys that a look-up in the section finds: its own in order, then
    /// those that only `[DEFAULT]` has.
    pub fn keys(&self, section: &str) -> Vec<String> {
        let section = stored_name(section);
        let mut keys: Vec<String> = Vec::new();
        for name in [section.as_str(), DEFAULT] {
            for key in self
                .store
                .get_map_ref()
                .get(name)
                .into_iter()
                .flat_map(|m| m.keys())
            {
                let key = unescaped(key);
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys
    }

    /// The file in which the section first appeared.
    pub fn file_of(&self, section: &str) -> Option<&str> {
        let (file, _) = self.section_places.get(&stored_name(section))?;
        self.files.get(*file).map(String::as_str)
    }

    /// Where the first header of the section stands.
    pub fn place_of(&self, section: &str) -> Option<Place> {
        let (file, line) = self.section_places.get(&stored_name(section))?;
        Some(Place {
            file: self.files.get(*file)?.clone(),
            line: *line,
        })
    }

    /// What stands in each file, by the file's name, in the order of reading.
    pub fn marks(&self) -> impl Iterator<Item = (&str, &[Mark])> {
        let files = self.files.iter().map(String::as_str);
        files.zip(self.marks.iter().map(Vec::as_slice))
    }

    /// Puts `here` for every literal `%(here)s`, as the original does around
    /// an `[include]`. What a section has from `[DEFAULT]` becomes its own by that.
    pub fn replace_here(&mut self, here: &str) {
        const HERE: &str = "%(here)s";
        for section in self.sections() {
            for key in self.keys(&section) {
                let (section, key) = (stored_name(&section), stored_name(&key));
                let Some(stored) = self.store.get(&section, &key) else {
                    continue;
                };
                let (origin, text) = split_origin(&stored);
                let text = unescaped(text);
                if text.contains(HERE) {
                    let text = escaped_value(&text.replace(HERE, here));
                    self.store
                        .set(&section, &key, Some(format!("{origin}:{text}")));
                }
            }
        }
    }

    fn decoded(&self, stored: &str) -> Value {
        let (origin, text) = split_origin(stored);
        let (file, line) = origin.split_once(':').unwrap_or((origin, ""));
        let file = file.parse().ok().and_then(|n: usize| self.files.get(n));
        Value {
            text: unescaped(text),
            file: file.cloned().unwrap_or_default(),
            line: line.parse().unwrap_or(0),
        }
    }
}

/// `FILE:LINE` and the value after it.
fn split_origin(stored: &str) -> (&str, &str) {
    let second = stored.match_indices(':').nth(1).map(|(at, _)| at);
    second
        .and_then(|at| Some((stored.get(..at)?, stored.get(at + 1..)?)))
        .unwrap_or((stored, ""))
}

fn stored_name(name: &str) -> String {
    escaped_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(files: &[(&str, &str)]) -> Document {
        let mut document = Document::new();
        for (name, text) in files {
            document.append(text, name).unwrap();
        }
        document
    }

    fn text(document: &Document, section: &str, key: &str) -> Option<String> {
        document.get(section, key).map(|value| value.text)
    }

    #[test]
    fn later_files_go_over_earlier_ones() {
        let document = document(&[
            ("main", "[a]\nx=1\ny=2\n[b]\nx=3\n"),
            ("more", "[c]\nx=4\n[a]\ny=5\nz=6\n"),
        ]);
        assert_eq!(document.sections(), ["a", "b", "c"]);
        assert_eq!(document.keys("a"), ["x", "y", "z"]);
        assert_eq!(
            document.get("a", "y"),
            Some(Value {
                text: "5".to_owned(),
                file: "more".to_owned(),
                line: 4
            })
        );
        assert_eq!(document.file_of("a"), Some("main"));
        assert_eq!(document.file_of("c"), Some("more"));
    }

    #[test]
    fn default_stands_behind_every_section() {
        let document = document(&[("main", "[DEFAULT]\nx=1\n[a]\ny=2\n[default]\n")]);
        assert_eq!(document.sections(), ["a", "default"]);
        assert!(!document.has_section("DEFAULT"));
        assert_eq!(text(&document, "a", "x").as_deref(), Some("1"));
        assert_eq!(document.keys("a"), ["y", "x"]);
    }

    #[test]
    fn odd_names_survive_the_store() {
        let names = [" a ", "[b", "c]d", "e=f", "g:h", "\\5b;", "i\tj"];
        for name in names {
            let document = document(&[("main", &format!("[{name}]\nk=v\n"))]);
            assert_eq!(document.sections(), [name]);
            assert_eq!(text(&document, name, "k").as_deref(), Some("v"), "{name:?}");
        }
    }

    #[test]
    fn here_is_replaced_in_what_default_lends_too() {
        let mut document =
            document(&[("main", "[DEFAULT]\nx=%(here)s/1\n[a]\n[b]\nx=%(here)20s\n")]);
        document.replace_here("/etc");
        document.append("[c]\n", "more").unwrap();
        assert_eq!(text(&document, "a", "x").as_deref(), Some("/etc/1"));
        assert_eq!(text(&document, "b", "x").as_deref(), Some("%(here)20s"));
        assert_eq!(text(&document, "c", "x").as_deref(), Some("%(here)s/1"));
    }
}
