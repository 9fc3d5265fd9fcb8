//! The demonstration of dependencies, with real programs: it starts, answers and stops in the order
//! that its configuration tells.

use super::support::{
    Address, Ctl, DEADLINE, Daemon, Dir, Rpc, kill, subject, subject_ctl, wait_until,
};
use std::path::Path;
use std::process::Command;

fn stack() -> Dir {
    let dir = Dir::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    for name in ["stack/migrate.sh", "stack/nginx.conf", "stack/worker.sh"] {
        dir.write(
            &format!("conf/{name}"),
            std::fs::read(project.join(name)).unwrap(),
        );
    }
    let text = std::fs::read_to_string(project.join("stack.conf")).unwrap();
    dir.write("target/stack/keep", "");
    // The daemon of the tests reads supervisord.conf in the directory.
    let here = dir.join("conf").display().to_string();
    dir.write("supervisord.conf", text.replace("%(here)s", &here));
    dir
}

/// Where it ended before its cache was known to be gone, it was not started again.
#[test]
fn a_worker_without_its_cache_ended_as_if_all_was_done() {
    let dir = stack();
    let mut worker = Command::new("sh");
    worker.arg(dir.join("conf/stack/worker.sh")).arg("0");
    let output = worker.current_dir(dir.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_database_a_cache_a_migration_an_api_and_workers_go_up_and_down_in_order() {
    let dir = stack();
    let mut daemon = Daemon::start(subject(), &dir);
    let rpc = Rpc::new(Address::Unix(dir.join("target/stack/supervisor.sock")));
    daemon.wait_until_it_answers(&rpc);
    let ctl = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ctl::new(subject_ctl(), &dir).run(&words).stdout
    };
    let log = || dir.read("target/stack/supervisord.log").unwrap();
    let all = [
        "api  RUNNING",
        "database  RUNNING",
        "migrate(exited)  EXITED",
        "cache?  RUNNING",
        "worker:worker_0  RUNNING",
        "worker:worker_1  RUNNING",
    ];
    let mut graph = String::new();
    let is_up = wait_until(DEADLINE, || {
        graph = ctl("graph");
        all.iter().all(|line| graph.contains(line))
    });
    assert!(is_up, "{graph}\n{}", log());
    let up = log();
    for (first, then) in [
        ("success: database entered", "spawned: 'migrate'"),
        (
            "exited: migrate (exit status 0; expected)",
            "spawned: 'api'",
        ),
        ("success: cache entered", "spawned: 'worker_0'"),
    ] {
        let place = |text: &str| up.find(text).unwrap_or_else(|| panic!("{text}\n{up}"));
        assert!(place(first) < place(then), "{first}\n{up}");
    }
    let socket = dir.join("target/stack/api.sock").display().to_string();
    let answered = wait_until(DEADLINE, || {
        let page = Command::new("curl")
            .args(["-s", "--unix-socket", &socket, "http://api/"])
            .output();
        page.unwrap().stdout == b"version 1\n"
    });
    assert!(answered, "{}", log());

    // The workers go with the cache, and the API does not.
    let api = ctl("pid api");
    kill(ctl("pid cache").trim().parse().unwrap(), libc::SIGKILL);
    let again = wait_until(DEADLINE, || {
        log().matches("spawned: 'worker_0'").count() == 2
    });
    assert!(again, "{}", log());
    assert_eq!(ctl("pid api"), api);

    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.wait(DEADLINE), Some(0), "{}", log());
    let log = log();
    let place = |name: &str| log.rfind(&format!("stopped: {name} (")).unwrap_or(0);
    assert!(place("api") < place("database"), "{log}");
    assert!(place("worker_1") < place("cache"), "{log}");
}
