//! Control groups come and go with their programs, and with `kill_mode=cgroup` nothing is left
//! of a program after a stop, a crash or a shutdown.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::super::support::{DEADLINE, Dir, Scene, is_alive, kill, wait_until};
use super::{Place, alive, group_of, set, start, start_in, stop};

#[test]
fn each_process_has_a_control_group_that_goes_with_it() {
    let Some(place) = Place::new() else { return };
    let scene = place.scene(
        Dir::new(),
        "[program:a]\ncommand=sleep 600\npriority=1\nstartsecs=0\n\
         [program:p]\ncommand=sleep 600\ncgroup=true\nstartsecs=0\n\
         [program:web]\ncommand=sleep 600\ncgroup=true\nnumprocs=2\nstartsecs=0\n\
         process_name=%(process_num)02d+%(program_name)s\n",
    );
    scene.wait_all("RUNNING");
    for (process, group) in [
        ("a", "supervisord"),
        ("p", "p:p"),
        ("web:00+web", "web:00+web"),
        ("web:01+web", "web:01+web"),
    ] {
        let pid = scene.pid(process);
        let is_there = wait_until(DEADLINE, || group_of(pid) == group);
        assert!(is_there, "{process} {}", group_of(pid));
    }
    assert_eq!(group_of(scene.daemon.pid()), "supervisord");
    assert_eq!(place.members(""), [0; 0]);
    stop(&scene, "p");
    assert!(!place.groups().contains("p:p"));
    start(&scene, "p");
    assert!(place.groups().contains("p:p"));
    scene.stop();
    assert_eq!(place.groups(), BTreeSet::new(), "it leaves all as it was");
}

#[test]
fn a_program_without_the_keys_changes_nothing() {
    let Some(place) = Place::new() else { return };
    let scene = place.scene(
        Dir::new(),
        "[program:p]\ncommand=sleep 600\nstartsecs=0\nkill_mode=mixed\n",
    );
    scene.wait_all("RUNNING");
    assert_eq!(place.groups(), BTreeSet::new());
    assert_eq!(place.members("").len(), 2);
    scene.stop();
}

/// Starts what a stop does not reach: deaf to signals, in other sessions and process groups,
/// without a parent; and says when all is there.
const ORPHANS: &str = "\
setsid sh -c 'trap \"\" TERM HUP INT QUIT; : > deaf; while :; do sleep 600; done' &
sh -c 'setsid sleep 600 & exit 0'
sh -c '(sleep 600 &) ; exit 0'
sh -c 'sleep 600 & wait' &
(setsid sh -c 'setsid sleep 600 & wait') &
until test -e deaf; do sleep 0.05; done
trap 'exit 0' TERM
mv deaf ready
while :; do sleep 0.1; done
";

/// At least so many processes that is.
const FAMILY: usize = 9;

fn orphans(place: &Place, keys: &str) -> (Scene, BTreeSet<u32>) {
    let dir = Dir::new();
    dir.script("orphans", ORPHANS);
    let program =
        format!("[program:p]\ncommand=%(here)s/orphans\ndirectory=%(here)s\nstartsecs=0\n{keys}\n");
    let scene = place.scene(dir, &program);
    let is_ready = wait_until(DEADLINE, || scene.dir.read("ready").is_some());
    assert!(is_ready, "{}", scene.log());
    let all = place.wait_for("p:p", FAMILY, &scene);
    (scene, all.into_iter().collect())
}

#[test]
fn after_a_stop_nothing_is_left_of_a_program() {
    let Some(place) = Place::new() else { return };
    let (scene, pids) = orphans(&place, "kill_mode=cgroup");
    stop(&scene, "p");
    // Not in a while, but now.
    assert_eq!(alive(&pids), [0; 0]);
    assert_eq!(place.groups(), set(["supervisord"]));
    scene.wait_log("stopped: p (exit status 0)");
    scene.stop();
}

#[test]
fn after_a_crash_nothing_is_left_and_it_starts_again() {
    let Some(place) = Place::new() else { return };
    let (scene, mut pids) = orphans(&place, "kill_mode=cgroup\nautorestart=true");
    let first = scene.pid("p");
    fs::remove_file(scene.dir.join("ready")).unwrap();
    kill(first, libc::SIGKILL);
    let is_back = wait_until(DEADLINE, || scene.dir.read("ready").is_some());
    assert!(is_back, "{}", scene.log());
    pids.remove(&scene.pid("p"));
    assert_eq!(alive(&pids), [0; 0]);
    scene.wait_log("exited: p (terminated by SIGKILL; not expected)");
    scene.stop();
}

