//! The server may not be there, may be another one, or may want credentials.

use super::server::*;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

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
    symlink(binary(), &program).unwrap();
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
