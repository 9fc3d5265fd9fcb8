//! The configuration as sections, keys and values: the main file with its
//! included ones merged over it, before anything is expanded.
//!
//! The `ini` crate stores and orders what the [line rules](super::ini) have read;
//! `[DEFAULT]` stands behind every section, and behind that `[program-default]` stands
//! behind those of programs. Every value knows the file and line that
//! it comes from, and every section the file in which it first appeared.

use std::mem::take;

use ::ini::configparser::ini::{Ini, IniDefault};

use super::error::ConfigError;
use super::ini::{self, Location, Mark, Marked};
use crate::vec_map::VecMap;

/// The section whose keys every other section falls back to.
pub const DEFAULT: &str = "DEFAULT";

/// The section whose keys those of programs fall back to at last.
pub const PROGRAM_DEFAULT: &str = "program-default";

/// How the names of the sections begin that `[program-default]` is for.
const PROGRAMS: [&str; 2] = ["program:", "fcgi-program:"];

/// All files of one configuration, merged.
#[derive(Clone, Debug)]
pub struct Document {
    /// Before each value stand the number of its file and that of its line.
    store: Ini,
    files: Vec<String>,
    /// Where each section has its first header.
    headers: VecMap<String, Line>,
    marks: Vec<Vec<Mark>>,
    /// What sections say beside their keys, if no file has them.
    made: Vec<(String, Made)>,
}

