//! Followed logs while their files are removed, moved, cut short, made anew and
//! rolled over: each line arrives once. `FOLLOWERS_SEED` repeats a run that has
//! failed, `FOLLOWERS_ROUNDS` makes it longer.

use super::support::{Ctl, DEADLINE, Dir, Kind, Scene, Value, plain_environment, wait_until};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Somebody who follows a log, and what was told so far.
struct Follower {
    told: Arc<Mutex<Vec<u8>>>,
    /// supervisorctl, if it is that.
    client: Option<Child>,
}

impl Follower {
    /// A client of HTTP, with HTTP/1.0 so that the log comes as it is.
    fn http(scene: &Scene, path: &str) -> Follower {
        let follower = Follower::of(connect(scene, path), None);
        // From here on it follows; what was written before may lie too far back for it.
        let begun = wait_until(DEADLINE, || follower.text().contains("\r\n\r\n"));
        assert!(begun, "{path} is not answered");
        follower
    }

    /// `supervisorctl tail -f` or `maintail -f`.
    fn ctl(scene: &Scene, words: &[&str]) -> Follower {
        let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
        plain_environment(&mut command);
        let mut client = command
            .arg("-c")
            .arg(scene.dir.join("supervisord.conf"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = client.stdout.take().unwrap();
        Follower::of(output, Some(client))
    }

    fn of(mut from: impl Read + Send + 'static, client: Option<Child>) -> Follower {
        let told = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&told);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                shared.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Follower { told, client }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.told.lock().unwrap()).into_owned()
    }

    /// The numbered lines of one writer, in order.
    fn numbers(&self, writer: &str) -> Vec<usize> {
        let text = self.text();
        let numbers = text.lines().filter_map(|line| {
            let number = line.strip_prefix(writer)?.strip_prefix(" number ")?;
            number.strip_suffix(" end")?.parse().ok()
        });
        numbers.collect()
    }

    /// It has all lines of a writer once, up to that one or soon.
    fn assert_once(&self, writer: &str, last: usize, what: &str) {
        wait_until(DEADLINE, || self.numbers(writer).last() == Some(&last));
        let numbers = self.numbers(writer);
        let expected: Vec<usize> = (1..=last).collect();
        assert!(
            numbers == expected,
            "{what}: {writer} has {numbers:?} in\n{}",
            self.text()
        );
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(client) = &mut self.client {
            let _ = client.kill();
            let _ = client.wait();
        }
    }
}

fn connect(scene: &Scene, path: &str) -> UnixStream {
    let mut stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    stream
}

/// xorshift64
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A writer of numbered lines: a `cat` that is told them.
fn say(scene: &Scene, writer: &str, number: usize) {
    let line = Value::text(&format!("{writer} number {number} end\n"));
    let said = scene.call("sendProcessStdin", &[Value::text(writer), line]);
    assert_eq!(said.answer(), Value::Bool(true));
}

fn say_all(scene: &Scene, logs: &[(&str, &[&str])], number: usize) {
    for writer in logs.iter().flat_map(|(_, writers)| *writers) {
        say(scene, writer, number);
    }
}

fn program(name: &str, log: &str, more: &str) -> String {
    format!(
        "[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nredirect_stderr=true\n\
         stdout_logfile=%(here)s/{log}\n{more}\n"
    )
}

fn limits(maxbytes: usize, backups: usize) -> String {
    format!("stdout_logfile_maxbytes={maxbytes}\nstdout_logfile_backups={backups}")
}

/// One operation, chosen by chance.
fn disturb(scene: &Scene, chance: &mut Chance, log: &PathBuf, writer: &str, done: &mut usize) {
    *done += 1;
    let moved = log.with_extension(format!("moved{done}"));
    match chance.below(14) {
        0 => drop(fs::remove_file(log)),
        1 => drop(fs::rename(log, moved)),
        2 => {
            drop(fs::rename(log, moved));
            File::create(log).unwrap();
        }
        3 | 4 => {
            drop(fs::rename(log, moved));
            File::create(log).unwrap();
            scene.daemon.signal(libc::SIGUSR2);
        }
        5 | 6 => {
            drop(fs::copy(log, moved));
            if let Ok(file) = OpenOptions::new().write(true).open(log) {
                file.set_len(0).unwrap();
            }
        }
        7 => scene.daemon.signal(libc::SIGUSR2),
        8 if writer == "main" => drop(scene.call("rotateAllLogs", &[])),
        8 | 9 => drop(scene.call("rotateProcessLogs", &[Value::text(writer)])),
        10 | 11 => drop(scene.call("reopenProcessLogs", &[Value::text(writer)])),
        12 if writer == "main" => drop(scene.call("clearLog", &[])),
        _ => drop(scene.call("clearProcessLogs", &[Value::text(writer)])),
    }
}

