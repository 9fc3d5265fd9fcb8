//! supervisord in the background: without `-n`.

use super::support::{
    Address, Background, DEADLINE, Dir, Finished, Kind, Outcome, Rpc, Value, finish, is_alive,
    kill, stat_field, usual_configuration, wait_for, wait_until,
};
use std::fs::read_link;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;

/// Starts one; what the parent left behind, and the daemon.
fn start(dir: &Dir) -> (Finished, Background) {
    let daemon = Background::new(dir);
    let mut command = Command::new(Kind::Ours.program("supervisord", &dir.bin()));
    command
        .arg("-c")
        .arg(dir.join("supervisord.conf"))
        .current_dir(dir.path());
    let end = finish(command, "", DEADLINE);
    (end, daemon)
}

const PARENT: usize = 1;
const SESSION: usize = 3;
const TERMINAL: usize = 4;

#[test]
fn a_daemon_leaves_its_parent_restarts_in_place_and_ends_when_told() {
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        usual_configuration("[program:p]\ncommand=/bin/cat\nstartsecs=0\n"),
    );
    let (end, mut daemon) = start(&dir);
    assert_eq!(end.status, Some(0), "{end:?}");
    assert_eq!(end.stderr, "");
    let pid = daemon.pid();

    // It leads a session of its own, has no terminal, and is nobody's child here.
    assert_eq!(stat_field(pid, SESSION), i64::from(pid));
    assert_eq!(stat_field(pid, TERMINAL), 0);
    assert_ne!(stat_field(pid, PARENT), i64::from(std::process::id()));
    for descriptor in 0..3 {
        let opened = read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap();
        assert_eq!(opened.to_str(), Some("/dev/null"), "{descriptor}");
    }

    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    let child = |not: i64| {
        let child = wait_for(DEADLINE, || {
            let info = rpc.call("supervisor.getProcessInfo", &[Value::text("p")]);
            let Outcome::Answer(info) = info else {
                return None;
            };
            let is_other = info.text_of("statename") == "RUNNING" && info.int_of("pid") != not;
            is_other.then(|| info.int_of("pid"))
        });
        child.expect("the program runs")
    };
    let first = child(0);
    assert_eq!(
        stat_field(u32::try_from(first).unwrap(), PARENT),
        i64::from(pid)
    );

    kill(pid, libc::SIGHUP);
    let second = child(first);
    assert!(!is_alive(u32::try_from(first).unwrap()));
    assert_eq!(
        stat_field(u32::try_from(second).unwrap(), PARENT),
        i64::from(pid),
        "the daemon is the same process"
    );
    assert_eq!(dir.read("main.pid"), Some(format!("{pid}\n")));
    let log = dir.read("main.log").unwrap();
    assert!(log.contains("WARN received SIGHUP indicating restart request"));
    let start = format!("INFO supervisord started with pid {pid}\n");
    assert_eq!(log.matches(&start).count(), 2, "{log}");

    kill(pid, libc::SIGTERM);
    assert!(wait_until(DEADLINE, || !is_alive(pid)), "it ends");
    assert!(!is_alive(u32::try_from(second).unwrap()));
    for name in ["main.pid", "s"] {
        assert!(!dir.join(name).exists(), "{name} is removed");
    }
    let log = dir.read("main.log").unwrap();
    assert!(log.contains("WARN received SIGTERM indicating exit request"));
}

/// Starts one of which the daemon's call of setsid(2), between the fork and the pid file, is
/// interfered with; what the parent left behind, with its standard error, and the daemon.
fn start_with(dir: &Dir, interference: &str) -> (Finished, Background) {
    let daemon = Background::new(dir);
    let mut command = Command::new("sh");
    // The tracer is out of the way, and keeps open what it has inherited.
    command.current_dir(dir.path()).args([
        "-c",
        "exec strace -D -f -qq -o calls -e trace=setsid,/^dup[23] -e inject=$1 \
         bin/supervisord -c supervisord.conf >stdout 2>stderr",
        "sh",
        interference,
    ]);
    let mut end = finish(command, "", DEADLINE);
    end.stderr = dir.read("stderr").unwrap_or_default();
    (end, daemon)
}

#[test]
fn the_parent_had_gone_before_there_was_a_pid_file() {
    let dir = Dir::new();
    dir.write("supervisord.conf", usual_configuration(""));
    let socket = dir.join("s");
    let early = thread::spawn({
        let (socket, pidfile) = (socket.clone(), dir.join("main.pid"));
        move || {
            wait_until(DEADLINE, || UnixStream::connect(&socket).is_ok());
            let rpc = Rpc::new(Address::Unix(socket));
            rpc.call("supervisor.getPID", &[]);
            pidfile.exists()
        }
    });
    let (end, mut daemon) = start_with(&dir, "setsid:delay_enter=1500000");
    // This is what a service manager does that knows the daemon by its pid file.
    let written = dir.read("main.pid");
    let connected = UnixStream::connect(&socket);
    assert_eq!(end.status, Some(0), "{end:?}");
    assert_eq!(end.stderr, "");
    let pid = daemon.pid();
    assert_eq!(written, Some(format!("{pid}\n")));
    assert!(connected.is_ok(), "{connected:?}");
    assert!(is_alive(pid));
    assert_ne!(stat_field(pid, PARENT), i64::from(std::process::id()));
    assert!(
        early.join().unwrap(),
        "it answers when the pid file is there"
    );
    kill(pid, libc::SIGTERM);
    assert!(wait_until(DEADLINE, || !is_alive(pid)), "it ends");
}

#[test]
fn a_start_that_failed_in_the_background_was_told_as_a_success() {
    for (interference, reason) in [
        (
            "/^dup[23]:error=EPERM",
            "Error: cannot leave the terminal: Operation not permitted\n",
        ),
        (
            "setsid:signal=KILL",
            "Error: supervisord ended while it started in the background; its log may tell why\n",
        ),
    ] {
        let dir = Dir::new();
        dir.write("supervisord.conf", usual_configuration(""));
        let (end, _daemon) = start_with(&dir, interference);
        assert_eq!(end.status, Some(1), "{interference}: {end:?}");
        // Who could not leave the terminal may say so as well.
        assert!(end.stderr.starts_with(reason), "{end:?}");
        for name in ["main.pid", "s"] {
            assert!(!dir.join(name).exists(), "{interference}: {name} is left");
        }
    }
}
