//! The images of `conf/container`: each Containerfile is carried out by hand on a
//! folder, and its entry point run there as the first process of namespaces of
//! its own. The stage that builds has `make container` run on the binary of the
//! tests. This one is not static, so what it loads comes along.

use super::manual::page::{page, section};
use super::support::{DEADLINE, Dir, binary, children_of, kill, wait_for, wait_until};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// What a container engine adds to an image, and the entry point in it; `$1` is the
/// root, `$2` how it may be used: `ro` is `--read-only --tmpfs /run`.
const ENTER: &str = "\
set -e
mount --bind \"$1\" \"$1\"
mount -t proc proc \"$1/proc\"
mount --bind /dev/null \"$1/dev/null\"
[ \"$2\" = rw ] || mount -o remount,bind,ro \"$1\"
[ \"$2\" = rw ] || mount -t tmpfs tmpfs \"$1/run\"
root=$1
shift 2
exec chroot \"$root\" \"$@\"
";

/// An image as a folder.
struct Image {
    dir: Dir,
    entry_point: Vec<String>,
    health_check: Vec<String>,
}

/// The words of a command that stands as a list in a Containerfile.
fn listed(words: &str) -> Vec<String> {
    let words = words.trim_matches(['[', ']']).split(", ");
    words
        .map(|word| word.trim_matches('"').to_owned())
        .collect()
}

/// The lines of a Containerfile that say something, each with its first word apart.
fn instructions(containerfile: &str) -> Vec<(String, String)> {
    let path = Path::new(PROJECT)
        .join("conf/container")
        .join(containerfile);
    let text = fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(word, rest)| (word.to_owned(), rest.to_owned()))
        .collect()
}

impl Image {
    /// Carries out a Containerfile on what the folder `root` of the directory holds.
    fn build(dir: Dir, containerfile: &str, base: &str) -> Image {
        let files = dir.join("container");
        let mut make = Command::new("make");
        make.args(["-s", "container"])
            .arg(format!("CONTAINER={}", files.display()))
            .arg(format!("CONTAINER_BINARY={}", binary()))
            .env_remove("MAKEFLAGS")
            .current_dir(PROJECT);
        let output = make.output().unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "make container: {messages}");
        let mut entry_point = Vec::new();
        let mut health_check = Vec::new();
        let lines = instructions(containerfile);
        let last_stage = lines.iter().rposition(|(word, _)| word == "FROM").unwrap();
        for (word, rest) in &lines[last_stage..] {
            match word.as_str() {
                "FROM" => assert_eq!(rest, base),
                "COPY" => {
                    let words: Vec<&str> = rest.split(' ').collect();
                    // The same files, from the stage or from the image made of them.
                    let (from, to) = match words[..] {
                        ["--from=build", from, to] => {
                            (from.strip_prefix("/src/target/container/"), to)
                        }
                        ["--from=pollvisor", from, to] => (from.strip_prefix('/'), to),
                        _ => panic!("not known here: {rest}"),
                    };
                    copy(&files.join(from.unwrap()), &dir.join("root").join(&to[1..]));
                }
                "STOPSIGNAL" => assert_eq!(rest, "SIGTERM"),
                "HEALTHCHECK" => health_check = listed(rest.split_once("CMD ").unwrap().1),
                "ENTRYPOINT" => entry_point = listed(rest),
                other => panic!("not known here: {other}"),
            }
        }
        let image = Image {
            dir,
            entry_point,
            health_check,
        };
        image.furnish();
        image
    }

    /// The shared libraries of the binary, and what every engine mounts.
    fn furnish(&self) {
        let output = Command::new("ldd").arg(binary()).output().unwrap();
        for library in String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .filter(|word| word.starts_with('/'))
        {
            let place = self.root().join(&library[1..]);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(library, place).unwrap();
        }
        for folder in ["proc", "dev"] {
            fs::create_dir_all(self.root().join(folder)).unwrap();
        }
        for (name, number) in [("stdin", 0), ("stdout", 1), ("stderr", 2)] {
            symlink(
                format!("/proc/self/fd/{number}"),
                self.root().join("dev").join(name),
            )
            .unwrap();
        }
        self.dir.write("root/dev/null", "");
    }

    fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// A command in namespaces of its own, with the root as its root.
    fn command(&self, access: &str, words: &[String]) -> Command {
        let mut command = Command::new("unshare");
        if !nix::unistd::getuid().is_root() {
            command.arg("--map-root-user");
        }
        command
            .args([
                "--fork",
                "--kill-child",
                "--pid",
                "--mount",
                "sh",
                "-c",
                ENTER,
                "sh",
            ])
            .arg(self.root())
            .arg(access)
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, access: &str) -> Running<'_> {
        let output = self.dir.join("output");
        let file = File::create(&output).unwrap();
        let outer = self
            .command(access, &self.entry_point)
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Running { image: self, outer }
    }
}

