//! What once went wrong, each by its name. Ours only.

use super::support::{
    DEADLINE, Dir, Outcome, Scene, Value, binary, finish, kill, plain_environment,
    usual_configuration, wait_until,
};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A daemon with a child `p` whose log is the daemon's standard output, a pipe,
/// and the end of the pipe from which nobody reads yet. The child runs `script`
/// and makes the file `written` when it has written everything.
fn slow_reader(script: &str) -> (Scene, File) {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    let dir = Dir::new();
    let child = dir.script("child", &format!("{script}\n: > written\nexec cat"));
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand={}\ndirectory=%(here)s\nstartsecs=0\nautorestart=false\n\
             stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n",
            child.display()
        ),
        |launch| {
            launch.options = &["-s"];
            launch.stdout = Some(write);
        },
    );
    let written = wait_until(DEADLINE, || scene.dir.join("written").exists());
    assert!(written, "the child writes without a reader");
    (scene, File::from(read))
}

/// Counts what comes out of a pipe to its end.
fn count(mut pipe: File) -> thread::JoinHandle<usize> {
    thread::spawn(move || {
        let mut all = Vec::new();
        pipe.read_to_end(&mut all).unwrap();
        all.len()
    })
}

#[test]
fn the_end_of_a_burst_stayed_in_the_daemon_until_the_child_wrote_again() {
    let (scene, mut pipe) = slow_reader(
        "dd if=/dev/zero bs=65536 count=1 status=none\nsleep 0.3\ndd if=/dev/zero bs=10000 count=1 status=none",
    );
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut all = vec![0; 75_536];
        tell.send(pipe.read_exact(&mut all).is_ok()).unwrap();
    });
    assert_eq!(told.recv_timeout(DEADLINE), Ok(true), "all of it arrives");
    scene.stop();
}

#[test]
fn what_a_slow_reader_had_not_taken_was_lost_at_the_end_of_the_daemon() {
    let (scene, pipe) = slow_reader("dd if=/dev/zero bs=150000 count=1 status=none");
    scene.daemon.signal(libc::SIGTERM);
    scene.wait_log("stopped: p");
    let counted = count(pipe);
    scene.stop();
    assert_eq!(counted.join().unwrap(), 150_000);
}

#[test]
fn a_reread_took_the_methods_away() {
    let scene = Scene::start("");
    let renamed =
        usual_configuration("").replace("[rpcinterface:supervisor]", "[rpcinterface:other]");
    scene.dir.write("supervisord.conf", renamed);
    scene.call("reloadConfig", &[]).answer();
    scene.call("getState", &[]).answer();
    let other = scene.rpc.call("other.getState", &[]);
    assert!(!matches!(other, Outcome::Answer(_)), "{other}");
    scene.stop();
}

#[test]
fn a_waiting_start_was_answered_seconds_after_the_shutdown_had_begun() {
    let dir = Dir::new();
    let deaf = dir.script(
        "deaf",
        "trap '' TERM\n: > ready\nwhile :; do read line || exit 0; done",
    );
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand={}\ndirectory=%(here)s\nautostart=false\nstartsecs=600\nstopwaitsecs=30\n",
            deaf.display()
        ),
        |_| {},
    );
    let client = scene.rpc.clone();
    let waiting = thread::spawn(move || {
        let outcome = client.call("supervisor.startProcess", &[Value::text("p")]);
        (outcome.to_string(), Instant::now())
    });
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    let child = scene.pid("p");
    let begin = Instant::now();
    scene.daemon.signal(libc::SIGTERM);
    let (outcome, answered) = waiting.join().unwrap();
    assert_eq!(outcome, "fault 40 ABNORMAL_TERMINATION: p");
    // The child would be killed after thirty seconds.
    assert!(
        answered - begin < Duration::from_secs(20),
        "{:?}",
        answered - begin
    );
    kill(child, libc::SIGKILL);
    scene.stop();
}

