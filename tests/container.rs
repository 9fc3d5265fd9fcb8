//! supervisord as the first process of a container: PID and mount namespaces of
//! its own, a file system that cannot be written to, perhaps no entry for its
//! user in the system's database, and no terminal. Who is not root has a user
//! namespace as well.

use super::support::{
    Address, DEADLINE, Daemon, Dir, Kind, Launch, Outcome, Rpc, Value, c, children_of, is_alive,
    wait_for, wait_until,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// How many orphans there are.
const ORPHANS: usize = 10_000;

/// Makes so many processes that end at once and are left to the first one by
/// their parents, which wait for nobody. Then it makes a file, and stays.
const MAKES_ORPHANS: &str = "\
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **words)
{
    for (int left = atoi(words[1]); left > 0; left -= 500) {
        if (fork() == 0) {
            for (int child = 0; child < 500; child++)
                if (fork() == 0)
                    _exit(child % 256);
            _exit(0);
        }
        wait(NULL);
    }
    close(open(words[2], O_CREAT | O_WRONLY, 0600));
    for (;;)
        pause();
}
";

/// Becomes its further words as a user without an entry and a home; without the
/// home alone are so many of these.
const STRANGER: &[&str] = &[
    "env",
    "-u",
    "HOME",
    "setpriv",
    "--reuid=12345",
    "--regid=12345",
    "--clear-groups",
];
const HOMELESS: usize = 3;

/// Leaves one folder writable, enters it, and becomes its further words.
const READ_ONLY: &str = "\
set -e
cd \"$1\"
mount --bind rw rw
mount -o remount,bind,ro /
cd rw
if touch ../written 2>/dev/null; then echo / can be written to >&2; exit 9; fi
shift
exec \"$@\"
";

/// Words that become a command in such a container; the folder of the directory
/// that can be written to is `rw`.
fn container(dir: &Dir) -> Vec<String> {
    let is_root = nix::unistd::getuid().is_root();
    let user = if is_root {
        None
    } else {
        Some("--map-root-user")
    };
    ["unshare"]
        .into_iter()
        .chain(user)
        .chain(["--fork", "--kill-child", "--pid", "--mount", "--mount-proc"])
        .chain(["/bin/sh", "-c", READ_ONLY, "sh"])
        .map(str::to_owned)
        .chain([dir.path().display().to_string()])
        .collect()
}

/// A container with a daemon in it.
struct Container {
    /// The daemon as its own namespace sees it not: its pid out here.
    pid: u32,
    /// What waits for it and ends with its status.
    outer: Daemon,
    rpc: Rpc,
    dir: Dir,
}

impl Container {
    /// Starts supervisord on the usual configuration of a container, and more.
    /// `wrapper` prepares its process inside.
    fn start(dir: Dir, wrapper: &[&str], more: &str) -> Container {
        let mut outer = launch(&dir, wrapper, &configuration(more));
        let rpc = Rpc::new(Address::Unix(dir.join("rw/s")));
        outer.wait_until_it_answers(&rpc);
        let pid = *children_of(outer.pid()).first().expect("the first process");
        Container {
            pid,
            outer,
            rpc,
            dir,
        }
    }

    fn call(&self, method: &str, parameters: &[Value]) -> Outcome {
        self.rpc.call(&format!("supervisor.{method}"), parameters)
    }

    fn wait(&self, process: &str, state: &str) {
        let reached = wait_until(DEADLINE, || {
            let info = self.call("getProcessInfo", &[Value::text(process)]);
            info.answer().text_of("statename") == state
        });
        assert!(reached, "{}", self.outer.stdout());
    }

    /// Ends the daemon by a signal.
    fn stop(mut self, signal: i32) -> String {
        super::support::kill(self.pid, signal);
        let status = self.outer.wait(DEADLINE);
        assert_eq!(status, Some(0), "{}", self.outer.stdout());
        assert_eq!(self.outer.stderr(), "");
        self.outer.stdout()
    }
}

fn configuration(more: &str) -> String {
    format!(
        "[unix_http_server]\nfile=%(here)s/rw/s\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisord]\nnodaemon=true\nsilent=true\nlogfile=/dev/stdout\nlogfile_maxbytes=0\npidfile=none\n{more}"
    )
}

fn launch(dir: &Dir, wrapper: &[&str], configuration: &str) -> Daemon {
    fs::create_dir_all(dir.join("rw")).unwrap();
    fs::set_permissions(dir.join("rw"), fs::Permissions::from_mode(0o777)).unwrap();
    dir.write("supervisord.conf", configuration);
    let words = container(dir);
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .chain(wrapper.iter().copied())
        .collect();
    Daemon::launch(&Launch {
        wrapper: &words,
        ..Launch::new(Kind::Ours, dir)
    })
}

const CAT: &str =
    "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n";

#[test]
fn the_first_process_collects_ten_thousand_orphans() {
    let dir = Dir::new();
    let parent = c::program(&dir, "makes-orphans", MAKES_ORPHANS);
    let container = Container::start(
        dir,
        &[],
        &format!(
            "loglevel=debug\n{CAT}[program:parent]\ncommand={} {ORPHANS} made\nstartsecs=0\n\
             stdout_logfile=NONE\nstderr_logfile=NONE\n",
            parent.display()
        ),
    );
    let made = wait_until(DEADLINE, || container.dir.join("rw/made").exists());
    assert!(made);
    let collected = wait_until(DEADLINE, || {
        let children = children_of(container.pid);
        children.len() == 2 && children.iter().all(|child| is_alive(*child))
    });
    assert!(collected, "{} are left", children_of(container.pid).len());
    let told = |level: &str, log: &str| {
        log.matches(&format!(" {level} reaped unknown pid "))
            .count()
    };
    let all_told = wait_until(DEADLINE, || {
        told("DEBG", &container.outer.stdout()) == ORPHANS
    });
    assert!(all_told, "{}", told("DEBG", &container.outer.stdout()));
    container.wait("p", "RUNNING");
    let log = container.stop(libc::SIGTERM);
    // It is everybody's reaper; a supervisord that is not tells of each at INFO.
    assert_eq!(told("INFO", &log), 0);
    assert!(
        log.contains(" INFO supervisord started with pid 1\n"),
        "{log}"
    );
}

#[test]
fn it_ends_in_the_time_that_its_programs_take_and_leaves_nothing() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let dir = Dir::new();
        let slow = dir.script(
            "slow",
            "trap 'sleep 0.3; : > ended; exit 0' TERM\n: > ready\nwhile :; do read line || sleep 0.05; done",
        );
        let more = format!(
            "{CAT}[program:slow]\ncommand={}\nstartsecs=0\nstopwaitsecs=60\n\
             stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nredirect_stderr=true\n",
            slow.display()
        );
        let container = Container::start(dir, &[], &more);
        let rw = container.dir.join("rw");
        assert!(wait_until(DEADLINE, || rw.join("ready").exists()));
        let children = children_of(container.pid);
        assert_eq!(children.len(), 2);
        let dir = fs::canonicalize(&rw).unwrap();
        let found = |dir: &std::path::Path| {
            let mut names: Vec<String> = fs::read_dir(dir)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(found(&dir), ["ready", "s"], "no pid file");
        super::support::kill(container.pid, signal);
        let Container { mut outer, dir, .. } = container;
        assert_eq!(outer.wait(DEADLINE), Some(0), "{}", outer.stdout());
        assert!(children.iter().all(|child| !is_alive(*child)));
        let log = outer.stdout();
        assert!(
            log.contains(" INFO stopped: slow (exit status 0)\n"),
            "{log}"
        );
        assert!(!log.contains("SIGKILL"), "{log}");
        assert_eq!(found(&dir.join("rw")), ["ended", "ready"]);
    }
}

