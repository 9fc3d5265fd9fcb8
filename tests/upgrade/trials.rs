//! Programs of this machine that do not take over, whatever they do when they are tried.

use super::failures::Steady;
use super::{pids, reason, replace, run, upgrade};
use crate::support::{
    DEADLINE, Dir, Outcome, Scene, binary, c, children_of, comes_to_rest, descriptors_of, is_alive,
    wait_for, wait_until,
};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

/// A program that does one thing, by a number.
const STAND_IN: &str = r#"
#include <signal.h>
#include <string.h>
#include <unistd.h>
#ifndef BEHAVIOUR
#define BEHAVIOUR 0
#endif
int main(void)
{
    static char text[4096];
    int left;

    switch (BEHAVIOUR) {
    case 1:
        raise(SIGSEGV);
        return 0;
    case 2:
        memset(text, 'x', sizeof text);
        for (left = 2000; left > 0; left--)
            if (write(1, text, sizeof text) < 0)
                return 2;
        return 0;
    case 3:
        return write(1, "supervisord 9.9 can take over", 29) == 29 ? 3 : 0;
    case 4:
        return write(1, "supervisord \033[2J can take over\n", 31) == 31 ? 0 : 1;
    }
    for (;;)
        pause();
}
"#;

/// One that behaves so.
fn stand_in(dir: &Dir, behaviour: u32) -> PathBuf {
    let source = format!("#define BEHAVIOUR {behaviour}\n{STAND_IN}");
    c::program(dir, &format!("stand-in-{behaviour}"), &source)
}

/// One that says and does nothing.
pub fn silent(scene: &Scene) {
    replace(scene, &stand_in(&scene.dir, 0));
}

/// The pid of the trial that goes on.
pub fn trial(scene: &Scene, programs: &[(String, i64)]) -> u32 {
    let found = wait_for(DEADLINE, || {
        let mut children = children_of(scene.daemon.pid()).into_iter();
        children.find(|pid| programs.iter().all(|(_, known)| *known != i64::from(*pid)))
    });
    found.unwrap_or_else(|| panic!("no trial: {}", scene.log()))
}

#[test]
fn what_does_not_take_over_is_refused_whatever_it_does() {
    const OTHER: &str =
        "the program does not take over a running supervisord: it is another one, or too old";
    let steady = Steady::start();
    let dir = &steady.scene.dir;
    for (what, program, expected) in [
        ("true", "/bin/true".into(), OTHER.to_owned()),
        (
            "false",
            "/bin/false".into(),
            "the trial of the program ended with exit status 1".to_owned(),
        ),
        (
            "one that crashes",
            stand_in(dir, 1),
            "the trial of the program ended with terminated by SIGSEGV".to_owned(),
        ),
        (
            "one that floods its output",
            stand_in(dir, 2),
            format!("{OTHER}: {}", "x".repeat(512)),
        ),
        (
            "one that assents and fails",
            stand_in(dir, 3),
            "the trial of the program ended with exit status 3: supervisord 9.9 can take over"
                .to_owned(),
        ),
        (
            "one that is of no version",
            stand_in(dir, 4),
            format!("{OTHER}: supervisord \\x1b[2J can take over"),
        ),
    ] {
        replace(&steady.scene, &program);
        steady.refuses(what, &expected);
    }
    steady.ends_well();
}

/// Becomes the right program, which is given another state to read.
const CHANGES_STATE: &str = r#"
#include <unistd.h>
int main(void)
{
    return execl("/bin/sh", "sh", "-c", COMMAND, (char *)0);
}
"#;

