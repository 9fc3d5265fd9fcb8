//! The state file is written whole or not at all: on a full disk, and where the system refuses a
//! call.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::support::{DEADLINE, Daemon, Dir, Kind, Outcome, Scene, Value, c, wait_until};

/// Becomes the daemon with a file system of 64 KiB at `small`.
const MOUNT: &str = "mount -t tmpfs -o size=64k none small && exec \"$@\"";

/// So many processes with long names that their names fill more than one page of a file.
fn programs() -> String {
    let name = "n".repeat(100);
    format!(
        "statefile=%(here)s/small/state\n[program:web]\ncommand=/bin/cat\nautostart=false\n\
         numprocs=100\nprocess_name={name}_%(process_num)03d\n"
    )
}

fn directory() -> Dir {
    let dir = Dir::new();
    fs::create_dir(dir.join("small")).unwrap();
    dir
}

fn set(scene: &Scene, method: &str, name: &str) -> Outcome {
    scene.call(method, &[Value::text(name)])
}

/// A file as the daemon sees it.
fn inside(scene: &Scene, name: &str) -> PathBuf {
    let root = format!("/proc/{}/root", scene.daemon.pid());
    PathBuf::from(root + &scene.dir.join(name).display().to_string())
}

fn kept(scene: &Scene) -> String {
    fs::read_to_string(inside(scene, "small/state")).unwrap_or_default()
}

fn first(scene: &Scene) -> String {
    format!("web:{}", scene.all()[0].text_of("name"))
}

fn is_disabled(scene: &Scene, name: &str) -> bool {
    scene.info(name).get("disabled").is_some()
}

/// The change is refused and nothing of it is there: not in the file, not beside it, not in what
/// is told.
fn is_refused_whole(scene: &Scene, what: &str) {
    let (before, name) = (kept(scene), first(scene));
    let Outcome::Fault(30, text) = set(scene, "disableProcess", "web:*") else {
        panic!("what cannot be kept was disabled\n{}", scene.log());
    };
    assert!(text.contains("cannot write the state file "), "{text}");
    assert!(text.contains(what), "{text}");
    assert_eq!(kept(scene), before);
    assert!(!inside(scene, "small/state.new").exists());
    assert!(is_disabled(scene, &name));
    let shown = scene.all();
    let disabled = shown.iter().filter(|info| info.get("disabled").is_some());
    assert_eq!(disabled.count(), 1);
}

#[test]
fn a_disk_that_is_full_or_becomes_full_leaves_the_file_as_it_was() {
    let scene = Scene::start_as(directory(), &programs(), |launch| {
        launch.wrapper = match nix::unistd::getuid().is_root() {
            true => &["unshare", "-m", "sh", "-c", MOUNT, "sh"],
            false => &["unshare", "-rm", "sh", "-c", MOUNT, "sh"],
        };
    });
    let name = first(&scene);
    set(&scene, "disableProcess", &name).answer();
    let filling = inside(&scene, "small/filling");
    let mut file = fs::File::create(&filling).unwrap();
    while matches!(file.write(&[b'x'; 4096]), Ok(count) if count > 0) {}
    is_refused_whole(&scene, "No space left on device");
    // There is room for the beginning of what is to be written.
    let length = file.metadata().unwrap().len();
    file.set_len(length - 4096).unwrap();
    is_refused_whole(&scene, "No space left on device");
    drop(file);
    fs::remove_file(filling).unwrap();
    // The system may take a moment to give the room back.
    let is_kept = || matches!(set(&scene, "disableProcess", "web:*"), Outcome::Answer(_));
    assert!(wait_until(DEADLINE, is_kept), "{}", scene.log());
    assert_eq!(kept(&scene).lines().count(), 101);
    scene.stop();
}

#[test]
fn a_file_that_cannot_be_put_into_its_place_leaves_the_one_that_is_there() {
    let dir = directory();
    let mut scene = Scene::start_as(dir, &programs(), |_| {});
    let name = first(&scene);
    set(&scene, "disableProcess", &name).answer();
    assert_eq!(scene.daemon.stop(), Some(0));
    let refuse = c::refuse(&scene.dir);
    for calls in ["renameat renameat2 rename", "fsync"] {
        let words = c::refused(&refuse, calls, &libc::EIO.to_string());
        let wrapper: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut launch = super::support::Launch::new(Kind::Ours, &scene.dir);
        launch.wrapper = &wrapper;
        scene.daemon = Daemon::launch(&launch);
        scene.daemon.wait_until_it_answers(&scene.rpc);
        assert!(is_disabled(&scene, &name));
        is_refused_whole(&scene, "Input/output error");
        assert_eq!(scene.daemon.stop(), Some(0));
    }
    scene.daemon = Daemon::start(Kind::Ours, &scene.dir);
    scene.daemon.wait_until_it_answers(&scene.rpc);
    set(&scene, "enableProcess", "web:*").answer();
    assert_eq!(kept(&scene).lines().count(), 1);
    scene.stop();
}
