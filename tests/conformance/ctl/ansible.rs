//! Ansible's module `community.general.supervisorctl`, unchanged: what it returns with this
//! supervisorctl and supervisord, and with those of 4.3.0.

use super::compare;
use crate::conformance::run::Run;
use crate::support::{DEADLINE, finish, original_home};
use std::process::Command;

/// Runs the module for each line of its standard input, which holds the module's arguments
/// as Ansible gives them, and prints what it returns, without the arguments. What the module
/// imports is loaded once.
const FORKING: &str = r#"
import io, json, os, runpy, sys, tempfile
sys.path.insert(0, sys.argv[2])
import ansible.module_utils.basic

for task in sys.stdin.read().splitlines():
    given, told = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    given.write(task.encode())
    given.seek(0)
    pid = os.fork()
    if pid == 0:
        os.dup2(given.fileno(), 0)
        os.dup2(told.fileno(), 1)
        sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False))
        sys.argv = sys.argv[1:2]
        runpy.run_path(sys.argv[0], run_name="__main__")
        sys.exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    told.seek(0)
    result = json.load(told)
    result.pop("invocation", None)
    print(status, json.dumps(result, sort_keys=True), flush=True)
"#;

const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
autostart=false
startsecs=0
[program:bad]
command=/no/such/file
autostart=false
[program:m1]
command=/bin/cat
autostart=false
startsecs=0
[program:m2]
command=/bin/cat
autostart=false
startsecs=0
[group:g]
programs=m1,m2
";

const NEW: &str = "\
[program:new]
command=/bin/cat
startsecs=0
[program:n1]
command=/bin/cat
startsecs=0
[group:h]
programs=n1
";

/// Runs the module for each task: name, state, and more arguments in JSON.
fn play(run: &mut Run, tasks: &[(&str, &str, &str)]) {
    let home = original_home().join("ansible");
    let module = home.join("supervisorctl.py");
    assert!(
        module.exists(),
        "Ansible's module is not in {}: run `make test`, which brings it",
        home.display()
    );
    let program = run.ctl_kind.program("supervisorctl", &run.dir.bin());
    let lines: String = tasks
        .iter()
        .map(|(name, state, more)| {
            let comma = if more.is_empty() { "" } else { ", " };
            // What comes last counts.
            format!(
                "{{\"ANSIBLE_MODULE_ARGS\": {{\"config\": {:?}, \"supervisorctl_path\": {program:?}, \
                 \"name\": {name:?}, \"state\": {state:?}{comma}{more}}}}}\n",
                run.path("supervisord.conf")
            )
        })
        .collect();
    let mut command = Command::new(original_home().join("bin/python"));
    command
        .args(["-c", FORKING])
        .arg(&module)
        .arg(home.join("lib"));
    // Each task starts programs of Python, which take their time on a busy machine.
    let patience = DEADLINE * u32::try_from(tasks.len()).unwrap();
    let end = finish(command, &lines, patience);
    assert_eq!(end.stdout.lines().count(), tasks.len(), "{}", end.stderr);
    for ((name, state, more), result) in tasks.iter().zip(end.stdout.lines()) {
        run.note(&format!("{name} {state} {more}: {result}"));
    }
}

const CHECK: &str = "\"_ansible_check_mode\": true";

#[test]
fn the_module_of_ansible_returns_the_same() {
    compare("the module of Ansible", |run| {
        run.config(PROGRAMS);
        run.start();
        play(
            run,
            &[
                ("p", "started", CHECK),
                ("p", "started", ""),
                ("p", "started", ""),
                ("p", "started", CHECK),
                ("p", "signalled", "\"signal\": \"CONT\""),
                ("p", "signalled", "\"signal\": \"NOSUCH\""),
                ("p", "signalled", ""),
                ("p", "restarted", CHECK),
                ("p", "restarted", ""),
                ("p", "present", ""),
                ("p", "stopped", CHECK),
                ("p", "stopped", ""),
                ("p", "stopped", ""),
                ("p", "signalled", "\"signal\": \"CONT\""),
                ("bad", "started", ""),
                ("g:", "started", ""),
                ("g:", "started", ""),
                ("g:", "signalled", "\"signal\": \"CONT\""),
                ("g:", "restarted", ""),
                ("g:", "stopped", ""),
                ("g:m1", "started", ""),
                ("g", "started", ""),
                ("nosuch", "started", ""),
                ("nosuch:", "started", ""),
                ("nosuch", "restarted", ""),
                ("nosuch", "absent", ""),
                ("nosuch", "present", ""),
                ("nosuch", "present", CHECK),
                ("p", "nosuch", ""),
                ("p", "started", "\"supervisorctl_path\": \"/no/such/file\""),
                ("p", "started", "\"server_url\": \"unix:///no/such/socket\""),
                ("p", "started", "\"config\": \"/no/such/file\""),
                (
                    "p",
                    "started",
                    "\"username\": \"u\", \"password\": \"secret\"",
                ),
            ],
        );
        run.config(&format!("{PROGRAMS}{NEW}"));
        play(
            run,
            &[
                ("new", "started", ""),
                ("new", "present", CHECK),
                ("new", "present", ""),
                ("new", "present", ""),
                ("h", "present", ""),
                ("h:", "started", ""),
                ("new", "started", ""),
                ("new", "absent", ""),
                ("new", "absent", CHECK),
                ("new", "absent", "\"stop_before_removing\": true"),
                ("new", "absent", ""),
                ("h:", "absent", "\"stop_before_removing\": true"),
                ("all", "restarted", CHECK),
                ("all", "stopped", ""),
                ("all", "stopped", ""),
            ],
        );
        run.stop();
        // An action that fails has the hints of ours in its result.
        play(run, &[("p", "started", "")]);
    });
}
