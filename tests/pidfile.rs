//! The pid file: who holds it, who writes it and who removes it.

use super::support::{
    Address, DEADLINE, Daemon, Dir, Finished, Kind, Launch, Rpc, Scene, children_of, finish,
    is_alive, kill, usual_configuration, wait_until,
};
use nix::fcntl::{FcntlArg, Flock, FlockArg, fcntl};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// A program that leaves a line each time that it is started.
const PROGRAM: &str =
    "[program:p]\ncommand=/bin/sh -c 'echo started >>%(here)s/starts; exec cat'\nstartsecs=0\n";

/// Without a server that a second one would find in use.
fn without_servers(dir: &Dir, more: &str) {
    let text = format!(
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\nchildlogdir=%(here)s\n{more}"
    );
    dir.write("supervisord.conf", text);
}

fn starts(dir: &Dir) -> usize {
    dir.read("starts").map_or(0, |text| text.lines().count())
}

/// Starts one that should not stay.
fn start_another(dir: &Dir, options: &[&str]) -> Finished {
    let mut command = Command::new(Kind::Ours.program("supervisord", &dir.bin()));
    command
        .args(["-c", "supervisord.conf"])
        .args(options)
        .current_dir(dir.path());
    finish(command, "", DEADLINE)
}

/// Locks a file by both kinds of locks, unless somebody else has.
fn lock(dir: &Dir, name: &str) -> Option<Flock<File>> {
    let file = File::options().write(true).open(dir.join(name)).unwrap();
    lock_of_fcntl(&file, libc::F_WRLCK).then_some(())?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()
}

pub fn lock_of_fcntl(file: &File, kind: i32) -> bool {
    let lock = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).is_ok()
}

fn is_free(dir: &Dir, name: &str) -> bool {
    lock(dir, name).is_some()
}

fn wait_for_pid(dir: &Dir, daemon: &Daemon) {
    let pid = format!("{}\n", daemon.pid());
    let written = wait_until(DEADLINE, || dir.read("main.pid").as_ref() == Some(&pid));
    assert!(written, "{:?}, {}", dir.read("main.pid"), daemon.stderr());
}

#[test]
fn a_second_supervisord_started_the_programs_a_second_time() {
    let dir = Dir::new();
    without_servers(&dir, PROGRAM);
    let mut first = Daemon::start(Kind::Ours, &dir);
    wait_for_pid(&dir, &first);
    assert!(wait_until(DEADLINE, || starts(&dir) == 1));
    for options in [&["-n"][..], &[]] {
        let second = start_another(&dir, options);
        assert_eq!(second.status, Some(2), "{second:?}");
        let told = format!(
            "Error: Another supervisord is running: it holds the pid file {}, in which stands {}.  \
             Shut it down first, or give this one a pidfile of its own.\n",
            dir.join("main.pid").display(),
            first.pid()
        );
        assert!(second.stderr.starts_with(&told), "{second:?}");
        wait_for_pid(&dir, &first);
    }
    // What stands in the file is of no account.
    dir.write("main.pid", "nonsense");
    let second = start_another(&dir, &["-n"]);
    assert_eq!(second.status, Some(2), "{second:?}");
    assert!(second.stderr.contains("main.pid.  Shut it down"));
    assert_eq!(starts(&dir), 1);
    assert_eq!(first.stop(), Some(0));
}

#[test]
fn a_second_supervisord_on_a_server_in_use_is_told_so_in_the_words_of_4_3_0() {
    let scene = Scene::start(PROGRAM);
    let second = start_another(&scene.dir, &["-n"]);
    assert_eq!(second.status, Some(2));
    let told = "Error: Another program is already listening on a port that one of our HTTP servers";
    assert!(second.stderr.starts_with(told), "{second:?}");
    assert!(scene.rpc.answers());
    scene.stop();
}

#[test]
fn what_a_killed_supervisord_has_left_is_taken_over() {
    let dir = Dir::new();
    without_servers(&dir, PROGRAM);
    // The number is that of a process that lives, as in a container it may be.
    dir.write("main.pid", format!("{}\n", std::process::id()));
    let mut first = Daemon::start(Kind::Ours, &dir);
    wait_for_pid(&dir, &first);
    assert!(wait_until(DEADLINE, || starts(&dir) == 1));
    let children = children_of(first.pid());
    first.signal(libc::SIGKILL);
    assert_eq!(first.wait(DEADLINE), Some(-libc::SIGKILL));
    // Its program has its input from nobody now, and would end; the lock is not its anyway.
    let mut second = Daemon::start(Kind::Ours, &dir);
    wait_for_pid(&dir, &second);
    assert!(!is_free(&dir, "main.pid"));
    assert_eq!(second.stop(), Some(0));
    assert!(!dir.join("main.pid").exists());
    for child in children.into_iter().filter(|child| is_alive(*child)) {
        kill(child, libc::SIGKILL);
    }
}

/// Who may read the pid file can open it, and so have it locked in the ways that a reader can.
#[test]
fn a_reader_of_what_a_killed_supervisord_had_left_kept_the_next_one_from_starting() {
    let dir = Dir::new();
    without_servers(&dir, "");
    let locked_by_flock = |file: File| Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
    for is_of_fcntl in [false, true] {
        dir.write("main.pid", "4000000\n");
        let reader = File::open(dir.join("main.pid")).unwrap();
        let left = reader.metadata().unwrap().ino();
        let held = match is_of_fcntl {
            true => {
                assert!(lock_of_fcntl(&reader, libc::F_RDLCK));
                Err(reader)
            }
            false => Ok(locked_by_flock(reader)),
        };
        let mut daemon = Daemon::start(Kind::Ours, &dir);
        wait_for_pid(&dir, &daemon);
        let found = fs::metadata(dir.join("main.pid")).unwrap();
        assert_eq!(found.ino() != left, is_of_fcntl);
        // It is as sure of its file as ever.
        let second = start_another(&dir, &["-n"]);
        assert_eq!(second.status, Some(2), "{second:?}");
        assert!(second.stderr.contains("holds the pid file"), "{second:?}");
        assert_eq!(daemon.stop(), Some(0));
        assert!(!dir.join("main.pid").exists());
        drop(held);
    }
}

