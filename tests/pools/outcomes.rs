//! The family PROCESS_STATE_CHANGE, which tells monitors of end states.

use super::super::support::{Scene, Value, kill};
use super::{noted, pool, send, wait_noted, workshop};

/// Programs that come to every end, started one after the other.
const PROGRAMS: &str = "\
[program:zero]\ncommand=/bin/sh -c 'read line; exit 0'\nstartsecs=0\nautostart=false\nautorestart=false\n\
[program:three]\ncommand=/bin/sh -c 'read line; exit 3'\nstartsecs=0\nautostart=false\nautorestart=false\n\
[program:listed]\ncommand=/bin/sh -c 'read line; exit 3'\nexitcodes=0,3\nstartsecs=0\nautostart=false\nautorestart=false\n\
[program:cat]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\nautorestart=false\n\
[program:deaf]\ncommand=/bin/sh -c 'trap \"exit 7\" TERM; echo; while :; do read line; done'\nstartsecs=0\nautostart=false\nautorestart=false\nstdout_logfile=%(here)s/deaf.log\n\
[program:never]\ncommand=/bin/false\nstartretries=1\nautostart=false\n\
[program:later]\ncommand=/bin/false\nstartretries=9\nautostart=false\n";

const FAMILY: &str = "PROCESS_STATE_CHANGE";

fn text(name: &str) -> [Value; 1] {
    [Value::text(name)]
}

/// Starts everything and lets it come to its end.
fn run(scene: &Scene) {
    for name in ["zero", "three", "listed"] {
        scene.call("startProcess", &text(name)).answer();
        let line = [Value::text(name), Value::text("go\n")];
        scene.call("sendProcessStdin", &line).answer();
        scene.wait(name, "EXITED");
    }
    scene.call("startProcess", &text("cat")).answer();
    kill(scene.pid("cat"), libc::SIGKILL);
    scene.wait("cat", "EXITED");
    for name in ["cat", "deaf"] {
        scene.call("startProcess", &text(name)).answer();
        if name == "deaf" {
            let trapped = || scene.dir.read("deaf.log").is_some_and(|text| text == "\n");
            assert!(super::wait_until(super::DEADLINE, trapped));
        }
        scene.call("stopProcess", &text(name)).answer();
    }
    scene.call("startProcess", &text("never"));
    scene.wait("never", "FATAL");
    scene.call("startProcess", &text("later"));
    scene.wait_log("exited: later");
    scene.wait("later", "BACKOFF");
    scene.call("stopProcess", &text("later")).answer();
}

/// What is told of all this, without serials; `P` stands for a pid.
const TOLD: &[&str] = &[
    "RUNNING zero from_state:STARTING pid:P",
    "EXITED_EXPECTED zero from_state:RUNNING pid:P expected:1 exitstatus:0 signal:0",
    "RUNNING three from_state:STARTING pid:P",
    "EXITED_UNEXPECTED three from_state:RUNNING pid:P expected:0 exitstatus:3 signal:0",
    "RUNNING listed from_state:STARTING pid:P",
    "EXITED_EXPECTED listed from_state:RUNNING pid:P expected:1 exitstatus:3 signal:0",
    "RUNNING cat from_state:STARTING pid:P",
    "EXITED_UNEXPECTED cat from_state:RUNNING pid:P expected:0 exitstatus:-1 signal:9",
    "RUNNING cat from_state:STARTING pid:P",
    "STOPPED cat from_state:STOPPING pid:P expected:0 exitstatus:-1 signal:15",
    "RUNNING deaf from_state:STARTING pid:P",
    "STOPPED deaf from_state:STOPPING pid:P expected:0 exitstatus:7 signal:0",
    "BACKOFF never from_state:STARTING pid:P tries:1",
    "FATAL never from_state:BACKOFF pid:0 tries:2",
    "BACKOFF later from_state:STARTING pid:P tries:1",
    "STOPPED later from_state:BACKOFF pid:0 expected:0 exitstatus:0 signal:0",
];

