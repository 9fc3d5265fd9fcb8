//! The name of this machine, and the addresses of names.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};

/// The node name as `uname -n` tells it; `localhost` should the system not say.
pub fn node_name() -> String {
    nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_else(|_| "localhost".to_owned())
}

/// The address of a host name or address, IPv4 before IPv6, since 4.3.0 knows
/// no other. It may ask the network, and wait for the answer.
pub fn resolve(host: &str) -> io::Result<IpAddr> {
    let addresses = (host, 0).to_socket_addrs()?;
    let addresses = addresses.map(|address| address.ip());
    first_choice(addresses).ok_or_else(|| ErrorKind::NotFound.into())
}

/// The same without asking anybody: of addresses, of `localhost`, and of names
/// in `/etc/hosts`.
pub fn resolve_at_once(host: &str) -> Option<IpAddr> {
    if let Ok(address) = host.parse() {
        return Some(address);
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    let hosts = std::fs::read("/etc/hosts").unwrap_or_default();
    listed(&String::from_utf8_lossy(&hosts), host)
}

/// The address of a name in a table of the form of `/etc/hosts`.
fn listed(hosts: &str, host: &str) -> Option<IpAddr> {
    first_choice(hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words
            .any(|name| name.eq_ignore_ascii_case(host))
            .then_some(address)
    }))
}

fn first_choice(addresses: impl Iterator<Item = IpAddr>) -> Option<IpAddr> {
    let addresses: Vec<IpAddr> = addresses.collect();
    let v4 = addresses.iter().find(|address| address.is_ipv4());
    v4.or(addresses.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn names_are_found_in_the_table_with_their_first_address_of_version_4() {
        let hosts =
            "::1 ip6 both\n127.0.0.1\tlocal # both\n10.1.2.3 a Both c\n10.9.9.9 both\nx bad\n";
        for (name, expected) in [
            ("both", Some("10.1.2.3")),
            ("IP6", Some("::1")),
            ("local", Some("127.0.0.1")),
            ("bad", None),
            ("10.1.2.3", None),
        ] {
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(listed(hosts, name), expected, "{name}");
        }
    }

    #[test]
    fn addresses_and_the_local_host_need_no_table() {
        for (host, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("LocalHost", "127.0.0.1"),
            ("::1", "::1"),
        ] {
            assert_eq!(resolve_at_once(host), address.parse().ok(), "{host}");
        }
        assert_eq!(resolve("127.0.0.1").ok(), "127.0.0.1".parse().ok());
    }

    #[test]
    fn the_name_is_that_of_uname() {
        let output = Command::new("uname").arg("-n").output().unwrap();
        assert_eq!(node_name(), String::from_utf8_lossy(&output.stdout).trim());
    }
}
