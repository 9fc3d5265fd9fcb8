use super::*;
use std::os::unix::net::UnixDatagram;
use tempfile::TempDir;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs
        .iter()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

fn at(milliseconds: u64) -> Monotonic {
    Monotonic(Duration::from_millis(milliseconds))
}

fn manager(more: &[(&str, &str)]) -> (TempDir, UnixDatagram, ServiceManager) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut pairs = vec![(SOCKET, path.to_str().unwrap())];
    pairs.extend(more);
    let manager = ServiceManager::of(&environment(&pairs), 7).unwrap();
    (dir, socket, manager)
}

fn heard(socket: &UnixDatagram) -> Vec<String> {
    let mut buffer = [0; 128];
    std::iter::from_fn(|| {
        let length = socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    })
    .collect()
}

#[test]
fn news_is_told_once_and_nothing_is_planned() {
    let (_dir, socket, mut manager) = manager(&[]);
    for state in [SupervisorState::Running, SupervisorState::Fatal] {
        manager.tell(state, at(1)).unwrap();
    }
    manager.tell(SupervisorState::Restarting, at(2)).unwrap();
    manager.tell(SupervisorState::Running, at(3)).unwrap();
    manager.tell(SupervisorState::Shutdown, at(4)).unwrap();
    assert_eq!(
        heard(&socket),
        [
            "READY=1\n",
            "RELOADING=1\nMONOTONIC_USEC=2000\n",
            "READY=1\n",
            "STOPPING=1\n"
        ]
    );
    assert_eq!(manager.next(), None);
}

#[test]
fn a_sign_of_life_comes_at_half_of_the_interval() {
    let (_dir, socket, mut manager) = manager(&[(INTERVAL, "2000000"), (WATCHED_PID, "7")]);
    manager.tell(SupervisorState::Running, at(0)).unwrap();
    assert_eq!(heard(&socket), ["WATCHDOG=1\n", "READY=1\n"]);
    assert_eq!(manager.next(), Some(at(1000)));
    manager.tell(SupervisorState::Running, at(999)).unwrap();
    assert_eq!(heard(&socket), [""; 0]);
    manager.tell(SupervisorState::Running, at(1000)).unwrap();
    assert_eq!(heard(&socket), ["WATCHDOG=1\n"]);
    assert_eq!(manager.next(), Some(at(2000)));
}

#[test]
fn an_interval_that_is_none_or_of_another_process_sets_no_timer() {
    for more in [
        &[(INTERVAL, "2000000"), (WATCHED_PID, "8")][..],
        &[(INTERVAL, "0")],
        &[(INTERVAL, "often")],
    ] {
        let (_dir, socket, mut manager) = manager(more);
        manager.tell(SupervisorState::Running, at(0)).unwrap();
        assert_eq!(heard(&socket), ["READY=1\n"], "{more:?}");
        assert_eq!(manager.next(), None, "{more:?}");
    }
}

#[test]
fn a_busy_manager_is_told_later() {
    let (_dir, socket, mut manager) = manager(&[]);
    while manager.socket.send("noise").is_ok() {}
    manager.tell(SupervisorState::Running, at(0)).unwrap();
    assert_eq!(manager.next(), Some(at(1000)));
    assert!(!heard(&socket).contains(&"READY=1\n".to_owned()));
    manager.tell(SupervisorState::Running, at(500)).unwrap();
    assert_eq!(heard(&socket), [""; 0]);
    manager.tell(SupervisorState::Running, at(1000)).unwrap();
    assert_eq!(heard(&socket), ["READY=1\n"]);
    assert_eq!(manager.next(), None);
}

#[test]
fn a_manager_that_has_gone_is_an_error_once() {
    let (dir, _socket, mut manager) = manager(&[]);
    drop(dir);
    assert!(manager.tell(SupervisorState::Running, at(0)).is_err());
    assert!(manager.tell(SupervisorState::Running, at(1)).is_ok());
    assert_eq!(manager.next(), None);
}

#[test]
fn what_is_said_to_supervisord_alone_is_known() {
    for name in [
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "LISTEN_FDNAMES",
        "LISTEN_PID",
    ] {
        assert!(is_for_supervisord_alone(name.as_bytes()), "{name}");
    }
    assert!(!is_for_supervisord_alone(b"LISTEN_ON"));
}

#[test]
fn who_is_no_service_has_no_manager() {
    assert!(ServiceManager::of(&environment(&[("PATH", "/bin")]), 7).is_none());
    assert!(ServiceManager::of(&environment(&[(SOCKET, "")]), 7).is_none());
}
