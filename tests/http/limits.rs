//! How much one server takes from its clients: of connections, bytes and time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use pollvisor::config::limits::Limits;

use super::daemon::{Daemon, call, drain, xml};

/// Four connections of a server at a time.
fn four() -> Limits {
    Limits {
        connections: 4,
        ..Limits::default()
    }
}

/// Whether the server has closed it without a word.
fn is_closed(daemon: &mut Daemon, stream: &mut impl Read) -> bool {
    daemon.turn();
    let mut received = Vec::new();
    let closed = drain(stream, &mut received);
    assert!(
        received.is_empty(),
        "{}",
        String::from_utf8_lossy(&received)
    );
    closed
}

#[test]
fn no_more_than_the_limit_of_connections_is_accepted() {
    let mut daemon = Daemon::limited(four());
    daemon.hold = true;
    let mut streams: Vec<UnixStream> = Vec::new();
    for _ in 0..4 {
        let mut stream = daemon.unix();
        stream.write_all(call("<a/>").as_bytes()).unwrap();
        streams.push(stream);
        daemon.until("a call", |daemon| daemon.held.len() == streams.len());
    }
    let mut late = daemon.unix();
    late.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    let before = daemon.busy_turns;
    for _ in 0..20 {
        daemon.turn();
    }
    assert!(daemon.busy_turns - before < 5, "the loop spins");
    let mut received = Vec::new();
    assert!(!drain(&mut late, &mut received) && received.is_empty());
    let first = daemon.held[0];
    let body = b"<a/>".to_vec();
    daemon.respond(first, xml(body));
    daemon.read_until(&mut late, "</body>");
}

#[test]
fn a_crowd_that_says_nothing_makes_room_for_those_who_come_after_it() {
    let mut daemon = Daemon::limited(four());
    let mut friend = daemon.unix();
    friend.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    daemon.read_until(&mut friend, "</body>");
    let mut crowd: Vec<UnixStream> = Vec::new();
    for _ in 0..20 {
        crowd.push(daemon.unix());
        daemon.turn();
    }
    let mut late = daemon.unix();
    late.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    daemon.read_until(&mut late, "</body>");
    // The one that was there first is there still, and so are the last of the
    // crowd, for the late one was not a stranger for long.
    friend.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    daemon.read_until(&mut friend, "</body>");
    let open = crowd
        .iter_mut()
        .map(|stream| !is_closed(&mut daemon, stream))
        .collect::<Vec<bool>>();
    assert_eq!(open, [vec![false; 18], vec![true; 2]].concat());
}

#[test]
fn clients_that_were_let_in_leave_for_others_the_longest_silent_first() {
    let mut daemon = Daemon::limited(four());
    let mut friends: Vec<UnixStream> = Vec::new();
    for _ in 0..4 {
        let mut stream = daemon.unix();
        stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
        daemon.read_until(&mut stream, "</body>");
        friends.push(stream);
    }
    let mut late = daemon.unix();
    late.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    daemon.read_until(&mut late, "</body>");
    assert!(is_closed(&mut daemon, &mut friends[0]));
    assert!(!is_closed(&mut daemon, &mut friends[1]));
}

#[test]
fn requests_in_a_row_are_answered_in_order_with_others_in_between() {
    let mut daemon = Daemon::new();
    let mut greedy = daemon.unix();
    let many = "GET /x HTTP/1.1\r\n\r\n".repeat(1000);
    greedy.write_all(many.as_bytes()).unwrap();
    let mut other = daemon.unix();
    other.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    daemon.read_until(&mut other, "</body>");
    let mut received = Vec::new();
    drain(&mut greedy, &mut received);
    let answered = |received: &[u8]| {
        let text = String::from_utf8_lossy(received);
        text.matches("HTTP/1.1 404").count()
    };
    assert!(answered(&received) < 200, "{}", answered(&received));
    daemon.until("all answers", |_| {
        assert!(!drain(&mut greedy, &mut received));
        answered(&received) == 1000
    });
}

#[test]
fn clients_of_one_server_took_the_place_of_those_of_another() {
    let mut daemon = Daemon::limited(four());
    daemon.hold = true;
    let mut crowd: Vec<TcpStream> = Vec::new();
    for _ in 0..9 {
        let mut stream = daemon.tcp();
        stream.write_all(call("<a/>").as_bytes()).unwrap();
        crowd.push(stream);
        daemon.turn();
    }
    daemon.until("calls", |daemon| daemon.held.len() == 4);
    let mut stream = daemon.unix();
    stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    daemon.read_until(&mut stream, "</body>");
}

#[test]
fn limits_are_those_of_the_configuration() {
    let limits = Limits {
        header: 1024,
        body: 100,
        idle: Duration::from_secs(5),
        request: Duration::from_secs(3),
        ..Limits::default()
    };
    let mut daemon = Daemon::limited(limits);
    for (request, status) in [
        (
            format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(1100)),
            "HTTP/1.1 431",
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 101\r\n\r\n".to_owned(),
            "HTTP/1.1 413",
        ),
    ] {
        let mut stream = daemon.unix();
        stream.write_all(request.as_bytes()).unwrap();
        assert!(daemon.read_until(&mut stream, "</body>").contains(status));
    }
    // A silent one, one that began a request, and one between two requests.
    for (sent, answered, patience) in [("", false, 3), ("GET", false, 3), ("", true, 5)] {
        let mut stream = daemon.unix();
        if answered {
            stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
            daemon.read_until(&mut stream, "</body>");
        }
        stream.write_all(sent.as_bytes()).unwrap();
        daemon.turn();
        daemon.ahead += Duration::from_secs(patience - 1);
        assert!(!is_closed(&mut daemon, &mut stream), "{sent:?} {answered}");
        daemon.ahead += Duration::from_secs(1);
        daemon.until("the end", |daemon| is_closed(daemon, &mut stream));
    }
}

/// Regression: each client had a bound, and a hundred together had none.
#[test]
fn bodies_that_never_end_filled_the_memory() {
    let mut daemon = Daemon::new();
    let piece = vec![b' '; 64 << 10];
    let mut streams = Vec::new();
    for _ in 0..6 {
        let mut stream = daemon.unix();
        stream
            .write_all(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 16777216\r\n\r\n")
            .unwrap();
        stream.set_nonblocking(true).unwrap();
        daemon.ahead += Duration::from_millis(10);
        // Far more than half, and not all of it.
        let mut sent = 0;
        while sent < 11 << 20 {
            match stream.write(&piece) {
                Ok(count) => sent += count,
                Err(_) => daemon.turn(),
            }
        }
        daemon.turn();
        streams.push(stream);
    }
    let closed: Vec<bool> = streams
        .iter_mut()
        .map(|stream| is_closed(&mut daemon, stream))
        .collect();
    assert_eq!(closed, [true, true, false, false, false, false]);
    // Others are answered.
    assert!(
        daemon
            .ask(&call("<a/>"), "<a/>")
            .starts_with("HTTP/1.1 200 ")
    );
}
