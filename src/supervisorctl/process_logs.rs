//! The logs of a process from now on: followed, without what was in them
//! before, and what to say where there is none to follow.

use super::client::LogStream;
use super::failure::{CallError, Failure};
use super::ready;
use super::reply::flag;
use super::screen;
use super::session::Session;
use super::streams::Streams;
use crate::tokens::Channel;
use crate::xmlrpc::value::Value;
use std::os::fd::AsFd;
use std::time::Duration;

/// The channel of that name, in whatever case.
pub fn channel_named(word: &str) -> Option<Channel> {
    [Channel::Stdout, Channel::Stderr]
        .into_iter()
        .find(|channel| channel.name().eq_ignore_ascii_case(word))
}

/// The method that reads a part of the log, from an offset on.
pub fn read_method(channel: Channel) -> &'static str {
    match channel {
        Channel::Stdout => "readProcessStdoutLog",
        Channel::Stderr => "readProcessStderrLog",
    }
}

fn tail_method(channel: Channel) -> &'static str {
    match channel {
        Channel::Stdout => "tailProcessStdoutLog",
        Channel::Stderr => "tailProcessStderrLog",
    }
}

fn path_member(channel: Channel) -> &'static str {
    match channel {
        Channel::Stdout => "stdout_logfile",
        Channel::Stderr => "stderr_logfile",
    }
}

fn ring_member(channel: Channel) -> &'static str {
    match channel {
        Channel::Stdout => "stdout_ring",
        Channel::Stderr => "stderr_ring",
    }
}

/// How long the server may take for what it sends first.
const FIRST_PIECE: Duration = Duration::from_secs(2);

/// Opens the stream of a log. `None`, after the reason has been told on the
/// standard error, if the server has none.
pub fn open(session: &mut Session, path: &str) -> Result<Option<LogStream>, Failure> {
    let url = format!("{}{path}", session.client.shown_url);
    match session.client.follow(path) {
        Ok(stream) => Ok(Some(stream)),
        Err(_) if session.is_interrupted() => Err(Failure::Interrupted),
        Err(CallError::Protocol { status, .. }) => {
            // 4.3.0 never says so, and follows as many as descriptors allow.
            let reason = match status {
                503 => ": supervisord follows no more logs at a time, see max_connections",
                _ => "",
            };
            screen::complain(&format!("{url} Cannot read, status code {status}{reason}"));
            Ok(None)
        }
        Err(error @ CallError::System(_)) => Err(error.into()),
        Err(error) => {
            screen::complain(&format!("{url} Cannot connect, error: {error}"));
            Ok(None)
        }
    }
}

/// The path under which the server streams a log.
pub fn stream_path(name: &str, channel: Channel) -> String {
    format!("/logtail/{name}/{}", channel.name())
}

/// Opens the stream of a log, and takes what was in the log before out of it:
/// the server sends the end of that first, in one piece.
pub fn open_with_past(
    session: &mut Session,
    name: &str,
    channel: Channel,
) -> Result<Option<(LogStream, Vec<u8>)>, Failure> {
    let has_past = size(session, name, channel)? > 0;
    let Some(mut stream) = open(session, &stream_path(name, channel))? else {
        return Ok(None);
    };
    let mut past = Vec::new();
    // Should the log have been emptied just now, nothing comes.
    if has_past && is_readable(&stream)? {
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(length) if length > 0 => {
                    past.extend_from_slice(buffer.get(..length).unwrap_or_default());
                }
                _ if session.is_interrupted() => return Err(Failure::Interrupted),
                _ => break,
            }
            if stream.is_between_pieces() {
                break;
            }
        }
    }
    Ok(Some((stream, past)))
}

fn is_readable(stream: &LogStream) -> Result<bool, Failure> {
    if stream.has_buffered() {
        return Ok(true);
    }
    let ready = ready::wait_readable(&[stream.as_fd()], Some(FIRST_PIECE));
    Ok(!ready.map_err(CallError::System)?.is_empty())
}

/// How long the log is, in bytes; 0 if there is none.
fn size(session: &mut Session, name: &str, channel: Channel) -> Result<i64, Failure> {
    let parameters = [Value::string(name), Value::Int(0), Value::Int(0)];
    let size = match session.try_call(tail_method(channel), &parameters)? {
        Ok(reply) => {
            let parts = reply.value.as_array();
            parts.and_then(|parts| parts.get(1)?.as_int())
        }
        Err(_) => None,
    };
    Ok(size.unwrap_or(0))
}

