//! The main file and the ones that its `[include]` names, read and merged.
//!
//! Only the main file's `[include]` counts; one in an included file is data
//! that nothing reads. Included files that cannot be opened are skipped, as
//! the original does.

use super::document::Document;
use super::error::{ConfigError, DecodeError};
use super::expand::{Layer, expand};
use super::paths::{absolute, dirname, join};
use super::system::{ReadError, System};

const SECTION: &str = "include";

/// The merged files and what the log is to be told about them.
pub struct Files {
    /// The configuration.
    pub document: Document,
    /// Patterns without a match.
    pub warnings: Vec<String>,
    /// Files that were included.
    pub infos: Vec<String>,
}

/// Reads `path` alone.
pub fn read_main(
    path: &str,
    launch_directory: &str,
    system: &impl System,
) -> Result<Document, ConfigError> {
    let bytes = system
        .read(&join(launch_directory, path))
        .map_err(|error| match error {
            ReadError::Missing => ConfigError::CannotFind(path.to_owned()),
            ReadError::Unreadable => ConfigError::CannotRead(path.to_owned()),
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
    system: &impl System,
) -> Result<Files, ConfigError> {
    let mut files = Files {
        document: read_main(path, launch_directory, system)?,
        warnings: Vec::new(),
        infos: Vec::new(),
    };
    if !files.document.has_section(SECTION) {
        return Ok(files);
    }
    let here = dirname(&absolute(path, launch_directory)).to_owned();
    files.document.replace_here(&here);
    let patterns = files
        .document
        .get(SECTION, "files")
        .ok_or(ConfigError::NoIncludeFiles)?
        .text;
    let patterns = expand(&patterns, layers, "include.files")?;
    for pattern in patterns
        .split(super::ini::is_space)
        .filter(|p| !p.is_empty())
    {
        files.include(&join(&here, pattern), system)?;
    }
    Ok(files)
}

impl Files {
    fn include(&mut self, pattern: &str, system: &impl System) -> Result<(), ConfigError> {
        let mut matches = system.glob(pattern);
        if matches.is_empty() {
            self.warnings
                .push(format!("No file matches via include \"{pattern}\""));
        }
        matches.sort();
        for file in matches {
            self.infos
                .push(format!("Included extra file \"{file}\" during parsing"));
            if let Ok(bytes) = system.read(&file) {
                append(&mut self.document, bytes, &file)?;
            }
            let here = absolute(dirname(&file), "/");
            self.document.replace_here(&here);
        }
        Ok(())
    }
}

fn append(document: &mut Document, bytes: Vec<u8>, name: &str) -> Result<(), ConfigError> {
    if let Some(error) = DecodeError::of(&bytes) {
        return Err(ConfigError::Decode(error));
    }
    document.append(&String::from_utf8_lossy(&bytes), name)
}
