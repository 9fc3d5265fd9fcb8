//! FastCGI programs: the socket on descriptor 0, from its making to its end.

use super::compare;
use super::run::{Run, is_of_place};
use crate::support::{DEADLINE, Value, ask, ask_until, finish, server_command, wait_until};
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::Command;

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A program of two processes on a socket.
fn two_on(run: &Run, keys: &str) -> String {
    format!(
        "[fcgi-program:f]\ncommand={} %(process_num)d\nprocess_name=f%(process_num)d\n\
         numprocs=2\nstartsecs=0\n{keys}\n",
        server_command(&run.dir)
    )
}

fn unix_url(run: &Run, name: &str) -> String {
    format!("unix://{}", run.path(name).display())
}

/// What stands at a path.
fn note_file(run: &mut Run, name: &str) {
    let found = match std::fs::symlink_metadata(run.path(name)) {
        Ok(found) if found.file_type().is_socket() => {
            format!(
                "a socket with mode {:o} of {}:{}",
                found.permissions().mode() & 0o7777,
                found.uid(),
                found.gid()
            )
        }
        Ok(_) => "no socket".to_string(),
        Err(error) => error.kind().to_string(),
    };
    run.note(&format!("{name}: {found}"));
}

/// What both processes answer, and that it is one socket.
fn note_answers(run: &mut Run, url: &str) {
    for who in ["0", "1"] {
        let answer = ask_until(url, who);
        run.note(&answer);
    }
    let socket = |process: &str| {
        let pid = run.info(process).int_of("pid");
        std::fs::read_link(format!("/proc/{pid}/fd/0")).unwrap()
    };
    let shared = socket("f:f0") == socket("f:f1");
    run.note(&format!("the same socket: {shared}"));
}

#[test]
fn processes_share_a_unix_socket() {
    compare("shared unix socket", |run| {
        let keys = "socket=unix://%(here)s/x/../f.sock\nsocket_mode=0640";
        let sections = two_on(run, keys);
        run.config(&sections);
        run.start();
        run.wait_all(&["f:f0", "f:f1"], "RUNNING");
        note_file(run, "f.sock");
        let url = unix_url(run, "f.sock");
        note_answers(run, &url);
        run.rpc("sendProcessStdin", &[Value::text("f:f0"), Value::text("x")]);
        run.stop();
        note_file(run, "f.sock");
        run.log_of(&["socket", "f0", "f1"]);
    });
}

#[test]
fn processes_share_a_tcp_socket() {
    compare("shared TCP socket", |run| {
        let port = free_port();
        run.rename(&port.to_string(), "PORT");
        for keys in ["", "socket_backlog=7\n"] {
            let sections = two_on(run, &format!("socket=tcp://LocalHost:{port}\n{keys}"));
            run.config(&sections);
            run.start();
            run.wait_all(&["f:f0", "f:f1"], "RUNNING");
            note_answers(run, &format!("tcp://127.0.0.1:{port}"));
            run.stop();
        }
        run.log_of(&["socket", "f0", "f1"]);
    });
}

#[test]
fn so_many_connections_wait_as_the_backlog_says() {
    compare("backlog of a unix socket", |run| {
        run.config(
            "[fcgi-program:f]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             socket=unix://%(here)s/f.sock\nsocket_backlog=5\n",
        );
        run.start();
        run.wait("f", "RUNNING");
        let mut waiting = Vec::new();
        while let Some(connection) = connect_at_once(run, "f.sock") {
            waiting.push(connection);
        }
        run.note(&format!("{} connections wait", waiting.len()));
        run.stop();
    });
}

/// A connection, unless the queue is full.
fn connect_at_once(run: &Run, name: &str) -> Option<std::os::fd::OwnedFd> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
    use std::os::fd::AsRawFd;
    let flags = SockFlag::SOCK_NONBLOCK;
    let descriptor = socket(AddressFamily::Unix, SockType::Stream, flags, None).unwrap();
    let address = UnixAddr::new(&run.path(name)).unwrap();
    connect(descriptor.as_raw_fd(), &address).ok()?;
    Some(descriptor)
}

#[test]
fn the_socket_is_closed_with_the_last_process_and_made_again_for_the_next() {
    compare("life of a socket", |run| {
        let sections = two_on(run, "socket=unix://%(here)s/f.sock\nautostart=false");
        run.config(&sections);
        run.start();
        let url = unix_url(run, "f.sock");
        note_file(run, "f.sock");
        let note_answer = |run: &mut Run| {
            let answer = ask(&url);
            run.note(&format!("asked: {answer}"));
        };
        note_answer(run);
        for action in [
            "start f:f1",
            "stop f:f1",
            "start f:f0",
            "start f:f1",
            "stop f:f0",
            "stop f:f1",
        ] {
            run.ctl(action);
            if action.starts_with("start") {
                run.wait(&action.replace("start ", ""), "RUNNING");
            } else {
                note_answer(run);
                note_file(run, "f.sock");
            }
        }
        run.stop();
        run.log();
    });
}

#[test]
fn the_socket_lives_through_the_death_of_one_of_two_processes() {
    compare("death beside a socket", |run| {
        let sections = two_on(run, "socket=unix://%(here)s/f.sock\nautorestart=true");
        run.config(&sections);
        run.start();
        run.wait_all(&["f:f0", "f:f1"], "RUNNING");
        run.signal_child("f:f0", libc::SIGKILL);
        run.wait_log("spawned: 'f0'", 2);
        run.wait_all(&["f:f0", "f:f1"], "RUNNING");
        let url = unix_url(run, "f.sock");
        note_answers(run, &url);
        run.stop();
        run.log_of(&["socket", "f0", "f1"]);
    });
}