#[test]
fn any_number_will_do_for_a_user() {
    let dir = Dir::new();
    let who = dir.script("who", "id -u; id -g; id -G; echo home=$HOME; exec cat");
    // In a user namespace of one's own there is only one user.
    let wrapper = match nix::unistd::getuid().is_root() {
        true => STRANGER,
        false => &STRANGER[..HOMELESS],
    };
    let container = Container::start(
        dir,
        wrapper,
        &format!(
            "[program:p]\ncommand={}\nstartsecs=0\nstdout_logfile=%(here)s/rw/who\nstdout_logfile_maxbytes=0\n",
            who.display()
        ),
    );
    container.wait("p", "RUNNING");
    let text = wait_for(DEADLINE, || {
        container
            .dir
            .read("rw/who")
            .filter(|text| text.lines().count() == 4)
    });
    let text = text.expect("the program tells who it is");
    if nix::unistd::getuid().is_root() {
        assert_eq!(text, "12345\n12345\n12345\nhome=\n");
    }
    // It owns what it makes.
    let log = container.stop(libc::SIGTERM);
    assert!(!log.contains("WARN killing"), "{log}");
}

#[test]
fn what_cannot_be_written_is_told_plainly() {
    for (setting, status, stdout, stderr) in [
        // Without its pid file a daemon can do its work, as in 4.3.0.
        (
            "pidfile=/no.pid",
            Some(0),
            " CRIT could not write pidfile /no.pid: Read-only file system\n",
            "",
        ),
        (
            "logfile=/no.log",
            Some(1),
            "",
            "Error: cannot open /no.log: Read-only file system\n",
        ),
    ] {
        let key = setting.split('=').next().unwrap();
        let lines: Vec<String> = configuration(CAT)
            .lines()
            .map(|line| match line.split('=').next() {
                Some(name) if name == key => setting.to_owned(),
                _ => line.to_owned(),
            })
            .collect();
        let dir = Dir::new();
        let mut outer = launch(&dir, &[], &lines.join("\n"));
        if status == Some(0) {
            let rpc = Rpc::new(Address::Unix(dir.join("rw/s")));
            outer.wait_until_it_answers(&rpc);
            rpc.call("supervisor.shutdown", &[]).answer();
        }
        assert_eq!(
            outer.wait(DEADLINE),
            status,
            "{setting}: {}",
            outer.stderr()
        );
        assert_eq!(outer.stderr(), stderr);
        assert!(outer.stdout().contains(stdout), "{}", outer.stdout());
    }
}

