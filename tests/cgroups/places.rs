//! Places where supervisord may have control groups, and those where it has none, or not all:
//! other users, other supervisords, containers and what the system lacks.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use super::super::support::{DEADLINE, Dir, Scene, Value, wait_until};
use super::{
    FALSE_TREE, Place, alive, false_tree, group_of, namespace, own_group, scene_in, set, stop,
};

const NOBODY: u32 = 65534;

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
