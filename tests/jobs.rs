//! Programs that do something and end: real children with `type=oneshot`, and what start, status,
//! health check, events and `exit_on` make of their ends.

use super::support::{
    Address, Ctl, DEADLINE, Daemon, Dir, Finished, Kind, Outcome, Rpc, Scene, Value, binary,
    finish, usual_configuration, wait_until,
};
use std::process::Command;

fn oneshot(name: &str, script: &str, keys: &str) -> String {
    format!(
        "[program:{name}]\ncommand=/bin/sh -c '{script}'\ndirectory=%(here)s\ntype=oneshot\n{keys}\n"
    )
}

/// The same without autostart.
fn by_hand(name: &str, script: &str, keys: &str) -> String {
    oneshot(name, script, &format!("autostart=false\n{keys}"))
}

fn ctl(scene: &Scene, words: &[&str]) -> Finished {
    Ctl::new(Kind::Ours, &scene.dir).run(words)
}

/// A listener that writes what it is told into a file.
fn listener(events: &str) -> String {
    format!(
        "[eventlistener:ear]\ncommand=/bin/sh %(here)s/ear\ndirectory=%(here)s\nevents={events}\n\
         startsecs=0\npriority=-1\n"
    )
}

pub const EAR: &str = "echo READY\nwhile read -r head; do\n\
    dd bs=1 count=${head##*len:} 2>/dev/null >>heard; echo >>heard; printf 'RESULT 2\\nOKREADY\\n'\n\
    done\n";

#[test]
fn a_oneshot_that_ends_as_expected_is_a_success() {
    let dir = Dir::new();
    dir.write("ear", EAR);
    let programs = oneshot("done", "exit 0", "")
        + &oneshot("also", "exit 3", "exitcodes=0,3\nstartsecs=3600")
        + &listener("PROCESS_STATE");
    let scene = Scene::start_as(dir, &programs, |_| {});
    for (name, status) in [("done", 0), ("also", 3)] {
        scene.wait(name, "EXITED");
        let info = scene.info(name);
        assert_eq!(info.int_of("exitstatus"), status);
        assert_eq!(info.text_of("spawnerr"), "");
        assert_eq!(info.text_of("type"), "oneshot");
        scene.wait_log(&format!("exited: {name} (exit status {status}; expected)"));
    }
    // It was never RUNNING, and is not started again.
    let told = wait_until(DEADLINE, || {
        let heard = scene.dir.read("heard").unwrap_or_default();
        heard.contains("processname:done groupname:done from_state:STARTING expected:1 pid:")
    });
    assert!(told, "{:?}", scene.dir.read("heard"));
    let log = scene.log();
    assert_eq!(log.matches("spawned: 'done'").count(), 1, "{log}");
    assert!(!log.contains("success: done"), "{log}");
    assert_eq!(ctl(&scene, &["healthcheck"]).status, Some(0));
    scene.stop();
}

#[test]
fn a_oneshot_that_ends_otherwise_is_fatal() {
    let programs = oneshot("bad", "echo x >> bad.runs; exit 3", "")
        + &oneshot("killed", "kill -KILL $$", "")
        + &oneshot(
            "again",
            "echo x >> again.runs; exit 1",
            "startretries=2\nbackoffincrement=50ms",
        );
    let scene = Scene::start(&programs);
    for (name, reason) in [
        ("bad", "exit status 3; not expected"),
        ("killed", "terminated by SIGKILL; not expected"),
        ("again", "exit status 1; not expected"),
    ] {
        scene.wait(name, "FATAL");
        let info = scene.info(name);
        assert_eq!(info.text_of("spawnerr"), reason);
        assert_eq!(info.text_of("description"), reason);
        scene.wait_log(&format!("gave up: {name} entered FATAL state, {reason}"));
    }
    assert_eq!(scene.dir.read("bad.runs").unwrap(), "x\n");
    assert_eq!(scene.dir.read("again.runs").unwrap(), "x\nx\nx\n");
    let health = ctl(&scene, &["healthcheck"]);
    assert_eq!(health.status, Some(1));
    assert!(
        health
            .stdout
            .contains("bad: FATAL (exit status 3; not expected)\n"),
        "{}",
        health.stdout
    );
    scene.stop();
}