struct Running<'a> {
    image: &'a Image,
    outer: Child,
}

impl Running<'_> {
    fn output(&self) -> String {
        self.image.dir.read("output").unwrap()
    }

    fn wait_for(&self, text: &str) {
        let told = wait_until(DEADLINE, || self.output().contains(text));
        assert!(told, "{text}: {}", self.output());
    }

    /// Runs a command in it as `docker exec` does; its status and what it shows.
    fn execute(&self, words: &[&str]) -> (Option<i32>, String) {
        let first = *children_of(self.outer.id()).first().expect("it runs");
        let mut command = Command::new("nsenter");
        if !nix::unistd::getuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        let output = command
            .arg(format!("--target={first}"))
            .args(["--mount", "--pid", "--root", "--wd", "--"])
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        (output.status.code(), shown)
    }

    /// As an engine stops it.
    fn stop(&mut self) {
        let first = *children_of(self.outer.id()).first().expect("it runs");
        kill(first, libc::SIGTERM);
        let status = wait_for(DEADLINE, || self.outer.try_wait().unwrap());
        assert!(
            status.is_some_and(|status| status.success()),
            "{}",
            self.output()
        );
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // The namespace ends with it.
        let _ = self.outer.kill();
        let _ = self.outer.wait();
    }
}

/// Copies a folder with its links over what is there, as COPY does.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &place);
            continue;
        }
        let _ = fs::remove_file(&place);
        if kind.is_symlink() {
            symlink(fs::read_link(entry.path()).unwrap(), place).unwrap();
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// A program of the image itself that goes on: there is no other.
const INNER: &str = "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=none\n";

const PROGRAMS: &str = "\
[program:hello]
command=/usr/bin/echo_supervisord_conf
autorestart=false
startsecs=0
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true

[program:inner]
command=/usr/bin/supervisord -n -s -c /etc/inner.conf
startsecs=0
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true
";

/// Ends with status 1, for its arguments are missing.
const BAD: &str = "
[program:bad]
command=/usr/bin/pidproxy
autostart=false
startretries=0
stdout_logfile=NONE
stderr_logfile=NONE
";

#[test]
fn an_image_from_scratch_runs_and_ends_without_a_file_that_it_can_write() {
    let dir = Dir::new();
    let image = Image::build(dir, "Containerfile", "scratch");
    image
        .dir
        .write("root/etc/supervisor/conf.d/all.conf", PROGRAMS);
    image.dir.write("root/etc/inner.conf", INNER);
    let mut running = image.run("ro");
    running.wait_for(" INFO supervisord started with pid 1\n");
    running.wait_for("[unix_http_server]\n");
    running.wait_for(" INFO exited: hello (exit status 0; expected)\n");
    running.wait_for(" INFO success: inner entered RUNNING state");
    running.stop();
    let output = running.output();
    assert!(
        output.contains(" INFO stopped: inner (exit status 0)\n"),
        "{output}"
    );
    // The socket is for root alone, and has no password.
    let output = output.replace(
        " CRIT Server 'unix_http_server' running without any HTTP",
        "",
    );
    for word in [" CRIT ", " ERRO ", "Error"] {
        assert!(!output.contains(word), "{output}");
    }
}

/// supervisord(8) has the commands of its probes under this title, with these words on each.
#[test]
fn the_shipped_configuration_answers_supervisorctl_and_probes_from_the_start() {
    let dir = Dir::new();
    let image = Image::build(dir, "Containerfile", "scratch");
    let mut running = image.run("ro");
    running.wait_for(" INFO supervisord started with pid 1\n");
    // No program yet.
    let healthy = |running: &Running<'_>| {
        let words: Vec<&str> = image.health_check.iter().map(String::as_str).collect();
        assert_eq!(words, ["/usr/bin/supervisorctl", "healthcheck"]);
        assert_eq!(running.execute(&words), (Some(0), String::new()));
    };
    healthy(&running);
    let status = |running: &Running<'_>| running.execute(&["supervisorctl", "status"]);
    assert_eq!(status(&running), (Some(0), String::new()));
    running.stop();

    let programs = PROGRAMS.replace("[program:inner]", "[program:web]");
    image
        .dir
        .write("root/etc/supervisor/conf.d/all.conf", programs + BAD);
    image.dir.write("root/etc/inner.conf", INNER);
    let mut running = image.run("ro");
    running.wait_for(" INFO success: web entered RUNNING state");
    running.wait_for(" INFO exited: hello (exit status 0; expected)\n");
    healthy(&running);
    let probes = section(&page("supervisord.8"), "Probes")
        .into_iter()
        .filter_map(|line| line.strip_prefix(".It Ic ").map(str::to_owned))
        .collect::<Vec<_>>();
    let told = [
        "supervisorctl pid",
        "supervisorctl pid web",
        "supervisorctl healthcheck",
        "supervisorctl status",
    ];
    assert_eq!(probes, told);
    let code = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        running.execute(&words).0
    };
    for probe in &told[..3] {
        assert_eq!(code(probe), Some(0), "{probe}");
    }
    // One has ended, one was never started.
    assert_eq!(code("supervisorctl status"), Some(3));
    assert_eq!(code("supervisorctl status web"), Some(0));
    for down in ["hello", "bad", "web bad", "bad web", "web hell?"] {
        assert_eq!(
            code(&format!("supervisorctl pid {down}")),
            Some(7),
            "{down}"
        );
    }
    assert_eq!(code("supervisorctl pid web:*"), Some(0));
    assert_eq!(code("supervisorctl start bad"), Some(7));
    assert_eq!(code("supervisorctl pid bad"), Some(7), "FATAL");
    assert_eq!(code("supervisorctl healthcheck"), Some(0));
    assert_eq!(code("supervisorctl healthcheck bad"), Some(1));
    assert_eq!(code("supervisorctl pid"), Some(0));
    running.stop();
    for (probe, status) in [("pid", [4, 7]), ("status", [4, 4]), ("healthcheck", [1, 1])] {
        let words = ["/usr/bin/supervisorctl", probe].map(str::to_owned);
        let output = image.command("ro", &words).output().unwrap();
        let code = output.status.code().unwrap();
        assert!(status.contains(&code), "{probe}: {code}");
    }
}