#[test]
fn rereads_made_the_environment_grow() {
    let value = "x".repeat(20_000);
    let scene = Scene::start(&format!("environment=BIG=\"{value}\"\n"));
    let resident = || {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", scene.daemon.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let reread = |times: usize| {
        for _ in 0..times {
            scene.call("reloadConfig", &[]).answer();
        }
    };
    reread(20);
    let before = resident();
    reread(200);
    let after = resident();
    // Each reread kept twenty kilobytes.
    assert!(
        after < before + 2_000,
        "{before} kB before, {after} kB after"
    );
    scene.stop();
}

#[test]
fn a_message_that_nobody_could_read_aborted_the_program() {
    let dir = Dir::new();
    for (name, words, status) in [
        ("supervisord", vec!["-v"], 0),
        ("supervisord", vec!["-h"], 0),
        ("supervisord", vec!["--nosuch"], 2),
        ("supervisord", vec!["-n", "-c", "/nonexistent"], 2),
        ("supervisorctl", vec!["--nosuch"], 2),
        ("pidproxy", vec!["/nonexistent", "/nonexistent"], 127),
    ] {
        let full = || Stdio::from(File::create("/dev/full").unwrap());
        let mut command = Command::new(dir.bin().join(name));
        plain_environment(&mut command);
        let ended = command
            .args(&words)
            .stdin(Stdio::null())
            .stdout(full())
            .stderr(full())
            .status()
            .unwrap();
        assert_eq!(ended.code(), Some(status), "{name} {words:?}");
    }
}

#[test]
fn a_second_daemon_removed_the_logs_of_the_first_before_it_found_the_socket_in_use() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    scene.wait("p", "RUNNING");
    let log = scene.info("p").text_of("stdout_logfile");
    let mut second = Command::new(scene.dir.bin().join("supervisord"));
    plain_environment(&mut second);
    second
        .args(["-n", "-c", "supervisord.conf", "-l", "second.log"])
        .current_dir(scene.dir.path());
    let ended = finish(second, "", DEADLINE);
    assert_eq!(ended.status, Some(2), "{}", ended.stderr);
    assert!(std::fs::exists(&log).unwrap(), "{log} is still there");
    scene.call("getState", &[]).answer();
    scene.stop();
}

#[test]
fn a_small_multicall_was_answered_with_gigabytes() {
    let scene = Scene::start("");
    scene.dir.write("main.log", vec![b'x'; 4 << 20]);
    let call = |method: &str, params: Vec<Value>| {
        Value::Struct(vec![
            ("methodName".to_owned(), Value::text(method)),
            ("params".to_owned(), Value::Array(params)),
        ])
    };
    let mut calls = vec![
        call(
            "supervisor.readLog",
            vec![Value::Int(-(4 << 20)), Value::Int(0)]
        );
        30
    ];
    calls.push(call("supervisor.getPID", Vec::new()));
    let Value::Array(results) = scene
        .rpc
        .call("system.multicall", &[Value::Array(calls)])
        .answer()
    else {
        panic!("an array was expected");
    };
    let text: usize = results
        .iter()
        .map(|result| match result {
            Value::Text(text) => text.len(),
            _ => 0,
        })
        .sum();
    assert!(text <= 24 << 20, "{text} bytes");
    assert_eq!(results.len(), 31);
    assert_eq!(results[30].int_of("faultCode"), 30);
    scene.stop();
}

#[test]
fn a_group_added_by_a_waiting_multicall_was_not_started() {
    let dir = Dir::new();
    let slow = dir.script(
        "slow",
        "trap 'sleep 0.3; exit 0' TERM\n: > ready\nwhile :; do read line || exit 0; done",
    );
    let first = format!(
        "[program:p]\ncommand={}\ndirectory=%(here)s\nstartsecs=0\n",
        slow.display()
    );
    let scene = Scene::start_as(dir, &first, |_| {});
    scene.wait("p", "RUNNING");
    assert!(wait_until(DEADLINE, || scene.dir.join("ready").exists()));
    let more = format!("{first}[program:q]\ncommand=/bin/cat\n");
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&more));
    scene.call("reloadConfig", &[]).answer();

    let call = |method: &str, group: &str| {
        format!(
            "<value><struct><member><name>methodName</name><value>supervisor.{method}</value></member>\
             <member><name>params</name><value><array><data><value>{group}</value></data></array></value></member>\
             </struct></value>"
        )
    };
    let body = format!(
        "<methodCall><methodName>system.multicall</methodName><params><param><value><array><data>{}{}\
         </data></array></value></param></params></methodCall>",
        call("stopProcessGroup", "p"),
        call("addProcessGroup", "q")
    );
    // The connection stays open and silent: anything else would wake the daemon.
    let mut stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let spawned = || scene.log().contains("spawned: 'q'");
    assert!(wait_until(DEADLINE, spawned), "{}", scene.log());
    drop(stream);
    scene.stop();
}

