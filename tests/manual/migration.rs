//! The commands of supervisor-migration(7). Each is run here, but for those that change a whole
//! system or build for minutes: these are listed with what holds them in its place.

use super::configurations::{shell, succeed};
use super::page::{Display, page, project, section, shown};
use crate::install::{done, files, make};
use crate::support::{Background, DEADLINE, Dir, Scene, is_alive, kill, wait_until};
use pollvisor::config::go;
use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(project(name)).unwrap()
}

/// What is looked at in the place of a command.
enum Instead {
    /// Another line that stands in a file of the project, whose own test runs it.
    Stands(&'static str, &'static str),
    /// That make would print this at the end of the command's recipe.
    Prints(&'static str),
}
use Instead::{Prints, Stands};

const PACKAGE_TEST: &str = "tests/package/inside.sh";
const IMAGE: &str = "conf/container/Containerfile.debian";

/// The commands that are not run.
const NOT_RUN: &[(&str, Instead)] = &[
    (
        "dpkg-deb -x pollvisor_VERSION_ARCHITECTURE.deb new",
        Stands(PACKAGE_TEST, "dpkg-deb -x /opt/pollvisor-1.deb /opt/new\n"),
    ),
    (
        "apt-get install ./pollvisor_VERSION_ARCHITECTURE.deb",
        Stands(PACKAGE_TEST, "/opt/pollvisor-1.deb"),
    ),
    // The test gives the option in apt's configuration.
    (
        "apt-get -o Dpkg::Options::=--force-confold install ./pollvisor_VERSION_ARCHITECTURE.deb",
        Stands(PACKAGE_TEST, "--force-confold"),
    ),
    (
        "apt-get install supervisor",
        Stands(PACKAGE_TEST, "/opt/supervisor.deb"),
    ),
    (
        "make static",
        Prints("ls -l target/x86_64-unknown-linux-gnu/release/supervisord\n"),
    ),
    // `image` carries these files out.
    (
        "docker build -t pollvisor -f conf/container/Containerfile .",
        Stands(
            "conf/container/Containerfile",
            "docker build -t pollvisor -f conf/container/Containerfile .\n",
        ),
    ),
    (
        "COPY --from=pollvisor /usr/bin/ /usr/bin/",
        Stands(IMAGE, "\nCOPY --from=pollvisor /usr/bin/ /usr/bin/\n"),
    ),
    (
        "ENTRYPOINT [\"/usr/bin/supervisord\", \"-n\", \"-c\", \"/etc/supervisor/supervisord.conf\"]",
        Stands(
            IMAGE,
            "\nENTRYPOINT [\"/usr/bin/supervisord\", \"-n\", \"-c\", \"/etc/supervisor/supervisord.conf\"]\n",
        ),
    ),
];

fn look(instead: &Instead, root: &Path) {
    match instead {
        Stands(file, text) => assert!(read(file).contains(text), "{file} has no {text}"),
        Prints(text) => {
            let words = ["-n", "static", "TARGET=x86_64-unknown-linux-gnu"];
            let printed = done(&make(&words, root));
            assert!(printed.ends_with(text), "{printed}");
        }
    }
}

/// A host with Debian's configuration and one program, which runs.
fn host() -> Scene {
    let scene = Scene::start("[program:cat]\ncommand=/bin/cat\nstartsecs=0\n");
    let dir = &scene.dir;
    let here = dir.path().display().to_string();
    let configuration = read("conf/debian/supervisord.conf")
        .replace("/etc/supervisor/", &format!("{here}/etc/supervisor/"))
        .replace("/var/log/supervisor", &here)
        .replace("/var/run/", &format!("{here}/"));
    dir.write("etc/supervisor/supervisord.conf", configuration);
    dir.write(
        "etc/supervisor/conf.d/a.conf",
        "[program:cat]\ncommand=/bin/cat\n",
    );
    let own = dir.read("supervisord.conf").unwrap();
    dir.write("etc/supervisord.conf", own.replace("%(here)s", &here));
    for folder in ["new/usr/bin", "usr/local/bin"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
        let link = dir.join(folder).join("supervisord");
        std::os::unix::fs::symlink(dir.bin().join("supervisord"), link).unwrap();
    }
    scene.wait_all("RUNNING");
    scene
}

/// A line with the paths of a host below the scene's folder.
fn placed(scene: &Scene, line: &str) -> String {
    let here = scene.dir.path().display();
    line.replace("/etc/", &format!("{here}/etc/"))
        .replace("/usr/local/", &format!("{here}/usr/local/"))
}

/// Ends before its daemon has begun.
const IN_THE_BACKGROUND: &str = "/usr/local/bin/supervisord -c /etc/supervisord.conf";

/// What has to hold before a line is run and after it.
fn try_line(scene: &mut Scene, root: &Path, line: &str) {
    if let Some(words) = line.strip_prefix("make ") {
        // `make` of the tests says itself which binary it installs.
        let target = words.split(' ').next().unwrap();
        done(&make(&[target], root));
        let left = files(root);
        let is_there = left.contains("usr/local/bin/supervisord");
        assert_eq!(is_there, target == "install", "{left:?}");
        return;
    }
    // The page starts it in the background; here it has to end with the test.
    let mut background = (line == IN_THE_BACKGROUND).then(|| Background::new(&scene.dir));
    let written = succeed(&scene.dir, &placed(scene, line));
    let expected = match line {
        "supervisorctl status" => "cat                              RUNNING",
        "supervisord --version-full" => "Supervisor 4.3.0",
        _ if line.ends_with("--check") => "1 group",
        _ if line.ends_with("--dump-config") => "\"name\": \"cat\"",
        _ if line.ends_with(" shutdown") => "Shut down\n",
        IN_THE_BACKGROUND => "",
        _ => panic!("nobody looks at what {line} does"),
    };
    assert!(written.contains(expected), "{line}: {written}");
    match line {
        _ if line.ends_with(" shutdown") => {
            assert_eq!(scene.daemon.wait(DEADLINE), Some(0), "{}", scene.log());
        }
        IN_THE_BACKGROUND => {
            let pid = background.as_mut().unwrap().pid();
            succeed(&scene.dir, "supervisorctl shutdown");
            assert!(wait_until(DEADLINE, || !is_alive(pid)));
            *scene = host();
        }
        _ => {}
    }
}

/// Programs that the plug-in started one after the other.
fn in_their_order(programs: &[Display]) {
    let [programs] = programs else {
        panic!("one configuration was expected");
    };
    let scene = Scene::start(&programs.text);
    scene.wait("client", "RUNNING");
    scene.wait("report", "EXITED");
    let log = scene.log();
    let up = "success: server entered RUNNING state";
    for places in [
        &[
            "spawned: 'prepare'",
            "exited: prepare (exit status 0; expected)",
            "spawned: 'server'",
            up,
            "spawned: 'warm'",
            "exited: warm (exit status 0; expected)",
            "spawned: 'report'",
        ][..],
        &[up, "spawned: 'client'"],
    ] {
        let places = places.iter();
        let places = places.map(|text| log.find(text).unwrap_or_else(|| panic!("{text}: {log}")));
        assert!(places.is_sorted(), "{log}");
    }
    // The server's next life begins nothing again.
    kill(scene.pid("server"), libc::SIGKILL);
    let again = wait_until(DEADLINE, || scene.log().matches(up).count() == 2);
    assert!(again, "{}", scene.log());
    for name in ["prepare", "warm", "report", "client"] {
        let spawned = scene.log().matches(&format!("spawned: '{name}'")).count();
        assert_eq!(spawned, 1, "{name}: {}", scene.log());
    }
    scene.stop();
}

/// supervisor-migration(7).
pub fn run(displays: Vec<Display>) {
    let root = tempfile::tempdir().unwrap();
    let mut scene = host();
    let (programs, displays): (Vec<_>, Vec<_>) = displays
        .into_iter()
        .partition(|display| display.section == "From supervisord-dependent-startup");
    in_their_order(&programs);
    let lines: String = displays.into_iter().map(|display| display.text).collect();
    for line in lines.lines() {
        match NOT_RUN.iter().find(|(known, _)| *known == line) {
            Some((_, instead)) => look(instead, root.path()),
            None => try_line(&mut scene, root.path(), line),
        }
    }
    for (known, _) in NOT_RUN {
        assert!(lines.lines().any(|line| line == *known), "nowhere: {known}");
    }
}

/// The rows of a chapter's table, both columns as a reader sees them.
fn rows(chapter: &str) -> Vec<(String, String)> {
    let page = page("supervisor-migration.7");
    let lines = section(&page, chapter).into_iter();
    let rows = lines.filter_map(|line| line.strip_prefix(".It ")?.split_once(" Ta "));
    let rows: Vec<(String, String)> = rows.map(|(from, to)| (shown(from), shown(to))).collect();
    assert!(rows.len() > 8, "{chapter}");
    rows
}

/// The lines of a configuration that a cell is, if it is nothing else.
fn settings(cell: &str) -> Option<Vec<&str>> {
    let is_setting = |part: &&str| {
        let key = part.split_once('=').map(|(key, _)| key);
        key.is_some_and(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let parts: Vec<&str> = cell.split(", ").collect();
    parts.iter().all(is_setting).then_some(parts)
}

#[test]
fn what_the_tables_put_in_the_place_of_other_programs_settings_is_read() {
    let mut text = "[supervisord]\nlogfile=%(here)s/main.log\n".to_owned();
    for needed in ["a", "db"] {
        text.push_str(&format!("[program:{needed}]\ncommand=/bin/cat\n"));
    }
    let mut count = 0;
    for chapter in [
        "From the supervisord in Go",
        "From tini and dumb-init",
        "From systemd units",
        "From cron",
        "From a compose file",
        "From supervisord-dependent-startup",
        "From a Procfile",
    ] {
        for (_, cell) in &rows(chapter)[1..] {
            let Some(settings) = settings(cell) else {
                continue;
            };
            count += 1;
            text.push_str(&format!("[program:p{count}]\n"));
            if !settings.iter().any(|line| line.starts_with("command=")) {
                text.push_str("command=/bin/cat\n");
            }
            for setting in settings {
                text.push_str(&format!("{setting}\n"));
            }
        }
    }
    assert!(count > 35, "only {count} rows show settings");
    let dir = Dir::new();
    dir.write("supervisord.conf", &text);
    let checked = shell(&dir, "supervisord -c supervisord.conf --check", "");
    // The commands are not there, and nobody is to be asked.
    let is_expected = |line: &&str| {
        let texts = [": note: ", "can't find command", "there is no server"];
        texts.iter().any(|text| line.contains(text))
    };
    let errors = checked.stderr.lines().filter(|line| !is_expected(line));
    assert_eq!(errors.collect::<Vec<_>>(), [""; 0], "{text}");
    assert_eq!(checked.status, Some(0));
}

#[test]
fn every_key_that_only_the_supervisord_in_go_has_is_in_its_table() {
    let rows = rows("From the supervisord in Go");
    for key in go::keys() {
        let parts = |cell: &str| cell.split('*').map(str::to_owned).collect::<Vec<_>>();
        let stands = |cell: &str| {
            let parts = parts(cell);
            let ends = parts.first().zip(parts.last());
            ends.is_some_and(|(first, last)| key.starts_with(first) && key.ends_with(last))
        };
        assert!(rows.iter().any(|(cell, _)| stands(cell)), "{key}");
    }
}
