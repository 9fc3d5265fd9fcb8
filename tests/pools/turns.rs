//! How long a listener takes for its turn: one that stays BUSY is told of, and one
//! that rejects an event again and again rests.

use super::super::idle::comes_to_rest;
use super::super::support::{DEADLINE, Scene, Value, wait_until};
use super::{noted, pool, send, wait_noted, workshop};

const ALL: &str = "REMOTE_COMMUNICATION";

/// Answers when there is a file with the serial of the event.
const SLOW: &str = r#"
say('READY\n')
while True:
    _, tokens, _ = hear()
    note('got', tokens['serial'])
    wait(tokens['serial'])
    say('RESULT 2\nOKREADY\n')
"#;

/// What is told of listeners that are BUSY, without the stamps.
fn complaints(scene: &Scene) -> Vec<String> {
    let log = scene.log();
    let lines = log.lines().filter_map(|line| line.split_once(" WARN "));
    let lines = lines.filter(|(_, text)| text.contains(": busy for "));
    lines.map(|(_, text)| text.to_owned()).collect()
}

/// Waits until so many have been told.
fn wait_complaints(scene: &Scene, count: usize) -> Vec<String> {
    let told = wait_until(DEADLINE, || complaints(scene).len() >= count);
    assert!(told, "{}", scene.log());
    complaints(scene)
}

/// A complaint but for how long it has been.
fn untimed(text: &str) -> String {
    let (name, rest) = text.split_once(": busy for ").unwrap();
    let (seconds, rest) = rest.split_once(" seconds ").unwrap();
    assert!(seconds.parse::<u64>().is_ok(), "{text}");
    format!("{name}: busy {rest}")
}

fn description(scene: &Scene, name: &str) -> String {
    scene.info(name).text_of("description")
}

