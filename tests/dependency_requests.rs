//! Starts that are asked for, and wait for what is needed.

use super::dependencies::{
    GATED, begin, ctl, description, go, program, spawned, start, wait_description,
};
use super::support::{Ctl, Dir, Kind, Outcome, Scene, Value};
use std::thread;

/// It never comes up.
const BROKEN: &str = "[program:db]\ncommand=/bin/sh -c 'exit 1'\nstartretries=0\n";

#[test]
fn a_request_takes_over_a_start_that_waits_by_itself() {
    let scene = Scene::start(&format!(
        "{}{GATED}",
        program("api", "depends_on=db\ndepends_timeout=300ms"),
    ));
    wait_description(&scene, "api", "waiting for db (BACKOFF)");
    let Outcome::Fault(50, text) = start(&scene, "api") else {
        panic!("api has started");
    };
    assert!(
        text.starts_with("SPAWN_ERROR: api: dependency db is "),
        "{text}"
    );
    // With its end that start is over, too.
    go(&scene);
    scene.wait("db", "RUNNING");
    assert_eq!(description(&scene, "api"), "Not started");
    scene.stop();
}

#[test]
fn a_start_starts_what_is_needed_all_the_way_down() {
    let off = "autostart=false\n";
    let scene = Scene::start(&format!(
        "{}{}{}{}{}",
        program("web", &format!("{off}depends_on=app:*")),
        program("api", &format!("{off}depends_on=db(started)")),
        program("worker", off),
        program("db", off),
        "[group:app]\nprograms=api,worker\ndepends_on=job(exited)\n\
         [program:job]\ncommand=/bin/true\nstartsecs=0\nautostart=false\nautorestart=false\n",
    ));
    assert_eq!(start(&scene, "web").answer(), Value::Bool(true));
    for name in ["web", "app:api", "app:worker", "db"] {
        assert_eq!(scene.info(name).text_of("statename"), "RUNNING", "{name}");
    }
    // A job that has succeeded is not run again.
    scene.call("stopProcess", &[Value::text("web")]).answer();
    scene
        .call("stopProcessGroup", &[Value::text("app")])
        .answer();
    let finished = ctl(&scene, "start web");
    assert_eq!(finished.stdout, "web: started\n");
    assert_eq!(
        spawned(&scene.log())
            .iter()
            .filter(|name| *name == "job")
            .count(),
        1
    );
    scene.stop();
}

#[test]
fn a_start_fails_when_what_it_needs_has_failed() {
    let off = "autostart=false\n";
    let scene = Scene::start(&format!(
        "{}{}{BROKEN}{off}",
        program("web", &format!("{off}depends_on=api")),
        program("api", &format!("{off}depends_on=db")),
    ));
    let Outcome::Fault(code, text) = start(&scene, "web") else {
        panic!("web has started");
    };
    assert_eq!(
        (code, text.as_str()),
        (50, "SPAWN_ERROR: web: dependency db is FATAL")
    );
    // Nothing is wished any more.
    for name in ["web", "api"] {
        assert_eq!(description(&scene, name), "Not started");
    }
    let finished = ctl(&scene, "start api");
    assert_eq!(finished.stdout, "api: ERROR (dependency db is FATAL)\n");
    assert_eq!(finished.status, Some(7), "{finished:?}");
    let finished = ctl(&scene, "start web api");
    assert!(
        finished
            .stdout
            .contains("web: ERROR (dependency db is FATAL)\n"),
        "{finished:?}"
    );
    let finished = ctl(&scene, "restart api");
    assert!(
        finished
            .stdout
            .contains("api: ERROR (dependency db is FATAL)\n"),
        "{finished:?}"
    );
    assert!(
        scene
            .log()
            .contains(" WARN api is not started: dependency db is FATAL")
    );
    scene.stop();
}

#[test]
fn a_start_that_takes_too_long_fails_and_is_not_wished_any_more() {
    let scene = Scene::start(&format!(
        "{}{GATED}",
        program(
            "api",
            "autostart=false\ndepends_on=db\ndepends_timeout=300ms"
        ),
    ));
    let Outcome::Fault(code, text) = start(&scene, "api") else {
        panic!("api has started");
    };
    assert_eq!(code, 50);
    let is_told = text.starts_with("SPAWN_ERROR: api: dependency db is ");
    assert!(is_told && text.ends_with(" after 0 seconds"), "{text}");
    go(&scene);
    scene.wait("db", "RUNNING");
    assert_eq!(description(&scene, "api"), "Not started");
    scene.stop();
}

#[test]
fn a_second_start_joins_the_first_and_a_stop_ends_both() {
    let scene = Scene::start(&format!(
        "{}{}{GATED}",
        program("api", "autostart=false\ndepends_on=db"),
        program("web", "autostart=false\ndepends_on=db"),
    ));
    begin(&scene, "api");
    begin(&scene, "api");
    begin(&scene, "web");
    let waiting = thread::spawn({
        let configuration = scene.dir.join("supervisord.conf").display().to_string();
        let dir = Dir::new();
        move || Ctl::with_options(Kind::Ours, &dir, &["-c", &configuration]).run(&["start", "api"])
    });
    let log = scene.log();
    assert_eq!(log.matches(" INFO api waits for db").count(), 1, "{log}");
    // It may not have been asked for by then; it comes to the same end.
    let Outcome::Fault(code, _) = scene.call("stopProcess", &[Value::text("api")]) else {
        panic!("api did run");
    };
    assert_eq!(code, 70);
    assert_eq!(scene.info("api").get("waiting_for"), None);
    // Of several, too.
    scene.call("stopAllProcesses", &[]).answer();
    assert_eq!(description(&scene, "web"), "Not started");
    go(&scene);
    // The other client may have started it by now.
    let _ = start(&scene, "db");
    scene.wait("db", "RUNNING");
    let _ = scene.call("stopProcess", &[Value::text("api")]);
    let finished = waiting.join().unwrap();
    assert!(finished.stdout.starts_with("api: "), "{finished:?}");
    assert_eq!(scene.info("web").text_of("statename"), "STOPPED");
    scene.stop();
}

#[test]
fn clients_that_start_one_chain_are_all_answered() {
    let off = "autostart=false\n";
    let scene = Scene::start(&format!(
        "{}{}{GATED}{off}",
        program("web", &format!("{off}depends_on=api")),
        program("api", &format!("{off}depends_on=db")),
    ));
    let names = ["web", "api", "db", "web"];
    let parameters: Vec<Vec<Value>> = names.iter().map(|name| vec![Value::text(name)]).collect();
    thread::scope(|scope| {
        let calls: Vec<_> = parameters
            .iter()
            .map(|parameters| scope.spawn(|| scene.call("startProcess", parameters)))
            .collect();
        scene.wait_log("web waits for api");
        scene.wait("db", "BACKOFF");
        go(&scene);
        for call in calls {
            match call.join().unwrap() {
                Outcome::Answer(answer) => assert_eq!(answer, Value::Bool(true)),
                // db may have been started by the others, and have failed its first attempt.
                Outcome::Fault(code, _) => assert!([50, 60].contains(&code), "{code}"),
                other => panic!("{other:?}"),
            }
        }
    });
    for name in ["web", "api", "db"] {
        scene.wait(name, "RUNNING");
    }
    let mut names = spawned(&scene.log());
    names.retain(|name| name != "db");
    assert_eq!(names, ["api", "web"]);
    scene.stop();
}
