//! Programs whose end is the end of supervisord, and what it exits with.

use super::support::{
    DEADLINE, Daemon, Dir, Kind, Scene, Value, kill, usual_configuration, wait_until,
};

/// A program that stays until it is stopped.
const STAYS: &str = "[program:stays]\ncommand=/bin/cat\n";

/// Runs supervisord to its end; its status and its log.
fn run(configuration: &str) -> (Option<i32>, String) {
    let dir = Dir::new();
    dir.write("supervisord.conf", usual_configuration(configuration));
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    let status = daemon.wait(DEADLINE);
    let log = dir.read("main.log").unwrap_or_default();
    assert_eq!(daemon.stderr(), "", "{log}");
    (status, log)
}

fn program(name: &str, script: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/sh -c '{script}'\nstartsecs=0\n{keys}\n")
}

#[test]
fn supervisord_ends_with_an_essential_program_and_its_status() {
    for (script, keys, expected, told) in [
        ("exit 0", "", 0, "has ended (exit status 0)"),
        ("exit 3", "exitcodes=3", 3, "has ended (exit status 3)"),
        (
            "exit 255",
            "autorestart=false",
            255,
            "has ended (exit status 255)",
        ),
        (
            "kill -KILL $$",
            "autorestart=false",
            137,
            "has ended (terminated by SIGKILL)",
        ),
        (
            "kill -TERM $$",
            "autorestart=false",
            143,
            "has ended (terminated by SIGTERM)",
        ),
        ("exit 0", "startsecs=3600\nstartretries=0", 1, "is FATAL"),
        ("exit 7", "startsecs=3600\nstartretries=0", 1, "is FATAL"),
        (
            "",
            "directory=/nonexistent\nstartsecs=1\nstartretries=0",
            1,
            "is FATAL",
        ),
    ] {
        let main = program("main", script, &format!("exit_supervisord=true\n{keys}"));
        // The last of two keys counts.
        let main = match keys.contains("startsecs") {
            true => main.replace("startsecs=0\n", ""),
            false => main,
        };
        let (status, log) = run(&format!("{main}{STAYS}"));
        assert_eq!(status, Some(expected), "{script:?} {keys:?}\n{log}");
        let line = format!(
            " INFO main {told}, and exit_supervisord=true: \
             supervisord stops everything and exits with status {expected}\n"
        );
        assert!(log.contains(&line), "{line}{log}");
        assert!(
            log.contains(" stopped: stays (terminated by SIGTERM)"),
            "{log}"
        );
    }
}

#[test]
fn an_essential_program_that_is_started_again_has_not_ended() {
    let main = program(
        "main",
        "echo >> %(here)s/lives; test $(wc -l < %(here)s/lives) -lt 3 && exit 5; exit 6",
        "exit_supervisord=true\nexitcodes=6",
    );
    let (status, log) = run(&main);
    assert_eq!(status, Some(6), "{log}");
    assert_eq!(
        log.matches("exited: main (exit status 5; not expected)")
            .count(),
        2
    );
}

#[test]
fn an_essential_listener_ends_supervisord_too() {
    let listener = "[eventlistener:l]\ncommand=/bin/sh -c 'exit 4'\nevents=TICK_5\nstartsecs=0\n\
                    autorestart=false\nexit_supervisord=true\n";
    let (status, log) = run(&format!("{listener}{STAYS}"));
    assert_eq!(status, Some(4), "{log}");
}

#[test]
fn exit_on_names_the_ends_that_end_supervisord() {
    let fails =
        program("fails", "exit 1", "").replace("startsecs=0", "startsecs=60\nstartretries=0");
    let done = program("done", "exit 0", "");
    let wrong = program("wrong", "exit 9", "autorestart=false");
    let listener = "[eventlistener:l]\ncommand=/bin/sh -c 'exit 4'\nevents=TICK_5\nstartsecs=0\n\
                    autorestart=false\n";
    // It ends when the listener and the others have.
    let last = program(
        "last",
        "until grep -q \"exited: done\" %(here)s/main.log; do sleep 0.05; done; exit 8",
        "exitcodes=8",
    );
    for (exit_on, programs, expected, told) in [
        (
            "any_fatal",
            format!("{done}{wrong}{fails}{STAYS}"),
            1,
            "fails is FATAL",
        ),
        (
            "Any_Exited",
            format!("{listener}{wrong}{STAYS}"),
            9,
            "wrong has ended",
        ),
        ("any_exited", format!("{fails}{STAYS}"), 1, "fails is FATAL"),
        ("all_exited", format!("{done}{last}"), 8, "last has ended"),
        ("all_exited", fails.clone(), 1, "fails is FATAL"),
        (
            "all_exited",
            format!("{last}{done}[program:idle]\ncommand=/bin/cat\nautostart=false\n"),
            8,
            "last has ended",
        ),
    ] {
        let (status, log) = run(&format!("exit_on={exit_on}\n{programs}"));
        assert_eq!(status, Some(expected), "{exit_on}: {programs}\n{log}");
        let exit_on = exit_on.to_lowercase();
        assert!(log.contains(&format!(" INFO {told}")), "{log}");
        assert!(log.contains(&format!(", and exit_on={exit_on}: ")), "{log}");
        assert_eq!(log.matches(": supervisord stops everything").count(), 1);
    }
}

