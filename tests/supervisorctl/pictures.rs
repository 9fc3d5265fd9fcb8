//! `status` in colour, as JSON and again and again; patterns of names; and the
//! progress of a start.

use super::server::*;
use crate::support::pty::{CTRL_C, Pty};
use crate::support::{Ctl, DEADLINE, Kind, Scene, kill};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

const PROGRAMS: &str = "\
[program:web-1]
command=cat
startsecs=0
[program:web-2]
command=cat
startsecs=0
[program:job]
command=cat
process_name=%(program_name)s_%(process_num)02d
numprocs=3
startsecs=0
[program:off]
command=cat
autostart=false
";

fn terminal(scene: &Scene, line: &str, variables: &[(&str, &str)], rows: u16) -> Pty {
    let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
    command.arg("-c").arg(scene.dir.join("supervisord.conf"));
    command.args(line.split(' ')).current_dir(scene.dir.path());
    command.envs(variables.iter().copied());
    Pty::start(&command, 80, rows)
}

#[test]
fn patterns_name_processes() {
    let scene = Scene::start(PROGRAMS);
    for name in ["web-1", "web-2", "job:job_00", "job:job_01", "job:job_02"] {
        scene.wait(name, "RUNNING");
    }
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let run = |line: &str| ctl.run(&line.split(' ').collect::<Vec<_>>());
    for (line, expected, status) in [
        ("stop web-*", "web-1: stopped\nweb-2: stopped\n", 0),
        ("stop web-*", "", 0),
        ("start web-[2-9] off", "web-2: started\noff: started\n", 0),
        (
            "restart job:*_0[01]",
            "job:job_00: stopped\njob:job_01: stopped\njob:job_00: started\njob:job_01: started\n",
            0,
        ),
        (
            "signal CONT job:*_0?",
            "job:job_00: signalled\njob:job_01: signalled\njob:job_02: signalled\n",
            0,
        ),
        (
            "clear web-? off",
            "web-1: cleared\nweb-2: cleared\noff: cleared\n",
            0,
        ),
        ("start nosuch*", "nosuch*: ERROR (no such process)\n", 1),
        (
            "stop nosuch* web-2",
            "nosuch*: ERROR (no such process)\nweb-2: stopped\n",
            1,
        ),
        ("signal HUP x?", "x?: ERROR (no such process)\n", 1),
        ("clear x?", "x?: ERROR (no such process)\n", 1),
        ("pid x?", "No such process x?\n", 1),
        ("status x?", "x?: ERROR (no such process)\n", 4),
        ("status x*:*", "x*: ERROR (no such group)\n", 4),
    ] {
        let end = run(line);
        assert_eq!(
            (end.stdout.as_str(), end.status),
            (expected, Some(status)),
            "{line}"
        );
    }
    let end = run("status *_0? web-1");
    let names: Vec<&str> = end
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["job:job_00", "job:job_01", "job:job_02", "web-1"]);
    assert_eq!(end.status, Some(3));
    assert_eq!(run("pid job:*").stdout.lines().count(), 3);
}

#[test]
fn status_as_json_holds_all_that_is_known() {
    let scene = Scene::start(PROGRAMS);
    scene.wait("web-1", "RUNNING");
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let end = ctl.run(&["status", "--json", "web-1", "nosuch", "off"]);
    assert_eq!(end.status, Some(3));
    assert_eq!(end.stderr, "nosuch: ERROR (no such process)\n");
    let script = "import json, sys; rows = json.load(sys.stdin); \
                  print([(row['name'], row['statename'], type(row['pid']).__name__) for row in rows], len(rows[0]))";
    let mut python = Command::new("python3");
    python.args(["-c", script]);
    let read = crate::support::finish(python, &end.stdout, DEADLINE);
    assert_eq!(
        read.stdout,
        "[('web-1', 'RUNNING', 'int'), ('off', 'STOPPED', 'int')] 14\n"
    );
    // The members of the struct, in its order, and no others.
    let server = Server::start(&[(
        "getAllProcessInfo()",
        Answer::Value(array(&[process("g", "é\"", "20", "RUNNING", "d")])),
    )]);
    let output = server.run("status --json");
    assert_eq!(
        text(&output.stdout),
        "[\n  {\n    \"group\": \"g\",\n    \"name\": \"é\\\"\",\n    \"state\": 20,\n    \
         \"statename\": \"RUNNING\",\n    \"description\": \"d\",\n    \"pid\": 17\n  }\n]\n"
    );
    let output = ctl_without_server("status --json");
    assert_eq!(text(&output.stdout), "");
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text(&output.stderr).contains("refused connection"),
        "{output:?}"
    );
}

