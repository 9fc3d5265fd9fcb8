//! Directories that belong to others: what a program's user does there to the
//! names that supervisord, as root, opens, makes, moves and gives away, logs excepted. Where it has
//! to be done between two of its system calls, strace stops the daemon after the first of them.
//!
//! Only root can give directories away and has anything to lose; for everybody else there
//! is nothing to see.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::support::{
    DEADLINE, Daemon, Dir, Kind, Launch, Scene, Value, finish, usual_configuration, wait_until,
};

/// The program's user: that of most systems by the name `daemon`.
pub const STRANGER: u32 = 1;

/// A scene's directory with one of the stranger's in it, `theirs`.
pub fn ground() -> Option<Dir> {
    let dir = Dir::new();
    fs::create_dir(dir.join("theirs")).unwrap();
    fs::create_dir(dir.join("ours")).unwrap();
    dir.write("ours/precious", "precious\n");
    nix::unistd::getuid().is_root().then(|| {
        give_away(&dir, "theirs");
        dir
    })
}

pub fn give_away(dir: &Dir, name: &str) {
    lchown(dir.join(name), Some(STRANGER), Some(STRANGER)).unwrap();
}

/// As the stranger puts a link there, in the place of what is there.
pub fn plant(dir: &Dir, name: &str, target: impl AsRef<Path>) {
    let _ = fs::remove_file(dir.join(name));
    symlink(target, dir.join(name)).unwrap();
    give_away(dir, name);
}

/// A wrapper in which the daemon stops as soon as it has made a call of that kind.
pub fn stopping_after<'a>(inject: &'a str, trace: &'a str) -> Vec<&'a str> {
    vec![
        "strace",
        "-D",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        trace,
        "-e",
        inject,
    ]
}

/// Waits for a file that the daemon makes with the call after which it stops.
pub fn wait_for_file(daemon: &Daemon, path: &Path) {
    let made = wait_until(DEADLINE, || fs::symlink_metadata(path).is_ok());
    assert!(made, "{}: {}", path.display(), daemon.stderr());
}

pub fn wait_for_log(dir: &Dir, daemon: &Daemon, text: &str) {
    let log = || dir.read("main.log").unwrap_or_default();
    let told = wait_until(DEADLINE, || log().contains(text));
    assert!(told, "no {text:?} in\n{}\n{}", log(), daemon.stderr());
}

pub fn is_untouched(dir: &Dir) -> bool {
    let found = fs::metadata(dir.join("ours/precious")).unwrap();
    (found.uid(), found.mode() & 0o777) == (0, 0o644)
        && dir.read("ours/precious").as_deref() == Some("precious\n")
}

/// A program that writes each line that it is given by `sendProcessStdin` to `theirs/w.log`.
pub fn program(more: &str) -> String {
    format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/theirs/w.log\n{more}"
    )
}

pub fn say(scene: &Scene, text: &str) {
    let words = [Value::text("p"), Value::text(text)];
    scene.call("sendProcessStdin", &words).answer();
}

pub fn scene(dir: Dir, more: &str) -> Scene {
    let scene = Scene::start_as(dir, &program(more), |_| {});
    scene.wait("p", "RUNNING");
    scene
}

pub fn wait_for_text(scene: &Scene, name: &str, text: &str) {
    let read = || scene.dir.read(name).unwrap_or_default();
    let shown = wait_until(DEADLINE, || read().contains(text));
    assert!(shown, "{name}: {:?}\n{}", read(), scene.log());
}

/// Starts supervisord with a FastCGI socket in `theirs`, and returns while it is stopped
/// between making the socket's file and giving it away.
fn stopped_at_the_socket(dir: &Dir) -> Daemon {
    let configuration = "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
        childlogdir=%(here)s\n[fcgi-program:f]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
        socket=unix://%(here)s/theirs/f.sock\nsocket_owner=daemon:daemon\nsocket_mode=0666\n";
    dir.write("supervisord.conf", configuration);
    let mut launch = Launch::new(Kind::Ours, dir);
    let wrapper = stopping_after("inject=bind:signal=SIGSTOP:when=1", "trace=bind");
    launch.wrapper = &wrapper;
    let daemon = Daemon::launch(&launch);
    wait_for_file(&daemon, &dir.join("theirs/f.sock"));
    daemon
}

