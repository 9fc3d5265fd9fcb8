//! Log files: the daemon's own log and the logs of children, with rotation.
//!
//! Nothing here ever stops the daemon or makes it wait for a reader: a failure
//! is a value ([`failure::LogFailure`]), and what is not a regular file is
//! written to without blocking ([`stream`]).

pub mod auto;
pub mod budget;
pub mod complaint;
pub mod day;
pub mod failure;
pub mod followed;
pub mod form;
pub mod format;
pub mod lines;
pub mod logger;
pub mod look;
pub mod rate_limit;
pub mod ring;
pub mod rollover;
pub mod rotation;
pub mod shared;
pub mod sink;
pub mod stamp;
pub mod stream;
pub mod target;
pub mod window;

#[cfg(test)]
mod tests;
