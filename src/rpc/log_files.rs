//! Rotating and reopening logs.

use crate::loggers::failure::LogFailure;
use crate::loop_context::LoopContext;
use crate::process::subprocess::Subprocess;
use crate::rpc::interface::{Daemon, Outcome};
use crate::rpc::{names, parameters};
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `supervisor.rotateProcessLogs(name)`
pub fn rotate_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let process = names::process(daemon.supervisor, parameters::string(parameters, 0)?)?;
    done(process.rotate_logs(daemon.context))
}

/// `supervisor.reopenProcessLogs(name)`
pub fn reopen_process(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let process = names::process(daemon.supervisor, parameters::string(parameters, 0)?)?;
    done(process.reopen_logs(daemon.context))
}

/// `supervisor.rotateAllLogs()`
pub fn rotate_all(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let main = daemon.context.log.rotate();
    done(main.and(of_all(daemon, Subprocess::rotate_logs)))
}

/// `supervisor.reopenAllLogs()`
pub fn reopen_all(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let main = daemon.context.log.reopen();
    done(main.and(of_all(daemon, Subprocess::reopen_logs)))
}

/// Does it to every process; the first failure is told.
fn of_all(
    daemon: &mut Daemon<'_>,
    act: impl Fn(&Subprocess, &mut LoopContext) -> Result<(), LogFailure>,
) -> Result<(), LogFailure> {
    let mut outcome = Ok(());
    for id in daemon.supervisor.processes_by_priority() {
        if let Some(process) = daemon.supervisor.groups.process(id) {
            outcome = outcome.and(act(process, daemon.context));
        }
    }
    outcome
}

fn done(outcome: Result<(), LogFailure>) -> Outcome {
    match outcome {
        Ok(()) => Ok(Value::Bool(true).into()),
        Err(failure) => Err(Fault::with(FaultCode::Failed, failure.to_string())),
    }
}
