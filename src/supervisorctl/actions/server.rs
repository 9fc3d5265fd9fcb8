//! `pid`, `version`, `open`, `reload` and `shutdown`: the daemon itself.

use super::{check, refuse, refuse_argument, status};
use crate::supervisorctl::command::Command;
use crate::supervisorctl::completion;
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::reply::Reply;
use crate::supervisorctl::server_url;
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// `pid [NAME…|all]`
pub fn pid(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        return Ok(());
    }
    if words.is_empty() {
        let method = "getPID";
        let value = session.call(method, &[])?;
        let pid = Reply {
            method,
            value: &value,
        }
        .number()?;
        return session.print(&pid.to_string());
    }
    if words.contains(&"all") {
        for process in session.processes()? {
            session.print(&process.pid.to_string())?;
        }
        return Ok(());
    }
    for name in words {
        let method = "getProcessInfo";
        match session.try_call(method, &[Value::string(*name)])? {
            Ok(value) => {
                let pid = Reply {
                    method,
                    value: &value,
                }
                .process()?
                .pid;
                session.print(&pid.to_string())?;
                if pid == 0 {
                    session.exit_status = exit_status::NOT_RUNNING;
                }
            }
            Err(fault) if fault.is(FaultCode::BadName) => {
                session.fail(exit_status::GENERIC, &format!("No such process {name}"))?;
            }
            Err(fault) => return Err(CallError::Fault(fault).into()),
        }
    }
    Ok(())
}

/// `version`: the server's. The argument is looked at before the server is.
pub fn version(session: &mut Session, argument: &str) -> Result<(), Failure> {
    if refuse_argument(session, Command::Version, argument)? || !check::is_usable(session)? {
        return Ok(());
    }
    let method = "getSupervisorVersion";
    let value = session.call(method, &[])?;
    let version = Reply {
        method,
        value: &value,
    }
    .text()?;
    session.print(&version)
}

/// `open URL`: another server from here on. What its status is does not
/// count as a failure of this command.
pub fn open(session: &mut Session, url: &str) -> Result<(), Failure> {
    if !["http", "unix"].contains(&server_url::scheme(url).as_str()) {
        let message = "ERROR: url must be http:// or unix://";
        return session.fail(exit_status::GENERIC, message);
    }
    session.client.open(url.to_owned());
    let before = session.exit_status;
    status::status(session, &[])?;
    session.exit_status = before;
    Ok(())
}

/// `reload`: the daemon starts again.
pub fn reload(session: &mut Session, argument: &str) -> Result<(), Failure> {
    let question = "Really restart the remote supervisord process y/N? ";
    if refuse_argument(session, Command::Reload, argument)? || !is_confirmed(session, question)? {
        return Ok(());
    }
    match session.try_call("restart", &[])? {
        Ok(_) => session.print("Restarted supervisord"),
        Err(fault) if fault.is(FaultCode::ShutdownState) => {
            session.fail(exit_status::GENERIC, "ERROR: already shutting down")
        }
        Err(fault) if fault.is(FaultCode::CantReread) => {
            session.fail(exit_status::GENERIC, &format!("ERROR: {}", fault.text))
        }
        Err(fault) => Err(CallError::Fault(fault).into()),
    }
}

/// `shutdown`: the daemon ends. That it does so already is no failure.
pub fn shutdown(session: &mut Session, argument: &str) -> Result<(), Failure> {
    let question = "Really shut the remote supervisord process down y/N? ";
    if refuse_argument(session, Command::Shutdown, argument)? || !is_confirmed(session, question)? {
        return Ok(());
    }
    match session.try_call("shutdown", &[]) {
        Ok(Ok(_)) => session.print("Shut down"),
        Ok(Err(fault)) if fault.is(FaultCode::ShutdownState) => {
            session.print("ERROR: already shutting down")
        }
        Ok(Err(fault)) => Err(CallError::Fault(fault).into()),
        Err(failure) => match check::unreachable_reason(session, &failure) {
            Some((_, reason)) => {
                let message = format!("ERROR: {reason} (already shut down?)");
                session.fail(exit_status::GENERIC, &message)
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
        None => {
            let message = "Error: completion requires bash, zsh or fish";
            refuse(session, Command::Completion, exit_status::GENERIC, message)
        }
    }
}

/// Asks, where questions may be asked. Anything but a yes is a no.
fn is_confirmed(session: &mut Session, question: &str) -> Result<bool, Failure> {
    if !session.interactive {
        return Ok(true);
    }
    let answer = session.ask(question)?;
    Ok(answer.starts_with(['y', 'Y']))
}
