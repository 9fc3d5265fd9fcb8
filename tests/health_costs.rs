//! What checks cost a daemon that has nothing else to do.

use super::idle::status_number;
use super::support::{DEADLINE, Scene, wait_until};
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

/// How many checks are looked at.
const CHECKS: u64 = 20;

/// Lets the daemon make so many checks, which `arrived` counts, and says how often it was woken
/// for how many. Those are all that could have woken it.
fn wake_ups(scene: &Scene, mut arrived: impl FnMut() -> u64) -> (u64, u64) {
    let switches = || status_number(scene.daemon.pid(), "voluntary_ctxt_switches");
    let mut enough = |count| {
        let mut checks = 0;
        let are_made = wait_until(DEADLINE, || {
            checks += arrived();
            checks >= count
        });
        assert!(are_made, "{}", scene.log());
        checks
    };
    // From the first success on there is one in each period.
    enough(3);
    let before = switches();
    let checks = enough(CHECKS);
    let woken = switches() - before;
    (woken, checks + arrived())
}

/// How many connections have come.
fn drain<T>(mut accept: impl FnMut() -> io::Result<T>) -> u64 {
    let connections = std::iter::from_fn(|| accept().ok());
    connections.count() as u64
}

fn start(target: &str) -> Scene {
    let scene = Scene::start(&format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nliveness_check={target}\n\
         liveness_check_period=100ms\n"
    ));
    let is_healthy = || scene.info("p").text_of("health") == "healthy";
    assert!(wait_until(DEADLINE, is_healthy), "{}", scene.log());
    scene
}

#[test]
fn a_check_wakes_the_daemon_once_in_its_period() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server");
    let server = UnixListener::bind(&path).unwrap();
    server.set_nonblocking(true).unwrap();
    let scene = start(&format!("unix:{}", path.display()));
    let (woken, checks) = wake_ups(&scene, || drain(|| server.accept()));
    assert!(woken > 0 && woken <= checks + 2, "{woken} for {checks}");
    scene.stop();

    // Over TCP the answer of a busy system may come a moment later.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let scene = start(&format!("tcp://{}", server.local_addr().unwrap()));
    let (woken, checks) = wake_ups(&scene, || drain(|| server.accept()));
    assert!(woken > 0 && woken <= 2 * checks + 2, "{woken} for {checks}");
    scene.stop();
}
