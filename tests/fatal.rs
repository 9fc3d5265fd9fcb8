//! supervisord's FATAL state: what brings it on, what it tells, what ends it.
//! Every obstacle is real: a directory or permissions in the way of a log, and a
//! capability that the daemon lacks.

use super::support::{Ctl, DEADLINE, Dir, Kind, Outcome, Scene, Value, is_alive, kill, wait_until};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Two programs with logs.
const PAIR: &str = "\
[program:p]
command=/bin/cat
startsecs=0
stdout_logfile=%(here)s/p.out
[program:q]
command=/bin/cat
startsecs=0
stdout_logfile=%(here)s/q.out
";

/// A root that may not signal the processes of others.
const WITHOUT_KILL: &[&str] = &["setpriv", "--bounding-set=-kill"];

fn pair() -> Scene {
    let scene = Scene::start(PAIR);
    scene.wait_all("RUNNING");
    scene
}

/// Puts a directory in the place of a file.
fn obstruct(scene: &Scene, name: &str) {
    fs::remove_file(scene.dir.join(name)).unwrap();
    fs::create_dir(scene.dir.join(name)).unwrap();
}

fn free(scene: &Scene, name: &str) {
    fs::remove_dir(scene.dir.join(name)).unwrap();
}

fn state(scene: &Scene) -> (i64, String) {
    let state = scene.call("getState", &[]).answer();
    (state.int_of("statecode"), state.text_of("statename"))
}

fn assert_running(scene: &Scene) {
    assert_eq!(state(scene), (1, "RUNNING".to_owned()), "{}", scene.log());
    assert_eq!(reason(scene), "");
}

fn reason(scene: &Scene) -> String {
    match scene.call("getStateReason", &[]).answer() {
        Value::Text(text) => text,
        other => panic!("a text was expected, not {other}"),
    }
}

/// supervisord is FATAL for this reason, and the log says so.
fn assert_fatal(scene: &Scene, expected: &str) {
    assert_eq!(state(scene), (2, "FATAL".to_owned()), "{}", scene.log());
    assert_eq!(reason(scene), expected);
    let line = format!("CRIT supervisord is in FATAL state: {expected}\n");
    assert!(scene.log().contains(&line), "{}", scene.log());
}

fn cannot_open(scene: &Scene, name: &str) -> String {
    format!(
        "cannot open {}: Is a directory",
        scene.dir.join(name).display()
    )
}

fn clear(scene: &Scene, name: &str) -> Outcome {
    scene.call("clearProcessLogs", &[Value::text(name)])
}

#[test]
fn a_log_that_cannot_be_cleared_is_fatal_until_it_can() {
    let scene = pair();
    assert_running(&scene);
    obstruct(&scene, "p.out");
    assert_eq!(clear(&scene, "p"), Outcome::Fault(30, "FAILED: p".into()));
    let expected = cannot_open(&scene, "p.out");
    assert_fatal(&scene, &expected);

    // It supervises as before, and only the same thing ends the state.
    let q = Value::text("q");
    scene.call("stopProcess", std::slice::from_ref(&q)).answer();
    scene.call("startProcess", &[q]).answer();
    let pid = scene.pid("q");
    kill(pid, libc::SIGKILL);
    let again = wait_until(DEADLINE, || {
        let info = scene.info("q");
        info.text_of("statename") == "RUNNING" && info.int_of("pid") != i64::from(pid)
    });
    assert!(again, "{}", scene.log());
    clear(&scene, "q").answer();
    assert_fatal(&scene, &expected);

    free(&scene, "p.out");
    // Without a child nothing is cleared, and nothing is shown to be well.
    scene.call("stopProcess", &[Value::text("p")]).answer();
    clear(&scene, "p").answer();
    assert_fatal(&scene, &expected);
    scene.call("startProcess", &[Value::text("p")]).answer();
    clear(&scene, "p").answer();
    assert_running(&scene);
    assert!(
        scene
            .log()
            .contains("INFO supervisord is in RUNNING state again\n"),
        "{}",
        scene.log()
    );
    scene.stop();
}

