//! The keys of an output that Supervisor 4.3.0 does not have: what is kept of it in memory,
//! and how its files are kept. The main log has the same keys for its files.

use std::rc::Rc;

use super::accounts;
use super::command::Command;
use super::error::ConfigError;
use super::key::Fallback::{Derived, Nothing, Value};
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{Setting, Word};
use super::size::{MOST_OF_RING, Size};
use crate::snapshot::saved;
use crate::sys::user::Owner;
use crate::text::is_space;
use crate::text::json::Json;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keeping {
    /// How much of the end of it is in memory; `None` is as `[supervisord]` says.
    pub ring: Option<Size>,
    pub files: Option<Rc<FileKeeping>>,
}

saved! { struct Keeping { ring, files } }

/// How the files of a log are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileKeeping {
    pub rotate: Rotate,
    pub owner: Option<Owner>,
    pub mode: Option<u32>,
    /// What is run with the path of each file that was moved aside.
    pub processor: Option<Command>,
}

saved! { struct FileKeeping { rotate, owner, mode, processor } }

/// When a log rolls over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotate {
    #[default]
    /// When it has reached its size.
    Size,
    /// Then, and when a day has passed.
    Daily,
}

saved! { enum Rotate { Size, Daily } }

impl Word for Rotate {
    const WORDS: &'static [(&'static str, Rotate)] =
        &[("size", Rotate::Size), ("daily", Rotate::Daily)];
}

macro_rules! files {
    ($log:literal) => {
        [
            changed(concat!($log, "_rotate"), "size|daily", Value("size")),
            changed(concat!($log, "_chown"), "user[:group]", Nothing),
            changed(concat!($log, "_chmod"), "octal", Nothing),
            changed(concat!($log, "_processor"), "command", Nothing),
        ]
    };
}

macro_rules! ring {
    ($channel:literal) => {
        [changed(
            concat!($channel, "_ring"),
            "size",
            Derived("childlog_ring of [supervisord]"),
        )
        .within(0, MOST_OF_RING)]
    };
}

/// The keys for the files of the main log.
pub const MAIN_LOG: [Key; 4] = files!("logfile");

/// The keys of an output.
#[derive(Clone, Copy, Debug)]
pub struct OutputKeys {
    pub files: [Key; 4],
    pub ring: [Key; 1],
}

pub const STDOUT: OutputKeys = OutputKeys {
    files: files!("stdout_logfile"),
    ring: ring!("stdout"),
};
pub const STDERR: OutputKeys = OutputKeys {
    files: files!("stderr_logfile"),
    ring: ring!("stderr"),
};

impl Keeping {
    /// What a section says of an output; hardly any says something.
    pub fn read(
        section: &Section<'_>,
        keys: &OutputKeys,
    ) -> Result<Option<Box<Keeping>>, ConfigError> {
        let [ring] = &keys.ring;
        let keeping = Keeping {
            files: FileKeeping::read(section, &keys.files)?,
            ring: section.read(ring)?,
        };
        Ok((keeping != Keeping::default()).then(|| Box::new(keeping)))
    }

    /// As a dump shows it; an output that has none as one without such keys.
    pub fn dumped(keeping: Option<&Keeping>, keys: &OutputKeys) -> Vec<(&'static str, Json)> {
        let [ring] = &keys.ring;
        let files = keeping.and_then(|keeping| keeping.files.as_deref());
        let mut members = FileKeeping::dumped(files, &keys.files);
        let own = keeping.and_then(|keeping| keeping.ring);
        members.push((ring.name, own.dumped()));
        members
    }
}

impl FileKeeping {
    pub fn read(
        section: &Section<'_>,
        keys: &[Key; 4],
    ) -> Result<Option<Rc<FileKeeping>>, ConfigError> {
        let [rotate, chown, chmod, processor] = keys;
        let processor = section.value(processor.name)?;
        let processor = processor.filter(|command| !command.text.trim_matches(is_space).is_empty());
        let keeping = FileKeeping {
            rotate: section.read(rotate)?,
            owner: section.converted(chown.name, |text| accounts::owner(text, section.system))?,
            mode: section.read(chmod)?,
            processor: processor.map(Command::from),
        };
        Ok((keeping != FileKeeping::default()).then(|| Rc::new(keeping)))
    }

    /// What holds for a log that others have, too: what one of them wants, all have. Where they
    /// disagree these wishes win.
    pub fn joined(self: &Rc<Self>, others: &Rc<FileKeeping>) -> Rc<FileKeeping> {
        let rotate = match (self.rotate, others.rotate) {
            (Rotate::Size, Rotate::Size) => Rotate::Size,
            _ => Rotate::Daily,
        };
        let joined = FileKeeping {
            rotate,
            owner: self.owner.or(others.owner),
            mode: self.mode.or(others.mode),
            processor: self.processor.clone().or_else(|| others.processor.clone()),
        };
        match joined == **others {
            true => Rc::clone(others),
            false => Rc::new(joined),
        }
    }

    pub fn dumped(files: Option<&FileKeeping>, keys: &[Key; 4]) -> Vec<(&'static str, Json)> {
        let default = FileKeeping::default();
        let files = files.unwrap_or(&default);
        let owner = files
            .owner
            .map(|owner| Json::object([("uid", owner.uid.into()), ("gid", owner.gid.into())]));
        let processor = files.processor.as_deref();
        let values = [
            files.rotate.dumped(),
            owner.into(),
            files.mode.dumped(),
            processor.into(),
        ];
        keys.iter().map(|key| key.name).zip(values).collect()
    }
}
