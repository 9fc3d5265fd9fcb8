//! Restarts and rereads of a configuration that is wrong: what runs goes on, and
//! the reason is told to whoever asked.

use std::fs;
use std::net::TcpListener;

use super::support::{
    Ctl, DEADLINE, Dir, Kind, Scene, Value, kill, usual_configuration, wait_until,
};

const PROGRAM: &str = "[program:a]\ncommand=/bin/cat\nstartsecs=0\n";
const BROKEN: &str = "[program:a]\nautostart=perhaps\ncommand=/bin/cat\n";

fn scene_with_a_broken_file() -> (Scene, u32) {
    let scene = Scene::start(PROGRAM);
    scene.wait("a", "RUNNING");
    let pid = scene.pid("a");
    scene
        .dir
        .write("supervisord.conf", usual_configuration(BROKEN));
    (scene, pid)
}

fn message(scene: &Scene) -> String {
    format!(
        "not a valid boolean value: 'perhaps' in section 'program:a' (file: '{}')",
        scene.dir.join("supervisord.conf").display()
    )
}

#[test]
fn sighup_with_a_broken_file_stops_nothing() {
    let (mut scene, pid) = scene_with_a_broken_file();
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log(&format!(
        "ERRO not restarted, everything goes on as it is: {}",
        message(&scene)
    ));
    assert_eq!(scene.pid("a"), pid);
    let state = scene.call("getState", &[]).answer();
    assert_eq!(state.text_of("statename"), "RUNNING");
    assert!(!scene.log().contains("stopped: a"), "{}", scene.log());

    // Mended, it restarts.
    scene
        .dir
        .write("supervisord.conf", usual_configuration(PROGRAM));
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log("stopped: a");
    let daemon_pid = Value::Int(i64::from(scene.daemon.pid()));
    scene.daemon.wait_until_it_answers(&scene.rpc);
    scene.wait("a", "RUNNING");
    assert_ne!(scene.pid("a"), pid);
    assert_eq!(scene.call("getPID", &[]).answer(), daemon_pid);
    scene.stop();
}

#[test]
fn supervisorctl_tells_why_a_broken_file_is_not_loaded() {
    let (scene, pid) = scene_with_a_broken_file();
    let ctl = Ctl::new(Kind::Ours, &scene.dir);
    for action in ["reload", "reread"] {
        let finished = ctl.run(&[action]);
        assert_eq!(
            finished.stdout,
            format!("ERROR: CANT_REREAD: {}\n", message(&scene))
        );
        assert_eq!(finished.status, Some(1), "{action}");
    }
    let fault = scene.call("restart", &[]);
    assert!(
        format!("{fault:?}").contains("CANT_REREAD"),
        "{fault:?} has the reason"
    );
    assert_eq!(scene.pid("a"), pid);
    scene.stop();
}

#[test]
fn a_restart_that_cannot_have_its_port_goes_on_as_before() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut scene = Scene::start(PROGRAM);
    scene.wait("a", "RUNNING");
    scene.dir.write(
        "supervisord.conf",
        usual_configuration(&format!(
            "{PROGRAM}[inet_http_server]\nport=127.0.0.1:{port}\n"
        )),
    );
    scene.call("restart", &[]).answer();
    scene.wait_log("running as before");
    assert!(
        scene
            .log()
            .contains("Another program is already listening on a port"),
        "{}",
        scene.log()
    );
    scene.daemon.wait_until_it_answers(&scene.rpc);
    scene.wait("a", "RUNNING");
    scene.stop();
}

/// Starts a daemon whose system calls can be refused, with a program that ignores SIGTERM.
fn stubborn_scene() -> Scene {
    let program = "[program:a]\ncommand=/bin/sh -c 'test -e mild || trap \"\" TERM; exec cat'\n\
                   directory=%(here)s\nstartsecs=0\nstartretries=100\nstopwaitsecs=1000\n";
    let scene = Scene::start_as(Dir::new(), program, |launch| launch.shim = true);
    scene.wait("a", "RUNNING");
    let command = format!("/proc/{}/comm", scene.pid("a"));
    let is_ready = || fs::read_to_string(&command).is_ok_and(|name| name == "cat\n");
    assert!(wait_until(DEADLINE, is_ready));
    scene
}

/// The program is born again, and heeds SIGTERM; then everything ends.
fn stop_stubborn(scene: Scene) {
    scene.dir.write("mild", "");
    let pid = scene.pid("a");
    kill(pid, libc::SIGKILL);
    let is_back = wait_until(DEADLINE, || ![0, pid].contains(&scene.pid("a")));
    assert!(is_back, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_restart_that_could_not_start_programs_again_stopped_them() {
    let scene = stubborn_scene();
    let pid = scene.pid("a");
    scene.dir.write("pipe2", libc::EMFILE.to_string());
    scene.daemon.signal(libc::SIGHUP);
    let reason = "cannot make a pipe: Too many open files";
    scene.wait_log(&format!(
        "ERRO not restarted, everything goes on as it is: {reason}\n"
    ));
    let fault = scene.call("restart", &[]).to_string();
    assert_eq!(fault, format!("fault 30 FAILED: {reason}"));
    let state = scene.call("getState", &[]).answer();
    assert_eq!(state.text_of("statename"), "RUNNING");
    assert_eq!(scene.pid("a"), pid);
    fs::remove_file(scene.dir.join("pipe2")).unwrap();
    stop_stubborn(scene);
}

#[test]
fn a_restart_that_was_refused_descriptors_ended_the_daemon() {
    let mut scene = stubborn_scene();
    let pid = scene.pid("a");
    scene.dir.write("epoll", libc::EMFILE.to_string());
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log("waiting for a to die");
    // Everything is being stopped already.
    scene.dir.write("pipe2", libc::EMFILE.to_string());
    kill(pid, libc::SIGKILL);
    scene.wait_log("INFO spawnerr: too many open files to spawn 'a'\n");
    scene.daemon.wait_until_it_answers(&scene.rpc);
    scene.wait("a", "BACKOFF");
    for call in ["pipe2", "epoll"] {
        fs::remove_file(scene.dir.join(call)).unwrap();
    }
    // Signals and ends of children are heard of as before.
    scene.wait("a", "RUNNING");
    stop_stubborn(scene);
}