#[test]
fn a_start_waits_for_the_end_and_tells_which() {
    let programs = by_hand("good", "sleep 0.3; echo x >> good.runs", "")
        + &by_hand("bad", "sleep 0.3; exit 3", "")
        + &by_hand(
            "second",
            "if test -e tried; then exit 0; fi; : > tried; exit 1",
            "startretries=1\nbackoffincrement=50ms",
        );
    let scene = Scene::start(&programs);
    assert_eq!(scene.info("good").text_of("statename"), "STOPPED");
    let good = ctl(&scene, &["start", "good"]);
    assert_eq!(
        (good.status, good.stdout.as_str()),
        (Some(0), "good: started\n")
    );
    assert_eq!(scene.info("good").text_of("statename"), "EXITED");
    assert_eq!(scene.dir.read("good.runs").unwrap(), "x\n");

    let bad = ctl(&scene, &["start", "bad"]);
    assert_eq!(bad.status, Some(7));
    assert_eq!(bad.stdout, "bad: ERROR (abnormal termination)\n");
    assert!(
        bad.stderr.starts_with("bad: exit status 3; not expected\n"),
        "{}",
        bad.stderr
    );
    let fault = scene.call("startProcess", &[Value::text("bad")]);
    let text = "ABNORMAL_TERMINATION: bad: exit status 3; not expected";
    assert_eq!(fault, Outcome::Fault(40, text.to_owned()));
    // A further attempt belongs to it.
    assert_eq!(ctl(&scene, &["start", "second"]).status, Some(0));
    assert_eq!(scene.info("second").text_of("statename"), "EXITED");
    // Several at once.
    let all = ctl(&scene, &["start", "good", "bad"]);
    assert!(all.stdout.contains("good: started\n"), "{}", all.stdout);
    assert!(
        all.stdout.contains("bad: ERROR (abnormal termination)\n"),
        "{}",
        all.stdout
    );
    scene.stop();
}

#[test]
fn a_start_without_waiting_is_answered_while_it_runs() {
    let scene = Scene::start(&by_hand("long", "exec cat", "startsecs=0"));
    assert_eq!(ctl(&scene, &["start", "--no-wait", "long"]).status, Some(0));
    let pid = scene.pid("long");
    let info = scene.info("long");
    assert_eq!(info.text_of("statename"), "STARTING");
    let description = info.text_of("description").to_owned();
    assert!(
        description.starts_with(&format!("pid {pid}, uptime 0:0")),
        "{description}"
    );
    assert_eq!(ctl(&scene, &["healthcheck", "long"]).status, Some(0));
    // The page shows the same.
    let page = scene
        .rpc
        .exchange(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains(&format!("pid {pid}, uptime")), "{page}");
    let stop = ctl(&scene, &["stop", "long"]);
    assert_eq!(stop.stdout, "long: stopped\n");
    assert_eq!(scene.info("long").text_of("statename"), "STOPPED");
    scene.stop();
}

#[test]
fn the_web_page_does_not_wait_for_the_end_of_a_oneshot() {
    for (target, action) in [
        ("processname=long&", "start"),
        ("", "startall"),
        ("processname=long&", "restart"),
    ] {
        let web = "[unix_http_server:2]\nfile=%(here)s/w\nweb_get_actions=true\n";
        let scene = Scene::start(&(by_hand("long", "exec cat", "") + web));
        let address = format!("/index.html?{target}action={action}");
        let request = format!("GET {address} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let page = Rpc::new(Address::Unix(scene.dir.join("w")));
        let page = page.exchange(request.as_bytes()).unwrap();
        let page = String::from_utf8_lossy(&page);
        assert!(page.starts_with("HTTP/1.0 30"), "{page}");
        scene.wait("long", "STARTING");
        scene.stop();
    }
}

#[test]
fn a_start_whose_oneshot_is_stopped_meanwhile_has_failed() {
    let scene = Scene::start(&by_hand("long", "exec cat", ""));
    std::thread::scope(|scope| {
        let start = scope.spawn(|| ctl(&scene, &["start", "long"]));
        scene.wait("long", "STARTING");
        assert_eq!(ctl(&scene, &["stop", "long"]).status, Some(0));
        let start = start.join().unwrap();
        assert_eq!(start.stdout, "long: ERROR (abnormal termination)\n");
    });
    scene.stop();
}

/// Runs supervisord to its end; its status and its log.
fn run(configuration: &str) -> (Option<i32>, String) {
    let dir = Dir::new();
    dir.write("supervisord.conf", usual_configuration(configuration));
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    let status = daemon.wait(DEADLINE);
    (status, dir.read("main.log").unwrap_or_default())
}

#[test]
fn supervisord_does_not_end_with_a_oneshot_that_succeeded_while_something_is_there() {
    let later = "[program:later]\ncommand=/bin/sh -c 'while ! test -e %(here)s/go; do sleep 0.1; done; exit 7'\n\
                 startsecs=0\nautorestart=false\n";
    for (exit_on, job) in [
        ("any_exited", oneshot("job", "exit 0", "")),
        ("any_fatal", oneshot("job", "exit 0", "")),
        ("all_exited", oneshot("job", "exit 0", "")),
        (
            "any_exited",
            oneshot("job", "exit 0", "autostart=true\nschedule=@yearly"),
        ),
        (
            "any_fatal",
            oneshot("job", "exit 1", "autostart=true\nschedule=@yearly"),
        ),
    ] {
        let mut scene = Scene::start(&format!("exit_on={exit_on}\n{job}{later}"));
        scene.wait_log("exited: job");
        scene.wait("later", "RUNNING");
        scene.dir.write("go", "");
        if exit_on == "any_fatal" {
            scene.wait("later", "EXITED");
            scene.stop();
            continue;
        }
        assert_eq!(scene.daemon.wait(DEADLINE), Some(7), "{}", scene.log());
    }
    // Where nothing else is there, it is the last.
    let (status, log) = run(&format!(
        "exit_on=all_exited\n{}",
        oneshot("job", "exit 0", "")
    ));
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("exit_on=all_exited"), "{log}");
    let (status, log) = run(&format!(
        "exit_on=any_fatal\n{}",
        oneshot("job", "exit 3", "")
    ));
    assert_eq!(status, Some(1), "{log}");
}

