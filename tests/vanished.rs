//! Sockets whose files vanish, as where temporary files are cleaned.

use super::idle;
use super::pidfile::lock_of_fcntl;
use super::support::{
    Address, Background, DEADLINE, Daemon, Dir, Kind, Launch, Rpc, Scene, Value, comes_to_rest,
    descendants_of, descriptors_of, finish, is_alive, kill, usual_configuration, wait_until,
};
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

const AGAIN: &str = " had vanished, and was made again\n";
const LEFT_ALONE: &str = " has vanished; what is in its place is left alone, and nobody reaches supervisord there until that is removed\n";
const NOT_YET: &str = " has vanished and cannot be made again now: ";

/// With its socket in a directory of its own.
fn start(more: &str) -> Scene {
    start_as(more, |_| {})
}

fn start_as(more: &str, change: impl FnOnce(&mut Launch)) -> Scene {
    let dir = Dir::new();
    fs::create_dir(dir.join("run")).unwrap();
    let text = usual_configuration(more).replace("file=%(here)s/s", "file=%(here)s/run/s");
    dir.write("supervisord.conf", text);
    let mut launch = Launch::new(Kind::Ours, &dir);
    change(&mut launch);
    let mut daemon = Daemon::launch(&launch);
    let rpc = Rpc::new(Address::Unix(dir.join("run/s")));
    daemon.wait_until_it_answers(&rpc);
    Scene { daemon, rpc, dir }
}

fn told(scene: &Scene, text: &str) -> usize {
    scene.log().matches(text).count()
}

fn wait_until_it_is_made_again(scene: &Scene, times: usize) {
    let again = wait_until(DEADLINE, || told(scene, AGAIN) == times);
    assert!(again, "{}", scene.log());
    assert!(wait_until(DEADLINE, || scene.rpc.answers()));
}

