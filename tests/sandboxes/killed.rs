//! Children that are killed before they are their programs, and what a child does to itself.

use super::super::support::{DEADLINE, Dir, Scene, Value, children_of, wait_until};
use super::Tools;
use std::fs;

#[test]
fn a_child_that_a_filter_kills_on_its_way_to_its_program_is_told_by_the_signal() {
    let tools = Tools::new();
    let program = "[program:p]\ncommand=/bin/cat\ndirectory=/\nautorestart=false\nstartretries=0\n";
    // At the step that no call of the daemon itself needs.
    let scene = tools.scene(Dir::new(), program, "chdir", "kill");
    scene.wait_log("WARN exited: p (terminated by SIGSYS");
    scene.wait("p", "FATAL");
    assert_ne!(scene.info("p").text_of("spawnerr"), "");
    scene.stop();
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