#[test]
fn every_line_arrives_once_whatever_becomes_of_the_files_and_in_any_order() {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed: u64 = given("FOLLOWERS_SEED").unwrap_or(now.as_nanos() as u64 | 1);
    let rounds = given("FOLLOWERS_ROUNDS").map_or(150, |rounds| rounds as usize);
    let what = format!("FOLLOWERS_SEED={seed}");
    println!("{what}");
    let mut chance = Chance(seed);
    // Each log with those who write to it; the last is the main log's file.
    let logs: [(&str, &[&str]); 5] = [
        ("small.log", &["small"]),
        ("none.log", &["none"]),
        ("ever.log", &["ever"]),
        ("shared.log", &["one", "two"]),
        ("main.log", &["main"]),
    ];
    let scene = Scene::start(&format!(
        "logfile_maxbytes=2KB\nlogfile_backups=2\n{}{}{}{}{}{}",
        program("small", "small.log", &limits(200, 1)),
        program("none", "none.log", &limits(300, 0)),
        program("ever", "ever.log", &limits(0, 0)),
        program("one", "shared.log", &limits(250, 2)),
        program("two", "shared.log", &limits(0, 0)),
        program("main", "main.log", &limits(0, 0)),
    ));
    scene.wait_all("RUNNING");
    let mut followers: Vec<(Follower, &[&str])> = Vec::new();
    for (log, writers) in logs {
        let (path, words) = match log {
            "main.log" => ("/mainlogtail".to_owned(), vec!["maintail", "-f"]),
            _ => (
                format!("/logtail/{}", writers[0]),
                vec!["tail", "-f", writers[0]],
            ),
        };
        followers.push((Follower::http(&scene, &path), writers));
        followers.push((Follower::ctl(&scene, &words), writers));
    }
    // What is said before a follower has begun it may be told or not.
    let mut count = 1;
    say_all(&scene, &logs, count);
    for (follower, writers) in &followers {
        let begun = || follower.numbers(writers[0]).contains(&count);
        assert!(wait_until(DEADLINE, begun), "{what}: {writers:?}");
    }
    let mut done = 0;
    for _ in 0..rounds {
        for _ in 0..chance.below(4) {
            count += 1;
            say_all(&scene, &logs, count);
        }
        for (log, writers) in logs {
            if chance.below(3) == 0 {
                let path = scene.dir.join(log);
                disturb(&scene, &mut chance, &path, writers[0], &mut done);
            }
        }
        if chance.below(8) == 0 {
            for (follower, writers) in &followers {
                follower.assert_once(writers[0], count, &what);
            }
        }
    }
    count += 1;
    say_all(&scene, &logs, count);
    for (follower, writers) in &followers {
        for writer in *writers {
            follower.assert_once(writer, count, &what);
        }
    }
    scene.stop();
}

#[test]
fn a_follower_of_a_log_that_was_removed_saw_a_line_twice() {
    let scene = Scene::start(&program("p", "p.log", &limits(0, 0)));
    scene.wait("p", "RUNNING");
    let follower = Follower::ctl(&scene, &["tail", "-f", "p"]);
    say(&scene, "p", 1);
    follower.assert_once("p", 1, "before");
    for number in 2..5 {
        fs::remove_file(scene.dir.join("p.log")).unwrap();
        say(&scene, "p", number);
        follower.assert_once("p", number, "removed");
    }
    scene.stop();
}

#[test]
fn a_follower_jumped_to_a_new_file_while_the_old_one_was_written() {
    let scene = Scene::start(&program("p", "p.log", &limits(0, 0)));
    scene.wait("p", "RUNNING");
    let follower = Follower::http(&scene, "/logtail/p");
    say(&scene, "p", 1);
    follower.assert_once("p", 1, "before");
    // As logrotate does with `create`.
    fs::rename(scene.dir.join("p.log"), scene.dir.join("p.log.1")).unwrap();
    scene.dir.write("p.log", "");
    for number in 2..6 {
        say(&scene, "p", number);
        follower.assert_once("p", number, "moved away");
    }
    // Who comes now follows what is written, too.
    let late = Follower::ctl(&scene, &["tail", "-f", "p"]);
    late.assert_once("p", 5, "late");
    scene.daemon.signal(libc::SIGUSR2);
    let reopened = || scene.log().contains("received SIGUSR2");
    assert!(wait_until(DEADLINE, reopened));
    for number in 6..9 {
        say(&scene, "p", number);
        follower.assert_once("p", number, "opened anew");
        late.assert_once("p", number, "late and opened anew");
    }
    assert!(scene.dir.read("p.log").unwrap().contains("number 8 "));
    scene.stop();
}

