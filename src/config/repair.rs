//! All errors of a configuration, for `--check`. The reader ends at the first, as a
//! start does; so what is wrong is put right here, in the document alone, and the rest
//! is read again.

use super::datatypes;
use super::document::Document;
use super::error::ConfigError;
use super::load::{self, LoadRequest};
use super::rpcinterface;
use super::supervisord;
use super::system::System;
use crate::events::types;

/// More errors than this are not looked for.
const MOST: usize = 100;

/// The errors in the order in which starts would tell them, one by one.
pub fn all_errors(request: &LoadRequest, system: &dyn System) -> Vec<ConfigError> {
    let files = match load::read_files(request, system) {
        Ok(files) => files,
        Err(error) => return vec![error],
    };
    let mut document = files.document;
    let mut errors = files.errors;
    let mut missing = Missing {
        files: !errors.is_empty(),
        variables: false,
    };
    for _ in 0..MOST {
        let Err(error) = load::evaluated(request, &document, system) else {
            break;
        };
        let is_repaired = repair(&mut document, &error);
        let is_of_environment = error.key() == Some("environment");
        if !missing.explains(&error) {
            errors.push(error);
        }
        if !is_repaired {
            break;
        }
        missing.variables |= is_of_environment;
    }
    errors
}

/// What later errors may be due to.
struct Missing {
    /// Files that could not be read, with programs in them perhaps.
    files: bool,
    /// Those of an `environment` that could not be read.
    variables: bool,
}

impl Missing {
    fn explains(&self, error: &ConfigError) -> bool {
        (self.files && error.key() == Some("programs"))
            || (self.variables && error.to_string().contains("contains names ('ENV_"))
    }
}

/// Puts right what an error tells of; whether that changed anything.
fn repair(document: &mut Document, error: &ConfigError) -> bool {
    let (section, key) = match (error.section(), error.key()) {
        (Some(section), Some(key)) => (section, key),
        // Its name is wrong.
        (Some(section), None) => {
            let is_there = document.has_section(section);
            document.remove_section(section);
            forget_member(document, section);
            return is_there;
        }
        (None, _) => {
            let is_missing = !document.has_section(supervisord::SECTION);
            document.add_section(supervisord::SECTION);
            return is_missing;
        }
    };
    let before = document.get(section, key);
    let text = before.as_ref().map_or("", |value| value.text.as_str());
    match stand_in(document, key, text) {
        Some(text) => document.put(section, key, &text),
        None => document.remove(section, key),
    }
    if matches!(key, "username" | "password") {
        document.put(section, "username", "name");
        document.put(section, "password", "password");
    }
    // Behind it may be the same text in a section that lends it.
    document.get(section, key) != before
}

/// What a key can have without an error; `None` for one that can be left out.
fn stand_in(document: &Document, key: &str, text: &str) -> Option<String> {
    let fixed = match key {
        "command" => "/bin/true",
        "process_name" => "%(program_name)s_%(process_num)s",
        "socket" => "unix:///socket",
        "file" => "/socket",
        "port" => "1",
        rpcinterface::FACTORY => rpcinterface::STANDARD,
        "programs" => {
            let is_known = |name: &String| {
                let has = |kind: &str| document.has_section(&format!("{kind}:{name}"));
                has("program") != has("fcgi-program")
            };
            return Some(without_first(text, |name| !is_known(name)));
        }
        "events" => {
            let is_known =
                |name: &String| types::names().any(|event| *event == name.to_uppercase());
            let rest = without_first(text, |name| !is_known(name));
            return Some(if rest.is_empty() {
                "EVENT".to_owned()
            } else {
                rest
            });
        }
        _ => return None,
    };
    Some(fixed.to_owned())
}

/// A list without the first name of this kind.
fn without_first(list: &str, is_wrong: impl Fn(&String) -> bool) -> String {
    let mut names = datatypes::list(list);
    if let Some(place) = names.iter().position(is_wrong) {
        names.remove(place);
    }
    names.join(",")
}

/// Takes a section that is gone out of the groups.
fn forget_member(document: &mut Document, section: &str) {
    let member = section.split_once(':').map_or("", |(_, name)| name.trim());
    for group in document.sections() {
        if let Some(programs) = document.get(&group, "programs")
            && group.starts_with("group:")
        {
            let rest = without_first(&programs.text, |name| name == member);
            document.put(&group, "programs", &rest);
        }
    }
}
