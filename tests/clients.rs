//! Clients that others have made, unchanged, against this daemon: Python's
//! xmlrpc.client, a dashboard, a check of a monitoring system, curl.

use super::support::{
    DEADLINE, Dir, Finished, Scene, Value, finish, original_home, plain_environment, wait_until,
};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

const USER: &str = "username=user\npassword=pass\n";

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A file of the folder `clients`.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(name)
}

/// Where Multivisor is installed, with what it needs.
fn multivisor_home() -> PathBuf {
    let home = std::env::var_os("MULTIVISOR_HOME").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/multivisor"),
        PathBuf::from,
    );
    assert!(
        home.join("bin/multivisor-rpc").exists(),
        "Multivisor is not in {}: run `make test`, which installs it, or set MULTIVISOR_HOME",
        home.display()
    );
    home
}

fn run(program: &Path, words: &[&str], input: &str) -> Finished {
    let mut command = Command::new(program);
    plain_environment(&mut command);
    command.args(words);
    finish(command, input, DEADLINE)
}

fn succeeds(end: &Finished, scene: &Scene) {
    assert_eq!(
        end.status,
        Some(0),
        "{}\n{}\n{}",
        end.stdout,
        end.stderr,
        scene.log()
    );
}

const BINARY: &[u8] = b"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x1b[1m\x00\x07\r\nb\rc\xff\xfe\xc3\xef\xbf\xbe<&>]]>\xe2\x82\n";

fn python_client(mode: &str, interface: &str) {
    let dir = Dir::new();
    let port = free_port();
    std::fs::write(dir.join("b.log"), BINARY).unwrap();
    let scene = Scene::start_as(
        dir,
        &format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\n{USER}{interface}\
             [program:p]\ncommand=/bin/cat\nstartsecs=0\n\
             [program:b]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\nstdout_logfile=%(here)s/b.log\n\
             [program:\u{e9}]\ncommand=/bin/cat\nstartsecs=0\n"
        ),
        |_| {},
    );
    scene.wait("p", "RUNNING");
    scene.wait("\u{e9}", "RUNNING");
    let url = format!("http://user:pass@127.0.0.1:{port}");
    let log = scene.dir.join("b.log");
    let python = original_home().join("bin/python");
    let end = run(
        &python,
        &[
            script("python.py").to_str().unwrap(),
            &url,
            log.to_str().unwrap(),
            mode,
        ],
        "",
    );
    succeeds(&end, &scene);
    assert_eq!(end.stdout, "ok\n");
    scene.stop();
}

#[test]
fn pythons_client_does_everything_over_tcp_but_multicall() {
    python_client("bare", "");
}

#[test]
fn pythons_client_has_its_multicall_where_results_are_wrapped() {
    // The section goes on in that of the usual configuration.
    let more = "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\nwrap_multicall=true\n";
    python_client("wrapped", more);
}

#[test]
fn multivisor_shows_and_controls_what_runs_here() {
    let home = multivisor_home();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let scene = Scene::start(&format!(
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         [eventlistener:agent]\ncommand={} --bind {address}\nevents=PROCESS_STATE,SUPERVISOR_STATE_CHANGE\nstartsecs=0\n\
         stderr_logfile=%(here)s/agent.err\n",
        home.join("bin/multivisor-rpc").display()
    ));
    scene.wait("p", "RUNNING");
    let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!(wait_until(DEADLINE, listens), "{}", scene.log());
    let end = run(
        &home.join("bin/python"),
        &[script("multivisor_client.py").to_str().unwrap(), &address],
        "",
    );
    let complaints = scene.dir.read("agent.err").unwrap_or_default();
    assert_eq!(
        end.status,
        Some(0),
        "{}\n{complaints}\n{}",
        end.stderr,
        scene.log()
    );
    assert!(!complaints.contains("Traceback"), "{complaints}");
    scene.stop();
}

