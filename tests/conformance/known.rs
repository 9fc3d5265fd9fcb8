//! Where this program differs from 4.3.0 on purpose. An entry names the scenario,
//! the exact line of the transcript of 4.3.0, what stands there instead, and why.
//! An entry that does not apply any more fails its scenario.

use super::super::support::Kind;

/// One difference in the transcript of one scenario.
struct Known {
    /// The name of the scenario.
    scenario: &'static str,
    /// Which of our programs makes the difference.
    program: Program,
    /// The line as 4.3.0 leaves it, normalised.
    original: &'static str,
    /// The lines that this program leaves instead.
    ours: &'static [&'static str],
    /// Why it differs.
    reason: &'static str,
}

/// One of the two programs of a scenario.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Supervisord,
    Supervisorctl,
}

const WORDS_OF_ANSWERS: &str = "an answer that means nothing is shown in the log";

const fn shown_answer(original: &'static str, ours: &'static [&'static str]) -> Known {
    Known {
        scenario: "other answers",
        program: Program::Supervisord,
        original,
        ours,
        reason: WORDS_OF_ANSWERS,
    }
}

const LINE_FEED: &str = "a line feed within a line is shown as text";

const OVERFLOW: &str = "overflows are told once a minute, with their number";

const fn untold_overflow(original: &'static str) -> Known {
    Known {
        scenario: "overflow",
        program: Program::Supervisord,
        original,
        ours: &[],
        reason: OVERFLOW,
    }
}

const REJECTED_EVENTS: &str = "a rejected event goes back to its own pool alone";

const fn told_once(original: &'static str, ours: &'static [&'static str]) -> Known {
    Known {
        scenario: "a rejected event and another pool",
        program: Program::Supervisord,
        original,
        ours,
        reason: REJECTED_EVENTS,
    }
}

const MORE_FORMS: &str = "forms of arguments that 4.3.0 does not have";

const MORE_OF_TAIL: &[&str] = &[
    "tail <name> stderr",
    "tail -n 20 <name>",
    "tail -f <name> <gname>:*",
    "tail -f <name> --both",
];

const MORE_OF_MAINTAIL: &[&str] = &["maintail", "maintail -n 20"];

const fn more_forms(
    scenario: &'static str,
    original: &'static str,
    ours: &'static [&'static str],
) -> Known {
    Known {
        scenario,
        program: Program::Supervisorctl,
        original,
        ours,
        reason: MORE_FORMS,
    }
}

const NOT_SPAWNED: &str = "the reason of a child that was not spawned is known to the daemon";

const fn not_spawned(
    scenario: &'static str,
    original: &'static str,
    ours: &'static [&'static str],
) -> Known {
    Known {
        scenario,
        program: Program::Supervisord,
        original,
        ours,
        reason: NOT_SPAWNED,
    }
}

const REASONS: &str =
    "the reason is told, and a path that is too long is an error of the configuration";

const fn with_reason(
    scenario: &'static str,
    program: Program,
    original: &'static str,
    ours: &'static [&'static str],
) -> Known {
    Known {
        scenario,
        program,
        original,
        ours,
        reason: REASONS,
    }
}

