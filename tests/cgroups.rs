//! Control groups of programs: `cgroup`, its limits, and `kill_mode=cgroup`, which leaves nothing
//! of a program. What a machine does not have is made in a mount namespace, or left out with a
//! line that says so.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::support::{
    Address, DEADLINE, Daemon, Dir, Finished, Kind, Launch, Rpc, Scene, Value, binary, finish,
    is_alive, kill, plain_environment, usual_configuration, wait_until,
};
use super::update::update;

const NOBODY: u32 = 65534;

/// Where the control groups of version 2 are mounted, and the own one in them.
fn own_group() -> Option<(PathBuf, String)> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let mount = PathBuf::from(mount.split(' ').nth(4)?);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some((mount, own.trim_start_matches('/').to_owned()))
}

/// A control group for one test, with everything below it.
struct Place {
    path: PathBuf,
}

impl Place {
    /// `None` where this user can make none.
    fn new() -> Option<Place> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some((mount, own)) = own_group() else {
            println!("left out: no control groups of version 2");
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pollvisor-test-{}-{count}", std::process::id());
        let path = mount.join(own).join(name);
        if let Err(error) = fs::create_dir(&path) {
            println!("left out: no control group can be made: {error}");
            return None;
        }
        Some(Place { path })
    }

    /// What starts a supervisord in it.
    fn wrapper(&self) -> Vec<String> {
        let script = "echo $$ > \"$0\"/cgroup.procs && exec \"$@\"";
        let words = ["sh", "-c", script, self.path.to_str().unwrap()];
        words.map(str::to_owned).to_vec()
    }

    /// A supervisord in it.
    fn scene(&self, dir: Dir, programs: &str) -> Scene {
        scene_in(&self.wrapper(), dir, programs)
    }

    fn members(&self, group: &str) -> Vec<u32> {
        let text = fs::read_to_string(self.path.join(group).join("cgroup.procs"));
        let text = text.unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// The names of the groups in it.
    fn groups(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(&self.path).unwrap().map(Result::unwrap);
        let directories = entries.filter(|entry| entry.file_type().unwrap().is_dir());
        directories
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    }

    fn has(&self, controller: &str) -> bool {
        let text = fs::read_to_string(self.path.join("cgroup.controllers")).unwrap();
        let has = text.split_whitespace().any(|word| word == controller);
        if !has {
            println!("left out: control groups of version 2 have no {controller} here");
        }
        has
    }

    /// Waits until a group has so many processes, and returns them.
    fn wait_for(&self, group: &str, count: usize, scene: &Scene) -> Vec<u32> {
        let mut members = Vec::new();
        let is_full = wait_until(DEADLINE, || {
            members = self.members(group);
            members.len() >= count
        });
        assert!(is_full, "{members:?} in {group}\n{}", scene.log());
        members
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
        let is_gone = wait_until(DEADLINE, || {
            for group in self.groups() {
                let _ = fs::remove_dir(self.path.join(group));
            }
            fs::remove_dir(&self.path).is_ok()
        });
        assert!(is_gone || std::thread::panicking());
    }
}

/// A supervisord that is started by these words.
fn scene_in(wrapper: &[String], dir: Dir, programs: &str) -> Scene {
    let programs = format!("loglevel=debug\n{programs}");
    dir.write("supervisord.conf", usual_configuration(&programs));
    let mut daemon = start_in(wrapper, &dir);
    let rpc = Rpc::new(Address::Unix(dir.join("s")));
    daemon.wait_until_it_answers(&rpc);
    Scene { daemon, rpc, dir }
}

fn start_in(wrapper: &[String], dir: &Dir) -> Daemon {
    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut launch = Launch::new(Kind::Ours, dir);
    launch.wrapper = &words;
    Daemon::launch(&launch)
}

/// The control group that a process is in, from the last part of that of its test.
fn group_of(pid: u32) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let path = text.lines().find_map(|line| line.strip_prefix("0::"));
    let path = path.unwrap_or_default();
    path.rsplit_once("pollvisor-test-")
        .and_then(|(_, own)| own.split_once('/'))
        .map_or(String::new(), |(_, group)| group.to_owned())
}

