//! Read-only access: who may only look sees everything and changes nothing, on a server of
//! its own as with a name of its own. These are its methods, clients and keys.

use super::inspect::{supervisord, with};
use super::support::{
    Address, Ctl, DEADLINE, Daemon, Dir, Kind, Outcome, Page, Rpc, Scene, Value, wait_for,
};
use pollvisor::http::access::Access;
use pollvisor::rpc::interface::Method;
use pollvisor::rpc::methods::INTERFACE;
use pollvisor::text::base64;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

/// A server with both names, and one for looking only; the password of `eye` is `look`.
const CONFIGURATION: &str = "\
[unix_http_server:both]
file=%(here)s/both
username=boss
password=all
readonly_username=eye
readonly_password={SHA256}3c01eba119e00d79c82b6f65d70bc5f1044d568618bf41377e6d1432023fc2b8
web_get_actions=true
[unix_http_server:monitor]
file=%(here)s/monitor
readonly=true
web_get_actions=true
[program:web]
command=/bin/cat
startsecs=0
stdout_logfile=%(here)s/web.out
stderr_logfile=%(here)s/web.err
[program:down]
command=/bin/cat
autostart=false
";

const READ_ONLY: i64 = 7;
const INCORRECT_PARAMETERS: i64 = 2;

/// How a client comes: the socket, and what it sends as user and password.
#[derive(Clone, Copy)]
pub struct Way(&'static str, pub &'static str);

pub const NOBODY: Way = Way("both", "");
pub const WRONG: Way = Way("both", "boss:look");
pub const EYE: Way = Way("both", "eye:look");
pub const BOSS: Way = Way("both", "boss:all");
pub const MONITOR: Way = Way("monitor", "");

impl Way {
    fn header(self) -> String {
        match self.1 {
            "" => String::new(),
            user => format!(
                "Authorization: Basic {}\r\n",
                base64::encode(user.as_bytes())
            ),
        }
    }

    fn rpc(self, scene: &Scene) -> Rpc {
        Rpc::new(Address::Unix(scene.dir.join(self.0)))
    }

    fn call(self, scene: &Scene, method: &str, parameters: &[Value]) -> Outcome {
        let user = base64::encode(self.1.as_bytes());
        let rpc = self.rpc(scene).with_authorization(&format!("Basic {user}"));
        match self.1 {
            "" => self.rpc(scene).call(method, parameters),
            _ => rpc.call(method, parameters),
        }
    }

    pub fn get(self, scene: &Scene, path: &str) -> Page {
        self.rpc(scene).page("GET", path, &self.header(), "")
    }

    pub fn post(self, scene: &Scene, path: &str, form: &str) -> Page {
        let headers = format!("{}Content-Length: {}\r\n", self.header(), form.len());
        self.rpc(scene).page("POST", path, &headers, form)
    }

