//! How listeners are spoken with: readiness, answers, violations, deaths, buffers.

use super::compare;
use super::listening::{messages, note_log, note_received, pool, steps, tell, wait_received};
use crate::support::{Kind, Value};

/// The pools of the scenarios have priorities of their own: 4.3.0 takes a
/// listener of the same priority for one of its own and gives it the event, too.
fn remote(priority: usize, more: &str) -> String {
    format!("priority={priority}\nevents=REMOTE_COMMUNICATION\n{more}")
}

#[test]
fn a_conversation_is_told_at_debug_and_goes_to_the_log_of_the_listener() {
    compare("a conversation", |run| {
        run.config_with("loglevel=debug", &pool(run, "a", &remote(1, "")));
        run.start();
        run.wait("a", "RUNNING");
        for (count, text) in [(1, "one"), (2, ""), (3, "three\nlines\n")] {
            tell(run, "kind", text);
            wait_received(run, "a", count);
            run.wait_log("event was processed", count);
        }
        run.wait_log("a: ACKNOWLEDGED -> READY", 4);
        note_received(run, "a");
        note_log(run, "a");
        run.file("a.log");
        run.stop();
    });
}

#[test]
fn a_listener_is_told_nothing_before_it_is_running() {
    compare("a listener that starts", |run| {
        let slow = pool(run, "a", &remote(1, "")).replace("startsecs=0", "startsecs=1");
        run.config_with("loglevel=debug", &slow);
        run.start();
        run.wait_log("a: ACKNOWLEDGED -> READY", 1);
        tell(run, "early", "");
        tell(run, "early, too", "");
        wait_received(run, "a", 2);
        run.wait_log("event was processed", 2);
        run.wait_log("a: ACKNOWLEDGED -> READY", 3);
        note_received(run, "a");
        note_log(run, "a");
        run.stop();
    });
}

#[test]
fn a_rejected_event_comes_again_at_once_with_its_numbers() {
    compare("rejected events", |run| {
        // Odd answers, but good ones: only the number of the line counts.
        steps(
            run,
            "a",
            "say READY\\n\nreceive\nsay RESULT 4\\nFAILREADY\\n\nreceive\nsay RESULT 4\\nFAILREADY\\n\n\
             receive\nsay RESULT 2\\nOKREADY\\n\nreceive\nsay xxxxxxx2\\nOKREADY\\n\n\
             receive\nsay RESULT  +0_2 \\r\\nOKREADY\\n\nreceive\nsay RESULT 2 \\t\\nOKREADY\\n\nserve\n",
        );
        run.config_with("loglevel=debug", &pool(run, "a", &remote(1, "")));
        run.start();
        run.wait("a", "RUNNING");
        for (number, received) in [(1, 3), (2, 4), (3, 5), (4, 6), (5, 7)] {
            tell(run, &number.to_string(), "");
            wait_received(run, "a", received);
            run.wait_log("event was processed", number);
        }
        run.wait_log("a: ACKNOWLEDGED -> READY", 8);
        note_received(run, "a");
        note_log(run, "a");
        run.stop();
    });
}

#[test]
fn an_answer_that_comes_in_pieces_is_put_together() {
    compare("answers in pieces", |run| {
        steps(
            run,
            "a",
            "say REA\nwait go\nsay DY\\n\nreceive\nsay RESU\nwait more\nsay LT 2\\nO\nwait still\nsay KREADY\\n\nserve\n",
        );
        run.config_with("loglevel=debug", &pool(run, "a", &remote(1, "")));
        run.start();
        run.wait("a", "RUNNING");
        tell(run, "one", "");
        for (file, text) in [("go", "REA"), ("more", "RESU"), ("still", "LT 2\\nO'")] {
            run.wait_log(text, 1);
            run.dir.write(file, "");
        }
        run.wait_log("event was processed", 1);
        tell(run, "two", "");
        run.wait_log("event was processed", 2);
        run.wait_log("a: ACKNOWLEDGED -> READY", 3);
        note_received(run, "a");
        note_log(run, "a");
        run.file("a.log");
        run.stop();
    });
}

