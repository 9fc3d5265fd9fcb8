//! Directories that belong to others: what a program's user does there to the
//! names that supervisord, as root, opens, makes, moves and gives away. Where it has
//! to be done between two of its system calls, strace stops the daemon after the first of them.
//!
//! Only root can give directories away and has anything to lose; for everybody else there
//! is nothing to see.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::support::{
    Address, DEADLINE, Daemon, Dir, Kind, Launch, Outcome, Rpc, Scene, Value, finish,
    usual_configuration, wait_until,
};

/// The program's user: that of most systems by the name `daemon`.
pub const STRANGER: u32 = 1;

/// A scene's directory with one of the stranger's in it, `theirs`.
pub fn ground() -> Option<Dir> {
    let dir = Dir::new();
    fs::create_dir(dir.join("theirs")).unwrap();
    fs::create_dir(dir.join("ours")).unwrap();
    dir.write("ours/precious", "precious\n");
    nix::unistd::getuid().is_root().then(|| {
        give_away(&dir, "theirs");
        dir
    })
}

pub fn give_away(dir: &Dir, name: &str) {
    lchown(dir.join(name), Some(STRANGER), Some(STRANGER)).unwrap();
}

/// As the stranger puts a link there, in the place of what is there.
pub fn plant(dir: &Dir, name: &str, target: impl AsRef<Path>) {
    let _ = fs::remove_file(dir.join(name));
    symlink(target, dir.join(name)).unwrap();
    give_away(dir, name);
}

/// A wrapper in which the daemon stops as soon as it has made a call of that kind.
fn stopping_after<'a>(inject: &'a str, trace: &'a str) -> Vec<&'a str> {
    vec![
        "strace",
        "-D",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        trace,
        "-e",
        inject,
    ]
}

/// Waits for a file that the daemon makes with the call after which it stops.
fn wait_for_file(daemon: &Daemon, path: &Path) {
    let made = wait_until(DEADLINE, || fs::symlink_metadata(path).is_ok());
    assert!(made, "{}: {}", path.display(), daemon.stderr());
}

pub fn wait_for_log(dir: &Dir, daemon: &Daemon, text: &str) {
    let log = || dir.read("main.log").unwrap_or_default();
    let told = wait_until(DEADLINE, || log().contains(text));
    assert!(told, "no {text:?} in\n{}\n{}", log(), daemon.stderr());
}

pub fn is_untouched(dir: &Dir) -> bool {
    let found = fs::metadata(dir.join("ours/precious")).unwrap();
    (found.uid(), found.mode() & 0o777) == (0, 0o644)
        && dir.read("ours/precious").as_deref() == Some("precious\n")
}

/// A program that writes each line that it is given by `sendProcessStdin` to `theirs/w.log`.
fn program(more: &str) -> String {
    format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/theirs/w.log\n{more}"
    )
}

fn say(scene: &Scene, text: &str) {
    let words = [Value::text("p"), Value::text(text)];
    scene.call("sendProcessStdin", &words).answer();
}

fn scene(dir: Dir, more: &str) -> Scene {
    let scene = Scene::start_as(dir, &program(more), |_| {});
    scene.wait("p", "RUNNING");
    scene
}

fn wait_for_text(scene: &Scene, name: &str, text: &str) {
    let read = || scene.dir.read(name).unwrap_or_default();
    let shown = wait_until(DEADLINE, || read().contains(text));
    assert!(shown, "{name}: {:?}\n{}", read(), scene.log());
}

/// Starts supervisord with a FastCGI socket in `theirs`, and returns while it is stopped
/// between making the socket's file and giving it away.
fn stopped_at_the_socket(dir: &Dir) -> Daemon {
    let configuration = "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
        childlogdir=%(here)s\n[fcgi-program:f]\ncommand=/bin/sleep 1000\nstartsecs=0\n\
        socket=unix://%(here)s/theirs/f.sock\nsocket_owner=daemon:daemon\nsocket_mode=0666\n";
    dir.write("supervisord.conf", configuration);
    let mut launch = Launch::new(Kind::Ours, dir);
    let wrapper = stopping_after("inject=bind:signal=SIGSTOP:when=1", "trace=bind");
    launch.wrapper = &wrapper;
    let daemon = Daemon::launch(&launch);
    wait_for_file(&daemon, &dir.join("theirs/f.sock"));
    daemon
}

