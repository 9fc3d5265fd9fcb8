//! A killed program runs again at once: the supervisor is woken by its end.

use super::support::{
    Address, DEADLINE, Daemon, Dir, Kind, Rpc, children_of, kill, subject, wait_until,
};
use std::time::{Duration, Instant};

/// How often it is killed.
const KILLS: usize = 20;

/// What the quickest quarter of the restarts may take: a machine that is busy with
/// other things makes some of them slow, and polling would make all of them.
const LIMIT: Duration = Duration::from_millis(20);

#[test]
fn a_killed_program_is_back_within_twenty_milliseconds() {
    if subject() == Kind::Original {
        println!("4.3.0 takes up to a second: nothing to test");
        return;
    }
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        "[unix_http_server]\nfile=%(here)s/s\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\nchildlogdir=%(here)s\n\
         [program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=true\n",
    );
    let mut daemon = Daemon::start(subject(), &dir);
    daemon.wait_until_it_answers(&Rpc::new(Address::Unix(dir.join("s"))));
    let mut taken = Vec::new();
    for _ in 0..KILLS {
        let old = child(&daemon);
        // A program that died at once would be held back; let it live a little.
        let aged = wait_until(DEADLINE, || age_of(old) > Duration::from_millis(50));
        assert!(aged);
        let begin = Instant::now();
        kill(old, libc::SIGKILL);
        while !children_of(daemon.pid()).iter().any(|pid| *pid != old) {
            assert!(begin.elapsed() < DEADLINE, "the program is started again");
            std::thread::yield_now();
        }
        taken.push(begin.elapsed());
    }
    taken.sort();
    // A busy machine delays most of them; a daemon that waits for a tick would delay all but one or two.
    let quick = taken[2];
    assert!(quick < LIMIT, "the third takes {quick:?} of {taken:?}");
    assert_eq!(daemon.stop(), Some(0));
}

/// The one child, once it is there.
fn child(daemon: &Daemon) -> u32 {
    let mut found = None;
    wait_until(DEADLINE, || {
        found = children_of(daemon.pid()).first().copied();
        found.is_some()
    });
    found.expect("the program runs")
}

/// How long a process has been there, by the time of its folder in /proc.
fn age_of(pid: u32) -> Duration {
    std::fs::metadata(format!("/proc/{pid}"))
        .and_then(|meta| meta.modified())
        .ok()
        .and_then(|begin| begin.elapsed().ok())
        .unwrap_or_default()
}
