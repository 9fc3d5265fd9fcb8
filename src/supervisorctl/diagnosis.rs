//! Why no server can be reached, and what to do about that: a paragraph for the
//! standard error, where scripts do not look. [`Facts`] are collected from the
//! system, and what they mean is a matter of words alone.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use super::server_url::{self, ServerAddress};
use crate::config::load;
use crate::config::supervisorctl::{ClientRequest, Surroundings};
use crate::sys::user;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Where the address of the server comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressOrigin {
    /// The option `-s`.
    Option,
    File,
    /// The first server of the file.
    Server,
    /// Nowhere: it is the usual one.
    #[default]
    Usual,
    /// The command `open`.
    Open,
}

/// Where a user name or a password comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CredentialOrigin {
    /// There is none.
    #[default]
    Nowhere,
    /// `-u` or `-p`.
    Option,
    /// `SUPERVISORCTL_PASSWORD`.
    Environment,
    File,
    /// The answer to a question.
    Typed,
}

/// What this run of the program goes by.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub address: AddressOrigin,
    pub username: CredentialOrigin,
    pub password: CredentialOrigin,
    /// The configuration file that was read, and how.
    pub request: Option<ClientRequest>,
}

impl Origin {
    fn file(&self) -> Option<&str> {
        let path = self.request.as_ref()?.path.as_deref()?;
        Some(path).filter(|path| !path.is_empty())
    }

    fn of_address(&self) -> String {
        match (self.address, self.file()) {
            (AddressOrigin::Option, _) => "from the option -s".to_owned(),
            (AddressOrigin::Open, _) => "from the command open".to_owned(),
            (AddressOrigin::File, Some(file)) => format!("serverurl in {file}"),
            (AddressOrigin::Usual, Some(file)) => {
                format!("the usual address: {file} has no serverurl")
            }
            (AddressOrigin::Server, Some(file)) => format!("the first server in {file}"),
            (AddressOrigin::Usual | AddressOrigin::File | AddressOrigin::Server, None) => {
                "the usual address: no configuration file was found".to_owned()
            }
        }
    }
}

/// The paragraph about a server that wants other credentials than those that it got.
pub fn explain_refusal(origin: &Origin, url: &str, username: Option<&str>) -> String {
    use CredentialOrigin as From;
    let user = username.unwrap_or_default();
    let refused = match (origin.username, origin.password) {
        (From::Nowhere, From::Nowhere) => {
            "wants a user name and a password, and has got none".to_owned()
        }
        (From::Nowhere, _) => "wants a user name with the password".to_owned(),
        (_, From::Nowhere) => format!("wants a password for the user {user}"),
        _ => format!("refuses the user {user} with this password"),
    };
    let file = origin.file().unwrap_or("the configuration file");
    let source = |source: CredentialOrigin, what: &str, option: &str, key: &str| match source {
        From::Nowhere => format!("no {what} is set"),
        From::Option => format!("the {what} comes from the option {option}"),
        From::Environment => format!("the {what} comes from SUPERVISORCTL_PASSWORD"),
        From::File => format!("the {what} comes from {key} in {file}"),
        From::Typed => format!("the {what} was typed"),
    };
    let section = section(url);
    format!(
        "supervisorctl: the supervisord at {url} ({}) {refused}\n  \
         Here {} and {}.\n  \
         Type: supervisorctl -u USERNAME -p PASSWORD, with those of [{section}] of supervisord, or \
         set username and password in [supervisorctl] of {file}.\n",
        origin.of_address(),
        source(origin.username, "user name", "-u", "username"),
        source(origin.password, "password", "-p", "password"),
    )
}

fn section(url: &str) -> &'static str {
    match url.starts_with("unix:") {
        true => "unix_http_server",
        false => "inet_http_server",
    }
}

/// The paragraph about a server that shows everything and lets nothing be changed.
pub fn explain_readonly(origin: &Origin, url: &str) -> String {
    format!(
        "supervisorctl: the supervisord at {url} ({}) lets this client look, and change nothing\n  \
         To change something, type: supervisorctl -u USERNAME -p PASSWORD, with username and \
         password of [{}] of supervisord, or -s URL of a server that has no readonly=true.\n",
        origin.of_address(),
        section(url),
    )
}

