//! The configuration as JSON, for `supervisord --dump-config`: everything
//! expanded, every default filled in, passwords hidden. Names are those of the
//! configuration file.

use std::time::Duration;

use super::limits::Limits;
use super::system::System;
use super::{
    Address, AutoRestart, Config, Credentials, FastCgiSocket, Group, GroupKind, LogFile, MainLog,
    Output, Pool, Process, ResultHandler, Server, Supervisord,
};
use crate::sort;
use crate::sys::user::Owner;
use crate::text::json::Json;

const HIDDEN: &str = "***";

/// The whole configuration. `system` knows the primary groups of users.
pub fn dump(config: &Config, system: &impl System) -> Json {
    let groups = config.groups.iter().zip(&config.sections);
    Json::object([
        ("supervisord", supervisord(config)),
        (
            "servers",
            Json::Array(config.servers.iter().map(server).collect()),
        ),
        (
            "groups",
            Json::Array(
                groups
                    .map(|(group, section)| dumped_group(group, section, system))
                    .collect(),
            ),
        ),
    ])
}

fn supervisord(config: &Config) -> Json {
    let own: &Supervisord = &config.supervisord;
    let logfile = match &own.logfile {
        MainLog::File(path) => path,
        MainLog::Syslog => "syslog",
    };
    Json::object([
        ("logfile", logfile.into()),
        ("logfile_maxbytes", own.logfile_maxbytes.into()),
        ("logfile_backups", own.logfile_backups.into()),
        ("loglevel", own.loglevel.name().into()),
        ("pidfile", own.pidfile.as_ref().into()),
        ("identifier", (&own.identifier).into()),
        ("childlogdir", (&own.childlogdir).into()),
        ("directory", own.directory.as_ref().into()),
        ("umask", octal(own.umask)),
        ("minfds", own.minfds.into()),
        ("minprocs", own.minprocs.into()),
        ("nodaemon", own.nodaemon.into()),
        ("silent", own.silent.into()),
        ("strip_ansi", own.strip_ansi.into()),
        ("nocleanup", own.nocleanup.into()),
        ("user", config.user.map_or(Json::Null, owner)),
        ("event_drain_timeout", own.event_drain_timeout.into()),
        ("second_signal", own.second_signal.name().into()),
        ("leftovers", own.leftovers.name().into()),
        ("environment", environment(&own.environment)),
    ])
}

fn server(server: &Server) -> Json {
    let (username, password) = match &server.credentials {
        None => (Json::Null, Json::Null),
        Some(Credentials { username, .. }) => (username.into(), HIDDEN.into()),
    };
    let mut members = vec![("section", Json::from(&server.section))];
    match &server.address {
        Address::Inet { host, port } => {
            members.extend([("host", host.into()), ("port", i64::from(*port).into())])
        }
        Address::Unix { path, mode, owner } => members.extend([
            ("file", path.into()),
            ("chmod", octal(*mode)),
            ("chown", owner.map_or(Json::Null, self::owner)),
        ]),
    }
    members.extend([
        ("username", username),
        ("password", password),
        (
            "require_authentication",
            server.require_authentication.into(),
        ),
    ]);
    if matches!(server.address, Address::Inet { .. }) {
        let names = server.allowed_hosts.iter().map(Json::from);
        members.push(("allowed_hosts", Json::Array(names.collect())));
    }
    members.extend(limits(&server.limits));
    members.push(("web_get_actions", server.web_get_actions.into()));
    object(members)
}

