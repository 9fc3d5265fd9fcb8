//! Clients that may only look, and wait: they keep nobody else from a server.

use super::support::{Address, DEADLINE, Rpc, Scene, Value, wait_until};
use pollvisor::text::base64;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

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
";

/// A wait without end, asked for on a connection of its own.
fn wait_for_stop(scene: &Scene) -> UnixStream {
    let body = "<?xml version='1.0'?><methodCall><methodName>supervisor.waitForProcess</methodName>\
                <params><param><value><string>web</string></value></param>\
                <param><value><string>stopped</string></value></param>\
                <param><value><double>1000000</double></value></param></params></methodCall>";
    let mut stream = UnixStream::connect(scene.dir.join("both")).unwrap();
    let user = base64::encode(b"eye:look");
    let length = body.len();
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {user}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

fn is_closed(stream: &mut UnixStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[test]
fn clients_that_only_look_and_wait_locked_everybody_else_out() {
    let scene = Scene::start(CONFIGURATION);
    scene.wait_all("RUNNING");
    let mut waiting: Vec<UnixStream> = (0..8).map(|_| wait_for_stop(&scene)).collect();
    // There are not places for all.
    assert!(wait_until(DEADLINE, || {
        waiting
            .iter_mut()
            .map(is_closed)
            .filter(|closed| *closed)
            .count()
            >= 4
    }));
    let user = base64::encode(b"boss:all");
    let boss = Rpc::new(Address::Unix(scene.dir.join("both")));
    let boss = boss.with_authorization(&format!("Basic {user}"));
    let state = boss.call("supervisor.getState", &[]).answer();
    assert_eq!(state.int_of("statecode"), 1);
    let stopped = boss.call("supervisor.stopProcess", &[Value::text("web")]);
    assert_eq!(stopped.answer(), Value::Bool(true));
}
