//! `/metrics`: that both of Prometheus's readers take it, what its figures say, and that it is
//! never in memory as a whole.

use super::support::{
    Address, DEADLINE, Dir, Finished, Page, Rpc, Scene, Value, anonymous_memory, finish,
    original_home, wait_for, wait_until,
};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server with figures beside the usual one.
pub const SERVER: &str = "[unix_http_server:figures]\nfile=%(here)s/f\nmetrics=true\n";

/// One process in each condition, with names that want care, and an event listener.
const ALL_KINDS: &str = "\
[program:we\"ird\\]
command=cat
startsecs=0
[program:ended]
command=sh -c 'echo said; exit 3'
startsecs=0
autorestart=false
[program:fatal]
command=/nonexistent/command
startretries=0
[program:off]
command=cat
autostart=false
[program:sick]
command=cat
startsecs=0
liveness_check=false
liveness_check_period=1
liveness_check_failure_threshold=1
liveness_check_failure_action=none
[group:g]
programs=ended,fatal
[eventlistener:mailer]
command=cat
events=PROCESS_STATE
startsecs=0
";

/// What a request for figures is answered with.
pub fn ask(scene: &Scene, line: &str) -> Page {
    let request = format!("{line}\r\nHost: localhost\r\n\r\n");
    Rpc::new(Address::Unix(scene.dir.join("f"))).ask(&request)
}

/// The text of all figures.
pub fn text(scene: &Scene) -> String {
    let page = ask(scene, "GET /metrics HTTP/1.0");
    assert_eq!(page.status, 200, "{}", page.body);
    let kind = page.header("Content-Type");
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    page.body
}

/// Each line of figures: what stands before its number, and that.
pub fn figures(scene: &Scene) -> BTreeMap<String, f64> {
    let text = text(scene);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut found = BTreeMap::new();
    for line in lines {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let before = found.insert(name.to_owned(), value.parse().unwrap());
        assert_eq!(before, None, "{name} is there twice");
    }
    found
}

/// The figure of that name of a process that is alone in its group.
pub fn of(figures: &BTreeMap<String, f64>, name: &str, process: &str) -> Option<f64> {
    let key = format!("supervisord_process_{name}{{name=\"{process}\",group=\"{process}\"}}");
    figures.get(&key).copied()
}

/// The program of Prometheus that reads figures and rules.
pub fn promtool(words: &[&str], input: &str) -> Finished {
    let program = project("target/promtool/promtool");
    assert!(
        program.exists(),
        "{} is missing: run `make test`, which brings it",
        program.display()
    );
    let mut command = Command::new(program);
    command.args(words);
    finish(command, input, DEADLINE)
}

pub fn project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Prints each sample that the client of Prometheus for Python reads, as JSON.
const PYTHON: &str = "\
import json, sys
sys.path.insert(0, sys.argv[1])
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation and family.type in ('counter', 'gauge'), family
    for sample in family.samples:
        print(json.dumps([sample.name, sample.labels, sample.value]))
";

fn everything() -> Scene {
    let scene = Scene::start(&format!("{SERVER}metrics_processes=true\n{ALL_KINDS}"));
    scene.wait("g:ended", "EXITED");
    scene.wait("g:fatal", "FATAL");
    let sick = "supervisord_process_healthy{name=\"sick\",group=\"sick\"}";
    let is_known = || figures(&scene).get(sick) == Some(&0.0);
    assert!(wait_until(DEADLINE, is_known), "{}", text(&scene));
    scene
}

#[test]
fn both_readers_of_prometheus_take_all_figures_without_a_complaint() {
    let scene = everything();
    let text = text(&scene);
    let checked = promtool(&["check", "metrics"], &text);
    let said = (checked.stdout.as_str(), checked.stderr.as_str());
    assert_eq!((said, checked.status), (("", ""), Some(0)), "{text}");

    let place = project("target/prometheus-client");
    assert!(
        place.join("prometheus_client").exists(),
        "prometheus_client is not in {}: run `make test`, which installs it",
        place.display()
    );
    let python = original_home().join("bin/python");
    let mut command = Command::new(python);
    command.args(["-B", "-c", PYTHON]).arg(place);
    let read = finish(command, &text, DEADLINE);
    assert_eq!(read.status, Some(0), "{}", read.stderr);
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(read.stdout.lines().count(), samples);
    let weird = r#"["supervisord_process_up", {"name": "we\"ird\\", "group": "we\"ird\\"}, 1.0]"#;
    assert!(read.stdout.contains(weird), "{}", read.stdout);
    scene.stop();
}

