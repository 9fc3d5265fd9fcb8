//! supervisorctl whole: each command with good and bad names in each state of a
//! process, forms of arguments, options and files, servers that are not there. One-shot,
//! through a pipe and on a terminal; each supervisorctl with each daemon.

mod ansible;
mod forms;
mod oneshot;
mod scripts;
mod server;
mod settings;
mod shell;
mod states;

use super::{compare, cross};
