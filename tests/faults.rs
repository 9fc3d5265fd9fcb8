//! Children, limits and a host in trouble: whatever they do, the daemon lives,
//! rests when there is nothing to do, and answers.

use super::support::{
    DEADLINE, Dir, Outcome, Scene, Value, c, children_of, comes_to_rest, descriptors_of, finish,
    is_alive, kill, wait_until,
};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// A user of whom this machine has no processes. Root may have any number of
/// them, whatever the limit.
const AS_SOMEBODY: &[&str] = &[
    "setpriv",
    "--reuid=54321",
    "--regid=54321",
    "--clear-groups",
];
const AS_MYSELF: &[&str] = &["env"];

/// A section for a program that is up as soon as it is started, and stays down.
fn program(name: &str, command: &str) -> String {
    format!(
        "[program:{name}]\ncommand={command}\ndirectory=%(here)s\nstartsecs=0\nautorestart=false\n"
    )
}

/// A program that needs no log.
fn quiet(name: &str) -> String {
    program(name, "/bin/cat") + "stdout_logfile=NONE\nstderr_logfile=NONE\n"
}

fn assert_answers(scene: &Scene) {
    let state = scene.call("getState", &[]).answer();
    assert_eq!(state.text_of("statename"), "RUNNING");
}

/// Starts a daemon behind the shim.
fn shimmed(more: &str) -> Scene {
    Scene::start_as(Dir::new(), more, |launch| launch.shim = true)
}

#[test]
fn a_full_process_table_is_waited_out() {
    let dir = Dir::new();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let user = match nix::unistd::getuid().is_root() {
        true => AS_SOMEBODY,
        false => AS_MYSELF,
    };
    let scene = Scene::start_as(
        dir,
        &format!("{}autostart=false\nstartretries=100\n", quiet("p")),
        |launch| launch.wrapper = user,
    );
    let limit = |processes: u32| {
        // Its own user may change the limit without privileges.
        let set = Command::new(user[0])
            .args(&user[1..])
            .args(["prlimit", "--pid", &scene.daemon.pid().to_string()])
            .arg(format!("--nproc={processes}:1000"))
            .status();
        assert!(set.unwrap().success());
    };
    // The daemon itself is one.
    limit(1);
    let start = scene.call("startProcess", &[Value::text("p")]);
    assert_eq!(start.to_string(), "fault 50 SPAWN_ERROR: p");
    scene.wait("p", "BACKOFF");
    assert_eq!(
        scene.info("p").text_of("spawnerr"),
        "Too many processes in process table to spawn 'p'"
    );
    scene.wait_log("INFO spawnerr: Too many processes in process table to spawn 'p'\n");
    assert_eq!(children_of(scene.daemon.pid()), []);
    assert!(comes_to_rest(scene.daemon.pid()));
    let open = descriptors_of(scene.daemon.pid());

    limit(1000);
    scene.wait("p", "RUNNING");
    assert!(is_alive(scene.pid("p")));
    let failures = scene.log().matches("spawnerr: Too many").count();
    let now = descriptors_of(scene.daemon.pid());
    assert!(
        now.len() <= open.len() + 4,
        "{open:?}, and {now:?} after {failures} failures"
    );
    scene.stop();
}

#[test]
fn a_full_table_of_descriptors_is_waited_out_and_nothing_leaks() {
    let scene = Scene::start_as(
        Dir::new(),
        "minfds=0\n[program:p]\ncommand=/bin/cat\nnumprocs=10\nprocess_name=p%(process_num)d\n\
             startsecs=0\nautorestart=false\nstartretries=100\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
        |launch| launch.wrapper = &["/bin/sh", "-c", "ulimit -n 30; exec \"$@\"", "sh"],
    );
    // Each has three pipes: some find room and some do not.
    let with = |state: &str| -> Vec<String> {
        let all = scene.all();
        let found = all.iter().filter(|info| info.text_of("statename") == state);
        found.map(|info| info.text_of("name")).collect()
    };
    assert!(wait_until(DEADLINE, || with("STARTING").is_empty()));
    // The last one: for the first that found no room there may be some when the
    // test's own connection has gone.
    let name = "p9";
    let text = format!("too many open files to spawn '{name}'");
    let failed = |times: usize| {
        let failed = wait_until(DEADLINE, || scene.log().matches(&text).count() >= times);
        assert!(failed, "{}", scene.log());
    };
    failed(2);
    let (running, waiting) = (with("RUNNING"), with("BACKOFF"));
    assert!(running.len() >= 3 && waiting.len() >= 3, "{}", scene.log());
    assert_eq!(scene.info(&format!("p:{name}")).text_of("spawnerr"), text);
    let pid = scene.daemon.pid();
    assert!(comes_to_rest(pid));
    let open = descriptors_of(pid);
    failed(4);
    // Connections of the test go on for a moment.
    let same = wait_until(DEADLINE, || descriptors_of(pid) == open);
    assert!(same, "{open:?} before, {:?} now", descriptors_of(pid));
    assert_eq!(with("RUNNING"), running, "a failure leaves nothing open");

    for name in &running {
        let stopped = scene.call("stopProcess", &[Value::text(&format!("p:{name}"))]);
        assert_eq!(stopped.answer(), Value::Bool(true));
    }
    scene.wait(&format!("p:{}", waiting[0]), "RUNNING");
    scene.stop();
}

