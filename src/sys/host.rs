//! The name of this machine, and the addresses of names.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};

/// The node name as `uname -n` tells it; `localhost` should the system not say.
pub fn node_name() -> String {
    nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_else(|_| "localhost".to_owned())
}

/// By which names this machine knows itself, lower case, without asking anybody:
/// its node name, the first part of that, and what `/etc/hosts` has beside either.
pub fn own_names() -> Vec<String> {
    let hosts = std::fs::read("/etc/hosts").unwrap_or_default();
    names_of(&String::from_utf8_lossy(&hosts), &node_name())
}

fn names_of(hosts: &str, node_name: &str) -> Vec<String> {
    let node_name = node_name.trim_end_matches('.').to_ascii_lowercase();
    let short = node_name.split('.').next().unwrap_or_default().to_owned();
    let mut names = vec![node_name, short];
    names.dedup();
    let own = names.clone();
    for words in entries(hosts) {
        let listed: Vec<String> = words.skip(1).map(str::to_ascii_lowercase).collect();
        if listed.iter().any(|name| own.contains(name)) {
            names.extend(listed);
        }
    }
    names
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
    first_choice(entries(hosts).filter_map(|mut words| {
        let address = words.next()?.parse().ok()?;
        words
            .any(|name| name.eq_ignore_ascii_case(host))
            .then_some(address)
    }))
}

/// The lines of such a table: an address and its names.
fn entries(hosts: &str) -> impl Iterator<Item = impl Iterator<Item = &str>> {
    let lines = hosts.lines().filter_map(|line| line.split('#').next());
    lines.map(str::split_whitespace)
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
    fn a_machine_has_the_names_that_stand_beside_its_own() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1\tWeb1.example.com web1 # evil\n\
                     10.0.0.1 db web10\n::1 web1.lan WEB1\n";
        assert_eq!(
            names_of(hosts, "Web1"),
            ["web1", "web1.example.com", "web1", "web1.lan", "web1"]
        );
        assert_eq!(
            names_of(hosts, "db.example.com"),
            ["db.example.com", "db", "db", "web10"]
        );
        assert_eq!(names_of("", "x"), ["x"]);
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
