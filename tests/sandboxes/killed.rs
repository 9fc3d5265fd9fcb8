//! Children that are killed before they are their programs, and what a child does to itself.

use super::super::support::{DEADLINE, Dir, Scene, Value, children_of, wait_until};
use super::Tools;
use std::fs;

#[test]
fn a_child_that_was_killed_on_its_way_to_its_program_ended_without_a_word() {
    let tools = Tools::new();
    let program = "[program:p]\ncommand=/bin/cat\ndirectory=/\nautorestart=false\nstartretries=0\n";
    // A filter that kills, at the step that no call of the daemon itself needs.
    for more in ["", "startsecs=0\n"] {
        let scene = tools.scene(Dir::new(), &format!("{program}{more}"), "chdir", "kill");
        let reason = "child process was not spawned: terminated by SIGSYS";
        let told = || scene.info("p").text_of("spawnerr").starts_with(reason);
        assert!(
            wait_until(DEADLINE, told),
            "{}\n{}",
            scene.info("p"),
            scene.log()
        );
        scene.wait_log(&format!("WARN spawnerr: p: {reason}"));
        scene.stop();
    }
}

#[test]
fn a_child_that_is_killed_before_exec_takes_nobody_along() {
    let scene = Scene::start_as(
        Dir::new(),
        "[program:other]\ncommand=/bin/cat\npriority=1\nstartsecs=0\n\
         [program:p]\ncommand=/bin/cat\ndirectory=/\nautorestart=false\nstartretries=0\n\
         autostart=false\n",
        |launch| {
            // As the system kills for want of memory; of the two only the child enters a directory.
            launch.wrapper = &[
                "strace",
                "-f",
                "-D",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                "trace=chdir",
                "-e",
                "inject=chdir:signal=SIGKILL",
            ];
        },
    );
    scene.wait("other", "RUNNING");
    let other = scene.pid("other");
    for _ in 0..3 {
        scene.call("startProcess", &[Value::text("p"), Value::Bool(false)]);
        scene.wait("p", "FATAL");
        assert_ne!(scene.info("p").text_of("spawnerr"), "");
        assert_eq!(scene.pid("other"), other);
        assert_eq!(scene.info("other").text_of("statename"), "RUNNING");
    }
    assert_eq!(children_of(scene.daemon.pid()), [other]);
    scene.stop();
}

#[test]
fn a_program_that_is_killed_after_exec_was_spawned() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'kill -KILL $$'\nautorestart=false\nstartretries=0\n",
    );
    scene.wait("p", "FATAL");
    let reason = "Exited too quickly (process log may have details)";
    assert_eq!(scene.info("p").text_of("spawnerr"), reason);
    assert!(!scene.log().contains("was not spawned"), "{}", scene.log());
    scene.stop();
}

#[test]
fn what_a_child_writes_about_itself_does_not_reach_the_daemon() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'echo 500 > /proc/self/oom_score_adj; exec cat'\n",
    );
    scene.wait("p", "RUNNING");
    let score = |pid: u32| fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
    let own = score(std::process::id());
    assert!(wait_until(DEADLINE, || score(scene.pid("p")) == "500\n"));
    assert_eq!(score(scene.daemon.pid()), own);
    scene.stop();
}
