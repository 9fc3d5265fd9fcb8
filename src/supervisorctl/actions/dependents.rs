//! What depends on a process that is stopped: it is stopped first, or told of.

use super::expanded;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::outcome::{self, Verb};
use crate::supervisorctl::patterns;
use crate::supervisorctl::reply::{DependencyInfo, NeedInfo};
use crate::supervisorctl::screen;
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// How many of them are named.
const NAMED: usize = 5;

/// `stop --with-dependents NAME…`
pub fn stop(session: &mut Session, verb: Verb, words: &[&str]) -> Result<(), Failure> {
    let wait = Value::Bool(!verb.is_begun());
    for name in expanded(session, words)? {
        let parameters = [Value::string(&*name), wait.clone()];
        match session.try_call("stopProcessWithDependents", &parameters)? {
            Ok(reply) => {
                let results = reply.results()?;
                if results.is_empty() {
                    let code = FaultCode::NotRunning.code().into();
                    outcome::report(session, verb, &name, code, "")?;
                }
                outcome::report_results(session, verb, &results)?;
            }
            Err(fault) if fault.is(FaultCode::UnknownMethod) => {
                return session.refuse(
                    "ERROR: this supervisord knows no dependencies; leave out --with-dependents",
                );
            }
            Err(fault) if fault.is(FaultCode::BadName) => {
                session.refuse(&format!("{name}: ERROR (no such process)"))?;
                session.hints.add_unknown(&name, Sought::Processes);
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(())
}

/// Says on the standard error who depends on what was stopped and goes on running. A server
/// that does not know has nothing to say.
pub fn tell(session: &mut Session, words: &[&str]) {
    if words.iter().any(|word| patterns::is_pattern(word)) || words.contains(&"all") {
        return;
    }
    let Ok(Ok(reply)) = session.try_call("getDependencies", &[]) else {
        return;
    };
    let rows = reply.dependencies().unwrap_or_default();
    for line in lines(&rows, words) {
        screen::complain(&line);
    }
}

fn lines(rows: &[DependencyInfo], words: &[&str]) -> Vec<String> {
    let is_meant = |word: &str, group: &str, name: &str| {
        let meant = Namespec::parse(word);
        meant.group == group && meant.process.is_none_or(|process| process == name)
    };
    let lines = words.iter().filter_map(|word| {
        let meant = Namespec::parse(word);
        let needs = |need: &NeedInfo| match meant.process {
            Some(process) => need.is_of(meant.group, process),
            None => need.group == meant.group,
        };
        let dependants = rows.iter().filter(|row| {
            ["RUNNING", "STARTING"].contains(&row.statename.as_str())
                && row.depends_on.iter().any(needs)
                && !words
                    .iter()
                    .any(|word| is_meant(word, &row.group, &row.name))
        });
        let names = dependants.map(|row| display_name(&row.group, &row.name));
        let names: Vec<String> = names.collect();
        let more = match names.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = names.get(..NAMED).unwrap_or(&names).join(", ");
        (!names.is_empty()).then(|| {
            format!(
                "{word}: still running and dependent on it: {named}{more}; \
                 to stop them first: stop --with-dependents {word}"
            )
        })
    });
    lines.collect()
}
