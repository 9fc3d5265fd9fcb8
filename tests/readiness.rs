//! RUNNING that means ready: real programs that say so by sd_notify, on a descriptor, in their
//! output, or that a check finds ready; and those that do not.

use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::support::{DEADLINE, Dir, Scene, Value, finish, usual_configuration, wait_until};

/// A program that speaks sd_notify, with the messages that its arguments say; a `-` waits until
/// the file of the next argument is there.
const NOTIFIER: &str = r#"
import os, socket, sys, time
name = os.environ['NOTIFY_SOCKET']
address = '\0' + name[1:] if name[0] == '@' else name
words = iter(sys.argv[1:])
for word in words:
    if word == '-':
        path = next(words)
        while not os.path.exists(path):
            time.sleep(0.01)
        continue
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(word.replace('|', '\n').encode(), address)
time.sleep(1000)
"#;

/// A directory with that program, as `notifier`.
fn directory() -> Dir {
    let dir = Dir::new();
    dir.write("notifier.py", NOTIFIER);
    dir
}

fn notifier(arguments: &str) -> String {
    format!("[program:p]\ncommand=python3 %(here)s/notifier.py {arguments}\nreadiness=notify\n")
}

fn start(section: &str) -> Scene {
    Scene::start_as(directory(), section, |_| {})
}

fn description(scene: &Scene) -> String {
    scene.info("p").text_of("description")
}

fn wait_description(scene: &Scene, what: &str) {
    let found = wait_until(DEADLINE, || description(scene).contains(what));
    assert!(found, "{what}: {}\n{}", scene.info("p"), scene.log());
}

#[test]
fn a_program_that_notifies_is_running_when_it_is_ready() {
    let scene = start(&notifier(
        "'STATUS=reading the index' - %(here)s/go 'READY=1|STATUS=serving'",
    ));
    wait_description(&scene, "not ready yet, reading the index");
    let info = scene.info("p");
    assert_eq!(info.text_of("statename"), "STARTING");
    assert_eq!(info.text_of("health"), "starting");
    assert!(info.text_of("description").starts_with("pid "), "{info}");
    scene.dir.write("go", "");
    scene.wait("p", "RUNNING");
    let info = scene.info("p");
    assert!(
        info.text_of("description").ends_with(", healthy, serving"),
        "{info}"
    );
    assert_eq!(info.text_of("health"), "healthy");
    scene.wait_log("success: p entered RUNNING state, process is ready");
    scene.stop();
}

#[test]
fn who_has_none_of_it_has_no_members_of_it() {
    let scene = start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    scene.wait("p", "RUNNING");
    let info = scene.info("p");
    assert!(info.get("health").is_none() && info.get("health_reason").is_none());
    assert!(!info.text_of("description").contains("healthy"), "{info}");
    scene.stop();
}

#[test]
fn one_that_is_ready_at_once_is_running_after_startsecs_only() {
    let scene = start(&format!("{}startsecs=100\n", notifier("READY=1 STATUS=up")));
    wait_description(&scene, ", ready, up");
    assert_eq!(scene.info("p").text_of("statename"), "STARTING");
    scene.stop();
}

#[test]
fn one_that_does_not_get_ready_is_stopped_and_fails_with_the_reason() {
    let scene = start(&format!(
        "{}readiness_timeout=300ms\nstartsecs=0\nstartretries=1\nbackoffincrement=10ms\n",
        notifier("STATUS=slow")
    ));
    scene.wait("p", "FATAL");
    let info = scene.info("p");
    assert_eq!(info.text_of("spawnerr"), "not ready after 300 milliseconds");
    assert_eq!(
        info.text_of("description"),
        "not ready after 300 milliseconds"
    );
    assert!(info.get("health").is_none(), "nothing lives: {info}");
    let log = scene.log();
    assert_eq!(
        log.matches("failed: p, not ready after 300 milliseconds")
            .count(),
        2,
        "{log}"
    );
    assert_eq!(log.matches("spawned: 'p'").count(), 2, "{log}");
}

#[test]
fn a_start_by_request_waits_for_readiness_and_tells_that_there_was_none() {
    let scene = start(&format!(
        "{}autostart=false\nstartsecs=0\n[program:q]\ncommand=/bin/cat\nautostart=false\n\
         startsecs=0\nreadiness=notify\nreadiness_timeout=200ms\n",
        notifier("- %(here)s/go READY=1")
    ));
    let fault = scene.call("startProcess", &[Value::text("q")]).to_string();
    assert!(fault.contains("SPAWN_ERROR"), "{fault}");
    scene.dir.write("go", "");
    scene.call("startProcess", &[Value::text("p")]).answer();
    assert_eq!(scene.info("p").text_of("statename"), "RUNNING");
    scene.stop();
}

