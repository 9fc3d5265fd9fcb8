//! What keeps browsers honest on TCP. A page from anywhere can make its
//! reader's browser send requests to a server that only this reader reaches, and
//! after DNS rebinding it can even read the answers. Browsers say enough to
//! tell such requests from honest ones; programs do not say it, and nothing is
//! asked of them.
//!
//! Against what another site sends stands `Origin`, which must be `Host`, or
//! among the names that the operator trusts. A proxy that hands on no `Host` breaks
//! that for every honest form; what proves such a form honest is its token, which
//! only a reader of our pages can know. Who reads them is then the question, and
//! that is why the token replaces this one comparison and nothing else: without a
//! password the name in `Host` must be known, also for a page that is only read,
//! for a page of another site whose name leads here since a moment ago could read
//! the token off it; with a password it does not know that. And where the browser
//! itself says that another site has sent a form, a token does not help.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::http::refusal::{Refusal, Sender};
use crate::http::request::Head;
use crate::http::routes::Browsers;

/// By which names a server on TCP is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Whether anybody is let in without a password: then the browser's word
    /// is all there is, and the name that it used must be a known one.
    pub open: bool,
    /// Those of this machine, without a dot at the end. Addresses and `localhost` need
    /// not be here.
    pub names: Vec<String>,
    /// Those that the operator trusts: the server is known by them, and pages of
    /// these sites may send requests.
    pub allowed: Vec<String>,
}

impl Guard {
    /// Whether the request can be what the reader of an honest page wanted. For a form
    /// that a token has to vouch for, with what is known of its sender.
    pub fn judge(&self, head: &Head, browsers: Browsers) -> Result<Option<Box<Sender>>, Refusal> {
        let host = single(head, "Host").and_then(Authority::parse);
        let origin = single(head, "Origin").and_then(Origin::parse);
        let sender = || {
            let origin_name = origin.value().map(|origin| origin.authority.name);
            let host_name = host.value().map(|host| host.name);
            Box::new(Sender::of(head, origin_name, host_name))
        };
        let is_trusted = origin
            .value()
            .is_some_and(|origin| holds(&self.allowed, origin.authority.name));
        let site = head.header("Sec-Fetch-Site");
        let reads_only =
            matches!(head.method.as_str(), "GET" | "HEAD") && browsers != Browsers::Followers;
        let is_foreign = site.is_some_and(|site| site.eq_ignore_ascii_case("cross-site"));
        if is_foreign && !reads_only && !is_trusted {
            return Err(Refusal::CrossSite(sender()));
        }
        if self.open && is_browser(head) && !host.value().is_some_and(|host| self.knows(host.name))
        {
            return Err(Refusal::UnknownHost(sender()));
        }
        let agrees = match (&origin, &host) {
            (Single::Missing, _) => true,
            (Single::Value(origin), Single::Value(host)) => origin.is_at(host),
            _ => false,
        };
        match agrees || is_trusted {
            true => Ok(None),
            // Whether it has a good token is known to the page that it is for.
            false if browsers == Browsers::Forms && head.method == "POST" => Ok(Some(sender())),
            false => Err(Refusal::Origin(sender())),
        }
    }

    /// No name server has a say in addresses and in what is known here.
    fn knows(&self, name: &str) -> bool {
        is_address(name)
            || bare(name).eq_ignore_ascii_case("localhost")
            || holds(&self.names, name)
            || holds(&self.allowed, name)
    }
}

fn holds(names: &[String], name: &str) -> bool {
    names
        .iter()
        .any(|known| known.eq_ignore_ascii_case(bare(name)))
}

fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Programs do not send these of their own accord.
fn is_browser(head: &Head) -> bool {
    let agent = head.header("User-Agent").unwrap_or_default();
    head.header("Origin").is_some()
        || head.header("Sec-Fetch-Site").is_some()
        || agent.to_ascii_lowercase().contains("mozilla")
}

/// A header that must not be there twice with different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Single<T> {
    Missing,
    Value(T),
    Ambiguous,
}

