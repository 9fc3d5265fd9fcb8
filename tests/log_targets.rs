//! Outputs with several logs, with readers that are slow, and with marks for syslog.

use super::idle::comes_to_rest;
use super::support::{DEADLINE, Dir, Kind, Scene, Value, kill, wait_until};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::process::Command;

fn wait_file(scene: &Scene, name: &str, expected: &str) {
    let read = || scene.dir.read(name).unwrap_or_default();
    assert!(wait_until(DEADLINE, || read() == expected), "{:?}", read());
}

/// A daemon whose standard output is a pipe, and the end of it from which nobody reads.
fn on_a_pipe(configuration: &str) -> (Scene, File) {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    let scene = Scene::start_as(Dir::new(), configuration, |launch| {
        launch.options = &["-s"];
        launch.stdout = Some(write);
    });
    (scene, File::from(read))
}

/// Reads in a thread to the end.
fn read_all(mut pipe: File) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

#[test]
fn each_target_has_its_format_and_clients_read_the_first_regular_file() {
    let (scene, pipe) = on_a_pipe(
        "[program:p]\ncommand=/bin/sh -c 'echo one; echo \"two\"; exec cat'\nstderr_logfile=NONE\n\
         stdout_logfile=/dev/stdout, %(here)s/a.log,%(here)s/b.log , none\n\
         stdout_logfile_format=prefix, raw, %(channel)s: %(message)s, json\n",
    );
    let reader = read_all(pipe);
    wait_file(&scene, "a.log", "one\ntwo\n");
    wait_file(&scene, "b.log", "stdout: one\nstdout: two\n");
    let path = scene.dir.join("a.log").to_str().unwrap().to_owned();
    assert_eq!(scene.info("p").text_of("stdout_logfile"), path);
    let all = scene.call("getAllConfigInfo", &[]).answer();
    assert!(all.to_string().contains(&path), "{all}");
    scene.call("clearProcessLogs", &[Value::text("p")]).answer();
    wait_file(&scene, "a.log", "");
    wait_file(&scene, "b.log", "");
    scene.stop();
    assert_eq!(reader.join().unwrap(), "p | one\np | two\n");
}

#[test]
fn an_automatic_log_is_one_of_several_and_one_format_holds_for_all() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/sh -c 'echo out; echo err >&2; exec cat'\n\
         stdout_logfile=%(here)s/a.log, AUTO\nstdout_logfile_format=prefix\n\
         stderr_logfile=auto, %(here)s/b.log\n",
    );
    wait_file(&scene, "a.log", "p | out\n");
    wait_file(&scene, "b.log", "err\n");
    let tail = |method: &str| {
        let parameters = [Value::text("p"), Value::Int(0), Value::Int(100)];
        scene.call(method, &parameters).answer()
    };
    let expected = Value::text("p | out\n");
    assert!(wait_until(DEADLINE, || tail("readProcessStdoutLog") == expected));
    let expected = Value::text("err\n");
    assert!(wait_until(DEADLINE, || tail("readProcessStderrLog") == expected));
    let name = scene.info("p").text_of("stdout_logfile").to_owned();
    assert!(name.contains("p-stdout---supervisor-"), "{name}");
    scene.stop();
}

/// The numbers of lines `p | NUMBER`, all of which are whole.
fn numbers(text: &str) -> Vec<u32> {
    let number = |line: &str| line.strip_prefix("p | ").and_then(|line| line.parse().ok());
    text.lines()
        .map(|line| number(line).unwrap_or_else(|| panic!("{line:?} is no whole line")))
        .collect()
}

const LINES: u32 = 60_000;

fn flood(keys: &str) -> String {
    format!(
        "[program:p]\ncommand=/usr/bin/seq {LINES}\nstartsecs=0\nautorestart=false\nstderr_logfile=NONE\n\
         stdout_logfile=%(here)s/p.log, /dev/stdout\nstdout_logfile_maxbytes=0\nstdout_logfile_format=raw, prefix\n{keys}"
    )
}

