//! Clients while the daemon becomes another program: real sockets, and a clock that the tests
//! can put forward.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::*;
use crate::clock::Monotonic;
use crate::config::limits::Limits;
use crate::config::{Address, Credentials};
use crate::http::reply::Followed;
use crate::http::response::Response;
use crate::http::routes::{Handler, followed};
use crate::log_level::Level;
use crate::loggers::logger::Logger;
use crate::loggers::ring::{Ring, SharedRing};
use crate::snapshot::{Reader, Saved, Writer};
use crate::sys::descriptors;
use crate::sys::spawn::ErrorPipe;
use crate::sys::tests::handed_over;

const CALL: &str = "POST /RPC2 HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
const GET: &str = "GET /?one HTTP/1.1\r\n\r\n";

struct Scene {
    directory: tempfile::TempDir,
    servers: Servers,
    context: LoopContext,
    ring: SharedRing,
    /// Time goes on with the turns of the loop alone.
    clock: Monotonic,
    /// Calls that have no answer.
    calls: Vec<ConnectionId>,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(|_| {})
    }

    fn with(configure: impl Fn(&mut Server)) -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let log = Logger::new(Level::Critical, "supervisord");
        let error_pipe = ErrorPipe::new().unwrap();
        let mut context = LoopContext::new(log, error_pipe, time::now()).unwrap();
        let mut server = Server {
            section: "unix_http_server".to_owned(),
            address: Address::Unix {
                path: directory.path().join("sock").to_str().unwrap().to_owned(),
                mode: 0o700,
                owner: None,
            },
            credentials: None,
            readonly_credentials: None,
            readonly: false,
            require_authentication: false,
            allowed_hosts: Vec::new(),
            limits: Limits::default(),
            web_get_actions: false,
            monitoring: Default::default(),
        };
        configure(&mut server);
        let servers = Servers::open(&[server], &mut context).unwrap();
        Scene {
            directory,
            servers,
            context,
            ring: Rc::new(Ring::new(4 << 20, true).into()),
            clock: time::monotonic(),
            calls: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn client(&self) -> UnixStream {
        let client = UnixStream::connect(self.path("sock")).unwrap();
        client.set_nonblocking(true).unwrap();
        client
    }

    /// A client that has sent this.
    fn asking(&self, request: &str) -> UnixStream {
        let mut client = self.client();
        client.write_all(request.as_bytes()).unwrap();
        client
    }

    fn turn(&mut self) {
        self.servers.feed_followers(&mut self.context);
        let mut ready = Vec::new();
        let limit = Duration::from_millis(2);
        self.context.poller.wait(Some(limit), &mut ready).unwrap();
        self.pass(Duration::from_micros(100));
        let mut incoming = Vec::new();
        for event in ready {
            incoming.extend(self.servers.handle(&mut self.context, event));
        }
        while let Some(timer) = self.context.timers.pop_due(self.context.now.monotonic) {
            incoming.extend(self.servers.timer(&mut self.context, timer));
        }
        for one in incoming {
            let reply = match one.request.handler {
                Handler::Call => {
                    self.calls.push(one.connection);
                    continue;
                }
                Handler::FollowProcessLog => {
                    let (name, _) = followed(&one.request.path).unwrap();
                    let log = match name.as_str() {
                        "ring" => Followed::Ring(Rc::clone(&self.ring)),
                        name => Followed::Path(self.path(name).to_str().unwrap().to_owned()),
                    };
                    let unbuffered = true;
                    Reply::Log { log, unbuffered }
                }
                _ => whole(&format!("{}|", one.request.query)),
            };
            self.respond(one.connection, reply);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.clock = self.clock + time;
        self.context.now.monotonic = self.clock;
    }

    fn turns(&mut self) {
        for _ in 0..10 {
            self.turn();
        }
    }

    fn respond(&mut self, connection: ConnectionId, reply: Reply) {
        self.servers.respond(&mut self.context, connection, reply);
    }

    #[track_caller]
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Scene) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done(self) {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            self.turn();
        }
    }

    /// What a client receives until it holds `end`.
    #[track_caller]
    fn read(&mut self, client: &mut UnixStream, end: &str) -> String {
        let mut received = String::new();
        self.until(end, |_| {
            received += &drain(client);
            received.contains(end)
        });
        received
    }

    fn hold(&mut self) {
        self.servers.hold(&mut self.context);
    }

    fn go_on(&mut self) {
        self.servers.go_on(&mut self.context);
    }

    /// From here on it is the next program that goes on.
    fn hand_over(mut self) -> Scene {
        assert!(self.servers.is_quiet());
        let all = ((self.servers, self.context), self.ring);
        let ((servers, context), ring) = handed_over(&all);
        ((self.servers, self.context), self.ring) = all;
        self.servers.leave();
        Scene {
            servers,
            context,
            ring,
            ..self
        }
    }
}

fn whole(body: &str) -> Reply {
    let head = Response::xml_head(body.len() as u64);
    let body = body.as_bytes().to_vec();
    Reply::Whole(Response { body, ..head })
}

