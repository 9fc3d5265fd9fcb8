//! `environment_file` and `user_environment`: what programs that are started get.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use super::support::{
    DEADLINE, Dir, Finished, Scene, Value, binary, finish, plain_environment, usual_configuration,
    wait_until,
};

/// A program that writes its variables to a file, each with a null byte behind it.
const PROGRAM: &str = "[program:p]\n\
    command=/bin/sh -c '/bin/cat /proc/$$/environ > %(here)s/new; /bin/mv %(here)s/new %(here)s/environ; exec /bin/cat'\n\
    startsecs=0\n";

fn is_root() -> bool {
    nix::unistd::getuid().is_root()
}

/// The variables that the last program was given.
fn environ(scene: &Scene) -> Vec<(String, String)> {
    let mut bytes = String::new();
    let is_written = wait_until(DEADLINE, || {
        bytes = scene.dir.read("environ").unwrap_or_default();
        !bytes.is_empty()
    });
    assert!(is_written, "{}", scene.log());
    let pairs = bytes.split_terminator('\0');
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn value<'a>(environ: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = environ.iter().filter(|(known, _)| known == name);
    let (_, value) = values.next()?;
    assert_eq!(values.next(), None, "{name} is there twice");
    Some(value)
}

fn mode(dir: &Dir, name: &str, mode: u32) {
    fs::set_permissions(dir.join(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn files_are_read_at_each_start_and_later_ones_count() {
    let dir = Dir::new();
    dir.write("all", "A=all\nB=all\nC=all\nD=all\nE=all\n");
    dir.write("one", "# a comment\nB=one\nC=one\nD='one $A\\n'\n");
    dir.write("two", "C=\"two \\\"words\\\"\"\nD=two\n");
    let scene = Scene::start_as(
        dir,
        &format!(
            "environment_file=%(here)s/all\nenvironment=A=supervisord,F=supervisord,G=supervisord\n\
             {PROGRAM}envFiles=%(here)s/one , %(here)s/two,-%(here)s/later\n\
             environment=D=own,G=own\n"
        ),
        |_| {},
    );
    let first = environ(&scene);
    for (name, expected) in [
        ("A", "all"),
        ("B", "one"),
        ("C", "two \"words\""),
        ("D", "own"),
        ("E", "all"),
        ("F", "supervisord"),
        ("G", "own"),
        ("SUPERVISOR_PROCESS_NAME", "p"),
    ] {
        assert_eq!(value(&first, name), Some(expected), "{name}");
    }
    scene.dir.write("later", "C=later\nPATH=/nowhere\n");
    fs::remove_file(scene.dir.join("environ")).unwrap();
    let name = [Value::text("p")];
    scene.call("stopProcess", &name).answer();
    // The command is found all the same.
    scene.call("startProcess", &name).answer();
    let second = environ(&scene);
    assert_eq!(value(&second, "C"), Some("later"));
    assert_eq!(value(&second, "PATH"), Some("/nowhere"));
    scene.stop();
}

#[test]
fn a_missing_file_is_a_failed_start_that_names_it() {
    let scene = Scene::start(&format!(
        "{PROGRAM}startsecs=1\nstartretries=0\nenvironment_file=%(here)s/none\n"
    ));
    scene.wait("p", "FATAL");
    let path = scene.dir.join("none");
    let expected = format!(
        "couldn't read environment file {}: ENOENT (No such file or directory)",
        path.display()
    );
    assert_eq!(scene.info("p").text_of("spawnerr"), expected);
    scene.stop();
}

#[test]
fn what_is_no_such_file_is_a_failed_start_without_its_content() {
    let dir = Dir::new();
    dir.write("bytes", b"A=1\nSECRET=hush\xff\n");
    dir.write("large", vec![b'#'; (1 << 20) + 1]);
    fs::create_dir(dir.join("folder")).unwrap();
    nix::unistd::mkfifo(&dir.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let names = ["bytes", "large", "folder", "pipe"];
    let programs: String = names
        .iter()
        .map(|name| {
            format!(
                "[program:{name}]\ncommand=/bin/cat\nstartretries=0\nenvironment_file=-%(here)s/{name}\n"
            )
        })
        .collect();
    let scene = Scene::start_as(dir, &programs, |_| {});
    for (name, reason) in [
        ("bytes", "line 2 is not UTF-8"),
        ("large", "it has more than 1 MB"),
        ("folder", "it is no regular file"),
        ("pipe", "it is no regular file"),
    ] {
        scene.wait(name, "FATAL");
        let error = scene.info(name).text_of("spawnerr").to_owned();
        assert!(error.ends_with(reason), "{error}");
    }
    assert!(!scene.log().contains("hush"), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_file_that_only_root_may_read_is_read_for_a_program_of_another_user() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    mode(&dir, "", 0o777);
    dir.write("secret", "TOKEN=hush\n");
    mode(&dir, "secret", 0o600);
    let scene = Scene::start_as(
        dir,
        &format!("{PROGRAM}user=nobody\nenvironment_file=%(here)s/secret\n"),
        |_| {},
    );
    assert_eq!(value(&environ(&scene), "TOKEN"), Some("hush"));
    assert!(!scene.log().contains("hush"), "{}", scene.log());
    scene.stop();
}

#[test]
fn a_link_of_the_programs_user_leads_to_no_file_of_root() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    let nobody = Some(65534);
    dir.write("secret", "TOKEN=hush\n");
    mode(&dir, "secret", 0o600);
    fs::create_dir(dir.join("home")).unwrap();
    symlink(dir.join("secret"), dir.join("home/.env")).unwrap();
    for name in ["home", "home/.env"] {
        std::os::unix::fs::lchown(dir.join(name), nobody, nobody).unwrap();
    }
    let scene = Scene::start_as(
        dir,
        &format!(
            "{PROGRAM}user=nobody\nstartsecs=1\nstartretries=0\nenvironment_file=%(here)s/home/.env\n"
        ),
        |_| {},
    );
    scene.wait("p", "FATAL");
    let error = scene.info("p").text_of("spawnerr").to_owned();
    assert!(
        error.starts_with("couldn't read environment file "),
        "{error}"
    );
    scene.stop();
}

#[test]
fn home_and_its_kin_are_those_of_the_user() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    mode(&dir, "", 0o777);
    dir.write("file", "USER=file\n");
    let scene = Scene::start_as(
        dir,
        &format!(
            "environment=LOGNAME=supervisord,SHELL=supervisord\n\
             {PROGRAM}user=nobody\nuser_environment=true\nenvironment_file=%(here)s/file\n\
             environment=SHELL=own\n"
        ),
        |_| {},
    );
    let environ = environ(&scene);
    for (name, expected) in [
        ("HOME", "/nonexistent"),
        ("USER", "file"),
        ("LOGNAME", "nobody"),
        ("SHELL", "own"),
    ] {
        assert_eq!(value(&environ, name), Some(expected), "{name}");
    }
    scene.stop();
}

fn supervisord(dir: &Dir, option: &str) -> Finished {
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    command
        .current_dir(dir.path())
        .args(["-c", "supervisord.conf", option]);
    finish(command, "", DEADLINE)
}

#[test]
fn a_secret_that_everybody_may_read_is_told_of_once_and_shown_never() {
    let dir = Dir::new();
    for (name, permissions) in [("open", 0o644), ("closed", 0o640), ("plain", 0o644)] {
        let variable = if name == "plain" {
            "LEVEL"
        } else {
            "API_TOKEN"
        };
        dir.write(name, format!("A=1\n{variable}=hush\n"));
        mode(&dir, name, permissions);
    }
    let files = "environment_file=%(here)s/closed,%(here)s/open,%(here)s/plain\n";
    let programs =
        format!("[program:p]\ncommand=/bin/cat\n{files}[program:q]\ncommand=/bin/cat\n{files}");
    dir.write("supervisord.conf", usual_configuration(&programs));
    let line = format!(
        "For [program:p], the environment file {} can be read by everybody, and API_TOKEN in it looks like a secret: chmod o-r it",
        dir.join("open").display()
    );
    let check = supervisord(&dir, "--check");
    assert_eq!(check.stderr.matches("can be read by everybody").count(), 1);
    assert!(check.stderr.contains(&line), "{}", check.stderr);
    let dump = supervisord(&dir, "--dump-config").stdout;
    assert!(dump.contains("/open\""), "{dump}");

    let scene = Scene::start_as(dir, &programs, |launch| {
        launch.options = &["-e", "debug"];
    });
    scene.wait_all("RUNNING");
    let log = scene.log();
    assert_eq!(log.matches("can be read by everybody").count(), 1, "{log}");
    assert!(log.contains(&format!("WARN {line}")), "{log}");
    let told = [check.stderr, dump, log, scene.info("p").to_string()];
    for text in told {
        assert!(!text.contains("hush"), "{text}");
    }
    scene.stop();
}

#[test]
fn a_reread_tells_of_a_secret_that_was_added() {
    let dir = Dir::new();
    for name in ["first", "second"] {
        dir.write(name, "API_TOKEN=hush\n");
        mode(&dir, name, 0o644);
    }
    let program = |name: &str, file: &str| {
        format!("[program:{name}]\ncommand=/bin/cat\nenvironment_file=%(here)s/{file}\n")
    };
    let scene = Scene::start_as(dir, &program("p", "first"), |_| {});
    scene.wait("p", "RUNNING");
    // Another program that reads the same file is nothing new.
    let more = program("a", "first") + &program("p", "first") + &program("q", "second");
    let more = usual_configuration(&more);
    scene.dir.write("supervisord.conf", more);
    for _ in 0..2 {
        scene.call("reloadConfig", &[]).answer();
    }
    let second = scene.dir.join("second");
    scene.wait_log(&format!(
        "WARN For [program:q], the environment file {} can be read by everybody",
        second.display()
    ));
    let log = scene.log();
    assert_eq!(log.matches("can be read by everybody").count(), 2, "{log}");
    assert!(!log.contains("hush"), "{log}");
    scene.stop();
}

/// The most memory that a process has had, in KiB.
fn peak_memory(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let size = line.and_then(|line| line.split_whitespace().nth(1));
    size.unwrap().parse().unwrap()
}

#[test]
fn a_file_of_gigabytes_filled_the_memory_of_supervisord() {
    let dir = Dir::new();
    dir.write("large", "API_TOKEN=hush\n");
    mode(&dir, "large", 0o644);
    let file = fs::File::options()
        .write(true)
        .open(dir.join("large"))
        .unwrap();
    file.set_len(256 << 20).unwrap();
    let program =
        "[program:p]\ncommand=/bin/cat\nstartretries=0\nenvironment_file=%(here)s/large\n";
    let scene = Scene::start_as(dir, program, |_| {});
    scene.call("reloadConfig", &[]).answer();
    scene.wait("p", "FATAL");
    let error = scene.info("p").text_of("spawnerr").to_owned();
    assert!(error.ends_with("large: it has more than 1 MB"), "{error}");
    let peak = peak_memory(scene.daemon.pid());
    assert!(peak < 128 * 1024, "{peak} KiB");
    scene.stop();
}

#[test]
fn who_may_write_beside_a_file_for_root_was_not_told_of() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    fs::create_dir(dir.join("home")).unwrap();
    std::os::unix::fs::chown(dir.join("home"), Some(65534), None).unwrap();
    dir.write("home/variables", "A=1\n");
    let program = "[program:p]\ncommand=/bin/cat\nenvironment_file=%(here)s/home/variables\n";
    dir.write("supervisord.conf", usual_configuration(program));
    let told = supervisord(&dir, "--check").stderr;
    let end =
        "can replace what supervisord opens as root, such as the environment_file of [program:p]";
    assert!(told.contains(end), "{told}");
}

#[test]
fn check_warns_of_files_that_are_not_there() {
    let dir = Dir::new();
    dir.write("there", "A=1\n");
    let programs = "environment_file=none\n\
         [program:p]\ncommand=/bin/cat\nenvironment_file=there, -absent\n\
         [program:q]\ncommand=/bin/cat\nenvFiles=-absent, absent, there\n\
         [program:r]\ncommand=/bin/cat\nenvironment_file=%(ENV_HOME)s/absent\n";
    let text = usual_configuration(programs);
    let line = |key: &str| text.lines().position(|line| line.starts_with(key)).unwrap() + 1;
    dir.write("supervisord.conf", &text);
    let check = supervisord(&dir, "--check");
    let advice = "so it cannot start: write - before a path that need not be there";
    for (key, section, path) in [
        ("environment_file=none", "supervisord", dir.join("none")),
        ("envFiles", "program:q", dir.join("absent")),
    ] {
        let place = format!("supervisord.conf:{}: ", line(key));
        let told = format!(
            "[{section}] there is no environment file {}, {advice}",
            path.display()
        );
        let found = check.stderr.lines().find(|line| line.contains(&told));
        assert!(
            found.is_some_and(|line| line.contains(&place)),
            "{told}\n{}",
            check.stderr
        );
    }
    let hidden = format!("[program:r] there is no environment file %(ENV_HOME)s/absent, {advice}");
    assert!(check.stderr.contains(&hidden), "{}", check.stderr);
    let count = check.stderr.matches("no environment file").count();
    assert_eq!(count, 3, "{}", check.stderr);
    assert_eq!(supervisord(&dir, "--check=strict").status, Some(2));
}
