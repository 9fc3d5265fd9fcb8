//! The command lines of the small programs: which program a name starts,
//! usage errors and the sample configuration.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::support::{binary, edits_lines};

/// A directory with the program in it under another name.
fn program(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    symlink(binary(), &path).unwrap();
    (directory, path)
}

fn run(program: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(words).current_dir(program.parent().unwrap());
    command.stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn usage_errors_go_to_stderr_and_exit_with_2() {
    let (_directory, ctl) = program("supervisorctl");
    for (words, message) in [
        (&["-x"][..], "option -x not recognized"),
        (&["--nosuch"], "option --nosuch not recognized"),
        (&["--h"], "option --h not a unique prefix"),
        (&["-c"], "option -c requires argument"),
        (&["--pass"], "option --password requires argument"),
        (
            &["--interactive=1"],
            "option --interactive must not have an argument",
        ),
        (
            &["-c", "", "--conf", ""],
            "conflicting command line option '--configuration'",
        ),
        (
            &["-s", "foo"],
            "invalid value for -s 'foo': value 'foo' is not a URL",
        ),
        (
            &["--serverurl", "it's"],
            "invalid value for --serverurl \"it's\": value \"it's\" is not a URL",
        ),
        (&["-h", "--bogus"], "option --bogus not recognized"),
    ] {
        let output = run(&ctl, words);
        let expected = format!(
            "Error: {message}\nFor help, use {} -h\n",
            ctl.to_str().unwrap()
        );
        assert_eq!(text(&output.stderr), expected, "{words:?}");
        assert_eq!(text(&output.stdout), "", "{words:?}");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn help_shows_the_name_as_it_was_started() {
    let (_directory, ctl) = program("supervisorctl");
    let expected = format!(
        "Usage: {} [options] [action [arguments]]\n",
        ctl.to_str().unwrap()
    );
    for option in ["-h", "-?", "--help"] {
        let output = run(&ctl, &[option, "-i", "-i"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).starts_with("supervisorctl -- control applications"));
        assert!(text(&output.stdout).contains(&expected), "{output:?}");
        assert!(text(&output.stdout).ends_with("\n\n"));
    }

    // Started through PATH, as a script would know itself.
    let mut command = Command::new("sh");
    command.args(["-c", "exec supervisorctl -h"]).env(
        "PATH",
        format!("{}:/usr/bin:/bin", ctl.parent().unwrap().display()),
    );
    let output = command.output().unwrap();
    assert!(text(&output.stdout).contains(&expected), "{output:?}");
}

#[test]
fn words_that_are_not_utf8_are_no_reason_to_panic() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"st\xffart");
    for name in ["supervisorctl", "pidproxy", "echo_supervisord_conf"] {
        let (_directory, path) = program(name);
        let output = Command::new(&path).arg(word).output().unwrap();
        assert!(
            output.status.code().is_some_and(|code| code <= 2),
            "{output:?}"
        );
    }
    let (_directory, ctl) = program("supervisorctl");
    let output = Command::new(&ctl)
        .args(["-c", ""])
        .arg(word)
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "*** Unknown syntax: st\u{fffd}art\n");
}

/// Section headers and keys with what they say, without side comments.
fn skeleton(sample: &str) -> Vec<String> {
    let is_setting = |line: &&str| {
        let bare = line.strip_prefix(';').unwrap_or(line);
        bare.starts_with('[') || bare.starts_with(|first: char| first.is_ascii_lowercase())
    };
    let without_comment = |line: &str| match line.find(" ;") {
        Some(end) => line[..end].trim_end().to_owned(),
        None => line.to_owned(),
    };
    sample
        .lines()
        .filter(is_setting)
        .map(without_comment)
        .collect()
}

