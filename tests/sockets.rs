//! Sockets on which supervisord listens for programs: what these are given, that nobody is refused
//! while they are restarted, and until when they are open.

use super::support::{
    Ctl, DEADLINE, Dir, Finished, Kind, Scene, Value, c, descriptors_of, kill, usual_configuration,
    wait_for, wait_until,
};
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;

/// A server as sd_listen_fds(3) has it.
const SERVER: &str = include_str!("support/listen.c");

/// A directory with the server in it.
pub fn dir() -> Dir {
    let dir = Dir::new();
    c::program(&dir, "server", SERVER);
    dir
}

/// An address that no other test has and where nobody listens: each has a loopback address of its
/// own. A socket to try it would live on for a moment in what other tests start meanwhile.
pub fn address() -> SocketAddr {
    static LAST: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let ip = [127, high, low, LAST.fetch_add(1, Ordering::Relaxed)];
    let mut all = (10_000..).map(|port| SocketAddr::from((ip, port)));
    all.find(|address| TcpStream::connect(address).is_err())
        .unwrap()
}

/// A program with the server and these keys.
pub fn served(name: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=%(here)s/server {name}\nstartsecs=0\n{keys}\n")
}

/// What the server answers: its pid, its name, that of the socket, and how it found that.
pub fn asked(address: SocketAddr) -> std::io::Result<Vec<String>> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    words(stream)
}

/// The same at a unix socket, where somebody is to answer.
pub fn asked_unix(path: &Path) -> Vec<String> {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    words(stream).unwrap()
}

