//! Every method with good and bad parameters, generated from the table of methods:
//! wrong counts and wrong types. One line of the transcript is one call.

use super::compare;
use super::run::Run;
use crate::interface::{ADDED, is_told};
use crate::support::{Outcome, Value};
use pollvisor::rpc::interface::Method;
use pollvisor::rpc::methods::INTERFACE;

const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
startsecs=0
stdout_logfile=%(here)s/p.log
stderr_logfile=NONE
[program:off]
command=/bin/cat
autostart=false
startsecs=0
[program:merged]
command=/bin/cat
autostart=false
startsecs=0
redirect_stderr=true
[program:m]
command=/bin/cat
startsecs=0
numprocs=2
process_name=m%(process_num)d
[group:g]
programs=m
priority=5
";

/// Starts a daemon on the usual programs.
pub fn begin(run: &mut Run) {
    run.config(PROGRAMS);
    run.dir.write("p.log", "0123456789");
    run.start();
    run.wait_all(&["p", "g:m0", "g:m1"], "RUNNING");
}

impl Run {
    /// Calls a method at once; notes call and outcome in one line.
    pub fn ask(&mut self, method: &str, parameters: &[Value]) {
        let outcome = self.rpc_client.call(&full(method), parameters);
        if let Outcome::Fault(code, text) = &outcome {
            // What the table and the manual say holds for 4.3.0, too.
            assert!(
                is_told(&full(method), *code),
                "{method}: {text} is not told of"
            );
        }
        let parameters: Vec<String> = parameters.iter().map(ToString::to_string).collect();
        let outcome = self.shown(outcome);
        self.note(&format!("{method}({}) = {outcome}", parameters.join(", ")));
    }

    /// An outcome without what differs from run to run.
    pub fn shown(&self, outcome: Outcome) -> String {
        match outcome {
            Outcome::Answer(value) => super::run::without_times(value).to_string(),
            other => other.to_string(),
        }
    }
}

/// The full name of a method of `supervisor`, or of one that is named in full.
fn full(method: &str) -> String {
    match method.contains('.') {
        true => method.to_owned(),
        false => format!("supervisor.{method}"),
    }
}

/// The methods that 4.3.0 has, with their full names.
pub fn methods() -> impl Iterator<Item = (String, &'static Method)> {
    let named = |namespace: &'static str, table: &'static [Method]| {
        let name = move |method: &Method| format!("{namespace}.{}", method.name);
        table.iter().map(move |method| (name(method), method))
    };
    named("supervisor", INTERFACE.supervisor)
        .chain(named("system", INTERFACE.system))
        .filter(|(name, _)| !ADDED.contains(&name.as_str()))
}

/// Something that every method takes there and that changes nothing.
fn good(method: &str, name: &str) -> Value {
    match name {
        "name" if method.starts_with("system.") => Value::text("supervisor.getPID"),
        "name" => Value::text("p"),
        "signal" => Value::text("CONT"),
        "wait" => Value::Bool(true),
        // Beyond the end, for what the main log says is not the same.
        "offset"
            if ["readLog", "readMainLog"]
                .iter()
                .any(|log| method.ends_with(log)) =>
        {
            Value::Int(1 << 30)
        }
        "offset" | "length" => Value::Int(0),
        "chars" | "type" | "data" => Value::text(""),
        "calls" => Value::Array(vec![]),
        other => panic!("no value for {other} of {method}"),
    }
}

/// Values of every type, as good or bad as they may be.
pub fn all_sorts() -> Vec<Value> {
    let member = ("a".to_owned(), Value::Int(1));
    vec![
        Value::Nil,
        Value::Bool(true),
        Value::Bool(false),
        Value::Int(0),
        Value::Int(5),
        Value::Int(-7),
        Value::Double("2.5".to_owned()),
        Value::text(""),
        Value::text("5"),
        Value::text("nosuch"),
        Value::text("p:p"),
        Value::text("nosuch:*"),
        Value::text("\u{e9}\u{20ac}"),
        Value::Array(vec![]),
        Value::Array(vec![Value::text("p")]),
        Value::Struct(vec![]),
        Value::Struct(vec![member]),
        Value::Raw("<i8>7</i8>".to_owned()),
        Value::Raw("<dateTime.iso8601>20260131T23:59:59</dateTime.iso8601>".to_owned()),
        Value::Raw("<base64>cA==</base64>".to_owned()),
    ]
}

/// Whether 4.3.0 takes a value for a number.
fn is_number(value: &Value) -> bool {
    match value {
        Value::Int(_) | Value::Bool(_) | Value::Double(_) => true,
        Value::Text(text) => text == "5",
        Value::Raw(xml) => xml.contains("i8"),
        _ => false,
    }
}

#[test]
fn every_method_is_held_against_every_type_in_every_place() {
    compare("types of parameters", |run| {
        begin(run);
        for (name, method) in methods() {
            let well: Vec<Value> = method
                .parameters
                .iter()
                .map(|parameter| good(&name, parameter.name))
                .collect();
            for place in 0..well.len() {
                // What `wait` takes is looked at elsewhere: here it would stop things.
                if method.parameters[place].name == "wait" {
                    continue;
                }
                for value in all_sorts() {
                    // 5 is SIGTRAP, and true is SIGHUP: looked at elsewhere, too.
                    let is_deadly = matches!(&value, Value::Text(text) if text == "5")
                        || matches!(
                            value,
                            Value::Int(5) | Value::Bool(true) | Value::Double(_) | Value::Raw(_)
                        );
                    if method.parameters[place].name == "signal" && is_deadly {
                        continue;
                    }
                    // A group of its own name would be stopped or removed.
                    let stops = ["stop", "remove"]
                        .iter()
                        .any(|verb| method.name.starts_with(verb));
                    let is_p = value == Value::text("p:p")
                        || matches!(&value, Value::Raw(xml) if xml.contains("base64"));
                    if stops && is_p {
                        continue;
                    }
                    let mut parameters = well.clone();
                    parameters[place] = value;
                    // A number is good, and what it reads is not the same.
                    let is_main = name.ends_with(".readLog") || name.ends_with(".readMainLog");
                    if is_main && place == 0 && is_number(&parameters[0]) {
                        continue;
                    }
                    run.ask(&name, &parameters);
                }
            }
        }
        run.stop();
    });
}

#[test]
fn every_method_is_held_against_every_number_of_parameters() {
    compare("numbers of parameters", |run| {
        begin(run);
        for (name, method) in methods() {
            let required = method.parameters.iter().filter(|p| !p.optional).count();
            for count in (0..required).chain(method.parameters.len() + 1..8) {
                run.ask(&name, &vec![Value::text("p"); count]);
                run.ask(&name, &vec![Value::Nil; count]);
            }
        }
        run.stop();
    });
}
