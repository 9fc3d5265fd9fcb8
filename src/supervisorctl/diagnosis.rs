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
pub enum Source {
    /// The option `-s`.
    Option,
    /// The configuration file.
    File,
    /// Nowhere: it is the usual one.
    #[default]
    Usual,
    /// The command `open`.
    Open,
}

/// What this run of the program goes by.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Where the address comes from.
    pub source: Source,
    /// The configuration file that was read, and how.
    pub request: Option<ClientRequest>,
}

/// What is known about a server that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    url: String,
    source: Source,
    file: Option<String>,
    place: Place,
    pid_file: PidFile,
    /// Where the configuration file lets its supervisord listen.
    listens_at: Vec<String>,
}

/// What stands at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
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
pub fn explain(origin: &Origin, url: &str, error: &io::Error) -> Option<String> {
    let place = place(&server_url::parse(url).ok()?, error)?;
    let surroundings = origin.request.as_ref().map(load::surroundings);
    let mut surroundings = surroundings.unwrap_or_default();
    // A server that was named by hand need not be that of the file.
    let is_by_hand = matches!(origin.source, Source::Option | Source::Open);
    if is_by_hand && !surroundings.urls.iter().any(|known| known == url) {
        surroundings = Surroundings::default();
    }
    let Surroundings { pidfile, urls } = surroundings;
    let facts = Facts {
        url: url.to_owned(),
        source: origin.source,
        file: origin
            .request
            .as_ref()
            .and_then(|request| request.path.clone())
            .filter(|path| !path.is_empty()),
        place,
        pid_file: pidfile.map_or(PidFile::Unknown, pid_file),
        listens_at: urls,
    };
    Some(facts.text())
}

fn place(address: &ServerAddress, error: &io::Error) -> Option<Place> {
    let code = error.raw_os_error();
    Some(match address {
        ServerAddress::Unix(path) => {
            let path = path.clone();
            match code? {
                libc::ENOENT | libc::ENOTDIR => Place::NoSocket(path),
                libc::EACCES | libc::EPERM => closed(path),
                libc::ECONNREFUSED => match fs::metadata(&path) {
                    Ok(metadata) if !metadata.file_type().is_socket() => Place::NotSocket(path),
                    _ => Place::DeadSocket(path),
                },
                _ => return None,
            }
        }
        ServerAddress::Inet { host, port } => match code {
            Some(libc::ECONNREFUSED) => Place::Refused(format!("{host}:{port}")),
            Some(libc::ETIMEDOUT | libc::EHOSTUNREACH | libc::ENETUNREACH) => {
                Place::Unreachable(format!("{host}:{port}"))
            }
            None if error.to_string().starts_with("failed to lookup address") => {
                Place::UnknownHost(host.clone())
            }
            _ => return None,
        },
    })
}

