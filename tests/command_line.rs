//! The command lines of the small programs: which program a name starts,
//! usage errors, the sample configuration, and pidproxy's signals.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_supervisord");
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory with the program in it under another name.
fn program(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    symlink(BINARY, &path).unwrap();
    (directory, path)
}

fn run(program: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(words).current_dir(program.parent().unwrap());
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn usage_errors_go_to_stderr_and_exit_with_2() {
    let (_directory, ctl) = program("supervisorctl");
    for (words, message) in [
        (&["-x"][..], "option -x not recognized"),
        (&["--nosuch"], "option --nosuch not recognized"),
        (&["--h"], "option --h not a unique prefix"),
        (&["-c"], "option -c requires argument"),
        (&["--pass"], "option --password requires argument"),
        (
            &["--interactive=1"],
            "option --interactive must not have an argument",
        ),
        (
            &["-c", "", "--conf", ""],
            "conflicting command line option '--configuration'",
        ),
        (
            &["-s", "foo"],
            "invalid value for -s 'foo': value 'foo' is not a URL",
        ),
        (
            &["--serverurl", "it's"],
            "invalid value for --serverurl \"it's\": value \"it's\" is not a URL",
        ),
        (&["-h", "--bogus"], "option --bogus not recognized"),
    ] {
        let output = run(&ctl, words);
        let expected = format!(
            "Error: {message}\nFor help, use {} -h\n",
            ctl.to_str().unwrap()
        );
        assert_eq!(text(&output.stderr), expected, "{words:?}");
        assert_eq!(text(&output.stdout), "", "{words:?}");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn help_shows_the_name_as_it_was_started() {
    let (_directory, ctl) = program("supervisorctl");
    let expected = format!(
        "Usage: {} [options] [action [arguments]]\n",
        ctl.to_str().unwrap()
    );
    for option in ["-h", "-?", "--help"] {
        let output = run(&ctl, &[option, "-i", "-i"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).starts_with("supervisorctl -- control applications"));
        assert!(text(&output.stdout).contains(&expected), "{output:?}");
        assert!(text(&output.stdout).ends_with("\n\n"));
    }

    // Started through PATH, as a script would know itself.
    let mut command = Command::new("sh");
    command.args(["-c", "exec supervisorctl -h"]).env(
        "PATH",
        format!("{}:/usr/bin:/bin", ctl.parent().unwrap().display()),
    );
    let output = command.output().unwrap();
    assert!(text(&output.stdout).contains(&expected), "{output:?}");
}

#[test]
fn words_that_are_not_utf8_are_no_reason_to_panic() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"st\xffart");
    for name in ["supervisorctl", "pidproxy", "echo_supervisord_conf"] {
        let (_directory, path) = program(name);
        let output = Command::new(&path).arg(word).output().unwrap();
        assert!(
            output.status.code().is_some_and(|code| code <= 2),
            "{output:?}"
        );
    }
    let (_directory, ctl) = program("supervisorctl");
    let output = Command::new(&ctl)
        .args(["-c", ""])
        .arg(word)
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "*** Unknown syntax: st\u{fffd}art\n");
}

/// Section headers and keys with what they say, without side comments.
fn skeleton(sample: &str) -> Vec<String> {
    let is_setting = |line: &&str| {
        let bare = line.strip_prefix(';').unwrap_or(line);
        bare.starts_with('[') || bare.starts_with(|first: char| first.is_ascii_lowercase())
    };
    let without_comment = |line: &str| match line.find(" ;") {
        Some(end) => line[..end].trim_end().to_owned(),
        None => line.to_owned(),
    };
    sample
        .lines()
        .filter(is_setting)
        .map(without_comment)
        .collect()
}

/// The settings in the sample that 4.3.0's does not show, or does not know.
const ADDED: &[&str] = &[
    "result_handler",
    "handler",
    "handler_timeout",
    "event_max_retry",
    "monitor_interval",
    "event_drain_timeout",
    "require_authentication",
    "allowed_hosts",
    "header_maxbytes",
    "unauthenticated_body_maxbytes",
    "body_maxbytes",
    "xml_maxdepth",
    "multicall_maxcalls",
    "max_connections",
    "idle_timeout",
    "request_timeout",
];

