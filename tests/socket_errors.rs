//! Sockets of programs that are wrong or cannot be had: errors of the configuration, what `--check`
//! tells, and starts that fail.

use super::sockets::{address, asked, asked_unix, ctl, dir, is_root, privileged, served};
use super::support::{
    DEADLINE, Dir, Finished, Launch, Scene, binary, finish, plain_environment, usual_configuration,
    wait_until,
};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

/// A name that no name service is asked for: it is too long.
fn unknown_host() -> String {
    "x".repeat(64)
}

#[test]
fn a_socket_that_cannot_be_had_is_a_failed_start_that_names_it() {
    let taken = TcpListener::bind(address()).unwrap();
    let in_use = taken.local_addr().unwrap();
    let dir = dir();
    let path = dir.join("taken.sock");
    let other = UnixListener::bind(&path).unwrap();
    dir.write("file", "precious");
    let here = dir.path().display().to_string();
    let cases = [
        (
            "port",
            format!("tcp://{in_use}"),
            "[Errno 98] Address already in use".to_owned(),
        ),
        (
            "unix",
            format!("unix://{here}/taken.sock"),
            "[Errno 98] Address already in use".to_owned(),
        ),
        (
            "far",
            "tcp://192.0.2.1:8080".to_owned(),
            "[Errno 99] Cannot assign requested address".to_owned(),
        ),
        (
            "unknown",
            format!("tcp://{}:8080", unknown_host()),
            "[Errno -2] Name or service not known".to_owned(),
        ),
        (
            "file",
            format!("unix://{here}/file"),
            format!("{here}/file exists and is not a socket"),
        ),
        (
            "folder",
            format!("unix://{here}/none/s"),
            "[Errno 2] No such file or directory".to_owned(),
        ),
    ];
    let programs = cases
        .iter()
        .map(|(name, url, _)| served(name, &format!("startretries=0\nsockets=s={url}\n")));
    let text: String = programs.collect();
    let scene = Scene::start_as(dir, &text, |_| {});
    for (name, url, reason) in &cases {
        scene.wait(name, "FATAL");
        let expected = format!("Could not create socket {url}: {reason}");
        assert_eq!(scene.info(name).text_of("spawnerr"), expected);
        scene.wait_log(&format!("spawnerr: {expected}"));
    }
    // Neither was taken away.
    assert_eq!(scene.dir.read("file").as_deref(), Some("precious"));
    UnixStream::connect(&path).unwrap();
    drop((taken, other));
    for name in ["port", "unix"] {
        // What other tests start has a copy until it has come to its exec.
        let starts = || ctl(&scene, &["start", name]).status == Some(0);
        assert!(wait_until(DEADLINE, starts), "{name}");
    }
    asked(in_use).unwrap();
    asked_unix(&path);
    scene.stop();
}

#[test]
fn a_port_for_root_alone_is_a_failed_start_of_a_supervisord_that_is_not() {
    let Some(address) = privileged() else {
        return;
    };
    let as_a_user = |launch: &mut Launch| {
        if is_root() {
            chown(launch.dir.path(), Some(65534), Some(65534)).unwrap();
            launch.wrapper = &[
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ];
        }
    };
    let keys = format!("startretries=0\nsockets=web=tcp://{address}\n");
    let scene = Scene::start_as(dir(), &served("web", &keys), as_a_user);
    scene.wait("web", "FATAL");
    let expected = format!("Could not create socket tcp://{address}: [Errno 13] Permission denied");
    assert_eq!(scene.info("web").text_of("spawnerr"), expected);
    scene.stop();
}

fn check(dir: &Dir, sections: &str) -> Finished {
    dir.write("supervisord.conf", usual_configuration(sections));
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    command
        .current_dir(dir.path())
        .args(["-c", "supervisord.conf", "--check"]);
    finish(command, "", DEADLINE)
}

