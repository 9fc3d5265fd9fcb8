//! What programs may use and may do: limits, priorities, groups and what they give up, as seen from
//! inside; and starts that fail because the system refuses something.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use super::support::{
    DEADLINE, Dir, Finished, Launch, Scene, binary, finish, plain_environment, usual_configuration,
    wait_until,
};

const NOBODY: u32 = 65534;

fn is_root() -> bool {
    nix::unistd::getuid().is_root()
}

/// A directory that everybody may write to.
fn open_dir() -> Dir {
    let dir = Dir::new();
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    dir
}

/// Writes what the kernel says of the program, and stays.
const LOOK: &str = "{ cat /proc/self/limits /proc/self/status; \
    echo oom $(cat /proc/self/oom_score_adj); \
    set -- $(cat /proc/self/stat); echo nice ${19}; } > seen.new 2>&1\n\
    mv seen.new seen\nexec sleep 600\n";

fn looking(keys: &str) -> Scene {
    let dir = open_dir();
    dir.script("look", LOOK);
    let program = format!(
        "[program:p]\ncommand=%(here)s/look\ndirectory=%(here)s\nstartsecs=0\nautorestart=false\n{keys}"
    );
    Scene::start_as(dir, &program, |_| {})
}

/// The words of the line that begins so, behind that.
fn line(scene: &Scene, begin: &str) -> Vec<String> {
    let mut text = String::new();
    let is_written = wait_until(DEADLINE, || {
        text = scene.dir.read("seen").unwrap_or_default();
        !text.is_empty()
    });
    assert!(is_written, "{}", scene.log());
    let rest = text.lines().find_map(|line| line.strip_prefix(begin));
    let rest = rest.unwrap_or_else(|| panic!("no {begin} in {text}"));
    rest.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_program_has_its_limits_and_its_rights() {
    let scene = looking(
        "rlimit_nofile=64:128\nrlimit_core=0\nrlimit_cpu=1000:1h\nrlimit_as=1000GB\n\
         rlimit_data=500GB\nrlimit_fsize=1GB:2GB\nrlimit_memlock=4K\nrlimit_nproc=5000\n\
         rlimit_stack=4MB\nrlimit_nice=0\nrlimit_rtprio=0\n\
         nice=7\noom_score_adj=300\nno_new_privs=true\nprsetpdeathsig=KILL\n",
    );
    for (name, soft, hard) in [
        ("Max open files", "64", "128"),
        ("Max core file size", "0", "0"),
        ("Max cpu time", "1000", "3600"),
        ("Max address space", "1073741824000", "1073741824000"),
        ("Max data size", "536870912000", "536870912000"),
        ("Max file size", "1073741824", "2147483648"),
        ("Max locked memory", "4096", "4096"),
        ("Max processes", "5000", "5000"),
        ("Max stack size", "4194304", "4194304"),
        ("Max nice priority", "0", "0"),
        ("Max realtime priority", "0", "0"),
    ] {
        assert_eq!(line(&scene, name)[..2], [soft, hard], "{name}");
    }
    assert_eq!(line(&scene, "NoNewPrivs:"), ["1"]);
    assert_eq!(line(&scene, "nice"), ["7"]);
    assert_eq!(line(&scene, "oom"), ["300"]);
    scene.stop();
}

#[test]
fn a_program_without_such_keys_has_what_supervisord_has() {
    let scene = looking("");
    let own = std::fs::read_to_string("/proc/self/limits").unwrap();
    // The daemon raises that of files to minfds.
    for name in ["Max cpu time", "Max address space", "Max stack size"] {
        let expected = own.lines().find_map(|line| line.strip_prefix(name));
        let expected: Vec<&str> = expected.unwrap().split_whitespace().collect();
        assert_eq!(line(&scene, name), expected, "{name}");
    }
    assert_eq!(line(&scene, "NoNewPrivs:"), ["0"]);
    scene.stop();
}

#[test]
fn groups_are_added_to_those_of_the_user_or_of_supervisord() {
    if !is_root() {
        let own = nix::unistd::getgid();
        let scene = looking(&format!("supplementary_groups={own}\n"));
        assert_eq!(line(&scene, "Gid:")[0], own.to_string());
        scene.stop();
        return;
    }
    let scene = looking("user=nobody\nsupplementary_groups=daemon, 4,daemon\n");
    assert_eq!(line(&scene, "Uid:")[0], NOBODY.to_string());
    assert_eq!(line(&scene, "Gid:")[0], NOBODY.to_string());
    assert_eq!(line(&scene, "Groups:"), ["1", "4", "65534"]);
    scene.stop();
    let scene = looking("supplementary_groups=daemon\n");
    assert_eq!(line(&scene, "Uid:")[0], "0");
    assert!(line(&scene, "Groups:").contains(&"1".to_owned()));
    scene.stop();
}

#[test]
fn a_program_dies_with_a_supervisord_that_was_killed() {
    let user = if is_root() { "user=nobody\n" } else { "" };
    let mut scene = looking(&format!("prsetpdeathsig=KILL\n{user}"));
    line(&scene, "Uid:");
    let pid = scene.pid("p");
    scene.daemon.signal(libc::SIGKILL);
    scene.daemon.wait(DEADLINE);
    let has_gone = wait_until(DEADLINE, || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
        // Nobody may be there to collect it.
        status.map_or(true, |status| status.contains("State:\tZ"))
    });
    assert!(has_gone);
}