/// The lines that 4.3.0's sample has too.
fn shared(lines: Vec<String>) -> Vec<String> {
    let is_added = |line: &String| {
        let key = line.trim_start_matches(';').split('=').next();
        key.is_some_and(|key| ADDED.contains(&key.trim()))
    };
    lines.into_iter().filter(|line| !is_added(line)).collect()
}

#[test]
fn the_sample_configuration_has_the_lines_that_sed_scripts_change() {
    let (_directory, echo) = program("echo_supervisord_conf");
    let output = run(&echo, &["-h", "x"]);
    assert_eq!(output.status.code(), Some(0));
    let sample = text(&output.stdout);
    assert!(sample.is_ascii() && sample.ends_with('\n'));
    let lines = shared(skeleton(&sample));
    for expected in [
        "[unix_http_server]",
        "file=/tmp/supervisor.sock",
        ";chmod=0700",
        ";[inet_http_server]",
        ";port=127.0.0.1:9001",
        "nodaemon=false",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        ";[program:theprogramname]",
        ";environment=A=\"1\",B=\"2\"",
        ";[include]",
        ";files = relative/directory/*.ini",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}");
    }
    let on: Vec<&String> = lines.iter().filter(|line| !line.starts_with(';')).collect();
    assert_eq!(on.len(), 4 + 1 + 9 + 1 + 1, "{on:?}");
    assert_eq!(lines.len(), 106);
}

#[test]
fn the_sample_configuration_has_the_settings_of_4_3_0() {
    let home = crate::support::original_home();
    let theirs = run(&home.join("bin/echo_supervisord_conf"), &[]);
    let (_directory, echo) = program("echo_supervisord_conf");
    let ours = run(&echo, &[]);
    assert_eq!(
        shared(skeleton(&text(&ours.stdout))),
        skeleton(&text(&theirs.stdout))
    );
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
        let script = "for s in HUP USR1 USR2 INT QUIT TERM; do trap \"echo $s\" $s; done; echo up; \
                      while :; do sleep 0.05; done";
        let mut target = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pidfile = directory.path().join("pid");
        fs::write(&pidfile, format!(" {}\n", target.id())).unwrap();
        let mut proxy = Command::new(pidproxy)
            .arg(&pidfile)
            .args([
                "/bin/sh",
                "-c",
                "echo $$ > command; echo up; exec sleep 600",
            ])
            .current_dir(directory.path())
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
        std::thread::yield_now();
    }
}

#[test]
fn pidproxy_forwards_signals_and_ends_with_those_that_end() {
    let mut proxied = Proxied::start();
    for name in ["HUP", "USR1", "USR2"] {
        proxied.signal(name);
        assert_eq!(line(&mut proxied.target_output), name);
    }
    proxied.signal("TERM");
    assert_eq!(line(&mut proxied.target_output), "TERM");
    assert_eq!(wait(&mut proxied.proxy).code(), Some(0));
}

#[test]
fn pidproxy_sends_nothing_where_the_pidfile_names_no_process() {
    let mut proxied = Proxied::start();
    let pidfile = proxied.directory.path().join("pid");
    for content in ["0", "-1", "nonsense", "1\n2\n"] {
        fs::write(&pidfile, content).unwrap();
        proxied.signal("TERM");
        let expected = format!("Can't read child pidfile {}!", pidfile.display());
        assert_eq!(line(&mut proxied.proxy_output), expected, "{content}");
        assert_eq!(proxied.proxy.try_wait().unwrap(), None);
    }
    fs::write(&pidfile, proxied.target.id().to_string()).unwrap();
    proxied.signal("INT");
    assert_eq!(line(&mut proxied.target_output), "INT");
    assert_eq!(wait(&mut proxied.proxy).code(), Some(0));
}

#[test]
fn pidproxy_leaves_other_signals_alone_and_its_command_with_a_clean_mask() {
    let mut proxied = Proxied::start();
    let command = fs::read_to_string(proxied.directory.path().join("command")).unwrap();
    if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", command.trim())) {
        let mask = status.lines().find(|line| line.starts_with("SigBlk:"));
        assert_eq!(mask.map(|mask| mask.ends_with(&"0".repeat(16))), Some(true));
    }
    proxied.signal("ALRM");
    assert_eq!(wait(&mut proxied.proxy).signal(), Some(14));
}