#[test]
fn the_owner_of_a_fastcgi_socket_was_given_what_was_put_in_its_place() {
    let Some(dir) = ground() else { return };
    let mut daemon = stopped_at_the_socket(&dir);
    plant(&dir, "theirs/f.sock", dir.join("ours/precious"));
    daemon.signal(libc::SIGCONT);
    wait_for_log(&dir, &daemon, "Could not create FastCGI socket");
    assert!(is_untouched(&dir));
    daemon.stop();
}

#[test]
fn the_owner_of_a_fastcgi_socket_was_given_another_socket_of_root() {
    let Some(dir) = ground() else { return };
    let _other = UnixListener::bind(dir.join("theirs/other.sock")).unwrap();
    let held = fs::File::options()
        .read(true)
        .custom_flags(libc::O_PATH)
        .open(dir.join("theirs/other.sock"))
        .unwrap();
    let mut daemon = stopped_at_the_socket(&dir);
    fs::rename(dir.join("theirs/other.sock"), dir.join("theirs/f.sock")).unwrap();
    daemon.signal(libc::SIGCONT);
    wait_for_log(&dir, &daemon, "Could not create FastCGI socket");
    assert_eq!(held.metadata().unwrap().uid(), 0);
    daemon.stop();
}

#[test]
fn a_fastcgi_socket_in_a_directory_of_its_user_has_its_mode_and_owner() {
    let Some(dir) = ground() else { return };
    let mut daemon = stopped_at_the_socket(&dir);
    daemon.signal(libc::SIGCONT);
    wait_for_log(&dir, &daemon, "success: f entered RUNNING state");
    let found = fs::symlink_metadata(dir.join("theirs/f.sock")).unwrap();
    assert_eq!((found.uid(), found.gid()), (STRANGER, STRANGER));
    assert_eq!(found.mode() & 0o7777, 0o666);
    daemon.stop();
}

#[test]
fn the_owner_of_the_servers_socket_was_given_what_was_put_in_its_place() {
    let Some(dir) = ground() else { return };
    let configuration = "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
        childlogdir=%(here)s\n[unix_http_server]\nfile=%(here)s/theirs/s\nchown=daemon:daemon\n";
    dir.write("supervisord.conf", configuration);
    let mut launch = Launch::new(Kind::Ours, &dir);
    let wrapper = stopping_after("inject=bind:signal=SIGSTOP:when=1", "trace=bind");
    launch.wrapper = &wrapper;
    let mut daemon = Daemon::launch(&launch);
    let temporary = format!("theirs/s.{}", daemon.pid());
    wait_for_file(&daemon, &dir.join(&temporary));
    plant(&dir, &temporary, dir.join("ours/precious"));
    daemon.signal(libc::SIGCONT);
    assert_eq!(daemon.wait(DEADLINE), Some(2), "{}", daemon.stderr());
    let told = daemon.stderr();
    assert!(
        told.contains("another file has taken the place of the socket"),
        "{told}"
    );
    assert!(is_untouched(&dir));
}

#[test]
fn a_log_that_was_removed_was_made_anew_through_a_link() {
    let Some(dir) = ground() else { return };
    let scene = scene(dir, "");
    say(&scene, "first\n");
    wait_for_text(&scene, "theirs/w.log", "first");
    plant(&scene.dir, "theirs/w.log", scene.dir.join("ours/new"));
    say(&scene, "second\n");
    scene.wait_log("w.log: there is a link of user \"daemon\" on the way");
    scene.wait_log("/theirs belongs to user \"daemon\"");
    assert!(!scene.dir.join("ours/new").exists());
    // It goes on where the link goes.
    fs::remove_file(scene.dir.join("theirs/w.log")).unwrap();
    say(&scene, "third\n");
    wait_for_text(&scene, "theirs/w.log", "third");
    scene.stop();
}

