//! With nothing to do the daemon does nothing: no wake-up, no system call.

use super::support::{Address, Daemon, Dir, Kind, Rpc, Value, finish, subject, wait_until};
use std::process::Command;
use std::time::Duration;

/// How many programs run.
const PROGRAMS: usize = 100;

/// How often a process gave up the processor by itself.
fn voluntary_switches(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
        .unwrap();
    line.trim().parse().unwrap()
}

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
             [program:p]\ncommand=/bin/cat\nnumprocs={PROGRAMS}\nprocess_name=p%(process_num)03d\nstartsecs=1\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
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
    let mut before = voluntary_switches(pid);
    let settled = wait_until(Duration::from_secs(10), || {
        let quiet = quiet_second(pid);
        let now = voluntary_switches(pid);
        let same = now == before;
        before = now;
        quiet && same
    });
    assert!(settled, "the daemon comes to rest");

    let mut strace = Command::new("strace");
    let seconds = "5";
    strace
        .args(["-q", "-f", "-o"])
        .arg(dir.join("calls"))
        .args(["-p", &pid.to_string()]);
    let mut bounded = Command::new("timeout");
    bounded
        .args(["-s", "INT", seconds])
        .arg(strace.get_program())
        .args(strace.get_args());
    let end = finish(bounded, "", Duration::from_secs(20));
    assert!(end.status.is_some(), "strace ends: {end:?}");
    let calls = dir
        .read("calls")
        .unwrap_or_else(|| panic!("strace wrote nothing: {end:?}"));
    // strace interrupts the wait when it comes; the poller then begins it anew,
    // once. Nothing else may be there.
    let mut allowed = vec!["timerfd_settime(", "epoll_ctl(", "epoll_pwait("];
    let mut is_extra = |line: &&str| {
        let at = allowed.iter().position(|call| line.contains(call));
        at.map(|at| allowed.remove(at)).is_none()
    };
    let extra: Vec<&str> = calls
        .lines()
        .filter(|line| line.contains('(') && !line.contains("resumed"))
        .filter(|line| is_extra(line))
        .collect();
    assert!(extra.is_empty(), "system calls while idle:\n{calls}");
}

/// Whether the process gave up the processor not once during a second. The pause
/// is what is measured here.
fn quiet_second(pid: u32) -> bool {
    let before = voluntary_switches(pid);
    std::thread::sleep(Duration::from_secs(1));
    voluntary_switches(pid) == before
}
