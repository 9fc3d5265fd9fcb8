//! A server that is not to be trusted: what supervisorctl prints of its answers is text, one
//! line for each thing that it tells.

use super::support::pty::{CTRL_U, Pty, TAB};
use super::support::{
    Ctl, DEADLINE, Dir, Finished, Kind, answering_server, is_plain, is_plain_text, response,
    wait_until,
};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A name that ends a line, and a line that supervisorctl itself might have written behind it.
const FORGED: &str = "forged: started";

/// A name as a hostile server sends it. An answer with ESC in it is no XML; other characters do
/// what it does.
fn name() -> String {
    format!("a&#10;{FORGED}&#13;{FORGED}\u{9b}2J\u{202e}\u{2028}z")
}

fn assert_is_text(told: &str, what: &str) {
    assert!(is_plain_text(&told.replace('\n', "")), "{what}: {told:?}");
    let forged = told.lines().find(|line| line.starts_with(FORGED));
    assert_eq!(forged, None, "{what}: {told:?}");
}

fn member(name: &str, value: &str) -> String {
    format!("<member><name>{name}</name><value>{value}</value></member>")
}

fn text(text: &str) -> String {
    format!("<string>{text}</string>")
}

fn number(number: i64) -> String {
    format!("<int>{number}</int>")
}

/// An entry that has the members of every method's entries.
fn entry(status: i64, state: i64) -> String {
    let name = text(&name());
    let strings = ["group", "name", "statename", "description", "spawnerr"];
    let mut members: String = strings.iter().map(|key| member(key, &name)).collect();
    for (key, value) in [
        ("status", status),
        ("state", state),
        ("pid", 7),
        ("inuse", 0),
        ("autostart", 1),
        ("group_prio", 1),
        ("process_prio", 1),
    ] {
        members.push_str(&member(key, &number(value)));
    }
    members.push_str(&member("action", &text("stop")));
    format!("<value><struct>{members}</struct></value>")
}

fn array(items: &str) -> String {
    format!("<array><data>{items}</data></array>")
}

fn answer(value: &str) -> String {
    let body = format!(
        "<?xml version='1.0'?><methodResponse><params><param><value>{value}</value></param>\
         </params></methodResponse>"
    );
    response("200 OK", &body)
}

/// A server that gives the version to who asks for it, this value for everything else, and
/// a line of a log that is followed.
fn server(value: &str) -> u16 {
    let value = answer(value);
    answering_server(move |request| match request {
        "" => response("200 OK", "a line\n"),
        request if request.contains("getVersion") => answer(&text("3.0")),
        _ => value.clone(),
    })
}

fn run(port: u16, line: &str) -> Finished {
    let dir = Dir::new();
    let url = format!("http://127.0.0.1:{port}");
    let words: Vec<&str> = line.split(' ').collect();
    Ctl::with_options(Kind::Ours, &dir, &["-c", "", "-s", &url]).run(&words)
}

/// The same at a terminal.
fn terminal(dir: &Dir, port: u16, words: &[&str]) -> Pty {
    let mut command = Command::new(dir.bin().join("supervisorctl"));
    let url = format!("http://127.0.0.1:{port}");
    command.args(["-c", "", "-s", &url]).args(words);
    Pty::start(command.current_dir(dir.path()), 80, 24)
}

#[test]
fn what_a_server_called_a_process_looked_like_a_line_of_supervisorctl() {
    // FATAL; the codes of results are success, a bad name, a failure and no command.
    let states: String = [80, 10, 30, 20].map(|status| entry(status, 200)).concat();
    let results = server(&array(&states));
    for line in [
        "stop all",
        "start all",
        "restart all",
        "signal HUP all",
        "clear all",
        "healthcheck",
        "healthcheck *:*",
        "status",
        "status *:*",
        "status --json",
        "avail",
        "stop *:*",
        "start *:*",
        "tail *:*",
        "tail -f *:*",
        "tail -f a b c",
        "pid *:*",
    ] {
        let end = run(results, line);
        let told = format!("{}{}", end.stdout, end.stderr);
        assert_is_text(&told, line);
        // JSON has escapes of its own, and these have nothing to say of a process.
        let is_silent = ["pid *:*", "stop *:*", "tail *:*", "tail -f a b c"].contains(&line);
        let is_shown = told.contains("a\\x0aforged") || told.contains("a\\nforged");
        assert!(is_shown || is_silent, "{line}: {told:?}");
    }
    let names = array(&format!("<value>{}</value>", text(&name())));
    let names = format!("<value>{names}</value>").repeat(3);
    let changes = answer(&array(&format!("<value>{}</value>", array(&names))));
    let done = entry(80, 200).replace("<string>stop</string>", "<string>update</string>");
    let done = answer(&array(&done));
    let changes = answering_server(move |request| match request {
        request if request.contains("getVersion") => answer(&text("3.0")),
        request if request.contains("reloadConfig") => changes.clone(),
        _ => done.clone(),
    });
    for line in ["reread", "update"] {
        let end = run(changes, line);
        assert_is_text(&format!("{}{}", end.stdout, end.stderr), line);
        assert!(end.stdout.contains("a\\x0aforged"), "{line}: {end:?}");
    }
    // Its version is not ours.
    let version = answering_server(|_| answer(&text(&name())));
    let end = run(version, "version");
    assert_is_text(&end.stdout, "version");
    let end = run(version, "status");
    assert_is_text(&end.stdout, "status");
}

