//! `healthcheck`: 0 and silence, or 1 and a line for each process that is not well.

use crate::support::{Ctl, Finished, Kind, Scene, Value};

const PROGRAMS: &str = "\
[program:web]
command=cat
startsecs=0
[program:job]
command=sh -c 'exit 3'
exitcodes=3
startsecs=0
[program:idle]
command=cat
autostart=false
[program:workers]
command=cat
process_name=%(process_num)s
numprocs=2
startsecs=0
";

const SICK: &str = "\
[program:wrong]
command=sh -c 'exit 4'
autorestart=false
startsecs=0
[program:killed]
command=sh -c 'kill -KILL $$'
autorestart=false
startsecs=0
[program:fatal]
command=/nonexistent/command
startretries=0
[program:slow]
command=cat
startsecs=3600
";

fn run(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

fn check(scene: &Scene, line: &str, expected: &str) {
    let end = run(scene, line);
    let status = if expected.is_empty() { 0 } else { 1 };
    assert_eq!(
        (end.stdout.as_str(), end.status),
        (expected, Some(status)),
        "{line}"
    );
    if expected.is_empty() {
        assert_eq!(end.stderr, "", "{line}");
    }
}

#[test]
fn a_health_check_is_silent_where_all_is_well() {
    let scene = Scene::start(PROGRAMS);
    for name in ["web", "workers:0", "workers:1"] {
        scene.wait(name, "RUNNING");
    }
    scene.wait("job", "EXITED");
    for line in ["", " all", " web", " job web", " workers:*", " w*"] {
        check(&scene, &format!("healthcheck{line}"), "");
    }
    // Who is named is to run.
    check(
        &scene,
        "healthcheck idle web",
        "idle: STOPPED (Not started)\n",
    );
    scene
        .call("stopProcess", &[Value::text("workers:1")])
        .answer();
    let end = run(&scene, "healthcheck");
    assert!(end.stdout.starts_with("workers:1: STOPPED ("), "{end:?}");
    assert_eq!((end.stdout.lines().count(), end.status), (1, Some(1)));
    check(&scene, "healthcheck web workers:0", "");
    let end = run(&scene, "healthcheck web nosuch x?");
    assert_eq!(
        (end.stdout.as_str(), end.status),
        (
            "nosuch: ERROR (no such process)\nx?: ERROR (no such process)\n",
            Some(1)
        )
    );
}

#[test]
fn a_health_check_names_what_is_not_well_and_why() {
    let scene = Scene::start(&format!("{PROGRAMS}{SICK}"));
    for (name, state) in [
        ("wrong", "EXITED"),
        ("killed", "EXITED"),
        ("fatal", "FATAL"),
        ("slow", "STARTING"),
        ("job", "EXITED"),
        ("web", "RUNNING"),
        ("workers:0", "RUNNING"),
        ("workers:1", "RUNNING"),
    ] {
        scene.wait(name, state);
    }
    check(
        &scene,
        "healthcheck",
        "fatal: FATAL (can't find command '/nonexistent/command')\n\
         killed: EXITED (Bad exit code -1)\n\
         slow: STARTING\n\
         wrong: EXITED (Bad exit code 4)\n",
    );
    check(&scene, "healthcheck job web", "");
}

#[test]
fn a_health_check_knows_no_status_but_0_and_1() {
    let scene = Scene::start(PROGRAMS);
    let dir = scene.dir.join("nowhere").display().to_string();
    for url in [format!("unix://{dir}"), "http://127.0.0.1:1".to_owned()] {
        let ctl = Ctl::with_options(Kind::Ours, &scene.dir, &["-c", "", "-s", &url]);
        let end = ctl.run(&["healthcheck"]);
        assert_eq!(end.status, Some(1), "{end:?}");
        assert!(!end.stdout.is_empty());
    }
}
