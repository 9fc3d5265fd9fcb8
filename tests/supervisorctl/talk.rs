//! `fg` and `debug`: talking to processes, from a pipe and at a terminal.

use crate::support::pty::{CTRL_A, CTRL_C, CTRL_D, CTRL_U, LEFT, Pty, UP};
use crate::support::{Ctl, DEADLINE, Dir, Finished, Kind, Scene, is_plain, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const PROGRAMS: &str = "\
[program:cat]
command=cat
startsecs=0
[program:bc]
command=bc -q
startsecs=0
[program:python]
command=python3 -i -u
startsecs=0
[program:slow]
command=sh -c 'while read line; do sleep 1; echo \"answer to $line\"; done'
startsecs=0
[program:both]
command=sh -c 'while read line; do echo \"out $line\"; echo \"err $line\" >&2; done'
startsecs=0
[program:silent]
command=cat
stdout_logfile=NONE
redirect_stderr=true
startsecs=0
[program:deaf]
command=sh -c 'exec <&-; echo closed; exec sleep 600'
stdout_logfile=%(here)s/deaf.out
startsecs=0
[program:brief]
command=sh -c 'read line'
startsecs=0
autorestart=false
[program:off]
command=cat
autostart=false
";

fn scene() -> Scene {
    let scene = Scene::start(PROGRAMS);
    for name in ["cat", "bc", "python", "slow", "both", "silent"] {
        scene.wait(name, "RUNNING");
    }
    let is_deaf = || {
        scene
            .dir
            .read("deaf.out")
            .is_some_and(|text| text == "closed\n")
    };
    assert!(wait_until(DEADLINE, is_deaf));
    scene
}

fn run(scene: &Scene, line: &str, input: &str) -> Finished {
    let words: Vec<&str> = line.split(' ').collect();
    Ctl::new(Kind::Ours, &scene.dir).run_with_input(&words, input)
}

fn terminal(scene: &Scene, line: &str) -> Pty {
    terminal_of_kind(scene, line, "xterm")
}

fn terminal_of_kind(scene: &Scene, line: &str, kind: &str) -> Pty {
    let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
    command.arg("-c").arg(scene.dir.join("supervisord.conf"));
    command.args(line.split_whitespace());
    command.current_dir(scene.dir.path()).env("TERM", kind);
    Pty::start(&command, 80, 24)
}

#[test]
fn debug_prints_what_is_answered_and_nothing_from_before() {
    let scene = scene();
    for (line, input, stdout, stderr, status) in [
        ("debug -w 2 cat hello", "", "hello\n", "", 0),
        ("debug -w 2 cat  two   blanks", "", "two   blanks\n", "", 0),
        ("debug -w 2 cat", "one\ntwo", "one\ntwo\n", "", 0),
        ("debug cat", "", "", "", 0),
        ("debug -w 2 bc 6*7", "", "42\n", "", 0),
        ("debug -w 2 bc", "1+1\n2^10\n", "2\n1024\n", "", 0),
        ("debug -w 4 slow one", "", "answer to one\n", "", 0),
        (
            "debug -w3.5 slow",
            "two\nthree\n",
            "answer to two\nanswer to three\n",
            "",
            0,
        ),
        ("debug -w 2 both x", "", "out x\n", "err x\n", 0),
        (
            "debug nosuch x",
            "",
            "ERROR: bad process name supplied\n",
            "",
            1,
        ),
        ("debug off x", "", "ERROR: process not running\n", "", 1),
    ] {
        let end = run(&scene, line, input);
        let expected = Finished {
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            status: Some(status),
        };
        assert_eq!(end, expected, "{line}");
    }
    // Its prompt is on its standard error, which does not get in the way.
    let end = run(&scene, "debug -w 4 python print(1+1)", "");
    assert_eq!((end.stdout.as_str(), end.status), ("2\n", Some(0)));
    assert!(end.stderr.contains(">>>"), "{end:?}");
    let end = run(&scene, "debug", "");
    assert!(
        end.stdout
            .starts_with("Error: debug requires a process name\ndebug"),
        "{end:?}"
    );
    assert_eq!(end.status, Some(1));
}

#[test]
fn debug_never_ended_with_a_process_that_is_never_quiet() {
    let scene = Scene::start(
        "[program:chatty]\ncommand=/bin/sh -c 'while :; do echo x; sleep 0.02; done'\n\
         startsecs=0\n",
    );
    scene.wait("chatty", "RUNNING");
    // Long enough for a line to come in between on a busy machine.
    let end = run(&scene, "debug -w 0.2 chatty hello", "");
    assert_eq!(end.status, Some(0));
    assert!(end.stdout.starts_with("x\n"), "{end:?}");
    let told = "supervisorctl: chatty goes on writing; what came in 4 s is shown\n";
    assert!(end.stderr.is_empty() || end.stderr == told, "{end:?}");
}

#[test]
fn debug_waits_no_longer_than_it_is_told() {
    let scene = scene();
    let end = run(&scene, "debug -w 0.1 slow one", "");
    let said = (end.stdout.as_str(), end.stderr.as_str());
    assert_eq!((said, end.status), (("", ""), Some(0)));
    // Who sits at a terminal may not know how long an answer takes.
    let mut pty = terminal(&scene, "debug -w 0.1 slow one");
    pty.wait_text("supervisorctl: slow wrote nothing within 0.1 s; -w waits longer");
    assert_eq!(pty.wait(DEADLINE), Some(0));
    // The answer that was not waited for belongs to the next one.
    let end = run(&scene, "debug -w 5 slow two", "");
    assert!(end.stdout.ends_with("answer to two\n"), "{end:?}");
}

#[test]
fn debug_says_where_no_answer_can_be_read() {
    let scene = scene();
    let end = run(&scene, "debug silent x", "");
    let expected = "The standard output of silent cannot be shown: there is no log file to read \
                    it from (stdout_logfile is NONE, syslog or a device).\n";
    assert_eq!((end.stderr.as_str(), end.status), (expected, Some(0)));
    let end = run(&scene, "debug deaf x", "");
    assert_eq!(end.stdout, "ERROR: deaf has closed its standard input\n");
    assert_eq!(end.status, Some(1));
}

#[test]
fn a_conversation_shows_every_answer_above_the_prompt() {
    let scene = scene();
    let pid = scene.pid("cat");
    for (kind, name, line, answer) in [
        ("xterm", "cat", "hällo", "hällo"),
        ("xterm", "bc", "6*7", "42"),
        ("xterm", "python", "print(6*7)", "42"),
        ("xterm", "slow", "x", "answer to x"),
        ("dumb", "cat", "hällo", "hällo"),
        ("dumb", "bc", "7*6", "42"),
        ("dumb", "slow", "y", "answer to y"),
    ] {
        let mut pty = terminal_of_kind(&scene, &format!("debug {name}"), kind);
        let prompt = format!("{name}>");
        pty.wait_row(&prompt);
        pty.line(line);
        pty.wait_screen(&format!("{name} has answered"), |screen| {
            screen.lines().any(|row| row.trim_end() == answer)
        });
        pty.wait_row(&prompt);
        pty.send(CTRL_D);
        assert_eq!(pty.wait(DEADLINE), Some(0), "{name}");
    }
    let mut pty = terminal(&scene, "debug cat");
    pty.wait_row("cat>");
    pty.send(CTRL_C);
    assert_eq!(pty.wait(DEADLINE), Some(0));
    assert_eq!(scene.pid("cat"), pid);
}

#[test]
fn lines_of_a_conversation_are_edited_and_do_not_mix_with_commands() {
    if is_plain() {
        return;
    }
    let scene = scene();
    let mut pty = terminal(&scene, "");
    pty.wait_row("supervisor>");
    pty.line("debug cat");
    pty.wait_row("cat>");
    pty.line(&format!("helo{LEFT}l"));
    pty.wait_screen("the answer", |screen| {
        screen.lines().any(|row| row.trim_end() == "hello")
    });
    pty.send(UP);
    pty.wait_row("cat> hello");
    // An answer comes while a line is being typed, which stays as it is.
    let end = run(&scene, "debug cat meanwhile", "");
    assert_eq!(end.status, Some(0));
    pty.wait_screen("the answer to another", |screen| {
        screen.lines().any(|row| row.trim_end() == "meanwhile")
    });
    pty.wait_row("cat> hello");
    pty.send(CTRL_C);
    pty.wait_row("supervisor>");
    pty.send(UP);
    pty.wait_row("supervisor> debug cat");
    pty.send(CTRL_U);
    pty.wait_row("supervisor>");
    pty.send(CTRL_D);
    assert_eq!(pty.wait(DEADLINE), Some(0));
}

#[test]
fn a_typed_line_of_several_rows_was_drawn_again_in_the_wrong_place() {
    if is_plain() {
        return;
    }
    let scene = scene();
    for (typed, keys, rows, cursor) in [
        (
            "a line that wraps at the end of rows",
            "",
            "cat> a line that wra|ps at the end of row|s",
            (2, 1),
        ),
        (
            "a line that wraps at the end of rows",
            CTRL_A,
            "cat> a line that wra|ps at the end of row|s",
            (0, 5),
        ),
        (
            "日本語日本語日本語",
            LEFT,
            "cat> 日本語日本語日|本語",
            (1, 2),
        ),
        ("exactly one row", "", "cat> exactly one row|", (1, 0)),
    ] {
        let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
        command.arg("-c").arg(scene.dir.join("supervisord.conf"));
        command.args(["debug", "cat"]);
        let mut pty = Pty::start(&command, 20, 12);
        pty.wait_row("cat>");
        pty.send(&format!("{typed}{keys}"));
        let rows: String = rows.replace('|', "\n");
        pty.wait_screen("what is typed", |screen| screen == rows.trim_end());
        // The last key may change nothing but where the cursor is.
        assert!(wait_until(DEADLINE, || pty.cursor() == cursor));
        for (word, above) in [("one", "one\n"), ("two", "one\ntwo\n")] {
            assert_eq!(
                run(&scene, &format!("debug cat {word}"), "").status,
                Some(0)
            );
            pty.wait_screen("the line below what came", |screen| {
                screen == format!("{above}{rows}").trim_end()
            });
        }
        assert!(wait_until(DEADLINE, || pty.cursor() == (cursor.0 + 2, cursor.1)));
        // Editing goes on in the same place.
        pty.send("X");
        pty.send(CTRL_U);
        pty.send(CTRL_C);
        assert_eq!(pty.wait(DEADLINE), Some(0));
    }
}

#[test]
fn a_conversation_ends_with_its_process() {
    let scene = scene();
    let mut pty = terminal(&scene, "debug brief");
    pty.wait_row("brief>");
    pty.line("x");
    scene.wait("brief", "EXITED");
    pty.line("y");
    pty.wait_text("ERROR: process not running");
    assert_eq!(pty.wait(DEADLINE), Some(1));
}

#[test]
fn ctrl_c_while_an_answer_was_waited_for_left_the_cursor_in_its_line() {
    let scene = scene();
    for line in ["debug -w 600 cat x", "debug -w 600 slow x"] {
        let mut pty = terminal_of_kind(&scene, "", "dumb");
        pty.wait_row("supervisor>");
        pty.line(line);
        let answer = if line.contains("cat") {
            "x"
        } else {
            "answer to x"
        };
        pty.wait_screen("the answer", |screen| {
            screen.lines().any(|row| row.trim_end() == answer)
        });
        pty.send(CTRL_C);
        pty.wait_row("supervisor>");
        pty.send(CTRL_D);
        assert_eq!(pty.wait(DEADLINE), Some(0));
    }
}

/// Restarts the daemon and waits until a process is up again.
fn restart(scene: &Scene, name: &str) {
    let starts = || {
        let success = format!("success: {name} entered RUNNING");
        scene.log().matches(&success).count()
    };
    let before = starts();
    scene.call("restart", &[]).answer();
    assert!(wait_until(DEADLINE, || starts() > before));
}

#[test]
fn talking_was_deaf_once_the_daemon_had_restarted() {
    const TOLD: &str = "supervisord ended the logs of cat";
    let scene = scene();
    for (line, first) in [
        ("fg cat", "==> Press Ctrl-C to exit <=="),
        ("debug cat", "cat>"),
    ] {
        let mut pty = terminal(&scene, line);
        pty.wait_text(first);
        for line in ["before", "afterwards"] {
            pty.line(line);
            pty.wait_screen("an answer", |screen| {
                let rows = screen.lines().filter(|row| row.trim_end() == line);
                // Behind no prompt, what is typed for fg looks the same.
                rows.count() == if first == "cat>" { 1 } else { 2 }
            });
            if line == "before" {
                restart(&scene, "cat");
            }
        }
        pty.wait_text(TOLD);
        pty.send(CTRL_C);
        assert_eq!(pty.wait(DEADLINE), Some(0));
    }

    let mut child = Command::new(Ctl::new(Kind::Ours, &scene.dir).program())
        .arg("-c")
        .arg(scene.dir.join("supervisord.conf"))
        .args(["debug", "-w", "2", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in ["one", "two"] {
        writeln!(input, "{line}").unwrap();
        assert_eq!(output.next().unwrap().unwrap(), line);
        restart(&scene, "cat");
    }
    drop(input);
    let end = child.wait_with_output().unwrap();
    assert!(end.status.success(), "{end:?}");
    let errors = String::from_utf8(end.stderr).unwrap();
    assert_eq!(errors.matches(TOLD).count(), 1, "{errors}");
}

#[test]
fn fg_shows_both_logs_and_sends_lines() {
    let scene = scene();
    run(&scene, "debug both before", "");
    let mut pty = terminal(&scene, "fg both");
    pty.wait_text("==> Press Ctrl-C to exit <==");
    pty.wait_text("out before");
    pty.line("now");
    pty.wait_text("out now");
    pty.wait_text("err now");
    pty.send(CTRL_C);
    pty.wait_text("Exiting foreground");
    assert_eq!(pty.wait(DEADLINE), Some(0));

    let mut pty = terminal(&scene, "fg cat");
    pty.wait_text("==> Press Ctrl-C to exit <==");
    run(&scene, "stop cat", "");
    pty.line("x");
    pty.wait_text("Process got killed");
    pty.wait_text("Exiting foreground");
    assert_eq!(pty.wait(DEADLINE), Some(0));
}

#[test]
fn fg_has_its_errors_and_reads_lines_from_a_pipe() {
    let scene = scene();
    for (line, input, stdout, status) in [
        ("fg nosuch", "", "ERROR: bad process name supplied\n", 1),
        ("fg off", "", "ERROR: process not running\n", 1),
        (
            "fg cat bc",
            "",
            "ERROR: too many process names supplied\n",
            1,
        ),
        (
            "fg deaf",
            "x\n",
            "ERROR: <Fault 20: 'NO_FILE: deaf'>\nExiting foreground\n",
            0,
        ),
    ] {
        let end = run(&scene, line, input);
        let shown = end
            .stdout
            .replace("==> Press Ctrl-C to exit <==\n", "")
            .replace("closed\n", "");
        assert_eq!(
            (shown.as_str(), end.status),
            (stdout, Some(status)),
            "{line}"
        );
    }
    let end = run(&scene, "fg", "");
    assert!(
        end.stdout
            .starts_with("ERROR: no process name supplied\nfg <process>"),
        "{end:?}"
    );
    let end = run(&scene, "fg silent", "");
    let expected = "The standard output of silent cannot be shown: there is no log file to read \
                    it from (stdout_logfile is NONE, syslog or a device).\n";
    assert_eq!(end.stderr, expected);
}

#[test]
fn fg_left_before_the_answer_to_the_last_line_of_a_script() {
    let scene = scene();
    for line in ["one", "two\nthree", "four"] {
        let expected = format!("==> Press Ctrl-C to exit <==\n{line}\nExiting foreground\n");
        // An answer is waited for only so long, which a busy machine may need.
        let is_shown = (0..5).any(|_| {
            run(&scene, "clear cat", "");
            let end = run(&scene, "fg cat", line);
            end.stdout == expected && end.status == Some(0)
        });
        assert!(is_shown, "{line}");
    }
}

#[test]
fn fg_took_whatever_came_first_for_the_answer_to_the_last_line() {
    // What comes first may also be the end of the log, with which a stream begins.
    let program = "while read line; do echo wait; sleep 0.25; echo \"$line is late\"; done";
    let dir = Dir::new();
    dir.script("late", program);
    let sections = "[program:late]\ncommand=%(here)s/late\nstartsecs=0\n";
    let scene = Scene::start_as(dir, sections, |_| {});
    scene.wait("late", "RUNNING");
    // An answer is waited for only so long, which a busy machine may need.
    let is_shown = (0..5).any(|_| {
        let end = run(&scene, "fg late", "it\n");
        end.stdout
            .ends_with("wait\nit is late\nExiting foreground\n")
    });
    assert!(is_shown);
    scene.stop();
}

#[test]
fn leaving_fg_hung_within_a_piece_of_a_log_that_stalls() {
    use super::server::{Answer, Server, process};
    let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\nthe beginning\n\r\n4";
    let server = Server::start(&[
        (
            "getProcessInfo(p)",
            Answer::Value(process("p", "p", "20", "RUNNING", "")),
        ),
        ("GET /logtail/p/stdout", Answer::Part(begun)),
        ("GET /logtail/p/stderr", Answer::Part(begun)),
    ]);
    let dir = Dir::new();
    let mut command = Command::new(dir.bin().join("supervisorctl"));
    command.args(["-c", "", "-s", &server.url, "fg", "p"]);
    let mut pty = Pty::start(&command, 80, 24);
    pty.wait_text("the beginning");
    pty.send(CTRL_C);
    pty.wait_text("Exiting foreground");
    assert_eq!(pty.wait(DEADLINE), Some(0));
}
