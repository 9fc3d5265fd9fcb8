//! Requests and responses that wait: pipelined and deferred ones, clients that are
//! slow, silent or gone, and the bounds of what is kept for them.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::time::Duration;

use pollvisor::http::refusal::Refusal;
use pollvisor::http::reply::{Followed, Reply};
use pollvisor::http::server::OUTPUT_LIMIT;
use pollvisor::tokens::ConnectionId;

use super::daemon::{Daemon, call, drain, xml};

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut daemon = Daemon::new();
    let many: String = (0..50)
        .map(|number| call(&format!("<n{number}/>")))
        .collect();
    let response = daemon.ask(&(many + "GET /x HTTP/1.1\r\n\r\n"), "</body>");
    let places: Vec<_> = (0..50)
        .map(|number| response.find(&format!("<n{number}/>")).unwrap())
        .collect();
    assert!(places.is_sorted());
    assert_eq!(response.matches("HTTP/1.1 ").count(), 51);
}

#[test]
fn pipelined_requests_wait_for_a_deferred_response() {
    let mut daemon = Daemon::new();
    daemon.hold = true;
    let mut stream = daemon.tcp();
    stream
        .write_all((call("<a/>") + &call("<b/>")).as_bytes())
        .unwrap();
    daemon.until("the first call", |daemon| !daemon.held.is_empty());
    for _ in 0..5 {
        daemon.turn();
    }
    assert_eq!(daemon.held.len(), 1);
    assert!(daemon.idle(), "work has no limit");
    let first = daemon.held[0];
    daemon.respond(first, xml(b"<first/>".to_vec()));
    daemon.until("the second call", |daemon| daemon.held.len() == 2);
    let second = daemon.held[1];
    daemon.respond(second, Refusal::UnreadableLog);
    let response = daemon.read_until(&mut stream, "</body>");
    assert!(response.find("<first/>").unwrap() < response.find("500 Internal").unwrap());
}

