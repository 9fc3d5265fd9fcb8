//! What `--check` sees now of what will fail when programs are started, or be read otherwise
//! than it looks.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::support::{DEADLINE, Dir, Finished, binary, finish};

const SERVED: &str = "[unix_http_server]\nfile=%(here)s/s\n[rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

fn check(dir: &Dir, options: &[&str]) -> Finished {
    let mut command = Command::new(binary());
    command
        .current_dir(dir.path())
        .args(["-c", "s.conf", "--check"])
        .args(options);
    finish(command, "", DEADLINE)
}

/// What a check warns of, `[supervisord]` being on line 1; the directory is written as `HERE`.
fn warnings_in(dir: &Dir, more: &str) -> Vec<String> {
    dir.write("s.conf", format!("[supervisord]\n{more}{SERVED}"));
    let found = check(dir, &[]);
    assert_eq!(found.status, Some(0), "{}", found.stderr);
    let told = found.stderr.replace(dir.path().to_str().unwrap(), "HERE");
    let warnings = told.lines().filter(|line| !is_note(line));
    warnings.map(str::to_owned).collect()
}

/// What 4.3.0 does not have is noted, and no warning.
fn is_note(line: &&str) -> bool {
    line.contains(": note: ")
}

fn warnings(more: &str) -> Vec<String> {
    warnings_in(&Dir::new(), more)
}

#[test]
fn a_command_that_is_not_there_was_not_told_of() {
    let dir = Dir::new();
    dir.write("plain", "");
    dir.write("tools/found", "");
    std::fs::set_permissions(dir.join("tools/found"), Permissions::from_mode(0o755)).unwrap();
    for (keys, told) in [
        (
            "command=nosuch -x",
            "can't find command 'nosuch', so it cannot start: its PATH is /usr/local/bin:/usr/bin:/bin",
        ),
        (
            "command=cat\nenvironment=PATH=\"/no/where:/nor/here\"",
            "can't find command 'cat', so it cannot start: its PATH is /no/where:/nor/here",
        ),
        (
            "command=/no/where",
            "can't find command '/no/where', so it cannot start",
        ),
        (
            "command=./where\ndirectory=%(here)s/tools",
            "can't find command './where', so it cannot start: it is looked for from HERE",
        ),
        (
            "command=%(here)s/plain",
            "command at 'HERE/plain' is not executable, so it cannot start",
        ),
        (
            "command=%(here)s/tools",
            "command at 'HERE/tools' is a directory, so it cannot start",
        ),
        (
            "command=cat 'x",
            "can't parse command \"cat 'x\": No closing quotation, so it cannot start",
        ),
        ("command=", "command is empty, so it cannot start"),
        (
            "command=nosuch\nnumprocs=3\nprocess_name=%(process_num)d",
            "can't find command 'nosuch', so it cannot start: its PATH is /usr/local/bin:/usr/bin:/bin",
        ),
    ] {
        let found = warnings_in(&dir, &format!("[program:a]\n{keys}\n"));
        assert_eq!(found, [format!("s.conf:3: warning: [program:a] {told}")]);
    }
    for good in [
        "command=cat -x",
        "command=tools/found\ndirectory=/tmp",
        "command=found\nenvironment=PATH=%(here)s/tools",
    ] {
        let found = warnings_in(&dir, &format!("[program:a]\n{good}\n"));
        assert_eq!(found, [""; 0], "{good}");
    }
    // In the background supervisord goes to its directory first, and looks from there.
    let text = "directory=%(here)s/tools\n[program:a]\ncommand=./found\n";
    assert_eq!(warnings_in(&dir, text), [""; 0]);
    let text = format!("nodaemon=true\n{text}");
    let found = warnings_in(&dir, &text);
    assert!(
        found[0].ends_with("it is looked for from HERE"),
        "{found:?}"
    );
}

