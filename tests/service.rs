//! supervisord as a service: what it tells the service manager, played here,
//! and the files that make a service of it, each run as its manager would.

use super::support::{
    Address, DEADLINE, Daemon, Dir, Kind, Launch, Rpc, Value, kill, plain_environment, wait_for,
    wait_until,
};
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A service manager's socket.
struct Manager {
    socket: UnixDatagram,
    name: String,
}

impl Manager {
    fn new(dir: &Dir) -> Manager {
        let path = dir.join("notify");
        Manager::with(UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap())
    }

    fn abstract_one(dir: &Dir) -> Manager {
        let name = dir.join("notify").display().to_string();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Manager::with(
            UnixDatagram::bind_addr(&address).unwrap(),
            &format!("@{name}"),
        )
    }

    fn with(socket: UnixDatagram, name: &str) -> Manager {
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let name = name.to_owned();
        Manager { socket, name }
    }

    /// The next message; fails when none comes.
    fn next(&self) -> String {
        let mut buffer = [0; 256];
        let length = self.socket.recv(&mut buffer).expect("a message comes");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

const PROGRAM: &str = "[program:p]\ncommand=/bin/sh -c 'env >%(here)s/environment.new; mv %(here)s/environment.new %(here)s/environment; exec cat'\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\nenvironment=KEPT=\"%(ENV_NOTIFY_SOCKET)s\"\n";

fn configure(dir: &Dir) -> Rpc {
    dir.write(
        "supervisord.conf",
        format!(
            "[unix_http_server]\nfile=%(here)s/s\n[rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
             [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\nchildlogdir=%(here)s\n{PROGRAM}"
        ),
    );
    Rpc::new(Address::Unix(dir.join("s")))
}

fn launch(dir: &Dir, manager: &Manager, more: &[(&str, &str)]) -> Daemon {
    let mut environment = vec![("NOTIFY_SOCKET", manager.name.as_str())];
    environment.extend(more);
    Daemon::launch(&Launch {
        environment: &environment,
        ..Launch::new(Kind::Ours, dir)
    })
}

fn state_of_program(rpc: &Rpc) -> String {
    let info = rpc.call("supervisor.getProcessInfo", &[Value::text("p")]);
    info.answer().text_of("statename")
}

#[test]
fn a_manager_is_told_of_start_restart_and_end_and_programs_know_nothing_of_it() {
    let dir = Dir::new();
    let rpc = configure(&dir);
    let manager = Manager::new(&dir);
    let mut daemon = launch(&dir, &manager, &[]);
    assert_eq!(manager.next(), "READY=1\n");
    // The servers listen, and the program's start has begun.
    let state = state_of_program(&rpc);
    assert!(["STARTING", "RUNNING"].contains(&state.as_str()), "{state}");
    let environment = wait_for(DEADLINE, || dir.read("environment")).expect("it runs");
    assert!(environment.contains("SUPERVISOR_ENABLED=1\n"));
    assert!(!environment.contains("NOTIFY_SOCKET"), "{environment}");
    let kept = format!("KEPT={}\n", manager.name);
    assert!(environment.contains(&kept), "{environment}");

    daemon.signal(libc::SIGHUP);
    let reloading = manager.next();
    let stamp = reloading
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .and_then(|rest| rest.trim_end().parse::<u64>().ok());
    assert!(stamp.is_some_and(|stamp| stamp > 0), "{reloading}");
    assert_eq!(manager.next(), "READY=1\n");

    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(manager.next(), "STOPPING=1\n");
    manager.socket.set_nonblocking(true).unwrap();
    assert!(manager.socket.recv(&mut [0; 64]).is_err(), "nothing more");
}

#[test]
fn an_idle_daemon_gives_the_signs_of_life_that_are_asked_for_at_an_abstract_socket() {
    let dir = Dir::new();
    configure(&dir);
    let manager = Manager::abstract_one(&dir);
    let interval = [("WATCHDOG_USEC", "100000")];
    let mut daemon = launch(&dir, &manager, &interval);
    let mut heard = Vec::new();
    while heard.iter().filter(|text| *text == "WATCHDOG=1\n").count() < 6 {
        heard.push(manager.next());
    }
    assert!(heard.contains(&"READY=1\n".to_owned()), "{heard:?}");
    let environment = wait_for(DEADLINE, || dir.read("environment")).expect("it runs");
    assert!(!environment.contains("WATCHDOG"), "{environment}");
    daemon.signal(libc::SIGTERM);
    // The queue is short: it must be emptied for the last word to fit.
    assert!(wait_until(DEADLINE, || manager.next() == "STOPPING=1\n"));
    assert_eq!(daemon.wait(DEADLINE), Some(0));
}

/// An upgrade is a reload for it, and the signs of life go on with the new program.
#[test]
fn a_manager_is_told_of_an_upgrade_as_of_a_reload() {
    let dir = Dir::new();
    let rpc = configure(&dir);
    let manager = Manager::new(&dir);
    let mut daemon = launch(&dir, &manager, &[("WATCHDOG_USEC", "200000")]);
    let wait_for = |expected: &str| {
        let told = wait_until(DEADLINE, || manager.next().starts_with(expected));
        assert!(told, "{expected}");
    };
    wait_for("READY=1\n");
    daemon.wait_until_it_answers(&rpc);
    let pid = daemon.pid();
    for _ in 0..2 {
        let told = rpc.call("supervisor.upgrade", &[]).answer();
        assert!(told.to_string().contains("upgraded: "), "{told}");
        wait_for("RELOADING=1\nMONOTONIC_USEC=");
        wait_for("READY=1\n");
        wait_for("WATCHDOG=1\n");
        wait_for("WATCHDOG=1\n");
    }
    assert_eq!(daemon.pid(), pid);
    assert_eq!(state_of_program(&rpc), "RUNNING");
    daemon.signal(libc::SIGTERM);
    wait_for("STOPPING=1\n");
    assert_eq!(daemon.wait(DEADLINE), Some(0));
}

#[test]
fn a_manager_that_does_not_listen_keeps_nobody_waiting_and_is_told_later() {
    let dir = Dir::new();
    let rpc = configure(&dir);
    let manager = Manager::new(&dir);
    let noise = UnixDatagram::unbound().unwrap();
    noise.set_nonblocking(true).unwrap();
    while noise.send_to(b"noise", &manager.name).is_ok() {}
    let mut daemon = launch(&dir, &manager, &[]);
    daemon.wait_until_it_answers(&rpc);
    assert!(wait_until(DEADLINE, || state_of_program(&rpc) == "RUNNING"));
    assert!(wait_until(DEADLINE, || manager.next() == "READY=1\n"));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_manager_that_has_gone_is_told_of_once_in_the_log() {
    let dir = Dir::new();
    let rpc = configure(&dir);
    let manager = Manager::new(&dir);
    fs::remove_file(dir.join("notify")).unwrap();
    let mut daemon = launch(&dir, &manager, &[]);
    daemon.wait_until_it_answers(&rpc);
    assert!(wait_until(DEADLINE, || state_of_program(&rpc) == "RUNNING"));
    assert_eq!(daemon.stop(), Some(0));
    let log = dir.read("main.log").unwrap();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" WARN cannot tell the service manager: "))
        .collect();
    // Once at the start, once at the end.
    assert_eq!(lines.len(), 2, "{log}");
}

/// A service file of the project, and the shell words that bring out the command
/// that its manager would run, of which `$1` is the file.
const FILES: [(&str, &str); 6] = [
    (
        "systemd/supervisor.service",
        "sed -n 's/^ExecStart=//p' \"$1\"",
    ),
    (
        "openrc/supervisord",
        "sh -n \"$1\"; . \"$1\"; start_pre || exit; echo $command $command_args",
    ),
    (
        "openwrt/supervisord",
        "procd_open_instance() { :; }; procd_close_instance() { :; }; \
         procd_set_param() { [ $1 != command ] || { shift; echo \"$@\"; }; }; . \"$1\"; start_service",
    ),
    ("runit/run", "sh -n \"$1\" && echo \"$1\""),
    ("s6/run", "sh -n \"$1\" && echo \"$1\""),
    ("busybox/inittab", "sed -n 's/^::respawn://p' \"$1\""),
];

fn service_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/service")
}

#[test]
fn every_service_file_starts_the_daemon_that_it_promises() {
    for (name, words) in FILES {
        let dir = Dir::new();
        let rpc = configure(&dir);
        let manager = Manager::new(&dir);
        let text = fs::read_to_string(service_folder().join(name)).unwrap();
        let here = dir.path().display();
        let text = text
            .replace("/usr/bin/", &format!("{here}/bin/"))
            .replace("/etc/supervisor/", &format!("{here}/"));
        assert!(text.contains(&here.to_string()), "{name}");
        let file = dir.script("service", &text);
        fs::write(&file, text).unwrap();
        let output = Command::new("sh")
            .args(["-c", words, "sh"])
            .arg(&file)
            .env("NOTIFY_SOCKET", &manager.name)
            .output()
            .unwrap();
        let command = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{name}: {command}");
        assert_eq!(command.trim().lines().count(), 1, "{name}: {command}");
        let mut daemon = run(&dir, command.trim(), &manager);
        assert_eq!(manager.next(), "READY=1\n", "{name}");
        assert!(rpc.answers(), "{name}");
        // The process that was started is the daemon itself, which the manager watches.
        let pid = dir.read("main.pid").unwrap();
        assert_eq!(pid.trim(), daemon.id().to_string(), "{name}");
        kill(daemon.id(), libc::SIGTERM);
        let status = wait_for(DEADLINE, || daemon.try_wait().unwrap());
        assert!(status.is_some_and(|status| status.success()), "{name}");
    }
}

fn run(dir: &Dir, command: &str, manager: &Manager) -> Child {
    let mut words = command.split_whitespace();
    let mut daemon = Command::new(words.next().unwrap());
    plain_environment(&mut daemon);
    daemon
        .args(words)
        .env("NOTIFY_SOCKET", &manager.name)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn every_manager_waits_longer_than_programs_are_waited_for() {
    let folder = service_folder();
    for (name, word) in [
        ("systemd/supervisor.service", "\nTimeoutStopSec=90\n"),
        ("systemd/supervisor.service", "\nType=notify\n"),
        ("systemd/supervisor.service", "\nKillMode=mixed\n"),
        ("openrc/supervisord", "\nretry=\"TERM/90/KILL/5\"\n"),
        ("openwrt/supervisord", " term_timeout 90\n"),
        ("s6/timeout-kill", "90000\n"),
        ("sysv/supervisor", "\nSTOP_TIMEOUT=90\n"),
    ] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.contains(word), "{name}: {word}");
    }
    let sysv = Command::new("sh")
        .arg("-n")
        .arg(folder.join("sysv/supervisor"))
        .status()
        .unwrap();
    assert!(sysv.success());
}
