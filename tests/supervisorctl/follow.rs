//! `tail` of several processes and channels, and by lines.

use crate::support::{Ctl, DEADLINE, Kind, Scene, kill, plain_environment, wait_until};
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// A supervisorctl that goes on, and what it has printed so far.
struct Running {
    child: Child,
    printed: Arc<Mutex<String>>,
}

impl Running {
    fn start(scene: &Scene, line: &str) -> Running {
        let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
        plain_environment(&mut command);
        let mut child = command
            .arg("-c")
            .arg(scene.dir.join("supervisord.conf"))
            .args(line.split(' '))
            .current_dir(scene.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let printed = Arc::new(Mutex::new(String::new()));
        let (mut pipe, shared) = (child.stdout.take().unwrap(), Arc::clone(&printed));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let piece = String::from_utf8_lossy(&buffer[..length]).into_owned();
                shared.lock().unwrap().push_str(&piece);
            }
        });
        Running { child, printed }
    }

    fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    fn wait_line(&self, line: &str) {
        let is_there = || self.printed().lines().any(|printed| printed == line);
        assert!(
            wait_until(DEADLINE, is_there),
            "{line:?} is not in\n{}",
            self.printed()
        );
    }

    /// Ends it as Ctrl-C does.
    fn interrupt(&mut self) -> Option<i32> {
        kill(self.child.id(), libc::SIGINT);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PROGRAMS: &str = "\
[program:a]
command=cat
startsecs=0
stdout_logfile=%(here)s/a.out
stderr_logfile=%(here)s/a.err
[program:m]
command=sh -c 'while read line; do echo \"out $line\"; echo \"err $line\" >&2; done'
process_name=m%(process_num)d
numprocs=2
startsecs=0
stdout_logfile=%(here)s/%(process_num)d.out
stderr_logfile=%(here)s/%(process_num)d.err
[group:g]
programs=m
";

fn say(scene: &Scene, name: &str, text: &str) {
    let end = Ctl::new(Kind::Ours, &scene.dir).run(&["debug", "-w", "0", name, text]);
    assert_eq!(end.status, Some(0), "{end:?}");
}

#[test]
fn several_processes_and_both_channels_are_followed_in_whole_lines() {
    let scene = Scene::start(PROGRAMS);
    scene.wait_all("RUNNING");
    let mut tail = Running::start(&scene, "tail -f a g:* --both");
    tail.wait_line("==> Press Ctrl-C to exit <==");
    say(&scene, "a", "one");
    tail.wait_line("a stdout    | one");
    say(&scene, "g:m0", "two");
    tail.wait_line("g:m0 stdout | out two");
    tail.wait_line("g:m0 stderr | err two");
    say(&scene, "g:m1", "three");
    tail.wait_line("g:m1 stderr | err three");
    assert_eq!(tail.interrupt(), Some(0));
    assert!(tail.printed().ends_with('\n'));

    let mut tail = Running::start(&scene, "tail -f a g:m1");
    tail.wait_line("a    | one");
    tail.wait_line("g:m1 | out three");
    assert_eq!(tail.interrupt(), Some(0));
}

#[test]
fn following_outlives_rotation_truncation_and_a_restart_of_the_process() {
    let scene = Scene::start(&format!(
        "{PROGRAMS}[program:r]\ncommand=cat\nstartsecs=0\nstdout_logfile=%(here)s/r.out\n\
         stdout_logfile_maxbytes=30\nstdout_logfile_backups=2\n"
    ));
    scene.wait_all("RUNNING");
    let mut tail = Running::start(&scene, "tail -f a r");
    tail.wait_line("==> Press Ctrl-C to exit <==");
    for number in 0..6 {
        say(&scene, "r", &format!("a line of number {number}"));
        tail.wait_line(&format!("r | a line of number {number}"));
    }
    assert!(scene.dir.read("r.out.1").is_some(), "no rotation");
    say(&scene, "a", "before");
    tail.wait_line("a | before");
    fs::File::options()
        .write(true)
        .truncate(true)
        .open(scene.dir.join("a.out"))
        .unwrap();
    tail.wait_line("a | ==> File truncated <==");
    say(&scene, "a", "after");
    tail.wait_line("a | after");
    let end = Ctl::new(Kind::Ours, &scene.dir).run(&["restart", "a"]);
    assert_eq!(end.stdout, "a: stopped\na: started\n");
    say(&scene, "a", "again");
    tail.wait_line("a | again");
    assert_eq!(tail.interrupt(), Some(0));
}

#[test]
fn a_number_of_lines_is_shown_of_one_log_or_of_several() {
    let scene = Scene::start(PROGRAMS);
    scene.wait_all("RUNNING");
    scene.dir.write("a.out", "1\n2\n3\nlast");
    scene.dir.write("0.out", "x\ny\n");
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    for (line, stdout, status) in [
        ("tail -n 2 a", "3\nlast\n", 0),
        ("tail -n2 g:m0", "x\ny\n", 0),
        ("tail -n 1 a g:m0", "a    | last\ng:m0 | y\n", 0),
        ("tail -n 1 g:m?", "g:m0 | y\n", 0),
        ("tail -4 g:*", "g:m0 | x\ng:m0 | y\n", 0),
        ("tail [a] stdout", "1\n2\n3\nlast\n", 0),
        (
            "tail -n 1 nosuch",
            "nosuch: ERROR (no such process name)\n",
            1,
        ),
        ("tail x*", "x*: ERROR (no such process name)\n", 1),
        (
            "tail nosuch:*",
            "nosuch:*: ERROR (no such process name)\n",
            1,
        ),
        ("tail -n", "Error: -n requires a number of lines\n", 1),
        ("tail -f a nosuch", "Error: bad channel 'nosuch'\n", 1),
        // As 4.3.0 has them.
        ("tail -4 a", "last\n", 0),
        ("tail g:m0 stdout", "x\ny\n\n", 0),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let end = ctl.run(&words);
        assert_eq!(
            (end.stdout.as_str(), end.status),
            (stdout, Some(status)),
            "{line}"
        );
    }
    let end = ctl.run(&["maintail", "-n", "1"]);
    assert_eq!(end.stdout.lines().count(), 1, "{end:?}");
    assert!(scene.log().contains(end.stdout.trim_end()), "{end:?}");

    let mut tail = Running::start(&scene, "tail -n 1 -f a");
    tail.wait_line("last");
    say(&scene, "a", "more");
    tail.wait_line("lastmore");
    assert_eq!(tail.printed(), "==> Press Ctrl-C to exit <==\nlastmore\n");
    assert_eq!(tail.interrupt(), Some(0));
}

#[test]
fn lines_to_follow_were_cut_out_of_the_last_1024_bytes() {
    let scene = Scene::start(PROGRAMS);
    scene.wait_all("RUNNING");
    let numbered: String = (0..9000).map(|n| format!("line number {n}\n")).collect();
    let log = numbered.clone() + &"x".repeat(3000) + "\n";
    scene.dir.write("a.out", log.as_bytes());
    // The same over and over: the seam must not be taken for another place.
    let same = "same\n".repeat(2000);
    scene.dir.write("0.out", same.as_bytes());
    let head = "==> Press Ctrl-C to exit <==\n";
    for (line, lines, from) in [
        ("tail -f -n 1 a", 1, &log),
        ("tail -f -n 5000 a", 5000, &log),
        ("tail -f -n 99999 a", 9001, &log),
        ("tail -f -n 1500 g:m0", 1500, &same),
        ("tail -f -n 0 a", 0, &log),
    ] {
        let mut tail = Running::start(&scene, line);
        tail.wait_line("==> Press Ctrl-C to exit <==");
        let skipped = from.lines().count() - lines;
        let shown = from.split_inclusive('\n').skip(skipped).collect::<String>();
        let expected = head.to_owned() + &shown;
        assert!(
            wait_until(DEADLINE, || tail.printed() == expected),
            "{line}: {} lines",
            tail.printed().lines().count()
        );
        assert_eq!(tail.interrupt(), Some(0));
    }
    let mut tail = Running::start(&scene, "tail -f -n 2 a");
    tail.wait_line(&"x".repeat(3000));
    say(&scene, "a", "and on");
    tail.wait_line("and on");
    let expected = format!("{head}line number 8999\n{}\nand on\n", "x".repeat(3000));
    assert_eq!(tail.printed(), expected);
    assert_eq!(tail.interrupt(), Some(0));
}

#[test]
fn following_what_is_not_there_succeeded() {
    let scene = Scene::start(
        "[program:a]\ncommand=cat\n[program:silent]\ncommand=cat\nstdout_logfile=NONE\n",
    );
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    for words in [
        "nosuch",
        "nosuch stderr",
        "a:nosuch",
        "silent",
        "-n 5 nosuch",
        "nosuch --both",
        "nosuch:*",
        "no*",
    ] {
        let run = |before: &[&str]| {
            let words = before.iter().copied().chain(words.split(' '));
            ctl.run(&words.collect::<Vec<_>>()).status
        };
        let expected = run(&["tail"]);
        assert_eq!(run(&["tail", "-f"]), expected, "{words}");
        assert_eq!(expected, Some(1), "{words}");
    }
}

#[test]
fn one_unknown_name_among_several_was_told_as_a_bad_channel_alone() {
    let scene = Scene::start(PROGRAMS);
    scene.wait_all("RUNNING");
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    for (line, stdout, stderr) in [
        (
            "tail -f a nosuch",
            "Error: bad channel 'nosuch'\n",
            "supervisorctl: no process has the name nosuch\n",
        ),
        (
            "tail -f nosuch a",
            "Error: bad channel 'a'\n",
            "supervisorctl: no process has the name nosuch\n",
        ),
        ("tail -f x*", "x*: ERROR (no such process name)\n", ""),
        (
            "tail -f x:* y?",
            "x:*: ERROR (no such process name)\ny?: ERROR (no such process name)\n",
            "",
        ),
    ] {
        let end = ctl.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(
            (end.stdout.as_str(), end.stderr.as_str(), end.status),
            (stdout, stderr, Some(1)),
            "{line}"
        );
    }
}

#[test]
fn an_option_to_follow_behind_the_name_was_taken_for_a_channel() {
    let scene = Scene::start(PROGRAMS);
    scene.wait_all("RUNNING");
    say(&scene, "a", "before");
    for line in ["tail a -f", "tail a stdout -f", "tail a -f stdout"] {
        let mut tail = Running::start(&scene, line);
        tail.wait_line("before");
        assert!(
            tail.printed().starts_with("==> Press Ctrl-C to exit <==\n"),
            "{line}"
        );
        assert_eq!(tail.interrupt(), Some(0), "{line}");
    }
}
