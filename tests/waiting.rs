//! `supervisorctl wait` and `waitForProcess`: they answer when processes are as they should be,
//! or cannot be any more.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::idle::{comes_to_rest, status_number};
use super::support::{
    Address, Ctl, DEADLINE, Finished, Kind, Rpc, Scene, Value, descriptors_of, wait_until,
};

fn wait(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&[&["wait"][..], &words].concat())
}

fn check(scene: &Scene, line: &str, status: i32, told: &str) {
    let end = wait(scene, line);
    assert_eq!(
        (end.stdout.as_str(), end.status),
        (told, Some(status)),
        "{line}: {}",
        end.stderr
    );
}

/// A `wait` that goes on.
fn begin(scene: &Scene, line: &str) -> Child {
    let mut command = Command::new(Ctl::new(Kind::Ours, &scene.dir).program());
    command.arg("wait").args(line.split_whitespace());
    command.current_dir(scene.dir.path()).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// Whether it has ended with that status.
fn has_ended(child: &mut Child, status: i32) -> bool {
    let mut code = None;
    wait_until(DEADLINE, || match child.try_wait().unwrap() {
        Some(end) => {
            code = end.code();
            true
        }
        None => false,
    });
    code == Some(status)
}

#[test]
fn what_is_so_already_is_answered_at_once() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:job]\ncommand=true\nstartsecs=0\nautorestart=false\n\
         [program:idle]\ncommand=/bin/cat\nautostart=false\n\
         [program:w]\ncommand=/bin/cat\nstartsecs=0\nnumprocs=2\nprocess_name=%(process_num)d\n",
    );
    check(&scene, "p w:* --timeout 1m", 0, "");
    check(&scene, "p --for ready", 0, "");
    check(&scene, "p --for healthy", 0, "");
    check(&scene, "job --for exited", 0, "");
    check(&scene, "job idle --for=stopped", 0, "");
    check(&scene, "idle", 1, "ERROR: idle is STOPPED (Not started)\n");
    check(&scene, "nosuch", 1, "nosuch: ERROR (no such process)\n");
    let end = wait(&scene, "p --for exited --timeout 50ms");
    assert!(
        end.stdout
            .starts_with("ERROR: the time is over, p is RUNNING (pid "),
        "{}",
        end.stdout
    );
    assert_eq!(end.status, Some(1));
    let end = wait(&scene, "");
    assert!(
        end.stdout
            .starts_with("Error: wait requires a process name\n"),
        "{}",
        end.stdout
    );
    let bad = scene.call(
        "waitForProcess",
        &[Value::text("p"), Value::text("up"), Value::Int(1)],
    );
    assert!(bad.to_string().contains("BAD_ARGUMENTS"), "{bad}");
    scene.stop();
}

#[test]
fn a_wait_ends_when_it_comes_to_be_so_and_when_it_cannot_any_more() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         readiness_check=test -e %(here)s/ready\nreadiness_check_period=20ms\n\
         liveness_check=test -e %(here)s/alive\nliveness_check_period=20ms\n\
         liveness_check_failure_action=none\n\
         [program:bad]\ncommand=sh -c 'while [ ! -e %(here)s/end ]; do sleep 0.02; done; exit 1'\n\
         startsecs=100\nstartretries=0\n",
    );
    let mut ready = begin(&scene, "p --for ready");
    let mut healthy = begin(&scene, "p --for healthy --timeout 1m");
    let mut bad = begin(&scene, "bad");
    // None is asked again: each has made its calls and waits.
    thread::sleep(Duration::from_millis(200));
    assert!(ready.try_wait().unwrap().is_none());
    scene.dir.write("ready", "");
    assert!(has_ended(&mut ready, 0), "{}", scene.log());
    assert!(healthy.try_wait().unwrap().is_none());
    let told = Ctl::new(Kind::Ours, &scene.dir).run(&["healthcheck", "p"]);
    assert_eq!(told.status, Some(1));
    assert!(told.stdout.starts_with("p: RUNNING ("), "{}", told.stdout);
    scene.dir.write("alive", "");
    assert!(has_ended(&mut healthy, 0), "{}", scene.log());
    let told = Ctl::new(Kind::Ours, &scene.dir).run(&["healthcheck", "p"]);
    assert_eq!((told.stdout.as_str(), told.status), ("", Some(0)));
    assert!(bad.try_wait().unwrap().is_none());
    scene.dir.write("end", "");
    assert!(has_ended(&mut bad, 1), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_wait_asks_once_and_lets_the_daemon_sleep() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nreadiness=log:go\n\
         readiness_timeout=infinity\n",
    );
    let pid = scene.daemon.pid();
    assert!(comes_to_rest(pid));
    let before = descriptors_of(pid).len();
    let mut waiting = begin(&scene, "p --for ready");
    // Its connection stays, and the daemon sleeps for longer than anybody's pause between questions.
    let sleeps = wait_until(DEADLINE, || {
        let woken = status_number(pid, "voluntary_ctxt_switches");
        thread::sleep(Duration::from_secs(3));
        let is_asking = descriptors_of(pid).len() > before;
        is_asking && status_number(pid, "voluntary_ctxt_switches") == woken
    });
    assert!(sleeps, "{}", scene.log());
    assert!(waiting.try_wait().unwrap().is_none());
    let go = [Value::text("p"), Value::text("go\n")];
    scene.call("sendProcessStdin", &go).answer();
    assert!(has_ended(&mut waiting, 0), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_wait_survives_a_restart_of_supervisord() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nreadiness=log:go\nautostart=true\n",
    );
    let mut waiting = begin(&scene, "p");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        assert!(waiting.try_wait().unwrap().is_none());
        thread::sleep(Duration::from_millis(20));
    }
    scene.call("restart", &[]).answer();
    let rpc = Rpc::new(Address::Unix(scene.dir.join("s")));
    let is_back = || {
        let name = [Value::text("p"), Value::text("go\n")];
        rpc.answers()
            && scene.log().matches("spawned: 'p'").count() == 2
            && matches!(
                rpc.call("supervisor.sendProcessStdin", &name),
                super::support::Outcome::Answer(_)
            )
    };
    assert!(wait_until(DEADLINE, is_back), "{}", scene.log());
    assert!(has_ended(&mut waiting, 0), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_wait_with_a_time_waits_for_a_server_too() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    let socket = scene.dir.join("none").display().to_string();
    let ctl = Ctl::with_options(Kind::Ours, &scene.dir, &["-s", &format!("unix://{socket}")]);
    let end = ctl.run(&["wait", "p", "--timeout", "300ms"]);
    assert_eq!(
        end.stdout,
        "ERROR: the time is over, and supervisord does not answer\n"
    );
    assert_eq!(end.status, Some(1));
    let end = ctl.run(&["wait", "p"]);
    assert_ne!(end.status, Some(0), "without a time it is an error at once");
    scene.stop();
}
