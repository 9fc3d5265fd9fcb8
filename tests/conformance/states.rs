//! The life of a process: retries, exit codes, restarts, requests in each state.

use super::compare;
use super::run::Run;
use crate::support::Value;

/// Exits with a code for the first so many times, then stays.
fn exits_first(run: &Run, name: &str, code: i32, times: u32) -> String {
    run.script(
        name,
        &format!(
            "echo x >> $0.count\n[ $(wc -l < $0.count) -gt {times} ] || exit {code}\nexec cat"
        ),
    )
}

// startsecs is long here: 4.3.0 may notice an exit up to a second late, and with
// startsecs=1 it then reports a false RUNNING.
#[test]
fn a_program_that_exits_too_quickly_backs_off_until_it_is_fatal() {
    compare("backoff to fatal", |run| {
        let script = run.script("fails", "exit 3");
        run.config(&format!(
            "[program:p]\ncommand={script}\nstartsecs=5\nstartretries=1\n\
             [program:q]\ncommand={script}\nstartsecs=5\nstartretries=0\nexitcodes=3\n\
             [program:r]\ncommand={script}\nstartsecs=5\nstartretries=50\n"
        ));
        run.start();
        run.wait("q", "FATAL");
        run.wait("p", "FATAL");
        run.ctl("status p q");
        run.rpc("getProcessInfo", &[Value::text("p")]);
        run.ctl("start q");
        run.wait("r", "BACKOFF");
        run.ctl("start r");
        run.wait("r", "BACKOFF");
        run.ctl("stop r");
        run.ctl("status r");
        run.stop();
        run.log_of(&["p", "q"]);
    });
}

#[test]
fn a_program_recovers_when_a_retry_succeeds() {
    compare("retry succeeds", |run| {
        let script = exits_first(run, "p.sh", 1, 1);
        run.config(&format!("[program:p]\ncommand={script}\nstartsecs=2\n"));
        run.start();
        run.wait("p", "RUNNING");
        run.rpc("getProcessInfo", &[Value::text("p")]);
        run.stop();
        run.log();
    });
}

#[test]
fn without_startsecs_no_exit_is_too_quick() {
    compare("startsecs 0", |run| {
        let good = run.script("good", "exit 0");
        let bad = run.script("bad", "exit 4");
        run.config(&format!(
            "[program:good]\ncommand={good}\nstartsecs=0\nautorestart=unexpected\n\
             [program:bad]\ncommand={bad}\nstartsecs=0\nautorestart=false\n\
             [program:stays]\ncommand=/bin/cat\nstartsecs=0\n"
        ));
        run.start();
        run.wait_all(&["good", "bad"], "EXITED");
        run.wait("stays", "RUNNING");
        run.ctl("status");
        for name in ["good", "bad"] {
            run.rpc("getProcessInfo", &[Value::text(name)]);
        }
        run.stop();
        // A success line for a program that ends at once depends on whether 4.3.0
        // sees the end in the same pass, so only the last word is compared.
        let mut lines = run.log_lines();
        lines.sort();
        for line in lines {
            if line.contains("exited: ") {
                run.note(&line);
            }
        }
        run.log_of(&["stays"]);
    });
}

#[test]
fn autorestart_looks_at_the_exit_codes() {
    compare("autorestart and exit codes", |run| {
        let mut sections = String::new();
        for (name, code, codes, autorestart) in [
            ("always-0", 0, "0", "true"),
            ("always-5", 5, "0", "true"),
            ("never-0", 0, "0", "false"),
            ("never-5", 5, "0", "false"),
            ("some-0", 0, "0", "unexpected"),
            ("some-5", 5, "0", "unexpected"),
            ("some-5-listed", 5, "0,5", "unexpected"),
            ("some-0-unlisted", 0, "5", "unexpected"),
        ] {
            // The first life is long enough for startsecs=0 to have it RUNNING.
            let script = run.script(
                &format!("{name}.sh"),
                &format!(
                    "echo x >> $0.count\n[ $(wc -l < $0.count) -gt 1 ] && exec cat\nread line\nexit {code}"
                ),
            );
            sections.push_str(&format!(
                "[program:{name}]\ncommand={script}\nstartsecs=0\nexitcodes={codes}\nautorestart={autorestart}\n"
            ));
        }
        run.config(&sections);
        run.start();
        let restarted = ["always-0", "always-5", "some-5", "some-0-unlisted"];
        let stays = ["never-0", "never-5", "some-0", "some-5-listed"];
        for name in [restarted, stays].concat() {
            run.wait(name, "RUNNING");
            run.quiet_rpc(
                "sendProcessStdin",
                &[Value::text(name), Value::text("go\n")],
            )
            .answer();
        }
        run.wait_all(&stays, "EXITED");
        for name in restarted {
            run.wait_log(&format!("spawned: '{name}'"), 2);
            run.wait(name, "RUNNING");
        }
        run.ctl("status");
        for name in stays {
            run.rpc("getProcessInfo", &[Value::text(name)]);
        }
        run.stop();
        run.log_of(&[restarted, stays].concat());
    });
}

