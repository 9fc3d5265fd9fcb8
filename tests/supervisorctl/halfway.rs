//! Commands of several steps are done whole, whatever becomes of the client.

use crate::support::{
    Address, Ctl, DEADLINE, Daemon, Dir, Kind, Outcome, Rpc, Value, kill, usual_configuration,
    wait_for, wait_until,
};
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

const SIGNALS: [i32; 4] = [libc::SIGHUP, libc::SIGTERM, libc::SIGINT, libc::SIGKILL];

/// A program that ends after SIGTERM only when the file `go` is there.
const SLOW: &str = "\
command=/bin/sh -c \"trap 'until [ -e go ]; do sleep 0.02; done; exit 0' TERM; echo ready; while :; do sleep 0.02; done\"
startsecs=0
stopwaitsecs=600
stdout_logfile=%(here)s/%(program_name)s.out
";

/// A daemon of either kind with slow programs.
struct Slow {
    _daemon: Daemon,
    rpc: Rpc,
    dir: Dir,
}

impl Slow {
    fn start(kind: Kind, names: &[&str], more: &str) -> Slow {
        let dir = Dir::new();
        dir.write("supervisord.conf", configuration(names, "") + more);
        let mut daemon = Daemon::start(kind, &dir);
        let rpc = Rpc::new(Address::Unix(dir.join("s")));
        daemon.wait_until_it_answers(&rpc);
        Slow {
            _daemon: daemon,
            rpc,
            dir,
        }
    }

    fn call(&self, method: &str, parameters: &[Value]) -> Outcome {
        self.rpc.call(&format!("supervisor.{method}"), parameters)
    }

    fn info(&self, name: &str) -> Value {
        self.call("getProcessInfo", &[Value::text(name)]).answer()
    }

    fn wait(&self, name: &str, state: &str) {
        let reached = wait_until(DEADLINE, || self.info(name).text_of("statename") == state);
        let log = self.dir.read("main.log").unwrap_or_default();
        assert!(reached, "{name} is not {state}: {}\n{log}", self.info(name));
    }

    /// Their pids once each of them hears SIGTERM.
    fn pids(&self, names: &[&str]) -> Vec<i64> {
        names
            .iter()
            .map(|name| {
                self.wait(name, "RUNNING");
                let file = name.rsplit(':').next().unwrap();
                let is_ready = || {
                    self.dir
                        .read(&format!("{file}.out"))
                        .is_some_and(|log| log.contains("ready"))
                };
                assert!(wait_until(DEADLINE, is_ready), "{name}");
                self.info(name).int_of("pid")
            })
            .collect()
    }

    /// Nobody may end, and each has to say again that it is ready.
    fn hold(&self, names: &[&str]) {
        let _ = fs::remove_file(self.dir.join("go"));
        for name in names {
            let file = name.rsplit(':').next().unwrap();
            self.dir.write(&format!("{file}.out"), "");
        }
    }

    fn begin(&self, words: &str) -> Child {
        let ctl = Ctl::new(Kind::Ours, &self.dir);
        let mut command = Command::new(ctl.program());
        command
            .args(["-c", "supervisord.conf"])
            .args(words.split(' '));
        command.current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Waits until all of them run that ran before with other pids.
    fn wait_for_new(&self, names: &[&str], before: &[i64], what: &str) {
        for (name, before) in names.iter().zip(before) {
            let is_new = || {
                let info = self.info(name);
                info.text_of("statename") == "RUNNING" && info.int_of("pid") != *before
            };
            assert!(wait_until(DEADLINE, is_new), "{what}: {}", self.info(name));
        }
    }
}

/// With a line more in each program.
fn configuration(names: &[&str], line: &str) -> String {
    let programs: Vec<String> = names
        .iter()
        .map(|name| format!("[program:{name}]\n{SLOW}{line}"))
        .collect();
    usual_configuration(&programs.concat())
}

fn end_of(mut child: Child) -> (String, Option<i32>) {
    let mut output = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut output)
        .unwrap();
    let status = wait_for(DEADLINE, || child.try_wait().unwrap()).unwrap();
    (
        output,
        status.code().or(status.signal().map(|signal| -signal)),
    )
}

#[test]
fn a_restart_was_left_half_done_when_its_client_ended() {
    let names = ["a", "b", "g:c", "g:d"];
    let slow = Slow::start(
        Kind::Ours,
        &["a", "b", "c", "d"],
        "\n[group:g]\nprograms=c,d\n",
    );
    for (number, words) in [
        "restart a b g:*",
        "restart all",
        "restart ?",
        "restart a g:? b",
        "restart g:c a b g:d",
    ]
    .into_iter()
    .enumerate()
    {
        // Each of them with two signals, and all signals with several.
        for signal in [SIGNALS[number % 4], SIGNALS[(number + 1) % 4]] {
            let names = match words {
                "restart ?" => &names[..2],
                _ => &names[..],
            };
            let before = slow.pids(names);
            slow.hold(names);
            let client = slow.begin(words);
            let is_begun = || {
                names
                    .iter()
                    .any(|name| slow.info(name).text_of("statename") == "STOPPING")
            };
            assert!(wait_until(DEADLINE, is_begun), "{words}");
            kill(client.id(), signal);
            assert_eq!(end_of(client), (String::new(), Some(-signal)), "{words}");
            slow.dir.write("go", "");
            slow.wait_for_new(names, &before, words);
        }
    }
}

