//! pollvisor: Supervisor, the process control system, as one small binary.
//!
//! The crate is a ladder: a module uses only modules on lower rungs, and a
//! test (`tests/ladder.rs`) holds the tree to it. From the bottom:
//!
//! | Rung | Modules |
//! |---|---|
//! | library | [`sort`], [`vec_map`], [`sys::float`]: small ones in the place of the standard library's |
//! | pure | [`clock`], [`states`], [`signal`], [`termination`], [`command_line`], [`tokens`], [`text`], [`config`], [`events`], [`process::machine`], [`xmlrpc`], the codecs of [`http`], the pages of [`web`] |
//! | system | [`sys`], the only place with `unsafe` |
//! | files | [`loggers`], `config::load` |
//! | children | [`loop_context`], [`dispatchers`], [`process`] |
//! | the daemon | [`supervisor`] |
//! | the doors | [`rpc`], the server of [`http`], the actions of [`web`] |
//! | the programs | [`supervisord`], [`supervisorctl`], [`pidproxy`], [`echo_supervisord_conf`] |
//!
//! What happened travels up by return value only: a dispatcher does not know
//! its process, a process does not know the supervisor.

pub mod clock;
pub mod command_line;
pub mod config;
pub mod dispatchers;
pub mod echo_supervisord_conf;
pub mod events;
pub mod http;
pub mod loggers;
pub mod loop_context;
pub mod pidproxy;
pub mod process;
pub mod rpc;
pub mod signal;
pub mod sort;
pub mod states;
pub mod supervisor;
pub mod supervisorctl;
pub mod supervisord;
pub mod sys;
pub mod termination;
pub mod text;
pub mod timers;
pub mod tokens;
pub mod vec_map;
pub mod web;
pub mod xmlrpc;

/// The release of Supervisor whose behaviour this program has; what `-v` and
/// `supervisor.getSupervisorVersion` answer.
pub const SUPERVISOR_VERSION: &str = "4.3.0";

/// The version of the XML-RPC interface; supervisorctl compares it exactly.
pub const API_VERSION: &str = "3.0";

/// This program's own version with what it is compatible with, in one line, and
/// in a second one what this binary was built with.
pub fn version_full() -> String {
    let own = env!("CARGO_PKG_VERSION");
    let features = match cfg!(feature = "line-editing") {
        true => "line-editing",
        false => "none",
    };
    format!(
        "pollvisor {own}, compatible with Supervisor {SUPERVISOR_VERSION}, XML-RPC interface {API_VERSION}\n\
         features: {features}"
    )
}
