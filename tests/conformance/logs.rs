//! Child logs and the main log: rotation, reading, clearing.

use super::run::Run;
use super::{compare, cross};
use crate::support::Value;

/// Repeats each line that it reads on the standard input.
fn echo(run: &Run) -> String {
    run.script(
        "echo",
        "while read -r line; do printf '%s\\n' \"$line\"; done",
    )
}

/// Sends a line and waits until a log shows it.
fn say(run: &Run, process: &str, line: &str, log: &str) {
    let text = format!("{line}\n");
    run.quiet_rpc(
        "sendProcessStdin",
        &[Value::text(process), Value::text(&text)],
    )
    .answer();
    run.wait_text(log, line);
}

#[test]
fn child_logs_rotate_after_the_write_that_fills_them() {
    compare("rotation", |run| {
        let script = echo(run);
        run.config(&format!(
            "[program:two]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/two.log\nstdout_logfile_maxbytes=20\nstdout_logfile_backups=2\n\
             [program:none]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/none.log\nstdout_logfile_maxbytes=20\nstdout_logfile_backups=0\n\
             [program:never]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/never.log\nstdout_logfile_maxbytes=0\n"
        ));
        run.dir.write("never.log", "it was here before\n");
        run.dir
            .write("two.log", "an old log that is already too long\n");
        run.start();
        run.wait_all(&["two", "none", "never"], "RUNNING");
        // Every line waits for the one before: one write, one look at the size.
        say(run, "two", "first", "two.log.1");
        say(run, "two", "0123456789", "two.log");
        say(run, "two", "exactly20", "two.log.1");
        say(run, "two", "short", "two.log");
        say(run, "two", &"x".repeat(50), "two.log.1");
        say(run, "two", "last", "two.log");
        say(run, "none", "0123456789", "none.log");
        run.quiet_rpc(
            "sendProcessStdin",
            &[Value::text("none"), Value::text("abcdefghijk\n")],
        );
        run.wait_that("the log is cut", |run| {
            run.dir.read("none.log") == Some(String::new())
        });
        say(run, "none", "end", "none.log");
        say(run, "never", "0123456789012345678901234567890", "never.log");
        run.stop();
        for name in [
            "two.log",
            "two.log.1",
            "two.log.2",
            "two.log.3",
            "none.log",
            "none.log.1",
            "never.log",
            "never.log.1",
        ] {
            run.file(name);
        }
    });
}

#[test]
fn output_goes_where_the_configuration_says() {
    compare("destinations of output", |run| {
        let both = run.script("both", "echo out; echo err >&2; exec cat");
        run.config_with("identifier=me", &format!(
            "[program:apart]\ncommand={both}\nstartsecs=0\nstdout_logfile=%(here)s/apart.out\nstderr_logfile=%(here)s/apart.err\n\
             [program:joined]\ncommand={both}\nstartsecs=0\nredirect_stderr=true\nstdout_logfile=%(here)s/joined.out\nstderr_logfile=%(here)s/joined.err\n\
             [program:nowhere]\ncommand={both}\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=none\n\
             [program:auto]\ncommand={both}\nstartsecs=0\n\
             [program:autojoined]\ncommand={both}\nstartsecs=0\nredirect_stderr=true\n\
             [program:idle]\ncommand={both}\nautostart=false\n"
        ));
        run.dir
            .write("old-stdout---me-abcdefgh.log", "removed at the start");
        run.dir.write("old-stdout---you-abcdefgh.log", "stays");
        run.start();
        run.wait_all(
            &["apart", "joined", "nowhere", "auto", "autojoined"],
            "RUNNING",
        );
        run.wait_text("apart.out", "out");
        run.wait_text("apart.err", "err");
        run.wait_text("joined.out", "err");
        for name in ["apart", "joined", "nowhere", "auto", "autojoined", "idle"] {
            let info = run.info(name);
            run.note(&format!(
                "{name}: {} {} {}",
                info.text_of("logfile"),
                info.text_of("stdout_logfile"),
                info.text_of("stderr_logfile")
            ));
        }
        let auto = run.info("auto").text_of("stdout_logfile");
        let auto = auto.rsplit('/').next().unwrap().to_string();
        run.wait_text(&auto, "out");
        run.stop();
        for name in ["apart.out", "apart.err", "joined.out", "joined.err"] {
            run.file(name);
        }
        let mut names: Vec<(String, u32)> = std::fs::read_dir(run.dir.path())
            .unwrap()
            .map(|entry| {
                use std::os::unix::fs::PermissionsExt;
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().to_string_lossy().into_owned(), mode)
            })
            .filter(|(name, _)| name.contains("---"))
            .collect();
        names.sort();
        names
            .iter()
            .for_each(|(name, mode)| run.note(&format!("{name} {mode:o}")));
    });
}

