//! Commands that run beside programs: before they start, before they stop, after their end and
//! when they are given up.

use super::support::{Ctl, DEADLINE, Dir, Kind, Outcome, Scene, Value, is_alive, kill, wait_until};

/// Says in `seen` that it runs, with its first word, where, and what it was told.
const TELL: &str = "\
echo \"$1 in ${PWD##*/} pid=${SUPERVISOR_PROCESS_PID-none} \
status=${SUPERVISOR_EXIT_STATUS-none} signal=${SUPERVISOR_EXIT_SIGNAL-none} \
reason=${SUPERVISOR_REASON-none} $SUPERVISOR_GROUP_NAME:$SUPERVISOR_PROCESS_NAME $MORE\" >> \"$SEEN\"
";

/// A scene with the script `tell` in its directory, and a directory `place` for programs.
fn scene(programs: &str) -> Scene {
    scene_with(&[], programs)
}

fn scene_with(scripts: &[(&str, &str)], programs: &str) -> Scene {
    let dir = Dir::new();
    dir.script("tell", TELL);
    for (name, body) in scripts {
        dir.script(name, body);
    }
    std::fs::create_dir(dir.join("place")).unwrap();
    let text = format!("environment=SEEN=%(here)s/seen\n{programs}");
    Scene::start_as(dir, &text, |_| {})
}

