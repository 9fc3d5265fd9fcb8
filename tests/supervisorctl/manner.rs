//! `start`, `stop`, `restart` and `update` that do not wait, and stops within a time of the
//! operator's own, with real processes.

use crate::support::{Ctl, DEADLINE, Kind, Scene, usual_configuration, wait_until};

/// Programs that take an hour to be up, and that do not go by themselves.
const SLOW: &str = "\
[program:slow]
command=/bin/cat
startsecs=3600
autostart=false
[program:deaf]
command=/bin/sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 1; done'
stopasgroup=true
stopwaitsecs=-1
startsecs=0
stdout_logfile=%(here)s/deaf.out
[program:deaf2]
command=/bin/sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 1; done'
stopasgroup=true
stopwaitsecs=-1
startsecs=0
stdout_logfile=%(here)s/deaf2.out
";

fn slow() -> Scene {
    let scene = Scene::start(&format!("shutdown_timeout=0\n{SLOW}"));
    let are_deaf = wait_until(DEADLINE, || {
        ["deaf.out", "deaf2.out"].iter().all(|log| {
            scene
                .dir
                .read(log)
                .is_some_and(|text| text.contains("deaf"))
        })
    });
    assert!(are_deaf, "{}", scene.log());
    scene.wait("deaf", "RUNNING");
    scene.wait("deaf2", "RUNNING");
    scene
}

/// What supervisorctl prints, and its status. A command that waits would not come to its end.
fn run(scene: &Scene, line: &str) -> (String, Option<i32>) {
    let words: Vec<&str> = line.split(' ').collect();
    let found = Ctl::new(Kind::Ours, &scene.dir).run(&words);
    (found.stdout, found.status)
}

fn says(scene: &Scene, line: &str, stdout: &str) {
    assert_eq!(run(scene, line), (stdout.to_owned(), Some(0)), "{line}");
}

#[test]
fn a_start_and_a_stop_need_not_be_waited_for() {
    let scene = slow();
    says(&scene, "start --no-wait slow", "slow: starting\n");
    assert_eq!(scene.info("slow").text_of("statename"), "STARTING");
    says(&scene, "stop deaf --no-wait", "deaf: stopping\n");
    assert_eq!(scene.info("deaf").text_of("statename"), "STOPPING");
    // A group, a pattern and all.
    says(
        &scene,
        "stop --no-wait slow:* deaf*2",
        "slow: stopping\ndeaf2: stopping\n",
    );
    scene.wait("slow", "STOPPED");
    says(&scene, "stop all --now", "deaf: stopped\ndeaf2: stopped\n");
    says(
        &scene,
        "start all --no-wait",
        "deaf: starting\ndeaf2: starting\nslow: starting\n",
    );
    let (stdout, status) = run(&scene, "start --no-wait nosuch slow");
    assert_eq!(
        (stdout.as_str(), status),
        (
            "nosuch: ERROR (no such process)\nslow: ERROR (already started)\n",
            Some(1)
        )
    );
    scene.stop();
}

#[test]
fn a_restart_need_not_be_waited_for() {
    let scene = slow();
    let (stdout, status) = run(&scene, "restart --no-wait nosuch deaf no:*");
    assert_eq!(
        (stdout.as_str(), status),
        (
            "nosuch: ERROR (no such process)\nno: ERROR (no such group)\ndeaf: restarting\n",
            Some(2)
        )
    );
    assert_eq!(scene.info("deaf").text_of("statename"), "STOPPING");
    let before = scene.pid("deaf");
    says(&scene, "stop --now deaf --no-wait", "deaf: stopping\n");
    // It goes on when the old one has ended.
    let again = wait_until(DEADLINE, || {
        let info = scene.info("deaf");
        info.text_of("statename") == "RUNNING" && info.int_of("pid") != i64::from(before)
    });
    assert!(again, "{}", scene.log());
    scene.stop();
}

#[test]
fn an_update_need_not_be_waited_for() {
    let scene = slow();
    let changed = SLOW.replace("[program:deaf2]\n", "[program:deaf2]\numask=022\n");
    let (first, rest) = changed.split_once("[program:deaf]").unwrap();
    let (_, last) = rest.split_once("[program:deaf2]").unwrap();
    let more = format!("{first}[program:deaf2]{last}[program:new]\ncommand=/bin/cat\n");
    let more = format!("shutdown_timeout=0\n{more}");
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&more));
    says(
        &scene,
        "update --no-wait",
        "deaf: removing process group\ndeaf2: updating process group\nnew: adding process group\n",
    );
    assert_eq!(scene.info("deaf").text_of("statename"), "STOPPING");
    says(&scene, "stop --now deaf", "deaf: stopped\n");
    scene.wait("deaf2", "STOPPING");
    says(&scene, "stop --now deaf2", "deaf2: stopped\n");
    scene.wait("new", "RUNNING");
    scene.wait("deaf2", "RUNNING");
    scene.stop();
}

#[test]
fn a_stop_now_is_a_kill_and_nothing_else() {
    let scene = slow();
    says(&scene, "stop --now deaf", "deaf: stopped\n");
    scene.wait_log("stopped: deaf (terminated by SIGKILL)");
    assert!(!scene.log().contains("SIGTERM"), "{}", scene.log());
    // Also of what is being stopped already.
    says(&scene, "stop --no-wait deaf2", "deaf2: stopping\n");
    says(&scene, "stop --now all", "deaf2: stopped\n");
    scene.wait_log("stopped: deaf2 (terminated by SIGKILL)");
    scene.stop();
}

#[test]
fn a_stop_has_the_time_that_is_given() {
    let scene = slow();
    says(
        &scene,
        "stop --timeout=1h --no-wait deaf",
        "deaf: stopping\n",
    );
    assert!(!scene.log().contains("SIGKILL"), "{}", scene.log());
    says(
        &scene,
        "stop --timeout 500ms deaf:* deaf?",
        "deaf: stopped\ndeaf2: stopped\n",
    );
    for name in ["deaf", "deaf2"] {
        scene.wait_log(&format!("killing '{name}' ("));
        scene.wait_log(&format!("stopped: {name} (terminated by SIGKILL)"));
    }
    let (stdout, status) = run(&scene, "stop --timeout 1 nosuch no:* slow");
    assert_eq!(
        (stdout.as_str(), status),
        (
            "no: ERROR (no such group)\nnosuch: ERROR (no such process)\n\
             slow: ERROR (not running)\n",
            Some(1)
        )
    );
    scene.stop();
}

#[test]
fn an_option_that_there_is_not_stops_nothing() {
    let scene = slow();
    let (stdout, status) = run(&scene, "stop --nowait deaf");
    assert_eq!(status, Some(1));
    assert!(
        stdout.starts_with(
            "Error: stop has no option --nowait; it has --no-wait, --timeout, --now, \
             --with-dependents\nstop <name>"
        ),
        "{stdout}"
    );
    assert_eq!(scene.info("deaf").text_of("statename"), "RUNNING");
    let (stdout, status) = run(&scene, "start --no-wait");
    assert_eq!(status, Some(2));
    assert!(
        stdout.starts_with("Error: start requires a process name\n"),
        "{stdout}"
    );
    scene.stop();
}
