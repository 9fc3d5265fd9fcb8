//! Logs whose lines have a format: what children write comes out line by line.

use super::support::pty::Pty;
use super::support::{DEADLINE, Dir, Kind, Scene, Value, usual_configuration, wait_until};
use std::fs;
use std::process::Command;

fn send(scene: &Scene, process: &str, text: &str) {
    let parameters = [Value::text(process), Value::text(text)];
    scene.call("sendProcessStdin", &parameters).answer();
}

/// Waits until a file holds that.
fn wait_file(dir: &Dir, name: &str, expected: &str) {
    let read = || dir.read(name).unwrap_or_default();
    assert!(wait_until(DEADLINE, || read() == expected), "{:?}", read());
}

/// Each line of a file in JSON as another program reads it, in the format of `script`.
fn read_back(dir: &Dir, name: &str, script: &str) -> String {
    let output = Command::new("jq")
        .args(["-r", script, name])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn names_stand_in_a_column_before_the_lines_of_all_programs() {
    let scene = Scene::start(
        "childlog_format=prefix\n\
         [program:a]\ncommand=/bin/cat\nstdout_logfile=%(here)s/all.log\n\
         [program:longer]\ncommand=/bin/cat\nstdout_logfile=%(here)s/all.log\n\
         [program:raw]\ncommand=/bin/cat\nstdout_logfile=%(here)s/raw.log\nstdout_logfile_format=raw\n",
    );
    scene.wait_all("RUNNING");
    for (process, text) in [("a", "one\ntwo\n"), ("longer", "three\n"), ("a", "\n")] {
        let before = scene.dir.read("all.log").unwrap_or_default();
        send(&scene, process, text);
        let grows = || scene.dir.read("all.log").unwrap_or_default() != before;
        assert!(wait_until(DEADLINE, grows));
    }
    send(&scene, "raw", "bytes without an end");
    wait_file(
        &scene.dir,
        "all.log",
        "a      | one\na      | two\nlonger | three\na      | \n",
    );
    wait_file(&scene.dir, "raw.log", "bytes without an end");
    scene.stop();
}

#[test]
fn a_pattern_tells_what_it_names_and_percent_signs_stand_for_themselves() {
    let scene = Scene::start(
        "[group:g]\nprograms=p\n\
         [program:p]\nprocess_name=x%(process_num)d\nnumprocs=2\ncommand=/bin/sh -c 'echo $$ out 100%%; echo err >&2; exec cat'\n\
         stdout_logfile=%(here)s/out%(process_num)d.log\nstderr_logfile=%(here)s/err%(process_num)d.log\n\
         stdout_logfile_format=%(asctime)s, 5%% %(group_name)s:%(process_name)s (%(program_name)s) %(levelname)s %(pid)s %(message)s\n\
         stderr_logfile_format=%(channel)s %(levelname)s %(message)s\n",
    );
    scene.wait_all("RUNNING");
    wait_file(&scene.dir, "err1.log", "stderr ERRO err\n");
    let pid = scene.pid("g:x0");
    let expected = format!(" 5%% g:x0 (p) INFO {pid} {pid} out 100%\n");
    let line = || scene.dir.read("out0.log").unwrap_or_default();
    assert!(
        wait_until(DEADLINE, || line().ends_with(&expected)),
        "{}",
        line()
    );
    let form = line().replace(|c: char| c.is_ascii_digit(), "9");
    assert!(form.starts_with("9999-99-99 99:99:99,999, 9%%"), "{form}");
    scene.stop();
}

#[test]
fn json_is_valid_whatever_bytes_are_written_and_has_its_members_in_order() {
    let bytes = r#"printf "quote \" slash \\\\\\\\ \377\000\033[1m \303\251\n"; exec cat"#;
    let dir = Dir::new();
    dir.write("write.sh", format!("{bytes}\n"));
    let scene = Scene::start_as(
        dir,
        "[program:p]\ncommand=/bin/sh write.sh\ndirectory=%(here)s\nstdout_logfile=%(here)s/p.json\n\
         stdout_logfile_format=json\nstderr_logfile=NONE\n",
        |_| {},
    );
    scene.wait("p", "RUNNING");
    let has_line = || {
        fs::read(scene.dir.join("p.json"))
            .unwrap_or_default()
            .ends_with(b"\n")
    };
    assert!(wait_until(DEADLINE, has_line));
    let keys = read_back(&scene.dir, "p.json", "keys_unsorted | join(\" \")");
    assert_eq!(keys, "time program group process channel pid message\n");
    let pid = scene.pid("p");
    let told = read_back(
        &scene.dir,
        "p.json",
        "[.program, .group, .process, .channel, .pid, (.message | @json)] | map(tostring) | join(\" \")",
    );
    let message = r#""quote \" slash \\\\ �\u0000\u001b[1m é""#;
    assert_eq!(told, format!("p p p stdout {pid} {message}\n"));
    let time = read_back(&scene.dir, "p.json", ".time");
    let form = time
        .replace(|c: char| c.is_ascii_digit(), "9")
        .replace('-', "+");
    assert_eq!(form, "9999+99+99T99:99:99.999999+99:99\n");
    scene.stop();
}

#[test]
fn a_million_numbered_lines_come_out_of_json_in_order_each_once() {
    const LINES: u32 = 500_000;
    let scene = Scene::start(&format!(
        "childlog_format=json\n\
         [program:p]\ncommand=/bin/sh -c 'seq {LINES} & seq {LINES} >&2; wait'\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=%(here)s/p.json\nstdout_logfile_maxbytes=0\n\
         stderr_logfile=%(here)s/p.json\nstderr_logfile_maxbytes=0\n"
    ));
    scene.wait("p", "EXITED");
    let lines = read_back(&scene.dir, "p.json", ".channel + \" \" + .message");
    for channel in ["stdout", "stderr"] {
        let lines = lines.lines().filter_map(|line| line.strip_prefix(channel));
        let numbers = lines.map(|number| number.trim_start().parse::<u32>().unwrap());
        assert!(numbers.eq(1..=LINES), "{channel}");
    }
    scene.stop();
}

#[test]
fn both_outputs_of_a_program_do_not_tear_each_others_lines() {
    // Each piece has been read, which the raw log shows, before the other output goes on.
    let script = "seen() { until grep -q -e \"$1\" raw.log; do sleep 0.01; done; }\n\
                  for i in $(seq 20); do\n\
                  printf \"out-$i-\"; seen out-$i-; printf \"err-$i-\" >&2; seen err-$i-\n\
                  echo end; echo end >&2; done";
    let dir = Dir::new();
    dir.write("write.sh", script);
    let scene = Scene::start_as(
        dir,
        "[program:p]\ncommand=/bin/sh write.sh\ndirectory=%(here)s\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=%(here)s/p.log, %(here)s/raw.log\n\
         stdout_logfile_format=%(channel)s %(message)s, raw\n\
         stderr_logfile=%(here)s/p.log, %(here)s/raw.log\n\
         stderr_logfile_format=%(channel)s %(message)s, raw\n",
        |_| {},
    );
    scene.wait("p", "EXITED");
    let text = scene.dir.read("p.log").unwrap();
    for (channel, word) in [("stdout ", "out"), ("stderr ", "err")] {
        let lines = || text.lines().filter_map(|line| line.strip_prefix(channel));
        let expected: String = (1..=20)
            .map(|number| format!("{word}-{number}-end"))
            .collect();
        assert_eq!(lines().collect::<String>(), expected, "{text}");
        // On a busy machine some may have waited for their end for too long.
        assert!(lines().count() < 30, "{text}");
    }
    scene.stop();
}

#[test]
fn a_line_without_an_end_is_written_after_a_while_or_with_the_childs_end() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nautorestart=false\nstdout_logfile=%(here)s/p.log, %(here)s/raw.log\n\
         stdout_logfile_format=prefix, raw\n",
    );
    scene.wait("p", "RUNNING");
    send(&scene, "p", "name? ");
    wait_file(&scene.dir, "p.log", "p | name? \n");
    send(&scene, "p", "\nnext\n");
    wait_file(&scene.dir, "p.log", "p | name? \np | next\n");
    send(&scene, "p", "last words");
    // It has said them before it is told to end.
    wait_file(&scene.dir, "raw.log", "name? \nnext\nlast words");
    scene.call("stopProcess", &[Value::text("p")]).answer();
    wait_file(
        &scene.dir,
        "p.log",
        "p | name? \np | next\np | last words\n",
    );
    scene.stop();
}

