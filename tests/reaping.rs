//! What supervisord does for orphans when it is PID 1. Here it is made the
//! reaper of its descendants, which the kernel treats alike.

use super::support::{DEADLINE, Dir, Scene, children_of, is_alive, kill, wait_until};

/// Makes its process the reaper of its descendants (prctl
/// `PR_SET_CHILD_SUBREAPER`), then becomes the program given to it.
const SUBREAPER: &str = "\
import ctypes, os, sys
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
";

/// How many orphans there are.
const ORPHANS: usize = 50;

#[test]
fn orphans_are_collected_and_told_of() {
    let dir = Dir::new();
    // Each orphan notes its pid; one dies of a signal, the others with status 7.
    let orphan = dir.script("orphan", "echo $$ >> orphans; exit 7");
    let killed = dir.script("killed", "echo $$ > killed-pid; kill -KILL $$");
    let parent = dir.script(
        "parent",
        &format!(
            "for i in $(seq {ORPHANS}); do ({} &); done\n({} &)\nexec cat",
            orphan.display(),
            killed.display()
        ),
    );
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand={}\ndirectory=%(here)s\nstartsecs=0\n",
            parent.display()
        ),
        |launch| launch.wrapper = &["python3", "-c", SUBREAPER],
    );
    scene.wait("p", "RUNNING");
    let pid = scene.pid("p");
    let told = wait_until(DEADLINE, || {
        scene.log().matches("reaped unknown pid").count() > ORPHANS
    });
    assert!(told, "{}", scene.log());
    let log = scene.log();
    let pids = scene.dir.read("orphans").unwrap();
    assert_eq!(pids.lines().count(), ORPHANS);
    for orphan in pids.lines() {
        let line = format!("INFO reaped unknown pid {orphan} (exit status 7)");
        assert!(log.contains(&line), "{line}\n{log}");
    }
    let killed = scene.dir.read("killed-pid").unwrap();
    let line = format!(
        "INFO reaped unknown pid {} (terminated by SIGKILL)",
        killed.trim()
    );
    assert!(log.contains(&line), "{line}\n{log}");
    let children = children_of(scene.daemon.pid());
    assert!(
        children.iter().all(|child| is_alive(*child)),
        "no zombie is left"
    );
    assert_eq!(children, [pid], "the program was left alone");
    scene.stop();
}

/// How many programs there are.
const MANY: usize = 260;

#[test]
fn of_many_programs_that_end_in_one_moment_none_is_overlooked() {
    let dir = Dir::new();
    // Nobody but SIGCHLD tells of their ends.
    let quiet = dir.script("quiet", "exec sleep 1000 > /dev/null 2>&1");
    let scene = Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand=/bin/sleep 1000\nprocess_name=p%(process_num)03d\nnumprocs={MANY}\n\
             startsecs=0\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
             [program:q]\ncommand={}\nprocess_name=q%(process_num)d\nnumprocs=3\nstartsecs=0\nautorestart=false\n",
            quiet.display()
        ),
        |_| {},
    );
    let names = ["p:p007", "p:p150", "p:p255", "q:q0", "q:q1", "q:q2"];
    let pids = names.map(|name| {
        scene.wait(name, "RUNNING");
        scene.pid(name)
    });
    // What ends while the daemon cannot look is told by one signal.
    scene.daemon.signal(libc::SIGSTOP);
    for pid in pids {
        kill(pid, libc::SIGKILL);
    }
    let ended = || pids.iter().all(|pid| !is_alive(*pid));
    assert!(
        wait_until(DEADLINE, ended),
        "not all of {pids:?} have ended"
    );
    scene.daemon.signal(libc::SIGCONT);
    for name in names {
        scene.wait(name, "EXITED");
    }
    scene.stop();
}
