//! `scale`: another number of processes for a program that runs, until its group is updated.

use crate::supervisorctl::command::Command;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::manner::Manner;
use crate::supervisorctl::names::display_name;
use crate::supervisorctl::outcome::{self, Verb};
use crate::supervisorctl::reply::ActionResult;
use crate::supervisorctl::session::Session;
use crate::text::plain;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `scale NAME NUMBER`
pub fn scale(session: &mut Session, manner: Manner, words: &[&str]) -> Result<(), Failure> {
    let number = match words {
        [_, number] => number.parse::<u32>().ok(),
        _ => None,
    };
    let (Some(name), Some(number)) = (words.first(), number) else {
        let message = "Error: scale takes the name of a program and a number of processes";
        return super::refuse(session, Command::Scale, message);
    };
    let mut parameters = vec![Value::string(*name), Value::Int(number.into())];
    if manner.is_quick {
        parameters.push(Value::Bool(false));
    }
    match session.try_call("setNumProcs", &parameters)? {
        Ok(reply) => {
            let results = reply.action_results()?;
            if results.is_empty() {
                let state = match manner.is_quick {
                    true => format!("{name}: scaling to {number}"),
                    false => format!("{name}: has {number} already"),
                };
                return session.print(&state);
            }
            for result in &results {
                report(session, result)?;
            }
            Ok(())
        }
        Err(fault) if fault.is(FaultCode::UnknownMethod) => {
            session.refuse("ERROR: this supervisord cannot scale programs")
        }
        Err(fault) if fault.is(FaultCode::BadName) => {
            session.hints.add_unknown(name, Sought::ActiveGroup);
            session.refuse(&format!("{name}: ERROR (no such program)"))
        }
        Err(fault) if fault.is(FaultCode::CantReread) => {
            session.refuse_lines(&format!("ERROR: {}", fault.text))
        }
        Err(fault) if is_refusal(&fault) => {
            session.refuse(&format!("{name}: ERROR ({})", reason(&fault.text)))
        }
        Err(fault) => Err(fault.into()),
    }
}

fn is_refusal(fault: &Fault) -> bool {
    fault.is(FaultCode::Failed) || fault.is(FaultCode::BadArguments)
}

/// What a fault says behind its name.
fn reason(text: &str) -> String {
    let (_, reason) = text.split_once(": ").unwrap_or_default();
    plain::shown(reason).into_owned()
}

/// The line for a process that has come or gone, or has been started or stopped for that, or for
/// a group that is as configured again.
pub fn report(session: &mut Session, entry: &ActionResult) -> Result<(), Failure> {
    let ActionResult { action, result } = entry;
    if result.name.is_empty() {
        let group = &result.group;
        return match result.is(FaultCode::Success) {
            true => session.print(&format!("{group}: scale ended")),
            false => {
                let reason = reason(&result.description);
                session.refuse(&format!("{group}: ERROR ({reason})"))
            }
        };
    }
    let name = display_name(&result.group, &result.name);
    let verb = match action.as_str() {
        "stop" => Verb::Stop,
        "add" => return session.print(&format!("{name}: added")),
        "remove" if result.is(FaultCode::Success) => {
            return session.print(&format!("{name}: removed"));
        }
        "remove" => return session.refuse(&format!("{name}: ERROR (still running)")),
        _ => Verb::Start,
    };
    outcome::report(session, verb, &name, result.status, &result.description)
}

/// The groups of which a program has another number of processes than configured, but for these.
pub fn scaled_groups(session: &mut Session, known: &[String]) -> Result<Vec<String>, Failure> {
    let mut groups: Vec<String> = Vec::new();
    let Ok(reply) = session.try_call("getAllProcessInfo", &[])? else {
        return Ok(groups);
    };
    for row in reply.processes()? {
        if row.is_scaled && !known.contains(&row.group) && !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    Ok(groups)
}
