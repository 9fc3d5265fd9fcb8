//! supervisorctl: against a server of canned answers, for every line and exit
//! status; and beside 4.3.0's, both talking to 4.3.0's daemon.

mod both;
mod configuration;
mod explain;
mod follow;
mod halfway;
mod healthcheck;
mod hints;
mod lines;
mod logs;
mod manner;
mod pictures;
mod processes;
mod reach;
mod server;
mod status;
mod talk;
