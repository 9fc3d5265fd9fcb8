//! Defaults: `[program-default]`, and texts for missing names in values.

use std::collections::BTreeMap;
use std::process::Command;

use pollvisor::config::dump::dump;
use pollvisor::config::error::ConfigError;
use pollvisor::config::program::{KEYS, Process};
use pollvisor::config::{Config, GroupKind};

use super::manual;
use super::oracle;
use super::system::TestSystem;
use crate::support::{DEADLINE, Dir, Scene, Value, wait_until};

fn read_files(files: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    TestSystem::Lenient.load(directory.path().to_str().unwrap(), "s.conf")
}

fn read(text: &str) -> Result<Config, ConfigError> {
    read_files(&[("s.conf", &format!("[supervisord]\n{text}"))])
}

fn processes(config: &Config) -> BTreeMap<String, Process> {
    let groups = config.groups.iter().flat_map(|group| &group.processes);
    let pair = |process: &std::rc::Rc<Process>| (process.name.clone(), (**process).clone());
    groups.map(pair).collect()
}

/// The groups as a dump shows them.
fn dumped(config: &Config) -> String {
    let dump = dump(config, &TestSystem::Lenient).to_string();
    let (_, groups) = dump.split_once("\"groups\"").unwrap();
    groups.to_owned()
}

#[test]
fn each_key_of_program_default_is_as_if_every_program_had_it() {
    let heads = ["[program:a]\n", "[fcgi-program:f]\nsocket=tcp://h:1\n"];
    let keys: Vec<&str> = KEYS.iter().copied().flatten().map(|key| key.name).collect();
    let mut changed = 0;
    for line in manual::examples() {
        let key = line.split('=').next().unwrap();
        if !keys.contains(&key) {
            continue;
        }
        let besides = match key {
            "command" => "",
            "numprocs" => "command=a\nprocess_name=x%(process_num)d\n",
            _ => "command=a\n",
        };
        let with = |default: &str, own: &str| {
            let programs = heads.map(|head| format!("{head}{own}"));
            let listener = "[eventlistener:l]\ncommand=l\nevents=EVENT\n";
            let read = read(&format!("{default}{}{listener}", programs.concat()));
            read.map(|config| dumped(&config))
                .map_err(|error| error.to_string())
        };
        let by_default = with(&format!("[program-default]\n{besides}{line}\n"), "");
        assert_eq!(
            by_default,
            with("", &format!("{besides}{line}\n")),
            "{line}"
        );
        changed += usize::from(by_default != with("", "command=a\n"));
    }
    assert!(changed > 25, "only {changed} keys changed anything");
    // The socket's, too.
    let text = "[program-default]\nsocket=unix:///run/%(program_name)s\nsocket_mode=0770\n\
                socket_backlog=4\n[fcgi-program:f]\ncommand=f\n[program:p]\ncommand=p\n\
                [fcgi-program:m]\ncommand=m\n[group:g]\nprograms=m\n";
    let config = read(text).unwrap();
    let urls: Vec<Option<String>> = ["f", "p", "g"]
        .iter()
        .map(|name| {
            let group = config.groups.iter().find(|group| group.name == *name);
            let group = group.unwrap();
            let socket = group.socket_of(&group.processes[0])?;
            assert_eq!(socket.backlog, Some(4));
            Some(socket.address.url())
        })
        .collect();
    let url = |name: &str| Some(format!("unix:///run/{name}"));
    assert_eq!(urls, [url("f"), None, url("m")]);
    assert!(matches!(config.groups[0].kind, GroupKind::FastCgi(_)));
}