/// What a section says that no file has, where no key could say it.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// Its variables, which are not expanded.
    pub environment: Vec<(String, String)>,
    /// Its process has supervisord's own standard streams.
    pub inherits_streams: bool,
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
    pub fn new() -> Document {
        let mut settings = IniDefault::default();
        settings.default_section = DEFAULT.to_owned();
        settings.case_sensitive = true;
        settings.cascade_defaults = true;
        Document {
            store: Ini::new_from_defaults(settings),
            files: Vec::new(),
            headers: VecMap::new(),
            marks: Vec::new(),
            made: Vec::new(),
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
                    self.add_header(name, line);
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

    /// What the section says, or `[DEFAULT]` for it.
    fn stored(&self, section: &str, key: &str) -> Option<(Line, String)> {
        parsed(&self.store.get(section, key)?)
    }

    /// What `[program-default]` says by itself, if it is for that section.
    fn stored_default(&self, section: &str, key: &str) -> Option<(Line, String)> {
        if !PROGRAMS.iter().any(|program| section.starts_with(program)) {
            return None;
        }
        let defaults = self.store.get_map_ref().get(PROGRAM_DEFAULT)?;
        parsed(defaults.get(key)?.as_ref()?)
    }

    /// The sections in order of appearance, without `[DEFAULT]`.
    pub fn sections(&self) -> Vec<String> {
        let names = self.store.get_map_ref().keys();
        names.filter(|name| *name != DEFAULT).cloned().collect()
    }

    pub fn has_section(&self, section: &str) -> bool {
        section != DEFAULT && self.store.get_map_ref().contains_key(section)
    }

    /// The value of a key, of the same key in `[DEFAULT]`, or in `[program-default]`
    /// where that is for the section.
    pub fn get(&self, section: &str, key: &str) -> Option<Value> {
        let own = self.own(section, key);
        own.or_else(|| self.program_default(section, key))
    }

    /// The value of a key, or of the same key in `[DEFAULT]`.
    pub fn own(&self, section: &str, key: &str) -> Option<Value> {
        self.value(self.stored(section, key)?)
    }

    /// The value that `[program-default]` has for a key of the section.
    pub fn program_default(&self, section: &str, key: &str) -> Option<Value> {
        self.value(self.stored_default(section, key)?)
    }

    fn value(&self, (line, text): (Line, String)) -> Option<Value> {
        let location = self.location(line)?;
        Some(Value { text, location })
    }

    /// The keys that the section has: its own in order, then those that only
    /// `[DEFAULT]` has.
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

    fn has_itself(&self, section: &str, key: &str) -> bool {
        let section = self.store.get_map_ref().get(section);
        section.is_some_and(|keys| keys.contains_key(key))
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

    /// What comments have cut off the value whose key stands there, on all of its lines.
    pub fn cuts(&self, place: &Location) -> impl Iterator<Item = &Marked> {
        let file = self.marks().find(|(file, _)| *file == place.file);
        let marks = file.map_or(&[][..], |(_, marks)| marks).iter();
        let is_key = |mark: &&Mark| mark.line == place.line && matches!(mark.what, Marked::Key(..));
        let value = marks.skip_while(move |mark| !is_key(mark)).skip(1);
        let cuts = value.map(|mark| &mark.what);
        cuts.take_while(|what| matches!(what, Marked::Cut { .. }))
    }

    /// Puts another value in the place of a key's, or one where there is none.
    pub fn put(&mut self, section: &str, key: &str, text: &str) {
        let own = self.stored(section, key);
        let stored = own.or_else(|| self.stored_default(section, key));
        let line = stored.map_or(Line(0, 0), |(line, _)| line);
        self.set(section, key, text, line);
    }

    /// Takes a key out of a section and `[DEFAULT]`, or out of `[program-default]` where
    /// only that has it.
    pub fn remove(&mut self, section: &str, key: &str) {
        if self.own(section, key).is_none() && self.program_default(section, key).is_some() {
            self.store.remove_key(PROGRAM_DEFAULT, key);
        }
        for section in [section, DEFAULT] {
            self.store.remove_key(section, key);
        }
    }

    pub fn add_section(&mut self, section: &str) {
        let map = self.store.get_mut_map();
        map.entry(section.to_owned()).or_default();
    }

    /// Adds a section that no file has as if it stood in that place.
    pub fn add_section_at(&mut self, section: &str, location: &Location) {
        let line = self.line_of(location);
        self.add_section(section);
        self.add_header(section, line);
    }

    /// A section stands where its first header is.
    fn add_header(&mut self, section: &str, line: Line) {
        if !self.headers.contains_key(section) {
            self.headers.insert(section.to_owned(), line);
        }
    }

    /// Puts a key there as if it stood in that place.
    pub fn put_at(&mut self, section: &str, key: &str, text: &str, location: &Location) {
        let line = self.line_of(location);
        self.set(section, key, text, line);
    }

    fn line_of(&mut self, location: &Location) -> Line {
        let known = self.files.iter().position(|file| *file == location.file);
        let file = known.unwrap_or_else(|| {
            self.files.push(location.file.clone());
            self.marks.push(Vec::new());
            self.files.len() - 1
        });
        Line(file, location.line)
    }

    /// Lets a section say more than its keys do.
    pub fn lend(&mut self, section: &str, made: Made) {
        self.made.push((section.to_owned(), made));
    }

    /// What a section says that no file has.
    pub fn made(&self, section: &str) -> Option<&Made> {
        let mut all = self.made.iter();
        all.find(|(name, _)| name == section).map(|(_, made)| made)
    }

    pub fn remove_section(&mut self, section: &str) {
        self.store.remove_section(section);
    }

    /// Puts `here` for every literal `%(here)s`, as the original does around
    /// an `[include]`. What a section has from `[DEFAULT]` becomes its own by that, but
    /// for `[program-default]`, which stands behind that.
    pub fn replace_here(&mut self, here: &str) {
        const HERE: &str = "%(here)s";
        for section in self.sections() {
            for key in self.keys(&section) {
                let is_lent = section == PROGRAM_DEFAULT && !self.has_itself(&section, &key);
                if let Some((line, text)) = self.stored(&section, &key)
                    && text.contains(HERE)
                    && !is_lent
                {
                    self.set(&section, &key, &text.replace(HERE, here), line);
                }
            }
        }
    }
}

/// A value of the store with its line.
fn parsed(stored: &str) -> Option<(Line, String)> {
    let mut parts = stored.splitn(3, ':');
    let file = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some((Line(file, line), parts.next()?.to_owned()))
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

    #[test]
    fn program_default_stands_behind_default_for_programs() {
        let mut document = document(&[(
            "main",
            "[program-default]\na=1\nb=1\nc=%(here)s/1\n[DEFAULT]\nb=2\nd=%(here)s/2\n\
             [program:p]\na=3\n[fcgi-program:f]\n[eventlistener:l]\n[program]\n",
        )]);
        for (section, values) in [
            ("program:p", ["3", "2", "%(here)s/1"].map(Some)),
            ("fcgi-program:f", ["1", "2", "%(here)s/1"].map(Some)),
            ("eventlistener:l", [None, Some("2"), None]),
            ("program", [None, Some("2"), None]),
        ] {
            let found = ["a", "b", "c"].map(|key| text(&document, section, key));
            assert_eq!(
                found,
                values.map(|value| value.map(str::to_owned)),
                "{section}"
            );
        }
        let location = document.get("fcgi-program:f", "a").unwrap().location;
        assert_eq!(location.line, 2);
        assert_eq!(document.own("program:p", "c"), None);
        let default = |document: &Document, key| document.program_default("program:p", key);
        assert!(default(&document, "a").is_some() && default(&document, "d").is_none());
        document.replace_here("/etc");
        assert_eq!(text(&document, "program:p", "c").as_deref(), Some("/etc/1"));
        assert_eq!(text(&document, "program:p", "d").as_deref(), Some("/etc/2"));
        // What it has from `[DEFAULT]` is not its own.
        assert_eq!(default(&document, "d"), None);
    }
}
