//! `rotate` and `reopen`: the files of logs.

use super::expanded;
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::names::{Namespec, display_name};
use crate::supervisorctl::outcome::{self, Verb};
use crate::supervisorctl::session::Session;
use crate::xmlrpc::value::Value;

/// `rotate [NAME…|all]`, `reopen [NAME…|all]`. Without a name they are meant for the main log, too.
pub fn apply(session: &mut Session, verb: Verb, words: &[&str]) -> Result<(), Failure> {
    if words.is_empty() || words.contains(&"all") {
        let outcome = session.try_call(verb.method_for_all(), &[])?;
        return outcome::report_call(session, verb, "all logs", outcome);
    }
    for word in expanded(session, words)? {
        let outcome = session.try_call(verb.method_for_one(), &[Value::string(&word)])?;
        let name = Namespec::parse(&word);
        let name = match name.process {
            Some(process) => display_name(name.group, process),
            None => word.clone(),
        };
        outcome::report_call(session, verb, &name, outcome)?;
    }
    Ok(())
}
