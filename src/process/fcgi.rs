//! The sockets of FastCGI programs. One socket is shared by all processes of its
//! program as their descriptor 0; it listens from before the first of them is
//! spawned until the last has ended, and is closed in between. Its file stays,
//! as in 4.3.0. Where that has vanished, the next process that is spawned has a new socket;
//! those that run have the old one, which cannot be given a name again.
//!
//! Nothing here waits: names of hosts are those that were looked up at the
//! start, or that this machine knows by itself.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use crate::config::{self, Address, FastCgiSocket};
use crate::loggers::logger::Logger;
use crate::sys::socket::LONGEST_SOCKET_PATH;
use crate::sys::socket_file::{self, Access, Occupant, Refusal, Stage};
use crate::sys::{errno, host, safe_path, socket};
use crate::text::pyrepr;
use crate::vec_map::VecMap;

/// Linux's `SOMAXCONN`, which 4.3.0 asks for whatever the system's setting is.
const DEFAULT_BACKLOG: i32 = 4096;

/// Addresses of host names, looked up where waiting for an answer does no harm;
/// `None` for a name that nobody knows.
pub type Hosts = VecMap<String, Option<IpAddr>>;

/// Looks up the hosts of the groups' sockets. It may ask the network, and wait.
pub fn look_up_hosts(groups: &[Rc<config::Group>]) -> Hosts {
    let sockets = groups.iter().flat_map(|group| {
        let sockets = group.processes.iter().filter_map(|p| group.socket_of(p));
        sockets.collect::<Vec<_>>()
    });
    let mut hosts = Hosts::new();
    for socket in sockets {
        if let Address::Inet { host, .. } = &socket.address
            && !hosts.contains_key(host)
        {
            hosts.insert(host.clone(), host::resolve(host).ok());
        }
    }
    hosts
}

/// A socket of a group.
#[derive(Debug)]
pub struct Socket {
    config: FastCgiSocket,
    /// While it listens.
    descriptor: Option<OwnedFd>,
}

/// Why a socket cannot be made. Its text is that of 4.3.0.
#[derive(Debug)]
pub struct SocketError {
    url: String,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    /// The system refused it.
    System(io::Error),
    /// The mode of the file was refused.
    Mode { path: String, reason: io::Error },
    /// The owner of the file was refused.
    Owner { path: String, reason: io::Error },
    /// The path does not fit the system's address structure.
    PathTooLong,
    /// Something else than a socket has the path.
    NotASocket(String),
    /// Nobody knows the host.
    UnknownHost,
    /// Only the network may know the host, and this is no time to ask it.
    NotLookedUp(String),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Could not create FastCGI socket {}: ", self.url)?;
        match &self.reason {
            Reason::System(reason) => f.write_str(&bracketed(reason)),
            Reason::Mode { path, reason } => write!(
                f,
                "Could not change permissions of socket file: {}: {}",
                bracketed(reason),
                pyrepr::repr(path)
            ),
            Reason::Owner { path, reason } => write!(
                f,
                "Could not change ownership of socket file: {}: {}",
                bracketed(reason),
                pyrepr::repr(path)
            ),
            Reason::PathTooLong => write!(
                f,
                "AF_UNIX path too long: it can have {} bytes",
                LONGEST_SOCKET_PATH
            ),
            Reason::NotASocket(path) => write!(f, "{path} exists and is not a socket"),
            // EAI_NONAME, as getaddrinfo says it.
            Reason::UnknownHost => f.write_str("[Errno -2] Name or service not known"),
            Reason::NotLookedUp(host) => write!(
                f,
                "{host} is not in /etc/hosts, and names are asked of the network at a start \
                 only: use an address, or reload"
            ),
        }
    }
}

impl std::error::Error for SocketError {}

/// As Python prints an OSError.
fn bracketed(reason: &io::Error) -> String {
    reason
        .raw_os_error()
        .map_or_else(|| errno::reason(reason), errno::bracketed)
}

/// The sockets of a group, each once, closed.
pub fn sockets_of(group: &config::Group) -> Vec<Socket> {
    let mut sockets: Vec<Socket> = Vec::new();
    for config in group.processes.iter().filter_map(|p| group.socket_of(p)) {
        if !sockets.iter().any(|socket| socket.config == *config) {
            sockets.push(Socket {
                config: config.clone(),
                descriptor: None,
            });
        }
    }
    sockets
}