#[test]
fn nothing_told_of_a_listener_that_had_stopped_answering() {
    let sections = pool("a", "bad", ALL, "busy_warning=1") + &pool("b", "recorder", ALL, "");
    let scene = Scene::start_as(workshop(SLOW), &sections, |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    send(&scene, "n", "");
    assert!(!description(&scene, "a").contains("busy"));
    let told = wait_complaints(&scene, 1);
    let expected = |serial| {
        format!("a: busy with event {ALL} with serial {serial}, 0 bytes of its stdin are unread")
    };
    assert_eq!(untimed(&told[0]), expected(0));
    let shown = description(&scene, "a");
    let (rest, busy) = shown.split_once(", busy for ").unwrap();
    assert!(
        rest.starts_with("pid ") && rest.contains(", uptime 0:0"),
        "{shown}"
    );
    assert!(busy.starts_with("0:0") && busy != "0:00:00", "{shown}");
    // The next event is another turn.
    scene.dir.write("0", "");
    let told = wait_complaints(&scene, 2);
    assert_eq!(untimed(&told[1]), expected(1));
    scene.dir.write("1", "");
    wait_noted(&scene, "b", 2);
    assert!(wait_until(DEADLINE, || !description(&scene, "a").contains("busy")));
    assert!(!description(&scene, "b").contains("busy"));
    // And it is told once for each.
    assert_eq!(complaints(&scene).len(), 2);
    scene.stop();
}

#[test]
fn what_a_listener_has_not_read_was_not_counted() {
    let reads = |count: usize| {
        format!(
            "say('READY\\n')\nwhile {count} > 0:\n  os.read(0, {count})\n  break\ntime.sleep(600)"
        )
    };
    let dir = workshop(&reads(0));
    dir.write("some.py", format!("from listener import *\n{}", reads(10)));
    let length = 300_000;
    // 65,536 bytes and what waits behind them.
    let sections = pool("none", "bad", ALL, "busy_warning=500ms")
        + &pool("some", "some", ALL, "busy_warning=500ms");
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", &"x".repeat(length));
    let mut told: Vec<String> = wait_complaints(&scene, 2)
        .iter()
        .map(|line| untimed(line))
        .collect();
    told.sort();
    let bytes = |name: &str, read: usize| {
        let length = length + "type:n\n".len();
        let header = format!(
            "ver:3.0 server:supervisor serial:0 pool:{name} poolserial:0 eventname:{ALL} len:{length}\n"
        );
        format!(
            "{name}: busy with event {ALL} with serial 0, {} bytes of its stdin are unread",
            header.len() + length - read
        )
    };
    assert_eq!(told, [bytes("none", 0), bytes("some", 10)]);
    scene.stop();
}

#[test]
fn a_listener_that_may_be_busy_for_ever_is_not_told_of() {
    let sections =
        pool("a", "bad", ALL, "busy_warning=0") + &pool("b", "bad", ALL, "busy_warning=1s");
    let scene = Scene::start_as(workshop(SLOW), &sections, |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    let told = wait_complaints(&scene, 1);
    assert!(told[0].starts_with("b: "), "{told:?}");
    assert!(description(&scene, "b").contains("busy for"));
    assert!(!description(&scene, "a").contains("busy for"));
    // Nothing is due for it, nor for the other within the hour.
    assert!(comes_to_rest(scene.daemon.pid()));
    assert_eq!(complaints(&scene).len(), 1);
    scene.stop();
}

#[test]
fn who_stays_busy_is_told_of_once_an_hour() {
    let sections = pool("a", "bad", ALL, "busy_warning=1");
    let scene = Scene::start_as(workshop(SLOW), &sections, |launch| launch.shim = true);
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    wait_complaints(&scene, 1);
    // So long later, by the clock of the daemon, which each answer wakes.
    let later = |seconds: u32| {
        scene.dir.write("monotonic", seconds.to_string());
        description(&scene, "a");
        description(&scene, "a")
    };
    let shown = later(3000);
    assert!(shown.contains(", busy for 0:5"), "{shown}");
    assert_eq!(complaints(&scene).len(), 1);
    let shown = later(90_000);
    assert!(shown.contains(", busy for 1 day, 1:0"), "{shown}");
    let told = wait_complaints(&scene, 2);
    assert!(told[1].starts_with("a: busy for 900"), "{told:?}");
    later(91_000);
    assert_eq!(complaints(&scene).len(), 2);
    scene.stop();
}

#[test]
fn who_answered_stopped_or_died_in_time_is_not_told_of() {
    let dir = workshop(SLOW);
    dir.write(
        "dead.py",
        "from listener import *\nsay('READY\\n')\nhear()\nwait('go')",
    );
    // This one answers, and the handler takes its time.
    let judge = dir.script("judge", "while [ ! -e verdict ]; do sleep 0.05; done");
    let handler = format!("handler_timeout=600\nhandler=exec:{}", judge.display());
    let sections = pool("quick", "recorder", ALL, "busy_warning=5")
        + &pool("stopped", "bad", ALL, "busy_warning=5")
        + &pool("dead", "dead", ALL, "busy_warning=5\nautorestart=false")
        + &pool(
            "judged",
            "recorder",
            ALL,
            &format!("busy_warning=5\n{handler}"),
        )
        + &pool("late", "bad", ALL, "busy_warning=6");
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    scene.dir.write("go", "");
    scene
        .call("stopProcess", &[Value::text("stopped")])
        .answer();
    scene.wait("dead", "EXITED");
    wait_noted(&scene, "judged", 1);
    let told = wait_complaints(&scene, 1);
    assert!(told[0].starts_with("late: "), "{told:?}");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(!description(&scene, "judged").contains("busy"));
    scene.dir.write("verdict", "");
    scene.stop();
}

/// Rejects everything, and notes what it was given and when.
const GRUMPY: &str = r#"
say('READY\n')
while True:
    _, tokens, payload = hear()
    note(os.environ['SUPERVISOR_PROCESS_NAME'] + '.got', '%s %.3f' % (tokens['serial'], time.monotonic()))
    say('RESULT 4\nFAILREADY\n')
"#;

/// How often and when, in seconds, a listener was given an event.
fn times(scene: &Scene, name: &str) -> Vec<f64> {
    let lines = noted(scene, name).into_iter();
    lines
        .map(|line| line.split(' ').nth(1).unwrap().parse().unwrap())
        .collect()
}

#[test]
fn a_rejected_event_came_again_thousands_of_times_a_second() {
    // What no handler understands, and what a handler rejects, are no better.
    let odd = GRUMPY.replace("RESULT 4\\nFAIL", "RESULT 5\\nmaybe");
    let dir = workshop(GRUMPY);
    dir.write("odd.py", format!("from listener import *\n{odd}"));
    let no = dir.script("no", "exit 1");
    let handler = format!("handler=exec:{}", no.display());
    let sections = pool("a", "bad", ALL, "")
        + &pool("odd", "odd", ALL, "")
        + &pool("store", "bad", ALL, "handler=store")
        + &pool("exec", "odd", ALL, &handler);
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    for name in ["a", "odd", "store", "exec"] {
        wait_noted(&scene, name, 7);
        let times = times(&scene, name);
        // Twice at once, then after rests: a loaded machine makes them longer only.
        for (round, rest) in [0.1, 0.2, 0.4, 0.8].into_iter().enumerate() {
            let passed = times[round + 3] - times[round + 2];
            assert!(
                passed > rest * 0.9,
                "{name}: {passed} is less than {rest}: {times:?}"
            );
        }
    }
    // Rests have an end: what comes behind waits for it, and nothing is lost.
    assert_eq!(scene.info("a").text_of("statename"), "RUNNING");
    scene.stop();
}

#[test]
fn another_listener_of_the_pool_takes_what_one_rejects_at_once() {
    let script = format!(
        "name = os.environ['SUPERVISOR_PROCESS_NAME']\nif name == '0':\n  exec({GRUMPY:?})\nwait('go')\nexec(open('recorder.py').read())"
    );
    let more = "numprocs=2\nprocess_name=%(process_num)d";
    let scene = Scene::start_as(workshop(&script), &pool("a", "bad", ALL, more), |_| {});
    scene.wait_all("RUNNING");
    for _ in 0..3 {
        send(&scene, "n", "");
    }
    // It rests for a second and more by now.
    wait_noted(&scene, "0", 7);
    scene.dir.write("go", "");
    let noted = wait_noted(&scene, "1", 3);
    let serials: Vec<&str> = noted
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(serials, ["0", "1", "2"]);
    scene.stop();
}

#[test]
fn who_is_started_anew_begins_without_a_rest() {
    let script =
        format!("if os.path.exists('better'):\n  exec(open('recorder.py').read())\n{GRUMPY}")
            .replace("+ '.got', '%s", "+ '.bad', '%s");
    let scene = Scene::start_as(workshop(&script), &pool("a", "bad", ALL, ""), |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    let count = || scene.dir.read("a.bad").unwrap_or_default().lines().count();
    // Its rest is of more than three seconds now.
    assert!(wait_until(DEADLINE, || count() >= 9), "{}", count());
    scene.dir.write("better", "");
    scene.call("stopProcess", &[Value::text("a")]).answer();
    scene.call("startProcess", &[Value::text("a")]).answer();
    wait_noted(&scene, "a", 1);
    // No timer is left.
    assert!(comes_to_rest(scene.daemon.pid()));
    scene.stop();
}

#[test]
fn a_shutdown_waits_no_longer_for_a_listener_that_rests() {
    let sections = format!("event_drain_timeout=0\n{}", pool("a", "bad", ALL, ""));
    let scene = Scene::start_as(workshop(GRUMPY), &sections, |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    wait_noted(&scene, "a", 7);
    let mut daemon = scene.daemon;
    assert_eq!(daemon.stop(), Some(0));
    let log = scene.dir.read("main.log").unwrap();
    assert!(log.contains("pool a: 1 events are given up"), "{log}");
}