#[test]
fn a_line_on_a_descriptor_says_that_it_is_ready() {
    for number in [3, 9, 100] {
        let scene = start(&format!(
            "[program:p]\ncommand=/bin/bash -c 'printf begun >&{number}; \
             while [ ! -e %(here)s/go ]; do sleep 0.01; done; echo >&{number}; \
             ls -1 /proc/self/fd > %(here)s/open; exec sleep 1000'\n\
             readiness=fd:{number}\nstartsecs=0\n"
        ));
        wait_description(&scene, "not ready yet");
        scene.dir.write("go", "");
        scene.wait("p", "RUNNING");
        let listed = || scene.dir.read("open").unwrap_or_default();
        assert!(wait_until(DEADLINE, || listed().contains(&number.to_string())));
        scene.stop();
    }
}

#[test]
fn a_text_in_its_output_says_that_it_is_ready() {
    for (redirect, channel) in [("", 1), ("", 2), ("redirect_stderr=true\n", 2)] {
        let scene = start(&format!(
            "[program:p]\ncommand=/bin/sh -c 'printf Listen >&{channel}; \
             while [ ! -e %(here)s/go ]; do sleep 0.01; done; echo \"ing on port 80\" >&{channel}; \
             exec sleep 1000'\nreadiness=log:Listening on\nstartsecs=0\n{redirect}"
        ));
        wait_description(&scene, "not ready yet");
        scene.dir.write("go", "");
        scene.wait("p", "RUNNING");
        scene.stop();
    }
}

#[test]
fn an_end_before_it_is_ready_is_a_failed_start() {
    let scene = start(
        "[program:p]\ncommand=/bin/sh -c 'sleep 0.1; exit 0'\nstartsecs=0\nreadiness=notify\n\
         startretries=0\n",
    );
    scene.wait("p", "FATAL");
    assert_eq!(
        scene.info("p").text_of("spawnerr"),
        "Exited before it was ready (process log may have details)"
    );
}

#[test]
fn a_stop_while_it_gets_ready_is_a_stop() {
    let scene = start(&notifier("STATUS=slow"));
    wait_description(&scene, "slow");
    scene.call("stopProcess", &[Value::text("p")]).answer();
    assert_eq!(scene.info("p").text_of("statename"), "STOPPED");
    scene.stop();
}

#[test]
fn a_descendant_that_has_ended_has_notified_all_the_same() {
    // The message waits in the socket while the daemon is stopped, and its sender has gone.
    let scene = start(
        "[program:p]\ncommand=/bin/sh -c 'while [ ! -e %(here)s/go ]; do sleep 0.01; done; \
         (timeout 0.5 python3 %(here)s/notifier.py READY=1); touch %(here)s/gone; \
         exec sleep 1000'\nreadiness=notify\nstartsecs=0\n",
    );
    wait_description(&scene, "not ready yet");
    scene.daemon.signal(libc::SIGSTOP);
    scene.dir.write("go", "");
    let gone = wait_until(DEADLINE, || scene.dir.read("gone").is_some());
    scene.daemon.signal(libc::SIGCONT);
    assert!(gone);
    scene.wait("p", "RUNNING");
    scene.stop();
}

#[test]
fn a_barrier_is_answered_by_closing_its_descriptor() {
    const BARRIER: &str = r#"
import array, os, select, socket, sys, time
name = os.environ['NOTIFY_SOCKET']
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ours, theirs = os.pipe()
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [theirs]))]
out.sendmsg([b'BARRIER=1'], rights, 0, '\0' + name[1:])
os.close(theirs)
poll = select.poll()
poll.register(ours, select.POLLHUP)
poll.poll()
out.sendto(b'READY=1', '\0' + name[1:])
time.sleep(1000)
"#;
    let dir = Dir::new();
    dir.write("barrier.py", BARRIER);
    let section =
        "[program:p]\ncommand=python3 %(here)s/barrier.py\nreadiness=notify\nstartsecs=0\n";
    let scene = Scene::start_as(dir, section, |_| {});
    scene.wait("p", "RUNNING");
    scene.stop();
}

