//! When programs are started again, and for how long they may stop: real processes under the
//! keys of the restart policy. The waits themselves stand in tables beside the code.

use std::process::Command;
use std::time::{Duration, Instant};

use super::support::{
    DEADLINE, Dir, Scene, Value, binary, finish, usual_configuration, wait_until,
};

/// How long it took from one line of a child to the next, by what it wrote itself.
const STAMPS: &str = "command=/bin/sh -c 'date +%%s%%3N >> %(here)s/stamps; exit 1'";

/// The moments in milliseconds that the children have written.
fn stamps(scene: &Scene) -> Vec<i64> {
    let text = scene.dir.read("stamps").unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Waits until so many children have written.
fn wait_stamps(scene: &Scene, count: usize) -> Vec<i64> {
    let enough = wait_until(DEADLINE, || stamps(scene).len() >= count);
    assert!(enough, "{:?}\n{}", stamps(scene), scene.log());
    stamps(scene)
}

fn waits(stamps: &[i64]) -> Vec<i64> {
    stamps.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn a_start_is_tried_again_without_end() {
    // 4.3.0 takes -1 for no retry at all; here more than the default three come.
    let scene = Scene::start(&format!(
        "[program:p]\n{STAMPS}\nstartretries=-1\nbackoffincrement=50ms\n"
    ));
    wait_stamps(&scene, 7);
    assert_ne!(scene.info("p").text_of("statename"), "FATAL");
    scene.stop();
}

#[test]
fn waits_grow_by_the_increment_or_by_the_factor_up_to_the_maximum() {
    for (keys, least) in [
        ("backoffincrement=200ms", [200, 400, 600, 800]),
        (
            "backoffincrement=200ms\nbackoff_factor=2",
            [200, 400, 800, 1_600],
        ),
        (
            "backoffincrement=200ms\nbackoff_factor=10\nmaxbackoff=400ms",
            [200, 400, 400, 400],
        ),
    ] {
        let scene = Scene::start(&format!("[program:p]\n{STAMPS}\nstartretries=4\n{keys}\n"));
        scene.wait("p", "FATAL");
        let waits = waits(&stamps(&scene));
        assert_eq!(waits.len(), 4, "{keys}");
        for (wait, least) in waits.iter().zip(least) {
            // Clocks that are read by another process are not exact to the millisecond.
            assert!(*wait >= least - 5, "{keys}: {waits:?}");
        }
        scene.stop();
    }
}

#[test]
fn chance_keeps_programs_apart_that_fail_together() {
    let command = "command=/bin/sh -c 'date +%%s%%3N >> %(here)s/%(process_num)d; exit 1'";
    let scene = Scene::start(&format!(
        "[program:p]\n{command}\nprocess_name=%(process_num)d\nnumprocs=8\n\
         startretries=1\nbackoffincrement=4\nbackoff_jitter=1\n"
    ));
    scene.wait_all("FATAL");
    let mut waits: Vec<i64> = (0..8)
        .map(|number| {
            let text = scene.dir.read(&number.to_string()).unwrap();
            let stamps: Vec<i64> = text.lines().map(|line| line.parse().unwrap()).collect();
            stamps[1] - stamps[0]
        })
        .collect();
    waits.sort_unstable();
    assert!(waits[7] - waits[0] > 500, "{waits:?}");
}

#[test]
fn a_restart_waits_for_the_pause() {
    let scene = Scene::start(&format!(
        "[program:p]\n{STAMPS}\nstartsecs=0\nautorestart=true\nrestartpause=700ms\n"
    ));
    let stamps = wait_stamps(&scene, 4);
    assert!(waits(&stamps).iter().all(|wait| *wait >= 695), "{stamps:?}");
    scene.stop();
}

#[test]
fn a_start_by_request_waits_for_the_rest_of_the_pause() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\nstartsecs=0\nrestartpause=1500ms\n");
    scene.wait("p", "RUNNING");
    let name = [Value::text("p")];
    scene.call("stopProcess", &name).answer();
    let begun = Instant::now();
    scene.call("startProcess", &name).answer();
    assert!(begun.elapsed() >= Duration::from_millis(1_400));
    scene.wait("p", "RUNNING");
    scene.stop();
}

#[test]
fn too_many_restarts_are_fatal_with_the_reason() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'sleep 0.2'\nstartsecs=0\nautorestart=true\n\
         restart_limit=2/1h\n",
    );
    scene.wait("p", "FATAL");
    let info = scene.info("p");
    assert_eq!(info.text_of("spawnerr"), "2 restarts in 3600 seconds");
    assert_eq!(info.text_of("description"), "2 restarts in 3600 seconds");
    assert_eq!(scene.log().matches("spawned: 'p'").count(), 3);
    scene.wait_log("gave up: p entered FATAL state, 2 restarts in 3600 seconds");
    // Who starts it has all its restarts again.
    scene.call("startProcess", &[Value::text("p")]).answer();
    scene.wait("p", "FATAL");
    assert_eq!(scene.log().matches("spawned: 'p'").count(), 6);
    scene.stop();
}

