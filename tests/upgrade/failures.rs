//! Whatever fails before the exec leaves the daemon as it was, and is told.

use super::{pids, place, put_back, reason, run, upgrade, upgrades};
use crate::support::{
    DEADLINE, Dir, Launch, Scene, binary, children_of, descriptors_of, wait_until,
};
use std::path::Path;
use std::process::Command;

/// Two programs that run, one that does not, and one that numbers its lines.
const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
numprocs=2
process_name=p%(process_num)d
startsecs=0
[program:down]
command=/bin/cat
autostart=false
[program:lines]
command=/bin/sh -c 'n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done'
startsecs=0
stdout_logfile=%(here)s/lines
";

/// A daemon with programs, and what must stay.
pub struct Steady {
    pub scene: Scene,
    pub pids: Vec<(String, i64)>,
}

impl Steady {
    pub fn start_as(dir: Dir, change: impl FnOnce(&mut Launch)) -> Steady {
        let scene = Scene::start_as(dir, PROGRAMS, change);
        for name in ["p:p0", "p:p1", "lines"] {
            scene.wait(name, "RUNNING");
        }
        let pids = pids(&scene);
        Steady { scene, pids }
    }

    pub fn start() -> Steady {
        Steady::start_as(Dir::new(), |_| {})
    }

    /// Nothing has happened, and an upgrade to the right program is possible as before.
    pub fn ends_well(self) {
        self.is_as_before();
        put_back(&self.scene);
        assert_eq!(upgrades(&self.scene), 3);
        self.is_as_before();
        self.scene.stop();
    }

    pub fn is_as_before(&self) {
        let scene = &self.scene;
        assert_eq!(pids(scene), self.pids);
        let mut pids: Vec<u32> = self.pids.iter().map(|(_, pid)| *pid as u32).collect();
        pids.retain(|pid| *pid != 0);
        pids.sort_unstable();
        let same = wait_until(DEADLINE, || {
            let mut children = children_of(scene.daemon.pid());
            children.sort_unstable();
            children == pids
        });
        assert!(same, "no trial is left: {}", scene.log());
        // The numbers go on without a gap.
        let count = lines(scene).len();
        assert!(wait_until(DEADLINE, || lines(scene).len() > count));
        for (index, line) in lines(scene).iter().enumerate() {
            assert_eq!(line, &(index + 1).to_string());
        }
    }

    /// Fails for a reason, after which nothing has happened.
    pub fn refuses(&self, what: &str, expected: &str) {
        let told = reason(&upgrade(&self.scene));
        let here = place(&self.scene).display().to_string();
        assert_eq!(told, expected.replace("HERE", &here), "{what}");
        self.scene
            .wait_log(&format!(" WARN cannot upgrade: {told}\n"));
        self.is_as_before();
    }
}

/// The whole lines that the program has written.
fn lines(scene: &Scene) -> Vec<String> {
    let text = scene.dir.read("lines").unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(str::to_owned).collect()
}

/// Runs a line of shell in a directory.
fn shell(dir: &Path, line: &str) {
    run(Command::new("sh").args(["-ec", line]).current_dir(dir));
}

#[test]
fn what_is_no_program_of_this_machine_is_refused_and_nothing_has_happened() {
    let steady = Steady::start();
    let bin = steady.scene.dir.bin();
    let real = binary();
    let open = descriptors_of(steady.scene.daemon.pid());
    for (what, make, expected) in [
        ("nothing", "", "HERE: No such file or directory"),
        (
            "a link to itself",
            "ln -s supervisord supervisord",
            "HERE: Too many levels of symbolic links",
        ),
        ("a folder", "mkdir supervisord", "HERE is no regular file"),
        ("a FIFO", "mkfifo supervisord", "HERE is no regular file"),
        (
            "a device",
            "ln -s /dev/null supervisord",
            "HERE is no regular file",
        ),
        ("an empty file", ": > supervisord", "HERE is no program"),
        ("a text", "echo hello > supervisord", "HERE is no program"),
        (
            "a script",
            "echo '#!/bin/true' > supervisord; chmod 755 supervisord",
            "HERE is a script: the path must be that of the program itself",
        ),
        (
            "a program of another machine",
            // s390, which is not among those that this program is built for.
            "{ head -c 18 REAL; printf '\\026\\000'; tail -c +21 REAL; } > supervisord; chmod 755 supervisord",
            "HERE is a program for another machine",
        ),
        (
            "a program that may not be run",
            "cp REAL supervisord; chmod 644 supervisord",
            "couldn't exec HERE: EACCES (Permission denied)",
        ),
        (
            "the head of a program",
            "head -c 20 REAL > supervisord; chmod 755 supervisord",
            "couldn't exec HERE: ENOEXEC (Exec format error)",
        ),
    ] {
        shell(&bin, "rm -rf supervisord");
        shell(&bin, &make.replace("REAL", real));
        steady.refuses(what, expected);
    }
    // Connections of the test go on for a moment.
    let pid = steady.scene.daemon.pid();
    let same = wait_until(DEADLINE, || descriptors_of(pid).len() <= open.len());
    assert!(same, "{open:?}, now {:?}", descriptors_of(pid));
    steady.ends_well();
}
