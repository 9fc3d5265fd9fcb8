//! Programs that wait for what they depend on.

use super::support::{
    Ctl, DEADLINE, Daemon, Dir, Finished, Kind, Outcome, Scene, Value, kill, usual_configuration,
    wait_until,
};
use std::thread;

/// It fails to start until there is a file `go`.
const GATED: &str = "[program:db]\n\
    command=/bin/sh -c 'test -e %(here)s/go && exec cat; exit 1'\n\
    startretries=-1\nbackoffincrement=50ms\nmaxbackoff=50ms\n";

/// It never comes up.
const BROKEN: &str = "[program:db]\ncommand=/bin/sh -c 'exit 1'\nstartretries=0\n";

fn program(name: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\n{keys}\n")
}

fn ctl(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

fn start(scene: &Scene, name: &str) -> Outcome {
    scene.call("startProcess", &[Value::text(name)])
}

fn begin(scene: &Scene, name: &str) {
    let parameters = [Value::text(name), Value::Bool(false)];
    let answer = scene.call("startProcess", &parameters).answer();
    assert_eq!(answer, Value::Bool(true), "{name}");
}

fn description(scene: &Scene, name: &str) -> String {
    scene.info(name).text_of("description")
}

fn wait_description(scene: &Scene, name: &str, expected: &str) {
    let shown = wait_until(DEADLINE, || description(scene, name) == expected);
    assert!(shown, "{expected:?}: {}\n{}", scene.info(name), scene.log());
}

fn go(scene: &Scene) {
    scene.dir.write("go", "");
}

/// The names in the lines of the log that begin a process, in order.
fn spawned(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| line.split_once("spawned: '"));
    let names = lines.filter_map(|(_, rest)| rest.split_once('\''));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn place(log: &str, text: &str) -> usize {
    log.find(text)
        .unwrap_or_else(|| panic!("{text:?} is not in:\n{log}"))
}

#[test]
fn a_program_waits_until_what_it_needs_is_up() {
    let scene = Scene::start(&format!(
        "{}{GATED}[program:migrate]\n\
         command=/bin/sh -c 'until test -e %(here)s/go; do sleep 0.05; done'\n\
         startsecs=0\nautorestart=false\n",
        program("api", "depends_on=db, migrate(exited)\npriority=1"),
    ));
    scene.wait("migrate", "RUNNING");
    wait_description(&scene, "api", "waiting for db (BACKOFF), migrate (RUNNING)");
    let info = scene.info("api");
    assert_eq!(info.text_of("statename"), "STOPPED");
    let names = Value::Array(vec![Value::text("db"), Value::text("migrate")]);
    assert_eq!(info.get("waiting_for"), Some(&names));
    assert_eq!(scene.info("migrate").get("waiting_for"), None);
    let status = ctl(&scene, "status api").stdout;
    assert!(
        status.contains("STOPPED   waiting for db (BACKOFF)"),
        "{status}"
    );
    let check = ctl(&scene, "healthcheck api");
    let told = check.stdout.starts_with("api: STOPPED (waiting for db (");
    assert!(told && check.status == Some(1), "{check:?}");
    go(&scene);
    scene.wait("api", "RUNNING");
    scene.wait("migrate", "EXITED");
    assert_eq!(scene.info("api").get("waiting_for"), None);
    let log = scene.log();
    assert_eq!(log.matches(" INFO api waits for ").count(), 1, "{log}");
    let up = place(&log, "success: db entered RUNNING state");
    assert!(
        place(&log, "exited: migrate") < place(&log, "spawned: 'api'"),
        "{log}"
    );
    assert!(up < place(&log, "spawned: 'api'"), "{log}");
    scene.stop();
}

#[test]
fn a_wait_of_a_minute_is_told_once_more() {
    let scene = Scene::start_as(
        Dir::new(),
        &format!("{}{GATED}", program("api", "depends_on=db")),
        |launch| launch.shim = true,
    );
    wait_description(&scene, "api", "waiting for db (BACKOFF)");
    let warning = " WARN api waits for db (BACKOFF) since a minute\n";
    assert!(!scene.log().contains(warning));
    for seconds in ["61", "122", "183"] {
        scene.dir.write("monotonic", seconds);
        scene.wait_log(warning);
    }
    // db has been tried again meanwhile, which shows that the time has come.
    go(&scene);
    scene.wait("api", "RUNNING");
    assert_eq!(scene.log().matches(" since a minute").count(), 1);
    scene.stop();
}

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
fn of_hundreds_that_are_waited_for_a_hundred_are_named() {
    let scene = Scene::start(&format!(
        "{}[program:db]\ncommand=/bin/cat\nprocess_name=%(process_num)d\nnumprocs=250\n\
         autostart=false\nstartdelay=1h\n",
        program("api", "depends_on=db"),
    ));
    let info = scene.info("api");
    let shown = "waiting for db:0 (STARTING), db:1 (STARTING), db:10 (STARTING) and 247 more";
    assert_eq!(info.text_of("description"), shown);
    let Some(Value::Array(names)) = info.get("waiting_for") else {
        panic!("{info}");
    };
    assert_eq!(names.len(), 100);
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

#[test]
fn what_is_optional_is_waited_for_only_if_it_is_to_run() {
    let scene = Scene::start(&format!(
        "{}{}{GATED}{}",
        program("api", "depends_on=db?"),
        program("web", "depends_on=idle? broken?"),
        program("idle", "autostart=false")
            + "[program:broken]\ncommand=/nonexistent\nstartretries=0\n",
    ));
    scene.wait("web", "RUNNING");
    assert_eq!(scene.info("idle").text_of("statename"), "STOPPED");
    wait_description(&scene, "api", "waiting for db (BACKOFF)");
    go(&scene);
    scene.wait("api", "RUNNING");
    scene.stop();
}

#[test]
fn a_restart_looks_at_what_is_needed_and_counts_for_no_limit() {
    let scene = Scene::start(&format!(
        "{}{}",
        program(
            "api",
            "depends_on=db\nautorestart=true\nrestart_limit=1/3600"
        ),
        program("db", ""),
    ));
    scene.wait("api", "RUNNING");
    scene.call("stopProcess", &[Value::text("db")]).answer();
    assert_eq!(scene.info("api").text_of("statename"), "RUNNING");
    kill(scene.pid("api"), libc::SIGKILL);
    wait_description(&scene, "api", "waiting for db (STOPPED)");
    assert_eq!(scene.info("api").text_of("statename"), "EXITED");
    // Nobody starts db for that.
    let check = ctl(&scene, "healthcheck");
    assert!(
        check
            .stdout
            .contains("api: EXITED (waiting for db (STOPPED))\n"),
        "{check:?}"
    );
    start(&scene, "db").answer();
    scene.wait("api", "RUNNING");
    // That was its one restart.
    kill(scene.pid("api"), libc::SIGKILL);
    scene.wait("api", "FATAL");
    scene.stop();
}

#[test]
fn what_was_removed_is_waited_for_and_told() {
    let scene = Scene::start(&format!(
        "{}{}",
        program(
            "api",
            "depends_on=db\nautostart=false\ndepends_timeout=infinity"
        ),
        program("db", "autostart=false"),
    ));
    let name = [Value::text("db")];
    scene.call("removeProcessGroup", &name).answer();
    begin(&scene, "api");
    assert_eq!(description(&scene, "api"), "waiting for db (not there)");
    let graph = ctl(&scene, "graph");
    assert_eq!(
        graph.stdout,
        "api  STOPPED (waiting for db (not there))\n`-- db  not there\n"
    );
    scene.call("addProcessGroup", &name).answer();
    assert_eq!(description(&scene, "api"), "waiting for db (STOPPED)");
    start(&scene, "db").answer();
    scene.wait("api", "RUNNING");
    scene.stop();
}

#[test]
fn an_update_that_takes_a_dependency_away_lets_start_what_waited_for_it() {
    let scene = Scene::start(&format!(
        "{}{}{GATED}",
        program("api", "depends_on=db"),
        program("other", "depends_on=db?"),
    ));
    wait_description(&scene, "api", "waiting for db (BACKOFF)");
    let changed = format!(
        "{}{}",
        program("api", ""),
        program("other", "depends_on=api"),
    );
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&changed));
    let update = ctl(&scene, "update");
    assert!(
        update.stdout.contains("db: removed process group\n"),
        "{update:?}"
    );
    scene.wait("api", "RUNNING");
    scene.wait("other", "RUNNING");
    scene.stop();
}