#[test]
fn what_a_server_said_of_dependencies_looked_like_a_line_of_supervisorctl() {
    let need = [("group", "db"), ("name", "db"), ("condition", "running")];
    let need: String = need.map(|(key, value)| member(key, &text(value))).concat();
    let need = format!(
        "<value><struct>{need}{}</struct></value>",
        member("optional", &number(0))
    );
    let row = [
        ("group", name()),
        ("name", name()),
        ("statename", "RUNNING".to_owned()),
    ];
    let row: String = row.map(|(key, value)| member(key, &text(&value))).concat();
    let row = format!("{row}{}", member("depends_on", &array(&need)));
    let dependencies = answer(&array(&format!("<value><struct>{row}</struct></value>")));
    let processes = answer(&array(&entry(80, 20)));
    let server = answering_server(move |request| match request {
        request if request.contains("getVersion") => answer(&text("3.0")),
        request if request.contains("getDependencies") => dependencies.clone(),
        request if request.contains("getAllProcessInfo") => processes.clone(),
        _ => answer("<boolean>1</boolean>"),
    });
    for line in ["graph", "stop db"] {
        let end = run(server, line);
        let told = format!("{}{}", end.stdout, end.stderr);
        assert_is_text(&told, line);
        assert!(told.contains("a\\x0aforged"), "{line}: {told:?}");
    }
}

/// The width of a column has an end where it is laid out, and blanks fill the memory.
#[test]
fn a_name_of_megabytes_ended_supervisorctl() {
    let named = |name: &str| entry(80, 200).replace(&self::name(), name);
    let long = "x".repeat(1 << 20);
    let entries: String = (0..100)
        .map(|number| named(&format!("short{number}")))
        .collect();
    let port = server(&array(&format!("{}{entries}", named(&long))));
    for line in ["status", "avail", "healthcheck", "stop all"] {
        let end = run(port, line);
        assert!(end.stdout.contains("short7"), "{line}: {}", end.stderr);
        assert!(end.stdout.len() < 16 << 20, "{line}");
        assert!(
            end.status.is_some_and(|status| status >= 0),
            "{line}: {:?}",
            end.status
        );
    }
}

#[test]
fn what_is_waited_for_acted_on_the_terminal() {
    let is_seen = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_seen);
    let entries = answer(&array(
        &[
            entry(80, 40),
            entry(80, 40).replace("<string>a", "<string>b"),
        ]
        .concat(),
    ));
    let port = answering_server(move |request| {
        if request.contains("stopAllProcesses") {
            wait_until(DEADLINE, || seen.load(Ordering::Relaxed));
        }
        match request.contains("getVersion") {
            true => answer(&text("3.0")),
            false => entries.clone(),
        }
    });
    let dir = Dir::new();
    let mut pty = terminal(&dir, port, &["stop", "all"]);
    let waits = || pty.written().contains("0 of 2 stopped, waiting for a");
    assert!(wait_until(DEADLINE, waits), "{:?}", pty.written());
    is_seen.store(true, Ordering::Relaxed);
    assert!(pty.wait(DEADLINE).is_some());
    // It draws over its own line.
    let written = pty.written().replace("\x1b[K", "").replace('\r', "");
    assert_is_text(&written, "stop all");
    assert!(!written.contains("\nforged"), "{written:?}");
}

#[test]
fn names_that_no_terminal_should_see_were_completed() {
    if is_plain() {
        return;
    }
    let plain = entry(80, 20);
    let named = |name: &str| plain.replace(&self::name(), name);
    let mut entries = vec![plain.clone(), named("\u{9b}2Jmean"), named("&#10;mean")];
    entries.push(named(&format!("long{}", "x".repeat(100_000))));
    entries.extend((0..300).map(|number| named(&format!("many{number}"))));
    entries.push(named("good"));
    let port = server(&array(&entries.concat()));
    let dir = Dir::new();
    let mut pty = terminal(&dir, port, &[]);
    pty.wait_row("supervisor>");
    // The table of status comes first, and shows them as text.
    let table = pty.written().len();
    for (keys, expected) in [
        (format!("stop go{TAB}x"), "supervisor> stop good x"),
        (format!("stop lo{TAB}x"), "supervisor> stop lox"),
        (format!("stop a{TAB}x"), "supervisor> stop all x"),
        (format!("remove a{TAB}x"), "supervisor> remove ax"),
    ] {
        pty.send(&format!("{CTRL_U}{keys}"));
        pty.wait_row(expected);
    }
    let written = &pty.written()[table..];
    for trace in ["forged", "mean", "longx"] {
        assert!(!written.contains(trace), "{trace}: {written:?}");
    }
}
