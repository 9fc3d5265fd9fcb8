//! Stopping what others depend on, and what goes down and comes up with it.

use super::jobs::EAR;
use super::support::{Ctl, DEADLINE, Dir, Finished, Kind, Scene, Value, kill, wait_until};

fn program(name: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\n{keys}\n")
}

/// It takes its time to stop: until there is a file `over`.
fn slow(name: &str, keys: &str) -> String {
    program(name, keys).replace(
        "/bin/cat",
        "/bin/sh -c 'trap \": > %(here)s/told; \
         until test -e %(here)s/over; do sleep 0.02; done; exit 0\" TERM; \
         : > %(here)s/ready; while :; do sleep 0.02; done'",
    )
}

fn ctl(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

fn wait_file(scene: &Scene, name: &str) {
    let is_there = wait_until(DEADLINE, || scene.dir.join(name).exists());
    assert!(is_there, "{name}\n{}", scene.log());
}

fn place(log: &str, text: &str) -> usize {
    log.find(text)
        .unwrap_or_else(|| panic!("{text:?} is not in:\n{log}"))
}

/// Where processes have stopped, in that order.
fn in_order(log: &str, names: &[&str]) {
    let places = names
        .iter()
        .map(|name| place(log, &format!("stopped: {name} (")));
    let places: Vec<usize> = places.collect();
    assert!(places.is_sorted(), "{names:?}\n{log}");
    for pair in names.windows(2) {
        let stopped = place(log, &format!("stopped: {} (", pair[0]));
        let killing = place(log, &format!("killing {} (pid ", pair[1]));
        assert!(stopped < killing, "{pair:?}\n{log}");
    }
}

fn chain() -> String {
    format!(
        "loglevel=debug\n{}{}{}",
        slow("web", "depends_on=api\npriority=1"),
        program("api", "depends_on=db\npriority=5"),
        program("db", "priority=900"),
    )
}

#[test]
fn what_depends_is_stopped_before_what_it_needs() {
    for line in ["stop all", "stop db* api* web*", "shutdown"] {
        let mut scene = Scene::start(&chain());
        scene.wait_all("RUNNING");
        wait_file(&scene, "ready");
        let finished = std::thread::scope(|scope| {
            let stop = scope.spawn(|| match line {
                "stop db* api* web*" => {
                    // One request for several.
                    let names = ["db", "api", "web"].map(Value::text).to_vec();
                    let together = [Value::Array(vec![Value::Array(names)])];
                    drop(scene.call("restartProcesses", &together));
                }
                line => drop(ctl(&scene, line)),
            });
            wait_file(&scene, "told");
            scene.dir.write("over", "");
            stop.join()
        });
        finished.unwrap();
        if line == "shutdown" {
            assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
        }
        in_order(&scene.log(), &["web", "api", "db"]);
    }
}

#[test]
fn what_cannot_be_signalled_holds_nobody_up() {
    let programs = program("api", "depends_on=db") + &program("db", "");
    let scene = Scene::start_as(Dir::new(), &programs, |launch| launch.shim = true);
    scene.wait_all("RUNNING");
    let api = scene.pid("api");
    // Only the first signal is refused.
    scene.dir.write("kill", libc::EPERM.to_string());
    let stopping = [Value::text("api"), Value::Bool(false)];
    let _ = scene.call("stopProcess", &stopping);
    assert_eq!(scene.info("api").text_of("statename"), "UNKNOWN");
    std::fs::remove_file(scene.dir.join("kill")).unwrap();
    let finished = ctl(&scene, "stop all");
    assert_eq!(finished.stdout, "db: stopped\n");
    kill(api, libc::SIGKILL);
    scene.wait("api", "STOPPED");
    scene.stop();
}

#[test]
fn a_stop_alone_tells_who_depends_on_what_was_stopped() {
    let scene = Scene::start(&chain());
    scene.wait_all("RUNNING");
    let finished = ctl(&scene, "stop db");
    assert_eq!(finished.stdout, "db: stopped\n");
    assert_eq!(
        finished.stderr,
        "db: still running and dependent on it: api; \
         to stop them first: stop --with-dependents db\n"
    );
    assert_eq!(finished.status, Some(0));
    assert_eq!(scene.info("api").text_of("statename"), "RUNNING");
    scene.dir.write("over", "");
    assert_eq!(ctl(&scene, "stop web").stderr, "");
    scene.stop();
}

#[test]
fn a_stop_with_dependents_stops_those_first() {
    let scene = Scene::start(&chain());
    scene.wait_all("RUNNING");
    wait_file(&scene, "ready");
    let begun = ctl(&scene, "stop --with-dependents --no-wait db");
    assert_eq!(begun.stdout, "web: stopping\napi: stopping\ndb: stopping\n");
    wait_file(&scene, "told");
    assert_eq!(scene.info("db").text_of("statename"), "RUNNING");
    scene.dir.write("over", "");
    scene.wait_all("STOPPED");
    in_order(&scene.log(), &["web", "api", "db"]);
    let finished = ctl(&scene, "start web");
    assert_eq!(finished.stdout, "web: started\n");
    let finished = ctl(&scene, "stop --with-dependents api");
    assert_eq!(finished.stdout, "web: stopped\napi: stopped\n");
    assert_eq!(scene.info("db").text_of("statename"), "RUNNING");
    let finished = ctl(&scene, "stop --with-dependents nosuch");
    assert_eq!(finished.stdout, "nosuch: ERROR (no such process)\n");
    let finished = ctl(&scene, "stop --with-dependents api");
    assert_eq!(finished.stdout, "api: ERROR (not running)\n");
    scene.stop();
}

/// A chain whose members go down and come up with what they need.
fn followers() -> String {
    format!(
        "loglevel=debug\n{}{}{}{}",
        program("web", "depends_on=api\ndepends_restart=true"),
        program(
            "api",
            "depends_on=db\ndepends_restart=true\nstartretries=0\nrestart_limit=1/3600"
        ),
        program("db", "autorestart=true"),
        program("other", "depends_on=db"),
    )
}

fn count(scene: &Scene, text: &str) -> usize {
    scene.log().matches(text).count()
}

#[test]
fn what_follows_is_stopped_once_and_started_once_when_what_it_needs_ends() {
    let scene = Scene::start(&followers());
    scene.wait_all("RUNNING");
    let other = scene.pid("other");
    kill(scene.pid("db"), libc::SIGKILL);
    let again = wait_until(DEADLINE, || count(&scene, "spawned: 'web'") == 2);
    assert!(again, "{}", scene.log());
    scene.wait_all("RUNNING");
    in_order(&scene.log(), &["web", "api"]);
    for name in ["db", "api", "web"] {
        assert_eq!(count(&scene, &format!("spawned: '{name}'")), 2, "{name}");
    }
    for name in ["api", "web"] {
        assert_eq!(count(&scene, &format!("stopped: {name} (")), 1, "{name}");
        let with = if name == "api" { "db" } else { "api" };
        let told = format!("INFO {name} is stopped with {with}, as depends_restart says");
        assert_eq!(count(&scene, &told), 1, "{}", scene.log());
    }
    assert_eq!(scene.pid("other"), other);
    scene.stop();
}

#[test]
fn what_follows_goes_before_what_is_stopped_by_request_and_comes_back_with_it() {
    let scene = Scene::start(&followers());
    scene.wait_all("RUNNING");
    scene.call("stopProcess", &[Value::text("db")]).answer();
    in_order(&scene.log(), &["web", "api", "db"]);
    let waiting = scene.info("api");
    assert_eq!(waiting.text_of("description"), "waiting for db (STOPPED)");
    let reason = "stopped with db, as depends_restart says";
    assert_eq!(waiting.text_of("spawnerr"), reason);
    assert_eq!(count(&scene, "INFO api waits for db (STOPPING)"), 1);
    assert_eq!(
        scene.info("web").text_of("description"),
        "waiting for api (STOPPED)"
    );
    // Who stops it does not want it back.
    let _ = scene.call("stopProcess", &[Value::text("web")]);
    scene.call("startProcess", &[Value::text("db")]).answer();
    scene.wait("api", "RUNNING");
    assert_eq!(scene.info("api").text_of("spawnerr"), "");
    assert_eq!(scene.info("web").text_of("statename"), "STOPPED");
    scene.call("startProcess", &[Value::text("web")]).answer();
    // A restart takes all with it, and brings all back.
    scene.call("restartProcess", &[Value::text("db")]).answer();
    scene.wait("web", "RUNNING");
    for name in ["db", "api", "web"] {
        assert_eq!(
            count(&scene, &format!("spawned: '{name}'")),
            3,
            "{name}\n{}",
            scene.log()
        );
    }
    // What stops with it stays down.
    scene.call("stopAllProcesses", &[]).answer();
    scene.wait_all("STOPPED");
    scene.call("startProcess", &[Value::text("db")]).answer();
    assert_eq!(scene.info("api").text_of("statename"), "STOPPED");
    scene.stop();
}

#[test]
fn a_stop_with_dependents_left_those_that_waited_to_come_back() {
    let scene = Scene::start(&followers());
    scene.wait_all("RUNNING");
    scene.call("stopProcess", &[Value::text("db")]).answer();
    let waiting = scene.info("web").text_of("description");
    assert_eq!(waiting, "waiting for api (STOPPED)");
    let finished = ctl(&scene, "stop --with-dependents db");
    assert_eq!(finished.stdout, "other: stopped\n");
    for name in ["api", "web"] {
        assert_eq!(scene.info(name).get("waiting_for"), None, "{name}");
    }
    let finished = ctl(&scene, "stop --with-dependents db");
    assert_eq!(finished.stdout, "db: ERROR (not running)\n");
    scene.call("startProcess", &[Value::text("db")]).answer();
    for name in ["api", "web", "other"] {
        assert_eq!(scene.info(name).text_of("statename"), "STOPPED", "{name}");
    }
    scene.stop();
}

#[test]
fn listeners_are_told_that_a_program_was_stopped_with_what_it_needs() {
    let dir = Dir::new();
    dir.write("ear", EAR);
    let listener = "[eventlistener:ear]\ncommand=/bin/sh %(here)s/ear\ndirectory=%(here)s\n\
                    events=PROCESS_STATE\nstartsecs=0\npriority=-1\n";
    let scene = Scene::start_as(dir, &(followers() + listener), |_| {});
    scene.wait_all("RUNNING");
    let (db, api) = (scene.pid("db"), scene.pid("api"));
    kill(db, libc::SIGKILL);
    let told = wait_until(DEADLINE, || {
        let heard = scene.dir.read("heard").unwrap_or_default();
        ["RUNNING", "STOPPING"].iter().all(|state| {
            let line = format!("from_state:{state} pid:{api} reason:depends_restart\n");
            heard.contains(&line)
        })
    });
    assert!(told, "{:?}", scene.dir.read("heard"));
    let heard = scene.dir.read("heard").unwrap();
    assert!(!heard.contains(&format!("pid:{db} reason")), "{heard}");
    scene.stop();
}

/// A program that is healthy while there is a file `well`.
fn checked(keys: &str) -> String {
    let keys = format!(
        "autorestart=true\nliveness_check=/usr/bin/test -e %(here)s/well\n\
         liveness_check_period=200ms\nliveness_check_failure_threshold=1\n{keys}"
    );
    program("db", &keys)
}

#[test]
fn healthy_is_waited_for_until_a_check_has_succeeded() {
    let scene = Scene::start(&format!(
        "{}{}",
        checked(""),
        program("api", "depends_on=db(healthy)"),
    ));
    scene.wait("db", "RUNNING");
    let waits = || scene.info("api").text_of("description") == "waiting for db (not healthy)";
    assert!(wait_until(DEADLINE, waits), "{}", scene.info("api"));
    scene.dir.write("well", "");
    scene.wait("api", "RUNNING");
    // Its next start looks again.
    scene.call("stopProcess", &[Value::text("api")]).answer();
    scene.call("stopProcess", &[Value::text("db")]).answer();
    std::fs::remove_file(scene.dir.join("well")).unwrap();
    let begun = [Value::text("api"), Value::Bool(false)];
    scene.call("startProcess", &begun).answer();
    scene.wait("db", "RUNNING");
    assert!(wait_until(DEADLINE, waits), "{}", scene.info("api"));
    scene.stop();
}

#[test]
fn health_that_comes_and_goes_takes_nobody_down() {
    let scene = Scene::start(&format!(
        "{}{}",
        checked("liveness_check_failure_action=none"),
        program("api", "depends_on=db\ndepends_restart=true"),
    ));
    scene.wait_all("RUNNING");
    let api = scene.pid("api");
    for (health, there) in [("healthy", true), ("unhealthy", false), ("healthy", true)] {
        match there {
            true => drop(scene.dir.write("well", "")),
            false => std::fs::remove_file(scene.dir.join("well")).unwrap(),
        }
        let is_so = || scene.info("db").text_of("health") == health;
        assert!(wait_until(DEADLINE, is_so), "{}", scene.info("db"));
        assert_eq!(scene.info("api").text_of("statename"), "RUNNING");
    }
    assert_eq!(scene.pid("api"), api);
    assert_eq!(count(&scene, "spawned: 'api'"), 1, "{}", scene.log());
    scene.stop();
}

#[test]
fn what_follows_goes_down_and_up_with_a_program_that_is_restarted_as_unhealthy() {
    let scene = Scene::start(&format!(
        "{}{}",
        checked(""),
        program("api", "depends_on=db(healthy)\ndepends_restart=true"),
    ));
    scene.dir.write("well", "");
    scene.wait_all("RUNNING");
    std::fs::remove_file(scene.dir.join("well")).unwrap();
    scene.wait_log("INFO api is stopped with db, as depends_restart says");
    scene.dir.write("well", "");
    let again = wait_until(DEADLINE, || count(&scene, "spawned: 'api'") == 2);
    assert!(again, "{}", scene.log());
    assert_eq!(count(&scene, "stopped: api ("), 1, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_graph_is_drawn_with_states() {
    let scene = Scene::start(&format!(
        "{}{}{}",
        program("api", "depends_on=app:* cache?(started)"),
        program("cache", "autostart=false"),
        "[group:app]\nprograms=db\n[program:db]\ncommand=/bin/cat\nstartsecs=0\n\
         process_name=%(program_name)s_%(process_num)d\nnumprocs=2\n",
    ));
    scene.wait("api", "RUNNING");
    let tree = "api  RUNNING\n|-- app:db_0  RUNNING\n|-- app:db_1  RUNNING\n\
                `-- cache?(started)  STOPPED\n";
    assert_eq!(ctl(&scene, "graph").stdout, tree);
    assert_eq!(
        ctl(&scene, "graph cache").stdout,
        "cache  STOPPED\nneeded by api\n"
    );
    let unknown = ctl(&scene, "graph nosuch");
    assert_eq!(unknown.stdout, "nosuch: ERROR (no such process)\n");
    assert_eq!(unknown.status, Some(1));
    scene.stop();
}

#[test]
fn a_name_of_a_program_in_a_group_means_all_its_processes() {
    let scene = Scene::start(&format!(
        "{}[group:app]\nprograms=db,other\n[program:db]\ncommand=/bin/cat\nstartsecs=0\n\
         process_name=%(program_name)s_%(process_num)d\nnumprocs=2\nautostart=false\n{}",
        program("api", "depends_on=db"),
        program("other", "autostart=false"),
    ));
    scene.wait("api", "RUNNING");
    scene.wait("app:db_0", "RUNNING");
    scene.wait("app:db_1", "RUNNING");
    assert_eq!(scene.info("app:other").text_of("statename"), "STOPPED");
    scene.stop();
}

#[test]
fn what_hundreds_need_of_hundreds_was_told_one_by_one() {
    let many = "process_name=%(process_num)03d\nnumprocs=300\nautostart=false\n\
                stdout_logfile=NONE\nstderr_logfile=NONE\n";
    let scene = Scene::start(&format!(
        "{}{}",
        program("api", &format!("depends_on=db?\n{many}")),
        program("db", many),
    ));
    let rows = scene.call("getDependencies", &[]).answer();
    let Value::Array(rows) = rows else {
        panic!("{rows}");
    };
    assert_eq!(rows.len(), 300);
    for row in &rows {
        let Some(Value::Array(needs)) = row.get("depends_on") else {
            panic!("{row}");
        };
        assert_eq!(needs.len(), 1, "{row}");
        assert_eq!(needs[0].text_of("name"), "*");
        assert_eq!(needs[0].text_of("group"), "db");
    }
    for name in ["api:007", "db:123"] {
        scene.call("startProcess", &[Value::text(name)]).answer();
    }
    let tree = "api:007  RUNNING\n`-- db:*?  not all are as wanted\n";
    assert_eq!(ctl(&scene, "graph api:007").stdout, tree);
    let needed = ctl(&scene, "graph db:123").stdout;
    assert!(needed.starts_with("db:123  RUNNING\nneeded by api:000, api:001, "));
    assert_eq!(
        ctl(&scene, "stop db:123").stderr,
        "db:123: still running and dependent on it: api:007; \
         to stop them first: stop --with-dependents db:123\n"
    );
    scene.stop();
}