#[test]
fn wrong_sockets_are_told_with_their_line_and_what_to_write() {
    let dir = Dir::new();
    let long = format!("sockets=a=unix:/{}", "x".repeat(107));
    for (keys, told) in [
        (
            "sockets=tcp://h:80",
            "(give it a name: write web=tcp://h:80)",
        ),
        ("sockets=a:b=tcp://h:80", "(a name has no colon: write a-b)"),
        (
            "sockets=a=tcp://h:1,a=tcp://h:2",
            "(two are named a: give each a name of its own)",
        ),
        ("sockets=a=tcp://::1:80", "(write tcp://[::1]:80)"),
        ("sockets=a=unix:a.sock", "(write unix:/a.sock)"),
        (&long, "AF_UNIX path too long"),
        (
            "sockets=a=tcp://h:80,b=tcp://h:80",
            "[program:p] has tcp://h:80 twice",
        ),
        (
            "sockets=a=unix:/a\nsocket_mode=9",
            "Invalid socket_mode value 9",
        ),
        (
            "sockets=a=unix:/a\nsocket_owner=no-such-user",
            "Invalid socket_owner value no-such-user",
        ),
        (
            "sockets=a=unix:/a\nsocket_backlog=0",
            "Invalid socket_backlog value 0",
        ),
    ] {
        let found = check(&dir, &format!("[program:p]\ncommand=/bin/cat\n{keys}\n"));
        let line = 13 + keys.lines().count() - 1;
        assert_eq!(found.status, Some(2), "{keys}: {}", found.stderr);
        for part in [told, "program:p", &format!("supervisord.conf:{line}")] {
            assert!(found.stderr.contains(part), "{keys}: {}", found.stderr);
        }
    }
    let found = check(
        &dir,
        "[program:p]\ncommand=/bin/cat\nreadiness=fd:4\nsockets=a=unix:/a,b=unix:/b\n",
    );
    let told = "Invalid readiness value 'fd:4' in [program:p] \
                (sockets has descriptors 3 to 4: write fd:5)";
    assert!(found.stderr.contains(told), "{}", found.stderr);
    assert!(
        found.stderr.contains("supervisord.conf:13"),
        "{}",
        found.stderr
    );
}

#[test]
fn an_address_belongs_to_one_program() {
    let dir = Dir::new();
    let two = |other: &str, address: &str| {
        let text = format!("{other}[program:p]\ncommand=/bin/cat\nsockets=s={address}\n");
        check(&dir, &text).stderr
    };
    let other = "[program:o]\ncommand=/bin/cat\nsockets=a=tcp://0.0.0.0:7,b=unix:/run/b\n";
    let fcgi = "[fcgi-program:f]\ncommand=/bin/cat\nsocket=unix:///run/f\n";
    let server = "[inet_http_server]\nport=127.0.0.1:9\n";
    for (beside, address, told) in [
        (
            other,
            "tcp://127.0.0.1:7",
            "[program:p] has tcp://127.0.0.1:7, which [program:o] has already",
        ),
        (
            other,
            "unix:///run/./b",
            "[program:p] has unix:///run/b, which [program:o] has already",
        ),
        (
            fcgi,
            "unix:/run/f",
            "[program:p] has unix:///run/f, which [fcgi-program:f] has already",
        ),
        (
            server,
            "tcp://127.0.0.1:9",
            "[program:p] has tcp://127.0.0.1:9, which [inet_http_server] has already",
        ),
    ] {
        let found = two(beside, address);
        assert!(found.contains(told), "{found}");
    }
    let group = "[group:g]\nprograms=o\n[group:h]\nprograms=o\n";
    let found = check(&dir, &format!("{group}{other}")).stderr;
    assert!(
        found.contains("[program:o] has tcp://0.0.0.0:7 twice"),
        "{found}"
    );
    let numbered = "numprocs=3\nprocess_name=%(process_num)d\n";
    let found = check(&dir, &format!("{other}{numbered}"));
    assert_eq!(found.status, Some(0), "{}", found.stderr);
}

