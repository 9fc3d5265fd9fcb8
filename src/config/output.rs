//! The keys of an output of a process: where its log is, how long it becomes, and who else has
//! what is written.

use std::rc::Rc;

use super::error::ConfigError;
use super::keeping::{FileKeeping, Keeping};
use super::key::Fallback::Value;
use super::key::{Key, changed, key};
use super::paths::expand_user;
use super::section::Section;
use super::targets::{self, LogFile, Target};
use crate::snapshot::saved;

/// The keys of an output, in the order of [`Output`]'s fields.
macro_rules! output {
    ($channel:literal) => {
        [
            changed(
                concat!($channel, "_logfile"),
                "path|AUTO|NONE",
                Value("AUTO"),
            ),
            changed(
                concat!($channel, "_logfile_maxbytes"),
                "bytes",
                Value("50MB"),
            ),
            changed(
                concat!($channel, "_logfile_backups"),
                "integer",
                Value("10"),
            ),
            changed(concat!($channel, "_capture_maxbytes"), "bytes", Value("0")),
            key(
                concat!($channel, "_events_enabled"),
                "boolean",
                Value("false"),
            ),
            changed(concat!($channel, "_syslog"), "boolean", Value("false")),
        ]
    };
}

pub const STDOUT: [Key; 6] = output!("stdout");
pub const STDERR: [Key; 6] = output!("stderr");

/// The `stdout_` or `stderr_` keys of a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    pub logfile: LogFile,
    pub logfile_maxbytes: i64,
    pub logfile_backups: i64,
    pub capture_maxbytes: i64,
    pub events_enabled: bool,
    pub syslog: bool,
    /// What else is to be known of it; `None` is [`Keeping::default`].
    pub keeping: Option<Box<Keeping>>,
}

saved! {
    struct Output {
        logfile, logfile_maxbytes, logfile_backups, capture_maxbytes, events_enabled,
        syslog, keeping,
    }
}

impl Output {
    /// The keys that are evaluated once.
    pub fn read_once(section: &Section<'_>, keys: &[Key; 6]) -> Result<Output, ConfigError> {
        let [_, _, _, capture_maxbytes, events_enabled, _] = keys;
        Ok(Output {
            capture_maxbytes: section.read(capture_maxbytes)?,
            events_enabled: section.read(events_enabled)?,
            ..Output::default()
        })
    }

    /// How the files of its log are kept, where that is configured.
    pub fn file_keeping(&self) -> Option<&Rc<FileKeeping>> {
        self.keeping.as_ref()?.files.as_ref()
    }

    /// Reads the other keys for one process; whether the log file was given as a
    /// name, be it empty, and all targets where there are several.
    pub fn read(
        &mut self,
        section: &Section<'_>,
        keys: &[Key; 6],
        warnings: &mut Vec<String>,
    ) -> Result<(bool, Vec<Target>), ConfigError> {
        let [logfile, maxbytes, backups, _, _, syslog] = keys;
        let once = section.value(logfile.name);
        let expand_user = |path: &str| expand_user(path, section.system);
        let (mut kind, targets) = match once.map_err(ConfigError::of_twice)? {
            None => (Target::Auto, Vec::new()),
            // The original expands log files twice.
            Some(once) => {
                let twice = section.expanded_again(&once, logfile.name);
                let twice = twice.map_err(|error| section.at(logfile.name, error.of_twice()))?;
                match targets::list(&twice, &expand_user) {
                    None => (Target::of(&twice.text, &expand_user), Vec::new()),
                    Some(targets) => (targets::main_of(&targets, section, logfile)?, targets),
                }
            }
        };
        self.logfile_backups = section.read(backups)?;
        self.logfile_maxbytes = section.read(maxbytes)?;
        self.syslog = section.read(syslog)?;
        if targets.contains(&Target::Syslog) {
            self.syslog = true;
        } else if kind == Target::Syslog {
            warnings.push(format!(
                "For [{}], {}=syslog but this is deprecated and will be removed.  Use {}=true to enable syslog instead.",
                section.name(),
                logfile.name,
                syslog.name
            ));
            kind = Target::None;
            self.syslog = true;
        }
        if kind == Target::Auto && self.logfile_maxbytes == 0 {
            warnings.push(format!(
                "For [{}], AUTO logging used for {} without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally",
                section.name(),
                logfile.name
            ));
        }
        self.logfile = kind.log_file();
        Ok((matches!(kind, Target::Named(_)), targets))
    }
}