/// Opens both logs of a process, for what it writes from now on. Where one
/// cannot be read, the standard error is told why.
pub fn open_present(session: &mut Session, name: &str, info: &Value) -> Result<Streams, Failure> {
    tell_missing(session, name, info)?;
    open_readable(session, name, info)
}

/// The same with the end of what was in them before.
pub fn open_both(session: &mut Session, name: &str, info: &Value) -> Result<Streams, Failure> {
    tell_missing(session, name, info)?;
    let mut streams = Streams::default();
    for channel in readable_logs(info) {
        if let Some(stream) = open(session, &stream_path(name, channel))? {
            streams.add(channel as usize, stream);
        }
    }
    Ok(streams)
}

/// Tells of logs that cannot be read. That nothing goes to the standard error's own
/// is as it should be where it goes to that of the standard output.
fn tell_missing(session: &mut Session, name: &str, info: &Value) -> Result<(), Failure> {
    if !is_readable_log(info, Channel::Stdout) {
        screen::complain(&missing(name, Channel::Stdout));
    }
    if !is_readable_log(info, Channel::Stderr) && !is_redirected(session, info)? {
        screen::complain(&missing(name, Channel::Stderr));
    }
    Ok(())
}

fn readable_logs(info: &Value) -> impl Iterator<Item = Channel> {
    let both = [Channel::Stdout, Channel::Stderr].into_iter();
    both.filter(|channel| is_readable_log(info, *channel))
}

/// Opens the logs once more where the server has ended them all, as it does when
/// it restarts: what is answered to the next line would not be seen. None if there
/// is no such process any more, which sending will tell.
pub fn open_again(session: &mut Session, name: &str) -> Result<Streams, Failure> {
    let Ok(info) = session.try_call("getProcessInfo", &[Value::string(name)])? else {
        return Ok(Streams::default());
    };
    screen::complain(&format!(
        "supervisorctl: supervisord ended the logs of {name}; they go on here, without what was \
         written meanwhile"
    ));
    open_readable(session, name, &info.value)
}

/// The logs that can be followed, with their channels' places as numbers.
fn open_readable(session: &mut Session, name: &str, info: &Value) -> Result<Streams, Failure> {
    let mut streams = Streams::default();
    for channel in readable_logs(info) {
        if let Some((stream, _)) = open_with_past(session, name, channel)? {
            streams.add(channel as usize, stream);
        }
    }
    Ok(streams)
}

/// Whether a log has a path at all, or is in memory.
pub fn has_log(info: &Value, channel: Channel) -> bool {
    let path = info.member(path_member(channel)).and_then(Value::as_str);
    path.is_some_and(|path| !path.is_empty()) || is_in_memory(info, channel)
}

/// Whether the server keeps the end of the output in memory.
fn is_in_memory(info: &Value, channel: Channel) -> bool {
    info.member(ring_member(channel)).is_some()
}

/// A log that is no file has an empty path, or that of a device.
fn is_readable_log(info: &Value, channel: Channel) -> bool {
    let path = info.member(path_member(channel)).and_then(Value::as_str);
    is_in_memory(info, channel)
        || path.is_none_or(|path| {
            !path.is_empty() && !path.starts_with("/dev/") && !path.starts_with("/proc/")
        })
}

fn missing(name: &str, channel: Channel) -> String {
    let (what, key) = match channel {
        Channel::Stdout => ("output", "stdout_logfile"),
        Channel::Stderr => ("error", "stderr_logfile"),
    };
    format!(
        "The standard {what} of {name} cannot be shown: there is no log file to read it from \
         ({key} is NONE, syslog or a device)."
    )
}

/// Whether the standard error goes to the log of the standard output.
fn is_redirected(session: &mut Session, info: &Value) -> Result<bool, Failure> {
    let Ok(reply) = session.try_call("getAllConfigInfo", &[])? else {
        return Ok(false);
    };
    let same = |entry: &&Value, key: &str| {
        entry.member(key).is_some() && entry.member(key) == info.member(key)
    };
    let entries = reply.value.as_array().unwrap_or_default();
    let mut entries = entries.iter();
    let entry = entries.find(|entry| same(entry, "group") && same(entry, "name"));
    Ok(entry.is_some_and(|entry| flag(entry, "redirect_stderr") == Some(true)))
}