#[test]
fn logs_are_read_by_offset_and_length() {
    compare("reading logs", |run| {
        let script = run.script("digits", "printf 0123456789; printf abc >&2; exec cat");
        run.config(&format!(
            "[program:p]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/p.out\nstderr_logfile=%(here)s/p.err\n\
             [program:none]\ncommand={script}\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n\
             [program:off]\ncommand={script}\nautostart=false\nstdout_logfile=%(here)s/off.out\n"
        ));
        run.start();
        run.wait_text("p.out", "9");
        run.wait_text("p.err", "c");
        let number = Value::Int;
        for (offset, length) in [
            (0, 0),
            (0, 4),
            (3, 0),
            (3, 4),
            (8, 50),
            (10, 0),
            (11, 5),
            (-4, 0),
            (-40, 0),
            (-4, 1),
            (0, -1),
            (-1, -1),
        ] {
            run.rpc(
                "readProcessStdoutLog",
                &[Value::text("p"), number(offset), number(length)],
            );
        }
        for (offset, length) in [
            (0, 5),
            (5, 5),
            (9, 5),
            (5, 6),
            (2, 1),
            (0, 100),
            (10, 5),
            (11, 5),
            (-1, 5),
            (0, 0),
            (0, -1),
        ] {
            run.rpc(
                "tailProcessStdoutLog",
                &[Value::text("p"), number(offset), number(length)],
            );
        }
        for method in [
            "readProcessLog",
            "readProcessStderrLog",
            "tailProcessLog",
            "tailProcessStderrLog",
        ] {
            run.rpc(method, &[Value::text("p"), number(0), number(100)]);
            run.rpc(method, &[Value::text("none"), number(0), number(100)]);
            run.rpc(method, &[Value::text("off"), number(0), number(100)]);
            run.rpc(method, &[Value::text("nosuch"), number(0), number(100)]);
            run.rpc(method, &[Value::text("p:*"), number(0), number(100)]);
        }
        run.rpc(
            "readProcessStdoutLog",
            &[Value::text("p"), Value::text("2"), Value::text("3")],
        );
        run.rpc("readLog", &[number(24), number(4)]);
        run.rpc("readLog", &[number(-1), number(5)]);
        run.rpc("readMainLog", &[number(1_000_000), number(0)]);
        run.stop();
    });
}

#[test]
fn tail_and_maintail_show_the_ends_of_logs() {
    cross("tail", |run| {
        let script = run.script(
            "digits",
            "printf '0123456789\\n'; printf 'on stderr' >&2; exec cat",
        );
        run.config(&format!(
            "[program:p]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/p.out\nstderr_logfile=%(here)s/p.err\n\
             [program:none]\ncommand=/bin/cat\nstdout_logfile=NONE\nstartsecs=0\n"
        ));
        run.start();
        run.wait_text("p.out", "9");
        run.wait_text("p.err", "stderr");
        run.wait("none", "RUNNING");
        for line in [
            "tail p",
            "tail p stderr",
            "tail -5 p",
            "tail -0 p",
            "tail p junk STDERR",
            "tail none",
            "tail nosuch",
            "tail p nochannel",
            "tail -x p",
            "tail -5",
            "tail",
            "tail -f p stdout more",
            "maintail -4",
            "maintail x",
            "maintail -4 x",
        ] {
            run.ctl(line);
        }
        run.stop();
    });
}

#[test]
fn clear_empties_the_logs_of_running_programs() {
    compare("clearing logs", |run| {
        let script = echo(run);
        run.config(&format!(
            "[program:p]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/p.out\nstderr_logfile=%(here)s/p.err\n\
             [program:off]\ncommand={script}\nautostart=false\nstdout_logfile=%(here)s/off.out\n"
        ));
        run.dir.write("off.out", "stays\n");
        run.dir.write("p.out.1", "backup\n");
        run.start();
        run.wait("p", "RUNNING");
        say(run, "p", "before", "p.out");
        run.ctl("clear p");
        run.file("p.out");
        say(run, "p", "after", "p.out");
        run.file("p.out");
        run.file("p.out.1");
        run.ctl("clear off nosuch g:*");
        run.file("off.out");
        run.ctl("clear");
        // The order of the answers is the order of completion.
        run.ctl("clear all");
        run.rpc("clearProcessLogs", &[Value::text("p")]);
        run.rpc("clearProcessLog", &[Value::text("p:*")]);
        run.rpc("clearAllProcessLogs", &[]);
        run.file("p.out");
        run.rpc("clearLog", &[]);
        run.file("main.log");
        let stdout = run.daemon().stdout();
        let reopened = stdout.matches("reopening log file").count();
        run.note(&format!("told on standard output {reopened} times"));
        std::fs::remove_file(run.path("main.log")).unwrap();
        run.rpc("clearLog", &[]);
        run.rpc("readLog", &[Value::Int(0), Value::Int(0)]);
        run.ctl("maintail");
        run.stop();
    });
}

