//! Servers in this process with a loop around them, and how tests speak to them.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pollvisor::config::limits::Limits;
use pollvisor::config::monitoring::Monitoring;
use pollvisor::config::{Address, Credentials, Server};
use pollvisor::http::refusal::Refusal;
use pollvisor::http::reply::{Followed, Reply};
use pollvisor::http::response::Response;
use pollvisor::http::routes::{self, Handler};
use pollvisor::http::server::Servers;
use pollvisor::log_level::Level;
use pollvisor::loggers::logger::Logger;
use pollvisor::loop_context::LoopContext;
use pollvisor::sys::spawn::ErrorPipe;
use pollvisor::sys::time;
use pollvisor::tokens::ConnectionId;
use pollvisor::xmlrpc::call::Call;
use pollvisor::xmlrpc::response;
use pollvisor::xmlrpc::value::Value;

pub const PATIENCE: Duration = Duration::from_secs(20);

/// Servers with a loop around them, and an application that gives back the
/// parameters of calls, and bodies that are none as they are.
pub struct Daemon {
    pub context: LoopContext,
    pub servers: Servers,
    pub directory: tempfile::TempDir,
    pub port: u16,
    /// Added to the clock.
    pub ahead: Duration,
    /// The clock goes on with the turns of the loop, and not with time.
    pub is_slow: bool,
    /// Calls are kept here instead of being answered.
    pub hold: bool,
    pub held: Vec<ConnectionId>,
    /// Turns of the loop in which something happened.
    pub busy_turns: usize,
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

pub fn inet(host: &str, port: u16) -> Server {
    Server {
        section: "inet_http_server".to_owned(),
        address: Address::Inet {
            host: host.to_owned(),
            port,
        },
        credentials: None,
        readonly_credentials: None,
        readonly: false,
        require_authentication: false,
        allowed_hosts: Vec::new(),
        limits: Limits::default(),
        web_get_actions: false,
        monitoring: Monitoring::default(),
    }
}

pub fn unix(path: &std::path::Path, mode: u32) -> Server {
    Server {
        section: "unix_http_server".to_owned(),
        address: Address::Unix {
            path: path.to_str().unwrap().to_owned(),
            mode,
            owner: None,
        },
        credentials: None,
        readonly_credentials: None,
        readonly: false,
        require_authentication: false,
        allowed_hosts: Vec::new(),
        limits: Limits::default(),
        web_get_actions: false,
        monitoring: Monitoring::default(),
    }
}

pub fn user(name: &str, password: &str) -> Option<Credentials> {
    Some(Credentials {
        username: name.to_owned(),
        password: password.to_owned(),
    })
}

pub fn context() -> LoopContext {
    let log = Logger::new(Level::Critical, "supervisord");
    LoopContext::new(log, ErrorPipe::new().unwrap(), time::now()).unwrap()
}

impl Daemon {
    pub fn new() -> Daemon {
        Daemon::with(None)
    }

    pub fn with(credentials: Option<Credentials>) -> Daemon {
        Daemon::configured(|server| server.credentials.clone_from(&credentials))
    }

    pub fn limited(limits: Limits) -> Daemon {
        Daemon::configured(|server| server.limits = limits)
    }

    pub fn configured(configure: impl Fn(&mut Server)) -> Daemon {
        let directory = tempfile::tempdir().unwrap();
        let mut context = context();
        // Somebody may take a free port before it is bound here.
        let (port, servers) = (0..20)
            .find_map(|_| {
                let port = free_port();
                let mut configured = [
                    inet("127.0.0.1", port),
                    unix(&directory.path().join("sock"), 0o700),
                ];
                configured.iter_mut().for_each(&configure);
                let servers = Servers::open(&configured, &mut context).ok()?;
                Some((port, servers))
            })
            .unwrap();
        Daemon {
            context,
            servers,
            directory,
            port,
            ahead: Duration::ZERO,
            is_slow: false,
            hold: false,
            held: Vec::new(),
            busy_turns: 0,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    pub fn unix(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path("sock")).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    pub fn clock(&mut self) {
        if self.is_slow {
            let monotonic = &mut self.context.now.monotonic;
            *monotonic = *monotonic + Duration::from_micros(100);
            return;
        }
        self.context.now = time::now();
        self.context.now.monotonic = self.context.now.monotonic + self.ahead;
    }

    pub fn turn(&mut self) {
        let mut ready = Vec::new();
        let limit = Duration::from_millis(5);
        self.context.poller.wait(Some(limit), &mut ready).unwrap();
        self.clock();
        let mut incoming = Vec::new();
        self.busy_turns += usize::from(!ready.is_empty());
        for event in ready {
            incoming.extend(self.servers.handle(&mut self.context, event));
        }
        while let Some(timer) = self.context.timers.pop_due(self.context.now.monotonic) {
            incoming.extend(self.servers.timer(&mut self.context, timer));
        }
        for one in incoming {
            let reply = match one.request.handler {
                Handler::Call if self.hold => {
                    self.held.push(one.connection);
                    continue;
                }
                Handler::Call => match Call::read(&one.request.body) {
                    Ok(call) => xml(response::write(Ok(&Value::Array(call.params)))),
                    Err(_) => xml(one.request.body),
                },
                Handler::FollowProcessLog => match routes::followed(&one.request.path) {
                    Some((name, channel)) if channel == "stdout" => self.log(&name, true),
                    _ => Refusal::NoLog.into(),
                },
                Handler::FollowMainLog => self.log("main.log", false),
                Handler::Page(_)
                | Handler::Changes
                | Handler::Alive
                | Handler::Ready
                | Handler::Metrics(_) => {
                    xml([one.request.query.as_bytes(), b"|", &one.request.body].concat())
                }
            };
            self.respond(one.connection, reply);
        }
        assert!(self.context.buffer.is_empty());
    }

    pub fn respond(&mut self, connection: ConnectionId, reply: impl Into<Reply>) {
        self.servers.respond(&mut self.context, connection, reply);
    }

    fn log(&self, name: &str, unbuffered: bool) -> Reply {
        let path = self.path(name).to_str().unwrap().to_owned();
        Reply::Log {
            log: Followed::Path(path),
            unbuffered,
        }
    }

    /// Turns until `done` or the end of patience.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Daemon) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            self.turn();
        }
    }

    /// What `stream` receives until it holds `end`.
    pub fn read_until(&mut self, stream: &mut impl Read, end: &str) -> String {
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
    pub fn read_to_end(&mut self, stream: &mut impl Read) -> String {
        let mut received = Vec::new();
        self.until("the end", |_| drain(stream, &mut received));
        String::from_utf8_lossy(&received).into_owned()
    }

    pub fn ask(&mut self, request: &str, end: &str) -> String {
        let mut stream = self.tcp();
        stream.write_all(request.as_bytes()).unwrap();
        self.read_until(&mut stream, end)
    }

    pub fn ask_to_end(&mut self, request: &str) -> String {
        let mut stream = self.tcp();
        stream.write_all(request.as_bytes()).unwrap();
        self.read_to_end(&mut stream)
    }

    pub fn idle(&self) -> bool {
        self.context
            .timers
            .wait(self.context.now.monotonic)
            .is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.servers.close(&mut self.context);
    }
}

/// The answer to a call with these bytes.
pub fn xml(body: Vec<u8>) -> Reply {
    let head = Response::xml_head(body.len() as u64);
    Reply::Whole(Response { body, ..head })
}

/// Reads what is there; true at the end of the stream.
pub fn drain(stream: &mut impl Read, received: &mut Vec<u8>) -> bool {
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

pub fn call(body: &str) -> String {
    format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