#[test]
fn what_is_scheduled_keeps_supervisord_up() {
    let scene = Scene::start(&format!(
        "exit_on=all_exited\n{}{}",
        oneshot("first", "exit 0", ""),
        oneshot("yearly", "exit 0", "schedule=@yearly")
    ));
    scene.wait("first", "EXITED");
    // Another end is judged, too.
    ctl(&scene, &["start", "yearly"]);
    assert_eq!(scene.info("yearly").text_of("statename"), "EXITED");
    scene.stop();
}

/// What supervisord says of a file with these lines in a program.
fn said(option: &str, lines: &str) -> Finished {
    let dir = Dir::new();
    let text = format!("[supervisord]\n[program:p]\ncommand=/bin/cat\n{lines}\n");
    dir.write("s.conf", text);
    let mut command = Command::new(binary());
    command
        .args(["-c", "s.conf", option])
        .current_dir(dir.path());
    finish(command, "", DEADLINE)
}

#[test]
fn wrong_values_are_told_with_what_to_write() {
    for (line, near) in [
        ("type=forking", ": it is one of service, oneshot"),
        ("schedule=61 * * * *", " (minute: write 59 for 61)"),
        (
            "cron=* * * *",
            " (it is minute, hour, day, month and weekday such as 30 2 * * mon-fri, with seconds before them or without)",
        ),
        ("schedule=0 0 31 2 *", " (there is no such day in any year)"),
        (
            "schedule=@reboot",
            " (write autostart=true for a start with supervisord, and no schedule)",
        ),
        ("runtime_timeout=0", " (write infinity for no limit)"),
        ("runtime_timeout=1.5h", " (write 90m)"),
        ("runtime_jitter=2", " (write 1)"),
    ] {
        let (key, value) = line.split_once('=').unwrap();
        let found = said("--check", line);
        assert_eq!(found.status, Some(2), "{line}");
        let error = format!("Error: Invalid {key} value '{value}' in [program:p]{near}");
        assert!(
            found.stderr.starts_with(&error),
            "{error}\n{}",
            found.stderr
        );
        assert!(found.stderr.contains("s.conf:4"), "{}", found.stderr);
    }
}

#[test]
fn a_schedule_of_what_looks_like_a_service_was_not_told_of() {
    let warning = "an end within startsecs=1 is a failed start: write type=oneshot for a job that \
                   ends by itself\n";
    for (lines, line) in [("schedule=@daily", 4), ("startsecs=1\ncron=@daily", 5)] {
        let told = said("--check", lines);
        assert_eq!(told.status, Some(0), "{}", told.stderr);
        let line = format!("s.conf:{line}: warning: [program:p] {warning}");
        assert!(told.stderr.contains(&line), "{line}{}", told.stderr);
    }
    for lines in [
        "schedule=@daily\nstartsecs=0",
        "type=oneshot\nschedule=@daily",
    ] {
        let told = said("--check", lines);
        assert!(!told.stderr.contains("failed start"), "{}", told.stderr);
    }
}

#[test]
fn jobs_have_other_defaults_and_written_values_stay() {
    for (lines, autostart, autorestart, startretries) in [
        ("", "true", "\"unexpected\"", "3"),
        ("type=service", "true", "\"unexpected\"", "3"),
        ("type=Oneshot", "true", "false", "0"),
        ("schedule=@daily", "false", "false", "3"),
        ("cron=@daily\ntype=oneshot", "false", "false", "0"),
        (
            "schedule=@daily\ntype=oneshot\nautostart=true\nautorestart=true\nstartretries=2",
            "true",
            "true",
            "2",
        ),
    ] {
        let dump = said("--dump-config", lines);
        assert_eq!(dump.status, Some(0), "{}", dump.stderr);
        for (key, value) in [
            ("autostart", autostart),
            ("autorestart", autorestart),
            ("startretries", startretries),
        ] {
            let line = format!("\"{key}\": {value}");
            assert!(
                dump.stdout.contains(&line),
                "{lines}: {line}\n{}",
                dump.stdout
            );
        }
    }
    let dump = said(
        "--dump-config",
        "cron= 5  4 * * *\nruntime_timeout=90s\nruntime_jitter=.5",
    );
    for line in [
        "\"type\": \"service\"",
        "\"schedule\": \"5 4 * * *\"",
        "\"runtime_timeout\": 90",
        "\"runtime_jitter\": \"0.5\"",
    ] {
        assert!(dump.stdout.contains(line), "{line}\n{}", dump.stdout);
    }
}
