//! pollvisor: Supervisor, the process control system, as one small binary.
//!
//! The crate is a ladder: a folder uses only folders above it in this table, and a
//! test (`tests/ladder.rs`) holds the tree to it. ARCHITECTURE.md leads through it.
//!
//! | Folder | What |
//! |---|---|
//! | [`sort`] | one sort for all types |
//! | [`vec_map`] | one map for all types |
//! | [`snapshot`] | the state of the daemon as text |
//! | [`clock`] | points in time, by both clocks |
//! | [`signal`] | signals by number and name |
//! | [`states`] | the states of processes and of supervisord |
//! | [`termination`] | how a child ended |
//! | [`tokens`] | names for what can happen to whom |
//! | [`timers`] | deadlines |
//! | [`schedule`] | when the line of a crontab comes due |
//! | [`text`] | small text formats |
//! | [`log_level`] | the levels of log lines |
//! | [`command_line`] | options, with the habits of Python's getopt |
//! | [`sys`] | the operating system; the only place with `unsafe` |
//! | [`events`] | types, payloads and the conversation with a listener |
//! | [`config`] | the configuration: from INI lines to values |
//! | [`xmlrpc`] | the XML-RPC codec |
//! | [`loggers`] | the main log and the logs of children |
//! | [`loop_context`] | what the loop lends to whoever handles an event |
//! | [`dispatchers`] | what is read from and written to children |
//! | [`dependencies`] | which processes wait for which |
//! | [`process`] | the life of one process |
//! | [`http`] | the HTTP server |
//! | [`supervisor`] | all groups, processes and listener pools |
//! | [`rpc`] | the methods of XML-RPC |
//! | [`web`] | the web interface |
//! | [`supervisord`] | the daemon: start, loop, restart, end |
//! | [`supervisorctl`] | the operator's program |
//! | [`pidproxy`] | the program of that name |
//! | [`echo_supervisord_conf`] | the program of that name |
//!
//! What happened travels up by return value only: a dispatcher does not know
//! its process, a process does not know the supervisor.

pub mod clock;
pub mod command_line;
pub mod config;
pub mod dependencies;
pub mod dispatchers;
pub mod echo_supervisord_conf;
pub mod events;
pub mod http;
pub mod log_level;
pub mod loggers;
pub mod loop_context;
pub mod pidproxy;
pub mod process;
pub mod rpc;
pub mod schedule;
pub mod signal;
pub mod snapshot;
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
