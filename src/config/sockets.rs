//! The sockets of a program, on which supervisord listens for all of its processes: the keys, and
//! the grammar of their names and addresses.

use std::rc::Rc;

use super::access::{Access, BACKLOG, MODE, OWNER};
use super::check_target::{authority, host_and_port};
use super::datatypes;
use super::error::ConfigError;
use super::key::Fallback::Nothing;
use super::key::{Key, changed};
use super::paths::{normalized, too_long};
use super::section::Section;
use super::wanted::wanted;
use super::{Address, FastCgiSocket, Group, Process, Readiness};
use crate::snapshot::saved;
use crate::text::is_space;

pub const SOCKETS: Key = changed("sockets", "sockets", Nothing).of_child();

/// Those below `sockets` are FastCGI sockets' as well.
pub const KEYS: [Key; 4] = [SOCKETS, BACKLOG, OWNER, MODE];

/// The number of the first socket in a program: the first three are its streams.
pub const FIRST: i32 = 3;

/// More sockets than this are a slip of the pen.
const MOST: usize = 64;
const LONGEST_NAME: usize = 255;

const FORM: &str =
    "it is NAME=tcp://HOST:PORT or NAME=unix:/PATH, with commas between several of them";

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSocket {
    /// Without a colon, which divides names where a program is told of them.
    pub name: String,
    pub socket: FastCgiSocket,
}

saved! { struct NamedSocket { name, socket } }

/// All that a program has, in the order of their descriptors.
#[derive(Clone, Debug, PartialEq)]
pub struct Sockets(pub Vec<NamedSocket>);

saved! { struct Sockets(_); }

impl Sockets {
    /// Those of a section; hardly any has some.
    pub fn read(section: &Section<'_>) -> Result<Option<Rc<Sockets>>, ConfigError> {
        let Some(value) = section.value(SOCKETS.name)? else {
            return Ok(None);
        };
        let places = parse(&value.text).map_err(|advice| {
            // What came out of the environment is not told.
            let advice = match value.hides() {
                true => FORM.to_owned(),
                false => advice,
            };
            let error = wanted(&SOCKETS, &value.text, advice);
            section.wrong(SOCKETS.name, &value, error)
        })?;
        if places.is_empty() {
            return Ok(None);
        }
        let access = Access::read(section)?;
        let sockets = places.into_iter().map(|(name, place)| NamedSocket {
            name,
            socket: access.socket(
                match place {
                    Place::Tcp(host, port) => Address::Inet { host, port },
                    Place::Unix(path) => access.unix(path),
                },
                section.system,
            ),
        });
        Ok(Some(Rc::new(Sockets(sockets.collect()))))
    }

    /// The number of the first descriptor behind them.
    pub fn end(&self) -> i32 {
        FIRST.saturating_add(i32::try_from(self.0.len()).unwrap_or(i32::MAX))
    }

    /// As they are written.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let sockets = self.0.iter();
        sockets.map(|named| format!("{}={}", named.name, named.socket.address.url()))
    }
}

/// The sockets of each program of a group, with one of its processes.
pub fn of_group(group: &Group) -> Vec<(&Process, &Sockets)> {
    let mut found: Vec<(&Process, &Sockets)> = Vec::new();
    for process in &group.processes {
        let Some(own) = process.sockets.as_deref() else {
            continue;
        };
        // The processes of a program stand together, and share them.
        if found
            .last()
            .is_none_or(|(_, last)| !std::ptr::eq(*last, own))
        {
            found.push((process, own));
        }
    }
    found
}

/// Refuses a descriptor for readiness that one of the sockets has.
pub fn check_readiness(
    section: &Section<'_>,
    sockets: Option<&Rc<Sockets>>,
    readiness: Option<&Readiness>,
) -> Result<(), ConfigError> {
    let (Some(sockets), Some(Readiness::Descriptor(number))) = (sockets, readiness) else {
        return Ok(());
    };
    let end = sockets.end();
    if *number >= end {
        return Ok(());
    }
    const KEY: &str = "readiness";
    let text = format!(
        "Invalid {KEY} value {} in [{}] (sockets has descriptors {FIRST} to {}: write fd:{end})",
        section.shown(KEY, format!("'fd:{number}'")),
        section.name(),
        end - 1
    );
    Err(section.fault_at(KEY, text))
}

enum Place {
    Tcp(String, u16),
    Unix(String),
}

