//! A socket that cannot be opened: the error of 4.3.0, and behind it whose socket that is, where
//! it stands in the configuration, and who has its address.

use super::Failure;
use crate::config::error::ConfigError;
use crate::config::fcgi;
use crate::config::ini::Location;
use crate::config::load::{self, RealSystem, StartRequest};
use crate::config::{Address, Group, GroupKind};
use crate::http::listener::{self, ServerError};
use crate::process::fcgi::SocketError;

/// The failure of a start without that server.
pub(super) fn failure(request: &StartRequest, error: &ServerError) -> Failure {
    let key = match error.address {
        Address::Inet { .. } => "port",
        Address::Unix { .. } => "file",
    };
    let place = place(request, &error.section, key);
    let told = ConfigError::new(error.to_string()).at(place);
    Failure::Config(match error.details() {
        Some(details) => told.advising(&details),
        None => told,
    })
}

/// The same without the socket of a FastCGI program, which has another status. Its own text
/// names the address.
pub(super) fn socket_failure(
    request: &StartRequest,
    group: &Group,
    error: &SocketError,
) -> Failure {
    const KEY: &str = "socket";
    let mut text = error.to_string();
    if let GroupKind::FastCgi(socket) = &group.kind
        && error.is_in_use()
    {
        let section = format!("{}{}", fcgi::PREFIX, group.name);
        let url = socket.address.url();
        let details = listener::in_use_by(&url, &section, &socket.address, KEY);
        let place = place(request, &section, KEY);
        let place = place.map_or_else(String::new, |place| format!("{place}: "));
        text.push_str(&format!("\n{place}{details}"));
    }
    Failure::System(text)
}

/// The place of a key; the file is read again for it.
fn place(request: &StartRequest, section: &str, key: &str) -> Option<Location> {
    let found = request.find().ok()?;
    let document = load::read_files(&found, &RealSystem).ok()?.document;
    let value = document.get(section, key);
    value
        .map(|value| value.location)
        .or_else(|| document.location_of(section))
}