impl Socket {
    /// What it was made from.
    pub fn config(&self) -> &FastCgiSocket {
        &self.config
    }

    /// Whether it listens.
    pub fn is_open(&self) -> bool {
        self.descriptor.is_some()
    }

    /// Makes it, if it does not listen already where clients look for it.
    pub fn open(&mut self, log: &mut Logger, hosts: &Hosts) -> Result<BorrowedFd<'_>, SocketError> {
        let kept = match self.descriptor.take() {
            // One without a name is better than none.
            Some(descriptor) if self.has_vanished() => {
                self.create(log, hosts).unwrap_or(descriptor)
            }
            Some(descriptor) => descriptor,
            None => self.create(log, hosts)?,
        };
        let kept: &OwnedFd = self.descriptor.insert(kept);
        Ok(kept.as_fd())
    }

    fn create(&self, log: &mut Logger, hosts: &Hosts) -> Result<OwnedFd, SocketError> {
        let url = self.config.address.url();
        log.info(format_args!("Creating socket {url}"));
        make(&self.config, hosts).map_err(|reason| SocketError { url, reason })
    }

    fn has_vanished(&self) -> bool {
        match &self.config.address {
            Address::Unix { path, .. } => socket_file::occupant(path) == Occupant::Nobody,
            Address::Inet { .. } => false,
        }
    }

    /// Closes it, if it listens.
    pub fn close(&mut self, log: &mut Logger) {
        if self.descriptor.take().is_some() {
            let url = self.config.address.url();
            log.info(format_args!("Closing socket {url}"));
        }
    }

    /// Makes it and closes it again, to see early what is wrong.
    pub fn test(&mut self, log: &mut Logger, hosts: &Hosts) -> Result<(), SocketError> {
        self.open(log, hosts)?;
        self.close(log);
        Ok(())
    }
}

fn make(config: &FastCgiSocket, hosts: &Hosts) -> Result<OwnedFd, Reason> {
    let backlog = config
        .backlog
        .and_then(|backlog| i32::try_from(backlog).ok())
        .unwrap_or(DEFAULT_BACKLOG);
    match &config.address {
        Address::Inet { host, port } => {
            let address = address_of(host, hosts)?;
            socket::listen_tcp((address, *port).into(), backlog).map_err(Reason::System)
        }
        Address::Unix { path, mode, owner } => {
            let access = Access {
                mode: *mode,
                owner: *owner,
                backlog,
            };
            make_unix(path, &access)
        }
    }
}

fn address_of(host: &str, hosts: &Hosts) -> Result<IpAddr, Reason> {
    match hosts.get(host) {
        Some(known) => known.ok_or(Reason::UnknownHost),
        None => host::resolve_at_once(host).ok_or_else(|| Reason::NotLookedUp(host.to_owned())),
    }
}

/// It is bound under its own name, since that is what its programs see. A socket
/// of that name is removed first, be there somebody who listens or not, as in
/// 4.3.0: children of a supervisord that was killed may hold it.
fn make_unix(path: &str, access: &Access) -> Result<OwnedFd, Reason> {
    match socket_file::occupant(path) {
        Occupant::Nobody => {}
        Occupant::Socket => safe_path::remove(Path::new(path)).map_err(Reason::System)?,
        Occupant::Other => return Err(Reason::NotASocket(path.to_owned())),
    }
    match socket_file::listen_at(path, access) {
        Ok(made) => Ok(made.descriptor),
        Err(refusal) => Err(refused(path, refusal)),
    }
}

