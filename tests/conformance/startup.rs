//! The start: lines of the main log, order, names, configuration errors.

use super::compare;
use super::run::Run;
use crate::support::{Outcome, is_alive, wait_for};

#[test]
fn the_main_log_tells_of_the_start_and_the_files_go_at_the_end() {
    compare("start lines", |run| {
        run.dir.write(
            "more/extra.conf",
            "[program:b]\ncommand=/bin/cat\nautostart=false\n",
        );
        run.config("[include]\nfiles=more/*.conf\n[program:a]\ncommand=/bin/cat\n");
        run.start();
        run.wait("a", "RUNNING");
        let pid_file = run.dir.read("main.pid").unwrap();
        let pid = run.daemon().pid();
        run.note(&format!(
            "the pid file holds the pid: {}",
            pid_file == format!("{pid}\n")
        ));
        run.ctl("status b");
        run.stop();
        run.log();
        let stdout = run.daemon().stdout();
        let log = run.dir.read("main.log").unwrap();
        run.note(&format!(
            "standard output repeats the log: {}",
            stdout == log
        ));
        for name in ["main.pid", "s"] {
            let there = run.path(name).exists();
            run.note(&format!("{name} is still there: {there}"));
        }
    });
}

#[test]
fn groups_start_by_priority_and_stop_one_by_one_in_reverse() {
    compare("order of groups", |run| {
        let programs: String = [("z", 1), ("b", 5), ("a", 6), ("m", 999), ("k", 20)]
            .iter()
            .map(|(name, priority)| {
                format!("[program:{name}]\ncommand=/bin/cat\nstartsecs=0\npriority={priority}\n")
            })
            .collect();
        run.config(&format!(
            "{programs}\
             [program:g1]\ncommand=/bin/cat\nstartsecs=0\npriority=9\n\
             [program:g2]\ncommand=/bin/cat\nstartsecs=0\npriority=2\n\
             [program:g3]\ncommand=/bin/cat\nstartsecs=0\npriority=9\n\
             [group:g]\nprograms=g1,g2,g3\npriority=10\n"
        ));
        run.start();
        run.wait_all(
            &["z", "a", "b", "k", "m", "g:g1", "g:g2", "g:g3"],
            "RUNNING",
        );
        run.ctl("status");
        run.stop();
        // Members of one group are signalled together: the order in which they
        // end is theirs, so only the order of the groups is compared.
        let lines = run.log_lines();
        for line in &lines {
            // The members of a group start here by priority, there as listed.
            if line.contains("spawned") && !line.contains("'g") {
                run.note(line);
            }
        }
        let order: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("WARN stopped: ")?.split(' ').next())
            .map(|name| if name.starts_with('g') { "g" } else { name })
            .collect();
        run.note(&format!("stopped: {order:?}"));
    });
}

#[test]
fn numprocs_makes_processes_that_sort_as_text() {
    compare("numprocs", |run| {
        run.config(
            "[program:p]\ncommand=/bin/cat\nstartsecs=0\nnumprocs=11\nprocess_name=%(program_name)s_%(process_num)d\n\
             [program:q]\ncommand=/bin/cat\nstartsecs=0\nnumprocs=3\nnumprocs_start=7\nprocess_name=q%(process_num)02d\nautostart=false\n\
             [program:one]\ncommand=/bin/cat\nstartsecs=0\nprocess_name=%(group_name)s-x\n",
        );
        run.start();
        run.wait_all(&["p:p_0", "p:p_10", "p:p_9", "one:one-x"], "RUNNING");
        run.ctl("status");
        run.ctl("start q:q08");
        run.ctl("status q:*");
        run.ctl("avail");
        run.stop();
        for line in run.log_lines() {
            if line.contains("spawned") {
                run.note(&line);
            }
        }
    });
}

#[test]
fn nothing_starts_by_itself_without_autostart() {
    compare("autostart off", |run| {
        run.config(
            "[program:a]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n\
             [program:a-name-that-is-longer-than-thirty-letters]\ncommand=/bin/cat\nautostart=false\n",
        );
        run.start();
        run.ctl("status");
        run.ctl("status a");
        run.rpc("getProcessInfo", &[crate::support::Value::text("a")]);
        run.ctl("start a");
        run.ctl("status a");
        run.stop();
        run.log();
    });
}

