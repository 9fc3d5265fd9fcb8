//! What happens to a child before it is its program: a failure is known to the daemon,
//! whatever the step, and nothing there holds the daemon up or is taken for granted.

use super::support::{
    DEADLINE, Dir, Scene, Value, children_of, descriptors_of, kill, wait_for, wait_until,
};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

/// Opens descriptors as a careless parent does, has the kernel refuse close_range(2) with
/// the error of that number, to all children too, and becomes the program given to it.
const REFUSED: &str = "\
import ctypes, os, sys
class Step(ctypes.Structure):
    _fields_ = [('code', ctypes.c_uint16), ('yes', ctypes.c_uint8), ('no', ctypes.c_uint8), ('k', ctypes.c_uint32)]
class Filter(ctypes.Structure):
    _fields_ = [('count', ctypes.c_uint16), ('steps', ctypes.POINTER(Step))]
steps = (Step * 4)((0x20, 0, 0, 0), (0x15, 0, 1, 436), (6, 0, 0, 0x50000 | int(sys.argv[1])), (6, 0, 0, 0x7fff0000))
null = os.open('/dev/null', os.O_RDWR)
for number in 30, 49, 50, 999:
    os.dup2(null, number, inheritable=True)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0, 'no new privileges'
assert libc.prctl(22, 2, ctypes.byref(Filter(4, steps))) == 0, 'a filter'
os.execv(sys.argv[2], sys.argv[2:])
";

/// Holds a lease on a file: whoever opens it, as exec does, waits until that is given up.
const LEASE: &str = "\
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()
";

/// A user who is not root, where the test is run as root.
const AS_SOMEBODY: &[&str] = &[
    "setpriv",
    "--reuid=54321",
    "--regid=54321",
    "--clear-groups",
];

/// A section for a program that is not started by itself, and once only.
fn program(name: &str, command: &str, more: &str) -> String {
    format!(
        "[program:{name}]\ncommand={command}\nautostart=false\nautorestart=false\nstartretries=0\n{more}"
    )
}

fn start(scene: &Scene, name: &str) {
    scene.call("startProcess", &[Value::text(name), Value::Bool(false)]);
}

/// Starts a program that cannot become one: the reason is in the log and is the error
/// of the process.
fn assert_failure_is_told(scene: &Scene, name: &str, reason: &str) {
    start(scene, name);
    scene.wait(name, "FATAL");
    let info = scene.info(name);
    assert_eq!(info.text_of("spawnerr"), reason);
    assert_eq!(info.text_of("description"), reason);
    let line = format!("WARN spawnerr: {name}: {reason}\n");
    assert_eq!(scene.log().matches(&line).count(), 1, "{}", scene.log());
}

#[test]
fn the_reason_why_a_child_was_not_spawned_stood_in_its_own_log_alone() {
    let dir = Dir::new();
    let unreadable = dir.script("unreadable", "exit 0");
    fs::set_permissions(&unreadable, Permissions::from_mode(0o700)).unwrap();
    let plain = dir.script("plain", "");
    fs::write(&plain, "exit 0\n").unwrap();
    let lost = dir.script("lost", "");
    fs::write(&lost, "#!/no/such/interpreter -x\n").unwrap();
    let windows = dir.script("windows", "");
    fs::write(&windows, "#!/bin/sh\r\nexit 0\r\n").unwrap();
    symlink("loop", dir.join("loop")).unwrap();
    let path = |name: &str| dir.join(name).display().to_string();
    let cases = [
        (
            "directory",
            "/bin/cat".to_owned(),
            "directory=/no/such/folder\n".to_owned(),
            "couldn't chdir to /no/such/folder: ENOENT (No such file or directory)".to_owned(),
        ),
        (
            "file",
            "/bin/cat".to_owned(),
            "directory=/etc/passwd\n".to_owned(),
            "couldn't chdir to /etc/passwd: ENOTDIR (Not a directory)".to_owned(),
        ),
        (
            "circle",
            "/bin/cat".to_owned(),
            format!("directory={}\n", path("loop")),
            format!(
                "couldn't chdir to {}: ELOOP (Too many levels of symbolic links)",
                path("loop")
            ),
        ),
        (
            "script",
            format!("{} one 'two three'", path("plain")),
            String::new(),
            format!(
                "couldn't exec {}: ENOEXEC (Exec format error)",
                path("plain")
            ),
        ),
        (
            "interpreter",
            path("lost"),
            "redirect_stderr=true\n".to_owned(),
            format!(
                "couldn't exec {}: ENOENT (its interpreter /no/such/interpreter is missing)",
                path("lost")
            ),
        ),
        (
            "lines",
            path("windows"),
            "stderr_logfile=NONE\n".to_owned(),
            format!(
                "couldn't exec {}: ENOENT (its interpreter /bin/sh\\r is missing)",
                path("windows")
            ),
        ),
        (
            "long",
            "/bin/true".to_owned(),
            format!("environment=LONG=\"{}\"\n", "x".repeat(200_000)),
            "couldn't exec /bin/true: E2BIG (Argument list too long)".to_owned(),
        ),
    ];
    let mut sections: String = cases
        .iter()
        .map(|(name, command, more, _)| program(name, command, more))
        .collect();
    let is_root = nix::unistd::getuid().is_root();
    if is_root {
        sections += &program("other", &path("unreadable"), "user=nobody\n");
    }
    let scene = Scene::start_as(dir, &sections, |_| {});
    for (name, _, _, reason) in &cases {
        assert_failure_is_told(&scene, name, reason);
    }
    if is_root {
        let reason = format!(
            "couldn't exec {}: EACCES (Permission denied)",
            scene.dir.join("unreadable").display()
        );
        assert_failure_is_told(&scene, "other", &reason);
    }
    // With the cause the error goes.
    fs::write(scene.dir.join("lost"), "#!/bin/sh\nexec cat\n").unwrap();
    start(&scene, "interpreter");
    scene.wait("interpreter", "RUNNING");
    assert_eq!(scene.info("interpreter").text_of("spawnerr"), "");
    scene.stop();
}

