//! The configuration as sections, keys and values: the main file with its
//! included ones merged over it, before anything is expanded.
//!
//! The `ini` crate stores and orders what the [line rules](super::ini) have read;
//! `[DEFAULT]` stands behind every section. Every value knows the file and line that
//! it comes from, and every section the file in which it first appeared.

use std::collections::BTreeMap;
use std::mem::take;

use ::ini::configparser::ini::{Ini, IniDefault};

use super::error::ConfigError;
use super::ini::{self, Location, Mark, Marked};

/// The section whose keys every other section falls back to.
const DEFAULT: &str = "DEFAULT";

/// All files of one configuration, merged.
#[derive(Clone, Debug)]
pub struct Document {
    /// Before each value stand the number of its file and that of its line.
    store: Ini,
    files: Vec<String>,
    /// Where each section has its first header.
    headers: BTreeMap<String, Line>,
    marks: Vec<Vec<Mark>>,
}

/// The number of a file, and of a line in it.
#[derive(Clone, Copy, Debug)]
struct Line(usize, usize);

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The text as read, lines joined with a newline.
    pub text: String,
    pub location: Location,
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
        settings.case_sensitive = true;
        settings.cascade_defaults = true;
        Document {
            store: Ini::new_from_defaults(settings),
            files: Vec::new(),
            headers: BTreeMap::new(),
            marks: Vec::new(),
        }
    }

    /// Reads one more file, called `name`: its keys go over those of the same
    /// section, new sections after the old ones.
    pub fn append(&mut self, text: &str, name: &str) -> Result<(), ConfigError> {
        let mut marks = ini::read(text, name).map_err(ConfigError::new)?;
        let file = self.files.len();
        let mut section = DEFAULT;
        for mark in &mut marks {
            let line = Line(file, mark.line);
            match &mut mark.what {
                Marked::Header(name) => {
                    section = name;
                    self.store.get_mut_map().entry(name.clone()).or_default();
                    self.headers.entry(name.clone()).or_insert(line);
                }
                Marked::Key(key, value) => self.set(section, key, &take(value), line),
                Marked::Cut { .. } => {}
            }
        }
        self.files.push(name.to_owned());
        self.marks.push(marks);
        Ok(())
    }

    fn set(&mut self, section: &str, key: &str, text: &str, Line(file, line): Line) {
        let stored = format!("{file}:{line}:{text}");
        self.store.set(section, key, Some(stored));
    }

    fn stored(&self, section: &str, key: &str) -> Option<(Line, String)> {
        let stored = self.store.get(section, key)?;
        let mut parts = stored.splitn(3, ':');
        let file = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        Some((Line(file, line), parts.next()?.to_owned()))
    }

    /// The sections in order of appearance, without `[DEFAULT]`.
    pub fn sections(&self) -> Vec<String> {
        let names = self.store.get_map_ref().keys();
        names.filter(|name| *name != DEFAULT).cloned().collect()
    }

    /// Whether there is a section of that name.
    pub fn has_section(&self, section: &str) -> bool {
        section != DEFAULT && self.store.get_map_ref().contains_key(section)
    }

    /// The value of a key, or of the same key in `[DEFAULT]`.
    pub fn get(&self, section: &str, key: &str) -> Option<Value> {
        let (line, text) = self.stored(section, key)?;
        let location = self.location(line)?;
        Some(Value { text, location })
    }

    /// The keys that a look-up in the section finds: its own in order, then
    /// those that only `[DEFAULT]` has.
    pub fn keys(&self, section: &str) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for section in [section, DEFAULT] {
            let own = self.store.get_map_ref().get(section);
            for key in own.into_iter().flat_map(|own| own.keys()) {
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
        }
        keys
    }

    /// Where the first header of the section stands.
    pub fn location_of(&self, section: &str) -> Option<Location> {
        self.location(*self.headers.get(section)?)
    }

    fn location(&self, Line(file, line): Line) -> Option<Location> {
        let file = self.files.get(file)?.clone();
        Some(Location { file, line })
    }

    /// What stands in each file, by the file's name, in the order of reading.
    pub fn marks(&self) -> impl Iterator<Item = (&str, &[Mark])> {
        let files = self.files.iter().map(String::as_str);
        files.zip(self.marks.iter().map(Vec::as_slice))
    }

    /// Puts another value in the place of a key's, or one where there is none.
    pub fn put(&mut self, section: &str, key: &str, text: &str) {
        let stored = self.stored(section, key);
        let line = stored.map_or(Line(0, 0), |(line, _)| line);
        self.set(section, key, text, line);
    }

    /// Takes a key out of a section, and out of what lends it to that.
    pub fn remove(&mut self, section: &str, key: &str) {
        for section in [section, DEFAULT] {
            self.store.remove_key(section, key);
        }
    }

    pub fn add_section(&mut self, section: &str) {
        let map = self.store.get_mut_map();
        map.entry(section.to_owned()).or_default();
    }

    pub fn remove_section(&mut self, section: &str) {
        self.store.remove_section(section);
    }

    /// Puts `here` for every literal `%(here)s`, as the original does around
    /// an `[include]`. What a section has from `[DEFAULT]` becomes its own by that.
    pub fn replace_here(&mut self, here: &str) {
        const HERE: &str = "%(here)s";
        for section in self.sections() {
            for key in self.keys(&section) {
                if let Some((line, text)) = self.stored(&section, &key)
                    && text.contains(HERE)
                {
                    self.set(&section, &key, &text.replace(HERE, here), line);
                }
            }
        }
    }
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
                location: Location {
                    file: "more".to_owned(),
                    line: 4
                }
            })
        );
        let file_of = |section| document.location_of(section).unwrap().file;
        assert_eq!(
            (file_of("a"), file_of("c")),
            ("main".to_owned(), "more".to_owned())
        );
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