/// The lines about a URL that is none.
pub fn explain_url(origin: &Origin, url: &str, shown: &str) -> String {
    format!(
        "supervisorctl: {shown} ({}) is no URL of a server\n  {}\n",
        origin.of_address(),
        server_url::advice(url)
    )
}

/// What is known about a server that does not answer.
#[derive(Clone, Debug)]
struct Facts<'a> {
    origin: &'a Origin,
    url: String,
    /// The same as it is shown.
    shown: &'a str,
    endpoint: Endpoint,
    pid_file: PidFile,
    /// Where the configuration file lets its supervisord listen.
    listens_at: Vec<String>,
}

/// What stands at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Endpoint {
    /// No file at all.
    NoSocket(String),
    /// A file that is no socket.
    NotSocket(String),
    /// A socket behind which nobody is.
    DeadSocket(String),
    /// A socket that this user may not use.
    ClosedSocket {
        path: String,
        /// Owner, group and mode; unknown if even the directory is closed.
        owner: Option<String>,
        user: String,
    },
    /// A host that refuses: nobody listens at the port.
    Refused(String),
    /// A host that says nothing, or to which there is no way.
    Unreachable(String),
    /// A host whose name means nothing.
    UnknownHost(String),
}

/// What the pid file says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PidFile {
    /// Which one is not known, or it cannot be read.
    Unknown,
    /// It is not there.
    Missing(String),
    /// A supervisord with this pid.
    Runs(String, i32),
    /// A pid that no supervisord has.
    Stale(String, i32),
}

/// The paragraph about an error of connecting; `None` for any other error.
pub fn explain(origin: &Origin, url: &str, shown: &str, error: &io::Error) -> Option<String> {
    let endpoint = endpoint(&server_url::parse(url).ok()?, error)?;
    let surroundings = origin.request.as_ref().map(load::surroundings);
    let mut surroundings = surroundings.unwrap_or_default();
    // A server that was named by hand need not be that of the file.
    let is_by_hand = matches!(origin.address, AddressOrigin::Option | AddressOrigin::Open);
    if is_by_hand && !surroundings.urls.iter().any(|known| known == url) {
        surroundings = Surroundings::default();
    }
    let Surroundings { pidfile, urls } = surroundings;
    let facts = Facts {
        origin,
        url: url.to_owned(),
        shown,
        endpoint,
        pid_file: pidfile.map_or(PidFile::Unknown, pid_file),
        listens_at: urls,
    };
    Some(facts.text())
}

fn endpoint(address: &ServerAddress, error: &io::Error) -> Option<Endpoint> {
    let code = error.raw_os_error();
    Some(match address {
        ServerAddress::Unix(path) => {
            let path = path.clone();
            match code? {
                libc::ENOENT | libc::ENOTDIR => Endpoint::NoSocket(path),
                libc::EACCES | libc::EPERM => closed(path),
                libc::ECONNREFUSED => match fs::metadata(&path) {
                    Ok(metadata) if !metadata.file_type().is_socket() => Endpoint::NotSocket(path),
                    _ => Endpoint::DeadSocket(path),
                },
                _ => return None,
            }
        }
        ServerAddress::Inet { host, port } => match code {
            Some(libc::ECONNREFUSED) => Endpoint::Refused(format!("{host}:{port}")),
            Some(libc::ETIMEDOUT | libc::EHOSTUNREACH | libc::ENETUNREACH) => {
                Endpoint::Unreachable(format!("{host}:{port}"))
            }
            None if error.to_string().starts_with("failed to lookup address") => {
                Endpoint::UnknownHost(host.clone())
            }
            _ => return None,
        },
    })
}

fn closed(path: String) -> Endpoint {
    let owner = fs::metadata(&path).ok().map(|metadata| {
        format!(
            "{}, group {}, mode {:04o}",
            user_name(metadata.uid()),
            user::group_name_of(metadata.gid()).unwrap_or_else(|| metadata.gid().to_string()),
            metadata.mode() & 0o7777
        )
    });
    Endpoint::ClosedSocket {
        path,
        owner,
        user: user_name(nix::unistd::geteuid().as_raw()),
    }
}

fn user_name(uid: u32) -> String {
    user::name_of(uid).unwrap_or_else(|| uid.to_string())
}

