//! `start`, `stop` and `signal`: what is done to processes, name by name, each
//! waiting for its answer.

use std::time::Duration;

use super::{dependents, refuse};
use crate::signal::Signal;
use crate::states::ProcessState;
use crate::supervisorctl::client::PendingCall;
use crate::supervisorctl::command::Command;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::manner::Manner;
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

/// `start NAME…` and `stop NAME…`, in a manner.
pub fn change(
    session: &mut Session,
    verb: Verb,
    manner: Manner,
    names: &[&str],
) -> Result<(), Failure> {
    let verb = match manner.is_quick {
        true => verb.begun(),
        false => verb,
    };
    if manner.with_dependents && !names.contains(&"all") {
        return session.persevere(&[Signal::HUP], |session, _| {
            dependents::stop(session, verb, names)
        });
    }
    let Some(time) = manner.stop_within else {
        apply(session, verb, None, names)?;
        if !verb.is_start() {
            dependents::tell(session, names);
        }
        return Ok(());
    };
    session.persevere(&[Signal::HUP], |session, _| {
        stop_within(session, verb, time, names)
    })
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
            Err(fault) => Err(fault.into()),
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
            Err(fault) => Err(fault.into()),
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
                Verb::Start | Verb::BeginStart => state.is_stopped() && !row.is_disabled,
                Verb::Stop | Verb::BeginStop => state.is_running(),
                Verb::Signal => state.is_signallable(),
                _ => true,
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
        let is_held = self.verb.is_start() && self.held.is_some_and(Held::is_waiting);
        if is_held || self.verb.is_begun() {
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

/// Stops by SIGKILL after so long, also what is being stopped. All that is meant is told
/// before any of it is waited for.
fn stop_within(
    session: &mut Session,
    verb: Verb,
    time: Duration,
    names: &[&str],
) -> Result<(), Failure> {
    let processes = session.processes()?;
    let mut targets: Vec<(String, String)> = Vec::new();
    for (word, meant) in names.iter().zip(patterns::each(names, &processes)) {
        let rows: Vec<&ProcessInfo> = match meant {
            _ if names.contains(&"all") => processes.iter().collect(),
            Meant::Several(rows) => rows,
            Meant::Name => {
                let name = Namespec::parse(word);
                let shown = display_name(name.group, name.process.unwrap_or_default());
                targets.push((shown, (*word).to_owned()));
                continue;
            }
            Meant::Nothing => {
                let name = Namespec::parse(word);
                match name.process {
                    None => outcome::report_unknown_group(session, verb, name.group)?,
                    Some(_) => {
                        let unknown = FaultCode::BadName.code().into();
                        outcome::report(session, verb, word, unknown, "")?;
                    }
                }
                continue;
            }
        };
        let is_up = |row: &&ProcessInfo| {
            row.known_state()
                .is_none_or(|state| state.is_running() || state == ProcessState::Stopping)
        };
        let rows = rows.into_iter().filter(is_up);
        targets.extend(rows.map(|row| (row.display_name(), row.full_name())));
        if names.contains(&"all") {
            break;
        }
    }
    let wait = Value::Bool(!verb.is_begun());
    for some in targets.chunks(AT_ONCE) {
        let mut calls = Vec::new();
        for (shown, name) in some {
            let timeout = Value::Double(time.as_secs_f64());
            let parameters = [Value::string(name), timeout, wait.clone()];
            calls.push((shown, session.send("stopProcessWithin", &parameters)?));
        }
        for (shown, call) in calls {
            match session.wait_for(call)? {
                Err(fault) if fault.is(FaultCode::UnknownMethod) => {
                    let line = "ERROR: this supervisord cannot stop within a time of one's own; \
                                leave out --timeout and --now";
                    return session.refuse(line);
                }
                outcome => outcome::report_call(session, verb, shown, outcome)?,
            }
        }
    }
    Ok(())
}