#[test]
fn clearing_all_logs_tells_of_the_one_that_cannot_be_cleared() {
    let scene = pair();
    obstruct(&scene, "p.out");
    let statuses = scene.call("clearAllProcessLogs", &[]).answer();
    let Value::Array(statuses) = statuses else {
        panic!("an array was expected");
    };
    let codes: Vec<i64> = statuses.iter().map(|one| one.int_of("status")).collect();
    assert_eq!(codes, [30, 80]);
    assert_fatal(&scene, &cannot_open(&scene, "p.out"));
    free(&scene, "p.out");
    scene.call("clearAllProcessLogs", &[]).answer();
    assert_running(&scene);
    scene.stop();
}

#[test]
fn a_main_log_that_cannot_be_cleared_is_fatal_and_goes_on() {
    let dir = Dir::new();
    let scene = Scene::start_as(dir, PAIR, |_| {});
    fs::hard_link(scene.dir.join("main.log"), scene.dir.join("kept.log")).unwrap();
    obstruct(&scene, "main.log");
    let refused = Outcome::Fault(30, "FAILED".to_owned());
    assert_eq!(scene.call("clearLog", &[]), refused);
    let expected = cannot_open(&scene, "main.log");
    assert_eq!(state(&scene).0, 2);
    assert_eq!(reason(&scene), expected);
    // The file that was open is written to as before.
    let kept = scene.dir.read("kept.log").unwrap();
    let line = format!("CRIT supervisord is in FATAL state: {expected}\n");
    assert!(kept.contains(&line), "{kept}");
    free(&scene, "main.log");
    scene.dir.write("main.log", "");
    scene.call("clearLog", &[]).answer();
    assert_running(&scene);
    scene.stop();
}

#[test]
fn a_log_that_may_not_be_removed_is_fatal() {
    let dir = Dir::new();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::create_dir(dir.join("logs")).unwrap();
    let log = dir.write("logs/p.out", "");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(dir.join("logs"), fs::Permissions::from_mode(0o555)).unwrap();
    let is_root = nix::unistd::getuid().is_root();
    let scene = Scene::start_as(
        dir,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/logs/p.out\nstderr_logfile=NONE\n",
        |launch| {
            // Permissions are nothing to root.
            if is_root {
                launch.wrapper = &[
                    "setpriv",
                    "--reuid=54321",
                    "--regid=54321",
                    "--clear-groups",
                ];
            }
        },
    );
    scene.wait_all("RUNNING");
    assert_eq!(clear(&scene, "p"), Outcome::Fault(30, "FAILED: p".into()));
    let expected = format!("cannot remove {}: Permission denied", log.display());
    assert_fatal(&scene, &expected);
    let folder = scene.dir.join("logs");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    clear(&scene, "p").answer();
    assert_running(&scene);
    scene.stop();
}

/// A daemon without the right to signal others, whose program `p` is somebody
/// else as long as the file `other` is there. None where only root could do that.
fn powerless() -> Option<Scene> {
    if !nix::unistd::getuid().is_root() {
        return None;
    }
    let dir = Dir::new();
    let script = dir.script(
        "p",
        "[ -e other ] && exec setpriv --reuid=65534 --clear-groups sleep 600\nexec sleep 600",
    );
    dir.write("other", "");
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand={}\ndirectory=%(here)s\nstartsecs=0\nautorestart=false\nstopwaitsecs=1\n",
            script.display()
        ),
        |launch| launch.wrapper = WITHOUT_KILL,
    );
    scene.wait("p", "RUNNING");
    wait_for_sleep(&scene);
    Some(scene)
}