/// As systemd-nspawn and podman send it; nix has no name for it.
const SIGRTMIN_3: i32 = 37;

#[test]
fn the_signal_37_of_container_managers_stops_it() {
    let container = Container::start(Dir::new(), &[], CAT);
    container.wait("p", "RUNNING");
    let Container { pid, mut outer, .. } = container;
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{SIGRTMIN_3} {pid}")])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(outer.wait(DEADLINE), Some(0), "{}", outer.stdout());
    let log = outer.stdout();
    assert!(
        log.contains(" WARN received signal 37 indicating exit request\n"),
        "{log}"
    );
    assert!(
        log.contains(" stopped: p (terminated by SIGTERM)\n"),
        "{log}"
    );
}

#[test]
fn as_the_first_process_nothing_is_said_about_root() {
    // Without -c it searches, which root is warned of elsewhere.
    for wrapper in [&[][..], &["sh", "-c", "exec \"$0\" -n"]] {
        let dir = Dir::new();
        fs::create_dir_all(dir.join("rw")).unwrap();
        dir.write(
            "rw/supervisord.conf",
            configuration(CAT).replace("/rw/s", "/s"),
        );
        let container = Container::start(dir, wrapper, CAT);
        container.wait("p", "RUNNING");
        let log = container.stop(libc::SIGTERM);
        assert!(!log.contains("running as root"), "{log}");
    }
}

/// Hides /proc, and becomes its further words.
const NO_PROC: &[&str] = &[
    "sh",
    "-c",
    "set -e; mount -t tmpfs tmpfs /proc; exec \"$@\"",
    "sh",
];

#[test]
fn it_works_without_proc_home_name_and_writable_root_and_ends_with_its_program() {
    let stranger = match nix::unistd::getuid().is_root() {
        true => STRANGER,
        false => &STRANGER[..HOMELESS],
    };
    let wrapper = [NO_PROC, stranger].concat();
    for (end, expected) in [("exit 3", 3), ("kill -KILL $$", 137)] {
        let dir = Dir::new();
        let main = dir.script(
            "main",
            &format!("test -e /proc/self && echo there is proc; echo I am $(id -u), ${{HOME-homeless}}; read line; {end}"),
        );
        let more = format!(
            "{CAT}[program:main]\ncommand={}\nstartsecs=0\nautorestart=false\nexit_supervisord=true\n\
             stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nredirect_stderr=true\n",
            main.display()
        );
        let mut container = Container::start(dir, &wrapper, &more);
        container.wait("main", "RUNNING");
        container.wait("p", "RUNNING");
        let told = wait_until(DEADLINE, || container.outer.stdout().contains("I am "));
        assert!(told, "{}", container.outer.stdout());
        let line = [Value::text("main"), Value::text("\n")];
        container.call("sendProcessStdin", &line).answer();
        let status = container.outer.wait(DEADLINE);
        let log = container.outer.stdout();
        assert_eq!(status, Some(expected), "{log}");
        assert!(log.contains(", homeless\n"), "{log}");
        assert!(!log.contains("there is proc"), "{log}");
        assert!(
            log.contains(" stopped: p (terminated by SIGTERM)\n"),
            "{log}"
        );
    }
}
