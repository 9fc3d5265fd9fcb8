//! What a check asks: an HTTP server, a TCP port, a unix socket, or a command.

use std::net::Ipv6Addr;

use super::command::Command;
use super::datatypes::{self, ValueError};
use super::error::ConfigError;
use super::expanded::Expanded;
use super::key::Key;
use super::section::Section;
use super::settings::Setting;
use super::wanted::{nearest, wanted};
use crate::snapshot::saved;
use crate::text::is_space;
use crate::text::json::Json;

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckTarget {
    /// 2xx and 3xx are successes.
    Http {
        host: String,
        port: u16,
        /// From the slash on.
        path: String,
    },
    /// That somebody listens is the success.
    Tcp { host: String, port: u16 },
    /// The same on a unix socket.
    Unix(String),
    /// Status 0 is the success.
    Command(Command),
}

saved! { enum CheckTarget { Http { host, port, path }, Tcp { host, port }, Unix(a), Command(a) } }

/// What stands before the colon where it is no command.
const SCHEMES: [&str; 4] = ["http", "https", "tcp", "unix"];

const FORM: &str = "it is http://HOST:PORT/PATH, tcp://HOST:PORT, unix:PATH or a command";

impl Default for CheckTarget {
    fn default() -> CheckTarget {
        CheckTarget::Unix(String::new())
    }
}

impl Setting for CheckTarget {
    fn parse(text: &str, key: &Key) -> Result<Self, ValueError> {
        target(&Expanded::from(text.to_owned()), key)
    }

    fn dumped(&self) -> Json {
        Json::String(match self {
            CheckTarget::Http { host, port, path } => {
                format!("http://{}{path}", authority(host, *port))
            }
            CheckTarget::Tcp { host, port } => format!("tcp://{}", authority(host, *port)),
            CheckTarget::Unix(path) => format!("unix:{path}"),
            CheckTarget::Command(command) => command.to_string(),
        })
    }
}

impl CheckTarget {
    /// What is run, if it is a command.
    pub fn command(&self) -> Option<&Command> {
        match self {
            CheckTarget::Command(command) => Some(command),
            _ => None,
        }
    }
}

