//! `user` with a chosen group, and sockets for a group alone. Root only can
//! become somebody; for everybody else the refusal is what there is to see.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::support::{DEADLINE, Dir, Scene, wait_until};

/// A program that writes who it is to `who`.
fn scene_as(user: &str) -> Scene {
    let dir = Dir::new();
    let mode = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(dir.path(), mode).unwrap();
    let script = dir.script("who-am-i", "id -u; id -g; id -G; exec cat");
    Scene::start_as(
        dir,
        &format!(
            "[program:p]\ncommand={}\nuser={user}\nstartsecs=0\nautorestart=false\n\
             redirect_stderr=true\nstdout_logfile=%(here)s/who\n",
            script.display()
        ),
        |_| {},
    )
}

fn written(scene: &Scene) -> String {
    // A refusal has two lines, the answers of the script are three.
    let lines = match nix::unistd::getuid().is_root() {
        true => 3,
        false => 2,
    };
    let mut text = String::new();
    let complete = wait_until(DEADLINE, || {
        text = scene.dir.read("who").unwrap_or_default();
        text.lines().count() >= lines
    });
    assert!(complete, "{text:?}\n{}", scene.log());
    text
}

#[test]
fn a_group_beside_the_user_is_the_primary_one() {
    let scene = scene_as("nobody:daemon");
    let text = written(&scene);
    if nix::unistd::getuid().is_root() {
        let lines: Vec<&str> = text.lines().collect();
        // On Debian daemon is 1, nobody and nogroup are 65534.
        assert_eq!(lines[..2], ["65534", "1"]);
        assert!(lines[2].split(' ').any(|group| group == "65534"), "{text}");
    } else {
        assert!(
            text.contains("Can't drop privilege as nonroot user"),
            "{text}"
        );
    }
    scene.stop();
}

#[test]
fn the_own_user_and_group_need_no_change() {
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    let scene = scene_as(&format!("{uid}:{gid}"));
    assert_eq!(
        written(&scene).lines().take(2).collect::<Vec<_>>(),
        [uid.to_string(), gid.to_string()]
    );
    scene.stop();
}

#[test]
fn a_socket_is_given_to_a_group_alone() {
    let own = nix::unistd::getgid();
    let group = if nix::unistd::getuid().is_root() {
        1
    } else {
        own.as_raw()
    };
    let scene = Scene::start(&format!(
        "[unix_http_server:2]\nfile=%(here)s/s2\nchown=:{group}\nchmod=0770\n"
    ));
    let found = std::fs::metadata(scene.dir.join("s2")).unwrap();
    assert_eq!(found.uid(), nix::unistd::getuid().as_raw());
    assert_eq!(found.gid(), group);
    assert_eq!(found.mode() & 0o777, 0o770);
    scene.stop();
}