fn ask(stream: &mut UnixStream) -> String {
    let request = "GET /ok.html HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.ends_with(b"OK") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => answer.extend_from_slice(&buffer[..count]),
            other => panic!("{other:?} after {}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_removed_socket_was_gone_for_ever() {
    let scene = start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    scene.wait("p", "RUNNING");
    let socket = scene.dir.join("run/s");
    let mode = fs::metadata(&socket).unwrap().mode();
    let mut client = UnixStream::connect(&socket).unwrap();
    assert!(ask(&mut client).starts_with("HTTP/1.1 200 "));
    assert!(comes_to_rest(scene.daemon.pid()));
    fs::remove_file(&socket).unwrap();
    wait_until_it_is_made_again(&scene, 1);
    let found = fs::metadata(&socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.mode(), mode);
    assert!(
        ask(&mut client).starts_with("HTTP/1.1 200 "),
        "who was there stays"
    );
    assert!(
        scene
            .log()
            .contains(&format!(" WARN the socket {}{AGAIN}", socket.display()))
    );
    assert!(idle::comes_to_rest(scene.daemon.pid()));

    // Another way, and as often as one likes; nothing stays open.
    drop(client);
    let open = || descriptors_of(scene.daemon.pid()).len();
    let before = open();
    for times in 2..6 {
        fs::rename(&socket, scene.dir.join("run/moved")).unwrap();
        wait_until_it_is_made_again(&scene, times);
    }
    let same = wait_until(DEADLINE, || open() <= before);
    assert!(same, "{before} descriptors, now {}", open());
    assert_eq!(fs::read_dir(scene.dir.join("run")).unwrap().count(), 2);

    let (mut daemon, dir) = (scene.daemon, scene.dir);
    assert_eq!(daemon.stop(), Some(0));
    assert!(
        !dir.join("run/s").exists(),
        "the new one is removed at the end"
    );
}

#[test]
fn a_socket_that_vanished_has_its_mode_and_owner_again() {
    if !nix::unistd::geteuid().is_root() {
        println!("only root gives files away: nothing to test");
        return;
    }
    let dir = Dir::new();
    let keys = "file=%(here)s/s\nchmod=0620\nchown=nobody:daemon";
    let text = usual_configuration("").replace("file=%(here)s/s", keys);
    dir.write("supervisord.conf", text);
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    daemon.wait_until_it_answers(&rpc);
    let access = || {
        let found = fs::metadata(dir.join("s")).ok()?;
        Some((found.mode(), found.uid(), found.gid()))
    };
    let before = access();
    assert_eq!(before.map(|(mode, ..)| mode & 0o7777), Some(0o620));
    assert_ne!(before.map(|(_, uid, _)| uid), Some(0));
    fs::remove_file(dir.join("s")).unwrap();
    assert!(
        wait_until(DEADLINE, || access() == before),
        "{:?}",
        access()
    );
    assert!(rpc.answers());
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn what_has_taken_the_place_of_a_socket_stays_until_somebody_removes_it() {
    let scene = start("");
    let socket = scene.dir.join("run/s");
    let aside = scene.dir.join("run/aside");
    let told_once = |times: usize| {
        let told = wait_until(DEADLINE, || told(&scene, LEFT_ALONE) == times);
        assert!(told, "{}", scene.log());
    };
    // Each takes the place at once, so that it is never empty.
    fs::write(&aside, "precious").unwrap();
    fs::rename(&aside, &socket).unwrap();
    told_once(1);
    let other = UnixListener::bind(&aside).unwrap();
    fs::rename(&aside, &socket).unwrap();
    other.set_nonblocking(true).unwrap();
    let inode = fs::metadata(&socket).unwrap().ino();
    let looks = || idle::status_number(scene.daemon.pid(), "voluntary_ctxt_switches");
    let before = looks();
    let is_looked_at = wait_until(DEADLINE, || looks() >= before + 3);
    assert!(is_looked_at, "a few times");
    assert_eq!(fs::metadata(&socket).unwrap().ino(), inode);
    assert!(other.accept().is_err(), "nobody is asked");
    assert_eq!(told(&scene, LEFT_ALONE), 1, "{}", scene.log());
    assert_eq!(told(&scene, AGAIN), 0);
    fs::remove_file(&socket).unwrap();
    wait_until_it_is_made_again(&scene, 1);
    // That is watched as well.
    fs::remove_file(&socket).unwrap();
    wait_until_it_is_made_again(&scene, 2);
    symlink("nowhere", &aside).unwrap();
    fs::rename(&aside, &socket).unwrap();
    told_once(2);
    assert!(socket.is_symlink());
    let (mut daemon, _dir) = (scene.daemon, scene.dir);
    assert_eq!(daemon.stop(), Some(0));
    assert!(socket.is_symlink());
}

#[test]
fn a_socket_whose_directory_was_removed_is_made_again_when_there_is_one() {
    let scene = start("");
    let run = scene.dir.join("run");
    let removed = wait_until(DEADLINE, || fs::remove_dir_all(&run).is_ok());
    assert!(removed, "it does not come back again and again");
    scene.wait_log(&format!(
        "{NOT_YET}No such file or directory; this is tried until it can\n"
    ));
    assert!(comes_to_rest(scene.daemon.pid()));
    fs::create_dir(&run).unwrap();
    wait_until_it_is_made_again(&scene, 1);
    assert_eq!(told(&scene, NOT_YET), 1, "{}", scene.log());
    assert!(
        idle::comes_to_rest(scene.daemon.pid()),
        "nothing is tried any more"
    );
    scene.stop();
}

/// Regression: nothing tells of the socket when its directory is moved.
#[test]
fn a_socket_whose_directory_was_moved_was_never_made_again() {
    let scene = start("");
    let (run, aside) = (scene.dir.join("run"), scene.dir.join("aside"));
    for times in 1..3 {
        assert!(comes_to_rest(scene.daemon.pid()));
        fs::rename(&run, &aside).unwrap();
        fs::create_dir(&run).unwrap();
        wait_until_it_is_made_again(&scene, times);
        fs::remove_dir_all(&aside).unwrap();
    }
    fs::write(run.join("other"), "").unwrap();
    assert!(
        idle::comes_to_rest(scene.daemon.pid()),
        "nothing is tried any more"
    );
    scene.stop();
}

#[test]
fn a_socket_that_an_operator_has_changed_has_not_vanished() {
    let scene = start("");
    let socket = scene.dir.join("run/s");
    let inode = fs::metadata(&socket).unwrap().ino();
    for mode in [0o777, 0o600, 0o770] {
        fs::set_permissions(&socket, Permissions::from_mode(mode)).unwrap();
    }
    // It is elsewhere, and a link to it has its name, which is never free.
    fs::hard_link(&socket, scene.dir.join("run/real")).unwrap();
    symlink("real", scene.dir.join("run/link")).unwrap();
    fs::rename(scene.dir.join("run/link"), &socket).unwrap();
    assert!(scene.rpc.answers());
    assert!(idle::comes_to_rest(scene.daemon.pid()));
    assert!(!scene.log().contains("vanished"), "{}", scene.log());
    assert_eq!(fs::metadata(&socket).unwrap().ino(), inode);
    // The link alone is removed, and the name is free.
    fs::remove_file(&socket).unwrap();
    fs::remove_file(scene.dir.join("run/real")).unwrap();
    wait_until_it_is_made_again(&scene, 1);
    scene.stop();
}

#[test]
fn without_inotify_a_socket_is_looked_at_when_something_happens() {
    let scene = start_as("", |launch| {
        launch.dir.write("inotify", libc::EMFILE.to_string());
        launch.shim = true;
    });
    assert!(comes_to_rest(scene.daemon.pid()));
    fs::remove_file(scene.dir.join("run/s")).unwrap();
    assert!(idle::comes_to_rest(scene.daemon.pid()));
    assert_eq!(told(&scene, AGAIN), 0, "nothing has happened");
    let again = wait_until(DEADLINE, || {
        scene.daemon.signal(libc::SIGUSR2);
        told(&scene, AGAIN) == 1
    });
    assert!(again, "{}", scene.log());
    assert!(scene.rpc.answers());
    scene.stop();
}

#[test]
fn a_daemon_in_the_background_makes_its_socket_again_and_so_it_does_after_a_restart() {
    let dir = Dir::new();
    dir.write("supervisord.conf", usual_configuration(""));
    let mut daemon = Background::new(&dir);
    let mut command = Command::new(Kind::Ours.program("supervisord", &dir.bin()));
    command
        .args(["-c", "supervisord.conf"])
        .current_dir(dir.path());
    assert_eq!(finish(command, "", DEADLINE).status, Some(0));
    let pid = daemon.pid();
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    for times in 1..3 {
        fs::remove_file(dir.join("s")).unwrap();
        assert!(wait_until(DEADLINE, || rpc.answers()));
        assert_eq!(
            rpc.call("supervisor.getPID", &[]).answer(),
            Value::Int(i64::from(pid))
        );
        kill(pid, libc::SIGHUP);
        let started = "supervisord started with pid";
        let again = wait_until(DEADLINE, || {
            dir.read("main.log").unwrap().matches(started).count() > times
        });
        assert!(again && wait_until(DEADLINE, || rpc.answers()));
    }
    kill(pid, libc::SIGTERM);
    assert!(wait_until(DEADLINE, || !is_alive(pid)));
    assert!(!dir.join("s").exists());
}

/// Regression: supervisord ended, since it could not open its socket with the last
/// configuration either.
#[test]
fn a_restart_without_its_socket_ended_the_daemon() {
    let scene = start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    let (run, socket) = (scene.dir.join("run"), scene.dir.join("run/s"));
    let started = || scene.log().matches("spawned: 'p'").count();
    let restart = |times: usize| {
        scene.daemon.signal(libc::SIGHUP);
        let again = wait_until(DEADLINE, || started() == times);
        assert!(again, "{}", scene.log());
    };
    let is_started = wait_until(DEADLINE, || started() == 1);
    assert!(is_started, "{}", scene.log());

    let removed = wait_until(DEADLINE, || fs::remove_dir_all(&run).is_ok());
    assert!(removed);
    restart(2);
    scene.wait_log("ENOENT (2); running as before\n");
    scene.wait_log("the server 'unix_http_server' is not there: ");
    fs::create_dir(&run).unwrap();
    wait_until_it_is_made_again(&scene, 1);

    let aside = scene.dir.join("run/aside");
    fs::write(&aside, "no socket").unwrap();
    fs::rename(&aside, &socket).unwrap();
    restart(3);
    scene.wait_log("exists and is not a socket; running as before\n");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "no socket");
    fs::remove_file(&socket).unwrap();
    wait_until_it_is_made_again(&scene, 2);
    restart(4);
    assert!(wait_until(DEADLINE, || scene.rpc.answers()));
    scene.stop();
}

/// Regression: as without its socket.
#[test]
fn a_restart_without_its_log_or_its_pid_file_ended_the_daemon() {
    let scene = start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    let programs = || descendants_of(scene.daemon.pid());
    assert!(wait_until(DEADLINE, || programs().len() == 1));
    let restart = || {
        let before = programs();
        scene.daemon.signal(libc::SIGHUP);
        let is_new = || programs().len() == 1 && programs() != before;
        assert!(wait_until(DEADLINE, is_new), "{:?}", programs());
        assert!(wait_until(DEADLINE, || scene.rpc.answers()));
    };

    let log = scene.dir.join("main.log");
    fs::rename(&log, scene.dir.join("old.log")).unwrap();
    fs::create_dir(&log).unwrap();
    restart();
    fs::remove_dir(&log).unwrap();
    scene.daemon.signal(libc::SIGUSR2);
    scene.wait_log("received SIGUSR2");

    let pidfile = scene.dir.join("main.pid");
    fs::remove_file(&pidfile).unwrap();
    fs::write(&pidfile, "1\n").unwrap();
    let file = fs::File::options().write(true).open(&pidfile).unwrap();
    assert!(lock_of_fcntl(&file, libc::F_WRLCK));
    restart();
    scene.wait_log("Another supervisord is running: it holds the pid file");
    let (mut daemon, dir) = (scene.daemon, scene.dir);
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(dir.read("main.pid").as_deref(), Some("1\n"));
}
