//! `supervisord --check` and `--dump-config`: what they print of a good configuration, their
//! status, and that they leave nothing behind.

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