#[test]
fn a_delayed_start_is_starting_and_can_be_stopped() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\nstartdelay=1h\n");
    scene.wait("p", "STARTING");
    let info = scene.info("p");
    assert_eq!(info.int_of("pid"), 0);
    let description = info.text_of("description").to_owned();
    assert!(
        ["starts in 1:00:00", "starts in 0:59:5"]
            .iter()
            .any(|lead| description.starts_with(lead)),
        "{description}"
    );
    let name = [Value::text("p")];
    scene.call("stopProcess", &name).answer();
    scene.wait("p", "STOPPED");
    // It is still to come when everything goes down.
    let begun = [Value::text("p"), Value::Bool(false)];
    scene.call("startProcess", &begun).answer();
    assert_eq!(scene.info("p").text_of("statename"), "STARTING");
    scene.stop();
}

#[test]
fn a_delayed_start_comes_after_its_delay() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\nstartdelay=1200ms\n",
    );
    let begun = Instant::now();
    scene.call("startProcess", &[Value::text("p")]).answer();
    assert!(begun.elapsed() >= Duration::from_millis(1_100));
    scene.wait("p", "RUNNING");
    scene.stop();
}

/// A program that does not go by itself.
const DEAF: &str = "command=/bin/sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 1; done'\n\
                    stopasgroup=true\nstartsecs=0\n";

fn deaf(keys: &str) -> Scene {
    let scene = Scene::start(&format!("{keys}[program:p]\n{DEAF}stopwaitsecs=-1\n"));
    scene.wait("p", "RUNNING");
    let is_deaf = wait_until(DEADLINE, || {
        let log = scene.info("p").text_of("stdout_logfile").to_owned();
        std::fs::read_to_string(log).is_ok_and(|text| text.contains("deaf"))
    });
    assert!(is_deaf);
    scene
}

/// Its program has to be killed twice over: asked to go, and then made to.
fn ends(mut scene: Scene) {
    scene.daemon.signal(libc::SIGINT);
    scene.daemon.signal(libc::SIGINT);
    let status = scene.daemon.wait(DEADLINE);
    assert_eq!(status, Some(0), "{}", scene.log());
    scene.wait_log("stopped: p (terminated by SIGKILL)");
}

#[test]
fn a_stop_without_end_waits_until_somebody_kills() {
    let scene = deaf("");
    let name = [Value::text("p"), Value::Bool(false)];
    scene.call("stopProcess", &name).answer();
    scene.wait("p", "STOPPING");
    // With 4.3.0's meaning of -1 the kill would be immediate.
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(scene.info("p").text_of("statename"), "STOPPING");
    assert!(!scene.log().contains("SIGKILL"), "{}", scene.log());
    scene.daemon.signal(libc::SIGINT);
    scene.wait_log("received SIGINT");
    scene.daemon.signal(libc::SIGINT);
    ends(scene);
}

#[test]
fn a_shutdown_that_takes_too_long_kills_what_is_left() {
    let mut scene = deaf("shutdown_timeout=1\n");
    scene.daemon.signal(libc::SIGTERM);
    let status = scene.daemon.wait(DEADLINE);
    assert_eq!(status, Some(0), "{}", scene.log());
    scene.wait_log("the shutdown_timeout is over: everything that still runs is killed");
    scene.wait_log("stopped: p (terminated by SIGKILL)");
}

#[test]
fn a_restart_of_the_daemon_has_the_time_of_a_shutdown() {
    let scene = deaf("shutdown_timeout=500ms\n");
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log("stopped: p (terminated by SIGKILL)");
    let again = wait_until(DEADLINE, || {
        scene.log().matches("spawned: 'p'").count() == 2
    });
    assert!(again, "{}", scene.log());
    scene.wait_log("supervisord started");
    ends(scene);
}

