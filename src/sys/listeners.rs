//! Who listens on an address, as far as the system tells: on TCP ports Linux's /proc does, and
//! only root is told of other users' processes.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use crate::sort;
use crate::sys::processes;

/// A process that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub pid: i32,
    /// The name of its program, which it may have chosen.
    pub program: String,
}

/// Who listens on a TCP address, or on one that does not go with it.
pub fn of_tcp(address: SocketAddr) -> Option<Listener> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.map(|path| fs::read_to_string(path).unwrap_or_default());
    let inodes: Vec<&str> = tables
        .iter()
        .flat_map(|table| table.lines())
        .filter_map(|line| listening(line, address))
        .collect();
    let links: Vec<String> = inodes
        .iter()
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if links.is_empty() {
        return None;
    }
    let mut pids = processes::pids();
    sort::by(&mut pids, Ord::cmp);
    // Children may have it as well, and were started later.
    let pid = pids.into_iter().find(|pid| has_open(*pid, &links))?;
    Some(named(pid))
}

/// Who listens on the unix socket at a path.
#[cfg(target_os = "linux")]
pub fn of_unix(path: &str) -> Option<Listener> {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    let descriptor = crate::sys::socket::connect_unix(path.as_ref()).ok()?;
    let pid = getsockopt(&descriptor, PeerCredentials).ok()?.pid();
    // It is 0 for a process of another namespace.
    (pid > 0).then(|| named(pid))
}

#[cfg(not(target_os = "linux"))]
pub fn of_unix(_: &str) -> Option<Listener> {
    None
}

fn named(pid: i32) -> Listener {
    let program = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let program = String::from_utf8_lossy(&program).trim_end().to_owned();
    Listener { pid, program }
}

/// The inode of the socket of a line, if it listens where `address` would; see proc_net_tcp(5).
fn listening(line: &str, address: SocketAddr) -> Option<&str> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (ip, port) = fields.get(1)?.split_once(':')?;
    let is_port = u16::from_str_radix(port, 16).ok()? == address.port();
    let is_any = ip.bytes().all(|byte| byte == b'0');
    let is_same = is_any || address.ip().is_unspecified() || ip.ends_with(&written(address.ip()));
    (is_port && is_same && fields.get(3) == Some(&LISTEN)).then_some(*fields.get(9)?)
}

/// An address as the table has it: words of four bytes, each in the order of the machine.
/// One of IPv4 is the last word of the same in IPv6.
fn written(ip: IpAddr) -> String {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = bytes.chunks_exact(4).map(|word| {
        let word = <[u8; 4]>::try_from(word).unwrap_or_default();
        format!("{:08X}", u32::from_ne_bytes(word))
    });
    words.collect()
}

fn has_open(pid: i32, links: &[String]) -> bool {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"));
    let mut entries = entries.into_iter().flatten().flatten();
    entries.any(|entry| {
        fs::read_link(entry.path()).is_ok_and(|target| {
            let target = target.to_string_lossy();
            links.iter().any(|link| *link == target)
        })
    })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    #[test]
    fn who_listens_is_told_with_the_pid_and_the_program() {
        let own = i32::try_from(std::process::id()).unwrap();
        for host in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(host) else {
                // There may be no IPv6.
                assert!(host.starts_with('['));
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            let wanted = match host {
                "[::1]:0" => format!("[::1]:{port}"),
                _ => format!("127.0.0.1:{port}"),
            };
            let found = of_tcp(wanted.parse().unwrap());
            assert_eq!(found.map(|found| found.pid), Some(own), "{host}");
            drop(listener);
            assert_eq!(of_tcp(wanted.parse().unwrap()), None);
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let path = path.to_str().unwrap();
        assert_eq!(of_unix(path), None);
        let listener = UnixListener::bind(path).unwrap();
        let found = of_unix(path).unwrap();
        assert_eq!(found.pid, own);
        assert!(!found.program.is_empty());
        drop(listener);
        assert_eq!(of_unix(path), None);
    }

    #[test]
    fn another_address_of_the_same_port_is_not_the_one() {
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(of_tcp(([127, 0, 0, 1], port).into()), None);
        assert!(of_tcp(([127, 0, 0, 2], port).into()).is_some());
        assert!(of_tcp(([0, 0, 0, 0], port).into()).is_some());
    }
}
