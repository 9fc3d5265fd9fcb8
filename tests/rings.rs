//! The end of the output in memory: what goes to `/dev/stdout`, to syslog or nowhere is read
//! as from a file.

use super::support::pty::{CTRL_C, Pty};
use super::support::{Ctl, DEADLINE, Dir, Kind, Outcome, Scene, Value, wait_until};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;

/// The code of the fault NO_FILE.
const NO_FILE: i64 = 20;

/// A `cat` by that name with these keys.
fn cat(name: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nstderr_logfile=NONE\n{keys}\n")
}

fn say(scene: &Scene, name: &str, text: &str) {
    let said = scene.call("sendProcessStdin", &[Value::text(name), Value::text(text)]);
    assert_eq!(said.answer(), Value::Bool(true));
}

fn read(scene: &Scene, name: &str, offset: i64, length: i64) -> String {
    let parameters = [Value::text(name), Value::Int(offset), Value::Int(length)];
    match scene.call("readProcessStdoutLog", &parameters).answer() {
        Value::Text(text) => text,
        other => panic!("a text was expected, not {other}"),
    }
}

/// A text, where to go on, and whether there was more.
fn tail(scene: &Scene, name: &str, offset: i64, length: i64) -> (String, i64, bool) {
    let parameters = [Value::text(name), Value::Int(offset), Value::Int(length)];
    match scene.call("tailProcessStdoutLog", &parameters).answer() {
        Value::Array(parts) => match &parts[..] {
            [Value::Text(text), Value::Int(offset), Value::Bool(more)] => {
                (text.clone(), *offset, *more)
            }
            _ => panic!("three values were expected, not {parts:?}"),
        },
        other => panic!("an array was expected, not {other}"),
    }
}

fn wait_for_end(scene: &Scene, name: &str, end: &str) {
    let came = wait_until(DEADLINE, || read(scene, name, 0, 0).ends_with(end));
    assert!(came, "{name}: {:?}", read(scene, name, 0, 0));
}

#[test]
fn what_goes_to_no_file_is_read_as_from_one() {
    let scene = Scene::start(
        &[
            "childlog_ring=1KB\n",
            &cat("nowhere", "stdout_logfile=NONE"),
            &cat(
                "device",
                "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0",
            ),
            &cat("system", "stdout_logfile=syslog"),
            &cat("own", "stdout_logfile=NONE\nstdout_ring=2KB"),
            &cat("off", "stdout_logfile=NONE\nstdout_ring=0"),
            &cat("file", "stdout_logfile=%(here)s/file.log\nstdout_ring=1KB"),
            &cat("auto", ""),
        ]
        .concat(),
    );
    scene.wait_all("RUNNING");
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    for name in ["nowhere", "device", "system", "own"] {
        assert_eq!(read(&scene, name, 0, 0), "", "{name}");
        say(&scene, name, "one\ntwo é\n");
        wait_for_end(&scene, name, "two é\n");
        assert_eq!(read(&scene, name, 0, 0), "one\ntwo é\n", "{name}");
        assert_eq!(read(&scene, name, 4, 3), "two", "{name}");
        assert_eq!(read(&scene, name, -3, 0), "é\n", "{name}");
        assert_eq!(
            tail(&scene, name, 0, 4),
            (" é\n".into(), 11, true),
            "{name}"
        );
        assert_eq!(
            tail(&scene, name, 11, 99),
            (String::new(), 11, false),
            "{name}"
        );
        let page = scene.rpc.get(&format!("/tail.html?processname={name}"));
        assert!(page.body.contains("two é"), "{name}: {}", page.body);
        let shown = ctl.run(&["tail", "-4", name]);
        assert_eq!(shown.stdout, " é\n\n", "{name}");
        let expected = if name == "own" { 2048 } else { 1024 };
        assert_eq!(scene.info(name).int_of("stdout_ring"), expected);
    }
    // Its end outlives the child, and the next one goes on.
    scene
        .call("stopProcess", &[Value::text("nowhere")])
        .answer();
    assert_eq!(read(&scene, "nowhere", 0, 0), "one\ntwo é\n");
    scene
        .call("startProcess", &[Value::text("nowhere")])
        .answer();
    say(&scene, "nowhere", "three\n");
    wait_for_end(&scene, "nowhere", "é\nthree\n");

    // Where a file has it, memory has not.
    for name in ["file", "auto"] {
        say(&scene, name, "text\n");
        wait_for_end(&scene, name, "text\n");
        assert_eq!(scene.info(name).get("stdout_ring"), None, "{name}");
    }
    assert_eq!(scene.dir.read("file.log").as_deref(), Some("text\n"));
    let parameters = [Value::text("off"), Value::Int(0), Value::Int(0)];
    assert!(matches!(
        scene.call("readProcessStdoutLog", &parameters),
        Outcome::Fault(NO_FILE, _)
    ));
    assert_eq!(scene.info("off").get("stdout_ring"), None);
    scene.stop();
}

