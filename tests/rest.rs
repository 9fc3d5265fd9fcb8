//! What a daemon at rest gives back: the pages of its code, which it maps again
//! when something happens.

use super::idle::{comes_to_rest, status_number};
use super::support::{DEADLINE, Scene, Value, wait_until};
use std::fs::{File, read_link, read_to_string};
use std::os::unix::fs::FileExt;

/// A program that does nothing.
const QUIET: &str =
    "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n";

/// How much of files a process has mapped, in KiB.
fn mapped(pid: u32) -> u64 {
    status_number(pid, "RssFile")
}

/// Waits until little is left of what was mapped, and nothing happens any more.
fn gives_back(pid: u32, awake: u64) {
    assert!(
        wait_until(DEADLINE, || mapped(pid) < awake / 3),
        "{} KiB of {awake} are mapped",
        mapped(pid)
    );
    assert!(comes_to_rest(pid));
}

/// A daemon that has nothing to do, and how much it has mapped.
fn start() -> (Scene, u32, u64) {
    let scene = Scene::start(QUIET);
    scene.wait("p", "RUNNING");
    let pid = scene.daemon.pid();
    (scene, pid, mapped(pid))
}

#[test]
fn a_daemon_gives_its_code_back_whenever_it_comes_to_rest_and_answers_as_before() {
    let (scene, pid, awake) = start();
    for _ in 0..2 {
        gives_back(pid, awake);
        let rested = mapped(pid);
        let state = scene.call("getState", &[]).answer();
        assert_eq!(state.text_of("statename"), "RUNNING");
        assert!(mapped(pid) > rested, "an answer needs code");
    }
    gives_back(pid, awake);
    let program = Value::text("p");
    let stopped = scene.call("stopProcess", &[program]).answer();
    assert_eq!(stopped, Value::Bool(true));
    scene.stop();
}

#[test]
fn a_signal_does_not_bring_the_rest_forward() {
    let (scene, pid, awake) = start();
    // Else it would not interrupt the wait.
    assert!(comes_to_rest(pid));
    scene.daemon.signal(libc::SIGUSR2);
    scene.wait_log("received SIGUSR2 indicating log reopen request");
    assert!(mapped(pid) >= awake, "{} of {awake} KiB", mapped(pid));
    scene.stop();
}

/// A mapping of a process's program, out of `smaps`.
struct Mapping {
    start: u64,
    text: String,
}

impl Mapping {
    /// The first one with these permissions.
    fn find(pid: u32, permissions: &str) -> Mapping {
        let program = read_link(format!("/proc/{pid}/exe")).unwrap();
        let smaps = read_to_string(format!("/proc/{pid}/smaps")).unwrap();
        let is_it = |line: &str| {
            line.contains(&format!(" {permissions} ")) && line.ends_with(program.to_str().unwrap())
        };
        let lines: Vec<&str> = smaps.lines().skip_while(|line| !is_it(line)).collect();
        let start = lines[0].split('-').next().unwrap();
        Mapping {
            start: u64::from_str_radix(start, 16).unwrap(),
            text: lines[..25.min(lines.len())].join("\n"),
        }
    }

    /// One of the numbers that the kernel tells of it, in KiB.
    fn number(&self, key: &str) -> u64 {
        let mut lines = self.text.lines();
        let number = lines.find_map(|line| line.strip_prefix(key)).unwrap();
        number.split_whitespace().next().unwrap().parse().unwrap()
    }
}

#[test]
fn code_with_a_breakpoint_stays() {
    let (scene, pid, _) = start();
    let code = Mapping::find(pid, "r-xp").start;
    // As a debugger sets one: the process gets a page of its own, be it with the same byte.
    let memory = File::options()
        .read(true)
        .write(true)
        .open(format!("/proc/{pid}/mem"))
        .unwrap();
    let mut byte = [0];
    memory.read_exact_at(&mut byte, code).unwrap();
    memory.write_all_at(&byte, code).unwrap();
    assert_ne!(Mapping::find(pid, "r-xp").number("Anonymous:"), 0);
    let has_rested = wait_until(DEADLINE, || Mapping::find(pid, "r--p").number("Rss:") == 0);
    assert!(has_rested, "constants are given back");
    assert_ne!(Mapping::find(pid, "r-xp").number("Anonymous:"), 0);
    scene.stop();
}
