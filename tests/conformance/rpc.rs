//! The XML-RPC interface: faults, shapes, the table of methods.

use super::compare;
use super::run::Run;
use crate::interface::ADDED;
use crate::support::{Outcome, Value};

const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
startsecs=0
[program:off]
command=/bin/cat
autostart=false
[program:m]
command=/bin/cat
startsecs=0
[group:g]
programs=m
priority=5
";

fn begin(run: &mut Run) {
    run.config(PROGRAMS);
    run.start();
    run.wait_all(&["p", "g:m"], "RUNNING");
}

/// Each method of a process or a group with parameters after the name.
const NAMED: &[(&str, usize)] = &[
    ("addProcessGroup", 0),
    ("clearProcessLog", 0),
    ("clearProcessLogs", 0),
    ("getProcessInfo", 0),
    ("readProcessLog", 2),
    ("readProcessStderrLog", 2),
    ("readProcessStdoutLog", 2),
    ("removeProcessGroup", 0),
    ("sendProcessStdin", 1),
    ("signalProcess", 1),
    ("signalProcessGroup", 1),
    ("startProcess", 0),
    ("startProcessGroup", 0),
    ("stopProcess", 0),
    ("stopProcessGroup", 0),
    ("tailProcessLog", 2),
    ("tailProcessStderrLog", 2),
    ("tailProcessStdoutLog", 2),
];

#[test]
fn unknown_names_are_bad_names() {
    compare("bad names", |run| {
        begin(run);
        for (method, more) in NAMED {
            for name in ["nosuch", "g:nosuch", "nosuch:m", "m", ":", "", "nosuch:*"] {
                let mut parameters = vec![Value::text(name)];
                parameters.extend(vec![Value::text("0"); *more]);
                run.rpc(method, &parameters);
            }
        }
        run.stop();
    });
}

#[test]
fn a_wrong_number_of_parameters_is_a_fault() {
    compare("bad arity", |run| {
        begin(run);
        let methods = run.quiet_rpc("system.listMethods", &[]).answer();
        let Value::Array(mut methods) = methods else {
            panic!("a list of methods");
        };
        // Those that 4.3.0 does not have are looked at elsewhere.
        methods.retain(|method| !ADDED.iter().any(|name| *method == Value::text(name)));
        run.note_value(&Value::Array(methods.clone()));
        for method in methods {
            let Value::Text(method) = method else {
                panic!("a name");
            };
            // None of them takes six parameters; most want at least one.
            run.rpc(&method, &vec![Value::text("p"); 6]);
            run.rpc("system.methodSignature", &[Value::text(&method)]);
        }
        for method in [
            "startProcess",
            "getProcessInfo",
            "signalProcess",
            "readLog",
            "system.methodHelp",
            "system.multicall",
        ] {
            run.rpc(method, &[]);
        }
        run.stop();
    });
}

#[test]
fn unknown_methods_are_faults() {
    compare("bad methods", |run| {
        begin(run);
        for method in [
            "supervisor.nosuch",
            "nosuch.getState",
            "supervisor.GetState",
            "supervisor._update",
            "supervisor.supervisord",
            "system.namespaces",
            "supervisor.getState.x",
            "..",
            "system.",
            " supervisor.getState",
        ] {
            run.rpc(method, &[]);
        }
        let plain = run.rpc_client.call("getState", &[]);
        run.note(&plain.to_string());
        for body in [
            "<",
            "<methodCall></methodCall>",
            "<methodCall><methodName></methodName></methodCall>",
            "<methodCall><methodName>supervisor.getState</methodName></methodCall>",
            "<methodCall><methodName>supervisor.getState</methodName><params/></methodCall>",
            "<methodCall><methodName>supervisor.getState</methodName><params><param/></params></methodCall>",
            "<x><methodName>supervisor.getState</methodName></x>",
            "<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value>p</value></param></params></methodCall>",
            "<methodCall><methodName>supervisor.readLog</methodName><params><param><value><i4> 1000000 </i4></value></param><param><value><int>+0</int></value></param></params></methodCall>",
            "<methodCall><methodName>supervisor.readLog</methodName><params><param><value><int>x</int></value></param></params></methodCall>",
        ] {
            let outcome = run.rpc_client.post(body);
            run.note(&format!("post {body:?}"));
            match outcome {
                Outcome::Answer(value) => run.note_value(&value),
                other => run.note(&other.to_string()),
            }
        }
        run.stop();
    });
}

