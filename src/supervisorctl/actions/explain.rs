//! `explain`: why processes are in their states, in words.

use super::expanded;
use crate::supervisorctl::explanation::{self, Facts};
use crate::supervisorctl::failure::Failure;
use crate::supervisorctl::hints::Sought;
use crate::supervisorctl::session::Session;
use crate::xmlrpc::fault::FaultCode;
use crate::xmlrpc::value::Value;

/// `explain NAME…|all`
pub fn explain(session: &mut Session, words: &[&str]) -> Result<(), Failure> {
    let words = match words.contains(&"all") {
        true => expanded(session, &["*"])?,
        false => expanded(session, words)?,
    };
    for (place, word) in words.iter().enumerate() {
        match session.try_call("explainProcess", &[Value::string(word)])? {
            Ok(reply) => {
                if place > 0 {
                    session.print("")?;
                }
                for line in explanation::lines(&Facts::read(&reply.value)) {
                    session.print(&line)?;
                }
            }
            Err(fault) if fault.is(FaultCode::UnknownMethod) => {
                return session.refuse("ERROR: this supervisord explains nothing: see tail");
            }
            Err(fault) if fault.is(FaultCode::BadName) => {
                session.refuse(&format!("{word}: ERROR (no such process)"))?;
                session.hints.add_unknown(word, Sought::Processes);
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(())
}