#[test]
fn what_is_sent_ahead_while_a_call_is_in_work_is_bounded() {
    let mut daemon = Daemon::new();
    daemon.hold = true;
    let mut stream = daemon.unix();
    stream.write_all(call("<a/>").as_bytes()).unwrap();
    daemon.until("the call", |daemon| !daemon.held.is_empty());
    let mut sent = 0;
    for _ in 0..100 {
        match stream.write(&[b'x'; 65536]) {
            Ok(count) => sent += count,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        daemon.turn();
    }
    assert!(sent < 2 << 20, "{sent}");
}

#[test]
fn a_half_closed_client_gets_its_deferred_response() {
    let mut daemon = Daemon::new();
    daemon.hold = true;
    let mut stream = daemon.tcp();
    stream.write_all(call("<a/>").as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    daemon.until("the call", |daemon| !daemon.held.is_empty());
    let before = daemon.busy_turns;
    for _ in 0..20 {
        daemon.turn();
    }
    assert!(daemon.busy_turns - before < 3, "the loop spins");
    let connection = daemon.held[0];
    assert!(daemon.servers.is_open(connection));
    daemon.respond(connection, xml(b"<late/>".to_vec()));
    assert!(daemon.read_to_end(&mut stream).ends_with("<late/>"));
    daemon.until("the close", |daemon| !daemon.servers.is_open(connection));
    assert!(daemon.idle());
}

#[test]
fn a_response_to_a_client_that_has_gone_is_dropped() {
    let mut daemon = Daemon::new();
    daemon.hold = true;
    let mut stream = daemon.unix();
    stream.write_all(call("<a/>").as_bytes()).unwrap();
    daemon.until("the call", |daemon| !daemon.held.is_empty());
    drop(stream);
    let connection = daemon.held[0];
    daemon.respond(connection, xml(b"<late/>".to_vec()));
    daemon.respond(connection, xml(b"<twice/>".to_vec()));
    daemon.until("the close", |daemon| !daemon.servers.is_open(connection));
    let path = "/nowhere".to_owned();
    daemon.respond(
        connection,
        Reply::Log {
            log: Followed::Path(path),
            unbuffered: false,
        },
    );
    daemon.respond(ConnectionId(4711), Refusal::UnreadableLog);
    assert!(daemon.idle());
}

#[test]
fn unfinished_requests_and_idle_connections_are_closed_in_time() {
    for (sent, patience) in [
        ("", 60),
        ("GET / HT", 60),
        ("POST /RPC2 HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 60),
        ("GET /x HTTP/1.1\r\n\r\n", 30 * 60),
    ] {
        let mut daemon = Daemon::new();
        let mut stream = daemon.tcp();
        stream.write_all(sent.as_bytes()).unwrap();
        if patience > 60 {
            daemon.read_until(&mut stream, "</body>");
        }
        for _ in 0..10 {
            daemon.turn();
        }
        daemon.ahead = Duration::from_secs(patience - 5);
        for _ in 0..3 {
            daemon.turn();
        }
        assert!(!daemon.idle(), "{sent:?} was closed too early");
        daemon.ahead = Duration::from_secs(patience + 1);
        daemon.until("the close", |daemon| daemon.idle());
        assert_eq!(daemon.read_to_end(&mut stream), "", "{sent:?}");
    }
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    let mut daemon = Daemon::new();
    daemon.hold = true;
    let mut stream = daemon.unix();
    stream.write_all(call("<a/>").as_bytes()).unwrap();
    daemon.until("the call", |daemon| !daemon.held.is_empty());
    let connection = daemon.held[0];
    let large = vec![b'x'; 4 << 20];
    daemon.respond(connection, xml(large));
    let before = daemon.busy_turns;
    for _ in 0..10 {
        daemon.turn();
    }
    assert!(daemon.busy_turns - before < 3, "the loop spins");
    daemon.ahead = Duration::from_secs(59);
    daemon.turn();
    assert!(daemon.servers.is_open(connection));
    daemon.ahead = Duration::from_secs(61);
    daemon.until("the close", |daemon| !daemon.servers.is_open(connection));
}

#[test]
fn what_waits_for_all_clients_together_has_a_bound() {
    let mut daemon = Daemon::new();
    daemon.hold = true;
    let mut streams = Vec::new();
    for place in 0..5 {
        let mut stream = daemon.unix();
        stream.write_all(call("<a/>").as_bytes()).unwrap();
        streams.push(stream);
        daemon.until("the call", |daemon| daemon.held.len() > place);
    }
    // One body of a request may be there beside them.
    let answer = || vec![b'x'; OUTPUT_LIMIT / 4 + (3 << 20)];
    let held = daemon.held.clone();
    for connection in &held[..4] {
        daemon.turn();
        daemon.respond(*connection, xml(answer()));
    }
    let open = |daemon: &Daemon| {
        held.iter()
            .map(|id| daemon.servers.is_open(*id))
            .collect::<Vec<_>>()
    };
    assert_eq!(open(&daemon), [true; 5]);
    // The first takes something, so the second has taken nothing for longest.
    daemon.ahead = Duration::from_secs(1);
    for _ in 0..3 {
        drain(&mut streams[0], &mut Vec::new());
        daemon.turn();
    }
    daemon.respond(held[4], xml(answer()));
    assert_eq!(open(&daemon), [true, false, true, true, true]);
    // The last one gets its answer as if nothing had been.
    let mut received = Vec::new();
    daemon.until("all of it", |_| {
        drain(&mut streams[4], &mut received);
        received.len() > OUTPUT_LIMIT / 4
    });
}

#[test]
fn after_the_last_response_the_server_waits_a_little_and_closes() {
    let mut daemon = Daemon::new();
    let mut stream = daemon.unix();
    stream.write_all(b"GET /x HTTP/1.0\r\n\r\n\r\n").unwrap();
    daemon.read_to_end(&mut stream);
    assert!(!daemon.idle());
    daemon.ahead = Duration::from_secs(6);
    daemon.until("the close", |daemon| daemon.idle());
}
