//! The address of a server: `http://host[:port]` or `unix:///path`.

use super::failure::CallError;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// TCP. The host is lower case and without brackets.
    Inet {
        /// Name or address.
        host: String,
        /// 80 where the URL has none.
        port: u16,
    },
    /// A unix socket's path.
    Unix(String),
}

/// Reads the URL. The scheme must be lower case; a path, and a user name and
/// password in the URL, are ignored.
pub fn parse(url: &str) -> Result<ServerAddress, CallError> {
    if let Some(path) = url.strip_prefix("unix://") {
        return Ok(ServerAddress::Unix(path.to_owned()));
    }
    let Some(rest) = url.strip_prefix("http://") else {
        return Err(CallError::UnknownProtocol(without_userinfo(url)));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let location = match authority.rsplit_once('@') {
        Some((_, location)) => location,
        None => authority,
    };
    let (host, port) = split_port(location);
    let host = match host {
        "" => "localhost".to_owned(),
        host => host.to_lowercase(),
    };
    let port = match port {
        "" => 80,
        digits => digits
            .parse()
            .map_err(|_| CallError::Port(digits.to_owned()))?,
    };
    Ok(ServerAddress::Inet { host, port })
}

fn split_port(location: &str) -> (&str, &str) {
    if let Some((host, rest)) = location
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        return (host, rest.strip_prefix(':').unwrap_or_default());
    }
    location.rsplit_once(':').unwrap_or((location, ""))
}

impl ServerAddress {
    /// The value of the Host header: without port 80, and `localhost` for a
    /// unix socket.
    pub fn host_header(&self) -> String {
        match self {
            ServerAddress::Unix(_) => "localhost".to_owned(),
            ServerAddress::Inet { host, port } => {
                let host = match host.contains(':') {
                    true => format!("[{host}]"),
                    false => host.clone(),
                };
                match port {
                    80 => host,
                    port => format!("{host}:{port}"),
                }
            }
        }
    }
}

/// The scheme of a URL in lower case; empty if it has none.
pub fn scheme(url: &str) -> String {
    let Some((scheme, _)) = url.split_once(':') else {
        return String::new();
    };
    let mut characters = scheme.chars();
    let valid = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    match valid {
        true => scheme.to_ascii_lowercase(),
        false => String::new(),
    }
}

/// The test that `-s` makes: a scheme, and a host or a path.
pub fn is_url(text: &str) -> bool {
    let scheme = scheme(text);
    if scheme.is_empty() {
        return false;
    }
    let rest = text.get(scheme.len() + 1..).unwrap_or_default();
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    !rest.split(['?', '#']).next().unwrap_or_default().is_empty()
}

/// A URL without the user name and password in it, for whoever may read along.
pub fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url
        .split_once("://")
        .filter(|(scheme, _)| *scheme != "unix")
    else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let location = authority
        .rsplit_once('@')
        .map_or(authority, |(_, location)| location);
    format!("{scheme}://{location}{after}")
}

/// What a URL looks like, for whoever has typed something else, and which one was
/// probably meant.
pub fn advice(text: &str) -> String {
    let example = "A URL looks like http://localhost:9001 or unix:///run/supervisor.sock";
    match suggestion(text) {
        Some(url) => format!("{example}; did you mean {url}?"),
        None => format!("{example}."),
    }
}