#[test]
fn a_log_was_made_anew_where_its_directory_was_replaced_by_a_link() {
    let Some(dir) = ground() else { return };
    fs::create_dir(dir.join("theirs/logs")).unwrap();
    give_away(&dir, "theirs/logs");
    let more = "stderr_logfile=NONE\n[program:q]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n\
                stdout_logfile=%(here)s/theirs/logs/q.log\n";
    let scene = scene(dir, more);
    fs::rename(
        scene.dir.join("theirs/logs"),
        scene.dir.join("theirs/moved"),
    )
    .unwrap();
    plant(&scene.dir, "theirs/logs", scene.dir.join("ours"));
    let outcome = scene.call("startProcess", &[Value::text("q")]);
    assert!(matches!(outcome, Outcome::Fault(..)), "{outcome:?}");
    assert!(!scene.dir.join("ours/q.log").exists());
    let told = scene.info("q").text_of("spawnerr").to_owned();
    assert!(
        told.contains("such links lead to their owner's directories only"),
        "{told}"
    );
    scene.stop();
}

#[test]
fn a_log_that_is_a_link_of_its_user_keeps_the_program_from_starting() {
    let Some(dir) = ground() else { return };
    plant(&dir, "theirs/w.log", dir.join("ours/precious"));
    let scene = Scene::start_as(dir, &program("startretries=0\n"), |_| {});
    scene.wait("p", "FATAL");
    let told = scene.info("p").text_of("spawnerr").to_owned();
    assert!(told.starts_with("cannot open "), "{told}");
    assert!(told.contains("belongs to user \"daemon\""), "{told}");
    assert!(is_untouched(&scene.dir));
    scene.stop();
}

#[test]
fn a_log_without_backups_emptied_what_was_put_in_its_place() {
    let Some(dir) = ground() else { return };
    let scene = scene(
        dir,
        "stdout_logfile_maxbytes=20\nstdout_logfile_backups=0\n",
    );
    say(&scene, "first\n");
    wait_for_text(&scene, "theirs/w.log", "first");
    // The file that is written to is still somewhere.
    let swap = |plant: &dyn Fn()| {
        fs::rename(
            scene.dir.join("theirs/w.log"),
            scene.dir.join("theirs/moved"),
        )
        .unwrap();
        plant();
    };
    swap(&|| plant(&scene.dir, "theirs/w.log", scene.dir.join("ours/precious")));
    say(&scene, "a line that is longer than the limit\n");
    scene.wait_log("cannot rotate");
    assert!(is_untouched(&scene.dir));
    scene.stop();
}

#[test]
fn a_log_without_backups_emptied_a_file_that_had_another_name_too() {
    let Some(dir) = ground() else { return };
    let scene = scene(
        dir,
        "stdout_logfile_maxbytes=20\nstdout_logfile_backups=0\n",
    );
    say(&scene, "first\n");
    wait_for_text(&scene, "theirs/w.log", "first");
    fs::rename(
        scene.dir.join("theirs/w.log"),
        scene.dir.join("theirs/moved"),
    )
    .unwrap();
    fs::hard_link(
        scene.dir.join("ours/precious"),
        scene.dir.join("theirs/w.log"),
    )
    .unwrap();
    say(&scene, "a line that is longer than the limit\n");
    scene.wait_log("it is a file with 2 names (hard links)");
    assert!(is_untouched(&scene.dir));
    scene.stop();
}

#[test]
fn a_log_that_is_cleared_was_made_anew_through_a_link() {
    let Some(dir) = ground() else { return };
    let inject = "inject=unlink,unlinkat:signal=SIGSTOP:when=1+";
    let trace = "trace=unlink,unlinkat";
    let wrapper = stopping_after(inject, trace);
    dir.write("supervisord.conf", usual_configuration(&program("")));
    let mut launch = Launch::new(Kind::Ours, &dir);
    launch.wrapper = &wrapper;
    let daemon = Daemon::launch(&launch);
    // It goes on after everything that it removes, except for the log.
    let log = dir.join("theirs/w.log");
    let go_on = || daemon.signal(libc::SIGCONT);
    let answering = wait_until(DEADLINE, || {
        go_on();
        dir.join("s").exists() && log.exists()
    });
    assert!(answering, "{}", daemon.stderr());
    let client = std::thread::spawn({
        let address = Address::Unix(dir.join("s"));
        move || {
            let rpc = Rpc::new(address);
            rpc.call("supervisor.clearProcessLogs", &[Value::text("p")])
        }
    });
    let removed = wait_until(DEADLINE, || {
        let is_gone = !log.exists();
        if !is_gone {
            go_on();
        }
        is_gone
    });
    assert!(removed, "{}", daemon.stderr());
    plant(&dir, "theirs/w.log", dir.join("ours/new"));
    let done = wait_until(DEADLINE, || {
        go_on();
        client.is_finished()
    });
    assert!(done, "{}", daemon.stderr());
    client.join().unwrap();
    assert!(!dir.join("ours/new").exists());
}