fn limits(limits: &Limits) -> [(&'static str, Json); 8] {
    let count = |number: usize| Json::from(number as i64);
    [
        ("header_maxbytes", count(limits.header)),
        (
            "unauthenticated_body_maxbytes",
            (limits.unauthenticated_body as i64).into(),
        ),
        ("body_maxbytes", (limits.body as i64).into()),
        ("xml_maxdepth", count(limits.depth)),
        ("multicall_maxcalls", count(limits.calls)),
        ("max_connections", count(limits.connections)),
        ("idle_timeout", (limits.idle.as_secs() as i64).into()),
        ("request_timeout", (limits.request.as_secs() as i64).into()),
    ]
}

fn dumped_group(group: &Group, section: &str, system: &impl System) -> Json {
    let kind = section.split(':').next().unwrap_or_default();
    let mut members = vec![
        ("name", Json::from(&group.name)),
        ("section", section.into()),
        ("type", kind.into()),
        ("priority", group.priority.into()),
    ];
    match &group.kind {
        GroupKind::Programs => {}
        GroupKind::Listeners(pool) => members.extend(dumped_pool(pool)),
        GroupKind::FastCgi(socket) => members.extend(dumped_socket(socket)),
    }
    let processes = group.processes.iter();
    members.push((
        "processes",
        Json::Array(
            processes
                .map(|process| dumped_process(process, system))
                .collect(),
        ),
    ));
    object(members)
}

fn dumped_pool(pool: &Pool) -> [(&'static str, Json); 8] {
    let handler = match &pool.result_handler {
        ResultHandler::Default => "default".to_owned(),
        ResultHandler::Store => "store".to_owned(),
        ResultHandler::Exec(command) => format!("exec:{}", &**command),
    };
    [
        ("buffer_size", pool.buffer_size.into()),
        (
            "events",
            Json::Array(pool.events.iter().map(Json::from).collect()),
        ),
        ("result_handler", Json::String(handler)),
        ("event_max_retry", pool.event_max_retry.into()),
        ("handler_timeout", pool.handler_timeout.into()),
        ("monitor_interval", pool.monitor_interval.into()),
        ("payload_length", pool.payload_length.name().into()),
        ("busy_warning", duration(pool.busy_warning)),
    ]
}

fn dumped_socket(socket: &FastCgiSocket) -> [(&'static str, Json); 4] {
    let (mode, owner) = match &socket.address {
        Address::Inet { .. } => (Json::Null, Json::Null),
        Address::Unix { mode, owner, .. } => (octal(*mode), owner.map_or(Json::Null, self::owner)),
    };
    [
        ("socket", Json::String(socket.address.url())),
        ("socket_backlog", socket.backlog.into()),
        ("socket_mode", mode),
        ("socket_owner", owner),
    ]
}

fn dumped_process(process: &Process, system: &impl System) -> Json {
    let user = process.uid.map(|uid| {
        owner(Owner {
            uid: Some(uid),
            gid: process.gid.or_else(|| system.gid_of_uid(uid)),
        })
    });
    let autorestart = match process.autorestart {
        AutoRestart::Never => false.into(),
        AutoRestart::Always => true.into(),
        AutoRestart::Unexpected => "unexpected".into(),
    };
    let mut exitcodes = process.exitcodes.clone();
    sort::by(&mut exitcodes, Ord::cmp);
    let exitcodes = exitcodes.into_iter().map(|code| i64::from(code).into());
    let stopsignal = match process.stopsignal.short_name() {
        Some(name) => name.into(),
        None => i64::from(process.stopsignal.number()).into(),
    };
    let mut members = vec![
        ("name", Json::from(&process.name)),
        ("command", (&*process.command).into()),
        ("process_name", (&process.name).into()),
        ("numprocs", process.numbering.numprocs.into()),
        ("numprocs_start", process.numbering.numprocs_start.into()),
        ("directory", process.directory.as_ref().into()),
        ("umask", process.umask.map_or(Json::Null, octal)),
        ("priority", process.priority.into()),
        ("autostart", process.autostart.into()),
        ("autorestart", autorestart),
        ("startsecs", process.startsecs.into()),
        ("startretries", process.startretries.into()),
        ("exitcodes", Json::Array(exitcodes.collect())),
        ("stopsignal", stopsignal),
        ("stopwaitsecs", process.stopwaitsecs.into()),
        ("stopasgroup", process.stopasgroup.into()),
        ("killasgroup", process.killasgroup.into()),
        ("user", user.into()),
        ("uid", process.uid.into()),
        ("redirect_stderr", process.redirect_stderr.into()),
    ];
    let [logfile, maxbytes, backups, capture, events, syslog] = output(&process.stdout);
    members.extend([
        ("stdout_logfile", logfile),
        ("stdout_logfile_maxbytes", maxbytes),
        ("stdout_logfile_backups", backups),
        ("stdout_capture_maxbytes", capture),
        ("stdout_events_enabled", events),
        ("stdout_syslog", syslog),
    ]);
    let [logfile, maxbytes, backups, capture, events, syslog] = output(&process.stderr);
    members.extend([
        ("stderr_logfile", logfile),
        ("stderr_logfile_maxbytes", maxbytes),
        ("stderr_logfile_backups", backups),
        ("stderr_capture_maxbytes", capture),
        ("stderr_events_enabled", events),
        ("stderr_syslog", syslog),
        ("environment", environment(&process.environment)),
        ("serverurl", process.serverurl.as_ref().into()),
    ]);
    members.extend(process.socket.iter().flat_map(dumped_socket));
    object(members)
}

/// In the order of the keys above.
fn output(output: &Output) -> [Json; 6] {
    [
        match &output.logfile {
            LogFile::None => Json::Null,
            LogFile::Auto => "AUTO".into(),
            LogFile::Path(path) => path.into(),
        },
        output.logfile_maxbytes.into(),
        output.logfile_backups.into(),
        output.capture_maxbytes.into(),
        output.events_enabled.into(),
        output.syslog.into(),
    ]
}

fn owner(owner: Owner) -> Json {
    Json::object([("uid", owner.uid.into()), ("gid", owner.gid.into())])
}

/// Seconds; where they are no whole ones, as it can be written.
fn duration(duration: Duration) -> Json {
    match duration.subsec_millis() {
        0 => i64::try_from(duration.as_secs()).unwrap_or(i64::MAX).into(),
        _ => Json::String(format!("{}ms", duration.as_millis())),
    }
}

fn octal(mode: u32) -> Json {
    Json::String(format!("{mode:03o}"))
}

fn environment(pairs: &[(String, String)]) -> Json {
    let pairs = pairs.iter();
    Json::Object(
        pairs
            .map(|(name, value)| (name.clone(), value.into()))
            .collect(),
    )
}

fn object(members: Vec<(&str, Json)>) -> Json {
    let members = members.into_iter();
    Json::Object(
        members
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}