#[test]
fn the_place_is_that_of_the_program_in_a_group_and_in_another_file() {
    let dir = Dir::new();
    dir.write(
        "more.ini",
        "[program:web]\n\ncommand=nosuch\nnumprocs=2\nprocess_name=web_%(process_num)d\n\
         [program:web-two]\ncommand=cat\ndirectory=/no/where\n",
    );
    let found = warnings_in(
        &dir,
        "[include]\nfiles=more.ini\n[group:g]\nprograms=web,web-two\n\
         [eventlistener:l]\ncommand=cat\nevents=TICK_5\nresult_handler=exec:nosuch -v\n\
         [fcgi-program:f]\ncommand=cat\nsocket=unix:///no/where/f.sock\n",
    );
    let path = "its PATH is /usr/local/bin:/usr/bin:/bin";
    assert_eq!(
        found,
        [
            &format!(
                "s.conf:9: warning: [eventlistener:l] can't find command 'nosuch', so its answers cannot be judged: {path}"
            )[..],
            "s.conf:12: warning: [fcgi-program:f] there is no directory for the socket unix:///no/where/f.sock: \
             supervisord cannot start before it is there",
            &format!(
                "HERE/more.ini:3: warning: [program:web] can't find command 'nosuch', so it cannot start: {path}"
            ),
            "HERE/more.ini:8: warning: [program:web-two] there is no such directory, so it cannot start: /no/where",
        ]
    );
}

