//! supervisorctl: against a server of canned answers, for every line and exit
//! status; and beside 4.3.0's, both talking to 4.3.0's daemon.

use super::support::original_home;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_supervisord");
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server says to a call.
#[derive(Clone)]
enum Answer {
    /// The inside of `<value>`.
    Value(String),
    Fault(i32, &'static str),
    /// A status other than 200.
    Status(&'static str),
    /// A response as it is; the connection is closed after it.
    Raw(&'static str),
}

/// A server that answers `method(parameter, …)` from a table, and `3.0` when
/// asked for the version. What the table lacks is a fault that no command maps.
struct Server {
    url: String,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answers: &[(&str, Answer)]) -> Server {
        let mut table: HashMap<String, Answer> = HashMap::new();
        table.insert("getVersion()".to_owned(), string("3.0"));
        for (call, answer) in answers {
            table.insert((*call).to_owned(), answer.clone());
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (table, heard) = (Arc::new(table), Arc::clone(&calls));
        // Both end with the test's process.
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (table, heard) = (Arc::clone(&table), Arc::clone(&heard));
                thread::spawn(move || serve(connection, &table, &heard));
            }
        });
        Server { url, calls }
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn run(&self, line: &str) -> Output {
        ctl(&["-c", "", "-s", &self.url, line], "")
    }
}

fn serve(connection: TcpStream, table: &HashMap<String, Answer>, heard: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut writer = connection;
    while let Some((head, body)) = read_request(&mut reader) {
        let authorization = head
            .lines()
            .find_map(|line| line.strip_prefix("Authorization: "));
        let call = match head.split(' ').nth(1) {
            Some("/RPC2") => call_of(&body),
            path => format!("GET {}", path.unwrap_or_default()),
        };
        heard.lock().unwrap().push(call.clone());
        let answer = match authorization {
            Some("Basic dTpw") if table.contains_key("wants u:p") => table.get(&call),
            _ if table.contains_key("wants u:p") => table.get("wants u:p"),
            _ => table.get(&call),
        };
        let response = match answer
            .cloned()
            .unwrap_or(Answer::Fault(2, "not in the table"))
        {
            Answer::Value(inner) => ok(&format!(
                "<params><param><value>{inner}</value></param></params>"
            )),
            Answer::Fault(code, text) => ok(&format!(
                "<fault><value><struct><member><name>faultCode</name><value><int>{code}</int></value>\
                 </member><member><name>faultString</name><value><string>{text}</string></value>\
                 </member></struct></value></fault>"
            )),
            Answer::Status(status) => format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"),
            Answer::Raw(raw) => {
                let _ = writer.write_all(raw.as_bytes());
                return;
            }
        };
        if writer.write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

fn ok(inner: &str) -> String {
    let body = format!("<?xml version='1.0'?>\n<methodResponse>\n{inner}\n</methodResponse>\n");
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

/// `method(first, second)`, without the namespace.
fn call_of(body: &str) -> String {
    let between = |text: &str, open: &str, close: &str| -> Option<String> {
        let (_, rest) = text.split_once(open)?;
        Some(rest.split_once(close)?.0.to_owned())
    };
    let method = between(body, "<methodName>supervisor.", "</methodName>").unwrap();
    let parameters: Vec<String> = body
        .split("<value>")
        .skip(1)
        .filter_map(|value| between(value, ">", "<"))
        .collect();
    format!("{method}({})", parameters.join(", "))
}

fn string(text: &str) -> Answer {
    Answer::Value(format!("<string>{text}</string>"))
}

fn yes() -> Answer {
    Answer::Value("<boolean>1</boolean>".to_owned())
}

fn structure(members: &[(&str, &str)]) -> String {
    let member = |(name, value): &(&str, &str)| {
        let kind = if value.parse::<i64>().is_ok() {
            "int"
        } else {
            "string"
        };
        format!("<member><name>{name}</name><value><{kind}>{value}</{kind}></value></member>")
    };
    let members: String = members.iter().map(member).collect();
    format!("<struct>{members}</struct>")
}

fn array(items: &[String]) -> String {
    let items: String = items
        .iter()
        .map(|item| format!("<value>{item}</value>"))
        .collect();
    format!("<array><data>{items}</data></array>")
}

fn names(names: &[&str]) -> String {
    let texts: Vec<String> = names
        .iter()
        .map(|name| format!("<string>{name}</string>"))
        .collect();
    array(&texts)
}

/// What `reloadConfig` returns.
fn changes(added: &[&str], changed: &[&str], removed: &[&str]) -> Answer {
    Answer::Value(array(&[array(&[
        names(added),
        names(changed),
        names(removed),
    ])]))
}

fn process(group: &str, name: &str, state: &str, statename: &str, description: &str) -> String {
    let pid = if statename == "RUNNING" { "17" } else { "0" };
    structure(&[
        ("group", group),
        ("name", name),
        ("state", state),
        ("statename", statename),
        ("description", description),
        ("pid", pid),
    ])
}

fn result(group: &str, name: &str, status: &str) -> String {
    structure(&[
        ("group", group),
        ("name", name),
        ("status", status),
        ("description", "FAILED: so it is"),
    ])
}

fn processes() -> Answer {
    Answer::Value(array(&[
        process("cat", "cat", "20", "RUNNING", "pid 17, uptime 0:00:23"),
        process("grp", "m1", "10", "STARTING", ""),
        process("grp", "m2", "0", "STOPPED", "Not started"),
        process("mid", "mid", "30", "BACKOFF", "why"),
    ]))
}

/// Runs the program under its name, without a configuration file to be found.
fn ctl(words: &[&str], input: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(BINARY, &program).unwrap();
    run_with_input(
        Command::new(program)
            .args(words)
            .current_dir(directory.path()),
        input,
    )
}

fn run_with_input(command: &mut Command, input: &str) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs each line and compares what it prints, and its exit status.
fn check(server: &Server, cases: &[(&str, &str, i32)]) {
    for (line, expected, status) in cases {
        let output = server.run(line);
        assert_eq!(text(&output.stdout), *expected, "{line}");
        assert_eq!(output.status.code(), Some(*status), "{line}");
        assert_eq!(text(&output.stderr), "", "{line}");
    }
}

/// The first line alone: the help that follows is free in its words.
fn check_refused(server: &Server, cases: &[(&str, &str, i32)]) {
    for (line, expected, status) in cases {
        let output = server.run(line);
        let stdout = text(&output.stdout);
        let (message, help) = stdout.split_once('\n').unwrap();
        let word = line.split(' ').next().unwrap();
        assert_eq!(message, *expected, "{line}");
        assert!(help.starts_with(word), "{line}: {help}");
        assert_eq!(output.status.code(), Some(*status), "{line}");
    }
}

#[test]
fn status_prints_a_table_and_tells_what_is_down() {
    let server = Server::start(&[("getAllProcessInfo()", processes())]);
    let cat = "cat                              RUNNING   pid 17, uptime 0:00:23\n";
    let m1 = "grp:m1                           STARTING  \n";
    let m2 = "grp:m2                           STOPPED   Not started\n";
    let mid = "mid                              BACKOFF   why\n";
    check(
        &server,
        &[
            ("status", &format!("{cat}{m1}{m2}{mid}"), 3),
            ("status nosuch all", &format!("{cat}{m1}{m2}{mid}"), 3),
            ("status cat grp:m1 mid", &format!("{cat}{m1}{mid}"), 0),
            ("status grp:* cat cat", &format!("{m1}{m2}{cat}{cat}"), 3),
            ("status grp", "grp: ERROR (no such process)\n", 4),
            ("status x:*", "x: ERROR (no such group)\n", 4),
            (
                "status cat nosuch grp:m2 g:x",
                &format!(
                    "nosuch: ERROR (no such process)\ng:x: ERROR (no such process)\n{cat}{m2}"
                ),
                3,
            ),
        ],
    );
    let empty = Server::start(&[("getAllProcessInfo()", Answer::Value(array(&[])))]);
    check(&empty, &[("status", "", 0)]);
}

#[test]
fn start_reports_each_name_and_the_last_hard_failure_decides() {
    let server = Server::start(&[
        ("startProcess(good)", yes()),
        ("startProcess(g:good)", yes()),
        ("startProcess(good:good)", yes()),
        ("startProcess(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("startProcess(nofile)", Answer::Fault(20, "NO_FILE")),
        ("startProcess(noexec)", Answer::Fault(21, "NOT_EXECUTABLE")),
        ("startProcess(crasher)", Answer::Fault(50, "SPAWN_ERROR")),
        (
            "startProcess(stopping)",
            Answer::Fault(40, "ABNORMAL_TERMINATION"),
        ),
        ("startProcess(up)", Answer::Fault(60, "ALREADY_STARTED")),
        ("startProcess(odd)", Answer::Fault(30, "FAILED")),
        (
            "startProcessGroup(g)",
            Answer::Value(array(&[result("g", "b", "80"), result("g", "a", "50")])),
        ),
        ("startProcessGroup(up)", Answer::Value(array(&[]))),
        ("startProcessGroup(nog)", Answer::Fault(10, "BAD_NAME: nog")),
        (
            "startProcessGroup(down)",
            Answer::Fault(6, "SHUTDOWN_STATE"),
        ),
        (
            "startAllProcesses()",
            Answer::Value(array(&[result("x", "x", "80")])),
        ),
    ]);
    let odd = "error: <class 'ValueError'>, Unknown result code 30 for odd\n";
    let down = "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>\n";
    check(
        &server,
        &[
            ("start good", "good: started\n", 0),
            (
                "start g:good good:good",
                "g:good: started\ngood: started\n",
                0,
            ),
            ("start up", "up: ERROR (already started)\n", 0),
            ("start nosuch", "nosuch: ERROR (no such process)\n", 1),
            ("start nofile", "nofile: ERROR (no such file)\n", 1),
            (
                "start noexec",
                "noexec: ERROR (file is not executable)\n",
                1,
            ),
            ("start crasher", "crasher: ERROR (spawn error)\n", 7),
            (
                "start stopping",
                "stopping: ERROR (abnormal termination)\n",
                7,
            ),
            (
                "start nosuch crasher",
                "nosuch: ERROR (no such process)\ncrasher: ERROR (spawn error)\n",
                7,
            ),
            (
                "start crasher nosuch",
                "crasher: ERROR (spawn error)\nnosuch: ERROR (no such process)\n",
                1,
            ),
            (
                "start nosuch good up",
                "nosuch: ERROR (no such process)\ngood: started\nup: ERROR (already started)\n",
                1,
            ),
            ("start odd good", odd, 1),
            ("start g:*", "g:b: started\ng:a: ERROR (spawn error)\n", 7),
            ("start up:", "", 0),
            ("start nog:*", "nog: ERROR (no such group)\n", 2),
            ("start down:*", down, 1),
            ("start nosuch all", "x: started\n", 0),
        ],
    );
    check_refused(
        &server,
        &[("start", "Error: start requires a process name", 2)],
    );
}

#[test]
fn stop_restart_and_signal_have_their_own_rules() {
    let server = Server::start(&[
        ("stopProcess(good)", yes()),
        ("stopProcess(down)", Answer::Fault(70, "NOT_RUNNING")),
        ("stopProcess(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("stopProcess(stuck)", Answer::Fault(30, "FAILED: nope")),
        (
            "stopProcessGroup(g)",
            Answer::Value(array(&[result("g", "a", "30"), result("g", "b", "80")])),
        ),
        ("stopProcessGroup(nog)", Answer::Fault(10, "BAD_NAME")),
        (
            "stopAllProcesses()",
            Answer::Value(array(&[result("x", "x", "80")])),
        ),
        ("startProcess(good)", yes()),
        ("startProcess(down)", yes()),
        ("startProcess(stuck)", yes()),
        ("startProcess(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("startProcessGroup(nog)", Answer::Fault(10, "BAD_NAME")),
        ("signalProcess(good, HUP)", yes()),
        ("signalProcess(good, BAD)", Answer::Fault(11, "BAD_SIGNAL")),
        ("signalProcess(down, HUP)", Answer::Fault(70, "NOT_RUNNING")),
        ("signalProcess(nosuch, HUP)", Answer::Fault(10, "BAD_NAME")),
        (
            "signalProcessGroup(nog, HUP)",
            Answer::Fault(10, "BAD_NAME"),
        ),
        (
            "signalAllProcesses(all)",
            Answer::Value(array(&[result("x", "x", "11")])),
        ),
    ]);
    check(
        &server,
        &[
            ("stop good", "good: stopped\n", 0),
            ("stop down", "down: ERROR (not running)\n", 0),
            ("stop nosuch", "nosuch: ERROR (no such process)\n", 1),
            ("stop stuck", "FAILED: nope\n", 1),
            ("stop g:*", "FAILED: so it is\ng:b: stopped\n", 1),
            ("stop nog:*", "nog: ERROR (no such group)\n", 1),
            ("stop all", "x: stopped\n", 0),
            (
                "restart good down",
                "good: stopped\ndown: ERROR (not running)\ngood: started\ndown: started\n",
                0,
            ),
            ("restart stuck", "FAILED: nope\nstuck: started\n", 1),
            (
                "restart nosuch",
                &"nosuch: ERROR (no such process)\n".repeat(2),
                1,
            ),
            (
                "restart nog:*",
                &"nog: ERROR (no such group)\n".repeat(2),
                2,
            ),
            ("signal HUP good", "good: signalled\n", 0),
            ("signal BAD good", "good: ERROR (bad signal name)\n", 1),
            ("signal HUP down", "down: ERROR (not running)\n", 7),
            (
                "signal HUP nosuch down",
                "nosuch: ERROR (no such process)\ndown: ERROR (not running)\n",
                7,
            ),
            ("signal HUP nog:*", "nog: ERROR (no such group)\n", 1),
            ("signal all all", "x: ERROR (bad signal name)\n", 1),
        ],
    );
    let signal = "Error: signal requires a signal name and a process name";
    check_refused(
        &server,
        &[
            ("stop", "Error: stop requires a process name", 1),
            ("restart", "Error: restart requires a process name", 1),
            ("signal", signal, 1),
            ("signal HUP", signal, 1),
        ],
    );
}

#[test]
fn pid_and_version_ask_the_server() {
    let server = Server::start(&[
        ("getPID()", Answer::Value("<int>4242</int>".to_owned())),
        ("getAllProcessInfo()", processes()),
        (
            "getProcessInfo(cat)",
            Answer::Value(process("cat", "cat", "20", "RUNNING", "")),
        ),
        (
            "getProcessInfo(idle)",
            Answer::Value(process("idle", "idle", "0", "STOPPED", "")),
        ),
        ("getProcessInfo(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("getProcessInfo(g:*)", Answer::Fault(10, "BAD_NAME")),
        ("getSupervisorVersion()", string("4.3.0")),
    ]);
    check(
        &server,
        &[
            ("pid", "4242\n", 0),
            ("pid cat all", "17\n0\n0\n0\n", 0),
            ("pid cat", "17\n", 0),
            ("pid idle nosuch", "0\nNo such process nosuch\n", 1),
            ("pid nosuch idle", "No such process nosuch\n0\n", 7),
            ("pid g:*", "No such process g:*\n", 1),
            ("version", "4.3.0\n", 0),
        ],
    );
    check_refused(
        &server,
        &[("version x", "Error: version accepts no arguments", 1)],
    );
}

#[test]
fn reread_update_add_remove_and_avail_speak_of_groups() {
    let stopped = || Answer::Value(array(&[result("g", "g", "80")]));
    let server = Server::start(&[
        (
            "reloadConfig()",
            changes(&["new", "also"], &["chg"], &["old", "stuck"]),
        ),
        (
            "getAllProcessInfo()",
            Answer::Value(array(&[
                process("cat", "cat", "20", "RUNNING", ""),
                process("old", "p", "0", "STOPPED", ""),
            ])),
        ),
        ("stopProcessGroup(old)", stopped()),
        (
            "stopProcessGroup(chg)",
            Answer::Value(array(&[result("chg", "chg", "30")])),
        ),
        (
            "stopProcessGroup(stuck)",
            Answer::Value(array(&[result("stuck", "stuck", "30")])),
        ),
        ("removeProcessGroup(old)", yes()),
        ("removeProcessGroup(chg)", yes()),
        (
            "removeProcessGroup(busy)",
            Answer::Fault(91, "STILL_RUNNING"),
        ),
        ("removeProcessGroup(nosuch)", Answer::Fault(10, "BAD_NAME")),
        (
            "removeProcessGroup(late)",
            Answer::Fault(6, "SHUTDOWN_STATE"),
        ),
        ("addProcessGroup(chg)", yes()),
        ("addProcessGroup(new)", yes()),
        ("addProcessGroup(also)", yes()),
        ("addProcessGroup(there)", Answer::Fault(90, "ALREADY_ADDED")),
        ("addProcessGroup(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("addProcessGroup(late)", Answer::Fault(6, "SHUTDOWN_STATE")),
        (
            "getAllConfigInfo()",
            Answer::Value(array(&[structure(&[
                ("group", "grp"),
                ("name", "m1"),
                ("inuse", "1"),
                ("autostart", "0"),
                ("group_prio", "999"),
                ("process_prio", "-1"),
            ])])),
        ),
    ]);
    let all = "old: stopped\nold: removed process group\n\
               stuck: stopped\nstuck: has problems; not removing\n\
               chg: stopped\nchg: updated process group\n\
               new: added process group\nalso: added process group\n";
    check(
        &server,
        &[
            (
                "reread",
                "also: available\nchg: changed\nnew: available\nold: disappeared\nstuck: disappeared\n",
                0,
            ),
            ("update", all, 1),
            ("update new all", all, 1),
            (
                "update also old",
                "old: stopped\nold: removed process group\nalso: added process group\n",
                0,
            ),
            (
                "update nosuch cat new nosuch",
                "ERROR: no such group: nosuch\nnew: added process group\n",
                1,
            ),
            (
                "add new nosuch",
                "new: added process group\nERROR: no such process/group: nosuch\n",
                1,
            ),
            ("add there", "ERROR: process group already active\n", 0),
            (
                "add late new",
                "ERROR: shutting down\nnew: added process group\n",
                1,
            ),
            ("add", "", 0),
            (
                "remove old busy",
                "old: removed process group\nERROR: process/group still running: busy\n",
                1,
            ),
            ("remove nosuch", "ERROR: no such process/group: nosuch\n", 1),
            (
                "remove late old",
                "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>\n",
                1,
            ),
            ("remove", "", 0),
            (
                "avail",
                "grp:m1                           in use    manual    999:-1\n",
                0,
            ),
        ],
    );
    check_refused(
        &server,
        &[
            ("reread x", "Error: reread accepts no arguments", 1),
            ("avail x", "Error: avail accepts no arguments", 1),
        ],
    );

    let quiet = Server::start(&[("reloadConfig()", changes(&[], &[], &[]))]);
    check(
        &quiet,
        &[
            ("reread", "No config updates to processes\n", 0),
            ("update", "", 0),
        ],
    );
    let broken = Server::start(&[("reloadConfig()", Answer::Fault(92, "CANT_REREAD: it's bad"))]);
    check(
        &broken,
        &[
            ("reread", "ERROR: CANT_REREAD: it's bad\n", 1),
            (
                "update",
                "error: <class 'xmlrpc.client.Fault'>, <Fault 92: \"CANT_REREAD: it's bad\">\n",
                1,
            ),
        ],
    );
    let down = Answer::Fault(6, "SHUTDOWN_STATE");
    let down = Server::start(&[
        ("reloadConfig()", down.clone()),
        ("getAllConfigInfo()", down),
    ]);
    check(
        &down,
        &[
            ("reread", "ERROR: supervisor shutting down\n", 1),
            ("update", "ERROR: already shutting down\n", 1),
            ("avail", "ERROR: supervisor shutting down\n", 1),
        ],
    );
}

#[test]
fn logs_are_read_and_cleared() {
    let server = Server::start(&[
        ("readProcessStdoutLog(web, -1600, 0)", string("a\nb\n")),
        ("readProcessStdoutLog(web, -5, 0)", string("five")),
        ("readProcessStdoutLog(web, 20, 0)", string("")),
        ("readProcessStderrLog(web, -1600, 0)", string("err")),
        (
            "readProcessStdoutLog(nosuch, -1600, 0)",
            Answer::Fault(10, "BAD_NAME"),
        ),
        (
            "readProcessStdoutLog(nolog, -1600, 0)",
            Answer::Fault(20, "NO_FILE"),
        ),
        (
            "readProcessStdoutLog(bad, -1600, 0)",
            Answer::Fault(30, "FAILED"),
        ),
        ("readLog(-1600, 0)", string("main")),
        ("readLog(0, 0)", Answer::Fault(20, "NO_FILE")),
        ("readLog(-7, 0)", Answer::Fault(30, "FAILED")),
        ("readLog(-8, 0)", Answer::Fault(10, "BAD_NAME")),
        ("clearProcessLogs(web)", yes()),
        ("clearProcessLogs(nosuch)", Answer::Fault(10, "BAD_NAME")),
        ("clearProcessLogs(g:*)", Answer::Fault(10, "BAD_NAME")),
        ("clearProcessLogs(bad)", Answer::Fault(30, "FAILED")),
        (
            "clearAllProcessLogs()",
            Answer::Value(array(&[result("g", "a", "80"), result("b", "b", "30")])),
        ),
    ]);
    check(
        &server,
        &[
            ("tail web", "a\nb\n\n", 0),
            ("tail -5 web", "five\n", 0),
            ("tail --20 web", "\n", 0),
            ("tail web STDERR", "err\n", 0),
            ("tail web junk stderr", "err\n", 0),
            ("tail nosuch", "nosuch: ERROR (no such process name)\n", 1),
            ("tail nolog", "nolog: ERROR (no log file)\n", 1),
            ("tail bad", "bad: ERROR (unknown error reading log)\n", 1),
            ("tail -5", "Error: tail requires process name\n", 1),
            ("tail web -20", "Error: bad channel '-20'\n", 1),
            ("tail web it's", "Error: bad channel \"it's\"\n", 1),
            ("tail -x web", "Error: bad argument -x\n", 1),
            ("tail -F web", "Error: bad argument -F\n", 1),
            (
                "tail -3000000000 web",
                "error: <class 'OverflowError'>, int exceeds XML-RPC limits\n",
                1,
            ),
            ("maintail", "main\n", 0),
            ("maintail -0", "supervisord: ERROR (no log file)\n", 1),
            (
                "maintail -7",
                "supervisord: ERROR (unknown error reading log)\n",
                1,
            ),
            (
                "maintail -8",
                "error: <class 'xmlrpc.client.Fault'>, <Fault 10: 'BAD_NAME'>\n",
                1,
            ),
            ("maintail 5", "Error: bad argument 5\n", 1),
            (
                "clear web nosuch",
                "web: cleared\nnosuch: ERROR (no such process)\n",
                1,
            ),
            ("clear bad", "bad: ERROR (failed)\n", 1),
            ("clear g:*", "g:*: ERROR (no such process)\n", 1),
            ("clear web all", "g:a: cleared\nb: ERROR (failed)\n", 1),
        ],
    );
    check_refused(
        &server,
        &[
            ("tail", "Error: too few arguments", 1),
            ("tail -f a b c", "Error: too many arguments", 1),
            ("maintail -f x", "Error: too many arguments", 1),
            ("clear", "Error: clear requires a process name", 1),
        ],
    );
}

#[test]
fn a_followed_log_passes_through_and_never_fails() {
    let stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                  3\r\na\nb\r\n4;x=y\r\nc \u{e9}\r\n0\r\n\r\n";
    let server = Server::start(&[
        ("GET /logtail/g:web/stderr", Answer::Raw(stream)),
        (
            "GET /mainlogtail",
            Answer::Raw("HTTP/1.0 200 OK\r\n\r\nmain log\n"),
        ),
        (
            "GET /logtail/nosuch/stdout",
            Answer::Status("404 Not Found"),
        ),
        ("GET /logtail/odd/stdout", Answer::Raw("odd\r\n\r\n")),
    ]);
    let start = "==> Press Ctrl-C to exit <==\n";
    check(
        &server,
        &[
            ("tail -f g:web stderr", &format!("{start}a\nbc \u{e9}"), 0),
            ("maintail -f", &format!("{start}main log\n"), 0),
        ],
    );
    let output = server.run("tail -f nosuch");
    let expected = format!(
        "{}/logtail/nosuch/stdout Cannot read, status code 404\n",
        server.url
    );
    assert_eq!(text(&output.stdout), start);
    assert_eq!(text(&output.stderr), expected);
    assert_eq!(output.status.code(), Some(0));
    let output = server.run("tail -f odd");
    assert!(text(&output.stderr).contains("/logtail/odd/stdout Cannot connect, error: "));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn ctrl_c_ends_a_followed_log_with_a_newline_and_success() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let table = HashMap::from([("getVersion()".to_owned(), string("3.0"))]);
        let heard = Mutex::new(Vec::new());
        serve(listener.accept().unwrap().0, &table, &heard);
        let mut stream = listener.accept().unwrap().0;
        let _ = read_request(&mut BufReader::new(stream.try_clone().unwrap()));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhere\n").unwrap();
        // Open until the other side closes.
        let _ = stream.read(&mut [0]);
    });
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(BINARY, &program).unwrap();
    let mut child = Command::new(program)
        .args(["-c", "", "-s", &url, "maintail", "-f"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    output.read_line(&mut lines).unwrap();
    output.read_line(&mut lines).unwrap();
    assert!(lines.ends_with("here\n"), "{lines}");
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_server_may_not_be_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let missing = "unix:///nonexistent/supervisor.sock".to_owned();
    let error = "error: <class 'ConnectionRefusedError'>, [Errno 111] Connection refused\n";
    for (url, line, expected, status) in [
        (
            &refused,
            "status",
            format!("{refused} refused connection\n"),
            4,
        ),
        (
            &refused,
            "start",
            format!("{refused} refused connection\n"),
            4,
        ),
        (
            &refused,
            "tail x",
            format!("{refused} refused connection\n"),
            4,
        ),
        (
            &refused,
            "open http://127.0.0.1:1",
            "http://127.0.0.1:1 refused connection\n".to_owned(),
            0,
        ),
        (&refused, "avail", error.to_owned(), 1),
        (&refused, "update", error.to_owned(), 1),
        (
            &refused,
            "shutdown",
            format!("ERROR: {refused} refused connection (already shut down?)\n"),
            1,
        ),
        (&refused, "add", String::new(), 0),
        (&missing, "status", format!("{missing} no such file\n"), 4),
        (&missing, "pid", format!("{missing} no such file\n"), 7),
        (
            &missing,
            "restart x",
            format!("{missing} no such file\n"),
            7,
        ),
        (
            &missing,
            "shutdown",
            format!("ERROR: {missing} no such file (already shut down?)\n"),
            1,
        ),
        (
            &missing,
            "reread",
            "error: <class 'FileNotFoundError'>, [Errno 2] No such file or directory\n".to_owned(),
            1,
        ),
        (
            &"https://x".to_owned(),
            "status",
            "error: <class 'ValueError'>, Unknown protocol for serverurl https://x\n".to_owned(),
            1,
        ),
    ] {
        let output = ctl(&["-c", "", "-s", url, line], "");
        assert_eq!(text(&output.stdout), expected, "{url} {line}");
        assert_eq!(output.status.code(), Some(status), "{url} {line}");
    }
}

#[test]
fn the_server_may_be_another_one() {
    for (answer, words, status, exit_status) in [
        (
            string("2.0"),
            "API version 3.0, but the remote version is 2.0.",
            4,
            5,
        ),
        (
            Answer::Fault(1, "UNKNOWN_METHOD"),
            "[rpcinterface:supervisor]",
            4,
            3,
        ),
        (
            Answer::Fault(6, "SHUTDOWN_STATE"),
            "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>",
            1,
            1,
        ),
        (
            Answer::Status("500 Internal Server Error"),
            "<ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error>",
            1,
            1,
        ),
        (
            Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
            "error: <class 'xml.parsers.expat.ExpatError'>, syntax error: line 1, column 0",
            1,
            1,
        ),
        (
            Answer::Raw(""),
            "error: <class 'http.client.RemoteDisconnected'>, Remote end closed connection without response",
            1,
            1,
        ),
        (
            Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"),
            "IncompleteRead",
            1,
            1,
        ),
    ] {
        let server = Server::start(&[("getVersion()", answer)]);
        for (line, expected) in [("status", status), ("pid", exit_status)] {
            let output = server.run(line);
            assert!(text(&output.stdout).contains(words), "{output:?}");
            assert_eq!(output.status.code(), Some(expected), "{words} {line}");
        }
    }
}

#[test]
fn lines_need_no_quotes_and_know_no_others() {
    let server = Server::start(&[("getPID()", Answer::Value("<int>1</int>".to_owned()))]);
    check(
        &server,
        &[
            ("", "", 0),
            ("  ", "", 0),
            (" pid ", "1\n", 0),
            ("PID", "*** Unknown syntax: PID\n", 1),
            ("!ls", "*** Unknown syntax: !ls\n", 1),
            ("fg x", "*** Unknown syntax: fg x\n", 1),
            ("quit now", "\n", 0),
            ("exit", "\n", 0),
            ("EOF", "\n", 0),
            ("help nosuch", "*** No help on nosuch\n", 0),
            ("help start stop", "*** No help on start stop\n", 0),
            ("open ftp://x", "ERROR: url must be http:// or unix://\n", 1),
        ],
    );
    let output = ctl(&["-c", "", "-s", &server.url, "help", "pid"], "");
    assert!(text(&output.stdout).starts_with("pid\t"), "{output:?}");
    let output = server.run("?pid");
    assert!(text(&output.stdout).starts_with("pid\t"), "{output:?}");
}

#[test]
fn the_daemon_is_restarted_and_shut_down_after_a_yes() {
    let server = Server::start(&[("restart()", yes()), ("shutdown()", yes())]);
    check(
        &server,
        &[
            ("reload", "Restarted supervisord\n", 0),
            ("shutdown", "Shut down\n", 0),
        ],
    );
    check_refused(
        &server,
        &[
            ("reload x", "Error: reload accepts no arguments", 1),
            ("shutdown x", "Error: shutdown accepts no arguments", 1),
        ],
    );
    let reload = "Really restart the remote supervisord process y/N? ";
    let shutdown = "Really shut the remote supervisord process down y/N? ";
    for (line, input, expected, status) in [
        (
            "reload",
            "yes\n",
            format!("{reload}Restarted supervisord\n"),
            0,
        ),
        ("reload", "\n", reload.to_owned(), 0),
        ("shutdown", "Y\n", format!("{shutdown}Shut down\n"), 0),
        ("shutdown", "no\n", shutdown.to_owned(), 0),
        (
            "shutdown",
            "",
            format!("{shutdown}error: <class 'EOFError'>, EOF when reading a line\n"),
            1,
        ),
    ] {
        let output = ctl(&["-c", "", "-i", "-s", &server.url, line], input);
        assert_eq!(text(&output.stdout), expected, "{line} {input:?}");
        assert_eq!(output.status.code(), Some(status), "{line} {input:?}");
    }

    let down = Answer::Fault(6, "SHUTDOWN_STATE");
    let down = Server::start(&[("restart()", down.clone()), ("shutdown()", down)]);
    check(
        &down,
        &[
            ("reload", "ERROR: already shutting down\n", 1),
            ("shutdown", "ERROR: already shutting down\n", 0),
        ],
    );
}

#[test]
fn credentials_are_sent_or_asked_for() {
    let server = Server::start(&[
        ("wants u:p", Answer::Status("401 Unauthorized")),
        ("getPID()", Answer::Value("<int>1</int>".to_owned())),
        ("getAllProcessInfo()", Answer::Value(array(&[]))),
    ]);
    let wanted = "Server requires authentication\n";
    let error = "error: <class 'xmlrpc.client.ProtocolError'>, \
                 <ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>\n";
    check(
        &server,
        &[
            ("pid", &format!("{wanted}{error}"), 1),
            ("status", &format!("{wanted}{error}"), 1),
        ],
    );
    let output = ctl(
        &["-c", "", "-s", &server.url, "-u", "u", "-p", "p", "pid"],
        "",
    );
    assert_eq!(text(&output.stdout), "1\n");
    let output = ctl(&["-c", "", "-s", &server.url, "-p", "p", "pid"], "");
    assert_eq!(output.status.code(), Some(1));

    // Without a controlling terminal the password comes from the input too.
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(BINARY, &program).unwrap();
    let mut command = Command::new("setsid");
    command
        .args(["-w", program.to_str().unwrap(), "-c", "", "-i", "-s"])
        .args([&server.url, "pid"]);
    let output = run_with_input(&mut command, "x\ny\nu\np\n");
    let question = format!("{wanted}Username:\n");
    assert_eq!(text(&output.stdout), format!("{question}{question}1\n"));
    assert_eq!(text(&output.stderr), "Password:".repeat(2));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn lines_are_read_from_a_pipe_after_the_status() {
    let server = Server::start(&[
        ("getAllProcessInfo()", Answer::Value(array(&[]))),
        ("getPID()", Answer::Value("<int>1</int>".to_owned())),
        ("shutdown()", yes()),
    ]);
    let prompt = "supervisor> ";
    let sure = "Really shut the remote supervisord process down y/N? ";
    for (input, expected) in [
        ("pid\n", format!("{prompt}1\n{prompt}\n")),
        ("\n\npid", format!("{prompt}{prompt}{prompt}1\n{prompt}\n")),
        (
            "nonsense\nquit\npid\n",
            format!("{prompt}*** Unknown syntax: nonsense\n{prompt}\n"),
        ),
        (
            "shutdown\ny\n",
            format!("{prompt}{sure}Shut down\n{prompt}\n"),
        ),
        ("", format!("{prompt}\n")),
    ] {
        let output = ctl(&["-c", "", "-s", &server.url], input);
        assert_eq!(text(&output.stdout), expected, "{input:?}");
        assert_eq!(output.status.code(), Some(0), "{input:?}");
    }
    let calls = server.calls();
    assert_eq!(calls[..2], ["getVersion()", "getAllProcessInfo()"]);
}

#[test]
fn every_command_is_in_the_help_and_in_the_manual() {
    let server = Server::start(&[]);
    let help = text(&server.run("help").stdout);
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/supervisorctl.8");
    let manual = fs::read_to_string(manual).unwrap();
    let words = "add avail clear exit maintail open pid quit reload remove reread restart \
                 shutdown signal start status stop tail update version";
    for word in words.split_whitespace() {
        assert!(
            help.split_whitespace().any(|listed| listed == word),
            "{word}"
        );
        let topic = text(&server.run(&format!("help {word}")).stdout);
        assert!(topic.starts_with(word), "{topic}");
        let item = format!(".It Cm {word}");
        let is_described = manual
            .lines()
            .any(|line| line == item || line.starts_with(&format!("{item} ")));
        assert!(is_described, "{word}");
    }
}

#[test]
fn the_configuration_file_says_which_server_and_the_command_line_beats_it() {
    let server = Server::start(&[
        ("wants u:p", Answer::Status("401 Unauthorized")),
        ("getPID()", Answer::Value("<int>1</int>".to_owned())),
        ("getAllProcessInfo()", Answer::Value(array(&[]))),
    ]);
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(BINARY, &program).unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new(&program);
        run_with_input(command.args(words).current_dir(directory.path()), "")
    };
    let section = format!(
        "[supervisorctl]\nserverurl={}\nusername=u\npassword=p\nprompt=mine\n",
        server.url
    );
    fs::write(directory.path().join("supervisord.conf"), &section).unwrap();
    assert_eq!(text(&run(&["pid"]).stdout), "1\n");
    assert_eq!(text(&run(&[]).stdout), "mine> \n");
    assert_eq!(run(&["-p", "other", "pid"]).status.code(), Some(1));
    assert_eq!(text(&run(&["-s", &server.url, "pid"]).stdout), "1\n");

    let missing = "could not find config file nosuch.conf";
    let incomplete = ".ini file does not include supervisorctl section";
    fs::write(directory.path().join("other.conf"), "[supervisord]\n").unwrap();
    for (file, message) in [("nosuch.conf", missing), ("other.conf", incomplete)] {
        let output = run(&["-c", file, "-s", &server.url, "pid"]);
        let expected = format!("Error: {message}\nFor help, use {} -h\n", program.display());
        assert_eq!(text(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(2));
    }

    let plugin = "[ctlplugin:x]\nsupervisor.ctl_factory=a:b\n";
    fs::write(directory.path().join("supervisord.conf"), section + plugin).unwrap();
    assert_eq!(text(&run(&["pid"]).stderr), "");
    let output = run(&[]);
    assert!(
        text(&output.stderr).starts_with("Warning: [ctlplugin:x]"),
        "{output:?}"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_closed_output_ends_the_program_quietly() {
    let long = "x".repeat(70_000);
    let server = Server::start(&[("readLog(0, 0)", string(&long))]);
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(BINARY, &program).unwrap();
    let script = format!(
        "{} -c '' -s {} maintail -0 | :",
        program.display(),
        server.url
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(text(&output.stderr), "");
}

/// 4.3.0's daemon, in a directory of its own.
struct Daemon {
    directory: tempfile::TempDir,
    child: Child,
}

impl Daemon {
    fn start(home: &Path) -> Daemon {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path().to_str().unwrap();
        let configuration = format!(
            "[unix_http_server]\nfile={here}/s.sock\n\
             [supervisord]\nlogfile={here}/sd.log\npidfile={here}/sd.pid\nchildlogdir={here}\n\
             [rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
             [supervisorctl]\nserverurl=unix://{here}/s.sock\n\
             [program:cat]\ncommand=/bin/cat\nstartsecs=0\n\
             [program:idle]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n\
             [program:nofile]\ncommand=/nonexistent/x\nautostart=false\nstartretries=0\n\
             [program:w]\ncommand=/bin/sh -c \"echo hello; echo err >&2; exec cat\"\n\
             process_name=%(program_name)s%(process_num)d\nnumprocs=2\nstartsecs=0\n"
        );
        fs::write(directory.path().join("s.conf"), configuration).unwrap();
        let child = Command::new(home.join("bin/supervisord"))
            .args(["-n", "-s", "-c", "s.conf"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Daemon { directory, child };
        let deadline = Instant::now() + PATIENCE;
        while !daemon.is_ready() {
            assert!(Instant::now() < deadline, "4.3.0 does not come up");
            thread::yield_now();
        }
        daemon
    }

    /// All that starts by itself has started and has written its line.
    fn is_ready(&self) -> bool {
        let logged = fs::read_dir(self.directory.path())
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with('w'))
            .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.len() > 0))
            .count();
        self.directory.path().join("s.sock").exists() && logged == 4
    }

    /// What a client prints, with the numbers that differ from run to run
    /// taken out.
    fn run(&self, program: &Path, words: &[&str]) -> (String, Option<i32>) {
        let mut command = Command::new(program);
        command.args(["-c", "s.conf"]).args(words);
        let output = run_with_input(command.current_dir(self.directory.path()), "");
        let here = self.directory.path().to_str().unwrap();
        let stdout = text(&output.stdout).replace(here, "HERE");
        let lines: Vec<String> = stdout.split('\n').map(normalized).collect();
        (lines.join("\n"), output.status.code())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status();
        let _ = self.child.wait();
    }
}

fn normalized(line: &str) -> String {
    if line.parse::<u32>().is_ok_and(|number| number > 0) {
        return "PID".to_owned();
    }
    if let Some((before, after)) = line.split_once("pid ")
        && after.contains("uptime")
    {
        return format!("{before}pid N, uptime T");
    }
    // The time at which a process was stopped; a source line of 4.3.0's.
    if let Some((before, _)) = line.split_once("STOPPED   ")
        && !line.ends_with("Not started")
    {
        return format!("{before}STOPPED   STAMP");
    }
    match line.split_once(": file: ") {
        Some((before, _)) => before.to_owned(),
        None => line.to_owned(),
    }
}

#[test]
fn both_clients_print_the_same_about_the_same_daemon() {
    let home = original_home();
    let theirs = home.join("bin/supervisorctl");
    let programs = tempfile::tempdir().unwrap();
    let ours = programs.path().join("supervisorctl");
    symlink(BINARY, &ours).unwrap();
    let (first, second) = (Daemon::start(&home), Daemon::start(&home));
    for line in [
        "status",
        "status cat w:* nosuch g:*",
        "status  w:w1 w:",
        "pid",
        "pid all",
        "pid cat idle nosuch",
        "start nofile",
        "start idle",
        "start idle",
        "stop idle",
        "stop idle",
        "restart w:*",
        "restart nosuch nog:*",
        "start a:b c:* : :x",
        "signal HUP nofile",
        "signal NOSUCH cat",
        "signal 99 w:*",
        "signal HUP nosuch",
        "tail -6 w:w0",
        "tail -4 w:w1 stderr",
        "tail --3 w:w0",
        "tail -x cat",
        "tail cat xyz",
        "tail nosuch",
        "tail -f nosuch",
        "maintail 5",
        "clear cat nosuch",
        "clear all",
        "avail",
        "reread",
        "update",
        "update nosuch",
        "add cat nosuch",
        "remove cat nosuch",
        "stop w:*",
        "remove w",
        "avail",
        "status",
        "add w",
        "version",
        "open foo",
        "open unix://s.sock",
        "open http://127.0.0.1:1",
        "quit",
        "nonsense",
        "!ls",
        "help nosuch",
        "tail -3000000000 cat",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let outcome = |daemon: &Daemon, program: &Path| {
            let (stdout, status) = daemon.run(program, &words);
            // The daemon lists several processes in the order in which they are done.
            let mut lines: Vec<String> = stdout.split('\n').map(str::to_owned).collect();
            if line.contains(":*") || line.contains("all") {
                lines.sort();
            }
            (lines, status)
        };
        // At once: 4.3.0's daemon takes its time for many of them.
        thread::scope(|scope| {
            let expected = scope.spawn(|| outcome(&first, &theirs));
            assert_eq!(outcome(&second, &ours), expected.join().unwrap(), "{line}");
        });
    }
}
