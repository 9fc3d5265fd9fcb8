//! Upgrades wherever supervisord runs: its file gone, without privileges, as the first process.

use super::{copy, pids, place, put_back, reason, run, start_copy, upgrade, upgrades};
use crate::support::{DEADLINE, Dir, Scene};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const CAT: &str = "[program:p]\ncommand=/bin/cat\nstartsecs=0\n";

#[test]
fn a_binary_that_was_removed_and_is_there_anew_takes_over() {
    let scene = start_copy(CAT, |_| {});
    scene.wait("p", "RUNNING");
    let before = pids(&scene);
    let place = place(&scene);
    for _ in 0..2 {
        fs::remove_file(&place).unwrap();
        let told = reason(&upgrade(&scene));
        assert_eq!(
            told,
            format!("{}: No such file or directory", place.display())
        );
        copy(&place);
        assert_eq!(upgrades(&scene), 1);
        assert_eq!(pids(&scene), before);
        let pid = scene.daemon.pid();
        assert_eq!(fs::read_link(format!("/proc/{pid}/exe")).unwrap(), place);
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(name, "supervisord\n");
    }
    scene.stop();
}

/// A directory that everybody may write to.
fn open_dir() -> Dir {
    let dir = Dir::new();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    dir
}

#[test]
fn it_is_upgraded_after_privileges_were_dropped() {
    if !nix::unistd::getuid().is_root() {
        println!("left out: only root has privileges to drop");
        return;
    }
    let scene = Scene::start_as(open_dir(), &format!("user=nobody\n{CAT}"), |_| {});
    scene.wait("p", "RUNNING");
    let before = pids(&scene);
    for _ in 0..2 {
        assert_eq!(upgrades(&scene), 1);
        assert_eq!(pids(&scene), before);
    }
    let place = place(&scene);
    fs::remove_file(&place).unwrap();
    copy(&place);
    for (mode, expected) in [
        ("700", format!("{}: Permission denied", place.display())),
        (
            "744",
            format!(
                "couldn't exec {}: EACCES (Permission denied)",
                place.display()
            ),
        ),
    ] {
        run(Command::new("chmod").arg(mode).arg(&place));
        assert_eq!(reason(&upgrade(&scene)), expected);
        assert_eq!(pids(&scene), before);
    }
    put_back(&scene);
    assert_eq!(upgrades(&scene), 1);
    assert_eq!(pids(&scene), before);
    scene.stop();
}

/// A client may ask at any time: root becomes no program that another user could have put there.
#[test]
fn root_became_a_program_of_another_user() {
    if !nix::unistd::getuid().is_root() {
        println!("left out: only root can give files away");
        return;
    }
    let scene = start_copy(CAT, |_| {});
    scene.wait("p", "RUNNING");
    let place = place(&scene);
    for change in ["chown nobody", "chmod 757"] {
        copy(&place);
        let line = format!("{change} {}", place.display());
        run(Command::new("sh").args(["-c", &line]));
        assert_eq!(
            reason(&upgrade(&scene)),
            format!(
                "{} can be changed by others than root: give it to root, with mode 755",
                place.display()
            )
        );
    }
    copy(&place);
    assert_eq!(upgrades(&scene), 1);
    scene.stop();
}

#[test]
fn the_first_process_of_a_container_is_upgraded() {
    const ROOT: &[&str] = &[
        "unshare",
        "--fork",
        "--kill-child",
        "--pid",
        "--mount",
        "--mount-proc",
        "--map-root-user",
    ];
    let wrapper = match nix::unistd::getuid().is_root() {
        true => &ROOT[..ROOT.len() - 1],
        false => ROOT,
    };
    let mut scene = Scene::start_as(Dir::new(), CAT, |launch| launch.wrapper = wrapper);
    scene.wait("p", "RUNNING");
    assert_eq!(
        scene.call("getPID", &[]).answer(),
        crate::support::Value::Int(1)
    );
    let before = pids(&scene);
    for _ in 0..2 {
        assert_eq!(upgrades(&scene), 1);
        assert_eq!(pids(&scene), before);
    }
    super::replace(&scene, std::path::Path::new("/bin/false"));
    assert_eq!(
        reason(&upgrade(&scene)),
        "the trial of the program ended with exit status 1"
    );
    assert_eq!(pids(&scene), before);
    scene.call("shutdown", &[]).answer();
    assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
}
