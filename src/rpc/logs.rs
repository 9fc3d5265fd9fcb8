//! Reading, tailing and clearing logs. A short part of a log is read at once; of
//! a long one the open file is the answer, which is read as the client takes it.

use crate::http::content::Content;
use crate::loggers::window::{self, LogPlace, Window, WindowError, WindowLimit};
use crate::rpc::interface::{Daemon, Outcome, push_log};
use crate::rpc::{names, parameters};
use crate::supervisor::fatal::Operation;
use crate::tokens::{Channel, ProcessId};
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer;

/// Up to this size a part of a log is read at once, in bytes.
const SHORT: u64 = 256 * 1024;

/// Why a long part is not read.
const NO_PERMIT: &str = "too many long parts of logs are read now: ask again later";

/// `supervisor.readLog(offset, length)`
pub fn read_main(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let (offset, length) = range(parameters, 0)?;
    let context = &daemon.context;
    let place = context.log.path().map(LogPlace::Path);
    read(&context.window_limit, place, offset, length)
}

/// `supervisor.readProcessStdoutLog(name, offset, length)`
pub fn read_stdout(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    read_process(daemon, parameters, Channel::Stdout)
}

/// `supervisor.readProcessStderrLog(name, offset, length)`
pub fn read_stderr(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    read_process(daemon, parameters, Channel::Stderr)
}

/// `supervisor.tailProcessStdoutLog(name, offset, length)`
pub fn tail_stdout(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    tail_process(daemon, parameters, Channel::Stdout)
}

/// `supervisor.tailProcessStderrLog(name, offset, length)`
pub fn tail_stderr(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    tail_process(daemon, parameters, Channel::Stderr)
}

/// `supervisor.clearLog()`. A log that cannot be cleared makes supervisord FATAL.
pub fn clear_main(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    match daemon.context.log.path() {
        Some(path) if std::fs::exists(path).unwrap_or(false) => {}
        _ => return Err(Fault::new(FaultCode::NoFile)),
    }
    let operation = Operation::ClearMainLog;
    match daemon.context.log.clear() {
        Ok(()) => {
            daemon.supervisor.succeeded(daemon.context, &operation);
            Ok(Value::Bool(true).into())
        }
        Err(failure) => {
            daemon
                .supervisor
                .failed(daemon.context, operation, failure.to_string());
            Err(Fault::new(FaultCode::Failed))
        }
    }
}

/// `supervisor.clearProcessLogs(name)`
pub fn clear_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    clear_named(daemon, name, None)?;
    Ok(Value::Bool(true).into())
}

/// Clears both logs of a process, or one, for which XML-RPC has no call.
pub fn clear_named(
    daemon: &mut Daemon<'_>,
    name: &str,
    channel: Option<Channel>,
) -> Result<(), Fault> {
    let id = names::process(daemon.supervisor, name)?.id();
    clear(daemon, id, name, channel)
}

/// `supervisor.clearAllProcessLogs()`
pub fn clear_all(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let mut statuses = Vec::new();
    for id in daemon.supervisor.processes_by_priority() {
        let Some(name) = daemon.supervisor.groups.process(id).map(names::shown) else {
            continue;
        };
        let result = clear(daemon, id, &name, None);
        statuses.push(names::status(daemon.supervisor, id, result));
    }
    Ok(Value::Array(statuses).into())
}

/// Clears one log of a process, or both.
fn clear(
    daemon: &mut Daemon<'_>,
    id: ProcessId,
    name: &str,
    channel: Option<Channel>,
) -> Result<(), Fault> {
    let Some(process) = daemon.supervisor.groups.process_mut(id) else {
        return Ok(());
    };
    let operation = Operation::clear_logs(process);
    let has_child = process.machine().pid() != 0;
    let cleared = match channel {
        None => process.clear_logs(daemon.context),
        Some(channel) => process.clear_log(daemon.context, channel),
    };
    match cleared {
        // Without a child nothing was done that could show that it can be.
        Ok(()) if !has_child => Ok(()),
        Ok(()) => {
            daemon.supervisor.succeeded(daemon.context, &operation);
            Ok(())
        }
        Err(failure) => {
            daemon
                .supervisor
                .failed(daemon.context, operation, failure.to_string());
            Err(Fault::with(FaultCode::Failed, name))
        }
    }
}

fn read_process(daemon: &mut Daemon<'_>, parameters: &[Value], channel: Channel) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let (offset, length) = range(parameters, 1)?;
    read(
        &daemon.context.window_limit,
        names::process(daemon.supervisor, name)?.log_place(channel),
        offset,
        length,
    )
}

/// The offset at that place and the length behind it.
fn range(parameters: &[Value], place: usize) -> Result<(i64, i64), Fault> {
    let number = |place| parameters::integer(parameters, place);
    Ok((number(place)?, number(place + 1)?))
}

fn read(limit: &WindowLimit, place: Option<LogPlace<'_>>, offset: i64, length: i64) -> Outcome {
    let place = place.ok_or_else(|| Fault::new(FaultCode::NoFile))?;
    match window::read(place, offset, length) {
        Ok(window) => {
            let mut content = Content::default();
            match push_part(&mut content, window, limit)? {
                true => Ok(content.into()),
                false => Err(Fault::new(FaultCode::Failed)),
            }
        }
        Err(WindowError::BadArguments) => Err(Fault::new(FaultCode::BadArguments)),
        Err(WindowError::NoFile) => Err(match place {
            LogPlace::Path(path) => Fault::with(FaultCode::NoFile, path),
            LogPlace::Ring(_) => Fault::new(FaultCode::NoFile),
        }),
        Err(WindowError::Unreadable(_)) => Err(Fault::new(FaultCode::Failed)),
    }
}

fn tail_process(daemon: &mut Daemon<'_>, parameters: &[Value], channel: Channel) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let (offset, length) = range(parameters, 1)?;
    let tail = match names::process(daemon.supervisor, name)?.log_place(channel) {
        Some(place) => window::tail(place, offset, length),
        None => window::Tail::default(),
    };
    let mut content = Content::default();
    content.text().push_str(writer::BEGIN_ARRAY);
    let has_text = match tail.window {
        Some(window) => push_part(&mut content, window, &daemon.context.window_limit)?,
        None => false,
    };
    let text = content.text();
    if !has_text {
        writer::push_string(text, "");
    }
    writer::push_int(text, tail.offset);
    writer::push_bool(text, tail.overflow);
    text.push_str(writer::END_ARRAY);
    Ok(content.into())
}

/// Adds a part of a log as a string; false if it cannot be read. The fault is
/// that no more may be open.
fn push_part(content: &mut Content, window: Window, limit: &WindowLimit) -> Result<bool, Fault> {
    if window.size() > SHORT {
        let permit = limit.admit();
        let permit = permit.ok_or_else(|| Fault::with(FaultCode::Failed, NO_PERMIT))?;
        push_log(content, window, permit);
        return Ok(true);
    }
    let text = window.text();
    if let Ok(text) = &text {
        writer::push_string(content.text(), text);
    }
    Ok(text.is_ok())
}