#[test]
fn figures_tell_of_each_process_what_is_so() {
    let scene = everything();
    let found = figures(&scene);
    for (name, process, expected) in [
        ("up", "sick", Some(1.0)),
        ("up", "off", Some(0.0)),
        ("state", "sick", Some(20.0)),
        ("state", "off", Some(0.0)),
        ("ok", "sick", Some(0.0)),
        ("ok", "off", None),
        ("start_time_seconds", "off", None),
        ("restarts_total", "off", Some(0.0)),
        ("restarts_total", "sick", Some(0.0)),
        ("exit_status", "sick", None),
        ("healthy", "sick", Some(0.0)),
        ("healthy", "off", None),
        ("log_bytes_total", "sick", Some(0.0)),
        ("threads", "sick", Some(1.0)),
        ("threads", "off", None),
    ] {
        assert_eq!(of(&found, name, process), expected, "{name} of {process}");
    }
    let grouped = |name: &str, process: &str| {
        found.get(&format!(
            "supervisord_process_{name}{{name=\"{process}\",group=\"g\"}}"
        ))
    };
    assert_eq!(grouped("exit_status", "ended"), Some(&3.0));
    assert_eq!(grouped("log_bytes_total", "ended"), Some(&5.0));
    assert_eq!(grouped("state", "fatal"), Some(&200.0));
    assert_eq!(grouped("ok", "fatal"), Some(&0.0));
    let started = scene.info("sick").int_of("start");
    let told = of(&found, "start_time_seconds", "sick").unwrap();
    assert!((told - started as f64).abs() <= 1.0, "{told} {started}");

    assert_eq!(found["supervisord_state"], 1.0);
    assert!(found["supervisord_resident_memory_bytes"] > 100_000.0);
    assert!(found["supervisord_start_time_seconds"] <= told + 1.0);
    let buffered = "supervisord_pool_events_buffered{pool=\"mailer\"}";
    assert!(found[buffered] > 0.0);
    scene.call("getState", &[]).answer();
    let calls = |figures: &BTreeMap<String, f64>| figures["supervisord_rpc_calls_total{method=\"getProcessInfo\"}"];
    let before = calls(&figures(&scene));
    scene.info("off");
    let after = figures(&scene);
    assert_eq!(calls(&after), before + 1.0);
    assert!(after["supervisord_http_requests_total{method=\"GET\"}"] >= 2.0);
    assert!(after.contains_key("supervisord_rpc_calls_total{method=\"getState\"}"));
    scene.stop();
}

#[test]
fn who_does_not_ask_for_figures_has_none() {
    let scene = Scene::start(
        "[unix_http_server:locked]\nfile=%(here)s/f\nusername=u\npassword=p\nmetrics=true\n\
         [program:web]\ncommand=cat\nstartsecs=0\n",
    );
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(scene.rpc.get(path).status, 404, "{path}");
    }
    for (line, status) in [
        ("GET /metrics HTTP/1.0", 401),
        ("GET /healthz HTTP/1.0", 401),
        ("GET /metrics HTTP/1.0\r\nAuthorization: Basic dTp4", 401),
        ("GET /metrics HTTP/1.0\r\nAuthorization: Basic dTpw", 200),
        ("HEAD /metrics HTTP/1.0\r\nAuthorization: Basic dTpw", 400),
        (
            "POST /metrics HTTP/1.0\r\nContent-Length: 0\r\nAuthorization: Basic dTpw",
            400,
        ),
        ("GET /metrics/ HTTP/1.0\r\nAuthorization: Basic dTpw", 404),
        ("GET /readyz HTTP/1.0\r\nAuthorization: Basic dTpw", 404),
    ] {
        assert_eq!(ask(&scene, line).status, status, "{line}");
    }
    // Nor has who wants those of the daemon alone those that the system tells.
    let page = ask(&scene, "GET /metrics HTTP/1.0\r\nAuthorization: Basic dTpw");
    assert!(page.body.contains("supervisord_process_up{"));
    assert!(!page.body.contains("_cpu_seconds"), "{}", page.body);
    scene.stop();
}

