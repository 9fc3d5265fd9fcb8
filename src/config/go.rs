//! What the supervisord that is written in Go reads and this one does not, with what
//! does its work here. Keys that both have stand with all others.

/// Nothing here watches files.
const RESTARTED: &str = "nothing watches files here, so let what replaces them run \
                         supervisorctl restart NAME";
const SIGNALLED: &str = "nothing watches files here, so let what replaces them run \
                         supervisorctl signal SIGNAL NAME";
const COMMANDED: &str = "nothing watches files here, so let what replaces them run the command";

/// Keys and what is said of them.
const KEYS: &[(&str, &str)] = &[
    ("restart_when_binary_changed", RESTARTED),
    ("restart_cmd_when_binary_changed", COMMANDED),
    ("restart_signal_when_binary_changed", SIGNALLED),
    ("restart_directory_monitor", RESTARTED),
    ("restart_file_pattern", RESTARTED),
    ("restart_cmd_when_file_changed", COMMANDED),
    ("restart_signal_when_file_changed", SIGNALLED),
    (
        "killwaitsecs",
        "supervisord waits for the end after SIGKILL as long as it takes, so leave it out",
    ),
    (
        "nodename",
        "identifier in [supervisord] names this instance",
    ),
    (
        "remotes",
        "the web page shows the programs of one supervisord, so open that of each",
    ),
];

/// Those keys, for who tells of them.
pub fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(name, _)| *name)
}

/// What to do without a key, if it is one of those.
pub fn advice(key: &str) -> Option<&'static str> {
    let mut keys = KEYS.iter();
    let found = keys.find(|(name, _)| *name == key);
    found.map(|(_, advice)| *advice)
}

/// Whether a log file's value names a syslog server elsewhere, as that one writes it.
pub fn is_remote_syslog(key: &str, value: &str) -> bool {
    let target = value.strip_prefix("syslog").unwrap_or_default();
    matches!(key, "stdout_logfile" | "stderr_logfile") && target.trim_start().starts_with('@')
}
