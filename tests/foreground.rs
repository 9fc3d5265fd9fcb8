//! The main log of a daemon in the foreground, and its copy on stdout: each line
//! is there once.

use super::support::pty::Pty;
use super::support::{
    DEADLINE, Dir, Kind, Scene, Value, kill, usual_configuration, wait_for, wait_until,
};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

const PROGRAM: &str = "[program:p]\ncommand=/bin/cat\nstartsecs=0\n";

/// Regression: such a program could write and even type on the terminal of root.
#[test]
fn a_program_of_another_user_had_the_terminal_that_supervisord_was_started_on() {
    if !nix::unistd::getuid().is_root() {
        return;
    }
    for (of_daemon, of_program) in [("", "user=nobody\n"), ("user=nobody\n", "")] {
        let dir = Dir::new();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let text = format!(
            "[supervisord]\n{of_daemon}nodaemon=true\nlogfile=%(here)s/main.log\n\
             pidfile=%(here)s/main.pid\nchildlogdir=%(here)s\n\
             [program:p]\ncommand=/bin/sh -c '(: >/dev/tty) && echo has it || echo has none; exec cat'\n\
             {of_program}startsecs=0\nstdout_logfile=%(here)s/p.log\nstderr_logfile=NONE\n"
        );
        dir.write("supervisord.conf", text);
        let mut command = Command::new(Kind::Ours.program("supervisord", &dir.bin()));
        command
            .args(["-c", "supervisord.conf"])
            .current_dir(dir.path());
        let mut pty = Pty::start(&command, 80, 25);
        let read = || dir.read("p.log").unwrap_or_default();
        assert!(
            wait_until(DEADLINE, || read().contains("has ")),
            "{}",
            pty.screen()
        );
        assert_eq!(read(), "has none\n");
        // The daemon has it still.
        pty.send("\x03");
        let ended = || !dir.join("main.pid").exists();
        assert!(wait_until(DEADLINE, ended), "{}", pty.screen());
    }
}

/// What comes out of a pipe.
fn collect(pipe: OwnedFd) -> Arc<Mutex<String>> {
    let collected = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&collected);
    thread::spawn(move || {
        let (mut pipe, mut buffer) = (File::from(pipe), [0; 4096]);
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            let piece = String::from_utf8_lossy(&buffer[..length]);
            shared.lock().unwrap().push_str(&piece);
        }
    });
    collected
}

fn count(text: &str, what: &str) -> usize {
    text.lines().filter(|line| line.contains(what)).count()
}

/// Whether lines from the start, from after opening the log anew and from the
/// end are there so many times each.
fn assert_times(text: &str, times: usize) {
    for what in [
        "supervisord started with pid",
        "spawned: 'p' with pid",
        "received SIGUSR2 indicating log reopen request",
        "stopped: p",
        "received SIGTERM indicating exit request",
    ] {
        assert_eq!(count(text, what), times, "{what:?} in\n{text}");
    }
}

/// Starts it, has it reopen its logs, and ends it; stdout is a pipe, of which
/// all is returned.
fn run(dir: Dir, options: &'static [&'static str], wrapper: &'static [&'static str]) -> String {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    let collected = collect(read);
    let mut scene = Scene::start_as(dir, PROGRAM, |launch| {
        launch.options = options;
        launch.wrapper = wrapper;
        launch.stdout = Some(write);
    });
    scene.wait("p", "RUNNING");
    scene.daemon.signal(libc::SIGUSR2);
    let text = || collected.lock().unwrap().clone();
    let reopened = || text().contains("received SIGUSR2");
    assert!(wait_until(DEADLINE, reopened), "{}", text());
    scene.call("stopProcess", &[Value::text("p")]).answer();
    assert_eq!(scene.daemon.stop(), Some(0));
    // The end of the pipe is read when it has no writer any more.
    let ended = || Arc::strong_count(&collected) == 1;
    assert!(wait_until(DEADLINE, ended), "{}", text());
    text()
}

#[test]
fn each_line_came_twice_where_the_log_was_stdout() {
    for options in [
        &["-l", "/dev/stdout"],
        &["-l", "/dev/fd/1"],
        &["-l", "/proc/self/fd/1"],
        &["-l", "link.log"],
    ] {
        let dir = Dir::new();
        symlink("/dev/stdout", dir.join("link.log")).unwrap();
        assert_times(&run(dir, options, &[]), 1);
    }
    // With -s there never was a copy.
    let options = &["-s", "-l", "/dev/stdout"];
    assert_times(&run(Dir::new(), options, &[]), 1);
}

#[test]
fn each_line_came_twice_where_stderr_was_the_log_and_stdout_the_same_pipe() {
    let both = &["/bin/sh", "-c", "exec \"$@\" 2>&1", "sh"];
    assert_times(&run(Dir::new(), &["-l", "/dev/stderr"], both), 1);
    // Where it is another one, each has them.
    let dir = Dir::new();
    let other = &["/bin/sh", "-c", "exec \"$@\" 2>err", "sh"];
    let error = dir.join("err");
    let kept = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&error)
        .unwrap();
    assert_times(&run(dir, &["-l", "/dev/stderr"], other), 1);
    let mut text = String::new();
    (&kept).read_to_string(&mut text).unwrap();
    assert_times(&text, 1);
}

