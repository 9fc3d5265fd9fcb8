//! Every command on a process in each state. What only looks comes first; what changes
//! something has a copy of the process for itself.

use super::cross;
use super::oneshot::{Shot, fire, note_actions, note_ends};
use super::shell::Terminal;
use crate::conformance::run::Run;
use crate::support::Value;
use std::thread;

/// What changes the state, each on a copy of its own: the suffix of its name and the line.
const CHANGES: &[(&str, &str)] = &[
    ("start", "start"),
    ("stop", "stop"),
    ("restart", "restart"),
    ("signal", "signal CONT"),
];

/// What is done to the copy `group` as a group.
const CHANGES_OF_GROUP: &[&str] = &[
    "signal WINCH G:*",
    "start G:*",
    "remove G",
    "restart G:",
    "stop G:*",
    "stop G:*",
    "remove G",
    "add G",
    "remove G",
];

/// The programs: name, settings, whether there are copies for [`CHANGES`].
const PROGRAMS: &[(&str, &str, bool)] = &[
    (
        "stopped",
        "command=/bin/cat\nautostart=false\nstartsecs=0",
        true,
    ),
    ("starting", "command=/bin/cat\nstartsecs=3600", true),
    ("running", "command=/bin/cat\nstartsecs=0", true),
    (
        "backoff",
        "command=/bin/cat\nstdout_logfile=%(here)s/folder\nstartretries=1000",
        true,
    ),
    (
        "stopping",
        "command=%(here)s/stubborn %(program_name)s\nstartsecs=0\nstopwaitsecs=3600",
        true,
    ),
    (
        "exited",
        "command=/bin/cat\nstartsecs=0\nautorestart=false",
        true,
    ),
    (
        "fatal",
        "command=/bin/cat\nstdout_logfile=%(here)s/folder\nstartretries=0",
        true,
    ),
    ("nofile", "command=/no/such/file\nstartretries=0", false),
    (
        "noexec",
        "command=%(here)s/supervisord.conf\nstartretries=0",
        false,
    ),
];

/// The copies of a program, itself first.
fn copies(name: &str, has_copies: bool) -> Vec<String> {
    let suffixes = CHANGES.iter().map(|change| change.0).chain(["group"]);
    let names = suffixes.map(|suffix| format!("{name}-{suffix}"));
    let names = names.filter(|_| has_copies);
    std::iter::once(name.to_owned()).chain(names).collect()
}

/// Starts the daemon, with each program in the state that its name says, and its copies if
/// they are wanted.
fn bring_into_states(run: &mut Run, copied: bool) {
    run.script(
        "stubborn",
        "trap '' TERM\necho deaf >\"$0.$1\"\nwhile :; do read line; sleep 1; done",
    );
    run.dir.write("folder/file", "");
    let mut sections = String::new();
    for (name, settings, has_copies) in PROGRAMS {
        for copy in copies(name, copied && *has_copies) {
            // The one that is restarted comes up within the time of the test.
            let settings = match copy.as_str() {
                "starting-restart" => settings.replace("3600", "3"),
                _ => (*settings).to_owned(),
            };
            let logs = match settings.contains("stdout_logfile") {
                true => "stderr_logfile=NONE",
                false => "stdout_logfile=NONE\nstderr_logfile=NONE",
            };
            sections.push_str(&format!("[program:{copy}]\n{settings}\n{logs}\n"));
        }
    }
    run.config(&sections);
    run.start();
    for (state, from) in [("exited", "RUNNING"), ("stopping", "RUNNING")] {
        for copy in copies(state, copied) {
            run.wait(&copy, from);
        }
    }
    for copy in copies("exited", copied) {
        run.signal_child(&copy, libc::SIGKILL);
    }
    for copy in copies("stopping", copied) {
        run.wait_text(&format!("stubborn.{copy}"), "deaf");
        run.quiet_rpc("stopProcess", &[Value::text(&copy), Value::Bool(false)]);
    }
    for (name, _, has_copies) in PROGRAMS {
        let state = match *name {
            "nofile" | "noexec" => "FATAL".to_owned(),
            name => name.to_uppercase(),
        };
        let copies = copies(name, copied && *has_copies).into_iter();
        for copy in copies.filter(|copy| copy != "starting-restart") {
            run.wait(&copy, &state);
        }
    }
}

