//! Our client and 4.3.0's print the same about 4.3.0's daemon.

use super::server::*;
use crate::support::original_home;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

/// 4.3.0's daemon, in a directory of its own.
struct Daemon {
    directory: tempfile::TempDir,
    child: Child,
}

impl Daemon {
    fn start(home: &Path) -> Daemon {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path().to_str().unwrap();
        let configuration = format!(
            "[unix_http_server]\nfile={here}/s.sock\n\
             [supervisord]\nlogfile={here}/sd.log\npidfile={here}/sd.pid\nchildlogdir={here}\n\
             [rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
             [supervisorctl]\nserverurl=unix://{here}/s.sock\n\
             [program:cat]\ncommand=/bin/cat\nstartsecs=0\n\
             [program:idle]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n\
             [program:nofile]\ncommand=/nonexistent/x\nautostart=false\nstartretries=0\n\
             [program:w]\ncommand=/bin/sh -c \"echo hello; echo err >&2; exec cat\"\n\
             process_name=%(program_name)s%(process_num)d\nnumprocs=2\nstartsecs=0\n"
        );
        fs::write(directory.path().join("s.conf"), configuration).unwrap();
        let child = Command::new(home.join("bin/supervisord"))
            .args(["-n", "-s", "-c", "s.conf"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Daemon { directory, child };
        let deadline = Instant::now() + PATIENCE;
        while !daemon.is_ready() {
            assert!(Instant::now() < deadline, "4.3.0 does not come up");
            thread::yield_now();
        }
        daemon
    }

    /// All that starts by itself has started and has written its line.
    fn is_ready(&self) -> bool {
        let logged = fs::read_dir(self.directory.path())
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with('w'))
            .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() > 0))
            .count();
        self.directory.path().join("s.sock").exists() && logged == 4
    }

    /// What a client prints, with the numbers that differ from run to run
    /// taken out.
    fn run(&self, program: &Path, words: &[&str]) -> (String, Option<i32>) {
        let mut command = Command::new(program);
        command.args(["-c", "s.conf"]).args(words);
        let output = run_with_input(command.current_dir(self.directory.path()), "");
        let here = self.directory.path().to_str().unwrap();
        let stdout = text(&output.stdout).replace(here, "HERE");
        let lines: Vec<String> = stdout.split('\n').map(normalized).collect();
        (lines.join("\n"), output.status.code())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        let _ = self.child.wait();
    }
}

fn normalized(line: &str) -> String {
    if line.parse::<u32>().is_ok_and(|number| number > 0) {
        return "PID".to_owned();
    }
    if let Some((before, after)) = line.split_once("pid ")
        && after.contains("uptime")
    {
        return format!("{before}pid N, uptime T");
    }
    // The time at which a process was stopped; a source line of 4.3.0's.
    if let Some((before, _)) = line.split_once("STOPPED   ")
        && !line.ends_with("Not started")
    {
        return format!("{before}STOPPED   STAMP");
    }
    match line.split_once(": file: ") {
        Some((before, _)) => before.to_owned(),
        None => line.to_owned(),
    }
}

#[test]
fn both_clients_print_the_same_about_the_same_daemon() {
    let home = original_home();
    let theirs = home.join("bin/supervisorctl");
    let programs = tempfile::tempdir().unwrap();
    let ours = programs.path().join("supervisorctl");
    symlink(binary(), &ours).unwrap();
    let (first, second) = (Daemon::start(&home), Daemon::start(&home));
    for line in [
        "status",
        "status cat w:* nosuch g:*",
        "status  w:w1 w:",
        "pid",
        "pid all",
        "pid cat idle nosuch",
        "start nofile",
        "start idle",
        "start idle",
        "stop idle",
        "stop idle",
        "restart w:*",
        "restart nosuch nog:*",
        "start a:b c:* : :x",
        "signal HUP nofile",
        "signal NOSUCH cat",
        "signal 99 w:*",
        "signal HUP nosuch",
        "tail -6 w:w0",
        "tail -4 w:w1 stderr",
        "tail --3 w:w0",
        "tail -x cat",
        "tail cat xyz",
        "tail nosuch",
        "maintail 5",
        "clear cat nosuch",
        "clear all",
        "avail",
        "reread",
        "update",
        "update nosuch",
        "add cat nosuch",
        "remove cat nosuch",
        "stop w:*",
        "remove w",
        "avail",
        "status",
        "add w",
        "version",
        "open foo",
        "open unix://s.sock",
        "open http://127.0.0.1:1",
        "quit",
        "nonsense",
        "!ls",
        "help nosuch",
        "tail -3000000000 cat",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let outcome = |daemon: &Daemon, program: &Path| {
            let (stdout, status) = daemon.run(program, &words);
            // The daemon lists several processes in the order in which they are done.
            let mut lines: Vec<String> = stdout.split('\n').map(str::to_owned).collect();
            if line.contains(":*") || line.contains("all") {
                lines.sort();
            }
            (lines, status)
        };
        // At once: 4.3.0's daemon takes its time for many of them.
        thread::scope(|scope| {
            let expected = scope.spawn(|| outcome(&first, &theirs));
            assert_eq!(outcome(&second, &ours), expected.join().unwrap(), "{line}");
        });
    }
}
