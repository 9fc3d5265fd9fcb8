//! The `system` namespace: what may be called, and several calls in one.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::http::content::Content;
use crate::rpc::interface::{Answer, CallProgress, Daemon, Method, Outcome, dispatch};
use crate::rpc::parameters;
use crate::rpc::pending::{Multicall, Pause, PendingAction};
use crate::xmlrpc::call::Call;
use crate::xmlrpc::fault::{Fault, FaultCode};
use crate::xmlrpc::response;
use crate::xmlrpc::value::Value;
use crate::xmlrpc::writer;

/// `system.listMethods()`
pub fn list_methods(daemon: &mut Daemon<'_>, _: &[Value]) -> Outcome {
    let names = daemon.interface.names(&daemon.supervisor.rpcinterfaces);
    Ok(Value::Array(names.into_iter().map(Value::String).collect()).into())
}

/// `system.methodHelp(name)`
pub fn method_help(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let method = known(daemon, parameters)?;
    Ok(Value::String(help(method)).into())
}

/// `system.methodSignature(name)`: one flat signature, the result's type first.
pub fn method_signature(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let method = known(daemon, parameters)?;
    let types = std::iter::once(method.result.kind).chain(method.parameters.iter().map(|p| p.kind));
    Ok(Value::Array(types.map(Value::string).collect()).into())
}

/// The method whose full name is the first parameter.
fn known(daemon: &Daemon<'_>, parameters: &[Value]) -> Result<&'static Method, Fault> {
    let name = parameters::string(parameters, 0)?;
    let namespaces = &daemon.supervisor.rpcinterfaces;
    let method = daemon.interface.find(name, namespaces);
    method.ok_or_else(|| Fault::new(FaultCode::SignatureUnsupported))
}

/// Prose, then `@param` and `@return` lines that clients parse, indented by eight blanks.
fn help(method: &Method) -> String {
    let mut text = format!(" {}\n\n", method.help);
    for parameter in method.parameters {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "        @param {} {} {}",
            parameter.kind, parameter.name, parameter.help
        );
    }
    let result = method.result;
    let _ = writeln!(
        text,
        "        @return {} {} {}",
        result.kind, result.name, result.help
    );
    text.push_str("        ");
    text
}

/// Refuses a `system.multicall` of more calls than `limit`, before any is made.
pub fn check_calls(call: &Call, limit: usize) -> Result<(), Fault> {
    match call.params.first() {
        Some(Value::Array(calls)) if call.method == MULTICALL && calls.len() > limit => {
            let text = format!("{} calls in one {MULTICALL}, {limit} at most", calls.len());
            Err(Fault::with(FaultCode::IncorrectParameters, text))
        }
        _ => Ok(()),
    }
}

const MULTICALL: &str = "system.multicall";

/// `system.multicall(calls)`: strictly one after the other. Results are not
/// wrapped in arrays of one, which is what clients of 4.3.0 expect, unless
/// `wrap_multicall` is configured.
pub fn multicall(daemon: &mut Daemon<'_>, parameters: &[Value]) -> Outcome {
    let Some(Value::Array(calls)) = parameters.first() else {
        return Err(Fault::new(FaultCode::IncorrectParameters));
    };
    let mut finished = Content::default();
    finished.text().push_str(writer::BEGIN_ARRAY);
    let remaining = calls.iter().cloned().collect();
    Ok(match run_calls(daemon, remaining, finished) {
        Ok(results) => results.into(),
        Err(multicall) => CallProgress::Pending(PendingAction::Multicall(multicall)),
    })
}

/// The most that the results of one `system.multicall` are made from together,
/// in bytes of text and of logs.
const RESULTS_LIMIT: u64 = 16 * 1024 * 1024;
/// How many of the results may be long parts of logs, each of which is an open file.
const LOGS_LIMIT: usize = 8;

/// Makes calls until one has to be waited for, or the turn of the loop is over;
/// the results are there when all are made.
pub fn run_calls(
    daemon: &mut Daemon<'_>,
    mut remaining: VecDeque<Value>,
    mut finished: Content,
) -> Result<Content, Box<Multicall>> {
    while let Some(call) = remaining.pop_front() {
        let result = match finished.size() {
            ..=RESULTS_LIMIT => make_call(daemon, &call),
            _ => Err(Fault::with(
                FaultCode::Failed,
                "the answers before this one are too large together",
            )),
        };
        let mut pause = None;
        match result {
            Ok(CallProgress::Pending(action)) => pause = Some(Pause::Call(Box::new(action))),
            Ok(CallProgress::Done(answer)) => push_result(daemon, &mut finished, Ok(answer)),
            Err(fault) => push_result(daemon, &mut finished, Err(fault)),
        }
        if pause.is_none() && daemon.context.turn_is_over() {
            pause = Some(Pause::Turn(daemon.turn()));
        }
        if let Some(pause) = pause {
            return Err(Box::new(Multicall {
                access: daemon.access,
                pause,
                remaining,
                finished,
            }));
        }
    }
    finished.text().push_str(writer::END_ARRAY);
    Ok(finished)
}

/// Adds what stands in the array of results for one call.
pub fn push_result(daemon: &Daemon<'_>, finished: &mut Content, result: Result<Answer, Fault>) {
    let result = result.map(Answer::written);
    let result = result.and_then(|content| match finished.logs() + content.logs() {
        ..=LOGS_LIMIT => Ok(content),
        _ => Err(Fault::with(
            FaultCode::Failed,
            "too many long parts of logs in one call: ask for them one by one",
        )),
    });
    match result {
        Ok(content) if daemon.supervisor.wrap_multicall => {
            finished.text().push_str(writer::BEGIN_ARRAY);
            finished.append(content);
            finished.text().push_str(writer::END_ARRAY);
        }
        Ok(content) => finished.append(content),
        Err(fault) => response::push_fault(finished.text(), &fault),
    }
}

/// More than any method takes: what is beyond makes no difference, but would cost memory.
const MOST_PARAMETERS: usize = 16;

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
    if name == MULTICALL {
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
            let names = members.iter().take(MOST_PARAMETERS);
            let names = names.map(|(name, _)| Value::string(name.as_str()));
            dispatch(daemon, name, &names.collect::<Vec<_>>())
        }
        Some(Value::String(text)) => {
            let characters = text.chars().take(MOST_PARAMETERS).map(Value::string);
            dispatch(daemon, name, &characters.collect::<Vec<_>>())
        }
        Some(_) => Err(Fault::new(FaultCode::IncorrectParameters)),
    }
}
