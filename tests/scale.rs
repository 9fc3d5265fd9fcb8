//! Other numbers of processes for programs that run.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::{
    Ctl, DEADLINE, Daemon, Dir, Finished, Kind, Outcome, Scene, Value, ask_until, server_command,
    usual_configuration, wait_until,
};

pub const NUMBERED: &str = "process_name=%(program_name)s_%(process_num)d\n";

/// A program of which each process is told its number.
pub fn program(name: &str, count: usize, keys: &str) -> String {
    format!(
        "[program:{name}]\n{NUMBERED}numprocs={count}\nstartsecs=0\nstdout_logfile=NONE\n\
         command=/bin/cat\nstderr_logfile=NONE\nenvironment=NUMBER=number_%(process_num)d\n{keys}\n"
    )
}

pub fn scene(more: &str) -> Scene {
    let scene = Scene::start(more);
    scene.wait_all("RUNNING");
    scene
}

pub fn ctl(scene: &Scene, line: &str) -> Finished {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ctl::new(Kind::Ours, &scene.dir).run(&words)
}

pub fn said(scene: &Scene, line: &str) -> String {
    let finished = ctl(scene, line);
    let told = format!("{line}: {}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.status, Some(0), "{told}\n{}", scene.log());
    finished.stdout
}

pub fn refused(scene: &Scene, line: &str) -> String {
    let finished = ctl(scene, line);
    assert_eq!(finished.status, Some(1), "{line}: {}", finished.stdout);
    finished.stdout
}

/// Names and pids of all processes, in order.
pub fn processes(scene: &Scene) -> Vec<(String, i64)> {
    let all = scene.all();
    let told = |info: &Value| {
        let name = format!("{}:{}", info.text_of("group"), info.text_of("name"));
        (name, info.int_of("pid"))
    };
    all.iter().map(told).collect()
}

pub fn names(scene: &Scene) -> Vec<String> {
    let processes = processes(scene).into_iter();
    processes.map(|(name, _)| name).collect()
}

pub fn configure(scene: &Scene, more: &str) {
    scene
        .dir
        .write("supervisord.conf", usual_configuration(more));
}

fn environment(scene: &Scene, name: &str) -> String {
    fs::read_to_string(format!("/proc/{}/environ", scene.pid(name))).unwrap()
}

#[test]
fn more_processes_are_made_as_configured_and_started_and_those_that_run_go_on() {
    let scene = scene(&program("web", 2, ""));
    let before = processes(&scene);
    assert_eq!(
        said(&scene, "scale web 4"),
        "web:web_2: added\nweb:web_3: added\nweb:web_2: started\nweb:web_3: started\n"
    );
    let after = processes(&scene);
    assert_eq!(after[..2], before[..]);
    let added = ["web:web_2", "web:web_3"].map(str::to_owned);
    assert_eq!(names(&scene)[2..], added);
    // It is RUNNING before it has become its command.
    let is_told = || environment(&scene, "web:web_3").contains("NUMBER=number_3");
    assert!(wait_until(DEADLINE, is_told), "{}", scene.log());
    assert_eq!(said(&scene, "scale web 4"), "web: has 4 already\n");
    // All others see it, and a reading of the files finds nothing new.
    let shown = said(&scene, "status --json");
    assert_eq!(shown.matches("\"scaled\": 4").count(), 4, "{shown}");
    let shown = said(&scene, "avail");
    assert_eq!(shown.matches("in use").count(), 4, "{shown}");
    assert_eq!(shown.matches("  scaled to 4\n").count(), 4, "{shown}");
    let page = scene.rpc.get("/").body;
    assert!(page.contains("4 of 4 running scaled to 4"), "{page}");
    assert_eq!(said(&scene, "reread"), "No config updates to processes\n");
    let shown = said(&scene, "avail");
    assert_eq!(shown.matches("  scaled to 4\n").count(), 4, "{shown}");
    assert_eq!(processes(&scene), after);
    scene.stop();
}

#[test]
fn what_is_beyond_the_number_is_stopped_in_order_and_removed() {
    let scene = scene(&format!(
        "{}{}",
        program("web", 4, ""),
        program("other", 1, "")
    ));
    let before = processes(&scene);
    assert_eq!(said(&scene, "stop web:web_2"), "web:web_2: stopped\n");
    assert_eq!(
        said(&scene, "scale web 1"),
        "web:web_3: stopped\nweb:web_1: stopped\n\
         web:web_1: removed\nweb:web_2: removed\nweb:web_3: removed\n"
    );
    assert_eq!(processes(&scene), before[..2]);
    let unknown = scene.call("getProcessInfo", &[Value::text("web:web_3")]);
    assert!(matches!(unknown, Outcome::Fault(10, _)), "{unknown:?}");
    assert!(said(&scene, "avail").contains("web:web_0"));
    assert!(!said(&scene, "avail").contains("web:web_1"));
    assert_eq!(said(&scene, "start web:*"), "");
    // The configured number is no scale any more.
    let told = said(&scene, "scale web 4");
    assert!(told.contains("web:web_3: started\n"), "{told}");
    assert!(told.contains("web: scale ended\n"), "{told}");
    assert_eq!(scene.info("web:web_0").get("scaled"), None);
    assert_eq!(names(&scene).len(), 5);
    scene.stop();
}

#[test]
fn an_update_ends_a_scale_and_says_so() {
    let programs = [program("web", 2, ""), program("other", 2, "")].concat();
    let mut scene = scene(&programs);
    let before = processes(&scene);
    said(&scene, "scale web 3");
    said(&scene, "scale other 1");
    assert_eq!(
        said(&scene, "update web"),
        "web:web_2: removed\nweb: scale ended\n"
    );
    assert_eq!(
        scene.info("other:other_0").get("scaled"),
        Some(&Value::Int(1))
    );
    let told = said(&scene, "update");
    assert_eq!(told, "other:other_1: added\nother: scale ended\n");
    assert_eq!(said(&scene, "update"), "");
    scene.wait_all("RUNNING");
    let after = processes(&scene);
    for name in ["web:web_0", "web:web_1", "other:other_0"] {
        let pid = |processes: &[(String, i64)]| {
            let mut processes = processes.iter();
            processes
                .find(|(known, _)| known == name)
                .map(|(_, pid)| *pid)
        };
        assert_eq!(pid(&after), pid(&before), "{name}");
    }
    // Where more has changed, all of it is done.
    said(&scene, "scale web 5");
    let changed = [program("web", 3, "priority=5"), program("other", 2, "")].concat();
    configure(&scene, &changed);
    let told = said(&scene, "update");
    assert!(told.contains("web: scale ended\n"), "{told}");
    assert_eq!(scene.info("web:web_2").get("scaled"), None);
    assert_eq!(names(&scene).len(), 5);
    // Nor does it outlive supervisord, or its group.
    said(&scene, "scale web 1");
    assert_eq!(scene.daemon.stop(), Some(0));
    scene.daemon = Daemon::start(Kind::Ours, &scene.dir);
    scene.daemon.wait_until_it_answers(&scene.rpc);
    assert_eq!(names(&scene).len(), 5);
    said(&scene, "scale web 1");
    said(&scene, "stop web:*");
    said(&scene, "remove web");
    said(&scene, "add web");
    assert_eq!(names(&scene).len(), 5);
    scene.stop();
}

#[test]
fn programs_of_a_group_have_their_numbers_each_for_itself() {
    let programs = [
        "[group:g]\nprograms=a,b\n[group:h]\nprograms=b\n".to_owned(),
        program("a", 1, ""),
        program("b", 2, ""),
        program("api", 1, "depends_on=a"),
    ]
    .concat();
    let scene = scene(&programs);
    let before = processes(&scene);
    let told = refused(&scene, "scale b 3");
    assert_eq!(
        told,
        "b: ERROR (there are several programs b: write GROUP:b)\n"
    );
    assert_eq!(
        said(&scene, "scale g:b 3"),
        "g:b_2: added\ng:b_2: started\n"
    );
    assert_eq!(said(&scene, "scale a 2"), "g:a_1: added\ng:a_1: started\n");
    assert_eq!(
        said(&scene, "scale h:b 1"),
        "h:b_1: stopped\nh:b_1: removed\n"
    );
    let expected = [
        "api:api_0",
        "g:a_0",
        "g:a_1",
        "g:b_0",
        "g:b_1",
        "g:b_2",
        "h:b_0",
    ];
    assert_eq!(names(&scene), expected);
    assert_eq!(scene.info("g:a_1").get("scaled"), Some(&Value::Int(2)));
    assert_eq!(scene.info("g:b_0").get("scaled"), Some(&Value::Int(3)));
    let page = scene.rpc.get("/").body;
    assert!(page.contains("b scaled to 3, a scaled to 2"), "{page}");
    // Who depends on the program depends on all of its processes.
    let Value::Array(rows) = scene.call("getDependencies", &[]).answer() else {
        panic!("no array");
    };
    let shown = rows[0].to_string();
    assert!(shown.contains("a_0") && shown.contains("a_1"), "{shown}");
    assert_eq!(
        said(&scene, "update g"),
        "g:a_1: removed\ng:b_2: removed\ng: scale ended\n"
    );
    let after = processes(&scene);
    let kept = |(name, _): &&(String, i64)| names(&scene).contains(name);
    let before: Vec<_> = before.iter().filter(kept).cloned().collect();
    assert_eq!(after, before);
    scene.stop();
}

#[test]
fn fastcgi_processes_that_are_added_serve_the_same_socket() {
    let dir = Dir::new();
    let command = server_command(&dir);
    let program = format!(
        "[fcgi-program:f]\ncommand={command} %(process_num)d\nsocket=unix://%(here)s/f.sock\n\
         {NUMBERED}startsecs=0\nstderr_logfile=NONE\nstdout_logfile=NONE\n"
    );
    let scene = Scene::start_as(dir, &program, |_| {});
    scene.wait_all("RUNNING");
    let url = format!("unix://{}", scene.dir.join("f.sock").display());
    ask_until(&url, "0");
    said(&scene, "scale f 3");
    ask_until(&url, "2");
    ask_until(&url, "1");
    said(&scene, "stop f:f_0");
    said(&scene, "scale f 2");
    ask_until(&url, "1");
    scene.stop();
}

/// A listener that keeps the serials that it has heard in a file of its name.
const LISTENER: &str = "\
import os, sys, time
name = os.environ['SUPERVISOR_PROCESS_NAME']
while True:
    sys.stdout.write('READY\\n'); sys.stdout.flush()
    head = dict(pair.split(':') for pair in sys.stdin.readline().split())
    sys.stdin.read(int(head['len']))
    open(name + '.asked', 'w').close()
    while os.path.exists('hold_' + name):
        time.sleep(0.01)
    open(name + '.heard', 'a').write(head['poolserial'] + '\\n')
    sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
";

#[test]
fn listeners_that_are_added_are_sent_events_and_those_that_go_leave_none_behind() {
    let dir = Dir::new();
    dir.write("listener.py", LISTENER);
    dir.write("hold_l_0", "");
    dir.write("hold_l_1", "");
    let pool = format!(
        "[eventlistener:l]\ncommand=python3 -S %(here)s/listener.py\ndirectory=%(here)s\n\
         events=REMOTE_COMMUNICATION\n{NUMBERED}startsecs=0\nstopsignal=KILL\n"
    );
    let scene = Scene::start_as(dir, &pool, |_| {});
    scene.wait_all("RUNNING");
    assert_eq!(said(&scene, "scale l 2"), "l:l_1: added\nl:l_1: started\n");
    let emit = || {
        let words = [Value::text("t"), Value::text("d")];
        scene.call("sendRemoteCommEvent", &words).answer();
    };
    // Each holds one.
    emit();
    emit();
    let asked = |name: &str| scene.dir.join(&format!("{name}.asked")).exists();
    let both = || asked("l_0") && asked("l_1");
    assert!(wait_until(DEADLINE, both), "{}", scene.log());
    let heard = |name: &str| scene.dir.read(&format!("{name}.heard")).unwrap_or_default();
    assert_eq!(
        said(&scene, "scale l 1"),
        "l:l_1: stopped\nl:l_1: removed\nl: scale ended\n"
    );
    fs::remove_file(scene.dir.join("hold_l_0")).unwrap();
    let both = || heard("l_0").lines().count() == 2;
    assert!(
        wait_until(DEADLINE, both),
        "{}\n{}",
        heard("l_0"),
        scene.log()
    );
    assert_eq!(heard("l_1"), "");
    scene.stop();
}

#[test]
fn what_depends_on_the_program_depends_on_all_of_its_processes_and_stays_up() {
    let programs = [
        program("web", 2, "autostart=false"),
        program(
            "api",
            1,
            "depends_on=web\nautostart=false\ndepends_restart=true",
        ),
    ]
    .concat();
    let scene = Scene::start(&programs);
    assert_eq!(said(&scene, "scale web 3"), "web:web_2: added\n");
    said(&scene, "start web:web_0 web:web_1");
    // One of three is missing, and is started with the others.
    said(&scene, "start api:*");
    scene.wait_all("RUNNING");
    let api = scene.pid("api:api_0");
    said(&scene, "scale web 1");
    assert_eq!(scene.pid("api:api_0"), api);
    said(&scene, "update");
    assert_eq!(scene.pid("api:api_0"), api);
    // Without the two that have come back it does not start again.
    said(&scene, "stop all");
    said(&scene, "scale web 1");
    said(&scene, "start api:*");
    let expected = ["api:api_0", "web:web_0"];
    assert_eq!(names(&scene), expected);
    scene.wait_all("RUNNING");
    scene.stop();
}

#[test]
fn what_is_disabled_or_does_not_start_by_itself_is_added_and_not_started() {
    let dir = Dir::new();
    dir.write("state", "disabled web:web_2\n");
    fs::set_permissions(dir.join("state"), fs::Permissions::from_mode(0o600)).unwrap();
    let programs = [
        program("web", 2, ""),
        program("cron", 1, "schedule=@yearly\ntype=oneshot"),
    ];
    let more = format!("statefile=%(here)s/state\n{}", programs.concat());
    let scene = Scene::start_as(dir, &more, |_| {});
    scene.wait("web:web_1", "RUNNING");
    assert_eq!(
        said(&scene, "scale web 4"),
        "web:web_2: added\nweb:web_3: added\nweb:web_3: started\n"
    );
    let description = scene.info("web:web_2").text_of("description");
    assert_eq!(description, "Not started, disabled");
    assert_eq!(said(&scene, "scale cron 2"), "cron:cron_1: added\n");
    assert_ne!(scene.info("cron:cron_1").int_of("next_run"), 0);
    assert_eq!(
        said(&scene, "scale cron 1"),
        "cron:cron_1: removed\ncron: scale ended\n"
    );
    // It is disabled still when it comes back.
    said(&scene, "scale web 2");
    said(&scene, "scale web 3");
    assert_eq!(scene.info("web:web_2").text_of("statename"), "STOPPED");
    said(&scene, "enable web:web_2");
    assert_eq!(said(&scene, "start web:*"), "web:web_2: started\n");
    scene.stop();
}
