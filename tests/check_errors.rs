//! Errors that `supervisord --check` tells: every one, with its place and what can be written.

use std::process::Command;

use super::check_warnings::warnings;
use super::inspect::{supervisord, with};
use super::support::Dir;

#[test]
fn a_bad_one_is_told_as_at_a_start_and_then_where() {
    let dir = with("[supervisord]\n[program:a]\ncommand=cat\nautostart=perhaps\n");
    for option in ["--check", "--dump-config"] {
        let found = supervisord(&dir, &[option]);
        assert_eq!(found.status, Some(2));
        assert_eq!(found.stdout, "");
        let lines: Vec<&str> = found.stderr.lines().collect();
        assert_eq!(
            lines[0],
            "Error: not a valid boolean value: 'perhaps' in section 'program:a' (file: 's.conf')"
        );
        assert!(lines[1].starts_with("For help, use "), "{}", lines[1]);
        assert_eq!(lines[2..], ["s.conf:4: write true or false"]);
    }
    let dir = with("[supervisord]\n\n[program:a]\n");
    let found = supervisord(&dir, &["--check"]);
    assert!(found.stderr.ends_with("\ns.conf:3: the error is here\n"));
}

/// The places of all errors that a check tells, in order.
fn places_of_errors(dir: &Dir) -> Vec<String> {
    let found = supervisord(dir, &["--check"]);
    assert_eq!(found.status, Some(2), "{}", found.stderr);
    assert_eq!(found.stdout, "");
    let lines: Vec<&str> = found.stderr.lines().collect();
    let errors = lines.iter().filter(|line| line.starts_with("Error: "));
    let included = dir.join("more.ini").display().to_string();
    let places: Vec<String> = lines
        .iter()
        .filter(|line| !line.starts_with("Error: "))
        .filter_map(|line| line.split_once(": ").map(|(place, _)| place))
        .filter(|place| place.contains(".conf:") || place.contains(".ini:"))
        .map(|place| place.replace(&included, "more.ini"))
        .collect();
    assert_eq!(errors.count(), places.len(), "{}", found.stderr);
    places
}

#[test]
fn a_check_ended_at_the_first_error() {
    let dir = with(
        "[supervisord]
minfds=many
loglevel=loud
environment=A=%%(no)s,B
[include]
files=more.ini
[inet_http_server]
port=80x
username=a
[unix_http_server]
file=/tmp/s
chmod=9
max_connections=1
[program:a]
comand=/bin/cat
startsecs=x
stopsignal=NO
environment=C=%(ENV_B)s
numprocs=2
[program:b c]
command=/bin/cat
[group:g]
programs=a,y,b c,z
priority=x
",
    );
    dir.write(
        "more.ini",
        "[eventlistener:l]\ncommand=%(no)s\nevents=TICK_5,TICK_6,TICK_7\nbuffer_size=0\n\
         [fcgi-program:f]\ncommand=/bin/cat\nsocket=http://h\nsocket_mode=x\n",
    );
    let mut places = places_of_errors(&dir);
    places.sort();
    let mut expected = vec![
        "s.conf:2",
        "s.conf:3",
        "s.conf:4",
        "s.conf:8",
        "s.conf:9",
        "s.conf:12",
        "s.conf:13",
        "s.conf:15",
        "s.conf:16",
        "s.conf:17",
        "s.conf:19",
        "s.conf:20",
        "s.conf:23",
        "s.conf:23",
        "s.conf:24",
        "more.ini:2",
        "more.ini:3",
        "more.ini:3",
        "more.ini:4",
        "more.ini:7",
        "more.ini:8",
    ];
    expected.sort();
    assert_eq!(places, expected);
}

#[test]
fn what_follows_from_an_error_is_no_error_by_itself() {
    for (text, lines) in [
        // A name that no section can have, and the group that has it.
        (
            "[program:a:b]\ncommand=cat\n[group:g]\nprograms=a:b\n",
            &[2][..],
        ),
        (
            "[inet_http_server]\nport=1\npassword=p\nrequire_authentication=true\n",
            &[4],
        ),
        ("[inet_http_server]\nport=1\nusername=\npassword=p\n", &[4]),
        (
            "environment=A=1,B=%%(no)s\n[program:a]\ncommand=%(ENV_A)s\n",
            &[2],
        ),
        (
            "[program:a]\ncommand=cat\nprocess_name=a/b%(process_num)d\nnumprocs=2\n",
            &[4],
        ),
        (
            "[program:a]\ncommand=cat\nstopasgroup=yes\nkillasgroup=no\nnumprocs=2\n",
            &[6, 5],
        ),
        (
            "[program:a]\nnumprocs=%(no)s\ncommand=cat\ncommand=b%\n",
            &[3, 5],
        ),
    ] {
        let dir = with(&format!("[supervisord]\n{text}"));
        let expected: Vec<String> = lines.iter().map(|line| format!("s.conf:{line}")).collect();
        assert_eq!(places_of_errors(&dir), expected, "{text}");
    }
}