#[test]
fn a_check_tells_of_sockets_that_will_not_be_had() {
    let dir = dir();
    let taken = TcpListener::bind(address()).unwrap();
    let in_use = taken.local_addr().unwrap();
    let _other = UnixListener::bind(dir.join("taken.sock")).unwrap();
    dir.write("file", "");
    let here = dir.path().display().to_string();
    for (address, told) in [
        (
            format!("tcp://{in_use}"),
            format!("tcp://{in_use} is in use by "),
        ),
        (
            format!("unix:{here}/taken.sock"),
            format!("unix://{here}/taken.sock is in use by "),
        ),
        (
            "tcp://192.0.2.1:80".to_owned(),
            "this machine does not have the address of tcp://192.0.2.1:80".to_owned(),
        ),
        (
            format!("tcp://{}:80", unknown_host()),
            format!("nobody knows the host of tcp://{}:80", unknown_host()),
        ),
        (
            format!("unix:{here}/file"),
            format!("unix://{here}/file is there and no socket"),
        ),
        (
            format!("unix:{here}/none/s"),
            format!("there is no directory for unix://{here}/none/s"),
        ),
    ] {
        let text = format!("[program:p]\ncommand=/bin/cat\nsockets=web={address}\n");
        let found = check(&dir, &text);
        assert_eq!(found.status, Some(0));
        let expected = format!("supervisord.conf:13: warning: [program:p] web: {told}");
        assert!(found.stderr.contains(&expected), "{}", found.stderr);
        assert!(
            found.stderr.contains(", so it cannot start\n"),
            "{}",
            found.stderr
        );
    }
    drop(taken);
    let good = format!("sockets=web=tcp://{in_use}\n");
    let is_good = || {
        let found = check(&dir, &served("web", &good));
        !found.stderr.contains("warning")
    };
    assert!(wait_until(DEADLINE, is_good));
    // The one who listens is the supervisord that runs with this file.
    let scene = Scene::start_as(dir, &served("web", &good), |_| {});
    scene.wait("web", "RUNNING");
    asked(in_use).unwrap();
    let found = check(&scene.dir, &served("web", &good));
    assert!(!found.stderr.contains("warning"), "{}", found.stderr);
    scene.stop();
}

#[test]
fn a_directory_of_others_with_a_socket_in_it_is_told_of() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    std::fs::create_dir(dir.join("others")).unwrap();
    chown(dir.join("others"), Some(65534), Some(65534)).unwrap();
    let text = "[program:p]\ncommand=/bin/cat\nsockets=web=unix:%(here)s/others/s\n";
    let found = check(&dir, text);
    let told = "such as the sockets of [program:p]";
    assert!(found.stderr.contains(told), "{}", found.stderr);
}

#[test]
fn a_port_for_root_alone_is_told_where_supervisord_is_to_be_another_user() {
    let Some(address) = privileged() else {
        return;
    };
    let user = if is_root() { "user=nobody\n" } else { "" };
    let text = format!(
        "{user}{}",
        served("web", &format!("sockets=web=tcp://{address}\n"))
    );
    let found = check(&dir(), &text);
    let told = format!("web: only root may listen on tcp://{address}, so it cannot start");
    assert!(found.stderr.contains(&told), "{}", found.stderr);
}

#[test]
fn sockets_are_dumped_as_they_are_written() {
    let dir = Dir::new();
    let text = "[program:p]\ncommand=/bin/cat\nsockets=b=unix:/run/../b,a=tcp://[::1]:80\n\
                socket_mode=0770\nsocket_owner=root\nsocket_backlog=5\n";
    dir.write("supervisord.conf", usual_configuration(text));
    let mut command = Command::new(binary());
    command
        .current_dir(dir.path())
        .args(["-c", "supervisord.conf", "--dump-config"]);
    let dumped = finish(command, "", DEADLINE);
    let flat: String = dumped.stdout.lines().map(str::trim).collect();
    let told = "\"sockets\": [\"b=unix:///b\",\"a=tcp://[::1]:80\"],\"socket_backlog\": 5,\
                \"socket_mode\": \"770\",\"socket_owner\": {\"uid\": 0,\"gid\": null}";
    assert!(flat.contains(told), "{flat}");
}
