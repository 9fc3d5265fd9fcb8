//! `restart`: stops all that is named, then starts it. The server does the whole
//! where it can, for whoever stops this program between the two would leave
//! everything down. With a server that cannot, 4.3.0 among them, no signal that can
//! be held back comes between.

use super::processes;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::interrupt::ENDING;
use crate::supervisorctl::manner::Manner;
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::outcome::{self, Verb};
use crate::supervisorctl::patterns::{self, Meant};
use crate::supervisorctl::progress::{Aim, Progress};
use crate::supervisorctl::reply::ActionResult;
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// `restart NAME…`: stops them all, then starts them all.
pub fn restart(session: &mut Session, manner: Manner, words: &[&str]) -> Result<(), Failure> {
    if manner.is_rolling {
        return roll(session, manner, words);
    }
    if manner.is_quick {
        return begin(session, words);
    }
    let (method, parameters) = match words.contains(&"all") {
        true => ("restartAllProcesses", Vec::new()),
        false => ("restartProcesses", vec![targets(session, words)?]),
    };
    let outcome = match Progress::watch(session, Aim::Restart, words)? {
        Some(mut progress) => {
            let call = session.send(method, &parameters)?;
            progress.wait(session, call)?
        }
        None => session.try_call(method, &parameters)?,
    };
    match outcome {
        Ok(reply) => report(session, &reply.action_results()?),
        Err(fault) if fault.is(FaultCode::UnknownMethod) => by_steps(session, Verb::Start, words),
        Err(fault) => Err(fault.into()),
    }
}

/// One process after the other, or a few at a time; the first that fails ends it.
fn roll(session: &mut Session, manner: Manner, words: &[&str]) -> Result<(), Failure> {
    if words.contains(&"all") {
        let line = "Error: restart --rolling takes names of processes and groups, not all";
        return session.refuse(line);
    }
    let mut names = Vec::new();
    for word in words {
        match patterns::is_pattern(word) && Namespec::parse(word).process.is_some() {
            true => names.extend(super::expanded(session, &[word])?),
            false => names.push((*word).to_owned()),
        }
    }
    let at_once = Value::Int(manner.at_once.unwrap_or(1).into());
    for (place, word) in names.iter().enumerate() {
        let wait = Value::Bool(!manner.is_quick);
        let parameters = [Value::string(word), at_once.clone(), wait];
        let outcome = match Progress::watch(session, Aim::Restart, &[word])? {
            Some(mut progress) if !manner.is_quick => {
                let call = session.send("rollingRestart", &parameters)?;
                progress.wait(session, call)?
            }
            _ => session.try_call("rollingRestart", &parameters)?,
        };
        match outcome {
            Ok(reply) => {
                let results = reply.action_results()?;
                match manner.is_quick && results.is_empty() {
                    true => session.print(&format!("{word}: restarting one after the other"))?,
                    false => report(session, &results)?,
                }
            }
            Err(fault) if fault.is(FaultCode::UnknownMethod) => {
                let line = "ERROR: this supervisord cannot restart one after the other; \
                            leave out --rolling";
                return session.refuse(line);
            }
            Err(fault) if fault.is(FaultCode::BadName) => {
                let name = Namespec::parse(word);
                match name.process {
                    None => outcome::report_unknown_group(session, Verb::Start, name.group)?,
                    Some(_) => {
                        outcome::report(session, Verb::Start, word, fault.code.into(), "")?;
                    }
                }
            }
            Err(fault) => return Err(fault.into()),
        }
        if session.exit_status != 0 {
            let rest = names.get(place + 1..).unwrap_or_default();
            return rest
                .iter()
                .try_for_each(|name| session.print(&format!("{name}: not restarted")));
        }
    }
    Ok(())
}

/// Begins it. A name that there is not is told here: the answer comes before the server has
/// looked at all of them.
fn begin(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let processes = session.processes()?;
    let mut names = Vec::new();
    for (word, meant) in words.iter().zip(patterns::each(words, &processes)) {
        let name = Namespec::parse(word);
        let is_known = match meant {
            Meant::Several(_) => true,
            Meant::Name => processes.iter().any(|row| patterns::is_named(row, word)),
            Meant::Nothing => false,
        };
        match name.process {
            _ if is_known || *word == "all" => names.push(*word),
            None => outcome::report_unknown_group(session, Verb::BeginStart, name.group)?,
            Some(_) => {
                let unknown = FaultCode::BadName.code().into();
                outcome::report(session, Verb::BeginStart, word, unknown, "")?;
            }
        }
    }
    let (method, mut parameters) = match names.contains(&"all") {
        true => ("restartAllProcesses", Vec::new()),
        false if names.is_empty() => return Ok(()),
        false => ("restartProcesses", vec![targets(session, &names)?]),
    };
    parameters.push(Value::Bool(false));
    match session.try_call(method, &parameters)? {
        Ok(reply) => {
            let results = reply.action_results()?;
            match results.is_empty() {
                true => names
                    .iter()
                    .try_for_each(|name| session.print(&format!("{name}: restarting"))),
                // It is done already.
                false => report(session, &results),
            }
        }
        // Such a server is waited for until everything has stopped.
        Err(fault) if fault.is(FaultCode::UnknownMethod) => {
            by_steps(session, Verb::BeginStart, &names)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// The words as the server takes them: what a pattern matches is restarted together.
fn targets(session: &mut Session, words: &[&str]) -> Result<Value, Failure> {
    let is_pattern = |word: &&str| patterns::is_pattern(word);
    let Some(first) = words.iter().position(is_pattern) else {
        return Ok(Value::Array(
            words.iter().copied().map(Value::string).collect(),
        ));
    };
    let processes = session.processes()?;
    let meant = patterns::each(words, &processes);
    let targets = words.iter().zip(meant).enumerate();
    let targets = targets.map(|(place, (word, meant))| match meant {
        Meant::Several(rows) if place >= first => {
            let names = rows.iter().map(|row| Value::String(row.full_name()));
            Value::Array(names.collect())
        }
        _ => Value::string(*word),
    });
    Ok(Value::Array(targets.collect()))
}

/// A line for each. What this command has no words for is told at the end, for
/// all has been done.
fn report(session: &mut Session, results: &[ActionResult]) -> Result<(), Failure> {
    let mut failure = None;
    for ActionResult { action, result } in results {
        let verb = match action.as_str() {
            "stop" => Verb::Stop,
            _ => Verb::Start,
        };
        if result.name.is_empty() && result.is(FaultCode::BadName) {
            outcome::report_unknown_group(session, verb, &result.group)?;
            continue;
        }
        let name = display_name(&result.group, &result.name);
        if action == "skip" {
            session.print(&format!("{name}: not restarted"))?;
            continue;
        }
        match outcome::report(session, verb, &name, result.status, &result.description) {
            Err(error @ Failure::Call(_)) => failure = failure.or(Some(error)),
            outcome => outcome?,
        }
    }
    failure.map_or(Ok(()), Err)
}

/// The same by a call for each step.
fn by_steps(session: &mut Session, start: Verb, words: &[&str]) -> Result<(), Failure> {
    session.persevere(&ENDING, |session, held| {
        let stopped = processes::apply_held(session, Verb::Stop, None, words, Some(held));
        // What one name came to keeps nobody from starting the others.
        if let Err(failure) = &stopped
            && !matches!(failure.call(), Some(CallError::UnknownResultCode { .. }))
        {
            return stopped;
        }
        stopped.and(processes::apply_held(
            session,
            start,
            None,
            words,
            Some(held),
        ))
    })
}
