//! What becomes of answers: the handlers `default`, `store` and `exec`.

use super::super::support::{
    DEADLINE, Daemon, Dir, Kind, Launch, Scene, Value, descendants_of, is_alive,
    usual_configuration, wait_for, wait_until,
};
use super::{descriptors, noted, pool, send, wait_noted, workshop};
use std::time::{Duration, Instant};

const ALL: &str = "REMOTE_COMMUNICATION";

/// Answers with the data of the event, and says READY in the same breath.
const ECHO: &str = r#"
say('READY\n')
while True:
    line, tokens, payload = hear()
    data = payload.split('\n', 1)[1]
    note('a.got', tokens['serial'] + ' ' + data.split('\n')[0][:20])
    answer(data)
    say('READY\n')
"#;

/// Notes what it is given, and ends with the status in the file `status`.
const JUDGE: &str = r#"
cat > "input.$SUPERVISOR_EVENT_SERIAL"
env | grep '^SUPERVISOR_' | sort > "env.$SUPERVISOR_EVENT_SERIAL"
echo "$$ $(id -u) $(pwd)" >> judged
exit "$(cat status)"
"#;

/// A pool `a` that echoes, with a handler that is a shell script.
fn judged(dir: &Dir, handler: &str, more: &str) -> String {
    let judge = dir.script("judge", handler);
    let more = format!(
        "result_handler=exec:{} -x 'two words'\nbuffer_size=100\n{more}",
        judge.display()
    );
    pool("a", "bad", ALL, &more)
}

fn start(handler: &str, more: &str) -> Scene {
    let dir = workshop(ECHO);
    let sections = judged(&dir, handler, more);
    dir.write("status", "0");
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    scene
}

/// The pids of handlers that run: children of the daemon that are no listener.
fn handlers(scene: &Scene) -> Vec<u32> {
    let pids = descendants_of(scene.daemon.pid());
    let listeners: Vec<u32> = scene
        .all()
        .iter()
        .map(|info| info.int_of("pid") as u32)
        .collect();
    pids.into_iter()
        .filter(|pid| !listeners.contains(pid))
        .collect()
}

fn wait_handler(scene: &Scene) -> u32 {
    let found = wait_for(DEADLINE, || handlers(scene).first().copied());
    found.unwrap_or_else(|| panic!("no handler runs:\n{}", scene.log()))
}

#[test]
fn the_default_handler_knows_two_words() {
    for handler in [
        "default",
        "supervisor.dispatchers:default_handler",
        "supervisor.process.stdhandler",
    ] {
        let script = ECHO.replace(
            "answer(data)",
            "answer(data if len(open('a.got').readlines()) == 1 else 'OK')",
        );
        let more = format!("result_handler={handler}");
        let scene = Scene::start_as(workshop(&script), &pool("a", "bad", ALL, &more), |_| {});
        scene.wait_all("RUNNING");
        let long = format!("it's {}", "é".repeat(100));
        send(&scene, "n", &long);
        wait_noted(&scene, "a", 2);
        let shown = format!("b\"it's {}\\xc3\"", "\\xc3\\xa9".repeat(37));
        let line = format!("WARN a: its result of 205 bytes is neither OK nor FAIL: {shown}\n");
        assert!(scene.log().contains(&line), "{}", scene.log());
        assert!(scene.log().contains("WARN a: event was rejected\n"));
        scene.stop();
    }
}

