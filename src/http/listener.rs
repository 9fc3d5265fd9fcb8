//! Opening the servers' sockets, and what goes wrong with that, in the words
//! of 4.3.0.
//!
//! A unix socket is made under a temporary name, gets its mode and owner, and
//! only then listens and takes its real name: nobody connects before the
//! permissions stand. What is found at the real name is removed only if it is
//! a socket behind which nobody listens (4.3.0 removes plain files as well).

mod file;

use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::unistd::{Uid, User};

use crate::config::{Address, Server};
use crate::http::policy::AccessPolicy;
use crate::sys::listeners::{self, Listener as Listening};
use crate::sys::safe_path::{self, FileAt};
use crate::sys::socket::LONGEST_SOCKET_PATH;
use crate::sys::socket::{self, Probe};
use crate::sys::socket_file::{self, Access, Occupant, Refusal, Stage};
use crate::sys::user::Owner;
use crate::sys::{errno, fd, host};
use crate::text::plain;

pub use file::{NameState, SocketFile};

/// How many connections may wait to be accepted, as in 4.3.0.
const BACKLOG: i32 = 1024;

/// How often a stale socket is removed before somebody must be making new ones.
const ATTEMPTS: u32 = 3;

/// An open listening socket.
#[derive(Debug)]
pub struct Listener {
    pub descriptor: OwnedFd,
    /// What is asked of its clients.
    pub policy: AccessPolicy,
    /// The file of a unix socket.
    pub file: Option<SocketFile>,
}

