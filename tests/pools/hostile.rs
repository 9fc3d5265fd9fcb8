//! Listeners that do what they should not. Whatever it is: others are answered
//! at once, other pools are served, and the daemon does not grow.

use super::super::support::{DEADLINE, Scene, wait_until};
use super::{noted, pool, resident, send, wait_noted, workshop};
use std::time::{Duration, Instant};

/// How many events are emitted, and how long each is.
const EVENTS: usize = 30;
const LENGTH: usize = 200_000;

/// How much the daemon may grow: two pools hold ten events each, and a listener
/// has one.
const GROWTH: u64 = 24 << 20;

/// Runs a bad listener beside a good one and a program. `settled` tells when the
/// bad one has done its worst; events are emitted before and after.
fn withstand(script: &str, settled: impl Fn(&Scene) -> bool) -> Scene {
    let all = "REMOTE_COMMUNICATION";
    let sections = format!(
        "{}{}[program:p]\ncommand=/bin/cat\nstartsecs=0\n",
        pool("good", "recorder", all, "buffer_size=1000"),
        pool("bad", "bad", all, "stopwaitsecs=1"),
    );
    let scene = Scene::start_as(workshop(script), &sections, |_| {});
    scene.wait_all("RUNNING");
    let before = resident(&scene);
    let payload = "x".repeat(LENGTH);
    let mut longest = Duration::ZERO;
    let mut highest = 0;
    let mut look = |scene: &Scene| {
        let begin = Instant::now();
        scene.info("p");
        longest = longest.max(begin.elapsed());
        highest = highest.max(resident(scene));
    };
    for _ in 0..EVENTS {
        send(&scene, "n", &payload);
        look(&scene);
    }
    let done = wait_until(3 * DEADLINE, || {
        look(&scene);
        settled(&scene)
    });
    assert!(done, "the listener does not settle:\n{}", scene.log());
    send(&scene, "last", "");
    wait_noted(&scene, "good", EVENTS + 1);
    look(&scene);
    assert!(
        longest < Duration::from_secs(5),
        "an answer took {longest:?}"
    );
    let grown = highest.saturating_sub(before);
    assert!(grown < GROWTH, "the daemon has grown by {grown} bytes");
    let order: Vec<u64> = noted(&scene, "good")
        .iter()
        .map(|line| line.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(order.is_sorted(), "{order:?}");
    scene
}

fn is_done(scene: &Scene) -> bool {
    scene.dir.join("done").exists()
}

fn is_unknown(scene: &Scene) -> bool {
    scene.log().contains("bad: has entered the UNKNOWN state")
}

#[test]
fn a_listener_that_never_reads() {
    withstand("say('READY\\n')\ntime.sleep(600)", |_| true).stop();
}

#[test]
fn a_listener_that_reads_a_byte_a_second() {
    let script =
        "say('READY\\n')\nwhile True:\n  note('done', '')\n  os.read(0, 1)\n  time.sleep(1)";
    withstand(script, is_done).stop();
}

#[test]
fn a_listener_that_writes_nonsense() {
    let script = "say(os.urandom(3 << 20))\nnote('done', '')\ntime.sleep(600)";
    withstand(script, |scene| is_done(scene) && is_unknown(scene)).stop();
}

/// Writes a gigabyte.
const FLOOD: &str =
    "\npiece = bytes(65536)\nfor _ in range(1 << 14):\n  say(piece)\nnote('done', '')\n";

#[test]
fn a_listener_that_writes_a_gigabyte_when_it_is_ready() {
    let script = format!("say('READY\\n'){FLOOD}time.sleep(600)");
    withstand(&script, |scene| is_done(scene) && is_unknown(scene)).stop();
}

#[test]
fn a_listener_that_writes_a_gigabyte_instead_of_an_answer() {
    let script = format!("say('READY\\n')\nhear(){FLOOD}time.sleep(600)");
    let scene = withstand(&script, |scene| is_done(scene) && is_unknown(scene));
    assert!(scene.log().contains("bad: bad result line: '"));
    scene.stop();
}

#[test]
fn a_listener_that_answers_with_a_gigabyte() {
    let script = format!(
        "say('READY\\n')\nhear()\nsay('RESULT %d\\n' % (1 << 30)){FLOOD}say('READY\\n')\n\
         while True:\n  _, tokens, _ = hear()\n  note('bad.got', tokens['serial'])\n  answer('OK')\n  say('READY\\n')"
    );
    // It goes on like any other listener, beginning with the event that it had rejected.
    let scene = withstand(&script, |scene| !noted(scene, "bad").is_empty());
    let shown = format!(
        "WARN bad: its result of 1073741824 bytes is neither OK nor FAIL: b'{}'",
        "\\x00".repeat(80)
    );
    assert!(scene.log().contains(&shown), "{}", scene.log());
    assert_eq!(noted(&scene, "bad")[0], "0");
    scene.stop();
}

#[test]
fn a_listener_that_closes_its_stdout() {
    let script = "say('READY\\n')\nhear()\nos.close(1)\nnote('done', '')\ntime.sleep(600)";
    withstand(script, is_done).stop();
}

#[test]
fn a_listener_that_closes_its_stdin() {
    let script = "os.close(0)\nsay('READY\\n')\nnote('done', '')\ntime.sleep(600)";
    let scene = withstand(script, is_done);
    assert!(scene.log().contains("pool bad event buffer overflowed"));
    scene.stop();
}

#[test]
fn large_events_for_a_listener_that_is_not_there_were_kept_whatever_their_size() {
    let more = "autostart=false\nbuffer_size=100";
    let sections = pool("a", "recorder", "REMOTE_COMMUNICATION", more);
    let scene = Scene::start_as(workshop(""), &sections, |_| {});
    let data = "x".repeat(15 << 20);
    let loss = "pool a event buffer overflowed, discarding event 0";
    for _ in 0..4 {
        send(&scene, "n", &data);
    }
    assert!(!scene.log().contains(loss));
    send(&scene, "n", &data);
    assert!(scene.log().contains(loss));
    scene.stop();
}

#[test]
fn a_listener_that_floods_the_daemon_with_ready() {
    let script = "note('done', '')\nwhile True:\n  say('READY\\n' * 10000)";
    withstand(script, is_unknown).stop();
}

#[test]
fn a_listener_that_dies_at_any_byte_of_the_conversation() {
    // Life n ends after n bytes; what comes after READY is said when an event is there.
    let script = r#"
life = os.path.exists('lives') and len(open('lives').readlines()) or 0
note('lives', '')
words = b'READY\nRESULT 2\nOKREADY\n'
if life > len(words):
    life = 10 ** 9
say(words[:min(life, 6)])
while life >= 6:
    _, tokens, _ = hear()
    note('bad.got', tokens['serial'])
    say(words[6:life])
    if life <= len(words):
        break
"#;
    let sections = format!(
        "{}{}",
        pool("good", "recorder", "REMOTE_COMMUNICATION", ""),
        pool("bad", "bad", "REMOTE_COMMUNICATION", "autorestart=true")
    );
    let scene = Scene::start_as(workshop(script), &sections, |_| {});
    for number in 0..8 {
        send(&scene, "n", &number.to_string());
    }
    let done = wait_until(2 * DEADLINE, || {
        noted(&scene, "bad").last().is_some_and(|last| last == "7")
    });
    let got = noted(&scene, "bad");
    assert!(done, "{got:?}\n{}", scene.log());
    // Eleven lives end between READY and the last byte of OK. The next six end
    // after it, each with one event more, and the last takes what is left.
    let expected = [vec!["0"; 12], vec!["1", "2", "3", "4", "5", "6", "7"]].concat();
    assert_eq!(got, expected);
    wait_noted(&scene, "good", 8);
    scene.stop();
}
