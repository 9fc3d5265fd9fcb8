//! Errors that did not say what, where or why: after the words of 4.3.0, which
//! scripts match, they do.

use std::process::Command;

use crate::support::{DEADLINE, Dir, Finished, Outcome, Scene, binary, finish};

fn supervisord(dir: &Dir, options: &[&str]) -> Finished {
    let mut command = Command::new(binary());
    command
        .current_dir(dir.path())
        .args(["-c", "s.conf"])
        .args(options);
    finish(command, "", DEADLINE)
}

/// The first line and the last of what a start and what a check complain of.
fn told(text: &str) -> [(String, String); 2] {
    let dir = Dir::new();
    dir.write("s.conf", text);
    [&["-n"][..], &["--check"]].map(|options| {
        let found = supervisord(&dir, options);
        assert_eq!(found.status, Some(2), "{text}\n{}", found.stderr);
        let line = |line: Option<&str>| line.unwrap_or_default().to_owned();
        (
            line(found.stderr.lines().next()),
            line(found.stderr.lines().last()),
        )
    })
}

#[test]
fn the_error_of_an_owner_named_a_key_that_nobody_had_written() {
    for (text, message) in [
        (
            "[supervisord]\n[unix_http_server]\nfile=/tmp/s\nchown=no-such\n",
            "Error: Invalid chown value no-such",
        ),
        (
            "[supervisord]\n[unix_http_server:2]\nfile=/tmp/s\nchown=root:no-such\n",
            "Error: Invalid chown value root:no-such",
        ),
        (
            "[supervisord]\n[fcgi-program:f]\ncommand=f\nsocket_owner=no-such\nsocket=unix:///s\n",
            "Error: Invalid socket_owner value no-such",
        ),
    ] {
        let [start, check] = told(text);
        assert_eq!(start.0, message);
        assert_eq!(check.0, message);
        assert_eq!(check.1, "s.conf:4: the error is here");
    }
}

#[test]
fn a_percent_sign_in_a_value_that_is_expanded_twice_was_a_riddle() {
    for (text, message) in [
        (
            "[supervisord]\nenvironment=A=\"50%%\"\n",
            "Error: Format string 'A=\"50%\"' for 'environment' is badly formatted: unsupported \
             format character '\"' (0x22) at index 6",
        ),
        (
            "[supervisord]\nenvironment=A=50%\n",
            "Error: Format string 'A=50%' for 'supervisord.environment' is badly formatted: \
             incomplete format",
        ),
        (
            "[supervisord]\nenvironment=A=\"%%d\"\n",
            "Error: Format string 'A=\"%d\"' for 'environment' is badly formatted: %d format: a \
             real number is required, not dict",
        ),
    ] {
        for (first, _) in told(text) {
            let expected =
                format!("{message} (this value is expanded twice: write %%%% for a percent sign)");
            assert_eq!(first, expected);
        }
    }
    let [(first, _), _] =
        told("[supervisord]\n[program:a]\ncommand=a\nstdout_logfile=/tmp/100%%.log\n");
    assert!(
        first.ends_with(
            "(this value is expanded twice: write %%%% for a percent sign) \
             in section 'program:a' (file: 's.conf')"
        ),
        "{first}"
    );
    let scene = Scene::start("environment=A=\"50%%%%\"\n");
    let text = crate::support::usual_configuration("environment=A=\"50%%\"\n");
    scene.dir.write("supervisord.conf", text);
    match scene.call("reloadConfig", &[]) {
        Outcome::Fault(92, text) => assert!(text.contains("write %%%% for"), "{text}"),
        other => panic!("{other:?}"),
    }
    scene.stop();
}

#[test]
fn a_bad_name_did_not_say_whose_it_was() {
    for (section, line, character) in [
        ("program:a b", "command=a", " "),
        ("group:a/b", "programs=", "/"),
        ("eventlistener:a:b", "command=a\nevents=TICK_5", ":"),
        ("fcgi-program:a b", "command=a\nsocket=tcp://h:1", " "),
    ] {
        let name = section.split_once(':').unwrap().1;
        let message = format!(
            "Error: Invalid name: '{name}' because of character: '{character}' in section \
             '{section}' (file: 's.conf')"
        );
        for (first, last) in told(&format!("[supervisord]\n\n[{section}]\n{line}\n")) {
            assert_eq!(first, message);
            assert_eq!(
                last,
                "s.conf:3: a name has no blank, no colon and no slash in it"
            );
        }
    }
    let [_, check] = told("[supervisord]\n[program:a]\ncommand=a\nprocess_name=a b\n");
    assert_eq!(
        check.1,
        "s.conf:4: a name has no blank, no colon and no slash in it"
    );
}

