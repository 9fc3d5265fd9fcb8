//! `[fcgi-program:x]`: its own keys are checked as the original does, then
//! those that it shares with programs.

use super::accounts;
use super::datatypes::{self, ValueError};
use super::error::{ConfigError, SocketError};
use super::expand::{Layer, define};
use super::ini::is_space;
use super::integer::Integer;
use super::program::{part_after_colon, processes};
use super::section::Context;
use super::system::System;

/// How the sections' names begin.
pub const PREFIX: &str = "fcgi-program:";

/// Checks the section of a FastCGI program that no group takes.
pub fn check<S: System>(context: &Context<'_, S>, name: &str) -> Result<(), ConfigError> {
    let program = datatypes::name(part_after_colon(name))?;
    let system = context.system;
    let section = context.section(name, &[&context.here]);
    section.integer("priority", 999)?;
    section.converted("user", |text| accounts::user(text, system))?;
    if let Some(backlog) = section.converted("socket_backlog", datatypes::integer)?
        && !(1..=65535).contains(&backlog.saturated())
    {
        return Err(invalid("socket_backlog", backlog.to_string()));
    }
    let owner = section.text("socket_owner")?;
    if let Some(text) = &owner {
        accounts::owner(text, system).map_err(|_| invalid("socket_owner", text.clone()))?;
    }
    let mode = section.text("socket_mode")?;
    if let Some(text) = &mode {
        datatypes::octal(text).map_err(|_| invalid("socket_mode", text.clone()))?;
    }
    let mut names = Layer::new();
    define(&mut names, "program_name", &program);
    let socket = context
        .section(name, &[&context.here, &names])
        .text("socket")?
        .filter(|socket| !socket.is_empty())
        .ok_or_else(|| ConfigError::NoSocket(name.to_owned()))?;
    check_socket(&socket, owner.is_some() || mode.is_some()).map_err(|error| {
        ConfigError::Socket {
            section: name.to_owned(),
            error,
        }
    })?;
    processes(context, name, &program, &mut Vec::new())?;
    Ok(())
}

fn invalid(name: &'static str, value: String) -> ConfigError {
    ConfigError::Setting { name, value }
}

fn check_socket(socket: &str, has_owner_or_mode: bool) -> Result<(), SocketError> {
    if let Some(path) = socket.strip_prefix("unix://") {
        return if path.starts_with('/') {
            Ok(())
        } else {
            Err(SocketError::Relative(path.to_owned()))
        };
    }
    if has_owner_or_mode {
        return Err(SocketError::NotUnix);
    }
    let port = tcp_port(socket).ok_or_else(|| SocketError::Format(socket.to_owned()))?;
    let shown = || port.to_string();
    match port.saturated() {
        value if value < 1 => Err(SocketError::Port(ValueError::PortBelow(shown()))),
        value if value > 65535 => Err(SocketError::Port(ValueError::PortAbove(shown()))),
        _ => Ok(()),
    }
}

/// The port of `tcp://host:port`; the host has no blank and no colon.
fn tcp_port(socket: &str) -> Option<Integer> {
    let (host, port) = socket.strip_prefix("tcp://")?.split_once(':')?;
    let digits_only = !port.contains(|c: char| is_space(c) || matches!(c, '+' | '-' | '_'));
    let well_formed = !host.is_empty() && !host.contains(is_space) && digits_only;
    well_formed.then(|| Integer::decimal(port)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_refused_in_the_originals_words() {
        for (socket, owned, message) in [
            ("junk", false, "('Bad socket format %s', 'junk')"),
            (
                "tcp://[::1]:80",
                false,
                "('Bad socket format %s', 'tcp://[::1]:80')",
            ),
            (
                "TCP://h:80",
                false,
                "('Bad socket format %s', 'TCP://h:80')",
            ),
            (
                "tcp://h:+80",
                false,
                "('Bad socket format %s', 'tcp://h:+80')",
            ),
            ("tcp://h:0", false, "0 is below lower bound (1)"),
            (
                "tcp://h:099999",
                false,
                "99999 is above upper bound (65535)",
            ),
            (
                "unix://rel.sock",
                true,
                "('Unix socket path %s is not an absolute path', 'rel.sock')",
            ),
            (
                "tcp://h:80",
                true,
                "socket_owner and socket_mode params should only be used with a Unix domain socket",
            ),
        ] {
            let error = check_socket(socket, owned).unwrap_err();
            assert_eq!(error.to_string(), message, "{socket}");
        }
        assert_eq!(check_socket("tcp://*:80", false), Ok(()));
        assert_eq!(check_socket("unix:///s", true), Ok(()));
    }
}