/// Why a server could not be opened. Its text is that of 4.3.0, without `Error: `.
#[derive(Debug)]
pub enum OpenError {
    /// Somebody listens there.
    InUse,
    /// The system refused `operation` on `object`.
    System {
        /// What was tried.
        operation: &'static str,
        /// The path or address.
        object: String,
        /// The system's reason.
        reason: io::Error,
    },
    /// The host name means nothing.
    UnknownHost {
        /// As configured.
        host: String,
        /// The resolver's reason.
        reason: io::Error,
    },
    /// The socket's path does not fit the system's address structure.
    PathTooLong {
        /// The configured path.
        path: String,
    },
    /// Something else than a socket has the socket's name.
    NotASocket {
        /// The configured path.
        path: String,
    },
    /// The socket may not be given to its configured owner.
    Chown {
        /// The configured path.
        path: String,
        /// The configured owner.
        owner: Owner,
        /// The system's reason.
        reason: io::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PREFIX: &str = "Cannot open an HTTP server: ";
        match self {
            OpenError::InUse => f.write_str(
                "Another program is already listening on a port that one of our HTTP servers is \
                 configured to use.  Shut this program down first before starting supervisord.",
            ),
            OpenError::System { reason, .. } => match reason.raw_os_error() {
                Some(number) => write!(
                    f,
                    "{PREFIX}socket.error reported errno.{} ({number})",
                    errno::name(number)
                ),
                None => write!(f, "{PREFIX}socket.error reported {}", errno::reason(reason)),
            },
            // EAI_NONAME, as getaddrinfo says it.
            OpenError::UnknownHost { .. } => write!(f, "{PREFIX}socket.error reported -2"),
            OpenError::PathTooLong { path } => write!(
                f,
                "{PREFIX}socket.error reported AF_UNIX path too long: {path} with .{} after it has \
                 more than {} bytes",
                std::process::id(),
                LONGEST_SOCKET_PATH
            ),
            OpenError::NotASocket { path } => {
                write!(f, "{PREFIX}{path} exists and is not a socket")
            }
            OpenError::Chown { path, owner, .. } => write!(
                f,
                "Not permitted to chown {path} to uid/gid ({}, {}); adjust \"chown\" value in \
                 config file or on command line to values that the current user ({}) can \
                 successfully chown",
                identifier(owner.uid),
                identifier(owner.gid),
                current_user()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// Why a socket is not made again.
#[derive(Debug)]
pub enum NotMade {
    /// Something has its name.
    Occupied,
    /// The reason.
    Refused(String),
}

impl From<io::Error> for NotMade {
    fn from(error: io::Error) -> NotMade {
        NotMade::Refused(errno::reason(&error))
    }
}

/// A server that could not be opened. Its text is that of 4.3.0, which names no server.
#[derive(Debug)]
pub struct ServerError {
    pub section: String,
    pub address: Address,
    pub error: OpenError,
}

impl ServerError {
    pub fn of(server: &Server, error: OpenError) -> ServerError {
        ServerError {
            section: server.section.clone(),
            address: server.address.clone(),
            error,
        }
    }

    /// What the text leaves out: the address, the section, the reason, and who listens there.
    pub fn details(&self) -> Option<String> {
        let section = &self.section;
        let (address, key) = match &self.address {
            Address::Inet { host, port } if host.is_empty() => (format!("*:{port}"), "port"),
            Address::Inet { host, port } => (format!("{host}:{port}"), "port"),
            Address::Unix { path, .. } => (path.clone(), "file"),
        };
        let reason = match &self.error {
            OpenError::InUse => return Some(in_use_by(&address, section, &self.address, key)),
            OpenError::System { reason, .. } | OpenError::UnknownHost { reason, .. } => reason,
            // These name the file, and what is wrong with it.
            OpenError::PathTooLong { .. }
            | OpenError::NotASocket { .. }
            | OpenError::Chown { .. } => return None,
        };
        let reason = errno::reason(reason);
        Some(format!(
            "cannot listen on {address} of [{section}]: {reason}"
        ))
    }
}

/// That an address is in use, by whom if that is known, and what to do: another value of `key`.
pub fn in_use_by(shown: &str, section: &str, address: &Address, key: &str) -> String {
    let who = who_listens(address);
    format!("{shown} of [{section}] is in use: {who} listens there; shut it down, or change {key}")
}

/// Who listens on an address, as far as that is known.
pub fn who_listens(address: &Address) -> String {
    let found = match address {
        Address::Inet { host, port } => {
            let address = resolve(host, *port).ok();
            address.and_then(listeners::of_tcp)
        }
        Address::Unix { path, .. } => listeners::of_unix(path),
    };
    match found {
        Some(Listening { pid, program }) => format!("{} (pid {pid})", plain::shown(&program)),
        None => "another program".to_owned(),
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for ServerError {}

/// The first of the servers where somebody listens. Nothing is made or removed.
pub fn in_use(servers: &[Server]) -> Option<ServerError> {
    let is_in_use = |server: &Server| match &server.address {
        Address::Inet { host, port } => matches!(open_inet(host, *port), Err(OpenError::InUse)),
        Address::Unix { path, .. } => matches!(socket::probe_unix(path), Ok(Probe::Alive)),
    };
    let server = servers.iter().find(|server| is_in_use(server))?;
    Some(ServerError::of(server, OpenError::InUse))
}

/// Opens one server; the names are those of this machine.
pub fn open(server: &Server, names: &[String]) -> Result<Listener, OpenError> {
    let (descriptor, file) = match &server.address {
        Address::Inet { host, port } => (open_inet(host, *port)?, None),
        Address::Unix { path, mode, owner } => {
            let (descriptor, file) = open_unix(path, *mode, *owner)?;
            (descriptor, Some(file))
        }
    };
    fd::set_nonblocking(descriptor.as_fd())
        .map_err(|reason| system("set non-blocking", server.section.clone(), reason))?;
    Ok(Listener {
        descriptor,
        policy: AccessPolicy::of(server, names),
        file,
    })
}

fn open_inet(host: &str, port: u16) -> Result<OwnedFd, OpenError> {
    let address = resolve(host, port)?;
    socket::listen_tcp(address, BACKLOG)
        .map_err(|reason| system("listen", address.to_string(), reason))
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, OpenError> {
    if host.is_empty() || host == "*" {
        return Ok((Ipv4Addr::UNSPECIFIED, port).into());
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match host::resolve(bare) {
        Ok(address) => Ok((address, port).into()),
        Err(reason) => Err(OpenError::UnknownHost {
            host: host.to_owned(),
            reason,
        }),
    }
}

fn open_unix(
    path: &str,
    mode: u32,
    owner: Option<Owner>,
) -> Result<(OwnedFd, SocketFile), OpenError> {
    let access = Access {
        mode,
        owner,
        backlog: BACKLOG,
    };
    let made = make(path, access, |temporary| publish(temporary, path));
    made.map_err(|error| match error {
        MakeError::Step(refusal) => refused(refusal, path, owner),
        MakeError::Name(error) => error,
    })
}

/// Makes the socket of a file that has vanished once more, where nothing has its name.
pub fn open_again(file: &SocketFile) -> Result<(OwnedFd, SocketFile), NotMade> {
    let path = file.path.as_str();
    let made = make(path, file.access, |temporary| {
        give_name(temporary, path).map_err(|reason| match reason.kind() {
            ErrorKind::AlreadyExists => NotMade::Occupied,
            _ => reason.into(),
        })
    });
    let (descriptor, file) = made.map_err(|error| match error {
        MakeError::Step(refusal) => refusal.reason.into(),
        MakeError::Name(error) => error,
    })?;
    fd::set_nonblocking(descriptor.as_fd())?;
    Ok((descriptor, file))
}

/// Why a socket file is not made: a step was refused, or its name.
enum MakeError<E> {
    Step(Refusal),
    Name(E),
}

/// Makes a socket with its file under a temporary name, which `publish` gives its real one.
fn make<E>(
    path: &str,
    access: Access,
    publish: impl FnOnce(&str) -> Result<(), E>,
) -> Result<(OwnedFd, SocketFile), MakeError<E>> {
    let temporary = socket_file::temporary_name(path);
    let made = socket_file::listen_at(&temporary, &access).map_err(MakeError::Step)?;
    let published = publish(&temporary).map_err(MakeError::Name);
    let _ = safe_path::remove(Path::new(&temporary));
    published?;
    let file = SocketFile {
        path: path.to_owned(),
        access,
        inode: made.inode,
        owner: std::process::id(),
    };
    Ok((made.descriptor, file))
}

/// Gives a socket its real name too, which is in the same directory.
fn give_name(temporary: &str, path: &str) -> io::Result<()> {
    let name = temporary.rsplit('/').next().unwrap_or(temporary);
    FileAt::of(Path::new(path))?.link(name.as_ref())
}

fn refused(refusal: Refusal, path: &str, owner: Option<Owner>) -> OpenError {
    let reason = refusal.reason;
    match (refusal.stage, owner) {
        (Stage::Bind, _) if reason.raw_os_error() == Some(libc::ENAMETOOLONG) => {
            OpenError::PathTooLong {
                path: path.to_owned(),
            }
        }
        (Stage::Owner, Some(owner)) => OpenError::Chown {
            path: path.to_owned(),
            owner,
            reason,
        },
        (Stage::Bind, _) => system("bind", path.to_owned(), reason),
        (Stage::Mode | Stage::Owner, _) => system("chmod", path.to_owned(), reason),
        (Stage::Listen, _) => system("listen", path.to_owned(), reason),
    }
}

/// Gives the socket its real name, for which a stale socket makes room.
fn publish(temporary: &str, path: &str) -> Result<(), OpenError> {
    for _ in 0..ATTEMPTS {
        match give_name(temporary, path) {
            Ok(()) => return Ok(()),
            Err(reason) if reason.kind() == ErrorKind::AlreadyExists => make_room(path)?,
            Err(reason) => return Err(system("link", path.to_owned(), reason)),
        }
    }
    Err(OpenError::InUse)
}

fn make_room(path: &str) -> Result<(), OpenError> {
    match socket_file::occupant(path) {
        Occupant::Socket => {}
        // Gone in the meantime.
        Occupant::Nobody => return Ok(()),
        Occupant::Other => {
            return Err(OpenError::NotASocket {
                path: path.to_owned(),
            });
        }
    }
    match socket::probe_unix(path) {
        Ok(Probe::Alive) => Err(OpenError::InUse),
        Ok(Probe::Stale) => {
            // Before the log is open, and scripts look for it here.
            let _ = writeln!(io::stderr(), "Unlinking stale socket {path}");
            match safe_path::remove(Path::new(path)) {
                Err(reason) if reason.kind() != ErrorKind::NotFound => {
                    Err(system("unlink", path.to_owned(), reason))
                }
                _ => Ok(()),
            }
        }
        Err(reason) if reason.kind() == ErrorKind::NotFound => Ok(()),
        Err(reason) => Err(system("connect", path.to_owned(), reason)),
    }
}

fn system(operation: &'static str, object: String, reason: io::Error) -> OpenError {
    if reason.raw_os_error() == Some(libc::EADDRINUSE) {
        return OpenError::InUse;
    }
    OpenError::System {
        operation,
        object,
        reason,
    }
}

/// As Python prints a number that may be missing.
fn identifier(number: Option<u32>) -> String {
    number.map_or_else(|| "-1".to_owned(), |number| number.to_string())
}

fn current_user() -> String {
    let uid = Uid::effective();
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}
