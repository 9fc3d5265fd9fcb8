//! `exit_on=all_exited` while something still waits, and where nothing has run: no end of everything.

use super::support::{DEADLINE, Scene, Value, wait_until};

/// A program that ends at once, and as expected.
const DONE: &str = "[program:done]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\n";

#[test]
fn a_process_that_waits_for_its_next_start_runs_on() {
    for (program, state) in [
        // After a failed start.
        (
            "command=/bin/false\nstartretries=-1\nbackoffincrement=1h\nmaxbackoff=1h",
            "BACKOFF",
        ),
        // After an end that is to be followed by a start.
        (
            "command=/bin/false\nstartsecs=0\nautorestart=true\nrestartpause=1h",
            "EXITED",
        ),
        // Before its first start.
        ("command=/bin/cat\nstartdelay=1h", "STARTING"),
    ] {
        let mut scene = Scene::start(&format!(
            "exit_on=all_exited\n[program:waits]\n{program}\n{DONE}priority=1000\n"
        ));
        scene.wait("waits", state);
        scene.wait("done", "EXITED");
        // The end was judged before anything was answered.
        let log = scene.log();
        assert!(
            !log.contains("supervisord stops everything"),
            "{state}: {log}"
        );
        if state == "EXITED" {
            continue;
        }
        // What is stopped on request has not ended, and nothing else runs at the next end.
        let waits = [Value::text("waits")];
        scene.call("stopProcess", &waits).answer();
        let _ = scene.call("startProcess", &[Value::text("done"), Value::Bool(false)]);
        assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
        scene.wait_log(" INFO done has ended (exit status 0), and exit_on=all_exited: ");
    }
}

#[test]
fn where_nothing_has_run_nothing_has_ended() {
    let scene = Scene::start(
        "exit_on=all_exited\n[program:idle]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n",
    );
    assert_eq!(scene.info("idle").text_of("statename"), "STOPPED");
    let name = [Value::text("idle")];
    scene.call("startProcess", &name).answer();
    scene.call("stopProcess", &name).answer();
    let log = scene.log();
    assert!(!log.contains("supervisord stops everything"), "{log}");
    scene.stop();
}

#[test]
fn programs_are_stopped_in_order_when_an_essential_one_has_ended() {
    let program = |name: &str, priority: u32, rest: &str| {
        format!("[program:{name}]\nstartsecs=0\npriority={priority}\n{rest}\n")
    };
    let slow = "command=/bin/sh -c 'trap \"sleep 0.2; exit 0\" TERM; : > %(here)s/ready; while :; do sleep 0.05; done'";
    let mut scene = Scene::start(&format!(
        "{}{}{}{}",
        program("first", 1, "command=/bin/cat"),
        program("second", 2, slow),
        program("third", 3, slow),
        program(
            "main",
            4,
            "command=/bin/sh -c 'read line; exit 7'\nautorestart=false\nexit_supervisord=true"
        ),
    ));
    scene.wait_all("RUNNING");
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    let line = [Value::text("main"), Value::text("\n")];
    scene.call("sendProcessStdin", &line).answer();
    assert_eq!(scene.daemon.wait(DEADLINE), Some(7), "{}", scene.log());
    let log = scene.log();
    let lines = log.lines().filter_map(|line| line.split_once(" stopped: "));
    let names: Vec<&str> = lines
        .map(|(_, rest)| rest.split(' ').next().unwrap())
        .collect();
    assert_eq!(names, ["third", "second", "first"], "{log}");
}
