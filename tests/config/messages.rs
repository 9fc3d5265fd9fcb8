//! Errors that did not say what, where or why: after the words of 4.3.0, which
//! scripts match, they do.

use std::process::Command;

use pollvisor::config::error::ConfigError;

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
        assert!(
            last.starts_with(&format!("s.conf:{line}: ")),
            "{text}: {last}"
        );
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

/// The last line that a start and a check complain of, for a main file and the one
/// that it includes; files by their names alone.
fn places(main: &str, included: &str) -> [String; 2] {
    let dir = Dir::new();
    dir.write("s.conf", format!("[include]\nfiles=more.ini\n{main}"));
    dir.write("more.ini", included);
    [&["-n"][..], &["--check"]].map(|options| {
        let found = supervisord(&dir, options);
        assert_eq!(found.status, Some(2), "{main}{included}\n{}", found.stderr);
        let last = found.stderr.lines().last().unwrap_or_default();
        last.replace(&dir.join("more.ini").display().to_string(), "more.ini")
    })
}

#[test]
fn the_place_of_an_error_was_its_sections_or_was_not_told_by_a_start() {
    const PROGRAM: &str = "[supervisord]\n[program:a]\ncommand=/bin/cat\n";
    for (main, included, place) in [
        (
            "[supervisord]\n",
            "[inet_http_server]\n\nport=80x\n",
            "more.ini:3",
        ),
        (PROGRAM, "[program:a]\n; more\nstartsecs=x\n", "more.ini:3"),
        (PROGRAM, "[group:g]\nprograms=a,\n z\n", "more.ini:2"),
        (PROGRAM, "[program:a]\n\nnumprocs=2\n", "more.ini:3"),
        (
            PROGRAM,
            "[program:a]\nnumprocs=100001\nprocess_name=%(process_num)s\n",
            "more.ini:2",
        ),
        (
            PROGRAM,
            "[program:a]\nstopasgroup=true\nkillasgroup=false\n",
            "more.ini:3",
        ),
        (
            PROGRAM,
            "[program:a]\n\nstdout_logfile=%(no)s\n",
            "more.ini:3",
        ),
        (PROGRAM, "[program:a]\n\nenvironment=A\n", "more.ini:3"),
        (
            PROGRAM,
            "[supervisord]\n\nuser=no-such-user\n",
            "more.ini:3",
        ),
        (
            PROGRAM,
            "[supervisord]\n\nenvironment=A=%%(no)s\n",
            "more.ini:3",
        ),
        (PROGRAM, "[DEFAULT]\nautostart=perhaps\n", "more.ini:2"),
        (
            PROGRAM,
            "[inet_http_server]\nport=1\nusername=a\n",
            "more.ini:3",
        ),
        (
            PROGRAM,
            "[inet_http_server]\nport=1\npassword=a\n",
            "more.ini:3",
        ),
        (
            "[supervisord]\n[eventlistener:l]\ncommand=/bin/cat\nevents=EVENT\n",
            "[eventlistener:l]\n\nredirect_stderr=true\n",
            "more.ini:3",
        ),
        (
            "[supervisord]\n[inet_http_server]\nport=1\n",
            "[rpcinterface:x]\nsupervisor.rpcinterface_factory=\
             supervisor.rpcinterface:make_main_rpcinterface\nretries=1\n",
            "more.ini:3",
        ),
        // Where no key is at fault the section's header is told.
        ("[supervisord]\n", "[program:a]\nnumprocs=1\n", "more.ini:1"),
        ("[supervisord]\n", "\n[unix_http_server]\n", "more.ini:2"),
    ] {
        for told in places(main, included) {
            assert!(
                told.starts_with(&format!("{place}: ")),
                "{included}: {told}"
            );
        }
    }
}

#[test]
fn a_mistyped_key_that_is_needed_was_not_proposed() {
    for (text, line, missing) in [
        ("[program:a]\nnumprocs=1\ncomand=/bin/cat\n", 4, "command"),
        (
            "[eventlistener:a]\ncommand=/bin/cat\nevent=TICK_5\n",
            4,
            "events",
        ),
        (
            "[fcgi-program:a]\ncommand=/bin/cat\nsoket=tcp://h:1\n",
            4,
            "socket",
        ),
        ("[inet_http_server]\nprot=1\n", 3, "port"),
        ("[unix_http_server]\nchmod=0700\nfiel=/tmp/s\n", 4, "file"),
    ] {
        for (_, last) in told(&format!("[supervisord]\n{text}")) {
            assert_eq!(last, format!("s.conf:{line}: did you mean \"{missing}\"?"));
        }
    }
    let [_, (_, last)] = told("[supervisord]\n[program:a]\nnumprocs=1\n");
    assert_eq!(last, "s.conf:2: the error is here");
}

