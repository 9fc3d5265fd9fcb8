//! `start`, `stop` and `signal`: what is done to processes, name by name, each
//! waiting for its answer.

use super::refuse;
use crate::signal::Signal;
use crate::supervisorctl::client::PendingCall;
use crate::supervisorctl::command::Command;
use crate::supervisorctl::failure::{CallError, Failure};
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::outcome::{self, Verb};
use crate::supervisorctl::patterns::{self, Meant};
use crate::supervisorctl::progress::Progress;
use crate::supervisorctl::reply::{ProcessInfo, Reply};
use crate::supervisorctl::session::Session;
use crate::sys::signals::Held;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// How many calls for what matches a pattern are under way at the same time.
const AT_ONCE: usize = 32;

/// `signal SIGNAL NAME…`
pub fn signal(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let (Some(signal), Some(names @ [_, ..])) = (words.first(), words.get(1..)) else {
        return refuse(
            session,
            Command::Signal,
            "Error: signal requires a signal name and a process name",
        );
    };
    apply(session, Verb::Signal, Some(signal), names)
}

/// Does it to each name. A dropped line ends that only when none of several is left.
pub fn apply(
    session: &mut Session,
    verb: Verb,
    signal: Option<&str>,
    names: &[&str],
) -> Result<(), Failure> {
    match names {
        [name] if !patterns::is_pattern(name) => apply_held(session, verb, signal, names, None),
        _ => session.persevere(&[Signal::HUP], |session, _| {
            apply_held(session, verb, signal, names, None)
        }),
    }
}

/// The same while other signals may be held back. `all` anywhere means every process
/// and nothing else. With signals held back Ctrl-C must not be waited for, and who
/// wants this program to end does not wait for processes to come up.
pub fn apply_held(
    session: &mut Session,
    verb: Verb,
    signal: Option<&str>,
    names: &[&str],
    held: Option<&Held>,
) -> Result<(), Failure> {
    let progress = match held {
        Some(_) => None,
        None => Progress::watch(session, verb.into(), names)?,
    };
    let mut work = Work {
        verb,
        signal,
        progress,
        held,
    };
    if names.contains(&"all") {
        let method = verb.method_for_all();
        return match work.call(session, method, None)? {
            Ok(reply) => outcome::report_results(session, verb, &reply.results()?),
            Err(fault) => Err(CallError::Fault(fault).into()),
        };
    }
    for (place, word) in names.iter().enumerate() {
        let so_far = names.get(..=place).unwrap_or_default();
        if so_far.iter().any(|word| patterns::is_pattern(word)) {
            let processes = session.processes()?;
            if let Some(Meant::Several(rows)) = patterns::each(so_far, &processes).pop() {
                work.apply_to_matches(session, &rows)?;
                continue;
            }
        }
        work.apply_to(session, word)?;
    }
    Ok(())
}

/// What is being done.
struct Work<'a> {
    verb: Verb,
    signal: Option<&'a str>,
    progress: Option<Progress>,
    held: Option<&'a Held>,
}

impl Work<'_> {
    fn apply_to(&mut self, session: &mut Session, word: &str) -> Result<(), Failure> {
        let name = Namespec::parse(word);
        let Some(process) = name.process else {
            return self.apply_to_group(session, name.group);
        };
        let outcome = self.call(session, self.verb.method_for_one(), Some(word))?;
        let display_name = display_name(name.group, process);
        outcome::report_call(session, self.verb, &display_name, outcome)
    }

    fn apply_to_group(&mut self, session: &mut Session, group: &str) -> Result<(), Failure> {
        let method = self.verb.method_for_group();
        match self.call(session, method, Some(group))? {
            Ok(reply) => outcome::report_results(session, self.verb, &reply.results()?),
            Err(fault) if fault.is(FaultCode::BadName) => {
                outcome::report_unknown_group(session, self.verb, group)
            }
            Err(fault) => Err(CallError::Fault(fault).into()),
        }
    }

    /// Does it to what matches a pattern, all at once and, as for a group, only
    /// where there is something to do.
    fn apply_to_matches(
        &mut self,
        session: &mut Session,
        rows: &[&ProcessInfo],
    ) -> Result<(), Failure> {
        let verb = self.verb;
        let has_something_to_do = |row: &&&ProcessInfo| {
            row.known_state().is_none_or(|state| match verb {
                Verb::Start => state.is_stopped(),
                Verb::Stop => state.is_running(),
                Verb::Signal => state.is_signallable(),
                Verb::Clear => true,
            })
        };
        let rows: Vec<&&ProcessInfo> = rows.iter().filter(has_something_to_do).collect();
        for some in rows.chunks(AT_ONCE) {
            let mut calls = Vec::new();
            for row in some {
                let parameters = self.parameters(Some(&row.full_name()));
                let call = session.send(verb.method_for_one(), &parameters)?;
                calls.push((row.display_name(), call));
            }
            for (name, call) in calls {
                let outcome = self.wait(session, call)?;
                outcome::report_call(session, verb, &name, outcome)?;
            }
        }
        Ok(())
    }

    fn parameters(&self, name: Option<&str>) -> Vec<Value> {
        let words = name.into_iter().chain(self.signal);
        let mut parameters: Vec<Value> = words.map(Value::string).collect();
        if self.verb == Verb::Start && self.held.is_some_and(Held::is_waiting) {
            parameters.push(Value::Bool(false));
        }
        parameters
    }

    fn call(
        &mut self,
        session: &mut Session,
        method: &'static str,
        name: Option<&str>,
    ) -> Result<Result<Reply, Fault>, Failure> {
        let parameters = self.parameters(name);
        if self.progress.is_none() {
            return session.try_call(method, &parameters);
        }
        let call = session.send(method, &parameters)?;
        self.wait(session, call)
    }

    fn wait(
        &mut self,
        session: &mut Session,
        call: PendingCall,
    ) -> Result<Result<Reply, Fault>, Failure> {
        match &mut self.progress {
            Some(progress) => progress.wait(session, call),
            None => session.wait_for(call),
        }
    }
}
