//! How the output of a program is written to its logs, where that is not as it comes.

use super::error::ConfigError;
use super::key::Fallback::Derived;
use super::key::{Key, changed};
use super::line_format::LineFormat;
use super::section::Section;
use super::settings::Setting;
use crate::text::json::Json;

/// Of a process: hardly any has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// The x of `[program:x]`.
    pub program: String,
    pub stdout: Shape,
    pub stderr: Shape,
}

/// The same of one output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// One for all of its logs; none is raw.
    pub formats: Vec<LineFormat>,
}

/// The keys of an output, in the order of [`Shape`]'s fields.
macro_rules! shape {
    ($channel:literal) => {
        [changed(
            concat!($channel, "_logfile_format"),
            "format",
            Derived("childlog_format of [supervisord]"),
        )]
    };
}

pub const STDOUT: [Key; 1] = shape!("stdout");
pub const STDERR: [Key; 1] = shape!("stderr");

impl Delivery {
    /// What a section says; `childlog_format` holds where it says nothing.
    pub fn read(
        section: &Section<'_>,
        program: &str,
        childlog_format: &LineFormat,
    ) -> Result<Option<Box<Delivery>>, ConfigError> {
        let stdout = Shape::read(section, &STDOUT, childlog_format)?;
        let stderr = Shape::read(section, &STDERR, childlog_format)?;
        let is_plain = stdout.is_plain() && stderr.is_plain();
        Ok((!is_plain).then(|| {
            Box::new(Delivery {
                program: program.to_owned(),
                stdout,
                stderr,
            })
        }))
    }
}

impl Shape {
    fn read(
        section: &Section<'_>,
        keys: &[Key; 1],
        childlog_format: &LineFormat,
    ) -> Result<Shape, ConfigError> {
        let [format] = keys;
        let own = section.read_unexpanded(format)?;
        Ok(Shape {
            formats: own.unwrap_or_else(|| vec![childlog_format.clone()]),
        })
    }

    /// Whether the output is written as it comes.
    fn is_plain(&self) -> bool {
        self.formats.iter().all(|format| *format == LineFormat::Raw)
    }

    /// How the log at that place of the list is written.
    pub fn format(&self, place: usize) -> &LineFormat {
        let format = match self.formats.as_slice() {
            [one] => Some(one),
            each => each.get(place),
        };
        format.unwrap_or(&LineFormat::Raw)
    }

    pub fn dumped(&self) -> [Json; 1] {
        let format = match self.formats.is_empty() {
            true => LineFormat::Raw.dumped(),
            false => self.formats.dumped(),
        };
        [format]
    }
}
