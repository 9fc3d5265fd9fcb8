//! Programs that may run only for so long: real children under `runtime_timeout`.

use super::jobs::EAR;
use super::support::{Ctl, DEADLINE, Dir, Kind, Outcome, Scene, Value, is_alive, wait_until};

const OVER: &str = "its runtime_timeout of 700 milliseconds is over";

/// A program that runs for 700 ms.
fn limited(command: &str, keys: &str) -> String {
    format!("[program:p]\ncommand={command}\nstartsecs=0\nruntime_timeout=700ms\n{keys}\n")
}

fn spawned(scene: &Scene) -> usize {
    scene.log().matches("spawned: 'p'").count()
}

#[test]
fn a_program_that_has_run_for_its_time_is_stopped_and_started_again() {
    let dir = Dir::new();
    dir.write("ear", EAR);
    let listener = "[eventlistener:ear]\ncommand=/bin/sh %(here)s/ear\ndirectory=%(here)s\n\
                    events=PROCESS_STATE\nstartsecs=0\npriority=-1\n";
    let programs = limited("/bin/cat", "") + listener;
    let scene = Scene::start_as(dir, &programs, |_| {});
    scene.wait("p", "RUNNING");
    let first = scene.pid("p");
    let again = wait_until(DEADLINE, || spawned(&scene) >= 3);
    assert!(again, "{}", scene.log());
    assert!(!is_alive(first));
    scene.wait_log(&format!("INFO stopping 'p' ({first}), {OVER}"));
    scene.wait_log("stopped: p (terminated by SIGTERM)");
    let told = wait_until(DEADLINE, || {
        let heard = scene.dir.read("heard").unwrap_or_default();
        [
            format!("from_state:RUNNING pid:{first} reason:runtime_timeout"),
            format!("from_state:STOPPING pid:{first} reason:runtime_timeout"),
            "from_state:STOPPED tries:0\n".to_owned(),
        ]
        .iter()
        .all(|text| heard.contains(text))
    });
    assert!(told, "{:?}", scene.dir.read("heard"));
    scene.stop();
}

#[test]
fn an_expected_status_does_not_keep_it_down_but_autorestart_does() {
    let obedient = "/bin/sh -c 'trap \"exit 0\" TERM; while :; do sleep 0.05; done'";
    let scene = Scene::start(&limited(obedient, "autorestart=unexpected"));
    let again = wait_until(DEADLINE, || spawned(&scene) >= 2);
    assert!(again, "{}", scene.log());
    scene.stop();

    let scene = Scene::start(&limited("/bin/cat", "autorestart=false"));
    scene.wait("p", "STOPPED");
    let info = scene.info("p");
    assert_eq!(info.text_of("spawnerr"), OVER);
    assert_eq!(spawned(&scene), 1);
    // It has ended by itself, for those who wait for the last.
    scene.stop();
    let mut scene = Scene::start(&format!(
        "exit_on=all_exited\n{}",
        limited("/bin/cat", "autorestart=false")
    ));
    assert_eq!(scene.daemon.wait(DEADLINE), Some(143), "{}", scene.log());
}

#[test]
fn a_oneshot_that_takes_too_long_has_failed() {
    let scene = Scene::start(&limited("/bin/cat", "type=oneshot\nautostart=false"));
    let start = Ctl::new(Kind::Ours, &scene.dir).run(&["start", "p"]);
    assert_eq!(start.status, Some(7), "{}", start.stderr);
    assert!(
        start.stderr.starts_with(&format!("p: {OVER}\n")),
        "{}",
        start.stderr
    );
    scene.wait("p", "FATAL");
    let info = scene.info("p");
    assert_eq!(info.text_of("spawnerr"), OVER);
    assert_eq!(info.text_of("description"), OVER);
    scene.wait_log(&format!("gave up: p entered FATAL state, {OVER}"));
    scene.stop();
}

#[test]
fn who_stops_it_meanwhile_wants_no_restart() {
    // It needs a while to end.
    let slow = "/bin/sh -c 'trap \"sleep 1.5; exit 0\" TERM; while :; do sleep 0.05; done'";
    let scene = Scene::start(&limited(slow, ""));
    scene.wait("p", "STOPPING");
    // As in 4.3.0 it is not running; but it is not started again either.
    let stop = scene.call("stopProcess", &[Value::text("p")]);
    assert_eq!(stop, Outcome::Fault(70, "NOT_RUNNING: p".to_owned()));
    scene.wait("p", "STOPPED");
    scene.wait_log("stopped: p (exit status 0)");
    assert_eq!(spawned(&scene), 1);
    assert_eq!(scene.info("p").text_of("spawnerr"), "");
    scene.stop();
}

#[test]
fn a_shutdown_while_it_stops_starts_nothing() {
    let slow = "/bin/sh -c 'trap \"sleep 1; exit 0\" TERM; while :; do sleep 0.05; done'";
    for keys in ["", "type=oneshot\nstartretries=3"] {
        let mut scene = Scene::start(&limited(slow, keys));
        scene.wait("p", "STOPPING");
        scene.daemon.signal(libc::SIGTERM);
        assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
        assert_eq!(spawned(&scene), 1, "{}", scene.log());
    }
}

#[test]
fn a_start_was_told_as_failed_when_its_time_was_over_as_soon_as_it_was_up() {
    let keys = "[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=1\nruntime_timeout=1\n";
    let scene = Scene::start(keys);
    let outcome = scene.call("startProcess", &[Value::text("p")]);
    assert_eq!(outcome.answer(), Value::Bool(true), "{}", scene.log());
    scene.stop();
}
