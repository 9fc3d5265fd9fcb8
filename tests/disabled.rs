//! Programs that operators have disabled, and the file that keeps it.

use super::support::{
    Ctl, DEADLINE, Daemon, Dir, Finished, Kind, Outcome, Scene, Value, wait_until,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const STATE: &str = "statefile=%(here)s/state\n";

fn program(name: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\n{keys}\n")
}

fn ctl(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

fn said(scene: &Scene, line: &str) -> String {
    let finished = ctl(scene, line);
    let status = finished.status;
    assert_eq!(
        status,
        Some(0),
        "{line}: {}{}",
        finished.stdout,
        finished.stderr
    );
    finished.stdout
}

fn state(scene: &Scene, name: &str) -> String {
    scene.info(name).text_of("statename")
}

fn description(scene: &Scene, name: &str) -> String {
    scene.info(name).text_of("description")
}

fn start_again(scene: &mut Scene) {
    let status = scene.daemon.stop();
    assert_eq!(status, Some(0), "{}", scene.log());
    scene.daemon = Daemon::start(Kind::Ours, &scene.dir);
    scene.daemon.wait_until_it_answers(&scene.rpc);
}

/// A directory with a state file that supervisord believes.
fn with_state(text: &str) -> Dir {
    let dir = Dir::new();
    dir.write("state", text);
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(dir.join("state"), mode).unwrap();
    dir
}

fn kept(scene: &Scene) -> Vec<String> {
    let text = scene.dir.read("state").unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_disabled_program_is_started_by_its_name_alone_until_it_is_enabled() {
    let programs = [
        program("web", ""),
        program(
            "job",
            "numprocs=2\nprocess_name=%(program_name)s_%(process_num)d",
        ),
    ];
    let mut scene = Scene::start(&format!("{STATE}{}", programs.concat()));
    scene.wait_all("RUNNING");
    assert_eq!(said(&scene, "disable web"), "web: disabled\n");
    let both = "job:job_0: disabled\njob:job_1: disabled\n";
    assert_eq!(said(&scene, "disable job:*"), both);
    assert_eq!(kept(&scene).len(), 3);
    // What runs goes on, and is told to be disabled.
    assert_eq!(state(&scene, "web"), "RUNNING");
    assert_eq!(scene.info("web").get("disabled"), Some(&Value::Bool(true)));
    let page = scene.rpc.get("/").body;
    assert_eq!(page.matches(", disabled<").count(), 3, "{page}");
    assert_eq!(said(&scene, "enable job:job_1"), "job:job_1: enabled\n");
    assert_eq!(scene.info("job:job_1").get("disabled"), None);

    start_again(&mut scene);
    scene.wait("job:job_1", "RUNNING");
    for name in ["web", "job:job_0"] {
        assert_eq!(description(&scene, name), "Not started, disabled");
    }
    let shown = ctl(&scene, "status --json web").stdout;
    assert!(shown.contains("\"disabled\": true"), "{shown}");
    let avail = said(&scene, "avail");
    let row = avail.lines().find(|line| line.starts_with("web "));
    assert!(row.is_some_and(|row| row.contains("disabled")), "{avail}");
    assert!(scene.rpc.get("/").body.contains("Not started, disabled"));

    // Neither all, nor a group, nor a pattern, nor a group that is added again.
    for line in ["start all", "start job:*", "start w*", "restart job:*"] {
        assert!(!said(&scene, line).contains("job_0"), "{line}");
    }
    let parameters = [Value::text("web")];
    scene.call("removeProcessGroup", &parameters).answer();
    scene.call("addProcessGroup", &parameters).answer();
    assert_eq!(said(&scene, "healthcheck"), "");
    assert_eq!(description(&scene, "web"), "Not started, disabled");
    assert_eq!(said(&scene, "start web"), "web: started\n");
    // A restart of all starts again what somebody has started.
    let pid = scene.pid("web");
    let restarted = said(&scene, "restart all");
    assert!(restarted.contains("web: started\n"), "{restarted}");
    assert_ne!(scene.pid("web"), pid);
    assert_eq!(state(&scene, "job:job_0"), "STOPPED");

    assert_eq!(said(&scene, "stop web"), "web: stopped\n");
    assert!(description(&scene, "web").ends_with("M, disabled"));
    let all = "job:job_0: enabled\njob:job_1: enabled\nweb: enabled\n";
    assert_eq!(said(&scene, "enable all"), all);
    assert_eq!(kept(&scene), Vec::<String>::new());
    assert!(said(&scene, "start all").contains("web: started\n"));
    start_again(&mut scene);
    scene.wait_all("RUNNING");
    scene.stop();
}

#[test]
fn nothing_is_disabled_without_a_file_that_keeps_it() {
    let scene = Scene::start(&program("web", ""));
    scene.wait("web", "RUNNING");
    let finished = ctl(&scene, "disable web");
    assert_eq!(
        finished.stdout,
        "web: ERROR (there is no state file that could keep it: set statefile in [supervisord] \
         and restart supervisord)\n"
    );
    assert_eq!(finished.status, Some(1));
    let finished = ctl(&scene, "enable nosuch nosuch:*");
    let unknown = "nosuch: ERROR (no such process)\nnosuch: ERROR (no such group)\n";
    assert_eq!(finished.stdout, unknown);
    assert_eq!(scene.info("web").get("disabled"), None);
    scene.stop();
}

#[test]
fn a_broken_state_file_is_told_of_and_not_written_over() {
    let dir = with_state("disabled web:web\nnonsense\n");
    let configuration = format!("{STATE}{}", program("web", ""));
    let scene = Scene::start_as(dir, &configuration, |_| {});
    scene.wait("web", "RUNNING");
    let reason = "line 2 is not 'disabled GROUP:PROCESS', mend or remove it";
    let path = scene.dir.join("state").display().to_string();
    scene.wait_log(&format!("cannot read the state file {path}: {reason}"));
    let answer = scene.call("disableProcess", &[Value::text("web")]);
    let Outcome::Fault(30, text) = answer else {
        panic!("a fault was expected, not {answer:?}");
    };
    let told = format!("FAILED: cannot read the state file {path}: {reason}");
    assert_eq!(text, told);
    // Mended, it counts.
    let mended = "# by hand\ndisabled other:other\n";
    fs::write(scene.dir.join("state"), mended).unwrap();
    assert_eq!(said(&scene, "disable web"), "web: disabled\n");
    let expected = ["disabled other:other", "disabled web:web"];
    assert_eq!(kept(&scene), expected);
    scene.stop();
}

#[test]
fn what_cannot_be_kept_is_not_disabled() {
    let dir = Dir::new();
    fs::create_dir(dir.join("kept")).unwrap();
    let configuration = format!("statefile=%(here)s/kept/state\n{}", program("web", ""));
    let scene = Scene::start_as(dir, &configuration, |_| {});
    scene.wait("web", "RUNNING");
    fs::remove_dir(scene.dir.join("kept")).unwrap();
    let finished = ctl(&scene, "disable web");
    let told = "web: ERROR (cannot write the state file ";
    assert!(finished.stdout.starts_with(told), "{}", finished.stdout);
    assert_eq!(scene.info("web").get("disabled"), None);
    scene.stop();
}

#[test]
fn what_is_disabled_is_not_started_for_what_depends_on_it() {
    let dir = with_state("disabled db:db\n");
    let programs = [
        program("api", "depends_on=db"),
        program("web", "depends_on=api\nautostart=false"),
        program("eager", "depends_on=db?"),
        program("db", ""),
    ];
    let configuration = format!("{STATE}{}", programs.concat());
    let scene = Scene::start_as(dir, &configuration, |_| {});
    // By itself it waits, and what can do without it does not.
    scene.wait("eager", "RUNNING");
    let waits = || description(&scene, "api") == "waiting for db (disabled)";
    assert!(wait_until(DEADLINE, waits), "{}", scene.log());
    let finished = ctl(&scene, "start web");
    let told = "web: ERROR (dependency db is disabled)\n";
    assert_eq!(finished.stdout, told);
    assert_eq!(description(&scene, "db"), "Not started, disabled");
    // Started by its name it is there for others.
    assert_eq!(said(&scene, "start db"), "db: started\n");
    assert_eq!(said(&scene, "start web"), "web: started\n");
    scene.wait("api", "RUNNING");
    said(&scene, "stop all");
    let finished = ctl(&scene, "start api");
    assert_eq!(finished.stdout, "api: ERROR (dependency db is disabled)\n");
    scene.stop();
}

#[test]
fn what_others_wait_for_starts_when_it_is_enabled() {
    let programs = [program("api", "depends_on=db"), program("db", "")];
    let mut scene = Scene::start(&format!("{STATE}{}", programs.concat()));
    scene.wait_all("RUNNING");
    said(&scene, "disable db");
    start_again(&mut scene);
    let waits = || description(&scene, "api") == "waiting for db (disabled)";
    assert!(wait_until(DEADLINE, waits), "{}", scene.log());
    assert_eq!(said(&scene, "enable db"), "db: enabled\n");
    scene.wait_all("RUNNING");
    scene.stop();
}

#[test]
fn the_clock_starts_nothing_that_is_disabled() {
    let dir = with_state("disabled off:off\n");
    let job = |name: &str| {
        format!(
            "[program:{name}]\ncommand=/bin/sh -c ': > %(here)s/{name}.ran'\ntype=oneshot\n\
             schedule=* * * * * *\n"
        )
    };
    let configuration = format!("{STATE}{}{}", job("off"), job("on"));
    let scene = Scene::start_as(dir, &configuration, |_| {});
    let has_run = |name: &str| scene.dir.join(name).exists();
    // Both have the same times.
    assert!(
        wait_until(DEADLINE, || has_run("on.ran")),
        "{}",
        scene.log()
    );
    scene.wait("on", "EXITED");
    assert!(!has_run("off.ran"));
    assert_eq!(scene.info("off").get("next_run"), None);
    assert_eq!(description(&scene, "off"), "Not started, disabled");
    scene.stop();
}

#[test]
fn an_unused_state_file_is_not_made() {
    let scene = Scene::start(&format!("{STATE}{}", program("web", "")));
    scene.wait("web", "RUNNING");
    said(&scene, "enable web");
    assert!(!scene.dir.join("state").exists());
    scene.stop();
}
