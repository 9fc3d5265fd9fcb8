//! Real servers on sockets that supervisord has opened for them: gunicorn, nginx and the one of
//! Python's library, restarted and killed under clients of which none is refused.

use super::real_programs::{from_pypi, program};
use super::sockets::{Load, address};
use super::support::{Ctl, DEADLINE, Dir, Kind, Scene, original_home, wait_for, wait_until};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

/// What an HTTP server answers.
fn answer(mut stream: impl Read + Write) -> Option<String> {
    stream
        .write_all(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.").then_some(answer)
}

fn asked(address: SocketAddr) -> Option<String> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    answer(stream)
}

/// Restarts, kills and updates a server under clients; `text` is in what it answers.
fn is_never_refused(scene: &Scene, address: SocketAddr, text: &str) {
    let answers = || asked(address).is_some_and(|answer| answer.contains(text));
    scene.wait("web", "RUNNING");
    assert!(wait_until(DEADLINE, answers), "{}", scene.log());
    Load::on(address, || {
        for word in ["restart", "crash", "update"] {
            let before = scene.pid("web");
            match word {
                // With its workers, which would go on as nobody's.
                "crash" => {
                    let group = Pid::from_raw(i32::try_from(before).unwrap());
                    killpg(group, Signal::SIGKILL).unwrap();
                }
                "update" => {
                    let file = scene.dir.read("supervisord.conf").unwrap();
                    let more = format!("{file}stopwaitsecs=11\ndirectory=%(here)s/bin/..\n");
                    scene.dir.write("supervisord.conf", more);
                    let end = Ctl::new(Kind::Ours, &scene.dir).run(&["update"]);
                    assert_eq!(end.status, Some(0), "{end:?}");
                }
                _ => {
                    let end = Ctl::new(Kind::Ours, &scene.dir).run(&["restart", "web"]);
                    assert_eq!(end.status, Some(0), "{end:?}");
                }
            }
            let is_new = || {
                let info = scene.info("web");
                let pid = info.int_of("pid");
                info.text_of("statename") == "RUNNING" && pid != i64::from(before)
            };
            assert!(wait_until(DEADLINE, is_new), "{}", scene.log());
            assert!(wait_until(DEADLINE, answers), "{word}\n{}", scene.log());
        }
    });
}

fn configuration(command: &str, address: SocketAddr, keys: &str) -> String {
    format!(
        "[program:web]\ncommand={command}\nautorestart=true\nstartsecs=0\nstopasgroup=false\n\
         redirect_stderr=true\nstdout_logfile=%(here)s/web.log\n\
         sockets=web=tcp://{address}, admin=unix:%(here)s/a.sock\n{keys}"
    )
}

fn answers_on_unix(scene: &Scene, text: &str) {
    let found = wait_for(DEADLINE, || {
        let stream = UnixStream::connect(scene.dir.join("a.sock")).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).ok()?;
        answer(stream)
    });
    assert!(
        found.as_ref().is_some_and(|answer| answer.contains(text)),
        "{found:?}"
    );
}

#[test]
fn no_client_of_gunicorn_is_refused() {
    let dir = Dir::new();
    dir.write(
        "application.py",
        "def app(environ, start_response):\n    \
         start_response('200 OK', [('Content-Type', 'text/plain')])\n    \
         return [b'gunicorn says 42']\n",
    );
    let address = address();
    let gunicorn = from_pypi("gunicorn");
    let command = format!("{} --workers 1 application:app", gunicorn.display());
    let text = configuration(&command, address, "environment=PYTHONPATH=\"%(here)s\"\n");
    let scene = Scene::start_as(dir, &text, |_| {});
    is_never_refused(&scene, address, "gunicorn says 42");
    answers_on_unix(&scene, "gunicorn says 42");
    scene.stop();
}

const NGINX: &str = "\
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr;
events { worker_connections 32; }
http {
  access_log off;
  client_body_temp_path temp/b; proxy_temp_path temp/p; fastcgi_temp_path temp/f;
  uwsgi_temp_path temp/u; scgi_temp_path temp/s;
  server {
    listen ADDRESS;
    listen unix:DIR/a.sock;
    return 200 'nginx says 42';
  }
}
";

#[test]
fn no_client_of_nginx_is_refused() {
    let dir = Dir::new();
    let address = address();
    let here = dir.path().display().to_string();
    let text = NGINX.replace("ADDRESS", &address.to_string());
    dir.write("nginx.conf", text.replace("DIR", &here));
    std::fs::create_dir(dir.join("temp")).unwrap();
    let nginx = program("nginx");
    let command = format!("{} -p %(here)s -c nginx.conf -e stderr", nginx.display());
    // It is told in its own way which descriptors listen.
    let keys = "environment=NGINX=\"3:4:\"\nkillasgroup=true\n";
    let text = configuration(&command, address, keys);
    let scene = Scene::start_as(dir, &text, |_| {});
    is_never_refused(&scene, address, "nginx says 42");
    answers_on_unix(&scene, "nginx says 42");
    scene.stop();
}

/// As its documentation has it, but for the socket.
const PYTHON: &str = "\
import http.server, os, socket, socketserver
assert os.environ['LISTEN_PID'] == str(os.getpid())
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'python says 42')
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
server = Server(None, Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.server_name, server.server_port = 'x', 0
server.serve_forever()
";

#[test]
fn no_client_of_the_server_in_python_s_library_is_refused() {
    let dir = Dir::new();
    dir.write("server.py", PYTHON);
    let address = address();
    let python = original_home().join("bin/python");
    let command = format!("{} %(here)s/server.py", python.display());
    let scene = Scene::start_as(dir, &configuration(&command, address, ""), |_| {});
    is_never_refused(&scene, address, "python says 42");
    scene.stop();
}