fn stop(scene: &Scene, process: &str) {
    scene.call("stopProcess", &[Value::text(process)]).answer();
}

fn start(scene: &Scene, process: &str) {
    scene.call("startProcess", &[Value::text(process)]).answer();
}

fn set<const COUNT: usize>(names: [&str; COUNT]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn each_process_has_a_control_group_that_goes_with_it() {
    let Some(place) = Place::new() else { return };
    let scene = place.scene(
        Dir::new(),
        "[program:a]\ncommand=sleep 600\npriority=1\nstartsecs=0\n\
         [program:p]\ncommand=sleep 600\ncgroup=true\nstartsecs=0\n\
         [program:web]\ncommand=sleep 600\ncgroup=true\nnumprocs=2\nstartsecs=0\n\
         process_name=%(process_num)02d+%(program_name)s\n",
    );
    scene.wait_all("RUNNING");
    for (process, group) in [
        ("a", "supervisord"),
        ("p", "p:p"),
        ("web:00+web", "web:00+web"),
        ("web:01+web", "web:01+web"),
    ] {
        let pid = scene.pid(process);
        let is_there = wait_until(DEADLINE, || group_of(pid) == group);
        assert!(is_there, "{process} {}", group_of(pid));
    }
    assert_eq!(group_of(scene.daemon.pid()), "supervisord");
    assert_eq!(place.members(""), [0; 0]);
    stop(&scene, "p");
    assert!(!place.groups().contains("p:p"));
    start(&scene, "p");
    assert!(place.groups().contains("p:p"));
    scene.stop();
    assert_eq!(place.groups(), BTreeSet::new(), "it leaves all as it was");
}

#[test]
fn a_program_without_the_keys_changes_nothing() {
    let Some(place) = Place::new() else { return };
    let scene = place.scene(
        Dir::new(),
        "[program:p]\ncommand=sleep 600\nstartsecs=0\nkill_mode=mixed\n",
    );
    scene.wait_all("RUNNING");
    assert_eq!(place.groups(), BTreeSet::new());
    assert_eq!(place.members("").len(), 2);
    scene.stop();
}

/// Starts what a stop does not reach: deaf to signals, in other sessions and process groups,
/// without a parent; and says when all is there.
const ORPHANS: &str = "\
setsid sh -c 'trap \"\" TERM HUP INT QUIT; : > deaf; while :; do sleep 600; done' &
sh -c 'setsid sleep 600 & exit 0'
sh -c '(sleep 600 &) ; exit 0'
sh -c 'sleep 600 & wait' &
(setsid sh -c 'setsid sleep 600 & wait') &
until test -e deaf; do sleep 0.05; done
trap 'exit 0' TERM
mv deaf ready
while :; do sleep 0.1; done
";

/// At least so many processes that is.
const FAMILY: usize = 9;

fn orphans(place: &Place, keys: &str) -> (Scene, BTreeSet<u32>) {
    let dir = Dir::new();
    dir.script("orphans", ORPHANS);
    let program =
        format!("[program:p]\ncommand=%(here)s/orphans\ndirectory=%(here)s\nstartsecs=0\n{keys}\n");
    let scene = place.scene(dir, &program);
    let is_ready = wait_until(DEADLINE, || scene.dir.read("ready").is_some());
    assert!(is_ready, "{}", scene.log());
    let all = place.wait_for("p:p", FAMILY, &scene);
    (scene, all.into_iter().collect())
}

fn alive(pids: &BTreeSet<u32>) -> Vec<u32> {
    pids.iter().copied().filter(|pid| is_alive(*pid)).collect()
}

#[test]
fn after_a_stop_nothing_is_left_of_a_program() {
    let Some(place) = Place::new() else { return };
    let (scene, pids) = orphans(&place, "kill_mode=cgroup");
    stop(&scene, "p");
    // Not in a while, but now.
    assert_eq!(alive(&pids), [0; 0]);
    assert_eq!(place.groups(), set(["supervisord"]));
    scene.wait_log("stopped: p (exit status 0)");
    scene.stop();
}

#[test]
fn after_a_crash_nothing_is_left_and_it_starts_again() {
    let Some(place) = Place::new() else { return };
    let (scene, mut pids) = orphans(&place, "kill_mode=cgroup\nautorestart=true");
    let first = scene.pid("p");
    fs::remove_file(scene.dir.join("ready")).unwrap();
    kill(first, libc::SIGKILL);
    let is_back = wait_until(DEADLINE, || scene.dir.read("ready").is_some());
    assert!(is_back, "{}", scene.log());
    pids.remove(&scene.pid("p"));
    assert_eq!(alive(&pids), [0; 0]);
    scene.wait_log("exited: p (terminated by SIGKILL; not expected)");
    scene.stop();
}

#[test]
fn a_shutdown_leaves_nothing_of_a_program_that_ignores_everything() {
    let Some(place) = Place::new() else { return };
    let (scene, pids) = orphans(&place, "kill_mode=cgroup\nstopsignal=WINCH\nstopwaitsecs=0");
    scene.stop();
    assert_eq!(alive(&pids), [0; 0]);
    assert_eq!(place.groups(), BTreeSet::new());
}

#[test]
fn two_hundred_sessions_end_with_their_program() {
    let Some(place) = Place::new() else { return };
    let dir = Dir::new();
    dir.script(
        "bomb",
        "i=0\nwhile test $i -lt 200; do setsid sleep 600 & i=$((i + 1)); done\nexec sleep 600",
    );
    let program = "[program:p]\ncommand=%(here)s/bomb\nstartsecs=0\nkill_mode=cgroup\n";
    let scene = place.scene(dir, program);
    let all = place.wait_for("p:p", 201, &scene).into_iter().collect();
    stop(&scene, "p");
    assert_eq!(alive(&all), [0; 0]);
    scene.stop();
}

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

#[test]
fn npm_start_leaves_nothing() {
    let Some(place) = Place::new() else { return };
    let npm = Command::new("npm").arg("--version").output();
    if !npm.is_ok_and(|output| output.status.success()) {
        println!("left out: no npm");
        return;
    }
    let dir = Dir::new();
    dir.write(
        "package.json",
        r#"{"scripts": {"start": "node server.js"}}"#,
    );
    dir.write(
        "server.js",
        "require('child_process').spawn('sleep', ['600'], {detached: true}).unref();\n\
         process.on('SIGTERM', () => {});\nsetInterval(() => {}, 600000);\n",
    );
    let program = "[program:p]\ncommand=npm start\ndirectory=%(here)s\nkill_mode=cgroup\n\
        startsecs=0\nstopwaitsecs=1\nenvironment=HOME=\"%(here)s\",npm_config_update_notifier=false\n";
    let scene = place.scene(dir, program);
    let has_come = |pid: &u32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.trim() == "sleep"
    };
    let is_up = wait_until(DEADLINE, || place.members("p:p").iter().any(has_come));
    assert!(is_up, "{}", scene.log());
    let all = place.members("p:p").into_iter().collect();
    stop(&scene, "p");
    assert_eq!(alive(&all), [0; 0]);
    scene.stop();
}

