//! Every command of the supervisorctl of 4.3.0, unchanged, against both daemons.

use super::run::{Awake, Run};
use super::{ORIGINAL, expect_equal, run_all};
use crate::support::{Ctl, Kind, children_of, kill, subject, wait_until};
use std::process::{Child, Command, Stdio};

/// Runs the steps with the client of 4.3.0 on both daemons.
fn with_the_original_client(name: &str, steps: fn(&mut Run)) {
    let pair = (subject(), Kind::Original);
    let transcripts = run_all(steps, &[ORIGINAL, pair]);
    expect_equal(name, pair, &transcripts[0], &transcripts[1]);
}

const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
startsecs=0
stdout_logfile=%(here)s/p.log
stderr_logfile=%(here)s/p.err
[program:off]
command=/bin/cat
autostart=false
startsecs=0
[program:bad]
command=/no/such/program
autostart=false
[program:quick]
command=/bin/false
autostart=false
startretries=0
[program:m]
command=/bin/cat
startsecs=0
numprocs=2
process_name=m%(process_num)d
[group:g]
programs=m
";

const EXTRA: &str = "[program:extra]\ncommand=/bin/cat\nstartsecs=0\n";

fn begin(run: &mut Run) {
    run.config(PROGRAMS);
    run.dir.write("p.log", "0123456789\nh\u{e9}llo\n");
    run.dir.write("p.err", "errors\n");
    run.start();
    run.wait_all(&["p", "g:m0", "g:m1"], "RUNNING");
}

#[test]
fn every_command_does_the_same() {
    with_the_original_client("every command of the original client", |run| {
        begin(run);
        let _awake = Awake::new(&run.rpc_client.clone());
        // In one shell each, for a Python that starts takes long. What a shell has
        // started is stopped by the next: 4.3.0 loses a signal that comes too early.
        for lines in [
            "status\nstatus all\nstatus p\nstatus g:*\nstatus g:m0 off\nstatus nosuch\nversion\npid off\npid nosuch",
            "start p\nstart off\nstart bad\nstart quick\nstart nosuch\nstart g:*\nstart g:m0 p nosuch\nstart nosuch:*\nstart",
            "stop off\nstop off\nstop nosuch\nstop g:m0\nstop g:*\nstop nosuch:*\nstop\nrestart p\nrestart nosuch\nrestart",
            "start g:*\nrestart off\nsignal CONT p\nsignal 0 p\nsignal WINCH p\nsignal NOPE p\nsignal CONT nosuch\nsignal CONT\nsignal",
            "stop off\nsignal 0 g:*\nsignal CONT off\ntail p\ntail -6 p\ntail -6 p stderr\ntail p stdout\ntail p stderr\ntail p nosuch\ntail nosuch\n\
             tail -x p\ntail\ntail off\ntail p p p p\nmaintail -x",
            "avail\nreread\nupdate\nadd p\nadd nosuch\nadd\nremove p\nremove nosuch\nremove\nclear p\ntail p\nclear nosuch\nclear g:m0\nclear\n\
             open nosuch\nfg\nfg nosuch\nfg off\nfg p p\nhelp\nnosuch",
        ] {
            run.ctl_with_input(&[], &format!("{lines}\n"));
        }
        // A changed configuration, in all ways.
        run.config(&format!("{PROGRAMS}{EXTRA}"));
        run.ctl_with_input(&[], "reread\navail\nupdate nosuch\nupdate extra\n");
        run.wait("extra", "RUNNING");
        run.ctl("status extra");
        run.config(&PROGRAMS.replace(
            "[program:off]\ncommand=/bin/cat\n",
            "[program:off]\ncommand=/bin/cat -u\n",
        ));
        run.ctl_with_input(
            &[],
            "reread\nremove extra\nstop extra\nremove extra\nupdate\nupdate\nstatus\n",
        );
        run.config(&format!("{PROGRAMS}[program:wrong]\n"));
        run.ctl_with_input(&[], "reread\nupdate\n");
        run.config(PROGRAMS);
        run.ctl_with_input(&[], "add extra\nreload now\nshutdown now\n");
        // The order of several is this program's own.
        for line in ["stop all", "start all", "restart all"] {
            let end = run.quiet_ctl(line);
            let mut lines: Vec<&str> = end.stdout.lines().collect();
            lines.sort_unstable();
            run.note(&format!(
                "$ supervisorctl {line}\n{}\nstatus {:?}",
                lines.join("\n"),
                end.status
            ));
        }
        run.ctl("reload");
        run.wait_that("it has come again", |run| run.rpc_client.answers());
        run.wait_all(&["p", "g:m0"], "RUNNING");
        run.ctl("status p");
        run.ctl("shutdown");
        run.wait_end();
        run.ctl("status");
    });
}

/// A client whose output goes to a file, for what does not end by itself.
fn follow(run: &Run, words: &[&str], heard: &str) -> Child {
    let program = run.ctl_kind.program("supervisorctl", &run.dir.bin());
    let mut command = Command::new(program);
    command
        .arg("-c")
        .arg(run.path("supervisord.conf"))
        .args(words)
        .env("PYTHONUNBUFFERED", "1")
        .stdin(Stdio::piped())
        .stdout(std::fs::File::create(run.path(heard)).unwrap())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn logs_are_followed_and_a_process_is_taken_to_the_foreground() {
    with_the_original_client("what the original client follows", |run| {
        begin(run);
        let _awake = Awake::new(&run.rpc_client.clone());
        for (index, words) in [
            &["tail", "-f", "p"][..],
            &["tail", "-f", "p", "stdout"],
            &["maintail", "-f"],
            &["fg", "p"],
        ]
        .iter()
        .enumerate()
        {
            let heard = format!("heard{index}");
            let mut child = follow(run, words, &heard);
            run.wait_that("it has begun", |run| {
                !run.dir.read(&heard).unwrap_or_default().is_empty()
            });
            let line = format!("line {index}\n");
            if words[0] == "fg" {
                std::io::Write::write_all(child.stdin.as_mut().unwrap(), line.as_bytes()).unwrap();
            } else if words[0] == "tail" {
                let end = Ctl::new(run.ctl_kind, &run.dir).run(&["version"]);
                run.note_finished(&end);
                let text = crate::support::Value::text;
                run.quiet_rpc("sendProcessStdin", &[text("p"), text(&line)])
                    .answer();
            }
            if words[0] != "maintail" {
                run.wait_text(&heard, line.trim_end());
            }
            run.wait_that("it goes on", |_| child.try_wait().unwrap().is_none());
            kill(child.id(), libc::SIGINT);
            let ended = wait_until(crate::support::DEADLINE, || {
                child.try_wait().unwrap().is_some()
            });
            run.note(&format!("{words:?} ended: {ended}"));
        }
        assert!(!children_of(run.daemon().pid()).is_empty());
        run.ctl("status p");
        run.stop();
    });
}
