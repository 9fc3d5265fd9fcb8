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
use crate::snapshot::saved;
use crate::sys::socket::{LONGEST_SOCKET_PATH, Probe};
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
        let others = config::sockets::of_group(group).into_iter();
        let others = others.flat_map(|(_, all)| all.0.iter().map(|named| &named.socket));
        sockets.chain(others).collect::<Vec<_>>()
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

#[derive(Debug)]
pub struct Socket {
    config: FastCgiSocket,
    /// While it listens.
    descriptor: Option<OwnedFd>,
}

saved! { struct Socket { config, descriptor } }

/// Why a socket cannot be made. Its text is that of 4.3.0.
#[derive(Debug)]
pub struct SocketError {
    kind: &'static str,
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
        write!(f, "Could not create {} {}: ", self.kind, self.url)?;
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

impl SocketError {
    /// Whether somebody else listens there.
    pub fn is_in_use(&self) -> bool {
        let in_use = Some(libc::EADDRINUSE);
        matches!(&self.reason, Reason::System(reason) if reason.raw_os_error() == in_use)
    }
}

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
    pub fn config(&self) -> &FastCgiSocket {
        &self.config
    }

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
        create(&self.config, "FastCGI socket", true, log, hosts)
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

/// Makes a socket of that kind, which listens. On a unix socket somebody else may listen
/// already: whether that one `may_go` is the caller's business.
pub fn create(
    config: &FastCgiSocket,
    kind: &'static str,
    may_go: bool,
    log: &mut Logger,
    hosts: &Hosts,
) -> Result<OwnedFd, SocketError> {
    let url = config.address.url();
    log.info(format_args!("Creating socket {url}"));
    make(config, may_go, hosts).map_err(|reason| SocketError { kind, url, reason })
}

/// How many connections may wait.
pub fn backlog(config: &FastCgiSocket) -> i32 {
    let backlog = config
        .backlog
        .and_then(|backlog| i32::try_from(backlog).ok());
    backlog.unwrap_or(DEFAULT_BACKLOG)
}

fn make(config: &FastCgiSocket, may_go: bool, hosts: &Hosts) -> Result<OwnedFd, Reason> {
    let backlog = backlog(config);
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
            make_unix(path, may_go, &access)
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
/// of that name is removed first. For FastCGI it is so whether somebody listens or not, as in
/// 4.3.0: children of a supervisord that was killed may hold it.
fn make_unix(path: &str, may_go: bool, access: &Access) -> Result<OwnedFd, Reason> {
    let is_stale = || matches!(socket::probe_unix(path), Ok(Probe::Stale));
    match socket_file::occupant(path) {
        Occupant::Nobody => {}
        Occupant::Socket if !may_go && !is_stale() => {
            return Err(Reason::System(io::Error::from_raw_os_error(
                libc::EADDRINUSE,
            )));
        }
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
mod tests;