fn seen(scene: &Scene) -> Vec<String> {
    let text = scene.dir.read("seen").unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_seen(scene: &Scene, count: usize) -> Vec<String> {
    let enough = wait_until(DEADLINE, || seen(scene).len() >= count);
    assert!(enough, "{:?}\n{}", seen(scene), scene.log());
    seen(scene)
}

/// Waits until a file has a line, which is a pid.
fn wait_pid(scene: &Scene, name: &str) -> u32 {
    let mut pid = None;
    let is_there = wait_until(DEADLINE, || {
        let text = scene.dir.read(name).unwrap_or_default();
        pid = text.strip_suffix('\n').and_then(|text| text.parse().ok());
        pid.is_some()
    });
    assert!(is_there, "no {name}\n{}", scene.log());
    pid.unwrap()
}

fn wait_gone(pid: u32, scene: &Scene) {
    let is_gone = wait_until(DEADLINE, || !is_alive(pid));
    assert!(is_gone, "{pid} lives\n{}", scene.log());
}

fn begin(scene: &Scene, method: &str) {
    let name = [Value::text("p"), Value::Bool(false)];
    scene.call(method, &name).answer();
}

fn stop(scene: &Scene) {
    scene.call("stopProcess", &[Value::text("p")]).answer();
    assert_eq!(scene.info("p").text_of("statename"), "STOPPED");
}

fn log_of(scene: &Scene) -> String {
    let path = scene.info("p").text_of("stdout_logfile").to_owned();
    std::fs::read_to_string(path).unwrap_or_default()
}

const ALL: &str = "\
pre_start_hook=%(here)s/tell pre_start
pre_stop_hook=%(here)s/tell pre_stop
post_stop_hook=%(here)s/tell post_stop
fatal_hook=%(here)s/tell fatal
";

#[test]
fn hooks_come_in_their_order_and_each_is_told_what_has_happened() {
    let scene = scene(&format!(
        "[program:p]\ncommand=%(here)s/program\ndirectory=%(here)s/place\nstartsecs=0\n\
         exitcodes=7\nautostart=false\nenvironment=MORE=x\n{ALL}"
    ));
    scene
        .dir
        .script("program", "echo program >> \"$SEEN\"; exec /bin/cat\n");
    scene.call("startProcess", &[Value::text("p")]).answer();
    let pid = scene.pid("p");
    wait_seen(&scene, 2);
    stop(&scene);
    assert_eq!(
        seen(&scene),
        [
            "pre_start in place pid=none status=none signal=none reason=none p:p x".to_owned(),
            "program".to_owned(),
            format!("pre_stop in place pid={pid} status=none signal=none reason=none p:p x"),
            format!(
                "post_stop in place pid={pid} status= signal=SIGTERM \
                 reason=terminated by SIGTERM p:p x"
            ),
        ]
    );
    scene.stop();
}

#[test]
fn a_failed_hook_is_a_failed_start_and_the_end_of_all_attempts_runs_another() {
    let scene = scene_with(
        &[("refuse", "echo no database >&2; exit 3\n")],
        "[program:p]\ncommand=/bin/cat\nstartretries=1\nbackoffincrement=10ms\n\
         pre_start_hook=%(here)s/refuse\npost_stop_hook=%(here)s/tell post_stop\n\
         fatal_hook=%(here)s/tell fatal\n",
    );
    scene.wait("p", "FATAL");
    let error = "pre_start_hook failed (exit status 3)";
    assert_eq!(scene.info("p").text_of("spawnerr"), error);
    assert_eq!(scene.log().matches(error).count(), 2, "{}", scene.log());
    assert!(!scene.log().contains("spawned: 'p'"), "{}", scene.log());
    // No child has ended.
    let line = format!(
        "fatal in {} pid=none status= signal= reason={error} p:p ",
        here(&scene)
    );
    assert_eq!(wait_seen(&scene, 1), [line]);
    assert_eq!(log_of(&scene), "no database\nno database\n");
    let name = [Value::text("p")];
    let refused = Outcome::Fault(50, "SPAWN_ERROR: p".to_owned());
    assert_eq!(scene.call("startProcess", &name), refused);
    scene.stop();
}

/// The directory of the daemon, by its last name.
fn here(scene: &Scene) -> String {
    let name = scene.dir.path().file_name().unwrap();
    name.to_string_lossy().into_owned()
}

#[test]
fn a_restart_waits_for_the_hook_after_a_crash() {
    let scene = scene_with(
        &[(
            "clean",
            "echo clean >> \"$SEEN\"; until test -e \"$GATE\"; do sleep 0.02; done\necho cleaned $SUPERVISOR_EXIT_SIGNAL >> \"$SEEN\"\n",
        )],
        "[program:p]\ncommand=/bin/sh -c 'echo program >> \"$SEEN\"; exec cat'\n\
         startsecs=0\nautorestart=true\nenvironment=GATE=%(here)s/gate\n\
         post_stop_command=%(here)s/clean\n",
    );
    wait_seen(&scene, 1);
    scene.wait("p", "RUNNING");
    let first = scene.pid("p");
    kill(first, libc::SIGSEGV);
    wait_seen(&scene, 2);
    scene.wait("p", "EXITED");
    // A request does not hurry it.
    begin(&scene, "startProcess");
    scene.wait("p", "STARTING");
    assert_eq!(
        scene.info("p").text_of("description"),
        "post_stop_hook is running"
    );
    scene.dir.write("gate", "");
    assert_eq!(
        wait_seen(&scene, 4),
        ["program", "clean", "cleaned SIGSEGV", "program"]
    );
    scene.wait("p", "RUNNING");
    assert_ne!(scene.pid("p"), first);
    scene.stop();
}

#[test]
fn a_hook_that_hangs_is_killed_with_what_it_has_started() {
    let scene = scene_with(
        &[("hang", "sleep 1000 & echo $! > \"$PIDS\"; wait\n")],
        "[program:p]\ncommand=/bin/cat\nstartretries=0\nenvironment=PIDS=%(here)s/pids\n\
         pre_start_hook=%(here)s/hang\nhook_timeout=500ms\n",
    );
    let pid = wait_pid(&scene, "pids");
    scene.wait("p", "FATAL");
    assert_eq!(
        scene.info("p").text_of("spawnerr"),
        "pre_start_hook failed (it took too long and was killed)"
    );
    wait_gone(pid, &scene);
    scene.wait_log("takes too long, killing it");
    scene.stop();
}

#[test]
fn what_a_hook_leaves_in_the_background_holds_nobody_up() {
    let scene = scene_with(
        &[("leave", "sleep 1000 & echo $! > \"$PIDS\"\n")],
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nenvironment=PIDS=%(here)s/pids\n\
         pre_start_hook=%(here)s/leave\n",
    );
    scene.wait("p", "RUNNING");
    let pid = wait_pid(&scene, "pids");
    assert!(is_alive(pid));
    kill(pid, libc::SIGKILL);
    scene.stop();
}

#[test]
fn of_a_flood_so_much_goes_to_the_log() {
    let scene = scene_with(
        &[("flood", "exec yes flood\n")],
        "[program:p]\ncommand=/bin/cat\nstartretries=0\npre_start_hook=%(here)s/flood\n\
         hook_timeout=1\n",
    );
    scene.wait("p", "FATAL");
    scene
        .wait_log("p: its pre_start_hook writes more than 65536 bytes, the rest is not in the log");
    assert_eq!(log_of(&scene).len(), 65536);
    scene.stop();
}

#[test]
fn a_hook_that_is_killed_has_failed() {
    let scene = scene(
        "[program:p]\ncommand=/bin/cat\nstartretries=0\n\
         pre_start_hook=/bin/sh -c 'kill -KILL $$'\n\
         [program:q]\ncommand=/bin/cat\nstartsecs=0\npre_stop_hook=/bin/sh -c 'kill -TERM $$'\n\
         post_stop_hook=/bin/sh -c 'kill -KILL $$'\n",
    );
    scene.wait("p", "FATAL");
    assert_eq!(
        scene.info("p").text_of("spawnerr"),
        "pre_start_hook failed (terminated by SIGKILL)"
    );
    scene.wait("q", "RUNNING");
    scene.call("stopProcess", &[Value::text("q")]).answer();
    scene.wait_log("WARN q: its pre_stop_hook failed (terminated by SIGTERM)");
    scene.wait_log("WARN q: its post_stop_hook failed (terminated by SIGKILL)");
    scene.stop();
}

#[test]
fn a_hook_that_is_not_there_is_told() {
    let scene = scene(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\npost_stop_hook=/nonexistent/hook\n\
         pre_stop_hook=%(here)s/place\n\
         [program:q]\ncommand=/bin/cat\nstartretries=0\npre_start_hook=/nonexistent/hook\n",
    );
    scene.wait("q", "FATAL");
    let error = "pre_start_hook cannot be run: can't find command '/nonexistent/hook'";
    assert_eq!(scene.info("q").text_of("spawnerr"), error);
    scene.wait("p", "RUNNING");
    stop(&scene);
    let place = scene.dir.join("place");
    scene.wait_log(&format!(
        "WARN p: its pre_stop_hook cannot be run: command at '{}' is a directory",
        place.display()
    ));
    scene.wait_log(
        "WARN p: its post_stop_hook cannot be run: can't find command '/nonexistent/hook'",
    );
    scene.stop();
}

/// Says its pid and stays, whatever asks it to go if `trap` says so.
fn staying(trap: &str) -> String {
    format!("{trap}\nsleep 1000 & echo $! > \"$PIDS\"\nwhile :; do wait; done\n")
}

#[test]
fn a_stop_ends_the_hook_before_a_start() {
    for (trap, stopwaitsecs) in [("", 3600), ("trap '' TERM", 1)] {
        let scene = scene_with(
            &[("stay", &staying(trap))],
            &format!(
                "[program:p]\ncommand=/bin/cat\nenvironment=PIDS=%(here)s/pids\n\
                 stopwaitsecs={stopwaitsecs}\npre_start_hook=%(here)s/stay\n\
                 post_stop_hook=%(here)s/tell post_stop\n"
            ),
        );
        let pid = wait_pid(&scene, "pids");
        assert_eq!(scene.info("p").text_of("statename"), "STARTING");
        assert_eq!(
            scene.info("p").text_of("description"),
            "pre_start_hook is running"
        );
        stop(&scene);
        wait_gone(pid, &scene);
        scene.wait_log("stopped: p (its pre_start_hook was ended)");
        // There was no child.
        assert_eq!(seen(&scene), [""; 0]);
        scene.stop();
    }
}

#[test]
fn a_program_is_stopping_while_the_hook_before_that_runs() {
    let scene = scene_with(
        &[("stay", "until test -e \"$GATE\"; do sleep 0.02; done\n")],
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nenvironment=GATE=%(here)s/gate\n\
         pre_stop_hook=%(here)s/stay\n",
    );
    scene.wait("p", "RUNNING");
    let pid = scene.pid("p");
    begin(&scene, "stopProcess");
    scene.wait("p", "STOPPING");
    assert_eq!(
        scene.info("p").text_of("description"),
        "pre_stop_hook is running"
    );
    assert!(is_alive(pid));
    scene.dir.write("gate", "");
    scene.wait("p", "STOPPED");
    scene.wait_log("stopped: p (terminated by SIGTERM)");
    scene.stop();
}

#[test]
fn supervisord_waits_for_hooks_at_its_end() {
    let mut scene = scene_with(
        &[("slow", "sleep 0.5; echo $1 >> \"$SEEN\"\n")],
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\npre_stop_hook=%(here)s/slow pre_stop\n\
         post_stop_hook=%(here)s/slow post_stop\n",
    );
    scene.wait("p", "RUNNING");
    assert_eq!(scene.daemon.stop(), Some(0), "{}", scene.log());
    assert_eq!(seen(&scene), ["pre_stop", "post_stop"]);
}

#[test]
fn whoever_kills_everything_kills_hooks_too() {
    let mut scene = scene_with(
        &[("stay", &staying("trap '' TERM"))],
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nenvironment=PIDS=%(here)s/pids\n\
         hook_timeout=1h\npre_stop_hook=%(here)s/stay\npost_stop_hook=%(here)s/stay\n",
    );
    scene.wait("p", "RUNNING");
    scene.daemon.signal(libc::SIGINT);
    let pid = wait_pid(&scene, "pids");
    scene.daemon.signal(libc::SIGINT);
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
    wait_gone(pid, &scene);
    scene.wait_log("p: its post_stop_hook is not run, for everything is being killed");
}

#[test]
fn hooks_run_as_the_user_of_the_program_with_the_variables_of_its_files() {
    if !nix::unistd::getuid().is_root() {
        return;
    }
    let dir = Dir::new();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(dir.path(), mode).unwrap();
    dir.write("file", "FROM=file\n");
    dir.script("who", "echo $(id -un) $FROM\n");
    let scene = Scene::start_as(
        dir,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nuser=nobody\nenvironment_file=%(here)s/file\n\
         pre_start_hook=%(here)s/who\n",
        |_| {},
    );
    scene.wait("p", "RUNNING");
    let is_written = wait_until(DEADLINE, || log_of(&scene) == "nobody file\n");
    assert!(is_written, "{:?}\n{}", log_of(&scene), scene.log());
    scene.stop();
}

#[test]
fn an_update_takes_a_program_with_hooks_away_and_a_reread_sees_them() {
    let scene = scene(&format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n{ALL}hook_timeout=1m\n"
    ));
    scene.wait("p", "RUNNING");
    let path = scene.dir.join("supervisord.conf");
    let text = std::fs::read_to_string(&path).unwrap();
    let ctl = |words: &[&str]| Ctl::new(Kind::Ours, &scene.dir).run(words).stdout;
    std::fs::write(&path, text.replace("tell fatal", "tell given_up")).unwrap();
    assert_eq!(ctl(&["reread"]), "p: changed\n");
    std::fs::write(&path, text.split("[program:p]").next().unwrap()).unwrap();
    assert_eq!(
        ctl(&["update"]),
        "p: stopped\np: removed process group\n",
        "{}",
        scene.log()
    );
    let seen = wait_seen(&scene, 3);
    assert!(seen[2].starts_with("post_stop"), "{seen:?}");
    scene.stop();
}

