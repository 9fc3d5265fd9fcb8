//! How the output of a program is written to its logs, where that is not as it comes to one.

use super::error::ConfigError;
use super::key::Fallback::{Derived, Value};
use super::key::{Key, changed};
use super::line_format::LineFormat;
use super::section::Section;
use super::settings::{Setting, Word};
use super::syslog::Syslog;
use super::targets::{self, Target};
use crate::snapshot::saved;
use crate::text::json::Json;

/// Of a process: hardly any has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// The x of `[program:x]`.
    pub program: String,
    pub stdout: Shape,
    pub stderr: Shape,
    pub syslog: Syslog,
}

saved! { struct Delivery { program, stdout, stderr, syslog } }

/// The same of one output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// One for all of its logs, or one for each; none is raw.
    pub formats: Vec<LineFormat>,
    pub when_slow: WhenSlow,
    /// All targets, where there are several.
    pub targets: Vec<Target>,
}

saved! { struct Shape { formats, when_slow, targets } }

/// What becomes of output while a reader takes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenSlow {
    #[default]
    /// The program waits.
    Wait,
    /// Lines are lost, and counted.
    Drop,
}

saved! { enum WhenSlow { Wait, Drop } }

impl Word for WhenSlow {
    const WORDS: &'static [(&'static str, WhenSlow)] =
        &[("wait", WhenSlow::Wait), ("drop", WhenSlow::Drop)];
}

/// The keys of an output, in the order of [`Shape`]'s fields.
macro_rules! shape {
    ($channel:literal) => {
        [
            changed(
                concat!($channel, "_logfile_format"),
                "format",
                Derived("childlog_format of [supervisord]"),
            ),
            changed(
                concat!($channel, "_logfile_when_slow"),
                "wait|drop",
                Value("wait"),
            ),
        ]
    };
}

pub const STDOUT: [Key; 2] = shape!("stdout");
pub const STDERR: [Key; 2] = shape!("stderr");

impl Delivery {
    /// What a section says for all of its processes; `childlog_format` holds where it says
    /// nothing.
    pub fn read(
        section: &Section<'_>,
        program: &str,
        childlog_format: &LineFormat,
    ) -> Result<Option<Box<Delivery>>, ConfigError> {
        Ok(Delivery {
            program: program.to_owned(),
            stdout: Shape::read(section, &STDOUT, childlog_format)?,
            stderr: Shape::read(section, &STDERR, childlog_format)?,
            syslog: Syslog::default(),
        }
        .if_any())
    }

    /// The same with what one process has for itself.
    pub fn finish(
        delivery: &mut Option<Box<Delivery>>,
        section: &Section<'_>,
        program: &str,
        [stdout, stderr]: [Vec<Target>; 2],
    ) -> Result<(), ConfigError> {
        let mut own = delivery.take().map_or_else(Delivery::default, |own| *own);
        program.clone_into(&mut own.program);
        own.syslog = Syslog::read_keys(section)?;
        own.stdout.aim(section, &STDOUT, stdout)?;
        own.stderr.aim(section, &STDERR, stderr)?;
        *delivery = own.if_any();
        Ok(())
    }

    fn if_any(self) -> Option<Box<Delivery>> {
        let is_plain =
            self.stdout.is_plain() && self.stderr.is_plain() && self.syslog == Syslog::default();
        (!is_plain).then(|| Box::new(self))
    }
}

impl Shape {
    fn read(
        section: &Section<'_>,
        keys: &[Key; 2],
        childlog_format: &LineFormat,
    ) -> Result<Shape, ConfigError> {
        let [format, when_slow] = keys;
        let own = section.read_unexpanded(format)?;
        Ok(Shape {
            formats: own.unwrap_or_else(|| vec![childlog_format.clone()]),
            when_slow: section.read(when_slow)?,
            targets: Vec::new(),
        })
    }

    /// Takes its targets, of which there are as many as formats if there are several of those.
    fn aim(
        &mut self,
        section: &Section<'_>,
        keys: &[Key; 2],
        targets: Vec<Target>,
    ) -> Result<(), ConfigError> {
        let (formats, count) = (self.formats.len(), targets.len().max(1));
        if formats > 1 && formats != count {
            let [Key { name, .. }, _] = keys;
            let log = name.trim_end_matches("_format");
            let text = format!(
                "{name} has {formats} formats, and {log} {count} targets: write one format for \
                 all, or one for each"
            );
            return Err(section.fault_at(name, text));
        }
        self.targets = targets;
        Ok(())
    }

    /// Whether the output is written as it comes, to one log.
    fn is_plain(&self) -> bool {
        let is_raw = self.formats.iter().all(|format| *format == LineFormat::Raw);
        is_raw && self.targets.is_empty() && self.when_slow == WhenSlow::Wait
    }

    /// How the log at that place of the list is written.
    pub fn format(&self, place: usize) -> &LineFormat {
        let format = match self.formats.as_slice() {
            [one] => Some(one),
            each => each.get(place),
        };
        format.unwrap_or(&LineFormat::Raw)
    }

    /// How the log is written that clients read.
    pub fn main_format(&self) -> &LineFormat {
        self.format(targets::place_of_main(&self.targets).unwrap_or(0))
    }

    /// The other targets, each with its place.
    pub fn others(&self) -> impl Iterator<Item = (usize, &Target)> {
        let main = targets::place_of_main(&self.targets);
        let all = self.targets.iter().enumerate();
        all.filter(move |(place, _)| Some(*place) != main)
    }

    /// What the keys say, as a dump shows it.
    pub fn dumped(&self) -> [Json; 2] {
        let format = match self.formats.is_empty() {
            true => LineFormat::Raw.dumped(),
            false => self.formats.dumped(),
        };
        [format, self.when_slow.dumped()]
    }

    /// The targets, where there are several.
    pub fn dumped_targets(&self) -> Option<Json> {
        let written: Vec<&str> = self.targets.iter().map(Target::written).collect();
        (!written.is_empty()).then(|| written.join(", ").as_str().into())
    }
}
