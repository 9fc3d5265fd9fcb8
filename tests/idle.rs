//! With nothing to do the daemon does nothing: no wake-up, no system call.

use super::support::{Address, DEADLINE, Daemon, Dir, Kind, Rpc, Value, kill, subject, wait_until};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many programs run.
const PROGRAMS: usize = 100;

/// Listeners in every state, and what each of them does.
const LISTENERS: [(&str, &str); 4] = [
    (
        "ready",
        "echo READY; while read -r head; do dd bs=1 count=${head##*len:} >/dev/null 2>&1; \
         echo heard >>heard; printf 'RESULT 2\\nOKREADY\\n'; done",
    ),
    ("busy", "echo READY; exec cat >/dev/null"),
    ("silent", "exec cat >/dev/null"),
    ("unknown", "echo nonsense; exec cat >/dev/null"),
];

/// What they are told of, ticks not among it.
const EVENTS: &str =
    "PROCESS_GROUP,SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION,PROCESS_STATE_CHANGE_FATAL";

#[test]
fn a_hundred_quiet_programs_and_quiet_listeners_cost_no_system_call() {
    if subject() == Kind::Original {
        println!("4.3.0 wakes up every second: nothing to test");
        return;
    }
    let dir = Dir::new();
    let listeners: String = LISTENERS
        .iter()
        .map(|(name, script)| {
            let command = dir.script(name, script).display().to_string();
            format!(
                "[eventlistener:{name}]\ncommand={command}\ndirectory=%(here)s\nevents={EVENTS}\nbusy_warning=0\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
            )
        })
        .collect();
    dir.write(
        "supervisord.conf",
        format!(
            "[unix_http_server]\nfile=%(here)s/s\n[rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
             [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\nchildlogdir=%(here)s\n\
             [program:p]\ncommand=/bin/cat\nnumprocs={PROGRAMS}\nprocess_name=p%(process_num)03d\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
             {listeners}"
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
        running.count() == PROGRAMS + LISTENERS.len()
    });
    assert!(all_run, "all programs run");
    // Each pool is told of itself, of those after it, of the programs, and that all is up.
    let all_told = wait_until(DEADLINE, || {
        let heard = dir.read("heard").unwrap_or_default();
        let log = dir.read("main.log").unwrap_or_default();
        heard.lines().count() >= 5 && log.contains("unknown: has entered the UNKNOWN state")
    });
    assert!(all_told, "{}", dir.read("main.log").unwrap_or_default());
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
const MEASURED: Duration = Duration::from_secs(12);

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
pub fn voluntary_switches(pid: u32) -> u64 {
    status_number(pid, "voluntary_ctxt_switches")
}

/// A number in `/proc/PID/status`; of memory it is in KiB.
pub fn status_number(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The time of day, as strace stamps its lines.
fn seconds_now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs_f64()
}
