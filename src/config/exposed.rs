//! Environment files with secrets that everybody may read. Of each that is told once, when
//! the configuration is read, by the name of one variable; values are told to nobody.

use std::rc::Rc;

use super::group::Origin;
use super::redact;
use super::supervisord;
use super::system::System;
use super::{Group, Supervisord};
use crate::snapshot::saved;
use crate::text::environment_file::{self, Source};

/// A file with a secret that everybody may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedFile {
    pub path: String,
    /// The line about it.
    pub text: String,
}

saved! { struct ExposedFile { path, text } }

/// Each file with a secret that everybody may read.
pub fn files(
    daemon: &Supervisord,
    groups: &[Rc<Group>],
    origins: &[Origin],
    system: &dyn System,
) -> Vec<ExposedFile> {
    let mut files = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    let own = daemon.environment_file.0.iter();
    let own = own.map(|source| (supervisord::SECTION, source));
    let of_groups = groups.iter().zip(origins).flat_map(|(group, origin)| {
        group.processes.iter().flat_map(move |process| {
            let variables = process.variables.as_deref();
            let sources = variables.map(|variables| &variables.environment_file.0);
            let section = origin.section_of(process);
            sources
                .into_iter()
                .flatten()
                .map(move |source| (section, source))
        })
    });
    for (section, Source { path, .. }) in own.chain(of_groups) {
        if known.contains(&path.as_str()) {
            continue;
        }
        known.push(path);
        if let Some(name) = exposed_secret(path, system) {
            let text = format!(
                "For [{section}], the environment file {path} can be read by everybody, and {name} in it looks like a secret: chmod o-r it"
            );
            let path = path.clone();
            files.push(ExposedFile { path, text });
        }
    }
    files
}

fn exposed_secret(path: &str, system: &dyn System) -> Option<String> {
    if !system.others_can_read(path) {
        return None;
    }
    let pairs = environment_file::parse(&system.read_variables(path)?).ok()?;
    let mut names = pairs.into_iter().map(|(name, _)| name);
    names.find(|name| redact::is_secret(name))
}
