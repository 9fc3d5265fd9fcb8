//! What is open in the daemon and in its children, when the daemon inherited
//! more than it should have.

use super::support::{
    DEADLINE, Dir, Launch, Scene, Value, children_of, descriptors_of, wait_until,
};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// Opens descriptors as a careless parent does, above `minfds` as well, and
/// becomes the program given to it.
const CARELESS: &str = "\
import os, sys
null = os.open('/dev/null', os.O_RDWR)
for number in [*range(3, 12), 49, 50, 51, 300, 999]:
    os.dup2(null, number, inheritable=True)
os.execv(sys.argv[1], sys.argv[1:])
";

const PROGRAMS: &str = "\
minfds=50
[program:p]
command=/bin/cat
startsecs=0
[program:q]
command=/bin/cat
startsecs=0
redirect_stderr=true
stdout_logfile=NONE
";

fn carelessly(launch: &mut Launch) {
    launch.wrapper = &["python3", "-c", CARELESS];
}

fn assert_children_are_clean(scene: &Scene) {
    scene.wait_all("RUNNING");
    let children = children_of(scene.daemon.pid());
    assert_eq!(children.len(), 2);
    for child in children {
        // Until it has become its program it has what the daemon has.
        let clean = wait_until(DEADLINE, || descriptors_of(child) == [0, 1, 2]);
        assert!(clean, "{:?}", descriptors_of(child));
    }
}

/// What is open in the daemon.
fn opened(scene: &Scene) -> Vec<String> {
    let pid = scene.daemon.pid();
    let mut kinds: Vec<String> = descriptors_of(pid)
        .into_iter()
        .filter_map(|number| fs::read_link(format!("/proc/{pid}/fd/{number}")).ok())
        .map(|target| match target.display().to_string() {
            // Automatic logs have other names each time.
            path if path.starts_with('/') => "a file".to_owned(),
            other => other.split(':').next().unwrap_or_default().to_owned(),
        })
        .collect();
    kinds.sort();
    kinds
}

fn reload(scene: &Scene, times: usize) {
    scene.daemon.signal(libc::SIGHUP);
    let started = wait_until(DEADLINE, || {
        scene.log().matches("supervisord started with pid").count() > times
    });
    assert!(started, "{}", scene.log());
    assert!(wait_until(DEADLINE, || scene.rpc.answers()));
}

#[test]
fn children_get_three_descriptors_whatever_the_daemon_inherited() {
    let scene = Scene::start_as(Dir::new(), PROGRAMS, carelessly);
    let open = descriptors_of(scene.daemon.pid());
    for number in [3, 49, 50, 300, 999] {
        assert!(open.contains(&number), "{number} was inherited: {open:?}");
    }
    assert_children_are_clean(&scene);
    reload(&scene, 1);
    assert_children_are_clean(&scene);
    // 3 and 4 stay, as in 4.3.0: a log may be /dev/fd/3.
    let open = descriptors_of(scene.daemon.pid());
    let high: Vec<&u32> = open.iter().filter(|number| **number >= 49).collect();
    assert!(high.is_empty(), "left open by a restart: {high:?}");
    scene.stop();
}

#[test]
fn restarts_leave_nothing_open() {
    let scene = Scene::start(PROGRAMS);
    // The first one closes what the daemon has inherited from whoever runs the test.
    reload(&scene, 1);
    assert_children_are_clean(&scene);
    let mut first = Vec::new();
    let alone = wait_until(DEADLINE, || {
        first = opened(&scene);
        first.iter().filter(|kind| *kind == "socket").count() == 1
    });
    assert!(alone, "nobody is connected: {first:?}");
    for times in 2..5 {
        reload(&scene, times);
        assert_children_are_clean(&scene);
        let same = wait_until(DEADLINE, || opened(&scene) == first);
        assert!(same, "{first:?} at first, {:?} now", opened(&scene));
    }
    scene.stop();
}

/// A program of that name.
fn program(name: &str) -> String {
    format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\nstartretries=0\n")
}

/// Sixty programs, each a group, under a daemon that may open 64 files and is started so.
fn sixty(limited: &'static [&'static str]) -> Scene {
    let programs: String = (0..60)
        .map(|number| program(&format!("p{number}")))
        .collect();
    Scene::start_as(Dir::new(), &format!("minfds=64\n{programs}"), |launch| {
        launch.wrapper = limited;
    })
}

/// Adds programs to the configuration, and their groups.
fn add(scene: &Scene, names: &[String]) {
    let before = scene.dir.read("supervisord.conf").unwrap();
    let programs: String = names.iter().map(|name| program(name)).collect();
    scene.dir.write("supervisord.conf", before + &programs);
    scene.call("reloadConfig", &[]).answer();
    for name in names {
        scene.call("addProcessGroup", &[Value::text(name)]).answer();
    }
}

/// How often the log tells of it.
fn times_told(scene: &Scene, text: &str) -> usize {
    scene.log().matches(text).count()
}

#[test]
fn programs_beyond_minfds_did_not_start_where_the_limit_could_be_raised() {
    let scene = sixty(&["prlimit", "--nofile=64:4096"]);
    scene.wait_all("RUNNING");
    let told = "Increased RLIMIT_NOFILE limit to 1024: 60 processes may need 556";
    assert!(scene.log().contains(told), "{}", scene.log());
    assert_eq!(times_told(&scene, "Increased RLIMIT_NOFILE"), 1);
    // Clients have their places too, many at once.
    let clients: Vec<UnixStream> = (0..40)
        .map(|_| {
            let mut client = UnixStream::connect(scene.dir.join("s")).unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            client
                .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .unwrap();
            client.read_exact(&mut [0; 16]).unwrap();
            client
        })
        .collect();
    drop(clients);
    // Groups that are added later have theirs.
    let more: Vec<String> = (0..100).map(|number| format!("more{number}")).collect();
    add(&scene, &more);
    scene.wait_all("RUNNING");
    assert_eq!(times_told(&scene, "Increased RLIMIT_NOFILE"), 2);
    scene.stop();
}

#[test]
fn a_limit_that_does_not_suffice_is_told_and_what_fits_runs() {
    let limited: &[&str] = &["prlimit", "--nofile=64:128"];
    let powerless: &[&str] = &[
        "prlimit",
        "--nofile=64:128",
        "setpriv",
        "--bounding-set=-sys_resource",
    ];
    let is_root = nix::unistd::geteuid().is_root();
    let scene = sixty(if is_root { powerless } else { limited });
    let told = "60 processes may need 556 open files, and the system allows 128";
    scene.wait_log(told);
    let settled = wait_until(DEADLINE, || {
        scene
            .all()
            .iter()
            .all(|info| ["RUNNING", "FATAL"].contains(&info.text_of("statename").as_str()))
    });
    assert!(settled);
    assert!(scene.log().contains("too many open files to spawn"));
    // It is told once, not for each group.
    add(&scene, &["more0", "more1"].map(str::to_owned));
    assert_eq!(times_told(&scene, "and the system allows"), 1);
    scene.stop();
}
