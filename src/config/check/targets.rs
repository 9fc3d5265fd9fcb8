//! Outputs with several logs, which Supervisor 4.3.0 takes for one.

use super::Warning;
use crate::config::Config;
use crate::config::document::Document;
use crate::config::output::{STDERR, STDOUT};

/// A note for each value that is a list.
pub fn notes(config: &Config, document: &Document) -> Vec<Warning> {
    let mut notes = Vec::new();
    for (group, origin) in config.groups.iter().zip(&config.origins) {
        for process in &group.processes {
            let Some(delivery) = process.delivery.as_deref() else {
                continue;
            };
            let section = origin.section_of(process);
            for (shape, [key, ..]) in [(&delivery.stdout, STDOUT), (&delivery.stderr, STDERR)] {
                let value = document.get(section, key.name);
                let Some(value) = value.filter(|_| !shape.targets.is_empty()) else {
                    continue;
                };
                let note = Warning {
                    location: value.location,
                    text: format!(
                        "{} of [{section}] has several targets: to Supervisor 4.3.0 it is one path",
                        key.name
                    ),
                    is_note: true,
                };
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
    }
    notes
}
