//! Logs on disks that fill up, in directories that go, where something is in
//! the way. The daemon and its children live, logging resumes by itself, and
//! every lost byte is told.

use super::idle::comes_to_rest;
use super::support::{DEADLINE, Dir, Outcome, Scene, Value, wait_until};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A program that writes to `⟨folder⟩/p.log` what it is sent.
fn echo(folder: &str, rotation: &str) -> String {
    format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstartretries=0\nredirect_stderr=true\n\
         stdout_logfile=%(here)s/{folder}/p.log\n{rotation}"
    )
}

fn send(scene: &Scene, text: &str) {
    let parameters = [Value::text("p"), Value::text(text)];
    scene.call("sendProcessStdin", &parameters).answer();
}

fn clear(scene: &Scene) -> Outcome {
    scene.call("clearProcessLogs", &[Value::text("p")])
}

/// Tells the daemon to reopen its logs and waits until it has done so.
fn reopen(scene: &Scene) {
    let count = || scene.log().matches("supervisord logreopen").count();
    let before = count();
    scene.daemon.signal(libc::SIGUSR2);
    assert!(wait_until(DEADLINE, || count() > before));
    // The logs of children are next, in the same turn.
    scene.info("p");
}

/// The sum of what the main log tells as lost.
fn lost(log: &str) -> usize {
    let told = log.split("; ").filter_map(|part| {
        let (count, _) = part.split_once(" bytes of it are lost")?;
        count.parse::<usize>().ok()
    });
    told.sum()
}

/// A file as the daemon sees it, which may have mounts of its own.
fn inside(scene: &Scene, name: &str) -> PathBuf {
    let path = scene.dir.join(name);
    let path = path.strip_prefix("/").unwrap().to_owned();
    PathBuf::from(format!("/proc/{}/root", scene.daemon.pid())).join(path)
}

