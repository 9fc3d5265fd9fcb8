//! `make install` and `make uninstall`.

use super::support::{Dir, binary};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs make in the project, with what it installs below a folder.
pub fn make(words: &[&str], root: &Path) -> Output {
    Command::new("make")
        .arg("-s")
        .args(words)
        .arg(format!("DESTDIR={}", root.display()))
        .arg(format!("BINARY={}", binary()))
        .env_remove("MAKEFLAGS")
        .current_dir(PROJECT)
        .output()
        .unwrap()
}

/// What a command that succeeded has written.
pub fn done(output: &Output) -> String {
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// All files and links below a folder, as paths from there.
pub fn files(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found
}

#[test]
fn what_is_installed_can_be_taken_back_and_the_configuration_stays() {
    let dir = Dir::new();
    let root = dir.join("root");
    let words = [
        "PREFIX=/opt/x",
        "CONFDIR=/etc/y",
        "SERVICES=systemd openrc runit s6",
    ];
    let with = |target| [&[target][..], &words].concat();
    done(&make(&with("install"), &root));
    let installed = files(&root);
    for name in [
        "opt/x/bin/supervisord",
        "opt/x/bin/supervisorctl",
        "opt/x/bin/pidproxy",
        "opt/x/bin/echo_supervisord_conf",
        "opt/x/share/man/man8/supervisord.8",
        "opt/x/share/man/man7/supervisor-migration.7",
        "opt/x/share/pollvisor/service/busybox/inittab",
        "opt/x/share/pollvisor/monitoring/grafana.json",
        "opt/x/share/pollvisor/monitoring/alerts.yml",
        "opt/x/lib/systemd/system/supervisor.service",
        "etc/init.d/supervisord",
        "etc/sv/supervisord/run",
        "etc/s6/supervisord/run",
        "etc/s6/supervisord/timeout-kill",
        "etc/y/supervisord.conf",
    ] {
        assert!(installed.contains(name), "{name}: {installed:#?}");
    }
    let unit = fs::read_to_string(root.join("opt/x/lib/systemd/system/supervisor.service"));
    let start = "ExecStart=/opt/x/bin/supervisord -n -c /etc/y/supervisord.conf\n";
    assert!(unit.unwrap().contains(start));
    let link = fs::read_link(root.join("opt/x/bin/supervisorctl")).unwrap();
    assert_eq!(link, PathBuf::from("supervisord"));

    dir.write("root/etc/y/supervisord.conf", "; mine\n");
    done(&make(&with("install"), &root));
    let configuration = || dir.read("root/etc/y/supervisord.conf").unwrap();
    assert_eq!(configuration(), "; mine\n");

    done(&make(&with("uninstall"), &root));
    let left: Vec<String> = files(&root).into_iter().collect();
    assert_eq!(left, ["etc/y/supervisord.conf"]);
    assert_eq!(configuration(), "; mine\n");
}

#[test]
fn a_service_that_there_is_not_and_a_binary_that_is_missing_are_told() {
    let dir = Dir::new();
    for (words, message) in [
        (
            ["install", "SERVICES=launchd"],
            "no service file for launchd;",
        ),
        (
            ["install", "BINARY=/no/binary"],
            "/no/binary is missing: run",
        ),
    ] {
        let output = Command::new("make")
            .arg("-s")
            .arg(format!("DESTDIR={}", dir.join("root").display()))
            .arg(format!("BINARY={}", binary()))
            .args(words)
            .env_remove("MAKEFLAGS")
            .current_dir(PROJECT)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(message), "{told}");
    }
    assert!(!dir.join("root").exists(), "nothing is made before that");
}
