//! The HTTP servers in this process, with real sockets and a clock that tests
//! can put forward.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pollvisor::config::limits::Limits;
use pollvisor::config::{Address, Credentials, Server};
use pollvisor::http::server::{OUTPUT_LIMIT, Request, Servers};
use pollvisor::loggers::level::Level;
use pollvisor::loggers::logger::Logger;
use pollvisor::reactor::Reactor;
use pollvisor::sys::time;
use pollvisor::tokens::ConnectionId;
use pollvisor::xmlrpc::call::Call;
use pollvisor::xmlrpc::response;
use pollvisor::xmlrpc::value::Value;

mod limits;

const PATIENCE: Duration = Duration::from_secs(20);

/// Servers with a loop around them, and an application that gives back the
/// parameters of calls, and bodies that are none as they are.
struct Daemon {
    reactor: Reactor,
    servers: Servers,
    directory: tempfile::TempDir,
    port: u16,
    /// Added to the clock.
    ahead: Duration,
    /// Calls are kept here instead of being answered.
    hold: bool,
    held: Vec<ConnectionId>,
    /// Turns of the loop in which something happened.
    busy_turns: usize,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn inet(host: &str, port: u16) -> Server {
    Server {
        section: "inet_http_server".to_owned(),
        address: Address::Inet {
            host: host.to_owned(),
            port,
        },
        credentials: None,
        require_authentication: false,
        allowed_hosts: Vec::new(),
        limits: Limits::default(),
        web_get_actions: false,
    }
}

fn unix(path: &std::path::Path, mode: u32) -> Server {
    Server {
        section: "unix_http_server".to_owned(),
        address: Address::Unix {
            path: path.to_str().unwrap().to_owned(),
            mode,
            owner: None,
        },
        credentials: None,
        require_authentication: false,
        allowed_hosts: Vec::new(),
        limits: Limits::default(),
        web_get_actions: false,
    }
}

fn user(name: &str, password: &str) -> Option<Credentials> {
    Some(Credentials {
        username: name.to_owned(),
        password: password.to_owned(),
    })
}

fn reactor() -> Reactor {
    Reactor::new(Logger::new(Level::Critical, "supervisord"), time::now()).unwrap()
}

impl Daemon {
    fn new() -> Daemon {
        Daemon::with(None)
    }

    fn with(credentials: Option<Credentials>) -> Daemon {
        Daemon::configured(|server| server.credentials.clone_from(&credentials))
    }

    fn limited(limits: Limits) -> Daemon {
        Daemon::configured(|server| server.limits = limits)
    }

    fn configured(configure: impl Fn(&mut Server)) -> Daemon {
        let directory = tempfile::tempdir().unwrap();
        let mut reactor = reactor();
        // Somebody may take a free port before it is bound here.
        let (port, servers) = (0..20)
            .find_map(|_| {
                let port = free_port();
                let mut configured = [
                    inet("127.0.0.1", port),
                    unix(&directory.path().join("sock"), 0o700),
                ];
                configured.iter_mut().for_each(&configure);
                let servers = Servers::open(&configured, &mut reactor).ok()?;
                Some((port, servers))
            })
            .unwrap();
        Daemon {
            reactor,
            servers,
            directory,
            port,
            ahead: Duration::ZERO,
            hold: false,
            held: Vec::new(),
            busy_turns: 0,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    fn unix(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path("sock")).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    fn clock(&mut self) {
        self.reactor.now = time::now();
        self.reactor.now.monotonic = self.reactor.now.monotonic + self.ahead;
    }

    fn turn(&mut self) {
        let mut ready = Vec::new();
        let limit = Duration::from_millis(5);
        self.reactor.poller.wait(Some(limit), &mut ready).unwrap();
        self.clock();
        let mut incoming = Vec::new();
        self.busy_turns += usize::from(!ready.is_empty());
        for event in ready {
            incoming.extend(self.servers.handle(&mut self.reactor, event));
        }
        while let Some(timer) = self.reactor.timers.pop_due(self.reactor.now.monotonic) {
            incoming.extend(self.servers.timer(&mut self.reactor, timer));
        }
        for one in incoming {
            match one.request {
                Request::Rpc(_) if self.hold => self.held.push(one.connection),
                Request::Rpc(body) => {
                    let body = match Call::read(&body) {
                        Ok(call) => response::write(Ok(&Value::Array(call.params))),
                        Err(_) => body,
                    };
                    self.servers
                        .respond_rpc(&mut self.reactor, one.connection, body);
                }
                Request::ProcessLog { name, channel } if channel == "stdout" => {
                    let path = self.path(&name);
                    let path = path.to_str().unwrap();
                    self.servers
                        .respond_tail(&mut self.reactor, one.connection, path, true);
                }
                Request::ProcessLog { .. } => {
                    self.servers
                        .respond_error(&mut self.reactor, one.connection, 404);
                }
                Request::Page(visit) => {
                    let body = [visit.query.as_bytes(), b"|", &visit.form].concat();
                    self.servers
                        .respond_rpc(&mut self.reactor, one.connection, body);
                }
                Request::MainLog => {
                    let path = self.path("main.log");
                    let path = path.to_str().unwrap();
                    self.servers
                        .respond_tail(&mut self.reactor, one.connection, path, false);
                }
            }
        }
        assert!(self.reactor.buffer.is_empty());
    }

    /// Turns until `done` or the end of patience.
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Daemon) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            self.turn();
        }
    }

