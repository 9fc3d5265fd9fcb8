//! The system layer: what the operating system offers, behind types that
//! cannot be misused. The only part of the crate with `unsafe` code.
#![allow(unsafe_code)]

pub mod arguments;
pub mod cgroup;
pub mod daemon;
pub mod descriptors;
pub mod errno;
pub mod exec;
pub mod fd;
pub mod float;
pub mod foreground;
pub mod glob;
pub mod host;
pub mod inotify;
pub mod kill;
pub mod limits;
pub mod listeners;
pub mod lock;
pub mod memory;
pub mod notify;
pub mod notify_inbox;
pub mod outlet;
pub mod poller;
pub mod privileges;
pub mod process;
pub mod processes;
pub mod random;
pub mod read_buffer;
pub mod refused;
#[cfg(any(test, target_env = "musl"))]
mod region;
pub mod rights;
pub mod safe_path;
pub mod signals;
pub mod socket;
pub mod socket_file;
pub mod spawn;
pub mod syslog;
pub mod terminal;
pub mod terminal_mode;
pub mod time;
pub mod trigger;
pub mod trust;
#[cfg(all(
    panic = "abort",
    target_os = "linux",
    any(target_env = "gnu", target_env = "musl")
))]
mod unwind;
pub mod user;
pub mod wait;
pub mod wall_timer;

#[cfg(test)]
pub(crate) mod tests;