fn all_lines() -> String {
    (1..=LINES).map(|number| format!("{number}\n")).collect()
}

#[test]
fn a_program_waits_for_a_slow_reader_and_no_line_is_lost_in_any_log() {
    let (scene, pipe) = on_a_pipe(&flood(""));
    // It fills everything on the way, and then nothing moves any more.
    let is_full = || comes_to_rest(scene.daemon.pid()) && comes_to_rest(scene.pid("p"));
    assert!(wait_until(DEADLINE, is_full));
    assert_eq!(scene.info("p").text_of("statename"), "RUNNING");
    assert_ne!(scene.dir.read("p.log").unwrap_or_default(), all_lines());
    let reader = read_all(pipe);
    scene.wait("p", "EXITED");
    wait_file(&scene, "p.log", &all_lines());
    scene.stop();
    let numbers = numbers(&reader.join().unwrap());
    assert!(numbers.into_iter().eq(1..=LINES));
}

/// A read of output becomes many times as much in JSON.
#[test]
fn lines_that_grow_by_their_format_are_not_lost_while_a_reader_is_slow() {
    let (scene, pipe) = on_a_pipe(
        "[program:p]\ncommand=/bin/sh -c 'for what in \"\\n\" \"\\0\"; do head -c 100000 /dev/zero | tr \"\\0\" $what; done'\n\
         startsecs=0\nautorestart=false\nstderr_logfile=NONE\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstdout_logfile_format=json\n",
    );
    assert!(comes_to_rest(scene.daemon.pid()));
    let reader = read_all(pipe);
    scene.wait("p", "EXITED");
    scene.stop();
    let text = reader.join().unwrap();
    let messages = text.lines().map(|line| {
        let (_, message) = line.split_once(",\"message\":\"").unwrap();
        message.strip_suffix("\"}").unwrap()
    });
    let messages: Vec<&str> = messages.collect();
    assert!(messages[..100_000].iter().all(|message| message.is_empty()));
    let rest = messages[100_000..].concat();
    assert!(rest == "\\u0000".repeat(100_000));
}

#[test]
fn a_program_goes_on_where_lines_may_be_dropped_whole_and_they_are_counted() {
    let (mut scene, pipe) = on_a_pipe(&flood("stdout_logfile_when_slow=drop\n"));
    // Nobody reads, and it comes to its end all the same.
    scene.wait("p", "EXITED");
    wait_file(&scene, "p.log", &all_lines());
    scene.wait_log("are dropped, for its reader is slow");
    let reader = read_all(pipe);
    assert_eq!(scene.daemon.stop(), Some(0));
    let text = reader.join().unwrap();
    let numbers = numbers(&text);
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(!numbers.is_empty() && numbers.len() < LINES as usize);
    let log = scene.log();
    let dropped = log.lines().filter_map(|line| {
        let (_, rest) = line.split_once("ERRO stdout of p: ")?;
        let (count, _) = rest.split_once(" lines of it (")?;
        count.parse::<usize>().ok()
    });
    assert_eq!(
        dropped.sum::<usize>() + numbers.len(),
        LINES as usize,
        "{log}"
    );
}

#[test]
fn raw_lines_are_dropped_whole_too() {
    let (scene, pipe) = on_a_pipe(&format!(
        "[program:p]\ncommand=/usr/bin/seq {LINES}\nstartsecs=0\nautorestart=false\nstderr_logfile=NONE\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstdout_logfile_when_slow=drop\n"
    ));
    scene.wait("p", "EXITED");
    let reader = read_all(pipe);
    scene.stop();
    let text = reader.join().unwrap();
    let expected: BTreeSet<String> = (1..=LINES).map(|number| number.to_string()).collect();
    assert!(text.lines().all(|line| expected.contains(line)));
    assert!(text.ends_with('\n') && text.len() < all_lines().len());
}

