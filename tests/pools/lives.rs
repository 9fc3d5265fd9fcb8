//! Pools that come and go, by requests and by a restart of the daemon.

use super::super::support::{DEADLINE, Scene, Value, wait_until};
use super::{descriptors, pool, send, wait_noted, workshop};
use std::thread::sleep;
use std::time::Duration;

/// How often the daemon has gone to sleep.
fn sleeps(scene: &Scene) -> String {
    let path = format!("/proc/{}/status", scene.daemon.pid());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary"));
    line.unwrap().to_owned()
}

/// Whether nothing wakes the daemon for as long as a monitor's interval and more.
fn is_idle(scene: &Scene) -> bool {
    let before = sleeps(scene);
    sleep(Duration::from_millis(1300));
    sleeps(scene) == before
}

#[test]
fn pools_that_come_and_go_leave_nothing_behind() {
    let events = "MONITOR_QUERY,TICK,REMOTE_COMMUNICATION";
    let sections = pool(
        "a",
        "recorder",
        events,
        "monitor_interval=1\nbuffer_size=1\nautostart=false",
    );
    let scene = Scene::start_as(workshop(""), &sections, |_| {});
    let name = [Value::text("a")];
    let before = descriptors(&scene);
    for _ in 0..10 {
        // Something waits, and something is lost.
        for _ in 0..3 {
            send(&scene, "n", "");
        }
        scene.call("removeProcessGroup", &name).answer();
        let pool = scene.call("getEventResult", &name).to_string();
        assert_eq!(pool, "fault 10 BAD_NAME: a");
        scene.call("addProcessGroup", &name).answer();
    }
    assert!(wait_until(DEADLINE, || descriptors(&scene) == before));
    assert!(!is_idle(&scene), "the monitor is asked every second");
    scene.call("removeProcessGroup", &name).answer();
    // The trigger has two ends.
    assert!(wait_until(DEADLINE, || descriptors(&scene) == before - 2));
    assert!(wait_until(DEADLINE, || is_idle(&scene)));
    scene.stop();
}

#[test]
fn a_restart_begins_with_new_pools_and_goes_on_with_the_serials() {
    let sections = pool("a", "recorder", "REMOTE_COMMUNICATION", "")
        + "[program:p]\ncommand=/bin/cat\nstartsecs=0\n";
    let scene = Scene::start_as(workshop(""), &sections, |_| {});
    let mut open = 0;
    for round in 1..=3 {
        scene.wait_all("RUNNING");
        send(&scene, "n", "");
        let noted = wait_noted(&scene, "a", round);
        assert_eq!(
            noted[round - 1],
            format!("{} REMOTE_COMMUNICATION type:n|", round - 1)
        );
        // The first restart closes what the daemon had inherited.
        let same = || round < 3 || descriptors(&scene) == open;
        assert!(
            wait_until(DEADLINE, same),
            "{} open, {open} before",
            descriptors(&scene)
        );
        open = descriptors(&scene);
        scene.daemon.signal(libc::SIGHUP);
        let started = || scene.log().matches("supervisord started with pid").count() == round + 1;
        assert!(wait_until(DEADLINE, started), "{}", scene.log());
        assert!(wait_until(DEADLINE, || scene.rpc.answers()));
    }
    scene.stop();
}

#[test]
fn intervals_may_be_very_long() {
    let most = i64::MAX;
    let dir = workshop("");
    let judge = dir.script("judge", ": > judged");
    let more = format!(
        "monitor_interval={most}\nhandler_timeout={most}\nbuffer_size={most}\nevent_max_retry={most}\nhandler=exec:{}",
        judge.display()
    );
    let sections = pool("a", "recorder", "MONITOR_QUERY,REMOTE_COMMUNICATION", &more);
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    for round in 1..=2 {
        send(&scene, "n", "");
        wait_noted(&scene, "a", round);
    }
    assert!(wait_until(DEADLINE, || scene.dir.join("judged").exists()));
    scene.stop();
}
