//! A shell lives longer than the daemon it talks to.

use super::{at_prompt, leave, scene};
use crate::support::pty::{CTRL_U, Pty, TAB};
use crate::support::{DEADLINE, Daemon, Dir, Kind, edits_lines, wait_until};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};

#[test]
fn a_shell_goes_on_when_the_daemon_has_been_restarted() {
    let mut scene = scene();
    let mut pty = at_prompt(&scene);
    pty.line("pid");
    pty.wait_text(&scene.daemon.pid().to_string());
    assert_eq!(scene.daemon.stop(), Some(0));
    pty.wait_row("supervisor>");
    pty.line("status");
    pty.wait_text("no such file");
    pty.wait_row("supervisor>");
    // Completion has no names, and says nothing.
    if edits_lines() {
        pty.send(&format!("stop {TAB}{TAB}x"));
        pty.wait_row("supervisor> stop x");
        pty.send(CTRL_U);
    }
    scene.daemon = Daemon::start(Kind::Ours, &scene.dir);
    scene.daemon.wait_until_it_answers(&scene.rpc);
    scene.wait("web", "RUNNING");
    pty.line("pid");
    pty.wait_text(&scene.daemon.pid().to_string());
    pty.wait_row("supervisor>");
    // A restart in place.
    pty.line("reload");
    pty.wait_row("Really restart the remote supervisord process y/N?");
    pty.line("y");
    pty.wait_text("Restarted supervisord");
    let starts = || scene.log().matches("success: web entered RUNNING").count();
    assert!(wait_until(DEADLINE, || starts() == 3));
    pty.line("status web");
    pty.wait_text("web                              RUNNING");
    leave(&mut pty);
}

/// Reads a request and returns its body.
fn request(reader: &mut impl BufRead) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn answer(value: &str) -> String {
    let body = format!(
        "<?xml version='1.0'?><methodResponse><params><param><value>{value}</value></param>\
         </params></methodResponse>"
    );
    response(&body)
}

fn response(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A directory for supervisorctl, and the socket at which the test answers it.
fn false_daemon() -> (Dir, UnixListener) {
    let dir = Dir::new();
    dir.write(
        "supervisord.conf",
        "[supervisorctl]\nserverurl=unix://%(here)s/s\n",
    );
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    (dir, listener)
}

/// The method that the client calls, without its namespace.
fn called(connection: &UnixStream) -> String {
    let body = request(&mut BufReader::new(connection));
    let method = body.split("supervisor.").nth(1).unwrap_or_default();
    method.split('<').next().unwrap_or_default().to_owned()
}

#[test]
fn the_first_question_after_reload_met_a_server_that_was_shutting_down() {
    let (dir, listener) = false_daemon();
    let (sender, calls) = std::sync::mpsc::channel();
    // Once asked to restart, it refuses three calls. It ends with the test's process.
    std::thread::spawn(move || {
        let mut refusals = 0;
        for connection in listener.incoming().flatten() {
            let mut writer = &connection;
            let method = called(&connection);
            let refuses = refusals > 0;
            if method == "restart" {
                refusals = 3;
            } else if refuses {
                refusals -= 1;
            }
            let text = match method.as_str() {
                _ if refuses => fault(6, "SHUTDOWN_STATE"),
                "getVersion" => answer("<string>3.0</string>"),
                "getPID" => answer("<int>4711</int>"),
                "restart" => answer("<boolean>1</boolean>"),
                _ => answer("<array><data></data></array>"),
            };
            sender.send(method).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
    });
    let mut command = std::process::Command::new(dir.bin().join("supervisorctl"));
    command.arg("-c").arg(dir.join("supervisord.conf"));
    let mut pty = Pty::start(&command, 120, 24);
    pty.wait_row("supervisor>");
    pty.line("reload");
    pty.wait_row("Really restart the remote supervisord process y/N?");
    pty.line("y");
    pty.wait_text("Restarted supervisord");
    pty.wait_row("supervisor>");
    calls.try_iter().for_each(drop);
    pty.line("pid");
    pty.wait_text("4711");
    pty.wait_row("supervisor>");
    assert!(!pty.screen().contains("SHUTDOWN_STATE"));
    let heard: Vec<String> = calls.try_iter().collect();
    assert_eq!(heard.iter().filter(|call| *call == "getVersion").count(), 4);
    leave(&mut pty);
}

fn fault(code: i32, text: &str) -> String {
    let body = format!(
        "<?xml version='1.0'?><methodResponse><fault><value><struct><member><name>faultCode</name>\
         <value><int>{code}</int></value></member><member><name>faultString</name><value><string>\
         {text}</string></value></member></struct></value></fault></methodResponse>"
    );
    response(&body)
}

#[test]
fn a_lost_answer_is_asked_for_again_or_told() {
    let (dir, listener) = false_daemon();
    let (sender, calls) = std::sync::mpsc::channel();
    // Every second connection breaks: without an answer to a question, and
    // within the answer to a start. It ends with the test's process.
    std::thread::spawn(move || {
        let mut breaks = true;
        for connection in listener.incoming().flatten() {
            let mut writer = &connection;
            let method = called(&connection);
            let is_start = method == "startProcess";
            let text = match method.as_str() {
                "getVersion" => answer("<string>3.0</string>"),
                "getPID" => answer("<int>4711</int>"),
                "startProcess" => answer("<boolean>1</boolean>"),
                _ => answer("<array><data></data></array>"),
            };
            sender.send(method).unwrap();
            if is_start {
                writer.write_all(&text.as_bytes()[..60]).unwrap();
            } else if !breaks {
                writer.write_all(text.as_bytes()).unwrap();
            }
            breaks = !breaks && !is_start;
        }
    });
    let mut command = std::process::Command::new(dir.bin().join("supervisorctl"));
    command.arg("-c").arg(dir.join("supervisord.conf"));
    let mut pty = Pty::start(&command, 120, 24);
    pty.wait_row("supervisor>");
    let heard: Vec<String> = calls.try_iter().collect();
    let twice = [
        "getVersion",
        "getVersion",
        "getAllProcessInfo",
        "getAllProcessInfo",
    ];
    assert_eq!(heard[..4], twice);
    pty.line("pid");
    pty.wait_text("4711");
    pty.wait_row("supervisor>");
    calls.try_iter().for_each(drop);
    pty.line("start web");
    pty.wait_text("supervisord went away before it had answered");
    pty.wait_text("error: <class 'http.client.IncompleteRead'>");
    pty.wait_row("supervisor>");
    let heard: Vec<String> = calls.try_iter().collect();
    assert_eq!(heard.last().unwrap(), "startProcess");
    assert_eq!(
        heard
            .iter()
            .filter(|method| *method == "startProcess")
            .count(),
        1
    );
}