/// What a pool has noted of the programs, in the form of [`TOLD`], up to the end marker.
fn told(scene: &Scene, pool: &str) -> Vec<String> {
    noted(scene, pool)
        .iter()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').skip(1).collect();
            let kind = words[0]
                .strip_prefix("PROCESS_STATE_CHANGE_")
                .unwrap_or(words[0]);
            let rest = words[1..]
                .iter()
                .filter(|word| !word.starts_with("groupname:"));
            let rest = rest.map(|word| match word.strip_prefix("processname:") {
                Some(name) => name,
                None if word.starts_with("pid:") && *word != "pid:0" => "pid:P",
                None => word,
            });
            [kind]
                .into_iter()
                .chain(rest)
                .collect::<Vec<&str>>()
                .join(" ")
        })
        .filter(|line| {
            let pools = ["all", "ends", "exits", "leaf", "event"];
            !pools
                .iter()
                .any(|pool| line.split(' ').nth(1) == Some(pool))
        })
        .collect()
}

#[test]
fn monitors_are_told_of_every_end_state_once() {
    let of = |names: &str| format!("{names},REMOTE_COMMUNICATION");
    let sections = [
        pool("all", "recorder", &of(FAMILY), "buffer_size=100"),
        pool(
            "ends",
            "recorder",
            &of("PROCESS_STATE_CHANGE_STOPPED_OR_EXITED"),
            "buffer_size=100",
        ),
        pool(
            "exits",
            "recorder",
            &of("PROCESS_STATE_CHANGE_EXITED"),
            "buffer_size=100",
        ),
        pool(
            "leaf",
            "recorder",
            &of("PROCESS_STATE_CHANGE_FATAL"),
            "buffer_size=100",
        ),
        pool("event", "recorder", "EVENT", "buffer_size=1000"),
        PROGRAMS.to_owned(),
    ];
    let scene = Scene::start_as(workshop(""), &sections.concat(), |_| {});
    scene.wait("event", "RUNNING");
    run(&scene);
    send(&scene, "end", "");
    for (pool, begins) in [
        ("all", &[""][..]),
        ("ends", &["STOPPED", "EXITED"]),
        ("exits", &["EXITED"]),
        ("leaf", &["FATAL"]),
    ] {
        let mut expected: Vec<&str> = TOLD
            .iter()
            .copied()
            .filter(|line| begins.iter().any(|begin| line.starts_with(begin)))
            .collect();
        expected.push("REMOTE_COMMUNICATION type:end|");
        let done = super::wait_until(super::DEADLINE, || {
            told(&scene, pool)
                .last()
                .is_some_and(|last| last.starts_with("REMOTE"))
        });
        assert!(done, "{pool}: {:?}", told(&scene, pool));
        assert_eq!(told(&scene, pool), expected, "{pool}");
    }
    // Who asks for what 4.3.0 has is told what 4.3.0 tells.
    let ended = || {
        noted(&scene, "event")
            .iter()
            .any(|line| line.contains("type:end"))
    };
    assert!(super::wait_until(super::DEADLINE, ended));
    let event = noted(&scene, "event");
    assert!(!event.iter().any(|line| line.contains(FAMILY)), "{event:?}");
    let backoffs = event
        .iter()
        .filter(|line| line.contains("PROCESS_STATE_BACKOFF processname:never"));
    assert_eq!(backoffs.count(), 2);
    scene.stop();
}

#[test]
fn who_asks_for_both_families_is_told_in_both() {
    let both = "PROCESS_STATE_EXITED,PROCESS_STATE_CHANGE_EXITED_UNEXPECTED";
    let sections = pool("both", "recorder", both, "")
        + "[program:three]\ncommand=/bin/sh -c 'exit 3'\nstartsecs=0\nautorestart=false\n";
    let scene = Scene::start_as(workshop(""), &sections, |_| {});
    let got = wait_noted(&scene, "both", 2);
    let names: Vec<&str> = got
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "PROCESS_STATE_EXITED",
            "PROCESS_STATE_CHANGE_EXITED_UNEXPECTED"
        ]
    );
    let serials: Vec<&str> = got
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(serials, ["0", "1"]);
    scene.stop();
}
