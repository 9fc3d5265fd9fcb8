//! Every method in every state of a process, and while supervisord goes down. Each
//! state has a program for every request that may change it, so that all requests
//! find what they are about; one daemon of each kind serves them all.

use super::compare;
use super::requests::methods;
use super::run::{Awake, Run};
use crate::support::{DEADLINE, Value, kill, wait_until};
use std::collections::BTreeMap;

/// A state, what its programs are like, and how they got there.
struct State {
    label: &'static str,
    options: &'static str,
    shown: &'static str,
}

const fn state(label: &'static str, shown: &'static str, options: &'static str) -> State {
    State {
        label,
        options,
        shown,
    }
}

const ENDS: &str = "command=/bin/sh -c 'read -r status; exit $status'\nstartsecs=0\nexitcodes=0,2\nautorestart=false";
const STAYS: &str = "command=/bin/cat\nstartsecs=0\nautorestart=false";
/// A directory cannot be a log, so that no spawn ever gets far.
const FAILS: &str = "command=/bin/cat\nstdout_logfile=%(here)s/folder\nstartretries=";

const STATES: &[State] = &[
    state(
        "new",
        "STOPPED",
        "command=/bin/cat\nstartsecs=0\nautostart=false",
    ),
    state("stopped", "STOPPED", STAYS),
    state("starting", "STARTING", "command=/bin/cat\nstartsecs=600"),
    state("running", "RUNNING", STAYS),
    state("backoff", "BACKOFF", FAILS),
    state(
        "stopping",
        "STOPPING",
        "command=%(here)s/stubborn\nstartsecs=0\nstopwaitsecs=600",
    ),
    state("ended", "EXITED", ENDS),
    state("failed", "EXITED", ENDS),
    state("fatal", "FATAL", FAILS),
    state(
        "unknown",
        "UNKNOWN",
        "command=/bin/sleep 600\nstartsecs=0\nautorestart=false",
    ),
];

/// What may change the state: a method, a suffix of the name, more parameters.
const CHANGES: &[(&str, &str, &[Value])] = &[
    ("startProcess", "", &[]),
    ("startProcess", "", &[Value::Bool(false)]),
    ("startProcess", ":*", &[]),
    ("startProcess", ":", &[Value::Bool(false)]),
    ("startProcessGroup", "", &[]),
    ("startProcessGroup", "", &[Value::Bool(false)]),
    ("stopProcess", "", &[]),
    ("stopProcess", "", &[Value::Bool(false)]),
    ("stopProcess", ":*", &[]),
    ("stopProcess", ":", &[Value::Bool(false)]),
    ("stopProcessGroup", "", &[]),
    ("stopProcessGroup", "", &[Value::Bool(false)]),
    ("removeProcessGroup", "", &[]),
    ("signalProcess", "", &[Value::Int(9)]),
    ("signalProcess", ":*", &[Value::Int(9)]),
    ("signalProcessGroup", "", &[Value::Int(9)]),
];

fn named(label: &str, index: usize) -> String {
    format!("{label}{index}")
}

fn sections() -> String {
    let mut text = String::new();
    for State { label, options, .. } in STATES {
        // One more for what changes nothing.
        for index in 0..=CHANGES.len() {
            let retries = match *label {
                "backoff" => "100000",
                "fatal" => "0",
                _ => "",
            };
            text.push_str(&format!("[program:{label}{index}]\n{options}{retries}\n"));
            if !options.contains("stdout_logfile") {
                text.push_str("stdout_logfile=%(here)s/out.log\nstdout_logfile_maxbytes=0\n");
            }
        }
    }
    text
}

/// The states of all processes.
fn states(run: &Run) -> BTreeMap<String, (String, i64)> {
    let all = run.rpc_client.call("supervisor.getAllProcessInfo", &[]);
    let Value::Array(all) = all.answer() else {
        panic!("an array");
    };
    all.iter()
        .map(|info| {
            (
                info.text_of("name"),
                (info.text_of("statename"), info.int_of("pid")),
            )
        })
        .collect()
}

/// Waits until every program that begins with the label is in the state.
fn wait_label(run: &Run, label: &str, state: &str) {
    let reached = wait_until(DEADLINE, || {
        let states = states(run);
        (0..=CHANGES.len()).all(|index| states[&named(label, index)].0 == state)
    });
    assert!(reached, "{label} is not {state}: {:?}", states(run));
}

fn each(run: &Run, label: &str, method: &str, more: &[Value]) {
    for index in 0..=CHANGES.len() {
        let name = Value::text(&named(label, index));
        run.rpc_client
            .call(&format!("supervisor.{method}"), &[&[name], more].concat());
    }
}

fn bring_into_states(run: &Run) {
    for label in [
        "stopped", "running", "ended", "failed", "stopping", "unknown",
    ] {
        wait_label(run, label, "RUNNING");
    }
    wait_label(run, "starting", "STARTING");
    // A program that has not begun would not know that it is to be stubborn.
    run.wait_times("ready", "ready", CHANGES.len() + 1);
    each(run, "stopped", "stopProcess", &[Value::Bool(false)]);
    each(run, "stopping", "stopProcess", &[Value::Bool(false)]);
    each(run, "ended", "sendProcessStdin", &[Value::text("2\n")]);
    each(run, "failed", "sendProcessStdin", &[Value::text("1\n")]);
    run.dir.write("kill", libc::EPERM.to_string());
    each(run, "unknown", "stopProcess", &[Value::Bool(false)]);
    std::fs::remove_file(run.path("kill")).unwrap();
    for State { label, shown, .. } in STATES {
        wait_label(run, label, shown);
    }
}

