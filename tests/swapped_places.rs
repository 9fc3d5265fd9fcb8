//! Names that become others' between two system calls of supervisord, in directories that belong
//! to a program's user: it is stopped between them by strace, as in [`places`](super::places).

use std::fs;
use std::path::Path;

use super::places::{ground, is_untouched, plant, wait_for_log};
use super::support::{DEADLINE, Daemon, Dir, Kind, Launch, wait_until};

/// A wrapper in which the daemon stops after the first call of that name that uses the path.
fn stopping_at<'a>(inject: &'a str, path: &'a str) -> Vec<&'a str> {
    let mut words = vec!["strace", "-D", "-qq", "-o", "/dev/null", "-e", inject];
    if !path.is_empty() {
        words.extend(["-P", path]);
    }
    words
}

fn configure(dir: &Dir, more: &str) {
    let text = format!(
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
         childlogdir=%(here)s\n{more}"
    );
    dir.write("supervisord.conf", text);
}

fn launch(dir: &Dir, wrapper: &[&str]) -> Daemon {
    let mut launch = Launch::new(Kind::Ours, dir);
    launch.wrapper = wrapper;
    let daemon = Daemon::launch(&launch);
    let is_stopped = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).unwrap_or_default();
        stat.contains("(supervisord) T ") || stat.contains("(supervisord) t ")
    };
    // A traced process stops for a moment at each of its calls.
    let stays = || (0..20).all(|_| is_stopped());
    assert!(wait_until(DEADLINE, stays), "{}", daemon.stderr());
    daemon
}

fn swap(dir: &Dir, name: &str, target: impl AsRef<Path>) {
    fs::rename(dir.join(name), dir.join(&format!("{name}.moved"))).unwrap();
    plant(dir, name, target);
}

#[test]
fn a_socket_was_made_in_a_directory_that_a_link_led_to_when_it_was_bound() {
    let Some(dir) = ground() else { return };
    fs::create_dir(dir.join("theirs/run")).unwrap();
    configure(
        &dir,
        "[fcgi-program:f]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
         socket=unix://%(here)s/theirs/run/f.sock\n",
    );
    // Just before it is bound.
    let wrapper = stopping_at("inject=fchmod:signal=SIGSTOP:when=1", "");
    let mut daemon = launch(&dir, &wrapper);
    swap(&dir, "theirs/run", dir.join("ours"));
    daemon.signal(libc::SIGCONT);
    // It has its socket where it was to be, or none.
    let made = || dir.join("theirs/run.moved/f.sock").exists() || dir.join("ours/f.sock").exists();
    assert!(wait_until(DEADLINE, made), "{}", daemon.stderr());
    assert!(!dir.join("ours/f.sock").exists());
    daemon.stop();
}

#[test]
fn a_hard_link_that_was_taken_away_after_it_was_opened_had_a_log_written_to_its_file() {
    let Some(dir) = ground() else { return };
    fs::hard_link(dir.join("ours/precious"), dir.join("theirs/w.log")).unwrap();
    configure(
        &dir,
        "[program:p]\ncommand=/bin/sh -c 'echo hello; exec sleep 1000'\nstartsecs=0\n\
         stdout_logfile=%(here)s/theirs/w.log\n",
    );
    let theirs = dir.join("theirs").display().to_string();
    let wrapper = stopping_at("inject=openat:signal=SIGSTOP:when=1", &theirs);
    let mut daemon = launch(&dir, &wrapper);
    fs::remove_file(dir.join("theirs/w.log")).unwrap();
    daemon.signal(libc::SIGCONT);
    wait_for_log(&dir, &daemon, "spawned: 'p'");
    let read = |name: &str| dir.read(name).unwrap_or_default();
    let written = || (read("ours/precious") + &read("theirs/w.log")).contains("hello");
    assert!(wait_until(DEADLINE, written), "{}", read("main.log"));
    assert!(is_untouched(&dir), "{}", read("ours/precious"));
    daemon.stop();
}
