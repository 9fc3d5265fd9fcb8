//! Reading the configuration again, and making groups active or forgetting them.

use crate::config::diff;
use crate::config::load;
use crate::config::{self, LogFile, output};
use crate::process::group::Group;
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::{names, parameters};
use crate::sys::memory;
use crate::tokens::Channel;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer::{self, StructWriter};

/// `supervisor.reloadConfig()`. A configuration that cannot be read leaves the
/// one in use as it is.
pub fn reload(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let supervisor = &mut *daemon.supervisor;
    let mut config = load::load(&supervisor.request).map_err(|error| {
        let text = error.told();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        daemon.context.log.error(format_args!(
            "could not read the configuration again: {}",
            lines.join("; ")
        ));
        Fault::with_lines(FaultCode::CantReread, text)
    })?;
    let known = &supervisor.config.exposed_files;
    for file in &config.exposed_files {
        if !known.iter().any(|known| known.path == file.path) {
            daemon.context.log.warn(&file.text);
        }
    }
    let known = &supervisor.config.foreign_directories;
    for directory in &config.foreign_directories {
        if !known.iter().any(|known| known.path == directory.path) {
            daemon.context.log.warn(&directory.text);
        }
    }
    // What has gone is told in the order of stopping, for that is how clients stop it.
    let groups = supervisor.groups.by_priority().into_iter().rev();
    let running = groups
        .filter_map(|id| supervisor.groups.get(id))
        .map(|group| &**group.configured());
    let difference = diff::compare(running, &config.groups);
    diff::share(&mut config.groups, |name| {
        supervisor.groups.named(name).map(Group::configured)
    });
    supervisor
        .child_settings
        .identifier
        .clone_from(&config.supervisord.identifier);
    supervisor
        .child_settings
        .childlogdir
        .clone_from(&config.supervisord.childlogdir);
    supervisor.child_settings.strip_ansi = config.supervisord.strip_ansi;
    supervisor.child_settings.childlog_ring = config.supervisord.childlog_ring.0;
    supervisor.child_settings.minfds = i32::try_from(config.supervisord.minfds).unwrap_or(i32::MAX);
    // As in 4.3.0, what `[supervisord] environment` added once can be referred to until a restart.
    for (name, value) in &config.supervisord.environment {
        let known = &mut supervisor.request.environment;
        match known.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => old.clone_from(value),
            None => known.push((name.clone(), value.clone())),
        }
    }
    supervisor.config = config;
    supervisor.rereads += 1;
    supervisor.outdate_dependencies();
    supervisor.close_unused_sockets(daemon.context);
    // What reading it has left behind, and the configuration before.
    memory::trim();
    let list = |names: Vec<String>| Value::Array(names.into_iter().map(Value::String).collect());
    let lists = vec![
        list(difference.added),
        list(difference.changed),
        list(difference.removed),
    ];
    Ok(Value::Array(vec![Value::Array(lists)]).into())
}

/// `supervisor.addProcessGroup(name)`
pub fn add_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let Some(group) = daemon
        .supervisor
        .config
        .groups
        .iter()
        .find(|group| group.name == name)
        .cloned()
    else {
        return Err(names::bad_name(name));
    };
    if daemon.supervisor.groups.named(name).is_some() {
        return Err(Fault::with(FaultCode::AlreadyAdded, name));
    }
    let added = std::slice::from_ref(&group);
    daemon.supervisor.allow_descriptors(daemon.context, added);
    daemon.supervisor.add_group(daemon.context, group);
    Ok(Value::Bool(true).into())
}

/// `supervisor.removeProcessGroup(name)`
pub fn remove_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let id = names::group(daemon.supervisor, name)?.id;
    if daemon.supervisor.remove_group(daemon.context, id) {
        Ok(Value::Bool(true).into())
    } else {
        Err(Fault::with(FaultCode::StillRunning, name))
    }
}

/// Writes the configuration of a process. `in_use` says whether its group is
/// active, `active` is the process that knows the names of its automatic logs.
pub fn push_info(
    text: &mut String,
    group: &config::Group,
    process: &config::Process,
    in_use: bool,
    is_disabled: bool,
    scaled: Option<u32>,
    active: Option<&Subprocess>,
) {
    let mut entry = StructWriter::begin(text);
    entry.bool("autostart", process.autostart);
    entry.string("directory", process.directory.as_deref().unwrap_or("none"));
    match process.uid {
        Some(uid) => entry.int("uid", i64::from(uid)),
        None => entry.string("uid", "none"),
    }
    entry.string("command", &process.command);
    entry.member("exitcodes", |text| {
        text.push_str(writer::BEGIN_ARRAY);
        for code in &process.exitcodes {
            writer::push_int(text, i64::from(*code));
        }
        text.push_str(writer::END_ARRAY);
    });
    entry.string("group", &group.name);
    entry.int("group_prio", group.priority);
    entry.bool("inuse", in_use);
    entry.bool("killasgroup", process.killasgroup);
    entry.string("name", &process.name);
    entry.int("process_prio", process.priority);
    entry.bool("redirect_stderr", process.redirect_stderr);
    entry.int("startretries", process.startretries);
    entry.int("startsecs", process.startsecs);
    push_output(&mut entry, Channel::Stdout, &process.stdout, active);
    entry.int("stopsignal", i64::from(process.stopsignal.first.number()));
    entry.int("stopwaitsecs", process.stopwaitsecs);
    push_output(&mut entry, Channel::Stderr, &process.stderr, active);
    entry.string("serverurl", process.serverurl.as_deref().unwrap_or("none"));
    if is_disabled {
        entry.bool("disabled", true);
    }
    if let Some(number) = scaled {
        entry.int("scaled", number.into());
    }
    entry.end();
}

fn push_output(
    entry: &mut StructWriter<'_>,
    channel: Channel,
    output: &config::Output,
    active: Option<&Subprocess>,
) {
    let logfile = match &output.logfile {
        LogFile::None => "none",
        LogFile::Path(path) => path,
        LogFile::Auto => active
            .and_then(|process| process.log_path(channel))
            .unwrap_or("auto"),
    };
    let keys = match channel {
        Channel::Stdout => output::STDOUT,
        Channel::Stderr => output::STDERR,
    };
    let [logfile_key, maxbytes, backups, capture, events, syslog] = keys.map(|key| key.name);
    entry.int(capture, output.capture_maxbytes);
    entry.bool(events, output.events_enabled);
    entry.string(logfile_key, logfile);
    entry.int(backups, output.logfile_backups);
    entry.int(maxbytes, output.logfile_maxbytes);
    entry.bool(syslog, output.syslog);
}
