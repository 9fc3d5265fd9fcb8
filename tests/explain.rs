//! `supervisorctl explain` and `explainProcess`: the commonest failures of real programs, each
//! with what a person can do about it.

use super::support::pty::Pty;
use super::support::{Ctl, DEADLINE, Dir, Finished, Kind, Scene, wait_until};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Programs that fail, each in its own way, with the state that it comes to and what is said.
const FAILURES: &[(&str, &str, &str, &str)] = &[
    (
        "notfound",
        "command=/no/such/file\n",
        "FATAL",
        "No file has this name",
    ),
    (
        "notexec",
        "command=%(here)s/plain\n",
        "FATAL",
        "chmod +x it",
    ),
    (
        "interpreter",
        "command=%(here)s/script\n",
        "FATAL",
        "The first line of the script, behind #!, names a program that is not there",
    ),
    (
        "daemon",
        "command=true\n",
        "FATAL",
        "must be told to stay in front",
    ),
    (
        "one",
        "command=sh -c 'echo cannot read its settings >&2; exit 1'\n",
        "FATAL",
        "its own words tell why, see supervisorctl tail --both one",
    ),
    (
        "shell",
        "command=sh -c 'nosuchcommand'\n",
        "FATAL",
        "127 is what a shell says of a command that it cannot find",
    ),
    (
        "memory",
        "command=sh -c 'exit 137'\n",
        "FATAL",
        "mostly the kernel does that, for want of memory",
    ),
    (
        "killed",
        "command=sh -c 'kill -9 $$'\nautorestart=false\nstartsecs=0\n",
        "EXITED",
        "It was killed, and not by supervisord",
    ),
    (
        "port",
        "command=sh -c 'echo bind: Address already in use >&2; exit 1'\n",
        "FATAL",
        "ss -ltnp shows which",
    ),
    (
        "logdirectory",
        "command=cat\nstdout_logfile=%(here)s/missing/x.log\n",
        "FATAL",
        "The directory of its log is missing",
    ),
    (
        "logfile",
        "command=cat\nstdout_logfile=%(here)s/folder\n",
        "FATAL",
        "Its log cannot be opened",
    ),
    (
        "directory",
        "command=cat\ndirectory=%(here)s/missing\n",
        "FATAL",
        "Its directory is missing",
    ),
    (
        "dependant",
        "command=cat\nautostart=true\ndepends_on=notfound\n",
        "STOPPED",
        "waits for notfound (FATAL). Start or mend that",
    ),
    (
        "unhealthy",
        "command=cat\nstartsecs=0\nliveness_check=false\nliveness_check_period=1\n\
         liveness_check_failure_threshold=1\nliveness_check_failure_action=none\n",
        "RUNNING",
        "It runs, and its check fails",
    ),
    (
        "limited",
        "command=true\nstartsecs=0\nautorestart=true\nrestart_limit=1/1h\n",
        "FATAL",
        "restart_limit allows no more restarts",
    ),
    (
        "hooked",
        "command=cat\npre_start_hook=false\n",
        "FATAL",
        "A command that has to succeed before has failed",
    ),
    (
        "scheduled",
        "command=cat\nschedule=0 0 29 2 *\n",
        "STOPPED",
        "The clock starts it, as its schedule says",
    ),
    (
        "idle",
        "command=cat\nautostart=false\n",
        "STOPPED",
        "It was never started: autostart=false",
    ),
    (
        "environment",
        "command=cat\nenvironment_file=%(here)s/missing.env\n",
        "FATAL",
        "A file of environment_file cannot be read",
    ),
    (
        "secret",
        "command=sh -c 'echo token is $API_TOKEN >&2; exit 3'\n\
         environment=API_TOKEN=\"open-sesame\"\n",
        "FATAL",
        "its own words tell why",
    ),
];

/// Stopped by hand in the test.
const STUBBORN: &str = "[program:stubborn]\nstartsecs=0\nstopwaitsecs=1\n\
    command=sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done'\n\
    stdout_logfile=%(here)s/stubborn.out\n";

