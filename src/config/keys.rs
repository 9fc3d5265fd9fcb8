//! The keys that each kind of section has, as data: for manual pages, checks
//! and anybody who wants to know whether a key is a slip of the pen.
//!
//! Types have the names that supervisord.conf(5) explains under TYPES.

/// A key of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// As written in the file.
    pub name: &'static str,
    /// The grammar of its value, by the name in supervisord.conf(5).
    pub grammar: &'static str,
    /// What holds where the key is missing.
    pub fallback: Fallback,
    /// Whether it means something else than in Supervisor 4.3.0, or more.
    pub changed: bool,
}

/// What holds where a key is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The section is wrong without it.
    Required,
    /// Nothing.
    Nothing,
    /// This value, as it could be written.
    Value(&'static str),
    /// What is found out in this manner.
    Derived(&'static str),
}

use Fallback::{Derived, Nothing, Required, Value};

const fn key(name: &'static str, grammar: &'static str, fallback: Fallback) -> Key {
    Key {
        name,
        grammar,
        fallback,
        changed: false,
    }
}

const fn changed(name: &'static str, grammar: &'static str, fallback: Fallback) -> Key {
    Key {
        name,
        grammar,
        fallback,
        changed: true,
    }
}

/// A kind of section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name of such a section, or how it begins.
    pub name: &'static str,
    /// Whether anything may follow the name.
    pub is_prefix: bool,
    /// Its own keys.
    pub keys: &'static [Key],
    /// The keys that it has besides, with other kinds: those of programs or of servers.
    pub shared: &'static [Key],
}

const fn kind(name: &'static str, is_prefix: bool, keys: &'static [Key]) -> Kind {
    Kind {
        name,
        is_prefix,
        keys,
        shared: &[],
    }
}

const fn server(name: &'static str, keys: &'static [Key]) -> Kind {
    Kind {
        name,
        is_prefix: true,
        keys,
        shared: SERVER,
    }
}

const fn program(name: &'static str, keys: &'static [Key]) -> Kind {
    Kind {
        name,
        is_prefix: true,
        keys,
        shared: PROGRAM,
    }
}

/// The kinds of sections that are read.
pub const KINDS: &[Kind] = &[
    kind("supervisord", false, SUPERVISORD),
    server("unix_http_server", UNIX_HTTP_SERVER),
    server("inet_http_server", INET_HTTP_SERVER),
    kind("supervisorctl", false, SUPERVISORCTL),
    kind("include", false, &[key("files", "patterns", Required)]),
    kind("group:", true, GROUP),
    program("program:", &[]),
    program("eventlistener:", EVENTLISTENER),
    program("fcgi-program:", FCGI_PROGRAM),
    kind("rpcinterface:", true, RPCINTERFACE),
    kind("ctlplugin:", true, CTLPLUGIN),
];

/// The keys of `[supervisord]`.
const SUPERVISORD: &[Key] = &[
    changed("minfds", "integer", Value("1024")),
    changed("minprocs", "integer", Value("200")),
    key("directory", "path", Nothing),
    changed("user", "user[:group]", Nothing),
    key("umask", "octal", Value("022")),
    changed("logfile", "path", Value("supervisord.log")),
    changed("logfile_maxbytes", "bytes", Value("50MB")),
    changed("logfile_backups", "integer", Value("10")),
    key("loglevel", "level", Value("info")),
    changed("pidfile", "path", Value("supervisord.pid")),
    changed("identifier", "text", Value("supervisor")),
    key("nodaemon", "boolean", Value("false")),
    key("silent", "boolean", Value("false")),
    changed(
        "childlogdir",
        "path",
        Derived("the directory for temporary files"),
    ),
    changed("nocleanup", "boolean", Value("false")),
    changed("strip_ansi", "boolean", Value("false")),
    changed("event_drain_timeout", "integer", Value("2")),
    changed("second_signal", "ignore|kill", Value("ignore")),
    changed("leftovers", "warn|kill|ignore", Value("warn")),
    key("environment", "pairs", Nothing),
];

/// The keys of both kinds of servers.
const SERVER: &[Key] = &[
    changed("username", "text", Nothing),
    changed("password", "text", Nothing),
    changed("require_authentication", "boolean", Value("false")),
    changed("header_maxbytes", "bytes", Value("64KB")),
    changed("unauthenticated_body_maxbytes", "bytes", Value("2MB")),
    changed("body_maxbytes", "bytes", Value("16MB")),
    changed("xml_maxdepth", "integer", Value("256")),
    changed("multicall_maxcalls", "integer", Value("4096")),
    changed("max_connections", "integer", Value("128")),
    changed("idle_timeout", "integer", Value("1800")),
    changed("request_timeout", "integer", Value("60")),
    changed("web_get_actions", "boolean", Value("false")),
];

