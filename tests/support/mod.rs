//! What every chapter of the tests stands on: a directory that vanishes
//! ([`Dir`]), a running supervisord of either kind ([`Daemon`]), a
//! supervisorctl of either kind ([`Ctl`]), a small XML-RPC client of its own
//! ([`Rpc`]), a FastCGI program
//! ([`server_command`]), a program on a pseudo-terminal ([`pty::Pty`]), all of these at once for a test of ours alone ([`Scene`]), and
//! waiting on conditions with a deadline ([`wait_until`]).
//!
//! Nothing here sleeps for its own sake, and nothing ends a process that it did
//! not start.
#![allow(dead_code)]

mod binary;
pub mod c;
mod canned;
mod ctl;
mod daemon;
mod dir;
mod fcgi;
mod kind;
mod page;
mod plain;
mod process;
pub mod pty;
mod rpc;
mod scene;
mod wait;

pub use binary::{binary, edits_lines, is_plain};
pub use canned::{answering_server, canned_server, response};
pub use ctl::{Ctl, Finished, finish, is_hint, plain_environment};
pub use daemon::{Background, Daemon, Launch, children_of, descendants_of, is_alive, kill};
pub use dir::Dir;
pub use fcgi::{ask, ask_until, server_command};
pub use kind::{Kind, original_home, subject, subject_ctl};
pub use page::Page;
pub use plain::is_plain_text;
pub use process::{anonymous_memory, comes_to_rest, descriptors_of, private_memory, stat_field};
pub use rpc::{Address, Outcome, Rpc, Value};
pub use scene::{Scene, usual_configuration};
pub use wait::{DEADLINE, wait_for, wait_until};
