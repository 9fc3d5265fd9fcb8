//! Every method with good and bad parameters, generated from the table of methods:
//! wrong counts, wrong types, numbers in all spellings, names of all forms. One
//! line of the transcript is one call.

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

#[test]
fn names_of_every_form_are_understood_alike() {
    compare("forms of names", |run| {
        begin(run);
        let names = [
            "p",
            "p:p",
            "p:*",
            "p:",
            ":p",
            ":",
            "",
            "*",
            "p:p:p",
            "P",
            " p",
            "p ",
            "g",
            "g:m0",
            "g:*",
            "g:",
            "g:m2",
            "g:*:*",
            "g:m0:",
            "m",
            "m0",
            "m0:m0",
            "nosuch",
            "nosuch:",
            "nosuch:*",
            "off:off",
            "\u{e9}",
            "p\u{0301}",
            "p&<>\"'",
            "0",
            "group:name",
            "a/b",
            "..",
            "%70",
        ];
        for (method, more) in [
            ("getProcessInfo", vec![]),
            ("addProcessGroup", vec![]),
            ("clearProcessLogs", vec![]),
            ("clearProcessLog", vec![]),
            ("startProcess", vec![]),
            ("startProcessGroup", vec![]),
            ("signalProcess", vec![Value::Int(0)]),
            ("signalProcessGroup", vec![Value::Int(0)]),
            ("sendProcessStdin", vec![Value::text("")]),
            ("readProcessStdoutLog", vec![Value::Int(0), Value::Int(0)]),
            ("readProcessStderrLog", vec![Value::Int(0), Value::Int(0)]),
            ("readProcessLog", vec![Value::Int(0), Value::Int(0)]),
            ("tailProcessStdoutLog", vec![Value::Int(0), Value::Int(9)]),
            ("tailProcessStderrLog", vec![Value::Int(0), Value::Int(9)]),
            ("tailProcessLog", vec![Value::Int(0), Value::Int(9)]),
            ("system.methodHelp", vec![]),
            ("system.methodSignature", vec![]),
        ] {
            for name in names {
                // A start of these would not be the last.
                if method.starts_with("start") && name.starts_with("off") {
                    continue;
                }
                run.ask(method, &[vec![Value::text(name)], more.clone()].concat());
            }
        }
        for name in names {
            let stops = name.starts_with("p:")
                || ["p", "g:m0", "g:*", "g:", "g", "off:off"].contains(&name);
            if !stops {
                for method in ["stopProcess", "stopProcessGroup", "removeProcessGroup"] {
                    run.ask(method, &[Value::text(name)]);
                }
            }
        }
        run.ask("removeProcessGroup", &[Value::text("g:*")]);
        run.ask("stopProcessGroup", &[Value::text("g:*")]);
        run.stop();
    });
}

#[test]
fn offsets_and_lengths_are_numbers_in_every_spelling() {
    compare("windows of logs", |run| {
        begin(run);
        run.dir.write("log", "0123456789");
        let numbers: Vec<Value> = [-1_000_000_000, -11, -10, -3, -1, 0, 1, 3, 9, 10, 11, 5000]
            .into_iter()
            .map(Value::Int)
            .chain(["2.9", "-2.9", "0.0", "1e3"].map(|text| Value::Double(text.to_owned())))
            .chain(
                [
                    "3", " 3 ", "+3", "-3", "0_3", "3_", "", "3.0", "0x3", "x", "\u{663}",
                ]
                .map(Value::text),
            )
            .chain([
                Value::Bool(true),
                Value::Bool(false),
                Value::Nil,
                Value::Array(vec![]),
            ])
            .collect();
        for offset in &numbers {
            for length in &numbers {
                for method in ["readProcessStdoutLog", "tailProcessStdoutLog"] {
                    run.ask(method, &[Value::text("p"), offset.clone(), length.clone()]);
                }
            }
        }
        // Those of other logs, and the aliases.
        for method in [
            "readProcessLog",
            "readProcessStderrLog",
            "tailProcessLog",
            "tailProcessStderrLog",
        ] {
            for name in ["p", "off", "merged", "g:m0"] {
                for (offset, length) in
                    [(0, 0), (-5, 0), (0, 5), (-1, 5), (0, -5), (3, 4), (100, 5)]
                {
                    run.ask(
                        method,
                        &[Value::text(name), Value::Int(offset), Value::Int(length)],
                    );
                }
            }
        }
        for (offset, length) in [
            (-5, 5),
            (5, -5),
            (1 << 30, 0),
            (1 << 30, 7),
            (0, -1),
            (-1, 1),
        ] {
            for method in ["readLog", "readMainLog"] {
                run.ask(method, &[Value::Int(offset), Value::Int(length)]);
            }
        }
        for offset in &numbers[12..] {
            // Beyond the end, or refused: what it says changes.
            run.ask("readLog", &[offset.clone(), Value::Int(-1)]);
            run.ask("readMainLog", &[Value::Int(1 << 30), offset.clone()]);
        }
        for huge in [
            "2147483647",
            "2147483648",
            "-2147483648",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999999999",
        ] {
            let number = Value::Raw(format!("<int>{huge}</int>"));
            for method in ["readProcessStdoutLog", "tailProcessStdoutLog"] {
                run.ask(method, &[Value::text("p"), number.clone(), Value::Int(0)]);
                run.ask(
                    method,
                    &[Value::text("p"), Value::text(huge), Value::Int(3)],
                );
            }
            run.ask(
                "tailProcessStdoutLog",
                &[Value::text("p"), Value::Int(3), number],
            );
        }
        run.stop();
    });
}

