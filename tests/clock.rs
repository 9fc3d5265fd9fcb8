//! The wall clock is set while processes wait for something. The daemon sees
//! another clock than its host: the shim adds an hour to it, or takes one away.

use super::support::{DEADLINE, Dir, Scene, Value, kill, wait_until};
use std::time::{SystemTime, UNIX_EPOCH};

const HOUR: i64 = 3600;

/// By how much a stamp may be off: it was taken before or after it is looked at.
const TOLERANCE: i64 = 10;

fn scene() -> Scene {
    let dir = Dir::new();
    let deaf = dir.script(
        "deaf",
        "trap '' TERM\n: > $1\nwhile :; do read line || exit 0; done",
    );
    let deaf = deaf.display();
    Scene::start_as(
        dir,
        &format!(
            "[program:up]\ncommand=/bin/cat\nstartsecs=0\n\
             [program:soon]\ncommand=/bin/cat\nautostart=false\nstartsecs=1\n\
             [program:late]\ncommand=/bin/cat\nstartsecs=600\n\
             [program:fails]\ncommand=/bin/false\nautostart=false\nstartsecs=5\nstartretries=1\n\
             [program:deaf]\ncommand={deaf} deaf-1\ndirectory=%(here)s\nstartsecs=0\nstopwaitsecs=1\n\
             [program:patient]\ncommand={deaf} deaf-2\ndirectory=%(here)s\nstartsecs=0\nstopwaitsecs=600\n"
        ),
        |launch| launch.shim = true,
    )
}

/// The wall clock of the host, which nobody sets.
fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Has the clock of the daemon set in the midst of waits of all sorts.
fn set_by(offset: i64) -> Scene {
    let scene = scene();
    for (name, file) in [("deaf", "deaf-1"), ("patient", "deaf-2")] {
        scene.wait(name, "RUNNING");
        assert!(wait_until(DEADLINE, || scene.dir.join(file).exists()));
    }
    let without_waiting = |method: &str, name: &str| {
        scene
            .call(method, &[Value::text(name), Value::Bool(false)])
            .answer();
    };
    without_waiting("stopProcess", "patient");
    without_waiting("stopProcess", "deaf");
    without_waiting("startProcess", "soon");
    // It may have ended before the answer, which then is a fault.
    scene.call("startProcess", &[Value::text("fails"), Value::Bool(false)]);
    scene.dir.write("clock", offset.to_string());

    // What was to happen soon does, and what was not does not.
    scene.wait("soon", "RUNNING");
    scene.wait("fails", "FATAL");
    scene.wait("deaf", "STOPPED");
    assert_eq!(scene.log().matches("spawned: 'fails'").count(), 2);
    assert_eq!(scene.info("late").text_of("statename"), "STARTING");
    assert_eq!(scene.info("patient").text_of("statename"), "STOPPING");
    assert!(
        !scene.log().contains("killing 'patient'"),
        "{}",
        scene.log()
    );
    for info in scene.all() {
        let now = info.int_of("now");
        let there = wall() + offset;
        assert!((now - there).abs() <= TOLERANCE, "{there}: {info}");
        for stamp in ["start", "stop"] {
            assert!(info.int_of(stamp) <= now + 2, "{info}");
        }
    }
    scene
}

fn end(scene: Scene) {
    kill(scene.pid("patient"), libc::SIGKILL);
    scene.wait("patient", "STOPPED");
    scene.stop();
}

#[test]
fn a_clock_that_is_set_back_holds_up_nothing() {
    let scene = set_by(-HOUR);
    let up = scene.info("up");
    let age = up.int_of("now") - up.int_of("start");
    assert!((-2..=60).contains(&age), "{up}");
    let description = up.text_of("description");
    assert!(description.contains(", uptime 0:00:"), "{description}");
    // What happens from here on is stamped by the new time.
    scene.call("stopProcess", &[Value::text("up")]).answer();
    let up = scene.info("up");
    let stopped = up.int_of("now") - up.int_of("stop");
    assert!((0..=TOLERANCE).contains(&stopped), "{up}");
    assert!(up.int_of("start") <= up.int_of("stop"), "{up}");
    end(scene);
}

#[test]
fn a_clock_that_is_set_forward_hurries_nothing() {
    let scene = set_by(HOUR);
    // A host that slept for an hour looks the same: its programs have been up for so long.
    let description = scene.info("up").text_of("description");
    assert!(description.contains(", uptime 1:00:"), "{description}");
    // And set right again it is as if nothing had happened.
    scene.dir.write("clock", "0");
    let up = scene.info("up");
    assert!((up.int_of("start") - wall()).abs() <= 60, "{up}");
    let soon = scene.info("soon");
    assert!(
        (up.int_of("start")..=wall() + 2).contains(&soon.int_of("start")),
        "{soon}"
    );
    let description = up.text_of("description");
    assert!(description.contains(", uptime 0:00:"), "{description}");
    end(scene);
}
