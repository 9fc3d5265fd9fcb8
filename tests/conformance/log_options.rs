//! The options of logs: which spellings mean none, what a relative path is
//! relative to, when automatic logs go, what applies to which channel.

use super::compare;
use super::run::Run;

/// Notes which logs a process is said to have.
fn note_logs(run: &mut Run, names: &[&str]) {
    for name in names {
        let info = run.info(name);
        run.note(&format!(
            "{name}: {:?} {:?} {:?}",
            info.text_of("logfile"),
            info.text_of("stdout_logfile"),
            info.text_of("stderr_logfile")
        ));
    }
}

/// How many automatic logs of each channel the directory holds.
fn note_automatic_logs(run: &mut Run, when: &str) {
    let count = |run: &Run, part: &str| {
        let entries = std::fs::read_dir(run.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().contains(part))
            .count()
    };
    let text = format!(
        "{when}: {} for stdout, {} for stderr",
        count(run, "-stdout---me-"),
        count(run, "-stderr---me-")
    );
    run.note(&text);
}

#[test]
fn the_words_for_no_log_mean_none_in_any_case() {
    compare("no log", |run| {
        let both = run.script("both", "echo out; echo err >&2; exec cat");
        let words = ["NONE", "none", "None", "off", "OFF", "Off", ""];
        let programs: String = words
            .iter()
            .enumerate()
            .map(|(number, word)| {
                format!(
                    "[program:p{number}]\ncommand={both}\nstartsecs=0\nstdout_logfile={word}\nstderr_logfile={word}\n\
                     stdout_logfile_maxbytes=5\nstdout_logfile_backups=0\n"
                )
            })
            .collect();
        run.config(&format!(
            "{programs}[program:lower]\ncommand={both}\nstartsecs=0\nstdout_logfile=auto\nstderr_logfile=Auto\n"
        ));
        run.start();
        let names = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];
        run.wait_all(&names, "RUNNING");
        run.wait("lower", "RUNNING");
        note_logs(run, &names);
        let lower = run.info("lower").text_of("stdout_logfile");
        run.note(&format!(
            "automatic: {}",
            lower.contains("/lower-stdout---")
        ));
        run.stop();
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            run.file(word);
        }
    });
}

#[test]
fn relative_paths_are_seen_from_the_directory_of_the_daemon() {
    compare("relative logs", |run| {
        let both = run.script("both", "echo out; echo err >&2; exec cat");
        std::fs::create_dir(run.path("logs")).unwrap();
        std::fs::create_dir(run.path("work")).unwrap();
        run.config(&format!(
            "[program:p]\ncommand={both}\nstartsecs=0\ndirectory=%(here)s/work\nstdout_logfile=p.out\nstderr_logfile=./logs/../logs/p.err\n\
             [program:q]\ncommand={both}\nstartsecs=0\nredirect_stderr=true\nstdout_logfile=logs/%(program_name)s_%(process_num)d.log\nstdout_logfile_backups=1\nstdout_logfile_maxbytes=1\n"
        ));
        run.start();
        run.wait_all(&["p", "q"], "RUNNING");
        run.wait_text("p.out", "out");
        run.wait_text("logs/p.err", "err");
        run.wait_that("the log is rotated", |run| {
            run.path("logs/q_0.log.1").exists()
        });
        note_logs(run, &["p", "q"]);
        run.stop();
        for name in ["p.out", "logs/p.err", "work/p.out", "work/logs/p.err"] {
            run.file(name);
        }
    });
}

/// Restarts the daemon and notes what is left of the automatic logs.
fn restarted(run: &mut Run, options: &str) {
    let both = run.script("both", "echo out; echo err >&2; exec cat");
    run.config_with(
        &format!("identifier=me\n{options}"),
        &format!(
            "[program:p]\ncommand={both}\nstartsecs=0\n\
             [program:joined]\ncommand={both}\nstartsecs=0\nredirect_stderr=true\nstderr_logfile=%(here)s/never.log\n"
        ),
    );
    run.start();
    run.wait_all(&["p", "joined"], "RUNNING");
    let old = run.info("p").text_of("stdout_logfile");
    note_automatic_logs(run, "at first");
    run.signal(libc::SIGHUP);
    run.wait_log("supervisord started with pid", 2);
    run.wait_all(&["p", "joined"], "RUNNING");
    note_automatic_logs(run, "after a restart");
    let new = run.info("p").text_of("stdout_logfile");
    run.note(&format!("another name: {}", new != old));
    let is_left = std::path::Path::new(&old).exists();
    run.note(&format!("the old one is left: {is_left}"));
    run.stop();
    note_automatic_logs(run, "after the end");
    run.file("never.log");
}

#[test]
fn automatic_logs_are_cleaned_up_at_a_restart() {
    compare("automatic logs at a restart", |run| restarted(run, ""));
}

#[test]
fn nocleanup_leaves_automatic_logs_of_the_life_before() {
    compare("automatic logs that stay", |run| {
        restarted(run, "nocleanup=true");
    });
}

#[test]
fn capture_and_colours_are_looked_after_on_both_channels() {
    compare("capture and colours on both channels", |run| {
        let script = run.script(
            "chatter",
            "for fd in 1 2; do printf 'before \\033[31mred\\033[0m <!--XSUPERVISOR:BEGIN-->secret %s<!--XSUPERVISOR:END--> and what comes after it, long enough\\n' $fd >&$fd; done; exec cat",
        );
        run.config_with(
            "strip_ansi=true",
            &format!(
                "[program:p]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/p.out\nstderr_logfile=%(here)s/p.err\n\
                 stdout_capture_maxbytes=1KB\nstderr_capture_maxbytes=1KB\n\
                 [program:half]\ncommand={script}\nstartsecs=0\nstdout_logfile=%(here)s/half.out\nstderr_logfile=%(here)s/half.err\n\
                 stderr_capture_maxbytes=1KB\n\
                 [program:joined]\ncommand={script}\nstartsecs=0\nredirect_stderr=true\nstdout_logfile=%(here)s/joined.out\n\
                 stdout_capture_maxbytes=1KB\nstderr_capture_maxbytes=1KB\n"
            ),
        );
        run.start();
        for name in ["p.out", "p.err", "half.out", "half.err"] {
            run.wait_text(name, "enough\n");
        }
        run.wait_that("both are in the log", |run| {
            run.dir
                .read("joined.out")
                .is_some_and(|text| text.matches("enough\n").count() == 2)
        });
        run.stop();
        for name in ["p.out", "p.err", "half.out", "half.err", "joined.out"] {
            run.file(name);
        }
    });
}
