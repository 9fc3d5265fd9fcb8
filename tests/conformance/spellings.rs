//! Names, numbers, signals and truths as parameters of methods, in every spelling. One
//! line of the transcript is one call.

use super::compare;
use super::requests::{all_sorts, begin};
use crate::support::Value;

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