impl<T> Single<T> {
    fn and_then<U>(self, convert: impl FnOnce(T) -> Option<U>) -> Single<U> {
        match self {
            Single::Missing => Single::Missing,
            Single::Value(value) => convert(value).map_or(Single::Ambiguous, Single::Value),
            Single::Ambiguous => Single::Ambiguous,
        }
    }

    fn value(&self) -> Option<&T> {
        match self {
            Single::Value(value) => Some(value),
            Single::Missing | Single::Ambiguous => None,
        }
    }
}

fn single<'a>(head: &'a Head, name: &'a str) -> Single<&'a str> {
    let mut values = head.headers(name);
    match values.next() {
        None => Single::Missing,
        Some(first) if values.all(|other| other == first) => Single::Value(first),
        Some(_) => Single::Ambiguous,
    }
}

/// Where a page is from, as `Origin` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Origin<'a> {
    authority: Authority<'a>,
    /// The port of its scheme.
    usual: u16,
}

impl Origin<'_> {
    /// `null`, which pages without a site of their own send, is none.
    fn parse(text: &str) -> Option<Origin<'_>> {
        let (scheme, authority) = text.split_once("://")?;
        let usual = match scheme.to_ascii_lowercase().as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let authority = Authority::parse(authority)?;
        Some(Origin { authority, usual })
    }

    /// Whether it is what `Host` names. A port that is not written is that of
    /// the origin's scheme: behind a proxy that speaks TLS it is 443.
    fn is_at(&self, host: &Authority<'_>) -> bool {
        let port = |authority: &Authority<'_>| authority.port.unwrap_or(self.usual);
        bare(self.authority.name).eq_ignore_ascii_case(bare(host.name))
            && port(&self.authority) == port(host)
    }
}

/// A host and perhaps a port, as `Host` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Authority<'a> {
    /// An address of version 6 has its brackets still.
    name: &'a str,
    port: Option<u16>,
}

impl Authority<'_> {
    fn parse(text: &str) -> Option<Authority<'_>> {
        let end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (name, rest) = text.split_at_checked(end)?;
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        (!name.is_empty()).then_some(Authority { name, port })
    }
}

