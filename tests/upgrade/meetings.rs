//! What comes while an upgrade goes on.

use super::failures::Steady;
use super::trials::{silent, trial};
use super::{put_back, reason, upgrade, upgrades};
use crate::support::{DEADLINE, Outcome, Rpc, Scene, children_of, is_alive, kill, wait_until};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

/// Asks for an upgrade to a program that says nothing, and does something with the daemon while
/// that is tried, with the pid of the trial. What the upgrade came to.
fn meanwhile(steady: &Steady, act: impl FnOnce(&Scene, u32)) -> Outcome {
    let scene = &steady.scene;
    silent(scene);
    thread::scope(|scope| {
        let asked = scope.spawn(|| upgrade(scene));
        let pid = trial(scene, &steady.pids);
        act(scene, pid);
        let told = asked.join().unwrap();
        assert!(wait_until(DEADLINE, || !is_alive(pid)));
        told
    })
}

#[test]
fn an_upgrade_is_one_at_a_time() {
    let steady = Steady::start();
    let told = meanwhile(&steady, |scene, pid| {
        assert_eq!(
            upgrade(scene).to_string(),
            "fault 30 FAILED: an upgrade is under way already: ask again when it has ended"
        );
        kill(pid, libc::SIGKILL);
    });
    assert!(reason(&told).ends_with("SIGKILL"), "{told}");
    steady.ends_well();
}

#[test]
fn the_end_of_the_daemon_ends_a_trial_and_tells_who_waits() {
    for by_signal in [true, false] {
        let mut steady = Steady::start();
        let told = meanwhile(&steady, |scene, _| match by_signal {
            true => scene.daemon.signal(libc::SIGTERM),
            false => drop(scene.call("shutdown", &[]).answer()),
        });
        assert_eq!(reason(&told), "supervisord goes down");
        assert_eq!(steady.scene.daemon.wait(DEADLINE), Some(0));
        let log = steady.scene.log();
        assert!(!log.contains("reaped unknown pid"), "{log}");
    }
}

#[test]
fn a_restart_during_a_trial_goes_first() {
    let mut steady = Steady::start();
    let told = meanwhile(&steady, |scene, _| scene.daemon.signal(libc::SIGHUP));
    assert_eq!(reason(&told), "supervisord goes down");
    let scene = &mut steady.scene;
    scene.daemon.wait_until_it_answers(&scene.rpc);
    let back = wait_until(DEADLINE, || {
        scene
            .log()
            .matches(" INFO supervisord started with pid ")
            .count()
            == 2
    });
    assert!(back, "{}", scene.log());
    for name in ["p:p0", "p:p1", "lines"] {
        scene.wait(name, "RUNNING");
    }
    put_back(scene);
    assert_eq!(upgrades(scene), 3);
    steady.scene.stop();
}

#[test]
fn who_goes_down_is_not_upgraded() {
    let mut scene = Scene::start(
        "[program:slow]\ncommand=/bin/sh -c 'trap \"\" TERM; : > ready; while :; do sleep 0.05; done'\n\
         directory=%(here)s\nstartsecs=0\nstopwaitsecs=600\n",
    );
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    scene.call("shutdown", &[]).answer();
    let told = upgrade(&scene).to_string();
    assert!(told.starts_with("fault 6 SHUTDOWN_STATE"), "{told}");
    for pid in children_of(scene.daemon.pid()) {
        kill(pid, libc::SIGKILL);
    }
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0));
}

#[test]
fn half_a_request_makes_it_busy_and_is_answered_later() {
    let steady = Steady::start();
    let scene = &steady.scene;
    let body = Rpc::body("supervisor.getState", &[]);
    let request = format!(
        "POST /RPC2 HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (first, second) = request.split_at(request.len() / 2);
    let mut client = UnixStream::connect(scene.dir.join("s")).unwrap();
    client.write_all(first.as_bytes()).unwrap();
    // The other half has not come when the next client has been answered.
    assert!(scene.rpc.answers());
    let told = upgrade(scene);
    assert_eq!(
        reason(&told),
        "busy: requests of clients have not come to their end within 2 seconds; try again"
    );
    steady.is_as_before();
    client.write_all(second.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("RUNNING"), "{answer}");
    steady.ends_well();
}

#[test]
fn signals_during_a_trial_are_not_lost() {
    let steady = Steady::start();
    let told = meanwhile(&steady, |scene, pid| {
        scene.daemon.signal(libc::SIGUSR2);
        scene.wait_log("received SIGUSR2 indicating log reopen request");
        kill(pid, libc::SIGTERM);
    });
    assert!(reason(&told).ends_with("SIGTERM"), "{told}");
    steady.ends_well();
}