#[test]
fn fail_is_rejected_without_a_warning_of_its_words() {
    let script = ECHO.replace(
        "answer(data)",
        "answer('FAIL' if len(open('a.got').readlines()) == 1 else 'OK')",
    );
    let scene = Scene::start_as(workshop(&script), &pool("a", "bad", ALL, ""), |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    wait_noted(&scene, "a", 2);
    assert!(!scene.log().contains("neither"), "{}", scene.log());
    assert!(scene.log().contains("WARN a: event was rejected\n"));
    scene.stop();
}

#[test]
fn the_store_handler_keeps_the_latest_result() {
    let script = ECHO.replace("answer(data)", "answer(data * 3000)");
    let scene = Scene::start_as(
        workshop(&script),
        &pool("a", "bad", ALL, "handler=store"),
        |_| {},
    );
    scene.wait_all("RUNNING");
    let result = || scene.call("getEventResult", &[Value::text("a")]).answer();
    assert_eq!(result(), Value::Struct(Vec::new()));
    let kept = |serial: &str| {
        let found = wait_for(DEADLINE, || {
            Some(result()).filter(|result| result.text_of("serial") == serial)
        });
        found.unwrap_or_else(|| panic!("{}\n{}", result(), scene.log()))
    };
    send(&scene, "n", "é<&");
    let first = kept("0");
    assert_eq!(first.text_of("data"), "é<&".repeat(3000));
    assert_eq!(first.text_of("process"), "a");
    assert_eq!(first.text_of("event"), ALL);
    let now = scene.info("a").int_of("now");
    assert!((now - 20..=now).contains(&first.int_of("time")), "{first}");
    // More than a mebibyte is cut, no more than that is kept.
    send(&scene, "n", &"y".repeat(1000));
    let second = kept("1");
    assert_eq!(second.text_of("data").len(), 1 << 20);
    assert_eq!(
        second.text_of("base64").len(),
        (1_usize << 20).div_ceil(3) * 4
    );
    for name in ["b", ""] {
        let nobody = scene.call("getEventResult", &[Value::text(name)]);
        assert_eq!(nobody.to_string(), format!("fault 10 BAD_NAME: {name}"));
    }
    scene.stop();
}

#[test]
fn the_store_handler_rejects_fail() {
    let script = ECHO.replace(
        "answer(data)",
        "answer('FAIL' if len(open('a.got').readlines()) == 1 else 'yes')",
    );
    let scene = Scene::start_as(
        workshop(&script),
        &pool("a", "bad", ALL, "handler=store"),
        |_| {},
    );
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    wait_noted(&scene, "a", 2);
    let stored = || {
        scene
            .call("getEventResult", &[Value::text("a")])
            .answer()
            .text_of("data")
            == "yes"
    };
    assert!(wait_until(DEADLINE, stored));
    scene.stop();
}

#[test]
fn a_command_is_given_the_event_and_the_answer() {
    let scene = start(JUDGE, "environment=KEY=\"value\"");
    send(&scene, "type", "the answer\nof two lines\n");
    assert!(wait_until(DEADLINE, || scene.dir.join("judged").exists()));
    let payload = "type:type\nthe answer\nof two lines\n";
    let header = format!(
        "ver:3.0 server:supervisor serial:0 pool:a poolserial:0 eventname:{ALL} len:{}\n",
        payload.len()
    );
    let input = scene.dir.read("input.0").unwrap();
    assert_eq!(
        input,
        format!("{header}{payload}the answer\nof two lines\n")
    );
    let environment = scene.dir.read("env.0").unwrap();
    let server = format!(
        "SUPERVISOR_SERVER_URL=unix://{}",
        scene.dir.join("s").display()
    );
    let expected = [
        "SUPERVISOR_ENABLED=1",
        &format!("SUPERVISOR_EVENT_NAME={ALL}"),
        "SUPERVISOR_EVENT_SERIAL=0",
        "SUPERVISOR_GROUP_NAME=a",
        "SUPERVISOR_PROCESS_NAME=a",
        &server,
    ];
    assert_eq!(environment.lines().collect::<Vec<&str>>(), expected);
    // It was processed, and so is the next.
    send(&scene, "type", "more");
    assert_eq!(wait_noted(&scene, "a", 2), ["0 the answer", "1 more"]);
    assert!(!scene.log().contains("rejected"), "{}", scene.log());
    scene.stop();
}

#[test]
fn another_status_than_0_rejects_the_event() {
    let handler = "cat > /dev/null\ntest -e tried && exit 0\n: > tried\n";
    for (end, told) in [
        ("exit 3", "exit status 3"),
        ("kill -9 $$", "terminated by SIGKILL"),
    ] {
        let scene = start(&format!("{handler}{end}"), "");
        send(&scene, "n", "once");
        send(&scene, "n", "twice");
        assert_eq!(wait_noted(&scene, "a", 3), ["0 once", "0 once", "1 twice"]);
        let log = scene.log();
        let line = log
            .lines()
            .find(|line| line.contains("a: its result handler (pid "));
        assert!(
            line.is_some_and(|line| line.ends_with(&format!(") ended with {told}"))),
            "{log}"
        );
        scene.stop();
    }
}

#[test]
fn a_command_that_takes_too_long_is_killed() {
    // It has not read its input, and has a child of its own that would live on.
    let handler = "test -e tried && exit 0\n: > tried\nsleep 600 & echo $! > child\nsleep 600";
    let scene = start(handler, "handler_timeout=1");
    send(&scene, "n", &"x".repeat(300_000));
    let got = wait_noted(&scene, "a", 2);
    assert_eq!(got[0], got[1]);
    assert!(
        scene.log().contains("takes too long, killing it"),
        "{}",
        scene.log()
    );
    let child = scene.dir.read("child").unwrap().trim().parse().unwrap();
    assert!(wait_until(DEADLINE, || !is_alive(child)));
    scene.stop();
}

#[test]
fn a_command_that_does_not_exist_rejects_every_event() {
    let dir = workshop(ECHO);
    let more = "handler=exec:%(here)s/nothing\nevent_max_retry=2";
    let scene = Scene::start_as(dir, &pool("a", "bad", ALL, more), |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    scene.wait("a", "FATAL");
    let line = format!(
        "WARN a: its result handler cannot be run: can't find command '{}/nothing'",
        scene.dir.path().display()
    );
    assert_eq!(scene.log().matches(&line).count(), 3, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_command_may_leave_its_input_unread() {
    let scene = start("exit 0", "");
    let before = descriptors(&scene);
    for _ in 0..20 {
        send(&scene, "n", &"x".repeat(300_000));
    }
    wait_noted(&scene, "a", 20);
    assert!(wait_until(DEADLINE, || handlers(&scene).is_empty()));
    assert!(wait_until(DEADLINE, || descriptors(&scene) <= before));
    assert!(!scene.log().contains("rejected"), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_listener_is_busy_until_the_command_ends_and_nobody_waits_for_it() {
    let scene = start(
        "cat > /dev/null\nwhile ! test -e go; do sleep 0.02; done",
        "",
    );
    send(&scene, "n", "first");
    send(&scene, "n", "second");
    let handler = wait_handler(&scene);
    for _ in 0..20 {
        let begin = Instant::now();
        scene.info("a");
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
    assert!(is_alive(handler));
    assert_eq!(noted(&scene, "a"), ["0 first"]);
    scene.dir.write("go", "");
    assert_eq!(wait_noted(&scene, "a", 2), ["0 first", "1 second"]);
    scene.stop();
}

#[test]
fn a_command_runs_as_the_user_of_the_listener() {
    if !nix::unistd::getuid().is_root() {
        return;
    }
    let dir = workshop(ECHO);
    for name in [".", "judged", "a.got", "a.err", "status"] {
        if name != "." {
            dir.write(name, "");
        }
        let path = dir.join(name);
        nix::unistd::chown(&path, Some(65534.into()), Some(65534.into())).unwrap();
    }
    let sections = judged(&dir, "id -u >> judged", "user=nobody");
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    send(&scene, "n", "");
    let judged = || scene.dir.read("judged").unwrap();
    assert!(
        wait_until(DEADLINE, || judged().ends_with('\n')),
        "{}",
        scene.log()
    );
    assert_eq!(judged(), "65534\n");
    scene.stop();
}

#[test]
fn a_command_that_runs_at_the_end_is_killed_and_collected() {
    for goes_on in [false, true] {
        let mut scene = start(
            "cat > /dev/null\nexec sleep 600",
            "handler_timeout=600\nstopwaitsecs=1",
        );
        send(&scene, "n", "");
        let handler = wait_handler(&scene);
        if goes_on {
            scene.daemon.signal(libc::SIGHUP);
            assert!(
                wait_until(DEADLINE, || !is_alive(handler)),
                "{}",
                scene.log()
            );
            let starts = || scene.log().matches("supervisord started with pid").count();
            assert!(wait_until(DEADLINE, || starts() == 2), "{}", scene.log());
            scene.wait("a", "RUNNING");
            send(&scene, "n", "again");
            wait_noted(&scene, "a", 2);
        }
        assert_eq!(scene.daemon.stop(), Some(0), "{}", scene.log());
        assert!(!is_alive(handler));
        assert!(!scene.log().contains("unknown pid"), "{}", scene.log());
    }
}

#[test]
fn a_command_whose_pool_was_removed_is_collected() {
    let scene = start("cat > /dev/null\nexec sleep 600", "handler_timeout=1");
    let before = descriptors(&scene);
    send(&scene, "n", "");
    let handler = wait_handler(&scene);
    scene.call("stopProcess", &[Value::text("a")]).answer();
    scene
        .call("removeProcessGroup", &[Value::text("a")])
        .answer();
    assert!(wait_until(DEADLINE, || !is_alive(handler)));
    scene.wait_log("a: its result handler (pid");
    assert!(descriptors(&scene) < before);
    scene.call("addProcessGroup", &[Value::text("a")]).answer();
    scene.wait("a", "RUNNING");
    assert!(!scene.log().contains("unknown pid"), "{}", scene.log());
    scene.stop();
}

#[test]
fn another_name_is_an_error_that_names_the_three() {
    let dir = workshop(ECHO);
    let sections = pool("a", "bad", ALL, "result_handler=my.module:judge");
    dir.write("supervisord.conf", usual_configuration(&sections));
    let mut daemon = Daemon::launch(&Launch::new(Kind::Ours, &dir));
    assert_eq!(daemon.wait(DEADLINE), Some(2));
    let text = daemon.stderr();
    for part in [
        "my.module:judge",
        "eventlistener:a",
        "default, store or exec:COMMAND",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_command_that_could_not_be_run_was_tried_without_a_pause() {
    let sections = pool(
        "a",
        "recorder",
        "REMOTE_COMMUNICATION",
        "handler=exec:/no/such/handler",
    );
    let scene = Scene::start_as(workshop(""), &sections, |_| {});
    scene.wait("a", "RUNNING");
    send(&scene, "n", "");
    let told = || {
        scene
            .log()
            .matches("its result handler cannot be run")
            .count()
    };
    assert!(wait_until(DEADLINE, || told() >= 1));
    assert_eq!(told(), 1);
    // It is tried again, and between that the daemon rests.
    assert!(wait_until(DEADLINE, || told() >= 2));
    assert!(told() <= 3, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_handler_that_could_not_be_run_was_told_as_one_that_had_ended() {
    let scene = start("", "");
    let judge = scene.dir.join("judge");
    std::fs::write(&judge, "#!/no/such/interpreter\n").unwrap();
    send(&scene, "x", "y");
    scene.wait_log(&format!(
        "cannot be run: couldn't exec {}: ENOENT (its interpreter /no/such/interpreter is missing)",
        judge.display()
    ));
    scene.stop();
}

#[test]
fn a_handler_that_cannot_be_run_told_what_came_out_of_the_environment() {
    let script = "say('READY\\n')\nhear()\nanswer('OK')\ntime.sleep(600)";
    let handler = "handler=exec:/nonexistent/%(ENV_SECRET)s -v";
    // What the command of the listener is made of has nothing to do with it.
    let sections =
        pool("a", "bad", "REMOTE_COMMUNICATION", handler).replace("bad.py", "bad.py %(ENV_WORD)s");
    let scene = Scene::start_as(workshop(script), &sections, |launch| {
        launch.environment = &[("SECRET", "zq7k"), ("WORD", "word")];
    });
    scene.wait("a", "RUNNING");
    send(&scene, "n", "");
    scene.wait_log("cannot be run: can't find command '/nonexistent/%(ENV_SECRET)s'\n");
    assert!(!scene.log().contains("zq7k"), "{}", scene.log());
    scene.stop();
}