#[test]
fn other_modes_leave_what_they_leave_and_tell_how_to_change_that() {
    let Some(place) = Place::new() else { return };
    let (scene, pids) = orphans(&place, "cgroup=true");
    stop(&scene, "p");
    scene.wait_log(" left (kill_mode=cgroup kills them)");
    assert!(alive(&pids).len() >= 5, "{}", scene.log());
    // The next child is in the same group.
    start(&scene, "p");
    let pid = scene.pid("p");
    assert!(wait_until(DEADLINE, || group_of(pid) == "p:p"));
    let left = alive(&pids).into_iter().collect::<BTreeSet<u32>>();
    scene.stop();
    assert_eq!(place.groups(), set(["p:p", "supervisord"]));
    for pid in left {
        kill(pid, libc::SIGKILL);
    }
}

#[test]
fn a_restart_goes_on_with_the_same_groups() {
    let Some(place) = Place::new() else { return };
    let scene = place.scene(
        Dir::new(),
        "[program:p]\ncommand=sleep 600\nkill_mode=cgroup\nstartsecs=0\n",
    );
    scene.wait_all("RUNNING");
    let first = scene.pid("p");
    scene.call("restart", &[]).answer();
    let is_back = wait_until(DEADLINE, || {
        scene.log().matches("spawned: 'p' with pid").count() == 2 && scene.rpc.answers()
    });
    assert!(is_back, "{}", scene.log());
    let pid = scene.pid("p");
    assert!(wait_until(DEADLINE, || group_of(pid) == "p:p"));
    assert_eq!(group_of(scene.daemon.pid()), "supervisord");
    assert!(!is_alive(first));
    scene.stop();
    assert_eq!(place.groups(), BTreeSet::new());
}