/// The settings in the sample that 4.3.0's does not show, or does not know.
const ADDED: &[&str] = &[
    "result_handler",
    "handler",
    "handler_timeout",
    "event_max_retry",
    "monitor_interval",
    "payload_length",
    "busy_warning",
    "event_drain_timeout",
    "readonly",
    "readonly_username",
    "readonly_password",
    "require_authentication",
    "allowed_hosts",
    "header_maxbytes",
    "unauthenticated_body_maxbytes",
    "body_maxbytes",
    "xml_maxdepth",
    "multicall_maxcalls",
    "max_connections",
    "idle_timeout",
    "request_timeout",
    "wrap_multicall",
    "web_get_actions",
    "metrics",
    "metrics_processes",
    "health_pages",
    "second_signal",
    "leftovers",
    "exit_on",
    "exit_supervisord",
    "restartpause",
    "backoffincrement",
    "maxbackoff",
    "backoff_factor",
    "backoff_jitter",
    "restart_limit",
    "startdelay",
    "childlog_format",
    "stdout_logfile_format",
    "stderr_logfile_format",
    "logfile_format",
    "stdout_logfile_when_slow",
    "stderr_logfile_when_slow",
    "syslog_tag",
    "syslog_facility",
    "syslog_stdout_priority",
    "syslog_stderr_priority",
    "type",
    "schedule",
    "cron",
    "runtime_timeout",
    "runtime_jitter",
    "depends_on",
    "depends_timeout",
    "depends_restart",
    "readiness",
    "readiness_timeout",
    "readiness_check",
    "readiness_check_delay",
    "readiness_check_period",
    "readiness_check_timeout",
    "readiness_check_success_threshold",
    "readiness_check_failure_threshold",
    "liveness_check",
    "liveness_check_delay",
    "liveness_check_period",
    "liveness_check_timeout",
    "liveness_check_success_threshold",
    "liveness_check_failure_threshold",
    "liveness_check_failure_action",
    "watchdog",
    "liveness_check_script",
    "liveness_check_initial_delay",
    "shutdown_timeout",
    "stdout_ring",
    "stderr_ring",
    "childlog_ring",
    "childlogs_maxbytes",
    "memory_check_period",
    "statefile",
    "logfile_rotate",
    "logfile_chown",
    "logfile_chmod",
    "stdout_logfile_rotate",
    "stdout_logfile_chown",
    "stdout_logfile_chmod",
    "stderr_logfile_rotate",
    "stderr_logfile_chown",
    "stderr_logfile_chmod",
    "logfile_processor",
    "stdout_logfile_processor",
    "stderr_logfile_processor",
    "environment_file",
    "env_file",
    "envfile",
    "envfiles",
    "kill_mode",
    "cgroup",
    "memory_max",
    "cpu_max",
    "pids_max",
    "memory_check",
    "rlimit_nofile",
    "rlimit_core",
    "rlimit_cpu",
    "rlimit_as",
    "rlimit_data",
    "rlimit_fsize",
    "rlimit_memlock",
    "rlimit_nproc",
    "rlimit_stack",
    "rlimit_nice",
    "rlimit_rtprio",
    "nice",
    "oom_score_adj",
    "no_new_privs",
    "prsetpdeathsig",
    "supplementary_groups",
    "sockets",
    "socket_backlog",
    "socket_owner",
    "socket_mode",
    "user_environment",
    "pre_start_hook",
    "pre_stop_hook",
    "stopcommand",
    "post_stop_hook",
    "post_stop_command",
    "fatal_hook",
    "hook_timeout",
];

/// The lines that 4.3.0's sample has too.
fn shared(lines: Vec<String>) -> Vec<String> {
    let is_added = |line: &String| {
        let key = line.trim_start_matches(';').split('=').next();
        key.is_some_and(|key| ADDED.contains(&key.trim()))
    };
    let mut is_in_added_section = false;
    let mut is_theirs = |line: &String| {
        if line.trim_start_matches(';').starts_with('[') {
            is_in_added_section = line == ";[program-default]";
        }
        !is_in_added_section && !is_added(line)
    };
    lines.into_iter().filter(|line| is_theirs(line)).collect()
}

