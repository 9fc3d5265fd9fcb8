//! Children that no signal reaches: UNKNOWN, and STOPPING without an end. The
//! shim stands between the daemon and the kernel.

use super::compare;
use super::run::Run;
use crate::support::{Outcome, Value, is_alive, kill};

const SLEEPERS: &str = "\
[program:a]
command=/bin/sleep 600
startsecs=0
stdout_logfile=%(here)s/a.log
[program:b]
command=/bin/sleep 600
startsecs=0
[program:c]
command=/bin/sleep 600
startsecs=60
[program:m1]
command=/bin/sleep 600
startsecs=0
[program:m2]
command=/bin/sleep 600
startsecs=0
[group:g]
programs=m1,m2
";

/// `unknown problem killing NAME (PID):REASON` as far as the name; the reason is
/// a trace of the program in 4.3.0.
fn without_reason(text: &str) -> &str {
    match text.find("unknown problem") {
        Some(_) => text.split(" (").next().unwrap_or(text),
        None => text,
    }
}

/// Makes a call that fails at the kernel.
fn failing(run: &mut Run, method: &str, parameters: &[Value]) {
    let outcome = run.quiet_rpc(method, parameters);
    run.note(&format!("> {method}"));
    match outcome {
        Outcome::Fault(code, text) => run.note(&format!("fault {code} {}", without_reason(&text))),
        Outcome::Answer(Value::Array(statuses)) => {
            for status in statuses {
                let (name, code) = (status.text_of("name"), status.int_of("status"));
                let description = status.text_of("description");
                run.note(&format!("{name} {code} {}", without_reason(&description)));
            }
        }
        other => run.note(&other.to_string()),
    }
}

/// Notes the main log, without the traces, and without what is this program's own.
fn note_log(run: &mut Run, wanted: impl Fn(&str) -> bool) {
    for line in run.log_lines() {
        let is_ours = line.contains("supervisord is in ");
        if !line.starts_with("| ") && !is_ours && wanted(&line) {
            run.note(without_reason(&line));
        }
    }
}

fn child_of(run: &Run, process: &str) -> u32 {
    u32::try_from(run.info(process).int_of("pid")).unwrap()
}

#[test]
fn a_child_that_cannot_be_signalled_is_left_alone_in_the_state_unknown() {
    compare("UNKNOWN", |run| {
        run.config_with("loglevel=debug", SLEEPERS);
        run.start_prepared(&[], true);
        run.wait_all(&["a", "b", "g:m1", "g:m2"], "RUNNING");
        run.wait("c", "STARTING");
        let children = ["a", "b", "c", "g:m1", "g:m2"].map(|name| child_of(run, name));
        run.dir.write("kill", libc::EPERM.to_string());
        failing(run, "stopProcess", &[Value::text("a")]);
        failing(
            run,
            "signalProcess",
            &[Value::text("b"), Value::text("USR1")],
        );
        failing(run, "stopProcess", &[Value::text("c"), Value::Bool(false)]);
        failing(
            run,
            "signalProcessGroup",
            &[Value::text("g"), Value::text("HUP")],
        );
        // Why supervisord is FATAL goes to the standard error, of ours only.
        let shown = run.quiet_ctl("status");
        run.note(&shown.stdout);
        run.note(&format!("status {:?}", shown.status));
        std::fs::remove_file(run.path("kill")).unwrap();
        for name in ["a", "b", "c"] {
            run.note(&format!("requests to {name}:"));
            let name = Value::text(name);
            run.rpc("getProcessInfo", std::slice::from_ref(&name));
            run.rpc("startProcess", std::slice::from_ref(&name));
            run.rpc("startProcess", &[name.clone(), Value::Bool(false)]);
            run.rpc("stopProcess", std::slice::from_ref(&name));
            run.rpc("signalProcess", &[name.clone(), Value::text("CONT")]);
            run.rpc("sendProcessStdin", &[name.clone(), Value::text("x")]);
            run.rpc("clearProcessLogs", std::slice::from_ref(&name));
        }
        run.rpc("startAllProcesses", &[]);
        run.rpc("stopAllProcesses", &[]);
        run.rpc("signalAllProcesses", &[Value::text("CONT")]);
        for line in ["start b", "stop b", "restart b", "signal CONT b", "clear b"] {
            run.ctl(line);
        }
        // A group without anything else can be removed, and a child is left. The
        // end of one is the end of 4.3.0, even then, so that is looked at elsewhere.
        run.rpc("removeProcessGroup", &[Value::text("a")]);
        run.rpc("addProcessGroup", &[Value::text("a")]);
        run.wait("a", "RUNNING");
        let differs = child_of(run, "a") != children[0];
        run.note(&format!("it has a second child: {differs}"));
        run.stop();
        let left = children.iter().filter(|pid| is_alive(**pid)).count();
        run.note(&format!("{left} children are left alone"));
        for pid in children {
            kill(pid, libc::SIGKILL);
        }
        note_log(run, |line| !line.contains("spawned"));
    });
}

#[test]
fn a_child_that_survives_sigkill_is_killed_again_and_waited_for() {
    compare("unkillable", |run| {
        run.config_with(
            "loglevel=debug",
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstopwaitsecs=1\n\
             [program:q]\ncommand=/bin/cat\nstartsecs=0\npriority=1\n",
        );
        run.start_prepared(&[], true);
        run.wait_all(&["p", "q"], "RUNNING");
        run.dir.write("kill", "-1");
        run.rpc("stopProcess", &[Value::text("p"), Value::Bool(false)]);
        run.wait_log("WARN killing 'p'", 2);
        run.rpc("getProcessInfo", &[Value::text("p")]);
        run.rpc("startProcess", &[Value::text("p")]);
        run.rpc("stopProcess", &[Value::text("p")]);
        run.rpc("stopProcessGroup", &[Value::text("p")]);
        run.rpc("signalProcess", &[Value::text("p"), Value::text("CONT")]);
        run.rpc("sendProcessStdin", &[Value::text("p"), Value::text("x")]);
        run.rpc("removeProcessGroup", &[Value::text("p")]);
        run.ctl("status");
        // What has a lower priority waits as long as it takes.
        run.signal(libc::SIGTERM);
        run.wait_log("waiting for", 2);
        std::fs::remove_file(run.path("kill")).unwrap();
        run.wait_end();
        note_log(run, |_| true);
    });
}

#[test]
fn a_stop_is_answered_and_a_shutdown_ends_when_nothing_can_be_signalled_any_more() {
    compare("signals that fail later", |run| {
        run.config_with(
            "loglevel=debug",
            "[program:p]\ncommand=/bin/sleep 600\nstartsecs=0\nstopsignal=WINCH\nstopwaitsecs=3\n\
             [program:q]\ncommand=/bin/sleep 600\nstartsecs=0\n",
        );
        run.start_prepared(&[], true);
        run.wait_all(&["p", "q"], "RUNNING");
        let children = ["p", "q"].map(|name| child_of(run, name));
        let client = run.rpc_client.clone();
        let stop =
            std::thread::spawn(move || client.call("supervisor.stopProcess", &[Value::text("p")]));
        run.wait("p", "STOPPING");
        run.dir.write("kill", libc::EPERM.to_string());
        let outcome = stop.join().unwrap();
        run.note(&format!("the stop: {outcome}"));
        run.wait("p", "UNKNOWN");
        run.signal(libc::SIGTERM);
        run.wait_end();
        let left = children.iter().filter(|pid| is_alive(**pid)).count();
        run.note(&format!("{left} children are left alone"));
        for pid in children {
            kill(pid, libc::SIGKILL);
        }
        note_log(run, |_| true);
    });
}
