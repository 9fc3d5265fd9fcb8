//! `[fcgi-program:x]`: its own keys, read in the original's order. Those that it
//! shares with programs are [`program`](super::program)'s.

use super::accounts;
use super::datatypes::{self, ValueError};
use super::error::{ConfigError, PathTooLong, SocketError};
use super::expand::{Layer, define};
use super::paths::normalized;
use super::program::name_of;
use super::section::Context;
use super::system::System;
use super::{Address, FastCgiSocket};
use crate::sys::user::Owner;
use crate::text::integer::Integer;
use crate::text::is_space;

/// How the sections' names begin.
pub const PREFIX: &str = "fcgi-program:";

const DEFAULT_MODE: u32 = 0o700;

/// A FastCGI program that no group takes: what `read` makes of its section.
pub struct FastCgi {
    /// Its name, stripped.
    pub name: String,
    /// The group's priority.
    pub priority: i64,
    /// Where its processes listen.
    pub socket: FastCgiSocket,
}

/// Reads the section's own keys.
pub fn read<S: System>(context: &Context<'_, S>, name: &str) -> Result<FastCgi, ConfigError> {
    let program = name_of(context, name)?;
    let section = context.section(name, &[&context.here]);
    let priority = section.integer("priority", 999)?;
    let socket = socket(context, name, &program)?;
    Ok(FastCgi {
        name: program,
        priority,
        socket,
    })
}

/// Reads the keys of the socket: all that a member of a `[group:x]` needs
/// beside a program's. `name` is the section's, `program` the program's.
pub fn socket<S: System>(
    context: &Context<'_, S>,
    name: &str,
    program: &str,
) -> Result<FastCgiSocket, ConfigError> {
    let system = context.system;
    let section = context.section(name, &[&context.here]);
    let user = section.converted("user", |text| accounts::user_and_group(text, system))?;
    let backlog = section.converted("socket_backlog", datatypes::integer)?;
    if let Some(backlog) = &backlog
        && !(1..=65535).contains(&backlog.saturated())
    {
        return Err(section.invalid("socket_backlog", backlog.to_string()));
    }
    let owner = match section.text("socket_owner")? {
        None => None,
        Some(text) => {
            let owner = accounts::owner(&text, system);
            Some(owner.map_err(|_| section.invalid("socket_owner", text))?)
        }
    };
    let mode = match section.text("socket_mode")? {
        None => None,
        Some(text) => {
            Some(datatypes::octal(&text).map_err(|_| section.invalid("socket_mode", text))?)
        }
    };
    let mut names = Layer::new();
    define(&mut names, "program_name", program);
    let section = context.section(name, &[&context.here, &names]);
    let socket = section
        .value("socket")?
        .filter(|socket| !socket.text.is_empty())
        .ok_or_else(|| ConfigError::NoSocket(name.to_owned()))?;
    let address = address(&socket.text, owner, mode).map_err(|error| {
        let error = match socket.hides() {
            true => error.showing(&socket.shown()),
            false => error,
        };
        let section_name = name.to_owned();
        section.at(
            "socket",
            ConfigError::Socket {
                section: section_name,
                error,
            },
        )
    })?;
    Ok(FastCgiSocket {
        address: with_owner(address, user, system),
        backlog: backlog.map(|backlog| backlog.saturated()),
    })
}

/// A socket file without an owner of its own goes to the user that the program
/// runs as, if that is another than this one.
fn with_owner(address: Address, user: Option<Owner>, system: &impl System) -> Address {
    match (address, user) {
        (
            Address::Unix {
                path,
                mode,
                owner: None,
            },
            Some(Owner {
                uid: Some(uid),
                gid,
            }),
        ) if uid != system.uid() => Address::Unix {
            path,
            mode,
            owner: Some(Owner {
                uid: Some(uid),
                gid: gid.or_else(|| system.gid_of_uid(uid)),
            }),
        },
        (address, _) => address,
    }
}

fn address(socket: &str, owner: Option<Owner>, mode: Option<u32>) -> Result<Address, SocketError> {
    if let Some(path) = socket.strip_prefix("unix://") {
        if !path.starts_with('/') {
            return Err(SocketError::Relative(path.to_owned()));
        }
        let path = normalized(path);
        PathTooLong::check(&path).map_err(SocketError::TooLong)?;
        return Ok(Address::Unix {
            path,
            mode: mode.unwrap_or(DEFAULT_MODE),
            owner,
        });
    }
    if owner.is_some() || mode.is_some() {
        return Err(SocketError::NotUnix);
    }
    let (host, port) = tcp_address(socket).ok_or_else(|| SocketError::Format(socket.to_owned()))?;
    let shown = || port.to_string();
    match port.saturated() {
        value if value < 1 => Err(SocketError::Port(ValueError::PortBelow(shown()))),
        value => match u16::try_from(value) {
            Ok(port) => Ok(Address::Inet {
                host: host.to_lowercase(),
                port,
            }),
            Err(_) => Err(SocketError::Port(ValueError::PortAbove(shown()))),
        },
    }
}

/// Host and port of `tcp://host:port`; the host has no blank and no colon.
fn tcp_address(socket: &str) -> Option<(&str, Integer)> {
    let (host, port) = socket.strip_prefix("tcp://")?.split_once(':')?;
    let digits_only = !port.contains(|c: char| is_space(c) || matches!(c, '+' | '-' | '_'));
    let well_formed = !host.is_empty() && !host.contains(is_space) && digits_only;
    let port = well_formed.then(|| Integer::decimal(port)).flatten()?;
    Some((host, port))
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
            let error = address(socket, None, owned.then_some(0o700)).unwrap_err();
            assert_eq!(error.to_string(), message, "{socket}");
        }
        let address = |socket| address(socket, None, None).unwrap();
        assert_eq!(
            address("tcp://A*:80"),
            Address::Inet {
                host: "a*".to_owned(),
                port: 80
            }
        );
        assert_eq!(
            address("unix:///a/../s"),
            Address::Unix {
                path: "/s".to_owned(),
                mode: 0o700,
                owner: None
            }
        );
    }
}
