//! Clients that may only look, and follow: they keep nobody who may do more from following.

use super::support::{DEADLINE, Scene, wait_until};
use pollvisor::text::base64;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

/// Half of the places are for those who follow.
const CONFIGURATION: &str = "\
[unix_http_server:both]
file=%(here)s/both
username=boss
password=all
readonly_username=eye
readonly_password=look
max_connections=4
[program:web]
command=/bin/cat
startsecs=0
stdout_logfile=%(here)s/web.log
";

/// Asks to follow, and waits for the first words of the answer.
fn follow(scene: &Scene, user: &str, path: &str) -> (UnixStream, String) {
    let mut stream = UnixStream::connect(scene.dir.join("both")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let user = base64::encode(user.as_bytes());
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {user}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).unwrap();
    stream.set_nonblocking(true).unwrap();
    (stream, String::from_utf8_lossy(&begin).into_owned())
}

fn is_closed(stream: &mut UnixStream) -> bool {
    match stream.read(&mut [0; 4096]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[test]
fn clients_that_only_look_and_follow_kept_everybody_else_from_following() {
    let scene = Scene::start(CONFIGURATION);
    scene.wait_all("RUNNING");
    const TAKEN: &str = "HTTP/1.1 200";
    const FULL: &str = "HTTP/1.1 503";
    let (mut first, answer) = follow(&scene, "eye:look", "/events");
    assert_eq!(answer, TAKEN);
    let (mut second, answer) = follow(&scene, "eye:look", "/logtail/web");
    assert_eq!(answer, TAKEN);
    // Among equals whoever came first stays.
    assert_eq!(follow(&scene, "eye:look", "/mainlogtail").1, FULL);
    let (mut boss, answer) = follow(&scene, "boss:all", "/logtail/web");
    assert_eq!(answer, TAKEN);
    assert!(wait_until(DEADLINE, || is_closed(&mut first)));
    assert!(!is_closed(&mut second));
    let (mut other, answer) = follow(&scene, "boss:all", "/events");
    assert_eq!(answer, TAKEN);
    assert!(wait_until(DEADLINE, || is_closed(&mut second)));
    for user in ["eye:look", "boss:all"] {
        assert_eq!(follow(&scene, user, "/events").1, FULL, "{user}");
    }
    assert!(!is_closed(&mut boss) && !is_closed(&mut other));
}
