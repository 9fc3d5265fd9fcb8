//! Reading the configuration again, and making groups active or forgetting them.

use crate::config::diff;
use crate::config::load;
use crate::config::{self, LogFile};
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::{names, parameters};
use crate::supervisor::Supervisor;
use crate::tokens::Channel;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.reloadConfig()`. A configuration that cannot be read leaves the
/// one in use as it is.
pub fn reload(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let supervisor = &mut *daemon.supervisor;
    let config = load::load(&supervisor.request).map_err(|error| {
        daemon.reactor.log.error(format_args!(
            "could not read the configuration again: {error}"
        ));
        Fault::with(FaultCode::CantReread, error)
    })?;
    // What has gone is told in the order of stopping, for that is how clients stop it.
    let groups = supervisor.groups.by_priority().into_iter().rev();
    let running = groups
        .filter_map(|id| supervisor.groups.get(id))
        .map(|group| &group.config);
    let difference = diff::compare(running, &config.groups);
    supervisor
        .context
        .identifier
        .clone_from(&config.supervisord.identifier);
    supervisor
        .context
        .childlogdir
        .clone_from(&config.supervisord.childlogdir);
    supervisor.context.strip_ansi = config.supervisord.strip_ansi;
    supervisor.context.minfds = i32::try_from(config.supervisord.minfds).unwrap_or(i32::MAX);
    // As in 4.3.0, what `[supervisord] environment` added once can be referred to until a restart.
    for (name, value) in &config.supervisord.environment {
        let known = &mut supervisor.request.environment;
        match known.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => old.clone_from(value),
            None => known.push((name.clone(), value.clone())),
        }
    }
    supervisor.config = config;
    supervisor.reread = true;
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
    daemon.supervisor.add_group(daemon.reactor, &group);
    Ok(Value::Bool(true).into())
}

/// `supervisor.removeProcessGroup(name)`
pub fn remove_group(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let id = names::group(daemon.supervisor, name)?.id;
    if daemon.supervisor.remove_group(daemon.reactor, id) {
        Ok(Value::Bool(true).into())
    } else {
        Err(Fault::with(FaultCode::StillRunning, name))
    }
}

/// `supervisor.getAllConfigInfo()`: sorted by process name only.
pub fn all_config_info(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let supervisor = &*daemon.supervisor;
    let groups = supervisor.config.groups.iter();
    let mut entries: Vec<(&str, Value)> = groups
        .flat_map(|group| {
            let in_use = supervisor.groups.named(&group.name).is_some();
            group.processes.iter().map(move |process| {
                (
                    process.name.as_str(),
                    info(supervisor, group, process, in_use),
                )
            })
        })
        .collect();
    entries.sort_by_key(|(name, _)| *name);
    Ok(Value::Array(entries.into_iter().map(|(_, entry)| entry).collect()).into())
}

fn info(
    supervisor: &Supervisor,
    group: &config::Group,
    process: &config::Process,
    in_use: bool,
) -> Value {
    // Until the first reread the automatic files' names are known, then they are "auto".
    let active = (!supervisor.reread)
        .then(|| supervisor.groups.process_named(&group.name, &process.name))
        .flatten();
    let uid = process
        .uid
        .map_or_else(|| Value::string("none"), |uid| Value::Int(i64::from(uid)));
    let text = |text: &Option<String>| Value::string(text.as_deref().unwrap_or("none"));
    let mut members = vec![
        ("autostart".to_owned(), Value::Bool(process.autostart)),
        ("directory".to_owned(), text(&process.directory)),
        ("uid".to_owned(), uid),
        (
            "command".to_owned(),
            Value::string(process.command.as_str()),
        ),
        (
            "exitcodes".to_owned(),
            Value::Array(
                process
                    .exitcodes
                    .iter()
                    .map(|c| Value::Int(i64::from(*c)))
                    .collect(),
            ),
        ),
        ("group".to_owned(), Value::string(group.name.as_str())),
        ("group_prio".to_owned(), Value::Int(group.priority)),
        ("inuse".to_owned(), Value::Bool(in_use)),
        ("killasgroup".to_owned(), Value::Bool(process.killasgroup)),
        ("name".to_owned(), Value::string(process.name.as_str())),
        ("process_prio".to_owned(), Value::Int(process.priority)),
        (
            "redirect_stderr".to_owned(),
            Value::Bool(process.redirect_stderr),
        ),
        ("startretries".to_owned(), Value::Int(process.startretries)),
        ("startsecs".to_owned(), Value::Int(process.startsecs)),
    ];
    members.extend(output(Channel::Stdout, &process.stdout, active));
    members.push((
        "stopsignal".to_owned(),
        Value::Int(i64::from(process.stopsignal.number())),
    ));
    members.push(("stopwaitsecs".to_owned(), Value::Int(process.stopwaitsecs)));
    members.extend(output(Channel::Stderr, &process.stderr, active));
    members.push(("serverurl".to_owned(), text(&process.serverurl)));
    Value::Struct(members)
}

fn output(
    channel: Channel,
    output: &config::Output,
    active: Option<&Subprocess>,
) -> [(String, Value); 6] {
    let logfile = match &output.logfile {
        LogFile::None => "none",
        LogFile::Path(path) => path,
        LogFile::Auto => active
            .and_then(|process| process.log_path(channel))
            .unwrap_or("auto"),
    };
    [
        ("capture_maxbytes", Value::Int(output.capture_maxbytes)),
        ("events_enabled", Value::Bool(output.events_enabled)),
        ("logfile", Value::string(logfile)),
        ("logfile_backups", Value::Int(output.logfile_backups)),
        ("logfile_maxbytes", Value::Int(output.logfile_maxbytes)),
        ("syslog", Value::Bool(output.syslog)),
    ]
    .map(|(key, value)| (format!("{}_{key}", channel.name()), value))
}