fn pid_file(path: String) -> PidFile {
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return PidFile::Missing(path),
        Err(_) => return PidFile::Unknown,
    };
    match text.trim().parse() {
        Ok(pid) if pid > 0 && is_supervisord(pid) => PidFile::Runs(path, pid),
        Ok(pid) if pid > 0 => PidFile::Stale(path, pid),
        _ => PidFile::Unknown,
    }
}

/// Whether there is such a process and, where that can be seen, it is one: by
/// its own name, or as a script by the second.
fn is_supervisord(pid: i32) -> bool {
    if kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH) {
        return false;
    }
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) if !line.is_empty() => {
            let words = line.split(|byte| *byte == 0).take(2);
            words
                .filter_map(|word| word.rsplit(|byte| *byte == b'/').next())
                .any(|name| name.starts_with(b"supervisord"))
        }
        _ => true,
    }
}

impl Facts<'_> {
    fn text(&self) -> String {
        let mut text = format!(
            "supervisorctl: no supervisord can be reached at {} ({})\n",
            self.shown,
            self.origin.of_address()
        );
        let lines = [
            Some(self.endpoint_text()),
            self.pid_text(),
            Some(self.advice()),
        ];
        for line in lines.into_iter().flatten() {
            text.push_str(&format!("  {line}\n"));
        }
        text
    }

    fn endpoint_text(&self) -> String {
        match &self.endpoint {
            Endpoint::NoSocket(path) => format!("There is no socket {path}."),
            Endpoint::NotSocket(path) => format!("{path} is no socket."),
            Endpoint::DeadSocket(path) => {
                format!("The socket {path} is there, but nobody listens at it any more.")
            }
            Endpoint::ClosedSocket {
                path,
                owner: Some(owner),
                user,
            } => format!("The socket {path} belongs to {owner}; {user} may not use it."),
            Endpoint::ClosedSocket { path, user, .. } => {
                format!("{user} may not look into the directory of the socket {path}.")
            }
            Endpoint::Refused(address) => format!("Nobody listens at {address}."),
            Endpoint::Unreachable(address) => format!("{address} does not answer."),
            Endpoint::UnknownHost(host) => format!("There is no host of the name {host}."),
        }
    }

    fn pid_text(&self) -> Option<String> {
        Some(match &self.pid_file {
            PidFile::Unknown => return None,
            PidFile::Missing(path) => {
                format!("supervisord does not seem to run: there is no pid file {path}.")
            }
            PidFile::Runs(path, pid) => {
                format!("supervisord seems to run, as process {pid} according to {path}.")
            }
            PidFile::Stale(path, pid) => format!(
                "supervisord does not seem to run: {path} names process {pid}, which is none."
            ),
        })
    }

    fn advice(&self) -> String {
        let elsewhere = self.listens_at.iter().find(|url| **url != self.url);
        let is_expected = self.listens_at.contains(&self.url);
        let start = match self.origin.file() {
            Some(file) => format!("supervisord -c {file}"),
            None => "supervisord".to_owned(),
        };
        match (&self.endpoint, &self.pid_file) {
            (Endpoint::ClosedSocket { .. }, _) => {
                "Run supervisorctl as a user who may, or set chmod and chown in \
                 [unix_http_server]."
                    .to_owned()
            }
            (Endpoint::UnknownHost(_) | Endpoint::Unreachable(_), _) => {
                "Check the address, and whether the host is up.".to_owned()
            }
            (_, PidFile::Missing(_) | PidFile::Stale(..)) => format!("Start it with: {start}"),
            (_, pid_file) if !is_expected && elsewhere.is_some() => {
                let url = elsewhere.map_or("", String::as_str);
                let running = matches!(pid_file, PidFile::Runs(..));
                let whether = if running { "" } else { "If it runs, " };
                format!("{whether}supervisord is told to listen at {url}: try -s {url}")
            }
            (_, PidFile::Runs(..)) => {
                "Look into the log of supervisord for why it does not listen there.".to_owned()
            }
            (_, PidFile::Unknown) if self.origin.file().is_none() => {
                "Name the configuration file with -c, or the server with -s.".to_owned()
            }
            (_, PidFile::Unknown) => {
                format!("Check the address; if supervisord does not run, start it with: {start}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