#[test]
fn a_request_to_exit_during_a_restart_was_obeyed_after_the_programs_had_started() {
    // Whoever reads p's log is slow, which the end of the old life waits for.
    let (mut scene, pipe) = slow_reader("dd if=/dev/zero bs=150000 count=1 status=none");
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log("stopped: p");
    scene.daemon.signal(libc::SIGTERM);
    let counted = count(pipe);
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
    assert_eq!(counted.join().unwrap(), 150_000);
    let log = scene.log();
    assert_eq!(log.matches("spawned: 'p'").count(), 1, "{log}");
    assert_eq!(log.matches("supervisord started").count(), 2, "{log}");
    assert_eq!(log.matches("indicating exit request").count(), 1, "{log}");
}

#[test]
fn a_device_that_was_named_as_the_pidfile_was_removed_at_the_end() {
    let dir = Dir::new();
    std::os::unix::fs::symlink("/dev/null", dir.join("null")).unwrap();
    let scene = Scene::start_as(dir, "", |launch| launch.options = &["-j", "null"]);
    let link = scene.dir.join("null");
    scene.call("shutdown", &[]).answer();
    let Scene {
        mut daemon, dir, ..
    } = scene;
    assert_eq!(daemon.wait(DEADLINE), Some(0));
    assert!(link.is_symlink(), "the name is still there");
    drop(dir);
}

/// The lines that `--check` writes to standard error; `[supervisord]` is line 1.
fn warnings(more: &str) -> Vec<String> {
    let dir = Dir::new();
    dir.write("s.conf", format!("[supervisord]\n{more}"));
    let mut command = Command::new(binary());
    // A server is missed in the background.
    command
        .current_dir(dir.path())
        .args(["-n", "-c", "s.conf", "--check"]);
    let found = finish(command, "", DEADLINE);
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    found.stderr.lines().map(str::to_owned).collect()
}

#[test]
fn comments_in_a_column_of_their_own_were_told_as_cut_values() {
    let found = warnings(
        "nodaemon=false   ;in the background\n[program:a]\n\
         command=/bin/cat -v              ; the program (relative uses PATH, can take args)\n\
         environment=A=\"1\"\t; one variable\n    ,B=\"2\"  # and another\n\
         [program:b]\ncommand=cat ; exit 11\n[program:c]\ncommand=sh -c 'a   ; b'\n",
    );
    let told = "which is a comment: a blank before ; or # begins one, in quotes too";
    assert_eq!(
        found,
        [
            format!("s.conf:8: warning: command ends before \"; exit 11\", {told}"),
            format!("s.conf:10: warning: command ends before \"; b'\", {told}"),
        ]
    );
}

#[test]
fn keys_that_a_listener_looks_up_in_the_file_were_told_as_unknown() {
    let found = warnings(
        "[program:a]\ncommand=cat\ndependent_startup=true\n\
         dependent_startup_wait_for=b:running\ndepend_startup=true\n",
    );
    assert_eq!(
        found,
        ["s.conf:6: warning: [program:a] has no key depend_startup"]
    );
}

