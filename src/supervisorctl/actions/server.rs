//! `pid`, `version`, `open`, `reload` and `shutdown`: the daemon itself.

use super::{check, expanded, refuse, status};
use crate::supervisorctl::command::Command;
use crate::supervisorctl::completion;
use crate::supervisorctl::diagnosis::AddressOrigin;
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::log_view::LogView;
use crate::supervisorctl::screen;
use crate::supervisorctl::server_url;
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// `pid [NAME…|all]`
pub fn pid(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if words.is_empty() {
        let pid = session.call("getPID", &[])?.number()?;
        return session.print(&pid.to_string());
    }
    if words.contains(&"all") {
        for process in session.processes()? {
            session.print(&process.pid.to_string())?;
        }
        return Ok(());
    }
    for name in expanded(session, words)? {
        match session.try_call("getProcessInfo", &[Value::string(&name)])? {
            Ok(reply) => {
                let pid = reply.process()?.pid;
                session.print(&pid.to_string())?;
                if pid == 0 {
                    session.exit_status = exit_status::NOT_RUNNING;
                }
            }
            Err(fault) if fault.is(FaultCode::BadName) => {
                session.refuse(&format!("No such process {name}"))?;
                session.hints.add_unknown(&name, Sought::Processes);
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(())
}

/// `version`: the server's.
pub fn version(session: &mut Session) -> Result<(), Failure> {
    let version = session.call("getSupervisorVersion", &[])?.text()?;
    session.print(&version)
}

/// `open URL`: another server from here on. What its status is does not
/// count as a failure of this command.
pub fn open(session: &mut Session, url: &str) -> Result<(), Failure> {
    if !["http", "unix"].contains(&server_url::scheme(url).as_str()) {
        session.refuse("ERROR: url must be http:// or unix://")?;
        screen::complain(&server_url::advice(url));
        return Ok(());
    }
    session.client.open(url.to_owned());
    session.origin.address = AddressOrigin::Open;
    let before = session.exit_status;
    status::status(session, &[])?;
    session.exit_status = before;
    Ok(())
}

/// `reload`: the daemon starts again.
pub fn reload(session: &mut Session) -> Result<(), Failure> {
    if !is_confirmed(
        session,
        "Really restart the remote supervisord process y/N? ",
    )? {
        return Ok(());
    }
    match session.try_call("restart", &[])? {
        Ok(_) => {
            session.note_restart();
            session.print("Restarted supervisord")
        }
        Err(fault) if fault.is(FaultCode::ShutdownState) => {
            session.refuse("ERROR: already shutting down")
        }
        Err(fault) if fault.is(FaultCode::CantReread) => {
            session.refuse_lines(&format!("ERROR: {}", fault.text))
        }
        Err(fault) => Err(fault.into()),
    }
}

/// `shutdown`: the daemon ends. That it does so already is no failure.
pub fn shutdown(session: &mut Session) -> Result<(), Failure> {
    if !is_confirmed(
        session,
        "Really shut the remote supervisord process down y/N? ",
    )? {
        return Ok(());
    }
    match session.try_call("shutdown", &[]) {
        Ok(Ok(_)) => session.print("Shut down"),
        Ok(Err(fault)) if fault.is(FaultCode::ShutdownState) => {
            session.print("ERROR: already shutting down")
        }
        Ok(Err(fault)) => Err(fault.into()),
        Err(failure) => match check::unreachable_reason(session, &failure) {
            Some((_, reason)) => {
                let message = format!("ERROR: {reason} (already shut down?)");
                session.unserved = Some(exit_status::GENERIC);
                session.refuse(&message)
            }
            None => Err(failure),
        },
    }
}

/// `completion bash|zsh|fish`
pub fn completion(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let script = match words {
        [shell] => completion::script(shell),
        _ => None,
    };
    match script {
        Some(script) => session.write(script.as_bytes()),
        None => refuse(
            session,
            Command::Completion,
            "Error: completion requires bash, zsh or fish",
        ),
    }
}

/// `clearfatal`: takes note of why supervisord is FATAL.
pub fn clear_fatal(session: &mut Session) -> Result<(), Failure> {
    let reason = match session.try_call("getStateReason", &[])? {
        Ok(reply) => reply.text()?,
        Err(fault) if fault.is(FaultCode::UnknownMethod) => {
            return session
                .refuse("ERROR: this supervisord has no FATAL state that could be cleared");
        }
        Err(fault) => return Err(fault.into()),
    };
    if reason.is_empty() {
        return session.print("supervisord is not in FATAL state");
    }
    session.call("clearFatal", &[])?;
    session.print(&format!("supervisord was in FATAL state: {reason}"))?;
    session.print("supervisord: cleared")
}

/// `result POOL`: what the `store` handler of a pool has kept last.
pub fn result(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let [pool] = words else {
        return refuse(
            session,
            Command::Result,
            "Error: result requires the name of one event listener pool",
        );
    };
    match session.try_call("getEventResult", &[Value::string(*pool)])? {
        Ok(reply) if reply.value.member("data").is_some() => show_result(session, &reply.value),
        Ok(_) => session.print(&format!("{pool}: no result yet")),
        Err(fault) if fault.is(FaultCode::BadName) => {
            session.hints.add_unknown(pool, Sought::ActiveGroup);
            session.refuse(&format!("ERROR: no such event listener pool: {pool}"))
        }
        Err(fault) if fault.is(FaultCode::UnknownMethod) => {
            session.refuse("ERROR: this supervisord keeps no results of event listeners")
        }
        Err(fault) => Err(fault.into()),
    }
}

/// A line for each thing that is known of it, then the data as they came.
fn show_result(session: &mut Session, result: &Value) -> Result<(), Failure> {
    for key in ["process", "event", "serial", "time"] {
        let text = match result.member(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Int(number)) => number.to_string(),
            _ => continue,
        };
        session.print(&format!("{key}: {text}"))?;
    }
    let data = result.member("data").and_then(Value::as_str);
    session.print("")?;
    session.write(&LogView::on_stdout(false).whole(data.unwrap_or_default().as_bytes()))?;
    session.print("")
}

/// Asks, where questions may be asked. Anything but a yes is a no.
fn is_confirmed(session: &mut Session, question: &str) -> Result<bool, Failure> {
    if !session.interactive {
        return Ok(true);
    }
    let answer = session.ask(question)?;
    Ok(answer.starts_with(['y', 'Y']))
}
