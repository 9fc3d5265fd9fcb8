//! Control groups of programs: `cgroup`, its limits, and `kill_mode=cgroup`, which leaves nothing
//! of a program. What a machine does not have is made in a mount namespace, or left out with a
//! line that says so.

mod ends;
mod limits;
mod places;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::support::{
    Address, DEADLINE, Daemon, Dir, Kind, Launch, Rpc, Scene, Value, is_alive, usual_configuration,
    wait_until,
};

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

fn alive(pids: &BTreeSet<u32>) -> Vec<u32> {
    pids.iter().copied().filter(|pid| is_alive(*pid)).collect()
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
