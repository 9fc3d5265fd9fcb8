//! The configuration as JSON, for `supervisord --dump-config`: everything
//! expanded, every default filled in, passwords hidden. Names are those of the
//! configuration file.

use super::checks::Checks;
use super::delivery::{self, Shape};
use super::dependencies::Dependencies;
use super::hooks::Hooks;
use super::job::Job;
use super::keeping::{self, FileKeeping, Keeping};
use super::output::{STDERR, STDOUT};
use super::policy::Policy;
use super::resources::Resources;
use super::settings::Setting;
use super::system::System;
use super::variables::Variables;
use super::{
    Address, Config, Credentials, FastCgiSocket, Group, GroupKind, LogFile, NamedSocket, Output,
    Process, Server, Sockets,
};
use crate::sort;
use crate::sys::user::Owner;
use crate::text::json::Json;

const HIDDEN: &str = "***";

pub type Members = Vec<(&'static str, Json)>;

/// The whole configuration. `system` knows the primary groups of users.
pub fn dump(config: &Config, system: &dyn System) -> Json {
    let groups = config.groups.iter().zip(&config.origins);
    let groups = groups.map(|(group, origin)| dumped_group(group, &origin.section, system));
    Json::object([
        ("supervisord", supervisord(config)),
        (
            "servers",
            Json::Array(config.servers.iter().map(server).collect()),
        ),
        ("groups", Json::Array(groups.collect())),
    ])
}

/// Tables have their keys in the order of reading. Of those that 4.3.0 has some are
/// dumped in another one: these first, in this order.
fn with_first(mut members: Members, first: &str) -> Members {
    let place = |key: &str| first.split(' ').position(|other| other == key);
    let place = |key: &str| place(key).unwrap_or(usize::MAX);
    sort::by(&mut members, |(a, _), (b, _)| place(a).cmp(&place(b)));
    members
}

fn supervisord(config: &Config) -> Json {
    let own = &config.supervisord;
    let mut members = with_first(
        own.dumped(),
        "logfile logfile_maxbytes logfile_backups loglevel pidfile identifier childlogdir \
         directory umask minfds minprocs nodaemon silent strip_ansi nocleanup user",
    );
    if let Some((_, user)) = members.iter_mut().find(|(key, _)| *key == "user") {
        *user = config.user.map(owner).into();
    }
    let files = own.logfile_keeping.as_deref();
    members.extend(FileKeeping::dumped(files, &keeping::MAIN_LOG));
    members.push(("environment", environment(&own.environment)));
    Json::object(members)
}

fn server(server: &Server) -> Json {
    let mut members = vec![("section", Json::from(&server.section))];
    match &server.address {
        Address::Inet { host, port } => {
            members.extend([("host", host.into()), ("port", i64::from(*port).into())])
        }
        Address::Unix { path, mode, owner } => members.extend([
            ("file", path.into()),
            ("chmod", mode.dumped()),
            ("chown", owner.map(self::owner).into()),
        ]),
    }
    members.extend([
        ("username", username(&server.credentials)),
        ("password", password(&server.credentials)),
        ("readonly", server.readonly.into()),
        ("readonly_username", username(&server.readonly_credentials)),
        ("readonly_password", password(&server.readonly_credentials)),
        (
            "require_authentication",
            server.require_authentication.into(),
        ),
    ]);
    if matches!(server.address, Address::Inet { .. }) {
        members.push(("allowed_hosts", server.allowed_hosts.dumped()));
    }
    members.extend(server.limits.dumped());
    members.push(("web_get_actions", server.web_get_actions.into()));
    members.extend(server.monitoring.dumped());
    Json::object(members)
}

fn username(credentials: &Option<Credentials>) -> Json {
    let username = credentials
        .as_ref()
        .map(|credentials| &credentials.username);
    username.into()
}

fn password(credentials: &Option<Credentials>) -> Json {
    match credentials {
        None => Json::Null,
        Some(_) => HIDDEN.into(),
    }
}

fn dumped_group(group: &Group, section: &str, system: &dyn System) -> Json {
    let kind = section.split(':').next().unwrap_or_default();
    let mut members = vec![
        ("name", Json::from(&group.name)),
        ("section", section.into()),
        ("type", kind.into()),
        ("priority", group.priority.into()),
    ];
    match &group.kind {
        GroupKind::Programs => {}
        GroupKind::Listeners(pool) => {
            members.extend(with_first(pool.dumped(), "buffer_size events"));
        }
        GroupKind::FastCgi(socket) => members.extend(dumped_socket(socket)),
    }
    let processes = group.processes.iter();
    let processes = processes.map(|process| dumped_process(process, system));
    members.push(("processes", Json::Array(processes.collect())));
    Json::object(members)
}

pub fn dumped_socket(socket: &FastCgiSocket) -> [(&'static str, Json); 4] {
    let (mode, owner) = match &socket.address {
        Address::Inet { .. } => (Json::Null, Json::Null),
        Address::Unix { mode, owner, .. } => (mode.dumped(), owner.map(self::owner).into()),
    };
    [
        ("socket", Json::String(socket.address.url())),
        ("socket_backlog", socket.backlog.into()),
        ("socket_mode", mode),
        ("socket_owner", owner),
    ]
}

/// A program's own sockets, and that of a FastCGI program; both have the same mode and owner.
fn dumped_sockets(process: &Process) -> Members {
    let own = process.sockets.as_deref();
    let texts = own.into_iter().flat_map(Sockets::texts);
    let mut members = vec![("sockets", Json::Array(texts.map(Json::String).collect()))];
    match (&process.socket, own) {
        (Some(socket), _) => members.extend(dumped_socket(socket)),
        (None, Some(Sockets(all))) => {
            let is_unix =
                |named: &&NamedSocket| matches!(named.socket.address, Address::Unix { .. });
            let told = all.iter().find(is_unix).or(all.first());
            let told = told
                .into_iter()
                .flat_map(|named| dumped_socket(&named.socket));
            members.extend(told.skip(1));
        }
        (None, None) => {}
    }
    members
}

fn dumped_process(process: &Process, system: &dyn System) -> Json {
    let primary = process.uid.and_then(|uid| system.gid_of_uid(uid));
    Json::object(members_of(process, process.gid.or(primary)))
}

/// What a dump tells of a process whose user has that group.
pub fn members_of(process: &Process, gid: Option<u32>) -> Members {
    let user = process.uid.map(|uid| {
        owner(Owner {
            uid: Some(uid),
            gid,
        })
    });
    let mut members = vec![
        ("name", Json::from(&process.name)),
        ("command", (&*process.command).into()),
        ("process_name", (&process.name).into()),
        ("numprocs", i64::from(process.numbering.numprocs).into()),
        ("numprocs_start", process.numbering.numprocs_start.into()),
        ("directory", process.directory.as_ref().into()),
        ("umask", process.umask.dumped()),
    ];
    members.extend(with_first(
        process.dumped(),
        "priority autostart autorestart startsecs startretries exitcodes",
    ));
    members.extend(Policy::dumped_or_default(process.policy.as_deref()));
    members.extend(Job::dumped_or_default(process.job.as_deref()));
    members.extend(Dependencies::dumped_or_default(
        process.dependencies.as_deref(),
    ));
    members.extend(Checks::dumped_or_default(process.checks.as_deref()));
    members.push(("kill_mode", process.kill_mode.dumped()));
    members.extend(Resources::dumped_or_default(process.resources.as_deref()));
    members.extend([
        ("user", user.into()),
        ("uid", process.uid.into()),
        ("redirect_stderr", process.redirect_stderr.into()),
    ]);
    let rights = process.rights.as_deref().cloned().unwrap_or_default();
    members.extend(rights.all_dumped());
    let delivery = process.delivery.as_deref().cloned().unwrap_or_default();
    for (keys, output, shape) in [
        (STDOUT, &process.stdout, &delivery.stdout),
        (STDERR, &process.stderr, &delivery.stderr),
    ] {
        let values = dumped_output(output, shape);
        members.extend(keys.map(|key| key.name).into_iter().zip(values));
    }
    for (keys, shape) in [
        (delivery::STDOUT, &delivery.stdout),
        (delivery::STDERR, &delivery.stderr),
    ] {
        members.extend(keys.map(|key| key.name).into_iter().zip(shape.dumped()));
    }
    members.extend(delivery.syslog.dumped());
    for (keys, output) in [
        (keeping::STDOUT, &process.stdout),
        (keeping::STDERR, &process.stderr),
    ] {
        members.extend(Keeping::dumped(output.keeping.as_deref(), &keys));
    }
    members.extend([
        ("environment", environment(&process.environment)),
        ("serverurl", process.serverurl.as_ref().into()),
    ]);
    members.extend(Hooks::dumped_or_default(process.hooks.as_deref()));
    members.extend(Variables::dumped_or_default(process.variables.as_deref()));
    members.extend(dumped_sockets(process));
    members
}

fn dumped_output(output: &Output, shape: &Shape) -> [Json; 6] {
    let one = match &output.logfile {
        LogFile::None => Json::Null,
        LogFile::Auto => "AUTO".into(),
        LogFile::Path(path) => path.into(),
    };
    [
        shape.dumped_targets().unwrap_or(one),
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

fn environment(pairs: &[(String, String)]) -> Json {
    let pairs = pairs.iter();
    Json::Object(
        pairs
            .map(|(name, value)| (name.clone(), value.into()))
            .collect(),
    )
}
