//! Log levels: their order, their names in configurations and their tags in the log.

use crate::snapshot::saved;

/// How grave a line of the main log is. The order is that of gravity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// BLAT
    Blather,
    /// TRAC
    Trace,
    /// DEBG
    Debug,
    #[default]
    /// INFO
    Info,
    /// WARN
    Warn,
    /// ERRO
    Error,
    /// CRIT
    Critical,
}

saved! { enum Level { Blather, Trace, Debug, Info, Warn, Error, Critical } }

impl Level {
    /// The level of that name in a configuration, in any case.
    pub fn from_name(name: &str) -> Option<Level> {
        Some(match name.to_lowercase().as_str() {
            "blather" => Level::Blather,
            "trace" => Level::Trace,
            "debug" => Level::Debug,
            "info" => Level::Info,
            "warn" => Level::Warn,
            "error" => Level::Error,
            "critical" => Level::Critical,
            _ => return None,
        })
    }

    /// The name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Level::Blather => "blather",
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Critical => "critical",
        }
    }

    /// The four letters in the log.
    pub fn tag(self) -> &'static str {
        match self {
            Level::Blather => "BLAT",
            Level::Trace => "TRAC",
            Level::Debug => "DEBG",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERRO",
            Level::Critical => "CRIT",
        }
    }
}
