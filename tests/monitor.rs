//! Monitor processes: they are asked to look at everything that runs, and what
//! they find is acted on.

use super::pools::manual::{example, executable};
use super::pools::{noted, pool, wait_noted, workshop};
use super::support::{DEADLINE, Scene, Value, wait_until};

/// In its first life it takes 60 MB.
const HOG: &str = "if test -e life; then exec cat; fi\n: > life\n\
                   exec python3 -S -c 'x = b\"x\" * 60_000_000; import time; time.sleep(600)'";

#[test]
fn the_monitor_of_the_manual_restarts_a_program_that_uses_too_much_memory() {
    let dir = workshop("");
    let hog = dir.script("hog", HOG);
    let monitor = executable(&dir, "large-processes", "VmRSS");
    let handler = executable(&dir, "restart-pids", "supervisorctl restart");
    let section = example("[eventlistener:memory]")
        .replace(
            "/usr/local/bin/large-processes 200000",
            &format!("{} 50000", monitor.display()),
        )
        .replace(
            "/usr/local/bin/restart-pids",
            &handler.display().to_string(),
        )
        .replace("monitor_interval=30", "monitor_interval=1");
    assert!(section.contains("exec:/") && section.contains(" 50000\n"));
    let path = format!("{}:/usr/bin:/bin", dir.bin().display());
    let sections = format!(
        "{section}directory=%(here)s\nenvironment=PATH=\"{path}\"\nstartsecs=0\n\
         [program:hog]\ncommand={}\ndirectory=%(here)s\nstartsecs=0\n\
         [program:p]\ncommand=/bin/cat\nstartsecs=0\n",
        hog.display()
    );
    let scene = Scene::start_as(dir, &sections, |_| {});
    scene.wait_all("RUNNING");
    let (first, other) = (scene.pid("hog"), scene.pid("p"));
    let restarted = || {
        let info = scene.info("hog");
        info.text_of("statename") == "RUNNING" && info.int_of("pid") != i64::from(first)
    };
    assert!(wait_until(DEADLINE, restarted), "{}", scene.log());
    assert!(scene.log().contains("stopped: hog (terminated by SIGTERM)"));
    assert_eq!(scene.pid("p"), other);
    assert!(!scene.log().contains("rejected"), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_monitor_is_asked_about_everything_that_runs_but_its_own_pool() {
    let more = "monitor_interval=1\nnumprocs=2\nprocess_name=m%(process_num)d";
    let sections = pool("monitor", "recorder", "MONITOR_QUERY", more)
        + &pool("other", "recorder", "REMOTE_COMMUNICATION,EVENT", "")
        + "[program:p]\ncommand=/bin/cat\nnumprocs=5\nprocess_name=p%(process_num)d\nstartsecs=0\n\
           [program:stopped]\ncommand=/bin/cat\nautostart=false\n";
    let scene = Scene::start_as(workshop(""), &sections, |_| {});
    let up = ["p:p0", "p:p1", "p:p2", "p:p3", "p:p4", "other"];
    let all = ["monitor:m0", "monitor:m1"].into_iter().chain(up);
    all.for_each(|name| scene.wait(name, "RUNNING"));
    let mut pids: Vec<u32> = up.iter().map(|name| scene.pid(name)).collect();
    pids.sort_unstable();
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    let expected = format!(" MONITOR_QUERY pids: {}", pids.join(" "));
    let got = wait_noted(&scene, "m0", 2);
    // The serials are those that nobody else has: the query is for one pool.
    assert!(got[1].ends_with(&expected), "{got:?}, not {expected}");
    let told = noted(&scene, "other");
    assert!(
        !told.iter().any(|line| line.contains("MONITOR_QUERY")),
        "{told:?}"
    );
    scene.stop();
}

#[test]
fn a_query_is_not_queued_behind_another() {
    // The monitor takes its time for the first query, and is asked once more when it has answered.
    let script = r#"
say('READY\n')
_, tokens, payload = hear()
note('bad.got', tokens['serial'] + ' ' + payload)
wait('go')
answer('OK')
while True:
    say('READY\n')
    _, tokens, payload = hear()
    note('bad.got', tokens['serial'] + ' ' + payload)
    answer('OK')
"#;
    let sections = pool("bad", "bad", "MONITOR_QUERY", "monitor_interval=1")
        + &pool("clock", "recorder", "MONITOR_QUERY", "monitor_interval=1");
    let scene = Scene::start_as(workshop(script), &sections, |_| {});
    scene.wait_all("RUNNING");
    // Meanwhile the other one is asked three times more.
    let before = wait_noted(&scene, "bad", 1).len();
    let asked = noted(&scene, "clock").len();
    wait_noted(&scene, "clock", asked + 3);
    assert_eq!(noted(&scene, "bad").len(), before);
    scene.dir.write("go", "");
    let got = wait_noted(&scene, "bad", 2);
    // Its query was made after the answer, and not one of those before.
    let serial = |line: &str| line.split(' ').next().unwrap().parse::<usize>().unwrap();
    assert!(serial(&got[1]) >= 4, "{got:?}");
    scene.stop();
}

#[test]
fn the_store_handler_shows_what_a_monitor_found_last() {
    let script = "while True:\n  say('READY\\n')\n  _, _, payload = hear()\n  answer('%d processes' % (len(payload.split()) - 1))";
    let sections = pool(
        "gauge",
        "bad",
        "MONITOR_QUERY",
        "monitor_interval=1\nhandler=store",
    ) + "[program:p]\ncommand=/bin/cat\nnumprocs=3\nprocess_name=p%(process_num)d\nstartsecs=0\n";
    let scene = Scene::start_as(workshop(script), &sections, |_| {});
    scene.wait_all("RUNNING");
    let found = || {
        scene
            .call("getEventResult", &[Value::text("gauge")])
            .answer()
            .text_of("data")
    };
    assert!(
        wait_until(DEADLINE, || found() == "3 processes"),
        "{}",
        found()
    );
    scene.stop();
}