/// What is there.
fn drain(client: &mut UnixStream) -> String {
    let mut received = Vec::new();
    match client.read_to_end(&mut received) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
    }
    String::from_utf8(received).unwrap()
}

#[test]
fn who_is_held_back_is_answered_afterwards_by_this_program_or_the_next() {
    for is_handed_over in [false, true] {
        let mut scene = Scene::with(|server| server.limits.idle = Duration::from_secs(1));
        let mut silent = scene.asking(GET);
        scene.read(&mut silent, "one|");
        let mut patient = scene.client();
        scene.until("the client", |scene| scene.servers.connections.len() == 2);
        scene.hold();
        assert!(scene.servers.is_quiet());
        silent
            .write_all(GET.replace("one", "two").as_bytes())
            .unwrap();
        patient.write_all(GET.as_bytes()).unwrap();
        let mut new = scene.asking(GET);
        // Even longer than clients may be silent.
        scene.pass(Duration::from_secs(3600));
        scene.turns();
        assert_eq!(scene.servers.connections.len(), 2);
        assert_eq!(drain(&mut silent) + &drain(&mut patient), "");
        if is_handed_over {
            scene = scene.hand_over();
        }
        scene.go_on();
        scene.read(&mut silent, "two|");
        scene.read(&mut patient, "one|");
        scene.read(&mut new, "one|");
    }
}

#[test]
fn what_has_begun_comes_to_its_answer_and_what_is_behind_it_waits() {
    let mut scene = Scene::new();
    let (head, body) = (scene.asking("GET /?"), scene.asking(CALL));
    scene.until("both", |scene| scene.servers.connections.len() == 2);
    scene.turns();
    scene.hold();
    scene.turns();
    assert!(!scene.servers.is_quiet());
    let behind = GET.replace("one", "behind");
    let [mut head, mut body] =
        [(head, "one HTTP/1.1\r\n\r\n"), (body, "body")].map(|(mut client, rest)| {
            client
                .write_all((rest.to_owned() + &behind).as_bytes())
                .unwrap();
            client
        });
    let answer = scene.read(&mut head, "one|");
    assert!(!answer.contains("behind"), "{answer}");
    scene.until("the call", |scene| scene.servers.is_quiet());
    let call = scene.calls.pop().unwrap();
    let mut scene = scene.hand_over();
    scene.respond(call, whole("answer"));
    let answer = scene.read(&mut body, "answer");
    scene.turns();
    assert!(scene.servers.is_quiet());
    assert!(!answer.contains("behind"), "{answer}");
    assert_eq!(drain(&mut head) + &drain(&mut body), "");
    scene = scene.hand_over();
    scene.go_on();
    scene.read(&mut head, "behind|");
    scene.read(&mut body, "behind|");
}

#[test]
fn an_answer_that_its_client_has_not_taken_is_waited_for() {
    let mut scene = Scene::new();
    let mut client = scene.asking(&format!("{CALL}body"));
    scene.until("the call", |scene| !scene.calls.is_empty());
    scene.hold();
    assert!(scene.servers.is_quiet());
    let call = scene.calls[0];
    scene.respond(call, whole(&"x".repeat(1 << 20)));
    scene.turns();
    assert!(!scene.servers.is_quiet());
    let mut received = 0;
    scene.until("the end", |scene| {
        received += drain(&mut client).len();
        scene.servers.is_quiet()
    });
    scene = scene.hand_over();
    assert!(received + drain(&mut client).len() > 1 << 20);
    scene.go_on();
    client.write_all(GET.as_bytes()).unwrap();
    scene.read(&mut client, "one|");
}

#[test]
fn a_wrong_password_and_a_last_answer_go_over_with_their_times() {
    let mut scene = Scene::with(|server| {
        server.credentials = Some(Credentials {
            username: "user".to_owned(),
            password: "pass".to_owned(),
        });
    });
    let wrong = "GET / HTTP/1.1\r\nAuthorization: Basic eDp5\r\n\r\n";
    let mut wrong = scene.asking(wrong);
    let mut last = scene.asking("GET / HTTP/1.1\r\n\r\n");
    scene.read(&mut last, "</body>");
    scene.until("both", |scene| {
        let clients = scene.servers.connections.values();
        let busy: Vec<bool> = clients.map(|at| at.connection.is_busy()).collect();
        busy == [true, false]
    });
    scene.hold();
    let mut scene = scene.hand_over();
    scene.go_on();
    scene.turns();
    assert_eq!(drain(&mut wrong), "");
    scene.pass(Duration::from_secs(1));
    let answer = scene.read(&mut wrong, "</body>");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("WWW-Authenticate"), "{answer}");
    scene.pass(Duration::from_secs(6));
    scene.until("the ends", |scene| scene.servers.connections.is_empty());
}