#[test]
fn death_by_a_signal_is_never_expected() {
    compare("death by signal", |run| {
        let sections: String = [("kill", "0"), ("usr", "0"), ("term", "0,-1"), ("rt", "0")]
            .iter()
            .map(|(name, codes)| {
                format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nexitcodes={}\nautorestart=false\n",
                    codes.trim_end_matches(",-1"))
            })
            .collect();
        run.config(&sections);
        run.start();
        for (name, signal) in [
            ("kill", libc::SIGKILL),
            ("usr", libc::SIGUSR1),
            ("term", libc::SIGTERM),
            ("rt", libc::SIGALRM),
        ] {
            run.wait(name, "RUNNING");
            run.signal_child(name, signal);
            run.wait(name, "EXITED");
            run.rpc("getProcessInfo", &[Value::text(name)]);
        }
        run.stop();
        run.log_of(&["kill", "usr", "term", "rt"]);
    });
}

#[test]
fn requests_that_do_not_fit_the_state_are_refused() {
    compare("requests in the wrong state", |run| {
        let stubborn = run.script(
            "stubborn",
            "trap '' TERM\necho ready\nwhile :; do read line || exit 0; done",
        );
        run.config(&format!(
            "[program:stopped]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n\
             [program:running]\ncommand=/bin/cat\nstartsecs=0\n\
             [program:starting]\ncommand=/bin/cat\nstartsecs=60\n\
             [program:stopping]\ncommand={stubborn}\nstartsecs=0\nstopwaitsecs=60\nstdout_logfile=%(here)s/stopping.log\n"
        ));
        run.start();
        run.wait_all(&["running", "stopping"], "RUNNING");
        run.wait("starting", "STARTING");
        run.wait_text("stopping.log", "ready");
        run.rpc(
            "stopProcess",
            &[Value::text("stopping"), Value::Bool(false)],
        );
        run.wait("stopping", "STOPPING");
        for name in ["stopped", "running", "starting", "stopping"] {
            run.note(&format!("requests to {name}:"));
            run.rpc("getProcessInfo", &[Value::text(name)]);
            if name != "stopped" {
                run.rpc("startProcess", &[Value::text(name)]);
            }
            if name != "running" && name != "starting" {
                run.rpc("stopProcess", &[Value::text(name)]);
            }
            run.rpc("signalProcess", &[Value::text(name), Value::text("CONT")]);
            run.rpc("sendProcessStdin", &[Value::text(name), Value::text("")]);
        }
        run.ctl("status");
        run.ctl("stop stopped stopping");
        run.signal_child("stopping", libc::SIGKILL);
        run.wait("stopping", "STOPPED");
        run.stop();
        run.log_of(&["stopping"]);
    });
}

#[test]
fn requests_to_what_has_failed_or_ended_are_answered_by_its_state() {
    compare("requests after failures", |run| {
        // A directory cannot be a log, so no spawn ever gets far.
        std::fs::create_dir(run.path("folder")).unwrap();
        let ends = run.script("ends", "read line; exit 7");
        run.config(&format!(
            "[program:backoff]\ncommand=/bin/cat\nstdout_logfile=%(here)s/folder\nstartretries=1000\n\
             [program:fatal]\ncommand=/bin/cat\nstdout_logfile=%(here)s/folder\nstartretries=0\n\
             [program:exited]\ncommand={ends}\nstartsecs=0\nautorestart=false\n"
        ));
        run.start();
        run.wait("exited", "RUNNING");
        run.quiet_rpc(
            "sendProcessStdin",
            &[Value::text("exited"), Value::text("go\n")],
        )
        .answer();
        run.wait("exited", "EXITED");
        run.wait("fatal", "FATAL");
        run.wait("backoff", "BACKOFF");
        for name in ["exited", "fatal", "backoff"] {
            run.note(&format!("requests to {name}:"));
            let name = Value::text(name);
            run.rpc("getProcessInfo", std::slice::from_ref(&name));
            run.rpc("signalProcess", &[name.clone(), Value::text("CONT")]);
            run.rpc("signalProcessGroup", &[name.clone(), Value::text("CONT")]);
            run.rpc("sendProcessStdin", &[name.clone(), Value::text("x")]);
            run.rpc("clearProcessLogs", std::slice::from_ref(&name));
        }
        run.rpc("signalAllProcesses", &[Value::text("CONT")]);
        // With nobody to send it to, nothing is wrong with a bad one.
        run.rpc("signalAllProcesses", &[Value::text("NOPE")]);
        run.rpc("removeProcessGroup", &[Value::text("backoff")]);
        for name in ["exited", "fatal"] {
            run.rpc("stopProcess", &[Value::text(name)]);
            run.rpc("stopProcessGroup", &[Value::text(name)]);
        }
        run.wait("backoff", "BACKOFF");
        run.rpc("startProcess", &[Value::text("backoff")]);
        run.rpc("startProcessGroup", &[Value::text("backoff")]);
        run.rpc("stopAllProcesses", &[]);
        run.rpc("stopProcess", &[Value::text("backoff")]);
        run.rpc("startProcess", &[Value::text("backoff")]);
        run.wait("backoff", "BACKOFF");
        run.rpc("stopProcess", &[Value::text("backoff"), Value::Bool(false)]);
        run.rpc("startProcess", &[Value::text("fatal")]);
        run.wait("fatal", "FATAL");
        run.rpc("startProcess", &[Value::text("exited")]);
        run.wait("exited", "RUNNING");
        run.quiet_rpc("stopProcess", &[Value::text("exited")])
            .answer();
        for name in ["exited", "fatal", "backoff"] {
            run.rpc("removeProcessGroup", &[Value::text(name)]);
        }
        run.ctl("status");
        run.stop();
        run.log_of(&["fatal"]);
    });
}

