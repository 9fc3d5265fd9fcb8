//! syslog that comes, goes and does not read, as the real daemon sees it: in a
//! mount namespace of its own, where `/dev/log` is a socket of the test.

use super::support::{DEADLINE, Dir, Kind, Scene, Value, wait_until};
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::{Duration, Instant};

/// Becomes the daemon with a `/dev` that holds what it needs and a link to the
/// socket of the test.
const MOUNT: &str = "mkdir dev && for n in null urandom; do touch dev/$n && mount --bind /dev/$n dev/$n || exit; done && \
    ln -s /proc/self/fd dev/fd && ln -s \"$PWD/socket\" dev/log && mount --rbind dev /dev && exec \"$@\"";

/// Programs whose stdout or stderr goes to syslog.
const PROGRAMS: &str = "loglevel=info\n\
    [program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_syslog=true\nstdout_logfile=%(here)s/p.log\nstderr_logfile=NONE\n\
    [program:q]\ncommand=/bin/sh -c 'cat >&2'\nstartsecs=0\nautostart=false\nstdout_logfile=NONE\nstderr_syslog=true\nstderr_logfile=%(here)s/q.log\n";

/// A daemon in that directory, where `/dev/log` is the file `socket`.
fn scene_in(dir: Dir, kind: Kind, more: &str) -> Scene {
    Scene::start_as(dir, &format!("{more}{PROGRAMS}"), |launch| {
        launch.kind = kind;
        launch.wrapper = match nix::unistd::getuid().is_root() {
            true => &["unshare", "-m", "sh", "-c", MOUNT, "sh"],
            false => &["unshare", "-rm", "sh", "-c", MOUNT, "sh"],
        };
    })
}

/// A daemon whose main log goes to syslog as well.
fn scene() -> Scene {
    scene_in(Dir::new(), Kind::Ours, "logfile=syslog\n")
}