#[test]
fn programs_may_depend_on_a_listener_and_a_listener_on_programs() {
    let listener = "[eventlistener:eyes]\n\
        command=/bin/sh -c 'until test -e %(here)s/go; do sleep 0.05; done; exec cat'\n\
        events=TICK_3600\nstartsecs=0\nautostart=false\ndepends_on=db\n";
    let scene = Scene::start(&format!(
        "{listener}{}{}",
        program("api", "depends_on=eyes"),
        program("db", "autostart=false"),
    ));
    scene.wait("api", "RUNNING");
    assert_eq!(spawned(&scene.log()), ["db", "eyes", "api"]);
    scene.stop();
}

#[test]
fn a_shutdown_does_not_wait_for_starts_that_wait() {
    let mut scene = Scene::start(&format!(
        "{}{}{GATED}",
        program("api", "depends_on=db"),
        program("web", "depends_on=db\nautostart=false"),
    ));
    wait_description(&scene, "api", "waiting for db (BACKOFF)");
    let finished = thread::scope(|scope| {
        let call = scope.spawn(|| start(&scene, "web"));
        scene.wait_log("web waits for db");
        scene.daemon.signal(libc::SIGTERM);
        call.join().unwrap()
    });
    assert!(matches!(finished, Outcome::Fault(..)));
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
    let names = spawned(&scene.log());
    assert!(names.iter().all(|name| name == "db"), "{names:?}");
}

