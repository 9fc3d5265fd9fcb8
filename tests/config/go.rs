//! Configurations of the supervisord in Go: what of them is read, and what `--check`
//! says of the rest and of what Supervisor 4.3.0 would not take.

use std::process::Command;

use pollvisor::config::go;
use pollvisor::config::keys::kind_of;

use crate::support::{DEADLINE, Dir, Finished, binary, finish, plain_environment};

fn check(dir: &Dir, option: &str) -> Finished {
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    let command_line = command
        .current_dir(dir.path())
        .args(["-c", "s.conf", option]);
    command_line.env("HERE", "x");
    finish(command, "", DEADLINE)
}

/// What `--check` says, `[supervisord]` being on line 1.
fn lines(more: &str) -> Vec<String> {
    let dir = Dir::new();
    dir.write("s.conf", format!("[supervisord]\n{more}"));
    let found = check(&dir, "--check");
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    // The commands are not there, and nobody is to be asked.
    let is_other =
        |line: &&str| line.contains("can't find command") || line.contains("there is no server");
    let lines = found.stderr.lines().filter(|line| !is_other(line));
    lines.map(str::to_owned).collect()
}

/// As its `init` writes one, and what its manual adds.
const CONFIGURATION: &str = "\
[unix_http_server]
file=/tmp/supervisord.sock
username=test1
password={SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d
[inet_http_server]
port=127.0.0.1:9001
username=test1
password=thepassword
[supervisord]
logfile=%(here)s/supervisord.log
logfile_maxbytes=50MB
logfile_backups=10
loglevel=info
pidfile=%(here)s/supervisord.pid
minfds=64
minprocs=16
identifier=supervisor
[program-default]
environment=VAR1=\"value1\",VAR2=\"value2\"
stopwaitsecs=5
redirect_stderr=true
[program:x]
command=/bin/cat
process_name=%(program_name)s
numprocs=1
autostart=true
startsecs=3
startretries=3
autorestart=true
exitcodes=0,2
stopsignal=TERM
stopasgroup=true
killasgroup=true
user=root:root
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=50MB
stdout_logfile_backups=10
stdout_capture_maxbytes=0
stdout_events_enabled=true
environment=VAR2=\"own\"
directory=/tmp
serverurl=AUTO
[group:g]
programs=x
priority=999
[eventlistener:l]
command=/bin/cat
process_name=%(program_name)s
buffer_size=10240
events=PROCESS_STATE
[supervisorctl]
serverurl = unix:///tmp/supervisord.sock
username = chris
password = 123
";

#[test]
fn a_configuration_of_the_supervisord_in_go_is_read() {
    let dir = Dir::new();
    let file = dir.write("s.conf", CONFIGURATION);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(file, mode).unwrap();
    let found = check(&dir, "--check=strict");
    assert_eq!(
        (found.status, found.stdout.as_str()),
        (
            Some(0),
            "s.conf: configuration ok (2 groups, 2 processes)\n"
        ),
        "{}",
        found.stderr
    );
    let dump = check(&dir, "--dump-config").stdout;
    for value in [
        "\"VAR1\": \"value1\"",
        "\"VAR2\": \"own\"",
        "\"stopwaitsecs\": 5",
        "\"stdout_logfile\": \"/dev/stdout\"",
    ] {
        assert!(dump.contains(value), "{value}: {dump}");
    }
}

/// All that its source looks up in the section of a program.
const KEYS: &[&str] = &[
    "restart_when_binary_changed",
    "restart_cmd_when_binary_changed",
    "restart_signal_when_binary_changed",
    "restart_directory_monitor",
    "restart_file_pattern",
    "restart_cmd_when_file_changed",
    "restart_signal_when_file_changed",
    "killwaitsecs",
];

#[test]
fn what_only_the_supervisord_in_go_has_is_told_with_what_to_do() {
    for key in KEYS {
        let kind = kind_of("program:a").unwrap();
        let is_read = kind.all_keys().any(|known| known.name == *key);
        let advice = go::advice(key);
        assert_eq!(is_read, advice.is_none(), "{key}");
        for section in [
            "[program:a]\n",
            "[program:a]\ncommand=a\n[program-default]\n",
        ] {
            let value = if section.ends_with("a]\n") {
                "command=a\n"
            } else {
                ""
            };
            let told = lines(&format!("{section}{value}{key}=1\n"));
            let expected = format!("has no key {key}: {}", advice.unwrap());
            assert!(
                told.iter().any(|line| line.ends_with(&expected)),
                "{told:?}"
            );
        }
    }
    let path = "is read as a path: no other host's syslog is reached, so set";
    assert_eq!(
        lines(
            "nodename=n\n[program:a]\ncommand=a\nstdout_logfile=syslog @tcp:h:6514\n\
             stderr_logfile=syslog@h\n"
        ),
        [
            format!(
                "s.conf:2: warning: [supervisord] has no key nodename: {}",
                go::advice("nodename").unwrap()
            ),
            format!(
                "s.conf:5: warning: stdout_logfile {path} stdout_syslog=true and let the one of this host forward it"
            ),
            format!(
                "s.conf:6: warning: stderr_logfile {path} stderr_syslog=true and let the one of this host forward it"
            ),
        ]
    );
}

#[test]
fn keys_that_are_of_no_use_to_programs_are_told_in_program_default() {
    assert_eq!(
        lines(
            "[program-default]\nevents=EVENT\nprograms=a\nstartsec=1\nzork=1\nsocket=tcp://h:1\n"
        ),
        [
            "s.conf:2: note: Supervisor 4.3.0 does not read [program-default]: there each program needs these keys itself",
            "s.conf:3: warning: [program-default] has no key events: it is for programs, and events is of [eventlistener] sections",
            "s.conf:4: warning: [program-default] has no key programs: it is for programs, and programs is of [group] sections",
            "s.conf:5: warning: [program-default] has no key startsec, did you mean \"startsecs\"?",
            "s.conf:6: warning: [program-default] has no key zork",
        ]
    );
    assert_eq!(
        lines("[program-defaults]\n[program-default:x]\n"),
        [
            "s.conf:2: warning: nothing reads [program-defaults], did you mean \"program-default\"?",
            "s.conf:3: warning: nothing reads [program-default:x], did you mean \"program-default\"?",
        ]
    );
}

#[test]
fn what_the_original_does_not_take_is_a_note_and_no_warning() {
    let text = "identifier=%(ENV_X:-a)s\n[program:a]\ncommand=a %(ENV_X:+b)s %(here)s\n\
                stopwaitsecs=%(ENV_X:-5)s\ncomand=%(ENV_X:-5)s\n[mine]\nx=%(ENV_X:-5)s\n\
                [program-default]\nstartsecs=%(ENV_X:-5)s\n[DEFAULT]\nstartretries=%(ENV_X:-5)s\n";
    let note = "has a default in an expansion: Supervisor 4.3.0 does not start with that";
    assert_eq!(
        lines(text),
        [
            format!("s.conf:2: note: identifier of [supervisord] {note}"),
            format!("s.conf:4: note: command of [program:a] {note}"),
            format!("s.conf:5: note: stopwaitsecs of [program:a] {note}"),
            "s.conf:6: warning: [program:a] has no key comand, did you mean \"command\"?".to_owned(),
            "s.conf:7: warning: nothing reads [mine]".to_owned(),
            "s.conf:9: note: Supervisor 4.3.0 does not read [program-default]: there each program needs these keys itself".to_owned(),
            format!("s.conf:12: note: startretries of [DEFAULT] {note}"),
        ]
    );
    assert_eq!(
        lines("[program:a]\ncommand=a\nstartretries=-1\nstopwaitsecs=-1\npriority=-1\n"),
        [
            "s.conf:4: note: startretries=-1 of [program:a] is no limit: to Supervisor 4.3.0 it is no retry",
            "s.conf:5: note: stopwaitsecs=-1 of [program:a] is no limit: to Supervisor 4.3.0 it is SIGKILL at once",
        ]
    );
    let dir = Dir::new();
    dir.write(
        "s.conf",
        "[supervisord]\nnodaemon=true\nidentifier=%(ENV_X:-a)s\n[program-default]\nstartsecs=1\n",
    );
    let found = check(&dir, "--check=strict");
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    assert_eq!(found.stderr.lines().count(), 2);
}

#[test]
fn an_error_of_program_default_is_told_once() {
    let dir = Dir::new();
    let programs: String = ["a", "b", "c"]
        .iter()
        .map(|name| format!("[program:{name}]\ncommand={name}\nenvironment=A=1\n"))
        .collect();
    let default = "[program-default]\nstartsecs=x\nenvironment=A,B\nautostart=perhaps\n";
    let own = "[program:d]\ncommand=d\nenvironment=A=1\nstartsecs=x\n";
    dir.write("s.conf", format!("[supervisord]\n{own}{default}{programs}"));
    let found = check(&dir, "--check");
    assert_eq!(found.status, Some(2));
    let places = found
        .stderr
        .lines()
        .filter(|line| line.starts_with("s.conf:"))
        .filter_map(|line| line.split_once(": "))
        .map(|(place, _)| place);
    let mut places: Vec<&str> = places.collect();
    places.sort();
    assert_eq!(
        places,
        ["s.conf:5", "s.conf:7", "s.conf:8", "s.conf:9"],
        "{}",
        found.stderr
    );
}
