//! Clients, children and limits that try to bring the daemon down.

use super::support::{
    DEADLINE, Dir, Outcome, Scene, Value, descriptors_of, is_alive, kill, wait_for, wait_until,
};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const CAT: &str = "[program:p]\ncommand=/bin/cat\nstartsecs=0\n";

/// A daemon with one quiet child, and the pid of that.
fn quiet() -> (Scene, u32) {
    let scene = Scene::start(CAT);
    scene.wait("p", "RUNNING");
    let pid = scene.pid("p");
    (scene, pid)
}

fn connect(scene: &Scene) -> UnixStream {
    let stream = UnixStream::connect(scene.dir.join("s")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Sends bytes, says that there will be no more, and reads to the end. The
/// server may close before it has taken all.
fn send(scene: &Scene, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(scene);
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    answer
}

/// The status of a response; `None` where the connection was closed without one.
fn status(answer: &[u8]) -> Option<u16> {
    if answer.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(answer);
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    match status.and_then(|digits| digits.parse().ok()) {
        Some(status) => Some(status),
        None => panic!("no response: {text:?}"),
    }
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!("POST /RPC2 HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes();
    request.extend_from_slice(body);
    request
}

fn call_with(body: &[u8]) -> Vec<u8> {
    post(&format!("Content-Length: {}\r\n", body.len()), body)
}

#[test]
fn a_chatty_child_is_not_taken_for_a_client() {
    // Regression: what a child had written was left in the buffer into which the
    // next request was read.
    let scene = Scene::start(&format!(
        "{CAT}[program:chatty]\ncommand=/usr/bin/yes 'POST /nowhere HTTP/1.0'\nstartsecs=0\n\
         stdout_logfile=%(here)s/chatty.log\nstdout_logfile_maxbytes=1MB\nstdout_logfile_backups=0\n"
    ));
    scene.wait("chatty", "RUNNING");
    for number in 0..200 {
        let info = scene.call("getProcessInfo", &[Value::text("p")]);
        assert!(matches!(info, Outcome::Answer(_)), "call {number}: {info}");
    }
    scene.stop();
}

#[test]
fn bad_requests_are_refused_and_change_nothing() {
    let (scene, child) = quiet();
    let long = "x".repeat(1024 * 1024);
    let nested = |depth: usize| {
        let open = "<value><array><data>".repeat(depth);
        let body = format!("<methodCall><methodName>x</methodName><params><param>{open}");
        call_with(body.as_bytes())
    };
    let refused: Vec<(&str, Vec<u8>)> = vec![
        ("a word", b"hello\r\n\r\n".to_vec()),
        ("zeros", vec![0; 4096]),
        ("no version", b"GET /RPC2\r\n\r\n".to_vec()),
        ("a version from afar", b"GET /RPC2 HTTP/9.9\r\n\r\n".to_vec()),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("a long path", format!("GET /{long} HTTP/1.0\r\n\r\n").into_bytes()),
        ("a long header", post(&format!("X: {long}\r\n"), b"")),
        ("many headers", post(&"X: y\r\n".repeat(100_000), b"")),
        ("a header without end", format!("GET / HTTP/1.0\r\nX: {long}").into_bytes()),
        ("an endless body", post("Content-Length: 1000000000000\r\n", b"<methodCall>")),
        ("a negative body", post("Content-Length: -1\r\n", b"")),
        ("a wordy length", post("Content-Length: many\r\n", b"")),
        ("two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", b"xx")),
        ("half a body", post("Content-Length: 100\r\n", b"<methodCall>")),
        ("half a head", b"POST /RPC2 HTTP/1.1\r\nContent-Le".to_vec()),
        ("no body", call_with(b"")),
        ("no XML", call_with(b"hello")),
        ("open XML", call_with(b"<methodCall><methodName>")),
        ("not UTF-8", call_with(b"<methodCall><methodName>\xff\xfe</methodName></methodCall>")),
        (
            "an entity bomb",
            call_with(b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><methodCall><methodName>&b;</methodName></methodCall>"),
        ),
        ("nested arrays", nested(100)),
        ("deeply nested arrays", nested(100_000)),
        ("climbing paths", b"GET /../../etc/passwd HTTP/1.0\r\n\r\n".to_vec()),
        ("a log of nobody", b"GET /logtail/../x HTTP/1.0\r\n\r\n".to_vec()),
    ];
    for (name, request) in refused {
        let status = status(&send(&scene, &request));
        assert!(
            status.is_none_or(|status| status >= 400),
            "{name}: {status:?}"
        );
        assert_eq!(scene.pid("p"), child, "after {name}");
    }
    scene.stop();
}

#[test]
fn random_bytes_are_refused_and_change_nothing() {
    let (scene, child) = quiet();
    // A multiplicative generator with a fixed seed: the same bytes each time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % limit
    };
    let good = call_with(
        b"<?xml version='1.0'?><methodCall><methodName>supervisor.getPID</methodName><params></params></methodCall>",
    );
    for _ in 0..200 {
        let mut request = good.clone();
        for _ in 0..=random(8) {
            let at = random(request.len());
            match random(3) {
                0 => request[at] = random(256) as u8,
                1 => request.truncate(at.max(1)),
                _ => request.insert(at, random(256) as u8),
            }
        }
        send(&scene, &request);
    }
    for _ in 0..50 {
        let bytes: Vec<u8> = (0..=random(4000)).map(|_| random(256) as u8).collect();
        let answer = send(&scene, &bytes);
        assert!(status(&answer).is_none_or(|status| status >= 400));
    }
    assert_eq!(scene.pid("p"), child);
    scene.stop();
}

#[test]
fn clients_that_dawdle_keep_nobody_waiting() {
    let (scene, child) = quiet();
    let request = call_with(
        b"<methodCall><methodName>supervisor.getAllProcessInfo</methodName><params/></methodCall>",
    );
    // Some say nothing, some stop in the head or the body, some never read.
    let mut dawdlers = Vec::new();
    for number in 0..60 {
        let mut stream = connect(&scene);
        match number % 4 {
            0 => {}
            1 => stream.write_all(&request[..20]).unwrap(),
            2 => stream.write_all(&request[..request.len() - 5]).unwrap(),
            _ => {
                stream.set_nonblocking(true).unwrap();
                while stream.write(&request).is_ok() {}
            }
        }
        dawdlers.push(stream);
    }
    for _ in 0..20 {
        let begin = std::time::Instant::now();
        assert_eq!(scene.pid("p"), child);
        let taken = begin.elapsed();
        assert!(taken < Duration::from_secs(5), "an answer took {taken:?}");
    }
    // One goes on where it stopped.
    let mut late = dawdlers.swap_remove(1);
    late.write_all(&request[20..]).unwrap();
    let mut start = [0; 12];
    late.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    drop(dawdlers);
    scene.stop();
}

/// A daemon that may open 40 files.
fn narrow() -> Scene {
    Scene::start_as(
        Dir::new(),
        &format!("minfds=0\n{CAT}stdout_logfile=%(here)s/p.log\n"),
        |launch| launch.wrapper = &["/bin/sh", "-c", "ulimit -n 40; exec \"$@\"", "sh"],
    )
}

fn is_back_at_rest(scene: &Scene) {
    let open = || descriptors_of(scene.daemon.pid()).len();
    assert!(
        wait_until(DEADLINE, || open() < 25),
        "connections are given back: {} are open",
        open()
    );
}

#[test]
fn connections_leave_descriptors_for_programs() {
    let scene = narrow();
    scene.wait("p", "RUNNING");
    let child = scene.pid("p");
    let crowd: Vec<UnixStream> = (0..60).map(|_| connect(&scene)).collect();
    // In front of the crowd's end there is room for another client, and for a program.
    assert_eq!(scene.pid("p"), child);
    kill(child, libc::SIGKILL);
    let new = wait_for(DEADLINE, || {
        Some(scene.pid("p")).filter(|pid| *pid != child && *pid != 0)
    });
    assert!(new.is_some_and(is_alive));
    assert!(
        !scene.log().contains("too many open files"),
        "{}",
        scene.log()
    );
    drop(crowd);
    is_back_at_rest(&scene);
    scene.stop();
}

#[test]
fn followers_of_logs_leave_descriptors_for_programs() {
    let scene = narrow();
    scene.wait("p", "RUNNING");
    let child = scene.pid("p");
    let crowd: Vec<UnixStream> = (0..60)
        .map(|_| {
            let mut stream = connect(&scene);
            let _ = stream.write_all(b"GET /mainlogtail HTTP/1.1\r\n\r\n");
            stream
        })
        .collect();
    scene.wait_log("WARN cannot accept a connection: the descriptors left are for programs");
    let born = scene.log().matches("INFO spawned: 'p'").count();
    kill(child, libc::SIGKILL);
    let again = |log: &str| log.matches("INFO spawned: 'p'").count() > born;
    assert!(
        wait_until(DEADLINE, || again(&scene.log())),
        "{}",
        scene.log()
    );
    drop(crowd);
    scene.wait("p", "RUNNING");
    assert!(
        !scene.log().contains("too many open files"),
        "{}",
        scene.log()
    );
    is_back_at_rest(&scene);
    scene.stop();
}