#[test]
fn a_pid_file_with_another_number_was_removed_at_the_end() {
    for text in ["1\n", "", "12345678901234567890\n"] {
        let dir = Dir::new();
        without_servers(&dir, "");
        let mut daemon = Daemon::start(Kind::Ours, &dir);
        wait_for_pid(&dir, &daemon);
        dir.write("main.pid", text);
        assert_eq!(daemon.stop(), Some(0));
        assert_eq!(dir.read("main.pid").as_deref(), Some(text));
    }
    // Another file with the same number, which somebody else holds, as in another container.
    let dir = Dir::new();
    without_servers(&dir, "");
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    wait_for_pid(&dir, &daemon);
    fs::remove_file(dir.join("main.pid")).unwrap();
    dir.write("main.pid", format!("{}\n", daemon.pid()));
    let _held = lock(&dir, "main.pid").unwrap();
    assert_eq!(daemon.stop(), Some(0));
    assert!(dir.join("main.pid").exists());
}

#[test]
fn a_restart_keeps_the_pid_file_and_changes_to_another_one() {
    let mut scene = Scene::start("");
    let dir = &scene.dir;
    let pid = format!("{}\n", scene.daemon.pid());
    let started = "supervisord started with pid";
    let reload = |scene: &Scene, times: usize| {
        scene.daemon.signal(libc::SIGHUP);
        let again = wait_until(DEADLINE, || scene.log().matches(started).count() == times);
        assert!(again, "{}", scene.log());
    };
    reload(&scene, 2);
    assert_eq!(dir.read("main.pid"), Some(pid.clone()));
    assert!(!is_free(dir, "main.pid"));

    let text = usual_configuration("").replace("main.pid", "other.pid");
    dir.write("supervisord.conf", &text);
    reload(&scene, 3);
    assert!(!dir.join("main.pid").exists());
    assert_eq!(dir.read("other.pid"), Some(pid.clone()));
    assert!(!is_free(dir, "other.pid"));

    // One that somebody holds is not to be had: all goes on with that of before.
    dir.write("held.pid", "");
    let _held = lock(dir, "held.pid").unwrap();
    dir.write("supervisord.conf", text.replace("other.pid", "held.pid"));
    reload(&scene, 4);
    assert!(scene.log().contains("running as before"), "{}", scene.log());
    assert_eq!(dir.read("other.pid"), Some(pid));
    assert!(!is_free(dir, "other.pid"));

    dir.write(
        "supervisord.conf",
        text.replace("%(here)s/other.pid", "none"),
    );
    reload(&scene, 5);
    assert!(!dir.join("other.pid").exists());
    scene.daemon.wait_until_it_answers(&scene.rpc);
    scene.stop();
}

#[test]
fn a_lock_that_cannot_be_had_is_told_and_nothing_else() {
    let dir = Dir::new();
    dir.write("flock", libc::ENOLCK.to_string());
    let scene = Scene::start_as(dir, "", |launch| launch.shim = true);
    scene.wait_log(&format!(
        "WARN cannot lock the pid file {}: No locks available; a second supervisord would not notice this one\n",
        scene.dir.join("main.pid").display()
    ));
    wait_for_pid(&scene.dir, &scene.daemon);
    scene.stop();
}

#[test]
fn two_that_have_no_pidfile_run_in_one_directory_as_with_4_3_0() {
    let dir = Dir::new();
    let configure = |name: &str| {
        let text = usual_configuration("").replace("pidfile=%(here)s/main.pid\n", "");
        let text = text.replace("main.log", &format!("{name}.log"));
        text.replace("/s\n", &format!("/{name}.s\n"))
    };
    dir.write("supervisord.conf", configure("first"));
    let mut first = Daemon::start(Kind::Ours, &dir);
    first.wait_until_it_answers(&Rpc::new(Address::Unix(dir.join("first.s"))));
    dir.write("supervisord.conf", configure("second"));
    let mut second = Daemon::start(Kind::Ours, &dir);
    second.wait_until_it_answers(&Rpc::new(Address::Unix(dir.join("second.s"))));
    let log = dir.read("second.log").unwrap();
    let told = format!(
        "WARN Another supervisord is running: it holds the pid file {}, in which stands {}.",
        dir.join("supervisord.pid").display(),
        first.pid()
    );
    assert!(log.contains(&told), "{log}");
    let text = dir.read("supervisord.pid");
    assert_eq!(text, Some(format!("{}\n", second.pid())));
    assert_eq!(first.stop(), Some(0));
    assert!(
        dir.join("supervisord.pid").exists(),
        "it is the second one's"
    );
    assert_eq!(second.stop(), Some(0));
    assert!(!dir.join("supervisord.pid").exists());
}

#[test]
fn nobody_holds_a_device() {
    let dir = Dir::new();
    without_servers(&dir, "");
    let options = &["-j", "/dev/null"][..];
    let launch = Launch {
        options,
        ..Launch::new(Kind::Ours, &dir)
    };
    let mut both = [Daemon::launch(&launch), Daemon::launch(&launch)];
    let started = "supervisord started with pid";
    let log = || dir.read("main.log").unwrap_or_default();
    assert!(wait_until(DEADLINE, || log().matches(started).count() == 2));
    for daemon in &mut both {
        assert_eq!(daemon.stop(), Some(0));
    }
}