    /// What `stream` receives until it holds `end`.
    fn read_until(&mut self, stream: &mut impl Read, end: &str) -> String {
        let mut received = Vec::new();
        self.until(end, |_| {
            let closed = drain(stream, &mut received);
            let text = String::from_utf8_lossy(&received);
            let found = text.contains(end);
            assert!(found || !closed, "closed after {text:?}");
            found
        });
        String::from_utf8_lossy(&received).into_owned()
    }

    /// What `stream` receives until the server closes it.
    fn read_to_end(&mut self, stream: &mut impl Read) -> String {
        let mut received = Vec::new();
        self.until("the end", |_| drain(stream, &mut received));
        String::from_utf8_lossy(&received).into_owned()
    }

    fn ask(&mut self, request: &str, end: &str) -> String {
        let mut stream = self.tcp();
        stream.write_all(request.as_bytes()).unwrap();
        self.read_until(&mut stream, end)
    }

    fn ask_to_end(&mut self, request: &str) -> String {
        let mut stream = self.tcp();
        stream.write_all(request.as_bytes()).unwrap();
        self.read_to_end(&mut stream)
    }

    fn idle(&self) -> bool {
        self.reactor
            .timers
            .wait(self.reactor.now.monotonic)
            .is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.servers.close(&mut self.reactor);
    }
}

/// Reads what is there; true at the end of the stream.
fn drain(stream: &mut impl Read, received: &mut Vec<u8>) -> bool {
    let mut piece = [0; 65536];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return true,
            Ok(count) => received.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return true,
            Err(error) => panic!("{error}"),
        }
    }
}