/// Waits until the child has become who it will be.
fn wait_for_sleep(scene: &Scene) {
    let pid = scene.pid("p");
    let sleeps = wait_until(DEADLINE, || {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n")
    });
    assert!(sleeps);
}

#[test]
fn a_signal_that_cannot_be_sent_is_fatal_until_one_can() {
    let Some(scene) = powerless() else { return };
    let p = Value::text("p");
    let pid = scene.pid("p");
    assert_eq!(
        scene.call("stopProcess", std::slice::from_ref(&p)),
        Outcome::Fault(
            30,
            format!("FAILED: unknown problem killing p ({pid}):[Errno 1] Operation not permitted")
        )
    );
    let expected = format!("cannot send SIGTERM to p (pid {pid}): Operation not permitted");
    assert_fatal(&scene, &expected);
    assert_eq!(scene.info("p").text_of("statename"), "UNKNOWN");
    assert!(is_alive(pid), "it is left alone");

    // Its end is no success of anything, though a stop was asked for.
    kill(pid, libc::SIGKILL);
    scene.wait("p", "STOPPED");
    assert_fatal(&scene, &expected);
    fs::remove_file(scene.dir.join("other")).unwrap();
    scene
        .call("startProcess", std::slice::from_ref(&p))
        .answer();
    wait_for_sleep(&scene);
    assert_fatal(&scene, &expected);
    scene
        .call("signalProcess", &[p, Value::text("CONT")])
        .answer();
    assert_running(&scene);
    scene.stop();
}

#[test]
fn a_signal_on_request_that_cannot_be_sent_is_fatal_and_its_child_ends_as_one_that_was_not_stopped()
{
    let Some(scene) = powerless() else { return };
    let pid = scene.pid("p");
    let request = [Value::text("p"), Value::text("USR1")];
    assert_eq!(
        scene.call("signalProcess", &request),
        Outcome::Fault(
            30,
            format!(
                "FAILED: unknown problem sending sig p ({pid}):[Errno 1] Operation not permitted"
            )
        )
    );
    assert_fatal(
        &scene,
        &format!("cannot send SIGUSR1 to p (pid {pid}): Operation not permitted"),
    );
    kill(pid, libc::SIGKILL);
    scene.wait("p", "EXITED");
    scene.stop();
}

#[test]
fn a_child_of_a_removed_group_is_collected_as_nobodys() {
    let Some(scene) = powerless() else { return };
    let pid = scene.pid("p");
    let p = [Value::text("p")];
    assert!(matches!(
        scene.call("stopProcess", &p),
        Outcome::Fault(30, _)
    ));
    scene.call("removeProcessGroup", &p).answer();
    assert!(is_alive(pid));
    kill(pid, libc::SIGKILL);
    scene.wait_log(&format!(
        "INFO reaped unknown pid {pid} (terminated by SIGKILL)"
    ));
    assert_eq!(state(&scene).0, 2, "nothing has succeeded");
    scene.stop();
}

#[test]
fn the_state_lasts_until_the_last_failure_is_over() {
    let scene = pair();
    obstruct(&scene, "p.out");
    obstruct(&scene, "q.out");
    for name in ["p", "q"] {
        assert!(matches!(clear(&scene, name), Outcome::Fault(30, _)));
        assert_fatal(&scene, &cannot_open(&scene, &format!("{name}.out")));
    }
    free(&scene, "q.out");
    clear(&scene, "q").answer();
    assert_fatal(&scene, &cannot_open(&scene, "p.out"));
    assert_eq!(scene.call("clearFatal", &[]).answer(), Value::Bool(true));
    assert_running(&scene);
    // There is nothing to clear any more, which is no fault.
    assert_eq!(scene.call("clearFatal", &[]).answer(), Value::Bool(true));
    assert_running(&scene);
    scene.stop();
}

