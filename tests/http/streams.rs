//! Logs that are followed.

use std::fs;
use std::io::Write;

use super::daemon::{Daemon, drain};

/// As supervisorctl of 4.3.0 asks: in several writes, with a line too many.
const TAIL_HEAD: [&str; 4] = [
    " HTTP/1.1\r\n",
    "Host: \r\nAccept-Encoding: chunked\r\nAccept: */*\r\n",
    "User-agent: Supervisor HTTP Client\r\n",
    "\r\n\r\n",
];

#[test]
fn a_process_log_is_followed_in_chunks() {
    let mut daemon = Daemon::new();
    let log = daemon.path("cat");
    fs::write(&log, format!("{}begin", "old".repeat(1000))).unwrap();
    let mut stream = daemon.unix();
    stream.write_all(b"GET /logtail/cat/stdout").unwrap();
    for piece in TAIL_HEAD {
        stream.write_all(piece.as_bytes()).unwrap();
        daemon.turn();
    }
    let head = daemon.read_until(&mut stream, "begin\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(head.contains("\r\nLast-Modified: "));
    assert!(head.contains(
        "GMT\r\nContent-Type: text/plain;charset=utf-8\r\nX-Accel-Buffering: no\r\n\
         Transfer-Encoding: chunked\r\n\r\n400\r\n"
    ));
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all("é€\n".as_bytes()).unwrap();
    assert_eq!(daemon.read_until(&mut stream, "€"), "6\r\né€\n\r\n");
    fs::write(&log, "x").unwrap();
    let notice = daemon.read_until(&mut stream, "x\r\n");
    assert_eq!(notice, "18\r\n==> File truncated <==\nx\r\n");
    drop(stream);
    daemon.until("the close", |daemon| daemon.idle());
}

#[test]
fn the_main_log_streams_at_once_to_http_1_0() {
    let mut daemon = Daemon::new();
    fs::write(daemon.path("main.log"), "").unwrap();
    let mut stream = daemon.tcp();
    stream
        .write_all(b"GET /mainlogtail HTTP/1.0\r\n\r\n")
        .unwrap();
    let head = daemon.read_until(&mut stream, "\r\n\r\n");
    assert!(
        head.ends_with("charset=utf-8\r\nConnection: close\r\n\r\n"),
        "{head}"
    );
    fs::write(daemon.path("main.log"), "hello").unwrap();
    assert_eq!(daemon.read_until(&mut stream, "hello"), "hello");
}

#[test]
fn a_follower_that_does_not_read_costs_a_bounded_buffer_and_catches_up() {
    let mut daemon = Daemon::new();
    let log = daemon.path("big");
    fs::write(&log, "").unwrap();
    let mut stream = daemon.unix();
    stream
        .write_all(b"GET /logtail/big HTTP/1.0\r\n\r\n")
        .unwrap();
    daemon.read_until(&mut stream, "\r\n\r\n");
    fs::write(&log, vec![b'x'; 3 << 20]).unwrap();
    for _ in 0..100 {
        daemon.turn();
    }
    let mut received = Vec::new();
    drain(&mut stream, &mut received);
    assert!(received.len() < 1 << 20, "{}", received.len());
    daemon.until("the rest", |_| {
        drain(&mut stream, &mut received);
        received.len() == 3 << 20
    });
}