#[test]
fn each_line_came_twice_where_stdout_was_a_fifo_that_the_log_names() {
    let dir = Dir::new();
    let path = dir.join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let to_fifo = &["/bin/sh", "-c", "exec \"$@\" 1<>fifo", "sh"];
    let fifo = OpenOptions::new().read(true).write(true).open(&path);
    let keeper = fifo.unwrap();
    let collected = collect(keeper.try_clone().unwrap().into());
    let mut scene = Scene::start_as(dir, PROGRAM, |launch| {
        launch.options = &["-l", "fifo"];
        launch.wrapper = to_fifo;
    });
    scene.wait("p", "RUNNING");
    scene.daemon.signal(libc::SIGUSR2);
    let text = || collected.lock().unwrap().clone();
    let reopened = || text().contains("received SIGUSR2");
    assert!(wait_until(DEADLINE, reopened), "{}", text());
    scene.call("stopProcess", &[Value::text("p")]).answer();
    assert_eq!(scene.daemon.stop(), Some(0));
    let ended = || text().contains("indicating exit request");
    assert!(wait_until(DEADLINE, ended), "{}", text());
    assert_times(&text(), 1);
}

#[test]
fn each_line_came_twice_in_the_file_that_was_both_log_and_stdout() {
    let dir = Dir::new();
    let log = File::options()
        .append(true)
        .create(true)
        .open(dir.join("main.log"))
        .unwrap();
    let mut scene = Scene::start_as(
        dir,
        &format!("logfile_maxbytes=2000\nlogfile_backups=50\n{PROGRAM}"),
        |launch| launch.stdout = Some(log.into()),
    );
    scene.wait("p", "RUNNING");
    scene.daemon.signal(libc::SIGUSR2);
    scene.wait_log("received SIGUSR2");
    // It rolls over, and stdout is a backup then.
    let mut rounds = 0;
    while !scene.dir.join("main.log.3").exists() {
        scene.call("stopProcess", &[Value::text("p")]).answer();
        scene.call("startProcess", &[Value::text("p")]).answer();
        rounds += 1;
    }
    let all = |scene: &Scene| -> String {
        let backups = (1..=50).rev().map(|number| format!("main.log.{number}"));
        let names = backups.chain(["main.log".to_owned()]);
        names.filter_map(|name| scene.dir.read(&name)).collect()
    };
    assert_eq!(count(&all(&scene), "stopped: p"), rounds);
    assert_eq!(count(&all(&scene), "spawned: 'p'"), rounds + 1);
    // So it is after a restart.
    scene.call("restart", &[]).answer();
    let restarted = || count(&all(&scene), "supervisord started with pid") >= 2;
    assert!(wait_until(DEADLINE, restarted), "{}", all(&scene));
    let answers = || scene.rpc.answers();
    assert!(wait_until(DEADLINE, answers));
    scene.wait("p", "RUNNING");
    scene.call("stopProcess", &[Value::text("p")]).answer();
    assert_eq!(scene.daemon.stop(), Some(0));
    let text = all(&scene);
    assert_eq!(count(&text, "supervisord started with pid"), 2, "{text}");
    assert_eq!(count(&text, "spawned: 'p'"), rounds + 2);
    assert_eq!(count(&text, "received SIGTERM indicating exit"), 1);
}

#[test]
fn each_line_came_twice_on_the_terminal_that_the_log_was() {
    for logfile in ["/dev/stdout", "/dev/tty", "tty"] {
        let dir = Dir::new();
        dir.write("supervisord.conf", usual_configuration(PROGRAM));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "ln -s \"$(tty)\" tty; exec \"$0\" \"$@\""])
            .arg(Kind::Ours.program("supervisord", &dir.bin()))
            .args(["-n", "-c", "supervisord.conf", "-l", logfile])
            .current_dir(dir.path());
        let mut pty = Pty::start(&command, 200, 50);
        let spawned = || pty.written().contains("entered RUNNING state");
        assert!(wait_until(DEADLINE, spawned), "{}", pty.written());
        let pid = wait_for(DEADLINE, || dir.read("main.pid")?.trim().parse().ok()).unwrap();
        kill(pid, libc::SIGUSR2);
        let reopened = || pty.written().contains("received SIGUSR2");
        assert!(wait_until(DEADLINE, reopened), "{}", pty.written());
        kill(pid, libc::SIGTERM);
        assert_eq!(pty.wait(DEADLINE), Some(0));
        let ended = || pty.written().contains("stopped: p");
        assert!(wait_until(DEADLINE, ended), "{}", pty.written());
        assert_times(&pty.written(), 1);
    }
}

#[test]
fn a_log_that_is_not_stdout_is_copied_there() {
    let dir = Dir::new();
    let path = dir.join("main.log");
    fs::write(&path, "").unwrap();
    let log = File::open(&path).unwrap();
    assert_times(&run(dir, &[], &[]), 1);
    let mut text = String::new();
    (&log).read_to_string(&mut text).unwrap();
    assert_times(&text, 1);
}
