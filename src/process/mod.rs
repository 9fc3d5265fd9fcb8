//! The life of a process: the rules by which it moves from state to state
//! ([`machine`]), and the thing that has a pid, pipes and logs
//! ([`subprocess`]), in its [`group`], with the sockets of FastCGI programs
//! ([`fcgi`]) and those of other programs ([`sockets`]); which of all processes starts or stops next ([`scheduler`]); and the
//! commands that run beside processes ([`helper`]); and whether a process is ready and healthy
//! ([`health`]).

pub mod cgroup;
pub mod child_settings;
pub mod command;
pub mod dispatcher_error;
pub mod environment;
pub mod fcgi;
pub mod group;
pub mod health;
pub mod helper;
pub mod hook_output;
pub mod identity;
pub mod listener;
pub mod log_paths;
pub mod machine;
pub mod output_logs;
pub mod pipes;
pub mod policy;
pub mod restarts;
pub mod rights;
pub mod rings;
pub mod scheduler;
pub mod sockets;
pub mod subprocess;