fn read(scene: &Scene, name: &str) -> String {
    let bytes = fs::read(inside(scene, name)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait_end(scene: &Scene, name: &str, text: &str) {
    let shown = wait_until(DEADLINE, || read(scene, name).ends_with(text));
    assert!(shown, "{name} does not end with {text:?}\n{}", scene.log());
}

/// A daemon with a file system of 64 KiB at `small`.
fn on_a_small_disk(more: &str, options: &'static [&'static str]) -> Scene {
    let dir = Dir::new();
    fs::create_dir(dir.join("small")).unwrap();
    Scene::start_as(dir, more, |launch| {
        launch.options = options;
        launch.wrapper = match nix::unistd::getuid().is_root() {
            true => &["unshare", "-m", "sh", "-c", MOUNT, "sh"],
            false => &["unshare", "-rm", "sh", "-c", MOUNT, "sh"],
        };
    })
}

/// Becomes the daemon on that disk.
const MOUNT: &str = "mount -t tmpfs -o size=64k none small && exec \"$@\"";

/// Fills the small disk to its last byte.
fn fill(scene: &Scene) -> PathBuf {
    let path = inside(scene, "small/filling");
    let mut file = fs::File::create(&path).unwrap();
    while matches!(file.write(&[b'x'; 4096]), Ok(count) if count > 0) {}
    path
}

const FULL: &str = "p.log: No space left on device; ";

#[test]
fn a_full_disk_costs_what_is_written_meanwhile_and_every_byte_of_that_is_told() {
    let mut scene = on_a_small_disk(&echo("small", "stdout_logfile_maxbytes=0\n"), &[]);
    scene.wait("p", "RUNNING");
    let pid = scene.pid("p");
    send(&scene, "before\n");
    wait_end(&scene, "small/p.log", "before\n");
    let filling = fill(&scene);
    let page = "y".repeat(9_999) + "\n";
    let mut sent = "before\n".len();
    for _ in 0..3 {
        send(&scene, &page);
        sent += page.len();
    }
    scene.wait_log(FULL);
    assert_eq!(scene.log().matches(FULL).count(), 1, "once a minute");
    reopen(&scene);
    fs::remove_file(filling).unwrap();
    // What is on its way may still be lost.
    let resumed = wait_until(DEADLINE, || {
        send(&scene, "now?\n");
        sent += "now?\n".len();
        read(&scene, "small/p.log").ends_with("now?\n")
    });
    assert!(resumed, "{}", scene.log());
    send(&scene, "the end\n");
    sent += "the end\n".len();
    wait_end(&scene, "small/p.log", "the end\n");
    assert_eq!(scene.pid("p"), pid);
    let kept = read(&scene, "small/p.log").len();
    assert_eq!(scene.daemon.stop(), Some(0));
    let log = scene.log();
    assert_eq!(kept + lost(&log), sent, "kept and lost is all\n{log}");
}

#[test]
fn a_full_disk_does_not_keep_logs_from_rolling_over_or_being_cleared() {
    let rotation = "stdout_logfile_maxbytes=20KB\nstdout_logfile_backups=1\n";
    let scene = on_a_small_disk(&echo("small", rotation), &[]);
    scene.wait("p", "RUNNING");
    let pid = scene.pid("p");
    let page = "y".repeat(4_095) + "\n";
    for _ in 0..2 {
        send(&scene, &page);
    }
    let size = 2 * page.len();
    let written = wait_until(DEADLINE, || read(&scene, "small/p.log").len() == size);
    assert!(written, "{}", scene.log());
    let filling = fill(&scene);
    send(&scene, &page);
    scene.wait_log(FULL);
    assert_eq!(clear(&scene).answer(), Value::Bool(true));
    // That alone has made room.
    send(&scene, "cleared\n");
    wait_end(&scene, "small/p.log", "cleared\n");
    fs::remove_file(filling).unwrap();
    for _ in 0..20 {
        send(&scene, &page);
    }
    let rolled = wait_until(DEADLINE, || inside(&scene, "small/p.log.1").exists());
    assert!(rolled, "{}", scene.log());
    assert_eq!(scene.pid("p"), pid);
    scene.stop();
}

#[test]
fn a_main_log_on_a_full_disk_goes_on_when_there_is_room() {
    let program = echo(".", "stdout_logfile_maxbytes=0\n");
    let mut scene = on_a_small_disk(&program, &["-l", "small/main.log"]);
    scene.wait("p", "RUNNING");
    let filling = fill(&scene);
    for _ in 0..60 {
        scene.call("stopProcess", &[Value::text("p")]).answer();
        scene.call("startProcess", &[Value::text("p")]).answer();
    }
    let told = "small/main.log: No space left on device; ";
    let shown = wait_until(DEADLINE, || scene.daemon.stdout().contains(told));
    assert!(shown, "{}", scene.daemon.stdout());
    fs::remove_file(filling).unwrap();
    scene.call("stopProcess", &[Value::text("p")]).answer();
    wait_end(
        &scene,
        "small/main.log",
        "stopped: p (terminated by SIGTERM)\n",
    );
    // The rest of the losses is told at the end.
    let namespace = fs::File::open(inside(&scene, "small/main.log")).unwrap();
    assert_eq!(scene.daemon.stop(), Some(0));
    let mut log = String::new();
    (&namespace).read_to_string(&mut log).unwrap();
    assert!(lost(&log) > 0, "{log}");
}

#[test]
fn errors_of_a_disk_cost_what_is_written_meanwhile() {
    let rotation = "stdout_logfile_maxbytes=100\nstdout_logfile_backups=1\n";
    let dir = Dir::new();
    let mut scene = Scene::start_as(dir, &echo("bin/..", rotation), |launch| launch.shim = true);
    scene.wait("p", "RUNNING");
    send(&scene, "before\n");
    wait_end(&scene, "p.log", "before\n");
    scene.dir.write("write", libc::EIO.to_string());
    send(&scene, "meanwhile\n");
    scene.wait_log("p.log: Input/output error; ");
    reopen(&scene);
    send(&scene, &("x".repeat(200) + "\n"));
    fs::remove_file(scene.dir.join("write")).unwrap();
    let resumed = wait_until(DEADLINE, || {
        send(&scene, "now?\n");
        read(&scene, "p.log").ends_with("now?\n")
    });
    assert!(resumed, "{}", scene.log());
    assert_eq!(clear(&scene).answer(), Value::Bool(true));
    assert!(comes_to_rest(scene.daemon.pid()));
    assert_eq!(scene.daemon.stop(), Some(0));
    assert!(lost(&scene.log()) >= 10, "{}", scene.log());
}

#[test]
fn a_device_that_is_always_full_disturbs_nobody() {
    let program = "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=/dev/full\nstderr_logfile=NONE\n";
    let mut scene = Scene::start(program);
    scene.wait("p", "RUNNING");
    for _ in 0..3 {
        send(&scene, "12345");
        reopen(&scene);
        assert_eq!(clear(&scene).answer(), Value::Bool(true));
    }
    scene.wait_log("stdout of p: cannot write /dev/full: No space left on device; ");
    scene.wait("p", "RUNNING");
    assert!(comes_to_rest(scene.daemon.pid()));
    assert_eq!(scene.daemon.stop(), Some(0));
    assert_eq!(lost(&scene.log()), 15, "{}", scene.log());
}

#[test]
fn a_directory_that_was_removed_is_written_to_again_when_it_is_back() {
    let dir = Dir::new();
    fs::create_dir(dir.join("logs")).unwrap();
    let rotation = "stdout_logfile_maxbytes=20\nstdout_logfile_backups=2\n";
    let mut scene = Scene::start_as(dir, &echo("logs", rotation), |_| {});
    scene.wait("p", "RUNNING");
    let pid = scene.pid("p");
    send(&scene, "before\n");
    wait_end(&scene, "logs/p.log", "before\n");
    fs::remove_dir_all(scene.dir.join("logs")).unwrap();
    // More than would make it roll over.
    send(&scene, "into a directory that is not there\n");
    scene.wait_log("logs/p.log: No such file or directory; 35 bytes of it are lost");
    reopen(&scene);
    scene.wait_log("No such file or directory; it is written to as before");
    // There is nothing to clear, and nowhere to begin anew.
    let cleared = clear(&scene);
    assert_eq!(cleared.to_string(), "fault 30 FAILED: p");
    fs::create_dir(scene.dir.join("logs")).unwrap();
    send(&scene, "back\n");
    wait_end(&scene, "logs/p.log", "back\n");
    send(&scene, "and rolls over as ever\n");
    wait_end(&scene, "logs/p.log.1", "ever\n");
    assert_eq!(scene.pid("p"), pid);
    assert_eq!(scene.daemon.stop(), Some(0));
    assert_eq!(lost(&scene.log()), 35, "{}", scene.log());
}

#[test]
fn directories_in_the_way_of_a_log_and_of_its_backup_hold_nothing_up() {
    let dir = Dir::new();
    fs::create_dir_all(dir.join("logs/p.log")).unwrap();
    let rotation = "stdout_logfile_maxbytes=20\nstdout_logfile_backups=1\n";
    let scene = Scene::start_as(dir, &echo("logs", rotation), |_| {});
    scene.wait("p", "FATAL");
    assert_eq!(
        scene.info("p").text_of("spawnerr"),
        "unknown error making dispatchers for 'p': EISDIR"
    );
    fs::remove_dir(scene.dir.join("logs/p.log")).unwrap();
    scene.call("startProcess", &[Value::text("p")]).answer();
    fs::create_dir(scene.dir.join("logs/p.log.1")).unwrap();
    send(&scene, "more than twenty bytes\n");
    scene.wait_log("cannot rotate ");
    scene.wait_log("p.log: Is a directory; nothing of it is lost");
    send(&scene, "still here\n");
    wait_end(&scene, "logs/p.log", "more than twenty bytes\nstill here\n");
    assert_eq!(clear(&scene).answer(), Value::Bool(true));
    reopen(&scene);
    // Now the log itself: removed, and a directory put there.
    fs::remove_file(scene.dir.join("logs/p.log")).unwrap();
    fs::create_dir(scene.dir.join("logs/p.log")).unwrap();
    send(&scene, "lost\n");
    reopen(&scene);
    scene.wait_log("p.log: Is a directory; it is written to as before");
    for folder in ["logs/p.log", "logs/p.log.1"] {
        fs::remove_dir(scene.dir.join(folder)).unwrap();
    }
    send(&scene, "back, and more than twenty bytes\n");
    wait_end(&scene, "logs/p.log.1", "twenty bytes\n");
    scene.wait("p", "RUNNING");
    scene.stop();
}

#[test]
fn permissions_that_were_taken_away_are_waited_for() {
    let dir = Dir::new();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::create_dir(dir.join("logs")).unwrap();
    let allow = |path: PathBuf, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(dir.join("logs"), 0o777);
    let rotation = "stdout_logfile_maxbytes=20\nstdout_logfile_backups=1\n";
    let scene = Scene::start_as(dir, &echo("logs", rotation), |launch| {
        // Root may do everything.
        launch.wrapper = match nix::unistd::getuid().is_root() {
            true => &[
                "setpriv",
                "--reuid=54321",
                "--regid=54321",
                "--clear-groups",
            ],
            false => &["env"],
        };
    });
    scene.wait("p", "RUNNING");
    let (folder, log) = (scene.dir.join("logs"), scene.dir.join("logs/p.log"));
    allow(folder.clone(), 0o555);
    send(&scene, "more than twenty bytes\n");
    scene.wait_log("p.log: Permission denied; nothing of it is lost");
    send(&scene, "kept\n");
    wait_end(&scene, "logs/p.log", "more than twenty bytes\nkept\n");
    assert_eq!(clear(&scene).to_string(), "fault 30 FAILED: p");
    allow(log.clone(), 0o000);
    reopen(&scene);
    scene.wait_log("p.log: Permission denied; it is written to as before");
    send(&scene, "kept too\n");
    allow(log, 0o644);
    wait_end(&scene, "logs/p.log", "kept\nkept too\n");
    // The rollover that this write asks for has been tried when this is answered.
    scene.info("p");
    allow(folder, 0o777);
    send(&scene, "rolls over\n");
    wait_end(&scene, "logs/p.log.1", "kept too\nrolls over\n");
    scene.stop();
}

#[test]
fn readers_that_have_stopped_for_good_do_not_wake_the_daemon() {
    let (_read, write) = std::io::pipe().unwrap();
    let scene = Scene::start_as(
        Dir::new(),
        "[program:p]\ncommand=/usr/bin/seq 1 100000\nstartsecs=0\nautorestart=false\nnumprocs=2\nprocess_name=p%(process_num)d\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n",
        |launch| launch.stdout = Some(write.into()),
    );
    scene.wait_all("RUNNING");
    for _ in 0..3 {
        // The main log's copy has the same reader.
        scene.daemon.signal(libc::SIGUSR2);
        assert!(
            comes_to_rest(scene.daemon.pid()),
            "it waits for its readers"
        );
    }
}