#[test]
fn no_group_is_removed_while_a_member_may_have_a_child() {
    compare("removal by state", |run| {
        let stubborn = run.script(
            "stubborn",
            "trap '' TERM\necho ready\nwhile :; do read line || exit 0; done",
        );
        run.config(&format!(
            "[program:stopped]\ncommand=/bin/cat\nautostart=false\n\
             [program:starting]\ncommand=/bin/cat\nstartsecs=60\n\
             [program:running]\ncommand=/bin/cat\nstartsecs=0\n\
             [program:stopping]\ncommand={stubborn}\nstartsecs=0\nstopwaitsecs=60\nstdout_logfile=%(here)s/stopping.log\n"
        ));
        run.start();
        run.wait("running", "RUNNING");
        run.wait("starting", "STARTING");
        run.wait_text("stopping.log", "ready");
        run.wait("stopping", "RUNNING");
        run.rpc(
            "stopProcess",
            &[Value::text("stopping"), Value::Bool(false)],
        );
        run.wait("stopping", "STOPPING");
        for name in ["stopped", "starting", "running", "stopping"] {
            run.rpc("removeProcessGroup", &[Value::text(name)]);
            run.ctl(&format!("remove {name}"));
        }
        // One that is being stopped is neither started nor stopped with all others.
        run.rpc("stopProcessGroup", &[Value::text("stopping")]);
        run.rpc(
            "signalProcessGroup",
            &[Value::text("stopping"), Value::text("CONT")],
        );
        run.signal_child("stopping", libc::SIGKILL);
        run.wait("stopping", "STOPPED");
        run.rpc("removeProcessGroup", &[Value::text("stopping")]);
        run.stop();
        run.log_of(&["stopping"]);
    });
}

#[test]
fn the_description_and_times_follow_the_state() {
    compare("information in each state", |run| {
        let script = run.script("fails", "exit 3");
        let codes = run.script("codes", "read line; exit 7");
        run.config(&format!(
            "[program:fatal]\ncommand={script}\nstartsecs=5\nstartretries=0\n\
             [program:backoff]\ncommand={script}\nstartsecs=5\nstartretries=50\n\
             [program:exited]\ncommand={codes}\nstartsecs=0\nautorestart=false\nredirect_stderr=true\n\
             [program:missing]\ncommand=/no/such/program\nstartretries=0\nstdout_logfile=NONE\n"
        ));
        run.start();
        run.wait("fatal", "FATAL");
        run.wait("missing", "FATAL");
        run.wait("backoff", "BACKOFF");
        run.wait("exited", "RUNNING");
        run.rpc("getProcessInfo", &[Value::text("exited")]);
        run.rpc(
            "sendProcessStdin",
            &[Value::text("exited"), Value::text("\n")],
        );
        run.wait("exited", "EXITED");
        for name in ["fatal", "exited", "missing"] {
            run.rpc("getProcessInfo", &[Value::text(name)]);
        }
        run.ctl("status exited fatal missing");
        run.wait("backoff", "BACKOFF");
        run.rpc("getProcessInfo", &[Value::text("backoff")]);
        run.wait("backoff", "BACKOFF");
        run.rpc("stopProcess", &[Value::text("backoff")]);
        run.rpc("getProcessInfo", &[Value::text("backoff")]);
        run.stop();
    });
}