#[test]
fn a_configuration_that_cannot_be_read_was_refused_without_the_reason() {
    let dir = Dir::new();
    std::fs::create_dir(dir.join("s.conf")).unwrap();
    let found = supervisord(&dir, &["--check"]);
    let first = found.stderr.lines().next();
    assert_eq!(
        first,
        Some("Error: could not read config file s.conf: Is a directory")
    );
}

#[test]
fn an_included_file_that_cannot_be_read_was_passed_over_in_silence() {
    let dir = Dir::new();
    dir.write("s.conf", "[supervisord]\n[include]\nfiles=*.ini\n");
    std::fs::create_dir(dir.join("a.ini")).unwrap();
    let found = supervisord(&dir, &["--check"]);
    assert_eq!(found.status, Some(0));
    let path = dir.join("a.ini");
    assert_eq!(
        found.stderr,
        format!(
            "s.conf:3: warning: \"{}\" matches an include and is left out: Is a directory\n",
            path.display()
        )
    );
}

#[test]
fn a_path_that_no_socket_can_have_was_told_without_path_and_limit() {
    let long = format!("/tmp/{}", "s".repeat(103));
    let server = "Error: Cannot open an HTTP server: socket.error reported AF_UNIX path too long: ";
    let told_path =
        format!("{server}{long} has 108 bytes, 107 is the most in [unix_http_server] file");
    let text = format!("[supervisord]\n[unix_http_server]\nfile={long}\n");
    for (first, _) in told(&text) {
        assert_eq!(first, told_path);
    }
    assert_eq!(told(&text)[1].1, "s.conf:3: the error is here");
    let text = format!("[supervisord]\n[fcgi-program:f]\ncommand=f\nsocket=unix://{long}\n");
    for (first, _) in told(&text) {
        assert_eq!(
            first,
            format!(
                "Error: Could not create FastCGI socket unix://{long}: AF_UNIX path too long: \
                 {long} has 108 bytes, 107 is the most in [fcgi-program:f] socket"
            )
        );
    }
}

#[test]
fn a_path_that_just_fits_was_too_long_for_its_temporary_name() {
    let dir = Dir::new();
    let room = 107 - dir.path().to_str().unwrap().len() - 1;
    let name = "s".repeat(room);
    dir.write(
        "s.conf",
        format!("[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\n[unix_http_server]\nfile={name}\n"),
    );
    let mut child = Command::new(binary())
        .current_dir(dir.path())
        .args(["-n", "-c", "s.conf"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let path = dir.join(&name);
    let listens = crate::support::wait_until(DEADLINE, || {
        std::os::unix::net::UnixStream::connect(&path).is_ok()
            || child.try_wait().is_ok_and(|status| status.is_some())
    });
    let connected = std::os::unix::net::UnixStream::connect(&path).is_ok();
    let _ = child.kill();
    let _ = child.wait();
    assert!(listens && connected);
}

#[test]
fn a_pid_file_that_cannot_be_written_was_told_without_the_reason() {
    let scene = Scene::start_as(Dir::new(), "", |launch| {
        launch.options = &["--pidfile", "/"];
    });
    scene.wait_log("CRIT could not write pidfile /: Is a directory");
    scene.stop();
}

#[test]
fn errors_of_what_is_included_did_not_say_where() {
    for (text, line) in [
        ("[supervisord]\n[include]\n; no files\nx=1\n", 2),
        ("[supervisord]\n[include]\nx=1\nfiles=50%\n", 4),
        ("[supervisord]\n[include]\nfiles=%(ENV_NO_SUCH)s/*.ini\n", 3),
        // One event of many that are unknown.
        (
            "[supervisord]\n[eventlistener:a]\ncommand=/bin/cat\nevents=TICK_5,\n  TICK_6\n",
            4,
        ),
    ] {
        let [_, (_, last)] = told(text);
        assert_eq!(last, format!("s.conf:{line}: the error is here"), "{text}");
    }
    let dir = Dir::new();
    dir.write("s.conf", "[supervisord]\n[include]\nfiles=*.ini\n");
    dir.write("a.ini", "[program:a]\ncommand=/bin/cat\n");
    let broken = dir.join("b.ini");
    std::fs::write(&broken, b"[program:b]\n\ncommand=/bin/echo \xe9t\xe9\n").unwrap();
    let found = supervisord(&dir, &["--check"]);
    let expected = format!("{}:3: the error is here", broken.display());
    assert_eq!(found.stderr.lines().last(), Some(&*expected));
}