/// Starts a daemon that is not root.
fn as_a_user(launch: &mut Launch) {
    if is_root() {
        chown(launch.dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        launch.wrapper = &[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ];
    }
}

#[test]
fn what_the_system_refuses_is_a_failed_start_that_names_it() {
    let programs = [
        (
            "nice",
            "nice=-5",
            "couldn't set nice to -5: EACCES (Permission denied)",
        ),
        (
            "oom",
            "oom_score_adj=-1000",
            "couldn't set oom_score_adj to -1000: EACCES (Permission denied)",
        ),
        (
            "files",
            "rlimit_nofile=64:infinity",
            "couldn't set rlimit_nofile to 64:infinity: EPERM (Operation not permitted)",
        ),
        (
            "groups",
            "supplementary_groups=0",
            "couldn't set supplementary_groups: EPERM (Operation not permitted)",
        ),
    ];
    let text: String = programs
        .iter()
        .map(|(name, key, _)| {
            format!("[program:{name}]\ncommand=/bin/cat\nstartretries=0\n{key}\n")
        })
        .collect();
    let scene = Scene::start_as(open_dir(), &text, as_a_user);
    for (name, _, expected) in programs {
        scene.wait(name, "FATAL");
        assert_eq!(scene.info(name).text_of("spawnerr"), expected);
    }
    scene.stop();
}

#[test]
fn too_many_processes_of_a_user_are_told_with_the_key() {
    // A change of user is what counts them.
    if !is_root() {
        return;
    }
    let scene = Scene::start(
        "[program:p]\ncommand=/bin/cat\nuser=nobody\nrlimit_nproc=0\nstartretries=0\n",
    );
    scene.wait("p", "FATAL");
    assert_eq!(
        scene.info("p").text_of("spawnerr"),
        "couldn't exec /bin/cat: EAGAIN (its user has as many processes as rlimit_nproc allows)"
    );
    scene.stop();
}

fn check(keys: &str) -> Finished {
    let dir = Dir::new();
    let program = format!("[program:p]\ncommand=/bin/cat\n{keys}\n");
    dir.write("supervisord.conf", usual_configuration(&program));
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    command
        .current_dir(dir.path())
        .args(["-c", "supervisord.conf", "--check"]);
    finish(command, "", DEADLINE)
}

#[test]
fn wrong_values_are_told_with_their_line_and_what_to_write() {
    for (line, told) in [
        ("rlimit_nofile=4096:1024", "(write 1024:1024)"),
        ("rlimit_core=unlimited", "(write infinity for no limit)"),
        ("rlimit_cpu=1.5", "it is a time in seconds such as 60"),
        ("nice=20", "from -20 to 19"),
        ("oom_score_adj=1001", "from -1000 to 1000"),
        ("no_new_privs=perhaps", "perhaps"),
        ("prsetpdeathsig=SIGNONE", "SIGNONE"),
        ("supplementary_groups=daemon,no-such-group", "no-such-group"),
    ] {
        let found = check(line);
        assert_ne!(found.status, Some(0), "{line}");
        for part in [told, "program:p", "supervisord.conf:13"] {
            assert!(found.stderr.contains(part), "{line}: {}", found.stderr);
        }
    }
    let found = check("rlimit_nofile=1024:4096\nnice=-20\nprsetpdeathsig=9\n");
    assert_eq!(found.status, Some(0), "{}", found.stderr);
}
