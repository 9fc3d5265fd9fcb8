//! What one client may ask of a server: the keys that 4.3.0, which has no
//! limits, does not know.

use std::time::Duration;

use super::error::ConfigError;
use super::key::Fallback::Value;
use super::key::{Key, changed};
use super::section::Section;
use super::settings::{self, settings};
use crate::text::json::Json;

const KB: i64 = 1024;
const MB: i64 = 1024 * KB;
const GB: i64 = 1024 * MB;
/// Ten years: longer than anybody waits, and no clock overflows.
const LONGEST: i64 = 10 * 366 * 24 * 60 * 60;

settings! {
    /// The limits of a server. A call needs some depth, and what is nested deeper than
    /// the bound here would not fit the stack; the other bounds keep slips of the pen
    /// from locking everybody out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Limits {
        /// The longest header block, in bytes.
        header as "header_maxbytes": usize = changed("bytes", Value("64KB")).within(KB, 16 * MB),
        /// The most that is read, only to be dropped, of a request that is refused, in bytes.
        unauthenticated_body as "unauthenticated_body_maxbytes": u64 =
            changed("bytes", Value("2MB")).within(0, GB),
        /// The longest body of a call, in bytes.
        body as "body_maxbytes": u64 = changed("bytes", Value("16MB")).within(KB, GB),
        /// How deep the elements of a call may be nested.
        depth as "xml_maxdepth": usize = changed("integer", Value("256")).within(16, 4096),
        /// How many calls one `system.multicall` may hold.
        calls as "multicall_maxcalls": usize =
            changed("integer", Value("4096")).within(1, 1_000_000),
        /// How many connections are open at a time.
        connections as "max_connections": usize =
            changed("integer", Value("128")).within(2, 10_000),
        /// How long a connection may stay silent between requests.
        idle as "idle_timeout": Duration = changed("integer", Value("1800")).within(1, LONGEST),
        /// From a request's first byte to its last; also how long a new connection
        /// may stay silent, and a client may take nothing of its answer.
        request as "request_timeout": Duration =
            changed("integer", Value("60")).within(1, LONGEST),
    }
}
