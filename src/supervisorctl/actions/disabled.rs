//! `disable` and `enable`: which processes are started by nothing but their names.

use super::expanded;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::outcome::{self, Verb};
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// `disable NAME…|all`, `enable NAME…|all`
pub fn apply(session: &mut Session, verb: Verb, words: &[&str]) -> Result<(), Failure> {
    let words = match words.contains(&"all") {
        true => expanded(session, &["*"])?,
        false => expanded(session, words)?,
    };
    for word in words {
        let outcome = session.try_call(verb.method_for_one(), &[Value::string(&word)])?;
        let name = Namespec::parse(&word);
        match (outcome, name.process) {
            (Err(fault), _) if fault.is(FaultCode::UnknownMethod) => {
                return session.refuse("ERROR: this supervisord cannot disable programs");
            }
            (outcome, Some(process)) => {
                let name = display_name(name.group, process);
                outcome::report_call(session, verb, &name, outcome)?;
            }
            (Ok(reply), None) => outcome::report_results(session, verb, &reply.results()?)?,
            (Err(fault), None) if fault.is(FaultCode::BadName) => {
                outcome::report_unknown_group(session, verb, name.group)?;
            }
            (Err(fault), None) => return Err(fault.into()),
        }
    }
    Ok(())
}