#[test]
fn multicall_answers_each_call_unwrapped() {
    compare("multicall", |run| {
        begin(run);
        let call = |method: &str, parameters: Vec<Value>| {
            Value::Struct(vec![
                ("methodName".to_string(), Value::text(method)),
                ("params".to_string(), Value::Array(parameters)),
            ])
        };
        run.rpc("system.multicall", &[Value::Array(vec![])]);
        run.rpc(
            "system.multicall",
            &[Value::Array(vec![
                call("supervisor.getState", vec![]),
                call("supervisor.getAPIVersion", vec![]),
                call("supervisor.stopProcess", vec![Value::text("p")]),
                call("supervisor.startProcess", vec![Value::text("p")]),
                call("supervisor.startProcess", vec![Value::text("p")]),
                call("supervisor.nosuch", vec![]),
                call("supervisor.getProcessInfo", vec![]),
                call("system.multicall", vec![]),
                call("supervisor.stopProcessGroup", vec![Value::text("g")]),
                Value::Struct(vec![(
                    "methodName".to_string(),
                    Value::text("supervisor.getIdentification"),
                )]),
                Value::Struct(vec![("params".to_string(), Value::Array(vec![]))]),
                call("", vec![]),
            ])],
        );
        run.rpc("system.multicall", &[Value::Int(5)]);
        run.rpc("system.multicall", &[Value::Array(vec![Value::Int(5)])]);
        run.ctl("status");
        run.stop();
    });
}

#[test]
fn the_configuration_of_every_process_is_told() {
    compare("getAllConfigInfo", |run| {
        run.config(
            "[program:full]\ncommand=/bin/cat -u\nautostart=false\nstartsecs=3\nstartretries=4\nexitcodes=0,2\npriority=12\n\
             directory=/usr\nuser=nobody\nstopsignal=HUP\nstopwaitsecs=7\nkillasgroup=true\nredirect_stderr=true\n\
             stdout_logfile=%(here)s/full.log\nstdout_logfile_maxbytes=1KB\nstdout_logfile_backups=3\nstdout_capture_maxbytes=2KB\nstdout_events_enabled=true\n\
             stderr_logfile_maxbytes=5\nstderr_logfile_backups=6\nstderr_capture_maxbytes=7\nstderr_events_enabled=true\nserverurl=http://x:1\n\
             [program:plain]\ncommand=/bin/cat\nautostart=false\n\
             [program:m]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=NONE\nnumprocs=2\nprocess_name=m%(process_num)d\n[group:g]\nprograms=m\npriority=3\n",
        );
        run.start();
        run.rpc("getAllConfigInfo", &[]);
        run.rpc("reloadConfig", &[]);
        run.rpc("getAllConfigInfo", &[]);
        run.ctl("avail");
        run.stop();
    });
}

#[test]
fn the_daemon_tells_of_itself() {
    compare("information on the daemon", |run| {
        begin(run);
        for method in [
            "getAPIVersion",
            "getVersion",
            "getSupervisorVersion",
            "getIdentification",
            "getState",
        ] {
            run.rpc(method, &[]);
        }
        let pid = run.quiet_rpc("getPID", &[]).answer();
        let right = pid == Value::Int(i64::from(run.daemon().pid()));
        run.note(&format!("the pid is right: {right}"));
        run.rpc("getAllProcessInfo", &[]);
        run.rpc(
            "sendRemoteCommEvent",
            &[Value::text("type"), Value::text("data")],
        );
        run.rpc("system.methodSignature", &[Value::text("nosuch")]);
        run.rpc("system.methodHelp", &[Value::text("nosuch")]);
        // Help is prose, but for the lines that tools read.
        for method in [
            "startProcess",
            "readLog",
            "sendProcessStdin",
            "getState",
            "signalAllProcesses",
        ] {
            let help = run.quiet_rpc(
                "system.methodHelp",
                &[Value::text(&format!("supervisor.{method}"))],
            );
            let Outcome::Answer(Value::Text(help)) = help else {
                panic!("help on {method}");
            };
            for line in help.lines().filter(|line| line.trim().starts_with('@')) {
                let words: Vec<&str> = line.split_whitespace().take(3).collect();
                // The name of a result is prose as well.
                let count = if words[0] == "@return" { 2 } else { 3 };
                run.note(&format!("{method}: {}", words[..count].join(" ")));
            }
        }
        run.rpc("shutdown", &[]);
        run.wait_end();
        run.log();
    });
}