#[test]
fn logs_that_cannot_be_cleared_are_told_of() {
    cross("clearing that fails", |run| {
        run.config(
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/p.out\n\
             [program:q]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/q.out\n",
        );
        run.start();
        run.wait_all(&["p", "q"], "RUNNING");
        for name in ["p.out", "main.log"] {
            std::fs::remove_file(run.path(name)).unwrap();
            std::fs::create_dir(run.path(name)).unwrap();
        }
        run.rpc("clearProcessLogs", &[Value::text("p")]);
        run.rpc("clearAllProcessLogs", &[]);
        run.rpc("clearLog", &[]);
        run.rpc("getState", &[]);
        run.ctl("clear p q");
        // Why supervisord is FATAL goes to the standard error, of ours only.
        let shown = run.quiet_ctl("status");
        run.note(&shown.stdout);
        run.note(&format!("status {:?}", shown.status));
        run.ctl("stop q");
        run.stop();
    });
}

#[test]
fn colours_are_taken_out_when_asked_for() {
    compare("strip_ansi", |run| {
        let script = run.script(
            "colours",
            "printf 'a\\033[31mred\\033[0mb\\033]x\\n'; exec cat",
        );
        run.config_with(
            "strip_ansi=true",
            &format!("[program:p]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/p.out\n"),
        );
        run.start();
        run.wait_text("p.out", "x\n");
        run.stop();
        run.file("p.out");
    });
}

#[test]
fn captured_text_stays_out_of_the_log() {
    compare("capture", |run| {
        let script = run.script(
            "captures",
            "printf 'before the capture begins <!--XSUPERVISOR:BEGIN-->secret<!--XSUPERVISOR:END--> and what comes after it, long enough\\n'; exec cat",
        );
        run.config(&format!(
            "[program:p]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/p.out\nstdout_capture_maxbytes=1KB\n\
             [program:q]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/q.out\n"
        ));
        run.start();
        run.wait_text("p.out", "enough\n");
        run.wait_text("q.out", "enough\n");
        run.stop();
        run.file("p.out");
        run.file("q.out");
    });
}

#[test]
fn the_main_log_rotates_too() {
    compare("rotation of the main log", |run| {
        run.config_with(
            "logfile_maxbytes=200\nlogfile_backups=1",
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n",
        );
        run.start();
        for _ in 0..4 {
            run.quiet_rpc("startProcess", &[Value::text("p")]).answer();
            run.quiet_rpc("stopProcess", &[Value::text("p")]).answer();
        }
        run.stop();
        let sizes: Vec<bool> = ["main.log", "main.log.1", "main.log.2"]
            .iter()
            .map(|name| run.path(name).exists())
            .collect();
        run.note(&format!("live, first and second backup: {sizes:?}"));
        let backup = run.dir.read("main.log.1").unwrap_or_default().len();
        run.note(&format!(
            "the backup is full: {}",
            (200..400).contains(&backup)
        ));
    });
}

#[test]
fn output_that_is_no_utf_8_stood_in_the_debug_log_in_other_words() {
    compare("output at debug", |run| {
        let speaker = run.script(
            "speaker",
            "while read -r verb line; do case $verb in \
             out) printf \"$line\";; err) printf \"$line\" >&2;; esac; done",
        );
        let program = |name: &str, more: &str| {
            format!(
                "[program:{name}]\ncommand={speaker}\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n{more}\n"
            )
        };
        run.config_with(
            "loglevel=debug",
            &[
                program("plain", ""),
                program("joined", "redirect_stderr=true"),
                program("told", "stdout_events_enabled=true"),
                program("kept", "stdout_capture_maxbytes=1KB"),
                program("file", "stderr_logfile=%(here)s/file.err"),
            ]
            .concat(),
        );
        run.start();
        let names = ["plain", "joined", "told", "kept", "file"];
        run.wait_all(&names, "RUNNING");
        let mut count = 0;
        for (process, line) in [
            ("plain", "out \\377\\n"),
            ("plain", "err \\377"),
            (
                "plain",
                "out caf\\303\\251 and it's \\\"\\303\\\"\\t\\000\\n",
            ),
            ("plain", "out caf\\303\\251\\n"),
            // Halves of a character, a surrogate, and a byte order mark.
            ("plain", "out \\342\\202"),
            ("plain", "out \\254\\n"),
            ("plain", "err \\355\\240\\200"),
            ("plain", "err \\376\\377\\n"),
            ("joined", "err two\\nlines \\200\\n"),
            ("told", "out \\377 told\\n"),
            (
                "kept",
                "out <!--XSUPERVISOR:BEGIN-->\\377<!--XSUPERVISOR:END-->",
            ),
            ("file", "err \\377 in a file\\n"),
        ] {
            run.quiet_rpc(
                "sendProcessStdin",
                &[Value::text(process), Value::text(&format!("{line}\n"))],
            )
            .answer();
            count += 1;
            run.wait_log(" output:", count);
        }
        let mut is_output = false;
        for line in run.lines_of_log() {
            if !line.starts_with("| ") {
                is_output = line.ends_with(" output:");
            }
            if is_output {
                run.note(&line);
            }
        }
        run.stop();
    });
}
