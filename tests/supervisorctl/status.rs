//! `status`.

use super::server::*;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

#[test]
fn status_prints_a_table_and_tells_what_is_down() {
    let server = Server::start(&[("getAllProcessInfo()", processes())]);
    let cat = "cat                              RUNNING   pid 17, uptime 0:00:23\n";
    let m1 = "grp:m1                           STARTING  \n";
    let m2 = "grp:m2                           STOPPED   Not started\n";
    let mid = "mid                              BACKOFF   why\n";
    check(
        &server,
        &[
            ("status", &format!("{cat}{m1}{m2}{mid}"), 3),
            ("status nosuch all", &format!("{cat}{m1}{m2}{mid}"), 3),
            ("status cat grp:m1 mid", &format!("{cat}{m1}{mid}"), 0),
            ("status grp:* cat cat", &format!("{m1}{m2}{cat}{cat}"), 3),
            ("status grp", "grp: ERROR (no such process)\n", 4),
            ("status x:*", "x: ERROR (no such group)\n", 4),
            (
                "status cat nosuch grp:m2 g:x",
                &format!(
                    "nosuch: ERROR (no such process)\ng:x: ERROR (no such process)\n{cat}{m2}"
                ),
                3,
            ),
        ],
    );
    let empty = Server::start(&[("getAllProcessInfo()", Answer::Value(array(&[])))]);
    check(&empty, &[("status", "", 0)]);
}

#[test]
fn the_table_is_written_in_one_piece_after_two_calls() {
    use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, socketpair};
    use std::os::fd::AsRawFd;

    let rows: Vec<String> = (0..100)
        .map(|number| process("g", &format!("p{number}"), "0", "STOPPED", "Not started"))
        .collect();
    let server = Server::start(&[("getAllProcessInfo()", Answer::Value(array(&rows)))]);
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(binary(), &program).unwrap();
    // Each write is a message of its own here.
    let kind = SockType::SeqPacket;
    let (ours, theirs): (OwnedFd, OwnedFd) =
        socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC).unwrap();
    let status = Command::new(program)
        .args(["-c", "", "-s", &server.url, "status"])
        .stdin(Stdio::null())
        .stdout(theirs)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(3));
    let mut buffer = vec![0; 1 << 16];
    let length = recv(ours.as_raw_fd(), &mut buffer, MsgFlags::empty()).unwrap();
    assert_eq!(text(&buffer[..length]).lines().count(), 100);
    let length = recv(ours.as_raw_fd(), &mut buffer, MsgFlags::empty()).unwrap();
    assert_eq!(length, 0, "there is a second write");
    let calls = server.calls();
    assert_eq!(calls[..2], ["getVersion()", "getAllProcessInfo()"]);
    assert_eq!(calls.len(), 3, "{calls:?}");
}