fn listen_in(dir: &Dir) -> UnixDatagram {
    let path = dir.join("socket");
    let _ = fs::remove_file(&path);
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

/// Ends a syslog, and waits until its socket is closed: a child that another test is just
/// starting has a copy of it until its exec, and would take records meanwhile.
fn end(scene: &Scene, socket: UnixDatagram) {
    drop(socket);
    let probe = UnixDatagram::unbound().unwrap();
    let is_closed = wait_until(DEADLINE, || {
        let connected = probe.connect(scene.dir.join("socket"));
        connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
    assert!(is_closed, "somebody still has the socket");
}

fn listen(scene: &Scene) -> UnixDatagram {
    listen_in(&scene.dir)
}

fn send_to(scene: &Scene, process: &str, text: &str) {
    let parameters = [Value::text(process), Value::text(text)];
    scene.call("sendProcessStdin", &parameters).answer();
}

fn send(scene: &Scene, text: &str) {
    send_to(scene, "p", text);
}

/// The next record, without its priority.
fn receive(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 64 * 1024];
    let count = socket.recv(&mut buffer).unwrap();
    let record = String::from_utf8_lossy(&buffer[..count]);
    let record = record.strip_prefix("<14>");
    record.unwrap_or_else(|| panic!("no priority")).to_owned()
}

/// Reads until a record ends so, and hands back all until then.
fn wait_for(socket: &UnixDatagram, end: &str) -> Vec<String> {
    let limit = Instant::now() + DEADLINE;
    let mut records = Vec::new();
    loop {
        records.push(receive(socket));
        let last = records.last().map_or("", |record| record.trim_end());
        if last.ends_with(end.trim_end()) {
            return records;
        }
        assert!(Instant::now() < limit, "{end:?} does not come: {records:?}");
    }
}

/// The numbers in a record are times and pids.
fn without_numbers(record: &str) -> String {
    // The month and the day, which may be of one digit.
    let record = record.get(6..).unwrap_or_default();
    let digits = record.chars().map(|letter| match letter.is_ascii_digit() {
        true => 'N',
        false => letter,
    });
    let mut text: String = digits.collect();
    while text.contains("NN") {
        text = text.replace("NN", "N");
    }
    text
}

/// What a daemon sends of its children's output.
fn records_of_children(kind: Kind) -> Vec<String> {
    let dir = Dir::new();
    let socket = listen_in(&dir);
    let scene = scene_in(dir, kind, "");
    scene.wait("p", "RUNNING");
    scene.call("startProcess", &[Value::text("q")]).answer();
    let mut records = Vec::new();
    for (process, text, end) in [
        ("p", "one\n\n three\n\n", ": p  three"),
        ("q", "on stderr\n", ": q on stderr"),
        ("p", "without an end", ": p without an end"),
    ] {
        send_to(&scene, process, text);
        records.append(&mut wait_for(&socket, end));
    }
    assert_eq!(scene.dir.read("q.log").as_deref(), Some("on stderr\n"));
    scene.stop();
    records
        .iter()
        .map(|record| without_numbers(record))
        .collect()
}

#[test]
fn children_are_logged_as_4_3_0_logs_them() {
    let ours = records_of_children(Kind::Ours);
    assert_eq!(ours, records_of_children(Kind::Original));
    assert_eq!(ours[0], " N:N:N supervisord: p one");
    assert_eq!(ours.len(), 5);
}

/// What a daemon sends whose main log is syslog, by the configuration.
fn records_of_main_log(kind: Kind) -> Vec<String> {
    let dir = Dir::new();
    let socket = listen_in(&dir);
    let scene = scene_in(dir, kind, "logfile=syslog\n");
    scene.wait("p", "RUNNING");
    let mut records = wait_for(&socket, "(startsecs)\n");
    // 4.3.0 loses a signal that comes before the program has begun.
    send(&scene, "here\n");
    records.append(&mut wait_for(&socket, ": p here"));
    scene.call("stopProcess", &[Value::text("p")]).answer();
    records.append(&mut wait_for(
        &socket,
        "stopped: p (terminated by SIGTERM)\n",
    ));
    assert!(scene.dir.read("main.log").is_none());
    scene.stop();
    let records = records.iter().map(|record| without_numbers(record));
    // What is told of the servers before the first program differs, and whether
    // the stop is waited for is left to chance.
    records
        .skip_while(|record| !record.contains("spawned"))
        .filter(|record| !record.contains("waiting for"))
        .collect()
}

#[test]
fn the_main_log_goes_to_syslog_as_that_of_4_3_0_does() {
    let ours = records_of_main_log(Kind::Ours);
    assert_eq!(ours, records_of_main_log(Kind::Original));
    let spawned = " N:N:N supervisord: N-N-N N:N:N,N INFO spawned: 'p' with pid N\n";
    assert_eq!(ours[0], spawned);
}

#[test]
fn a_burst_arrives_whole_however_few_records_may_wait() {
    const COUNT: usize = 2000;
    let dir = Dir::new();
    let socket = listen_in(&dir);
    let scene = scene_in(dir, Kind::Ours, "");
    scene.wait("p", "RUNNING");
    // The system lets some ten or some hundred wait.
    let text: String = (0..COUNT)
        .map(|number| format!("line {number}\n"))
        .collect();
    send(&scene, &text);
    let records = wait_for(&socket, &format!(" p line {}", COUNT - 1));
    assert_eq!(records.len(), COUNT);
    for (number, record) in records.iter().enumerate() {
        assert!(record.ends_with(&format!(" p line {number}")), "{record}");
    }
    assert!(!scene.log().contains("syslog"), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_syslog_that_wants_a_stream_is_given_one() {
    const COUNT: usize = 2000;
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("socket")).unwrap();
    let scene = scene_in(dir, Kind::Ours, "");
    scene.wait("p", "RUNNING");
    let text: String = (0..COUNT)
        .map(|number| format!("line {number}\n"))
        .collect();
    send(&scene, &text);
    // One connection, whatever the number of programs.
    scene.call("startProcess", &[Value::text("q")]).answer();
    send_to(&scene, "q", "the last\n");
    listener.set_nonblocking(true).unwrap();
    let mut connection = None;
    assert!(wait_until(DEADLINE, || {
        connection = listener.accept().ok();
        connection.is_some()
    }));
    let (mut stream, _) = connection.unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut received = Vec::new();
    let mut part = [0; 4096];
    while received.iter().filter(|byte| **byte == 0).count() <= COUNT {
        let count = stream.read(&mut part).unwrap();
        assert!(count > 0);
        received.extend_from_slice(&part[..count]);
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    let received = String::from_utf8(received).unwrap();
    let records: Vec<&str> = received.trim_end_matches('\0').split('\0').collect();
    // What two programs write at the same time comes in any order.
    let (of_q, of_p): (Vec<&str>, Vec<&str>) = records
        .iter()
        .partition(|record| record.ends_with(" q the last"));
    assert_eq!((of_q.len(), of_p.len()), (1, COUNT));
    for (number, record) in of_p.iter().enumerate() {
        assert!(record.ends_with(&format!(" p line {number}")), "{record}");
    }
    scene.stop();
}

#[test]
fn a_syslog_that_is_not_there_is_told_with_what_is_lost() {
    let dir = Dir::new();
    let scene = scene_in(dir, Kind::Ours, "");
    scene.wait("p", "RUNNING");
    send(&scene, "lost\n");
    scene.wait_log(
        "ERRO syslog: cannot write syslog: No such file or directory; 39 bytes of it are lost\n",
    );
    scene.stop();
}

#[test]
fn a_syslog_that_does_not_read_costs_what_does_not_fit_and_that_is_told() {
    let dir = Dir::new();
    let _hanging = listen_in(&dir);
    let scene = scene_in(dir, Kind::Ours, "");
    scene.wait("p", "RUNNING");
    // 46 bytes each: more than the 256 KiB that may wait.
    let text: String = (0..20_000)
        .map(|number| format!("line {number:05}\n"))
        .collect();
    for part in text.as_bytes().chunks(10_000) {
        send(&scene, std::str::from_utf8(part).unwrap());
    }
    scene.wait_log("ERRO syslog: cannot write syslog: Resource temporarily unavailable; ");
    scene.call("startProcess", &[Value::text("q")]).answer();
    send_to(&scene, "q", "still served\n");
    let served = || scene.dir.read("q.log").as_deref() == Some("still served\n");
    assert!(wait_until(DEADLINE, served));
    let mut scene = scene;
    assert_eq!(scene.daemon.stop(), Some(0));
    let log = scene.log();
    // What waited until the end is lost as well.
    let told = log.split("; ").filter_map(|part| {
        let (count, _) = part.split_once(" bytes of it are lost")?;
        count.parse::<usize>().ok()
    });
    let lost: usize = told.sum();
    assert!((500_000..20_000 * 50).contains(&lost), "{lost}\n{log}");
}

#[test]
fn a_syslog_that_is_started_anew_is_found_by_the_next_record() {
    let scene = scene();
    scene.wait("p", "RUNNING");
    for round in 1..=3 {
        let socket = listen(&scene);
        send(&scene, &format!("round {round}\n"));
        wait_for(&socket, &format!(" supervisord: p round {round}"));
        scene.daemon.signal(libc::SIGUSR2);
        wait_for(&socket, "INFO supervisord logreopen\n");
        end(&scene, socket);
        // Into nowhere; the file has it all the same.
        send(&scene, &format!("gone {round}\n"));
        let end = format!("gone {round}\n");
        let written = wait_until(DEADLINE, || {
            scene
                .dir
                .read("p.log")
                .is_some_and(|log| log.ends_with(&end))
        });
        assert!(written);
    }
    scene.stop();
}

#[test]
fn a_syslog_that_does_not_read_keeps_nobody_waiting() {
    let scene = scene();
    scene.wait("p", "RUNNING");
    let _hanging = listen(&scene);
    let lines = "a line of text\n".repeat(1_000);
    for round in 0..10 {
        let begin = Instant::now();
        send(&scene, &lines);
        let taken = begin.elapsed();
        assert!(taken < Duration::from_secs(5), "an answer took {taken:?}");
        let size = (round + 1) * lines.len();
        let written = wait_until(DEADLINE, || {
            scene.dir.read("p.log").is_some_and(|log| log.len() == size)
        });
        assert!(written);
    }
    // The file is written first; by this answer the records are done with as well.
    scene.info("p");
    let socket = listen(&scene);
    send(&scene, "who reads\n");
    wait_for(&socket, " supervisord: p who reads");
    scene.stop();
}

#[test]
fn records_have_the_mark_of_their_program_and_the_format_of_their_target() {
    let dir = Dir::new();
    let socket = listen_in(&dir);
    let scene = scene_in(
        dir,
        Kind::Ours,
        "[program:tagged]\ncommand=/bin/sh -c 'echo out; echo err >&2; exec cat'\n\
         stdout_logfile=NONE\nstderr_logfile=NONE\nstdout_syslog=true\nstderr_syslog=true\n\
         syslog_tag=its-%(process_num)d\nsyslog_facility=local0\nsyslog_stdout_priority=Notice\n\
         syslog_stderr_priority=err\n\
         [program:listed]\ncommand=/bin/sh -c 'printf two; sleep 0.1; printf \"parts\\n\"; exec cat'\n\
         stdout_logfile=%(here)s/listed.log, syslog\nstdout_logfile_format=raw, %(channel)s: %(message)s\n\
         stderr_logfile=NONE\nsyslog_facility=daemon\n",
    );
    let mut expected = vec![
        ("<133>", " its-0: out"),
        ("<131>", " its-0: err"),
        ("<30>", " supervisord: stdout: twoparts"),
    ];
    while !expected.is_empty() {
        let mut buffer = [0; 64 * 1024];
        let count = socket.recv(&mut buffer).unwrap();
        let record = String::from_utf8_lossy(&buffer[..count]);
        expected.retain(|(begin, end)| !(record.starts_with(begin) && record.ends_with(end)));
    }
    assert_eq!(scene.dir.read("listed.log").unwrap(), "twoparts\n");
    scene.stop();
}
