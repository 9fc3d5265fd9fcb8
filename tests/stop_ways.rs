//! Ways to stop a program: several signals, one after the other, and a command.

use std::process::Command;

use super::support::{
    DEADLINE, Dir, Scene, Value, binary, finish, plain_environment, usual_configuration, wait_until,
};

/// Writes the signals that come, says when it is ready for them, and ends by none of these.
const STUBBORN: &str = "\
for name in TERM INT QUIT USR1; do trap \"echo $name >> seen\" $name; done
echo ready >> seen
while :; do sleep 0.05; done
";

/// Runs it, until it is ready.
fn stubborn(keys: &str) -> Scene {
    let dir = Dir::new();
    dir.script("stubborn", STUBBORN);
    let program =
        format!("[program:p]\ncommand=%(here)s/stubborn\ndirectory=%(here)s\nstartsecs=0\n{keys}");
    let scene = Scene::start_as(dir, &program, |_| {});
    wait_seen(&scene, "ready\n");
    scene
}

fn seen(scene: &Scene) -> String {
    scene.dir.read("seen").unwrap_or_default()
}

fn wait_seen(scene: &Scene, text: &str) {
    let is_seen = wait_until(DEADLINE, || seen(scene) == text);
    assert!(
        is_seen,
        "{:?} is not {text:?}\n{}",
        seen(scene),
        scene.log()
    );
}

fn stop(scene: &Scene) {
    scene.call("stopProcess", &[Value::text("p")]).answer();
    assert_eq!(scene.info("p").text_of("statename"), "STOPPED");
}

#[test]
fn one_signal_comes_after_the_other_and_then_sigkill() {
    let scene = stubborn("stopsignal=TERM INT QUIT\nstopwaitsecs=1\n");
    stop(&scene);
    assert_eq!(seen(&scene), "ready\nTERM\nINT\nQUIT\n");
    scene.wait_log("stopped: p (terminated by SIGKILL)");
    scene.stop();
}

#[test]
fn a_signal_that_is_heard_is_the_last() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'trap \"\" TERM; echo deaf > %(here)s/seen; while :; do sleep 0.05; done'\n\
         stopsignal=TERM USR1 QUIT\nstopwaitsecs=1\nstartsecs=0\n",
    );
    wait_seen(&scene, "deaf\n");
    stop(&scene);
    scene.wait_log("stopped: p (terminated by SIGUSR1)");
    scene.stop();
}

#[test]
fn who_wants_it_down_within_a_time_skips_the_other_signals() {
    let scene = stubborn("stopsignal=TERM INT QUIT\nstopwaitsecs=3600\n");
    let within = [Value::text("p"), Value::Double("0.5".to_owned())];
    scene.call("stopProcessWithin", &within).answer();
    assert_eq!(seen(&scene), "ready\nTERM\n");
    scene.stop();
}

#[test]
fn a_second_signal_to_supervisord_kills_whatever_signals_are_left() {
    let mut scene = stubborn("stopsignal=TERM INT QUIT\nstopwaitsecs=3600\n");
    scene.daemon.signal(libc::SIGINT);
    wait_seen(&scene, "ready\nTERM\n");
    scene.daemon.signal(libc::SIGINT);
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
    assert_eq!(seen(&scene), "ready\nTERM\n");
}

#[test]
fn others_are_told_the_first_signal() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\nstopsignal=usr2 TERM\n");
    let Value::Array(all) = scene.call("getAllConfigInfo", &[]).answer() else {
        panic!("no array");
    };
    assert_eq!(all[0].int_of("stopsignal"), i64::from(libc::SIGUSR2));
    scene.stop();
}

#[test]
fn check_notes_what_supervisor_4_3_0_does_not_load() {
    let dir = Dir::new();
    let programs = "[program:p]\ncommand=/bin/cat\nstopsignal=TERM INT\n\
                    [program:q]\ncommand=/bin/cat\nstopsignal=TERM\n";
    dir.write("supervisord.conf", usual_configuration(programs));
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    command
        .current_dir(dir.path())
        .args(["-c", "supervisord.conf", "--check=strict"]);
    let found = finish(command, "", DEADLINE);
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    let note = "note: stopsignal of [program:p] has several signals: Supervisor 4.3.0 takes one, and does not start with more\n";
    assert_eq!(found.stderr.matches("several signals").count(), 1);
    assert!(found.stderr.ends_with(note), "{}", found.stderr);
}

/// Runs a program that only SIGKILL and the file `gate` end, until it says so.
fn gated(stopcommand: &str, keys: &str) -> Scene {
    let dir = Dir::new();
    dir.script("stopcommand", stopcommand);
    dir.script(
        "program",
        "trap 'echo TERM >> seen' TERM\necho ready >> seen\nuntil test -e gate; do sleep 0.05; done\n",
    );
    let program = format!(
        "[program:p]\ncommand=%(here)s/program\ndirectory=%(here)s\nstartsecs=0\n\
         stopcommand=%(here)s/stopcommand\n{keys}"
    );
    let scene = Scene::start_as(dir, &program, |_| {});
    wait_seen(&scene, "ready\n");
    scene
}

#[test]
fn a_command_stops_a_program_without_a_signal() {
    let scene = gated(
        "echo pid $SUPERVISOR_PROCESS_PID; touch gate\n",
        "stopwaitsecs=3600\n",
    );
    let (pid, log) = (
        scene.pid("p"),
        scene.info("p").text_of("stdout_logfile").to_owned(),
    );
    stop(&scene);
    scene.wait_log("stopped: p (exit status 0)");
    assert_eq!(seen(&scene), "ready\n");
    let is_written = wait_until(DEADLINE, || {
        std::fs::read_to_string(&log).is_ok_and(|text| text == format!("pid {pid}\n"))
    });
    assert!(is_written, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_command_that_fails_is_followed_by_the_signal() {
    let scene = gated("exit 1\n", "stopwaitsecs=3600\n");
    let name = [Value::text("p"), Value::Bool(false)];
    scene.call("stopProcess", &name).answer();
    wait_seen(&scene, "ready\nTERM\n");
    scene.wait_log("WARN p: its stopcommand failed (exit status 1)");
    scene.dir.write("gate", "");
    scene.wait("p", "STOPPED");
    scene.stop();
}

#[test]
fn a_command_that_hangs_or_does_nothing_is_followed_by_sigkill() {
    for command in ["while :; do sleep 0.05; done\n", "exit 0\n"] {
        let scene = gated(command, "stopwaitsecs=1\n");
        stop(&scene);
        scene.wait_log("stopped: p (terminated by SIGKILL)");
        assert_eq!(seen(&scene), "ready\n");
        scene.stop();
    }
}
