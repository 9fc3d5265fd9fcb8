//! The demonstration that `make run` starts: it runs as its comments say, and
//! Ctrl-C ends all of it in order.

use super::support::{
    Address, Ctl, DEADLINE, Daemon, Dir, Rpc, descendants_of, is_alive, subject, subject_ctl,
    wait_until,
};
use std::path::Path;

/// The demonstration's files in a directory of the test, laid out as in the
/// project: the configuration finds everything from its own folder.
fn demonstration() -> Dir {
    let dir = Dir::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    for entry in std::fs::read_dir(project.join("demo")).unwrap() {
        let entry = entry.unwrap();
        let name = format!("conf/demo/{}", entry.file_name().to_string_lossy());
        dir.write(&name, std::fs::read(entry.path()).unwrap());
    }
    let text = std::fs::read_to_string(project.join("demo.conf")).unwrap();
    dir.write("conf/demo.conf", &text);
    dir.write("target/demo/keep", "");
    // The daemon of the tests reads supervisord.conf in the directory.
    let here = dir.join("conf").display().to_string();
    dir.write("supervisord.conf", text.replace("%(here)s", &here));
    dir
}

#[test]
fn it_shows_its_programs_and_ctrl_c_stops_them_in_order() {
    let dir = demonstration();
    let mut daemon = Daemon::start(subject(), &dir);
    daemon.wait_until_it_answers(&Rpc::new(Address::Unix(
        dir.join("target/demo/supervisor.sock"),
    )));
    let ctl = Ctl::new(subject_ctl(), &dir);
    let mut shown = String::new();
    let as_told = wait_until(DEADLINE, || {
        shown = ctl.run(&["status"]).stdout;
        let is = |name: &str, state: &str| {
            shown.lines().any(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(name) && words.next() == Some(state)
            })
        };
        [
            "ticker",
            "crasher",
            "pair:pair_0",
            "pair:pair_1",
            "stubborn",
        ]
        .iter()
        .all(|name| is(name, "RUNNING"))
            && is("worker", "EXITED")
    });
    assert!(as_told, "status shows:\n{shown}");
    let log = || dir.read("target/demo/supervisord.log").unwrap();
    assert!(log().contains("INFO exited: worker (exit status 3; expected)"));
    let restarted = wait_until(DEADLINE, || log().matches("spawned: 'crasher'").count() > 1);
    assert!(restarted, "the crasher is started again:\n{}", log());

    let children = descendants_of(daemon.pid());
    daemon.signal(libc::SIGINT);
    assert_eq!(daemon.wait(DEADLINE), Some(0), "Ctrl-C ends it");
    let log = log();
    let order: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once(" stopped: ")?.1.split(' ').next())
        .map(|name| name.split('_').next().unwrap_or(name))
        .collect();
    let mut order = order;
    order.dedup();
    // The crasher may be between two lives at that moment.
    order.retain(|name| *name != "crasher");
    assert_eq!(order, ["stubborn", "pair", "ticker"], "{log}");
    assert!(log.contains("WARN killing 'stubborn'"), "{log}");
    assert!(!dir.join("target/demo/supervisor.sock").exists());
    assert!(!dir.join("target/demo/supervisord.pid").exists());
    let direct_gone = wait_until(DEADLINE, || {
        // What a shell leaves behind is a sleep of a few seconds at most.
        children.iter().all(|pid| !is_alive(*pid))
    });
    assert!(direct_gone, "no process of the demonstration is left");
}
