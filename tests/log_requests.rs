//! Rotating and reopening logs on request.

use super::support::{Ctl, DEADLINE, Dir, Kind, Outcome, Scene, Value, wait_until};
use std::fs;

const CATS: &str = "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n\
                    stderr_logfile=NONE\nstdout_logfile_backups=2\n\
                    [program:off]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=%(here)s/off.log\n\
                    [program:device]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=/dev/stdout\n\
                    stdout_logfile_maxbytes=0\nstderr_logfile=NONE\n";

fn scene() -> Scene {
    let dir = Dir::new();
    dir.write("off.log", "of a run before\n");
    let scene = Scene::start_as(dir, CATS, |_| {});
    scene.wait("p", "RUNNING");
    scene.wait("device", "RUNNING");
    scene
}

fn say(scene: &Scene, text: &str) {
    let said = scene.call("sendProcessStdin", &[Value::text("p"), Value::text(text)]);
    assert_eq!(said.answer(), Value::Bool(true));
    let is_there = || {
        scene
            .dir
            .read("p.log")
            .is_some_and(|log| log.ends_with(text))
    };
    assert!(wait_until(DEADLINE, is_there));
}

#[test]
fn logs_are_rotated_on_request_whatever_their_size() {
    let scene = scene();
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let run = |words: &[&str]| {
        let done = ctl.run(words);
        (done.stdout, done.status)
    };
    say(&scene, "one\n");
    assert_eq!(run(&["rotate", "p"]), ("p: rotated\n".to_owned(), Some(0)));
    let read = |name: &str| scene.dir.read(name);
    assert_eq!(read("p.log").as_deref(), Some(""));
    assert_eq!(read("p.log.1").as_deref(), Some("one\n"));
    // An empty one stays, and pushes no backup out.
    assert_eq!(run(&["rotate", "p"]), ("p: rotated\n".to_owned(), Some(0)));
    assert!(!scene.dir.join("p.log.2").exists());
    say(&scene, "two\n");
    // Without a name, all: also that of a program that does not run, and the main log.
    assert_eq!(
        run(&["rotate"]),
        ("all logs: rotated\n".to_owned(), Some(0))
    );
    assert_eq!(read("p.log.1").as_deref(), Some("two\n"));
    assert_eq!(read("p.log.2").as_deref(), Some("one\n"));
    assert_eq!(read("off.log.1").as_deref(), Some("of a run before\n"));
    assert!(read("main.log.1").unwrap().contains("spawned: 'p'"));
    assert_eq!(run(&["rotate", "device"]).1, Some(0));
    let unknown = ("nosuch: ERROR (no such process)\n".to_owned(), Some(1));
    assert_eq!(run(&["rotate", "nosuch"]), unknown);
    // What cannot be moved is told with its path.
    fs::create_dir_all(scene.dir.join("p.log.1.d")).unwrap();
    fs::rename(scene.dir.join("p.log.1"), scene.dir.join("kept")).unwrap();
    fs::create_dir_all(scene.dir.join("p.log.1/full")).unwrap();
    fs::remove_file(scene.dir.join("p.log.2")).unwrap();
    fs::write(scene.dir.join("p.log.2"), "").unwrap();
    say(&scene, "three\n");
    let answer = scene.call("rotateProcessLogs", &[Value::text("p")]);
    let Outcome::Fault(30, text) = answer else {
        panic!("a fault was expected, not {answer:?}");
    };
    assert!(text.starts_with("FAILED: cannot rotate "), "{text}");
    assert_eq!(read("p.log").as_deref(), Some("three\n"));
    scene.stop();
}

#[test]
fn logs_are_reopened_on_request() {
    let scene = scene();
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    say(&scene, "one\n");
    let moved = |name: &str, to: &str| {
        fs::rename(scene.dir.join(name), scene.dir.join(to)).unwrap();
    };
    moved("p.log", "p.moved");
    moved("main.log", "main.moved");
    let done = ctl.run(&["reopen", "p"]);
    assert_eq!((&done.stdout[..], done.status), ("p: reopened\n", Some(0)));
    say(&scene, "two\n");
    assert_eq!(scene.dir.read("p.moved").as_deref(), Some("one\n"));
    assert_eq!(scene.dir.read("p.log").as_deref(), Some("two\n"));
    assert!(!scene.dir.join("main.log").exists());
    moved("p.log", "p.again");
    let done = ctl.run(&["reopen"]);
    assert_eq!(
        (&done.stdout[..], done.status),
        ("all logs: reopened\n", Some(0))
    );
    assert!(scene.dir.join("main.log").exists());
    say(&scene, "three\n");
    assert_eq!(scene.dir.read("p.log").as_deref(), Some("three\n"));
    scene.stop();
}