#[test]
fn an_update_was_left_half_done_when_its_client_ended() {
    let slow = Slow::start(Kind::Ours, &["old", "a", "b"], "");
    for (number, signal) in SIGNALS.into_iter().enumerate() {
        let (old, new) = match number % 2 {
            0 => ("old", "new"),
            _ => ("new", "old"),
        };
        let before = slow.pids(&["a", "b"]);
        slow.pids(&[old]);
        slow.hold(&["a", "b", "old", "new"]);
        let line = format!("environment=NUMBER=\"{number}\"\n");
        slow.dir
            .write("supervisord.conf", configuration(&[new, "a", "b"], &line));
        let client = slow.begin("update");
        slow.wait(old, "STOPPING");
        kill(client.id(), signal);
        assert_eq!(end_of(client).1, Some(-signal));
        slow.dir.write("go", "");
        slow.wait_for_new(&["a", "b"], &before, "update");
        slow.wait_for_new(&[new], &[0], "update");
        let gone = slow.call("getProcessInfo", &[Value::text(old)]);
        assert!(gone.to_string().contains("BAD_NAME"), "{gone}");
    }
}

#[test]
fn a_restart_that_the_client_must_do_is_finished_before_a_signal_ends_it() {
    let names = ["a", "b"];
    let slow = Slow::start(Kind::Original, &names, "");
    for (words, signal, expected) in [
        (
            "restart a b",
            libc::SIGHUP,
            "a: stopped\nb: stopped\na: started\nb: started\n",
        ),
        (
            "restart all",
            libc::SIGTERM,
            "b: stopped\na: stopped\na: started\nb: started\n",
        ),
        (
            "restart ?",
            libc::SIGINT,
            "a: stopped\nb: stopped\na: started\nb: started\n",
        ),
        (
            "update",
            libc::SIGHUP,
            "a: stopped\na: updated process group\nb: stopped\nb: updated process group\n",
        ),
    ] {
        let before = slow.pids(&names);
        slow.hold(&names);
        if words == "update" {
            slow.dir
                .write("supervisord.conf", configuration(&names, "priority=5\n"));
        }
        let client = slow.begin(words);
        let is_begun = || {
            names
                .iter()
                .any(|name| slow.info(name).text_of("statename") == "STOPPING")
        };
        assert!(wait_until(DEADLINE, is_begun), "{words}");
        kill(client.id(), signal);
        slow.dir.write("go", "");
        let (output, status) = end_of(client);
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&output), sorted(expected), "{words}");
        assert_eq!(status, Some(-signal), "{words}");
        slow.wait_for_new(&names, &before, words);
    }
}

#[test]
fn a_restart_was_left_half_done_when_nobody_read_its_lines() {
    let names = ["a", "b"];
    for kind in [Kind::Ours, Kind::Original] {
        let slow = Slow::start(kind, &names, "");
        let before = slow.pids(&names);
        slow.dir.write("go", "");
        let mut client = slow.begin("restart a b");
        drop(client.stdout.take());
        let status = wait_for(DEADLINE, || client.try_wait().unwrap()).unwrap();
        assert_eq!(status.code(), Some(1), "{kind:?}");
        slow.wait_for_new(&names, &before, "restart");
    }
}

#[test]
fn a_dropped_line_left_the_other_names_of_a_stop_undone() {
    let names = ["a", "b"];
    let slow = Slow::start(Kind::Ours, &names, "");
    for words in ["stop a b", "stop [a] b"] {
        slow.pids(&names);
        slow.hold(&names);
        let client = slow.begin(words);
        slow.wait("a", "STOPPING");
        kill(client.id(), libc::SIGHUP);
        slow.dir.write("go", "");
        let (output, status) = end_of(client);
        assert_eq!(output, "a: stopped\nb: stopped\n", "{words}");
        assert_eq!(status, Some(-libc::SIGHUP), "{words}");
        slow.call("startAllProcesses", &[]).answer();
    }
}

