//! Programs that run to their end within a time limit: supervisorctl above all.

use super::{DEADLINE, Dir, Kind};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What a program left behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished {
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
    /// Its exit status; the negative signal number for death by a signal, and
    /// `None` when it had to be killed because the time was over.
    pub status: Option<i32>,
}

/// Whether a line of the standard error is a hint of ours, which 4.3.0 does not give.
pub fn is_hint(line: &str) -> bool {
    let starts = [
        "supervisorctl: ",
        "  ",
        "help lists the commands",
        "the group ",
        "supervisord knows no group ",
        "A URL looks like ",
    ];
    let parts = [
        "did you mean ",
        " is a group: ",
        " is a process of the group ",
        " is configured but not active: ",
        " is active already",
        ": can't find command ",
        ": command at ",
        ": no permission to run command ",
        ": Exited too quickly ",
        ": unknown error making dispatchers for ",
    ];
    let is_start = starts.iter().any(|start| line.starts_with(start));
    is_start || parts.iter().any(|part| line.contains(part))
}

/// A supervisorctl of either kind, with a configuration.
pub struct Ctl<'a> {
    kind: Kind,
    dir: &'a Dir,
    options: Vec<String>,
}

impl<'a> Ctl<'a> {
    /// One that reads `supervisord.conf` in the directory.
    pub fn new(kind: Kind, dir: &'a Dir) -> Ctl<'a> {
        let configuration = dir.join("supervisord.conf").display().to_string();
        Ctl::with_options(kind, dir, &["-c", &configuration])
    }

    /// One with options of the test's own.
    pub fn with_options(kind: Kind, dir: &'a Dir, options: &[&str]) -> Ctl<'a> {
        Ctl {
            kind,
            dir,
            options: options.iter().map(ToString::to_string).collect(),
        }
    }

    /// The path of the program.
    pub fn program(&self) -> PathBuf {
        self.kind.program("supervisorctl", &self.dir.bin())
    }

    /// Runs one action, given word by word.
    pub fn run(&self, words: &[&str]) -> Finished {
        self.run_with_input(words, "")
    }

    /// Runs with `input` on the standard input.
    pub fn run_with_input(&self, words: &[&str], input: &str) -> Finished {
        let mut command = Command::new(self.program());
        command
            .args(&self.options)
            .args(words)
            .current_dir(self.dir.path());
        finish(command, input, DEADLINE)
    }
}

/// The environment in which every program of the tests runs, so that neither
/// kind sees anything that the other one does not.
pub fn plain_environment(command: &mut Command) {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC");
}

/// Runs a program to its end, in the plain environment. It is killed when
/// `limit` has passed.
pub fn finish(mut command: Command, input: &str, limit: Duration) -> Finished {
    plain_environment(&mut command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_string();
    thread::spawn(move || stdin.write_all(input.as_bytes()));
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    let end = Instant::now() + limit;
    let exited = super::wait_for(limit, || child.try_wait().unwrap());
    if exited.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let rest = end.saturating_duration_since(Instant::now()) + Duration::from_secs(2);
    Finished {
        stdout: stdout.recv_timeout(rest).unwrap_or_default(),
        stderr: stderr.recv_timeout(rest).unwrap_or_default(),
        status: exited.and_then(|status| status.code().or(status.signal().map(|s| -s))),
    }
}

/// Reads a pipe to its end in a thread of its own.
fn collect(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
