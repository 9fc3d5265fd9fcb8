//! The clean-up of a start: automatic logs of an earlier run go, and the log says which.

use crate::config::Supervisord;
use crate::loggers::auto::{self, CleanupWarning};
use crate::loggers::logger::Logger;
use crate::text::pyrepr;

/// So many names stand in one line of the log.
const SHOWN: usize = 50;

/// Removes automatic logs, unless `nocleanup` is set.
pub(super) fn clean_up(settings: &Supervisord, log: &mut Logger) {
    if settings.nocleanup {
        return;
    }
    let directory = &settings.childlogdir;
    let done = auto::clean_up(directory, &settings.identifier);
    for (names, what) in [
        (&done.removed, "removed automatic logs of an earlier run"),
        (
            &done.held,
            "kept automatic logs of another supervisord with this identifier, which is running",
        ),
    ] {
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
            log.info(format_args!("{what}, in {directory}: {}", listed(&names)));
        }
    }
    for warning in done.warnings {
        match warning {
            CleanupWarning::Directory => log.warn("Could not clear childlog dir"),
            CleanupWarning::Entry(path) => log.warn(format_args!(
                "Failed to clean up {}",
                pyrepr::repr(&path.to_string_lossy())
            )),
        }
    }
}

fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        number => format!(" and {number} more"),
    };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_do_not_fill_the_log() {
        let names: Vec<String> = (0..SHOWN + 7).map(|number| number.to_string()).collect();
        assert_eq!(listed(&names[..2]), "0, 1");
        let all = listed(&names);
        assert!(all.ends_with("48, 49 and 7 more"), "{all}");
    }
}