fn ctl_without_server(line: &str) -> std::process::Output {
    ctl(&["-c", "", "-s", "http://127.0.0.1:1", line], "")
}

#[test]
fn status_is_coloured_on_a_terminal_that_wants_it() {
    let bad = "[program:bad]\ncommand=/bin/false\nstartretries=0\n";
    let scene = Scene::start(&(PROGRAMS.to_owned() + bad));
    scene.wait("web-1", "RUNNING");
    scene.wait("bad", "FATAL");
    for (variables, coloured) in [
        ([("TERM", "xterm"), ("NO_COLOR", "")], true),
        ([("TERM", "xterm"), ("NO_COLOR", "1")], false),
        ([("TERM", "dumb"), ("NO_COLOR", "")], false),
    ] {
        let mut pty = terminal(&scene, "status web-1 off bad", &variables, 24);
        assert_eq!(pty.wait(DEADLINE), Some(3));
        let written = pty.written();
        assert_eq!(
            written.contains("\x1b[31mFATAL     \x1b[0m"),
            coloured,
            "{written:?}"
        );
        assert_eq!(written.contains('\x1b'), coloured, "{written:?}");
        // As scripts that drive a terminal look for it.
        let plain = format!("web-1{}RUNNING   pid ", " ".repeat(28));
        assert!(written.contains(&plain), "{written:?}");
        assert!(
            pty.screen()
                .contains("off                              STOPPED   Not started")
        );
    }
}

#[test]
fn a_process_that_was_named_and_matched_was_done_twice() {
    let scene = Scene::start(PROGRAMS);
    scene.wait("web-1", "RUNNING");
    scene.wait("web-2", "RUNNING");
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let run = |line: &str| ctl.run(&line.split(' ').collect::<Vec<_>>());
    let both = "web-1: stopped\nweb-2: stopped\nweb-1: started\nweb-2: started\n";
    for (line, expected) in [
        ("restart web* web-1", both),
        ("restart web-1 web*", both),
        (
            "signal CONT web-1 web-?",
            "web-1: signalled\nweb-2: signalled\n",
        ),
        ("clear web-? web-2", "web-1: cleared\nweb-2: cleared\n"),
        // As 4.3.0 has it.
        ("clear web-1 web-1", "web-1: cleared\nweb-1: cleared\n"),
    ] {
        let end = run(line);
        assert_eq!(
            (end.stdout.as_str(), end.status),
            (expected, Some(0)),
            "{line}"
        );
    }
    for (line, expected) in [
        ("status web-2 web-*", vec!["web-2", "web-1"]),
        ("status web-* web-2 w*", vec!["web-1", "web-2"]),
        ("status web-2 web-2", vec!["web-2", "web-2"]),
    ] {
        let shown = run(line).stdout;
        let names = shown.lines().filter_map(|row| row.split(' ').next());
        assert_eq!(names.collect::<Vec<_>>(), expected, "{line}");
    }
    assert_eq!(run("pid web-1 web-*").stdout.lines().count(), 2);
    let shown = run("tail -n 1 web-1 [w]eb-1");
    assert_eq!((shown.stdout.as_str(), shown.status), ("", Some(0)));
}