fn closed(path: String) -> Place {
    let owner = fs::metadata(&path).ok().map(|metadata| {
        format!(
            "{}, group {}, mode {:04o}",
            user_name(metadata.uid()),
            user::group_name_of(metadata.gid()).unwrap_or_else(|| metadata.gid().to_string()),
            metadata.mode() & 0o7777
        )
    });
    Place::ClosedSocket {
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

impl Facts {
    fn text(&self) -> String {
        let mut text = format!(
            "supervisorctl: no supervisord can be reached at {} ({})\n",
            self.url,
            self.origin()
        );
        let lines = [
            Some(self.place_text()),
            self.pid_text(),
            Some(self.advice()),
        ];
        for line in lines.into_iter().flatten() {
            text.push_str(&format!("  {line}\n"));
        }
        text
    }

    fn origin(&self) -> String {
        match (self.source, &self.file) {
            (Source::Option, _) => "from the option -s".to_owned(),
            (Source::Open, _) => "from the command open".to_owned(),
            (Source::File, Some(file)) => format!("serverurl in {file}"),
            (Source::Usual, Some(file)) => {
                format!("the usual address: {file} has no serverurl")
            }
            (Source::Usual | Source::File, None) => {
                "the usual address: no configuration file was found".to_owned()
            }
        }
    }

    fn place_text(&self) -> String {
        match &self.place {
            Place::NoSocket(path) => format!("There is no socket {path}."),
            Place::NotSocket(path) => format!("{path} is no socket."),
            Place::DeadSocket(path) => {
                format!("The socket {path} is there, but nobody listens at it any more.")
            }
            Place::ClosedSocket {
                path,
                owner: Some(owner),
                user,
            } => format!("The socket {path} belongs to {owner}; {user} may not use it."),
            Place::ClosedSocket { path, user, .. } => {
                format!("{user} may not look into the directory of the socket {path}.")
            }
            Place::Refused(address) => format!("Nobody listens at {address}."),
            Place::Unreachable(address) => format!("{address} does not answer."),
            Place::UnknownHost(host) => format!("There is no host of the name {host}."),
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
        let start = match &self.file {
            Some(file) => format!("supervisord -c {file}"),
            None => "supervisord".to_owned(),
        };
        match (&self.place, &self.pid_file) {
            (Place::ClosedSocket { .. }, _) => {
                "Run supervisorctl as a user who may, or set chmod and chown in \
                 [unix_http_server]."
                    .to_owned()
            }
            (Place::UnknownHost(_) | Place::Unreachable(_), _) => {
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
            (_, PidFile::Unknown) if self.file.is_none() => {
                "Name the configuration file with -c, or the server with -s.".to_owned()
            }
            (_, PidFile::Unknown) => {
                format!("Check the address; if supervisord does not run, start it with: {start}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(place: Place, pid_file: PidFile) -> Facts {
        Facts {
            url: "unix:///run/s".to_owned(),
            source: Source::File,
            file: Some("/etc/s.conf".to_owned()),
            place,
            pid_file,
            listens_at: vec!["unix:///run/s".to_owned()],
        }
    }

    #[test]
    fn the_paragraph_says_what_is_there_and_what_to_do() {
        let socket = || "/run/s".to_owned();
        let pid_file = || "/run/p".to_owned();
        for (facts, expected) in [
            (
                facts(Place::NoSocket(socket()), PidFile::Missing(pid_file())),
                "There is no socket /run/s.\n  supervisord does not seem to run: there is no pid \
                 file /run/p.\n  Start it with: supervisord -c /etc/s.conf\n",
            ),
            (
                facts(Place::DeadSocket(socket()), PidFile::Stale(pid_file(), 7)),
                "The socket /run/s is there, but nobody listens at it any more.\n  supervisord \
                 does not seem to run: /run/p names process 7, which is none.\n  Start it with: \
                 supervisord -c /etc/s.conf\n",
            ),
            (
                Facts {
                    listens_at: vec!["http://localhost:9001".to_owned()],
                    ..facts(Place::NoSocket(socket()), PidFile::Runs(pid_file(), 7))
                },
                "There is no socket /run/s.\n  supervisord seems to run, as process 7 according \
                 to /run/p.\n  supervisord is told to listen at http://localhost:9001: try -s \
                 http://localhost:9001\n",
            ),
            (
                facts(
                    Place::ClosedSocket {
                        path: socket(),
                        owner: Some("root, group adm, mode 0770".to_owned()),
                        user: "bob".to_owned(),
                    },
                    PidFile::Unknown,
                ),
                "The socket /run/s belongs to root, group adm, mode 0770; bob may not use it.\n  \
                 Run supervisorctl as a user who may, or set chmod and chown in \
                 [unix_http_server].\n",
            ),
        ] {
            let head = "supervisorctl: no supervisord can be reached at unix:///run/s \
                        (serverurl in /etc/s.conf)\n  ";
            assert_eq!(facts.text(), format!("{head}{expected}"));
        }
    }

    #[test]
    fn it_says_where_the_address_comes_from() {
        let with = |source, file: Option<&str>| {
            Facts {
                source,
                file: file.map(str::to_owned),
                ..facts(Place::Refused("h:1".to_owned()), PidFile::Unknown)
            }
            .origin()
        };
        for (origin, expected) in [
            (with(Source::Option, None), "from the option -s"),
            (with(Source::Open, Some("f")), "from the command open"),
            (
                with(Source::Usual, Some("f")),
                "the usual address: f has no serverurl",
            ),
            (
                with(Source::Usual, None),
                "the usual address: no configuration file was found",
            ),
        ] {
            assert_eq!(origin, expected);
        }
    }
}
