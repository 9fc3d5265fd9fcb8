//! Who has no credentials gets nothing, and costs a bounded amount.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use super::daemon::{Daemon, call, drain, user};
use pollvisor::config::limits::Limits;

#[test]
fn authentication_comes_before_everything_and_closes() {
    let mut daemon = Daemon::with(user("user", "pass"));
    for (header, status) in [
        ("", 401),
        ("Authorization: Basic dXNlcjpmYWlsCg==\r\n", 401),
        ("Authorization: Digest x\r\n", 401),
        ("Authorization: Basic dXNlcj\r\n", 400),
        ("Authorization:bAsIc dXNlcjpwYXNz\r\n", 404),
        ("authorization: Basic dXNl\ncjpwYXNz\r\n", 404),
    ] {
        for target in ["GET /x", "PATCH /RPC2", "GET /mainlogtail"] {
            let request = format!("{target} HTTP/1.1\r\n{header}Connection: close\r\n\r\n");
            let response = daemon.ask_to_end(&request);
            let expected = match (status, target) {
                (404, "PATCH /RPC2") => 400,
                _ => status,
            };
            assert!(
                response.starts_with(&format!("HTTP/1.1 {expected} ")),
                "{request}{response}"
            );
        }
    }
    let refused = daemon.ask_to_end(&call("<x/>"));
    let (head, body) = refused.split_once("\r\n\r\n").unwrap();
    let tail = format!(
        "\r\nConnection: close\r\nWWW-Authenticate: Basic realm=\"default\"\r\n\
         Content-Length: {}\r\nContent-Type: text/html",
        body.len()
    );
    assert!(
        head.ends_with(&tail) && body.starts_with("<head>"),
        "{refused}"
    );
}

#[test]
fn what_follows_a_401_is_dropped_up_to_a_bound() {
    let mut daemon = Daemon::with(user("user", "pass"));
    let mut stream = daemon.tcp();
    stream
        .write_all(b"POST /RPC2 HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n")
        .unwrap();
    let refusal = daemon.read_until(&mut stream, "</body>");
    assert!(refusal.starts_with("HTTP/1.1 401 "));
    let junk = [b'x'; 65536];
    let mut sent = 0;
    daemon.until("the close", |daemon| {
        match stream.write(&junk) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return true,
        }
        daemon.idle()
    });
    assert!(sent < 16 << 20, "{sent}");
}

#[test]
fn a_wrong_password_is_answered_later_and_holds_nobody_up() {
    let mut daemon = Daemon::with(user("user", "pass"));
    daemon.is_slow = true;
    let mut guesses: Vec<_> = (0..5).map(|_| daemon.tcp()).collect();
    for stream in &mut guesses {
        let header = "Authorization: Basic dXNlcjpmYWls\r\n";
        write!(stream, "GET /ok.html HTTP/1.1\r\n{header}\r\n").unwrap();
    }
    let good = "GET /ok.html?right HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n";
    for _ in 0..20 {
        assert!(daemon.ask(good, "right").starts_with("HTTP/1.1 200 "));
    }
    let mut received = Vec::new();
    for stream in &mut guesses {
        assert!(!drain(stream, &mut received));
    }
    assert!(received.is_empty());
    // What the client says meanwhile is no second guess.
    guesses[0].write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    daemon.is_slow = false;
    daemon.ahead += Duration::from_secs(1);
    for stream in &mut guesses {
        let refusal = daemon.read_to_end(stream);
        assert!(refusal.starts_with("HTTP/1.1 401 "), "{refusal}");
        assert_eq!(refusal.matches("HTTP/1.1").count(), 1, "{refusal}");
    }
    daemon.until("rest", |daemon| daemon.idle());
}

#[test]
fn where_places_run_short_those_with_a_wrong_password_leave_first() {
    let limits = Limits {
        connections: 4,
        ..Limits::default()
    };
    let mut daemon = Daemon::configured(|server| {
        server.credentials = user("user", "pass");
        server.limits = limits;
    });
    daemon.is_slow = true;
    let mut guesses: Vec<_> = (0..3).map(|_| daemon.tcp()).collect();
    for stream in &mut guesses {
        let header = "Authorization: Basic dXNlcjpmYWls\r\n";
        write!(stream, "GET /ok.html HTTP/1.1\r\n{header}\r\n").unwrap();
    }
    let good = "GET /ok.html?right HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n";
    let mut known = daemon.tcp();
    for _ in 0..3 {
        known.write_all(good.as_bytes()).unwrap();
        daemon.read_until(&mut known, "right");
        assert!(daemon.ask(good, "right").starts_with("HTTP/1.1 200 "));
    }
}
