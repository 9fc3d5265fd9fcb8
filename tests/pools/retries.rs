//! `event_max_retry`: how often an event is tried again before the listener that
//! rejects it is given up.

use super::super::support::{DEADLINE, Scene, Value, wait_until};
use super::{noted, pool, send, wait_noted, workshop};

const ALL: &str = "REMOTE_COMMUNICATION";

/// Rejects what begins with `poison`, and dies over what begins with `death`. A
/// process of the name `1` waits for the file `go` first, and accepts all.
const DELICATE: &str = r#"
name = os.environ['SUPERVISOR_PROCESS_NAME']
if name == '1':
    wait('go')
say('READY\n')
while True:
    _, tokens, payload = hear()
    data = payload.split('\n')[1]
    note(name + '.got', tokens['serial'] + ' ' + data)
    if name == '1' or data[:6] not in ('poison', 'death!'):
        say('RESULT 2\nOKREADY\n')
    elif data == 'poison':
        say('RESULT 4\nFAILREADY\n')
    else:
        sys.exit(0)
"#;

fn spawn_error(scene: &Scene, name: &str) -> String {
    scene.info(name).text_of("spawnerr")
}

#[test]
fn a_rejected_event_makes_its_listener_fatal_and_is_dropped_with_the_last_one() {
    let more = "event_max_retry=2\nbuffer_size=100";
    let sections = pool("a", "bad", ALL, more) + &pool("b", "recorder", ALL, "");
    let scene = Scene::start_as(workshop(DELICATE), &sections, |_| {});
    scene.wait_all("RUNNING");
    for data in ["fine", "poison", "fine too"] {
        send(&scene, "n", data);
    }
    scene.wait("a", "FATAL");
    let reason = "event REMOTE_COMMUNICATION with serial 1 was rejected 3 times";
    assert_eq!(spawn_error(&scene, "a"), reason);
    assert_eq!(scene.info("a").int_of("pid"), 0);
    assert_eq!(
        noted(&scene, "a"),
        ["0 fine", "1 poison", "1 poison", "1 poison"]
    );
    let log = scene.log();
    assert!(
        log.contains(&format!("WARN a: {reason}, giving the listener up")),
        "{log}"
    );
    let dropped = "ERRO pool a has no listener left for event REMOTE_COMMUNICATION with serial 1, discarding it";
    assert!(log.contains(dropped), "{log}");
    wait_noted(&scene, "b", 3);
    // Started by hand it goes on with what waits.
    scene.call("startProcess", &[Value::text("a")]).answer();
    assert_eq!(spawn_error(&scene, "a"), "");
    assert_eq!(wait_noted(&scene, "a", 5)[4], "2 fine too");
    scene.stop();
}

#[test]
fn an_event_stays_first_for_the_other_listeners() {
    let more = "event_max_retry=1\nnumprocs=2\nprocess_name=%(process_num)d\nbuffer_size=100";
    let scene = Scene::start_as(workshop(DELICATE), &pool("a", "bad", ALL, more), |_| {});
    scene.wait_all("RUNNING");
    for data in ["poison", "second", "third"] {
        send(&scene, "n", data);
    }
    scene.wait("a:0", "FATAL");
    assert_eq!(noted(&scene, "0"), ["0 poison", "0 poison"]);
    scene.dir.write("go", "");
    assert_eq!(
        wait_noted(&scene, "1", 3),
        ["0 poison", "1 second", "2 third"]
    );
    assert!(!scene.log().contains("discarding"), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_listener_that_dies_over_an_event_rejects_it() {
    let more = "event_max_retry=2\nautorestart=true";
    let scene = Scene::start_as(workshop(DELICATE), &pool("a", "bad", ALL, more), |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "death!");
    scene.wait("a", "FATAL");
    let reason = "event REMOTE_COMMUNICATION with serial 0 was rejected 3 times";
    assert_eq!(spawn_error(&scene, "a"), reason);
    assert_eq!(noted(&scene, "a"), ["0 death!"; 3]);
    scene.stop();
}

#[test]
fn without_a_limit_an_event_is_tried_for_ever() {
    let scene = Scene::start_as(workshop(DELICATE), &pool("a", "bad", ALL, ""), |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "poison");
    // With longer and longer rests: for this there are six seconds of them.
    wait_noted(&scene, "a", 9);
    assert_eq!(scene.info("a").text_of("statename"), "RUNNING");
    scene.stop();
}

#[test]
fn monitors_are_told_of_a_listener_that_was_given_up() {
    let sections = pool("a", "bad", ALL, "event_max_retry=1")
        + &pool("m", "recorder", "PROCESS_STATE_CHANGE_FATAL", "");
    let scene = Scene::start_as(workshop(DELICATE), &sections, |_| {});
    scene.wait_all("RUNNING");
    let pid = scene.pid("a");
    send(&scene, "n", "poison");
    let told = wait_noted(&scene, "m", 1);
    let rest = format!("processname:a groupname:a from_state:STOPPING pid:{pid} tries:0");
    assert_eq!(told, [format!("1 PROCESS_STATE_CHANGE_FATAL {rest}")]);
    let done = wait_until(DEADLINE, || {
        scene.log().contains("stopped: a (terminated by SIGTERM)")
    });
    assert!(done, "{}", scene.log());
    scene.stop();
}