#[test]
fn own_keys_come_before_default_and_that_before_program_default() {
    let config = read(
        "[program-default]\nstartsecs=1\nstopwaitsecs=1\npriority=1\nstartretries=1\n\
         [DEFAULT]\nstartsecs=2\nstopwaitsecs=2\n[program:p]\ncommand=p\nstartsecs=3\npriority=3\n\
         [eventlistener:l]\ncommand=l\nevents=EVENT\n[group:g]\nprograms=m\n\
         [program:m]\ncommand=m\n",
    )
    .unwrap();
    let found = processes(&config);
    let of = |name: &str| {
        let process = &found[name];
        [
            process.startsecs,
            process.stopwaitsecs,
            process.priority,
            process.startretries,
        ]
    };
    assert_eq!(of("p"), [3, 2, 3, 1]);
    assert_eq!(of("m"), [2, 2, 1, 1]);
    // Listeners have none of it, and a group has a priority of its own.
    assert_eq!(of("l"), [2, 2, 999, 3]);
    let group = config.groups.iter().find(|group| group.name == "g");
    assert_eq!(group.unwrap().priority, 999);
    // It makes no program by itself, and its place does not matter.
    assert_eq!(config.groups.len(), 3);
    let late = read("[program:p]\ncommand=p\n[program-default]\nstartsecs=4\n").unwrap();
    assert_eq!(processes(&late)["p"].startsecs, 4);
}

#[test]
fn the_environment_of_program_default_is_below_that_of_each_program() {
    let pairs = |config: &Config, name: &str| {
        let found = processes(config);
        let pairs = found[name].environment.iter();
        let text: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
        text.join(" ")
    };
    let config = read(
        "environment=S=\"s\",A=\"s\"\n[program-default]\n\
         environment=A=\"d\",B=\"%(program_name)s%(process_num)d\",C=\"d\",P=\"/x:%(ENV_WORD)s\"\n\
         [program:p]\ncommand=p %(ENV_B)s\nnumprocs=2\nprocess_name=p%(process_num)d\n\
         environment=C=\"%(ENV_C)s+own\",D=\"%(ENV_B)s\"\n\
         [program:q]\ncommand=q\n[fcgi-program:f]\ncommand=f\nsocket=tcp://h:1\nenvironment=A=f\n\
         [eventlistener:l]\ncommand=l\nevents=EVENT\n",
    )
    .unwrap();
    let path = "P=/x:from the environment";
    assert_eq!(
        pairs(&config, "p0"),
        format!("A=d B=p0 C=d+own D=p0 {path} S=s")
    );
    assert_eq!(
        pairs(&config, "p1"),
        format!("A=d B=p1 C=d+own D=p1 {path} S=s")
    );
    assert_eq!(pairs(&config, "q"), format!("A=d B=q0 C=d {path} S=s"));
    assert_eq!(pairs(&config, "f"), format!("A=f B=f0 C=d {path} S=s"));
    assert_eq!(pairs(&config, "l"), "A=s S=s");
    assert_eq!(processes(&config)["p1"].command, "p p1");
    // `[DEFAULT]` stands for the program's own and for `[supervisord]`'s, once for each.
    for text in ["<%(ENV_P:-)s", "<%(ENV_P:-)s%(here)s"] {
        let text = format!(
            "[supervisord]\n[include]\nfiles=none\n[DEFAULT]\nenvironment=P=\"{text}\"\n\
             [program-default]\nstartsecs=2\n[program:p]\ncommand=p\n"
        );
        let told = pairs(&read_files(&[("s.conf", &text)]).unwrap(), "p");
        assert_eq!(told.matches('<').count(), 2, "{told}");
    }
    let config =
        read("[program-default]\nenvironment=P=\"<%(ENV_P:-)s\"\n[program:p]\ncommand=p\n");
    assert_eq!(pairs(&config.unwrap(), "p"), "P=<");
    let config = read(
        "[DEFAULT]\nenvironment=A=1,B=1\n[program-default]\nenvironment=B=2,C=2\n\
         [program:p]\ncommand=p\n",
    );
    assert_eq!(pairs(&config.unwrap(), "p"), "A=1 B=1 C=2");
}

