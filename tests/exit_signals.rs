//! Signals that ask for an exit again, while a shutdown is under way.

use super::support::{DEADLINE, Scene};

/// Two programs that do not go by themselves, and are stopped one after the other.
const STUBBORN: &str = "\
[program:early]
command=/bin/sh -c 'trap \"\" TERM INT QUIT; : > %(here)s/early.deaf; while :; do sleep 3600; done'
priority=1
stopwaitsecs=3600
stopasgroup=true
startsecs=0
[program:late]
command=/bin/sh -c 'trap \"\" TERM INT QUIT; echo deaf; : > %(here)s/late.deaf; while :; do sleep 3600; done'
priority=2
stopwaitsecs=3600
stopasgroup=true
startsecs=0
";

fn start(options: &str) -> Scene {
    let scene = Scene::start(&format!("{options}{STUBBORN}"));
    scene.wait_all("RUNNING");
    // RUNNING comes before a shell has read its first line.
    let is_deaf = |name: &str| scene.dir.join(&format!("{name}.deaf")).exists();
    let are_deaf = || ["early", "late"].into_iter().all(is_deaf);
    assert!(super::support::wait_until(DEADLINE, are_deaf));
    scene
}

/// Sends a signal, and waits until the log tells of so many of its kind.
fn signal(scene: &Scene, signal: i32, name: &str, times: usize) {
    scene.daemon.signal(signal);
    let line = format!("received {name} indicating exit request");
    let told = super::support::wait_until(DEADLINE, || scene.log().matches(&line).count() >= times);
    assert!(told, "{}", scene.log());
}

fn ends(mut scene: Scene) {
    let status = scene.daemon.wait(DEADLINE);
    assert_eq!(status, Some(0), "{}", scene.log());
    for name in ["early", "late"] {
        scene.wait_log(&format!("stopped: {name} (terminated by SIGKILL)"));
    }
}

#[test]
fn a_second_interrupt_kills_what_still_runs() {
    let scene = start("");
    signal(&scene, libc::SIGINT, "SIGINT", 1);
    scene.daemon.signal(libc::SIGINT);
    scene.wait_log("received SIGINT during the shutdown: everything that still runs is killed");
    ends(scene);
}

#[test]
fn a_second_sigterm_is_ignored_unless_it_is_to_kill() {
    let scene = start("");
    signal(&scene, libc::SIGTERM, "SIGTERM", 1);
    signal(&scene, libc::SIGTERM, "SIGTERM", 2);
    signal(&scene, libc::SIGQUIT, "SIGQUIT", 1);
    // One interrupt is no second one.
    signal(&scene, libc::SIGINT, "SIGINT", 1);
    assert!(!scene.log().contains("SIGKILL"), "{}", scene.log());
    scene.daemon.signal(libc::SIGINT);
    ends(scene);
}

#[test]
fn a_second_sigterm_or_sigquit_kills_where_that_is_configured() {
    for second in [libc::SIGTERM, libc::SIGQUIT] {
        let scene = start("second_signal=kill\n");
        signal(&scene, libc::SIGTERM, "SIGTERM", 1);
        scene.daemon.signal(second);
        ends(scene);
    }
}

#[test]
fn a_shutdown_by_request_is_no_first_signal() {
    let scene = start("second_signal=kill\n");
    scene.call("shutdown", &[]).answer();
    signal(&scene, libc::SIGTERM, "SIGTERM", 1);
    assert!(!scene.log().contains("SIGKILL"), "{}", scene.log());
    scene.daemon.signal(libc::SIGTERM);
    ends(scene);
}
