//! Limits of control groups: how they are written, told and changed, and what happens at one.

use std::fs;
use std::process::Command;

use super::super::support::{
    DEADLINE, Dir, Finished, Scene, binary, finish, kill, plain_environment, usual_configuration,
    wait_until,
};
use super::super::update::update;
use super::{FALSE_TREE, Place, false_tree, namespace, scene_in, set, start};

#[test]
fn no_more_processes_than_pids_max_come_to_be() {
    let Some(place) = Place::new().filter(|place| place.has("pids")) else {
        return;
    };
    let dir = Dir::new();
    dir.script(
        "bomb",
        "i=0\nwhile test $i -lt 200; do (exec sleep 600) & i=$((i + 1)); done\nexec sleep 600",
    );
    let program = "[program:p]\ncommand=%(here)s/bomb\nstartsecs=0\nautorestart=false\n\
        kill_mode=cgroup\npids_max=50\n";
    let scene = place.scene(dir, program);
    // The shell is told that it may not fork, and gives up.
    scene.wait("p", "EXITED");
    assert_eq!(place.groups(), set(["supervisord"]));
    scene.stop();
}

/// Writes what it hears to a file.
const LISTENER: &str = "while :; do echo READY; read -r head || exit; \
    length=${head##*len:}; body=$(dd bs=1 count=\"$length\" 2>/dev/null); \
    echo \"$body\" >> events; printf 'RESULT 2\\nOK'; done";

fn listening(dir: &Dir, programs: &str) -> String {
    dir.script("listen", LISTENER);
    format!(
        "{programs}[eventlistener:l]\ncommand=%(here)s/listen\ndirectory=%(here)s\n\
         events=PROCESS_STATE\nbuffer_size=100\n"
    )
}

fn wait_event(scene: &Scene, text: &str) {
    let has_come = wait_until(DEADLINE, || {
        scene.dir.read("events").unwrap_or_default().contains(text)
    });
    let events = scene.dir.read("events").unwrap_or_default();
    assert!(has_come, "no {text} in {events}\n{}", scene.log());
}

#[test]
fn limits_are_written_and_an_end_of_memory_is_told() {
    let Some(words) = namespace(FALSE_TREE) else {
        return;
    };
    let dir = Dir::new();
    let programs = listening(
        &dir,
        "[program:p]\ncommand=sleep 600\nstartsecs=0\nautorestart=false\n\
         memory_max=20MB\ncpu_max=150%\npids_max=7\n",
    );
    let scene = scene_in(&words, dir, &programs);
    scene.wait("p", "RUNNING");
    let tree = false_tree(&scene);
    let read = |file: &str| fs::read_to_string(tree.join("p:p").join(file)).unwrap_or_default();
    assert!(wait_until(DEADLINE, || read("cgroup.procs") == "0"));
    assert_eq!(read("memory.max"), "20971520");
    assert_eq!(read("cpu.max"), "150000 100000");
    assert_eq!(read("pids.max"), "7");
    let own = fs::read_to_string(tree.join("supervisord/cgroup.procs")).unwrap();
    assert_eq!(own, scene.daemon.pid().to_string());
    // What the system would do.
    let write = |file: &str, text: &str| fs::write(tree.join("p:p").join(file), text).unwrap();
    write("memory.peak", "20967424\n");
    write("memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n");
    kill(scene.pid("p"), libc::SIGKILL);
    scene.wait("p", "EXITED");
    let reason = "out of memory, memory_max is 20MB (peak 19.9MB, 1 killed)";
    assert_eq!(scene.info("p").text_of("spawnerr"), reason);
    scene.wait_log(&format!("spawnerr: p: {reason}"));
    wait_event(&scene, "expected:0 pid:");
    wait_event(&scene, " reason:memory_max peak:20967424");
    // The next child has done nothing yet.
    start(&scene, "p");
    kill(scene.pid("p"), libc::SIGKILL);
    scene.wait("p", "EXITED");
    assert_eq!(scene.info("p").text_of("spawnerr"), "Bad exit code -1");
    scene.stop();
}