#[test]
fn what_hooks_write_has_the_form_of_the_log_of_their_program() {
    let scene = scene_with(
        &[("say", "printf \"$1 one\\n$1 two\"\n")],
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         stdout_logfile_format=%(process_name)s/%(channel)s/%(message)s\n\
         pre_start_hook=%(here)s/say before\npost_stop_hook=%(here)s/say after\n",
    );
    scene.wait("p", "RUNNING");
    stop(&scene);
    // A line without an end has one when its hook has ended.
    let expected = "p/stdout/before one\np/stdout/before two\n\
                    p/stdout/after one\np/stdout/after two\n";
    let is_written = wait_until(DEADLINE, || log_of(&scene) == expected);
    assert!(is_written, "{:?}\n{}", log_of(&scene), scene.log());
    scene.stop();
}

#[test]
fn what_hooks_write_is_in_the_ring_where_no_file_has_it() {
    let scene = scene_with(
        &[("say", "echo $1\n")],
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=NONE\nstdout_ring=4KB\n\
         pre_start_hook=%(here)s/say before\npost_stop_hook=%(here)s/say after\n",
    );
    scene.wait("p", "RUNNING");
    stop(&scene);
    let parameters = [Value::text("p"), Value::Int(0), Value::Int(0)];
    let kept = scene.call("readProcessStdoutLog", &parameters).answer();
    assert_eq!(kept, Value::text("before\nafter\n"));
    scene.stop();
}

