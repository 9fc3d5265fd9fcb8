//! Groups and the forms of start, stop and restart.

use super::run::Run;
use super::{compare, cross};
use crate::support::Value;

const GROUPS: &str = "\
[program:a]
command=/bin/cat
startsecs=0
priority=30
[program:b]
command=/bin/cat
startsecs=0
priority=10
[program:c]
command=/bin/cat
startsecs=0
priority=20
autostart=false
[group:g]
programs=a,b,c
[program:solo]
command=/bin/cat
startsecs=0
[program:many]
command=/bin/cat
startsecs=0
autostart=false
numprocs=2
process_name=m%(process_num)d
";

fn ready(run: &Run) {
    run.wait_all(&["g:a", "g:b", "solo"], "RUNNING");
}

#[test]
fn start_stop_and_restart_take_names_groups_and_all() {
    cross("forms of start, stop, restart", |run| {
        run.config(GROUPS);
        run.start();
        ready(run);
        for line in [
            "start g:c solo nosuch",
            "start g:*",
            "stop g:a",
            "start g: nosuch:*",
            "stop solo:solo solo g",
            "restart solo g:b nosuch nosuch:*",
            "start all",
            "start",
            "stop",
            "restart",
            "stop nosuch:* g:nosuch :",
        ] {
            run.ctl(line);
        }
        // The order of completion is left to chance.
        let mut lines: Vec<String> = run
            .quiet_ctl("stop all")
            .stdout
            .lines()
            .map(ToString::to_string)
            .collect();
        lines.sort();
        lines.iter().for_each(|line| run.note(line));
        run.ctl("stop all");
        run.ctl("status");
        run.stop();
    });
}

#[test]
fn members_start_by_priority_on_request() {
    compare("order in a group", |run| {
        run.config(GROUPS);
        run.start();
        ready(run);
        run.rpc("stopProcessGroup", &[Value::text("nosuch")]);
        run.quiet_rpc("stopProcessGroup", &[Value::text("g")])
            .answer();
        run.rpc("stopProcessGroup", &[Value::text("g")]);
        run.rpc("startProcessGroup", &[Value::text("g"), Value::Bool(false)]);
        run.wait_all(&["g:a", "g:b", "g:c"], "RUNNING");
        run.rpc("startProcessGroup", &[Value::text("g")]);
        run.rpc("startProcessGroup", &[Value::text("g:*")]);
        run.rpc("startProcess", &[Value::text("many:*"), Value::Bool(false)]);
        // The order of results is this program's own.
        let parameters = [Value::text("many:*"), Value::Bool(false)];
        run.quiet_rpc("stopProcess", &parameters).answer();
        run.wait_all(&["many:m0", "many:m1"], "STOPPED");
        run.quiet_rpc("stopAllProcesses", &[]).answer();
        run.rpc("stopAllProcesses", &[]);
        run.rpc("startAllProcesses", &[Value::Bool(false)]);
        run.wait_all(
            &["g:a", "g:b", "g:c", "solo", "many:m0", "many:m1"],
            "RUNNING",
        );
        run.rpc("startAllProcesses", &[]);
        run.rpc("getAllProcessInfo", &[]);
        run.stop();
        // Starts are in order, ends are not; at boot 4.3.0 starts members as they are listed.
        let lines = run.log_lines();
        let spawned = lines.iter().filter(|line| line.contains("spawned"));
        for line in spawned.skip(3) {
            run.note(line);
        }
    });
}

#[test]
fn a_group_start_tells_of_each_failure() {
    compare("failures in a group", |run| {
        let fails = run.script("fails", "exit 3");
        run.config(&format!(
            "[program:good]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\npriority=1\n\
             [program:missing]\ncommand=/no/such/program\nautostart=false\nstartretries=0\npriority=2\n\
             [program:quick]\ncommand={fails}\nautostart=false\nstartsecs=5\nstartretries=0\npriority=3\n\
             [group:g]\nprograms=good,missing,quick\n"
        ));
        run.start();
        run.rpc("startProcessGroup", &[Value::text("g")]);
        run.ctl("status");
        run.stop();
        run.log_of(&["good", "missing", "quick"]);
    });
}