#[test]
fn the_owner_of_a_fastcgi_socket_was_given_what_was_put_in_its_place() {
    let Some(dir) = ground() else { return };
    let mut daemon = stopped_at_the_socket(&dir);
    plant(&dir, "theirs/f.sock", dir.join("ours/precious"));
    daemon.signal(libc::SIGCONT);
    wait_for_log(&dir, &daemon, "Could not create FastCGI socket");
    assert!(is_untouched(&dir));
    daemon.stop();
}

#[test]
fn the_owner_of_a_fastcgi_socket_was_given_another_socket_of_root() {
    let Some(dir) = ground() else { return };
    let _other = UnixListener::bind(dir.join("theirs/other.sock")).unwrap();
    let held = fs::File::options()
        .read(true)
        .custom_flags(libc::O_PATH)
        .open(dir.join("theirs/other.sock"))
        .unwrap();
    let mut daemon = stopped_at_the_socket(&dir);
    fs::rename(dir.join("theirs/other.sock"), dir.join("theirs/f.sock")).unwrap();
    daemon.signal(libc::SIGCONT);
    wait_for_log(&dir, &daemon, "Could not create FastCGI socket");
    assert_eq!(held.metadata().unwrap().uid(), 0);
    daemon.stop();
}

#[test]
fn a_fastcgi_socket_in_a_directory_of_its_user_has_its_mode_and_owner() {
    let Some(dir) = ground() else { return };
    let mut daemon = stopped_at_the_socket(&dir);
    daemon.signal(libc::SIGCONT);
    wait_for_log(&dir, &daemon, "success: f entered RUNNING state");
    let found = fs::symlink_metadata(dir.join("theirs/f.sock")).unwrap();
    assert_eq!((found.uid(), found.gid()), (STRANGER, STRANGER));
    assert_eq!(found.mode() & 0o7777, 0o666);
    daemon.stop();
}

#[test]
fn the_owner_of_the_servers_socket_was_given_what_was_put_in_its_place() {
    let Some(dir) = ground() else { return };
    let configuration = "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
        childlogdir=%(here)s\n[unix_http_server]\nfile=%(here)s/theirs/s\nchown=daemon:daemon\n";
    dir.write("supervisord.conf", configuration);
    let mut launch = Launch::new(Kind::Ours, &dir);
    let wrapper = stopping_after("inject=bind:signal=SIGSTOP:when=1", "trace=bind");
    launch.wrapper = &wrapper;
    let mut daemon = Daemon::launch(&launch);
    let temporary = format!("theirs/s.{}", daemon.pid());
    wait_for_file(&daemon, &dir.join(&temporary));
    plant(&dir, &temporary, dir.join("ours/precious"));
    daemon.signal(libc::SIGCONT);
    assert_eq!(daemon.wait(DEADLINE), Some(2), "{}", daemon.stderr());
    let told = daemon.stderr();
    assert!(
        told.contains("another file has taken the place of the socket"),
        "{told}"
    );
    assert!(is_untouched(&dir));
}

#[test]
fn a_pid_file_was_written_through_a_link() {
    let Some(dir) = ground() else { return };
    plant(&dir, "theirs/pid", dir.join("ours/precious"));
    dir.write(
        "supervisord.conf",
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/theirs/pid\n",
    );
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    wait_for_log(
        &dir,
        &daemon,
        "there is a link of user \"daemon\" on the way",
    );
    assert!(is_untouched(&dir));
    daemon.stop();
}

/// The lines of a text that tell of directories of others.
fn told_of(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines
        .filter(|line| line.contains("can replace what supervisord opens as root"))
        .collect()
}