/// An address as browsers write it; short and octal forms are names.
fn is_address(name: &str) -> bool {
    match name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => {
            let address = inner.split('%').next().unwrap_or_default();
            address.parse::<Ipv6Addr>().is_ok()
        }
        None => name.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::buffer::Buffer;
    use crate::http::request::HeadParser;
    use crate::http::routes::Route;

    fn admits(open: bool, method: &str, headers: &str) -> bool {
        admits_to(open, method, "/RPC2", headers)
    }

    fn judge(
        open: bool,
        method: &str,
        path: &str,
        headers: &str,
    ) -> Result<Option<Box<Sender>>, Refusal> {
        let mut input = Buffer::default();
        let headers = headers.replace('|', "\r\n");
        input.extend(format!("{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n").as_bytes());
        let head = HeadParser::new(1 << 16).take(&mut input).unwrap().unwrap();
        let guard = Guard {
            open,
            names: vec!["web1.example.com".to_owned(), "web1".to_owned()],
            allowed: vec!["boss.example".to_owned(), "[::5]".to_owned()],
        };
        let route = Route::at(&head.path);
        guard.judge(&head, route.map_or(Browsers::Usual, |route| route.browsers))
    }

    fn admits_to(open: bool, method: &str, path: &str, headers: &str) -> bool {
        judge(open, method, path, headers) == Ok(None)
    }

    #[test]
    fn an_origin_must_match_the_host_with_and_without_a_password() {
        for (headers, expected) in [
            ("Host: web1|Origin: http://web1", true),
            ("Host: WEB1|Origin: http://web1", true),
            ("Host: web1.|Origin: http://Web1", true),
            ("Host: web1:80|Origin: http://web1", true),
            ("Host: web1|Origin: http://web1:80", true),
            ("Host: web1|Origin: https://web1", true),
            ("Host: web1:443|Origin: https://web1", true),
            ("Host: web1:9001|Origin: http://web1:9001", true),
            ("Host: web1:9001|Origin: HTTP://web1:9001", true),
            ("Host: 127.0.0.1:9001|Origin: http://127.0.0.1:9001", true),
            ("Host: [::1]:9001|Origin: http://[::1]:9001", true),
            ("Host: web1|Host: web1|Origin: http://web1", true),
            ("Host: web1:9001|Origin: http://web1:9002", false),
            ("Host: web1:9001|Origin: http://web1", false),
            ("Host: web1:443|Origin: http://web1", false),
            ("Host: web1|Origin: http://web1.evil", false),
            ("Host: web1|Origin: http://evil", false),
            ("Host: localhost|Origin: http://127.0.0.1", false),
            ("Host: [::1]|Origin: http://[::2]", false),
            ("Host: web1|Origin: null", false),
            ("Host: null|Origin: null", false),
            ("Host: web1|Origin:", false),
            ("Host: web1|Origin: web1", false),
            ("Host: web1|Origin: file://", false),
            ("Host: web1|Origin: ftp://web1", false),
            ("Host: web1|Origin: http://u@web1", false),
            ("Host: web1|Origin: http://web1/", false),
            ("Host: web1|Origin: http://web1|Origin: http://evil", false),
            ("Host: web1|Host: evil|Origin: http://web1", false),
            ("Host: evil|Host: web1|Origin: http://web1", false),
            ("Origin: http://web1", false),
            ("Host:|Origin: http://web1", false),
            ("Host: web1:x|Origin: http://web1", false),
            ("Host: web1:99999|Origin: http://web1:99999", false),
        ] {
            for method in ["GET", "POST"] {
                assert_eq!(admits(false, method, headers), expected, "{headers}");
                assert_eq!(admits(true, method, headers), expected, "{headers}");
            }
        }
    }

    #[test]
    fn what_another_site_posts_is_refused() {
        for (method, site, expected) in [
            ("POST", "cross-site", false),
            ("POST", "Cross-Site", false),
            ("PUT", "cross-site", false),
            ("POST", "same-origin", true),
            ("POST", "none", true),
            ("GET", "cross-site", true),
            ("HEAD", "cross-site", true),
        ] {
            let headers = format!("Host: web1|Sec-Fetch-Site: {site}");
            for open in [false, true] {
                assert_eq!(admits(open, method, &headers), expected, "{method} {site}");
            }
        }
    }

    #[test]
    fn another_site_may_not_follow_logs() {
        for (path, expected) in [
            ("/logtail/p", false),
            ("/logtailx/p/stderr", false),
            ("/mainlogtail", false),
            ("/%6dainlogtail", false),
            ("/mainlog.html", true),
            ("/", true),
        ] {
            for open in [false, true] {
                let with = |site: &str| {
                    let headers = format!("Host: web1|Sec-Fetch-Site: {site}");
                    admits_to(open, "GET", path, &headers)
                };
                assert_eq!(with("cross-site"), expected, "{path}");
                assert!(with("same-origin"), "{path}");
            }
        }
    }

    #[test]
    fn without_a_password_browsers_must_use_a_name_that_is_known() {
        const FIREFOX: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)";
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.0.0.1:9001", true),
            ("10.1.2.3:80", true),
            ("[::1]", true),
            ("[::1]:9001", true),
            ("[fe80::1%25eth0]:9001", true),
            ("localhost", true),
            ("LOCALHOST.:9001", true),
            ("web1", true),
            ("Web1:9001", true),
            ("web1.example.com", true),
            ("WEB1.Example.COM.:9001", true),
            ("web1.example.com.evil", false),
            ("evilweb1", false),
            ("evil", false),
            ("evil:9001", false),
            ("localhost.evil", false),
            ("127.0.0.1.evil", false),
            ("127.0.0.1.", false),
            ("127.1", false),
            ("0x7f.0.0.1", false),
            ("2130706433", false),
            ("::1", false),
            ("[::1", false),
            ("[evil]", false),
            ("[::1]evil", false),
            ("evil@127.0.0.1", false),
            ("127.0.0.1@evil", false),
            ("127.0.0.1:9001:evil", false),
            ("127.0.0.1, evil", false),
            ("", false),
        ] {
            for sign in [FIREFOX, "Sec-Fetch-Site: none", "User-Agent: x mozilla"] {
                let headers = format!("Host: {host}|{sign}");
                assert_eq!(admits(true, "GET", &headers), expected, "{headers}");
                // The password is what other pages do not know.
                assert!(admits(false, "GET", &headers), "{headers}");
            }
            assert!(admits(true, "POST", &format!("Host: {host}")), "{host}");
            let agent = format!("Host: {host}|User-Agent: curl/8.0");
            assert!(admits(true, "POST", &agent), "{host}");
        }
        assert!(!admits(true, "GET", FIREFOX));
        let twice = format!("Host: 127.0.0.1|Host: evil|{FIREFOX}");
        assert!(!admits(true, "GET", &twice));
        assert!(admits(true, "POST", "User-Agent: Python-xmlrpc/3.11"));
        assert!(admits(true, "POST", "Host: a|Host: b"));
    }

    /// Regression: `allowed_hosts` was for servers without a password and for `Host` alone.
    #[test]
    fn sites_that_the_operator_trusts_may_send_requests() {
        for (headers, expected) in [
            ("Host: 127.0.0.1:9001|Origin: https://boss.example", true),
            ("Host: 127.0.0.1:9001|Origin: http://BOSS.example.:81", true),
            (
                "Host: web1|Origin: https://boss.example|Sec-Fetch-Site: cross-site",
                true,
            ),
            ("Host: 127.0.0.1|Origin: http://[::5]:80", true),
            ("Host: boss.example|Origin: https://boss.example", true),
            ("Host: 127.0.0.1|Origin: https://boss.example.evil", false),
            ("Host: 127.0.0.1|Origin: https://notboss.example", false),
            ("Host: 127.0.0.1|Origin: ftp://boss.example", false),
            ("Host: 127.0.0.1|Origin: https://u@boss.example", false),
            (
                "Host: 127.0.0.1|Origin: https://boss.example|Origin: http://evil",
                false,
            ),
            // A name of this machine has other servers too, on other ports.
            ("Host: 127.0.0.1|Origin: http://web1", false),
            ("Host: 127.0.0.1|Origin: http://localhost", false),
        ] {
            for open in [false, true] {
                assert_eq!(admits(open, "POST", headers), expected, "{headers}");
            }
        }
        let rebound = "Host: evil|Origin: https://boss.example";
        assert!(admits(false, "POST", rebound) && !admits(true, "POST", rebound));
    }

    #[test]
    fn a_token_makes_up_for_an_origin_and_for_nothing_else() {
        for (headers, open, expected) in [
            (
                "Host: 127.0.0.1:9001|Origin: https://example.org",
                "token",
                "token",
            ),
            ("Host: 127.0.0.1:9001|Origin: null", "token", "token"),
            ("Origin: https://example.org", "host", "token"),
            ("Host: evil|Origin: http://other", "host", "token"),
            ("Host: evil|Origin: http://evil", "host", "free"),
            ("Host: evil|User-Agent: Mozilla/5.0", "host", "free"),
            (
                "Host: web1|Origin: http://evil|Sec-Fetch-Site: cross-site",
                "site",
                "site",
            ),
            (
                "Host: web1|Origin: http://evil|Sec-Fetch-Site: same-site",
                "token",
                "token",
            ),
        ] {
            for (is_open, expected) in [(true, open), (false, expected)] {
                let found = match judge(is_open, "POST", "/", headers) {
                    Ok(None) => "free",
                    Ok(Some(_)) => "token",
                    Err(Refusal::UnknownHost(_)) => "host",
                    Err(Refusal::CrossSite(_)) => "site",
                    Err(other) => panic!("{other:?}"),
                };
                assert_eq!(found, expected, "{headers} {is_open}");
            }
        }
    }
}