#[test]
fn a_shutdown_leaves_nothing_of_a_program_that_ignores_everything() {
    let Some(place) = Place::new() else { return };
    let (scene, pids) = orphans(&place, "kill_mode=cgroup\nstopsignal=WINCH\nstopwaitsecs=0");
    scene.stop();
    assert_eq!(alive(&pids), [0; 0]);
    assert_eq!(place.groups(), BTreeSet::new());
}

#[test]
fn two_hundred_sessions_end_with_their_program() {
    let Some(place) = Place::new() else { return };
    let dir = Dir::new();
    dir.script(
        "bomb",
        "i=0\nwhile test $i -lt 200; do setsid sleep 600 & i=$((i + 1)); done\nexec sleep 600",
    );
    let program = "[program:p]\ncommand=%(here)s/bomb\nstartsecs=0\nkill_mode=cgroup\n";
    let scene = place.scene(dir, program);
    let all = place.wait_for("p:p", 201, &scene).into_iter().collect();
    stop(&scene, "p");
    assert_eq!(alive(&all), [0; 0]);
    scene.stop();
}

#[test]
fn npm_start_leaves_nothing() {
    let Some(place) = Place::new() else { return };
    let npm = Command::new("npm").arg("--version").output();
    if !npm.is_ok_and(|output| output.status.success()) {
        println!("left out: no npm");
        return;
    }
    let dir = Dir::new();
    dir.write(
        "package.json",
        r#"{"scripts": {"start": "node server.js"}}"#,
    );
    dir.write(
        "server.js",
        "require('child_process').spawn('sleep', ['600'], {detached: true}).unref();\n\
         process.on('SIGTERM', () => {});\nsetInterval(() => {}, 600000);\n",
    );
    let program = "[program:p]\ncommand=npm start\ndirectory=%(here)s\nkill_mode=cgroup\n\
        startsecs=0\nstopwaitsecs=1\nenvironment=HOME=\"%(here)s\",npm_config_update_notifier=false\n";
    let scene = place.scene(dir, program);
    let has_come = |pid: &u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.trim() == "sleep"
    };
    let is_up = wait_until(DEADLINE, || place.members("p:p").iter().any(has_come));
    assert!(is_up, "{}", scene.log());
    let all = place.members("p:p").into_iter().collect();
    stop(&scene, "p");
    assert_eq!(alive(&all), [0; 0]);
    scene.stop();
}

#[test]
fn other_modes_leave_what_they_leave_and_tell_how_to_change_that() {
    let Some(place) = Place::new() else { return };
    let (scene, pids) = orphans(&place, "cgroup=true");
    stop(&scene, "p");
    scene.wait_log(" left (kill_mode=cgroup kills them)");
    assert!(alive(&pids).len() >= 5, "{}", scene.log());
    // The next child is in the same group.
    start(&scene, "p");
    let pid = scene.pid("p");
    assert!(wait_until(DEADLINE, || group_of(pid) == "p:p"));
    let left = alive(&pids).into_iter().collect::<BTreeSet<u32>>();
    scene.stop();
    assert_eq!(place.groups(), set(["p:p", "supervisord"]));
    for pid in left {
        kill(pid, libc::SIGKILL);
    }
}

#[test]
fn a_restart_goes_on_with_the_same_groups() {
    let Some(place) = Place::new() else { return };
    let scene = place.scene(
        Dir::new(),
        "[program:p]\ncommand=sleep 600\nkill_mode=cgroup\nstartsecs=0\n",
    );
    scene.wait_all("RUNNING");
    let first = scene.pid("p");
    scene.call("restart", &[]).answer();
    let is_back = wait_until(DEADLINE, || {
        scene.log().matches("spawned: 'p' with pid").count() == 2 && scene.rpc.answers()
    });
    assert!(is_back, "{}", scene.log());
    let pid = scene.pid("p");
    assert!(wait_until(DEADLINE, || group_of(pid) == "p:p"));
    assert_eq!(group_of(scene.daemon.pid()), "supervisord");
    assert!(!is_alive(first));
    scene.stop();
    assert_eq!(place.groups(), BTreeSet::new());
}

#[test]
fn a_supervisord_after_one_that_was_killed_finds_its_groups() {
    let Some(place) = Place::new() else { return };
    let (mut scene, pids) = orphans(&place, "kill_mode=cgroup");
    scene.daemon.signal(libc::SIGKILL);
    scene.daemon.wait(DEADLINE);
    fs::remove_file(scene.dir.join("ready")).unwrap();
    scene.daemon = start_in(&place.wrapper(), &scene.dir);
    let is_back = wait_until(DEADLINE, || scene.dir.read("ready").is_some());
    assert!(is_back, "{}", scene.log());
    scene.wait_log("that were left in its control group");
    assert!(wait_until(DEADLINE, || alive(&pids).is_empty()));
    assert_eq!(place.groups(), set(["p:p", "supervisord"]));
    scene.stop();
    assert_eq!(place.groups(), BTreeSet::new());
}
