use super::*;

/// A process in a state, with the reason that supervisord gives.
fn facts(state: &str, error: &str) -> Facts {
    Facts {
        name: "web".to_owned(),
        state: state.to_owned(),
        error: error.to_owned(),
        retries: 3,
        startsecs: 1,
        stopwaitsecs: 10,
        autostart: true,
        autorestart: "unexpected".to_owned(),
        section: "program:web".to_owned(),
        place: "/etc/web.conf:3".to_owned(),
        ..Facts::default()
    }
}

/// One that has ended so.
fn ended(state: &str, status: i64, signal: &str) -> Facts {
    let error = match state {
        "EXITED" if status == 0 => "",
        "EXITED" => "Bad exit code 1",
        _ => "Exited too quickly (process log may have details)",
    };
    Facts {
        last_end: Some(LastEnd {
            status,
            signal: signal.to_owned(),
            lived: 0,
            ago: 5,
            was_killed: false,
        }),
        ..facts(state, error)
    }
}

fn wrote(line: &str) -> Facts {
    Facts {
        last_lines: vec!["starting".to_owned(), line.to_owned()],
        log: "/var/log/web.err".to_owned(),
        ..ended("BACKOFF", 1, "")
    }
}

#[test]
fn what_most_often_goes_wrong_has_a_text_that_says_what_to_do() {
    let fatal = |error| facts("FATAL", error);
    for (facts, told) in [
        (
            fatal("can't find command '/srv/web'"),
            "No file has this name",
        ),
        (
            fatal("can't parse command 'x: No closing quotation"),
            "has no end",
        ),
        (
            fatal("command at '/srv' is a directory"),
            "names a directory",
        ),
        (fatal("command at '/srv/web' is not executable"), "chmod +x"),
        (
            fatal("no permission to run command '/srv/web'"),
            "closed to the user",
        ),
        (
            fatal("couldn't exec /srv/web: ENOENT (its interpreter /usr/bin/pyton is missing)"),
            "behind #!",
        ),
        (
            fatal("couldn't exec /srv/web: ENOENT (the file is there, its dynamic loader is not)"),
            "made for another system",
        ),
        (
            fatal("couldn't exec /srv/web: ENOEXEC (Exec format error)"),
            "no script that begins with #!",
        ),
        (
            fatal("couldn't chdir to /srv: ENOENT (No such file or directory)"),
            "directory is missing",
        ),
        (
            fatal("couldn't setuid to 33: Can't drop privilege as nonroot user"),
            "run as root",
        ),
        (
            fatal("unknown error making dispatchers for 'web': EACCES"),
            "log cannot be opened",
        ),
        (
            fatal("The directory named as part of the path /x/y does not exist"),
            "directory of its log is missing",
        ),
        (fatal("too many open files to spawn 'web'"), "raise minfds"),
        (fatal("dependency db is FATAL"), "supervisorctl graph web"),
        (
            fatal("pre_start_hook failed (exit status 1)"),
            "has to succeed before",
        ),
        (fatal("5 restarts in 60 seconds"), "restart_limit"),
        (fatal("1 restart in 1 second"), "restart_limit"),
        (fatal("not ready after 60 seconds"), "readiness_timeout"),
        (
            fatal("Exited before it was ready (process log may have details)"),
            "before it was ready",
        ),
        (
            facts("STOPPED", "its runtime_timeout of 5 seconds is over"),
            "runtime_timeout allows",
        ),
        (
            facts("STOPPED", "stopped with db, as depends_restart says"),
            "comes back with it",
        ),
        (
            fatal("couldn't read environment file /e: ENOENT"),
            "environment_file cannot be read",
        ),
        (ended("FATAL", 0, ""), "must be told to stay in front"),
        (ended("EXITED", 0, ""), "with success"),
        (ended("FATAL", 1, ""), "its own words tell why"),
        (ended("EXITED", 1, ""), "tail --both web"),
        (ended("FATAL", 126, ""), "may not execute"),
        (ended("FATAL", 127, ""), "cannot find"),
        (ended("BACKOFF", 137, ""), "want of memory"),
        (ended("BACKOFF", -1, "SIGKILL"), "want of memory"),
        (ended("EXITED", -1, "SIGSEGV"), "It crashed"),
        (ended("EXITED", -1, "SIGTERM"), "Somebody else"),
        (ended("EXITED", -1, "SIGXCPU"), "rlimit_cpu"),
        (wrote("bind: Address already in use"), "ss -ltnp"),
        (wrote("Error: listen EADDRINUSE: :::80"), "ss -ltnp"),
        (wrote("open /etc/key: Permission denied"), "owner and mode"),
        (wrote("write: No space left on device"), "df -h"),
        (wrote("connect: Connection refused"), "depends_on"),
    ] {
        let lines = first_lines(&facts);
        let text = lines.last().unwrap();
        assert!(text.contains(told), "{facts:?}\n{text}");
        assert!(!text.contains('{') && text.len() < 400, "{text}");
    }
}

