//! Log files: the daemon's own log and the logs of children, with rotation.

pub mod level;
pub mod logger;
