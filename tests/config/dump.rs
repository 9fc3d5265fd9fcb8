//! A configuration as text, the same that conformance/oracle_config.py prints.

use std::fmt::Write;

use pollvisor::config::document::Document;
use pollvisor::config::error::ConfigError;
use pollvisor::config::{
    Address, AutoRestart, Config, GroupKind, LogFile, MainLog, Output, Process, ResultHandler,
    Server,
};
use pollvisor::log_level::Level;
use pollvisor::text::pyrepr::repr;

/// What a start makes of a file.
pub fn evaluated(result: Result<Config, ConfigError>) -> String {
    match result {
        Ok(config) => dump(&config),
        Err(error) => format!("Error: {error}"),
    }
}

/// What the line reader makes of a file.
pub fn lines(bytes: &[u8], name: &str) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return format!("Error: {}", ConfigError::not_utf8(bytes, error)),
    };
    let mut document = Document::new();
    if let Err(error) = document.append(text, name) {
        return format!("Error: {error}");
    }
    let mut out = Vec::new();
    for section in document.sections() {
        out.push(format!("[{}]", repr(&section)));
        let mut keys = document.keys(&section);
        keys.sort();
        for key in keys {
            let value = document.get(&section, &key).unwrap().text;
            out.push(format!("{}={}", repr(&key), repr(&value)));
        }
    }
    out.join("\n")
}

fn text(value: &Option<String>) -> String {
    value.as_ref().map_or("None".to_owned(), |text| repr(text))
}

fn number<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or("None".to_owned(), |number| number.to_string())
}

fn octal(value: Option<u32>) -> String {
    value.map_or("None".to_owned(), |number| format!("{number:o}"))
}

fn environment(pairs: &[(String, String)]) -> String {
    let mut pairs = pairs.to_vec();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", repr(name), repr(value)))
        .collect();
    pairs.join(" ")
}

fn level(level: Level) -> i32 {
    match level {
        Level::Blather => 3,
        Level::Trace => 5,
        Level::Debug => 10,
        Level::Info => 20,
        Level::Warn => 30,
        Level::Error => 40,
        Level::Critical => 50,
    }
}

fn dump(config: &Config) -> String {
    let own = &config.supervisord;
    let logfile = match &own.logfile {
        MainLog::File(path) => path,
        MainLog::Syslog => "syslog",
    };
    let mut out = format!(
        "minfds {}\nminprocs {}\ndirectory {}\nuser {}\nlogfile {}\nlogfile_maxbytes {}\n\
         logfile_backups {}\nloglevel {}\npidfile {}\nidentifier {}\nchildlogdir {}\n\
         nodaemon {}\nsilent {}\nnocleanup {}\nstrip_ansi {}\numask {:o}\nenvironment {}\n",
        own.minfds,
        own.minprocs,
        text(&own.directory),
        text(&own.user),
        repr(logfile),
        own.logfile_maxbytes,
        own.logfile_backups,
        level(own.loglevel),
        text(&own.pidfile),
        repr(&own.identifier),
        repr(&own.childlogdir),
        own.nodaemon,
        own.silent,
        own.nocleanup,
        own.strip_ansi,
        own.umask,
        environment(&own.environment),
    );
    let (uid, gid) = config
        .user
        .map_or((None, None), |user| (user.uid, user.gid));
    let _ = writeln!(out, "become {} {}", number(uid), number(gid));
    for name in &config.rpcinterfaces {
        let _ = writeln!(out, "rpcinterface {}", repr(name));
    }
    for server in &config.servers {
        out.push_str(&server_line(server));
    }
    for group in &config.groups {
        let _ = writeln!(out, "group {} {}", repr(&group.name), group.priority);
        out.push_str(&kind_line(&group.kind));
        for process in &group.processes {
            out.push_str(&process_lines(process));
        }
    }
    // Lines that 4.3.0 does not have tell what it would do and this does not.
    let ours = ["is left out: ", "has more than one process named "];
    for line in &config.warnings {
        if !ours.iter().any(|part| line.contains(part)) {
            let _ = writeln!(out, "warning {line}");
        }
    }
    for line in &config.infos {
        let _ = writeln!(out, "info {line}");
    }
    out.trim_end_matches('\n').to_owned()
}

