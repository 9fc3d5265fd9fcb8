//! Programs that wait for what they depend on.

use super::support::{
    Ctl, DEADLINE, Dir, Finished, Kind, Outcome, Scene, Value, kill, usual_configuration,
    wait_until,
};
use std::thread;

/// It fails to start until there is a file `go`.
pub const GATED: &str = "[program:db]\n\
    command=/bin/sh -c 'test -e %(here)s/go && exec cat; exit 1'\n\
    startretries=-1\nbackoffincrement=50ms\nmaxbackoff=50ms\n";

pub fn program(name: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\n{keys}\n")
}

pub fn ctl(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

pub fn start(scene: &Scene, name: &str) -> Outcome {
    scene.call("startProcess", &[Value::text(name)])
}

pub fn begin(scene: &Scene, name: &str) {
    let parameters = [Value::text(name), Value::Bool(false)];
    let answer = scene.call("startProcess", &parameters).answer();
    assert_eq!(answer, Value::Bool(true), "{name}");
}

pub fn description(scene: &Scene, name: &str) -> String {
    scene.info(name).text_of("description")
}

pub fn wait_description(scene: &Scene, name: &str, expected: &str) {
    let shown = wait_until(DEADLINE, || description(scene, name) == expected);
    assert!(shown, "{expected:?}: {}\n{}", scene.info(name), scene.log());
}

pub fn go(scene: &Scene) {
    scene.dir.write("go", "");
}

/// The names in the lines of the log that begin a process, in order.
pub fn spawned(log: &str) -> Vec<String> {
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
    assert!(status.contains("STOPPED   waiting for db ("), "{status}");
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

#[test]
fn what_is_to_be_ready_is_waited_for_until_it_is() {
    let scene = Scene::start(&format!(
        "{}[program:db]\nstartsecs=0\nreadiness=log:ready for all\n\
         command=/bin/sh -c 'until test -e %(here)s/go; do sleep 0.05; done; \
         echo ready for all; exec cat'\n",
        program("api", "depends_on=db"),
    ));
    wait_description(&scene, "api", "waiting for db (STARTING)");
    go(&scene);
    scene.wait("api", "RUNNING");
    assert_eq!(scene.info("db").text_of("statename"), "RUNNING");
    scene.stop();
}

#[test]
fn one_process_of_a_group_is_enough_where_it_alone_is_named() {
    let off = "autostart=false\n";
    let scene = Scene::start(&format!(
        "{}[group:app]\nprograms=one,two\n{}{}",
        program("api", "depends_on=app:one"),
        program("one", off),
        program("two", off),
    ));
    scene.wait("api", "RUNNING");
    assert_eq!(scene.info("app:one").text_of("statename"), "RUNNING");
    assert_eq!(scene.info("app:two").text_of("statename"), "STOPPED");
    scene.stop();
}