#[test]
fn windows_of_a_ring_count_from_the_first_byte_that_was_written() {
    let scene = Scene::start(&cat("p", "stdout_logfile=NONE\nstdout_ring=1000"));
    scene.wait("p", "RUNNING");
    let mut all = String::new();
    for round in 0..30 {
        let line = format!("line {round:02} é€ {}\n", "x".repeat(round * 7 % 60));
        say(&scene, "p", &line);
        all += &line;
        wait_for_end(&scene, "p", &line);
    }
    let whole = read(&scene, "p", 0, 0);
    assert!(all.ends_with(&whole) && (997..=1000).contains(&whole.len()));
    let start = all.len() - whole.len();
    // Each window is what a file that holds all would give, as far as it is kept.
    for (offset, length) in [
        (0, 10),
        (start - 20, 40),
        (start + 5, 100),
        (all.len() - 9, 50),
    ] {
        let end = (offset + length).min(all.len());
        let kept = &all.as_bytes()[offset.max(start).min(end.max(start))..end.max(start)];
        let found = read(&scene, "p", offset as i64, length as i64);
        assert_eq!(found, String::from_utf8_lossy(kept), "{offset}, {length}");
    }
    let (text, offset, more) = tail(&scene, "p", 0, 5000);
    assert_eq!((text, offset, more), (whole, all.len() as i64, false));
    // A client that asks again and again gets each line once.
    let mut at = offset;
    for round in 0..5 {
        let line = format!("again {round}\n");
        say(&scene, "p", &line);
        wait_for_end(&scene, "p", &line);
        let (_, next, _) = tail(&scene, "p", at, 0);
        assert_eq!(read(&scene, "p", at, next - at), line);
        at = next;
    }
    // Clearing forgets what there is, and offsets go on.
    scene.call("clearProcessLogs", &[Value::text("p")]).answer();
    assert_eq!(tail(&scene, "p", 0, 100), (String::new(), at, true));
    scene.stop();
}

#[test]
fn a_ring_is_followed_and_talked_to() {
    let scene = Scene::start(&cat("p", "stdout_logfile=NONE\nstdout_ring=4KB"));
    scene.wait("p", "RUNNING");
    say(&scene, "p", "before\n");
    wait_for_end(&scene, "p", "before\n");
    let mut stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET /logtail/p HTTP/1.0\r\n\r\n").unwrap();
    let mut told = String::new();
    let mut wait_told = |text: &str| {
        let mut buffer = [0; 4096];
        while !told.ends_with(text) {
            let length = stream.read(&mut buffer).unwrap();
            assert!(length > 0, "{told}");
            told += &String::from_utf8_lossy(&buffer[..length]);
        }
    };
    wait_told("\r\n\r\nbefore\n");
    for line in ["one\n", "two\n"] {
        say(&scene, "p", line);
        wait_told(line);
    }
    let talk = Ctl::new(Kind::Ours, &scene.dir).run(&["debug", "p", "six times seven"]);
    assert_eq!(
        (talk.status, &talk.stdout[..]),
        (Some(0), "six times seven\n"),
        "{}",
        talk.stderr
    );
    wait_told("six times seven\n");
    scene.stop();
}

#[test]
fn fg_at_a_terminal_shows_what_goes_to_no_file_and_sends_lines() {
    let scene = Scene::start(
        "childlog_ring=4KB\n[program:p]\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
         command=/bin/sh -c 'while read line; do echo \"out $line\"; echo \"err $line\" >&2; done'\n",
    );
    scene.wait("p", "RUNNING");
    say(&scene, "p", "before\n");
    wait_for_end(&scene, "p", "out before\n");
    let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
    command.args(["-c", "supervisord.conf", "fg", "p"]);
    command.current_dir(scene.dir.path());
    let mut pty = Pty::start(&command, 80, 24);
    pty.wait_text("==> Press Ctrl-C to exit <==");
    pty.wait_text("out before");
    pty.line("now");
    pty.wait_text("out now");
    pty.wait_text("err now");
    pty.send(CTRL_C);
    pty.wait_text("Exiting foreground");
    assert_eq!(pty.wait(DEADLINE), Some(0));
    scene.stop();
}

#[test]
fn wrong_values_of_the_keys_of_logs_are_told_with_what_to_write() {
    let dir = Dir::new();
    let told = |global: &str, keys: &str| {
        let more = format!("{global}\n{}", cat("p", keys));
        dir.write("s.conf", super::support::usual_configuration(&more));
        let mut command = Command::new(dir.bin().join("supervisord"));
        command
            .args(["-c", "s.conf", "--check"])
            .current_dir(dir.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    for (key, error) in [
        (
            "stdout_ring=1GB",
            "Invalid stdout_ring value '1GB' in [program:p] (write 64MB)",
        ),
        (
            "stderr_ring=-1",
            "Invalid stderr_ring value '-1' in [program:p] (write 0)",
        ),
        (
            "stdout_logfile_rotate=weekly",
            "Invalid stdout_logfile_rotate value 'weekly' in [program:p]: it is one of size, daily",
        ),
        (
            "stderr_logfile_chmod=rw",
            "rw can not be converted to an octal type",
        ),
        (
            "stdout_logfile_chown=nosuchuser:adm",
            "Invalid user name nosuchuser",
        ),
    ] {
        let found = told("", key);
        assert!(found.contains(error), "{found}");
        // The line of the key is the last one.
        let last = dir.read("s.conf").unwrap().trim_end().lines().count();
        assert!(found.contains(&format!("s.conf:{last}: ")), "{found}");
    }
    for (key, error) in [
        (
            "childlogs_maxbytes=0",
            "Invalid childlogs_maxbytes value '0' in [supervisord] (write infinity for no limit)",
        ),
        (
            "childlogs_maxbytes=1.5MB",
            "Invalid childlogs_maxbytes value '1.5MB' in [supervisord] (write 1536KB)",
        ),
        (
            "logfile_rotate=hourly",
            "Invalid logfile_rotate value 'hourly' in [supervisord]: it is one of size, daily",
        ),
    ] {
        let found = told(key, "");
        assert!(found.contains(error), "{found}");
    }
}