#[test]
fn a_signal_of_no_type_was_the_status_of_every_process_instead_of_a_fault() {
    let scene = Scene::start("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
    scene.wait("p", "RUNNING");
    let bad = Outcome::Fault(2, "INCORRECT_PARAMETERS".to_owned());
    assert_eq!(scene.call("signalAllProcesses", &[Value::Nil]), bad);
    assert_eq!(
        scene.call("signalProcessGroup", &[Value::text("p"), Value::Nil]),
        bad
    );
    scene.stop();
}

#[test]
fn parameters_of_a_multicall_were_refused_when_a_client_wrote_no_array() {
    let scene = Scene::start("");
    let call = Value::Struct(vec![
        (
            "methodName".to_owned(),
            Value::text("supervisor.getAPIVersion"),
        ),
        ("params".to_owned(), Value::Struct(vec![])),
    ]);
    let results = scene
        .rpc
        .call("system.multicall", &[Value::Array(vec![call])])
        .answer();
    assert_eq!(results, Value::Array(vec![Value::text("3.0")]));
    scene.stop();
}

#[test]
fn numbers_in_strings_were_read_otherwise_than_by_python() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=%(here)s/p.log\n",
    );
    scene.dir.write("p.log", "0123456789");
    for number in ["1_0", "\u{661}\u{660}", "99999999999999999999"] {
        let parameters = [Value::text("p"), Value::Int(0), Value::text(number)];
        let text = scene.call("readProcessStdoutLog", &parameters).answer();
        assert_eq!(text, Value::text("0123456789"), "{number}");
    }
    scene.stop();
}

#[test]
fn an_event_was_refused_for_what_was_no_string() {
    let scene = Scene::start("");
    let outcome = scene.call("sendRemoteCommEvent", &[Value::Int(5), Value::Nil]);
    assert_eq!(outcome, Outcome::Answer(Value::Bool(true)));
    scene.stop();
}

#[test]
fn a_stop_was_never_answered_when_its_process_was_started_again_at_once() {
    let scene = Scene::start(
        "[program:s]\ncommand=/bin/sh -c \"trap '' TERM; : > %(here)s/ready%(process_num)d; while :; do sleep 1; done\"\n\
         numprocs=2\nprocess_name=s%(process_num)d\nstartsecs=0\nautorestart=false\nstopwaitsecs=3600\n",
    );
    let is_ready = || (0..2).all(|number| scene.dir.join(&format!("ready{number}")).exists());
    assert!(wait_until(DEADLINE, is_ready));
    let pids = [scene.pid("s:s0"), scene.pid("s:s1")];
    // Each client is to wait before the next thing happens.
    let call = |method: &str, name: &str| {
        let (rpc, method, name) = (scene.rpc.clone(), method.to_owned(), name.to_owned());
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(rpc.call(&method, &[Value::text(&name)])));
        receiver
    };
    let stop = call("supervisor.stopProcess", "s:s0");
    scene.wait_log("waiting for s0 to stop");
    let restart = call("supervisor.restartProcess", "s:*");
    scene.wait_log("waiting for s1 to stop");
    // It sees the end of both at once.
    scene.daemon.signal(libc::SIGSTOP);
    let is = |pid: u32, state: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.unwrap().contains(state)
    };
    assert!(wait_until(DEADLINE, || is(scene.daemon.pid(), ") T ")));
    for pid in pids {
        kill(pid, libc::SIGKILL);
        assert!(wait_until(DEADLINE, || is(pid, ") Z ")));
    }
    scene.daemon.signal(libc::SIGCONT);
    let stopped = stop
        .recv_timeout(DEADLINE / 3)
        .map(|outcome| outcome.answer());
    assert_eq!(stopped, Ok(Value::Bool(true)), "{}", scene.log());
    assert!(restart.recv_timeout(DEADLINE).is_ok());
    scene.wait_all("RUNNING");
    for pid in [scene.pid("s:s0"), scene.pid("s:s1")] {
        kill(pid, libc::SIGKILL);
    }
    scene.stop();
}

#[test]
fn a_start_without_startsecs_had_failed_where_its_end_came_before_the_answer() {
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/true\nstartsecs=0\nautostart=false\nautorestart=false\n",
    );
    for _ in 0..100 {
        let started = scene.call("startProcess", &[Value::text("p")]);
        assert_eq!(started.answer(), Value::Bool(true));
        scene.wait("p", "EXITED");
    }
    scene.stop();
}