#[test]
fn a_wrong_value_did_not_say_what_to_write() {
    const NUMBER: &str = "write a whole number; only a size may have a unit: KB, MB or GB";
    const PAIRS: &str = "write NAME=\"value\", the values in quotes, with commas between the pairs";
    const DIRECTORY: &str = "create the directory first: supervisord does not";
    for (lines, advice) in [
        ("autostart=ture", "write true or false"),
        ("autorestart=always", "write true, false or unexpected"),
        ("startsecs=5s", NUMBER),
        ("stdout_logfile_maxbytes=10M", NUMBER),
        ("umask=rwx", "write digits from 0 to 7, such as 022"),
        (
            "stopsignal=SIGFOO",
            "write a signal such as TERM, HUP, INT, QUIT, KILL, USR1 or USR2",
        ),
        (
            "exitcodes=0 2",
            "write numbers with commas between them, such as 0,2",
        ),
        ("user=no-such-user", "this system has no such user"),
        ("user=root:no-such", "this system has no such group"),
        ("environment=DB=postgres://u:p@h/db?x=1", PAIRS),
        ("environment=A=\"x\" B=\"y\"", PAIRS),
        (
            "environment=A=\"x,B=y",
            "a quote is opened here and not closed",
        ),
        (
            "environment=A=%(ENV_NO_SUCH)s",
            "set NO_SUCH in the environment of supervisord, or write %(ENV_NO_SUCH:-text)s for a \
             default",
        ),
        (
            "directory=%(her)s",
            "write one of the available names, or %% for a percent sign",
        ),
        (
            "numprocs=2",
            "write process_name=%(program_name)s_%(process_num)02d",
        ),
        (
            "[inet_http_server]\nport=x",
            "write a port with or without an address: 127.0.0.1:9001",
        ),
        (
            "[group:g]\nprograms=ab c",
            "put commas between the programs",
        ),
        ("[group:g]\nprograms=ap", "did you mean \"app\"?"),
        ("[group:g]\nprograms=other", "the error is here"),
        (
            "[supervisord]\nloglevel=verbose",
            "write critical, error, warn, info, debug, trace or blather",
        ),
        ("[supervisord]\ndirectory=/no/such", DIRECTORY),
        ("[supervisord]\nlogfile=/no/such/log", DIRECTORY),
    ] {
        let text = format!("[supervisord]\n[program:app]\ncommand=/bin/cat\n{lines}\n");
        let line = text.lines().count();
        for (_, last) in told(&text) {
            assert_eq!(last, format!("s.conf:{line}: {advice}"), "{lines}");
        }
    }
}

#[test]
fn a_missing_section_or_file_did_not_say_what_to_write() {
    for (text, expected) in [
        (
            "[program:a]\ncommand=/bin/cat\n\n[supervisor]\n",
            "s.conf:4: did you mean [supervisord]?",
        ),
        (
            "[Supervisord]\n[supervisorctl]\n",
            "s.conf:1: did you mean [supervisord]?",
        ),
        (
            "[program:a]\ncommand=/bin/cat\n[supervisorctl]\n",
            "s.conf:1: add a line [supervisord]: nothing needs to stand below it",
        ),
    ] {
        for (first, last) in told(text) {
            assert_eq!(
                first,
                "Error: .ini file does not include supervisord section"
            );
            assert_eq!(last, expected, "{text}");
        }
    }
    // Where no file is found is up to the machine.
    let error = ConfigError::no_file(&["a".to_owned()]);
    assert_eq!(
        error.advice(),
        Some("to write a first one: echo_supervisord_conf > supervisord.conf")
    );
}

#[test]
fn a_format_error_did_not_say_how_a_percent_sign_is_written() {
    for key in ["command=/bin/date +%H", "directory=/a%", "priority=5%"] {
        let text = format!("[supervisord]\n[program:a]\ncommand=/bin/cat\n{key}\n");
        for (_, last) in told(&text) {
            assert_eq!(
                last,
                "s.conf:4: write %% for %, and %(NAME)s for the value of a name"
            );
        }
    }
}
