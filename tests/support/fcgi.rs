//! A program that serves the socket on its descriptor 0, and its clients.

use super::{DEADLINE, Dir, original_home, wait_for};
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

/// Answers every connection with its first argument and what it sees of the
/// socket: its name, whether it blocks, and of TCP the length of its queue.
const SERVER: &str = "\
import os, socket, struct, sys
server = socket.socket(fileno=0)
name = server.getsockname()
queue = ''
if server.family == socket.AF_INET:
    info = server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    queue = ' queue %d' % struct.unpack_from('I', info, 28)
told = '%s: %s blocking %s%s' % (sys.argv[1], name, os.get_blocking(0), queue)
descriptors = ' '.join(sorted(os.listdir('/proc/self/fd'))[:-1])
while True:
    client, _ = server.accept()
    client.sendall(('%s descriptors %s' % (told, descriptors)).encode())
    client.close()
";

/// The command line of that program; words may follow.
pub fn server_command(dir: &Dir) -> String {
    let script = dir.write("server.py", SERVER);
    let python = original_home().join("bin/python");
    format!("{} {}", python.display(), script.display())
}

/// What is answered at a URL; `refused` and the like where nobody listens.
pub fn ask(url: &str) -> String {
    let mut answer = String::new();
    let outcome = if let Some(path) = url.strip_prefix("unix://") {
        UnixStream::connect(path).and_then(|mut stream| {
            stream.set_read_timeout(Some(DEADLINE))?;
            stream.read_to_string(&mut answer)
        })
    } else {
        TcpStream::connect(url.trim_start_matches("tcp://")).and_then(|mut stream| {
            stream.set_read_timeout(Some(DEADLINE))?;
            stream.read_to_string(&mut answer)
        })
    };
    match outcome {
        Ok(_) => answer,
        Err(error) => error.kind().to_string(),
    }
}

/// Asks until a certain process has answered; its whole answer.
pub fn ask_until(url: &str, who: &str) -> String {
    let found = wait_for(DEADLINE, || {
        let answer = ask(url);
        answer.starts_with(&format!("{who}: ")).then_some(answer)
    });
    found.unwrap_or_else(|| panic!("{who} does not answer at {url}"))
}