#[test]
fn tags_and_sequences_are_taken_out_before_and_a_progress_bar_gives_lines() {
    let script = "printf '1%%\\r2%%\\r\\033[1mdone\\033[0m\\r\\n'; \
                  printf 'one <!--XSUPERVISOR:BEGIN-->message\\n<!--XSUPERVISOR:END-->line\\n'";
    let dir = Dir::new();
    dir.write("write.sh", script);
    let scene = Scene::start_as(
        dir,
        "strip_ansi=true\n[program:p]\ncommand=/bin/sh %(here)s/write.sh\nstartsecs=0\nautorestart=false\n\
         stdout_capture_maxbytes=1KB\nstdout_logfile=%(here)s/p.log\nstdout_logfile_format=prefix\n",
        |_| {},
    );
    scene.wait("p", "EXITED");
    wait_file(
        &scene.dir,
        "p.log",
        "p | 1%\np | 2%\np | done\np | one line\n",
    );
    scene.stop();
}

#[test]
fn a_line_of_megabytes_comes_in_pieces_and_whole() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'head -c 3000000 /dev/zero | tr \"\\0\" x; echo; echo next'\n\
         startsecs=0\nautorestart=false\n\
         stdout_logfile=%(here)s/p.log\nstdout_logfile_format=%(message)s\n",
    );
    scene.wait("p", "EXITED");
    let text = scene.dir.read("p.log").unwrap();
    assert!(text.ends_with("x\nnext\n"));
    assert!(text.lines().all(|line| line.len() <= 64 * 1024));
    let length: usize = text.lines().map(str::len).sum();
    assert_eq!(length, 3_000_004);
    scene.stop();
}