#[test]
fn an_update_changes_the_limits_of_what_runs() {
    let Some(words) = namespace(FALSE_TREE) else {
        return;
    };
    let program =
        |keys: &str| format!("[program:p]\ncommand=sleep 600\nstartsecs=0\nmemory_max={keys}\n");
    let scene = scene_in(&words, Dir::new(), &program("20MB\npids_max=7"));
    scene.wait("p", "RUNNING");
    let pid = scene.pid("p");
    let more = format!("loglevel=debug\n{}", program("30MB\ncpu_max=10%"));
    update(&scene, &more);
    let group = false_tree(&scene).join("p:p");
    for (file, text) in [
        ("memory.max", "31457280"),
        ("cpu.max", "10000 100000"),
        ("pids.max", "max"),
    ] {
        assert_eq!(fs::read_to_string(group.join(file)).unwrap(), text);
    }
    assert_eq!(scene.pid("p"), pid);
    scene.stop();
}

#[test]
fn a_program_that_takes_too_much_memory_is_ended_and_that_is_told() {
    let Some(place) = Place::new().filter(|place| place.has("memory")) else {
        return;
    };
    let dir = Dir::new();
    let programs = listening(
        &dir,
        "[program:p]\ncommand=python3 -c 'bytearray(100 << 20)'\nautorestart=false\n\
         startretries=0\nstartsecs=0\nmemory_max=20M\n",
    );
    let scene = place.scene(dir, &programs);
    scene.wait("p", "EXITED");
    let error = scene.info("p").text_of("spawnerr");
    assert!(
        error.starts_with("out of memory, memory_max is 20MB (peak "),
        "{error}"
    );
    wait_event(&scene, " reason:memory_max peak:");
    scene.stop();
}

fn told(keys: &str, option: &str) -> Finished {
    let dir = Dir::new();
    let program = format!("[program:p]\ncommand=/bin/cat\n{keys}");
    dir.write("supervisord.conf", usual_configuration(&program));
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    command
        .current_dir(dir.path())
        .args(["-c", "supervisord.conf", option]);
    finish(command, "", DEADLINE)
}

#[test]
fn wrong_values_are_told_with_their_line_and_what_to_write() {
    for (keys, message) in [
        ("memory_max=0\n", "write infinity for no limit"),
        ("memory_check=1.5G\n", "write 1536MB"),
        ("cpu_max=50\n", "write 50%"),
        ("pids_max=none\n", "it is a number such as 200, or infinity"),
        (
            "pids_max=5\ncgroup=no\n",
            "cgroup=false is against pids_max",
        ),
        (
            "kill_mode=cgroup\ncgroup=false\n",
            "cgroup=false is against kill_mode=cgroup",
        ),
        (
            "kill_mode=cgroup\nkillasgroup=true\n",
            "killasgroup=true is against kill_mode=cgroup",
        ),
        (
            "[program-default]\nmemory_max=lots\n",
            "it is a size such as 65536, 64K, 64KB or 1MB",
        ),
    ] {
        let found = told(keys, "--check");
        assert_ne!(found.status, Some(0), "{keys}");
        for part in [message, "supervisord.conf:1"] {
            assert!(found.stderr.contains(part), "{part}: {}", found.stderr);
        }
    }
    let found = told(
        "pids_max=5\nmemory_max=1g\ncpu_max=12.5%\n",
        "--dump-config",
    );
    for line in [
        "\"cgroup\": true",
        "\"memory_max\": 1073741824",
        "\"cpu_max\": \"12.5%\"",
        "\"pids_max\": 5",
        "\"memory_check\": \"infinity\"",
        "\"memory_check_period\": 30",
    ] {
        assert!(found.stdout.contains(line), "{line} {}", found.stdout);
    }
}