#[test]
fn errors_of_a_system_without_resources_are_waited_out() {
    let scene = shimmed(&format!(
        "{}startretries=100\n{}",
        quiet("p"),
        quiet("steady")
    ));
    scene.wait_all("RUNNING");
    let steady = scene.pid("steady");
    let open = descriptors_of(scene.daemon.pid()).len();
    for (call, error, text) in [
        (
            "pipe2",
            libc::ENFILE,
            "unknown error making dispatchers for 'p': ENFILE",
        ),
        ("pipe2", libc::EMFILE, "too many open files to spawn 'p'"),
        (
            "fork",
            libc::EAGAIN,
            "Too many processes in process table to spawn 'p'",
        ),
        (
            "fork",
            libc::ENOMEM,
            "unknown error during fork for 'p': ENOMEM",
        ),
    ] {
        scene.dir.write(call, error.to_string());
        scene.call("stopProcess", &[Value::text("p")]).answer();
        let start = scene.call("startProcess", &[Value::text("p")]);
        assert_eq!(start.to_string(), "fault 50 SPAWN_ERROR: p", "{call}");
        assert_eq!(scene.info("p").text_of("spawnerr"), text);
        assert!(scene.log().contains(&format!("INFO spawnerr: {text}\n")));
        fs::remove_file(scene.dir.join(call)).unwrap();
        // The first retry comes by itself, after a second; the next would take longer.
        if scene.log().matches("spawnerr").count() > 1 {
            scene.call("stopProcess", &[Value::text("p")]).answer();
            scene.call("startProcess", &[Value::text("p")]).answer();
        }
        scene.wait("p", "RUNNING");
    }

    // Nobody can connect now, and whoever waited is served later.
    scene.dir.write("accept", libc::ENFILE.to_string());
    let client = scene.rpc.clone();
    let waiting = thread::spawn(move || client.call("supervisor.getState", &[]));
    scene.wait_log("WARN cannot accept a connection: ");
    assert!(
        comes_to_rest(scene.daemon.pid()),
        "it does not try all the time"
    );
    fs::remove_file(scene.dir.join("accept")).unwrap();
    let state = waiting.join().unwrap().answer();
    assert_eq!(state.text_of("statename"), "RUNNING");

    assert_eq!(scene.pid("steady"), steady, "others are left alone");
    let leaked = || descriptors_of(scene.daemon.pid()).len() > open;
    assert!(wait_until(DEADLINE, || !leaked()), "nothing leaks");
    scene.stop();
}

#[test]
fn a_child_without_descriptors_keeps_nobody_busy() {
    let dir = Dir::new();
    let closed = dir.script("closed", "exec 0<&- 1>&- 2>&-\n: > ready\nexec sleep 1000");
    let scene = Scene::start_as(dir, &program("p", closed.to_str().unwrap()), |_| {});
    scene.wait("p", "RUNNING");
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    assert!(comes_to_rest(scene.daemon.pid()));
    let child = scene.pid("p");
    let sent = scene.call("sendProcessStdin", &[Value::text("p"), Value::text("x")]);
    assert_eq!(sent.to_string(), "fault 20 NO_FILE: p");
    assert!(comes_to_rest(scene.daemon.pid()));
    // Its end is seen all the same.
    kill(child, libc::SIGKILL);
    scene.wait("p", "EXITED");
    assert!(comes_to_rest(scene.daemon.pid()));
    scene.stop();
}

