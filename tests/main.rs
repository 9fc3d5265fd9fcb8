//! One integration binary: a file for each chapter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod command_line;
mod http;
mod supervisorctl;
