//! HTTP: reading a request within limits, writing a response, Basic
//! authentication, and the servers on their sockets.
//!
//! [`routes`] is the one table of what there is to ask for. [`request`], [`response`],
//! [`plan`] and [`date`] are pure codecs; [`policy`] decides who comes in ([`auth`], and
//! [`guard`] for browsers) and with how much, and a [`refusal`] says why somebody does
//! not. Above them, [`listener`] opens the sockets, [`connection`] takes one client
//! through its requests ([`exchange`]), [`delivery`] brings it the [`reply`], whose
//! [`content`] is made piece by piece if it is long, [`tail`] follows a log file, and
//! [`server`] is what the daemon holds: readiness in, requests out, replies in.

pub mod access;
pub mod admission;
pub mod auth;
pub mod buffer;
pub mod connection;
pub mod content;
pub mod date;
pub mod delivery;
pub mod exchange;
pub mod guard;
pub mod listener;
pub mod outbox;
pub mod piece;
pub mod plan;
pub mod policy;
pub mod refusal;
pub mod reply;
pub mod request;
pub mod response;
pub mod routes;
pub mod server;
pub mod tail;
pub mod wire;