#[test]
fn descendants_that_hold_the_pipes_hold_up_nothing() {
    let dir = Dir::new();
    let parent = dir.script(
        "parent",
        "sh -c 'trap \"\" PIPE; echo $$ > heir; while :; do echo alive || sleep 0.05; done' &\n\
         while [ ! -s heir ]; do sleep 0.01; done\nread line\nexit 3",
    );
    let scene = Scene::start_as(
        dir,
        &format!(
            "{}stdout_logfile_maxbytes=100KB\nstdout_logfile_backups=0\n{}",
            program("p", parent.to_str().unwrap()),
            quiet("q")
        ),
        |_| {},
    );
    let heir = || {
        scene
            .dir
            .read("heir")
            .and_then(|text| text.trim().parse().ok())
    };
    let heir: u32 = super::support::wait_for(DEADLINE, heir).expect("a descendant");
    scene.wait("p", "RUNNING");
    scene
        .call("sendProcessStdin", &[Value::text("p"), Value::text("\n")])
        .answer();
    scene.wait("p", "EXITED");
    assert_eq!(scene.info("p").int_of("exitstatus"), 3);
    assert!(is_alive(heir), "it is nobody's");
    assert!(comes_to_rest(scene.daemon.pid()));
    scene.call("startProcess", &[Value::text("q")]);
    assert_answers(&scene);
    kill(heir, libc::SIGKILL);
    scene.stop();
}

#[test]
fn a_child_that_has_stopped_itself_can_be_stopped_and_killed() {
    let dir = Dir::new();
    let frozen = dir.script("frozen", ": > ready\nkill -STOP $$\nexec cat");
    let scene = Scene::start_as(
        dir,
        &format!("{}stopwaitsecs=1\n", program("p", frozen.to_str().unwrap())),
        |_| {},
    );
    scene.wait("p", "RUNNING");
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    assert!(comes_to_rest(scene.daemon.pid()));
    let child = scene.pid("p");
    // SIGTERM waits for a process that does not run; SIGKILL does not.
    let stopped = scene.call("stopProcess", &[Value::text("p")]);
    assert_eq!(stopped.answer(), Value::Bool(true));
    assert!(!is_alive(child));
    scene.wait_log("WARN killing 'p' (");
    scene.wait_log("WARN stopped: p (terminated by SIGKILL)");

    // SIGCONT has it go on, as any signal can be sent to it.
    scene.call("startProcess", &[Value::text("p")]).answer();
    let child = scene.pid("p");
    let is_stopped = || {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap();
        stat.contains(") T ")
    };
    assert!(wait_until(DEADLINE, is_stopped));
    scene
        .call("signalProcess", &[Value::text("p"), Value::text("CONT")])
        .answer();
    assert!(wait_until(DEADLINE, || !is_stopped()));
    assert_eq!(scene.pid("p"), child);
    scene.stop();
}

#[test]
fn a_thousand_children_killed_at_once_are_all_collected() {
    const CHILDREN: usize = 1000;
    let scene = Scene::start(&format!(
        "minfds=4096\n[program:p]\ncommand=/bin/cat\nnumprocs={CHILDREN}\nprocess_name=p%(process_num)04d\n\
         startsecs=0\nautorestart=false\nstdout_logfile=NONE\nredirect_stderr=true\n"
    ));
    scene.wait_all("RUNNING");
    let children = children_of(scene.daemon.pid());
    assert_eq!(children.len(), CHILDREN);
    let begin = Instant::now();
    for child in children {
        kill(child, libc::SIGKILL);
    }
    let collected = wait_until(DEADLINE, || children_of(scene.daemon.pid()).is_empty());
    println!(
        "{CHILDREN} children were collected in {:?}",
        begin.elapsed()
    );
    assert!(collected, "no zombie is left");
    for info in scene.all() {
        assert_eq!(info.text_of("statename"), "EXITED", "{info}");
    }
    let told = scene
        .log()
        .matches("(terminated by SIGKILL; not expected)")
        .count();
    assert_eq!(told, CHILDREN);
    assert!(comes_to_rest(scene.daemon.pid()));
    scene.stop();
}

/// Sends to `p` until it is refused; what was taken before, and the refusal.
fn fill_stdin(scene: &Scene) -> (usize, Outcome) {
    let text = "x".repeat(100_000);
    for round in 0.. {
        let sent = scene.call("sendProcessStdin", &[Value::text("p"), Value::text(&text)]);
        if !matches!(sent, Outcome::Answer(_)) {
            return (round * text.len(), sent);
        }
        assert!(round < 100, "there is a bound");
    }
    unreachable!()
}

#[test]
fn a_child_that_never_reads_is_sent_so_much_and_no_more() {
    let scene = Scene::start(&format!(
        "{}stopwaitsecs=1\n{}",
        program("p", "/bin/sleep 1000"),
        program("q", "/bin/cat")
    ));
    scene.wait_all("RUNNING");
    let (taken, refusal) = fill_stdin(&scene);
    assert!(
        (1 << 20..2 << 20).contains(&taken),
        "{taken} bytes are taken"
    );
    assert_eq!(
        refusal.to_string(),
        "fault 30 FAILED: p does not read its stdin"
    );
    assert!(comes_to_rest(scene.daemon.pid()), "nobody waits for room");
    // A smaller one has no room either, or it would overtake; others are served.
    scene
        .call(
            "sendProcessStdin",
            &[Value::text("q"), Value::text("hello\n")],
        )
        .answer();
    let log = scene.info("q").text_of("stdout_logfile");
    let written = || fs::read_to_string(&log).is_ok_and(|text| text == "hello\n");
    assert!(wait_until(DEADLINE, written));
    assert!(
        comes_to_rest(scene.daemon.pid()),
        "room without data is no reason to wake up"
    );
    // It dies while the data wait, which go with it: the next child begins anew.
    kill(scene.pid("p"), libc::SIGKILL);
    scene.wait("p", "EXITED");
    scene.call("startProcess", &[Value::text("p")]).answer();
    let (again, _) = fill_stdin(&scene);
    assert_eq!(again, taken);
    scene.stop();
}

