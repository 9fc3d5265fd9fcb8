//! A rolling restart of eight web servers behind nginx, while a client asks them all the time: not
//! one request fails. nginx has its own defaults for what it does about a server that fails.

use std::process::{Child, Command, Stdio};

use super::proxies::{Proxy, Software, free_port};
use super::support::{Ctl, DEADLINE, Dir, Kind, Scene, plain_environment, wait_for, wait_until};

/// Serves HTTP on the socket of its descriptor 0, or on the port of its argument. It says when it
/// is ready. Told to stop, it answers what has come and takes nothing else.
const SERVER: &str = r#"
import os, select, signal, socket, sys
end, wakes = os.pipe()
os.set_blocking(wakes, False)
signal.set_wakeup_fd(wakes)
signal.signal(signal.SIGTERM, lambda *_: None)
if len(sys.argv) > 1:
    listener = socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=128)
else:
    listener = socket.socket(fileno=os.dup(0))
listener.setblocking(False)

def serve():
    try:
        client, _ = listener.accept()
    except BlockingIOError:
        return False
    client.setblocking(True)
    asked = b''
    while b'\r\n\r\n' not in asked:
        part = client.recv(4096)
        if not part:
            return True
        asked += part
    body = b'%d\n' % os.getpid()
    client.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
    client.close()
    return True

name = os.environ['NOTIFY_SOCKET']
address = '\0' + name[1:] if name[0] == '@' else name
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', address)
while end not in select.select([listener, end], [], [])[0]:
    serve()
if len(sys.argv) > 1:
    while serve():
        pass
"#;

/// Asks a server from four threads until a file is there, or 20,000 times. It makes the file
/// `asked` when it has been answered a hundred times, and tells at the end how often it has
/// asked, how many others have answered, and what has failed.
const CLIENT: &str = r#"
import http.client, os, sys, threading, time
port, done, asked = int(sys.argv[1]), sys.argv[2], sys.argv[3]
answers, failures, lock = [], [], threading.Lock()

def ask():
    for _ in range(5000):
        if os.path.exists(done):
            return
        try:
            connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
            connection.request('GET', '/')
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            told = None if answer.status == 200 else 'status %d' % answer.status
        except Exception as error:
            told = repr(error)
        with lock:
            if told:
                failures.append(told)
            else:
                answers.append(body)
                if len(answers) == 100:
                    open(asked, 'w').close()
        time.sleep(0.005)

threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(answers), len(set(answers)), sorted(set(failures)))
"#;

/// A client at work.
struct Client(Child);

impl Client {
    fn start(dir: &Dir, port: u16) -> Client {
        let script = dir.write("client.py", CLIENT);
        let mut command = Command::new("python3");
        plain_environment(&mut command);
        command.arg(script).arg(port.to_string());
        command.arg(dir.join("done")).arg(dir.join("asked"));
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let client = Client(child);
        let is_at_work = wait_until(DEADLINE, || dir.join("asked").exists());
        assert!(is_at_work, "no answers");
        client
    }

    /// What it tells when it has ended.
    fn end(mut self, dir: &Dir) -> String {
        dir.write("done", "");
        let ended = wait_for(DEADLINE, || self.0.try_wait().unwrap());
        assert!(ended.is_some(), "the client does not end");
        let mut told = String::new();
        let mut stdout = self.0.stdout.take().unwrap();
        std::io::Read::read_to_string(&mut stdout, &mut told).unwrap();
        told
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn pids(scene: &Scene) -> Vec<i64> {
    let all = scene.all();
    all.iter().map(|info| info.int_of("pid")).collect()
}

/// Restarts all servers behind nginx, which has these settings, and looks at what a client had
/// from that.
fn nobody_notices(scene: &Scene, settings: &str) {
    scene.wait_all("RUNNING");
    let nginx = Proxy::start(Software::Nginx, &scene.dir, settings);
    let before = pids(scene);
    let client = Client::start(&scene.dir, nginx.port);
    let words = ["restart", "--rolling", "web:*"];
    let finished = Ctl::new(Kind::Ours, &scene.dir).run(&words);
    assert_eq!(finished.status, Some(0), "{}", finished.stdout);
    let after = pids(scene);
    let told = client.end(&scene.dir);
    assert!(before.iter().all(|pid| !after.contains(pid)), "{after:?}");
    let errors = scene.dir.read("error.log").unwrap_or_default();
    assert!(told.ends_with(" []\n"), "{told}\n{errors}");
    let answered: Vec<usize> = told
        .split(' ')
        .take(2)
        .map(|word| word.parse().unwrap())
        .collect();
    assert!(answered[0] >= 100 && answered[1] > 8, "{told}");
}

#[test]
fn eight_servers_that_share_a_socket_are_restarted_and_no_request_fails() {
    let dir = Dir::new();
    dir.write("server.py", SERVER);
    let port = free_port();
    let servers = format!(
        "[fcgi-program:web]\ncommand=python3 -S %(here)s/server.py\nsocket=tcp://127.0.0.1:{port}\n\
         numprocs=8\nprocess_name=%(program_name)s_%(process_num)d\nstartsecs=0\n\
         readiness=notify\nautorestart=true\n"
    );
    let scene = Scene::start_as(dir, &servers, |_| {});
    let settings = format!("location / {{ proxy_pass http://127.0.0.1:{port}; }}\n");
    nobody_notices(&scene, &settings);
    // Not one connection was refused or cut off: nginx had nothing to make good for.
    let errors = scene.dir.read("error.log").unwrap_or_default();
    assert!(!errors.contains("upstream"), "{errors}");
    scene.stop();
}

#[test]
fn eight_servers_with_ports_of_their_own_are_restarted_and_no_request_fails() {
    let dir = Dir::new();
    dir.write("server.py", SERVER);
    let listeners: Vec<std::net::TcpListener> = (0..8)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let port = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port();
    let ports: Vec<u16> = listeners.iter().map(port).collect();
    drop(listeners);
    let server = |(number, port): (usize, &u16)| {
        format!(
            "[program:s{number}]\ncommand=python3 -S %(here)s/server.py {port}\nstartsecs=0\n\
             readiness=notify\nautorestart=true\n"
        )
    };
    let servers: String = ports.iter().enumerate().map(server).collect();
    let more = format!("[group:web]\nprograms=s0,s1,s2,s3,s4,s5,s6,s7\n{servers}");
    let scene = Scene::start_as(dir, &more, |_| {});
    // A server that is being restarted is to be asked again as soon as it is back.
    let upstream: String = ports
        .iter()
        .map(|port| format!("server 127.0.0.1:{port} max_fails=0;\n"))
        .collect();
    let settings =
        format!("location / {{ proxy_pass http://servers; }}\n}}\nupstream servers {{\n{upstream}");
    nobody_notices(&scene, &settings);
    scene.stop();
}
