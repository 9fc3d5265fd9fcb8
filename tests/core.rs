//! The core of it all with a hundred programs: start, stop, restart, logs, status and
//! events. `make emulated` and `make valgrind` run this chapter with a binary that is run
//! by an emulator or a checker, where nothing may rest on what few systems do alike.

use super::support::{Ctl, DEADLINE, Dir, Kind, Scene, Value, children_of, kill, wait_until};
use std::collections::BTreeSet;

const COUNT: usize = 100;

/// A listener that notes the types and processes of the events that it is sent.
const LISTENER: &str = r#"
import os, sys
while True:
    os.write(1, b'READY\n')
    line = sys.stdin.readline()
    if not line:
        break
    tokens = dict(token.split(':', 1) for token in line.split())
    payload = sys.stdin.read(int(tokens['len']))
    process = payload.split()[0].split(':')[1]
    with open('events', 'a') as file:
        file.write('%s %s\n' % (tokens['eventname'], process))
    os.write(1, b'RESULT 2\nOK')
"#;

/// A hundred programs that say who they are and stay, in the group `p`.
fn hundred(more: &str) -> Scene {
    let dir = Dir::new();
    let says = dir.script("says", "echo I am $SUPERVISOR_PROCESS_NAME\nexec cat");
    dir.write("listener.py", LISTENER);
    let sections = format!(
        "[program:p]\ncommand={}\nnumprocs={COUNT}\nprocess_name=p%(process_num)03d\ndirectory=%(here)s\n\
         startsecs=0\nautorestart=true\nstdout_logfile=%(here)s/%(program_name)s%(process_num)03d.log\n\
         stderr_logfile=NONE\n{more}",
        says.display()
    );
    Scene::start_as(dir, &sections, |_| {})
}

fn names() -> impl Iterator<Item = String> {
    (0..COUNT).map(|number| format!("p{number:03}"))
}

/// Runs supervisorctl; the lines that it prints.
fn ctl(scene: &Scene, words: &[&str]) -> (Option<i32>, Vec<String>) {
    let finished = Ctl::new(Kind::Ours, &scene.dir).run(words);
    assert_eq!(finished.stderr, "", "{words:?}");
    let lines = finished.stdout.lines().map(str::to_owned).collect();
    (finished.status, lines)
}

fn pids(scene: &Scene) -> BTreeSet<i64> {
    let all = scene.all();
    all.iter().map(|info| info.int_of("pid")).collect()
}

#[test]
fn a_hundred_programs_start_log_stop_and_start_again() {
    let scene = hundred("");
    scene.wait_all("RUNNING");
    let first = pids(&scene);
    assert_eq!(first.len(), COUNT);
    assert_eq!(children_of(scene.daemon.pid()).len(), COUNT);
    for name in names() {
        let text = format!("I am {name}\n");
        let logged = || scene.dir.read(&format!("{name}.log")) == Some(text.clone());
        assert!(wait_until(DEADLINE, logged), "{name}");
        let window = [
            Value::text(&format!("p:{name}")),
            Value::Int(0),
            Value::Int(0),
        ];
        let read = scene.call("readProcessStdoutLog", &window).answer();
        assert_eq!(read, Value::text(&text));
    }

    let (status, lines) = ctl(&scene, &["status"]);
    assert_eq!((status, lines.len()), (Some(0), COUNT));
    assert!(lines.iter().all(|line| line.contains(" RUNNING   pid ")));
    let (status, lines) = ctl(&scene, &["stop", "p:*"]);
    assert_eq!((status, lines.len()), (Some(0), COUNT));
    assert!(lines.iter().all(|line| line.ends_with(": stopped")));
    assert_eq!(children_of(scene.daemon.pid()), []);
    let (status, lines) = ctl(&scene, &["start", "p:*"]);
    assert_eq!((status, lines.len()), (Some(0), COUNT));
    scene.wait_all("RUNNING");
    assert!(first.is_disjoint(&pids(&scene)));
    scene.stop();
}

#[test]
fn killed_programs_restarted_ones_and_a_restart_of_all_come_back() {
    let scene = hundred("");
    scene.wait_all("RUNNING");
    let came_back = |before: &BTreeSet<i64>| {
        let back = wait_until(DEADLINE, || {
            let now = pids(&scene);
            now.len() == COUNT && now.is_disjoint(before) && !now.contains(&0)
        });
        assert!(back, "{}", scene.log());
        scene.wait_all("RUNNING");
    };
    let before = pids(&scene);
    for pid in children_of(scene.daemon.pid()) {
        kill(pid, libc::SIGKILL);
    }
    came_back(&before);

    let before = pids(&scene);
    let (status, _) = ctl(&scene, &["restart", "p:*"]);
    assert_eq!(status, Some(0));
    came_back(&before);

    let before = pids(&scene);
    let (status, _) = ctl(&scene, &["reload"]);
    assert_eq!(status, Some(0));
    let anew = || scene.log().matches("supervisord started with pid").count() > 1;
    assert!(wait_until(DEADLINE, || anew() && scene.rpc.answers()));
    came_back(&before);
    scene.stop();
}

#[test]
fn a_listener_hears_of_a_hundred_programs() {
    let scene = hundred(
        "[eventlistener:l]\ncommand=python3 -S listener.py\ndirectory=%(here)s\nbuffer_size=1000\n\
         events=PROCESS_STATE_RUNNING,PROCESS_STATE_STOPPED\nstartsecs=0\n",
    );
    scene.wait_all("RUNNING");
    ctl(&scene, &["stop", "p:*"]);
    let heard = |kind: &str| -> BTreeSet<String> {
        let text = scene.dir.read("events").unwrap_or_default();
        let of_kind = text.lines().filter_map(|line| line.strip_prefix(kind));
        of_kind.map(|name| name.trim().to_owned()).collect()
    };
    for kind in ["PROCESS_STATE_RUNNING", "PROCESS_STATE_STOPPED"] {
        let all = || names().all(|name| heard(kind).contains(&name));
        assert!(wait_until(DEADLINE, all), "{kind}: {:?}", heard(kind));
    }
    scene.stop();
}

#[test]
fn why_a_program_was_not_spawned_is_told() {
    let scene = Scene::start(
        "[program:lost]\ncommand=/bin/cat\ndirectory=/no/such/folder\nstartretries=0\n",
    );
    scene.wait("lost", "FATAL");
    let reason = "couldn't chdir to /no/such/folder: ENOENT (No such file or directory)";
    assert_eq!(scene.info("lost").text_of("spawnerr"), reason);
    let (status, lines) = ctl(&scene, &["status", "lost"]);
    assert_eq!(status, Some(3));
    assert!(lines.iter().any(|line| line.ends_with(reason)), "{lines:?}");
    scene.stop();
}
