//! `kill_mode`: whom a stop reaches, and what it leaves.

use std::process::Command;

use super::support::{
    DEADLINE, Dir, Scene, Value, binary, finish, is_alive, plain_environment, usual_configuration,
    wait_until,
};

/// Has two children, one of which does not care for SIGTERM, and says who they are.
const FAMILY: &str = "(trap '' TERM; : > deaf; exec sleep 600) &\na=$!\nsleep 600 &\n\
    trap 'exit 0' TERM\nuntil test -e deaf; do sleep 0.05; done\n\
    echo $a $! > pids.new\nmv pids.new pids\nwhile :; do sleep 0.05; done\n";

fn family(keys: &str) -> (Scene, [u32; 2]) {
    let dir = Dir::new();
    dir.script("family", FAMILY);
    let program = format!(
        "loglevel=debug\n[program:p]\ncommand=%(here)s/family\ndirectory=%(here)s\nstartsecs=0\n{keys}"
    );
    let scene = Scene::start_as(dir, &program, |_| {});
    let mut pids = Vec::new();
    let is_there = wait_until(DEADLINE, || {
        let text = scene.dir.read("pids").unwrap_or_default();
        pids = text
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect();
        pids.len() == 2
    });
    assert!(is_there, "{}", scene.log());
    (scene, [pids[0], pids[1]])
}

fn stop(scene: &Scene) {
    scene.call("stopProcess", &[Value::text("p")]).answer();
}

fn all_go(pids: &[u32]) -> bool {
    wait_until(DEADLINE, || !pids.iter().any(|pid| is_running(*pid)))
}

/// Whether it is there and no zombie: nobody may collect it.
fn is_running(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    is_alive(pid) && status.is_ok_and(|status| !status.contains("State:\tZ"))
}

fn end(pids: &[u32]) {
    for pid in pids {
        super::support::kill(*pid, libc::SIGKILL);
    }
}

#[test]
fn mixed_leaves_nothing_of_the_process_group() {
    let (scene, pids) = family("kill_mode=mixed\n");
    stop(&scene);
    assert!(all_go(&pids));
    // The program itself has had the stop signal.
    scene.wait_log("stopped: p (exit status 0)");
    scene.wait_log("p: killed what was left of its process group");
    scene.stop();
}

#[test]
fn mixed_kills_the_group_of_a_program_that_does_not_end() {
    let (scene, pids) = family("kill_mode=mixed\nstopsignal=WINCH\nstopwaitsecs=1\n");
    stop(&scene);
    assert!(all_go(&pids));
    scene.wait_log("stopped: p (terminated by SIGKILL)");
    scene.stop();
}

#[test]
fn a_shutdown_with_mixed_leaves_nothing_either() {
    let (scene, pids) = family("kill_mode=mixed\n");
    scene.stop();
    assert!(all_go(&pids));
}

#[test]
fn process_leaves_the_children_and_tells_how_many() {
    let (scene, pids) = family("kill_mode=process\n");
    let pid = scene.pid("p");
    stop(&scene);
    // The sleep of the loop may be there, too.
    scene.wait_log(&format!("p: its process group {pid} has "));
    scene.wait_log(" left (kill_mode=mixed kills them)");
    assert!(pids.iter().all(|pid| is_running(*pid)));
    end(&pids);
    scene.stop();
}

#[test]
fn group_reaches_all_with_the_stop_signal() {
    let (scene, [deaf, other]) = family("kill_mode=group\n");
    stop(&scene);
    assert!(all_go(&[other]));
    assert!(is_running(deaf));
    scene.wait_log(" left (kill_mode=mixed kills them)");
    end(&[deaf]);
    scene.stop();
}

#[test]
fn without_the_key_a_stop_leaves_what_it_left_and_tells_nothing() {
    let (scene, pids) = family("");
    stop(&scene);
    scene.wait_log("stopped: p (exit status 0)");
    assert!(pids.iter().all(|pid| is_running(*pid)));
    assert!(!scene.log().contains("process group"), "{}", scene.log());
    end(&pids);
    scene.stop();
}

#[test]
fn a_program_that_ends_by_itself_leaves_its_children() {
    let (scene, pids) = family("kill_mode=mixed\nautorestart=false\n");
    super::support::kill(scene.pid("p"), libc::SIGTERM);
    scene.wait("p", "EXITED");
    assert!(pids.iter().all(|pid| is_running(*pid)));
    end(&pids);
    scene.stop();
}

#[test]
fn the_old_keys_may_not_say_otherwise() {
    let told = |keys: &str, option: &str| {
        let dir = Dir::new();
        let program = format!("[program:p]\ncommand=/bin/cat\n{keys}");
        dir.write("supervisord.conf", usual_configuration(&program));
        let mut command = Command::new(binary());
        plain_environment(&mut command);
        command
            .current_dir(dir.path())
            .args(["-c", "supervisord.conf", option]);
        finish(command, "", DEADLINE)
    };
    for (keys, message) in [
        (
            "kill_mode=mixed\nstopasgroup=true\n",
            "stopasgroup=true is against kill_mode=mixed",
        ),
        (
            "killasgroup=false\nkill_mode=group\n",
            "killasgroup=false is against kill_mode=group",
        ),
        (
            "kill_mode=cgroups\n",
            "it is one of process, group, mixed, cgroup",
        ),
    ] {
        let found = told(keys, "--check");
        assert_ne!(found.status, Some(0), "{keys}");
        assert!(found.stderr.contains(message), "{}", found.stderr);
    }
    for (mode, stop, kill) in [
        ("process", "false", "false"),
        ("GROUP", "true", "true"),
        ("mixed", "false", "true"),
    ] {
        let found = told(&format!("kill_mode={mode}\n"), "--dump-config");
        for line in [
            format!("\"kill_mode\": \"{}\"", mode.to_lowercase()),
            format!("\"stopasgroup\": {stop}"),
            format!("\"killasgroup\": {kill}"),
        ] {
            assert!(found.stdout.contains(&line), "{line} {}", found.stdout);
        }
    }
}
