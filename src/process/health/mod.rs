//! Whether a process is ready and healthy: what it says by sd_notify ([`signs`]) and on a
//! descriptor, what checks find out ([`schedule`] says when one is made, [`probe`] makes it,
//! [`answer`] reads what an HTTP server says), and what comes of all that ([`watch`]).

pub mod answer;
pub mod probe;
pub mod schedule;
pub mod signs;
pub mod watch;

use crate::snapshot::saved;

/// How a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It is not known yet.
    #[default]
    Starting,
    Healthy,
    Unhealthy,
}

saved! { enum Health { Starting, Healthy, Unhealthy } }

impl Health {
    /// As members, descriptions and log lines say it.
    pub fn name(self) -> &'static str {
        match self {
            Health::Starting => "starting",
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
        }
    }
}
