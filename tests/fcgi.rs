//! FastCGI programs where 4.3.0 has no answer: in groups of several programs,
//! and when a socket cannot be made.

use super::support::{
    DEADLINE, Dir, Finished, Outcome, Scene, Value, ask, ask_until, finish, server_command,
    usual_configuration, wait_until,
};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::Command;

/// A program that does nothing with its socket.
const IDLE: &str = "command=/bin/sleep 1000\nstartsecs=0\nstartretries=0\n";

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn unix_url(dir: &Dir, name: &str) -> String {
    format!("unix://{}", dir.join(name).display())
}

/// Runs supervisord on a configuration to its end.
fn run(dir: &Dir, sections: &str, options: &[&str]) -> Finished {
    dir.write("supervisord.conf", usual_configuration(sections));
    run_again(dir, options)
}

fn run_again(dir: &Dir, options: &[&str]) -> Finished {
    let mut command = Command::new(dir.bin().join("supervisord"));
    command
        .args(["-n", "-s", "-c"])
        .arg(dir.join("supervisord.conf"))
        .args(options)
        .current_dir(dir.path());
    finish(command, "", DEADLINE)
}

fn descriptors_of(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// The file behind descriptor 0 of a process, such as `socket:[17]`.
fn stdin_of(scene: &Scene, process: &str) -> String {
    let link = format!("/proc/{}/fd/0", scene.pid(process));
    fs::read_link(link).unwrap().display().to_string()
}

fn start(scene: &Scene, process: &str) -> Outcome {
    scene.call("startProcess", &[Value::text(process)])
}

fn stop(scene: &Scene, process: &str) {
    scene.call("stopProcess", &[Value::text(process)]).answer();
}

fn assert_spawn_error(scene: &Scene, process: &str, text: &str) {
    let told = start(scene, process).to_string();
    assert_eq!(told, format!("fault 50 SPAWN_ERROR: {process}"));
    scene.wait(process, "FATAL");
    assert_eq!(scene.info(process).text_of("spawnerr"), text);
}

#[test]
fn each_program_of_a_group_has_its_own_socket() {
    let dir = Dir::new();
    let server = server_command(&dir);
    let port = free_port();
    let scene = Scene::start_as(
        dir,
        &format!(
            "[group:g]\nprograms=p,f,h\n[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
             [fcgi-program:f]\ncommand={server} %(process_num)d\nprocess_name=f%(process_num)d\n\
             numprocs=2\nstartsecs=0\nsocket=unix://%(here)s/f.sock\nsocket_mode=0640\n\
             [fcgi-program:h]\ncommand={server} h\nstartsecs=0\nsocket=tcp://localhost:{port}\n"
        ),
        |_| {},
    );
    scene.wait_all("RUNNING");
    let (f, h) = (
        unix_url(&scene.dir, "f.sock"),
        format!("tcp://127.0.0.1:{port}"),
    );
    for who in ["0", "1"] {
        assert!(ask_until(&f, who).ends_with(" descriptors 0 1 2"));
    }
    ask_until(&h, "h");
    let mode = fs::metadata(scene.dir.join("f.sock")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(stdin_of(&scene, "g:f0"), stdin_of(&scene, "g:f1"));
    assert_ne!(stdin_of(&scene, "g:f0"), stdin_of(&scene, "g:h"));
    assert!(stdin_of(&scene, "g:p").starts_with("pipe:"));
    let send = |process: &str| {
        let words = [Value::text(process), Value::text("x")];
        scene.call("sendProcessStdin", &words).to_string()
    };
    assert_eq!(send("g:p"), "true");
    assert_eq!(send("g:f0"), "fault 20 NO_FILE: g:f0");

    // The processes of one program are counted, not those of the group.
    stop(&scene, "g:f0");
    assert!(ask(&f).starts_with("1: "));
    stop(&scene, "g:f1");
    assert_eq!(ask(&f), "connection refused");
    scene.wait_log(&format!("Closing socket {f}"));
    ask_until(&h, "h");
    start(&scene, "g:f0").answer();
    ask_until(&f, "0");
    scene.stop();
}

#[test]
fn a_restarted_process_had_the_socket_whose_file_had_vanished() {
    let dir = Dir::new();
    let server = server_command(&dir);
    let scene = Scene::start_as(
        dir,
        &format!(
            "[fcgi-program:f]\ncommand={server} %(process_num)d\nprocess_name=f%(process_num)d\n\
             numprocs=2\nstartsecs=0\nsocket=unix://%(here)s/run/f.sock\n"
        ),
        |launch| fs::create_dir(launch.dir.join("run")).unwrap(),
    );
    scene.wait_all("RUNNING");
    let url = unix_url(&scene.dir, "run/f.sock");
    for who in ["0", "1"] {
        ask_until(&url, who);
    }
    fs::remove_dir_all(scene.dir.join("run")).unwrap();
    assert_eq!(ask(&url), "entity not found");
    // As long as it cannot be made, all goes on as it is.
    let old = stdin_of(&scene, "f:f1");
    stop(&scene, "f:f1");
    start(&scene, "f:f1").answer();
    // It is RUNNING before it has come to its exec.
    let mut new = String::new();
    wait_until(DEADLINE, || {
        new = stdin_of(&scene, "f:f1");
        new == old
    });
    assert_eq!(new, old);
    fs::create_dir(scene.dir.join("run")).unwrap();
    stop(&scene, "f:f0");
    start(&scene, "f:f0").answer();
    ask_until(&url, "0");
    assert_ne!(stdin_of(&scene, "f:f0"), old);
    stop(&scene, "f:f1");
    start(&scene, "f:f1").answer();
    ask_until(&url, "1");
    scene.stop();
}

#[test]
fn a_bad_socket_in_a_group_is_a_warning_and_the_program_has_a_pipe() {
    let sections = format!(
        "[group:g]\nprograms=f\n[fcgi-program:f]\n{IDLE}socket=unix:///s\nsocket_mode=999\n"
    );
    let warning = "[fcgi-program:f] is a plain program in [group:g], its socket is left out: \
                   Invalid socket_mode value 999";
    let checked = run(&Dir::new(), &sections, &["--check"]);
    assert_eq!(checked.status, Some(0));
    let place = format!("warning: {warning}\n");
    assert!(checked.stderr.ends_with(&place), "{}", checked.stderr);

    let scene = Scene::start(&sections);
    scene.wait("g:f", "RUNNING");
    scene.wait_log(&format!("WARN {warning}"));
    assert!(stdin_of(&scene, "g:f").starts_with("pipe:"));
    scene.stop();
}

#[test]
fn the_socket_of_a_member_is_dumped_with_its_process() {
    let dumped = run(
        &Dir::new(),
        "[group:g]\nprograms=f,p\n[program:p]\ncommand=p\n\
         [fcgi-program:f]\ncommand=f\nsocket=unix:///f.sock\nsocket_mode=0770\nsocket_backlog=5\n",
        &["--dump-config"],
    );
    let flat: String = dumped.stdout.lines().map(str::trim).collect();
    let socket = "\"user_environment\": false,\"sockets\": [],\"socket\": \"unix:///f.sock\",\"socket_backlog\": 5,\
                  \"socket_mode\": \"770\",\"socket_owner\": null}";
    assert!(flat.contains(socket), "{flat}");
    assert_eq!(flat.matches("\"socket\"").count(), 1);
}

#[test]
fn a_folder_that_has_vanished_fails_the_spawn_and_not_the_daemon() {
    let dir = Dir::new();
    fs::create_dir(dir.join("run")).unwrap();
    let scene = Scene::start_as(
        dir,
        &format!("[fcgi-program:f]\n{IDLE}socket=unix://%(here)s/run/f.sock\n"),
        |_| {},
    );
    scene.wait("f", "RUNNING");
    stop(&scene, "f");
    fs::remove_dir_all(scene.dir.join("run")).unwrap();
    let text = format!(
        "Could not create FastCGI socket {}: [Errno 2] No such file or directory",
        unix_url(&scene.dir, "run/f.sock")
    );
    assert_spawn_error(&scene, "f", &text);
    scene.wait_log(&format!("INFO spawnerr: {text}"));
    fs::create_dir(scene.dir.join("run")).unwrap();
    start(&scene, "f").answer();
    scene.stop();
}

#[test]
fn a_restart_whose_socket_is_taken_is_tried_again() {
    let port = free_port();
    let scene = Scene::start(&format!(
        "[fcgi-program:f]\ncommand=/bin/sleep 1000\nstartsecs=0\nstartretries=100\n\
         autorestart=true\nsocket=tcp://127.0.0.1:{port}\n"
    ));
    scene.wait("f", "RUNNING");
    stop(&scene, "f");
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    start(&scene, "f");
    scene.wait("f", "BACKOFF");
    assert_eq!(
        scene.info("f").text_of("spawnerr"),
        format!(
            "Could not create FastCGI socket tcp://127.0.0.1:{port}: \
             [Errno 98] Address already in use"
        )
    );
    drop(taken);
    scene.wait("f", "RUNNING");
    scene.stop();
}

#[test]
fn descriptors_do_not_pile_up() {
    const RESTARTS: usize = 100;
    let scene = Scene::start(&format!(
        "[fcgi-program:f]\n{IDLE}socket=unix://%(here)s/f.sock\n\
         [group:g]\nprograms=m\n[fcgi-program:m]\n{IDLE}socket=unix://%(here)s/m.sock\n"
    ));
    scene.wait("f", "RUNNING");
    scene.wait("g:m", "RUNNING");
    let daemon = scene.daemon.pid();
    let before = descriptors_of(daemon);
    for _ in 0..RESTARTS {
        for process in ["f", "g:m"] {
            stop(&scene, process);
            start(&scene, process).answer();
        }
    }
    // Made in vain: the socket's place is taken.
    stop(&scene, "f");
    fs::remove_file(scene.dir.join("f.sock")).unwrap();
    fs::create_dir(scene.dir.join("f.sock")).unwrap();
    for _ in 0..RESTARTS {
        assert!(matches!(start(&scene, "f"), Outcome::Fault(50, _)));
        scene.wait("f", "FATAL");
    }
    fs::remove_dir(scene.dir.join("f.sock")).unwrap();
    start(&scene, "f").answer();
    let mut after = 0;
    let same = wait_until(DEADLINE, || {
        after = descriptors_of(daemon);
        after <= before
    });
    assert!(same, "{before} descriptors became {after}");
    let left: Vec<String> = fs::read_dir(scene.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().display().to_string())
        .filter(|name| name.contains(".sock"))
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    scene.stop();
}

#[test]
fn what_is_no_socket_is_not_removed() {
    let dir = Dir::new();
    let file = dir.write("f.sock", "precious");
    let sections = format!("[fcgi-program:f]\n{IDLE}socket=unix://%(here)s/f.sock\n");
    let told = format!(
        "Error: Could not create FastCGI socket {}: {} exists and is not a socket\n",
        unix_url(&dir, "f.sock"),
        file.display()
    );
    let end = run(&dir, &sections, &[]);
    assert_eq!((end.status, end.stderr), (Some(1), told.clone()));
    assert_eq!(dir.read("f.sock").as_deref(), Some("precious"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let end = run(&dir, &sections, &[]);
    assert_eq!((end.status, end.stderr), (Some(1), told));
    assert!(file.is_dir());
    assert!(!dir.join("s").exists() && !dir.join("main.pid").exists());
}

#[test]
fn a_second_daemon_does_not_touch_the_sockets_of_the_first() {
    let scene = Scene::start(&format!(
        "[fcgi-program:f]\n{IDLE}socket=unix://%(here)s/f.sock\n"
    ));
    scene.wait("f", "RUNNING");
    let inode = || fs::metadata(scene.dir.join("f.sock")).unwrap().ino();
    let before = inode();
    let end = run_again(&scene.dir, &["-l", "other.log", "-j", "other.pid"]);
    assert_eq!(end.status, Some(2), "{}", end.stderr);
    assert_eq!(inode(), before);
    scene.stop();
}

#[test]
fn a_member_whose_socket_cannot_be_made_does_not_hinder_the_start() {
    let scene = Scene::start(&format!(
        "[group:g]\nprograms=f,p\n[program:p]\n{IDLE}\
         [fcgi-program:f]\n{IDLE}socket=unix:///no/such/f.sock\n"
    ));
    scene.wait("g:p", "RUNNING");
    scene.wait("g:f", "FATAL");
    let text = "Could not create FastCGI socket unix:///no/such/f.sock: \
                [Errno 2] No such file or directory";
    scene.wait_log(&format!("ERRO {text}"));
    assert_eq!(scene.info("g:f").text_of("spawnerr"), text);
    scene.stop();
}

#[test]
fn a_group_whose_socket_cannot_be_made_can_be_added() {
    let scene = Scene::start("");
    scene.dir.write(
        "supervisord.conf",
        usual_configuration(&format!(
            "[fcgi-program:f]\n{IDLE}socket=unix:///no/such/f.sock\n\
             [fcgi-program:h]\n{IDLE}socket=tcp://no-such-host.invalid:80\n"
        )),
    );
    scene.call("reloadConfig", &[]).answer();
    for (group, text) in [
        (
            "f",
            "unix:///no/such/f.sock: [Errno 2] No such file or directory",
        ),
        (
            "h",
            "tcp://no-such-host.invalid:80: no-such-host.invalid is not in /etc/hosts, and names \
             are asked of the network at a start only: use an address, or reload",
        ),
    ] {
        let added = scene.call("addProcessGroup", &[Value::text(group)]);
        assert_eq!(added.to_string(), "true");
        scene.wait(group, "FATAL");
        let text = format!("Could not create FastCGI socket {text}");
        assert_eq!(scene.info(group).text_of("spawnerr"), text);
        scene.wait_log(&format!("ERRO {text}"));
    }
    scene.stop();
}

#[test]
fn a_reload_goes_on_without_a_socket_that_cannot_be_made_any_more() {
    let dir = Dir::new();
    fs::create_dir(dir.join("run")).unwrap();
    let scene = Scene::start_as(
        dir,
        &format!(
            "[fcgi-program:f]\n{IDLE}socket=unix://%(here)s/run/f.sock\n\
             [program:p]\n{IDLE}"
        ),
        |_| {},
    );
    scene.wait("f", "RUNNING");
    fs::remove_dir_all(scene.dir.join("run")).unwrap();
    scene.daemon.signal(libc::SIGHUP);
    scene.wait_log("spawnerr: Could not create FastCGI socket");
    scene.wait("p", "RUNNING");
    scene.wait("f", "FATAL");
    scene.stop();
}

#[test]
fn a_changed_mode_is_a_change_of_the_group() {
    let sections = |mode: &str| {
        format!(
            "[fcgi-program:f]\n{IDLE}socket=unix://%(here)s/f.sock\nsocket_mode={mode}\n\
             [group:g]\nprograms=m\n\
             [fcgi-program:m]\n{IDLE}socket=unix://%(here)s/m.sock\nsocket_mode={mode}\n"
        )
    };
    let scene = Scene::start(&sections("0700"));
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&sections("0750")));
    let difference = scene.call("reloadConfig", &[]).to_string();
    assert_eq!(difference, "[[[], [\"f\", \"g\"], []]]");
    for group in ["f", "g"] {
        let name = [Value::text(group)];
        scene.call("stopProcessGroup", &name).answer();
        scene.call("removeProcessGroup", &name).answer();
        scene.call("addProcessGroup", &name).answer();
    }
    scene.wait_all("RUNNING");
    for name in ["f.sock", "m.sock"] {
        let found = fs::metadata(scene.dir.join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o750);
    }
    scene.stop();
}

#[test]
fn the_children_of_a_daemon_that_was_killed_do_not_keep_the_socket() {
    let dir = Dir::new();
    let server = server_command(&dir);
    let sections = |who: &str| {
        format!(
            "[fcgi-program:f]\ncommand={server} {who}\nstartsecs=0\n\
             socket=unix://%(here)s/f.sock\n"
        )
    };
    // What such a child holds is a socket that listens.
    let old = UnixListener::bind(dir.join("f.sock")).unwrap();
    let scene = Scene::start_as(dir, &sections("new"), |_| {});
    scene.wait("f", "RUNNING");
    ask_until(&unix_url(&scene.dir, "f.sock"), "new");
    drop(old);
    scene.stop();
}
