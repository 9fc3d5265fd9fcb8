//! syslog that comes, goes and does not read, as the real daemon sees it: in a
//! mount namespace of its own, where `/dev/log` is a socket of the test.

use super::support::{DEADLINE, Dir, Scene, Value, wait_until};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

/// Becomes the daemon with a `/dev` that holds what it needs and a link to the
/// socket of the test.
const MOUNT: &str = "mkdir dev && touch dev/null && mount --bind /dev/null dev/null && \
    ln -s \"$PWD/socket\" dev/log && mount --rbind dev /dev && exec \"$@\"";

/// A daemon whose main log, and one program, go to syslog.
fn scene() -> Scene {
    Scene::start_as(
        Dir::new(),
        "loglevel=info\n[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_syslog=true\nstdout_logfile=%(here)s/p.log\nstderr_logfile=NONE\n",
        |launch| {
            launch.wrapper = match nix::unistd::getuid().is_root() {
                true => &["unshare", "-m", "sh", "-c", MOUNT, "sh"],
                false => &["unshare", "-rm", "sh", "-c", MOUNT, "sh"],
            };
            launch.options = &["-l", "syslog"];
        },
    )
}

fn listen(scene: &Scene) -> UnixDatagram {
    let path = scene.dir.join("socket");
    let _ = fs::remove_file(&path);
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

fn send(scene: &Scene, text: &str) {
    let parameters = [Value::text("p"), Value::text(text)];
    scene.call("sendProcessStdin", &parameters).answer();
}

/// Reads until a record ends so.
fn wait_for(socket: &UnixDatagram, end: &str) {
    let mut buffer = [0; 64 * 1024];
    let limit = Instant::now() + DEADLINE;
    loop {
        let count = socket.recv(&mut buffer).unwrap();
        let record = String::from_utf8_lossy(&buffer[..count]);

        assert!(record.starts_with("<14>"), "{record}");
        if record.ends_with(end) {
            return;
        }
        assert!(Instant::now() < limit, "{end:?} does not come");
    }
}

#[test]
fn a_syslog_that_is_started_anew_is_found_by_the_next_record() {
    let scene = scene();
    scene.wait("p", "RUNNING");
    for round in 1..=3 {
        let socket = listen(&scene);
        send(&scene, &format!("round {round}\n"));
        wait_for(&socket, &format!(" supervisord: p round {round}"));
        scene.daemon.signal(libc::SIGUSR2);
        wait_for(&socket, "INFO supervisord logreopen\n");
        drop(socket);
        // Into nowhere; the file has it all the same.
        send(&scene, &format!("gone {round}\n"));
        let end = format!("gone {round}\n");
        let written = wait_until(DEADLINE, || {
            scene
                .dir
                .read("p.log")
                .is_some_and(|log| log.ends_with(&end))
        });
        assert!(written);
    }
    scene.stop();
}

#[test]
fn a_syslog_that_does_not_read_keeps_nobody_waiting() {
    let scene = scene();
    scene.wait("p", "RUNNING");
    let _hanging = listen(&scene);
    let lines = "a line of text\n".repeat(1_000);
    for round in 0..10 {
        let begin = Instant::now();
        send(&scene, &lines);
        let taken = begin.elapsed();
        assert!(taken < Duration::from_secs(2), "an answer took {taken:?}");
        let size = (round + 1) * lines.len();
        let written = wait_until(DEADLINE, || {
            scene.dir.read("p.log").is_some_and(|log| log.len() == size)
        });
        assert!(written);
    }
    // The file is written first; by this answer the records are done with as well.
    scene.info("p");
    let socket = listen(&scene);
    send(&scene, "who reads\n");
    wait_for(&socket, " supervisord: p who reads");
    scene.stop();
}