/// What `--check` says of a file with these lines in the section that is before them.
fn checked(section: &str, lines: &str) -> (Option<i32>, String) {
    let dir = Dir::new();
    dir.write("s.conf", format!("[supervisord]\n{section}\n{lines}\n"));
    let mut command = Command::new(binary());
    command.args(["-c", "s.conf", "--check"]);
    let found = finish(command_in(command, &dir), "", DEADLINE);
    // Nobody is to be asked.
    let lines = found.stderr.lines();
    let lines = lines.filter(|line| !line.contains("there is no server"));
    (
        found.status,
        lines.map(|line| format!("{line}\n")).collect(),
    )
}

fn command_in(mut command: Command, dir: &Dir) -> Command {
    command.current_dir(dir.path());
    command
}

/// The kinds of sections that have a policy, each with the keys that it needs.
const KINDS: [(&str, &str); 3] = [
    ("[program:p]\ncommand=/bin/cat", "program:p"),
    (
        "[eventlistener:p]\nevents=TICK_5\ncommand=/bin/cat",
        "eventlistener:p",
    ),
    (
        "[fcgi-program:p]\nsocket=tcp://127.0.0.1:9\ncommand=/bin/cat",
        "fcgi-program:p",
    ),
];

#[test]
fn wrong_values_are_told_with_section_key_and_place_and_the_nearest_right_one() {
    for (lines, section) in KINDS {
        let line = 2 + lines.lines().count();
        for (wrong, near) in [
            ("restartpause=-1", "write 0"),
            ("backoffincrement=1.5s", "write 1500ms"),
            ("maxbackoff=-1", "write infinity for no limit"),
            ("backoff_factor=0.5", "write 1"),
            ("backoff_jitter=2", "write 1"),
            ("restart_limit=0/60", "write 1/60"),
            ("startdelay=5 minutes", "write 5m"),
        ] {
            let (key, value) = wrong.split_once('=').unwrap();
            let (status, told) = checked(lines, wrong);
            assert_eq!(status, Some(2), "{told}");
            let error = format!("Error: Invalid {key} value '{value}' in [{section}] ({near})");
            assert!(told.starts_with(&error), "{told}");
            let place = format!("s.conf:{line}: the error is here\n");
            assert!(told.ends_with(&place), "{told}");
        }
    }
    let (status, told) = checked("shutdown_timeout=-1", "");
    assert_eq!(status, Some(2));
    let error = "Error: Invalid shutdown_timeout value '-1' in [supervisord] (write infinity for \
                 no limit)";
    assert!(told.starts_with(error), "{told}");
}

#[test]
fn every_kind_of_program_has_the_keys_and_minus_one_is_named() {
    let keys = "RestartPause=5\nbackoffincrement=500ms\nmaxbackoff=infinity\nbackoff_factor=1.5\n\
                backoff_jitter=.25\nrestart_limit=5/1m\nstartdelay=2h";
    for (lines, _) in KINDS {
        let (status, told) = checked(lines, keys);
        assert_eq!(
            (status, told.contains("warning")),
            (Some(0), false),
            "{told}"
        );
        let (status, told) = checked(lines, "startretries=-1\nstopwaitsecs=-1");
        assert_eq!(status, Some(0));
        for text in [
            "is no limit: to Supervisor 4.3.0 it is no retry",
            "is no limit: to Supervisor 4.3.0 it is SIGKILL at once",
        ] {
            assert!(told.contains(text), "{told}");
        }
    }
}

#[test]
fn a_changed_policy_is_a_change_and_the_default_written_out_is_none() {
    let program = "[program:p]\ncommand=/bin/cat\n";
    let scene = Scene::start(program);
    let changed = |keys: &str| {
        let text = usual_configuration(&format!("{program}{keys}\n"));
        scene.dir.write("supervisord.conf", text);
        scene.call("reloadConfig", &[]).answer().to_string()
    };
    let unchanged = changed("");
    assert_eq!(
        changed("restartpause=0\nmaxbackoff=infinity"),
        changed("maxbackoff=infinity")
    );
    assert_eq!(changed("restartpause=0\nrestart_limit=infinity"), unchanged);
    for keys in ["restartpause=1", "restart_limit=5/60", "startdelay=1ms"] {
        assert_ne!(changed(keys), unchanged, "{keys}");
    }
    scene.stop();
}