#[test]
fn ends_that_are_not_spoken_of_end_nothing() {
    let done = program("done", "exit 0", "");
    let wrong = program("wrong", "exit 9", "autorestart=false");
    let fails =
        program("fails", "exit 1", "").replace("startsecs=0", "startsecs=60\nstartretries=0");
    for (exit_on, programs) in [
        ("never", format!("{done}{wrong}{fails}")),
        ("any_fatal", format!("{done}{wrong}")),
        ("all_exited", format!("{done}{wrong}{fails}{STAYS}")),
    ] {
        let scene = Scene::start(&format!("exit_on={exit_on}\n{programs}"));
        scene.wait("done", "EXITED");
        scene.wait("wrong", "EXITED");
        if programs.contains("fails") {
            scene.wait("fails", "FATAL");
        }
        scene.stop();
    }
}

#[test]
fn what_is_stopped_on_request_has_not_ended() {
    for setting in ["", "exit_on=any_exited\n", "exit_on=all_exited\n"] {
        let scene = Scene::start(&format!("{setting}{STAYS}exit_supervisord=true\n"));
        scene.wait("stays", "RUNNING");
        for _ in 0..2 {
            let name = [Value::text("stays")];
            scene.call("stopProcess", &name).answer();
            scene.wait("stays", "STOPPED");
            scene.call("startProcess", &name).answer();
        }
        let pid = scene.pid("stays");
        assert!(!scene.log().contains("supervisord stops everything"));
        kill(pid, libc::SIGKILL);
        // Unexpected, so it is started again.
        let again = wait_until(DEADLINE, || ![0, pid].contains(&scene.pid("stays")));
        assert!(again, "{}", scene.log());
        scene.wait("stays", "RUNNING");
        scene.stop();
    }
}

#[test]
fn a_restart_of_supervisord_is_no_end() {
    let scene = Scene::start(&format!(
        "exit_on=any_exited\n{STAYS}exit_supervisord=true\n"
    ));
    scene.wait("stays", "RUNNING");
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log("received SIGHUP");
    let again = wait_until(DEADLINE, || {
        scene
            .log()
            .matches("success: stays entered RUNNING state")
            .count()
            == 2
    });
    assert!(again, "{}", scene.log());
    scene.stop();
}

/// Waits for its stop, and makes a file when it is told. It goes when `main` has ended.
const SLOW: &str = "trap \": > %(here)s/told; until test -e %(here)s/over; do sleep 0.05; done; exit 0\" TERM; \
                    : > %(here)s/ready; while :; do sleep 0.05; done";

#[test]
fn an_essential_program_that_fails_during_a_shutdown_by_request_changes_no_status() {
    let main = program(
        "main",
        "until test -e %(here)s/told; do sleep 0.05; done; : > %(here)s/over; exit 5",
        "exit_supervisord=true\nautorestart=false\npriority=1",
    );
    let slow = program("slow", SLOW, "stopwaitsecs=3600\npriority=2");
    for by_signal in [true, false] {
        let mut scene = Scene::start(&format!("exit_on=any_exited\n{main}{slow}"));
        assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
        match by_signal {
            true => scene.daemon.signal(libc::SIGTERM),
            false => drop(scene.call("shutdown", &[]).answer()),
        }
        assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
        let log = scene.log();
        assert!(log.contains("exited: main (exit status 5; "), "{log}");
        assert!(!log.contains("supervisord stops everything"), "{log}");
    }
}

#[test]
fn a_sigterm_after_the_end_of_an_essential_program_changes_no_status() {
    let main = program(
        "main",
        "read line; exit 5",
        "exit_supervisord=true\nautorestart=false",
    );
    let slow = program("slow", SLOW, "stopwaitsecs=3600");
    let mut scene = Scene::start(&format!("{main}{slow}"));
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    let line = [Value::text("main"), Value::text("\n")];
    scene.call("sendProcessStdin", &line).answer();
    assert!(wait_until(DEADLINE, || scene.dir.join("told").exists()));
    scene.daemon.signal(libc::SIGTERM);
    scene.wait_log("received SIGTERM");
    // Nothing is read again while everything stops.
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log("ignored SIGHUP");
    scene.dir.write("over", "");
    assert_eq!(scene.daemon.wait(DEADLINE), Some(5), "{}", scene.log());
    assert!(!scene.dir.join("main.pid").exists());
}

#[test]
fn an_update_brings_exit_supervisord() {
    let wrong = program("wrong", "exit 9", "autorestart=false\nautostart=false");
    let mut scene = Scene::start(&format!("{wrong}{STAYS}"));
    let start = [Value::text("wrong"), Value::Bool(false)];
    // It may have ended before the answer, which is a fault then.
    let _ = scene.call("startProcess", &start);
    scene.wait("wrong", "EXITED");
    let essential = format!("{wrong}exit_supervisord=true\n{STAYS}");
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&essential));
    let changes = scene.call("reloadConfig", &[]).answer();
    assert!(changes.to_string().contains("wrong"), "{changes}");
    let name = [Value::text("wrong")];
    scene.call("removeProcessGroup", &name).answer();
    scene.call("addProcessGroup", &name).answer();
    let _ = scene.call("startProcess", &start);
    assert_eq!(scene.daemon.wait(DEADLINE), Some(9), "{}", scene.log());
}
