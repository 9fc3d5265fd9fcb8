use super::*;
use crate::config::{Group, GroupKind, testing};
use std::fs;
use std::rc::Rc;

fn unix(path: &str) -> FastCgiSocket {
    FastCgiSocket {
        address: Address::Unix {
            path: path.to_owned(),
            mode: 0o700,
            owner: None,
        },
        backlog: None,
    }
}

fn inet(host: &str) -> FastCgiSocket {
    FastCgiSocket {
        address: Address::Inet {
            host: host.to_owned(),
            port: 80,
        },
        backlog: None,
    }
}

fn group(kind: GroupKind, sockets: &[Option<FastCgiSocket>]) -> Group {
    let processes = sockets.iter().map(|socket| {
        Rc::new(config::Process {
            socket: socket.clone(),
            ..testing::process("p")
        })
    });
    Group {
        name: "g".to_owned(),
        priority: 999,
        kind,
        processes: processes.collect(),
    }
}

#[test]
fn each_socket_of_a_group_is_there_once() {
    let none = [None, None];
    let found = |group: &Group| {
        let sockets = sockets_of(group).into_iter();
        sockets.map(|s| s.config.address.url()).collect::<Vec<_>>()
    };
    let own = group(GroupKind::FastCgi(unix("/s")), &none);
    assert_eq!(found(&own), ["unix:///s"]);
    assert!(found(&group(GroupKind::Programs, &none)).is_empty());
    let (a, b) = (Some(unix("/a")), Some(inet("h")));
    let members = group(GroupKind::Programs, &[a.clone(), None, b, a]);
    assert_eq!(found(&members), ["unix:///a", "tcp://h:80"]);
}

#[test]
fn hosts_are_looked_up_once_and_the_unknown_remembered() {
    let sockets = [Some(inet("127.0.0.1")), Some(inet("*")), Some(unix("/s"))];
    let hosts = look_up_hosts(&[Rc::new(group(GroupKind::Programs, &sockets))]);
    assert_eq!(hosts.len(), 2);
    assert_eq!(
        address_of("127.0.0.1", &hosts).unwrap().to_string(),
        "127.0.0.1"
    );
    assert!(matches!(address_of("*", &hosts), Err(Reason::UnknownHost)));
    assert!(address_of("localhost", &hosts).is_ok());
    let later = address_of("no-such-host.invalid", &hosts);
    assert!(matches!(later, Err(Reason::NotLookedUp(_))));
}

#[test]
fn what_is_no_socket_stays_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    fs::write(&path, "precious").unwrap();
    let failed = make(&unix(path.to_str().unwrap()), true, &Hosts::new());
    assert!(matches!(failed, Err(Reason::NotASocket(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    // A socket makes room, be there somebody who listens.
    let first = make(&unix(path.to_str().unwrap()), true, &Hosts::new()).unwrap();
    let second = make(&unix(path.to_str().unwrap()), true, &Hosts::new());
    assert!(second.is_ok());
    drop(first);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn errors_are_told_in_the_words_of_python() {
    let error = |reason| {
        let url = "tcp://h:80".to_owned();
        let kind = "FastCGI socket";
        SocketError { kind, url, reason }.to_string()
    };
    let os = || io::Error::from_raw_os_error(libc::EPERM);
    let path = || "/s".to_owned();
    for (reason, text) in [
        (Reason::System(os()), "[Errno 1] Operation not permitted"),
        (
            Reason::Mode {
                path: path(),
                reason: os(),
            },
            "Could not change permissions of socket file: [Errno 1] Operation not permitted: '/s'",
        ),
        (
            Reason::Owner {
                path: path(),
                reason: os(),
            },
            "Could not change ownership of socket file: [Errno 1] Operation not permitted: '/s'",
        ),
        (
            Reason::PathTooLong,
            "AF_UNIX path too long: it can have 107 bytes",
        ),
        (Reason::NotASocket(path()), "/s exists and is not a socket"),
        (Reason::UnknownHost, "[Errno -2] Name or service not known"),
    ] {
        let expected = format!("Could not create FastCGI socket tcp://h:80: {text}");
        assert_eq!(error(reason), expected);
    }
}

#[test]
fn a_path_that_is_too_long_is_told_so() {
    let path = format!("/tmp/{}", "x".repeat(200));
    let failed = make(&unix(&path), true, &Hosts::new());
    assert!(matches!(failed, Err(Reason::PathTooLong)));
}