#[test]
fn other_answers_than_ok_and_fail_reject_the_event() {
    compare("other answers", |run| {
        steps(
            run,
            "a",
            "say READY\\n\nreceive\nsay RESULT 5\\nmaybeREADY\\n\nreceive\nsay RESULT 3\\nOK\\nREADY\\n\n\
             receive\nsay RESULT 0\\nREADY\\n\nserve\n",
        );
        run.config_with("loglevel=debug", &pool(run, "a", &remote(1, "")));
        run.start();
        run.wait("a", "RUNNING");
        tell(run, "one", "");
        run.wait_log("event was processed", 1);
        run.wait_log("a: ACKNOWLEDGED -> READY", 5);
        note_received(run, "a");
        note_log(run, "a");
        run.stop();
    });
}

#[test]
fn an_answer_of_no_bytes_is_acted_on() {
    compare("an answer of no bytes", |run| {
        steps(
            run,
            "a",
            "say READY\\n\nreceive\nsay RESULT 0\\n\ntouch answered\nwait go\nsay READY\\n\nserve\n",
        );
        run.config_with("loglevel=debug", &pool(run, "a", &remote(1, "")));
        run.start();
        run.wait("a", "RUNNING");
        tell(run, "one", "");
        run.wait_that("the listener has answered", |run| {
            let _ = run.rpc_client.call("system.listMethods", &[]);
            run.path("answered").exists()
        });
        // Whoever reads the answer has read it when the second call is answered.
        for _ in 0..2 {
            run.quiet_rpc("getState", &[]).answer();
        }
        note_log(run, "a");
        run.dir.write("go", "");
        run.wait_log("event was processed", 1);
        note_received(run, "a");
        run.stop();
    });
}

#[test]
fn who_breaks_the_protocol_is_told_nothing_until_the_next_start() {
    compare("violations", |run| {
        let violations = [
            ("short", "say READY\nserve\n"),
            ("greeting", "say hello\\n\n"),
            ("newline", "say READY\\r\\n\n"),
            ("stray", "say READY\\nx\n"),
            ("twice", "say READY\\nREADY\\n\n"),
            (
                "later",
                "say READY\\n\nwait go\nsay x\nwait gone\nsay READY\\n\nserve\n",
            ),
            (
                "number",
                "say READY\\n\nreceive\nsay RESULT two\\nOKREADY\\n\nserve\n",
            ),
            ("nothing", "say READY\\n\nreceive\nsay \\nREADY\\n\nserve\n"),
            (
                "undecodable",
                "say READY\\n\nreceive\nsay RESULT \\xff\\nREADY\\n\nserve\n",
            ),
            (
                "after",
                "say READY\\n\nreceive\nsay RESULT 2\\nOKhello\\n\nserve\n",
            ),
        ];
        let mut pools = String::new();
        for (priority, (name, script)) in violations.into_iter().enumerate() {
            steps(run, name, script);
            pools += &pool(run, name, &remote(priority, ""));
        }
        run.config_with("loglevel=debug", &pools);
        run.start();
        let names = violations.map(|(name, _)| name);
        run.wait_all(&names, "RUNNING");
        for name in ["later", "number", "nothing", "undecodable", "after"] {
            run.wait_log(&format!("{name}: ACKNOWLEDGED -> READY"), 1);
        }
        run.dir.write("go", "");
        run.wait_log("later: READY -> UNKNOWN", 1);
        run.dir.write("gone", "");
        run.wait_log("'later' stdout output:", 3);
        tell(run, "one", "");
        for name in &names[1..] {
            run.wait_log(&format!("{name}: has entered the UNKNOWN state"), 1);
        }
        tell(run, "two", "");
        // Once they are started anew all is well: what they held comes again.
        run.quiet_rpc("stopAllProcesses", &[]).answer();
        run.quiet_rpc("startAllProcesses", &[]).answer();
        for name in names {
            let is_told_again = ["number", "nothing", "undecodable"].contains(&name);
            wait_received(run, name, if is_told_again { 3 } else { 2 });
            run.wait_log(&format!("{name}: event was processed"), 2);
        }
        for name in names {
            note_received(run, name);
            note_log(run, name);
        }
        run.stop();
    });
}

