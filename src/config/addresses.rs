//! Whether a program has a socket on an address that somebody else in the configuration has.

use super::error::ConfigError;
use super::group::Origin;
use super::section::Context;
use super::sockets::{self, SOCKETS};
use super::{Address, Group, GroupKind, Server};

/// Refuses two listeners on one address where one of them is a program's.
pub fn check(
    context: &Context<'_>,
    found: &[(Group, Origin)],
    servers: &[Server],
) -> Result<(), ConfigError> {
    let servers = servers.iter();
    let mut all: Vec<(&Address, &str)> = servers
        .map(|server| (&server.address, server.section.as_str()))
        .collect();
    for (group, origin) in found {
        if let GroupKind::FastCgi(socket) = &group.kind {
            all.push((&socket.address, &origin.section));
        }
    }
    for (group, origin) in found {
        for (process, sockets) in sockets::of_group(group) {
            let section = origin.section_of(process);
            for named in &sockets.0 {
                let address = &named.socket.address;
                if let Some((_, other)) = all.iter().find(|(other, _)| is_same(other, address)) {
                    return Err(twice(context, section, other, address));
                }
                all.push((address, section));
            }
        }
    }
    Ok(())
}

fn twice(context: &Context<'_>, section: &str, other: &str, address: &Address) -> ConfigError {
    let section = context.section(section, &[]);
    // What came out of the environment is not told.
    let is_hidden = section
        .raw(SOCKETS.name)
        .is_some_and(|raw| raw.contains("%("));
    let shown = match is_hidden {
        true => "a socket".to_owned(),
        false => address.url(),
    };
    let text = match other == section.name() {
        true => format!("[{other}] has {shown} twice"),
        false => format!(
            "[{}] has {shown}, which [{other}] has already",
            section.name()
        ),
    };
    section.fault_at(SOCKETS.name, text)
}

/// Whether nobody can listen on both.
fn is_same(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Unix { path: one, .. }, Address::Unix { path: other, .. }) => one == other,
        (
            Address::Inet { host: one, port },
            Address::Inet {
                host: other,
                port: others,
            },
        ) => {
            let is_any = |host: &str| ["", "0.0.0.0"].contains(&host);
            let is_v6 = |host: &str| host.contains(':');
            port == others
                && (one == other || is_any(one) && !is_v6(other) || is_any(other) && !is_v6(one))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_nobody_can_have_twice_are_the_same() {
        let tcp = |host: &str| Address::Inet {
            host: host.to_owned(),
            port: 80,
        };
        let unix = |path: &str, mode| Address::Unix {
            path: path.to_owned(),
            mode,
            owner: None,
        };
        for (one, other, expected) in [
            (tcp("a"), tcp("a"), true),
            (tcp("a"), tcp("b"), false),
            (tcp("0.0.0.0"), tcp("127.0.0.1"), true),
            (tcp(""), tcp("127.0.0.1"), true),
            (tcp("0.0.0.0"), tcp("::1"), false),
            (tcp("::"), tcp("::"), true),
            (unix("/a", 0o700), unix("/a", 0o777), true),
            (unix("/a", 0o700), unix("/b", 0o700), false),
            (unix("/a", 0o700), tcp("/a"), false),
        ] {
            assert_eq!(is_same(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(is_same(&other, &one), expected, "{one:?} {other:?}");
        }
        let other_port = Address::Inet {
            host: "a".to_owned(),
            port: 81,
        };
        assert!(!is_same(&tcp("a"), &other_port));
    }
}