#[test]
fn a_check_of_nagios_finds_what_has_failed() {
    let home = multivisor_home();
    let port = free_port();
    let scene = Scene::start(&format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n{USER}[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:fails]\ncommand=/bin/false\nstartretries=0\nautostart=false\n"
    ));
    scene.wait("p", "RUNNING");
    let check = |words: &[&str]| {
        let script = home.join("bin/check_supervisord.py");
        let words = [&[script.to_str().unwrap()], words].concat();
        run(&home.join("bin/python"), &words, "")
    };
    let port = port.to_string();
    let inet = ["-s", "127.0.0.1", "-p", &port, "-u", "user", "-S", "pass"];
    let socket = scene.dir.join("s").display().to_string();
    for way in [&inet[..], &["-s", &socket]] {
        let end = check(way);
        assert!(
            end.stdout.contains("'p': OK"),
            "{} {}",
            end.stdout,
            end.stderr
        );
    }
    let refused = check(&["-s", "127.0.0.1", "-p", &port, "-u", "user", "-S", "wrong"]);
    assert!(
        refused.stdout.contains("401"),
        "{} {}",
        refused.stdout,
        refused.stderr
    );
    let _ = scene.call("startProcess", &[Value::text("fails")]);
    scene.wait("fails", "FATAL");
    let end = check(&inet);
    assert_eq!(end.status, Some(2), "{} {}", end.stdout, end.stderr);
    scene.stop();
}

/// A call in the words of XML.
fn call(method: &str) -> String {
    format!("<?xml version='1.0'?>\n<methodCall><methodName>{method}</methodName></methodCall>")
}

fn answer(end: &Finished, scene: &Scene) -> String {
    succeeds(end, scene);
    end.stdout.clone()
}

/// Both servers: how curl gets there.
fn curl_scene() -> (Scene, [Vec<String>; 2]) {
    let port = free_port();
    let scene = Scene::start(&format!(
        "[inet_http_server]\nport=127.0.0.1:{port}\n{USER}\
         [program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n"
    ));
    scene.wait("p", "RUNNING");
    scene.dir.write("p.log", "logged\n");
    let socket = scene.dir.join("s").display().to_string();
    let unix = [
        "--unix-socket".to_owned(),
        socket,
        "http://localhost".to_owned(),
    ];
    let inet = [
        "-u".to_owned(),
        "user:pass".to_owned(),
        format!("http://127.0.0.1:{port}"),
    ];
    (scene, [unix.to_vec(), inet.to_vec()])
}

fn curl(server: &[String], paths: &[&str], words: &[&str], input: &str) -> Finished {
    let (base, before) = server.split_last().unwrap();
    let mut all: Vec<&str> = vec!["-sS", "--max-time", "20"];
    all.extend(before.iter().map(String::as_str));
    all.extend(words);
    let urls: Vec<String> = paths.iter().map(|path| format!("{base}{path}")).collect();
    all.extend(urls.iter().map(String::as_str));
    run(Path::new("curl"), &all, input)
}

#[test]
fn curl_calls_over_both_kinds_of_sockets() {
    let (scene, servers) = curl_scene();
    let body = call("supervisor.getAPIVersion");
    for server in &servers {
        for words in [
            &["--data-binary", "@-"][..],
            &["--data-binary", "@-", "--http1.0"],
            &["--data-binary", "@-", "-H", "Expect: 100-continue"],
            &[
                "--data-binary",
                "@-",
                "-H",
                "Content-Type: text/xml",
                "-H",
                "Connection: close",
            ],
            &[
                "-T",
                "-",
                "-X",
                "POST",
                "-H",
                "Transfer-Encoding:",
                "-H",
                &format!("Content-Length: {}", body.len()),
            ],
        ] {
            let text = answer(&curl(server, &["/RPC2"], words, &body), &scene);
            assert!(text.contains("<string>3.0</string>"), "{words:?}: {text}");
        }
        // A large body is announced by curl itself, and waits for the answer to that.
        let large = body.replace(
            "<methodCall>",
            &format!("<methodCall>{}", " ".repeat(1_500_000)),
        );
        let end = curl(server, &["/RPC2"], &["-v", "--data-binary", "@-"], &large);
        assert!(answer(&end, &scene).contains("<string>3.0</string>"));
        assert!(end.stderr.contains("100 Continue"), "{}", end.stderr);
        // One connection for several requests.
        let paths = ["/RPC2", "/RPC2", "/RPC2"];
        let counts = [
            "-w",
            "%{num_connects}\\n",
            "-o",
            "/dev/null",
            "-o",
            "/dev/null",
            "-o",
            "/dev/null",
            "-d",
            &body,
        ];
        assert_eq!(
            answer(&curl(server, &paths, &counts, ""), &scene),
            "1\n0\n0\n"
        );
    }
    scene.stop();
}

