//! The configuration as values: what supervisord is told, after reading,
//! merging, expanding and converting. Reading files is `load`'s work; all the
//! rest here is pure.
//!
//! Two equal [`Group`]s need no restart: that comparison is `reread`.

pub mod accounts;
pub mod check;
pub mod command;
pub mod datatypes;
pub mod diff;
pub mod document;
pub mod dump;
pub mod error;
pub mod expand;
pub mod expanded;
pub mod fcgi;
pub mod foreign;
pub mod group;
pub mod include;
pub mod ini;
pub mod keys;
pub mod limits;
pub mod listener;
pub mod load;
pub mod nearest;
pub mod pairs;
pub mod paths;
pub mod places;
pub mod program;
pub mod redact;
pub mod rpcinterface;
pub mod section;
pub mod server;
pub mod supervisorctl;
pub mod supervisord;
pub mod system;

use std::rc::Rc;
use std::time::Duration;

use crate::events::message::PayloadLength;
use crate::log_level::Level;
use crate::signal::Signal;
use crate::sys::user::Owner;

use command::Command;
use foreign::ForeignDirectory;
use limits::Limits;

/// Everything that one reading of the configuration file says.
#[derive(Clone, Debug)]
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
    /// The results of `system.multicall` are wrapped, each in an array of one.
    pub wrap_multicall: bool,
    /// Sorted by (priority, name): the order in which they are started.
    pub groups: Vec<Rc<Group>>,
    /// The section that made each of `groups`, such as `program:x`, in the same order. Only what
    /// shows or checks a configuration asks for them: a daemon has none ([`load::load`]).
    pub sections: Vec<String>,
    /// Lines for the log that opens later, such as include patterns without a match.
    pub warnings: Vec<String>,
    /// The same at level info, such as included files.
    pub infos: Vec<String>,
    /// Where others may replace what is opened as root.
    pub foreign_directories: Vec<ForeignDirectory>,
}

/// `[supervisord]`. Paths are as the daemon uses them: `logfile` and `pidfile` absolute;
/// no `pidfile` where the configuration says `none`.
#[derive(Clone, Debug, PartialEq)]
pub struct Supervisord {
    pub minfds: i64,
    pub minprocs: i64,
    pub directory: Option<String>,
    pub user: Option<String>,
    pub umask: u32,
    pub logfile: MainLog,
    pub logfile_maxbytes: i64,
    pub logfile_backups: i64,
    pub loglevel: Level,
    pub pidfile: Option<String>,
    /// Nobody has set `pidfile`: it is the one in the directory that supervisord is started in.
    pub has_default_pidfile: bool,
    pub identifier: String,
    pub nodaemon: bool,
    pub silent: bool,
    pub childlogdir: String,
    pub nocleanup: bool,
    pub strip_ansi: bool,
    /// How many seconds event listeners have at the end to take what waits; 0 or more.
    pub event_drain_timeout: i64,
    pub second_signal: SecondSignal,
    pub leftovers: Leftovers,
    /// Already merged under each process's own; kept for `--dump-config`.
    pub environment: Vec<(String, String)>,
}

/// What another signal that asks for an exit does while a shutdown is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondSignal {
    /// Nothing, but for a second SIGINT.
    Ignore,
    /// Everything that still runs is killed.
    Kill,
}

impl SecondSignal {
    /// All of them.
    pub const ALL: [SecondSignal; 2] = [SecondSignal::Ignore, SecondSignal::Kill];

    /// As written in the file.
    pub fn name(self) -> &'static str {
        match self {
            SecondSignal::Ignore => "ignore",
            SecondSignal::Kill => "kill",
        }
    }
}

/// What becomes of programs that a supervisord before this one has left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// The log tells of them.
    Warn,
    /// They are stopped before anything starts.
    Kill,
    /// Nobody looks for them.
    Ignore,
}

impl Leftovers {
    /// All of them.
    pub const ALL: [Leftovers; 3] = [Leftovers::Warn, Leftovers::Kill, Leftovers::Ignore];

    /// As written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Leftovers::Warn => "warn",
            Leftovers::Kill => "kill",
            Leftovers::Ignore => "ignore",
        }
    }
}

/// Where the main log goes.
#[derive(Clone, Debug, PartialEq)]
pub enum MainLog {
    /// A file, by its absolute path.
    File(String),
    /// syslog(3).
    Syslog,
}

/// `[unix_http_server]` or `[inet_http_server]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// The section's name.
    pub section: String,
    /// Where it listens.
    pub address: Address,
    /// Credentials, unless it is open to everybody.
    pub credentials: Option<Credentials>,
    /// Whether it is an error that there are none.
    pub require_authentication: bool,
    /// The names by which browsers may know it, lower case, beside those that
    /// are known anyway; none for a unix socket.
    pub allowed_hosts: Vec<String>,
    /// What one client may ask of it.
    pub limits: Limits,
    /// Whether the web interface acts on a GET, as that of 4.3.0 does.
    pub web_get_actions: bool,
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
    /// A unix socket.
    Unix {
        /// Absolute path.
        path: String,
        /// Permissions of the socket file.
        mode: u32,
        /// Owner to give it to; `None` leaves it.
        owner: Option<Owner>,
    },
}