#[test]
fn status_is_shown_again_until_ctrl_c() {
    let scene = Scene::start(PROGRAMS);
    scene.wait("web-1", "RUNNING");
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let mut pty = terminal(&scene, "status -w", &[], 24);
    pty.wait_screen("the first picture", |screen| {
        screen.contains("off                              STOPPED")
    });
    ctl.run(&["start", "off"]);
    pty.wait_screen("the picture is drawn over", |screen| {
        screen.matches("off ").count() == 1
            && screen.contains("off                              RUNNING")
    });
    pty.send(CTRL_C);
    assert_eq!(pty.wait(DEADLINE), Some(0));

    // What does not fit is counted.
    let mut pty = terminal(&scene, "status -w", &[], 4);
    pty.wait_text("... and 4 more");
    ctl.run(&["stop", "off"]);
    pty.send(CTRL_C);
    assert_eq!(pty.wait(DEADLINE), Some(0));
}

#[test]
fn watching_wrote_over_what_was_there_and_into_the_last_column() {
    let scene = Scene::start(PROGRAMS);
    scene.wait("web-1", "RUNNING");
    let ctl = Ctl::new(Kind::Ours, &scene.dir).program();
    let mut command = Command::new("sh");
    let script = format!(
        "echo kept; exec '{}' -c '{}' status -w 'job:*'",
        ctl.display(),
        scene.dir.join("supervisord.conf").display()
    );
    command.args(["-c", &script]).current_dir(scene.dir.path());
    // The last column is that of the first digit of the process id.
    let mut pty = Pty::start(&command, 48, 8);
    pty.wait_text("job:job_02");
    let screen = pty.screen();
    assert_eq!(screen.lines().count(), 3, "{screen}");
    assert!(screen.lines().all(|row| row.ends_with("pid")), "{screen}");
    pty.send(CTRL_C);
    assert_eq!(pty.wait(DEADLINE), Some(0));
    // It went up: there are as many line ends behind it as there are rows.
    let written = pty.written();
    let (_, after) = written.split_once("kept").unwrap();
    assert_eq!(
        after.split("\x1b[H").next().unwrap().matches('\n').count(),
        9
    );
}

#[test]
fn elsewhere_a_picture_is_printed_for_each_change() {
    let scene = Scene::start(PROGRAMS);
    scene.wait("web-1", "RUNNING");
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let mut pty = terminal(&scene, "status -w web-1 off", &[("TERM", "dumb")], 24);
    pty.wait_text("STOPPED");
    ctl.run(&["start", "off"]);
    pty.wait_screen("a second block", |screen| {
        screen.matches("off ").count() == 2
    });
    ctl.run(&["stop", "off"]);
    pty.wait_screen("a third block", |screen| {
        screen.matches("off ").count() == 3
    });
    pty.send(CTRL_C);
    assert_eq!(pty.wait(DEADLINE), Some(3));
    assert!(!pty.written().contains('\x1b'));
}

#[test]
fn leaving_the_watch_left_ctrl_c_on_the_line_of_the_prompt() {
    let scene = Scene::start(PROGRAMS);
    scene.wait("web-1", "RUNNING");
    let mut pty = terminal(&scene, "status -w web-1", &[], 24);
    pty.wait_text("web-1");
    pty.send(CTRL_C);
    assert_eq!(pty.wait(DEADLINE), Some(0));
    let screen = pty.screen();
    assert!(!screen.contains("^C"), "{screen}");

    // Where nothing can be taken away the prompt begins a line.
    let mut pty = terminal(&scene, "-i", &[("TERM", "dumb")], 24);
    pty.wait_row("supervisor>");
    pty.line("status -w nosuch");
    pty.wait_text("no such process");
    pty.send(CTRL_C);
    pty.wait_row("supervisor>");
}

