//! What an upgrade keeps of programs: states, deadlines, ends, descriptors.

use super::{pids, upgrades};
use crate::pools::descriptors;
use crate::support::{DEADLINE, Scene, Value, kill, wait_until};
use std::fs;

/// A program of each state, and some that change.
const STATES: &str = "\
[program:running]
command=/bin/cat
startsecs=0
numprocs=5
process_name=%(program_name)s_%(process_num)d
[program:starting]
command=/bin/cat
startsecs=600
[program:waits]
command=/bin/false
backoffincrement=600
startretries=3
[program:stubborn]
command=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'
stopwaitsecs=600
startsecs=0
killasgroup=true
[program:ended]
command=/bin/sh -c 'exit 7'
startsecs=0
exitcodes=7
autorestart=unexpected
[program:killed]
command=/bin/sh -c 'kill -9 $$'
startsecs=0
autorestart=false
[program:fatal]
command=/bin/false
startretries=0
[program:none]
command=/no/such/file
startretries=0
[program:idle]
command=/bin/cat
autostart=false
[program:needs]
command=/bin/cat
depends_on=waits
";

/// All that is told of every process, but for the time and what is made of it.
fn told(scene: &Scene) -> Vec<String> {
    scene.all().iter().map(without_time).collect()
}

fn without_time(info: &Value) -> String {
    let Value::Struct(members) = info else {
        panic!("a struct was expected, not {info}");
    };
    let times = ["now", "description", "next_start", "last_end"];
    let kept = members
        .iter()
        .filter(|(name, _)| !times.contains(&name.as_str()));
    kept.map(|(name, value)| format!("{name}={value} "))
        .collect()
}

#[test]
fn programs_of_every_state_are_as_they_were_twenty_times() {
    let scene = Scene::start(STATES);
    scene.wait("waits", "BACKOFF");
    scene.wait("stubborn", "RUNNING");
    scene.call(
        "stopProcess",
        &[Value::text("stubborn"), Value::Bool(false)],
    );
    for (name, state) in [
        ("running:running_0", "RUNNING"),
        ("running:running_4", "RUNNING"),
        ("starting", "STARTING"),
        ("stubborn", "STOPPING"),
        ("ended", "EXITED"),
        ("killed", "EXITED"),
        ("fatal", "FATAL"),
        ("none", "FATAL"),
        ("idle", "STOPPED"),
        ("needs", "STOPPED"),
    ] {
        scene.wait(name, state);
    }
    let before = told(&scene);
    let open = descriptors(&scene);
    let reasons = |scene: &Scene| {
        let all = ["ended", "none", "needs", "waits"].map(|name| {
            let explained = scene.call("explainProcess", &[Value::text(name)]);
            without_time(&explained.answer())
        });
        all.join("\n")
    };
    let explained = reasons(&scene);
    for _ in 0..20 {
        assert_eq!(upgrades(&scene), 7);
        assert_eq!(told(&scene), before, "{}", scene.log());
    }
    assert_eq!(reasons(&scene), explained);
    assert_eq!(descriptors(&scene), open);
    // What is to happen does: a start that was put off, and the end of everything.
    scene.call("startProcess", &[Value::text("idle"), Value::Bool(false)]);
    scene.wait("idle", "STARTING");
    kill(scene.pid("stubborn"), libc::SIGKILL);
    scene.wait("stubborn", "STOPPED");
    scene.stop();
}

#[test]
fn deadlines_come_when_they_would_have_come() {
    let scene = Scene::start(
        "[program:starts]\ncommand=/bin/cat\nstartsecs=3\n\
         [program:stops]\ncommand=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n\
         startsecs=0\nstopwaitsecs=3\nkillasgroup=true\n",
    );
    scene.wait("starts", "STARTING");
    scene.wait("stops", "RUNNING");
    upgrades(&scene);
    scene.wait("starts", "RUNNING");
    let parameters = [Value::text("stops"), Value::Bool(false)];
    scene.call("stopProcess", &parameters).answer();
    upgrades(&scene);
    scene.wait("stops", "STOPPED");
    // Each at its time, to the second, and once.
    let log = scene.log();
    for text in [
        "success: starts entered RUNNING state, process has stayed up for > than 3 seconds",
        "killing 'stops' (",
    ] {
        assert_eq!(log.matches(text).count(), 1, "{log}");
    }
    scene.stop();
}

/// Children that end all the time, also between two programs, are collected with their status.
#[test]
fn no_end_of_a_child_is_lost_or_told_twice() {
    let scene = Scene::start(
        "[program:short]\ncommand=/bin/sh -c 'sleep 0.02; exit 3'\nstartsecs=0\nautorestart=true\n\
         numprocs=4\nprocess_name=%(program_name)s_%(process_num)d\n",
    );
    let ends = || scene.log().matches("(exit status 3; not expected)").count();
    for round in 1..=20 {
        upgrades(&scene);
        let goes_on = wait_until(DEADLINE, || ends() >= round * 4);
        assert!(goes_on, "{}", scene.log());
    }
    for index in 0..4 {
        let name = Value::text(&format!("short:short_{index}"));
        scene.call("stopProcess", &[name]);
    }
    let log = scene.log();
    let count = |what: &str| log.matches(what).count();
    let ended = count("exited: short_") + count("stopped: short_");
    assert_eq!(count("spawned: 'short_"), ended, "{log}");
    assert_eq!(count("unknown pid"), 0, "{log}");
    scene.stop();
}

/// What a program is born with is what it was: signals, descriptors, directory, umask.
#[test]
fn programs_that_start_later_are_born_as_before() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'umask; pwd; ls /proc/self/fd; \
         grep -E \"Sig(Blk|Ign)|NoNewPrivs\" /proc/self/status; ulimit -n; env | sort | grep -v _='\n\
         startsecs=0\nautorestart=false\nredirect_stderr=true\nstdout_logfile=%(here)s/p.log\n",
    );
    let written = || scene.dir.read("p.log").unwrap_or_default();
    scene.wait("p", "EXITED");
    let first = written();
    assert!(first.contains("SUPERVISOR_ENABLED=1\n"), "{first}");
    upgrades(&scene);
    upgrades(&scene);
    scene.call("startProcess", &[Value::text("p")]).answer();
    scene.wait("p", "EXITED");
    assert_eq!(written(), format!("{first}{first}"));
    scene.stop();
}

#[test]
fn memory_and_descriptors_are_as_before_after_a_hundred_upgrades() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nnumprocs=20\nstartsecs=0\n\
         process_name=%(program_name)s_%(process_num)d\n",
    );
    scene.wait_all("RUNNING");
    let before = pids(&scene);
    let private = || {
        let path = format!("/proc/{}/smaps_rollup", scene.daemon.pid());
        let text = fs::read_to_string(path).unwrap();
        let line = text.lines().find(|line| line.starts_with("Private_Dirty:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.unwrap().parse::<u64>().unwrap()
    };
    upgrades(&scene);
    let (open, memory) = (descriptors(&scene), private());
    for _ in 0..100 {
        assert_eq!(upgrades(&scene), 20);
    }
    assert_eq!(pids(&scene), before);
    assert_eq!(descriptors(&scene), open);
    let later = private();
    assert!(
        later <= memory + memory / 10,
        "{memory} kB, then {later} kB"
    );
    scene.stop();
}