/// The keys of `[unix_http_server]`, beside those of every server.
const UNIX_HTTP_SERVER: &[Key] = &[
    changed("file", "path", Required),
    changed("chmod", "octal", Value("0700")),
    changed("chown", "user[:group]", Nothing),
];

/// The keys of `[inet_http_server]`, beside those of every server.
const INET_HTTP_SERVER: &[Key] = &[
    changed("port", "[host:]port", Required),
    changed("allowed_hosts", "list", Nothing),
];

/// The keys of `[supervisorctl]`.
const SUPERVISORCTL: &[Key] = &[
    changed("serverurl", "url", Value("http://localhost:9001")),
    key("username", "text", Nothing),
    key("password", "text", Nothing),
    key("prompt", "text", Value("supervisor")),
    key("history_file", "path", Nothing),
];

/// The keys of `[group:x]`.
const GROUP: &[Key] = &[
    changed("programs", "list", Nothing),
    key("priority", "integer", Value("999")),
];

/// The keys of `[program:x]`.
pub const PROGRAM: &[Key] = &[
    changed("command", "command", Required),
    key("process_name", "text", Value("%(program_name)s")),
    changed("numprocs", "integer", Value("1")),
    key("numprocs_start", "integer", Value("0")),
    key("directory", "text", Nothing),
    key("umask", "octal", Derived("the umask of supervisord")),
    key("priority", "integer", Value("999")),
    key("autostart", "boolean", Value("true")),
    changed("autorestart", "boolean|unexpected", Value("unexpected")),
    changed("startsecs", "integer", Value("1")),
    key("startretries", "integer", Value("3")),
    key("exitcodes", "list", Value("0")),
    changed("stopsignal", "signal", Value("TERM")),
    changed("stopwaitsecs", "integer", Value("10")),
    key("stopasgroup", "boolean", Value("false")),
    key("killasgroup", "boolean", Derived("as stopasgroup")),
    changed("user", "user[:group]", Nothing),
    key("redirect_stderr", "boolean", Value("false")),
    changed("stdout_logfile", "path|AUTO|NONE", Value("AUTO")),
    changed("stdout_logfile_maxbytes", "bytes", Value("50MB")),
    changed("stdout_logfile_backups", "integer", Value("10")),
    changed("stdout_capture_maxbytes", "bytes", Value("0")),
    key("stdout_events_enabled", "boolean", Value("false")),
    changed("stdout_syslog", "boolean", Value("false")),
    changed("stderr_logfile", "path|AUTO|NONE", Value("AUTO")),
    changed("stderr_logfile_maxbytes", "bytes", Value("50MB")),
    changed("stderr_logfile_backups", "integer", Value("10")),
    changed("stderr_capture_maxbytes", "bytes", Value("0")),
    key("stderr_events_enabled", "boolean", Value("false")),
    changed("stderr_syslog", "boolean", Value("false")),
    key("environment", "pairs", Nothing),
    key("serverurl", "text", Value("AUTO")),
];

/// The keys of `[eventlistener:x]`, beside those of a program.
const EVENTLISTENER: &[Key] = &[
    changed("events", "list", Required),
    changed("buffer_size", "integer", Value("10")),
    changed("result_handler", "handler", Value("default")),
    changed("handler", "handler", Value("default")),
    changed("handler_timeout", "integer", Value("10")),
    changed("event_max_retry", "integer", Value("0")),
    changed("monitor_interval", "integer", Value("60")),
    changed("payload_length", "characters|bytes", Value("characters")),
    changed("busy_warning", "duration", Value("30")),
];

/// The keys of `[fcgi-program:x]`, beside those of a program.
const FCGI_PROGRAM: &[Key] = &[
    changed("socket", "url", Required),
    changed("socket_backlog", "integer", Derived("4096")),
    changed(
        "socket_owner",
        "user[:group]",
        Derived("the user of the program"),
    ),
    changed("socket_mode", "octal", Value("0700")),
];

/// The keys of `[rpcinterface:x]`.
const RPCINTERFACE: &[Key] = &[
    changed("supervisor.rpcinterface_factory", "name", Required),
    changed("wrap_multicall", "boolean", Value("false")),
];

/// The keys of `[ctlplugin:x]`.
const CTLPLUGIN: &[Key] = &[changed("supervisor.ctl_factory", "name", Required)];

/// The kind of the section of that name, if sections of that name are read.
pub fn kind_of(section: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| match kind.is_prefix {
        true => section.starts_with(kind.name),
        false => section == kind.name,
    })
}

impl Kind {
    /// All keys, its own first.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().chain(self.shared)
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
