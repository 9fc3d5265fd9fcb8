//! The configuration as values: what supervisord is told, after reading,
//! merging, expanding and converting. Reading files is `load`'s work; all the
//! rest here is pure.
//!
//! Two equal [`Group`]s need no restart: that comparison is `reread`.

pub mod access;
pub mod accounts;
pub mod addresses;
pub mod amounts;
pub mod check;
pub mod check_target;
pub mod checks;
pub mod command;
pub mod commands;
pub mod conversion;
pub mod datatypes;
pub mod delivery;
pub mod dependencies;
pub mod diff;
pub mod document;
pub mod dump;
pub mod error;
pub mod expand;
pub mod expanded;
pub mod exposed;
pub mod fcgi;
pub mod foreign;
pub mod go;
pub mod group;
pub mod hooks;
pub mod include;
pub mod ini;
pub mod job;
pub mod keeping;
pub mod key;
pub mod keys;
pub mod kill_mode;
pub mod limits;
pub mod line_format;
pub mod listener;
pub mod load;
pub mod monitoring;
pub mod names;
pub mod nearest;
pub mod needed;
pub mod output;
pub mod pairs;
pub mod paths;
pub mod place;
pub mod policy;
pub mod program;
pub mod redact;
pub mod repair;
pub mod resources;
pub mod rights;
pub mod rpcinterface;
pub mod scale;
pub mod section;
pub mod server;
pub mod settings;
pub mod size;
pub mod sockets;
pub mod stop_signals;
pub mod supervisorctl;
pub mod supervisord;
pub mod syslog;
pub mod system;
pub mod targets;
pub mod variables;
pub mod wanted;
pub mod written;

use std::rc::Rc;

use crate::snapshot::saved;
use crate::sys::user::Owner;

use check_target::authority;
use foreign::ForeignDirectory;
use limits::Limits;
use monitoring::Monitoring;

pub use check_target::CheckTarget;
pub use checks::{Check, Checks, FailureAction, Purpose, Readiness};
pub use group::Origin;
pub use listener::{IsLimited, Pool, ResultHandler};
pub use output::Output;
pub use program::{AutoRestart, Numbering, Process};
pub use sockets::{NamedSocket, Sockets};
pub use supervisord::{ExitOn, Leftovers, MainLog, SecondSignal, Supervisord};
pub use targets::LogFile;

/// Everything that one reading of the configuration file says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file's name as given to `-c` or as found by the search.
    pub path: String,
    /// `[supervisord]`, under the command line.
    pub supervisord: Supervisord,
    /// The user to become, looked up, with the group that `user` names or else
    /// the user's primary one; never set by a `reread`.
    pub user: Option<Owner>,
    /// All inet servers in file order, then all unix servers in file order:
    /// the order in which they are opened.
    pub servers: Vec<Server>,
    /// The `x` of each `[rpcinterface:x]` with the standard factory.
    pub rpcinterfaces: Vec<String>,
    /// Whether there is such a section, if only one that is left out.
    pub has_rpcinterface: bool,
    /// The results of `system.multicall` are wrapped, each in an array of one.
    pub wrap_multicall: bool,
    /// Sorted by (priority, name): the order in which they are started.
    pub groups: Vec<Rc<Group>>,
    /// The sections that made each of `groups`, in the same order. Only what shows or checks a
    /// configuration asks for them: a daemon has none ([`load::load`]).
    pub origins: Vec<Origin>,
    /// What names of programs stand for that others depend on and that are in a `[group:x]`.
    pub aliases: Vec<needed::Alias>,
    /// Lines for the log that opens later, such as include patterns without a match.
    pub warnings: Vec<String>,
    /// The same at level info, such as included files.
    pub infos: Vec<String>,
    /// Environment files with secrets that everybody may read.
    pub exposed_files: Vec<exposed::ExposedFile>,
    /// Where others may replace what is opened as root.
    pub foreign_directories: Vec<ForeignDirectory>,
}

saved! {
    struct Config {
        path, supervisord, user, servers, rpcinterfaces, has_rpcinterface,
        wrap_multicall, groups, origins, aliases, warnings, infos, exposed_files,
        foreign_directories,
    }
}