#[test]
fn a_restart_goes_on_when_its_connection_closes() {
    let names = ["a", "b"];
    let slow = Slow::start(Kind::Ours, &names, "");
    let calls: [(&str, &str); 4] = [
        (
            "supervisor.restartProcess",
            "<param><value>a</value></param>",
        ),
        (
            "supervisor.restartProcessGroup",
            "<param><value>a</value></param>",
        ),
        ("supervisor.restartAllProcesses", ""),
        (
            "system.multicall",
            "<param><value><array><data><value><struct>\
             <member><name>methodName</name><value>supervisor.restartProcess</value></member>\
             <member><name>params</name><value><array><data><value>a</value></data></array></value></member>\
             </struct></value></data></array></value></param>",
        ),
    ];
    for (method, parameters) in calls {
        let before = slow.pids(&["a"]);
        slow.hold(&names);
        let body = format!(
            "<methodCall><methodName>{method}</methodName><params>{parameters}</params></methodCall>"
        );
        let mut connection = UnixStream::connect(slow.dir.join("s")).unwrap();
        let head = format!(
            "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all((head + &body).as_bytes()).unwrap();
        slow.wait("a", "STOPPING");
        connection.shutdown(Shutdown::Both).unwrap();
        drop(connection);
        slow.dir.write("go", "");
        slow.wait_for_new(&["a"], &before, method);
    }
}

#[test]
fn restarts_return_what_was_done_in_order() {
    let more = "[program:none]\ncommand=/nonexistent\nautostart=false\n\
                [program:down]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n\
                [program:up]\ncommand=/bin/cat\nstartsecs=0\n\
                [program:m]\ncommand=/bin/cat\nstartsecs=0\n[group:g]\nprograms=up,m\n";
    let slow = Slow::start(Kind::Ours, &[], "");
    slow.dir
        .write("supervisord.conf", usual_configuration(more));
    let groups = ["g", "down", "none", "nosuch"].map(Value::text);
    let update = [Value::Array(groups.to_vec())];
    slow.call("reloadConfig", &[]).answer();
    assert_eq!(
        steps(&slow.call("updateProcessGroups", &update)),
        "add g: 80, add down: 80, add none: 80, add nosuch: 10"
    );
    slow.wait("g:up", "RUNNING");
    slow.wait("g:m", "RUNNING");
    for (name, expected) in [
        ("g:up", "true"),
        ("down", "true"),
        ("down", "true"),
        ("none", "fault 20"),
        ("nosuch", "fault 10"),
        ("g:nosuch", "fault 10"),
        ("nosuch:*", "fault 10"),
    ] {
        let outcome = slow.call("restartProcess", &[Value::text(name)]);
        assert!(brief(&outcome).starts_with(expected), "{name}: {outcome}");
    }
    let of_g = "stop g:up 80, stop g:m 80, start g:m 80, start g:up 80";
    let name = [Value::text("g:*")];
    assert_eq!(
        sorted(&steps(&slow.call("restartProcess", &name))),
        sorted(of_g)
    );
    let name = [Value::text("g")];
    assert_eq!(
        sorted(&steps(&slow.call("restartProcessGroup", &name))),
        sorted(of_g)
    );
    let all = format!("stop down:down 80, {of_g}, start down:down 80, start none:none 20");
    assert_eq!(
        sorted(&steps(&slow.call("restartAllProcesses", &[]))),
        sorted(&all)
    );
    let together = Value::Array(vec![Value::text("g:m"), Value::text("nosuch")]);
    let names = ["nosuch", "none", "no:*", "down"].map(Value::text);
    let names = Value::Array(names.into_iter().chain([together]).collect());
    assert_eq!(
        steps(&slow.call("restartProcesses", &[names])),
        "stop nosuch:nosuch 10, stop none:none 70, stop no: 10, stop down:down 80, stop g:m 80, \
         start nosuch:nosuch 10, start none:none 20, start no: 10, start down:down 80, start g:m 80"
    );
    for wrong in [
        Value::text("down"),
        Value::Array(vec![Value::Bool(true)]),
        Value::Nil,
    ] {
        let outcome = slow.call("restartProcesses", &[wrong]);
        assert!(brief(&outcome).starts_with("fault 2"), "{outcome}");
    }
    slow.call("stopProcess", &[Value::text("down")]).answer();
    let parameters = [Value::text("down"), Value::Bool(false)];
    assert_eq!(brief(&slow.call("restartProcess", &parameters)), "true");
    slow.wait("down", "RUNNING");
}

#[test]
fn who_does_not_wait_for_a_restart_is_answered_at_once() {
    let slow = Slow::start(Kind::Ours, &["a"], "");
    for (method, expected) in [("restartProcess", "true"), ("restartProcessGroup", "")] {
        let before = slow.pids(&["a"]);
        slow.hold(&["a"]);
        let outcome = slow.call(method, &[Value::text("a"), Value::Bool(false)]);
        let told = if expected.is_empty() {
            steps(&outcome)
        } else {
            brief(&outcome)
        };
        assert_eq!(told, expected, "{method}");
        slow.wait("a", "STOPPING");
        slow.dir.write("go", "");
        slow.wait_for_new(&["a"], &before, method);
    }
}

/// A value or a fault, short.
fn brief(outcome: &Outcome) -> String {
    outcome.to_string()
}

/// Such as `stop g:a 80`.
fn steps(outcome: &Outcome) -> String {
    let Outcome::Answer(Value::Array(steps)) = outcome else {
        panic!("{outcome}");
    };
    let line = |step: &Value| {
        format!(
            "{} {}:{} {}",
            step.text_of("action"),
            step.text_of("group"),
            step.text_of("name"),
            step.int_of("status")
        )
    };
    steps.iter().map(line).collect::<Vec<_>>().join(", ")
}

fn sorted(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = text.split(", ").collect();
    parts.sort_unstable();
    parts
}
