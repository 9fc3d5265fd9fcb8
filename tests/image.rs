//! The images of `conf/container`: each Containerfile is carried out by hand on a
//! folder, and its entry point run there as the first process of namespaces of
//! its own. The binary of the tests is not static, so what it loads comes along.

use super::support::{DEADLINE, Dir, binary, children_of, kill, wait_for, wait_until};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// What a container engine adds to an image, and the entry point in it; `$1` is the
/// root, `$2` how it may be used.
const ENTER: &str = "\
set -e
mount --bind \"$1\" \"$1\"
mount -t proc proc \"$1/proc\"
mount --bind /dev/null \"$1/dev/null\"
[ \"$2\" = rw ] || mount -o remount,bind,ro \"$1\"
root=$1
shift 2
exec chroot \"$root\" \"$@\"
";

/// An image as a folder.
struct Image {
    dir: Dir,
    entry_point: Vec<String>,
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
        let text = fs::read_to_string(
            Path::new(PROJECT)
                .join("conf/container")
                .join(containerfile),
        )
        .unwrap();
        let mut entry_point = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.split_once(' ').unwrap() {
                ("FROM", image) => assert_eq!(image, base),
                ("COPY", words) => {
                    let (from, to) = words.split_once(' ').unwrap();
                    let from = from
                        .strip_prefix("target/container")
                        .expect("what make prepared");
                    copy(&files.join(&from[1..]), &dir.join("root").join(&to[1..]));
                }
                ("STOPSIGNAL", signal) => assert_eq!(signal, "SIGTERM"),
                ("ENTRYPOINT", words) => {
                    entry_point = words
                        .trim_matches(['[', ']'])
                        .split(", ")
                        .map(|word| word.trim_matches('"').to_owned())
                        .collect();
                }
                other => panic!("not known here: {other:?}"),
            }
        }
        let image = Image { dir, entry_point };
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
    for word in [" CRIT ", " ERRO ", "Error"] {
        assert!(!output.contains(word), "{output}");
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
    let image = Image::build(dir, "Containerfile.debian", "debian:bookworm-slim");
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