impl Config {
    /// The namespaces that are served: the usual one where the file has no section for any.
    pub fn namespaces(&self) -> Vec<String> {
        match self.has_rpcinterface {
            true => self.rpcinterfaces.clone(),
            false => vec![rpcinterface::USUAL.to_owned()],
        }
    }
}

/// `[unix_http_server]` or `[inet_http_server]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub section: String,
    pub address: Address,
    /// Credentials, unless it is open to everybody.
    pub credentials: Option<Credentials>,
    /// Those of clients that may look and change nothing.
    pub readonly_credentials: Option<Credentials>,
    /// Whether no client may change anything.
    pub readonly: bool,
    /// Whether it is an error that there are none.
    pub require_authentication: bool,
    /// The names by which browsers may know it, lower case, beside those that
    /// are known anyway; none for a unix socket.
    pub allowed_hosts: Vec<String>,
    /// What one client may ask of it.
    pub limits: Limits,
    /// Whether the web interface acts on a GET, as that of 4.3.0 does.
    pub web_get_actions: bool,
    pub monitoring: Monitoring,
}

saved! {
    struct Server {
        section, address, credentials, readonly_credentials, readonly,
        require_authentication, allowed_hosts, limits, web_get_actions, monitoring,
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP port on an interface; an empty host is all of them.
    Inet {
        /// Host name or address, lower case; empty for all interfaces.
        host: String,
        /// 1 to 65535.
        port: u16,
    },
    Unix {
        /// Absolute path.
        path: String,
        /// Permissions of the socket file.
        mode: u32,
        /// Owner to give it to; `None` leaves it.
        owner: Option<Owner>,
    },
}

saved! { enum Address { Inet { host, port }, Unix { path, mode, owner } } }

impl Server {
    /// Whether everybody who reaches it is let in.
    pub fn is_open(&self) -> bool {
        self.credentials.is_none() && self.readonly_credentials.is_none()
    }
}

impl Address {
    /// As a URL: `tcp://host:port` or `unix:///path`.
    pub fn url(&self) -> String {
        match self {
            Address::Inet { host, port } => format!("tcp://{}", authority(host, *port)),
            Address::Unix { path, .. } => format!("unix://{path}"),
        }
    }
}

/// A user name and a password as configured (perhaps `{SHA}` or
/// `{SHA256}` and hex digits).
#[derive(Clone, PartialEq)]
pub struct Credentials {
    /// Never empty.
    pub username: String,
    /// As in the file.
    pub password: String,
}

saved! { struct Credentials { username, password } }

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// A process group as configured. Equality is what `reread` goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub name: String,
    /// Groups start in ascending order of it.
    pub priority: i64,
    /// What kind of section made it.
    pub kind: GroupKind,
    pub processes: Vec<Rc<Process>>,
}

saved! { struct Group { name, priority, kind, processes } }

impl Group {
    /// The socket that one of its processes has as its descriptor 0, if any.
    pub fn socket_of<'a>(&'a self, process: &'a Process) -> Option<&'a FastCgiSocket> {
        match &self.kind {
            GroupKind::FastCgi(socket) => Some(socket),
            GroupKind::Programs => process.socket.as_ref(),
            GroupKind::Listeners(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum GroupKind {
    /// From `[program:x]` or `[group:x]`; these are one kind to `reread`.
    Programs,
    /// From `[eventlistener:x]`.
    Listeners(Pool),
    /// From `[fcgi-program:x]`.
    FastCgi(FastCgiSocket),
}

saved! { enum GroupKind { Programs, Listeners(a), FastCgi(a) } }

/// The socket of an `[fcgi-program:x]`, or one of a program's `sockets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastCgiSocket {
    pub address: Address,
    /// The length of the queue of connections, 1 to 65535; `None` for the system's maximum.
    pub backlog: Option<i64>,
}

saved! { struct FastCgiSocket { address, backlog } }

/// Values for the tests of this module's parts.
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A process with all defaults.
    pub fn process(name: &str) -> Process {
        Process {
            name: name.to_owned(),
            command: "/bin/cat".into(),
            ..Process::default()
        }
    }
}
