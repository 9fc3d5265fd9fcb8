//! supervisord in the background: without `-n`.

use super::support::{
    Address, Background, DEADLINE, Dir, Finished, Kind, Outcome, Rpc, Value, finish, is_alive,
    kill, stat_field, usual_configuration, wait_for, wait_until,
};
use std::fs::read_link;
use std::process::Command;

/// Starts one; what the parent left behind, and the daemon.
fn start(dir: &Dir) -> (Finished, Background) {
    let daemon = Background::new(dir);
    let mut command = Command::new(Kind::Ours.program("supervisord", &dir.bin()));
    command
        .arg("-c")
        .arg(dir.join("supervisord.conf"))
        .current_dir(dir.path());
    let end = finish(command, "", DEADLINE);
    (end, daemon)
}

const PARENT: usize = 1;
const SESSION: usize = 3;
const TERMINAL: usize = 4;

#[test]
fn a_daemon_leaves_its_parent_restarts_in_place_and_ends_when_told() {
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        usual_configuration("[program:p]\ncommand=/bin/cat\nstartsecs=0\n"),
    );
    let (end, mut daemon) = start(&dir);
    assert_eq!(end.status, Some(0), "{end:?}");
    assert_eq!(end.stderr, "");
    let pid = daemon.pid();

    // It leads a session of its own, has no terminal, and is nobody's child here.
    assert_eq!(stat_field(pid, SESSION), i64::from(pid));
    assert_eq!(stat_field(pid, TERMINAL), 0);
    assert_ne!(stat_field(pid, PARENT), i64::from(std::process::id()));
    for descriptor in 0..3 {
        let opened = read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap();
        assert_eq!(opened.to_str(), Some("/dev/null"), "{descriptor}");
    }

    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    let child = |not: i64| {
        let child = wait_for(DEADLINE, || {
            let info = rpc.call("supervisor.getProcessInfo", &[Value::text("p")]);
            let Outcome::Answer(info) = info else {
                return None;
            };
            let is_other = info.text_of("statename") == "RUNNING" && info.int_of("pid") != not;
            is_other.then(|| info.int_of("pid"))
        });
        child.expect("the program runs")
    };
    let first = child(0);
    assert_eq!(
        stat_field(u32::try_from(first).unwrap(), PARENT),
        i64::from(pid)
    );

    kill(pid, libc::SIGHUP);
    let second = child(first);
    assert!(!is_alive(u32::try_from(first).unwrap()));
    assert_eq!(
        stat_field(u32::try_from(second).unwrap(), PARENT),
        i64::from(pid),
        "the daemon is the same process"
    );
    assert_eq!(dir.read("main.pid"), Some(format!("{pid}\n")));
    let log = dir.read("main.log").unwrap();
    assert!(log.contains("WARN received SIGHUP indicating restart request"));
    let start = format!("INFO supervisord started with pid {pid}\n");
    assert_eq!(log.matches(&start).count(), 2, "{log}");

    kill(pid, libc::SIGTERM);
    assert!(wait_until(DEADLINE, || !is_alive(pid)), "it ends");
    assert!(!is_alive(u32::try_from(second).unwrap()));
    for name in ["main.pid", "s"] {
        assert!(!dir.join(name).exists(), "{name} is removed");
    }
    let log = dir.read("main.log").unwrap();
    assert!(log.contains("WARN received SIGTERM indicating exit request"));
}
