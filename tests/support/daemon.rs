//! A supervisord of either kind, run in the foreground.

use super::ctl::plain_environment;
use super::{DEADLINE, Dir, Kind, Rpc, wait_for, wait_until};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How a daemon is to be started.
pub struct Launch<'a> {
    /// Which program.
    pub kind: Kind,
    /// Its directory: working directory, configuration, captured output.
    pub dir: &'a Dir,
    /// Options besides `-n -c supervisord.conf`.
    pub options: &'a [&'a str],
    /// Variables beside the plain environment.
    pub environment: &'a [(&'a str, &'a str)],
    /// A command that prepares its process and then becomes the daemon, which is
    /// given to it as further words; none if empty.
    pub wrapper: &'a [&'a str],
    /// Where its standard output goes instead of a file.
    pub stdout: Option<OwnedFd>,
    /// With the shim of [`super::c`], which takes its orders in the directory.
    pub shim: bool,
}

impl<'a> Launch<'a> {
    /// The plain way.
    pub fn new(kind: Kind, dir: &'a Dir) -> Launch<'a> {
        Launch {
            kind,
            dir,
            options: &[],
            environment: &[],
            wrapper: &[],
            stdout: None,
            shim: false,
        }
    }
}

/// A running supervisord. When dropped it is killed, with the descendants that
/// it has at that moment.
pub struct Daemon {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Daemon {
    /// Starts one on `supervisord.conf` in `dir`, in the foreground. It may not
    /// be ready yet.
    pub fn start(kind: Kind, dir: &Dir) -> Daemon {
        Daemon::launch(&Launch::new(kind, dir))
    }

    /// Starts one as told.
    pub fn launch(launch: &Launch) -> Daemon {
        let dir = launch.dir;
        let stdout = dir.join("daemon.stdout");
        let stderr = dir.join("daemon.stderr");
        let program = launch.kind.program("supervisord", &dir.bin());
        let mut words = launch
            .wrapper
            .iter()
            .map(OsString::from)
            .collect::<Vec<_>>();
        if launch.shim {
            words.extend(super::c::shim(dir));
        }
        words.push(program.into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        plain_environment(&mut command);
        command
            .args(["-n", "-c"])
            .arg(dir.join("supervisord.conf"))
            .args(launch.options)
            .envs(launch.environment.iter().copied())
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(match &launch.stdout {
                Some(descriptor) => Stdio::from(descriptor.try_clone().unwrap()),
                None => Stdio::from(File::create(&stdout).unwrap()),
            })
            .stderr(File::create(&stderr).unwrap());
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Daemon {
            child,
            stdout,
            stderr,
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the daemon answers calls.
    ///
    /// # Panics
    /// When it ends instead, or does not answer in time.
    pub fn wait_until_it_answers(&mut self, rpc: &Rpc) {
        let answered = wait_until(DEADLINE, || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("supervisord ended with {status}: {}", self.stderr());
            }
            rpc.answers()
        });
        assert!(answered, "supervisord does not answer: {}", self.stderr());
    }

    /// What it wrote to its standard output so far.
    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// What it wrote to its standard error so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Sends it a signal by number.
    pub fn signal(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// Waits for its end; the exit status, negative for a signal, or `None` when
    /// it did not end in time.
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let status = wait_for(limit, || self.child.try_wait().unwrap())?;
        status.code().or(status.signal().map(|signal| -signal))
    }

    /// Asks it to end and waits for that.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(libc::SIGTERM);
        self.wait(DEADLINE)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            end_all(self.pid());
            let _ = self.child.wait();
        }
        // Only the shim writes it, when it could not do what a test has ordered.
        let complaints = self.stderr.with_file_name("shim.stderr");
        let complaints = fs::read_to_string(complaints).unwrap_or_default();
        if std::thread::panicking() {
            eprint!("{complaints}");
        } else {
            assert_eq!(complaints, "");
        }
    }
}

/// A supervisord of ours that leaves its parent, and is nobody's child then. With what it runs it
/// is killed when dropped.
pub struct Background {
    pidfile: PathBuf,
    pid: Option<u32>,
}

impl Background {
    /// To be made before it is started, in the directory of which `main.pid` is its pid file.
    pub fn new(dir: &Dir) -> Background {
        Background {
            pidfile: dir.join("main.pid"),
            pid: None,
        }
    }

    fn written(&self) -> Option<u32> {
        fs::read_to_string(&self.pidfile).ok()?.trim().parse().ok()
    }

    /// The process id.
    pub fn pid(&mut self) -> u32 {
        self.pid = self.pid.or_else(|| wait_for(DEADLINE, || self.written()));
        self.pid.expect("a pid file is written")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let Some(pid) = self.pid.or_else(|| self.written()) else {
            return;
        };
        if is_alive(pid) {
            end_all(pid);
        }
    }
}

/// Kills a process and what it has started.
fn end_all(pid: u32) {
    let known = descendants_of(pid);
    kill(pid, libc::SIGKILL);
    for pid in known {
        kill(pid, libc::SIGKILL);
    }
}

/// Sends a signal to one process; that it is gone already is no failure.
pub fn kill(pid: u32, signal: i32) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    let signal = nix::sys::signal::Signal::try_from(signal).unwrap();
    let _ = nix::sys::signal::kill(pid, signal);
}

/// Whether a process is there and is not a zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|text| !text.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

/// The direct children of a process, oldest first.
pub fn children_of(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// Children, their children, and so on.
pub fn descendants_of(pid: u32) -> Vec<u32> {
    let mut found = children_of(pid);
    let mut next = 0;
    while let Some(&child) = found.get(next) {
        found.extend(children_of(child));
        next += 1;
    }
    found
}