/// All that a container builder needs is in the file: a stage that builds, from files that the
/// source has, by a goal of the Makefile.
#[test]
fn the_file_of_the_image_needs_nothing_but_a_container_builder() {
    let lines = instructions("Containerfile");
    let last_stage = lines.iter().rposition(|(word, _)| word == "FROM").unwrap();
    let (build, last) = lines.split_at(last_stage);
    assert!(build[0].1.ends_with("-alpine AS build"), "{build:?}");
    let runs = build.iter().filter(|(word, _)| word == "RUN");
    let runs: Vec<&str> = runs.map(|(_, line)| line.as_str()).collect();
    assert_eq!(runs, ["apk add --no-cache make", "make container"]);
    let mut copied = Vec::new();
    for (_, line) in build.iter().filter(|(word, _)| word == "COPY") {
        let mut names: Vec<&str> = line.split(' ').collect();
        names.pop();
        copied.extend(names.iter().map(|name| name.trim_end_matches('/')));
    }
    // As much as `make reproducible` builds from.
    assert_eq!(
        copied,
        ["Cargo.toml", "Cargo.lock", "Makefile", "conf", "src"]
    );
    let rules = fs::read_to_string(Path::new(PROJECT).join("conf/ship.mk")).unwrap();
    assert!(rules.contains("cp -r Cargo.toml Cargo.lock Makefile conf src "));
    for (word, line) in last {
        let is_built = word != "COPY" || line.starts_with("--from=build ");
        assert!(word != "RUN" && is_built, "{word} {line}");
    }
}

#[test]
fn two_lines_replace_supervisor_in_an_image_of_debian() {
    let dir = Dir::new();
    for name in [
        "supervisord",
        "supervisorctl",
        "pidproxy",
        "echo_supervisord_conf",
    ] {
        let path = dir.script(&format!("root/usr/bin/{name}"), "echo the old one; exit 9");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::create_dir_all(dir.join("root/var/log/supervisor")).unwrap();
    fs::create_dir_all(dir.join("root/var/run")).unwrap();
    let configuration =
        fs::read_to_string(Path::new(PROJECT).join("conf/debian/supervisord.conf")).unwrap();
    dir.write("root/etc/supervisor/supervisord.conf", &configuration);
    dir.write("root/etc/supervisor/conf.d/all.conf", PROGRAMS);
    dir.write("root/etc/inner.conf", INNER);
    let image = Image::build(
        dir,
        "Containerfile.debian",
        "docker.io/library/debian:bookworm-slim",
    );
    assert!(
        image
            .dir
            .read("root/etc/supervisor/supervisord.conf")
            .unwrap()
            == configuration,
        "its configuration stays"
    );
    let mut running = image.run("rw");
    running.wait_for(" INFO success: inner entered RUNNING state");
    let words = ["/usr/bin/supervisorctl", "status", "inner"].map(str::to_owned);
    let status = image.command("rw", &words).output().unwrap();
    let shown = String::from_utf8_lossy(&status.stdout);
    assert!(shown.starts_with("inner "), "{shown}");
    assert!(shown.contains(" RUNNING "), "{shown}");
    running.stop();
    assert!(!image.root().join("var/run/supervisord.pid").exists());
}
