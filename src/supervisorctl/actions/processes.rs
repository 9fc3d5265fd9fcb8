//! `start`, `stop`, `restart` and `signal`: what is done to processes, name
//! by name, each waiting for its answer.

use super::{check, refuse};
use crate::supervisorctl::command::Command;
use crate::supervisorctl::exit_status;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::outcome::{self, Verb};
use crate::supervisorctl::reply::Reply;
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// `start NAME…`
pub fn start(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        return Ok(());
    }
    if words.is_empty() {
        let message = "Error: start requires a process name";
        return refuse(
            session,
            Command::Start,
            exit_status::INVALID_ARGUMENTS,
            message,
        );
    }
    apply(session, Verb::Start, None, words)
}

/// `stop NAME…`
pub fn stop(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        return Ok(());
    }
    if words.is_empty() {
        let message = "Error: stop requires a process name";
        return refuse(session, Command::Stop, exit_status::GENERIC, message);
    }
    apply(session, Verb::Stop, None, words)
}

/// `restart NAME…`: stops them all, then starts them all.
pub fn restart(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        return Ok(());
    }
    if words.is_empty() {
        let message = "Error: restart requires a process name";
        return refuse(session, Command::Restart, exit_status::GENERIC, message);
    }
    stop(session, words)?;
    start(session, words)
}

/// `signal SIGNAL NAME…`
pub fn signal(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    if !check::is_usable(session)? {
        return Ok(());
    }
    let (Some(signal), Some(names @ [_, ..])) = (words.first(), words.get(1..)) else {
        let message = "Error: signal requires a signal name and a process name";
        return refuse(session, Command::Signal, exit_status::GENERIC, message);
    };
    apply(session, Verb::Signal, Some(signal), names)
}

/// Does it to each name. `all` anywhere means every process and nothing else.
fn apply(
    session: &mut Session,
    verb: Verb,
    signal: Option<&str>,
    names: &[&str],
) -> Result<(), Failure> {
    let parameters = |name: Option<&str>| -> Vec<Value> {
        name.into_iter().chain(signal).map(Value::string).collect()
    };
    if names.contains(&"all") {
        let method = verb.method_for_all();
        let value = session.call(method, &parameters(None))?;
        return report_all(
            session,
            verb,
            Reply {
                method,
                value: &value,
            },
        );
    }
    for word in names {
        let name = Namespec::parse(word);
        let Some(process) = name.process else {
            apply_to_group(session, verb, name.group, &parameters(Some(name.group)))?;
            continue;
        };
        let outcome = session.try_call(verb.method_for_one(), &parameters(Some(word)))?;
        let display_name = display_name(name.group, process);
        outcome::report_call(session, verb, &display_name, outcome)?;
    }
    Ok(())
}

fn apply_to_group(
    session: &mut Session,
    verb: Verb,
    group: &str,
    parameters: &[Value],
) -> Result<(), Failure> {
    let method = verb.method_for_group();
    match session.try_call(method, parameters)? {
        Ok(value) => report_all(
            session,
            verb,
            Reply {
                method,
                value: &value,
            },
        ),
        Err(fault) if fault.is(FaultCode::BadName) => {
            let exit_status = match verb {
                Verb::Start => exit_status::INVALID_ARGUMENTS,
                Verb::Stop | Verb::Signal | Verb::Clear => exit_status::GENERIC,
            };
            session.fail(exit_status, &format!("{group}: ERROR (no such group)"))
        }
        Err(fault) => Err(CallError::Fault(fault).into()),
    }
}

fn report_all(session: &mut Session, verb: Verb, reply: Reply<'_>) -> Result<(), Failure> {
    outcome::report_results(session, verb, &reply.results()?)
}