#[test]
fn counters_go_on_over_a_replaced_group_and_a_restart_of_supervisord() {
    let program = "[program:p]\ncommand=sh -c 'echo hello; exec cat'\nstartsecs=0\n";
    let scene = Scene::start(&format!("{SERVER}{program}"));
    let counters = || {
        let found = figures(&scene);
        let restarts = of(&found, "restarts_total", "p").unwrap_or(-1.0);
        let bytes = of(&found, "log_bytes_total", "p").unwrap_or(-1.0);
        (restarts, bytes)
    };
    let reach = |expected: (f64, f64)| {
        let reached = wait_until(DEADLINE, || counters() == expected);
        assert!(reached, "{:?} {expected:?}", counters());
    };
    reach((0.0, 6.0));
    scene.call("restartProcess", &[Value::text("p")]).answer();
    reach((1.0, 12.0));
    scene.call("stopProcess", &[Value::text("p")]).answer();
    for method in ["removeProcessGroup", "addProcessGroup"] {
        scene.call(method, &[Value::text("p")]).answer();
    }
    reach((2.0, 18.0));
    let before = figures(&scene);
    scene.call("restart", &[]).answer();
    let is_back = || {
        let log = scene.log();
        log.matches("spawned: 'p'").count() == 4 && scene.rpc.answers()
    };
    assert!(wait_until(DEADLINE, is_back), "{}", scene.log());
    reach((3.0, 24.0));
    let after = figures(&scene);
    let counters = before.iter().filter(|(name, _)| name.contains("_total"));
    for (name, value) in counters {
        assert!(after[name] >= *value, "{name} {value} {after:?}");
    }
    scene.stop();
}

#[test]
fn lost_output_and_dropped_events_are_counted() {
    let scene = Scene::start(&format!(
        "{SERVER}[program:p]\ncommand=sh -c 'echo 123456789; exec cat'\nstartsecs=0\n\
         stdout_logfile=/dev/full\nstdout_logfile_maxbytes=0\n\
         [eventlistener:deaf]\ncommand=cat\nevents=REMOTE_COMMUNICATION\nbuffer_size=2\n"
    ));
    let event = [Value::text("t"), Value::text("x")];
    for _ in 0..5 {
        scene.call("sendRemoteCommEvent", &event).answer();
    }
    let mut found = BTreeMap::new();
    let counted = wait_until(DEADLINE, || {
        found = figures(&scene);
        of(&found, "log_lost_bytes_total", "p") == Some(10.0)
    });
    assert!(counted, "{found:?}");
    assert_eq!(of(&found, "log_bytes_total", "p"), Some(10.0));
    assert_eq!(
        found["supervisord_pool_events_buffered{pool=\"deaf\"}"],
        2.0
    );
    let dropped = "supervisord_pool_events_dropped_total{pool=\"deaf\"}";
    assert_eq!(found[dropped], 3.0);
    scene.stop();
}

/// The body of an answer in chunks, and what comes behind it.
fn dechunked(mut rest: &str) -> (String, &str) {
    let mut body = String::new();
    loop {
        let (size, behind) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&behind[..size]);
        rest = behind[size..].strip_prefix("\r\n").unwrap();
        if size == 0 {
            return (body, rest);
        }
    }
}

#[test]
fn figures_come_in_chunks_and_the_next_request_after_them() {
    let scene = Scene::start(&format!("{SERVER}health_pages=true\n"));
    let requests = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = Rpc::new(Address::Unix(scene.dir.join("f"))).exchange(requests.as_bytes());
    let answer = String::from_utf8(answer.unwrap()).unwrap();
    let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nTransfer-Encoding: chunked"), "{head}");
    assert!(!head.contains("Content-Length"), "{head}");
    let (body, rest) = dechunked(rest);
    assert!(body.starts_with("# HELP supervisord_build_info "), "{body}");
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{rest}");
    assert!(rest.ends_with("\r\n\r\nok\n"), "{rest}");
    scene.stop();
}