fn refused(path: &str, refusal: Refusal) -> Reason {
    let reason = refusal.reason;
    let path = path.to_owned();
    match refusal.stage {
        Stage::Bind if errno::of(&reason) == Some(libc::ENAMETOOLONG) => Reason::PathTooLong,
        Stage::Mode => Reason::Mode { path, reason },
        Stage::Owner => Reason::Owner { path, reason },
        Stage::Bind | Stage::Listen => Reason::System(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Group, GroupKind, testing};
    use std::fs;
    use std::rc::Rc;

    fn unix(path: &str) -> FastCgiSocket {
        FastCgiSocket {
            address: Address::Unix {
                path: path.to_owned(),
                mode: 0o700,
                owner: None,
            },
            backlog: None,
        }
    }

    fn inet(host: &str) -> FastCgiSocket {
        FastCgiSocket {
            address: Address::Inet {
                host: host.to_owned(),
                port: 80,
            },
            backlog: None,
        }
    }

    fn group(kind: GroupKind, sockets: &[Option<FastCgiSocket>]) -> Group {
        let processes = sockets.iter().map(|socket| {
            Rc::new(config::Process {
                socket: socket.clone(),
                ..testing::process("p")
            })
        });
        Group {
            name: "g".to_owned(),
            priority: 999,
            kind,
            processes: processes.collect(),
        }
    }

    #[test]
    fn each_socket_of_a_group_is_there_once() {
        let none = [None, None];
        let found = |group: &Group| {
            let sockets = sockets_of(group).into_iter();
            sockets.map(|s| s.config.address.url()).collect::<Vec<_>>()
        };
        let own = group(GroupKind::FastCgi(unix("/s")), &none);
        assert_eq!(found(&own), ["unix:///s"]);
        assert!(found(&group(GroupKind::Programs, &none)).is_empty());
        let (a, b) = (Some(unix("/a")), Some(inet("h")));
        let members = group(GroupKind::Programs, &[a.clone(), None, b, a]);
        assert_eq!(found(&members), ["unix:///a", "tcp://h:80"]);
    }

    #[test]
    fn hosts_are_looked_up_once_and_the_unknown_remembered() {
        let sockets = [Some(inet("127.0.0.1")), Some(inet("*")), Some(unix("/s"))];
        let hosts = look_up_hosts(&[Rc::new(group(GroupKind::Programs, &sockets))]);
        assert_eq!(hosts.len(), 2);
        assert_eq!(
            address_of("127.0.0.1", &hosts).unwrap().to_string(),
            "127.0.0.1"
        );
        assert!(matches!(address_of("*", &hosts), Err(Reason::UnknownHost)));
        assert!(address_of("localhost", &hosts).is_ok());
        let later = address_of("no-such-host.invalid", &hosts);
        assert!(matches!(later, Err(Reason::NotLookedUp(_))));
    }

    #[test]
    fn what_is_no_socket_stays_where_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        fs::write(&path, "precious").unwrap();
        let failed = make(&unix(path.to_str().unwrap()), &Hosts::new());
        assert!(matches!(failed, Err(Reason::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
        // A socket makes room, be there somebody who listens.
        let first = make(&unix(path.to_str().unwrap()), &Hosts::new()).unwrap();
        let second = make(&unix(path.to_str().unwrap()), &Hosts::new());
        assert!(second.is_ok());
        drop(first);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn errors_are_told_in_the_words_of_python() {
        let error = |reason| {
            let url = "tcp://h:80".to_owned();
            SocketError { url, reason }.to_string()
        };
        let os = || io::Error::from_raw_os_error(libc::EPERM);
        let path = || "/s".to_owned();
        for (reason, text) in [
            (Reason::System(os()), "[Errno 1] Operation not permitted"),
            (
                Reason::Mode {
                    path: path(),
                    reason: os(),
                },
                "Could not change permissions of socket file: [Errno 1] Operation not permitted: '/s'",
            ),
            (
                Reason::Owner {
                    path: path(),
                    reason: os(),
                },
                "Could not change ownership of socket file: [Errno 1] Operation not permitted: '/s'",
            ),
            (
                Reason::PathTooLong,
                "AF_UNIX path too long: it can have 107 bytes",
            ),
            (Reason::NotASocket(path()), "/s exists and is not a socket"),
            (Reason::UnknownHost, "[Errno -2] Name or service not known"),
        ] {
            let expected = format!("Could not create FastCGI socket tcp://h:80: {text}");
            assert_eq!(error(reason), expected);
        }
    }

    #[test]
    fn a_path_that_is_too_long_is_told_so() {
        let path = format!("/tmp/{}", "x".repeat(200));
        let failed = make(&unix(&path), &Hosts::new());
        assert!(matches!(failed, Err(Reason::PathTooLong)));
    }
}
