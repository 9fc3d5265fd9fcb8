//! Sockets of programs on which supervisord cannot listen, as far as that can be known now: it
//! is tried, and nobody can connect meanwhile.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use super::Looker;
use crate::config::paths::dirname;
use crate::config::{Address, Group, Origin, sockets};
use crate::http::listener;
use crate::sys::socket_file::{self, Occupant};
use crate::sys::{errno, host, lock, socket};

const KEY: &str = "sockets";

/// Where Linux tells from which port on everybody may listen.
const UNPRIVILEGED: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

impl Looker<'_> {
    pub(super) fn sockets(&mut self, group: &Group, origin: &Origin) {
        for (process, own) in sockets::of_group(group) {
            let section = origin.section_of(process);
            for named in &own.0 {
                let address = &named.socket.address;
                let wrong = match address {
                    Address::Inet { host, port } => self.tcp(host, *port, address, section),
                    Address::Unix { path, .. } => self.unix(path, address, section),
                };
                if let Some(wrong) = wrong {
                    let text = format!("{}: {wrong}, so it cannot start", named.name);
                    self.warn(section, KEY, text);
                }
            }
        }
    }

    /// An address, unless it may be a secret.
    fn named(&self, section: &str, address: &Address) -> String {
        let written = self.document.get(section, KEY);
        match written.is_some_and(|written| written.text.contains("%(ENV_")) {
            true => "its address".to_owned(),
            false => address.url(),
        }
    }

    fn tcp(&self, host: &str, port: u16, address: &Address, section: &str) -> Option<String> {
        let named = self.named(section, address);
        let Ok(ip) = host::resolve(host) else {
            return Some(format!("nobody knows the host of {named}"));
        };
        let user = self.config.user.and_then(|user| user.uid);
        let uid = user.unwrap_or_else(|| self.system.uid());
        let error = socket::try_tcp(SocketAddr::new(ip, port)).err();
        let is_refused = error.as_ref().is_some_and(is(libc::EACCES));
        if uid != 0 && (is_refused || user.is_some() && port < first_for_all()) {
            return Some(format!("only root may listen on {named}"));
        }
        match error? {
            error if is(libc::EADDRINUSE)(&error) => self.in_use(&named, address),
            error if is(libc::EADDRNOTAVAIL)(&error) => {
                Some(format!("this machine does not have the address of {named}"))
            }
            error => Some(format!(
                "cannot listen on {named}: {}",
                errno::reason(&error)
            )),
        }
    }

    fn unix(&self, path: &str, address: &Address, section: &str) -> Option<String> {
        let named = self.named(section, address);
        if !self.system.is_directory(dirname(path)) {
            return Some(format!("there is no directory for {named}"));
        }
        match socket_file::occupant(path) {
            Occupant::Nobody => None,
            Occupant::Other => Some(format!("{named} is there and no socket")),
            Occupant::Socket => match socket::probe_unix(path) {
                Ok(socket::Probe::Alive) => self.in_use(&named, address),
                _ => None,
            },
        }
    }

    /// Somebody listens there. It may be the supervisord that has this configuration.
    fn in_use(&self, named: &str, address: &Address) -> Option<String> {
        let pidfile = self.config.supervisord.pidfile.as_deref();
        let is_running = pidfile.is_some_and(|path| match File::open(path) {
            Ok(file) => lock::is_held(file.as_fd()).unwrap_or(true),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        });
        (!is_running).then(|| format!("{named} is in use by {}", listener::who_listens(address)))
    }
}

fn is(errno: i32) -> impl Fn(&io::Error) -> bool {
    move |error| error.raw_os_error() == Some(errno)
}

fn first_for_all() -> u16 {
    let text = fs::read_to_string(UNPRIVILEGED);
    let number = text.ok().and_then(|text| text.trim().parse().ok());
    number.unwrap_or(1024)
}
