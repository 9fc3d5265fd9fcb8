//! With nothing to do the daemon does nothing: no wake-up, no system call.

use super::support::{Address, DEADLINE, Daemon, Dir, Kind, Rpc, Value, kill, subject, wait_until};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many programs run.
const PROGRAMS: usize = 100;

#[test]
fn a_hundred_quiet_programs_cost_no_system_call() {
    if subject() == Kind::Original {
        println!("4.3.0 wakes up every second: nothing to test");
        return;
    }
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        format!(
            "[unix_http_server]\nfile=%(here)s/s\n[rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
             [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\nchildlogdir=%(here)s\n\
             [program:p]\ncommand=/bin/cat\nnumprocs={PROGRAMS}\nprocess_name=p%(process_num)03d\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        ),
    );
    let mut daemon = Daemon::start(subject(), &dir);
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    daemon.wait_until_it_answers(&rpc);
    let all_run = wait_until(Duration::from_secs(30), || {
        let Value::Array(all) = rpc.call("supervisor.getAllProcessInfo", &[]).answer() else {
            return false;
        };
        let running = all
            .iter()
            .filter(|info| info.text_of("statename") == "RUNNING");
        running.count() == PROGRAMS
    });
    assert!(all_run, "all programs run");
    // The last connection may still have to be put away.
    let pid = daemon.pid();
    assert!(comes_to_rest(pid), "the daemon comes to rest");
    let mut strace = Command::new("strace")
        .args(["-q", "-f", "-ttt", "-o"])
        .arg(dir.join("calls"))
        .args(["-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace is installed");
    // It interrupts the wait when it comes, which then begins anew.
    let attached = wait_until(DEADLINE, || status_number(pid, "TracerPid") != 0);
    assert!(attached, "strace attaches itself");
    assert!(comes_to_rest(pid), "the daemon comes to rest under strace");

    let switches = voluntary_switches(pid);
    let begin = seconds_now();
    sleep(MEASURED);
    let end = seconds_now();
    let woken = voluntary_switches(pid) - switches;
    kill(strace.id(), libc::SIGINT);
    strace.wait().unwrap();
    let calls = dir.read("calls").expect("strace wrote a file");
    let extra: Vec<&str> = calls
        .lines()
        .filter(|line| {
            let stamp = line.split_whitespace().nth(1).unwrap_or_default();
            let at: f64 = stamp.parse().unwrap_or(begin);
            (begin..end).contains(&at)
        })
        .collect();
    assert!(extra.is_empty(), "system calls while idle:\n{calls}");
    assert_eq!(woken, 0, "wake-ups while idle");
    assert_eq!(daemon.stop(), Some(0));
}

/// How long the daemon is watched.
const MEASURED: Duration = Duration::from_secs(3);

/// How long it must have been quiet before.
const QUIET: Duration = Duration::from_millis(500);

/// Waits until a process does not give up the processor for a while. The pause
/// is what is measured here.
pub fn comes_to_rest(pid: u32) -> bool {
    wait_until(DEADLINE, || {
        let before = voluntary_switches(pid);
        sleep(QUIET);
        voluntary_switches(pid) == before
    })
}

/// How often a process gave up the processor by itself.
fn voluntary_switches(pid: u32) -> u64 {
    status_number(pid, "voluntary_ctxt_switches")
}

/// A number in `/proc/PID/status`.
fn status_number(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
        .unwrap();
    line.trim().parse().unwrap()
}

/// The time of day, as strace stamps its lines.
fn seconds_now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs_f64()
}