#[test]
fn every_method_is_held_against_every_state() {
    compare("methods in every state", |run| {
        std::fs::create_dir(run.path("folder")).unwrap();
        run.script(
            "stubborn",
            "trap '' TERM\necho ready >>\"${0%/*}/ready\"\nwhile :; do read -r line || sleep 600; done",
        );
        run.config_with("minfds=4096", &sections());
        run.start_prepared(&[], true);
        let _awake = Awake::new(&run.rpc_client.clone());
        bring_into_states(run);
        run.dir.write("out.log", "0123456789");
        let children = |label: &str| -> Vec<u32> {
            states(run)
                .into_iter()
                .filter(|(name, _)| name.starts_with(label))
                .filter_map(|(_, (_, pid))| u32::try_from(pid).ok())
                .collect()
        };
        let (stubborn, unreachable) = (children("stopping"), children("unknown"));
        for State { label, .. } in STATES {
            let name = Value::text(&named(label, CHANGES.len()));
            for (method, description) in methods() {
                let parameters = description.parameters;
                let is_change = CHANGES
                    .iter()
                    .any(|(other, ..)| method.ends_with(&format!(".{other}")));
                if method.starts_with("system.")
                    || is_change
                    || parameters.first().is_none_or(|p| p.name != "name")
                {
                    continue;
                }
                let more: &[Value] = match parameters.get(1).map(|parameter| parameter.name) {
                    Some("chars") => &[Value::Nil],
                    Some("offset") => &[Value::Int(0), Value::Int(4)],
                    _ => &[],
                };
                // Cleared logs are empty from then on: that comes at the end.
                if !method.contains(".clear") {
                    run.ask(&method, &[std::slice::from_ref(&name), more].concat());
                }
            }
            run.ask("sendProcessStdin", &[name.clone(), Value::text("")]);
            for signal in [
                Value::Int(0),
                Value::text("CONT"),
                Value::text("NOPE"),
                Value::Nil,
            ] {
                run.ask("signalProcess", &[name.clone(), signal.clone()]);
                run.ask("signalProcessGroup", &[name.clone(), signal]);
            }
        }
        for State { label, .. } in STATES {
            for (index, (method, suffix, more)) in CHANGES.iter().enumerate() {
                let name = Value::text(&format!("{}{suffix}", named(label, index)));
                run.ask(method, &[&[name], *more].concat());
            }
        }
        for State { label, .. } in STATES {
            let name = Value::text(&named(label, CHANGES.len()));
            for method in ["clearProcessLogs", "clearProcessLog"] {
                run.ask(method, std::slice::from_ref(&name));
            }
        }
        for pid in stubborn {
            kill(pid, libc::SIGKILL);
        }
        run.stop();
        // The end of one that is UNKNOWN would be the end of 4.3.0.
        for pid in unreachable {
            kill(pid, libc::SIGKILL);
        }
    });
}

/// Something for each parameter that would be good at another time.
fn good(name: &str) -> Value {
    match name {
        "signal" => Value::text("CONT"),
        "wait" => Value::Bool(true),
        "offset" | "length" => Value::Int(0),
        _ => Value::text("p"),
    }
}

#[test]
fn every_method_is_held_against_a_shutdown_and_a_restart() {
    compare("methods while going down", |run| {
        run.script(
            "stubborn",
            "trap '' TERM\necho ready >\"${0%/*}/ready\"\nwhile :; do read -r line || sleep 600; done",
        );
        run.config(
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
             [program:stubborn]\ncommand=%(here)s/stubborn\nstartsecs=0\nstopwaitsecs=600\npriority=1\n",
        );
        run.start();
        for end in ["restart", "shutdown"] {
            run.wait_all(&["p", "stubborn"], "RUNNING");
            run.wait_text("ready", "ready");
            let child = u32::try_from(run.info("stubborn").int_of("pid")).unwrap();
            run.ask(end, &[]);
            run.wait_log("waiting for", if end == "restart" { 1 } else { 2 });
            for (method, description) in methods() {
                let parameters = description.parameters;
                let well: Vec<Value> = parameters.iter().map(|p| good(p.name)).collect();
                let name = method.trim_start_matches("supervisor.");
                run.ask(name, &well);
                run.ask(name, &vec![Value::text("nosuch"); parameters.len()]);
                run.ask(name, &vec![Value::Nil; parameters.len()]);
                run.ask(name, &vec![Value::text("p"); parameters.len() + 1]);
            }
            let call =
                |method: &str| Value::Struct(vec![("methodName".to_owned(), Value::text(method))]);
            let calls = [
                "supervisor.getState",
                "system.methodHelp",
                "supervisor.shutdown",
                "nosuch.x",
            ];
            run.ask(
                "system.multicall",
                &[Value::Array(calls.map(call).to_vec())],
            );
            std::fs::remove_file(run.path("ready")).unwrap();
            kill(child, libc::SIGKILL);
        }
        run.wait_end();
    });
}