#[test]
fn a_user_that_only_root_can_become_was_refused_in_silence() {
    let dir = Dir::new();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    let root = program("p", "/bin/cat", "user=root\n");
    let at_once = program("q", "/bin/cat", "user=root\nstartsecs=0\n");
    let scene = Scene::start_as(dir, &format!("{root}{at_once}"), |launch| {
        if nix::unistd::getuid().is_root() {
            launch.wrapper = AS_SOMEBODY;
        }
    });
    let reason = "couldn't setuid to 0: Can't drop privilege as nonroot user";
    assert_failure_is_told(&scene, "p", reason);
    // What is up at once has been up; the reason is told all the same.
    start(&scene, "q");
    scene.wait("q", "EXITED");
    scene.wait_log(&format!("WARN spawnerr: q: {reason}\n"));
    assert_eq!(scene.info("q").text_of("spawnerr"), reason);
    scene.stop();
}

#[test]
fn of_many_that_fail_at_once_each_has_its_own_reason() {
    const COUNT: usize = 300;
    let programs: String = (0..COUNT)
        .map(|number| {
            let missing = format!("directory=/no/such/folder/{number}\n");
            program(&format!("p{number}"), "/bin/cat", &missing)
        })
        .collect();
    let scene = Scene::start(&programs.replace("autostart=false\n", ""));
    scene.wait_all("FATAL");
    for info in scene.all() {
        let name = info.text_of("name");
        let number = name.trim_start_matches('p');
        assert_eq!(
            info.text_of("spawnerr"),
            format!(
                "couldn't chdir to /no/such/folder/{number}: ENOENT (No such file or directory)"
            )
        );
    }
    scene.stop();
}

#[test]
fn a_status_of_127_that_is_the_programs_own_has_no_such_reason() {
    let command = "/bin/sh -c \"exit 127\"";
    let scene = Scene::start(&program("p", command, ""));
    start(&scene, "p");
    scene.wait("p", "FATAL");
    let expected = "Exited too quickly (process log may have details)";
    assert_eq!(scene.info("p").text_of("spawnerr"), expected);
    assert!(!scene.log().contains("spawnerr"), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_filter_on_close_range_ended_every_child_in_silence() {
    for refusal in ["1", "22", "38"] {
        let programs = program("p", "/bin/cat", "") + &program("q", "/bin/cat", "");
        let wrapper: &[&str] = match refusal {
            "1" => &["python3", "-c", REFUSED, "1"],
            "22" => &["python3", "-c", REFUSED, "22"],
            _ => &["python3", "-c", REFUSED, "38"],
        };
        let scene = Scene::start_as(Dir::new(), &format!("minfds=50\n{programs}"), |launch| {
            launch.wrapper = wrapper;
        });
        assert!(descriptors_of(scene.daemon.pid()).contains(&999));
        for name in ["p", "q"] {
            start(&scene, name);
            scene.wait(name, "RUNNING");
            let child = scene.pid(name);
            let clean = wait_until(DEADLINE, || descriptors_of(child) == [0, 1, 2]);
            assert!(clean, "{refusal}: {:?}", descriptors_of(child));
        }
        scene.stop();
    }
}

#[test]
fn a_child_that_hangs_before_exec_holds_nobody_up() {
    let dir = Dir::new();
    let slow = dir.script("slow", "exec cat");
    let sections = program("p", slow.to_str().unwrap(), "") + &program("q", "/bin/cat", "");
    let scene = Scene::start_as(dir, &sections, |_| {});
    let mut holder = Command::new("python3")
        .args(["-c", LEASE])
        .arg(&slow)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut told = BufReader::new(holder.stdout.take().unwrap());
    told.read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");

    start(&scene, "p");
    let child = wait_for(DEADLINE, || {
        children_of(scene.daemon.pid()).first().copied()
    });
    let child = child.unwrap();
    // It has nothing of the daemon's but the way to tell an error.
    let waits = wait_until(DEADLINE, || descriptors_of(child).len() == 4);
    assert!(waits, "{:?}", descriptors_of(child));
    start(&scene, "q");
    scene.wait("q", "RUNNING");
    let still = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    assert_eq!(still(child), still(scene.daemon.pid()));
    // Others end and are collected, and it can be stopped as any other.
    kill(scene.pid("q"), libc::SIGKILL);
    scene.wait("q", "EXITED");
    scene.call("stopProcess", &[Value::text("p")]).answer();
    scene.wait("p", "STOPPED");

    start(&scene, "p");
    drop(holder.stdin.take());
    holder.wait().unwrap();
    scene.wait("p", "RUNNING");
    let child = scene.pid("p");
    assert!(wait_until(DEADLINE, || {
        descriptors_of(child) == [0, 1, 2] && still(child) != still(scene.daemon.pid())
    }));
    scene.stop();
}