#[test]
fn who_follows_a_log_misses_nothing_and_gets_nothing_twice() {
    let mut scene = Scene::new();
    fs::write(scene.path("log"), "").unwrap();
    let mut clients_of_logs = ["log", "ring"].map(|name| {
        let mut client = scene.asking(&format!("GET /logtail/{name} HTTP/1.0\r\n\r\n"));
        scene.read(&mut client, "\r\n\r\n");
        client
    });
    let mut file = OpenOptions::new()
        .append(true)
        .open(scene.path("log"))
        .unwrap();
    let mut write = |scene: &mut Scene, text: &[u8]| {
        file.write_all(text).unwrap();
        scene.ring.borrow_mut().push(text);
        scene.pass(Duration::from_secs(2));
        scene.turns();
    };
    for round in 0..3 {
        let lines: String = (0..40_000)
            .map(|line| format!("{round} {line}\n"))
            .collect();
        write(&mut scene, lines.as_bytes());
        // Neither client reads. Of what it has not taken, a part is in the daemon.
        let clients = scene.servers.connections.values();
        assert!(
            clients
                .map(|at| at.connection.waiting())
                .all(|size| size > 0)
        );
        scene.hold();
        scene = scene.hand_over();
        scene.go_on();
        for client in &mut clients_of_logs {
            let mut received = String::new();
            scene.until("all", |_| {
                received += &drain(client);
                received.len() >= lines.len()
            });
            assert!(received == lines, "{round}");
        }
        let (half, rest) = "€\n".as_bytes().split_at(2);
        write(&mut scene, half);
        scene.hold();
        scene = scene.hand_over();
        scene.go_on();
        scene.turns();
        assert_eq!(clients_of_logs.each_mut().map(drain), ["", ""]);
        write(&mut scene, rest);
        for client in &mut clients_of_logs {
            assert_eq!(scene.read(client, "\n"), "€\n");
        }
    }
}

#[test]
fn the_socket_file_goes_over_with_what_watches_it() {
    let mut scene = Scene::new();
    scene.hold();
    let mut scene = scene.hand_over();
    let path = scene.path("sock");
    assert!(path.exists());
    // A file that vanishes while clients are held back is made again, and they are held back:
    // who waits at the old socket, since that is closed, in the daemon.
    let mut early = scene.asking(GET);
    fs::remove_file(&path).unwrap();
    scene.until("another one", |scene| {
        scene.pass(Duration::from_secs(1));
        path.exists()
    });
    let mut client = scene.asking(GET);
    scene.turns();
    assert_eq!(scene.servers.connections.len(), 1);
    assert_eq!(drain(&mut early) + &drain(&mut client), "");
    let mut scene = scene.hand_over();
    scene.go_on();
    scene.read(&mut early, "one|");
    scene.read(&mut client, "one|");
    scene.turns();
    let mut ready = Vec::new();
    let poller = &mut scene.context.poller;
    poller.wait(Some(Duration::ZERO), &mut ready).unwrap();
    assert!(ready.is_empty(), "the loop spins: {ready:?}");
    scene.servers.close(&mut scene.context);
    assert!(!path.exists());
}

#[test]
fn a_server_that_was_full_accepts_again() {
    let mut scene = Scene::with(|server| server.limits.connections = 2);
    let _calls: Vec<UnixStream> = (0..2)
        .map(|number| {
            let client = scene.asking(&format!("{CALL}body"));
            scene.until("a call", |scene| scene.calls.len() > number);
            client
        })
        .collect();
    let mut third = scene.asking(GET);
    scene.until("the pause", |scene| scene.servers.suspended);
    scene.hold();
    let mut scene = scene.hand_over();
    scene.respond(scene.calls[0], whole("answer"));
    scene.pass(Duration::from_secs(3600));
    scene.turns();
    assert_eq!(scene.servers.next, 2);
    scene.go_on();
    scene.read(&mut third, "one|");
}

#[test]
fn a_trial_in_the_midst_of_requests_finds_a_state_that_can_be_read() {
    let mut scene = Scene::new();
    let mut answered = scene.asking(&format!("{CALL}body"));
    scene.until("the call", |scene| !scene.calls.is_empty());
    scene.respond(scene.calls[0], whole(&"x".repeat(1 << 20)));
    let _half = scene.asking(CALL);
    scene.until("both", |scene| scene.servers.connections.len() == 2);
    scene.turns();
    assert!(!scene.servers.is_quiet());
    let mut to = Writer::default();
    to.list(&[&scene.servers, &scene.context]);
    let (text, numbers) = to.finish();
    let stand_ins = descriptors::stand_ins(&numbers).unwrap();
    let mut from = Reader::new(&text, stand_ins, |error| panic!("{error}"));
    let (mut servers, _context): (Servers, LoopContext) = Saved::restored(&mut from);
    assert!(
        servers
            .connections
            .values()
            .all(|at| at.connection.is_quiet())
    );
    servers.leave();
    // Nobody has noticed.
    let mut received = 0;
    scene.until("the end", |_| {
        received += drain(&mut answered).len();
        received > 1 << 20
    });
}