fn call(body: &str) -> String {
    format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

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
    let response = daemon.ask_to_end("HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(response.contains("Content-Length: 134\r\n") && response.ends_with("\r\n\r\n"));
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
    daemon
        .servers
        .respond_rpc(&mut daemon.reactor, first, b"<first/>".to_vec());
    daemon.until("the second call", |daemon| daemon.held.len() == 2);
    let second = daemon.held[1];
    daemon
        .servers
        .respond_error(&mut daemon.reactor, second, 500);
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
    daemon
        .servers
        .respond_rpc(&mut daemon.reactor, connection, b"<late/>".to_vec());
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
    daemon
        .servers
        .respond_rpc(&mut daemon.reactor, connection, b"<late/>".to_vec());
    daemon
        .servers
        .respond_rpc(&mut daemon.reactor, connection, b"<twice/>".to_vec());
    daemon.until("the close", |daemon| !daemon.servers.is_open(connection));
    daemon
        .servers
        .respond_tail(&mut daemon.reactor, connection, "/nowhere", false);
    daemon
        .servers
        .respond_error(&mut daemon.reactor, ConnectionId(4711), 500);
    assert!(daemon.idle());
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
    daemon
        .servers
        .respond_rpc(&mut daemon.reactor, connection, large);
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
        daemon
            .servers
            .respond_rpc(&mut daemon.reactor, *connection, answer());
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
    daemon
        .servers
        .respond_rpc(&mut daemon.reactor, held[4], answer());
    assert_eq!(open(&daemon), [true, false, true, true, true]);
    // The last one gets its answer as if nothing had been.
    let mut received = Vec::new();
    daemon.until("all of it", |_| {
        drain(&mut streams[4], &mut received);
        received.len() > OUTPUT_LIMIT / 4
    });
}

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
    let tail = "\r\nConnection: close\r\nWWW-Authenticate: Basic realm=\"default\"\r\n\
                Content-Length: 137\r\nContent-Type: text/html\r\n\r\n<head>";
    assert!(refused.contains(tail), "{refused}");
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
fn after_the_last_response_the_server_waits_a_little_and_closes() {
    let mut daemon = Daemon::new();
    let mut stream = daemon.unix();
    stream.write_all(b"GET /x HTTP/1.0\r\n\r\n\r\n").unwrap();
    daemon.read_to_end(&mut stream);
    assert!(!daemon.idle());
    daemon.ahead = Duration::from_secs(6);
    daemon.until("the close", |daemon| daemon.idle());
}

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

#[test]
fn a_unix_socket_has_its_mode_and_no_second_name() {
    for mode in [0o700, 0o770, 0o777, 0o600] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let mut reactor = reactor();
        let mut servers = Servers::open(&[unix(&path, mode)], &mut reactor).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o7777, mode);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        servers.close(&mut reactor);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_stale_socket_makes_room_and_everything_else_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.sock");
    let mut reactor = reactor();
    let mut error = || {
        let outcome = Servers::open(&[unix(&path, 0o700)], &mut reactor);
        let text = outcome.as_ref().err().map(ToString::to_string);
        if let Ok(mut servers) = outcome {
            servers.close(&mut reactor);
        }
        text
    };
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert_eq!(error(), None);
    assert!(!path.exists());

    let alive = UnixListener::bind(&path).unwrap();
    let in_use = "Another program is already listening on a port that one of our HTTP servers is \
                  configured to use.  Shut this program down first before starting supervisord.";
    assert_eq!(error().as_deref(), Some(in_use));
    drop(alive);
    fs::remove_file(&path).unwrap();

    let no_socket = format!(
        "Cannot open an HTTP server: {} exists and is not a socket",
        path.display()
    );
    fs::write(&path, "precious").unwrap();
    assert_eq!(error().as_ref(), Some(&no_socket));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(error().as_ref(), Some(&no_socket));
    fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/nowhere", &path).unwrap();
    assert_eq!(error().as_ref(), Some(&no_socket));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn sockets_that_cannot_be_opened_are_explained() {
    let directory = tempfile::tempdir().unwrap();
    let mut reactor = reactor();
    let mut error = |server: Server| {
        let first = unix(&directory.path().join("first"), 0o700);
        let error = Servers::open(&[first, server], &mut reactor).unwrap_err();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        error.to_string()
    };
    let prefix = "Cannot open an HTTP server: socket.error reported ";
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    assert!(error(inet("127.0.0.1", port)).starts_with("Another program is already listening on"));
    assert_eq!(
        error(inet("192.0.2.1", 9001)),
        format!("{prefix}errno.EADDRNOTAVAIL (99)")
    );
    assert_eq!(error(inet("no host", 9001)), format!("{prefix}-2"));
    assert_eq!(
        error(unix(&directory.path().join("x").join("y"), 0o700)),
        format!("{prefix}errno.ENOENT (2)")
    );
    assert_eq!(
        error(unix(&directory.path().join("x".repeat(100)), 0o700)),
        format!("{prefix}AF_UNIX path too long")
    );
}

#[test]
fn a_socket_file_that_was_replaced_stays() {
    let mut daemon = Daemon::new();
    let path = daemon.path("sock");
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    daemon.servers.close(&mut daemon.reactor);
    assert!(path.exists());
}

#[test]
fn host_names_and_ipv6_addresses_are_understood() {
    for host in ["", "*", "localhost", "::1", "[::1]", "0.0.0.0"] {
        if host.contains(':') && TcpListener::bind("[::1]:0").is_err() {
            continue;
        }
        let mut reactor = reactor();
        let opened = (0..20).find_map(|_| {
            let port = free_port();
            Some((Servers::open(&[inet(host, port)], &mut reactor).ok()?, port))
        });
        let (mut servers, port) = opened.expect(host);
        let target = if host.contains(':') {
            "::1"
        } else {
            "127.0.0.1"
        };
        TcpStream::connect((target, port)).unwrap();
        servers.close(&mut reactor);
    }
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
