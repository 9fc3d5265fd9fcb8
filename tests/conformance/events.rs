//! What listeners are told: every type of event, to the byte, and its numbers.

use super::compare;
use super::listening::{messages, note_received, pool, tell, wait_received};
use super::run::Run;
use crate::support::Value;

/// Does what the lines on its standard input say: `out TEXT`, `err TEXT`
/// (formats of printf), `exit STATUS`.
const SPEAKER: &str = "while read -r verb rest; do case $verb in \
    out) printf \"$rest\";; err) printf \"$rest\" >&2;; exit) exit $rest;; esac; done";

fn say(run: &Run, process: &str, line: &str) {
    let line = format!("{line}\n");
    run.quiet_rpc(
        "sendProcessStdin",
        &[Value::text(process), Value::text(&line)],
    )
    .answer();
}

fn start(run: &Run, process: &str) {
    run.quiet_rpc("startProcess", &[Value::text(process)])
        .answer();
}

fn stop(run: &Run, process: &str) {
    run.quiet_rpc("stopProcess", &[Value::text(process)])
        .answer();
}

#[test]
fn what_processes_do_is_told() {
    compare("events of process states", |run| {
        let speaker = run.script("speaker", SPEAKER);
        let stubborn = run.script(
            "stubborn",
            "trap '' TERM; echo up; while :; do read -r line || sleep 1; done",
        );
        run.config(&format!(
            "{}\
             [program:p]\ncommand={speaker}\nstartsecs=0\nautostart=false\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
             [program:bad]\ncommand=/bin/false\nautostart=false\nstartsecs=10\nstartretries=1\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
             [program:gone]\ncommand=/nonexistent/program\nautostart=false\nstartretries=0\n\
             [program:stubborn]\ncommand={stubborn}\nautostart=false\nstartsecs=0\nstopwaitsecs=1\nstdout_logfile=%(here)s/stubborn.out\nstderr_logfile=NONE\n\
             [group:site]\nprograms=web\n\
             [program:web]\ncommand=/bin/cat\nprocess_name=front\nautostart=false\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
            pool(run, "all", "buffer_size=100\nevents=PROCESS_STATE,SUPERVISOR_STATE_CHANGE,PROCESS_GROUP")
        ));
        run.start();
        run.wait("all", "RUNNING");
        start(run, "site:front");
        stop(run, "site:front");
        start(run, "p");
        say(run, "p", "exit 0");
        run.wait("p", "EXITED");
        start(run, "p");
        say(run, "p", "exit 3");
        run.wait("p", "EXITED");
        start(run, "p");
        run.signal_child("p", libc::SIGKILL);
        run.wait("p", "EXITED");
        run.quiet_rpc("startProcess", &[Value::text("gone")]);
        run.quiet_rpc("startProcess", &[Value::text("bad"), Value::Bool(false)]);
        run.wait("bad", "BACKOFF");
        stop(run, "bad");
        run.quiet_rpc("startProcess", &[Value::text("bad"), Value::Bool(false)]);
        run.wait("bad", "FATAL");
        start(run, "stubborn");
        run.wait_text("stubborn.out", "up");
        run.stop();
        // How much a listener still hears in a shutdown is another matter.
        let mut messages = messages(run, "all");
        let end = messages
            .iter()
            .position(|message| message.contains("STATE_CHANGE_STOPPING"))
            .map_or(messages.len(), |at| at + 2);
        messages.truncate(end);
        messages.iter().for_each(|message| run.note(message));
    });
}

#[test]
fn what_processes_write_is_told() {
    compare("events of output", |run| {
        let speaker = run.script("speaker", SPEAKER);
        let enabled = "stdout_events_enabled=true\nstderr_events_enabled=true\nstdout_logfile=NONE\nstderr_logfile=NONE\nstartsecs=0\nautorestart=false\n";
        run.config(&format!(
            "{}\
             [program:plain]\ncommand={speaker}\n{enabled}\
             [program:joined]\ncommand={speaker}\nredirect_stderr=true\n{enabled}\
             [program:quiet]\ncommand={speaker}\nstartsecs=0\nstdout_capture_maxbytes=1KB\nstderr_capture_maxbytes=1KB\n\
             [program:captured]\ncommand={speaker}\nstdout_capture_maxbytes=100\nstderr_capture_maxbytes=1KB\n{enabled}",
            pool(run, "all", "buffer_size=100\nevents=PROCESS_LOG,PROCESS_COMMUNICATION,PROCESS_STATE_EXITED,REMOTE_COMMUNICATION")
        ));
        run.start();
        run.wait_all(&["all", "plain", "joined", "quiet", "captured"], "RUNNING");
        let message = |text: &str| format!("<!--XSUPERVISOR:BEGIN-->{text}<!--XSUPERVISOR:END-->");
        let mut count = 0;
        // What is said waits for the events of what was said before: their order counts.
        for (process, line, events) in [
            ("plain", "out one line\\n".to_string(), 1),
            ("plain", "err another: with a colon\\n\\n".to_string(), 1),
            ("plain", "out \\377\\0\\047\\n".to_string(), 1),
            ("plain", format!("out {}", message("not captured")), 1),
            ("joined", "err joined\\n".to_string(), 1),
            (
                "quiet",
                format!("out {}", message("for listeners alone")),
                1,
            ),
            ("quiet", format!("err {}", message("two\\nlines\\n")), 1),
            ("quiet", format!("out {}{}", message("a"), message("b")), 2),
            ("quiet", format!("out {}", message("\\303")), 1),
            (
                "captured",
                format!(
                    "out long enough not to be held back {}",
                    message("told twice")
                ),
                3,
            ),
            ("captured", format!("err {}", message(&"x".repeat(60))), 2),
            (
                "captured",
                "out <!--XSUPERVISOR:BEGIN-->".to_string() + &"1".repeat(60),
                1,
            ),
            ("captured", "out ".to_string() + &"2".repeat(60), 1),
            (
                "captured",
                "out ".to_string() + &"3".repeat(60) + "<!--XSUPERVISOR:END-->",
                2,
            ),
        ] {
            say(run, process, &line);
            count += events;
            wait_received(run, "all", count);
        }
        say(run, "plain", "out last words\\n\nexit 0");
        wait_received(run, "all", count + 2);
        for (kind, data) in [
            ("kind", "data"),
            ("", ""),
            ("with blanks and: colons", "two\nlines\n"),
            ("two\nlines", "ver:3.0 server:x"),
        ] {
            run.rpc(
                "sendRemoteCommEvent",
                &[Value::text(kind), Value::text(data)],
            );
        }
        wait_received(run, "all", count + 6);
        note_received(run, "all");
        run.stop();
    });
}

