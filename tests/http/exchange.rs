//! One request and its response: calls, framing, statuses, and what is no HTTP at all.

use std::io::{ErrorKind, Write};

use super::daemon::{Daemon, call, drain};

#[test]
fn calls_are_answered_on_both_kinds_of_sockets_and_kept_alive() {
    let mut daemon = Daemon::new();
    let (mut tcp, mut unix) = (daemon.tcp(), daemon.unix());
    for body in ["<one/>", "<two/>"] {
        tcp.write_all(call(body).as_bytes()).unwrap();
        let response = daemon.read_until(&mut tcp, body);
        assert!(
            response.starts_with("HTTP/1.1 200 OK\r\nServer: pollvisor\r\nDate: "),
            "{response}"
        );
        assert!(response.ends_with(&format!(
            "GMT\r\nContent-Type: text/xml\r\nContent-Length: 6\r\n\r\n{body}"
        )));
        unix.write_all(call(body).as_bytes()).unwrap();
        daemon.read_until(&mut unix, body);
    }
    drop((tcp, unix));
    daemon.until("the connections to close", |daemon| daemon.idle());
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let mut daemon = Daemon::new();
    let mut stream = daemon.unix();
    for byte in call("<slow/>").bytes() {
        stream.write_all(&[byte]).unwrap();
        daemon.turn();
    }
    daemon.read_until(&mut stream, "<slow/>");
}

#[test]
fn errors_have_their_status_and_an_honest_end() {
    let mut daemon = Daemon::new();
    for (request, status, closes) in [
        ("GET /nowhere HTTP/1.1\r\n\r\n", "404 Not Found", false),
        ("GET /RPC2 HTTP/1.1\r\n\r\n", "400 Bad Request", false),
        (
            "PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
            "400 Bad Request",
            false,
        ),
        ("GET /logtail HTTP/1.1\r\n\r\n", "404 Not Found", false),
        ("GET /logtail/none HTTP/1.1\r\n\r\n", "404 Not Found", false),
        (
            "GET /logtail/none/stdin HTTP/1.1\r\n\r\n",
            "404 Not Found",
            false,
        ),
        ("GET /mainlogtail HTTP/1.1\r\n\r\n", "404 Not Found", false),
        ("GET /x HTTP/1.0\r\n\r\n", "404 Not Found", true),
        ("GET /x\r\n\r\n", "404 Not Found", true),
        (
            "GET /x HTTP/1.1\r\nConnection: Close\r\n\r\n",
            "404 Not Found",
            true,
        ),
        ("\u{16}\u{3}\u{1}garbage\r\n\r\n", "400 Bad Request", true),
        ("POST /RPC2 HTTP/1.1\r\n\r\n", "411 Length Required", true),
        (
            "POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            "411 Length Required",
            true,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "400 Bad Request",
            true,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
            "413 Content Too Large",
            true,
        ),
    ] {
        let mut stream = daemon.tcp();
        stream.write_all(request.as_bytes()).unwrap();
        let response = match closes {
            true => daemon.read_to_end(&mut stream),
            false => daemon.read_until(&mut stream, "</body>\r\n"),
        };
        assert!(
            response.contains(&format!(" {status}\r\n")),
            "{request}: {response}"
        );
        assert_eq!(
            response.contains("Connection: close\r\n"),
            closes,
            "{request}: {response}"
        );
        assert!(response.ends_with("</body>\r\n"));
        if !closes {
            stream.write_all(call("<next/>").as_bytes()).unwrap();
            daemon.read_until(&mut stream, "<next/>");
        }
    }
}

#[test]
fn keep_alive_of_http_1_0_is_granted_on_request() {
    let mut daemon = Daemon::new();
    let request = "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let mut stream = daemon.tcp();
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).unwrap();
        let response = daemon.read_until(&mut stream, "</body>");
        assert!(response.starts_with("HTTP/1.0 404 Not Found\r\n"));
        assert!(response.contains("\r\nConnection: Keep-Alive\r\n\r\n"));
    }
}

#[test]
fn head_has_no_body() {
    let mut daemon = Daemon::new();
    let page = daemon.ask_to_end("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n");
    let response = daemon.ask_to_end("HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n");
    let (_, body) = page.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}\r\n", body.len());
    assert!(response.contains(&length) && response.ends_with("\r\n\r\n"));
}

#[test]
fn too_long_a_header_block_is_refused_wherever_it_ends() {
    let mut daemon = Daemon::new();
    let long = format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(100_000));
    let response = daemon.ask(&long, "</body>");
    assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
    daemon.ask(&(long + "\r\n\r\n"), "HTTP/1.1 431 ");
}

#[test]
fn a_client_that_expects_100_continue_gets_it() {
    let mut daemon = Daemon::new();
    let mut stream = daemon.tcp();
    let head = "POST /RPC2 HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let interim = daemon.read_until(&mut stream, "\r\n\r\n");
    assert_eq!(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"<c/>").unwrap();
    daemon.read_until(&mut stream, "<c/>");
}

#[test]
fn a_large_body_arrives_whole() {
    let mut daemon = Daemon::new();
    let mut stream = daemon.tcp();
    let body = "x".repeat(8 << 20);
    let request = call(&body);
    let (mut sent, mut received) = (0, Vec::new());
    daemon.until("the response", |_| {
        match stream.write(&request.as_bytes()[sent..]) {
            Ok(count) => sent += count,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        drain(&mut stream, &mut received);
        received.len() > body.len() + 100
    });
    assert!(received.ends_with(body.as_bytes()));
}

#[test]
fn garbage_of_all_kinds_leaves_the_server_alive() {
    let mut daemon = Daemon::new();
    let mut seed = 0x1234_5678_9abc_def1_u64;
    let pieces: [&[u8]; 12] = [
        b"GET / HTTP/1.1\r\n",
        b"\r\n\r\n",
        b"POST /RPC2 HTTP/1.1\r\n",
        b"Content-Length: 3\r\n",
        b"\xff",
        b"\0",
        b"\r",
        b"\n",
        b"abc",
        b"Connection: close\r\n",
        b"GET /logtail/x HTTP/1.1\r\n",
        b":",
    ];
    for _ in 0..200 {
        let mut stream = daemon.unix();
        for _ in 0..8 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            // The server may have closed it by now.
            let _ = stream.write_all(pieces[(seed % 12) as usize]);
            daemon.turn();
        }
    }
    daemon.until("the connections to close", |daemon| daemon.idle());
    daemon.ask(&call("<alive/>"), "<alive/>");
}

/// The client that everybody has.
#[test]
fn the_client_of_python_understands_both_codecs() {
    let python = crate::support::original_home().join("bin/python");
    const SCRIPT: &str = r#"
import sys, xmlrpc.client
proxy = xmlrpc.client.ServerProxy(sys.argv[1])
values = [1, -5, True, "a<&>é\u20ac\n b", 1.5e-7, [], [[1]], {"b": 1, "a": {"c": "d"}}]
for _ in range(3):
    assert proxy.any.method(*values) == values, proxy.any.method(*values)
try:
    xmlrpc.client.ServerProxy(sys.argv[1].replace("RPC2", "nowhere")).x()
except xmlrpc.client.ProtocolError as error:
    assert (error.errcode, error.errmsg) == (400, "Bad Request"), error
"#;
    let mut daemon = Daemon::new();
    let mut child = std::process::Command::new(python)
        .args([
            "-c",
            SCRIPT,
            &format!("http://127.0.0.1:{}/RPC2", daemon.port),
        ])
        .spawn()
        .unwrap();
    let mut status = None;
    daemon.until("Python's client", |_| {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert!(status.unwrap().success());
}
