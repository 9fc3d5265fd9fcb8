//! A crowd of clients that may only look, each in the middle of something: some places of a
//! server are not for them.

use super::support::{Address, DEADLINE, Rpc, Scene, Value, wait_until};
use pollvisor::text::base64;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

const PLACES: usize = 8;
const FOR_LOOKING: usize = 6;

fn configuration(keys: &str) -> String {
    format!(
        "[unix_http_server:both]\nfile=%(here)s/both\nreadonly_username=eye\n\
         readonly_password=look\nmax_connections={PLACES}\nrequest_timeout=86400\n{keys}\n\
         [program:web]\ncommand=/bin/cat\nstartsecs=0\n"
    )
}

/// Begins a call, and says nothing more.
fn begin(scene: &Scene, length: usize) -> UnixStream {
    let mut stream = UnixStream::connect(scene.dir.join("both")).unwrap();
    let user = base64::encode(b"eye:look");
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {user}\r\n\
         Content-Length: {length}\r\n\r\nx"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

fn is_open(stream: &mut UnixStream) -> bool {
    let read = stream.read(&mut [0; 64]);
    matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

fn count_open(crowd: &mut [UnixStream]) -> usize {
    crowd.iter_mut().map(is_open).filter(|open| *open).count()
}

#[test]
fn a_crowd_that_only_looks_kept_others_waiting_for_a_place() {
    let scene = Scene::start(&configuration("username=boss\npassword=all"));
    scene.wait_all("RUNNING");
    let mut crowd: Vec<UnixStream> = (0..PLACES).map(|_| begin(&scene, 1000)).collect();
    assert!(wait_until(DEADLINE, || count_open(&mut crowd) <= FOR_LOOKING));
    // The places that are left are for others at once, whoever comes and goes besides.
    crowd.extend((0..PLACES).map(|_| begin(&scene, 1000)));
    let user = base64::encode(b"boss:all");
    let boss = Rpc::new(Address::Unix(scene.dir.join("both")));
    let boss = boss.with_authorization(&format!("Basic {user}"));
    let stopped = boss.call("supervisor.stopProcess", &[Value::text("web")]);
    assert_eq!(stopped.answer(), Value::Bool(true));
    assert!(wait_until(DEADLINE, || count_open(&mut crowd) <= FOR_LOOKING));
    scene.stop();
}

#[test]
fn where_nobody_may_act_all_places_are_for_looking() {
    let scene = Scene::start(&configuration("readonly=true"));
    let mut crowd: Vec<UnixStream> = (0..PLACES - 1).map(|_| begin(&scene, 1000)).collect();
    let user = base64::encode(b"eye:look");
    let eye = Rpc::new(Address::Unix(scene.dir.join("both")));
    let eye = eye.with_authorization(&format!("Basic {user}"));
    let state = eye.call("supervisor.getState", &[]).answer();
    assert_eq!(state.int_of("statecode"), 1);
    assert_eq!(count_open(&mut crowd), PLACES - 1);
    scene.stop();
}
