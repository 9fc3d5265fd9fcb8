//! `tail`, `maintail` and `clear`.

use super::server::*;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

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
        ("getAllProcessInfo()", processes()),
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
        (
            "GET /logtail/one-more/stdout",
            Answer::Status("503 Service Unavailable"),
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
    assert_eq!(output.status.code(), Some(1));
    let output = server.run("tail -f one-more");
    assert!(text(&output.stderr).ends_with(
        "Cannot read, status code 503: supervisord follows no more logs at a time, \
             see max_connections\n"
    ));
    let output = server.run("tail -f odd");
    assert!(text(&output.stderr).contains("/logtail/odd/stdout Cannot connect, error: "));
    assert_eq!(output.status.code(), Some(1));
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
    symlink(binary(), &program).unwrap();
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