/// The name of the socket of the process, from the environment of its child.
fn socket_of(scene: &Scene) -> String {
    let mut name = None;
    let found = wait_until(DEADLINE, || {
        let pid = scene.info("p").int_of("pid");
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        let mut variables = environment.split('\0');
        name = variables
            .find_map(|variable| variable.strip_prefix("NOTIFY_SOCKET="))
            .map(str::to_owned);
        name.is_some()
    });
    assert!(found, "{}", scene.log());
    name.unwrap()
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn messages_of_other_users_do_not_count() {
    if !is_root() {
        return;
    }
    let scene =
        start("[program:p]\ncommand=/bin/cat\nreadiness=notify\nstartsecs=0\nuser=daemon\n");
    let name = socket_of(&scene);
    let send = |user: &str, message: &str| {
        let script = format!(
            "import socket,sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\
             .sendto('{message}'.encode(), '\\0' + '{name}'[1:])"
        );
        let mut command = std::process::Command::new("setpriv");
        let identity = [&format!("--reuid={user}"), "--clear-groups"];
        command.args(identity).args(["python3", "-c", &script]);
        let done = finish(command, "", DEADLINE);
        assert_eq!(done.status, Some(0), "{}", done.stderr);
    };
    send("nobody", "READY=1\\nSTATUS=from nobody");
    send("daemon", "STATUS=from daemon");
    wait_description(&scene, "not ready yet, from daemon");
    assert_eq!(scene.info("p").text_of("statename"), "STARTING");
    send("root", "READY=1");
    scene.wait("p", "RUNNING");
    scene.stop();
}

#[test]
fn a_flood_of_messages_keeps_nobody_waiting() {
    let scene = start(
        "[program:p]\ncommand=/bin/cat\nreadiness=notify\nstartsecs=0\n\
         [program:q]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n",
    );
    use std::os::linux::net::SocketAddrExt;
    let name = socket_of(&scene);
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name[1..]).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // As many that there is always a message.
        for _ in 0..4 {
            scope.spawn(|| {
                let socket = UnixDatagram::unbound().unwrap();
                let end = Instant::now() + DEADLINE;
                while !is_over.load(Ordering::Relaxed) && Instant::now() < end {
                    // It waits for room, so that all are read.
                    let _ = socket.send_to_addr(b"STATUS=flood", &address);
                }
            });
        }
        let begin = Instant::now();
        wait_description(&scene, "flood");
        for _ in 0..10 {
            scene.call("startProcess", &[Value::text("q")]).answer();
            scene.call("stopProcess", &[Value::text("q")]).answer();
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(begin.elapsed() < DEADLINE, "the flood was waited for");
    });
    scene.stop();
}

#[test]
fn wrong_keys_are_told_with_what_to_write() {
    for (keys, told) in [
        ("readiness=fd:2", "write fd:3"),
        (
            "readiness=ready",
            "it is notify, fd:3, log: and a text, or check",
        ),
        ("readiness=check", "readiness=check needs a readiness_check"),
        (
            "readiness=notify\nreadiness_check=tcp://h:1",
            "leave one of the two out",
        ),
        ("readiness_timeout=-1", "write infinity for no limit"),
        ("readiness_check=https://h/", "does not speak TLS"),
        ("liveness_check=tcp://h", "write tcp://h:5432"),
        ("liveness_check_period=0", "write 1"),
        (
            "liveness_check_failure_threshold=0",
            "it can be from 1 to 1000",
        ),
        ("watchdog=-5", "write 0"),
        ("liveness_check_script=", "it is a command"),
    ] {
        let dir = Dir::new();
        let text = format!("[program:p]\ncommand=/bin/cat\n{keys}\n");
        dir.write("supervisord.conf", usual_configuration(&text));
        let mut command = std::process::Command::new(super::support::binary());
        command.args(["-c", "supervisord.conf", "--check"]);
        command.current_dir(dir.path());
        let done = finish(command, "", DEADLINE);
        assert_eq!(done.status, Some(2), "{keys}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{keys}: {}", done.stderr);
        let place = format!("supervisord.conf:{}", 13 + keys.lines().count());
        let is_placed = done.stderr.contains("supervisord.conf:1");
        assert!(is_placed, "{keys} ({place}): {}", done.stderr);
    }
}

/// A program whose own messages say that it is ready.
fn wait_notified(section: &str, status: &str) {
    let scene = start(section);
    scene.wait("p", "RUNNING");
    wait_description(&scene, status);
    assert_eq!(scene.info("p").text_of("health"), "healthy");
    scene.call("stopProcess", &[Value::text("p")]).answer();
    scene.stop();
}

#[test]
fn systemd_notify_is_heard_and_gets_its_barrier_answered() {
    wait_notified(
        "[program:p]\ncommand=sh -c 'systemd-notify --ready --status=\"serving all\" && \
         touch %(here)s/done; exec sleep 1000'\nreadiness=notify\nstartsecs=0\n",
        ", serving all",
    );
}

#[test]
fn redis_is_running_when_it_takes_connections() {
    wait_notified(
        "[program:p]\ncommand=redis-server --supervised systemd --port 0 --save \"\" \
         --unixsocket %(here)s/redis.sock --dir %(here)s\nreadiness=notify\nstartsecs=0\n",
        "Ready to accept connections",
    );
}

#[test]
fn gunicorn_is_running_when_its_arbiter_is() {
    let gunicorn = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/target/real-programs/bin/gunicorn"
    );
    wait_notified(
        &format!(
            "[program:p]\ncommand={gunicorn} --bind unix:%(here)s/g.sock \
             --worker-tmp-dir %(here)s wsgiref.simple_server:demo_app\nreadiness=notify\nstartsecs=0\n"
        ),
        "Gunicorn arbiter booted",
    );
}