/// Names and places; the error says what to write.
fn parse(text: &str) -> Result<Vec<(String, Place)>, String> {
    let mut found: Vec<(String, Place)> = Vec::new();
    for item in datatypes::list(text).iter().filter(|item| !item.is_empty()) {
        let (name, address) = match item.split_once('=') {
            Some((name, address)) => (name.trim_matches(is_space), address.trim_matches(is_space)),
            None if item.contains(":/") => {
                return Err(format!("give it a name: write web={item}"));
            }
            None => return Err(FORM.to_owned()),
        };
        check_name(name)?;
        if found.iter().any(|(other, _)| other == name) {
            return Err(format!("two are named {name}: give each a name of its own"));
        }
        found.push((name.to_owned(), place(address)?));
    }
    match found.len() {
        ..=MOST => Ok(found),
        count => Err(format!("they are {count}, and {MOST} is the most")),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if name.contains(':') {
        let near = name.replace(':', "-");
        return Err(format!("a name has no colon: write {near}"));
    }
    let is_name = |byte: u8| byte.is_ascii_graphic();
    match name.len() {
        1..=LONGEST_NAME if name.bytes().all(is_name) => Ok(()),
        _ => Err("a name is of letters, digits, - and _, such as web".to_owned()),
    }
}

fn place(address: &str) -> Result<Place, String> {
    let (scheme, rest) = address.split_once(':').unwrap_or(("", address));
    match scheme.to_ascii_lowercase().as_str() {
        "tcp" => tcp(rest.strip_prefix("//").ok_or(FORM)?),
        "unix" => unix(rest.strip_prefix("//").unwrap_or(rest)),
        _ => Err(FORM.to_owned()),
    }
}

fn tcp(text: &str) -> Result<Place, String> {
    if let Some((host, port)) = text.rsplit_once(':') {
        if ["", "*"].contains(&host) {
            return Err(format!(
                "write tcp://0.0.0.0:{port} or tcp://[::]:{port} for all addresses"
            ));
        }
        if host.contains(':') && !host.starts_with('[') {
            return Err(format!("write tcp://[{host}]:{port}"));
        }
    }
    match host_and_port(text) {
        Some((host, Some(port))) => Ok(Place::Tcp(host, port)),
        Some((host, None)) => Err(format!("write {} with the port", authority(&host, 80))),
        None => {
            Err("an address is such as tcp://127.0.0.1:80, with a port from 1 to 65535".to_owned())
        }
    }
}

fn unix(path: &str) -> Result<Place, String> {
    if !path.starts_with('/') {
        return Err(format!("write unix:/{path}"));
    }
    let path = normalized(path);
    match too_long(&path, || path.clone()) {
        Some(reason) => Err(reason),
        None => Ok(Place::Unix(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match parse(text) {
            Err(advice) => advice,
            Ok(found) => {
                let texts = found.iter().map(|(name, place)| match place {
                    Place::Tcp(host, port) => format!("{name} {}", authority(host, *port)),
                    Place::Unix(path) => format!("{name} {path}"),
                });
                texts.collect::<Vec<_>>().join(", ")
            }
        }
    }

    #[test]
    fn a_socket_has_a_name_and_an_address() {
        for (text, expected) in [
            ("", ""),
            (" , ", ""),
            (
                "web=tcp://0.0.0.0:80, admin=unix:/run/a.sock",
                "web 0.0.0.0:80, admin /run/a.sock",
            ),
            ("a = TCP://LocalHost:1 ,", "a localhost:1"),
            ("a=tcp://[::1]:65535", "a [::1]:65535"),
            ("a-b_2.c=unix:///run/x/../a", "a-b_2.c /run/a"),
            ("A=unix:/a,a=unix:/b", "A /a, a /b"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_socket_is_told_with_what_to_write() {
        let address = "an address is such as tcp://127.0.0.1:80, with a port from 1 to 65535";
        let name = "a name is of letters, digits, - and _, such as web";
        for (text, advice) in [
            ("web", FORM),
            ("tcp://h:80", "give it a name: write web=tcp://h:80"),
            ("web=udp://h:80", FORM),
            ("web=tcp:h:80", FORM),
            ("web=80", FORM),
            ("web:x=tcp://h:80", "a name has no colon: write web-x"),
            ("=tcp://h:80", name),
            ("my web=tcp://h:80", name),
            ("wéb=tcp://h:80", name),
            (
                "a=tcp://h:1, a=tcp://h:2",
                "two are named a: give each a name of its own",
            ),
            (
                "a=tcp://*:80",
                "write tcp://0.0.0.0:80 or tcp://[::]:80 for all addresses",
            ),
            (
                "a=tcp://:80",
                "write tcp://0.0.0.0:80 or tcp://[::]:80 for all addresses",
            ),
            ("a=tcp://::1:80", "write tcp://[::1]:80"),
            ("a=tcp://h", "write h:80 with the port"),
            ("a=tcp://h:0", address),
            ("a=tcp://h:65536", address),
            ("a=tcp://h:http", address),
            ("a=tcp://[1.2.3.4]:80", address),
            ("a=unix:run/a", "write unix:/run/a"),
        ] {
            assert_eq!(told(text), advice, "{text}");
        }
        let long = format!("a=unix:/{}", "x".repeat(107));
        assert!(told(&long).starts_with("AF_UNIX path too long: "));
        let many: Vec<String> = (0..65).map(|n| format!("s{n}=unix:/s{n}")).collect();
        assert_eq!(told(&many.join(",")), "they are 65, and 64 is the most");
        assert!(told(&many[1..].join(",")).starts_with("s1 /s1, "));
        assert_eq!(told(&format!("{}=unix:/a", "n".repeat(256))), name);
    }
}
