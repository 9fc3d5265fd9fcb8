//! Signals to the daemon.

use super::compare;
use crate::support::{Outcome, Value};

#[test]
fn term_int_and_quit_end_the_daemon() {
    compare("signals that end", |run| {
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
            run.config("[program:a]\ncommand=/bin/cat\nstartsecs=0\n");
            run.start();
            run.wait("a", "RUNNING");
            run.signal(signal);
            run.wait_end();
        }
        run.log();
    });
}

#[test]
fn hup_restarts_with_the_new_configuration_in_the_same_process() {
    compare("SIGHUP", |run| {
        run.config(
            "[program:old]\ncommand=/bin/cat\nstartsecs=0\n[program:both]\ncommand=/bin/cat\nstartsecs=0\npriority=1\n",
        );
        run.start();
        run.wait_all(&["old", "both"], "RUNNING");
        run.config_with(
            "identifier=second",
            "[program:new]\ncommand=/bin/cat\nstartsecs=0\n[program:both]\ncommand=/bin/cat\nstartsecs=0\npriority=1\n",
        );
        run.signal(libc::SIGHUP);
        run.wait_log("started with pid", 2);
        run.wait_that("the new program runs", |run| {
            matches!(run.quiet_rpc("getProcessInfo", &[Value::text("new")]),
                Outcome::Answer(info) if info.text_of("statename") == "RUNNING")
        });
        run.wait("both", "RUNNING");
        run.ctl("status");
        run.rpc("getIdentification", &[]);
        let pid = run.quiet_rpc("getPID", &[]).answer();
        let same = pid == Value::Int(i64::from(run.daemon().pid()));
        run.note(&format!("the pid is the same: {same}"));
        run.ctl("reload");
        run.wait_log("started with pid", 3);
        run.wait_that("it answers again", |run| run.rpc_client.answers());
        run.wait_all(&["both", "new"], "RUNNING");
        run.stop();
        // The two programs stop one after the other, "both" and "new" in groups of
        // their own, so that the order is fixed.
        run.log();
    });
}

#[test]
fn usr2_opens_the_logs_again() {
    compare("SIGUSR2", |run| {
        let echo = run.script(
            "echo",
            "echo ready; while read line; do echo \"$line\"; done",
        );
        run.config(&format!(
            "[program:a]\ncommand={echo}\nstartsecs=0\nstdout_logfile=%(here)s/a.log\n\
             [program:off]\ncommand={echo}\nautostart=false\nstdout_logfile=%(here)s/off.log\n"
        ));
        run.start();
        run.wait("a", "RUNNING");
        run.wait_text("a.log", "ready");
        for name in ["main.log", "a.log"] {
            std::fs::rename(run.path(name), run.path(&format!("{name}.old"))).unwrap();
        }
        run.quiet_rpc(
            "sendProcessStdin",
            &[Value::text("a"), Value::text("one\n")],
        );
        run.wait_text("a.log.old", "one");
        run.signal(libc::SIGUSR2);
        run.wait_that("the main log is there", |run| run.path("main.log").exists());
        run.quiet_rpc(
            "sendProcessStdin",
            &[Value::text("a"), Value::text("two\n")],
        );
        run.wait_text("a.log", "two");
        run.stop();
        run.file("a.log.old");
        run.file("a.log");
        run.file("off.log");
        run.log();
        let old = run.dir.read("main.log.old").unwrap();
        let last = old.lines().last().unwrap_or_default().to_string();
        run.note(last.split_once(" INFO ").map_or(&*last, |(_, text)| text));
    });
}

#[test]
fn signals_during_the_shutdown_change_nothing() {
    compare("signals during shutdown", |run| {
        let deaf = run.script(
            "deaf",
            "trap '' TERM\necho ready\nwhile :; do read line || exit 0; done",
        );
        run.config(&format!(
            "[program:a]\ncommand={deaf}\nstartsecs=0\nstopwaitsecs=60\nstdout_logfile=%(here)s/a.log\n"
        ));
        run.start();
        run.wait("a", "RUNNING");
        run.wait_text("a.log", "ready");
        let child = run.info("a").int_of("pid");
        run.signal(libc::SIGTERM);
        run.wait_log("received SIGTERM", 1);
        run.wait_log("to die", 1);
        run.signal(libc::SIGINT);
        run.wait_log("received SIGINT", 1);
        run.signal(libc::SIGHUP);
        run.wait_log("ignored SIGHUP", 1);
        for method in ["getState", "getPID", "shutdown", "restart", "reloadConfig"] {
            run.rpc(method, &[]);
        }
        run.rpc("startProcess", &[Value::text("nosuch")]);
        run.rpc("startProcess", &[]);
        run.rpc("nosuch", &[]);
        run.rpc("sendRemoteCommEvent", &[Value::text("a"), Value::text("b")]);
        for line in [
            "status", "pid", "stop a", "reread", "update", "avail", "shutdown", "reload", "add a",
            "remove a",
        ] {
            run.ctl(line);
        }
        crate::support::kill(u32::try_from(child).unwrap(), libc::SIGKILL);
        run.wait_end();
        // It is told again every three seconds what is waited for.
        let mut seen = false;
        for line in run.log_lines() {
            let waits = line.contains("to die");
            if !(waits && seen) {
                run.note(&line);
            }
            seen |= waits;
        }
    });
}