#[test]
fn the_sample_configuration_has_the_lines_that_sed_scripts_change() {
    let (_directory, echo) = program("echo_supervisord_conf");
    let output = run(&echo, &["-h", "x"]);
    assert_eq!(output.status.code(), Some(0));
    let sample = text(&output.stdout);
    assert!(sample.is_ascii() && sample.ends_with('\n'));
    let lines = shared(skeleton(&sample));
    for expected in [
        "[unix_http_server]",
        "file=/tmp/supervisor.sock",
        ";chmod=0700",
        ";[inet_http_server]",
        ";port=127.0.0.1:9001",
        "nodaemon=false",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        ";[program:theprogramname]",
        ";environment=A=\"1\",B=\"2\"",
        ";[include]",
        ";files = relative/directory/*.ini",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}");
    }
    let on: Vec<&String> = lines.iter().filter(|line| !line.starts_with(';')).collect();
    assert_eq!(on.len(), 4 + 1 + 9 + 1 + 1, "{on:?}");
    assert_eq!(lines.len(), 106);
}

#[test]
fn the_sample_configuration_has_the_settings_of_4_3_0() {
    let home = crate::support::original_home();
    let theirs = run(&home.join("bin/echo_supervisord_conf"), &[]);
    let (_directory, echo) = program("echo_supervisord_conf");
    let ours = run(&echo, &[]);
    assert_eq!(
        shared(skeleton(&text(&ours.stdout))),
        skeleton(&text(&theirs.stdout))
    );
}

/// Whether the value of a key, with the comment mark taken away, ends before a comment. A
/// semicolon that no blank stands before would be part of the value.
fn has_side_comment(line: &str) -> bool {
    line.trim_start_matches(';').contains(" ; ")
}

#[test]
fn every_key_of_the_sample_configuration_has_a_comment_beside_it() {
    let (_directory, echo) = program("echo_supervisord_conf");
    let home = crate::support::original_home();
    for echo in [echo, home.join("bin/echo_supervisord_conf")] {
        let sample = text(&run(&echo, &[]).stdout);
        let mut bare = Vec::new();
        for line in sample.lines() {
            let setting = line.strip_prefix(';').unwrap_or(line);
            let is_key = setting.starts_with(|first: char| first.is_ascii_lowercase());
            if is_key && !has_side_comment(line) {
                bare.push(setting.split([' ', '=']).next().unwrap());
            }
        }
        let expected = ["supervisor.rpcinterface_factory", "files"];
        assert_eq!(bare, expected, "{}", echo.display());
    }
}

#[test]
fn the_sample_configuration_is_good_with_every_key_turned_on() {
    let (directory, echo) = program("echo_supervisord_conf");
    let sample = text(&run(&echo, &[]).stdout);
    // What names users and folders that this machine need not have.
    let stays_off = [
        "chown=",
        "user=",
        "stdout_logfile=",
        "stderr_logfile=",
        "files =",
    ];
    let is_setting = |line: &str| {
        line.starts_with('[')
            || line.starts_with(|first: char| first.is_ascii_lowercase())
                && !stays_off.iter().any(|key| line.starts_with(key))
    };
    let all_on: String = sample
        .lines()
        .filter_map(|line| {
            let setting = line.strip_prefix(';').unwrap_or(line);
            // Keys that stand twice, and a group of programs that are not there.
            let is_out = [
                "serverurl=http:",
                "handler=",
                "[group",
                "programs=",
                "depends_on=",
                "[include",
            ];
            let is_in = is_setting(setting) && !is_out.iter().any(|key| setting.starts_with(key));
            is_in.then(|| format!("{setting}\n"))
        })
        .collect();
    let file = directory.path().join("all.conf");
    fs::write(&file, all_on).unwrap();
    let supervisord = directory.path().join("supervisord");
    symlink(binary(), &supervisord).unwrap();
    let output = run(&supervisord, &["-c", file.to_str().unwrap(), "--check"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn scripts_see_the_release_that_is_compatible_and_people_the_programs_own() {
    let (_directory, supervisord) = program("supervisord");
    let features = match edits_lines() {
        true => "line-editing",
        false => "none",
    };
    let own = format!(
        "pollvisor {}, compatible with Supervisor 4.3.0, XML-RPC interface 3.0\nfeatures: {features}\n",
        env!("CARGO_PKG_VERSION")
    );
    for (word, expected) in [
        ("-v", "4.3.0\n"),
        ("--version", "4.3.0\n"),
        ("--version-full", own.as_str()),
    ] {
        let output = run(&supervisord, &[word]);
        assert_eq!(text(&output.stdout), expected);
        assert_eq!(text(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
    }
}
