//! `memory_check`: a program that takes too much memory is started again, and everybody is told.

use std::process::Command;

use super::support::{
    DEADLINE, Dir, Scene, Value, binary, finish, plain_environment, usual_configuration, wait_until,
};
use super::update::update;

/// Its child takes 100 MB, but in its first life alone.
const GREEDY: &str = "\
if mkdir taken 2>/dev/null; then
    python3 -c 'x = bytearray(100 << 20)\nimport time\ntime.sleep(600)' &
    echo $! > child
fi
exec sleep 600
";

/// Writes what it hears to a file.
const LISTENER: &str = "while :; do echo READY; read -r head || exit; \
    length=${head##*len:}; body=$(dd bs=1 count=\"$length\" 2>/dev/null); \
    echo \"$body\" >> events; printf 'RESULT 2\\nOK'; done";

fn programs(period: &str, keys: &str) -> String {
    format!(
        "memory_check_period={period}\n\
         [program:p]\ncommand=%(here)s/greedy\ndirectory=%(here)s\nstartsecs=0\nkillasgroup=true\n\
         stopasgroup=true\n{keys}\n\
         [program:modest]\ncommand=sleep 600\nstartsecs=0\nmemory_check=1GB\n\
         [eventlistener:l]\ncommand=%(here)s/listen\ndirectory=%(here)s\nevents=PROCESS_STATE\n\
         buffer_size=100\n"
    )
}

fn greedy(period: &str, keys: &str) -> Scene {
    let dir = Dir::new();
    dir.script("greedy", GREEDY);
    dir.script("listen", LISTENER);
    Scene::start_as(dir, &programs(period, keys), |_| {})
}

#[test]
fn an_update_has_what_runs_looked_at() {
    let scene = greedy("100ms", "");
    let is_greedy = wait_until(DEADLINE, || scene.dir.read("child").is_some());
    assert!(is_greedy, "{}", scene.log());
    let pid = scene.pid("p");
    update(&scene, &programs("100ms", "memory_check=60MB"));
    scene.wait_log("memory_check is 60MB, restarting it");
    let is_back = wait_until(DEADLINE, || ![0, pid].contains(&scene.pid("p")));
    assert!(is_back, "{}", scene.log());
    scene.stop();
}

#[test]
fn a_program_that_takes_too_much_is_started_again_and_that_is_told() {
    let scene = greedy("100ms", "memory_check=60MB");
    scene.wait_log(" of memory in 2 processes, memory_check is 60MB, restarting it");
    // Once is enough: its second life takes little.
    let is_back = wait_until(DEADLINE, || {
        let log = scene.log();
        log.matches("spawned: 'p' with pid").count() == 2
    });
    assert!(is_back, "{}", scene.log());
    scene.wait("p", "RUNNING");
    let error = scene.info("p").text_of("spawnerr");
    assert!(error.contains("MB of memory in 2 processes"), "{error}");
    let events = || scene.dir.read("events").unwrap_or_default();
    for state in ["RUNNING", "STOPPING"] {
        let begin = format!("processname:p groupname:p from_state:{state} pid:");
        let is_told = wait_until(DEADLINE, || {
            let events = events();
            let mut told = events.lines().filter(|line| line.starts_with(&begin));
            told.any(|line| line.contains(" reason:memory_check peak:"))
        });
        assert!(is_told, "{begin} {}", events());
    }
    assert!(!scene.log().contains("modest: "), "{}", scene.log());
    scene.stop();
}

#[test]
fn without_autorestart_it_is_stopped() {
    let scene = greedy("100ms", "memory_check=60MB\nautorestart=false");
    scene.wait("p", "STOPPED");
    scene.wait_log("memory_check is 60MB, stopping it");
    scene.stop();
}

#[test]
fn a_start_that_takes_too_much_is_a_failed_start() {
    let scene = greedy("100ms", "memory_check=60MB\nstartsecs=600\nstartretries=0");
    scene.wait("p", "FATAL");
    let error = scene.info("p").text_of("spawnerr");
    assert!(error.contains("memory_check is 60MB"), "{error}");
    scene.stop();
}

#[test]
fn nobody_looks_before_the_period_is_over() {
    let scene = greedy("1d", "memory_check=1KB");
    scene.wait("p", "RUNNING");
    let is_greedy = wait_until(DEADLINE, || scene.dir.read("child").is_some());
    assert!(is_greedy, "{}", scene.log());
    scene.call("stopProcess", &[Value::text("p")]).answer();
    assert!(!scene.log().contains("memory_check"), "{}", scene.log());
    scene.stop();
}

#[test]
fn no_time_between_two_looks_is_no_period() {
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        usual_configuration("memory_check_period=0\n[program:p]\ncommand=/bin/cat\n"),
    );
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    command
        .current_dir(dir.path())
        .args(["-c", "supervisord.conf", "--check"]);
    let found = finish(command, "", DEADLINE);
    let told = "Invalid memory_check_period value '0' in [supervisord] (write 1)";
    assert!(found.stderr.contains(told), "{}", found.stderr);
}
