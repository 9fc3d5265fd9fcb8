//! One integration binary: a file for each chapter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod command_line;
mod config;
mod conformance;
mod corpus;
mod demo;
mod http;
mod idle;
mod ladder;
mod restart;
mod supervisorctl;
mod support;