/// The URL that was probably meant by something else.
pub fn suggestion(text: &str) -> Option<String> {
    let (start, rest) = text.split_once(':').unwrap_or(("", text));
    let location = rest.trim_start_matches('/');
    let url = match start.to_ascii_lowercase().as_str() {
        "unix" => format!("unix:///{location}"),
        "http" => format!("http://{location}"),
        _ if text.starts_with('/') => format!("unix:///{location}"),
        "" if rest.parse::<u16>().is_ok() => format!("http://localhost:{rest}"),
        _ => {
            let (host, port) = text.rsplit_once(':')?;
            let is_host = !host.contains('/') && port.parse::<u16>().is_ok();
            is_host.then(|| format!("http://{text}"))?
        }
    };
    (!location.is_empty() && url != text).then(|| without_userinfo(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_was_shown() {
        for (url, expected) in [
            ("http://u:p@h:1/x@y", "http://h:1/x@y"),
            ("http://u:p@x@h:1", "http://h:1"),
            ("https://u@h?a", "https://h?a"),
            ("http://h:1", "http://h:1"),
            ("unix:///a@b/c", "unix:///a@b/c"),
            ("localhost:1", "localhost:1"),
            ("", ""),
        ] {
            assert_eq!(without_userinfo(url), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_told_which_one_was_meant() {
        for (text, expected) in [
            ("localhost:21001", "http://localhost:21001"),
            ("127.0.0.1:9001", "http://127.0.0.1:9001"),
            ("[::1]:9001", "http://[::1]:9001"),
            ("u:p@h:9001", "http://h:9001"),
            (":9001", "http://localhost:9001"),
            ("9001", "http://localhost:9001"),
            ("/run/s.sock", "unix:///run/s.sock"),
            ("unix:/run/s.sock", "unix:///run/s.sock"),
            ("UNIX:///run/s.sock", "unix:///run/s.sock"),
            ("HTTP://h:1", "http://h:1"),
            ("http:h:1", "http://h:1"),
            ("http:/h:1", "http://h:1"),
            ("https://h", ""),
            ("http://", ""),
            ("http:", ""),
            ("unix://", ""),
            ("foo", ""),
            ("ftp://h", ""),
            ("/", ""),
            ("", ""),
        ] {
            let advice = advice(text);
            let meant = advice.split_once("did you mean ").map(|(_, rest)| rest);
            let meant = meant.and_then(|rest| rest.strip_suffix('?'));
            assert_eq!(meant.unwrap_or_default(), expected, "{text}");
            assert!(advice.starts_with("A URL looks like http://"), "{advice}");
        }
    }

    fn inet(host: &str, port: u16) -> Option<ServerAddress> {
        Some(ServerAddress::Inet {
            host: host.to_owned(),
            port,
        })
    }

    #[test]
    fn urls_name_a_host_and_port_or_a_socket() {
        for (url, expected) in [
            ("http://localhost:9001", inet("localhost", 9001)),
            ("http://Example.ORG/x?y", inet("example.org", 80)),
            ("http://u:p@h:1/", inet("h", 1)),
            ("http://[::1]:9", inet("::1", 9)),
            ("http://[::1]", inet("::1", 80)),
            ("http://h:", inet("h", 80)),
            ("http://", inet("localhost", 80)),
            ("http://h:x", None),
            ("http://h:70000", None),
            ("HTTP://h", None),
            ("https://h", None),
            ("", None),
            ("unix:///a/b", Some(ServerAddress::Unix("/a/b".to_owned()))),
            ("unix://a", Some(ServerAddress::Unix("a".to_owned()))),
        ] {
            assert_eq!(parse(url).ok(), expected, "{url}");
        }
    }

    #[test]
    fn the_host_header_leaves_out_port_80() {
        for (url, expected) in [
            ("http://h", "h"),
            ("http://h:81", "h:81"),
            ("http://[::1]:81", "[::1]:81"),
            ("unix:///a", "localhost"),
        ] {
            assert_eq!(parse(url).unwrap().host_header(), expected);
        }
    }

    #[test]
    fn a_url_has_a_scheme_and_a_host_or_a_path() {
        for url in ["http://h", "localhost:9001", "x:y", "unix:///a", "HTTP://x"] {
            assert!(is_url(url), "{url}");
        }
        for url in [
            "foo",
            "",
            "http:",
            "http://",
            "/",
            "1a:b",
            ":x",
            "http://?q",
        ] {
            assert!(!is_url(url), "{url}");
        }
    }
}
