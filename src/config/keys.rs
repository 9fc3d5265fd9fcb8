//! The kinds of sections and the keys that each has: for manual pages, checks
//! and anybody who wants to know whether a key is a slip of the pen. The keys stand
//! with what reads them.

use super::document::PROGRAM_DEFAULT;
use super::key::{Fallback, Key, key};
use super::{fcgi, group, limits, listener, monitoring, program, rpcinterface, server};
use super::{supervisorctl, supervisord};

#[derive(Clone, Copy, Debug)]
pub struct SectionKind {
    /// The name of such a section, or how it begins.
    pub name: &'static str,
    /// Whether anything may follow the name.
    pub is_prefix: bool,
    own: &'static [&'static [Key]],
    /// The keys that it has besides, with other kinds: those of programs or of servers.
    shared: &'static [&'static [Key]],
}

const fn kind(name: &'static str, is_prefix: bool, own: &'static [&'static [Key]]) -> SectionKind {
    SectionKind {
        name,
        is_prefix,
        own,
        shared: &[],
    }
}

const fn server(name: &'static str, own: &'static [&'static [Key]]) -> SectionKind {
    SectionKind {
        shared: &[
            server::KEYS,
            &limits::Limits::KEYS,
            &monitoring::Monitoring::KEYS,
        ],
        ..kind(name, true, own)
    }
}

const fn program(name: &'static str, own: &'static [&'static [Key]]) -> SectionKind {
    SectionKind {
        shared: program::KEYS,
        ..kind(name, true, own)
    }
}

pub const KINDS: &[SectionKind] = &[
    kind("supervisord", false, supervisord::KEYS),
    server("unix_http_server", &[server::UNIX_KEYS]),
    server("inet_http_server", &[server::INET_KEYS]),
    kind("supervisorctl", false, &[supervisorctl::KEYS]),
    kind(
        "include",
        false,
        &[&[key("files", "patterns", Fallback::Required)]],
    ),
    kind("group:", true, &[group::KEYS]),
    SectionKind {
        is_prefix: false,
        ..program(PROGRAM_DEFAULT, &[fcgi::KEYS])
    },
    program("program:", &[]),
    program("eventlistener:", listener::KEYS),
    program("fcgi-program:", &[fcgi::KEYS]),
    kind("rpcinterface:", true, &[rpcinterface::KEYS]),
    kind("ctlplugin:", true, &[supervisorctl::PLUGIN_KEYS]),
];

/// The kind of the section of that name, if sections of that name are read.
pub fn kind_of(section: &str) -> Option<&'static SectionKind> {
    KINDS.iter().find(|kind| match kind.is_prefix {
        true => section.starts_with(kind.name),
        false => section == kind.name,
    })
}

impl SectionKind {
    /// The keys that no other kind has.
    pub fn own_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.own.iter().copied().flatten()
    }

    /// The keys that it has with other kinds.
    pub fn shared_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.shared.iter().copied().flatten()
    }

    /// All keys, its own first.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.own_keys().chain(self.shared_keys())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_recognised_by_name_or_prefix() {
        for (section, expected) in [
            ("supervisord", Some("supervisord")),
            ("supervisord2", None),
            ("unix_http_server:2", Some("unix_http_server")),
            ("inet_http_serverx", Some("inet_http_server")),
            ("program:", Some("program:")),
            ("program", None),
            ("Program:a", None),
        ] {
            assert_eq!(
                kind_of(section).map(|kind| kind.name),
                expected,
                "{section}"
            );
        }
    }

    #[test]
    fn listeners_have_the_keys_of_programs() {
        let keys: Vec<&str> = kind_of("eventlistener:l")
            .unwrap()
            .all_keys()
            .map(|key| key.name)
            .collect();
        assert!(keys.contains(&"events") && keys.contains(&"command"));
        assert!(
            !kind_of("group:g")
                .unwrap()
                .all_keys()
                .any(|key| key.name == "command")
        );
    }
}