#[test]
fn a_server_that_went_away_was_told_as_having_no_processes() {
    let mut scene = Scene::start(PROGRAMS);
    scene.wait("web-1", "RUNNING");
    let mut child = Command::new(Ctl::new(Kind::Ours, &scene.dir).program())
        .arg("-c")
        .arg(scene.dir.join("supervisord.conf"))
        .args(["status", "-w", "--json", "web-1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    while !first.ends_with("]\n") {
        assert!(output.read_line(&mut first).unwrap() > 0);
    }
    assert_eq!(scene.daemon.stop(), Some(0));
    // It may have been met on its way down before.
    let told = errors.find(|line| line.as_ref().unwrap().contains("No such file"));
    assert!(told.is_some());
    kill(child.id(), libc::SIGINT);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(!rest.lines().any(|line| line == "[]"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

#[test]
fn a_terminal_sees_how_far_a_start_has_come() {
    let scene = Scene::start(
        "[program:p]\ncommand=cat\nprocess_name=p%(process_num)d\nnumprocs=5\nstartsecs=3\nautostart=false\n",
    );
    let mut pty = terminal(&scene, "start p:*", &[], 24);
    pty.wait_text("0 of 5 running, waiting for p:p0, p:p1, p:p2 and 2 more");
    assert_eq!(pty.wait(DEADLINE), Some(0));
    let screen = pty.screen();
    assert!(!screen.contains("of 5"), "{screen}");
    assert_eq!(screen.matches(": started").count(), 5, "{screen}");
    // Nobody else sees any of it.
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    let end = ctl.run(&["restart", "p:*"]);
    assert_eq!((end.stderr.as_str(), end.status), ("", Some(0)));
    assert!(
        !end.stdout.contains("of 5") && !end.stdout.contains('\r'),
        "{end:?}"
    );
    let mut pty = terminal(&scene, "restart all", &[("TERM", "dumb")], 24);
    assert_eq!(pty.wait(DEADLINE), Some(0));
    assert!(!pty.written().contains("of 5"));
}

#[test]
fn ctrl_c_left_the_progress_on_the_screen() {
    let scene = Scene::start(
        "[program:p]\ncommand=cat\nprocess_name=p%(process_num)d\nnumprocs=5\nstartsecs=600\nautostart=false\n",
    );
    let mut pty = terminal(&scene, "start p:*", &[], 24);
    pty.wait_text("0 of 5 running");
    pty.send(CTRL_C);
    // As a program ends that does not catch it.
    assert_eq!(pty.wait(DEADLINE), Some(-libc::SIGINT));
    assert_eq!(pty.screen(), "");
}

#[test]
fn a_fatal_state_is_cleared_and_a_result_is_shown() {
    let fatal = Server::start(&[
        ("getStateReason()", string("cannot clear /x")),
        ("clearFatal()", yes()),
        (
            "getEventResult(pool)",
            Answer::Value(structure(&[
                ("process", "pool:pool"),
                ("event", "TICK_5"),
                ("serial", "7"),
                ("data", "all is well"),
            ])),
        ),
        ("getEventResult(empty)", Answer::Value(structure(&[]))),
        ("getEventResult(nosuch)", Answer::Fault(10, "BAD_NAME")),
    ]);
    check(
        &fatal,
        &[
            (
                "clearfatal",
                "supervisord was in FATAL state: cannot clear /x\nsupervisord: cleared\n",
                0,
            ),
            (
                "result pool",
                "process: pool:pool\nevent: TICK_5\nserial: 7\n\nall is well\n",
                0,
            ),
            ("result empty", "empty: no result yet\n", 0),
            (
                "result nosuch",
                "ERROR: no such event listener pool: nosuch\n",
                1,
            ),
        ],
    );
    let old = Server::start(&[
        ("getStateReason()", Answer::Fault(1, "UNKNOWN_METHOD")),
        ("getEventResult(p)", Answer::Fault(1, "UNKNOWN_METHOD")),
    ]);
    check(
        &old,
        &[
            (
                "clearfatal",
                "ERROR: this supervisord has no FATAL state that could be cleared\n",
                1,
            ),
            (
                "result p",
                "ERROR: this supervisord keeps no results of event listeners\n",
                1,
            ),
        ],
    );
    let well = Server::start(&[("getStateReason()", string(""))]);
    check(
        &well,
        &[("clearfatal", "supervisord is not in FATAL state\n", 0)],
    );
    assert!(!well.calls().contains(&"clearFatal()".to_owned()));
    check_refused(
        &well,
        &[
            ("clearfatal x", "Error: clearfatal accepts no arguments", 1),
            (
                "result",
                "Error: result requires the name of one event listener pool",
                1,
            ),
        ],
    );
}