#[test]
fn every_broken_file_is_told_and_what_the_others_say() {
    let dir = with("[supervisord]\nminfds=x\n[include]\nfiles=*.ini\n[group:g]\nprograms=a,b\n");
    dir.write("a.ini", "[program:a]\nnonsense\n");
    dir.write("b.ini", "nonsense\n");
    dir.write("c.ini", "[program:c]\ncommand=cat\nautostart=perhaps\n");
    let found = supervisord(&dir, &["--check"]);
    assert_eq!(found.status, Some(2));
    let told = ["a.ini", "b.ini", "s.conf:2: write", "c.ini:3: write"];
    let places = told.map(|part| {
        found
            .stderr
            .find(part)
            .unwrap_or_else(|| panic!("{part}: {}", found.stderr))
    });
    assert!(places.is_sorted(), "{}", found.stderr);
    assert!(
        !found.stderr.contains("unknown program"),
        "{}",
        found.stderr
    );
}

#[test]
fn the_error_of_a_handler_in_python_did_not_say_which_one_does_its_job() {
    const CHOICES: &str = "use default, store or exec:COMMAND (default for a listener that answers OK or FAIL, \
        store to accept and keep whatever it answers, exec:COMMAND to give each event and its answer to a command)";
    const PRINTS: &str = "to print what programs write, leave this listener out and set \
        stdout_logfile=/dev/stdout in the programs and childlog_format=prefix in [supervisord], or use exec:COMMAND, which gives each event and its answer to \
        a command; store accepts every answer and prints nothing";
    for (line, advice) in [
        ("result_handler=my:handler", CHOICES),
        ("handler=my.package.module:handler", CHOICES),
        ("result_handler = supervisor_stdout:event_handler", PRINTS),
        ("result_handler=supervisor_stdlog:log_handler", PRINTS),
    ] {
        let dir = with(&format!(
            "[supervisord]\n[eventlistener:l]\ncommand=cat\nevents=TICK_5\n{line}\nbuffer_size=100\n"
        ));
        let (_, value) = line.split_once('=').unwrap();
        // At a start too, terminal or not.
        for options in [&["--check"][..], &["-n"]] {
            let found = supervisord(&dir, options);
            assert_eq!(found.status, Some(2));
            let lines: Vec<&str> = found.stderr.lines().collect();
            let error = format!(
                "Error: {} cannot be resolved within [eventlistener:l]",
                value.trim()
            );
            assert_eq!(lines[0], error);
            let told = format!("s.conf:5: handlers written in Python cannot be loaded: {advice}");
            assert_eq!(lines[2], told);
        }
    }
}

#[test]
fn wrong_values_of_listeners_are_told_with_what_can_be_written() {
    for (line, told) in [
        (
            "payload_length=byte",
            "Invalid payload_length value 'byte' in [eventlistener:l]: it is one of characters, bytes",
        ),
        (
            "busy_warning=soon",
            "Invalid busy_warning value 'soon' in [eventlistener:l] (it is a duration such as 30, 500ms, 90s, 5m, 2h or 1d)",
        ),
        (
            "busy_warning=-1",
            "Invalid busy_warning value '-1' in [eventlistener:l] (write 0)",
        ),
    ] {
        let dir = with(&format!(
            "[supervisord]\n[eventlistener:l]\ncommand=cat\nevents=TICK_5\n{line}\n"
        ));
        let found = supervisord(&dir, &["--check"]);
        assert_eq!(found.status, Some(2));
        let lines: Vec<&str> = found.stderr.lines().collect();
        assert_eq!(lines[0], format!("Error: {told}"));
        assert_eq!(lines[2..], ["s.conf:5: the error is here"]);
    }
    for line in [
        "payload_length=BYTES",
        "payload_length=characters",
        "busy_warning=0",
        "busy_warning=1500ms",
    ] {
        let listener = "[eventlistener:l]\ncommand=cat\nevents=TICK_5";
        assert_eq!(warnings(&format!("{listener}\n{line}\n")), [""; 0]);
    }
}

#[test]
fn scripts_get_the_lines_of_a_start_first_and_the_place_behind_them() {
    let dir = with("[supervisord]\nnodaemon=perhaps\n");
    let found = supervisord(&dir, &[]);
    assert_eq!(found.status, Some(2));
    let lines: Vec<&str> = found.stderr.lines().collect();
    assert_eq!(lines[0], "Error: not a valid boolean value: 'perhaps'");
    assert!(lines[1].starts_with("For help, use "), "{}", lines[1]);
    assert_eq!(lines[2..], ["s.conf:2: write true or false"]);
}

#[test]
fn a_server_that_is_open_by_mistake_is_told_with_its_place() {
    for (keys, line, reason) in [
        (
            "username=%(ENV_U)s\npassword=p\n",
            4,
            "Section [inet_http_server] has a password and an empty username: set both, or neither \
             for a server without authentication",
        ),
        (
            "username=\npassword=\nrequire_authentication=true\n",
            6,
            "Section [inet_http_server] requires authentication and has no username and password",
        ),
    ] {
        let dir = with(&format!(
            "[supervisord]\n[inet_http_server]\nport=1\n{keys}"
        ));
        let mut command = Command::new(dir.bin().join("supervisord"));
        let arguments = ["-c", "s.conf", "--check"];
        let output = command
            .args(arguments)
            .current_dir(dir.path())
            .env("U", "")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let place = format!("s.conf:{line}: the error is here\n");
        assert!(told.starts_with(&format!("Error: {reason}\n")), "{told}");
        assert!(told.ends_with(&place), "{told}");
        assert_eq!(output.status.code(), Some(2));
    }
}
