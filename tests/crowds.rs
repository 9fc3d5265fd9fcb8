//! Crowds of clients that each do something small or slow: others are answered
//! all the same.

use super::support::{DEADLINE, Outcome, Scene, Value, wait_until};
use nix::sys::socket::{MsgFlags, recv};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const CAT: &str = "[program:p]\ncommand=/bin/cat\nstartsecs=0\n";
/// How long another client may wait on a machine that has other work.
const LENIENT: Duration = Duration::from_secs(20);

fn connect(scene: &Scene) -> UnixStream {
    let stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn head(stream: &mut UnixStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// How many bytes wait to be read; none of them is taken.
fn unread(stream: &UnixStream) -> usize {
    let mut bytes = [0; 64];
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    recv(stream.as_raw_fd(), &mut bytes, flags).unwrap_or(0)
}

/// Asks as somebody else does, and fails if that takes too long.
fn expect_an_answer(scene: &Scene) {
    let begin = Instant::now();
    scene.call("getState", &[]).answer();
    let taken = begin.elapsed();
    println!("an answer took {taken:?}");
    assert!(taken < LENIENT, "an answer took {taken:?}");
}

#[test]
fn a_long_text_in_the_place_of_parameters_was_taken_apart_whole() {
    let scene = Scene::start(CAT);
    let call = Value::Struct(vec![
        (
            "methodName".to_owned(),
            Value::text("supervisor.getProcessInfo"),
        ),
        ("params".to_owned(), Value::text(&"x".repeat(8 << 20))),
    ]);
    let results = scene
        .rpc
        .call("system.multicall", &[Value::Array(vec![call])])
        .answer();
    let Value::Array(results) = results else {
        panic!("an array was expected");
    };
    assert_eq!(results[0].int_of("faultCode"), 2);
    let status = std::fs::read_to_string(format!("/proc/{}/status", scene.daemon.pid())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    let peak: u64 = peak
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(peak < 200 << 10, "{peak} KiB");
    scene.stop();
}

#[test]
fn followers_of_logs_locked_everybody_out() {
    let scene = Scene::start(&format!(
        "{CAT}[unix_http_server:few]\nfile=%(here)s/few\nmax_connections=8\n"
    ));
    let follow = || {
        let mut stream = UnixStream::connect(scene.dir.join("few")).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
            .write_all(b"GET /mainlogtail HTTP/1.1\r\n\r\n")
            .unwrap();
        let status = head(&mut stream)[..12].to_owned();
        (status, stream)
    };
    let mut streams = Vec::new();
    for _ in 0..4 {
        let (status, stream) = follow();
        assert_eq!(status, "HTTP/1.1 200");
        streams.push(stream);
    }
    let (status, _) = follow();
    assert_eq!(status, "HTTP/1.1 503");
    // When one has left there is a place again.
    streams.pop();
    assert!(wait_until(DEADLINE, || follow().0 == "HTTP/1.1 200"));
    scene.stop();
}

#[test]
fn slow_readers_that_sent_more_were_never_asked_to_leave() {
    let scene = Scene::start(CAT);
    // Enough to be sent in pieces, and little enough to be measured soon.
    scene.dir.write("main.log", vec![b'x'; 300 << 10]);
    let body = "<methodCall><methodName>supervisor.readLog</methodName><params>\
                <param><value><int>0</int></value></param>\
                <param><value><int>0</int></value></param></params></methodCall>";
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let ahead = request.repeat(200);
    let crowd: Vec<UnixStream> = (0..135)
        .filter_map(|_| {
            let mut stream = connect(&scene);
            // Some have to leave while others come.
            stream.write_all(request.as_bytes()).ok()?;
            stream.set_nonblocking(true).unwrap();
            // Many at once: of small pieces the system takes less than the daemon does.
            while stream.write(ahead.as_bytes()).is_ok() {}
            Some(stream)
        })
        .collect();
    expect_an_answer(&scene);
    drop(crowd);
    scene.stop();
}

#[test]
fn logs_that_unfinished_multicalls_had_open_were_not_counted() {
    let scene = Scene::start(&format!(
        "{CAT}[program:slow]\ncommand=/bin/cat\nautostart=false\nstartsecs=600\n\
         numprocs=20\nprocess_name=%(process_num)d\n"
    ));
    scene.dir.write("main.log", vec![b'x'; 300 << 10]);
    let call = |name: &str, parameters: &str| {
        format!(
            "<value><struct><member><name>methodName</name><value>{name}</value></member>\
             <member><name>params</name><value><array><data>{parameters}</data></array></value>\
             </member></struct></value>"
        )
    };
    let zero = "<value><int>0</int></value>";
    let read = call("supervisor.readLog", &zero.repeat(2)).repeat(8);
    let begin = |number: usize| {
        let name = format!("<value>slow:{number}</value>");
        let wait = call("supervisor.startProcess", &name);
        let body = format!(
            "<methodCall><methodName>system.multicall</methodName><params><param><value><array>\
             <data>{read}{wait}</data></array></value></param></params></methodCall>"
        );
        let mut stream = connect(&scene);
        let length = body.len();
        let request = format!("POST /RPC2 HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let open = || {
        let descriptors = format!("/proc/{}/fd", scene.daemon.pid());
        let descriptors = std::fs::read_dir(descriptors).unwrap();
        let names = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        names.filter(|name| name.ends_with("main.log")).count()
    };
    let own = open();
    let crowd: Vec<UnixStream> = (0..20).map(begin).collect();
    assert!(wait_until(DEADLINE, || open() >= own + 128));
    expect_an_answer(&scene);
    assert_eq!(open(), own + 128);
    let fault = scene.call("readLog", &[Value::Int(0), Value::Int(0)]);
    let text = "FAILED: too many long parts of logs are read now: ask again later";
    assert_eq!(fault, Outcome::Fault(30, text.to_owned()));
    drop(crowd);
    scene.stop();
}

#[test]
fn pages_for_a_crowd_kept_others_waiting() {
    let scene = Scene::start(CAT);
    scene.dir.write("main.log", vec![b'x'; 12 << 20]);
    let crowd: Vec<UnixStream> = (0..60)
        .map(|_| {
            let mut stream = connect(&scene);
            stream
                .write_all(
                    "HEAD /mainlog.html?limit=1048576 HTTP/1.1\r\nHost: x\r\n\r\n"
                        .repeat(5)
                        .as_bytes(),
                )
                .unwrap();
            stream
        })
        .collect();
    expect_an_answer(&scene);
    // It came in between, not after the first page of everybody.
    let has_some = |stream: &&UnixStream| unread(stream) > 0;
    let served = crowd.iter().filter(has_some).count();
    assert!(served < crowd.len(), "all {served} came first");
    for mut stream in crowd {
        for _ in 0..5 {
            assert!(head(&mut stream).starts_with("HTTP/1.1 200 "));
        }
    }
    scene.stop();
}
