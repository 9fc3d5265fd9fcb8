//! Which requests go where, by path and method.

use crate::http::request::{Head, percent_decode};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the XML-RPC interface.
    Rpc,
    /// To a process's log.
    ProcessLog {
        /// `name` or `group:name`.
        name: String,
        /// `stdout` unless another is named.
        channel: String,
    },
    /// To the main log.
    MainLog,
    /// Nowhere: the status that says so.
    Refuse(u16),
}

/// The route of a request. Prefixes count, as in 4.3.0: `/RPC2/`, `/RPC2x`
/// and `/%52PC2` are all the XML-RPC interface, `//RPC2` is not.
pub fn of(head: &Head) -> Route {
    let path = head.path.as_str();
    let (route, methods): (_, &[&str]) = if path.starts_with("/RPC2") {
        (Route::Rpc, &["POST"])
    } else if path.starts_with("/logtail") {
        (process_log(path), &["GET"])
    } else if path.starts_with("/mainlogtail") {
        (Route::MainLog, &["GET"])
    } else {
        (Route::Refuse(404), &["GET", "HEAD"])
    };
    if methods.contains(&head.method.as_str()) {
        route
    } else {
        Route::Refuse(400)
    }
}

/// `/logtail/NAME[/CHANNEL]`: what the first segment adds to its prefix does
/// not matter, and names are percent-decoded once more.
fn process_log(path: &str) -> Route {
    let decoded = percent_decode(path);
    let mut segments = decoded.trim_start_matches('/').splitn(3, '/').skip(1);
    match segments.next() {
        Some(name) => Route::ProcessLog {
            name: name.to_owned(),
            channel: segments.next().unwrap_or("stdout").to_owned(),
        },
        None => Route::Refuse(404),
    }
}
