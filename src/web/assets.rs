//! The files of the web interface, all of them in the binary.

/// The style of all pages.
pub const STYLESHEET: &str = include_str!("assets/supervisor.css");
/// The mark of the pages.
pub const ICON: &str = include_str!("assets/icon.svg");
/// Filters the status page while one types, and keeps it as things are.
pub const STATUS_SCRIPT: &str = include_str!("assets/status.js");
/// Follows a log.
pub const TAIL_SCRIPT: &str = include_str!("assets/tail.js");
