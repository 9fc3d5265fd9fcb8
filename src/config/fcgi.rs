//! `[fcgi-program:x]`: its own keys, read in the original's order. Those that it
//! shares with programs are [`program`](super::program)'s.

use super::access::Access;
use super::datatypes;
use super::error::ConfigError;
use super::expand::{Layer, define};
use super::key::Fallback::Required;
use super::key::{Key, changed};
use super::paths::{normalized, too_long};
use super::program::{PRIORITY, name_of};
use super::section::Context;
use super::{Address, FastCgiSocket};
use crate::text::integer::Integer;
use crate::text::is_space;
use crate::text::pyrepr::repr;

pub const PREFIX: &str = "fcgi-program:";

/// The keys of `[fcgi-program:x]`, beside those of a program.
pub const KEYS: &[Key] = &[changed("socket", "url", Required).of_child()];

/// A FastCGI program that no group takes: what `read` makes of its section.
pub struct FastCgi {
    /// Its name, stripped.
    pub name: String,
    pub priority: i64,
    pub socket: FastCgiSocket,
}

pub fn read(context: &Context<'_>, name: &str) -> Result<FastCgi, ConfigError> {
    let program = name_of(context, name)?;
    let section = context.section(name, &[&context.here]);
    let priority = section.read(&PRIORITY)?;
    let socket = socket(context, name, &program)?;
    Ok(FastCgi {
        name: program,
        priority,
        socket,
    })
}

/// Reads the keys of the socket: all that a member of a `[group:x]` needs
/// beside a program's. `name` is the section's, `program` the program's.
pub fn socket(
    context: &Context<'_>,
    name: &str,
    program: &str,
) -> Result<FastCgiSocket, ConfigError> {
    let access = Access::read(&context.section(name, &[&context.here]))?;
    let mut names = Layer::new();
    define(&mut names, "program_name", program);
    let section = context.section(name, &[&context.here, &names]);
    let socket = section
        .value("socket")?
        .filter(|socket| !socket.text.is_empty())
        .ok_or_else(|| {
            section.fault_at(
                "socket",
                format!("[{name}] section requires a \"socket\" line"),
            )
        })?;
    let hidden = socket.hides().then(|| socket.shown());
    let address = address(&socket.text, hidden.as_deref(), &access)
        .map_err(|error| section.fault_at("socket", format!("{error} in [{name}] socket")))?;
    Ok(access.socket(address, context.system))
}

/// What messages show in the place of the socket is `hidden`, if that is something.
fn address(socket: &str, hidden: Option<&str>, access: &Access) -> Result<Address, String> {
    let shown = |text: &str| hidden.unwrap_or(text).to_owned();
    if let Some(path) = socket.strip_prefix("unix://") {
        let shown = |path: &str| {
            let hidden = hidden.map(|text| text.strip_prefix("unix://").unwrap_or(text));
            hidden.unwrap_or(path).to_owned()
        };
        if !path.starts_with('/') {
            // The original passes the value beside the text: a pair is shown.
            return Err(format!(
                "('Unix socket path %s is not an absolute path', {})",
                repr(&shown(path))
            ));
        }
        let path = normalized(path);
        if let Some(reason) = too_long(&path, || shown(&path)) {
            return Err(format!(
                "Could not create FastCGI socket unix://{}: {reason}",
                shown(&path)
            ));
        }
        return Ok(access.unix(path));
    }
    if access.owner.is_some() || access.mode.is_some() {
        return Err(
            "socket_owner and socket_mode params should only be used with a Unix domain socket"
                .to_owned(),
        );
    }
    let (host, port) = tcp_address(socket)
        .ok_or_else(|| format!("('Bad socket format %s', {})", repr(&shown(socket))))?;
    let port = datatypes::port_of(&port)
        .map_err(|error| error.showing(&shown(&port.to_string())).to_string())?;
    Ok(Address::Inet {
        host: host.to_lowercase(),
        port,
    })
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

    fn access(mode: Option<u32>) -> Access {
        Access {
            user: None,
            backlog: None,
            owner: None,
            mode,
        }
    }

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
            let access = access(owned.then_some(0o700));
            let error = address(socket, None, &access).unwrap_err();
            assert_eq!(error, message, "{socket}");
        }
        let address = |socket| address(socket, None, &access(None)).unwrap();
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