/// What changes nothing, on one process.
fn looking(name: &str) -> Vec<String> {
    [
        "status N",
        "status N:N",
        "status N:*",
        "status N: nosuch",
        "status N:nosuch",
        "pid N",
        "pid N nosuch",
        "pid nosuch N",
        "tail N",
        "tail -5 N:N",
        "tail N stderr",
        "signal NOSUCH N",
        "signal 99999 N",
        "signal NOSUCH N:*",
        "clear N",
        "clear N:N",
        "add N",
        "update N",
        "start N:nosuch",
        "stop N:nosuch",
        "signal HUP N:nosuch",
    ]
    .iter()
    .map(|line| {
        line.replace('N', name)
            .replace(&format!("{name}OSUCH"), "NOSUCH")
    })
    .collect()
}

#[test]
fn commands_that_look_agree_in_each_state() {
    cross("looking in each state", |run| {
        bring_into_states(run, false);
        let mut lines: Vec<String> = PROGRAMS
            .iter()
            .flat_map(|program| looking(program.0))
            .collect();
        let of_all = [
            "status",
            "status all",
            "avail",
            "pid all",
            "reread",
            "update",
            "update all",
        ];
        lines.extend(of_all.map(str::to_owned));
        note_actions(run, &lines);
    });
}

/// The same for a shell, whose prompt stands before a bare pid.
fn looking_without_pids(name: &str) -> Vec<String> {
    let mut lines = looking(name);
    lines.retain(|line| !line.starts_with("pid "));
    lines
}

#[test]
fn commands_that_look_agree_in_each_state_when_they_come_from_a_pipe() {
    cross("looking in each state through a pipe", |run| {
        bring_into_states(run, false);
        for (name, _, _) in PROGRAMS {
            run.ctl_with_input(&[], &looking_without_pids(name).join("\n"));
        }
    });
}

#[test]
fn commands_that_look_agree_in_each_state_when_they_are_typed() {
    cross("looking in each state on a terminal", |run| {
        bring_into_states(run, false);
        for (name, _, _) in PROGRAMS {
            let mut terminal = Terminal::open(run);
            terminal.wait_prompt_below(None);
            for line in looking_without_pids(name) {
                terminal.line(&line);
            }
            terminal.pty.line("quit");
            terminal.note(run);
        }
    });
}

/// What changes a process, each on a copy of its own, and then what changes its group.
fn changing(name: &str, has_copies: bool) -> Vec<String> {
    let copy = |suffix: &str| match has_copies {
        true => format!("{name}-{suffix}"),
        false => name.to_owned(),
    };
    let mut lines: Vec<String> = CHANGES
        .iter()
        .map(|(suffix, line)| format!("{line} {}", copy(suffix)))
        .collect();
    // Nothing may wait for what never comes to an end.
    let ends = !["starting", "stopping"].contains(&name);
    let group = CHANGES_OF_GROUP.iter();
    let group = group.filter(|line| ends || !line.contains("start"));
    lines.extend(group.map(|line| line.replace('G', &copy("group"))));
    lines
}

#[test]
fn commands_that_change_agree_in_each_state() {
    cross("changing in each state", |run| {
        bring_into_states(run, true);
        let lines: Vec<Vec<String>> = PROGRAMS
            .iter()
            .map(|(name, _, has_copies)| changing(name, *has_copies))
            .collect();
        // What 4.3.0 does late it does late for all of them at once.
        let shared: &Run = run;
        let ends: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = lines
                .iter()
                .map(|lines| {
                    let shots: Vec<Shot> = lines
                        .iter()
                        .map(|line| Shot::action(shared, line))
                        .collect();
                    scope.spawn(move || fire(shared, &shots))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        for (lines, ends) in lines.iter().zip(&ends) {
            note_ends(run, lines, ends);
        }
        note_actions(run, &["status"]);
    });
}
