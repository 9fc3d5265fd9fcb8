//! Warnings and notes of `supervisord --check`: what is no error, and hardly what was meant.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::inspect::{supervisord, with};

/// A server that supervisorctl finds; there is a warning without.
const SERVED: &str = "[unix_http_server]\nfile=%(here)s/s\n[rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

/// What `--check` warns of, `[supervisord]` being on line 1.
pub fn warnings(more: &str) -> Vec<String> {
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
