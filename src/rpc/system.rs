//! The `system` namespace: what may be called, and several calls in one.

use std::collections::VecDeque;

use crate::rpc::deferred::Deferred;
use crate::rpc::interface::{Answer, Daemon, Outcome, dispatch};
use crate::rpc::{help, parameters};
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::value::Value;

/// `system.listMethods()`
pub fn list_methods(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let names = daemon.interface.names(&daemon.supervisor.rpcinterfaces);
    Ok(Value::Array(names.into_iter().map(Value::String).collect()).into())
}

/// `system.methodHelp(name)`
pub fn method_help(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let method = daemon
        .interface
        .find(name, &daemon.supervisor.rpcinterfaces)
        .ok_or_else(|| Fault::new(FaultCode::SignatureUnsupported))?;
    Ok(Value::String(help::text(method)).into())
}

/// `system.methodSignature(name)`: one flat signature, the result's type first.
pub fn method_signature(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let name = parameters::string(parameters, 0)?;
    let method = daemon
        .interface
        .find(name, &daemon.supervisor.rpcinterfaces)
        .ok_or_else(|| Fault::new(FaultCode::SignatureUnsupported))?;
    let types = std::iter::once(method.result.kind).chain(method.parameters.iter().map(|p| p.kind));
    Ok(Value::Array(types.map(Value::string).collect()).into())
}

/// `system.multicall(calls)`: strictly one after the other. Results are not
/// wrapped in arrays of one, which is what clients of 4.3.0 expect, unless
/// `wrap_multicall` is configured.
pub fn multicall(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let Some(Value::Array(calls)) = parameters.first() else {
        return Err(Fault::new(FaultCode::IncorrectParameters));
    };
    match run_calls(daemon, calls.iter().cloned().collect(), Vec::new()) {
        Ok(results) => Ok(Value::Array(results).into()),
        Err(deferred) => Ok(Answer::Later(deferred)),
    }
}

/// The most text that the results of one `system.multicall` hold together.
const RESULTS_LIMIT: usize = 32 * 1024 * 1024;

/// Makes calls until one has to be waited for; that one and the rest are the error.
pub fn run_calls(
    daemon: &mut Daemon<'_>,
    mut remaining: VecDeque<Value>,
    mut finished: Vec<Value>,
) -> Result<Vec<Value>, Deferred> {
    let mut size: usize = finished.iter().map(size_of_text).sum();
    while let Some(call) = remaining.pop_front() {
        if size > RESULTS_LIMIT {
            let text = "the answers before this one are too large together";
            finished.push(slot(daemon, Err(Fault::with(FaultCode::Failed, text))));
            continue;
        }
        match make_call(daemon, &call) {
            Ok(Answer::Done(value)) => {
                size += size_of_text(&value);
                finished.push(slot(daemon, Ok(value)));
            }
            Ok(Answer::Later(deferred)) => {
                return Err(Deferred::Multicall {
                    current: Box::new(deferred),
                    remaining,
                    finished,
                });
            }
            Err(fault) => finished.push(slot(daemon, Err(fault))),
        }
    }
    Ok(finished)
}

fn size_of_text(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size_of_text).sum(),
        Value::Struct(members) => members.iter().map(|(_, value)| size_of_text(value)).sum(),
        _ => 0,
    }
}

/// What stands in the array of results for one call.
pub fn slot(daemon: &Daemon<'_>, result: Result<Value, Fault>) -> Value {
    match result {
        Ok(value) if daemon.supervisor.wrap_multicall => Value::Array(vec![value]),
        Ok(value) => value,
        Err(fault) => Value::Struct(vec![
            ("faultCode".to_owned(), Value::Int(i64::from(fault.code))),
            ("faultString".to_owned(), Value::String(fault.text)),
        ]),
    }
}

fn make_call(daemon: &mut Daemon<'_>, call: &Value) -> Outcome {
    let Value::Struct(_) = call else {
        return Err(Fault::new(FaultCode::IncorrectParameters));
    };
    let name = match call.member("methodName") {
        Some(Value::String(name)) => name.as_str(),
        None | Some(Value::Nil) => {
            return Err(Fault::with(FaultCode::IncorrectParameters, "No methodName"));
        }
        Some(_) => return Err(Fault::new(FaultCode::UnknownMethod)),
    };
    if name == "system.multicall" {
        return Err(Fault::with(
            FaultCode::IncorrectParameters,
            "Recursive system.multicall forbidden",
        ));
    }
    match call.member("params") {
        None => dispatch(daemon, name, &[]),
        Some(Value::Array(parameters)) => dispatch(daemon, name, parameters),
        // Some clients have no empty array, and 4.3.0 takes whatever has items.
        Some(Value::Struct(members)) => {
            let names = members.iter().map(|(name, _)| Value::string(name.as_str()));
            dispatch(daemon, name, &names.collect::<Vec<_>>())
        }
        Some(Value::String(text)) => {
            let characters = text.chars().map(Value::string);
            dispatch(daemon, name, &characters.collect::<Vec<_>>())
        }
        Some(_) => Err(Fault::new(FaultCode::IncorrectParameters)),
    }
}