#[test]
fn a_supervisord_after_one_that_was_killed_finds_its_groups() {
    let Some(place) = Place::new() else { return };
    let (mut scene, pids) = orphans(&place, "kill_mode=cgroup");
    scene.daemon.signal(libc::SIGKILL);
    scene.daemon.wait(DEADLINE);
    fs::remove_file(scene.dir.join("ready")).unwrap();
    scene.daemon = start_in(&place.wrapper(), &scene.dir);
    let is_back = wait_until(DEADLINE, || scene.dir.read("ready").is_some());
    assert!(is_back, "{}", scene.log());
    scene.wait_log("that were left in its control group");
    assert!(wait_until(DEADLINE, || alive(&pids).is_empty()));
    assert_eq!(place.groups(), set(["p:p", "supervisord"]));
    scene.stop();
    assert_eq!(place.groups(), BTreeSet::new());
}

const TWO: &str = "[program:soft]\ncommand=sleep 600\ncgroup=true\nstartsecs=0\n\
    [program:hard]\ncommand=sleep 600\nmemory_max=20M\nstartsecs=0\nstartretries=0\n\
    [program:kill]\ncommand=sleep 600\nkill_mode=cgroup\nstartsecs=0\nstartretries=0\n\
    [program:again]\ncommand=sleep 600\ncgroup=on\nstartsecs=0\n";

/// Without control groups a limit is a failed start, and the group alone one warning.
fn can_have_none(scene: &Scene, reason: &str) {
    scene.wait("soft", "RUNNING");
    scene.wait("again", "RUNNING");
    for (name, key) in [("hard", "memory_max"), ("kill", "kill_mode=cgroup")] {
        scene.wait(name, "FATAL");
        let error = scene.info(name).text_of("spawnerr");
        let begin = format!("couldn't set {key}: ");
        assert!(
            error.starts_with(&begin) && error.ends_with(reason),
            "{error}"
        );
    }
    let told = "cgroup=true has no effect: ";
    assert_eq!(scene.log().matches(told).count(), 1, "{}", scene.log());
}

#[test]
fn two_supervisords_do_not_share_a_control_group() {
    let Some(place) = Place::new() else { return };
    let first = place.scene(
        Dir::new(),
        "[program:p]\ncommand=sleep 600\nkill_mode=cgroup\nstartsecs=0\n",
    );
    first.wait_all("RUNNING");
    let second = place.scene(Dir::new(), TWO);
    can_have_none(&second, " is that of another supervisord");
    second.stop();
    first.wait_all("RUNNING");
    assert_eq!(place.groups(), set(["p:p", "supervisord"]));
    first.stop();
}

fn is_root() -> bool {
    let is_root = nix::unistd::getuid().is_root();
    if !is_root {
        println!("left out: it needs root");
    }
    is_root
}

/// Becomes its further words as a user.
const AS_NOBODY: [&str; 4] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];

fn open_dir() -> Dir {
    let dir = Dir::new();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    dir
}

