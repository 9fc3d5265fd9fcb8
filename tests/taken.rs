//! Servers whose address another program has.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::support::{DEADLINE, Dir, Finished, binary, finish};

fn start(dir: &Dir) -> Finished {
    let mut command = Command::new(binary());
    command.current_dir(dir.path()).args(["-n", "-c", "s.conf"]);
    finish(command, "", DEADLINE)
}

/// The last line of what a start says.
fn last_line(dir: &Dir) -> String {
    let ended = start(dir);
    assert_eq!(ended.status, Some(2), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(lines[0].starts_with("Error: "), "{lines:?}");
    assert!(lines[1].starts_with("For help, use "), "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
    lines[2].replace(dir.path().to_str().unwrap(), "HERE")
}

/// This test's process as it is told.
fn own() -> String {
    let pid = std::process::id();
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    format!("{} (pid {pid})", name.trim_end())
}

#[test]
fn an_address_in_use_was_not_named_nor_who_has_it() {
    let dir = Dir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost", "*"] {
        dir.write(
            "s.conf",
            format!("[supervisord]\n\n[inet_http_server]\nport={host}:{port}\n"),
        );
        let expected = format!(
            "s.conf:4: {host}:{port} of [inet_http_server] is in use: {} listens there; shut it \
             down, or change port",
            own()
        );
        assert_eq!(last_line(&dir), expected);
    }
    // In another file, and in the background.
    dir.write(
        "more.ini",
        format!("[inet_http_server]\n\nport=127.0.0.1:{port}\n"),
    );
    dir.write("s.conf", "[supervisord]\n[include]\nfiles=more.ini\n");
    assert!(last_line(&dir).starts_with(&format!("HERE/more.ini:3: 127.0.0.1:{port} of ")));
}

#[test]
fn a_unix_socket_in_use_names_who_listens_on_it() {
    let dir = Dir::new();
    let _taken = UnixListener::bind(dir.join("taken")).unwrap();
    dir.write(
        "s.conf",
        "[supervisord]\n[unix_http_server]\nchmod=0700\nfile=%(here)s/taken\n",
    );
    let expected = format!(
        "s.conf:4: HERE/taken of [unix_http_server] is in use: {} listens there; shut it down, or \
         change file",
        own()
    );
    assert_eq!(last_line(&dir), expected);
}

#[test]
fn an_address_that_cannot_be_had_is_named_with_the_reason() {
    let dir = Dir::new();
    dir.write(
        "s.conf",
        "[supervisord]\n[inet_http_server]\nport=192.0.2.1:9001\n",
    );
    let told = "s.conf:3: cannot listen on 192.0.2.1:9001 of [inet_http_server]: ";
    assert!(last_line(&dir).starts_with(told), "{}", last_line(&dir));
}

#[test]
fn a_fastcgi_socket_in_use_names_who_listens_on_it() {
    let dir = Dir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    dir.write(
        "s.conf",
        format!("[supervisord]\n[fcgi-program:f]\ncommand=cat\nsocket=tcp://127.0.0.1:{port}\n"),
    );
    let ended = start(&dir);
    assert_eq!(ended.status, Some(1), "{}", ended.stderr);
    let url = format!("tcp://127.0.0.1:{port}");
    let expected = format!(
        "Error: Could not create FastCGI socket {url}: [Errno 98] Address already in use\n\
         s.conf:4: {url} of [fcgi-program:f] is in use: {} listens there; shut it down, or change \
         socket\n",
        own()
    );
    assert_eq!(ended.stderr, expected);
}
