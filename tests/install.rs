//! `make install` and `make uninstall`, and the commands of supervisor-migration(7):
//! each is run here, stands in the file that it speaks of, or is run by the
//! package's own test.

use super::support::{Dir, binary};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

fn make(words: &[&str], root: &Path) -> Output {
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

fn done(output: &Output) -> String {
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// All files and links below a folder, as paths from there.
fn files(root: &Path) -> BTreeSet<String> {
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
        "opt/x/lib/systemd/system/supervisor.service",
        "etc/init.d/supervisord",
        "etc/sv/supervisord/run",
        "etc/s6/supervisord/run",
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

/// The literal lines of a page.
fn examples(page: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(PROJECT).join("man").join(page)).unwrap();
    let mut lines = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        match line.split(' ').next() {
            Some(".Bd") => is_inside = true,
            Some(".Ed") => is_inside = false,
            _ if is_inside => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

#[test]
fn every_command_of_the_page_on_migration_is_tried() {
    let dir = Dir::new();
    let read = |name: &str| fs::read_to_string(Path::new(PROJECT).join(name)).unwrap();
    let here = dir.path().display();
    let log = format!("{here}/log");
    fs::create_dir(&log).unwrap();
    let configuration = read("conf/debian/supervisord.conf")
        .replace("/etc/supervisor", &here.to_string())
        .replace("/var/log/supervisor", &log);
    dir.write("supervisord.conf", configuration);
    dir.write("conf.d/a.conf", "[program:cat]\ncommand=/bin/cat\n");
    let package_test = read("tests/package/inside.sh");
    let image = read("conf/container/Containerfile.debian");
    let lines = examples("supervisor-migration.7");
    assert_eq!(lines.len(), 11, "{lines:#?}");
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "supervisord" => {
                let line = line.replace("/etc/supervisor", &here.to_string());
                let path = format!("{}:/usr/bin:/bin", dir.bin().display());
                let mut command = Command::new("sh");
                command.args(["-c", &line]).env("PATH", path);
                let output = command.current_dir(dir.path()).output().unwrap();
                assert!(
                    done(&output).contains("cat") || line.ends_with("--check"),
                    "{line}"
                );
            }
            "make" if words[1] == "static" => assert!(read("Makefile").contains("\nstatic: ")),
            "make" => {
                done(&make(&[words[1]], &dir.join("root")));
            }
            "COPY" | "ENTRYPOINT" => assert!(image.contains(&line), "{line}"),
            "apt-get" => {
                // inside.sh gives the option in apt's configuration.
                let package = if words.contains(&"supervisor") {
                    "supervisor"
                } else {
                    "pollvisor-1"
                };
                assert!(
                    package_test.contains(&format!("/opt/{package}.deb")),
                    "{line}"
                );
            }
            "supervisorctl" => assert_eq!(line, "supervisorctl shutdown"),
            other => panic!("nobody tries {other}"),
        }
    }
}