/// Configurations that cannot be used: what stands after the common sections.
const BROKEN: &[&str] = &[
    "[program:a]\n",
    "[program:a]\ncommand=/bin/cat\nstartsecs=abc\n",
    "[program:a]\ncommand=/bin/cat\nautorestart=maybe\n",
    "[program:a]\ncommand=/bin/cat\nstopsignal=NOPE\n",
    "[program:a]\ncommand=/bin/cat\nstopasgroup=true\nkillasgroup=false\n",
    "[program:a]\ncommand=/bin/cat\nnumprocs=2\n",
    "[program:a]\ncommand=/bin/cat %(nope)s\nenvironment=A=1\nuser=nosuchuser\n",
    "[program:a]\ncommand=/bin/cat\nexitcodes=0,x\n",
    "[program:a]\ncommand=/bin/cat\nstdout_logfile_maxbytes=1XB\n",
    "[group:g]\nprograms=nosuch\n",
    "[eventlistener:l]\ncommand=/bin/cat\nevents=NOPE\n",
    "[eventlistener:l]\ncommand=/bin/cat\n",
    "[inet_http_server]\nport=abc\n",
    "[inet_http_server]\nport=9001\nusername=u\n",
    "loglevel=loud\n",
    "umask=9\n",
    "minfds=many\n",
    "[program:a]\ncommand\n",
];

#[test]
fn a_broken_configuration_ends_the_start_with_status_2() {
    compare("configuration errors", |run| {
        for sections in BROKEN {
            run.note(&format!("configuration: {sections:?}"));
            run.config(sections);
            run.failing_start(&[]);
        }
        run.note("no [supervisord] section");
        run.whole_config("[program:a]\ncommand=/bin/cat\n");
        run.failing_start(&[]);
        run.note("text before any section");
        run.whole_config("x=1\n");
        run.failing_start(&[]);
        run.note("no such file");
        run.supervisord(&["-n", "-c", "missing.conf"]);
        let left = run.path("main.log").exists();
        run.note(&format!("a main log was made: {left}"));
    });
}

#[test]
fn a_daemon_goes_to_the_background_and_serves_there() {
    compare("daemonising", |run| {
        run.config_with("umask=027\ndirectory=%(here)s/home", "[program:a]\ncommand=/bin/sh -c \"umask; pwd; exec cat\"\nstdout_logfile=%(here)s/a.log\n");
        std::fs::create_dir(run.path("home")).unwrap();
        let configuration = run.path("supervisord.conf").display().to_string();
        run.supervisord(&["-c", &configuration]);
        let limit = run.deadline();
        let pid: u32 = wait_for(limit, || run.dir.read("main.pid")?.trim().parse().ok()).unwrap();
        run.wait("a", "RUNNING");
        run.wait_text("a.log", "home");
        let told = run.quiet_ctl("pid").stdout;
        run.note(&format!(
            "the pid is that of the pid file: {}",
            told == format!("{pid}\n")
        ));
        run.ctl("shutdown");
        run.wait_that("the daemon ends", |_| !is_alive(pid));
        run.file("a.log");
        let mode = |run: &Run, name: &str| {
            use std::os::unix::fs::PermissionsExt;
            let mode = run.path(name).metadata().unwrap().permissions().mode();
            format!("{name} has mode {:o}", mode & 0o7777)
        };
        let modes = [mode(run, "main.log"), mode(run, "a.log")];
        modes.iter().for_each(|line| run.note(line));
        let gone = matches!(run.quiet_rpc("getState", &[]), Outcome::Failure(_));
        run.note(&format!("nobody answers: {gone}"));
        run.log();
    });
}

#[test]
fn options_of_the_command_line_beat_the_configuration() {
    compare("options beat the file", |run| {
        run.config_with(
            "loglevel=error",
            "[program:a]\ncommand=/bin/cat\nautostart=false\n",
        );
        let log = run.path("other.log").display().to_string();
        let pid_file = run.path("other.pid").display().to_string();
        run.start_with(
            &[
                "-l", &log, "-j", &pid_file, "-e", "info", "-i", "someone", "-s",
            ],
            &[],
        );
        run.rpc("getIdentification", &[]);
        let stdout = run.daemon().stdout();
        run.note(&format!("silent: {stdout:?}"));
        let there = [
            run.path("other.pid").exists(),
            run.path("main.pid").exists(),
        ];
        run.note(&format!("pid files: {there:?}"));
        run.stop();
        let lines = run
            .dir
            .read("other.log")
            .unwrap_or_default()
            .lines()
            .count();
        run.note(&format!("{lines} lines in the other log"));
        run.file("main.log");
    });
}
