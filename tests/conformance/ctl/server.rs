//! A server that is not there, refuses, wants credentials, or is another program.

use super::compare;
use super::oneshot::{Shot, fire, note_end, note_ends};
use crate::conformance::run::Run;
use crate::support::{Finished, canned_server, response};
use std::os::unix::net::UnixListener;

/// A line for each command, with and without what it needs.
const LINES: &[&str] = &[
    "status",
    "status p",
    "start",
    "start p",
    "start all",
    "stop",
    "stop p",
    "restart",
    "restart p",
    "restart all",
    "signal",
    "signal HUP p",
    "pid",
    "pid p",
    "pid all",
    "tail",
    "tail p",
    "tail -f p",
    "tail -x p",
    "maintail",
    "maintail -f",
    "maintail x",
    "clear",
    "clear p",
    "clear all",
    "version",
    "version x",
    "avail",
    "avail x",
    "reread",
    "reread x",
    "update",
    "update p",
    "add",
    "add p",
    "remove",
    "remove p q",
    "reload",
    "reload x",
    "shutdown",
    "shutdown x",
    "help help",
    "nosuch",
    "quit",
];

/// One of each kind, for the rarer servers. What they return is of another shape than the methods
/// have, so nothing that would look into it is among these.
const FEW: &[&str] = &[
    "status",
    "start",
    "start p",
    "restart p",
    "signal HUP p",
    "pid",
    "tail p",
    "tail -f p",
    "maintail -f",
    "clear p",
    "add p q",
    "remove p q",
    "shutdown",
    "version",
];

/// Runs the lines against a server and notes what it prints, without the hints that 4.3.0
/// does not give where nobody is there.
fn note_lines(run: &mut Run, title: &str, lines: &[&str], options: &[&str]) {
    note_lines_as(run, title, lines, options, |shot| shot);
}

fn note_lines_as(
    run: &mut Run,
    title: &str,
    lines: &[&str],
    options: &[&str],
    change: fn(Shot) -> Shot,
) {
    run.note(&format!("--- {title}"));
    let url = options.last().copied().unwrap_or_default();
    run.rename(url.trim_end_matches('/'), "URL");
    let open = format!("open {url}");
    let lines: Vec<&str> = lines.iter().copied().chain([open.as_str()]).collect();
    let shots: Vec<Shot> = lines
        .iter()
        .map(|line| {
            let words: Vec<&str> = ["-c", ""]
                .into_iter()
                .chain(options.iter().copied())
                .chain(line.split(' '))
                .collect();
            change(Shot::new(run, &words))
        })
        .collect();
    let ends: Vec<Finished> = fire(run, &shots)
        .into_iter()
        .map(|end| Finished {
            stderr: without_hints(&end.stderr),
            ..end
        })
        .collect();
    note_ends(run, &lines, &ends);
}

/// What 4.3.0 says on the standard error, too.
fn without_hints(stderr: &str) -> String {
    let known = |line: &&str| line.contains(" Cannot ") || line.starts_with("Error: ");
    stderr.split_inclusive('\n').filter(known).collect()
}

#[test]
fn a_server_that_is_not_there_is_told_alike() {
    compare("no server", |run| {
        run.dir.write("plain", "");
        run.dir.write("folder/file", "");
        drop(UnixListener::bind(run.path("stale")).unwrap());
        let sockets = [
            ("missing", LINES),
            ("stale", LINES),
            ("plain", FEW),
            ("folder", FEW),
            ("plain/s", FEW),
        ];
        for (name, lines) in sockets {
            let url = format!("unix://{}", run.path(name).display());
            note_lines(run, name, lines, &["-s", &url]);
        }
        note_lines(run, "a closed port", FEW, &["-s", "http://127.0.0.1:1"]);
    });
}

#[test]
fn a_socket_that_may_not_be_opened_is_told_alike() {
    compare("no permission", |run| {
        let _listener = UnixListener::bind(run.path("guarded")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(run.path("guarded"), mode).unwrap();
        let url = format!("unix://{}", run.path("guarded").display());
        note_lines_as(
            run,
            "as another user",
            LINES,
            &["-s", &url],
            Shot::by_nobody,
        );
    });
}

#[test]
fn a_server_that_is_another_program_is_told_alike() {
    compare("other servers", |run| {
        let value = |value: &str| {
            let body = format!(
                "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>{value}</value>\n</param>\n</params>\n</methodResponse>\n"
            );
            response("200 OK", &body)
        };
        let fault = |code: i32, text: &str| {
            let body = format!(
                "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>{code}</int></value>\n\
                 </member>\n<member>\n<name>faultString</name>\n<value><string>{text}</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n"
            );
            response("200 OK", &body)
        };
        let servers = [
            ("another version", value("<string>2.0</string>"), FEW),
            ("no supervisor namespace", fault(1, "UNKNOWN_METHOD"), FEW),
            ("shutting down", fault(6, "SHUTDOWN_STATE"), LINES),
            ("any fault", fault(91, "STILL_RUNNING: it's so"), LINES),
            ("an unknown fault", fault(1234, ""), FEW),
            ("401", response("401 Unauthorized", "no"), LINES),
            ("403", response("403 Forbidden", "no"), FEW),
            ("404", response("404 Not Found", "no"), FEW),
            ("500", response("500 Internal Server Error", "no"), FEW),
            ("a page", response("200 OK", "no XML"), FEW),
            ("nothing", String::new(), FEW),
        ];
        for (title, response, lines) in servers {
            let url = format!("http://127.0.0.1:{}", canned_server(response));
            note_lines(run, title, lines, &["-s", &url]);
        }
        let url = format!(
            "http://127.0.0.1:{}",
            canned_server(response("401 Unauthorized", ""))
        );
        note_lines(
            run,
            "401 with credentials",
            FEW,
            &["-u", "bob", "-p", "x", "-s", &url],
        );
    });
}

#[test]
fn questions_are_answered_from_the_standard_input() {
    compare("confirmation in one shot", |run| {
        run.config("[program:p]\ncommand=/bin/cat\nstartsecs=0\n");
        run.start();
        let configuration = run.path("supervisord.conf").display().to_string();
        for (action, input) in [
            ("shutdown", ""),
            ("shutdown", "\n"),
            ("shutdown", "n\n"),
            ("shutdown", "no\n"),
            ("shutdown", " y\n"),
            ("reload", ""),
            ("reload", "n"),
            ("reload", "oyes\n"),
            ("reload x", "y\n"),
            ("version", "y\n"),
            ("shutdown", "Yes\n"),
        ] {
            let shot = Shot::new(run, &["-i", "-c", &configuration, action]).input(input);
            let ends = fire(run, &[shot]);
            run.note(&format!("$ -i {action}, given {input:?}"));
            note_end(run, &ends[0]);
        }
        run.wait_end();
    });
}
