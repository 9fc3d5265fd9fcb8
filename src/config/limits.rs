//! What one client may ask of a server: the keys that 4.3.0, which has no
//! limits, does not know.

use std::time::Duration;

use super::error::ConfigError;
use super::section::Section;
use super::system::System;

const KB: i64 = 1024;
const MB: i64 = 1024 * KB;
const GB: i64 = 1024 * MB;
/// Ten years: longer than anybody waits, and no clock overflows.
const LONGEST: i64 = 10 * 366 * 24 * 60 * 60;

/// The limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest header block, in bytes.
    pub header: usize,
    /// The most that is read, only to be dropped, of a request that is refused, in bytes.
    pub unauthenticated_body: u64,
    /// The longest body of a call, in bytes.
    pub body: u64,
    /// How deep the elements of a call may be nested.
    pub depth: usize,
    /// How many calls one `system.multicall` may hold.
    pub calls: usize,
    /// How many connections are open at a time.
    pub connections: usize,
    /// How long a connection may stay silent between requests.
    pub idle: Duration,
    /// From a request's first byte to its last; also how long a new connection
    /// may stay silent, and a client may take nothing of its answer.
    pub request: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header: 64 * 1024,
            unauthenticated_body: 2 * 1024 * 1024,
            body: 16 * 1024 * 1024,
            depth: 256,
            calls: 4096,
            connections: 128,
            idle: Duration::from_secs(30 * 60),
            request: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// What a server's section says. A call needs some depth, and what is
    /// nested deeper than the bound here would not fit the stack; the other
    /// bounds keep slips of the pen from locking everybody out.
    pub fn read<S: System>(section: &Section<'_, S>) -> Result<Limits, ConfigError> {
        let default = Limits::default();
        let size = |key, least, most, default| section.size_within(key, least, most, default);
        let number = |key, least, most, default| section.number_within(key, least, most, default);
        let seconds = |key, default| number(key, 1, LONGEST, default);
        Ok(Limits {
            header: count(size("header_maxbytes", KB, 16 * MB, default.header as i64)?),
            unauthenticated_body: size(
                "unauthenticated_body_maxbytes",
                0,
                GB,
                default.unauthenticated_body as i64,
            )?
            .unsigned_abs(),
            body: size("body_maxbytes", KB, GB, default.body as i64)?.unsigned_abs(),
            depth: count(number("xml_maxdepth", 16, 4096, default.depth as i64)?),
            calls: count(number(
                "multicall_maxcalls",
                1,
                1_000_000,
                default.calls as i64,
            )?),
            connections: count(number(
                "max_connections",
                2,
                10_000,
                default.connections as i64,
            )?),
            idle: duration(seconds("idle_timeout", default.idle.as_secs() as i64)?),
            request: duration(seconds(
                "request_timeout",
                default.request.as_secs() as i64,
            )?),
        })
    }
}

/// Within its range by now.
fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn duration(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}
