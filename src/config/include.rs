//! The main file and the ones that its `[include]` names, read and merged.
//!
//! Only the main file's `[include]` counts; one in an included file is data
//! that nothing reads. Included files that cannot be opened are skipped, as
//! the original does, with a warning.

use super::document::Document;
use super::error::ConfigError;
use super::expand::{Layer, expand};
use super::ini::Location;
use super::paths::{absolute, dirname, join};
use super::system::{ReadError, System};
use crate::sort;

const SECTION: &str = "include";

/// The merged files and what the log is to be told about them.
pub struct Files {
    pub document: Document,
    /// Patterns without a match.
    pub warnings: Vec<String>,
    /// Files that were included.
    pub infos: Vec<String>,
    /// What is wrong with the include and the files, the first of which a start tells.
    pub errors: Vec<ConfigError>,
}

impl Default for Files {
    /// No file at all.
    fn default() -> Files {
        Files {
            document: Document::new(),
            warnings: Vec::new(),
            infos: Vec::new(),
            errors: Vec::new(),
        }
    }
}

/// Reads `path` alone.
pub fn read_main(
    path: &str,
    launch_directory: &str,
    system: &dyn System,
) -> Result<Document, ConfigError> {
    let bytes = system
        .read(&join(launch_directory, path))
        .map_err(|error| {
            ConfigError::new(match error {
                ReadError::Missing => format!("could not find config file {path}"),
                ReadError::Unreadable(reason) => {
                    format!("could not read config file {path}: {reason}")
                }
            })
        })?;
    let mut document = Document::new();
    append(&mut document, bytes, path)?;
    Ok(document)
}

/// Reads `path` and what it includes. `layers` are the names that `files=` sees.
pub fn read_all(
    path: &str,
    launch_directory: &str,
    layers: &[&Layer],
    system: &dyn System,
) -> Result<Files, ConfigError> {
    let mut files = Files {
        document: read_main(path, launch_directory, system)?,
        ..Files::default()
    };
    if !files.document.has_section(SECTION) {
        return Ok(files);
    }
    let here = dirname(&absolute(path, launch_directory)).to_owned();
    files.document.replace_here(&here);
    let Some(value) = files.document.get(SECTION, "files") else {
        let error = ConfigError::new(".ini file has [include] section, but no files setting");
        files
            .errors
            .push(error.at(files.document.location_of(SECTION)));
        return Ok(files);
    };
    let patterns = match expand(&value.text, layers, "include.files") {
        Ok(patterns) => patterns,
        Err(error) => {
            let error = ConfigError::from(error).at(Some(value.location));
            files.errors.push(error);
            return Ok(files);
        }
    };
    for pattern in patterns.words() {
        let pattern = join(&here, &pattern);
        let shown = match patterns.hides() {
            true => patterns.shown(),
            false => pattern.as_str().into(),
        };
        files.include(&pattern, &shown, system);
    }
    Ok(files)
}

impl Files {
    /// Reads what matches a pattern, which warnings show as `shown`.
    fn include(&mut self, pattern: &str, shown: &str, system: &dyn System) {
        let mut matches = system.glob(pattern);
        if matches.is_empty() {
            self.warnings
                .push(format!("No file matches via include \"{shown}\""));
        }
        sort::by(&mut matches, Ord::cmp);
        for file in matches {
            self.infos
                .push(format!("Included extra file \"{file}\" during parsing"));
            match system.read(&file) {
                Ok(bytes) => {
                    let read = append(&mut self.document, bytes, &file);
                    self.errors.extend(read.err());
                }
                Err(ReadError::Unreadable(reason)) => self.warnings.push(format!(
                    "\"{file}\" matches an include and is left out: {reason}"
                )),
                Err(ReadError::Missing) => {}
            }
            let here = absolute(dirname(&file), "/");
            self.document.replace_here(&here);
        }
    }
}

/// Reads those included files into the document that are `wanted`, by their
/// text, and passes over everything that is wrong with an include: that is for
/// the daemon to tell. Returns the files that should have been read and could not be.
pub fn read_wanted(
    document: &mut Document,
    path: &str,
    launch_directory: &str,
    layers: &[&Layer],
    system: &dyn System,
    wanted: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut unread = Vec::new();
    let Some(patterns) = document.get(SECTION, "files") else {
        return unread;
    };
    let here = dirname(&absolute(path, launch_directory)).to_owned();
    let patterns = patterns.text.replace("%(here)s", &here);
    let Ok(patterns) = expand(&patterns, layers, "include.files") else {
        return unread;
    };
    for pattern in patterns.words() {
        let mut matches = system.glob(&join(&here, &pattern));
        sort::by(&mut matches, Ord::cmp);
        for file in matches {
            let Ok(bytes) = system.read(&file) else {
                continue;
            };
            if !wanted(&String::from_utf8_lossy(&bytes)) {
                continue;
            }
            // The main file's own keys see its own directory.
            document.replace_here(&here);
            // By itself first, for a broken file is left half read.
            if append(&mut Document::new(), bytes.clone(), &file).is_err()
                || append(document, bytes, &file).is_err()
            {
                unread.push(file);
                continue;
            }
            document.replace_here(absolute(dirname(&file), "/").as_str());
        }
    }
    unread
}

fn append(document: &mut Document, bytes: Vec<u8>, name: &str) -> Result<(), ConfigError> {
    match str::from_utf8(&bytes) {
        Ok(text) => document.append(text, name),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let lines = before.iter().filter(|byte| **byte == b'\n').count();
            let location = Location {
                file: name.to_owned(),
                line: lines + 1,
            };
            Err(ConfigError::not_utf8(&bytes, error).at(Some(location)))
        }
    }
}