#[test]
fn a_oneshot_has_hooks_as_every_program() {
    let scene = scene_with(
        &[
            ("refuse", "exit 3\n"),
            ("work", "echo work >> \"$SEEN\"; exit $1\n"),
        ],
        &format!(
            "[program:p]\ncommand=%(here)s/work 0\ndirectory=%(here)s/place\ntype=oneshot\n\
             autostart=false\n{ALL}\
             [program:bad]\ncommand=%(here)s/work 4\ndirectory=%(here)s/place\ntype=oneshot\n\
             autostart=false\n{ALL}\
             [program:refused]\ncommand=/bin/true\ntype=oneshot\nautostart=false\n\
             pre_start_hook=%(here)s/refuse\n"
        ),
    );
    let answer = scene.call("startProcess", &[Value::text("p")]).answer();
    assert_eq!(answer, Value::Bool(true));
    scene.wait("p", "EXITED");
    let begun = |line: &str| line.split(" pid=").next().unwrap().to_owned();
    let lines: Vec<String> = wait_seen(&scene, 3)
        .iter()
        .map(|line| begun(line))
        .collect();
    assert_eq!(lines, ["pre_start in place", "work", "post_stop in place"]);
    assert!(seen(&scene)[2].contains(" status=0 signal= reason=exit status 0 p:p"));
    let fault = scene.call("startProcess", &[Value::text("bad")]);
    let text = "ABNORMAL_TERMINATION: bad: exit status 4; not expected";
    assert_eq!(fault, Outcome::Fault(40, text.to_owned()));
    let lines: Vec<String> = wait_seen(&scene, 7)[3..]
        .iter()
        .map(|line| begun(line))
        .collect();
    assert_eq!(
        lines,
        [
            "pre_start in place",
            "work",
            "post_stop in place",
            "fatal in place"
        ]
    );
    let fault = scene.call("startProcess", &[Value::text("refused")]);
    let text = "ABNORMAL_TERMINATION: refused: pre_start_hook failed (exit status 3)";
    assert_eq!(fault, Outcome::Fault(40, text.to_owned()));
    assert_eq!(scene.info("refused").text_of("statename"), "FATAL");
    scene.stop();
}

#[test]
fn a_job_of_the_clock_waits_for_what_it_needs_and_has_its_hooks() {
    let scene = scene_with(
        &[("work", "echo work >> \"$SEEN\"\n")],
        &format!(
            "[program:p]\ncommand=%(here)s/work\ntype=oneshot\nschedule=* * * * * *\n\
             depends_on=db\n{ALL}\
             [program:db]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n"
        ),
    );
    let lines = wait_seen(&scene, 6);
    let words: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(words[..6], ["pre_start", "work", "post_stop"].repeat(2));
    assert_eq!(scene.info("db").text_of("statename"), "RUNNING");
    scene.stop();
}