const fn shown_url(original: &'static str, ours: &'static [&'static str]) -> Known {
    Known {
        scenario: "URLs of servers",
        program: Program::Supervisorctl,
        original,
        ours,
        reason: "a user name and a password in a URL are not shown",
    }
}

const MORE_OF_START: &[&str] = &["start all", "start --no-wait <name>"];
const MORE_OF_RESTART: &[&str] = &[
    "restart all",
    "restart --no-wait <name>",
    "restart --rolling <gname>:*",
    "restart --rolling --max-unavailable 2 <gname>:*",
];
const MORE_OF_REREAD: &[&str] = &["reread", "reread --diff"];
const MORE_OF_UPDATE: &[&str] = &[
    "update <gname> [...]",
    "update --no-wait",
    "update --dry-run",
    "update --whole-groups",
];
const MORE_OF_STOP: &[&str] = &[
    "stop all",
    "stop --no-wait <name>",
    "stop --timeout 90s <name>",
    "stop --now <name>",
    "stop --with-dependents <name>",
];

/// All of them.
const KNOWN: &[Known] = &[
    more_forms("forms of arguments", "reread", MORE_OF_REREAD),
    more_forms("commands of supervisorctl", "reread", MORE_OF_REREAD),
    more_forms("lines from a pipe", "reread", MORE_OF_REREAD),
    more_forms("no server", "reread", MORE_OF_REREAD),
    more_forms("no permission", "reread", MORE_OF_REREAD),
    more_forms("other servers", "reread", MORE_OF_REREAD),
    more_forms("tail", "maintail", MORE_OF_MAINTAIL),
    more_forms("tail", "tail <name> stderr", MORE_OF_TAIL),
    more_forms("lines from a pipe", "maintail", MORE_OF_MAINTAIL),
    more_forms("lines from a pipe", "tail <name> stderr", MORE_OF_TAIL),
    more_forms("lines from a pipe", "start all", MORE_OF_START),
    more_forms("lines from a pipe", "stop all", MORE_OF_STOP),
    more_forms("forms of arguments", "start all", MORE_OF_START),
    more_forms("forms of arguments", "stop all", MORE_OF_STOP),
    more_forms("forms of arguments", "restart all", MORE_OF_RESTART),
    more_forms("forms of arguments", "update <gname> [...]", MORE_OF_UPDATE),
    more_forms("forms of start, stop, restart", "start all", MORE_OF_START),
    more_forms("forms of start, stop, restart", "stop all", MORE_OF_STOP),
    more_forms(
        "forms of start, stop, restart",
        "restart all",
        MORE_OF_RESTART,
    ),
    more_forms("forms of arguments", "maintail", MORE_OF_MAINTAIL),
    more_forms("forms of arguments", "tail <name> stderr", MORE_OF_TAIL),
    more_forms(
        "forms of arguments",
        "status",
        &[
            "status",
            "status web-*",
            "status -w [<name> ...]",
            "status --json [<name> ...]",
            "status --figures [<name> ...]",
        ],
    ),
    Known {
        scenario: "multicall",
        program: Program::Supervisord,
        original: "HTTP status 500",
        ours: &["- {faultCode: 2, faultString: \"INCORRECT_PARAMETERS\"}"],
        reason: "a call that is not a struct fails by itself, not the whole request",
    },
    Known {
        scenario: "help of supervisord",
        program: Program::Supervisord,
        original: "--profile_options OPTIONS",
        ours: &[
            "--profile_options OPTIONS",
            "--check[=strict]",
            "--dump-config",
            "--redact",
            "--version-full",
            "--run NAME=COMMAND",
            "--procfile FILENAME",
            "--can-take-over",
        ],
        reason: "options that 4.3.0 does not have",
    },
    Known {
        scenario: "commands of supervisorctl",
        program: Program::Supervisorctl,
        original: "clear  maintail  quit  reread  signal    stop    version",
        ours: &[
            "clear  maintail  quit  reread  signal    stop    version",
            "",
            "more commands (type help <topic>):",
            "==================================",
            "clearfatal  debug    enable   graph        reopen  rotate  upgrade",
            "completion  disable  explain  healthcheck  result  scale   wait   ",
        ],
        reason: "commands that 4.3.0 does not have",
    },
    Known {
        scenario: "settings in the file",
        program: Program::Supervisorctl,
        original: "unix:///none/a",
        ours: &["unix:///none/a\\x0ab no such file"],
        reason: LINE_FEED,
    },
    Known {
        scenario: "settings in the file",
        program: Program::Supervisorctl,
        original: "b no such file",
        ours: &[],
        reason: LINE_FEED,
    },
    shown_url(
        "http://u:p@127.0.0.1:1 refused connection",
        &["http://127.0.0.1:1 refused connection"],
    ),
    shown_url(
        "ERROR: http://u:p@127.0.0.1:1 refused connection (already shut down?)",
        &["ERROR: http://127.0.0.1:1 refused connection (already shut down?)"],
    ),
    Known {
        scenario: "the module of Ansible",
        program: Program::Supervisorctl,
        original: "bad started : 1 {\"cmd\": \"SUPERVISORCTL -c DIR/supervisord.conf start bad\", \"failed\": true, \"msg\": \"\", \"rc\": 1, \"stderr\": \"\", \"stdout\": \"bad: ERROR (no such file)\\n\"}",
        ours: &[
            "bad started : 1 {\"cmd\": \"SUPERVISORCTL -c DIR/supervisord.conf start bad\", \"failed\": true, \"msg\": \"bad: can't find command '/no/such/file'\", \"rc\": 1, \"stderr\": \"bad: can't find command '/no/such/file'\\n\", \"stdout\": \"bad: ERROR (no such file)\\n\"}",
        ],
        reason: "standard error names the command that was not found, and the module shows that",
    },
    Known {
        scenario: "clearing logs",
        program: Program::Supervisorctl,
        original: "g:None: ERROR (no such process)",
        ours: &["g:*: ERROR (no such process)"],
        reason: "the name is shown as it was typed",
    },
    Known {
        scenario: "clearing that fails",
        program: Program::Supervisord,
        original: "{statecode: 1, statename: \"RUNNING\"}",
        ours: &["{statecode: 2, statename: \"FATAL\"}"],
        reason: "4.3.0 has the state and never enters it",
    },
    Known {
        scenario: "events of output",
        program: Program::Supervisord,
        original: "ver:3.0 server:supervisor serial:18 pool:all poolserial:18 eventname:PROCESS_COMMUNICATION_STDOUT len:108 \"processname:captured groupname:captured pid:PID\\n333333333333333333333333333333333333333333333333333333333333\"",
        ours: &[
            "ver:3.0 server:supervisor serial:18 pool:all poolserial:18 eventname:PROCESS_COMMUNICATION_STDOUT len:148 \"processname:captured groupname:captured pid:PID\\n2222222222222222222222222222222222222222333333333333333333333333333333333333333333333333333333333333\"",
        ],
        reason: "of a long message capture_maxbytes bytes are kept, not whole pieces",
    },
    Known {
        scenario: "an answer of no bytes",
        program: Program::Supervisord,
        original: "| b'RESULT 0\\n'",
        ours: &[
            "| b'RESULT 0\\n'",
            "WARN a: its result of 0 bytes is neither OK nor FAIL: b''",
            "WARN a: event was rejected",
            "DEBG a: BUSY -> ACKNOWLEDGED",
            "DEBG rebuffering event 0 for pool a (buf size=0, max=10)",
        ],
        reason: "an answer of no bytes counts at once, not with the next output",
    },
    shown_answer(
        "| b'RESULT 5\\nmaybeREADY\\n'",
        &[
            "| b'RESULT 5\\nmaybeREADY\\n'",
            "WARN a: its result of 5 bytes is neither OK nor FAIL: b'maybe'",
        ],
    ),
    shown_answer(
        "| b'RESULT 3\\nOK\\nREADY\\n'",
        &[
            "| b'RESULT 3\\nOK\\nREADY\\n'",
            "WARN a: its result of 3 bytes is neither OK nor FAIL: b'OK\\n'",
        ],
    ),
    shown_answer(
        "| b'RESULT 0\\nREADY\\n'",
        &[
            "| b'RESULT 0\\nREADY\\n'",
            "WARN a: its result of 0 bytes is neither OK nor FAIL: b''",
        ],
    ),
    untold_overflow("ERRO pool a event buffer overflowed, discarding event 1"),
    untold_overflow("ERRO pool b event buffer overflowed, discarding event 2"),
    untold_overflow("ERRO pool b event buffer overflowed, discarding event 3"),
    told_once(
        "b has received the first event 2 times",
        &["b has received the first event 1 times"],
    ),
    told_once(
        "c has received the first event 1 times",
        &["c has received the first event 0 times"],
    ),
    not_spawned(
        "failures after the fork",
        "folder                           FATAL     Exited too quickly (process log may have details)",
        &[
            "folder                           FATAL     couldn't chdir to /no/such/folder: ENOENT (No such file or directory)",
        ],
    ),
    not_spawned(
        "failures after the fork",
        "plain                            FATAL     Exited too quickly (process log may have details)",
        &[
            "plain                            FATAL     couldn't exec DIR/plain: ENOEXEC (Exec format error)",
        ],
    ),
    not_spawned(
        "failures after the fork",
        "lost                             FATAL     Exited too quickly (process log may have details)",
        &[
            "lost                             FATAL     couldn't exec DIR/lost: ENOENT (its interpreter /no/such/interpreter is missing)",
        ],
    ),
    not_spawned(
        "failures after the fork",
        "joined                           FATAL     Exited too quickly (process log may have details)",
        &[
            "joined                           FATAL     couldn't exec DIR/lost: ENOENT (its interpreter /no/such/interpreter is missing)",
        ],
    ),
    not_spawned(
        "failures of another user",
        "run                              FATAL     Exited too quickly (process log may have details)",
        &[
            "run                              FATAL     couldn't exec DIR/private: EACCES (Permission denied)",
        ],
    ),
    not_spawned(
        "failures of another user",
        "enter                            FATAL     Exited too quickly (process log may have details)",
        &[
            "enter                            FATAL     couldn't chdir to DIR/closed: EACCES (Permission denied)",
        ],
    ),
    not_spawned(
        "setuid without root",
        "p                                FATAL     Exited too quickly (process log may have details)",
        &[
            "p                                FATAL     couldn't setuid to 65534: Can't drop privilege as nonroot user",
        ],
    ),
    with_reason(
        "options in all forms",
        Program::Supervisorctl,
        "stderr: Error: could not read config file folder",
        &["stderr: Error: could not read config file folder: Is a directory"],
    ),
    with_reason(
        "sockets that cannot be made",
        Program::Supervisord,
        "status Some(1): Could not create FastCGI socket unix:///tmp/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: AF_UNIX path too long",
        &["status Some(2): For help, use SUPERVISORD -h"],
    ),
];

/// Changes the transcript of 4.3.0 into what is expected of a supervisord and a
/// supervisorctl of these kinds.
///
/// # Panics
/// When an entry for the scenario matches no line.
pub fn apply(scenario: &str, daemon: Kind, ctl: Kind, transcript: &mut Vec<String>) {
    for known in KNOWN {
        let kind = match known.program {
            Program::Supervisord => daemon,
            Program::Supervisorctl => ctl,
        };
        if scenario != known.scenario || kind == Kind::Original {
            continue;
        }
        let mut applied = false;
        let mut changed = Vec::with_capacity(transcript.len());
        for line in transcript.drain(..) {
            if line == known.original {
                applied = true;
                changed.extend(known.ours.iter().map(ToString::to_string));
            } else {
                changed.push(line);
            }
        }
        *transcript = changed;
        assert!(
            applied,
            "{scenario}: 4.3.0 does not show `{}` any more (known difference: {})",
            known.original, known.reason
        );
    }
}
