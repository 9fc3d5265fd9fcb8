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
use crate::snapshot::saved;

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

saved! { struct Guard { open, names, allowed } }

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
mod tests;