#[test]
fn a_user_has_control_groups_where_that_is_left_to_it() {
    let Some(place) = Place::new().filter(|_| is_root()) else {
        return;
    };
    let mut wrapper = place.wrapper();
    wrapper.extend(AS_NOBODY.map(str::to_owned));
    let scene = scene_in(&wrapper, open_dir(), TWO);
    can_have_none(&scene, ": Permission denied");
    scene.stop();
    for file in ["", "cgroup.procs", "cgroup.subtree_control"] {
        chown(place.path.join(file), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let program = "[program:p]\ncommand=sh -c 'setsid sleep 600 & exec sleep 600'\n\
        kill_mode=cgroup\nstartsecs=0\n";
    let scene = scene_in(&wrapper, open_dir(), program);
    let all = place.wait_for("p:p", 2, &scene).into_iter().collect();
    stop(&scene, "p");
    assert_eq!(alive(&all), [0; 0]);
    assert_eq!(place.groups(), set(["supervisord"]));
    scene.stop();
    assert_eq!(place.groups(), BTreeSet::new());
}

#[test]
fn the_user_of_a_program_cannot_change_its_control_group() {
    let Some(place) = Place::new().filter(|_| is_root()) else {
        return;
    };
    let dir = open_dir();
    dir.script(
        "try",
        "for file in cgroup.procs cgroup.kill cgroup.subtree_control cgroup.freeze; do\n\
         (echo 1 > \"$1/$file\") 2>/dev/null && echo \"$file\" >> reached\n\
         (echo 1 > \"$1/../$file\") 2>/dev/null && echo \"../$file\" >> reached\ndone\n\
         mkdir \"$1/below\" 2>/dev/null && echo mkdir >> reached\n\
         rmdir \"$1\" 2>/dev/null && echo rmdir >> reached\n\
         id -u > user.new\nmv user.new user\nexec sleep 600",
    );
    let group = place.path.join("p:p");
    let program = format!(
        "umask=000\n[program:p]\ncommand=%(here)s/try {}\ndirectory=%(here)s\nuser=nobody\n\
         cgroup=true\nstartsecs=0\n",
        group.display()
    );
    let scene = place.scene(dir, &program);
    let has_tried = wait_until(DEADLINE, || scene.dir.read("user").is_some());
    assert!(has_tried, "{}", scene.log());
    assert_eq!(scene.dir.read("user").unwrap().trim(), NOBODY.to_string());
    assert_eq!(scene.dir.read("reached"), None);
    assert_eq!(group_of(scene.pid("p")), "p:p");
    scene.stop();
}

/// Makes a container of the control group that it is in, with a process in it that supervisord
/// has not started.
const CONTAINER: &str = "\
umount \"$1\"
mount -t cgroup2 none \"$1\"
(setsid sh -c 'echo $$ > other.new; mv other.new other; exec sleep 600' &)
until test -e other; do sleep 0.05; done
shift
exec \"$@\"";

#[test]
fn in_a_container_everything_in_its_group_is_moved() {
    let Some(place) = Place::new().filter(|_| is_root()) else {
        return;
    };
    let (mount, _) = own_group().unwrap();
    let mut wrapper = place.wrapper();
    let words = [
        "unshare", "--cgroup", "--mount", "sh", "-ec", CONTAINER, "sh",
    ];
    wrapper.extend(words.map(str::to_owned));
    wrapper.push(mount.to_str().unwrap().to_owned());
    let scene = scene_in(
        &wrapper,
        Dir::new(),
        "[program:p]\ncommand=sleep 600\nkill_mode=cgroup\nstartsecs=0\n",
    );
    scene.wait_all("RUNNING");
    assert_eq!(place.groups(), set(["p:p", "supervisord"]));
    assert_eq!(place.members(""), [0; 0]);
    let other = scene.dir.read("other").unwrap().trim().parse().unwrap();
    let expected = BTreeSet::from([scene.daemon.pid(), other]);
    let mut members = BTreeSet::new();
    // What the shell has started before may not have ended yet.
    let are_there = wait_until(DEADLINE, || {
        members = place.members("supervisord").into_iter().collect();
        members == expected
    });
    assert!(are_there, "{members:?} {expected:?}");
    scene.stop();
    assert_eq!(place.groups(), BTreeSet::new());
    assert_eq!(place.members(""), [other]);
}

#[test]
fn outside_of_a_container_what_it_has_not_started_is_left_alone() {
    let Some(place) = Place::new() else { return };
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(place.path.join("cgroup.procs"), other.id().to_string()).unwrap();
    let limit = match place.has("memory") {
        true => "[program:q]\ncommand=sleep 600\nmemory_max=20M\nstartretries=0\n",
        false => "",
    };
    let p = "[program:p]\ncommand=sleep 600\nkill_mode=cgroup\nstartsecs=0\n";
    let scene = place.scene(Dir::new(), &format!("{p}{limit}"));
    scene.wait("p", "RUNNING");
    if !limit.is_empty() {
        scene.wait("q", "FATAL");
        let error = format!(
            "cgroup.subtree_control: Device or resource busy; process {} is in that group and \
             supervisord has not started it",
            other.id()
        );
        assert!(scene.info("q").text_of("spawnerr").ends_with(&error));
    }
    assert_eq!(place.groups(), set(["p:p", "supervisord"]));
    assert_eq!(place.members(""), [other.id()]);
    scene.stop();
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_controller_that_is_not_there_is_told() {
    let Some(place) = Place::new() else { return };
    if place.has("memory") {
        return;
    }
    let scene = place.scene(
        Dir::new(),
        "[program:p]\ncommand=sleep 600\nmemory_max=20M\nstartretries=0\n",
    );
    scene.wait("p", "FATAL");
    let error = format!(
        "couldn't set memory_max: control group {} has no memory controller",
        place.path.display()
    );
    assert_eq!(scene.info("p").text_of("spawnerr"), error);
    assert_eq!(place.groups(), set(["supervisord"]));
    scene.stop();
}

/// Prepares a mount namespace and becomes its further words; the first is where control groups are
/// mounted, the second the own one.
fn namespace(script: &str) -> Option<Vec<String>> {
    let (mount, own) = own_group()?;
    let is_root = nix::unistd::getuid().is_root();
    let user = (!is_root).then_some("--map-root-user");
    let script = format!("set -e\n{script}\nshift 2\nexec \"$@\"\n");
    let words = ["unshare", "--mount"].into_iter().chain(user);
    let words = words.chain(["sh", "-c", &script, "sh"]);
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.push(mount.to_str().unwrap().to_owned());
    words.push(own);
    let mut tried = Command::new(&words[0]);
    tried.args(&words[1..]).arg("true");
    let tried = tried.output().unwrap();
    if !tried.status.success() {
        let reason = String::from_utf8_lossy(&tried.stderr).into_owned();
        println!("left out: no such mounts can be made: {}", reason.trim());
        return None;
    }
    Some(words)
}

#[test]
fn without_control_groups_a_limit_is_a_failed_start_and_the_group_a_warning() {
    let reads_only = match nix::unistd::getuid().is_root() {
        true => "Read-only file system",
        // Before that comes whose it is.
        false => "",
    };
    for (script, reason) in [
        (
            "umount \"$1\"",
            "this system has no control groups of version 2",
        ),
        ("mount -o remount,bind,ro \"$1\"", reads_only),
        ("mount -t tmpfs none \"$1\"", "No such file or directory"),
    ] {
        if let Some(words) = namespace(script) {
            let scene = scene_in(&words, Dir::new(), TWO);
            can_have_none(&scene, reason);
            scene.stop();
        }
    }
}

/// Plain files in the places of those that the system would show, with every controller.
const FALSE_TREE: &str = "\
mount -t tmpfs none \"$1\"
mkdir -p \"$1/$2\"
cd \"$1/$2\"
echo 'cpuset cpu io memory hugetlb pids' > cgroup.controllers
: > cgroup.subtree_control
: > cgroup.procs
echo domain > cgroup.type
cd - > /dev/null";

/// Where a supervisord in such a namespace has that tree.
fn false_tree(scene: &Scene) -> PathBuf {
    let (mount, own) = own_group().unwrap();
    let root = format!("/proc/{}/root", scene.daemon.pid());
    Path::new(&root)
        .join(mount.strip_prefix("/").unwrap())
        .join(own)
}

#[test]
fn a_join_that_is_refused_is_a_failed_start() {
    let Some(words) = namespace(FALSE_TREE) else {
        return;
    };
    let scene = scene_in(
        &words,
        Dir::new(),
        "[program:p]\ncommand=sleep 600\ncgroup=true\nautostart=false\nstartretries=0\n",
    );
    let members = false_tree(&scene).join("p:p/cgroup.procs");
    fs::create_dir_all(members).unwrap();
    scene.call("startProcess", &[Value::text("p")]);
    scene.wait("p", "FATAL");
    let error = scene.info("p").text_of("spawnerr");
    assert!(
        error.starts_with("couldn't join control group /"),
        "{error}"
    );
    assert!(error.ends_with("/p:p: EISDIR (Is a directory)"), "{error}");
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