#[test]
fn a_directory_that_is_not_there_was_not_told_of() {
    let dir = Dir::new();
    dir.write("plain", "");
    for (directory, problem, shown) in [
        ("/no/where", "there is no such directory", "/no/where"),
        ("no/where", "there is no such directory", "no/where"),
        ("%(here)s/plain", "this is no directory", "%(here)s/plain"),
        (
            "~",
            "there is no such directory",
            "~ (~ is not replaced here)",
        ),
        (
            "%(ENV_HOME)s/no/where",
            "there is no such directory",
            "%(ENV_HOME)s/no/where",
        ),
    ] {
        let found = warnings_in(
            &dir,
            &format!("[program:a]\ncommand=cat\ndirectory={directory}\n"),
        );
        let told = format!("s.conf:4: warning: [program:a] {problem}, so it cannot start: {shown}");
        assert_eq!(found, [told]);
    }
    let found = warnings_in(&dir, "[program:a]\ncommand=cat\ndirectory=\"/tmp\"\n");
    assert_eq!(
        found[0],
        "s.conf:4: warning: remove the quotes of directory: they are part of the path"
    );
    for good in ["/tmp", "bin", "%(here)s"] {
        let found = warnings_in(
            &dir,
            &format!("[program:a]\ncommand=cat\ndirectory={good}\n"),
        );
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn a_user_that_supervisord_may_not_become_was_not_told_of() {
    let dir = Dir::new();
    // Whoever runs the test: root that becomes another user is not root then.
    let is_root = nix::unistd::Uid::effective().is_root();
    let (text, expected) = match is_root {
        true => (
            "user=nobody\n[program:a]\ncommand=cat\nuser=daemon\n[program:b]\ncommand=cat\nuser=nobody\n",
            "s.conf:5: warning: [program:a] it cannot become user daemon, so it cannot start: \
             supervisord becomes another user itself, and is not root then",
        ),
        false => (
            "\n[program:a]\ncommand=cat\nuser=daemon\n",
            "s.conf:5: warning: [program:a] it cannot become user daemon, so it cannot start: \
             supervisord changes users only if root starts it",
        ),
    };
    let found = warnings_in(&dir, text);
    assert!(found.iter().any(|line| line == expected), "{found:?}");
    assert!(!found.iter().any(|line| line.contains("[program:b]")));
    if is_root {
        let found = warnings_in(&dir, "[program:a]\ncommand=cat\nuser=nobody\n");
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn shell_words_in_a_command_without_a_shell_were_not_told_of() {
    for (command, word, cure) in [
        (
            "cat $HOME/x",
            "$HOME",
            "write %(ENV_HOME)s, or /bin/sh -c 'COMMAND'",
        ),
        ("cat > x", ">", "write /bin/sh -c 'COMMAND'"),
        ("cat x 2>&1", "2>&1", "write /bin/sh -c 'COMMAND'"),
        ("cat x && cat y", "&&", "write /bin/sh -c 'COMMAND'"),
        ("cat x | cat", "|", "write /bin/sh -c 'COMMAND'"),
        ("cat /tmp/*.log", "/tmp/*.log", "write /bin/sh -c 'COMMAND'"),
    ] {
        let found = warnings(&format!("[program:a]\ncommand={command}\n"));
        let told = format!("s.conf:3: warning: command has {word}, and no shell runs it: {cure}");
        assert_eq!(found, [told]);
    }
    for good in [
        "sh -c 'cat $HOME/x > y && cat *'",
        "cat '$HOME'",
        "cat %(ENV_HOME)s/x",
    ] {
        assert_eq!(warnings(&format!("[program:a]\ncommand={good}\n")), [""; 0]);
    }
}

#[test]
fn commands_of_checks_that_are_not_there_were_not_told_of() {
    let path = "its PATH is /usr/local/bin:/usr/bin:/bin";
    for (key, so) in [
        ("readiness_check", "it never gets ready"),
        ("liveness_check", "it is never healthy"),
        ("liveness_check_script", "it is never healthy"),
        ("liveness_check_failure_action", "it fails each time"),
    ] {
        let program = format!("[program:a]\ncommand=cat\n{key}=");
        let found = warnings(&format!("{program}nosuch -x\n"));
        let told = format!("can't find command 'nosuch', so {so}: {path}");
        assert_eq!(found, [format!("s.conf:4: warning: [program:a] {told}")]);
        let found = warnings(&format!("{program}cat $HOME/alive\n"));
        let told = format!(
            "{key} has $HOME, and no shell runs it: write %(ENV_HOME)s, or /bin/sh -c 'COMMAND'"
        );
        assert_eq!(found, [format!("s.conf:4: warning: {told}")]);
        assert_eq!(warnings(&format!("{program}cat alive\n")), [""; 0]);
    }
    for good in [
        "readiness_check=http://localhost/?a=$b&c=*",
        "liveness_check=HTTP://[::1]:80/*",
        "liveness_check=tcp://localhost:1",
        "readiness_check=unix:/run/$x",
        "liveness_check_failure_action=stop",
    ] {
        let found = warnings(&format!("[program:a]\ncommand=cat\n{good}\n"));
        assert_eq!(found, [""; 0], "{good}");
    }
}

#[test]
fn quotes_that_do_not_end_where_they_seem_to_were_not_told_of() {
    let found = warnings(
        "environment=X=1,OPTS=\"-a 'x,y'\"\n[program:a]\ncommand=cat\n\
         environment=A=\"it's\",\n  SECRET=hush\"hush hush\"\n",
    );
    assert_eq!(found.len(), 2, "{found:?}");
    let begin = "s.conf:2: warning: in environment, OPTS loses a quote";
    assert!(found[0].starts_with(begin), "{found:?}");
    let begin = "s.conf:5: warning: in environment, SECRET ends sooner than it seems to";
    assert!(found[1].starts_with(begin), "{found:?}");
    assert!(!found.concat().contains("hush"));
    let good = "environment=OPTS=\"-a 'x,y' \",B='c,d'\n";
    assert_eq!(warnings(good), [""; 0]);
}

#[test]
fn a_server_that_supervisorctl_will_not_find_was_not_told_of() {
    const NONE: &str = "there is no server, so supervisorctl cannot reach supervisord: add \
        [unix_http_server] with file=PATH";
    const NOTHING: &str = "nothing answers supervisorctl on this server: add \
        [rpcinterface:supervisor] with \
        supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface";
    let elsewhere = |section: &str| {
        format!("serverurl of [supervisorctl] leads to no server of this file: see [{section}]")
    };
    let unix = format!("[supervisord]\n{SERVED}[supervisorctl]\nserverurl=");
    let inet = format!(
        "[supervisord]\n{}[supervisorctl]\nserverurl=",
        SERVED.replace(
            "unix_http_server]\nfile=%(here)s/s",
            "inet_http_server]\nport=*:9001"
        )
    );
    let url = |text: &str, url: &str| format!("{text}{url}\n");
    for (text, expected) in [
        ("[supervisord]\n".to_owned(), Some((1, NONE.to_owned()))),
        (
            "[supervisord]\nnodaemon=true\n[supervisorctl]\n".to_owned(),
            Some((3, NONE.to_owned())),
        ),
        ("[supervisord]\nnodaemon=true\n".to_owned(), None),
        (
            "[supervisord]\n[unix_http_server]\nfile=/tmp/s\n[rpcinterface:other]\n\
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
                .to_owned(),
            Some((2, NOTHING.to_owned())),
        ),
        (
            format!("{}x\n", unix).replace("serverurl=x", "prompt=x"),
            None,
        ),
        (url(&unix, "unix://%(here)s/s"), None),
        (url(&unix, "unix://%(ENV_HOME)s/s"), None),
        (url(&unix, "http://elsewhere:9001"), None),
        (
            url(&unix, "unix:///tmp/other.sock"),
            Some((7, elsewhere("unix_http_server"))),
        ),
        (
            url(&unix, "http://localhost:9001"),
            Some((7, elsewhere("unix_http_server"))),
        ),
        (url(&inet, "http://localhost:9001"), None),
        (url(&inet, "http://127.0.0.1:9001/"), None),
        (
            url(&inet, "http://127.0.0.1:9002"),
            Some((7, elsewhere("inet_http_server"))),
        ),
    ] {
        let dir = Dir::new();
        dir.write("s.conf", &text);
        let found = check(&dir, &[]);
        let expected = expected.map_or(String::new(), |(line, told)| {
            format!("s.conf:{line}: warning: {told}\n")
        });
        let warnings = found.stderr.lines().filter(|line| !is_note(line));
        let warnings: String = warnings.map(|line| format!("{line}\n")).collect();
        assert_eq!(warnings, expected, "{text}");
    }
    // It may be in a file that is not there yet.
    let dir = Dir::new();
    dir.write(
        "s.conf",
        "[supervisord]\n[include]\nfiles=/no/where/*.ini\n",
    );
    assert!(!check(&dir, &[]).stderr.contains("no server"));
    // As a container starts it.
    let dir = Dir::new();
    dir.write("s.conf", "[supervisord]\n");
    assert_eq!(check(&dir, &["-n"]).stderr, "");
}

#[test]
fn a_wrong_value_in_quotes_or_cut_by_a_comment_says_so() {
    for (keys, advice) in [
        (
            "logfile=\"/tmp/s.log\"",
            "remove the quotes: they are a part of the value",
        ),
        (
            "nodaemon='true'",
            "remove the quotes: they are a part of the value",
        ),
        (
            "environment=A=\"x ;y\"",
            "environment ends before \";\", which is a comment: a blank before ; or # begins one, in quotes too",
        ),
        (
            "umask=02x ; an ordinary comment",
            "write digits from 0 to 7, such as 022",
        ),
    ] {
        let dir = Dir::new();
        dir.write("s.conf", format!("[supervisord]\n{keys}\n"));
        let found = check(&dir, &[]);
        assert_eq!(found.status, Some(2), "{keys}");
        let last = found.stderr.lines().last();
        assert_eq!(last, Some(&*format!("s.conf:2: {advice}")));
    }
}

#[test]
fn what_came_out_of_the_environment_was_told_with_what_will_fail() {
    let secret = "zq7k";
    let dir = Dir::new();
    for more in [
        "[group:g]\nprograms=web\n[program:web]\ncommand=cat\nprocess_name=foo\n\
         directory=/srv/%(ENV_SECRET)s\n",
        "[program:a]\ncommand=nosuch\nenvironment=PATH=\"/x/%(ENV_SECRET)s\"\n",
        "[program:a]\ncommand=./nosuch\ndirectory=/no/%(ENV_SECRET)s\n",
        "[fcgi-program:f]\ncommand=cat\nsocket=unix:///no/%(ENV_SECRET)s/x\n",
    ] {
        dir.write("s.conf", format!("[supervisord]\n{more}{SERVED}"));
        let mut command = Command::new("env");
        command
            .current_dir(dir.path())
            .arg(format!("SECRET={secret}"))
            .arg(binary())
            .args(["-c", "s.conf", "--check"]);
        let found = finish(command, "", DEADLINE);
        let warnings = found.stderr.lines().filter(|line| line.contains("warning"));
        assert_ne!(warnings.count(), 0, "{more}\n{}", found.stderr);
        assert!(!found.stderr.contains(secret), "{more}\n{}", found.stderr);
    }
}