#[test]
fn a_directory_that_others_may_write_to_is_told_of_once() {
    let Some(dir) = ground() else { return };
    fs::create_dir(dir.join("theirs/deeper")).unwrap();
    fs::create_dir(dir.join("open")).unwrap();
    fs::set_permissions(dir.join("open"), Permissions::from_mode(0o777)).unwrap();
    fs::create_dir(dir.join("like-tmp")).unwrap();
    fs::set_permissions(dir.join("like-tmp"), Permissions::from_mode(0o1777)).unwrap();
    fs::create_dir(dir.join("like-var-log")).unwrap();
    fs::set_permissions(dir.join("like-var-log"), Permissions::from_mode(0o775)).unwrap();
    std::os::unix::fs::chown(dir.join("like-var-log"), None, Some(STRANGER)).unwrap();
    let programs = |logs: &[&str]| -> String {
        let sections = logs.iter().enumerate().map(|(number, log)| {
            format!(
                "[program:p{number}]\ncommand=/bin/cat\nautostart=false\n\
                 stdout_logfile=%(here)s/{log}\nstderr_logfile=%(here)s/theirs/deeper/e.log\n"
            )
        });
        sections.collect()
    };
    let few = programs(&[
        "theirs/a.log",
        "ours/b.log",
        "like-tmp/c.log",
        "like-var-log/d.log",
    ]);
    let scene = Scene::start_as(dir, &few, |_| {});
    let log = scene.log();
    let found = told_of(&log);
    assert_eq!(found.len(), 1, "{log}");
    assert!(found[0].contains(" WARN "), "{log}");
    assert!(
        found[0].contains("/theirs belongs to user \"daemon\": who may write there can")
            && found[0].contains("the stdout_logfile of [program:p0];"),
        "{log}"
    );
    // A reread tells of what is new.
    let more = programs(&["theirs/a.log", "open/x.log", "open/y.log"]);
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&more));
    for _ in 0..2 {
        scene.call("reloadConfig", &[]).answer();
    }
    let log = scene.log();
    let found = told_of(&log);
    assert_eq!(found.len(), 2, "{log}");
    assert!(
        found[1].contains("/open can be written to by everybody: "),
        "{log}"
    );
    // The check does it with the place.
    let configuration = scene.dir.join("supervisord.conf");
    for (option, status) in [("--check", 0), ("--check=strict", 2)] {
        let mut command = Command::new(scene.dir.bin().join("supervisord"));
        command.args([option, "-c"]).arg(&configuration);
        let finished = finish(command, "", DEADLINE);
        assert_eq!(finished.status, Some(status), "{finished:?}");
        let found = told_of(&finished.stderr);
        assert_eq!(found.len(), 2, "{finished:?}");
        let place = |line: usize| format!("{}:{line}: warning: ", configuration.display());
        let lines = usual_configuration("").lines().count();
        assert!(found[0].starts_with(&place(lines + 1)), "{finished:?}");
        assert!(found[1].starts_with(&place(lines + 6)), "{finished:?}");
    }
    scene.stop();
}

#[test]
fn a_daemon_that_is_not_root_tells_of_no_directories() {
    let Some(dir) = ground() else { return };
    let configuration = "[supervisord]\nuser=nobody\nlogfile=%(here)s/theirs/main.log\n";
    dir.write("supervisord.conf", configuration);
    let mut command = Command::new(dir.bin().join("supervisord"));
    command
        .args(["--check", "-c"])
        .arg(dir.join("supervisord.conf"));
    let finished = finish(command, "", DEADLINE);
    assert_eq!(told_of(&finished.stderr), [""; 0]);
}

const WITHOUT_THE_CALL: [&str; 7] = refusing("inject=openat2:error=ENOSYS");
const FORBIDDEN_CALL: [&str; 7] = refusing("inject=openat2:error=EPERM");

const fn refusing(inject: &'static str) -> [&'static str; 7] {
    ["strace", "-D", "-qq", "-o", "/dev/null", "-e", inject]
}

/// Old kernels, emulators and filters know no openat2(2).
#[test]
fn paths_are_walked_where_the_system_cannot_do_it_at_once() {
    for wrapper in [&WITHOUT_THE_CALL, &FORBIDDEN_CALL] {
        let Some(dir) = ground() else { return };
        fs::create_dir(dir.join("theirs/logs")).unwrap();
        symlink(dir.join("theirs"), dir.join("by-link")).unwrap();
        plant(&dir, "theirs/away", dir.join("ours"));
        let more = "[program:q]\ncommand=/bin/cat\nstartsecs=0\n\
                    stdout_logfile=%(here)s/by-link/logs/../q.log\n\
                    [program:refused]\ncommand=/bin/cat\nstartretries=0\n\
                    stdout_logfile=%(here)s/theirs/away/r.log\n";
        let scene = Scene::start_as(dir, &program(more), |launch| launch.wrapper = wrapper);
        scene.wait("refused", "FATAL");
        for process in ["p", "q"] {
            scene.wait(process, "RUNNING");
        }
        say(&scene, "walked\n");
        wait_for_text(&scene, "theirs/w.log", "walked");
        assert!(scene.dir.join("theirs/q.log").exists());
        assert!(!scene.dir.join("ours/r.log").exists());
        scene.stop();
    }
}