#[test]
fn curl_is_told_what_is_wrong() {
    let (scene, servers) = curl_scene();
    let code = |server: &[String], path: &str, words: &[&str]| {
        let words = [&["-o", "/dev/null", "-w", "%{http_code}"], words].concat();
        answer(
            &curl(server, &[path], &words, &call("supervisor.getState")),
            &scene,
        )
    };
    for server in &servers {
        for (path, words, expected) in [
            ("/nosuch", &[][..], "404"),
            ("/RPC2", &[], "400"),
            ("/RPC2", &["-d", "<"], "400"),
            ("/RPC2", &["-I"], "400"),
            ("/nosuch", &["-I"], "404"),
            ("/logtail/nosuch", &[], "404"),
            ("/logtail/p", &["-d", "x"], "400"),
        ] {
            assert_eq!(code(server, path, words), expected, "{path} {words:?}");
        }
        // Whether they are read or refused, chunks leave nothing hanging.
        let chunked = code(server, "/RPC2", &["-T", "-", "-X", "POST"]);
        assert!(["200", "411"].contains(&chunked.as_str()), "{chunked}");
        let page = answer(&curl(server, &["/nosuch"], &[], ""), &scene);
        let head = curl(server, &["/nosuch"], &["-I"], "");
        let lines = answer(&head, &scene);
        let length = format!("Content-Length: {}\r\n", page.len());
        assert!(
            lines.contains(&length) && lines.ends_with("\r\n\r\n"),
            "{lines}"
        );
    }
    let (port, socket) = (servers[1].last().unwrap(), &servers[0]);
    let nobody = [port.clone()];
    assert_eq!(code(&nobody, "/nosuch", &[]), "401");
    assert_eq!(code(&nobody, "/nosuch", &["-u", "user:wrong"]), "401");
    assert_eq!(
        code(&nobody, "/nosuch", &["--anyauth", "-u", "user:pass"]),
        "404"
    );
    assert_eq!(code(socket, "/nosuch", &["-u", "user:wrong"]), "404");
    scene.stop();
}

#[test]
fn curl_follows_a_log_in_both_versions() {
    let (scene, servers) = curl_scene();
    for server in &servers {
        for version in ["--http1.0", "--http1.1"] {
            for path in ["/logtail/p", "/logtail/p/stdout"] {
                let (base, before) = server.split_last().unwrap();
                let heard = scene.dir.join("heard");
                let mut command = Command::new("curl");
                command
                    .args(["-sSN", version])
                    .args(before)
                    .arg(format!("{base}{path}"));
                command.stdout(std::fs::File::create(&heard).unwrap());
                let mut child = command.spawn().unwrap();
                let text = || std::fs::read_to_string(&heard).unwrap();
                assert!(
                    wait_until(DEADLINE, || text().ends_with("logged\n")),
                    "{}",
                    text()
                );
                scene
                    .call(
                        "sendProcessStdin",
                        &[Value::text("p"), Value::text("more\n")],
                    )
                    .answer();
                let more = wait_until(DEADLINE, || text().ends_with("more\n"));
                child.kill().unwrap();
                child.wait().unwrap();
                assert!(more, "{}", text());
                scene.dir.write("p.log", "logged\n");
            }
        }
    }
    scene.stop();
}
