//! One integration binary: a file for each chapter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod attacks;
mod background;
mod browsers;
mod clock;
mod command_line;
mod config;
mod conformance;
mod container;
mod corpus;
mod crowd;
mod demo;
mod descriptors;
mod fatal;
mod faults;
mod fcgi;
mod fuzz;
mod hostile;
mod http;
mod idle;
mod inspect;
mod interface;
mod ladder;
mod large;
mod log_faults;
mod logs;
mod monitor;
mod order;
mod pools;
mod reaping;
mod regressions;
mod reload;
mod restart;
mod rotation;
mod shared_logs;
mod slow_logs;
mod superlance;
mod supervisorctl;
mod support;
mod syslog;
mod users;
