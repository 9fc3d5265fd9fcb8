//! Which of the two programs a test runs: Supervisor 4.3.0 or this project's.

use std::path::{Path, PathBuf};

/// A supervisor to be tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Supervisor 4.3.0 in a virtual environment of Python.
    Original,
    /// The program that this project builds.
    Ours,
}

/// The kind that the tests of behaviour look at. `CONFORMANCE=self` holds
/// Supervisor 4.3.0 against itself, which proves that the tests are stable.
pub fn subject() -> Kind {
    match std::env::var("CONFORMANCE").as_deref() {
        Ok("self") => Kind::Original,
        _ => Kind::Ours,
    }
}

/// The kind of supervisorctl that goes with the subject. `CONFORMANCE=daemon` looks
/// at our supervisord alone, through the supervisorctl of 4.3.0.
pub fn subject_ctl() -> Kind {
    match std::env::var("CONFORMANCE").as_deref() {
        Ok("self" | "daemon") => Kind::Original,
        _ => Kind::Ours,
    }
}

impl Kind {
    /// The path of one of the four programs, ready to be started. `links` is the
    /// directory with the four names of our binary, see [`super::Dir`].
    pub fn program(self, name: &str, links: &Path) -> PathBuf {
        match self {
            Kind::Ours => links.join(name),
            Kind::Original => original_home().join("bin").join(name),
        }
    }
}

/// Where Supervisor 4.3.0 is installed.
///
/// # Panics
/// When it is not there: `make test` installs it.
pub fn original_home() -> PathBuf {
    let home = std::env::var_os("SUPERVISOR_HOME").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/supervisor-4.3.0"),
        PathBuf::from,
    );
    assert!(
        home.join("bin/supervisord").exists(),
        "Supervisor 4.3.0 is not in {}: run `make test`, which installs it, or set SUPERVISOR_HOME",
        home.display()
    );
    home
}
