//! What supervisor-compat(7) tells under WHAT IS KEPT, as far as no other scenario has it:
//! habits of 4.3.0 that are little known, or not told in its documentation.

use super::compare;
use super::run::Run;
use crate::support::Value;
use std::fs::{Permissions, create_dir, set_permissions};
use std::os::unix::fs::PermissionsExt;

#[test]
fn commands_know_no_shell_and_are_looked_for_as_ever() {
    compare("commands of habit", |run| {
        let tool = run.dir.write("second/tool", "#!/bin/sh\nexec cat\n");
        set_permissions(tool, Permissions::from_mode(0o755)).unwrap();
        run.dir.write("first/tool/keep", "");
        run.script("shown", "echo from the daemon\\'s folder");
        create_dir(run.dir.join("work")).unwrap();
        run.dir.script("work/shown", "echo from its own folder");
        let here = run.dir.path().display().to_string();
        let once = "startsecs=0\nautorestart=false\n";
        run.config(&format!(
            "[program:words]\ncommand=/bin/echo * ~ $HOME a#b 'c;d' | cat\nstdout_logfile=%(here)s/words\n{once}\
             [program:tool]\ncommand=tool\nautostart=false\nenvironment=PATH=\"{here}/first:{here}/second\"\n\
             [program:relative]\ncommand=./shown\ndirectory={here}/work\nstdout_logfile=%(here)s/relative\n{once}\
             [program:nowhere]\ncommand=/bin/cat\ndirectory=/no/where\nstderr_logfile=%(here)s/nowhere\n{once}"
        ));
        run.start();
        run.wait_all(&["words", "relative", "nowhere"], "EXITED");
        ["words", "relative", "nowhere"]
            .iter()
            .for_each(|name| run.file(name));
        run.ctl("start tool");
        run.rpc("getProcessInfo", &[Value::text("tool")]);
        run.stop();
    });
}

#[test]
fn the_order_of_processes_and_the_logs_of_those_that_do_not_run_are_as_ever() {
    compare("order and logs", |run| {
        run.config(
            "[program:many]\ncommand=/bin/cat\nnumprocs=11\nprocess_name=p_%(process_num)d\nstartsecs=0\n\
             [program:off]\ncommand=/bin/cat\nautostart=false\n\
             [program:ended]\ncommand=/bin/echo ended\nstartsecs=0\nautorestart=false\n",
        );
        run.start();
        run.wait_log("spawned: 'p_", 11);
        run.wait("ended", "EXITED");
        let log = run.dir.read("main.log").unwrap();
        for line in log.lines() {
            if let Some((_, spawned)) = line.split_once("spawned: 'p_") {
                let (number, _) = spawned.split_once('\'').unwrap();
                run.note(number);
            }
        }
        run.ctl("clear ended");
        run.ctl("tail ended");
        let mut automatic = files(run);
        automatic.retain(|name| name.starts_with("off-"));
        automatic.iter().for_each(|name| run.note(name));
        run.ctl("stop ended");
        run.stop();
    });
}

/// Names in the directory, up to what a chance has added to them.
fn files(run: &Run) -> Vec<String> {
    let entries = run.dir.path().read_dir().unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .map(|name| name.split("---").next().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_stop_leaves_the_count_of_failed_starts_as_it_is() {
    compare("tries after a stop", |run| {
        let listener = run.script(
            "listener",
            "printf 'READY\\n'\nwhile read -r header; do\n\
             dd bs=1 count=\"${header##*len:}\" 2>/dev/null >>starts; echo >>starts\n\
             printf 'RESULT 2\\nOKREADY\\n'\ndone",
        );
        run.config(&format!(
            "[eventlistener:told]\ncommand={listener}\nevents=PROCESS_STATE_STARTING\ndirectory=%(here)s\nstartsecs=0\n\
             [program:p]\ncommand=/bin/false\nstartsecs=5\nstartretries=50\nautostart=false\n"
        ));
        run.start();
        run.wait("told", "RUNNING");
        run.ctl("start p");
        run.ctl("stop p");
        run.ctl("start p");
        let name = "processname:p groupname:p from_state:STOPPED";
        run.wait_times("starts", name, 2);
        run.ctl("stop p");
        run.stop();
        let starts = run.dir.read("starts").unwrap();
        let lines = starts.lines().filter(|line| line.starts_with(name));
        for line in lines {
            let tries: u32 = line.rsplit_once(':').unwrap().1.parse().unwrap();
            run.note(if tries == 0 { "from zero" } else { "goes on" });
        }
    });
}