#[test]
fn what_it_waits_for_comes_before_what_went_wrong_last() {
    let bad = || facts("BACKOFF", "can't find command 'x'");
    for (facts, told) in [
        (
            Facts {
                waiting_for: "db (BACKOFF)".to_owned(),
                ..bad()
            },
            "waits for db (BACKOFF)",
        ),
        (
            Facts {
                is_disabled: true,
                ..facts("STOPPED", "")
            },
            "supervisorctl enable web",
        ),
        (
            Facts {
                hook: "pre_start_hook".to_owned(),
                ..facts("STARTING", "")
            },
            "hook_timeout",
        ),
        (
            Facts {
                busy: Some(40),
                ..facts("RUNNING", "")
            },
            "has not answered",
        ),
        (
            Facts {
                health: "unhealthy".to_owned(),
                health_reason: "GET /health: 503".to_owned(),
                ..facts("RUNNING", "")
            },
            "its check fails",
        ),
        (
            Facts {
                is_scheduled: true,
                ..facts("STOPPED", "")
            },
            "The clock starts it",
        ),
        (
            Facts {
                is_scheduled: true,
                is_oneshot: true,
                ..ended("EXITED", 0, "")
            },
            "The clock starts it again",
        ),
        (
            Facts {
                autostart: false,
                ..facts("STOPPED", "")
            },
            "autostart=false",
        ),
        (
            Facts {
                last_end: Some(LastEnd {
                    was_killed: true,
                    status: -1,
                    signal: "SIGKILL".to_owned(),
                    ..LastEnd::default()
                }),
                ..facts("STOPPED", "")
            },
            "killed after stopwaitsecs=10",
        ),
        (
            Facts {
                last_end: Some(LastEnd::default()),
                ..facts("STOPPED", "")
            },
            "stopped by request",
        ),
        (facts("UNKNOWN", ""), "stopped as root"),
    ] {
        let lines = first_lines(&facts);
        let text = lines.last().unwrap();
        assert!(text.contains(told), "{facts:?}\n{text}");
        assert!(!text.contains('{'), "{text}");
    }
}

#[test]
fn a_start_was_repeated_up_to_1_times() {
    for (retries, told) in [
        (-1, "is repeated as often as it takes (startretries=-1)."),
        (0, "is repeated never (startretries=0)."),
        (1, "is repeated once (startretries)."),
        (2, "is repeated up to 2 times (startretries)."),
    ] {
        let facts = Facts {
            retries,
            next_start: Some(2),
            ..wrote("no")
        };
        let lines = lines(&facts);
        assert!(lines.iter().any(|line| line.ends_with(told)), "{lines:?}");
    }
}

#[test]
fn all_that_is_known_is_told_in_order() {
    let known = Facts {
        failed_starts: 2,
        next_start: Some(2),
        ..wrote("bind: Address already in use")
    };
    let text = lines(&known);
    assert_eq!(
        text,
        [
            "web is BACKOFF: Exited too quickly (process log may have details).",
            "It last ended 5 seconds ago, with exit status 1, less than a second after its start.",
            "Another process listens where it wants to: ss -ltnp shows which. It may be a copy of \
             the program that was started elsewhere, or one that a stop has left.",
            "2 starts in a row have failed. The next is in 2 seconds; a failed start is repeated \
             up to 3 times (startretries).",
            "The last that it wrote, in /var/log/web.err:",
            "  starting",
            "  bind: Address already in use",
            "It is configured in [program:web], /etc/web.conf:3.",
        ]
    );
    let well = Facts {
        description: "pid 12, uptime 0:01:00".to_owned(),
        health: "healthy".to_owned(),
        section: String::new(),
        ..facts("RUNNING", "")
    };
    assert_eq!(
        lines(&well),
        [
            "web is RUNNING: pid 12, uptime 0:01:00.",
            "Its health: healthy."
        ]
    );
}

#[test]
fn spans_are_told_in_the_unit_that_fits() {
    for (seconds, told) in [
        (-1, "less than a second"),
        (0, "less than a second"),
        (1, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7_199, "119 minutes"),
        (7_200, "2 hours"),
        (172_800, "2 days"),
    ] {
        assert_eq!(span(seconds), told);
    }
}

#[test]
fn what_the_server_does_not_tell_is_not_so() {
    let value = Value::Struct(vec![
        ("name".to_owned(), Value::string("web")),
        ("group".to_owned(), Value::string("web")),
        ("statename".to_owned(), Value::string("FATAL\u{1b}[2J")),
    ]);
    let facts = Facts::read(&value);
    assert_eq!(
        (facts.name.as_str(), facts.state.as_str()),
        ("web", "FATAL\\x1b[2J")
    );
    assert_eq!(facts.last_end, None);
    assert!(!lines(&facts).is_empty());
    assert!(!lines(&Facts::read(&Value::Nil)).is_empty());
}