fn scene() -> Scene {
    let dir = Dir::new();
    dir.write("plain", "");
    dir.write("script", "#!/no/such/interpreter\n");
    std::fs::set_permissions(dir.join("script"), Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir(dir.join("folder")).unwrap();
    let sections = FAILURES
        .iter()
        .map(|(name, keys, ..)| format!("[program:{name}]\nstartretries=0\n{keys}"));
    let sections = sections.collect::<String>();
    let more = format!("statefile=%(here)s/state\n{sections}{STUBBORN}");
    Scene::start_as(dir, &more, |_| {})
}

fn explain(scene: &Scene, words: &[&str]) -> Finished {
    let words = [&["explain"], words].concat();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

#[test]
fn each_of_the_commonest_failures_is_explained_with_what_to_do() {
    let scene = scene();
    let conf = scene.dir.join("supervisord.conf").display().to_string();
    let text = scene.dir.read("supervisord.conf").unwrap();
    for (name, _, state, told) in FAILURES {
        scene.wait(name, state);
        if *name == "unhealthy" {
            scene.wait_log("unhealthy is unhealthy");
        }
        let end = explain(&scene, &[name]);
        assert_eq!((end.status, end.stderr.as_str()), (Some(0), ""), "{name}");
        let head = format!("{name} is {state}");
        assert!(end.stdout.starts_with(&head), "{}", end.stdout);
        assert!(end.stdout.contains(told), "{name}: {}", end.stdout);
        assert!(!end.stdout.contains("open-sesame"), "{}", end.stdout);
        let heading = format!("[program:{name}]");
        let line = 1 + text.lines().position(|line| line == heading).unwrap();
        let place = format!("It is configured in {heading}, {conf}:{line}.\n");
        assert!(end.stdout.ends_with(&place), "{}", end.stdout);
    }
    let end = explain(&scene, &["one"]);
    assert!(
        end.stdout.contains("with exit status 1")
            && end.stdout.contains("\n  cannot read its settings\n"),
        "{}",
        end.stdout
    );
    let end = explain(&scene, &["secret"]);
    assert!(end.stdout.contains("  token is ***\n"), "{}", end.stdout);
    scene.stop();
}

#[test]
fn what_was_stopped_and_what_is_disabled_is_told_as_that() {
    let scene = scene();
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let told = |name: &str, part: &str| {
        let end = explain(&scene, &[name]);
        assert!(end.stdout.contains(part), "{name}: {}", end.stdout);
    };
    // It must have set its trap before it is told to end.
    let ready = || {
        scene
            .dir
            .read("stubborn.out")
            .is_some_and(|out| out.contains("ready"))
    };
    assert!(wait_until(DEADLINE, ready));
    assert_eq!(ctl.run(&["stop", "stubborn"]).status, Some(0));
    told(
        "stubborn",
        "did not end when it was told to, and was killed after stopwaitsecs=1",
    );
    scene.wait("unhealthy", "RUNNING");
    assert_eq!(ctl.run(&["stop", "unhealthy"]).status, Some(0));
    told("unhealthy", "It was stopped by request");
    assert_eq!(ctl.run(&["disable", "idle"]).status, Some(0));
    told("idle", "supervisorctl enable idle ends that");

    let end = explain(&scene, &["nobody"]);
    assert_eq!(end.stdout, "nobody: ERROR (no such process)\n");
    assert_eq!(end.status, Some(1));
    let all = explain(&scene, &["all"]).stdout;
    for (name, ..) in FAILURES {
        assert!(all.contains(&format!("[program:{name}]")), "{name}");
    }
    scene.stop();
}

#[test]
fn a_start_that_fails_says_at_a_terminal_what_to_do() {
    let scene = scene();
    scene.wait("one", "FATAL");
    let conf = scene.dir.join("supervisord.conf").display().to_string();
    let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
    command.args(["-c", &conf, "start", "one"]);
    let mut pty = Pty::start(&command, 200, 24);
    pty.wait_text("To see more: supervisorctl explain one");
    let screen = pty.screen();
    assert_eq!(pty.wait(DEADLINE), Some(7), "{screen}");
    assert!(screen.contains("one is FATAL"), "{screen}");
    assert!(screen.contains("It last ended"), "{screen}");
    // Scripts hear the same as ever.
    let end = Ctl::new(Kind::Ours, &scene.dir).run(&["start", "one"]);
    assert_eq!(end.stdout, "one: ERROR (spawn error)\n");
    assert!(!end.stderr.contains("To see more"), "{}", end.stderr);
    scene.stop();
}