#[test]
fn signals_are_named_and_numbered_in_every_spelling() {
    compare("spellings of signals", |run| {
        begin(run);
        let names = [
            "HUP",
            "SIGHUP",
            "hup",
            "sigHup",
            " TERM ",
            "\tTERM\n",
            "KILL",
            "SIGKILL",
            "CLD",
            "CHLD",
            "IOT",
            "POLL",
            "IO",
            "PWR",
            "RTMIN",
            "RTMAX",
            "SIGRTMIN+1",
            "STKFLT",
            "UNUSED",
            "LOST",
            "EMT",
            "NSIG",
            "SIG",
            "SIGSIG",
            "SIGSIGHUP",
            "_IGN",
            "_DFL",
            "SIG_IGN",
            "SIG_DFL",
            "_BLOCK",
            "SIG_BLOCK",
            "SIG_SETMASK",
            "SIG_UNBLOCK",
            "NOPE",
            "",
            " ",
            "0",
            "1",
            "9",
            "15",
            " 9 ",
            "+9",
            "-9",
            "31",
            "32",
            "33",
            "34",
            "35",
            "63",
            "64",
            "65",
            "1000",
            "9.0",
            "0x9",
            "09",
            "1_5",
            "\u{669}",
            "\u{1d407}up",
            "hup\0x",
        ];
        let mut values: Vec<Value> = names
            .iter()
            .filter(|name| !name.contains('\0'))
            .map(|name| Value::text(name))
            .collect();
        values.extend((-2..=70).map(Value::Int));
        values.extend(
            ["15.9", "0.9", "-0.9", "1e2", "nan", "inf"].map(|text| Value::Double(text.to_owned())),
        );
        values.extend([true, false].map(Value::Bool));
        values.push(Value::Raw("<int>99999999999999999999</int>".to_owned()));
        values.push(Value::Raw("<base64>SFVQ</base64>".to_owned()));
        // Whether it is a signal is looked at before whether anything runs.
        for value in &values {
            run.ask("signalProcess", &[Value::text("off"), value.clone()]);
            run.ask("signalProcessGroup", &[Value::text("off"), value.clone()]);
        }
        // And these harm nobody.
        for value in [0, 17, 18, 23, 28].map(Value::Int).into_iter().chain(
            [
                "CONT", "sigcont", " WINCH ", "SIGURG", "0", "28", "NOPE", "", "99",
            ]
            .map(Value::text),
        ) {
            run.ask("signalProcess", &[Value::text("p"), value.clone()]);
            run.ask("signalProcess", &[Value::text("g:*"), value.clone()]);
            run.ask("signalProcessGroup", &[Value::text("g"), value.clone()]);
            run.ask("signalAllProcesses", &[value]);
        }
        run.stop();
    });
}

#[test]
fn wait_is_whatever_is_true_or_false_in_python() {
    compare("values of wait", |run| {
        begin(run);
        let client = run.rpc_client.clone();
        let _awake = super::run::Awake::new(&client);
        let mut values = all_sorts();
        values.retain(|value| !matches!(value, Value::Raw(_) | Value::Int(5 | -7)));
        for (index, value) in values.into_iter().enumerate() {
            for (start, stop, name) in [
                ("startProcess", "stopProcess", "p"),
                ("startProcess", "stopProcess", "g:*"),
                ("startProcessGroup", "stopProcessGroup", "g"),
            ] {
                // Stopped already, so that a stop without waiting leaves nothing to chance.
                run.quiet_rpc(stop, &[Value::text(name)]).answer();
                run.ask(stop, &[Value::text(name), value.clone()]);
                run.ask(start, &[Value::text(name), value.clone()]);
                run.ask(start, &[Value::text(name), value.clone()]);
            }
            if index % 4 == 0 {
                run.quiet_rpc("stopAllProcesses", &[]).answer();
                run.ask("stopAllProcesses", std::slice::from_ref(&value));
                run.ask("startAllProcesses", std::slice::from_ref(&value));
                run.ask("startAllProcesses", std::slice::from_ref(&value));
                run.quiet_rpc("stopProcess", &[Value::text("merged")])
                    .answer();
                run.quiet_rpc("stopProcess", &[Value::text("off")]).answer();
            }
        }
        run.stop();
    });
}