    /// The status of the answer to a request, of which nothing else is read.
    pub fn status(self, scene: &Scene, request: &str) -> u16 {
        let mut stream = UnixStream::connect(scene.dir.join(self.0)).unwrap();
        let header = self.header();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"
        )
        .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

pub fn scene() -> Scene {
    let scene = Scene::start(CONFIGURATION);
    scene.wait("web", "RUNNING");
    scene
}

/// Every method by its full name.
fn methods() -> impl Iterator<Item = (String, &'static Method)> {
    let of = |namespace: &'static str, table: &'static [Method]| {
        table
            .iter()
            .map(move |method| (format!("{namespace}.{}", method.name), method))
    };
    of("supervisor", INTERFACE.supervisor).chain(of("system", INTERFACE.system))
}

/// Parameters with which a method would do something, if it has anything to do.
fn likely(method: &Method) -> Vec<Value> {
    let parameters = method.parameters.iter();
    let value = |kind: &str| match kind {
        "boolean" => Value::Bool(true),
        "int" => Value::Int(0),
        "double" => Value::Double("0.0".to_owned()),
        "array" => Value::Array(vec![Value::text("web")]),
        _ => Value::text("web"),
    };
    parameters.map(|parameter| value(parameter.kind)).collect()
}

/// More than any method takes: the call is refused, but not for who makes it.
fn too_many() -> Vec<Value> {
    vec![Value::Int(1); 9]
}

fn code(outcome: &Outcome) -> i64 {
    match outcome {
        Outcome::Fault(code, _) => *code,
        Outcome::Status(status) => i64::from(*status),
        other => panic!("a fault was expected, not {other}"),
    }
}

#[test]
fn names_of_methods_say_whether_they_change_something() {
    let looks = |name: &str| {
        let beginnings = [
            "explain", "get", "read", "tail", "list", "method", "waitFor",
        ];
        name == "multicall" || beginnings.iter().any(|word| name.starts_with(word))
    };
    for (name, method) in methods() {
        let expected = match looks(method.name) {
            true => Access::ReadOnly,
            false => Access::Full,
        };
        assert_eq!(method.access, expected, "{name}");
    }
}

#[test]
fn every_method_is_for_those_who_may_call_it() {
    let scene = scene();
    let before = scene.all();
    // A wrong password takes its time, for each at the same time.
    std::thread::scope(|threads| {
        let wrong: Vec<_> = methods()
            .map(|(name, _)| {
                let scene = &scene;
                threads.spawn(move || (WRONG.call(scene, &name, &[]), name))
            })
            .collect();
        for (name, method) in methods() {
            let refused = match method.access {
                Access::ReadOnly => INCORRECT_PARAMETERS,
                Access::Full => READ_ONLY,
            };
            for (way, expected) in [
                (NOBODY, 401),
                (EYE, refused),
                (MONITOR, refused),
                (BOSS, INCORRECT_PARAMETERS),
            ] {
                let outcome = way.call(&scene, &name, &too_many());
                assert_eq!(code(&outcome), expected, "{name} {}", way.1);
            }
            if method.access == Access::Full {
                let outcome = EYE.call(&scene, &name, &likely(method));
                let told = format!(
                    "READ_ONLY: {name} changes something, and this access is for looking only"
                );
                assert_eq!(outcome, Outcome::Fault(READ_ONLY, told));
            }
        }
        for outcome in wrong {
            let (outcome, name) = outcome.join().unwrap();
            assert_eq!(outcome, Outcome::Status(401), "{name}");
        }
    });
    assert_eq!(names_and_pids(&scene.all()), names_and_pids(&before));
    scene.stop();
}

fn names_and_pids(all: &[Value]) -> Vec<(String, String, i64)> {
    let row = |info: &Value| {
        let text = |member| info.text_of(member);
        (text("name"), text("statename"), info.int_of("pid"))
    };
    all.iter().map(row).collect()
}

#[test]
fn a_multicall_is_judged_call_by_call() {
    let scene = scene();
    let call = |name: &str, parameters: Vec<Value>| {
        Value::Struct(vec![
            ("methodName".to_owned(), Value::text(name)),
            ("params".to_owned(), Value::Array(parameters)),
        ])
    };
    let all: Vec<Value> = methods().map(|(name, _)| call(&name, too_many())).collect();
    for (way, full) in [
        (EYE, READ_ONLY),
        (MONITOR, READ_ONLY),
        (BOSS, INCORRECT_PARAMETERS),
    ] {
        let results = way.call(&scene, "system.multicall", &[Value::Array(all.clone())]);
        let Value::Array(results) = results.answer() else {
            panic!("no array");
        };
        for ((name, method), result) in methods().zip(&results) {
            let expected = match method.access {
                Access::ReadOnly => INCORRECT_PARAMETERS,
                Access::Full => full,
            };
            assert_eq!(result.int_of("faultCode"), expected, "{name}");
        }
    }
    // What comes after a call that is waited for is judged as well.
    let wait = vec![
        Value::text("down"),
        Value::text("running"),
        Value::Double("0.05".to_owned()),
    ];
    let calls = [
        call("supervisor.waitForProcess", wait),
        call("supervisor.stopProcess", vec![Value::text("web")]),
        call("supervisor.getPID", vec![]),
    ];
    let results = EYE.call(&scene, "system.multicall", &[Value::Array(calls.to_vec())]);
    let Value::Array(results) = results.answer() else {
        panic!("no array");
    };
    assert_eq!(results[1].int_of("faultCode"), READ_ONLY, "{}", results[1]);
    assert!(matches!(results[2], Value::Int(_)), "{}", results[2]);
    let nobody = NOBODY.call(&scene, "system.multicall", &[Value::Array(vec![])]);
    assert_eq!(nobody, Outcome::Status(401));
    scene.wait("web", "RUNNING");
    scene.stop();
}

#[test]
fn supervisorctl_says_that_it_may_only_look() {
    let scene = scene();
    let url = format!("unix://{}", scene.dir.join("monitor").display());
    let configuration = scene.dir.join("supervisord.conf").display().to_string();
    let options = ["-c", &configuration, "-s", &url];
    let ctl = Ctl::with_options(Kind::Ours, &scene.dir, &options);
    for words in [
        "status web",
        "pid",
        "pid web",
        "avail",
        "version",
        "tail web",
        "maintail",
        "graph",
        "explain web",
        "wait web",
    ] {
        let end = ctl.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(end.status, Some(0), "{words} {end:?}");
    }
    for (words, method) in [
        ("start down", "startProcess"),
        ("start all", "startAllProcesses"),
        ("stop web down", "stopProcess"),
        ("restart web", "restartProcess"),
        ("signal HUP web", "signalProcess"),
        ("clear web", "clearProcessLogs"),
        ("reread", "reloadConfig"),
        ("update", "reloadConfig"),
        ("add web", "addProcessGroup"),
        ("remove web", "removeProcessGroup"),
        ("rotate", "rotateAllLogs"),
        ("reopen web", "reopenProcessLogs"),
        ("disable web", "disableProcess"),
        ("reload", "restart"),
        ("shutdown", "shutdown"),
    ] {
        let end = ctl.run(&words.split(' ').collect::<Vec<_>>());
        let told = "changes something, and this access is for looking only\n";
        assert!(
            end.stdout.starts_with("error: supervisor.") && end.stdout.ends_with(told),
            "{words} {end:?}"
        );
        assert!(end.stdout.contains(method), "{words} {end:?}");
        assert!(
            end.stderr
                .contains("lets this client look, and change nothing"),
            "{words} {end:?}"
        );
        assert_eq!(end.status, Some(4), "{words} {end:?}");
    }
    let piped = ctl.run_with_input(&[], "stop web\n");
    assert_eq!(piped.status, Some(4), "{piped:?}");
    scene.wait("web", "RUNNING");
    scene.stop();
}

#[test]
fn clients_and_children_take_a_server_where_they_may_act() {
    let dir = Dir::new();
    let monitor = "[unix_http_server:a]\nfile=%(here)s/a\nreadonly=true\n";
    let rest = "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/main.pid\n\
        [program:env]\ncommand=/usr/bin/env\nstartsecs=0\nautorestart=false\n\
        stdout_logfile=%(here)s/env.out\n";
    let full = "[unix_http_server:b]\nfile=%(here)s/b\n";
    dir.write("supervisord.conf", format!("{monitor}{full}{rest}"));
    let mut daemon = Daemon::start(Kind::Ours, &dir);
    let ctl = Ctl::new(Kind::Ours, &dir);
    let end = wait_for(DEADLINE, || {
        let end = ctl.run(&["restart", "env"]);
        end.stdout.contains("env: started").then_some(end)
    });
    assert!(end.is_some(), "{:?}", ctl.run(&["restart", "env"]));
    // What it wrote is read after its start is told.
    let url = format!("SUPERVISOR_SERVER_URL=unix://{}", dir.join("b").display());
    let told = || dir.read("env.out").unwrap_or_default();
    let is_told = wait_for(DEADLINE, || told().contains(&url).then_some(()));
    assert!(is_told.is_some(), "{}", told());
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn names_for_looking_are_checked_with_the_configuration() {
    let server = "[supervisord]\n[unix_http_server]\nfile=/tmp/s\n";
    let user = "username=boss\npassword=all\n";
    for (keys, line, told) in [
        (
            "readonly_username=eye\nreadonly_password=look\n",
            4,
            "has a readonly_username and no username, which gives everybody all rights",
        ),
        (
            "username=boss\npassword=all\nreadonly_username=eye\n",
            6,
            "both the readonly_username and readonly_password must be specified",
        ),
        (
            "username=boss\npassword=all\nreadonly_password=look\n",
            6,
            "both the readonly_username and readonly_password must be specified",
        ),
        (
            "username=boss\npassword=all\nreadonly_username=boss\nreadonly_password=look\n",
            6,
            "has one name as username and as readonly_username",
        ),
        (
            "username=boss\npassword=all\nreadonly_username=eye\nreadonly_password={SHA256}12\n",
            7,
            "has a readonly_password that begins with {SHA256}",
        ),
        (
            "username=boss\npassword=all\nreadonly_username=\nreadonly_password=look\n",
            6,
            "has a readonly_password and an empty readonly_username",
        ),
        ("readonly=maybe\n", 4, "'maybe'"),
    ] {
        let found = supervisord(&with(&format!("{server}{keys}")), &["--check"]);
        assert_eq!(found.status, Some(2), "{found:?}");
        assert!(found.stderr.contains(told), "{keys}{}", found.stderr);
        let place = format!("s.conf:{line}");
        assert!(found.stderr.contains(&place), "{keys}{}", found.stderr);
        assert!(!found.stderr.contains("look,"), "{}", found.stderr);
    }
    for keys in [
        "readonly=true\n".to_owned(),
        "readonly=true\nreadonly_username=eye\nreadonly_password=look\nrequire_authentication=true\n"
            .to_owned(),
        format!("{user}readonly_username=eye\nreadonly_password=look\n"),
    ] {
        let dir = with(&format!("{server}{keys}"));
        let found = supervisord(&dir, &["--dump-config"]);
        assert_eq!(found.status, Some(0), "{found:?}");
        assert!(!found.stdout.contains("look"), "{}", found.stdout);
    }
}

/// The page has each method that only looks, and no other.
#[test]
fn the_manual_names_what_may_be_called() {
    let page = include_str!("../man/supervisor-rpc.7");
    let (_, rest) = page.split_once(".Ss Read-only access\n").unwrap();
    let (part, _) = rest.split_once("\n.Ss ").unwrap();
    let (part, _) = part.split_once("\nand the methods of").unwrap();
    let named: Vec<&str> = part
        .lines()
        .filter_map(|line| line.strip_prefix(".Fn supervisor."))
        .map(|line| line.trim_end_matches(" ,"))
        .collect();
    let looking = INTERFACE.supervisor.iter();
    let looking = looking.filter(|method| method.access == Access::ReadOnly);
    let names: Vec<&str> = looking.map(|method| method.name).collect();
    assert_eq!(named, names);
    let system = INTERFACE.system.iter();
    assert!(
        system
            .clone()
            .all(|method| method.access == Access::ReadOnly)
    );
}
