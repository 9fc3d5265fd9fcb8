//! pidproxy: how it is used, whom it sends signals to, how it ends, and what of that it does as
//! 4.3.0's.

use crate::support::{binary, original_home};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A directory with the program in it under another name.
fn program(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    symlink(binary(), &path).unwrap();
    (directory, path)
}

fn run(program: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(words).current_dir(program.parent().unwrap());
    command.stdin(Stdio::null()).output().unwrap()
}

/// 4.3.0's program.
fn theirs() -> PathBuf {
    original_home().join("bin/pidproxy")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn pidproxy_without_a_command_says_how_it_is_used() {
    let (_directory, pidproxy) = program("pidproxy");
    let output = run(&pidproxy, &["-h"]);
    assert_eq!(output.status.code(), Some(1));
    let usage = format!(
        "Usage: {} <pidfile name> <command> [<cmdarg1> ...]\n",
        pidproxy.to_str().unwrap()
    );
    assert!(text(&output.stdout).ends_with(&usage), "{output:?}");
}

#[test]
fn pidproxy_exits_with_the_commands_status() {
    let (_directory, pidproxy) = program("pidproxy");
    let shell = |script| {
        run(&pidproxy, &["none", "/bin/sh", "-c", script])
            .status
            .code()
    };
    assert_eq!(shell("exit 0"), Some(0));
    assert_eq!(shell("exit 3"), Some(3));
    assert_eq!(shell("kill -KILL $$"), Some(137));
    // PATH is not searched.
    let output = run(&pidproxy, &["none", "sh", "-c", "exit 0"]);
    assert_eq!(output.status.code(), Some(127));
    assert!(text(&output.stderr).starts_with("pidproxy: cannot run sh: "));
}

#[test]
fn pidproxy_says_how_it_is_used_where_4_3_0_does() {
    let (_directory, ours) = program("pidproxy");
    for words in [&[][..], &["-h"], &["--help"], &["pidfile"]] {
        let usage_of = |program: &Path| {
            let output = run(program, words);
            let name = program.to_str().unwrap();
            let stdout = text(&output.stdout);
            let line = stdout.lines().find(|line| line.starts_with("Usage: "));
            let line = line.map(|line| line.replace(name, "ARGV0"));
            (line, text(&output.stderr), output.status.code())
        };
        assert_eq!(usage_of(&ours), usage_of(&theirs()), "{words:?}");
        assert_eq!(usage_of(&ours).2, Some(1), "{words:?}");
    }
}

#[test]
fn pidproxy_leaves_its_command_what_it_was_given() {
    let (_directory, ours) = program("pidproxy");
    for proxy in [ours, theirs()] {
        let directory = tempfile::tempdir().unwrap();
        symlink("/bin/sh", directory.path().join("shell")).unwrap();
        let script = r#"read line; echo "$0 $1 $line $KEY"; pwd -P; echo bad >&2; echo end"#;
        // 4.3.0 takes seconds to see the end: what is written is read as it comes.
        let mut child = Command::new(&proxy)
            .args(["none", "./shell", "-c", script, "zero", "a b"])
            .current_dir(directory.path())
            .env("KEY", "value")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"typed\n").unwrap();
        let output = child.wait_with_output().unwrap();
        let place = directory.path().canonicalize().unwrap();
        let expected = format!("zero a b typed value\n{}\nend\n", place.display());
        assert_eq!(text(&output.stdout), expected);
        assert_eq!(text(&output.stderr), "bad\n");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn pidproxy_ends_at_once_when_its_command_has_left_a_daemon_behind() {
    let (directory, pidproxy) = program("pidproxy");
    let script = "sleep 600 >/dev/null 2>&1 & echo $! > daemon; exit 4";
    let began = Instant::now();
    let output = run(&pidproxy, &["daemon", "/bin/sh", "-c", script]);
    assert_eq!(output.status.code(), Some(4));
    // 4.3.0 looks every five seconds.
    assert!(began.elapsed() < Duration::from_secs(4));
    let daemon = fs::read_to_string(directory.path().join("daemon")).unwrap();
    let status = Command::new("kill").args(["-KILL", daemon.trim()]).status();
    assert!(status.unwrap().success(), "the daemon is not there");
}

/// A pidproxy whose command waits, and a process that its pidfile names and
/// that prints each signal it gets.
struct Proxied {
    directory: tempfile::TempDir,
    proxy: Child,
    proxy_output: BufReader<std::process::ChildStdout>,
    target: Child,
    target_output: BufReader<std::process::ChildStdout>,
}

impl Proxied {
    fn start() -> Proxied {
        let (directory, pidproxy) = program("pidproxy");
        Proxied::of(directory, &pidproxy)
    }

    /// Ours, and 4.3.0's.
    fn both() -> [Proxied; 2] {
        let original = Proxied::of(tempfile::tempdir().unwrap(), &theirs());
        [Proxied::start(), original]
    }

    fn of(directory: tempfile::TempDir, pidproxy: &Path) -> Proxied {
        let script = "for s in HUP USR1 USR2 INT QUIT TERM; do trap \"echo $s\" $s; done; echo up; \
                      while :; do sleep 0.05; done";
        // A shell catches no signal that was ignored when it began, as in the background of another one.
        let mut target = Command::new("env")
            .args(["--default-signal", "sh", "-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pidfile = directory.path().join("pid");
        fs::write(&pidfile, format!(" {}\n", target.id())).unwrap();
        // A relative pid file, and what 4.3.0 prints without a buffer.
        let mut proxy = Command::new(pidproxy)
            .args([
                "pid",
                "/bin/sh",
                "-c",
                "echo $$ > command; echo up; exec sleep 600",
            ])
            .current_dir(directory.path())
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut started = Proxied {
            directory,
            proxy_output: BufReader::new(proxy.stdout.take().unwrap()),
            proxy,
            target_output: BufReader::new(target.stdout.take().unwrap()),
            target,
        };
        assert_eq!(line(&mut started.target_output), "up");
        assert_eq!(line(&mut started.proxy_output), "up");
        started
    }

    fn signal(&self, name: &str) {
        signal(&self.proxy, name);
    }

    fn pidfile(&self) -> PathBuf {
        self.directory.path().join("pid")
    }

    fn command(&self) -> String {
        let command = fs::read_to_string(self.directory.path().join("command")).unwrap();
        command.trim().to_owned()
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        let command = fs::read_to_string(self.directory.path().join("command"));
        for pid in command.iter().map(|pid| pid.trim()) {
            let _ = Command::new("kill").args(["-KILL", pid]).status();
        }
        let _ = self.target.kill();
        let _ = self.proxy.kill();
        let _ = self.target.wait();
        let _ = self.proxy.wait();
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn pidproxy_forwards_signals_and_ends_with_those_that_end() {
    for end in ["TERM", "INT", "QUIT"] {
        for mut proxied in Proxied::both() {
            for name in ["HUP", "USR1", "USR2", end] {
                proxied.signal(name);
                assert_eq!(line(&mut proxied.target_output), name);
            }
            assert_eq!(wait(&mut proxied.proxy).code(), Some(0), "{end}");
            // Its command is none of its business.
            let status = Command::new("kill")
                .args(["-0", &proxied.command()])
                .status();
            assert!(status.unwrap().success(), "the command is gone");
        }
    }
}

#[test]
fn pidproxy_drops_a_signal_where_the_pidfile_does_not_hold_one_number() {
    for mut proxied in Proxied::both() {
        let pidfile = proxied.pidfile();
        for content in ["nonsense", "", "1\n2\n", "1 2", "0x10", "1.0"] {
            fs::write(&pidfile, content).unwrap();
            proxied.signal("TERM");
            let told = line(&mut proxied.proxy_output);
            assert_eq!(told, "Can't read child pidfile pid!", "{content}");
            assert_eq!(proxied.proxy.try_wait().unwrap(), None);
        }
        fs::remove_file(&pidfile).unwrap();
        proxied.signal("QUIT");
        assert_eq!(
            line(&mut proxied.proxy_output),
            "Can't read child pidfile pid!"
        );
        fs::create_dir(&pidfile).unwrap();
        proxied.signal("HUP");
        assert_eq!(
            line(&mut proxied.proxy_output),
            "Can't read child pidfile pid!"
        );
        fs::remove_dir(&pidfile).unwrap();
        // The next signal finds what the file holds by then.
        fs::write(&pidfile, format!("\n {}\t\n", proxied.target.id())).unwrap();
        proxied.signal("INT");
        assert_eq!(line(&mut proxied.target_output), "INT");
        assert_eq!(wait(&mut proxied.proxy).code(), Some(0));
    }
}

#[test]
fn pidproxy_sends_nothing_to_groups_and_does_not_wait_for_a_fifo() {
    let mut proxied = Proxied::start();
    let pidfile = proxied.pidfile();
    for content in ["0", "-1", "99999999999"] {
        fs::write(&pidfile, content).unwrap();
        proxied.signal("TERM");
        let told = line(&mut proxied.proxy_output);
        assert_eq!(told, "Can't read child pidfile pid!", "{content}");
    }
    fs::remove_file(&pidfile).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&pidfile)
            .status()
            .unwrap()
            .success()
    );
    proxied.signal("TERM");
    assert_eq!(
        line(&mut proxied.proxy_output),
        "Can't read child pidfile pid!"
    );
    assert_eq!(proxied.proxy.try_wait().unwrap(), None);
}

#[test]
fn pidproxy_ends_with_1_where_a_signal_that_ends_reaches_nobody() {
    for mut proxied in Proxied::both() {
        let pid = proxied.target.id().to_string();
        proxied.target.kill().unwrap();
        proxied.target.wait().unwrap();
        fs::write(proxied.pidfile(), pid).unwrap();
        proxied.signal("TERM");
        assert_eq!(wait(&mut proxied.proxy).code(), Some(1));
    }
}

#[test]
fn pidproxy_goes_on_after_a_hup_that_reaches_nobody() {
    let mut proxied = Proxied::start();
    proxied.target.kill().unwrap();
    proxied.target.wait().unwrap();
    proxied.signal("HUP");
    // Signals are taken in their order: this one is told after the other.
    fs::write(proxied.pidfile(), "nonsense").unwrap();
    proxied.signal("USR1");
    assert_eq!(
        line(&mut proxied.proxy_output),
        "Can't read child pidfile pid!"
    );
    assert_eq!(proxied.proxy.try_wait().unwrap(), None);
}

#[test]
fn pidproxy_ends_with_1_where_it_may_not_send_a_signal() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    // Root's process, and a proxy of a user who may do nothing to it.
    let mut target = Command::new("sleep").arg("600").spawn().unwrap();
    let (directory, pidproxy) = program("pidproxy");
    let pidfile = directory.path().join("pid");
    fs::write(&pidfile, target.id().to_string()).unwrap();
    for path in [directory.path(), &pidfile] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, mode).unwrap();
    }
    // The folder of the build may be closed to that user.
    let copy = directory.path().join("copy");
    fs::create_dir(&copy).unwrap();
    let copy = copy.join("pidproxy");
    fs::copy(fs::canonicalize(pidproxy).unwrap(), &copy).unwrap();
    let mut proxy = Command::new(&copy)
        .arg(&pidfile)
        .args(["/bin/sh", "-c", "echo up; read line"])
        .uid(65534)
        .gid(65534)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(proxy.stdout.take().unwrap());
    assert_eq!(line(&mut output), "up");
    signal(&proxy, "TERM");
    let status = wait(&mut proxy).code();
    target.kill().unwrap();
    target.wait().unwrap();
    drop(proxy.stdin.take());
    let mut complaint = String::new();
    let mut stderr = proxy.stderr.take().unwrap();
    stderr.read_to_string(&mut complaint).unwrap();
    assert_eq!(status, Some(1), "{complaint}");
    assert!(
        complaint.contains("cannot send SIGTERM to process"),
        "{complaint}"
    );
}

#[test]
fn pidproxy_leaves_other_signals_alone_and_its_command_with_a_clean_mask() {
    let mut proxied = Proxied::start();
    if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", proxied.command())) {
        let mask = status.lines().find(|line| line.starts_with("SigBlk:"));
        assert_eq!(mask.map(|mask| mask.ends_with(&"0".repeat(16))), Some(true));
    }
    proxied.signal("ALRM");
    assert_eq!(wait(&mut proxied.proxy).signal(), Some(14));
}