#[test]
fn groups_that_come_and_go_are_told() {
    compare("events of groups", |run| {
        let pools = [
            pool(
                run,
                "first",
                "priority=1\nbuffer_size=100\nevents=PROCESS_GROUP,REMOTE_COMMUNICATION",
            ),
            pool(
                run,
                "last",
                "priority=2\nbuffer_size=100\nevents=PROCESS_GROUP_ADDED,REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE_RUNNING",
            ),
        ];
        let program = |name: &str, more: &str| {
            format!(
                "[program:{name}]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n{more}"
            )
        };
        let old = [
            pools.concat(),
            program("kept", ""),
            program("changed", ""),
            program("going", ""),
        ]
        .concat();
        run.config(&old);
        run.start();
        run.wait_all(&["first", "last"], "RUNNING");
        wait_received(run, "first", 5);
        wait_received(run, "last", 5);
        run.config(
            &[
                pools.concat(),
                program("kept", ""),
                program("changed", "stopwaitsecs=5\n"),
                program("coming", ""),
            ]
            .concat(),
        );
        // What has changed is not replaced by an update of ours, which tells of nothing then.
        run.ctl("update going coming");
        run.ctl("remove changed");
        run.ctl("add changed");
        wait_received(run, "first", 9);
        run.ctl("remove coming");
        run.ctl("add coming");
        wait_received(run, "last", 8);
        // A pool that is made anew counts from 0 again; events go on.
        run.ctl("stop last");
        run.ctl("remove last");
        run.ctl("add last");
        run.wait("last", "RUNNING");
        tell(run, "here", "");
        wait_received(run, "first", 14);
        wait_received(run, "last", 10);
        note_received(run, "first");
        note_received(run, "last");
        // So does every pool after a reload.
        for name in ["first.events", "last.events"] {
            std::fs::remove_file(run.path(name)).unwrap();
        }
        run.ctl("reload");
        run.wait_that("the new listeners were told", |run| {
            let _ = run.rpc_client.call("system.listMethods", &[]);
            ["first.events", "last.events"].iter().all(|name| {
                let record = run.dir.read(name).unwrap_or_default();
                record.contains("groupname:coming")
            })
        });
        tell(run, "here", "after the reload");
        run.wait_text("first.events", "after the reload");
        run.wait_text("last.events", "after the reload");
        note_received(run, "first");
        note_received(run, "last");
        run.stop();
    });
}

#[test]
fn a_tick_comes_at_a_multiple_of_five_seconds() {
    compare("ticks", |run| {
        run.config(&pool(run, "clock", "events=TICK"));
        run.start();
        run.wait("clock", "RUNNING");
        wait_received(run, "clock", 1);
        // A longer period may have come to its end in the same moment.
        let first = messages(run, "clock").remove(0);
        run.note(&first);
        run.stop();
    });
}

#[test]
fn an_event_has_one_number_and_another_in_each_pool() {
    compare("numbers of events", |run| {
        run.config(&format!(
            "{}{}{}{}[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
            pool(run, "twice", "priority=1\nbuffer_size=100\nevents=process_state_running,PROCESS_STATE,PROCESS_STATE,REMOTE_COMMUNICATION"),
            pool(run, "remote", "priority=2\nevents=REMOTE_COMMUNICATION"),
            pool(run, "started", "priority=3\nevents= PROCESS_STATE_STARTING , REMOTE_COMMUNICATION"),
            pool(run, "nothing", "priority=4\nevents=PROCESS_LOG"),
        ));
        run.start();
        run.wait_all(&["twice", "remote", "started", "nothing"], "RUNNING");
        // Four listeners have come: STARTING once, RUNNING twice.
        wait_received(run, "twice", 12);
        tell(run, "a", "");
        start(run, "p");
        tell(run, "b", "");
        wait_received(run, "twice", 17);
        wait_received(run, "remote", 2);
        run.wait_text("started.events", "type:b");
        let count = messages(run, "twice").len();
        run.note(&format!("{count} messages"));
        for name in ["twice", "remote", "started", "nothing"] {
            note_received(run, name);
        }
        run.stop();
    });
}