#[test]
fn a_command_that_is_not_there_leaves_no_socket_open() {
    compare("socket without a command", |run| {
        run.config(
            "[fcgi-program:f]\ncommand=/no/such\nstartretries=0\nsocket=unix://%(here)s/f.sock\n",
        );
        run.start();
        run.wait("f", "FATAL");
        run.ctl("status");
        run.ctl("start f");
        let answer = ask(&unix_url(run, "f.sock"));
        run.note(&answer);
        run.stop();
        run.log();
    });
}

#[test]
fn a_socket_that_lies_there_makes_room() {
    compare("old socket files", |run| {
        for is_alive in [false, true] {
            let _ = std::fs::remove_file(run.path("f.sock"));
            let old = UnixListener::bind(run.path("f.sock")).unwrap();
            let old = is_alive.then_some(old);
            let sections = two_on(run, "socket=unix://%(here)s/f.sock");
            run.config(&sections);
            run.start();
            run.wait_all(&["f:f0", "f:f1"], "RUNNING");
            let url = unix_url(run, "f.sock");
            note_answers(run, &url);
            drop(old);
            run.stop();
        }
        run.log_of(&["socket", "f0", "f1"]);
    });
}

#[test]
fn a_socket_belongs_to_the_user_of_its_program_or_to_its_owner() {
    if !nix::unistd::getuid().is_root() {
        println!("only root can give files away: nothing to test");
        return;
    }
    compare("owner of a socket", |run| {
        run.config(
            "[fcgi-program:a]\ncommand=/bin/sleep 1000\nstartsecs=0\nuser=nobody\n\
             socket=unix://%(here)s/a.sock\n\
             [fcgi-program:b]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
             socket=unix://%(here)s/b.sock\nsocket_owner=nobody:daemon\nsocket_mode=0660\n\
             [fcgi-program:c]\ncommand=/bin/sleep 1000\nstartsecs=0\nuser=root\n\
             socket=unix://%(here)s/c.sock\n",
        );
        run.start();
        run.wait_all(&["a", "b", "c"], "RUNNING");
        for name in ["a.sock", "b.sock", "c.sock"] {
            note_file(run, name);
        }
        run.stop();
    });
}

/// Exit status and last line of a start that must fail.
fn note_failure(run: &mut Run, socket: &str) {
    run.config(&format!(
        "[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket={socket}\n"
    ));
    let program = run.daemon_kind.program("supervisord", &run.dir.bin());
    let mut command = Command::new(program);
    command
        .args(["-n", "-s", "-c"])
        .arg(run.path("supervisord.conf"));
    let end = finish(command, "", DEADLINE);
    let mut lines = end.stderr.lines().rev();
    let last = lines.find(|line| !is_of_place(line)).unwrap_or_default();
    // 4.3.0 names the class of the exception.
    let (_, text) = last.split_once("Error: ").unwrap_or(("", last));
    run.note(&format!("status {:?}: {text}", end.status));
    let left = wait_until(DEADLINE, || !run.path("s").exists());
    run.note(&format!("the server's socket is gone: {left}"));
}

#[test]
fn a_start_that_cannot_make_its_socket_fails() {
    compare("sockets that cannot be made", |run| {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        run.rename(&port.to_string(), "PORT");
        for socket in [
            "unix:///no/such/folder/f.sock".to_string(),
            format!("unix:///tmp/{}", "x".repeat(120)),
            format!("tcp://127.0.0.1:{port}"),
            format!("tcp://192.0.2.1:{port}"),
        ] {
            note_failure(run, &socket);
        }
    });
}

#[test]
fn sockets_come_and_go_with_their_groups() {
    compare("sockets of groups that change", |run| {
        let config = |run: &Run, sections: &[&str]| {
            let text: String = sections
                .iter()
                .map(|name| {
                    let (name, file) = name.split_once('=').unwrap();
                    format!(
                        "[fcgi-program:{name}]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
                         socket=unix://%(here)s/{file}\n"
                    )
                })
                .collect();
            run.config(&text);
        };
        config(run, &["a=a.sock", "b=b.sock"]);
        run.start();
        run.wait_all(&["a", "b"], "RUNNING");
        config(run, &["a=new.sock", "c=c.sock"]);
        run.ctl("reread");
        run.ctl("update");
        run.wait_all(&["a", "c"], "RUNNING");
        for name in ["a.sock", "b.sock", "c.sock", "new.sock"] {
            note_file(run, name);
        }
        for action in ["stop c", "remove c", "add c"] {
            run.ctl(action);
        }
        run.wait("c", "RUNNING");
        run.ctl("reload");
        run.wait_log("supervisord started", 2);
        run.wait_all(&["a", "c"], "RUNNING");
        run.stop();
        run.log_of(&[
            "unix://DIR/a.sock",
            "unix://DIR/b.sock",
            "unix://DIR/c.sock",
            "unix://DIR/new.sock",
        ]);
    });
}

#[test]
fn a_program_in_a_group_without_a_socket_key_has_a_pipe() {
    compare("fcgi-program without a socket in a group", |run| {
        run.config(
            "[fcgi-program:f]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/f.out\n\
             [group:g]\nprograms=f\n",
        );
        run.start();
        run.wait("g:f", "RUNNING");
        run.rpc(
            "sendProcessStdin",
            &[Value::text("g:f"), Value::text("x\n")],
        );
        run.wait_text("f.out", "x");
        run.ctl("status");
        run.stop();
    });
}