#[test]
fn a_thousand_processes_are_never_in_memory_at_once() {
    let scene = Scene::start(&format!(
        "{SERVER}metrics_processes=true\n[program:p]\ncommand=cat\nautostart=false\nnumprocs=1000\n\
         process_name=p%(process_num)04d\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
    ));
    let whole = text(&scene);
    let before = anonymous_memory(scene.daemon.pid());
    // One that reads nothing for now, as others are served.
    let mut slow = UnixStream::connect(scene.dir.join("f")).unwrap();
    slow.set_read_timeout(Some(DEADLINE)).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut first = [0];
    slow.read_exact(&mut first).unwrap();
    scene.call("getState", &[]).answer();
    let held = anonymous_memory(scene.daemon.pid()).saturating_sub(before);
    let size = whole.len() / 1024;
    assert!(size > 250 && held < size / 2, "{held} of {size} KB");
    let mut rest = String::new();
    slow.read_to_string(&mut rest).unwrap();
    // Each process once in each family, in one order, behind the head of the family.
    let names = |family: &str| -> Vec<String> {
        let head = format!("# TYPE supervisord_process_{family} ");
        let (_, lines) = rest.split_once(&head).unwrap();
        let lines = lines
            .lines()
            .skip(1)
            .take_while(|line| !line.starts_with('#'));
        let names = lines.map(|line| line.split('"').nth(1).unwrap().to_owned());
        names.collect()
    };
    let expected: Vec<String> = (0..1000).map(|number| format!("p{number:04}")).collect();
    for family in ["up", "state", "restarts_total", "log_bytes_total"] {
        assert!(names(family) == expected, "{family}");
    }
    assert_eq!(names("threads"), Vec::<String>::new());
    scene.stop();
}

#[test]
fn groups_may_come_and_go_while_figures_are_read() {
    let many = "command=cat\nautostart=false\nnumprocs=400\nprocess_name=p%(process_num)04d\n\
                stdout_logfile=NONE\nstderr_logfile=NONE\n";
    let scene = Scene::start(&format!("{SERVER}[program:a]\n{many}[program:b]\n{many}"));
    let mut slow = UnixStream::connect(scene.dir.join("f")).unwrap();
    slow.set_read_timeout(Some(DEADLINE)).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut first = [0];
    slow.read_exact(&mut first).unwrap();
    scene
        .call("removeProcessGroup", &[Value::text("a")])
        .answer();
    scene.call("addProcessGroup", &[Value::text("a")]).answer();
    let mut rest = String::new();
    slow.read_to_string(&mut rest).unwrap();
    let (_, body) = rest.split_once("\r\n\r\n").unwrap();
    let checked = promtool(&["check", "metrics"], body);
    assert_eq!((checked.stderr.as_str(), checked.status), ("", Some(0)));
    assert!(body.ends_with('\n'));
    scene.stop();
}

/// Begins to note which files a process opens, in a file of that name.
fn traced(dir: &Dir, pid: u32) -> std::process::Child {
    let mut strace = Command::new("strace");
    strace.args(["-q", "-f", "-e", "trace=open,openat", "-o"]);
    strace
        .arg(dir.join("opened"))
        .args(["-p", &pid.to_string()]);
    let child = strace.spawn().unwrap();
    let is_traced = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        !status.contains("TracerPid:\t0\n")
    };
    assert!(wait_until(DEADLINE, is_traced), "strace attaches itself");
    child
}

#[test]
fn nothing_is_read_of_a_process_unless_somebody_asks() {
    let locked = "[unix_http_server:more]\nfile=%(here)s/m\nmetrics=true\nmetrics_processes=true\n";
    let scene = Scene::start(&format!(
        "{SERVER}{locked}[program:p]\ncommand=cat\nstartsecs=0\n"
    ));
    scene.wait("p", "RUNNING");
    let pid = scene.pid("p");
    let mut strace = traced(&scene.dir, scene.daemon.pid());
    let opened = || {
        let calls = scene.dir.read("opened").unwrap_or_default();
        calls.matches(&format!("/proc/{pid}/")).count()
    };
    text(&scene);
    scene.all();
    let own = format!("/proc/{}/stat", scene.daemon.pid());
    let own_is_seen = || scene.dir.read("opened").unwrap_or_default().contains(&own);
    assert!(wait_until(DEADLINE, own_is_seen));
    assert_eq!(opened(), 0);
    Rpc::new(Address::Unix(scene.dir.join("m"))).get("/metrics");
    // Older systems do not tell how many files it has, so they are looked through.
    assert!(
        wait_for(DEADLINE, || (3..=4).contains(&opened()).then_some(())).is_some(),
        "{}",
        opened()
    );
    strace.kill().unwrap();
    strace.wait().unwrap();
    scene.stop();
}