#[test]
fn errors_are_told_at_the_line_of_program_default() {
    for (default, own, line, message) in [
        (
            "startsecs=x",
            "",
            3,
            "invalid literal for int() with base 10: 'x' in section 'program:p' (file: 's.conf')",
        ),
        (
            "environment=A=1,B",
            "environment=C=1",
            3,
            "Unexpected end of key/value pairs in value 'A=1,B' in section 'program:p' (file: 's.conf')",
        ),
        (
            "environment=A=1",
            "environment=C=1,D",
            6,
            "Unexpected end of key/value pairs in value 'C=1,D' in section 'program:p' (file: 's.conf')",
        ),
        (
            "numprocs=2",
            "",
            3,
            "%(process_num) must be present within process_name when numprocs > 1 in section 'program:p' (file: 's.conf')",
        ),
        (
            "stdout_logfile=%(no",
            "",
            3,
            "Format string '%(no' for 'program:p.stdout_logfile' is badly formatted: incomplete format key (this value is expanded twice: write %%%% for a percent sign) in section 'program:p' (file: 's.conf')",
        ),
        (
            "priority=%(ENV_WORD)s",
            "",
            3,
            "invalid literal for int() with base 10: '%(ENV_WORD)s'",
        ),
    ] {
        let text = format!("[program-default]\n{default}\n[program:p]\ncommand=p\n{own}\n");
        let error = read(&text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.location().unwrap().line, line, "{default}");
    }
    // In a file that is included, too.
    let error = read_files(&[
        (
            "s.conf",
            "[supervisord]\n[include]\nfiles=d.ini\n[program:p]\ncommand=p\n",
        ),
        ("d.ini", "[program-default]\n\nautostart=perhaps\n"),
    ]);
    let error = error.unwrap_err();
    let location = error.location().unwrap();
    assert!(
        location.file.ends_with("/d.ini") && location.line == 3,
        "{location}"
    );
}

#[test]
fn here_is_where_program_default_stands() {
    let config = read_files(&[
        (
            "s.conf",
            "[supervisord]\n[include]\nfiles=d.ini\n[program:p]\ncommand=p %(here)s\n",
        ),
        (
            "d.ini",
            "[program-default]\ndirectory=%(here)s/%(ENV_X:-%(here)s)s\n",
        ),
    ]);
    let config = config.unwrap();
    let process = &processes(&config)["p"];
    let here = process.command.strip_prefix("p ").unwrap();
    assert_eq!(
        process.directory.as_deref(),
        Some(&*format!("{here}/{here}"))
    );
}

