//! The methods of `system` that tell of methods and call several: multicalls in every
//! shape, and the lines of help that programs read.

use super::compare;
use super::requests::{all_sorts, begin, methods};
use super::run::Awake;
use crate::support::Value;

/// A call of a multicall.
fn call(method: Value, parameters: Option<Value>) -> Value {
    let mut members = vec![("methodName".to_owned(), method)];
    members.extend(parameters.map(|parameters| ("params".to_owned(), parameters)));
    Value::Struct(members)
}

#[test]
fn multicalls_are_taken_in_every_shape() {
    compare("shapes of multicalls", |run| {
        begin(run);
        let _awake = Awake::new(&run.rpc_client.clone());
        let named = |method: &str, parameters: Vec<Value>| {
            call(Value::text(method), Some(Value::Array(parameters)))
        };
        let name = || Value::text("p");
        // Each alone, so that one that fails takes no other with it.
        let mut calls: Vec<Value> = all_sorts()
            .into_iter()
            .flat_map(|value| {
                [
                    call(value.clone(), None),
                    call(Value::text("supervisor.getAPIVersion"), Some(value)),
                ]
            })
            .collect();
        calls.extend(
            all_sorts()
                .into_iter()
                .map(|value| call(Value::text("supervisor.getProcessInfo"), Some(value))),
        );
        calls.extend([
            Value::Struct(vec![]),
            Value::Struct(vec![("params".to_owned(), Value::Array(vec![]))]),
            Value::Struct(vec![(
                "methodname".to_owned(),
                Value::text("supervisor.getAPIVersion"),
            )]),
            named("system.multicall", vec![Value::Array(vec![])]),
            named("system.multicall", vec![]),
            named(
                "system.methodSignature",
                vec![Value::text("system.multicall")],
            ),
            named(" supervisor.getAPIVersion", vec![]),
            named("supervisor.getAPIVersion ", vec![]),
            named("supervisor", vec![]),
            named("supervisor.", vec![]),
            named(".getAPIVersion", vec![]),
            named("supervisor.getAPIVersion", vec![Value::Nil]),
            named("supervisor.getProcessInfo", vec![Value::text("nosuch")]),
            named(
                "supervisor.readProcessLog",
                vec![name(), Value::text("x"), Value::Int(0)],
            ),
            named(
                "supervisor.readProcessLog",
                vec![name(), Value::Nil, Value::Int(0)],
            ),
        ]);
        for one in calls {
            run.ask("system.multicall", &[Value::Array(vec![one])]);
        }
        // Calls that wait, first, last, in the middle, with faults between them.
        let waiting = [
            named("supervisor.stopProcess", vec![name()]),
            named("supervisor.stopProcess", vec![name()]),
            named("supervisor.getAPIVersion", vec![]),
            named("supervisor.startProcess", vec![name()]),
            named("supervisor.startProcess", vec![name()]),
            named("supervisor.stopProcessGroup", vec![Value::text("g")]),
            named("nosuch.nosuch", vec![]),
            named("supervisor.startProcess", vec![Value::text("g:*")]),
            named("supervisor.stopProcess", vec![Value::text("g:m0")]),
            named("supervisor.getProcessInfo", vec![Value::text("g:m0")]),
            named("supervisor.stopAllProcesses", vec![]),
            named("supervisor.startAllProcesses", vec![Value::Bool(false)]),
            named("supervisor.clearAllProcessLogs", vec![]),
        ];
        for count in 0..=waiting.len() {
            run.ask(
                "system.multicall",
                &[Value::Array(waiting[..count].to_vec())],
            );
            run.quiet_rpc("startAllProcesses", &[]).answer();
            run.quiet_rpc("getPID", &[]).answer();
        }
        run.ask(
            "system.multicall",
            &[Value::Array(vec![Value::Struct(vec![
                ("params".to_owned(), Value::Array(vec![name()])),
                (
                    "methodName".to_owned(),
                    Value::text("supervisor.signalProcess"),
                ),
                (
                    "params".to_owned(),
                    Value::Array(vec![name(), Value::Int(0)]),
                ),
                ("more".to_owned(), Value::Nil),
            ])])],
        );
        run.stop();
    });
}

#[test]
fn the_lines_of_help_that_programs_read_are_the_same() {
    compare("tags of help", |run| {
        begin(run);
        for (name, _) in methods() {
            let help = run
                .rpc_client
                .call("system.methodHelp", &[Value::text(&name)]);
            let Value::Text(help) = help.answer() else {
                panic!("a text");
            };
            // As `gettags` of 4.3.0 reads them, from which it makes its signatures.
            for line in help
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with('@'))
            {
                let words: Vec<&str> = line.split_whitespace().take(3).collect();
                run.note(&format!("{name} = {}", words.join(" ")));
            }
            run.ask("system.methodSignature", &[Value::text(&name)]);
        }
        run.stop();
    });
}