#[test]
fn a_follower_saw_nothing_of_a_log_whose_folder_was_removed() {
    let dir = Dir::new();
    fs::create_dir(dir.join("logs")).unwrap();
    let scene = Scene::start_as(dir, &program("p", "logs/p.log", &limits(0, 0)), |_| {});
    scene.wait("p", "RUNNING");
    let follower = Follower::http(&scene, "/logtail/p");
    say(&scene, "p", 1);
    follower.assert_once("p", 1, "before");
    fs::remove_dir_all(scene.dir.join("logs")).unwrap();
    for number in 2..5 {
        say(&scene, "p", number);
        follower.assert_once("p", number, "without the folder");
    }
    fs::create_dir(scene.dir.join("logs")).unwrap();
    for number in 5..8 {
        say(&scene, "p", number);
        follower.assert_once("p", number, "with a new one");
    }
    assert!(scene.dir.read("logs/p.log").unwrap().contains("number 7 "));
    scene.stop();
}

#[test]
fn a_follower_goes_on_when_its_process_is_started_on_another_file() {
    let scene = Scene::start(&program("p", "p.log", &limits(0, 0)));
    scene.wait("p", "RUNNING");
    let follower = Follower::http(&scene, "/logtail/p");
    let mut number = 0;
    for round in 0..6 {
        number += 1;
        say(&scene, "p", number);
        follower.assert_once("p", number, "running");
        scene.call("stopProcess", &[Value::text("p")]).answer();
        let log = scene.dir.join("p.log");
        match round % 3 {
            0 => fs::remove_file(&log).unwrap(),
            1 => fs::rename(&log, scene.dir.join(&format!("moved{round}"))).unwrap(),
            _ => {}
        }
        scene.call("startProcess", &[Value::text("p")]).answer();
    }
    scene.stop();
}

#[test]
fn a_follower_that_is_slow_gets_files_that_have_no_name_any_more() {
    const LINES: usize = 30_000;
    let dir = Dir::new();
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand=/bin/sh -c 'read go; seq -f \"p number %%.0f end\" 1 {LINES}; exec cat'\n\
             startsecs=0\nstdout_logfile=%(here)s/p.log\n{}\n",
            limits(100_000, 1)
        ),
        |_| {},
    );
    scene.wait("p", "RUNNING");
    // It reads nothing until all has been written.
    let stream = connect(&scene, "/logtail/p");
    let mut ready = [nix::poll::PollFd::new(
        stream.as_fd(),
        nix::poll::PollFlags::POLLIN,
    )];
    let limit = nix::poll::PollTimeout::from(20_000u16);
    assert_eq!(nix::poll::poll(&mut ready, limit), Ok(1), "it is followed");
    let go = [Value::text("p"), Value::text("go\n")];
    scene.call("sendProcessStdin", &go).answer();
    // The last line may be the one that fills the log, which then is rolled over at once.
    let last = format!("p number {LINES} end\n");
    let is_written = || {
        ["p.log", "p.log.1"].iter().any(|name| {
            scene
                .dir
                .read(name)
                .is_some_and(|text| text.ends_with(&last))
        })
    };
    assert!(wait_until(DEADLINE, is_written));
    assert!(!scene.dir.join("p.log.2").exists());
    let follower = Follower::of(stream, None);
    follower.assert_once("p", LINES, "slow");
    scene.stop();
}

/// How often a process has gone to sleep so far.
fn rests(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn a_follower_of_a_quiet_log_woke_the_daemon_ten_times_a_second() {
    let scene = Scene::start(&program("p", "p.log", &limits(0, 0)));
    scene.wait("p", "RUNNING");
    let follower = Follower::http(&scene, "/logtail/p");
    say(&scene, "p", 1);
    follower.assert_once("p", 1, "before");
    let (begin, before) = (Instant::now(), rests(scene.daemon.pid()));
    thread::sleep(Duration::from_secs(3));
    let rested = rests(scene.daemon.pid()) - before;
    // Once a second, and what was still to be done at the beginning.
    let most = begin.elapsed().as_secs() as usize + 10;
    assert!(rested <= most, "{rested} times");
    // And yet what comes is sent, and what others do is seen.
    say(&scene, "p", 2);
    follower.assert_once("p", 2, "after");
    let log = OpenOptions::new()
        .append(true)
        .open(scene.dir.join("p.log"));
    log.unwrap().write_all(b"p number 3 end\n").unwrap();
    follower.assert_once("p", 3, "by others");
    scene.stop();
}

#[test]
fn lines_that_others_write_to_the_same_file_are_told_once_among_those_of_the_program() {
    const LINES: usize = 500;
    let scene = Scene::start(&program("p", "p.log", &limits(0, 0)));
    scene.wait("p", "RUNNING");
    let follower = Follower::http(&scene, "/logtail/p");
    let log = OpenOptions::new()
        .append(true)
        .open(scene.dir.join("p.log"));
    let mut log = log.unwrap();
    let other = thread::spawn(move || {
        for number in 1..=LINES {
            let line = format!("other number {number} end\n");
            log.write_all(line.as_bytes()).unwrap();
            thread::yield_now();
        }
    });
    for number in 1..=LINES {
        say(&scene, "p", number);
    }
    other.join().unwrap();
    follower.assert_once("other", LINES, "by others");
    follower.assert_once("p", LINES, "by the program");
    scene.stop();
}
