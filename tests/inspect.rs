//! `supervisord --check` and `--dump-config`: what they print, their status, and
//! that they leave nothing behind.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::support::{DEADLINE, Dir, Finished, binary, finish, plain_environment};

pub fn supervisord(dir: &Dir, options: &[&str]) -> Finished {
    let mut command = Command::new(binary());
    plain_environment(&mut command);
    command
        .current_dir(dir.path())
        .args(["-c", "s.conf"])
        .args(options);
    finish(command, "", DEADLINE)
}

pub fn with(text: &str) -> Dir {
    let dir = Dir::new();
    dir.write("s.conf", text);
    dir
}

/// A server that supervisorctl finds; there is a warning without.
const SERVED: &str = "[unix_http_server]\nfile=%(here)s/s\n[rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

/// What `--check` warns of, `[supervisord]` being on line 1.
fn warnings(more: &str) -> Vec<String> {
    let dir = with(&format!("[supervisord]\n{more}{SERVED}"));
    let found = supervisord(&dir, &["--check"]);
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    let warnings = without_notes(&found.stderr);
    warnings.lines().map(str::to_owned).collect()
}

/// The lines but for those that tell what 4.3.0 does not have.
fn without_notes(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains(": note: "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_good_configuration_is_counted() {
    let dir = with(
        "[supervisord]\nnodaemon=true\nlogfile=%(here)s/main.log\n[program:a]\ncommand=cat\nnumprocs=2\n\
         process_name=a%(process_num)d\n[eventlistener:l]\ncommand=cat\nevents=TICK_5\n",
    );
    let found = supervisord(&dir, &["--check=strict"]);
    assert_eq!(found.stderr, "");
    assert_eq!(
        found.stdout,
        "s.conf: configuration ok (2 groups, 3 processes)\n"
    );
    assert_eq!(found.status, Some(0));
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != "s.conf" && name != "bin")
        .collect();
    assert_eq!(left, [] as [&str; 0]);
}

#[test]
fn a_bad_one_is_told_as_at_a_start_and_then_where() {
    let dir = with("[supervisord]\n[program:a]\ncommand=cat\nautostart=perhaps\n");
    for option in ["--check", "--dump-config"] {
        let found = supervisord(&dir, &[option]);
        assert_eq!(found.status, Some(2));
        assert_eq!(found.stdout, "");
        let lines: Vec<&str> = found.stderr.lines().collect();
        assert_eq!(
            lines[0],
            "Error: not a valid boolean value: 'perhaps' in section 'program:a' (file: 's.conf')"
        );
        assert!(lines[1].starts_with("For help, use "), "{}", lines[1]);
        assert_eq!(lines[2..], ["s.conf:4: write true or false"]);
    }
    let dir = with("[supervisord]\n\n[program:a]\n");
    let found = supervisord(&dir, &["--check"]);
    assert!(found.stderr.ends_with("\ns.conf:3: the error is here\n"));
}

#[test]
fn one_group_was_counted_as_1_groups() {
    for (programs, told) in [
        ("", "0 groups, 0 processes"),
        ("[program:a]\ncommand=cat\n", "1 group, 1 process"),
        (
            "[program:a]\ncommand=cat\nnumprocs=2\nprocess_name=%(process_num)d\n",
            "1 group, 2 processes",
        ),
    ] {
        let dir = with(&format!("[supervisord]\n{programs}"));
        let found = supervisord(&dir, &["--check"]);
        assert_eq!(found.stdout, format!("s.conf: configuration ok ({told})\n"));
    }
}

/// The places of all errors that a check tells, in order.
fn places_of_errors(dir: &Dir) -> Vec<String> {
    let found = supervisord(dir, &["--check"]);
    assert_eq!(found.status, Some(2), "{}", found.stderr);
    assert_eq!(found.stdout, "");
    let lines: Vec<&str> = found.stderr.lines().collect();
    let errors = lines.iter().filter(|line| line.starts_with("Error: "));
    let included = dir.join("more.ini").display().to_string();
    let places: Vec<String> = lines
        .iter()
        .filter(|line| !line.starts_with("Error: "))
        .filter_map(|line| line.split_once(": ").map(|(place, _)| place))
        .filter(|place| place.contains(".conf:") || place.contains(".ini:"))
        .map(|place| place.replace(&included, "more.ini"))
        .collect();
    assert_eq!(errors.count(), places.len(), "{}", found.stderr);
    places
}

#[test]
fn a_check_ended_at_the_first_error() {
    let dir = with(
        "[supervisord]
minfds=many
loglevel=loud
environment=A=%%(no)s,B
[include]
files=more.ini
[inet_http_server]
port=80x
username=a
[unix_http_server]
file=/tmp/s
chmod=9
max_connections=1
[program:a]
comand=/bin/cat
startsecs=x
stopsignal=NO
environment=C=%(ENV_B)s
numprocs=2
[program:b c]
command=/bin/cat
[group:g]
programs=a,y,b c,z
priority=x
",
    );
    dir.write(
        "more.ini",
        "[eventlistener:l]\ncommand=%(no)s\nevents=TICK_5,TICK_6,TICK_7\nbuffer_size=0\n\
         [fcgi-program:f]\ncommand=/bin/cat\nsocket=http://h\nsocket_mode=x\n",
    );
    let mut places = places_of_errors(&dir);
    places.sort();
    let mut expected = vec![
        "s.conf:2",
        "s.conf:3",
        "s.conf:4",
        "s.conf:8",
        "s.conf:9",
        "s.conf:12",
        "s.conf:13",
        "s.conf:15",
        "s.conf:16",
        "s.conf:17",
        "s.conf:19",
        "s.conf:20",
        "s.conf:23",
        "s.conf:23",
        "s.conf:24",
        "more.ini:2",
        "more.ini:3",
        "more.ini:3",
        "more.ini:4",
        "more.ini:7",
        "more.ini:8",
    ];
    expected.sort();
    assert_eq!(places, expected);
}

#[test]
fn what_follows_from_an_error_is_no_error_by_itself() {
    for (text, lines) in [
        // A name that no section can have, and the group that has it.
        (
            "[program:a:b]\ncommand=cat\n[group:g]\nprograms=a:b\n",
            &[2][..],
        ),
        (
            "[inet_http_server]\nport=1\npassword=p\nrequire_authentication=true\n",
            &[4],
        ),
        ("[inet_http_server]\nport=1\nusername=\npassword=p\n", &[4]),
        (
            "environment=A=1,B=%%(no)s\n[program:a]\ncommand=%(ENV_A)s\n",
            &[2],
        ),
        (
            "[program:a]\ncommand=cat\nprocess_name=a/b%(process_num)d\nnumprocs=2\n",
            &[4],
        ),
        (
            "[program:a]\ncommand=cat\nstopasgroup=yes\nkillasgroup=no\nnumprocs=2\n",
            &[6, 5],
        ),
        (
            "[program:a]\nnumprocs=%(no)s\ncommand=cat\ncommand=b%\n",
            &[3, 5],
        ),
    ] {
        let dir = with(&format!("[supervisord]\n{text}"));
        let expected: Vec<String> = lines.iter().map(|line| format!("s.conf:{line}")).collect();
        assert_eq!(places_of_errors(&dir), expected, "{text}");
    }
}

#[test]
fn every_broken_file_is_told_and_what_the_others_say() {
    let dir = with("[supervisord]\nminfds=x\n[include]\nfiles=*.ini\n[group:g]\nprograms=a,b\n");
    dir.write("a.ini", "[program:a]\nnonsense\n");
    dir.write("b.ini", "nonsense\n");
    dir.write("c.ini", "[program:c]\ncommand=cat\nautostart=perhaps\n");
    let found = supervisord(&dir, &["--check"]);
    assert_eq!(found.status, Some(2));
    let told = ["a.ini", "b.ini", "s.conf:2: write", "c.ini:3: write"];
    let places = told.map(|part| {
        found
            .stderr
            .find(part)
            .unwrap_or_else(|| panic!("{part}: {}", found.stderr))
    });
    assert!(places.is_sorted(), "{}", found.stderr);
    assert!(
        !found.stderr.contains("unknown program"),
        "{}",
        found.stderr
    );
}

#[test]
fn the_error_of_a_handler_in_python_did_not_say_which_one_does_its_job() {
    const CHOICES: &str = "use default, store or exec:COMMAND (default for a listener that answers OK or FAIL, \
        store to accept and keep whatever it answers, exec:COMMAND to give each event and its answer to a command)";
    const PRINTS: &str = "to print what programs write, leave this listener out and set \
        stdout_logfile=/dev/stdout in the programs and childlog_format=prefix in [supervisord], or use exec:COMMAND, which gives each event and its answer to \
        a command; store accepts every answer and prints nothing";
    for (line, advice) in [
        ("result_handler=my:handler", CHOICES),
        ("handler=my.package.module:handler", CHOICES),
        ("result_handler = supervisor_stdout:event_handler", PRINTS),
        ("result_handler=supervisor_stdlog:log_handler", PRINTS),
    ] {
        let dir = with(&format!(
            "[supervisord]\n[eventlistener:l]\ncommand=cat\nevents=TICK_5\n{line}\nbuffer_size=100\n"
        ));
        let (_, value) = line.split_once('=').unwrap();
        // At a start too, terminal or not.
        for options in [&["--check"][..], &["-n"]] {
            let found = supervisord(&dir, options);
            assert_eq!(found.status, Some(2));
            let lines: Vec<&str> = found.stderr.lines().collect();
            let error = format!(
                "Error: {} cannot be resolved within [eventlistener:l]",
                value.trim()
            );
            assert_eq!(lines[0], error);
            let told = format!("s.conf:5: handlers written in Python cannot be loaded: {advice}");
            assert_eq!(lines[2], told);
        }
    }
}

#[test]
fn wrong_values_of_listeners_are_told_with_what_can_be_written() {
    for (line, told) in [
        (
            "payload_length=byte",
            "Invalid payload_length value 'byte' in [eventlistener:l]: it is one of characters, bytes",
        ),
        (
            "busy_warning=soon",
            "Invalid busy_warning value 'soon' in [eventlistener:l] (it is a duration such as 30, 500ms, 90s, 5m, 2h or 1d)",
        ),
        (
            "busy_warning=-1",
            "Invalid busy_warning value '-1' in [eventlistener:l] (write 0)",
        ),
    ] {
        let dir = with(&format!(
            "[supervisord]\n[eventlistener:l]\ncommand=cat\nevents=TICK_5\n{line}\n"
        ));
        let found = supervisord(&dir, &["--check"]);
        assert_eq!(found.status, Some(2));
        let lines: Vec<&str> = found.stderr.lines().collect();
        assert_eq!(lines[0], format!("Error: {told}"));
        assert_eq!(lines[2..], ["s.conf:5: the error is here"]);
    }
    for line in [
        "payload_length=BYTES",
        "payload_length=characters",
        "busy_warning=0",
        "busy_warning=1500ms",
    ] {
        let listener = "[eventlistener:l]\ncommand=cat\nevents=TICK_5";
        assert_eq!(warnings(&format!("{listener}\n{line}\n")), [""; 0]);
    }
}

#[test]
fn scripts_get_the_lines_of_a_start_first_and_the_place_behind_them() {
    let dir = with("[supervisord]\nnodaemon=perhaps\n");
    let found = supervisord(&dir, &[]);
    assert_eq!(found.status, Some(2));
    let lines: Vec<&str> = found.stderr.lines().collect();
    assert_eq!(lines[0], "Error: not a valid boolean value: 'perhaps'");
    assert!(lines[1].starts_with("For help, use "), "{}", lines[1]);
    assert_eq!(lines[2..], ["s.conf:2: write true or false"]);
}

#[test]
fn misspelled_keys_and_sections_are_told_with_what_was_meant() {
    assert_eq!(
        warnings(
            "lofgile=x\n[program:a]\ncommand=cat\nstdout_logfle=/tmp/a.log\nzork=1\n\
             [progam:b]\ncommand=cat\n[Program:c]\n[program]\n[mine]\nx=1\n\
             [program d]\ncommand=cat\n[e]\ncommand=cat\n[job:f]\ncommand=cat\n\
             [inet_http]\n[http_server]\n[unix_http]\n"
        ),
        [
            "s.conf:2: warning: [supervisord] has no key lofgile, did you mean \"logfile\"?",
            "s.conf:5: warning: [program:a] has no key stdout_logfle, did you mean \"stdout_logfile\"?",
            "s.conf:6: warning: [program:a] has no key zork",
            "s.conf:7: warning: nothing reads [progam:b], did you mean \"program:b\"?",
            "s.conf:9: warning: nothing reads [Program:c], did you mean \"program:c\"?",
            "s.conf:10: warning: nothing reads [program], did you mean \"program:NAME\"?",
            "s.conf:11: warning: nothing reads [mine]",
            "s.conf:13: warning: nothing reads [program d], did you mean \"program:d\"?",
            "s.conf:15: warning: nothing reads [e], did you mean \"program:e\"?",
            "s.conf:17: warning: nothing reads [job:f], did you mean \"program:f\"?",
            "s.conf:19: warning: nothing reads [inet_http], did you mean \"inet_http_server\"?",
            "s.conf:20: warning: nothing reads [http_server], did you mean \"inet_http_server\"?",
            "s.conf:21: warning: nothing reads [unix_http], did you mean \"unix_http_server\"?",
        ]
    );
}

#[test]
fn values_that_a_comment_cuts_are_told() {
    assert_eq!(
        warnings(
            "identifier=x   ; an ordinary comment\n[program:a]\n\
             command=sh -c 'foo ; bar'\nenvironment=A=\"1\"; B=2\n  ,C=3 ;D=4\n\
             directory=/tmp ;x\npriority=1 ; fine\n"
        ),
        [
            "s.conf:4: warning: command ends before \"; bar'\", which is a comment: a blank before ; or # begins one, in quotes too",
            "s.conf:6: warning: environment ends before \";D=4\", which is a comment: a blank before ; or # begins one, in quotes too",
            "s.conf:7: warning: directory ends before \";x\", which is a comment: a blank before ; or # begins one, in quotes too",
        ]
    );
}

#[test]
fn duplicates_are_told_with_both_lines() {
    assert_eq!(
        warnings("[program:a]\ncommand=a\nCommand=b\n[program:a]\npriority=1\ncommand=cat\n"),
        [
            "s.conf:4: warning: command of [program:a] was set on line 3 already: this one counts",
            "s.conf:5: warning: [program:a] is at s.conf:2 already: both are read as one section",
            "s.conf:7: warning: command of [program:a] was set on line 4 already: this one counts",
        ]
    );
}

#[test]
fn includes_without_a_match_and_missing_directories_are_told() {
    let found = warnings(
        "[include]\nfiles=/no/where/*.conf\n[program:a]\ncommand=cat\nstdout_logfile=/no/where/a.log\n",
    );
    assert_eq!(
        found,
        [
            "s.conf:3: warning: No file matches via include \"/no/where/*.conf\"",
            "s.conf:6: warning: the directory /no/where for stdout_logfile is missing: [program:a] cannot start before it is there",
        ]
    );
    let dir = with("[supervisord]\nlogfile=/no/where/main.log\n");
    assert_eq!(supervisord(&dir, &["--check"]).status, Some(2));
}

#[test]
fn quoted_paths_and_warnings_of_the_start_are_told() {
    assert_eq!(
        warnings(
            "[program:a]\ncommand=cat\nstdout_logfile=\"a.log\"\nstderr_logfile=syslog\n\
             [rpcinterface:x]\nsupervisor.rpcinterface_factory=my:plugin\n"
        ),
        [
            "s.conf:2: warning: For [program:a], stderr_logfile=syslog but this is deprecated and will be removed.  Use stderr_syslog=true to enable syslog instead.",
            "s.conf:4: warning: remove the quotes of stdout_logfile: they are part of the path",
            "s.conf:6: warning: [rpcinterface:x] is left out: my:plugin cannot be loaded, for Python plug-ins are not available",
        ]
    );
}

#[test]
fn a_password_that_everybody_can_read_is_told_and_one_that_nobody_can_is_not() {
    let dir = with(
        "[supervisord]\n[inet_http_server]\nport=1\nusername=u\npassword=p\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
    );
    let file = dir.join("s.conf");
    std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let mut found = supervisord(&dir, &["--check=strict"]);
    found.stderr = without_notes(&found.stderr);
    assert_eq!(
        found.stderr,
        "s.conf:5: warning: there is a password here, and everybody can read the file: chmod o-r it\n"
    );
    assert_eq!(found.status, Some(2));
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(supervisord(&dir, &["--check=strict"]).status, Some(0));
}

#[test]
fn control_that_4_3_0_does_not_have_is_noted() {
    let interface = "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=\
                     supervisor.rpcinterface:make_main_rpcinterface\n";
    let client = "[supervisorctl]\nserverurl=unix:///run/s\n";
    let server = "[unix_http_server]\nfile=/run/s\n";
    const INTERFACE: &str = "s.conf:2: note: no [rpcinterface:supervisor]: it is there all the \
                             same, but not in Supervisor 4.3.0, which then answers no command\n";
    let serverurl = |line: u32| {
        format!(
            "s.conf:{line}: note: no serverurl in [supervisorctl]: supervisorctl asks \
             [unix_http_server], but that of Supervisor 4.3.0 asks http://localhost:9001\n"
        )
    };
    for (more, expected) in [
        (server.to_owned(), format!("{INTERFACE}{}", serverurl(2))),
        (format!("{server}{client}"), INTERFACE.to_owned()),
        (format!("{server}{interface}"), serverurl(2)),
        (
            format!("{server}{interface}[supervisorctl]\nprompt=x\n"),
            serverurl(6),
        ),
        (format!("{server}{interface}{client}"), String::new()),
        // Nobody can ask.
        (client.to_owned(), String::new()),
        (String::new(), String::new()),
    ] {
        let dir = with(&format!("[supervisord]\n{more}"));
        let found = supervisord(&dir, &["--check=strict"]);
        let warnings = without_notes(&found.stderr);
        let notes = found.stderr.replace(&warnings, "");
        let status = if warnings.is_empty() { 0 } else { 2 };
        assert_eq!((notes, found.status), (expected, Some(status)), "{more}");
    }
}

#[test]
fn the_sample_configuration_has_no_warning() {
    let dir = with(include_str!("../conf/supervisord.conf"));
    let found = supervisord(&dir, &["--check=strict"]);
    assert_eq!((found.status, found.stderr.as_str()), (Some(0), ""));
}

#[test]
fn everything_is_dumped_with_defaults_and_without_passwords() {
    let dir = with(
        "[supervisord]\nlogfile=/tmp/s.log\npidfile=/tmp/s.pid\nchildlogdir=/tmp\nenvironment=A=\"1\"\n\
         [inet_http_server]\nport=*:9001\nusername=u\npassword=secret\n\
         [fcgi-program:f]\ncommand=f\nsocket=unix:///tmp/../f.sock\nsocket_mode=0770\npriority=1\n\
         [eventlistener:l]\ncommand=cat\nevents=tick_60,TICK_5\nstopsignal=64\n\
         [program:p]\ncommand=p %%\nexitcodes=2,0\nstdout_logfile=NONE\nenvironment=B=\"\\2\"\n\
         autorestart=unexpected\numask=022\n",
    );
    let found = supervisord(&dir, &["--dump-config"]);
    assert_eq!((found.status, found.stderr.as_str()), (Some(0), ""));
    assert!(!found.stdout.contains("secret"));
    let flat: String = found.stdout.lines().map(str::trim).collect();
    for part in [
        "{\"supervisord\": {\"logfile\": \"/tmp/s.log\",\"logfile_maxbytes\": 52428800,\"logfile_backups\": 10,\
         \"loglevel\": \"info\",",
        "\"umask\": \"022\",\"minfds\": 1024,",
        "\"user\": null,\"logfile_format\": \"raw\",\"childlog_format\": \"raw\",\"event_drain_timeout\": 2,\"second_signal\": \"ignore\",\"shutdown_timeout\": \"infinity\",\"leftovers\": \"warn\",\"exit_on\": \"never\",\"childlog_ring\": 0,\"childlogs_maxbytes\": \"infinity\",\"memory_check_period\": 30,\"statefile\": null,\"environment_file\": [],\"logfile_rotate\": \"size\",\"logfile_chown\": null,\"logfile_chmod\": null,\"logfile_processor\": null,\"environment\": {\"A\": \"1\"}},",
        "\"servers\": [{\"section\": \"inet_http_server\",\"host\": \"\",\"port\": 9001,\
         \"username\": \"u\",\"password\": \"***\",\"readonly\": false,\
         \"readonly_username\": null,\"readonly_password\": null,\"require_authentication\": false,\
         \"allowed_hosts\": [],\"header_maxbytes\": 65536,\"unauthenticated_body_maxbytes\": 2097152,\
         \"body_maxbytes\": 16777216,\"xml_maxdepth\": 256,\"multicall_maxcalls\": 4096,\
         \"max_connections\": 128,\"idle_timeout\": 1800,\"request_timeout\": 60,\"web_get_actions\": false,\
         \"metrics\": false,\"metrics_processes\": false,\"health_pages\": false}],",
        "\"groups\": [{\"name\": \"l\",\"section\": \"eventlistener:l\",\"type\": \"eventlistener\",\
         \"priority\": -1,\"buffer_size\": 10,\"events\": [\"TICK_5\",\"TICK_60\"],\
         \"result_handler\": \"default\",\"event_max_retry\": 0,\"handler_timeout\": 10,\
         \"monitor_interval\": 60,\"payload_length\": \"characters\",\"busy_warning\": 30,\"processes\": [{",
        "{\"name\": \"f\",\"section\": \"fcgi-program:f\",\"type\": \"fcgi-program\",\"priority\": 1,\
         \"socket\": \"unix:///f.sock\",\"socket_backlog\": null,\"socket_mode\": \"770\",\
         \"socket_owner\": null,",
        "{\"name\": \"p\",\"section\": \"program:p\",\"type\": \"program\",\"priority\": 999,\
         \"processes\": [{\"name\": \"p\",\"command\": \"p %\",\"process_name\": \"p\",\"numprocs\": 1,\
         \"numprocs_start\": 0,\"directory\": null,\"umask\": \"022\",\"priority\": 999,\
         \"autostart\": true,\"autorestart\": \"unexpected\",\"startsecs\": 1,\"startretries\": 3,\
         \"exitcodes\": [0,2],\"stopsignal\": \"TERM\",",
        "\"user\": null,\"uid\": null,\"redirect_stderr\": false,\"rlimit_nofile\": null,\"rlimit_core\": null,\"rlimit_cpu\": null,\"rlimit_as\": null,\"rlimit_data\": null,\"rlimit_fsize\": null,\"rlimit_memlock\": null,\"rlimit_nproc\": null,\"rlimit_stack\": null,\"rlimit_nice\": null,\"rlimit_rtprio\": null,\"nice\": null,\"oom_score_adj\": null,\"no_new_privs\": false,\"prsetpdeathsig\": null,\"supplementary_groups\": [],\"stdout_logfile\": null,",
        "\"stderr_logfile\": \"AUTO\",",
        "\"environment\": {\"A\": \"1\",\"B\": \"\\\\2\"},\"serverurl\": null,\"pre_start_hook\": null,\"pre_stop_hook\": null,\"stopcommand\": null,\
         \"post_stop_hook\": null,\"fatal_hook\": null,\"hook_timeout\": 30,\"environment_file\": [],\"user_environment\": false,\"sockets\": []}]}]}",
    ] {
        assert!(flat.contains(part), "{part}\nis not in\n{flat}");
    }
}

#[test]
fn a_server_that_is_open_by_mistake_is_told_with_its_place() {
    for (keys, line, reason) in [
        (
            "username=%(ENV_U)s\npassword=p\n",
            4,
            "Section [inet_http_server] has a password and an empty username: set both, or neither \
             for a server without authentication",
        ),
        (
            "username=\npassword=\nrequire_authentication=true\n",
            6,
            "Section [inet_http_server] requires authentication and has no username and password",
        ),
    ] {
        let dir = with(&format!(
            "[supervisord]\n[inet_http_server]\nport=1\n{keys}"
        ));
        let mut command = Command::new(dir.bin().join("supervisord"));
        let arguments = ["-c", "s.conf", "--check"];
        let output = command
            .args(arguments)
            .current_dir(dir.path())
            .env("U", "")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let place = format!("s.conf:{line}: the error is here\n");
        assert!(told.starts_with(&format!("Error: {reason}\n")), "{told}");
        assert!(told.ends_with(&place), "{told}");
        assert_eq!(output.status.code(), Some(2));
    }
}