#[test]
fn a_state_that_the_program_does_not_know_is_told() {
    let steady = Steady::start();
    let own = env!("CARGO_PKG_VERSION");
    let changed = |name: &str, filter: &str| {
        let command = format!("{filter} | exec {} --can-take-over", binary());
        let source = format!("#define COMMAND {command:?}\n{CHANGES_STATE}");
        replace(&steady.scene, &c::program(&steady.scene.dir, name, &source));
    };
    const BEGIN: &str = "the trial of the program ended with exit status 1: \
                         the state cannot be gone on with: ";
    for (name, filter, expected) in [
        (
            "newer",
            r#"sed '1s/"form":1/"form":99/'"#,
            format!(
                "its form is 99, of supervisord {own}; this one, {own}, knows forms up to 1 (byte "
            ),
        ),
        ("cut", "head -c 20", "form: ".to_owned()),
        ("none", ":", String::new()),
    ] {
        changed(name, filter);
        let told = reason(&upgrade(&steady.scene));
        assert!(told.starts_with(&format!("{BEGIN}{expected}")), "{told}");
        steady.is_as_before();
    }
    steady.ends_well();
}

#[test]
fn a_trial_that_is_killed_is_told() {
    let steady = Steady::start();
    silent(&steady.scene);
    let told = thread::scope(|scope| {
        let asked = scope.spawn(|| upgrade(&steady.scene));
        let pid = trial(&steady.scene, &steady.pids);
        crate::support::kill(pid, libc::SIGKILL);
        asked.join().unwrap()
    });
    assert_eq!(
        reason(&told),
        "the trial of the program ended with terminated by SIGKILL"
    );
    steady.ends_well();
}

#[test]
fn a_trial_that_says_nothing_is_killed_when_its_time_is_over() {
    let steady = Steady::start_as(Dir::new(), |launch| launch.shim = true);
    let scene = &steady.scene;
    silent(scene);
    let told = thread::scope(|scope| {
        let asked = scope.spawn(|| upgrade(scene));
        let pid = trial(scene, &steady.pids);
        // The daemon answers meanwhile.
        assert!(scene.rpc.answers());
        assert!(is_alive(pid));
        scene.dir.write("monotonic", "11");
        assert!(scene.rpc.answers());
        asked.join().unwrap()
    });
    assert_eq!(
        reason(&told),
        "the program has not read the state within 10 seconds"
    );
    steady.ends_well();
}

#[test]
fn without_processes_or_descriptors_nothing_happens_until_there_are_some() {
    let steady = Steady::start_as(Dir::new(), |launch| launch.shim = true);
    let scene = &steady.scene;
    for (call, error, expected) in [
        ("fork", libc::EAGAIN, "Resource temporarily unavailable"),
        ("pipe2", libc::EMFILE, "Too many open files"),
    ] {
        scene.dir.write(call, error.to_string());
        let told = reason(&upgrade(scene));
        std::fs::remove_file(scene.dir.join(call)).unwrap();
        assert!(told.contains(expected), "{call}: {told}");
        steady.is_as_before();
    }
    steady.ends_well();
}

/// Sets the limit of descriptors of a daemon.
fn limit(scene: &Scene, descriptors: u32) {
    let pid = scene.daemon.pid().to_string();
    run(Command::new("prlimit")
        .args(["--pid", &pid])
        .arg(format!("--nofile={descriptors}:")));
}

#[test]
fn wherever_descriptors_run_out_the_daemon_goes_on() {
    let steady = Steady::start();
    let scene = &steady.scene;
    let pid = scene.daemon.pid();
    assert!(comes_to_rest(pid));
    let open = descriptors_of(pid);
    let free: Vec<u32> = (3..1000).filter(|number| !open.contains(number)).collect();
    let mut failures = 0;
    // The first is for the connection of who asks.
    for first_missing in &free[1..] {
        // Connections of the test go on for a moment.
        let same = wait_until(DEADLINE, || descriptors_of(pid) == open);
        assert!(same, "{open:?}, now {:?}", descriptors_of(pid));
        limit(scene, *first_missing);
        let told = upgrade(scene);
        limit(scene, 1000);
        if matches!(told, Outcome::Answer(_)) {
            break;
        }
        let told = reason(&told);
        assert!(told.contains("Too many open files"), "{told}");
        failures += 1;
        assert_eq!(pids(scene), steady.pids);
    }
    // The program, the own image, the pipes of the trial, and what that stands in.
    assert!(failures > 3, "{failures}");
    steady.ends_well();
}