impl Address {
    /// As a URL: `tcp://host:port` or `unix:///path`.
    pub fn url(&self) -> String {
        match self {
            Address::Inet { host, port } => format!("tcp://{host}:{port}"),
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
    /// The group's name.
    pub name: String,
    /// Groups start in ascending order of it.
    pub priority: i64,
    /// What kind of section made it.
    pub kind: GroupKind,
    /// Its processes in the order of definition.
    pub processes: Vec<Rc<Process>>,
}

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

/// What kind of group it is.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupKind {
    /// From `[program:x]` or `[group:x]`; these are one kind to `reread`.
    Programs,
    /// From `[eventlistener:x]`.
    Listeners(Pool),
    /// From `[fcgi-program:x]`.
    FastCgi(FastCgiSocket),
}

/// The keys of `[eventlistener:x]` that are no program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How many events wait for a listener at most, if that is limited; 1 or more.
    pub buffer_size: i64,
    /// Whether it is.
    pub is_limited: IsLimited,
    /// Names of events, upper case, sorted, each once.
    pub events: Vec<String>,
    /// Who judges the listeners' answers.
    pub result_handler: ResultHandler,
    /// How often a rejected event is tried again; 0 for ever.
    pub event_max_retry: i64,
    /// How many seconds a handler that is a command may take; 1 or more.
    pub handler_timeout: i64,
    /// How many seconds lie between two queries of monitors; 1 or more.
    pub monitor_interval: i64,
    /// What the length of a payload counts.
    pub payload_length: PayloadLength,
    /// How long a listener is BUSY before that is told; zero for never.
    pub busy_warning: Duration,
}

/// Whether `buffer_size` was set. The default is told as 10, as in 4.3.0, and to set
/// it to that is no change to a `reread`: any two of these are equal.
#[derive(Clone, Copy, Debug)]
pub struct IsLimited(pub bool);

impl PartialEq for IsLimited {
    fn eq(&self, _: &IsLimited) -> bool {
        true
    }
}

impl Eq for IsLimited {}

/// Who judges what a listener answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultHandler {
    /// `OK` and `FAIL`.
    Default,
    /// The latest answer is kept.
    Store,
    /// A command is run for each answer; the command.
    Exec(Command),
}

/// The keys of `[fcgi-program:x]` that are no program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastCgiSocket {
    /// Where it listens.
    pub address: Address,
    /// The length of the queue of connections, 1 to 65535; `None` for the system's maximum.
    pub backlog: Option<i64>,
}

/// One process as configured, everything expanded.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    pub name: String,
    pub numbering: Numbering,
    /// `user`, looked up.
    pub uid: Option<u32>,
    /// The group that `user` names, looked up; `None` is the user's primary group.
    pub gid: Option<u32>,
    pub command: Command,
    pub directory: Option<String>,
    pub umask: Option<u32>,
    pub priority: i64,
    pub autostart: bool,
    pub autorestart: AutoRestart,
    pub startsecs: i64,
    pub startretries: i64,
    pub stdout: Output,
    pub stderr: Output,
    pub stopsignal: Signal,
    pub stopwaitsecs: i64,
    pub stopasgroup: bool,
    pub killasgroup: bool,
    /// In file order.
    pub exitcodes: Vec<i32>,
    pub redirect_stderr: bool,
    /// The program's own over `[supervisord]`'s; sorted by name.
    pub environment: Vec<(String, String)>,
    /// `None` for unset and `AUTO`; empty for an empty key.
    pub serverurl: Option<String>,
    /// Of an `[fcgi-program:x]` that a `[group:x]` names; one that is a group
    /// of its own has it there.
    pub socket: Option<FastCgiSocket>,
}

/// How the processes of a section are counted, told by `--dump-config`. To
/// what runs it makes no difference, so any two of them are equal: a `reread`
/// goes by the processes that there are.
#[derive(Clone, Copy, Debug)]
pub struct Numbering {
    /// How many processes the section makes.
    pub numprocs: i64,
    /// The number of the first of them.
    pub numprocs_start: i64,
}

impl PartialEq for Numbering {
    fn eq(&self, _: &Numbering) -> bool {
        true
    }
}

/// The `stdout_` or `stderr_` keys of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub logfile: LogFile,
    pub logfile_maxbytes: i64,
    pub logfile_backups: i64,
    pub capture_maxbytes: i64,
    pub events_enabled: bool,
    pub syslog: bool,
}

/// Where a child's output goes.
#[derive(Clone, Debug, PartialEq)]
pub enum LogFile {
    /// Nowhere.
    None,
    /// A file of its own in `childlogdir`, named when the group is made.
    Auto,
    /// This path, relative ones to the daemon's directory at each spawn.
    Path(String),
}

/// Whether an ended process is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoRestart {
    /// `false`
    Never,
    /// `true`
    Always,
    /// `unexpected`: only if the exit status is not in `exitcodes`.
    Unexpected,
}

/// Values for the tests of this module's parts.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A process with all defaults.
    pub fn process(name: &str) -> Process {
        let output = Output {
            logfile: LogFile::Auto,
            logfile_maxbytes: 50 << 20,
            logfile_backups: 10,
            capture_maxbytes: 0,
            events_enabled: false,
            syslog: false,
        };
        Process {
            name: name.to_owned(),
            numbering: Numbering {
                numprocs: 1,
                numprocs_start: 0,
            },
            uid: None,
            gid: None,
            command: "/bin/cat".into(),
            directory: None,
            umask: None,
            priority: 999,
            autostart: true,
            autorestart: AutoRestart::Unexpected,
            startsecs: 1,
            startretries: 3,
            stdout: output.clone(),
            stderr: output,
            stopsignal: Signal::TERM,
            stopwaitsecs: 10,
            stopasgroup: false,
            killasgroup: false,
            exitcodes: vec![0],
            redirect_stderr: false,
            environment: Vec::new(),
            serverurl: None,
            socket: None,
        }
    }
}