#[test]
fn names_are_coloured_on_a_terminal_and_not_where_nobody_wants_that() {
    for (refusal, term, is_coloured) in [
        ("", "xterm", true),
        ("1", "xterm", false),
        ("", "dumb", false),
    ] {
        let dir = Dir::new();
        let program = |name: &str| {
            format!(
                "[program:{name}]\ncommand=/bin/sh -c 'echo says {name}; exec cat'\nstdout_logfile=/dev/stdout\n\
                 stdout_logfile_maxbytes=0\nstdout_logfile_format=prefix\nstderr_logfile=NONE\n"
            )
        };
        let text = format!(
            "silent=true\nnodaemon=true\n{}{}",
            program("a"),
            program("bc")
        );
        dir.write("supervisord.conf", usual_configuration(&text));
        let mut command = Command::new(Kind::Ours.program("supervisord", &dir.bin()));
        command
            .args(["-c", "supervisord.conf"])
            .env("NO_COLOR", refusal)
            .env("TERM", term)
            .current_dir(dir.path());
        let mut pty = Pty::start(&command, 80, 25);
        for (name, shown) in [("a ", "says a"), ("bc", "says bc")] {
            let line = match is_coloured {
                true => format!("m{name} |\u{1b}[0m {shown}"),
                false => format!("{name} | {shown}"),
            };
            let written = || pty.written();
            assert!(
                wait_until(DEADLINE, || written().contains(&line)),
                "{:?}",
                written()
            );
            assert_eq!(written().contains("\u{1b}[0;"), is_coloured);
        }
        pty.send("\x03");
        let ended = || !dir.join("main.pid").exists();
        assert!(wait_until(DEADLINE, ended), "{}", pty.screen());
    }
}

#[test]
fn a_wrong_format_is_told_with_section_key_and_place_and_what_to_write() {
    for (lines, key, value, section, near) in [
        ("", "childlog_format", "jsn", "supervisord", "write json"),
        (
            "[program:p]\ncommand=/bin/cat\n",
            "stdout_logfile_format",
            "%(asctime)s %(massage)s",
            "program:p",
            "write %(message)s, not %(massage)",
        ),
        (
            "[eventlistener:l]\ncommand=/bin/cat\nevents=EVENT\n",
            "stderr_logfile_format",
            "%(asctime)s",
            "eventlistener:l",
            "add %(message)s",
        ),
    ] {
        let dir = Dir::new();
        let text = format!("[supervisord]\n{lines}{key}={value}\n");
        dir.write("s.conf", &text);
        let output = Command::new(Kind::Ours.program("supervisord", &dir.bin()))
            .args(["-c", "s.conf", "--check"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        let error = format!("Error: Invalid {key} value '{value}' in [{section}] ({near})");
        assert!(told.starts_with(&error), "{told}");
        let place = format!("s.conf:{}: the error is here\n", text.lines().count());
        assert!(told.ends_with(&place), "{told}");
    }
}
