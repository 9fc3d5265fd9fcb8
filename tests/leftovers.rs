//! What a supervisord that was killed has left behind, and the next one finds.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use super::support::{DEADLINE, Dir, Scene, Value, is_alive, kill, wait_until};

const PROGRAM: &str =
    "[program:p]\ncommand=/bin/sh -c 'sleep 3600 & wait'\nstartsecs=0\nstopasgroup=true\n";

/// Runs a supervisord, kills it, and gives the pid of the program that it leaves behind.
fn leave_behind(dir: Dir, configuration: &str) -> (Dir, u32) {
    let Scene {
        mut daemon, dir, ..
    } = {
        let scene = Scene::start_as(dir, configuration, |_| {});
        scene.wait_all("RUNNING");
        scene
    };
    let pid = first_pid(&dir);
    daemon.signal(libc::SIGKILL);
    assert_eq!(daemon.wait(DEADLINE), Some(-libc::SIGKILL));
    assert!(is_alive(pid));
    (dir, pid)
}

/// The pid of the first program that the log tells of.
fn first_pid(dir: &Dir) -> u32 {
    let log = dir.read("main.log").unwrap();
    let line = log.lines().find(|line| line.contains("spawned: ")).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// A program that was left behind; it ends with the test.
struct Leftover(u32);

impl Drop for Leftover {
    fn drop(&mut self) {
        for pid in super::support::descendants_of(self.0) {
            kill(pid, libc::SIGKILL);
        }
        kill(self.0, libc::SIGKILL);
    }
}

#[test]
fn programs_that_a_killed_supervisord_had_left_behind_were_not_told_of() {
    let (dir, pid) = leave_behind(Dir::new(), PROGRAM);
    let leftover = Leftover(pid);
    let scene = Scene::start_as(dir, PROGRAM, |_| {});
    scene.wait_log(&format!("p runs since an earlier supervisord (pid {pid})"));
    scene.wait_log("or set leftovers=kill in [supervisord]");
    scene.wait_all("RUNNING");
    // The sleep that it started is not told of besides, nor is it touched.
    assert_eq!(scene.log().matches("earlier supervisord").count(), 1);
    assert!(is_alive(leftover.0));
    scene.stop();
}

#[test]
fn leftovers_are_not_looked_for_where_they_are_to_be_ignored() {
    let configuration = format!("leftovers=ignore\n{PROGRAM}");
    let (dir, pid) = leave_behind(Dir::new(), &configuration);
    let _leftover = Leftover(pid);
    let scene = Scene::start_as(dir, &configuration, |_| {});
    scene.wait_all("RUNNING");
    assert!(
        !scene.log().contains("earlier supervisord"),
        "{}",
        scene.log()
    );
    scene.stop();
}

#[test]
fn leftovers_are_stopped_as_configured_before_anything_starts() {
    let program = "[program:p]\n\
        command=/bin/sh -c 'trap \"echo bye >> bye; exit\" USR1; while :; do sleep 0.05; done'\n\
        stopsignal=USR1\nstartsecs=0\n";
    let configuration = format!("leftovers=kill\n{program}");
    let (dir, pid) = leave_behind(Dir::new(), &configuration);
    let _leftover = Leftover(pid);
    let scene = Scene::start_as(dir, &configuration, |_| {});
    scene.wait_all("RUNNING");
    assert!(!is_alive(pid));
    assert_eq!(scene.dir.read("bye").as_deref(), Some("bye\n"));
    let log = scene.log();
    let gone = log.find("nothing that an earlier supervisord started is waited for");
    let spawned = log.rfind("spawned: 'p'");
    assert!(gone.is_some() && gone < spawned, "{log}");
    let own = scene.pid("p");
    let record = scene.dir.read("main.pid.children").unwrap();
    assert!(record.contains(&format!("\n{own} ")), "{record}");
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log("received SIGHUP");
    let again = wait_until(DEADLINE, || {
        scene.log().matches("spawned: 'p'").count() >= 3
    });
    assert!(again, "{}", scene.log());
    let dir = scene.dir.path().to_owned();
    let mut scene = scene;
    assert_eq!(scene.daemon.stop(), Some(0));
    assert!(!dir.join("main.pid.children").exists());
}

#[test]
fn leftovers_that_do_not_go_are_killed_and_a_request_waits_for_them() {
    let program = "[program:p]\ncommand=/bin/sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 0.05; done'\n\
        stopwaitsecs=2\nstartsecs=0\nautostart=false\n";
    let configuration = format!("leftovers=kill\n{program}");
    let dir = Dir::new();
    let (dir, pid) = leave_behind(
        dir,
        &configuration.replace("autostart=false", "autostart=true"),
    );
    let _leftover = Leftover(pid);
    let scene = Scene::start_as(dir, &configuration, |_| {});
    // The fault names what is in the way, and the start is tried again.
    let name = Value::text("p");
    let _ = scene.call("startProcess", &[name, Value::Bool(false)]);
    scene.wait("p", "RUNNING");
    assert!(!is_alive(pid));
    scene.wait_log(&format!(
        "the one of an earlier supervisord (pid {pid}) is being stopped"
    ));
    scene.wait_log(&format!("killing 'p' ({pid}) with SIGKILL"));
    scene.stop();
}

#[test]
fn a_process_that_only_has_the_pid_of_a_child_is_left_alone() {
    let configuration = format!("leftovers=kill\n{PROGRAM}");
    let (dir, pid) = leave_behind(Dir::new(), &configuration);
    let leftover = Leftover(pid);
    let record = dir.read("main.pid.children").unwrap();
    let (boot, line) = record.split_once('\n').unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let other = words[1].parse::<u64>().unwrap() - 1;
    dir.write("main.pid.children", format!("{boot}\n{pid} {other} p:p\n"));
    let scene = Scene::start_as(dir, &configuration, |_| {});
    scene.wait_log(&format!("p runs since an earlier supervisord (pid {pid})"));
    scene.wait_log("it is not in the record");
    scene.wait_all("RUNNING");
    assert!(is_alive(leftover.0));
    scene.stop();
}

/// Regression: the next record did not have those that the last one was still stopping.
#[test]
fn a_leftover_that_was_being_stopped_was_forgotten_by_the_next_start() {
    let program = "[program:p]\ncommand=/bin/sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 0.05; done'\n\
        stopwaitsecs=600\nstartsecs=0\n";
    let configuration = format!("leftovers=kill\n{program}");
    let (dir, pid) = leave_behind(Dir::new(), &configuration);
    let _leftover = Leftover(pid);
    let told = format!("p runs since an earlier supervisord (pid {pid}): stopping it");
    let is_told = |scene: &Scene, times: usize| {
        let reached = wait_until(DEADLINE, || scene.log().matches(&told).count() >= times);
        assert!(reached, "{times}: {}", scene.log());
    };
    let mut scene = Scene::start_as(dir, &configuration, |_| {});
    is_told(&scene, 1);
    scene.daemon.signal(libc::SIGKILL);
    assert_eq!(scene.daemon.wait(DEADLINE), Some(-libc::SIGKILL));
    let mut scene = Scene::start_as(scene.dir, &configuration, |_| {});
    is_told(&scene, 2);
    scene.daemon.signal(libc::SIGHUP);
    is_told(&scene, 3);
    assert_eq!(scene.daemon.stop(), Some(0));
    let short = configuration.replace("600", "1");
    let scene = Scene::start_as(scene.dir, &short, |_| {});
    is_told(&scene, 4);
    scene.wait_all("RUNNING");
    assert!(!is_alive(pid));
    scene.stop();
}

/// Everybody may give a process any environment.
#[test]
fn processes_of_another_user_were_told_of_as_if_supervisord_had_started_them() {
    if !nix::unistd::getuid().is_root() {
        return;
    }
    let dir = Dir::new();
    let url = format!("unix://{}/s", dir.path().display());
    let pretend = |name: &str| {
        let mut command = Command::new("sleep");
        command.arg("3600").uid(12345).env_clear();
        command.env("SUPERVISOR_SERVER_URL", &url);
        command.env("SUPERVISOR_GROUP_NAME", name);
        command.env("SUPERVISOR_PROCESS_NAME", name);
        Pretender(command.spawn().unwrap())
    };
    let long = "x".repeat(100_000);
    let pretenders = ["web\nline", long.as_str()].map(pretend);
    let scene = Scene::start_as(dir, &format!("leftovers=kill\n{PROGRAM}"), |_| {});
    scene.wait_log(&format!(
        "web\\x0aline runs since an earlier supervisord (pid {} of user 12345)",
        pretenders[0].0.id()
    ));
    scene.wait_all("RUNNING");
    assert!(!scene.log().contains("xxx"), "{}", scene.log());
    assert!(
        pretenders
            .iter()
            .all(|pretender| is_alive(pretender.0.id()))
    );
    scene.stop();
}

/// A process that says of itself what is not so; it ends with the test.
struct Pretender(Child);

impl Drop for Pretender {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