#[test]
fn what_waits_has_not_ended() {
    let done = "[program:done]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\n";
    let last = "[program:last]\ncommand=/bin/sh -c 'exit 3'\nstartsecs=0\nautorestart=false\n\
                depends_on=job(exited)\n[program:job]\ncommand=/bin/sh -c 'exit 1'\n\
                startsecs=0\nautorestart=false\n";
    let mut scene = Scene::start(&format!("exit_on=all_exited\n{done}{last}"));
    scene.wait("done", "EXITED");
    scene.wait("job", "EXITED");
    wait_description(&scene, "last", "waiting for job (EXITED)");
    // A job that succeeds at last.
    let job = scene
        .dir
        .read("supervisord.conf")
        .unwrap()
        .replace("exit 1", "exit 0");
    scene.dir.write("supervisord.conf", job);
    scene.call("reloadConfig", &[]).answer();
    scene
        .call("removeProcessGroup", &[Value::text("job")])
        .answer();
    scene
        .call("addProcessGroup", &[Value::text("job")])
        .answer();
    assert_eq!(scene.daemon.wait(DEADLINE), Some(3), "{}", scene.log());
}

#[test]
fn a_schedule_waits_for_what_is_down_until_its_next_time() {
    let scene = Scene::start(&format!(
        "{GATED}[program:job]\ncommand=/bin/true\ntype=oneshot\nschedule=* * * * * *\n\
         depends_on=db\n"
    ));
    scene.wait_log(" WARN job has waited for db (");
    scene.wait_log(" until its next time: that run is given up");
    assert!(!spawned(&scene.log()).contains(&"job".to_owned()));
    go(&scene);
    scene.wait_log("spawned: 'job'");
    scene.stop();
}

#[test]
fn a_oneshot_is_waited_for_until_it_has_succeeded() {
    let scene = Scene::start(&format!(
        "{}[program:migrate]\ntype=oneshot\nautostart=false\n\
         command=/bin/sh -c 'until test -e %(here)s/go; do sleep 0.05; done'\n",
        program("api", "depends_on=migrate"),
    ));
    wait_description(&scene, "api", "waiting for migrate (STARTING)");
    go(&scene);
    scene.wait("api", "RUNNING");
    scene.stop();
    let never = program("api", "depends_on=job(running)")
        + "[program:job]\ncommand=/bin/true\ntype=oneshot\n";
    let told = refused(&never);
    assert!(told.contains("[program:job] has type=oneshot"), "{told}");
    assert!(told.contains("write job(exited)"), "{told}");
}

