//! Turns of the loop: what many clients ask for at once does not keep everything else waiting.

use super::support::{DEADLINE, Scene, kill, wait_until};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

const CLIENTS: usize = 30;

/// Asks for a method without parameters; the answer is not waited for.
fn ask(stream: &mut UnixStream, method: &str) {
    let body = format!(
        "<?xml version='1.0'?><methodCall><methodName>{method}</methodName>\
         <params></params></methodCall>"
    );
    let length = body.len();
    write!(
        stream,
        "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

fn is_answered(stream: &mut UnixStream) -> bool {
    match stream.read(&mut [0; 64 * 1024]) {
        Ok(count) => count > 0,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn calls_that_read_the_configuration_kept_an_ended_program_from_its_restart() {
    let mut configuration = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\nautorestart=true\n\
                             [program:many]\ncommand=/bin/cat\nautostart=false\nnumprocs=300\n\
                             process_name=m_%(process_num)d\n"
        .to_owned();
    configuration.push_str("[unix_http_server:many]\nfile=%(here)s/many\nmax_connections=100\n");
    let scene = Scene::start(&configuration);
    scene.wait("cat", "RUNNING");
    let mut clients: Vec<UnixStream> = (0..CLIENTS)
        .map(|_| UnixStream::connect(scene.dir.join("many")).unwrap())
        .collect();
    for client in &mut clients {
        ask(client, "supervisor.getState");
        client.set_nonblocking(true).unwrap();
        assert!(wait_until(DEADLINE, || is_answered(client)));
    }
    // All of it comes in one turn.
    let starts = || scene.log().matches("spawned: 'cat'").count();
    let pid = scene.info("cat").int_of("pid");
    scene.daemon.signal(libc::SIGSTOP);
    for client in &mut clients {
        ask(client, "supervisor.getConfigDifference");
    }
    kill(u32::try_from(pid).unwrap(), libc::SIGKILL);
    scene.daemon.signal(libc::SIGCONT);
    assert!(wait_until(DEADLINE, || starts() == 2));
    let answered = clients.iter_mut().map(is_answered);
    let answered = answered.filter(|answered| *answered).count();
    assert!(answered < CLIENTS / 2, "{answered} of {CLIENTS}");
    for client in &mut clients {
        client.set_nonblocking(false).unwrap();
    }
    scene.stop();
}
