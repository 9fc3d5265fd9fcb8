//! A server of canned answers for supervisorctl to talk to, and running the
//! program against it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub use crate::support::binary;
use crate::support::is_hint;

pub const PATIENCE: Duration = Duration::from_secs(30);

/// What the server says to a call.
#[derive(Clone)]
pub enum Answer {
    /// The inside of `<value>`.
    Value(String),
    Fault(i32, &'static str),
    /// A status other than 200.
    Status(&'static str),
    /// A response as it is; the connection is closed after it.
    Raw(&'static str),
    /// The beginning of one, of which the rest never comes.
    Part(&'static str),
}

/// A server that answers `method(parameter, …)` from a table, and `3.0` when
/// asked for the version. What the table lacks is a fault that no command maps.
pub struct Server {
    pub url: String,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(answers: &[(&str, Answer)]) -> Server {
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

    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    pub fn run(&self, line: &str) -> Output {
        ctl(&["-c", "", "-s", &self.url, line], "")
    }
}

pub fn serve(connection: TcpStream, table: &HashMap<String, Answer>, heard: &Mutex<Vec<String>>) {
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
        let response = match answer.cloned().unwrap_or_else(|| unknown(&call)) {
            Answer::Value(inner) => ok(&format!(
                "<params><param><value>{inner}</value></param></params>"
            )),
            Answer::Fault(code, text) => ok(&format!(
                "<fault><value><struct><member><name>faultCode</name><value><int>{code}</int></value>\
                 </member><member><name>faultString</name><value><string>{text}</string></value>\
                 </member></struct></value></fault>"
            )),
            Answer::Status(status) => format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"),
            Answer::Part(part) => part.to_owned(),
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

/// Methods of several steps are unknown to 4.3.0.
fn unknown(call: &str) -> Answer {
    let of_steps = [
        "restartProcess",
        "restartAllProcesses(",
        "updateProcessGroups(",
    ];
    match of_steps.iter().any(|method| call.starts_with(method)) {
        true => Answer::Fault(1, "UNKNOWN_METHOD"),
        false => Answer::Fault(2, "not in the table"),
    }
}

pub fn ok(inner: &str) -> String {
    let body = format!("<?xml version='1.0'?>\n<methodResponse>\n{inner}\n</methodResponse>\n");
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn read_request(reader: &mut impl BufRead) -> Option<(String, String)> {
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
pub fn call_of(body: &str) -> String {
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

pub fn string(text: &str) -> Answer {
    Answer::Value(format!("<string>{text}</string>"))
}

pub fn yes() -> Answer {
    Answer::Value("<boolean>1</boolean>".to_owned())
}

pub fn structure(members: &[(&str, &str)]) -> String {
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

pub fn array(items: &[String]) -> String {
    let items: String = items
        .iter()
        .map(|item| format!("<value>{item}</value>"))
        .collect();
    format!("<array><data>{items}</data></array>")
}

pub fn names(names: &[&str]) -> String {
    let texts: Vec<String> = names
        .iter()
        .map(|name| format!("<string>{name}</string>"))
        .collect();
    array(&texts)
}

/// What `reloadConfig` returns.
pub fn changes(added: &[&str], changed: &[&str], removed: &[&str]) -> Answer {
    Answer::Value(array(&[array(&[
        names(added),
        names(changed),
        names(removed),
    ])]))
}

pub fn process(group: &str, name: &str, state: &str, statename: &str, description: &str) -> String {
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

pub fn result(group: &str, name: &str, status: &str) -> String {
    structure(&[
        ("group", group),
        ("name", name),
        ("status", status),
        ("description", "FAILED: so it is"),
    ])
}

pub fn processes() -> Answer {
    Answer::Value(array(&[
        process("cat", "cat", "20", "RUNNING", "pid 17, uptime 0:00:23"),
        process("grp", "m1", "10", "STARTING", ""),
        process("grp", "m2", "0", "STOPPED", "Not started"),
        process("mid", "mid", "30", "BACKOFF", "why"),
    ]))
}

/// Runs the program under its name, without a configuration file to be found.
pub fn ctl(words: &[&str], input: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("supervisorctl");
    symlink(binary(), &program).unwrap();
    run_with_input(
        Command::new(program)
            .args(words)
            .current_dir(directory.path()),
        input,
    )
}

pub fn run_with_input(command: &mut Command, input: &str) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs each line and compares what it prints, and its exit status.
pub fn check(server: &Server, cases: &[(&str, &str, i32)]) {
    for (line, expected, status) in cases {
        let output = server.run(line);
        assert_eq!(text(&output.stdout), *expected, "{line}");
        assert_eq!(output.status.code(), Some(*status), "{line}");
        let stderr = text(&output.stderr);
        let complaints: Vec<&str> = stderr.lines().filter(|line| !is_hint(line)).collect();
        assert!(complaints.is_empty(), "{line}: {stderr}");
    }
}

/// The first line alone: the help that follows is free in its words.
pub fn check_refused(server: &Server, cases: &[(&str, &str, i32)]) {
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
