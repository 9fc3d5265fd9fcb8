//! What once went wrong with event listener pools, each by its name. Ours only.

use super::{noted, pool, resident, send, wait_noted, workshop};
use crate::support::{DEADLINE, Scene, Value, kill, wait_until};

/// A listener's loop: it notes the serials and accepts every event.
const ACCEPTING: &str = "while True:\n  _, tokens, _ = hear()\n  note('a.got', tokens['serial'])\n  answer('OK')\n  say('READY\\n')";

const REMOTE: &str = "REMOTE_COMMUNICATION";

#[test]
fn the_stop_of_a_busy_listener_counted_as_a_rejection() {
    let script =
        "say('READY\\n')\n_, tokens, _ = hear()\nnote('a.got', tokens['serial'])\ntime.sleep(600)";
    let sections = pool("a", "bad", REMOTE, "event_max_retry=1");
    let scene = Scene::start_as(workshop(script), &sections, |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    for life in 1..=4 {
        assert_eq!(wait_noted(&scene, "a", life), vec!["0"; life]);
        scene.call("stopProcess", &[Value::text("a")]).answer();
        assert_eq!(scene.info("a").text_of("statename"), "STOPPED");
        scene.call("startProcess", &[Value::text("a")]).answer();
    }
    scene.stop();
}

#[test]
fn a_listener_that_read_a_long_event_after_its_answer_was_never_sent_another() {
    let script = format!(
        "import select\nsay('READY\\n')\nselect.select([0], [], [])\nanswer('OK')\nsay('READY\\n')\n\
         wait('go')\nhear()\n{ACCEPTING}"
    );
    let sections = "loglevel=debug\n".to_owned() + &pool("a", "bad", REMOTE, "");
    let scene = Scene::start_as(workshop(&script), &sections, |_| {});
    scene.wait_all("RUNNING");
    for _ in 0..2 {
        send(&scene, "n", &"x".repeat(1_500_000));
    }
    let ready = || scene.log().matches("a: ACKNOWLEDGED -> READY").count();
    assert!(wait_until(DEADLINE, || ready() == 2), "{}", scene.log());
    scene.dir.write("go", "");
    assert_eq!(wait_noted(&scene, "a", 1), ["1"]);
    scene.stop();
}

#[test]
fn an_answer_did_not_count_when_its_listener_ended_before_the_handler() {
    let script =
        "say('READY\\n')\n_, tokens, _ = hear()\nnote('a.got', tokens['serial'])\nanswer('OK')";
    for (status, expected) in [(0, ["0", "1"]), (1, ["0", "0"])] {
        let dir = workshop(script);
        let handler = format!(
            "cat > /dev/null\necho x >> runs\nwhile ! test -e go; do sleep 0.02; done\nexit {status}"
        );
        let handler = dir.script("judge", &handler);
        let more = format!("handler=exec:{}\nautorestart=true", handler.display());
        let sections = "loglevel=debug\n".to_owned() + &pool("a", "bad", REMOTE, &more);
        let scene = Scene::start_as(dir, &sections, |_| {});
        scene.wait_all("RUNNING");
        send(&scene, "n", "");
        send(&scene, "n", "");
        // The next life is ready, and there is one handler still.
        let ready = || scene.log().matches("a: ACKNOWLEDGED -> READY").count();
        assert!(wait_until(DEADLINE, || ready() == 2), "{}", scene.log());
        assert_eq!(noted(&scene, "a"), ["0"]);
        assert_eq!(scene.dir.read("runs").unwrap(), "x\n");
        scene.dir.write("go", "");
        assert_eq!(wait_noted(&scene, "a", 2)[..2], expected);
        scene.stop();
    }
}

#[test]
fn events_that_were_lost_just_before_the_end_were_not_counted() {
    let sections = pool("a", "recorder", REMOTE, "autostart=false\nbuffer_size=1");
    let mut scene = Scene::start_as(workshop(""), &sections, |_| {});
    for number in 0..5 {
        send(&scene, "n", &number.to_string());
    }
    assert_eq!(scene.daemon.stop(), Some(0));
    let told: Vec<String> = scene
        .log()
        .lines()
        .filter_map(|line| {
            Some(
                line.split_once("ERRO pool a event buffer overflowed, ")?
                    .1
                    .to_owned(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "discarding event 0",
            "3 more events discarded within a minute"
        ]
    );
}

#[test]
fn monitors_were_asked_about_processes_that_were_being_stopped() {
    let dir = workshop("");
    let deaf = dir.script(
        "deaf",
        "trap '' TERM\n: > ready\nwhile :; do read line || sleep 1; done",
    );
    let sections = format!(
        "[program:deaf]\ncommand={}\ndirectory=%(here)s\nstartsecs=0\nstopwaitsecs=600\n\
         [program:p]\ncommand=/bin/cat\nstartsecs=0\n{}",
        deaf.display(),
        pool("m", "recorder", "MONITOR_QUERY", "monitor_interval=1")
    );
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    let (deaf, p) = (scene.pid("deaf"), scene.pid("p"));
    let asked = |pids: &str| {
        let line = format!("MONITOR_QUERY pids: {pids}");
        let told = wait_until(DEADLINE, || {
            noted(&scene, "m")
                .last()
                .is_some_and(|last| last.ends_with(&line))
        });
        assert!(told, "{line}: {:?}", noted(&scene, "m"));
    };
    asked(&format!("{} {}", deaf.min(p), deaf.max(p)));
    let parameters = [Value::text("deaf"), Value::Bool(false)];
    scene.call("stopProcess", &parameters).answer();
    asked(&p.to_string());
    kill(deaf, libc::SIGKILL);
    scene.stop();
}

#[test]
fn the_memory_of_a_long_event_stayed_with_its_listener() {
    let names = ["a", "b", "c", "d"];
    let sections: String = names
        .iter()
        .map(|name| pool(name, "recorder", REMOTE, ""))
        .collect();
    let scene = Scene::start_as(workshop(""), &sections, |_| {});
    scene.wait_all("RUNNING");
    let before = resident(&scene);
    send(&scene, "n", &"x".repeat(6 << 20));
    for name in names {
        wait_noted(&scene, name, 1);
    }
    let small = || resident(&scene) < before + (8 << 20);
    let done = wait_until(DEADLINE, small);
    assert!(done, "{} bytes, {before} before", resident(&scene));
    scene.stop();
}