fn kind_line(kind: &GroupKind) -> String {
    match kind {
        GroupKind::Programs => String::new(),
        GroupKind::Listeners(pool) => {
            // 4.3.0 has no other handler than the default one by a name of its own.
            let handler = match &pool.result_handler {
                ResultHandler::Default => String::new(),
                handler => format!(" {handler:?}"),
            };
            let events = pool.events.join(",");
            format!("  pool {} {events}{handler}\n", pool.buffer_size)
        }
        GroupKind::FastCgi(socket) => {
            let (url, mode, owner) = match &socket.address {
                Address::Inet { host, port } => (format!("tcp://{host}:{port}"), None, None),
                Address::Unix { path, mode, owner } => {
                    (format!("unix://{path}"), Some(*mode), *owner)
                }
            };
            let (uid, gid) = owner.map_or((None, None), |owner| (owner.uid, owner.gid));
            format!(
                "  socket {} {} {} {} {}\n",
                repr(&url),
                number(socket.backlog),
                octal(mode),
                number(uid),
                number(gid)
            )
        }
    }
}

fn server_line(server: &Server) -> String {
    let address = match &server.address {
        Address::Inet { host, port } => format!("{} {port}", repr(host)),
        Address::Unix { path, mode, owner } => {
            let (uid, gid) = owner.map_or((None, None), |owner| (owner.uid, owner.gid));
            format!("{} {mode:o} {} {}", repr(path), number(uid), number(gid))
        }
    };
    let login = match &server.credentials {
        None => "open".to_owned(),
        Some(login) => format!("{} {}", repr(&login.username), repr(&login.password)),
    };
    format!("server {} {address} {login}\n", repr(&server.section))
}

fn process_lines(process: &Process) -> String {
    let autorestart = match process.autorestart {
        AutoRestart::Never => "false",
        AutoRestart::Always => "true",
        AutoRestart::Unexpected => "unexpected",
    };
    let codes: Vec<String> = process
        .exitcodes
        .iter()
        .map(|code| code.to_string())
        .collect();
    let mut out = String::new();
    let _ = writeln!(out, "  process {}", repr(&process.name));
    for (key, value) in [
        ("uid", number(process.uid)),
        ("command", repr(&process.command)),
        ("directory", text(&process.directory)),
        ("priority", process.priority.to_string()),
        ("autostart", process.autostart.to_string()),
        ("startsecs", process.startsecs.to_string()),
        ("startretries", process.startretries.to_string()),
        ("stopwaitsecs", process.stopwaitsecs.to_string()),
        ("stopasgroup", process.stopasgroup.to_string()),
        ("killasgroup", process.killasgroup.to_string()),
        ("redirect_stderr", process.redirect_stderr.to_string()),
        ("serverurl", text(&process.serverurl)),
        ("umask", octal(process.umask)),
        ("autorestart", autorestart.to_owned()),
        ("stopsignal", process.stopsignal.first.number().to_string()),
        ("exitcodes", codes.join(",")),
        ("environment", environment(&process.environment)),
        ("stdout", output(&process.stdout)),
        ("stderr", output(&process.stderr)),
    ] {
        let _ = writeln!(out, "    {key} {value}");
    }
    out
}

fn output(output: &Output) -> String {
    let logfile = match &output.logfile {
        LogFile::None => "None".to_owned(),
        LogFile::Auto => "AUTO".to_owned(),
        LogFile::Path(path) => repr(path),
    };
    format!(
        "{logfile} {} {} {} {} {}",
        output.logfile_maxbytes,
        output.logfile_backups,
        output.capture_maxbytes,
        output.events_enabled,
        output.syslog
    )
}