#[test]
fn what_waits_for_a_child_is_dropped_when_it_closes_its_stdin() {
    let dir = Dir::new();
    let closes = dir.script(
        "closes",
        "while [ ! -e close ]; do sleep 0.02; done\nexec 0<&-\n: > closed\nexec sleep 1000",
    );
    let scene = Scene::start_as(dir, &program("p", closes.to_str().unwrap()), |_| {});
    scene.wait("p", "RUNNING");
    fill_stdin(&scene);
    scene.dir.write("close", "");
    assert!(wait_until(DEADLINE, || scene.dir.join("closed").exists()));
    let refused = wait_until(DEADLINE, || {
        let sent = scene.call("sendProcessStdin", &[Value::text("p"), Value::text("x")]);
        sent.to_string() == "fault 20 NO_FILE: p"
    });
    assert!(refused);
    assert!(comes_to_rest(scene.daemon.pid()));
    scene.wait("p", "RUNNING");
    scene.stop();
}

#[test]
fn what_waited_for_a_slow_child_arrives_whole() {
    let dir = Dir::new();
    let slow = dir.script(
        "slow",
        "while [ ! -e read ]; do sleep 0.02; done\nexec wc -c > counted",
    );
    let scene = Scene::start_as(dir, &program("p", slow.to_str().unwrap()), |_| {});
    scene.wait("p", "RUNNING");
    let (taken, _) = fill_stdin(&scene);
    scene.dir.write("read", "");
    // The pipe is empty when everything has been written; the count is told at its end.
    let child = scene.pid("p");
    let pending = || fs::read_to_string(format!("/proc/{child}/io")).unwrap_or_default();
    let read_all = wait_until(DEADLINE, || {
        let io = pending();
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        read.and_then(|number| number.parse::<usize>().ok())
            .is_some_and(|number| number >= taken)
    });
    assert!(read_all, "{}", pending());
    scene.stop();
}

#[test]
fn a_limit_is_no_reason_to_rest_for_ever() {
    // The longest waits that can be configured are waits, not errors of the poll.
    let longest = i64::MAX;
    let scene = Scene::start(&format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs={longest}\n\
         [program:q]\ncommand=/bin/sh -c \"trap '' TERM; : > ready; while :; do read line; done\"\n\
         directory=%(here)s\nstartsecs=0\nstopwaitsecs={longest}\n"
    ));
    scene.wait("q", "RUNNING");
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    scene
        .call("stopProcess", &[Value::text("q"), Value::Bool(false)])
        .answer();
    assert!(comes_to_rest(scene.daemon.pid()));
    assert_eq!(scene.info("p").text_of("statename"), "STARTING");
    assert_eq!(scene.info("q").text_of("statename"), "STOPPING");
    assert!(!scene.log().contains("cannot wait"), "{}", scene.log());
    kill(scene.pid("q"), libc::SIGKILL);
    scene.wait("q", "STOPPED");
    scene.stop();
}

#[test]
fn the_shim_kept_what_it_was_left() {
    let dir = Dir::new();
    let shim = c::shim(&dir);
    // The program closes what it was left, and stays; the tracer has to have closed it too.
    let mut child = Command::new("sh")
        .args(["-c", "exec \"$@\" 8>&1 9>&1", "sh"])
        .args(shim)
        .args([
            "/bin/sh",
            "-c",
            "exec 8>&- 9>&- >/dev/null; exec sleep 1000",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(stdout.read_to_end(&mut Vec::new()).is_ok()));
    let closed = receiver.recv_timeout(DEADLINE);
    let stays = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((closed, stays), (Ok(true), true));
}

#[test]
fn the_shim_says_so_where_it_may_not_trace() {
    let dir = Dir::new();
    // What is traced already cannot be traced again.
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null"]);
    command.args(c::shim(&dir)).arg("/bin/true");
    let finished = finish(command, "", DEADLINE);
    assert_eq!(finished.status, Some(2), "{finished:?}");
    assert_eq!(finished.stderr, "shim: ptrace: Operation not permitted\n");
}
