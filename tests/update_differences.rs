//! What differs between the files and what runs, as users see it before an `update`: in a dry
//! run, after `reread --diff`, and at a start.

use super::support::pty::Pty;
use super::support::{Ctl, DEADLINE, Kind, Scene, usual_configuration};
use super::update::{cat, ctl, pids, write};
use std::process::Command;

#[test]
fn what_an_update_would_do_reads_like_a_diff() {
    let old = format!(
        "{}{}",
        cat(
            "web",
            "numprocs=2\nprocess_name=web_%(process_num)d\nenvironment=A=\"1\",MY_KEY=\"x\""
        ),
        cat("gone", "")
    );
    let new = format!(
        "{}{}",
        cat(
            "web",
            "numprocs=3\nprocess_name=web_%(process_num)d\n\
             environment=A=\"2\",MY_KEY=\"y\"\nstopwaitsecs=20"
        ),
        cat("here", "")
    );
    let scene = Scene::start(&old);
    scene.wait_all("RUNNING");
    let before = pids(&scene);
    let finished = ctl(&scene, "update --dry-run");
    assert_eq!(finished.stdout, "No config updates to processes\n");
    assert_eq!(finished.status, Some(0));
    write(&scene, &new);
    let lines = usual_configuration(&new);
    let line = |text: &str| {
        lines
            .lines()
            .position(|line| line.starts_with(text))
            .unwrap()
            + 1
    };
    let of_web = format!(
        "    stopwaitsecs: 10 -> 20  (supervisord.conf:{})\n    \
         environment: A=\"1\",MY_KEY=\"***\" -> A=\"2\",MY_KEY=\"***\"  (supervisord.conf:{})\n",
        line("stopwaitsecs"),
        line("environment")
    );
    let web = format!("web:web_0: restart\n{of_web}web:web_1: restart\n{of_web}web:web_2: add\n");
    let all = format!("here: add\n{web}gone: remove\n");
    for (command, expected) in [
        ("update --dry-run", &all),
        ("update --dry-run web", &web),
        ("reread --diff", &all),
    ] {
        let finished = ctl(&scene, command);
        assert_eq!(finished.stdout, *expected, "{command}");
        assert_eq!(finished.status, Some(8), "{command}");
    }
    let finished = ctl(&scene, "update --dry-run --json web");
    assert_eq!(finished.status, Some(8));
    for part in [
        "\"key\": \"stopwaitsecs\"",
        "\"old\": 10",
        "\"consequence\": \"restart\"",
    ] {
        assert!(finished.stdout.contains(part), "{}", finished.stdout);
    }
    assert!(!finished.stdout.contains("\"y\""), "{}", finished.stdout);
    assert_eq!(pids(&scene), before);
    let finished = ctl(&scene, "update --dry-run nosuch");
    assert!(
        finished
            .stdout
            .starts_with("ERROR: no such group: nosuch\n")
    );
    assert_eq!(finished.status, Some(1));
    scene
        .dir
        .write("supervisord.conf", usual_configuration("[program:x]\n"));
    let finished = ctl(&scene, "update --dry-run");
    assert!(
        finished.stdout.starts_with("ERROR: CANT_REREAD: "),
        "{}",
        finished.stdout
    );
    assert_eq!(finished.status, Some(1));
    scene.stop();
}

#[test]
fn a_start_at_a_terminal_says_that_the_files_differ_from_what_runs() {
    let scene = Scene::start(&format!("{}{}", cat("a", "autostart=false"), cat("b", "")));
    scene.wait("b", "RUNNING");
    write(
        &scene,
        &format!("{}{}", cat("a", "stopwaitsecs=5"), cat("b", "")),
    );
    let at_terminal = |line: &str| {
        let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
        command.arg("-c").arg(scene.dir.join("supervisord.conf"));
        command.args(line.split(' ')).env("TERM", "xterm");
        let mut pty = Pty::start(&command, 200, 20);
        assert_eq!(pty.wait(DEADLINE), Some(0));
        pty.written()
    };
    let told = "a: its configuration in the files differs from the one that runs";
    for (line, is_told) in [("restart b", false), ("start a", true), ("restart a", true)] {
        let written = at_terminal(line);
        assert_eq!(written.contains(told), is_told, "{line}: {written}");
    }
    // Nobody else is told.
    assert_eq!(ctl(&scene, "restart a").stderr, "");
    scene.stop();
}
