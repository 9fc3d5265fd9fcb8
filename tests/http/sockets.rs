//! The sockets themselves: files and their modes, stale ones, addresses.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};

use pollvisor::config::Server;
use pollvisor::http::server::Servers;
use pollvisor::tokens::Timer;

use super::daemon::{Daemon, context, free_port, inet, unix};

#[test]
fn a_unix_socket_has_its_mode_and_no_second_name() {
    for mode in [0o700, 0o770, 0o777, 0o600] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let mut context = context();
        let mut servers = Servers::open(&[unix(&path, mode)], &mut context).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o7777, mode);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        servers.close(&mut context);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_stale_socket_makes_room_and_everything_else_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.sock");
    let mut context = context();
    let mut error = || {
        let outcome = Servers::open(&[unix(&path, 0o700)], &mut context);
        let text = outcome.as_ref().err().map(ToString::to_string);
        if let Ok(mut servers) = outcome {
            servers.close(&mut context);
        }
        text
    };
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    assert_eq!(error(), None);
    assert!(!path.exists());

    let alive = UnixListener::bind(&path).unwrap();
    let in_use = "Another program is already listening on a port that one of our HTTP servers is \
                  configured to use.  Shut this program down first before starting supervisord.";
    assert_eq!(error().as_deref(), Some(in_use));
    drop(alive);
    fs::remove_file(&path).unwrap();

    let no_socket = format!(
        "Cannot open an HTTP server: {} exists and is not a socket",
        path.display()
    );
    fs::write(&path, "precious").unwrap();
    assert_eq!(error().as_ref(), Some(&no_socket));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(error().as_ref(), Some(&no_socket));
    fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/nowhere", &path).unwrap();
    assert_eq!(error().as_ref(), Some(&no_socket));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn sockets_that_cannot_be_opened_are_explained() {
    let directory = tempfile::tempdir().unwrap();
    let mut context = context();
    let mut error = |server: Server| {
        let first = unix(&directory.path().join("first"), 0o700);
        let error = Servers::open(&[first, server], &mut context).unwrap_err();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        error.to_string()
    };
    let prefix = "Cannot open an HTTP server: socket.error reported ";
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    assert!(error(inet("127.0.0.1", port)).starts_with("Another program is already listening on"));
    assert_eq!(
        error(inet("192.0.2.1", 9001)),
        format!("{prefix}errno.EADDRNOTAVAIL (99)")
    );
    assert_eq!(error(inet("no host", 9001)), format!("{prefix}-2"));
    assert_eq!(
        error(unix(&directory.path().join("x").join("y"), 0o700)),
        format!("{prefix}errno.ENOENT (2)")
    );
    let long = directory.path().join("x".repeat(100));
    let told = error(unix(&long, 0o700));
    let expected = format!("{prefix}AF_UNIX path too long: {} with .", long.display());
    assert!(told.starts_with(&expected), "{told}");
}

#[test]
fn a_socket_file_that_was_replaced_stays() {
    let mut daemon = Daemon::new();
    let path = daemon.path("sock");
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    daemon.servers.close(&mut daemon.context);
    assert!(path.exists());
}

#[test]
fn who_waits_at_a_socket_that_has_lost_its_name_is_served() {
    let mut daemon = Daemon::new();
    let path = daemon.path("sock");
    let mut clients: Vec<UnixStream> = (0..40)
        .map(|_| UnixStream::connect(&path).unwrap())
        .collect();
    fs::remove_file(&path).unwrap();
    // It is seen to be gone, and made again, before the loop has come to the queue.
    for _ in 0..2 {
        let timer = Timer::SocketFiles;
        assert!(daemon.servers.timer(&mut daemon.context, timer).is_empty());
    }
    assert!(path.exists());
    for client in &mut clients {
        client.set_nonblocking(true).unwrap();
        client
            .write_all(b"GET /?q HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
        daemon.read_until(client, "q|");
    }
    let mut client = daemon.unix();
    client
        .write_all(b"GET /?q HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    daemon.read_until(&mut client, "q|");
    daemon.servers.close(&mut daemon.context);
    assert!(!path.exists());
}

#[test]
fn a_socket_whose_mode_was_changed_is_looked_at_once_and_left() {
    let mut daemon = Daemon::new();
    let path = daemon.path("sock");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
    daemon.until("a look", |daemon| daemon.busy_turns > 0);
    assert!(!daemon.context.timers.is_set(Timer::SocketFiles));
    fs::remove_file(&path).unwrap();
    daemon.until("a plan to make it", |daemon| {
        daemon.context.timers.is_set(Timer::SocketFiles)
    });
    daemon.until("a new one", |_| path.exists());
    assert!(!daemon.context.timers.is_set(Timer::SocketFiles));
    daemon.servers.close(&mut daemon.context);
}

#[test]
fn host_names_and_ipv6_addresses_are_understood() {
    for host in ["", "*", "localhost", "::1", "[::1]", "0.0.0.0"] {
        if host.contains(':') && TcpListener::bind("[::1]:0").is_err() {
            continue;
        }
        let mut context = context();
        let opened = (0..20).find_map(|_| {
            let port = free_port();
            Some((Servers::open(&[inet(host, port)], &mut context).ok()?, port))
        });
        let (mut servers, port) = opened.expect(host);
        let target = if host.contains(':') {
            "::1"
        } else {
            "127.0.0.1"
        };
        TcpStream::connect((target, port)).unwrap();
        servers.close(&mut context);
    }
}
