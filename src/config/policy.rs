//! The keys of a program's restart policy that Supervisor 4.3.0 does not have.

use std::time::Duration;

use super::amounts::{Decimal, Limit, Rate};
use super::error::ConfigError;
use super::key::Fallback::{Derived, Value};
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{self, settings};
use crate::text::json::Json;

settings! {
    /// When and how often a program is started again.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Policy {
        /// The least time between an end and the next start.
        restartpause: Duration = changed("duration", Value("0")),
        /// The wait after the first failed start.
        backoffincrement: Duration = changed("duration", Value("1")),
        /// The longest wait after a failed start.
        maxbackoff: Option<Limit> =
            changed("duration|infinity", Derived("infinity; 60 with startretries=-1")),
        /// By how much each wait is longer than the one before.
        backoff_factor: Decimal = changed("decimal", Value("1")).within(1, 1000),
        /// By how much of itself a wait may be shorter.
        backoff_jitter: Decimal = changed("decimal", Value("0")).within(0, 1),
        /// How many restarts there may be in which time.
        restart_limit: Rate = changed("number/duration|infinity", Value("infinity")),
        /// How long a start by request waits.
        startdelay: Duration = changed("duration", Value("0")),
    }
}

impl Policy {
    /// The policy of a section; hardly any has one of its own.
    pub fn read(section: &Section<'_>) -> Result<Option<Box<Policy>>, ConfigError> {
        let policy = Policy::read_keys(section)?;
        Ok((policy != Policy::default()).then(|| Box::new(policy)))
    }
}