/// What 4.3.0 makes of a text; the command of its first program, or the error.
fn original(text: &str) -> Result<String, String> {
    const SCRIPT: &str = "
import sys
from supervisor.options import ServerOptions
options = ServerOptions()
options.realize(['-c', sys.argv[1]])
print(options.process_group_configs[0].process_configs[0].command)
";
    let dir = Dir::new();
    let file = dir.write("s.conf", text);
    let mut command = Command::new(oracle::python());
    command.args(["-c", SCRIPT]).arg(file);
    let output = command.env("SET", "value").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

#[test]
fn the_original_ignores_program_default_and_refuses_texts_for_missing_names() {
    let program = "[supervisord]\nnodaemon=true\n[program:p]\ncommand=cat";
    let defaults = "\n[program-default]\ncommand=other\nstartsecs=x\nenvironment=A\n";
    assert_eq!(
        original(&format!("{program}{defaults}")),
        Ok("cat".to_owned())
    );
    let error = original(&format!("{program} %(ENV_SET:-x)s\n")).unwrap_err();
    assert!(error.contains("contains names ('ENV_SET:-x')"), "{error}");
}

#[test]
fn a_reread_sees_what_changes_in_program_default() {
    let programs = "[program:a]\ncommand=/bin/cat\n[program:b]\ncommand=/bin/cat\nstopwaitsecs=5\n\
                    environment=B=1\n";
    let with = |default: &str| {
        crate::support::usual_configuration(&format!("[program-default]\n{default}\n{programs}"))
    };
    let scene = Scene::start(&format!(
        "[program-default]\nstopwaitsecs=5\nenvironment=WHICH=\"%(program_name)s\"\n{programs}"
    ));
    scene.wait_all("RUNNING");
    let told = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    for name in ["a", "b"] {
        let pid = scene.pid(name);
        let is_there = || {
            told(pid)
                .split('\0')
                .any(|pair| pair == format!("WHICH={name}"))
        };
        assert!(wait_until(DEADLINE, is_there), "{}", told(pid));
    }
    for (default, changed) in [
        (
            "stopwaitsecs=5\nenvironment=WHICH=\"%(program_name)s\"",
            vec![],
        ),
        // b has its own.
        (
            "stopwaitsecs=6\nenvironment=WHICH=\"%(program_name)s\"",
            vec!["a"],
        ),
        ("stopwaitsecs=5\nenvironment=WHICH=other", vec!["a", "b"]),
        ("stopwaitsecs=5", vec!["a", "b"]),
        (
            "stopwaitsecs=5\nenvironment=WHICH=\"%(program_name)s\"\nenvironment_=1",
            vec![],
        ),
    ] {
        scene.dir.write("supervisord.conf", with(default));
        let Value::Array(answer) = scene.call("reloadConfig", &[]).answer() else {
            panic!("{default}");
        };
        let names = changed.into_iter().map(Value::text).collect();
        let lists = [
            Value::Array(vec![]),
            Value::Array(names),
            Value::Array(vec![]),
        ];
        assert_eq!(answer, [Value::Array(lists.to_vec())], "{default}");
    }
    scene.stop();
}

/// Every value of every section can have a text for a missing name, as numbers can.
#[test]
fn texts_for_missing_names_stand_in_every_value() {
    let config = read(
        "loglevel=%(ENV_LEVEL:-debug)s\nminfds=%(ENV_FDS:-77)s\n\
         environment=A=\"%(ENV_A:-a, %(here:+b)s)s\"\n\
         [inet_http_server]\nport=%(ENV_HOST:-127.0.0.1)s:%(ENV_PORT:-9001)s\n\
         username=%(ENV_U:-u)s\npassword=%(ENV_P:-p)s\n\
         [unix_http_server]\nfile=%(ENV_FILE:-/tmp/s)s\nchmod=%(ENV_MODE:-0770)s\n\
         [group:g]\nprograms=%(ENV_LIST:-p,q)s\npriority=%(ENV_PRIORITY:-3)s\n\
         [program:p]\ncommand=serve %(ENV_VERBOSE:+-v)s%(ENV_WORD:+-w \"%(ENV_WORD)s\")s\n\
         numprocs=%(ENV_COUNT:-1)s\nstdout_logfile=%(ENV_LOG:-NONE)s\n\
         environment=%(ENV_MORE:-B=\"1,2\",C=3)s,D=\"%(ENV_A:-unseen)s\"\n\
         [program:q]\ncommand=q\nautostart=%(ENV_AUTOSTART:-no)s\nstartsecs=%(ENV_EMPTY:-4)s\n\
         [eventlistener:l]\ncommand=l\nevents=%(ENV_EVENTS:-TICK_5,TICK_60)s\n",
    )
    .unwrap();
    assert_eq!(config.supervisord.minfds, 77);
    assert_eq!(config.servers[0].address.url(), "tcp://127.0.0.1:9001");
    assert_eq!(config.servers[1].address.url(), "unix:///tmp/s");
    let found = processes(&config);
    assert_eq!(found["p"].command, "serve -w \"from the environment\"");
    let pairs = |name: &str| {
        let pairs = found[name].environment.iter();
        pairs
            .map(|(key, value)| format!("{key}={value};"))
            .collect::<String>()
    };
    assert_eq!(pairs("p"), "A=a, b;B=1,2;C=3;D=a, b;");
    assert_eq!(pairs("q"), "A=a, b;");
    assert_eq!((found["q"].autostart, found["q"].startsecs), (false, 4));
    let group = config
        .groups
        .iter()
        .find(|group| group.name == "g")
        .unwrap();
    assert_eq!((group.processes.len(), group.priority), (2, 3));
}

#[test]
fn texts_for_missing_names_stand_in_includes_too() {
    let config = read_files(&[
        (
            "s.conf",
            "[include]\nfiles=%(ENV_FOLDER:-%(here)s)s/%(ENV_ONE:-a)s.ini\n[supervisord]\n",
        ),
        ("a.ini", "[program:a]\ncommand=%(ENV_X:-%(here)s)s\n"),
        ("b.ini", "[program:b]\ncommand=b\n"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.groups.len(), 1);
    assert!(config.groups[0].processes[0].command.starts_with('/'));
}