#[test]
fn a_restart_ends_the_state_and_one_that_is_refused_does_not() {
    let scene = pair();
    obstruct(&scene, "p.out");
    assert!(matches!(clear(&scene, "p"), Outcome::Fault(30, _)));
    let good = scene.dir.read("supervisord.conf").unwrap();
    scene
        .dir
        .write("supervisord.conf", "[supervisord]\n[program:p]\n");
    assert!(matches!(scene.call("restart", &[]), Outcome::Fault(92, _)));
    assert_fatal(&scene, &cannot_open(&scene, "p.out"));
    scene.dir.write("supervisord.conf", good);
    free(&scene, "p.out");
    scene.call("restart", &[]).answer();
    let again = wait_until(DEADLINE, || {
        scene.log().matches("supervisord started with pid").count() == 2 && scene.rpc.answers()
    });
    assert!(again, "{}", scene.log());
    assert_running(&scene);
    scene.stop();
}

#[test]
fn status_tells_the_reason_on_the_standard_error() {
    let scene = pair();
    let ours = Ctl::new(Kind::Ours, &scene.dir);
    let theirs = Ctl::new(Kind::Original, &scene.dir);
    let before = ours.run(&["status"]);
    assert_eq!((before.status, before.stderr.as_str()), (Some(0), ""));
    obstruct(&scene, "p.out");
    assert!(matches!(clear(&scene, "p"), Outcome::Fault(30, _)));
    let told = format!(
        "supervisord is in FATAL state: {}\n",
        cannot_open(&scene, "p.out")
    );
    for words in [vec!["status"], vec!["status", "q"]] {
        let shown = ours.run(&words);
        assert_eq!(shown.stderr, told);
        assert_eq!(shown.status, Some(0));
        assert!(
            shown
                .stdout
                .contains("q                                RUNNING ")
        );
        // The supervisorctl of 4.3.0 sees nothing unusual.
        let other = theirs.run(&words);
        assert_eq!(other.stdout.lines().count(), shown.stdout.lines().count());
        assert_eq!((other.status, other.stderr.as_str()), (Some(0), ""));
    }
    scene.stop();
}

/// A listener that writes down the events that it is told of, with their payloads.
const LISTENER: &str = "\
import sys
out = open(sys.argv[1], 'a', buffering=1)
while True:
    sys.stdout.write('READY\\n')
    sys.stdout.flush()
    header = dict(word.split(':') for word in sys.stdin.buffer.readline().decode().split())
    payload = sys.stdin.buffer.read(int(header['len'])).decode()
    out.write(header['eventname'] + ' ' + payload + '\\n')
    sys.stdout.write('RESULT 2\\nOK')
    sys.stdout.flush()
";

#[test]
fn listeners_are_told_when_it_begins() {
    let dir = Dir::new();
    dir.write("listener.py", LISTENER);
    let scene = Scene::start_as(
        dir,
        &format!(
            "{PAIR}[eventlistener:ear]\ncommand=python3 %(here)s/listener.py %(here)s/heard\n\
             events=SUPERVISOR_STATE_CHANGE\nstartsecs=0\n"
        ),
        |_| {},
    );
    scene.wait_all("RUNNING");
    obstruct(&scene, "p.out");
    obstruct(&scene, "q.out");
    // The second failure changes no state.
    for name in ["p", "q", "p"] {
        assert!(matches!(clear(&scene, name), Outcome::Fault(30, _)));
    }
    scene.call("clearFatal", &[]).answer();
    assert!(matches!(clear(&scene, "q"), Outcome::Fault(30, _)));
    let expected = ["p.out", "q.out"].map(|name| {
        let reason = cannot_open(&scene, name);
        format!("SUPERVISOR_STATE_CHANGE_FATAL {reason}\n")
    });
    let mut heard = String::new();
    let complete = wait_until(DEADLINE, || {
        heard = scene.dir.read("heard").unwrap_or_default();
        heard.ends_with(&expected.concat())
    });
    assert!(complete, "{heard}");
    scene.stop();
}
