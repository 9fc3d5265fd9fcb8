//! The keys that each kind of section has, as data: for manual pages, checks
//! and anybody who wants to know whether a key is a slip of the pen.

/// A kind of section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name of such a section, or how it begins.
    pub name: &'static str,
    /// Whether anything may follow the name.
    pub is_prefix: bool,
    /// Its own keys.
    pub keys: &'static [&'static str],
    /// Whether it has the keys of a program besides.
    pub is_program: bool,
}

const fn kind(name: &'static str, is_prefix: bool, keys: &'static [&'static str]) -> Kind {
    Kind {
        name,
        is_prefix,
        keys,
        is_program: false,
    }
}

const fn program(name: &'static str, keys: &'static [&'static str]) -> Kind {
    Kind {
        name,
        is_prefix: true,
        keys,
        is_program: true,
    }
}

/// The kinds of sections that are read.
pub const KINDS: &[Kind] = &[
    kind("supervisord", false, SUPERVISORD),
    kind(
        "unix_http_server",
        true,
        &["file", "chmod", "chown", "username", "password"],
    ),
    kind("inet_http_server", true, &["port", "username", "password"]),
    kind(
        "supervisorctl",
        false,
        &[
            "serverurl",
            "username",
            "password",
            "prompt",
            "history_file",
        ],
    ),
    kind("include", false, &["files"]),
    kind("group:", true, &["programs", "priority"]),
    program("program:", &[]),
    program(
        "eventlistener:",
        &["events", "buffer_size", "result_handler"],
    ),
    program(
        "fcgi-program:",
        &["socket", "socket_backlog", "socket_owner", "socket_mode"],
    ),
    kind("rpcinterface:", true, &["supervisor.rpcinterface_factory"]),
    kind("ctlplugin:", true, &["supervisor.ctl_factory"]),
];

/// The keys of `[supervisord]`.
pub const SUPERVISORD: &[&str] = &[
    "minfds",
    "minprocs",
    "directory",
    "user",
    "umask",
    "logfile",
    "logfile_maxbytes",
    "logfile_backups",
    "loglevel",
    "pidfile",
    "identifier",
    "nodaemon",
    "silent",
    "childlogdir",
    "nocleanup",
    "strip_ansi",
    "environment",
];

/// The keys of `[program:x]`.
pub const PROGRAM: &[&str] = &[
    "command",
    "process_name",
    "numprocs",
    "numprocs_start",
    "directory",
    "umask",
    "priority",
    "autostart",
    "autorestart",
    "startsecs",
    "startretries",
    "exitcodes",
    "stopsignal",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "user",
    "redirect_stderr",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_syslog",
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_syslog",
    "environment",
    "serverurl",
];

/// The kind of the section of that name, if sections of that name are read.
pub fn kind_of(section: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| match kind.is_prefix {
        true => section.starts_with(kind.name),
        false => section == kind.name,
    })
}

impl Kind {
    /// All keys, a program's among them where it has these.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static str> {
        let shared = if self.is_program { PROGRAM } else { &[] };
        self.keys.iter().chain(shared).copied()
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
        let keys: Vec<&str> = kind_of("eventlistener:l").unwrap().all_keys().collect();
        assert!(keys.contains(&"events") && keys.contains(&"command"));
        assert!(
            !kind_of("group:g")
                .unwrap()
                .all_keys()
                .any(|key| key == "command")
        );
    }
}
