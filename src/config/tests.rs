//! Configurations as the next program of an upgrade has them.

use std::path::{Path, PathBuf};

use super::load::{LoadRequest, Purpose, StartRequest, load_with};
use super::scale::{Scaled, ScaledProgram};
use super::supervisord::Overrides;
use super::system::{ReadError, System};
use super::*;
use crate::log_level::Level;
use crate::snapshot::tests::{carried, read, written};

const PATH: &str = "/etc/s.conf";

/// A system with one file, on which everything else is there as well.
struct OneFile(String);

impl System for OneFile {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match path {
            PATH => Ok(self.0.clone().into_bytes()),
            _ => Err(ReadError::Missing),
        }
    }

    fn exists(&self, _: &str) -> bool {
        true
    }

    fn is_directory(&self, _: &str) -> bool {
        true
    }

    fn others_can_read(&self, _: &str) -> bool {
        true
    }

    fn others_who_can_write(&self, _: &str) -> Option<String> {
        Some("everybody".to_owned())
    }

    fn glob(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn host_node_name(&self) -> String {
        "host".to_owned()
    }

    fn temporary_directory(&self) -> String {
        "/tmp".to_owned()
    }

    fn home_directory(&self, _: Option<&str>) -> Option<String> {
        Some("/home".to_owned())
    }

    fn uid(&self) -> u32 {
        0
    }

    fn uid_of_name(&self, _: &str) -> Option<u32> {
        Some(7)
    }

    fn gid_of_uid(&self, _: u32) -> Option<u32> {
        Some(8)
    }

    fn gid_of_name(&self, _: &str) -> Option<u32> {
        Some(9)
    }

    fn has_gid(&self, _: u32) -> bool {
        true
    }
}

/// Reads a text; each variable that it names is there.
fn load(text: &str) -> Result<Config, String> {
    let names = text.split("%(ENV_").skip(1);
    let names = names.filter_map(|rest| rest.split([')', ':']).next());
    let request = LoadRequest {
        path: PATH.to_owned(),
        overrides: Overrides::default(),
        environment: names
            .map(|name| (name.to_owned(), "1".to_owned()))
            .collect(),
        launch_directory: "/launch".to_owned(),
        purpose: Purpose::Start,
    };
    load_with(&request, &OneFile(text.to_owned())).map_err(|error| error.told())
}

/// The next program has the same, to what makes no difference to a `reread`.
#[track_caller]
fn is_carried(config: &Config) -> Config {
    let again = carried(config);
    assert_eq!(again.groups, config.groups);
    assert_eq!(again.servers, config.servers);
    assert_eq!(format!("{again:?}"), format!("{config:?}"));
    again
}

