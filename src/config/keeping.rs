//! The keys of an output that Supervisor 4.3.0 does not have: what is kept of it in memory,
//! and how its files are kept.

use super::error::ConfigError;
use super::key::Fallback::Derived;
use super::key::{Key, changed};
use super::section::Section;
use super::settings::Setting;
use super::size::{MOST_OF_RING, Size};
use crate::text::json::Json;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keeping {
    /// How much of the end of it is in memory; `None` is as `[supervisord]` says.
    pub ring: Option<Size>,
}

macro_rules! keeping {
    ($channel:literal) => {
        [changed(
            concat!($channel, "_ring"),
            "size",
            Derived("childlog_ring of [supervisord]"),
        )
        .within(0, MOST_OF_RING)]
    };
}

pub const STDOUT: [Key; 1] = keeping!("stdout");
pub const STDERR: [Key; 1] = keeping!("stderr");

impl Keeping {
    /// What a section says of an output; hardly any says something.
    pub fn read(
        section: &Section<'_>,
        keys: &[Key; 1],
    ) -> Result<Option<Box<Keeping>>, ConfigError> {
        let [ring] = keys;
        let keeping = Keeping {
            ring: section.read(ring)?,
        };
        Ok((keeping != Keeping::default()).then(|| Box::new(keeping)))
    }

    /// As a dump shows it.
    pub fn dumped(&self) -> [Json; 1] {
        [self.ring.dumped()]
    }
}