#[test]
fn a_client_was_shown_what_a_link_in_the_place_of_a_log_leads_to() {
    let Some(dir) = ground() else { return };
    let scene = scene(dir, "");
    plant(&scene.dir, "theirs/w.log", scene.dir.join("ours/precious"));
    for method in ["readProcessStdoutLog", "tailProcessStdoutLog"] {
        let words = [Value::text("p"), Value::Int(0), Value::Int(1000)];
        let outcome = scene.call(method, &words);
        assert!(!format!("{outcome:?}").contains("precious"), "{outcome:?}");
    }
    scene.stop();
}

#[test]
fn a_pid_file_was_written_through_a_link() {
    let Some(dir) = ground() else { return };
    plant(&dir, "theirs/pid", dir.join("ours/precious"));
    dir.write(
        "supervisord.conf",
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/theirs/pid\n",
    );
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    wait_for_log(
        &dir,
        &daemon,
        "there is a link of user \"daemon\" on the way",
    );
    assert!(is_untouched(&dir));
    daemon.stop();
}

#[test]
fn logs_in_a_directory_of_the_programs_user_work_as_ever() {
    let Some(dir) = ground() else { return };
    dir.write("theirs/w.log", "old\n");
    give_away(&dir, "theirs/w.log");
    let scene = scene(
        dir,
        "stdout_logfile_maxbytes=30\nstdout_logfile_backups=2\n",
    );
    for line in ["one", "two", "three", "four"] {
        say(&scene, &format!("{line} {line} {line} {line}\n"));
        wait_until(DEADLINE, || {
            let all = ["", ".1", ".2"].map(|end| scene.dir.read(&format!("theirs/w.log{end}")));
            all.iter().flatten().any(|text| text.contains(line))
        });
    }
    wait_for_text(&scene, "theirs/w.log.1", "three");
    scene.stop();
}