#[test]
fn the_event_of_a_listener_that_dies_goes_to_its_next_life() {
    compare("listeners that die", |run| {
        steps(run, "dies", "say READY\\n\nreceive\ndie\n");
        steps(
            run,
            "killed",
            "say READY\\n\nreceive\ntouch holds\nwait never\n",
        );
        steps(
            run,
            "stopped",
            "say READY\\n\nreceive\ntouch has\nwait never\n",
        );
        run.config_with(
            "loglevel=debug",
            &[
                pool(run, "dies", &remote(1, "")),
                pool(run, "killed", &remote(2, "")),
                pool(run, "stopped", &remote(3, "")),
            ]
            .concat(),
        );
        run.start();
        run.wait_all(&["dies", "killed", "stopped"], "RUNNING");
        tell(run, "one", "");
        wait_received(run, "dies", 2);
        run.wait_that("the listeners hold an event", |run| {
            let _ = run.rpc_client.call("system.listMethods", &[]);
            run.path("holds").exists() && run.path("has").exists()
        });
        tell(run, "two", "");
        run.signal_child("killed", libc::SIGKILL);
        wait_received(run, "dies", 3);
        wait_received(run, "killed", 3);
        run.quiet_ctl("stop stopped");
        tell(run, "three", "while one is stopped");
        run.quiet_ctl("start stopped");
        wait_received(run, "stopped", 4);
        wait_received(run, "dies", 4);
        wait_received(run, "killed", 4);
        for name in ["dies", "killed", "stopped"] {
            run.wait_log(&format!("{name}: event was processed"), 3);
            note_received(run, name);
            note_log(run, name);
        }
        run.stop();
    });
}

#[test]
fn the_listeners_of_a_pool_share_its_events() {
    compare("several listeners", |run| {
        // The first keeps what it gets, the second is quick.
        steps(
            run,
            "p_0",
            "say READY\\n\nreceive\nwait go\nsay RESULT 4\\nFAIL\nwait end\nsay READY\\n\nserve\n",
        );
        steps(
            run,
            "p_1",
            "say READY\\n\nreceive\nsay RESULT 2\\nOK\nwait more\nsay READY\\n\nserve\n",
        );
        let section = pool(
            run,
            "p",
            &remote(
                1,
                "numprocs=2\nprocess_name=%(program_name)s_%(process_num)s\nbuffer_size=3",
            ),
        )
        .replace("%(here)s/p.log", "NONE");
        run.config_with("loglevel=debug", &section);
        run.start();
        run.wait_all(&["p:p_0", "p:p_1"], "RUNNING");
        run.wait_log("ACKNOWLEDGED -> READY", 2);
        tell(run, "one", "");
        wait_received(run, "p_0", 1);
        tell(run, "two", "");
        wait_received(run, "p_1", 1);
        run.wait_log("event was processed", 1);
        // Nobody is ready; what the first rejects comes before what waits.
        tell(run, "three", "");
        run.dir.write("go", "");
        run.wait_log("event was rejected", 1);
        run.dir.write("more", "");
        wait_received(run, "p_1", 3);
        run.wait_log("event was processed", 3);
        run.dir.write("end", "");
        run.wait_log("p_0: ACKNOWLEDGED -> READY", 2);
        tell(run, "four", "");
        wait_received(run, "p_0", 2);
        run.wait_log("event was processed", 4);
        for name in ["p_0", "p_1", "p"] {
            note_received(run, name);
            note_log(run, name);
        }
        run.stop();
    });
}

#[test]
fn the_oldest_event_of_a_full_buffer_is_discarded() {
    compare("overflow", |run| {
        steps(run, "a", "wait go\nsay READY\\n\nserve\n");
        steps(
            run,
            "b",
            "say READY\\n\nreceive\nwait go\nsay RESULT 4\\nFAILREADY\\n\nserve\n",
        );
        run.config_with(
            "loglevel=debug",
            &[
                pool(run, "a", &remote(1, "buffer_size=2")),
                pool(run, "b", &remote(2, "buffer_size=1")),
            ]
            .concat(),
        );
        run.start();
        run.wait_all(&["a", "b"], "RUNNING");
        tell(run, "0", "");
        wait_received(run, "b", 1);
        tell(run, "1", "");
        tell(run, "2", "");
        tell(run, "3", "");
        run.dir.write("go", "");
        wait_received(run, "a", 2);
        wait_received(run, "b", 2);
        run.wait_log("event was processed", 3);
        run.wait_log("b: ACKNOWLEDGED -> READY", 3);
        for name in ["a", "b"] {
            note_received(run, name);
            note_log(run, name);
        }
        run.stop();
    });
}