/// A host and a port as URLs and the `Host` of a request write them.
pub fn authority(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// Whether a target is written as a URL or a socket, and is no command.
pub fn has_scheme(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default();
    let scheme = scheme.trim_matches(is_space);
    let mut schemes = SCHEMES.iter();
    text.contains(':') && schemes.any(|known| known.eq_ignore_ascii_case(scheme))
}

/// What a section says of a check.
pub fn read_target(section: &Section<'_>, key: &Key) -> Result<Option<CheckTarget>, ConfigError> {
    let Some(value) = section.value(key.name)? else {
        return Ok(None);
    };
    match target(&value, key) {
        Ok(target) => Ok(Some(target)),
        Err(error) => Err(section.wrong(key.name, &value, error)),
    }
}

fn target(value: &Expanded, key: &Key) -> Result<CheckTarget, ValueError> {
    let text = value.text.trim_matches(is_space);
    let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
    let unlike = |form: &str| wanted(key, text, form.to_owned());
    // What came out of the environment is not told.
    let near = |near: String| match value.hides() {
        true => unlike(FORM),
        false => nearest(key, text, &near),
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {
            let rest = rest.strip_prefix("//").ok_or_else(|| unlike(FORM))?;
            let at = rest.find(['/', '?']).unwrap_or(rest.len());
            let (server, path) = rest.split_at(at);
            let is_path = |c: char| c.is_ascii_graphic() && c != '#';
            let (host, port) = match host_and_port(server) {
                Some((host, port)) if path.chars().all(is_path) => (host, port.unwrap_or(80)),
                _ => return Err(unlike("it is a URL such as http://127.0.0.1:8080/health")),
            };
            let path = match path.starts_with('/') {
                true => path.to_owned(),
                false => format!("/{path}"),
            };
            Ok(CheckTarget::Http { host, port, path })
        }
        "https" => Err(unlike(
            "supervisord does not speak TLS: write a command such as curl -sf and the URL",
        )),
        "tcp" => match rest.strip_prefix("//").and_then(host_and_port) {
            Some((host, Some(port))) => Ok(CheckTarget::Tcp { host, port }),
            Some((host, None)) => Err(near(format!(
                "tcp://{} with the port of the program",
                authority(&host, 5432)
            ))),
            None => Err(unlike("it is an address such as tcp://127.0.0.1:5432")),
        },
        "unix" => match rest.strip_prefix("//").unwrap_or(rest) {
            path if path.starts_with('/') => Ok(CheckTarget::Unix(path.to_owned())),
            path => Err(near(format!("unix:/{path}"))),
        },
        _ => {
            let command = Command::behind("", value).map(CheckTarget::Command);
            command.ok_or_else(|| unlike(FORM))
        }
    }
}

/// `HOST`, `HOST:PORT`, `[ADDRESS]` and `[ADDRESS]:PORT`; a host has no brackets any more.
pub(super) fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            match rest {
                "" => (host, None),
                rest => (host, Some(rest.strip_prefix(':')?)),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if host.is_empty() || !host.chars().all(is_name) {
        return None;
    }
    let port = match port {
        None => None,
        Some(port) => Some(datatypes::port(port).ok()?),
    };
    Some((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::super::key::Fallback::Nothing;
    use super::super::key::changed;
    use super::*;

    const KEY: Key = changed("k", "check", Nothing);

    fn http(host: &str, port: u16, path: &str) -> CheckTarget {
        CheckTarget::Http {
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        }
    }

    #[test]
    fn a_target_is_a_url_a_socket_or_a_command() {
        let tcp = |host: &str, port| CheckTarget::Tcp {
            host: host.to_owned(),
            port,
        };
        for (text, target, dumped) in [
            ("http://h/", http("h", 80, "/"), "http://h:80/"),
            ("HTTP://H:8080", http("h", 8080, "/"), "http://h:8080/"),
            ("http://h?x=1", http("h", 80, "/?x=1"), "http://h:80/?x=1"),
            (
                "http://[::1]:81/a:b/",
                http("::1", 81, "/a:b/"),
                "http://[::1]:81/a:b/",
            ),
            (
                "tcp://127.0.0.1:5432",
                tcp("127.0.0.1", 5432),
                "tcp://127.0.0.1:5432",
            ),
            ("tcp://[fe80::1]:1", tcp("fe80::1", 1), "tcp://[fe80::1]:1"),
            (
                "unix:/run/a.sock",
                CheckTarget::Unix("/run/a.sock".into()),
                "unix:/run/a.sock",
            ),
            (
                "unix:///run/a",
                CheckTarget::Unix("/run/a".into()),
                "unix:/run/a",
            ),
            (
                " true -x ",
                CheckTarget::Command("true -x".into()),
                "true -x",
            ),
            (
                "/bin/a:b",
                CheckTarget::Command("/bin/a:b".into()),
                "/bin/a:b",
            ),
        ] {
            let parsed = CheckTarget::parse(text, &KEY);
            assert_eq!(parsed.as_ref(), Ok(&target), "{text}");
            assert_eq!(target.dumped(), Json::String(dumped.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_wrong_target_is_told_with_what_to_write() {
        for (text, told) in [
            ("http:/h", FORM),
            (
                "http://",
                "it is a URL such as http://127.0.0.1:8080/health",
            ),
            (
                "http://h:0/",
                "it is a URL such as http://127.0.0.1:8080/health",
            ),
            (
                "http://u:p@h/",
                "it is a URL such as http://127.0.0.1:8080/health",
            ),
            (
                "http://h/a b",
                "it is a URL such as http://127.0.0.1:8080/health",
            ),
            (
                "http://[h]/",
                "it is a URL such as http://127.0.0.1:8080/health",
            ),
            (
                "https://h/",
                "supervisord does not speak TLS: write a command such as curl -sf and the URL",
            ),
            ("tcp://h", "write tcp://h:5432 with the port of the program"),
            ("tcp:h:1", "it is an address such as tcp://127.0.0.1:5432"),
            ("unix:run/a", "write unix:/run/a"),
            ("", FORM),
        ] {
            let error = CheckTarget::parse(text, &KEY).unwrap_err().to_string();
            assert_eq!(error, format!("Invalid k value '{text}' ({told})"));
        }
    }
}