fn words(mut stream: impl Read) -> std::io::Result<Vec<String>> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let words: Vec<String> = answer.split_whitespace().map(str::to_owned).collect();
    match words.len() {
        4 => Ok(words),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// Waits until somebody answers, and not this process.
fn served_by_another(address: SocketAddr, pid: u32) -> Vec<String> {
    let answer = wait_for(DEADLINE, || {
        asked(address)
            .ok()
            .filter(|words| words[0] != pid.to_string())
    });
    answer.unwrap_or_else(|| panic!("nobody but {pid} answers"))
}

pub fn ctl(scene: &Scene, words: &[&str]) -> Finished {
    Ctl::new(Kind::Ours, &scene.dir).run(words)
}

pub fn is_root() -> bool {
    nix::unistd::getuid().is_root()
}

/// Writes what a program has of sockets: its variables and its descriptors.
const LOOK: &str = "{ env | grep ^LISTEN; ls /proc/self/fd; } > \"$1.new\" 2>&1\n\
    mv \"$1.new\" \"$1\"\nexec sleep 600";

#[test]
fn a_program_has_its_sockets_from_descriptor_3_on_and_no_other_program_has_them() {
    let dir = dir();
    dir.script("look", LOOK);
    dir.script("hook", "ls /proc/self/fd > hook.seen");
    dir.write("variables", "LISTEN_FDS=9\nLISTEN_FDNAMES=file\n");
    let address = address();
    let web = served(
        "web",
        &format!(
            "process_name=%(process_num)d\nnumprocs=2\n\
             command=%(here)s/server %(process_num)d ready\ndirectory=%(here)s\n\
             sockets=web=tcp://{address}, admin=unix:%(here)s/a.sock\nsocket_mode=0640\n\
             readiness=fd:5\nenvironment=LISTEN_PID=1\nenvironment_file=%(here)s/variables\n\
             pre_start_hook=%(here)s/hook\n"
        ),
    )
    .replacen("command=%(here)s/server web\n", "", 1);
    let plain = "[program:plain]\ncommand=%(here)s/look seen\ndirectory=%(here)s\nstartsecs=0\n";
    let scene = Scene::start_as(dir, &format!("{web}{plain}"), |launch| {
        launch.environment = &[
            ("LISTEN_FDS", "2"),
            ("LISTEN_PID", "1"),
            ("LISTEN_FDNAMES", "x"),
        ];
    });
    scene.wait_all("RUNNING");
    for name in ["0", "1"] {
        let answer = wait_for(DEADLINE, || {
            asked(address).ok().filter(|words| words[1] == name)
        });
        let pid = scene.pid(&format!("web:{name}"));
        let expected = [&pid.to_string(), name, "web", "blocking"];
        assert_eq!(answer.unwrap(), expected);
        assert_eq!(descriptors_of(pid), [0, 1, 2, 3, 4, 5]);
    }
    let path = scene.dir.join("a.sock");
    let answer = asked_unix(&path);
    assert_eq!(answer[2..], ["admin", "blocking"]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    let inode = |name: &str| {
        let link = format!("/proc/{}/fd/3", scene.pid(name));
        fs::read_link(link).unwrap()
    };
    assert_eq!(inode("web:0"), inode("web:1"));
    // 3 is the directory that ls reads.
    for file in ["seen", "hook.seen"] {
        let seen = wait_for(DEADLINE, || scene.dir.read(file));
        assert_eq!(seen.as_deref(), Some("0\n1\n2\n3\n"), "{file}");
    }
    scene.stop();
}

/// Clients that connect one time after the other, until they are told to end.
pub struct Load {
    is_over: AtomicBool,
}

impl Load {
    /// Runs some while clients connect, and says what became of their connections: none may be
    /// refused. What a process that is killed has accepted is lost with it.
    pub fn on(address: SocketAddr, doing: impl FnOnce()) {
        const CLIENTS: usize = 3;
        let load = Load {
            is_over: AtomicBool::new(false),
        };
        let refused: Vec<String> = thread::scope(|scope| {
            let clients = [(); CLIENTS].map(|()| scope.spawn(|| load.client(address)));
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(doing));
            load.is_over.store(true, Ordering::Relaxed);
            let refused = clients.map(|client| client.join().unwrap());
            if let Err(panic) = done {
                std::panic::resume_unwind(panic);
            }
            refused.concat()
        });
        assert_eq!(refused, [""; 0]);
    }

    fn client(&self, address: SocketAddr) -> Vec<String> {
        let mut refused = Vec::new();
        while !self.is_over.load(Ordering::Relaxed) {
            match TcpStream::connect(address) {
                Ok(mut stream) => {
                    let _ = stream.set_read_timeout(Some(DEADLINE));
                    let _ = stream.write_all(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n");
                    let _ = stream.read_to_end(&mut Vec::new());
                }
                Err(error) => refused.push(error.to_string()),
            }
        }
        refused
    }
}

#[test]
fn not_one_connection_is_refused_in_restarts_crashes_and_updates() {
    let address = address();
    let keys = |more: &str| format!("autorestart=true\nsockets=web=tcp://{address}\n{more}");
    let scene = Scene::start_as(dir(), &served("web", &keys("")), |_| {});
    scene.wait("web", "RUNNING");
    let mut pid = scene.pid("web");
    Load::on(address, || {
        for line in [
            &["restart", "web"][..],
            &["restart", "--rolling", "web"],
            &["kill"],
            &["kill"],
            &["update"],
            &["update", "--whole-groups"],
        ] {
            match line[0] {
                "restart" => assert_eq!(ctl(&scene, line).status, Some(0)),
                "kill" => kill(pid, libc::SIGKILL),
                _ => {
                    let text = served("web", &keys(&format!("environment=A={pid}")));
                    scene
                        .dir
                        .write("supervisord.conf", usual_configuration(&text));
                    let update = ctl(&scene, line);
                    assert!(update.stdout.contains("web"), "{update:?}");
                }
            }
            pid = served_by_another(address, pid)[0].parse().unwrap();
        }
    });
    let creations = scene.log().matches("Creating socket").count();
    assert_eq!(creations, 1, "{}", scene.log());
    scene.stop();
}

#[test]
fn clients_wait_for_a_program_that_is_stopped() {
    let address = address();
    let keys = format!("autostart=false\nsockets=web=tcp://{address}\n");
    let scene = Scene::start_as(dir(), &served("web", &keys), |_| {});
    let error = asked(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(ctl(&scene, &["start", "web"]).status, Some(0));
    let first = asked(address).unwrap();
    assert_eq!(ctl(&scene, &["stop", "web"]).status, Some(0));
    let waiting = TcpStream::connect(address).unwrap();
    waiting.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(ctl(&scene, &["start", "web"]).status, Some(0));
    assert_ne!(words(waiting).unwrap()[0], first[0]);
    scene.stop();
}

#[test]
fn a_socket_is_closed_when_nobody_has_it_any_more() {
    let (kept, gone) = (address(), address());
    let file = |keys: &str| usual_configuration(&served("web", keys));
    let both = format!("sockets=a=tcp://{kept}, b=tcp://{gone}\n");
    let scene = Scene::start_as(dir(), &served("web", &both), |_| {});
    scene.wait("web", "RUNNING");
    for address in [kept, gone] {
        asked(address).unwrap();
    }
    scene.dir.write(
        "supervisord.conf",
        file(&format!("sockets=a=tcp://{kept}\n")),
    );
    assert_eq!(ctl(&scene, &["reread"]).status, Some(0));
    asked(gone).unwrap();
    assert_eq!(ctl(&scene, &["update"]).status, Some(0));
    let error = asked(gone).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    scene.wait_log(&format!("Closing socket tcp://{gone}"));
    asked(kept).unwrap();
    // One that is removed by hand may come back; one that is not configured any more may not.
    ctl(&scene, &["stop", "web"]);
    ctl(&scene, &["remove", "web"]);
    TcpStream::connect(kept).unwrap();
    scene.dir.write("supervisord.conf", usual_configuration(""));
    ctl(&scene, &["reread"]);
    let error = TcpStream::connect(kept).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    scene.stop();
}

#[test]
fn a_reload_closes_the_sockets_and_opens_them_anew() {
    let address = address();
    let keys = format!("sockets=web=tcp://{address}\n");
    let scene = Scene::start_as(dir(), &served("web", &keys), |_| {});
    scene.wait("web", "RUNNING");
    let pid = asked(address).unwrap()[0].parse().unwrap();
    let before = descriptors_of(scene.daemon.pid()).len();
    assert_eq!(ctl(&scene, &["reload"]).status, Some(0));
    served_by_another(address, pid);
    let creations = scene.log().matches("Creating socket").count();
    assert_eq!(creations, 2, "{}", scene.log());
    let is_no_more = || descriptors_of(scene.daemon.pid()).len() <= before;
    assert!(wait_until(DEADLINE, is_no_more));
    scene.stop();
}

#[test]
fn what_a_process_has_done_to_its_socket_is_undone_for_the_next() {
    let address = address();
    let keys = format!("sockets=web=tcp://{address}, admin=unix:%(here)s/a.sock\n");
    let text = served("web", &keys);
    let scene = Scene::start_as(dir(), &text, |_| {});
    scene.wait("web", "RUNNING");
    let path = scene.dir.join("a.sock");
    let restarted = |argument: &str| {
        let text = text.replace("server web", &format!("server web {argument}"));
        scene
            .dir
            .write("supervisord.conf", usual_configuration(&text));
        assert_eq!(ctl(&scene, &["update"]).status, Some(0));
        let answer = wait_for(DEADLINE, || asked(address).ok()).unwrap();
        assert_eq!(answer[3], "blocking", "{argument}");
    };
    for argument in ["nonblocking", "shut", "", "shut", "nonblocking"] {
        restarted(argument);
        if argument == "shut" {
            let is_refused = || TcpStream::connect(address).is_err();
            assert!(wait_until(DEADLINE, is_refused));
            let is_refused = || UnixStream::connect(&path).is_err();
            assert!(wait_until(DEADLINE, is_refused));
        } else {
            asked_unix(&path);
        }
    }
    // One whose file is gone is made anew as well.
    fs::remove_file(&path).unwrap();
    assert_eq!(ctl(&scene, &["restart", "web"]).status, Some(0));
    asked_unix(&path);
    scene.stop();
}

#[test]
fn a_process_beside_another_one_finds_the_sockets_as_that_has_them() {
    let address = address();
    let keys = format!("numprocs=2\nprocess_name=%(process_num)d\nsockets=web=tcp://{address}\n");
    let text = served("web", &keys).replace("server web", "server %(process_num)d nonblocking");
    let scene = Scene::start_as(dir(), &text, |_| {});
    scene.wait_all("RUNNING");
    let found = |name: &str| {
        let answer = wait_for(DEADLINE, || {
            asked(address).ok().filter(|words| words[1] == name)
        });
        answer.unwrap()[3].clone()
    };
    for name in ["0", "1"] {
        found(name);
        assert_eq!(
            ctl(&scene, &["restart", &format!("web:{name}")]).status,
            Some(0)
        );
        assert_eq!(found(name), "nonblocking");
    }
    scene.stop();
}

#[test]
fn a_socket_of_ipv6_is_written_in_brackets() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    let mut all = (first..).map(|port| SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    let address = all.find(|address| TcpStream::connect(address).is_err());
    let address = address.unwrap();
    let keys = format!("sockets=web=tcp://{address}\n");
    let scene = Scene::start_as(dir(), &served("web", &keys), |_| {});
    scene.wait("web", "RUNNING");
    asked(address).unwrap();
    scene.wait_log(&format!("Creating socket tcp://{address}"));
    scene.stop();
}

/// A port that only root may have and nobody has, on an address of its own.
pub fn privileged() -> Option<SocketAddr> {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").ok()?;
    let first: u16 = first.trim().parse().ok()?;
    let mut address = address();
    address.set_port(first.checked_sub(1).filter(|port| *port > 0)?);
    Some(address)
}

#[test]
fn a_program_that_is_not_root_has_a_port_that_root_has_opened() {
    let Some(address) = privileged().filter(|_| is_root()) else {
        return;
    };
    let dir = dir();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let keys = format!("user=nobody\nsockets=web=tcp://{address}, admin=unix:%(here)s/a.sock\n");
    let scene = Scene::start_as(dir, &served("web", &keys), |_| {});
    scene.wait("web", "RUNNING");
    let pid = asked(address).unwrap()[0].clone();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("Uid:\t65534\t"), "{status}");
    let found = fs::metadata(scene.dir.join("a.sock")).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o777), (65534, 0o700));
    scene.stop();
}

#[test]
fn descriptors_of_sockets_do_not_pile_up() {
    let address = address();
    let keys = format!("sockets=web=tcp://{address}, admin=unix:%(here)s/a.sock\n");
    let scene = Scene::start_as(dir(), &served("web", &keys), |_| {});
    scene.wait("web", "RUNNING");
    asked(address).unwrap();
    let count = || descriptors_of(scene.daemon.pid()).len();
    let before = count();
    let name = [Value::text("web")];
    for _ in 0..30 {
        scene.call("stopProcess", &name).answer();
        scene.call("startProcess", &name).answer();
    }
    asked(address).unwrap();
    let is_same = wait_until(DEADLINE, || count() <= before);
    assert!(is_same, "{before} descriptors became {}", count());
    scene.stop();
}