#[test]
fn a_chain_and_a_fan_start_in_their_order() {
    const CHAIN: usize = 50;
    const FAN: usize = 500;
    let off = "autostart=false\n";
    let mut programs = program("p0", off);
    for place in 1..CHAIN {
        let keys = format!("{off}depends_on=p{}", place - 1);
        programs += &program(&format!("p{place}"), &keys);
    }
    // The last first, so that no order but that of the chain would do.
    programs += &format!(
        "[program:fan]\ncommand=/bin/true\nprocess_name=%(process_num)03d\nnumprocs={FAN}\n\
         startsecs=0\nautorestart=false\npriority=1\ndepends_on=p{}\nstdout_logfile=NONE\n\
         stderr_logfile=NONE\n",
        CHAIN - 1
    );
    let scene = Scene::start(&programs.replace(
        "startsecs=0\n",
        "startsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
    ));
    let all = wait_until(DEADLINE, || scene.log().matches("exited: ").count() == FAN);
    assert!(all, "{}", scene.log());
    let names = spawned(&scene.log());
    let chain: Vec<String> = (0..CHAIN).map(|place| format!("p{place}")).collect();
    assert_eq!(names[..CHAIN], chain);
    assert_eq!(names.len(), CHAIN + FAN);
    scene.stop();
}

/// What supervisord says about a configuration that it does not take.
fn refused(configuration: &str) -> String {
    let dir = Dir::new();
    dir.write("supervisord.conf", usual_configuration(configuration));
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    assert_eq!(daemon.wait(DEADLINE), Some(2), "{configuration}");
    let path = format!("{}/", dir.path().display());
    daemon.stderr().replace(&path, "")
}

/// The line of a key, as messages tell it.
fn line_of(configuration: &str, key: &str) -> String {
    let whole = usual_configuration(configuration);
    let line = whole.lines().position(|line| line.starts_with(key));
    format!("supervisord.conf:{}", line.unwrap() + 1)
}

#[test]
fn a_circle_is_told_with_all_its_members() {
    for count in [1, 2, 3, 40] {
        let mut configuration = String::new();
        let mut expected = "depends_on goes in a circle: ".to_owned();
        for place in 0..count {
            let key = format!("depends_on=p{}?,", (place + 1) % count);
            configuration += &program(&format!("p{place}"), &key);
            let line = line_of(&configuration, &key);
            expected += &format!("p{place} ({line}) needs ");
        }
        expected += "p0";
        let told = refused(&configuration);
        assert!(told.contains(&expected), "{expected}\n{told}");
        assert!(told.contains("take one of these out"), "{told}");
    }
}

#[test]
fn names_and_conditions_that_cannot_be_are_told_with_the_nearest_right_ones() {
    let forever = program("forever", "autorestart=true");
    let group = "[group:app]\nprograms=a,b\ndepends_on=d\n";
    let members = format!("{group}{}{}", program("a", ""), program("b", ""));
    for (configuration, expected) in [
        (
            program("api", "depends_on=databse") + &program("database", ""),
            &[
                "[program:api] depends_on unknown",
                "did you mean \"database\"?",
            ][..],
        ),
        (
            program("api", "depends_on=app:c") + &members.replace("depends_on=d\n", ""),
            &[
                "[program:api] depends on unknown program or group app:c",
                "did you mean \"app:a\"?",
            ],
        ),
        (
            members.clone(),
            &["[group:app] depends on unknown program or group d"],
        ),
        (
            program("api", "depends_on=forever(exited)") + &forever,
            &[
                "[program:api] waits for forever(exited), which can never hold: \
                 [program:forever] has autorestart=true",
                "write forever(running), or autorestart=unexpected in [program:forever]",
            ],
        ),
        (
            program("api", "depends_on=db(healthy)") + &program("db", ""),
            &["[program:api] waits for db(healthy)", "no liveness check"],
        ),
        (
            program("api", "depends_on=db(runing)") + &program("db", ""),
            &["Invalid depends_on value 'db(runing)'", "write db(running)"],
        ),
        (
            program("api", "depends_timeout=2 minutes"),
            &["Invalid depends_timeout value '2 minutes'", "write 2m"],
        ),
    ] {
        let told = refused(&configuration);
        for text in expected {
            let text = text.replace("depends_on unknown", "depends on unknown");
            assert!(told.contains(&text), "{text}\n{told}");
        }
        let key = match configuration.contains("depends_on") {
            true => "depends_on",
            false => "depends_timeout",
        };
        assert!(told.contains(&line_of(&configuration, key)), "{told}");
    }
    // The place of what is in the way.
    let configuration = program("api", "depends_on=forever(exited)") + &forever;
    let place = line_of(&configuration, "autorestart=true");
    assert!(refused(&configuration).contains(&format!("autorestart=true ({place})")));
}