#[test]
fn every_configuration_of_the_corpus_is_carried() {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("CORPUS").map_or(usual, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("there is no corpus: nothing to test (set CORPUS)");
        return;
    };
    let mut count = 0;
    for entry in entries {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        if let Ok(config) = load(&String::from_utf8_lossy(&bytes)) {
            is_carried(&config);
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
}

/// The sample with its keys turned on, but for those that stand twice and names that are not
/// there.
fn sample() -> String {
    let is_on = |line: &&str| {
        let begins = |key: &&str| line.starts_with(*key);
        let is_out = [
            "serverurl=http:",
            "handler=",
            "[group",
            "programs=",
            "depends_on=",
            "[include",
            "files =",
        ];
        let is_setting = line.starts_with(|c: char| c == '[' || c.is_ascii_lowercase());
        is_setting && !is_out.iter().any(begins)
    };
    let lines = include_str!("../../conf/supervisord.conf").lines();
    let lines = lines.map(|line| line.trim_start_matches(';'));
    lines
        .filter(is_on)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn the_sample_configuration_is_carried_with_every_key_turned_on() {
    let config = is_carried(&load(&sample()).unwrap());
    assert_eq!(config.servers.len(), 2);
    let credentials = config.servers[0].credentials.as_ref().unwrap();
    assert_eq!(credentials.password, "123");
    let mut groups = config.groups.iter();
    assert!(groups.any(|group| matches!(group.kind, GroupKind::Listeners(_))));
}

#[test]
fn values_that_are_seldom_are_carried() {
    let config = load(
        r#"
[supervisord]
logfile=syslog
pidfile=none
logfile_chmod=640
environment=A="1",B='"é'
childlog_format=%(asctime)s [%(channel)s] %(message)s
[inet_http_server]
port=[::1]:9001
username=u
password={SHA}1
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[group:g]
programs=a,f
[fcgi-program:f]
command=f %(ENV_SECRET)s
socket=unix:///run/f
socket_owner=x:y
socket_backlog=9
stdout_logfile=/a.log, syslog, AUTO
stdout_logfile_format=raw, json, prefix
[program:a]
command=a
process_name=a%(process_num)d
numprocs=2
numprocs_start=5
autorestart=true
stopsignal=INT TERM 34
exitcodes=0,2
depends_on=f(started)?, %(ENV_SECRET)s?
restart_limit=5/1m
maxbackoff=infinity
schedule=0 2 * * mon-fri
readiness=log: up
liveness_check=http://[::1]:80/x
liveness_check_failure_action=mail %(ENV_SECRET)s
cpu_max=150%
memory_max=64MB
pids_max=9
rlimit_core=0:infinity
supplementary_groups=x
kill_mode=mixed
environment_file=-/e, f
syslog_facility=local7
syslog_stdout_priority=emerg
stderr_logfile=NONE
stdout_logfile_rotate=daily
stdout_logfile_processor=gzip
[program:1]
command=1
[eventlistener:l]
command=l
events=TICK_5,PROCESS_STATE
result_handler=exec:judge %(ENV_SECRET)s
buffer_size=10
"#,
    );
    let config = is_carried(&config.unwrap());
    let pool = config.groups.iter().find_map(|group| match &group.kind {
        GroupKind::Listeners(pool) => Some(pool),
        _ => None,
    });
    // What two values may be equal without, and what messages show for them.
    assert!(pool.unwrap().is_limited.0);
    let ResultHandler::Exec(command) = &pool.unwrap().result_handler else {
        panic!("{pool:?}");
    };
    assert_eq!(command.shown(), "judge %(ENV_SECRET)s");
    let mut groups = config.groups.iter();
    let group = groups.find(|group| group.name == "g").unwrap();
    let named = |name: &&Rc<Process>| name.name == "a6";
    let process = group.processes.iter().find(named).unwrap();
    assert_eq!(process.numbering.numprocs_start, 5);
    let dependencies = process.dependencies.as_ref().unwrap();
    let place = &dependencies.depends_on[1].place;
    assert_eq!(
        place.written.as_deref().unwrap(),
        "f(started)?, %(ENV_SECRET)s?"
    );
    assert_eq!(place.location.as_ref().unwrap().line, 31);
}

#[test]
fn what_is_shared_is_shared_in_the_next_program() {
    let config = load(
        "[supervisord]\n[program:b]\ncommand=b\n[program:a]\ncommand=a\n\
         process_name=%(process_num)d\nnumprocs=2\ndepends_on=b\nsockets=s=tcp://127.0.0.1:7\n\
         stdout_logfile_chmod=640\n",
    );
    let config = config.unwrap();
    let running = Rc::clone(&config.groups[0]);
    let scaled = Scaled {
        configured: Rc::clone(&config.groups[0]),
        programs: vec![ScaledProgram {
            section: "program:a".to_owned(),
            member: 0,
            number: 1,
        }],
    };
    let processes = running.processes.clone();
    let (config, (running, (scaled, processes))) =
        carried(&(config, (running, (scaled, processes))));
    assert!(Rc::ptr_eq(&config.groups[0], &running));
    assert!(Rc::ptr_eq(&scaled.configured, &running));
    assert_eq!(scaled.programs[0].number, 1);
    let [first, second] = running.processes.as_slice() else {
        panic!("{running:?}");
    };
    assert!(Rc::ptr_eq(second, &processes[1]));
    let dependencies = |process: &Process| Rc::clone(process.dependencies.as_ref().unwrap());
    assert!(Rc::ptr_eq(&dependencies(first), &dependencies(second)));
    let sockets = |process: &Process| Rc::clone(process.sockets.as_ref().unwrap());
    assert!(Rc::ptr_eq(&sockets(first), &sockets(second)));
    let files = |process: &Process| Rc::clone(process.stdout.file_keeping().unwrap());
    assert!(Rc::ptr_eq(&files(first), &files(second)));
}

#[test]
fn what_is_read_again_is_carried_with_the_command_line() {
    let mut overrides = Overrides {
        minfds: Some(5),
        umask: Some(0o27),
        loglevel: Some(Level::Blather),
        nodaemon: true,
        ..Overrides::default()
    };
    assert!(overrides.commands.add_run("web=serve \"é\""));
    overrides.commands.main = vec!["a".to_owned(), String::new()];
    let start = StartRequest {
        program: "/bin/supervisord".to_owned(),
        configuration: Some("s.conf".to_owned()),
        overrides: overrides.clone(),
        environment: vec![("A".to_owned(), "=\\".to_owned())],
        launch_directory: "/launch".to_owned(),
    };
    assert_eq!(format!("{:?}", carried(&start)), format!("{start:?}"));
    let load = LoadRequest {
        path: PATH.to_owned(),
        overrides,
        environment: start.environment,
        launch_directory: start.launch_directory,
        purpose: Purpose::Reread,
    };
    assert_eq!(format!("{:?}", carried(&load)), format!("{load:?}"));
}

#[test]
fn a_key_that_an_older_program_does_not_know_has_its_fallback() {
    let text = written(&testing::process("cat"));
    let text = text.replacen("\"startretries\":3,", "", 1);
    let process: Process = read(&text.replacen("\"autorestart\"", "\"other\"", 1)).unwrap();
    assert_eq!(process, testing::process("cat"));
    assert_eq!(process.startretries, 3);
    let error = read::<Process>("{\"stopsignal\":[]}").unwrap_err();
    assert!(error.contains("stopsignal: no signal"), "{error}");
}