#[test]
fn a_rejected_event_goes_back_to_its_own_pool() {
    compare("a rejected event and another pool", |run| {
        steps(
            run,
            "a",
            "say READY\\n\nreceive\nsay RESULT 4\\nFAILREADY\\n\nserve\n",
        );
        run.config(
            &[
                pool(run, "a", "events=REMOTE_COMMUNICATION"),
                pool(run, "b", "events=PROCESS_STATE_FATAL,REMOTE_COMMUNICATION"),
                pool(run, "c", "events=PROCESS_STATE_FATAL"),
            ]
            .concat(),
        );
        run.start();
        run.wait_all(&["a", "b", "c"], "RUNNING");
        tell(run, "one", "");
        wait_received(run, "a", 2);
        tell(run, "two", "");
        for name in ["a", "b"] {
            run.wait_text(&format!("{name}.events"), "type:two");
        }
        if run.daemon_kind == Kind::Original {
            wait_received(run, "b", 3);
            wait_received(run, "c", 1);
        }
        note_received(run, "a");
        let count = |name| {
            let messages = messages(run, name);
            let first = messages
                .iter()
                .filter(|message| message.contains("type:one"));
            format!(
                "{name} has received the first event {} times",
                first.count()
            )
        };
        let counts = [count("b"), count("c")];
        counts.iter().for_each(|count| run.note(count));
        run.stop();
    });
}

#[test]
fn listeners_that_read_characters_waited_for_ever_for_the_rest_of_what_is_not_ascii() {
    compare("the length of a payload", |run| {
        // Its own section makes the payload of what it writes, too.
        let speaker = run.script("speaker", "while read -r line; do printf \"$line\"; done");
        run.config(&format!(
            "{}[program:p\u{f6}rt]\ncommand={speaker}\nstartsecs=0\nstdout_events_enabled=true\nstdout_logfile=NONE\n\
             [program:c\u{f6}mm]\ncommand={speaker}\nstartsecs=0\nstdout_capture_maxbytes=1KB\nstdout_logfile=NONE\n",
            pool(run, "a", "priority=1\nevents=REMOTE_COMMUNICATION,PROCESS_LOG,PROCESS_COMMUNICATION")
        ));
        run.start();
        run.wait_all(&["a", "p\u{f6}rt", "c\u{f6}mm"], "RUNNING");
        let remote = [
            ("h\u{e9}llo", "\u{20ac}"),
            ("\u{1f40d}", "e\u{301} \u{10ffff}\n"),
            ("plain", "\u{7f}\u{80}\u{7ff}\u{800}"),
        ];
        for (count, (kind, data)) in (1..).zip(remote) {
            tell(run, kind, data);
            wait_received(run, "a", count);
        }
        let spoken = [
            "caf\\303\\251 \\342\\202\\254\\n",
            // No UTF-8: whole, and in its one wrong byte.
            "\\377\\n",
            "caf\\303\\251 \\303\\n",
            "<!--XSUPERVISOR:BEGIN-->\\303\\266<!--XSUPERVISOR:END-->",
            "<!--XSUPERVISOR:BEGIN-->\\303\\266\\377<!--XSUPERVISOR:END-->",
        ];
        for (count, line) in (remote.len() + 1..).zip(spoken) {
            let name = match line.contains("BEGIN") {
                true => "c\u{f6}mm",
                false => "p\u{f6}rt",
            };
            let line = [Value::text(name), Value::text(&format!("{line}\n"))];
            run.quiet_rpc("sendProcessStdin", &line).answer();
            wait_received(run, "a", count);
        }
        note_received(run, "a");
        // The lengths as they were sent; the pids in the others are of any length.
        let events = run.dir.read("a.events").unwrap_or_default();
        for header in events.lines().filter(|line| line.contains(":REMOTE_")) {
            run.note(header);
        }
        run.stop();
    });
}

#[test]
fn standard_error_of_a_listener_is_output_like_any_other() {
    compare("standard error of a listener", |run| {
        let noisy = run.script("noisy", "echo complaint >&2; echo READY; read -r line");
        run.config(&format!(
            "{}[eventlistener:noisy]\ncommand={noisy}\npriority=1\nevents=TICK_3600\nautostart=false\nstartsecs=0\nstdout_events_enabled=true\nstderr_events_enabled=true\n\
             stdout_logfile=NONE\nstderr_logfile=%(here)s/noisy.err\n",
            pool(run, "a", "priority=2\nevents=PROCESS_LOG")
        ));
        run.start();
        run.wait("a", "RUNNING");
        run.ctl("start noisy");
        wait_received(run, "a", 1);
        run.wait_text("noisy.err", "complaint");
        note_received(run, "a");
        run.file("noisy.err");
        run.stop();
    });
}
