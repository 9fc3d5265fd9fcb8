//! Shell scripts of the kinds that control supervisord from outside: an init script, a health
//! check, a deployment. They cut and match what supervisorctl prints, and go by its exit status.

use super::compare;
use crate::conformance::run::Run;
use crate::support::{DEADLINE, finish};
use std::process::Command;

/// `script start|stop|restart|status NAME`
const INIT: &str = r#"
running() { ctl status "$1" | grep -q '^[^ ]* *RUNNING '; }
case $1 in
start)
    if running "$2"; then echo "$2 is already running"; exit 0; fi
    out=$(ctl start "$2") || { echo "FAILED: $out"; exit 1; }
    echo "$out" | grep -q ': started$' && echo "started $2" ;;
stop)
    case $(ctl stop "$2" 2>&1) in
    *': stopped') echo "stopped $2" ;;
    *'ERROR (not running)') echo "$2 was not running" ;;
    *'ERROR (no such process)') echo "what is $2?"; exit 5 ;;
    *) exit 1 ;;
    esac ;;
restart)
    ctl restart "$2" | sed "s/^[^:]*: //" ;;
status)
    ctl status "$2" > /dev/null 2>&1
    case $? in
    0) echo "$2 is running" ;;
    3) echo "$2 is stopped"; exit 3 ;;
    *) echo "$2 is unknown"; exit 4 ;;
    esac ;;
esac
"#;

/// Prints what is down, and how many are up.
const HEALTH: &str = r#"
all=$(ctl status)
echo "$all" | awk '$2 != "RUNNING" { print "down: " $1 " (" $2 ")" }'
echo "up: $(echo "$all" | grep -c RUNNING)"
echo "columns: $(echo "$all" | cut -c34-43 | sort -u | tr -d ' ' | tr '\n' ' ')"
for name in p g:m1 off; do
    pid=$(ctl pid $name) && kill -0 "$pid" && echo "$name lives" || echo "$name: $?"
done
ctl status | grep -E 'FATAL|EXITED|BACKOFF' > /dev/null && exit 2
echo "$all" | awk '{ print $4 }' | grep -q '^[0-9]*,$' && echo "pids are in the fourth field"
case $(ctl status nosuch) in *'ERROR (no such process)'*) echo "nosuch is not there" ;; esac
[ "$(ctl version)" = 4.3.0 ] && echo "the version is known"
"#;

/// Puts what is new into effect and restarts the group, waiting until all of it is up.
const DEPLOY: &str = r#"
ctl reread | while read -r group word; do echo "${group%:} is $word"; done
[ "$(ctl reread)" = 'No config updates to processes' ] && echo "nothing new"
ctl update | grep -E '(added|updated|removed) process group$' | sort
[ -z "$(ctl update)" ] && echo "up to date"
ctl restart 'g:*' | sort | uniq -c | awk '{ print $1, $2, $3 }'
until ctl status 'g:*' | awk '$2 != "RUNNING" { bad = 1 } END { exit bad }'; do sleep 0.1; done
ctl status 'g:*' > /dev/null && echo "the group runs"
ctl status | awk '{ print $1, $2 }'
"#;

fn run_script(run: &mut Run, name: &str, body: &str, words: &[&str]) {
    let program = run.ctl_kind.program("supervisorctl", &run.dir.bin());
    let configuration = run.path("supervisord.conf");
    let body = format!(
        "ctl() {{ {} -c {} \"$@\"; }}\n{body}",
        program.display(),
        configuration.display()
    );
    let mut command = Command::new(run.script(name, &body));
    command.args(words);
    let end = finish(command, "", 2 * DEADLINE);
    run.note(&format!("$ {name} {}", words.join(" ")));
    run.note_finished(&end);
}

const PROGRAMS: &str = "\
[program:p]
command=/bin/cat
startsecs=0
[program:off]
command=/bin/cat
startsecs=0
autostart=false
[program:bad]
command=/no/such/file
autostart=false
[program:m1]
command=/bin/cat
startsecs=0
[program:m2]
command=/bin/cat
startsecs=0
[group:g]
programs=m1,m2
";

#[test]
fn scripts_around_supervisorctl_work_unchanged() {
    compare("shell scripts", |run| {
        run.config(PROGRAMS);
        run.start();
        run.wait_all(&["p", "g:m1", "g:m2"], "RUNNING");
        run_script(run, "health", HEALTH, &[]);
        for words in [
            ["status", "p"],
            ["status", "off"],
            ["status", "nosuch"],
            ["start", "p"],
            ["start", "off"],
            ["start", "bad"],
            ["start", "nosuch"],
            ["restart", "p"],
            ["restart", "bad"],
            ["stop", "p"],
            ["stop", "p"],
            ["stop", "nosuch"],
            ["stop", "nosuch:*"],
            ["status", "p"],
            // What was started by request is up again after an update.
            ["stop", "off"],
        ] {
            run_script(run, "init", INIT, &words);
        }
        let changed = PROGRAMS.replace("[program:off]\n", "[program:off]\npriority=5\n");
        let changed = changed.replace(
            "[program:bad]\ncommand=/no/such/file\nautostart=false\n",
            "",
        );
        run.config(&format!(
            "{changed}[program:new]\ncommand=/bin/cat\nstartsecs=0\n"
        ));
        run_script(run, "deploy", DEPLOY, &[]);
        run.stop();
        run_script(run, "health", HEALTH, &[]);
        run_script(run, "init", INIT, &["status", "p"]);
        run_script(run, "init", INIT, &["start", "p"]);
    });
}