#[test]
fn links_that_root_made_and_those_to_the_standard_output_go_on_to_work() {
    let Some(dir) = ground() else { return };
    symlink(dir.join("ours/w.log"), dir.join("theirs/w.log")).unwrap();
    plant(&dir, "theirs/out.log", "/dev/stdout");
    let more = "[program:q]\ncommand=/bin/echo to the standard output\nstartsecs=0\n\
                autorestart=false\nstdout_logfile=%(here)s/theirs/out.log\n";
    let scene = scene(dir, more);
    say(&scene, "by a link\n");
    wait_for_text(&scene, "ours/w.log", "by a link");
    let told = wait_until(DEADLINE, || {
        scene.daemon.stdout().contains("to the standard output")
    });
    assert!(told, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_users_link_to_a_descriptor_of_the_daemon_is_refused() {
    let Some(dir) = ground() else { return };
    plant(&dir, "theirs/w.log", "/dev/fd/3");
    let scene = Scene::start_as(dir, &program("startretries=0\n"), |_| {});
    scene.wait("p", "FATAL");
    scene.stop();
}

/// The lines of a text that tell of directories of others.
fn told_of(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines
        .filter(|line| line.contains("can replace what supervisord opens as root"))
        .collect()
}

#[test]
fn a_directory_that_others_may_write_to_is_told_of_once() {
    let Some(dir) = ground() else { return };
    fs::create_dir(dir.join("theirs/deeper")).unwrap();
    fs::create_dir(dir.join("open")).unwrap();
    fs::set_permissions(dir.join("open"), Permissions::from_mode(0o777)).unwrap();
    fs::create_dir(dir.join("like-tmp")).unwrap();
    fs::set_permissions(dir.join("like-tmp"), Permissions::from_mode(0o1777)).unwrap();
    fs::create_dir(dir.join("like-var-log")).unwrap();
    fs::set_permissions(dir.join("like-var-log"), Permissions::from_mode(0o775)).unwrap();
    std::os::unix::fs::chown(dir.join("like-var-log"), None, Some(STRANGER)).unwrap();
    let programs = |logs: &[&str]| -> String {
        let sections = logs.iter().enumerate().map(|(number, log)| {
            format!(
                "[program:p{number}]\ncommand=/bin/cat\nautostart=false\n\
                 stdout_logfile=%(here)s/{log}\nstderr_logfile=%(here)s/theirs/deeper/e.log\n"
            )
        });
        sections.collect()
    };
    let few = programs(&[
        "theirs/a.log",
        "ours/b.log",
        "like-tmp/c.log",
        "like-var-log/d.log",
    ]);
    let scene = Scene::start_as(dir, &few, |_| {});
    let log = scene.log();
    let found = told_of(&log);
    assert_eq!(found.len(), 1, "{log}");
    assert!(found[0].contains(" WARN "), "{log}");
    assert!(
        found[0].contains("/theirs belongs to user \"daemon\": who may write there can")
            && found[0].contains("the stdout_logfile of [program:p0];"),
        "{log}"
    );
    // A reread tells of what is new.
    let more = programs(&["theirs/a.log", "open/x.log", "open/y.log"]);
    scene
        .dir
        .write("supervisord.conf", usual_configuration(&more));
    for _ in 0..2 {
        scene.call("reloadConfig", &[]).answer();
    }
    let log = scene.log();
    let found = told_of(&log);
    assert_eq!(found.len(), 2, "{log}");
    assert!(
        found[1].contains("/open can be written to by everybody: "),
        "{log}"
    );
    // The check does it with the place.
    let configuration = scene.dir.join("supervisord.conf");
    for (option, status) in [("--check", 0), ("--check=strict", 2)] {
        let mut command = Command::new(scene.dir.bin().join("supervisord"));
        command.args([option, "-c"]).arg(&configuration);
        let finished = finish(command, "", DEADLINE);
        assert_eq!(finished.status, Some(status), "{finished:?}");
        let found = told_of(&finished.stderr);
        assert_eq!(found.len(), 2, "{finished:?}");
        let place = |line: usize| format!("{}:{line}: warning: ", configuration.display());
        let lines = usual_configuration("").lines().count();
        assert!(found[0].starts_with(&place(lines + 1)), "{finished:?}");
        assert!(found[1].starts_with(&place(lines + 6)), "{finished:?}");
    }
    scene.stop();
}

#[test]
fn a_daemon_that_is_not_root_tells_of_no_directories() {
    let Some(dir) = ground() else { return };
    let configuration = "[supervisord]\nuser=nobody\nlogfile=%(here)s/theirs/main.log\n";
    dir.write("supervisord.conf", configuration);
    let mut command = Command::new(dir.bin().join("supervisord"));
    command
        .args(["--check", "-c"])
        .arg(dir.join("supervisord.conf"));
    let finished = finish(command, "", DEADLINE);
    assert_eq!(told_of(&finished.stderr), [""; 0]);
}

const WITHOUT_THE_CALL: [&str; 7] = refusing("inject=openat2:error=ENOSYS");
const FORBIDDEN_CALL: [&str; 7] = refusing("inject=openat2:error=EPERM");

const fn refusing(inject: &'static str) -> [&'static str; 7] {
    ["strace", "-D", "-qq", "-o", "/dev/null", "-e", inject]
}

/// Old kernels, emulators and filters know no openat2(2).
#[test]
fn paths_are_walked_where_the_system_cannot_do_it_at_once() {
    for wrapper in [&WITHOUT_THE_CALL, &FORBIDDEN_CALL] {
        let Some(dir) = ground() else { return };
        fs::create_dir(dir.join("theirs/logs")).unwrap();
        symlink(dir.join("theirs"), dir.join("by-link")).unwrap();
        plant(&dir, "theirs/away", dir.join("ours"));
        let more = "[program:q]\ncommand=/bin/cat\nstartsecs=0\n\
                    stdout_logfile=%(here)s/by-link/logs/../q.log\n\
                    [program:refused]\ncommand=/bin/cat\nstartretries=0\n\
                    stdout_logfile=%(here)s/theirs/away/r.log\n";
        let scene = Scene::start_as(dir, &program(more), |launch| launch.wrapper = wrapper);
        scene.wait("refused", "FATAL");
        for process in ["p", "q"] {
            scene.wait(process, "RUNNING");
        }
        say(&scene, "walked\n");
        wait_for_text(&scene, "theirs/w.log", "walked");
        assert!(scene.dir.join("theirs/q.log").exists());
        assert!(!scene.dir.join("ours/r.log").exists());
        scene.stop();
    }
}

#[test]
fn a_log_was_taken_for_that_of_another_program_when_it_became_a_link_to_it() {
    let Some(dir) = ground() else { return };
    let more = "[program:other]\ncommand=/bin/cat\nstartsecs=0\n\
                stdout_logfile=%(here)s/ours/other.log\n";
    let stays_down = format!("{}autostart=false\n{more}", program(""));
    dir.write("supervisord.conf", usual_configuration(&stays_down));
    let paths = ["theirs", "theirs/w.log"].map(|name| dir.join(name).display().to_string());
    let inject = "inject=open,openat:signal=SIGSTOP:when=1";
    let mut wrapper = stopping_after(inject, "trace=open,openat");
    for path in &paths {
        wrapper.extend(["-P", path]);
    }
    let mut launch = Launch::new(Kind::Ours, &dir);
    launch.wrapper = &wrapper;
    let mut daemon = Daemon::launch(&launch);
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    daemon.wait_until_it_answers(&rpc);
    let client = std::thread::spawn({
        let rpc = rpc.clone();
        move || rpc.call("supervisor.startProcess", &[Value::text("p")])
    });
    wait_for_file(&daemon, &dir.join("theirs/w.log"));
    fs::rename(dir.join("theirs/w.log"), dir.join("theirs/stolen")).unwrap();
    plant(&dir, "theirs/w.log", dir.join("ours/other.log"));
    let done = wait_until(DEADLINE, || {
        daemon.signal(libc::SIGCONT);
        client.is_finished()
    });
    assert!(done, "{}", daemon.stderr());
    let words = [Value::text("other"), Value::text("secret\n")];
    rpc.call("supervisor.sendProcessStdin", &words).answer();
    let read = |name: &str| dir.read(name).unwrap_or_default();
    let written = wait_until(DEADLINE, || {
        read("ours/other.log").contains("secret") || read("theirs/stolen").contains("secret")
    });
    assert!(written, "{}", read("main.log"));
    assert_eq!(read("theirs/stolen"), "");
    daemon.stop();
}

#[test]
fn the_cleaning_of_automatic_logs_removed_files_of_another_directory() {
    let Some(dir) = ground() else { return };
    let name = "p-stdout---supervisor-aaaaaaaa.log";
    dir.write(&format!("theirs/logs/{name}"), "");
    dir.write(&format!("ours/{name}"), "");
    give_away(&dir, "theirs/logs");
    dir.write(
        "supervisord.conf",
        "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
         childlogdir=%(here)s/theirs/logs\n",
    );
    let (calls, logs) = (dir.join("calls"), dir.join("theirs/logs"));
    let wrapper = [
        "strace",
        "-D",
        "-qq",
        "-o",
        calls.to_str().unwrap(),
        "-P",
        logs.to_str().unwrap(),
        "-e",
        "trace=getdents64",
        "-e",
        "inject=getdents64:signal=SIGSTOP:when=1",
    ];
    let mut launch = Launch::new(Kind::Ours, &dir);
    launch.wrapper = &wrapper;
    let mut daemon = Daemon::launch(&launch);
    let listed = wait_until(DEADLINE, || {
        dir.read("calls")
            .unwrap_or_default()
            .contains("getdents64(")
    });
    assert!(listed, "{}", daemon.stderr());
    fs::rename(&logs, dir.join("theirs/moved")).unwrap();
    plant(&dir, "theirs/logs", dir.join("ours"));
    let gone = dir.join(&format!("theirs/moved/{name}"));
    let cleaned = wait_until(DEADLINE, || {
        daemon.signal(libc::SIGCONT);
        dir.read("main.log")
            .is_some_and(|log| log.contains("started with pid"))
    });
    assert!(cleaned, "{}", daemon.stderr());
    assert!(dir.join(&format!("ours/{name}")).exists());
    assert!(!gone.exists());
    daemon.stop();
}
