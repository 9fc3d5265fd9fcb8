//! Names that become others' between two system calls of supervisord, in directories that belong
//! to a program's user: it is stopped between them by strace, as in [`places`](super::places).

use std::fs;
use std::path::Path;

use super::places::{ground, is_untouched, plant, wait_for_log};
use super::support::{DEADLINE, Daemon, Dir, Kind, Launch, wait_until};

/// Starts a daemon that stops after the first call of that name that uses the path, if there is
/// one, and returns when it has stopped.
fn stopped_after(dir: &Dir, call: &str, path: Option<&Path>) -> Daemon {
    let told = dir.join("strace.out").display().to_string();
    let inject = format!("inject={call}:signal=SIGSTOP:when=1");
    let trace = format!("trace={call}");
    let mut wrapper = vec![
        "strace", "-D", "-qq", "-o", &told, "-e", &trace, "-e", &inject,
    ];
    let path = path.map(|path| path.display().to_string());
    if let Some(path) = &path {
        wrapper.extend(["-P", path]);
    }
    let mut launch = Launch::new(Kind::Ours, dir);
    launch.wrapper = &wrapper;
    let daemon = Daemon::launch(&launch);
    let read = || dir.read("strace.out").unwrap_or_default();
    let is_stopped = wait_until(DEADLINE, || read().contains("stopped by SIGSTOP"));
    assert!(is_stopped, "{}\n{}", read(), daemon.stderr());
    daemon
}

fn configure(dir: &Dir, more: &str) {
    let text = format!(
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
         childlogdir=%(here)s\n{more}"
    );
    dir.write("supervisord.conf", text);
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
    let mut daemon = stopped_after(&dir, "fchmod", None);
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
    let mut daemon = stopped_after(&dir, "openat", Some(&dir.join("theirs")));
    fs::remove_file(dir.join("theirs/w.log")).unwrap();
    daemon.signal(libc::SIGCONT);
    wait_for_log(&dir, &daemon, "spawned: 'p'");
    let read = |name: &str| dir.read(name).unwrap_or_default();
    let written = || (read("ours/precious") + &read("theirs/w.log")).contains("hello");
    assert!(wait_until(DEADLINE, written), "{}", read("main.log"));
    assert!(is_untouched(&dir), "{}", read("ours/precious"));
    daemon.stop();
}