#[test]
fn a_target_that_fails_is_told_and_the_others_have_everything() {
    let scene = Scene::start(&flood("").replace("/dev/stdout", "/dev/full"));
    scene.wait("p", "EXITED");
    wait_file(&scene, "p.log", &all_lines());
    scene.wait_log("ERRO stdout of p: cannot write /dev/full: No space left on device; ");
    scene.stop();
}

#[test]
fn a_target_that_cannot_be_opened_fails_the_start_and_leaves_no_log_open() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartretries=0\nstdout_logfile=%(here)s/a.log, %(here)s/no/b.log\n",
    );
    scene.wait("p", "FATAL");
    let reason = scene.info("p").text_of("spawnerr").to_owned();
    let path = scene.dir.join("no/b.log");
    let expected = format!(
        "The directory named as part of the path {} does not exist",
        path.display()
    );
    assert_eq!(reason, expected);
    let files = std::fs::read_dir(format!("/proc/{}/fd", scene.daemon.pid())).unwrap();
    let log = scene.dir.join("a.log");
    let mut open = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    assert!(!open.any(|file| file == log));
    scene.stop();
}

#[test]
fn records_of_the_main_log_have_its_format() {
    for (format, script, expected) in [
        (
            "json",
            ".level + \" \" + .process + \" \" + .channel + \" \" + .message",
            "info supervisord log ",
        ),
        (
            "{\"l\":\"%(levelname)s\",\"m\":\"%(process_name)s %(message)s\"}",
            ".l + \" \" + .m",
            "INFO supervisord ",
        ),
    ] {
        let scene = Scene::start(&format!(
            "logfile_format={format}\n[program:p]\ncommand=/bin/cat\n"
        ));
        scene.wait("p", "RUNNING");
        let pid = scene.pid("p");
        let output = Command::new("jq")
            .args(["-r", script, "main.log"])
            .current_dir(scene.dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let told = String::from_utf8(output.stdout).unwrap();
        let line = format!("{expected}spawned: 'p' with pid {pid}\n");
        assert!(told.contains(&line), "{told}");
        scene.stop();
    }
    let scene = Scene::start(
        "logfile_format=prefix\nloglevel=debug\n[program:a_longer_name]\ncommand=/bin/sh -c 'echo says; exec cat'\n",
    );
    scene.wait_log("output: says\n");
    for line in scene.log().lines() {
        assert!(line.starts_with("supervisord   | 20"), "{line}");
    }
    scene.stop();
}

#[test]
fn a_list_that_is_wrong_is_told_and_one_that_is_right_is_noted() {
    for (keys, status, told) in [
        (
            "stdout_logfile=/a.log, AUTO, /a.log",
            2,
            "Error: stdout_logfile has /a.log twice",
        ),
        (
            "stdout_logfile=/dev/stdout, AUTO\nstdout_logfile_format=raw, json, prefix",
            2,
            "Error: stdout_logfile_format has 3 formats, and stdout_logfile 2 targets: write one \
             format for all, or one for each",
        ),
        (
            "stderr_logfile_when_slow=lose",
            2,
            "Error: Invalid stderr_logfile_when_slow value 'lose' in [program:p]: it is one of wait, drop",
        ),
        (
            "syslog_facility=local8",
            2,
            "Error: Invalid syslog_facility value 'local8' in [program:p]: it is one of kern, user,",
        ),
        (
            "stdout_logfile=/dev/stdout, AUTO",
            0,
            "stdout_logfile of [program:p] has several targets: to Supervisor 4.3.0 it is one path",
        ),
    ] {
        let dir = Dir::new();
        dir.write(
            "s.conf",
            format!("[supervisord]\n[program:p]\ncommand=/bin/cat\n{keys}\n"),
        );
        let output = Command::new(Kind::Ours.program("supervisord", &dir.bin()))
            .args(["-c", "s.conf", "--check"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8_lossy(&all).into_owned();
        assert_eq!(output.status.code(), Some(status), "{all}");
        assert!(all.contains(told), "{told}\n{all}");
    }
}

/// Numbers that look like chance, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A format, and the text before the message in its lines ends so.
const FORMATS: [(&str, &str); 4] = [
    ("raw", ""),
    ("prefix", " | "),
    ("json", ",\"message\":\""),
    ("%(asctime)s %(pid)s: %(message)s", ": "),
];

/// What each of the programs may have or not.
const FEATURES: [&str; 6] = [
    "stdout_logfile_when_slow=drop\n",
    "stdout_capture_maxbytes=1KB\n",
    "stdout_events_enabled=true\n",
    "stdout_logfile_rotate=daily\n",
    "stdout_logfile_chmod=0640\n",
    "stdout_logfile_processor=gzip -1\n",
];

/// A log with all its backups, the oldest first.
fn whole(scene: &Scene, name: &str) -> String {
    let unpacked = |name: String| {
        let mut gzip = Command::new("gzip");
        let output = gzip.arg("-dc").arg(scene.dir.join(&name)).output().unwrap();
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).unwrap())
    };
    let backups = (1..).map(|number| {
        let name = format!("{name}.{number}");
        scene.dir.read(&name).or_else(|| unpacked(name + ".gz"))
    });
    let mut parts: Vec<String> = backups.map_while(|part| part).collect();
    parts.reverse();
    parts.push(scene.dir.read(name).unwrap());
    parts.concat()
}

#[test]
fn numbered_lines_are_once_in_each_log_whatever_is_mixed_while_logs_are_reopened() {
    const LINES: u32 = 8_000;
    let mut chance = Chance(0x5eed_1096);
    let global = "strip_ansi=true\nchildlogs_maxbytes=1GB\nchildlog_ring=4KB\n";
    let (mut text, mut logs) = (global.to_owned(), Vec::new());
    for program in 0..12 {
        let mut targets = vec!["/dev/null".to_owned()];
        let mut formats = vec!["json"];
        for log in 0..=chance.below(3) {
            let (format, begin) = FORMATS[chance.below(FORMATS.len())];
            let name = format!("p{program}-{log}.log");
            targets.push(format!("%(here)s/{name}"));
            formats.push(format);
            logs.push((name, begin));
        }
        let features = FEATURES.iter().filter(|_| chance.below(3) == 0);
        let more = features.copied().collect::<String>();
        text.push_str(&format!(
            "[program:p{program}]\ncommand=/usr/bin/seq {LINES}\nstartsecs=0\nautorestart=false\nautostart=false\n\
             stderr_logfile=NONE\nstdout_logfile={}\nstdout_logfile_format={}\n\
             stdout_logfile_maxbytes=32KB\nstdout_logfile_backups=500\n{more}",
            targets.join(", "),
            formats.join(", "),
        ));
    }
    let mut scene = Scene::start(&text);
    for program in 0..12 {
        let at_once = [Value::text(&format!("p{program}")), Value::Bool(false)];
        scene.call("startProcess", &at_once).answer();
        kill(scene.daemon.pid(), libc::SIGUSR2);
    }
    for program in 0..12 {
        scene.wait(&format!("p{program}"), "EXITED");
    }
    // No processor works on any of the files any more.
    assert_eq!(scene.daemon.stop(), Some(0), "{}", scene.log());
    for (name, begin) in logs {
        let text = whole(&scene, &name);
        let number = |line: &str| -> u32 {
            let rest = line.find(begin).map(|place| &line[place + begin.len()..]);
            let digits = rest.map(|rest| rest.trim_end_matches("\"}"));
            digits
                .and_then(|digits| digits.parse().ok())
                .unwrap_or_else(|| panic!("{name}: {line}"))
        };
        let numbers: Vec<u32> = text.lines().map(number).collect();
        assert!(
            numbers.iter().copied().eq(1..=LINES),
            "{name}: {}",
            numbers.len()
        );
    }
}
